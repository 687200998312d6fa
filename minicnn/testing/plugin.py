"""The pytest plugin: `pytest --gradcheck --backend NAME`, in this repository and on any file of a student.

    @pytest.mark.gradcheck                      # a slow check: runs only with --gradcheck
    def test_my_convolution(gradcheck):         # the fixture: minicnn.testing.gradcheck, with the marker's tolerances
        gradcheck(my_convolution, {"x": x, "w": w})

Without the flag, tests that are marked are left out, and a line at the end says how many; with it, everything runs, and a
table at the end lists every operation and backend that was checked. A failed check prints its report and no traceback.
"""

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from minicnn import backend as backends
from minicnn.errors import BackendError, SimulatorError
from minicnn.testing import gradcheck as check
from minicnn.testing.report import GradcheckError
from minicnn.testing.subject import function_name
from minicnn.testing.table import Row, listened, merged, table

LEFT_OUT = pytest.StashKey[int]()
BEFORE = pytest.StashKey[str]()
ORDER_BEFORE = pytest.StashKey[tuple[str, int]]()
PROPERTY = "minicnn_gradcheck"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options --gradcheck, --backend and --thread-order, and the tolerance in the ini file."""
    group = parser.getgroup("minicnn", "minicnn: gradient checks")
    group.addoption("--gradcheck", action="store_true", help="run the tests marked gradcheck, too")
    group.addoption("--backend", metavar="NAME", help="run on this backend: numba, numpy, loops, cupy, cudasim, or one that the tests register")
    group.addoption("--thread-order", metavar="ORDER", help="of the CUDA threads on the backend cudasim: forward, reverse, or shuffled:SEED")
    parser.addini("gradcheck_rtol", "relative tolerance of the gradcheck fixture", default="1e-6")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", "gradcheck(rtol=1e-6, atol=1e-6): a check of gradients; runs with --gradcheck only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the marked tests out, unless somebody asked for them: by the flag, by name, or with -m gradcheck."""
    named = "gradcheck" in config.option.markexpr or any("::" in arg for arg in config.args)
    asked = config.getoption("--gradcheck") or named
    marked = [item for item in items if item.get_closest_marker("gradcheck")]
    for item in marked:
        _check_marker(item)
    if marked and not asked:
        items[:] = [item for item in items if not item.get_closest_marker("gradcheck")]
        config.hook.pytest_deselected(items=marked)
        config.stash[LEFT_OUT] = len(marked)


def _check_marker(item: pytest.Item) -> None:
    """Tolerances in a marker that nobody reads would be a check that is not made."""
    marker = item.get_closest_marker("gradcheck")
    if marker is None or not (marker.args or marker.kwargs):
        return
    given = ", ".join([*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())])
    where = f"{item.nodeid}: @pytest.mark.gradcheck({given})"
    if marker.args or not marker.kwargs.keys() <= {"rtol", "atol"}:
        raise pytest.UsageError(f"{where}: the marker takes rtol=... and atol=... only")
    if "gradcheck" not in getattr(item, "fixturenames", ()):
        raise pytest.UsageError(
            f"{where} sets tolerances for the fixture gradcheck, which the test does not use: take `gradcheck` as an argument "
            "of the test, or give the tolerances to the function that you call"
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Switch to the backend: after collection, since a student's file registers its own while it is imported."""
    name = session.config.getoption("--backend")
    try:
        if name or os.environ.get("MINICNN_BACKEND"):
            before = backends.get_backend().name
    except BackendError as error:
        raise pytest.UsageError(str(error)) from None
    if name:
        session.config.stash[BEFORE] = before
        try:
            backends.set_backend(name)
        except BackendError as error:
            raise pytest.UsageError(f"--backend: {error}") from None
    _use_thread_order(session)


def _use_thread_order(session: pytest.Session) -> None:
    order = session.config.getoption("--thread-order")
    if order:
        from minicnn.kernels.cuda.simulator import get_thread_order, parse_thread_order, set_thread_order

        try:
            session.config.stash[ORDER_BEFORE] = get_thread_order()
            set_thread_order(*parse_thread_order(order, "--thread-order"))
        except SimulatorError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Switch back, for a run inside another run."""
    if BEFORE in session.config.stash:
        backends.set_backend(session.config.stash[BEFORE])
    if ORDER_BEFORE in session.config.stash:
        from minicnn.kernels.cuda.simulator import set_thread_order

        set_thread_order(*session.config.stash[ORDER_BEFORE])


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`minicnn.testing.gradcheck` with the tolerances of the test's marker, else of the ini file."""
    marker = request.node.get_closest_marker("gradcheck")
    options = {"rtol": float(request.config.getini("gradcheck_rtol")), **(marker.kwargs if marker else {})}

    def run(function: Callable[..., Any], inputs: Any, **more: Any) -> Any:
        name = function_name(function)
        options["name"] = request.node.originalname if name == "function" else name
        return check(function, inputs, **{**options, **more})

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note what a test checks; turn a failed check into its report alone."""
    report = ""
    with _noted(item):
        try:
            return (yield)
        except GradcheckError as error:
            report = "\n".join([str(error), *getattr(error, "__notes__", [])])
    return pytest.fail(report, pytrace=False)  # outside the except block, or the report would print twice


def _noted(item: pytest.Item) -> Any:
    """Collects the checks of a test that says it is one: by the marker or the fixture."""
    wanted = item.get_closest_marker("gradcheck") is not None or "gradcheck" in getattr(item, "fixturenames", ())

    def note(rows: list[Row]) -> None:
        if wanted and rows:  # as plain tuples: with `pytest -n` they travel between processes
            item.user_properties.append((PROPERTY, [tuple(row) for row in rows]))

    return listened(note)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of what was checked, and the number of checks that were left out."""
    rows = merged(_rows(terminalreporter))
    if rows:
        terminalreporter.section("gradient checks")
        for line in table(rows):
            terminalreporter.write_line(line)
    if LEFT_OUT in config.stash:
        count = config.stash[LEFT_OUT]
        terminalreporter.write_line(f"{count} gradient check{'s' if count > 1 else ''} not run: add --gradcheck", yellow=True)


def _rows(terminalreporter: pytest.TerminalReporter) -> Iterator[Row]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, rows in getattr(report, "user_properties", ()):
                if name == PROPERTY and report.when == "call":
                    yield from (Row(*row) for row in rows)
