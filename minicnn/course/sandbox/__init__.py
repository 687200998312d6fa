"""Where code of students runs: in a process of its own, which is asked to call functions and answers with plain values.

The tests, the seeds and the right answers stay in the process that asks. What the code does to its own process (replacing NumPy's functions, ending it, filling
its memory) makes its answers there wrong, and no other.

    student.py     outside: call functions in the process, and what went wrong in words
    process.py     the process as the system sees it: its messages, its time, its end
    handle.py      objects that stay inside, as seen from outside
    deadline.py    reading answers that may never come
    wire.py        values as bytes, without pickle
    start.py       inside: the beginning of the process
    served.py      its loop, and the objects that it keeps
    guard.py       shutting it in, in the right order
    landlock.py    the wall around files
    seccomp.py     the wall around everything else that one asks a kernel for
    bounds.py      what is out of bounds, in sentences
"""
