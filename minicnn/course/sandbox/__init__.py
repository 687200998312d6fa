"""Where code of students runs: in a process of its own, which is asked to call functions and answers with plain values.

The tests, the seeds and the right answers stay in the process that asks. What the code does to its own process (replacing NumPy's functions, ending it, filling
its memory) makes its answers there wrong, and no other. How far the process itself is shut in, and how far not, `guard.py` says.

    wire.py        values as bytes, without pickle
    served.py      the process of the student: its loop, and the objects that it keeps
    guard.py       what that process may not do: its limits, and the modules that are out of bounds
    deadline.py    reading answers that may never come
    student.py     the other side: start it, call functions in it, and what went wrong in words
"""
