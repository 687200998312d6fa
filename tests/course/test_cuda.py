"""Kernels that students write as texts: compiled and run in a process of their own."""

import os
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from minicnn import cuda as machine
from minicnn.course import cuda
from minicnn.course.assignment import SOLUTION, load_assignment
from minicnn.course.compiled import compiled
from minicnn.course.cuda import Kernels, kernels_of, launch
from minicnn.course.questions import WrongAnswer
from minicnn.course.sandbox.student import Limits, Student, StudentError
from minicnn.course.submission import cell
from minicnn.errors import SimulatorError
from minicnn.kernels.cuda.simulator import get_thread_order
from tests.course import tiny

TEXT = r"""
extern "C" __global__ void twice(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 2 * x[i];
}

extern "C" __global__ void behind(const float* x, float* y, int n) {
  y[threadIdx.x] = x[threadIdx.x + n];
}

extern "C" __global__ void turned(const float* x, float* y) {
  __shared__ float stored[64];
  stored[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = stored[63 - threadIdx.x];
}

extern "C" __global__ void casts(const float* x) { ((float*)x)[0] = 1; }

extern "C" __global__ void waits(int n) {
  volatile int forever = n;
  while (forever) {
  }
}

extern "C" __global__ void ends(int n) { *(volatile int*)(long long)n = 1; }
"""
X = np.arange(64, dtype=np.float32)
X.setflags(write=False)


def unwritten(count=64):
    return np.full(count, np.nan, np.float32)


@pytest.fixture(scope="module")
def kernels():
    kernels = Kernels(TEXT, "TEXT", unchecked=True)
    yield kernels
    kernels.close()


@pytest.mark.parametrize("order", cuda.ORDERS)
@pytest.mark.parametrize("check", [True, False])
def test_a_kernel_runs(kernels, order, check):
    launched = kernels.launch("twice", (3,), (32,), (X, unwritten(), 64), order=order, seed=3, check=check)
    np.testing.assert_array_equal(launched.outputs, [2 * X])
    assert [(t.read, t.written) for t in launched.traffic] == ([(256, 0), (0, 256), (0, 0)] if check else [])


@pytest.mark.parametrize(("kernel", "arguments", "check", "said"), [
    ("behind", (X, unwritten(), 1), True, r"^TEXT\.cu:8: behind, .*thread \(63, 0, 0\): reads 4 bytes at index 64 of argument 1, `const float\* x`, which has 64 elements\n  launched as behind\(array"),
    ("turned", (X, unwritten()), True, r"^TEXT\.cu:14: turned, .*reads (shared memory that no thread of the block has written yet|what thread)"),
    ("casts", (X,), True, "writes to argument 1, `const float[*] x`, whose array is read-only"),
    ("casts", (X,), False, r"casts has changed an array of shape \(64,\) that it may only read"),
    ("ends", (0,), True, "writes 4 bytes at a null pointer"),
    ("ends", (0,), False, "reads or writes at a null pointer"),
    ("twice", (X, unwritten()), True, "twice takes 3 arguments .* and 2 were given"),
    ("thrice", (), True, r"TEXT\.cu has no kernel 'thrice'"),
], ids=range(8))  # fmt: skip
def test_mistakes_in_the_words_of_the_simulator(kernels, kernel, arguments, check, said):
    with pytest.raises(WrongAnswer, match=said):
        kernels.launch(kernel, (1,), (64,), arguments, check=check)
    assert not kernels.ended  # it has spoilt itself only
    assert np.isfinite(kernels.launch("twice", (1,), (64,), (X, unwritten(), 64)).outputs).all()


def test_a_race_shows_in_one_order_and_not_in_the_other(kernels):
    y = {order: kernels.launch("turned", (1,), (64,), (X, unwritten()), order=order, check=False).outputs[0] for order in ("forward", "reverse")}
    assert np.isnan(y["forward"]).sum() == np.isnan(y["reverse"]).sum() == 32
    assert np.isnan(y["forward"][0])
    assert np.isfinite(y["reverse"][0])


KERNEL = 'extern "C" __global__ void f() {}\n'


@pytest.mark.parametrize(("text", "what"), [
    ("__attribute__((constructor)) void g() {}", "__attribute"), ("int g(void* p) { return __builtin_trap(), 1; }", "__builtin"), ('asm("nop");', "asm"), ("#include <unistd.h>", "#include"),
    ('  # \t include "x.h"', "#include"), ("void g() { simulator::arrays[0].read = 0; }", "simulator's own"), ("#define SIMULATOR_X 1", "simulator's own"), ("#define A(x) simu##x", "##"),
    ("#define A(x) simu%:%:x", "##"), ('extern "C" int socket(int, int, int);', "extern"), ("extern int x;", "extern"), ("#pragma GCC optimize (0)", "#pragma"), ("int simu\\\nlator;", "simulator's own"),
    ("int \\u0073imulator;", "u"),
])  # fmt: skip
def test_what_leads_out_of_a_kernel_is_refused(text, what):
    with pytest.raises(SimulatorError, match=f"^T.cu: .*{what}.* is not for the kernels of an assignment"):
        compiled(KERNEL + text, "T", unchecked=False)


def test_what_runs_when_a_text_is_loaded_is_shut_in_as_well(monkeypatch):
    """Loading comes after the doors are closed, also of a text in which nothing was refused."""
    monkeypatch.setattr(cuda, "DRIVER", f"from minicnn.course import compiled\ncompiled.FOREIGN.clear()\n{cuda.DRIVER}")
    text = """
extern "C" { int socket(int, int, int); int fork(); int kill(int, int); int getppid(); int open(const char*, int, ...); }
static int tried[4] = {socket(2, 1, 0), fork(), kill(getppid(), 0), open("/etc/passwd", 0)};
extern "C" __global__ void f(int* y) { for (int i = 0; i < 4; i++) y[i] = tried[i]; }
"""
    with closing(Kernels(text, "T")) as kernels:
        assert kernels.launch("f", (1,), (1,), (np.zeros(4, np.int32),)).outputs[0].tolist() == [-1, -1, -1, -1]


def test_a_text_that_does_not_compile():
    with pytest.raises(WrongAnswer, match=r"^T\.cu does not compile: T\.cu:2:10: error: expected primary-expression"):
        Kernels('extern "C" __global__ void f(float* x) {\n  x[0] = ;\n}', "T")


def student(source):
    return Student([("cell 1", source)], file="a.ipynb", limits=Limits(seconds=60, memory=2**29))


def test_texts_of_a_student_are_compiled_once_and_end_with_him():
    with student(f"TEXT = {TEXT!r}") as one:
        kernels = kernels_of(one, "TEXT")
        assert kernels_of(one, "TEXT") is kernels
        assert kernels.launch("twice", (1,), (1,), (X[:1], unwritten(1), 1)).outputs == [0]
        number = kernels._process._process.number
        kernels.close()
        again = kernels_of(one, "TEXT")  # its process has ended: a new one
        assert again is not kernels
        assert not again.ended
    assert kernels.ended
    assert again.ended
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_what_is_no_text():
    source = """
NUMBER = 5
LONG = "x" * 30000
ODD = "\\ud800"
NBGRADERS = "  # YOUR CODE HERE\\n  raise NotImplementedError()"
OURS = '  #error "not written yet: YOUR CODE HERE"'
"""
    said = {
        "NUMBER": "^NUMBER must be a text, .* and is a int$", "LONG": "^LONG must be a text of up to 20,000 characters .* has 30,000$", "ODD": "that a file can hold",
        "NBGRADERS": "^not written yet: NBGRADERS$", "OURS": "^not written yet: OURS$", "NONE": "^not written yet: there is no NONE$",
    }  # fmt: skip
    with student(source) as one:
        for name, words in said.items():
            with pytest.raises((WrongAnswer, StudentError), match=words):
                kernels_of(one, name)


def test_without_a_compiler_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(machine.machine, "compiler", lambda: None)
    with student("TEXT = 'int x;'") as one, pytest.raises(WrongAnswer, match=r"^TEXT cannot be checked on this computer: .* needs a C\+\+ compiler, g\+\+ or clang\+\+: sudo apt install g\+\+"):
        kernels_of(one, "TEXT")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are ended by Linux's signals")
def test_an_endless_loop_ends(monkeypatch):
    monkeypatch.setattr(cuda, "LIMITS", Limits(seconds=5, memory=2**30))
    start = time.monotonic()
    with pytest.raises(StudentError, match=r"it took longer than 5 seconds.*: an endless loop"), closing(Kernels(TEXT, "TEXT")) as kernels:
        kernels.launch("waits", (1,), (1,), (1,))
    assert time.monotonic() - start < 12


def test_in_a_notebook():
    y = unwritten()
    traffic = launch(TEXT, "twice", (2,), (32,), (X, y, 64), order="reverse")
    np.testing.assert_array_equal(y, 2 * X)
    assert (traffic[0].read, traffic[1].written) == (256, 256)
    assert get_thread_order() == ("forward", 0)
    with pytest.raises(SimulatorError, match=r"^BEHIND\.cu:8: behind"):
        launch(TEXT, "behind", (1,), (64,), (X, y, 1))
    with pytest.raises(NotImplementedError, match="not written yet: F"):
        launch('#error "not written yet: YOUR CODE HERE"', "f", (1,), (1,), ())


def test_solutions_in_a_kernel_are_released_as_an_error_of_the_compiler(tmp_path):
    pytest.importorskip("jupytext")
    source = tiny.SOURCE.replace("    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", '    text = r"""\n      // BEGIN SOLUTION\n      y[i] = x[i];\n      // END SOLUTION\n    """')
    found = next(each for each in load_assignment(tiny.write(tmp_path, source=source)).cells if each.question == "double")
    assert '\n      #error "not written yet: YOUR CODE HERE"\n    """' in found.released
    assert "y[i]" not in found.released
    assert '\n      y[i] = x[i];\n    """' in found.source
    assert SOLUTION.search("### BEGIN SOLUTION\nx\n// END SOLUTION\n") is None


def test_lines_of_a_text_are_not_taken_for_those_of_ipython():
    source = 'TEXT = r"""\n  x = a\n    ? b\n    !c;\n"""'
    assert cell("cell 1", source).source == source
