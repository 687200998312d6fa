"""Code of students in a process of its own: what it gives back, and that it spoils nothing, whatever it does."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from minicnn.course.sandbox.student import Limits, Student, StudentError

SOON = Limits(seconds=30, memory=2**29)
SOONER = Limits(seconds=4, memory=2**29)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="limits of the system are POSIX's")


ANSWER_FIRST = """
import sys
frame = sys._getframe()
while "sink" not in frame.f_locals:
    frame = frame.f_back
frame.f_globals["write_message"](frame.f_locals["sink"], {})
"""


def ask(source, function="f", *args, limits=SOON, **options):
    with Student([("cell 3", source)], file="a.ipynb", limits=limits, **options) as student:
        return getattr(student, function)(*args)


def test_functions_values_and_objects():
    source = """
import numpy as np

CONSTANT = 3

def f(x, *, scale=1):
    return {"y": scale * x, "parts": (x.sum(), [None, "text"])}

class Value:
    def __init__(self, data):
        self.data = data

    def __mul__(self, other):
        return Value(self.data * getattr(other, "data", other))

    __rmul__ = __mul__

    def __len__(self):
        return 7
"""
    with Student([("cell 1", source)], file="a.ipynb", limits=SOON, objects=True) as student:
        found = student.f(np.arange(3.0), scale=2)
        np.testing.assert_array_equal(found["y"], [0.0, 2, 4], strict=True)
        assert found["parts"] == (3.0, [None, "text"])
        assert student.CONSTANT == 3
        a, b = student.Value(2.0), student.Value(5.0)
        assert ((3 * a) * b).data == 30
        a.data = 10.0
        assert ((a * b).data, len(a), repr(a)) == (50, 7, "<Value of the student>")
        assert student.problems == {}
        assert not student.ended
    assert student.ended


@pytest.mark.parametrize(("body", "said"), [
    ("raise NotImplementedError", r"^not written yet: f\(\) raises NotImplementedError$"),
    ("return 1 / 0", r"^ZeroDivisionError: division by zero\n  a\.ipynb, cell 3, line 2, in f: return 1 / 0$"),
    ("x += 1", r"^ValueError: f has changed its argument 1 in place; make a new array instead"),
    ("import sys; sys.exit()", "^SystemExit"),
    ("raise KeyboardInterrupt", "^KeyboardInterrupt"),
    ("import os; os._exit(3)", r"^your code has ended the process in which it is checked, with exit code 3$"),
    ("return f(x)", "^RecursionError"),
    ("import torch.nn as nn; nn.Linear(2, 3)", r"^ImportError: torch.nn is out of bounds while your code is checked: write it yourself, with NumPy"),
    ("from minicnn.ops import conv2d", "^ImportError: minicnn.ops is out of bounds"),
    ("import minicnn; minicnn.ops", "^ImportError: minicnn is out of bounds"),
    ("import minicnn.course.questions as q; q.Question", "^ImportError: minicnn.course.questions is out of bounds"),
    ("import socket; socket.create_connection(('127.0.0.1', 9))", "^PermissionError: socket.* is out of bounds"),
    ("import subprocess; subprocess.run(['true'])", "^PermissionError: subprocess.* is out of bounds"),
    ("import os; os.system('true')", "^PermissionError: os.system"),
    ("import os; os.kill(os.getppid(), 9)", "^PermissionError: os.kill"),
    ("open('/etc/hostname', 'a')", r"^PermissionError: '/etc/hostname' may not be written"),
    ("open(SECRET).read()", r"^PermissionError: '.*secret' may not be read"),
    ("open(minicnn.__file__).read()", "^ImportError|^AttributeError"),
    ("import pathlib, sys; pathlib.Path(sys.modules['__main__'].__file__).write_text('')", "^PermissionError"),
    ("a = []\n    for _ in range(10**5): a = [a]\n    return a", "^WireError: lists and dicts more than 40 deep"),
])  # fmt: skip
def test_what_goes_wrong_is_said(body, said, tmp_path):
    (tmp_path / "secret").write_text("the answer")
    with pytest.raises(StudentError, match=said):
        ask(f"def f(x):\n    {body}\nimport minicnn\nSECRET = {str(tmp_path / 'secret')!r}", "f", np.zeros(2))


@POSIX
@pytest.mark.parametrize(("body", "said"), [
    ("while True: pass", "took longer than 4 seconds|processor time"),
    ("import time; time.sleep(60)", "took longer than 4 seconds"),
    ("return len(bytearray(2**30))", "^MemoryError"),
    ("import os\n    while True: os.fork()", "^PermissionError: os.fork"),
])  # fmt: skip
def test_limits(body, said):
    with pytest.raises(StudentError, match=said):
        ask(f"def f():\n    {body}", limits=SOONER)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are started by Linux's own function")
def test_a_process_that_keeps_the_channel_open_holds_nobody_up():
    """It has a session of its own, so that nobody ends it either: it ends by itself."""
    source = """
import os, sys, _posixsubprocess
frame = sys._getframe()
while "sink" not in frame.f_locals:
    frame = frame.f_back
os.set_inheritable(frame.f_locals["sink"].fileno(), True)
def f():
    r, w = os.pipe()
    _posixsubprocess.fork_exec([b"sleep", b"20"], (b"/bin/sleep", b"/usr/bin/sleep"), False, (), None, None, -1, -1, -1, -1, -1, -1, r, w, False, True, -1, None, None, None, -1, None, False)
    os._exit(0)
"""
    start = time.monotonic()
    with pytest.raises(StudentError, match=r"took longer than 4 seconds|has ended the process|PermissionError|BlockingIOError|TypeError|Function not implemented"):
        ask(source, limits=SOONER)
    assert time.monotonic() - start < 12


def test_an_answer_that_never_comes(tmp_path):
    """The grader is killed: the code of the student does not live on."""
    script = "import sys\nfrom minicnn.course.sandbox.student import Limits, Student\nstudent = Student([('c', 'import os\\ndef f():\\n    return os.getpid()')], file='a', limits=Limits(seconds=60))\nprint(student.f(), flush=True)\nstudent.ask('name', 'f')\nimport time\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as grader:
        number = int(grader.stdout.readline())
        grader.kill()
    for _ in range(100):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the process of the student is still there")


def test_what_is_printed_is_kept_up_to_a_limit():
    with Student([("cell 1", "def f():\n    print('here', flush=True)\n    for _ in range(100): print('x' * 10000)")], file="a.ipynb", limits=SOON) as student:
        student.f()
    assert student.printed.startswith("here\nxxxx")
    assert len(student.printed) == 20_000


def test_writing_into_the_channel_is_no_answer():
    source = "import os\ndef f():\n    for number in range(3, 20):\n        try:\n            os.write(number, b'garbage of some length')\n        except OSError:\n            pass\n    return 1"
    with pytest.raises(StudentError, match="your code has"):
        ask(source)


def test_objects_can_be_handed_back_and_not_looked_into():
    source = "class Yes:\n    shape, data = (2,), 3\n    def __ne__(self, other):\n        return False\n    def __lt__(self, other):\n        return True\ndef f():\n    return Yes()\ndef g(x):\n    return x.data"
    with Student([("cell 1", source)], file="a.ipynb", limits=SOON) as student:
        yes = student.f()
        assert student.g(yes) == 3
        assert yes != 5
        for look in (lambda: yes.shape, lambda: yes < 3, lambda: yes + 1, lambda: yes[0], lambda: len(yes)):
            with pytest.raises((AttributeError, TypeError)):
                look()


@pytest.mark.parametrize("answer", ["{'x': 1}", "5", "{'problems': {'c': 3}}", "{'problems': {'c': {'type': 1}}}", "None"])
def test_an_answer_before_anybody_asked(answer):
    with pytest.raises(StudentError, match="has written into the channel"):
        ask(ANSWER_FIRST.format(answer))


def test_a_number_that_is_too_long_for_words():
    with pytest.raises(StudentError, match="ValueError: Exceeds the limit"):
        ask("def f():\n    return 10**5000")


def test_a_cell_that_fails_does_not_stop_the_others():
    cells = [("cell 1", "def f(:"), ("cell 2", "1 / 0"), ("cell 3", "def g():\n    return 3")]
    with Student(cells, file="a.ipynb", limits=SOON) as student:
        assert student.g() == 3
        with pytest.raises(StudentError, match=r"^there is no f; cell 1 did not run to its end: SyntaxError"):
            student.f()
        assert list(student.problems) == ["cell 1", "cell 2"]


def test_nothing_is_told_and_nothing_left(monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    source = "import os, sys\ndef f():\n    return os.getcwd(), dict(os.environ), [name for name in sys.modules if 'minicnn' in name]"
    with Student([("cell 1", source)], file="a.ipynb", limits=SOON) as student:
        folder, environment, modules = student.f()
    assert (folder, modules) == (os.sep, [])
    assert "SECRET" not in environment
    with pytest.raises(ProcessLookupError):
        os.kill(student._process.number, 0)


def test_modules_that_are_only_forgotten_do_no_harm():
    """Also Python's own, which look for what is not there."""
    source = "import matplotlib.pyplot as plt, copy, unittest.mock, decimal, hashlib, urllib.request\nimport torch.nn.functional\ndef f():\n    return copy.copy(3)"
    with Student([("cell 1", source)], file="a.ipynb", limits=SOON) as student:
        assert (student.f(), student.problems) == (3, {})


def test_what_is_provided_stays_as_it_was():
    """For whoever asks; the cells may write over it for themselves."""
    provided = [("given", "def one():\n    return two() - 1"), ("given", "def two():\n    return 2")]
    with Student([("cell 1", "def two():\n    return 20\ndef one():\n    return 10\ndef f():\n    return one(), two()")], file="a.ipynb", provided=provided, limits=SOON) as student:
        assert (student.one(), student.two(), student.f()) == (1, 2, (10, 20))


def test_what_is_provided_must_run():
    with pytest.raises(StudentError, match="what comes with the assignment does not run: ZeroDivisionError"):
        ask("", provided=[("given", "1 / 0")])


def test_the_same_random_numbers_and_hashes_in_every_run():
    source = "import random\ndef f():\n    return hash('text')"
    assert ask(source) == ask(source)
