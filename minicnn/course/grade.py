"""Grading a folder of submissions: every question of every student by itself, two or more at a time, and nothing lost if it is interrupted."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from minicnn._version import __version__
from minicnn.course.assignment import Assignment
from minicnn.course.submission import LARGEST, clean, read_submission
from minicnn.course.verdict import Result, Verdict, judge
from minicnn.errors import ArgumentError, DataError
from minicnn.io.atomic import write_atomically

MOST_FILES = 10_000  # in a folder of a student that are looked at


@dataclass(frozen=True)
class Graded:
    """One student.

    Attributes:
        student: the name: that of the file, or of the folder that it lies in.
        file: where it was.
        verdicts: one for each question.
        notes: what was repaired, or why nothing could be read.
    """

    student: str
    file: str
    verdicts: Sequence[Verdict]
    notes: Sequence[str]

    @property
    def earned(self) -> float:
        """All points."""
        return sum(verdict.earned for verdict in self.verdicts)


def find_submissions(folder: Path, assignment: str) -> dict[str, Path]:
    """By student: files in the folder (`smith.ipynb`), or one in each folder in it (`smith/a2.ipynb`).

    Raises:
        ArgumentError: there are none, or two of one student.
    """
    if not folder.is_dir():
        raise ArgumentError(f"there is no folder {folder}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        name = clean(path.stem if path.suffix in (".ipynb", ".py") and not path.is_dir() else path.name)
        if name in found:
            raise ArgumentError(f"{folder} has two submissions of {name!r}, {clean(str(found[name].relative_to(folder)))} and {clean(path.name)}: leave the one that counts")
        found[name] = _chosen(path, assignment) if path.is_dir() and not path.is_symlink() else path
    if not found:
        raise ArgumentError(f"nothing has been handed in: {folder} is empty")
    return found


def _chosen(folder: Path, assignment: str) -> Path:
    """The file of a student's folder that counts: the one with the right name, else a notebook, else the folder itself, which cannot be read. The least deep one is first."""
    found: list[Path] = []
    with contextlib.suppress(OSError):  # what cannot be read has nothing in it that counts
        for path in itertools.islice(folder.rglob("*"), MOST_FILES):
            if path.suffix in (".ipynb", ".py") and not {".ipynb_checkpoints", "__MACOSX"} & set(path.parts) and not path.name.startswith(".") and path.is_file():
                found.append(path)
    files = sorted(found, key=lambda path: (len(path.parts), path))
    right = [path for path in files if path.stem == assignment]
    notebooks = [path for path in files if path.suffix == ".ipynb"]
    return (right or notebooks or files or [folder])[0]


def grade(
    assignment: Assignment,
    submissions: dict[str, Path],
    kept: Path,
    *,
    seed: str,
    workers: int,
    done: Callable[[Graded], None],
) -> list[Graded]:
    """Grade everybody; whoever is in the folder `kept` with the same file, checks and seed is taken from there.

    Args:
        kept: a folder for one file a student, so that an interrupted run goes on.
        seed: of all random numbers; who knows it can write answers for them.
        workers: students at once.
        done: told of each student who is done.
    """
    kept.mkdir(parents=True, exist_ok=True)
    found: dict[str, Graded] = {}
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(_one, assignment, student, path, kept, seed): student for student, path in submissions.items()}
        try:
            for future in as_completed(waiting):
                found[waiting[future]] = future.result()
                done(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[student] for student in submissions]


def _one(assignment: Assignment, student: str, path: Path, kept: Path, seed: str) -> Graded:
    """From the folder, or judged and put there."""
    mark = _mark(assignment, path, seed)
    file = kept / f"{hashlib.sha256(student.encode()).hexdigest()[:24]}.json"
    if (before := _read(file, mark)) is not None:
        return before
    try:
        graded = grade_one(assignment, student, path, seed)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are graded; it is not kept, so that the next run tries again
        return _nothing(assignment, student, path, f"could not be graded, look at it by hand: {type(error).__name__}: {clean(str(error))[:200]}")
    write_atomically(file, "verdict", [json.dumps({"mark": mark, **asdict(graded)}).encode()])
    return graded


def grade_one(assignment: Assignment, student: str, path: Path, seed: str) -> Graded:
    """Judge every question of one student."""
    if path.is_symlink():
        return _nothing(assignment, student, path, f"{clean(path.name)} is a link, not a file")
    try:
        submission = read_submission(path) if path.is_file() else None
    except DataError as error:
        return _nothing(assignment, student, path, clean(str(error)))
    if submission is None:
        return _nothing(assignment, student, path, f"{path.name} has no notebook in it")
    if not submission.cells:
        return _nothing(assignment, student, path, f"{path.name} has no code in it")
    verdicts = [judge(question, submission, assignment.questions, f"{seed}/{assignment.name}") for question in assignment.questions]
    return Graded(student, clean(str(path)), verdicts, list(submission.notes))


def _nothing(assignment: Assignment, student: str, path: Path, why: str) -> Graded:
    why = clean(why)
    verdicts = [Verdict(q.name, [Result(check.title, check.points, why) for check in q.checks]) for q in assignment.questions]
    return Graded(student, clean(str(path)), verdicts, [why])


def _mark(assignment: Assignment, path: Path, seed: str) -> str:
    """Changes with everything that the verdict depends on."""
    parts = [__version__.encode(), seed.encode(), assignment.name.encode(), (assignment.folder / "checks.py").read_bytes(), os.fsencode(path)]
    try:
        size = path.stat().st_size if path.is_file() else 0
        parts.append(path.read_bytes() if 0 < size <= LARGEST else str(size).encode())
    except OSError as error:
        parts.append(str(error).encode())
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _read(file: Path, mark: str) -> Graded | None:
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        if state.pop("mark") != mark:
            return None
        verdicts = [Verdict(v["question"], [Result(**result) for result in v["results"]], v["printed"]) for v in state.pop("verdicts")]
        return Graded(verdicts=verdicts, **state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def table(assignment: Assignment, graded: Sequence[Graded]) -> bytes:
    """The grades as CSV: a row for each student, a column for each question, the sum, and what there is to say."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["student", *(q.name for q in assignment.questions), "points", "of", "notes"])
    for each in graded:
        writer.writerow([_plain(each.student), *(_number(v.earned) for v in each.verdicts), _number(each.earned), _number(assignment.points), _plain("; ".join(each.notes))])
    return text.getvalue().encode()


def _plain(text: str) -> str:
    """On one line, and nothing that a spreadsheet takes for a formula."""
    text = " ".join(unicodedata.normalize("NFKC", text).split()) if not text.isalnum() else text
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def _number(points: float) -> float:
    """As few digits as it takes."""
    return int(points) if points == int(points) else points


def processors() -> int:
    """How many students are graded at once by default."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
