"""What a student is told: a page in Markdown for each, without seeds, solutions, or anything of others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from minicnn.course.grade import Graded
from minicnn.course.verdict import Verdict
from minicnn.io.atomic import write_atomically


def feedback(graded: Graded, title: str) -> str:
    """The page of a student."""
    total = sum(verdict.points for verdict in graded.verdicts)
    lines = [f"# {title}", "", f"{graded.student}: **{graded.earned:g} of {total:g} points**", ""]
    lines += [f"- {note}" for note in graded.notes]
    lines += ["", "| question | points | of |", "|---|---|---|", *(f"| {v.question} | {v.earned:g} | {v.points:g} |" for v in graded.verdicts), ""]
    for verdict in graded.verdicts:
        lines += [f"## {verdict.question}", "", *_results(verdict), ""]
    return "\n".join(lines).rstrip() + "\n"


def _results(verdict: Verdict) -> list[str]:
    lines = []
    for result in verdict.results:
        lines.append(f"- {'right' if not result.message else 'not yet'}: {result.title} ({result.earned:g} of {result.points:g})")
        if result.message:
            lines += ["", *_block(result.message), ""]
    if verdict.printed.strip():
        lines += ["", "What your code printed:", "", *_block(verdict.printed)]
    return lines


def _block(text: str) -> list[str]:
    """A block that the text cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {fence}text", *(f"  {line}" for line in text.rstrip().splitlines()), f"  {fence}"]


def write_feedback(graded: Sequence[Graded], folder: Path, title: str) -> None:
    """A file for each student.

    Raises:
        CheckpointError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for each in graded:
        write_atomically(folder / f"{file_name(each.student)}.md", "feedback", [feedback(each, title).encode()])


def file_name(student: str) -> str:
    """The student's name as that of a file; two students never get the same one."""
    plain = re.sub(r"[^\w.-]+", "_", student).strip(".")[:80]
    return plain if plain == student else f"{plain}-{hashlib.sha256(student.encode()).hexdigest()[:6]}"
