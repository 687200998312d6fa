"""Makes docs/benchmarks/README.md from what was measured on GPUs: `python tools/gpu_benchmarks_page.py [FILE.json ...]`.

The files are those that `gpu_session.py bench` and `gpu_session.py convs` write, or `minicnn bench --backend cupy --out FILE`; those of one GPU are put into one table,
and of a row that is in several the last counts. Without files the page says that nothing has been measured yet.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from minicnn.bench.gpu import convs, peaks, report
from minicnn.bench.gpu.contest import TOLERANCE
from minicnn.bench.gpu.rows import PRECISIONS, WORKLOADS, GpuRow
from minicnn.bench.gpu.session import ROUNDS

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "gpu_benchmarks_template.md"
PAGE = HERE.parent / "docs" / "benchmarks" / "README.md"
NOT_YET = "**Not measured yet.** The procedure below is there and tested without a GPU; its figures will stand here once it has run on one."
HEAD = (
    "network", "image", "batch", "mode", "precision", "minicnn", "graph", "PyTorch", "graph",
    "ratio", "graph", "best", "GB", "PyTorch", "ratio", "deviation",
)  # fmt: skip

Found = dict[str, Any]


def main() -> None:
    """Read the files and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.json", help="what was measured; none: nothing yet")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE", help="the page (default: docs/benchmarks/README.md)")
    args = parser.parse_args()
    args.out.write_text(page([json.loads(path.read_text()) for path in args.files]))


def page(found: Sequence[Found]) -> str:
    """The whole page."""
    runs, layers = [f for f in found if f.get("rows")], [f for f in found if f.get("networks")]
    machines = list(dict.fromkeys(report.machine_line(f["machine"]) for f in (*runs, *layers)))
    filled = {
        "summary": "Measured on:\n\n" + "\n".join(f"- {line}" for line in machines) if machines else NOT_YET,
        "tolerances": ", ".join(f"{value:g} ({name})" for name, value in TOLERANCE.items()),
        "rounds": ", ".join(map(str, sorted({f["settings"]["rounds"] for f in runs}))) or str(ROUNDS),
        "networks": "".join(networks(gpu, group) for gpu, group in by_gpu(runs).items()),
        "convolutions": "".join(convolutions(f) for f in layers),
        "missing": missing(runs, layers) if machines else "",
    }
    return Template(TEMPLATE.read_text()).substitute(filled).rstrip() + "\n"


def by_gpu(runs: Sequence[Found]) -> dict[str, list[Found]]:
    """Runs by the name of the GPU, in order."""
    groups: dict[str, list[Found]] = {}
    for run in runs:
        groups.setdefault(run["machine"].get("gpu", "an unknown GPU"), []).append(run)
    return groups


def networks(gpu: str, runs: Sequence[Found]) -> str:
    """The table of one GPU, and below it what went wrong."""
    rows = {(r["model"], tuple(r["input"]), r["batch_size"], r["mode"], r["precision"]): r for run in runs for r in run["rows"]}
    lines = [f"\n## Networks on {gpu}\n", *markdown(HEAD, [report.cells(row) for row in rows.values()], report.LEFT), ""]
    lines += ["The four columns of speeds are images per second; the ratios compare minicnn with PyTorch; memory is that of each side's faster style.", ""]
    troubles = [f"- {' '.join(report.cells(row)[: report.LEFT])}: {trouble}" for row in rows.values() for trouble in report.troubles(row)]
    return "\n".join([*lines, *(["What else is to be said:", "", *troubles, ""] if troubles else [])])


def missing(runs: Sequence[Found], layers: Sequence[Found]) -> str:
    """What the procedure measures and these files have no ratio of: the standard rows on each GPU, and the convolutions."""
    lines = []
    for gpu, group in by_gpu(runs).items():
        done = {GpuRow.from_dict(row) for run in group for row in run["rows"] if any(final["ratio"] for final in row["finals"])}
        for workload in WORKLOADS:
            left = [precision for precision in PRECISIONS if GpuRow(workload, precision) not in done]
            lines += [f"- {gpu}: {workload.label}, {', '.join(left)}"] if left else []
    lines += [] if layers else ["- the convolutions of ResNet50, one by one, beside cuDNN's"]
    return "\n".join(["\n## Rows without a comparison\n", *lines, ""]) if lines else ""


def convolutions(found: Found) -> str:
    """All convolutions of a network together, and each by itself."""
    lines = []
    for network in found["networks"]:
        passes = [convs.Timed.from_dict(one) for one in network["passes"]]
        lines += [f"\n## Convolutions of {network['workload']} on {found['machine'].get('gpu', 'an unknown GPU')}\n", peaks.line(found["peaks"]) + ".", ""]
        lines += [f"- {line}" for line in convs.totals(passes, found["peaks"])]
        lines += ["", "```text", *convs.table(passes, found["peaks"]), "```", ""]
    return "\n".join(lines)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """The lines of a table; the first `left` columns hold words, the others numbers."""
    rule = ["---" if k < left else "---:" for k in range(len(head))]
    return ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)]


if __name__ == "__main__":
    main()
