"""What a student is told: a page for each, in Markdown and in HTML, without seeds, solutions, or anything of others.

What the code has printed is not told: it could be what it was given, and with that somebody could look up answers the next time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from minicnn.course.grade import Graded
from minicnn.course.verdict import Verdict
from minicnn.io.atomic import write_atomically


def feedback(graded: Graded, title: str, headings: Mapping[str, str]) -> str:
    """The page of a student. `headings` are those of the questions in the notebook."""
    total = sum(verdict.points for verdict in graded.verdicts)
    lines = [f"# {title}", "", f"{_inline(graded.student)}: **{graded.earned:g} of {total:g} points**", ""]
    lines += [f"- {_inline(note)}" for note in graded.notes]
    lines += ["", "| question | points | of |", "|---|---|---|", *(f"| {v.question} | {v.earned:g} | {v.points:g} |" for v in graded.verdicts), ""]
    for verdict in graded.verdicts:
        lines += [f"## {headings[verdict.question]}", "", *_results(verdict, graded.notes), ""]
    return "\n".join(lines).rstrip() + "\n"


def _results(verdict: Verdict, notes: Sequence[str]) -> list[str]:
    """What each check has found, unless the notes say it already."""
    lines = []
    for result in verdict.results:
        lines.append(f"- {'right' if not result.message else 'not yet'}: {result.title} ({result.earned:g} of {result.points:g})")
        if result.message and result.message not in notes:
            lines += ["", *_block(result.message), ""]
    return lines


def _inline(text: str) -> str:
    """On one line, without anything that Markdown or HTML would take for more than text."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", " ".join(text.split()))


def _block(text: str) -> list[str]:
    """A block that the text cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {fence}text", *(f"  {line}" for line in text.rstrip().splitlines()), f"  {fence}"]


def as_html(graded: Graded, title: str, headings: Mapping[str, str]) -> str:
    """The same page for a browser. Whatever a student has called things is text in it."""
    total = sum(verdict.points for verdict in graded.verdicts)
    rows = "".join(f"<tr><td>{escape(v.question)}</td><td>{v.earned:g} of {v.points:g}</td></tr>" for v in graded.verdicts)
    notes = "".join(f"<p>{escape(note)}</p>" for note in graded.notes)
    parts = "".join(f"<h2>{escape(headings[verdict.question])}</h2>{_results_as_html(verdict, graded.notes)}" for verdict in graded.verdicts)
    body = f"<h1>{escape(title)}</h1><p>{escape(graded.student)}: <b>{graded.earned:g} of {total:g} points</b></p>{notes}<table>{rows}</table>{parts}"
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>\n'


STYLE = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}pre{background:#f4f4f4;padding:.6em;white-space:pre-wrap;overflow-wrap:anywhere}td{padding-right:2em}.right{color:#176b2c}.wrong{color:#a11}"


def _results_as_html(verdict: Verdict, notes: Sequence[str]) -> str:
    lines = []
    for result in verdict.results:
        kind, word = ("wrong", "not yet") if result.message else ("right", "right")
        lines.append(f'<p><b class="{kind}">{word}</b>: {escape(result.title)} ({result.earned:g} of {result.points:g})</p>')
        lines += [f"<pre>{escape(result.message)}</pre>"] if result.message and result.message not in notes else []
    return "".join(lines)


def write_feedback(graded: Sequence[Graded], folder: Path, title: str, headings: Mapping[str, str]) -> None:
    """Two files for each student, NAME.md and NAME.html.

    Raises:
        CheckpointError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for each in graded:
        write_atomically(folder / f"{file_name(each.student)}.md", "feedback", [feedback(each, title, headings).encode()])
        write_atomically(folder / f"{file_name(each.student)}.html", "feedback", [as_html(each, title, headings).encode()])


def file_name(student: str) -> str:
    """The student's name as that of a file; two students never get the same one, also where upper and lower case are the same."""
    plain = re.sub(r"[^\w.-]+", "_", student).strip(".").encode()[:150].decode(errors="ignore")
    return plain if plain == student and re.fullmatch(r"[a-z0-9.]+", plain) else f"{plain}-{hashlib.sha256(student.encode()).hexdigest()[:6]}"
