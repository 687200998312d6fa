"""The pytest plugin for answers: `pytest --gradcheck a2.ipynb`, or a2.py, runs the checks of the assignment on what the file has in it.

The verdict is that of grading, but for the seed of the random numbers. Each check is a test; at the end there is a table of points.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from minicnn.course.questions import Check, Question
    from minicnn.course.verdict import Result, Verdict

POINTS = "minicnn_points"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Notebooks of assignments: with --gradcheck, or if they are named; not when somebody runs the tests of a folder in which they lie."""
    if file_path.suffix == ".ipynb" and (parent.config.getoption("gradcheck", False) or _is_named(file_path, parent.config)) and ((checks := _checks_for(file_path)) or _named(file_path)):
        return Answers.of(parent, file_path, checks)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Python files with the cells of an assignment in them; others are ordinary tests."""
    if module_path.name != "checks.py" and _has_cells(module_path) and (checks := _checks_for(module_path)):
        return Answers.of(parent, module_path, checks)
    return None


def _is_named(path: Path, config: pytest.Config) -> bool:
    """On the command line."""
    return path.resolve() in {(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args}


def _has_cells(path: Path) -> bool:
    """Those of an assignment, or of a notebook that was saved as a Python file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return '# %% question="' in text or "\n# In[" in text


def _checks_for(path: Path) -> Path | None:
    """The checks beside the file, or those of the assignment in a folder `assignments` around it."""
    name = _assignment(path)
    around = [folder / "assignments" / name / "checks.py" for folder in path.resolve().parents]
    return next((checks for checks in [path.parent / "checks.py", *around] if checks.is_file()), None)


def _assignment(path: Path) -> str:
    """What the notebook says, else its name."""
    return _named(path) or path.stem


def _named(path: Path) -> str:
    """The assignment that a notebook says it is of, or ""."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["metadata"]["minicnn"]["assignment"]) if path.suffix == ".ipynb" else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


class Answers(pytest.File):
    """A file of answers."""

    checks: Path | None

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, checks: Path | None) -> Answers:
        """A collector for the file, with the checks of its assignment, if they are there."""
        answers: Answers = cls.from_parent(parent, path=path)
        answers.checks = checks
        return answers

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """A collector for each question."""
        from minicnn.course.questions import load_questions
        from minicnn.course.submission import read_submission
        from minicnn.errors import MinicnnError

        if self.checks is None:
            raise self.CollectError(f"there is no checks.py beside {self.path.name}: it came with the notebook; leave both in one folder")
        try:
            questions, submission = load_questions(self.checks), read_submission(self.path)
        except MinicnnError as error:
            raise self.CollectError(str(error)) from None
        for number, question in enumerate(questions):
            one: Asked = Asked.from_parent(self, name=question.name)
            one.question, one.others, one.submission, one.number = question, questions, submission, number
            yield one


class Asked(pytest.Collector):
    """A question."""

    question: Question
    others: list[Question]
    submission: Any
    number: int
    found: Verdict | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """A test for each check."""
        for number, check in enumerate(self.question.checks):
            item: CheckItem = CheckItem.from_parent(self, name=check.title)
            item.check, item.number = check, number
            yield item

    def verdict(self) -> Verdict:
        """On all checks; they run once, when the first is asked for."""
        from minicnn.course.verdict import judge

        if self.found is None:
            self.found = judge(self.question, self.submission, self.others)
        return self.found


class CheckItem(pytest.Item):
    """A check."""

    check: Check
    number: int

    def runtest(self) -> None:
        """Fail with what is wrong, and no traceback."""
        assert isinstance(self.parent, Asked)
        result = self.parent.verdict().results[self.number]
        self.user_properties.append((POINTS, (self.parent.number, self.parent.name, result.earned, result.points)))
        if result.message:
            pytest.fail(_said(result, self.parent.verdict()), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """How the report calls it."""
        assert self.parent is not None
        return self.path, None, f"{self.parent.name}: {self.name}"


def _said(result: Result, verdict: Verdict) -> str:
    printed = verdict.printed.strip()
    return result.message + (f"\n\nyour code printed:\n{printed}" if printed else "")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where all are answers, the table of points says what pytest's own summary would say once more."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.items and all(isinstance(item, CheckItem) for item in session.items):
        reporter.reportchars = ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The points of each question, in the order of the notebook."""
    points: dict[tuple[str, int, str], list[float]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == POINTS and report.when == "call":
                    number, question, earned, of = value
                    sums = points.setdefault((report.nodeid.split("::")[0], number, question), [0.0, 0.0])
                    sums[0] += earned
                    sums[1] += of
    if not points:
        return
    terminalreporter.section("points")
    rows = {f"{file}  {question}": points[file, number, question] for file, number, question in sorted(points)}
    width = max(map(len, rows))
    for what, (earned, of) in rows.items():
        terminalreporter.write_line(f"{what:<{width}}  {earned:g} of {of:g}", green=earned == of, red=earned == 0, yellow=0 < earned < of)
    total = [sum(column) for column in zip(*rows.values(), strict=True)]
    terminalreporter.write_line(f"{'all':<{width}}  {total[0]:g} of {total[1]:g}")
