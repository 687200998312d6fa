"""Puts the figures of docs/benchmarks/ladder.json into docs/conv_ladder.md: `python tools/conv_ladder_page.py [FILE.json]`.

The file is what `minicnn bench --ladder --backend cupy --out FILE` or `gpu_session.py ladder` writes; one that is named is copied to docs/benchmarks/ladder.json first.
Without it the page says that nothing has been measured yet.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from minicnn.bench.gpu.convs import PASSES

DOCS = Path(__file__).resolve().parents[1] / "docs"
START, END = "<!-- measured: python tools/conv_ladder_page.py -->\n", "<!-- end of measured -->\n"
NOT_YET = "Not measured yet: the figures of a GPU will stand here."

Found = dict[str, Any]


def main() -> None:
    """Read the figures and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.json", help="figures that take the place of docs/benchmarks/ladder.json")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER", help="where the page is (default: docs)")
    args = parser.parse_args()
    kept = args.docs / "benchmarks" / "ladder.json"
    if args.file is not None:
        shutil.copyfile(args.file, kept)
    path = args.docs / "conv_ladder.md"
    path.write_text(page(path.read_text(encoding="utf-8"), json.loads(kept.read_text()) if kept.exists() else None), encoding="utf-8")


def page(text: str, found: Found | None) -> str:
    """The page with the figures in their place."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{section(found)}\n\n{END}{after}"


def section(found: Found | None) -> str:
    """Tables: all convolutions together, and each by itself."""
    if found is None:
        return NOT_YET
    rungs = found["convs"][0]["rungs"]
    labels = [conv["label"] for conv in found["convs"]]
    peaks = "".join(f", {name} {value / 1e12:.0f}" for name, value in found["peaks"].items()).removeprefix(", ")
    limits = f" At its highest clock it could do: {peaks} TFLOP/s." if peaks else ""
    lines = [f"Measured on {found['gpu']}, {found['date']}, minicnn {found['minicnn']}, {len(labels)} convolutions of ResNet, batch {found['batch']}.{limits}", ""]
    head = ["rung", "name", "precision", *(title for direction in PASSES for title in (f"{direction}, ms", "times faster"))]
    lines += ["All of them together, and how many times faster than the rung below (rung 6 in bf16: than rung 5 in fp32):", "", *markdown(head, [together(found, k) for k in range(len(rungs))]), ""]
    for direction in PASSES:
        rows = [[*words(rung), *(rate(conv, k, direction) for conv in found["convs"])] for k, rung in enumerate(rungs)]
        lines += [f"{direction.capitalize()}, TFLOP/s:", "", *markdown(["rung", "name", "precision", *labels], rows), ""]
    wrong = [f"- {conv['label']}: {' '.join(words(rung))}: {rung['error'] or 'not what the first rung gives'}" for conv in found["convs"] for rung in conv["rungs"] if not rung["right"]]
    return "\n".join([*lines, *(["What went wrong:", "", *wrong] if wrong else [])]).rstrip()


def together(found: Found, k: int) -> list[str]:
    """The row of one rung."""
    rungs = found["convs"][0]["rungs"]
    lower = [number for number, rung in enumerate(rungs) if rung["rung"] == rungs[k]["rung"] - 1]
    below = next((number for number in lower if rungs[number]["precision"] == rungs[k]["precision"]), lower[0] if lower else None)
    cells = []
    for direction in PASSES:
        mine, theirs = total(found, k, direction), None if below is None else total(found, below, direction)
        cells += [f"{1e3 * mine:.2f}" if mine else "", f"{theirs / mine:.2f}" if mine and theirs else ""]
    return [*words(rungs[k]), *cells]


def total(found: Found, k: int, direction: str) -> float | None:
    """Seconds of all convolutions; None if one is missing."""
    seconds = [conv["rungs"][k]["seconds"].get(direction) for conv in found["convs"]]
    return None if None in seconds else sum(seconds)


def rate(conv: Found, k: int, direction: str) -> str:
    """TFLOP/s."""
    seconds = conv["rungs"][k]["seconds"].get(direction)
    return f"{conv['operations'] / seconds / 1e12:.{1 if conv['operations'] / seconds > 1e13 else 2}f}" if seconds else ""


def words(rung: Found) -> list[str]:
    """The first columns of a row."""
    return [str(rung["rung"]), f"`{rung['name']}`", rung["precision"]]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table; the second and third column hold words, the others numbers."""
    rule = ["---" if k in (1, 2) else "---:" for k in range(len(head))]
    return ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)]


if __name__ == "__main__":
    main()
