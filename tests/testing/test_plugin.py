"""The pytest plugin, on files of a student in a folder of their own."""

import pytest

import minicnn

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    """pytest prints whole messages in its summary where it finds itself in a CI."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)


STUDENT = """
import numpy as np
import pytest
import minicnn
from minicnn import kernels, ops
from minicnn.autograd import Function
from minicnn.testing import check_kernel, gradcheck as plain_gradcheck

X = np.random.default_rng(0).standard_normal((3, 4))

class Half(Function):
    def forward(self, x):
        self.save(x)
        return np.maximum(x, 0)
    def backward(self, dy):
        (x,) = self.saved
        return (dy * (x > 0) / 2,)

kernels.register("relu", forward=lambda x: (np.maximum(x, 0), x), backward=lambda dy, x, *, needs: (dy * (x > 0),), backend="mine")
"""


@pytest.fixture
def student(pytester):
    """Runs pytest on a file that begins with STUDENT."""

    def run(body, *arguments):
        pytester.makepyfile(STUDENT + body)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    yield run
    minicnn.kernels.unregister("mine")


MARKED = """
@pytest.mark.gradcheck
def test_slow():
    plain_gradcheck(ops.relu, [X])

def test_quick():
    pass
"""


def test_without_the_flag_marked_tests_are_left_out_and_counted(student):
    result = student(MARKED)
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["1 gradient check not run: add --gradcheck"])


def test_with_the_flag_everything_runs(student):
    result = student(MARKED, "--gradcheck")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*not run*")
    result.stdout.fnmatch_lines(
        ["*= gradient checks =*", "operation  backend  checks  slopes  worst error  seconds  failed tests", "relu * 1 * 15 *", "all * 1 * 15 *"]
    )


@pytest.mark.parametrize("arguments", [["-m", "gradcheck"], ["test_marked_tests_run_when_they_are_named.py::test_slow"]])
def test_marked_tests_run_when_they_are_named(student, arguments):
    student(MARKED, *arguments).assert_outcomes(passed=1, deselected=1 if "-m" in arguments else 0)


def test_a_failed_check_prints_its_report_once_and_no_traceback(student):
    result = student(
        """
def test_mine(gradcheck):
    gradcheck(Half.apply, {"x": X})

@pytest.mark.gradcheck
def test_direct():
    plain_gradcheck(Half.apply, {"x": X})
""",
        "--gradcheck",
    )
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert text.count("Half: dx[0, 3]: analytic -0.647395, numeric -1.29479 (ratio 0.50 over all elements: a missing factor 2?)") == 2
    assert "Traceback" not in text
    assert "plain_gradcheck(" not in text
    result.stdout.fnmatch_lines(["Half * 2 * 24 * 5.0e-01 * 2", "FAILED *::test_mine*"])


def test_the_fixture_takes_its_tolerance_from_marker_then_ini(student, pytester):
    pytester.makeini("[pytest]\ngradcheck_rtol = 0.7")
    body = """
def test_ini(gradcheck):
    gradcheck(Half.apply, {"x": X})

@pytest.mark.gradcheck(rtol=0.8)
def test_marker(gradcheck):
    gradcheck(Half.apply, {"x": X})

@pytest.mark.gradcheck(rtol=1e-6, atol=1e-7)
def test_strict_marker(gradcheck):
    gradcheck(Half.apply, {"x": X})

def test_strict_call(gradcheck):
    gradcheck(Half.apply, {"x": X}, rtol=1e-3)
"""
    result = student(body, "--gradcheck")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*rtol=1e-06, atol=1e-07*", "*rtol=0.001, atol=1e-06*"])


def test_lambdas_are_listed_by_their_test(student):
    result = student("def test_square(gradcheck):\n    gradcheck(lambda x: x * x, [X])\n")
    result.stdout.fnmatch_lines(["test_square * 1 * 15 *"])


def test_checks_in_other_tests_are_not_listed(student):
    result = student("def test_hidden():\n    plain_gradcheck(ops.relu, [X])\n")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*gradient checks*")


def test_backends_are_chosen_for_the_run_only(student):
    before = minicnn.get_backend().name
    body = """
def test_backend():
    assert minicnn.get_backend().name == "{}"

@pytest.mark.gradcheck
def test_kernel():
    check_kernel("relu", backend="mine", examples=3)
"""
    student(body.format("loops"), "--backend", "loops").assert_outcomes(passed=1, deselected=1)
    assert minicnn.get_backend().name == before
    result = student(body.format("mine"), "--backend=mine", "--gradcheck")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["relu  * mine * 3 *"])
    assert minicnn.get_backend().name == before


def test_an_unknown_backend_is_one_line(student):
    result = student(MARKED, "--backend", "numbe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --backend: unknown backend 'numbe': did you mean numba?*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_hypothesis_adds_its_example_to_the_report(student):
    result = student(
        """
from hypothesis import given, settings, strategies as st

@pytest.mark.gradcheck
@settings(max_examples=5, derandomize=True, database=None)
@given(st.integers(1, 3))
def test_any_size(n):
    plain_gradcheck(Half.apply, {"x": np.ones(n)})
""",
        "--gradcheck",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["Half: dx[[]0[]]: analytic*", "*test_any_size(*", "*n=1*", "Half * 1"])


def test_the_options_are_described(pytester):
    result = pytester.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(["*minicnn: gradient checks:", "*--gradcheck*", "*--backend*NAME*"])
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.gradcheck(rtol=1e-6, atol=1e-6):*"])


@pytest.mark.parametrize("arguments", [[], ["--backend", "numpy"]])
def test_an_unknown_backend_in_the_environment_is_one_line(student, monkeypatch, arguments):
    monkeypatch.setenv("MINICNN_BACKEND", "nope")
    monkeypatch.setattr("minicnn.backend._default", None)
    result = student(MARKED, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: MINICNN_BACKEND: unknown backend 'nope'*"])
    assert "INTERNALERROR" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    ("mark", "parameter", "part"),
    [
        ("rtol=1.0", "", "(rtol=1.0) sets tolerances for the fixture gradcheck, which the test does not use*"),
        ("1e-3", "gradcheck", "(0.001): the marker takes rtol=... and atol=... only"),
        ("rtoll=1e-3", "gradcheck", "(rtoll=0.001): the marker takes rtol=... and atol=... only"),
    ],
)
@pytest.mark.parametrize("flag", [[], ["--gradcheck"]])
def test_tolerances_that_nobody_would_read_are_refused(student, mark, parameter, part, flag):
    result = student(f"@pytest.mark.gradcheck({mark})\ndef test_marked({parameter}):\n    plain_gradcheck(Half.apply, [X])\n", *flag)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *::test_marked: @pytest.mark.gradcheck{part}"])


def test_the_table_comes_home_from_other_processes(student):
    result = student(
        "def test_square(gradcheck):\n    gradcheck(lambda x: x * x, [X])\n\ndef test_wrong(gradcheck):\n    gradcheck(lambda x: x.detach() * x, [X])\n",
        "--gradcheck", "-n", "1",
    )  # fmt: skip
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*gradient checks*", "test_square *numba *1 *", "test_wrong *numba *1 *"])
