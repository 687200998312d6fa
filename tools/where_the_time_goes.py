"""Makes docs/where_the_time_goes.md and its picture: `python tools/where_the_time_goes.py [--json FILE] [--quick]`.

Measures speed and memory of the standard networks, beside PyTorch where it is installed; takes three steps apart; and does the small experiments in
`tricks.py`. What was measured is put into the places that `where_the_time_goes_template.md` has for it. With `--json FILE` the measurements are written to FILE,
or, if FILE is there already, read from it: then nothing is measured, and the page is only written anew.
"""

import argparse
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from string import Template
from typing import Any

import roofline
import tricks

from minicnn import bench
from minicnn.bench import layers
from minicnn.bench.elsewhere import crowded
from minicnn.bench.layers import Limits, Part
from minicnn.bench.report import machine_line
from minicnn.bench.workload import Workload, smaller

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "where_the_time_goes_template.md"
DOCS = HERE.parent / "docs"
BACKENDS = ("numba", "numpy")
TAKEN_APART = (("ResNet18", "train"), ("ResNet20", "train"), ("MobileNetV2", "inference"), ("LeNet5", "train"))
LONGEST = 12  # rows of the table of a step
FIRST_MAP = 16 * 64 * 112 * 112 * 4  # bytes: ResNet18's first convolution, 16 images
SAVED_JOURNEYS = 5  # of batch norm and ReLU as one operation, see the page

Measured = dict[str, Any]


def main() -> None:
    """Measure or read, then write the picture and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements to FILE, or read them from it if it is there")
    parser.add_argument("--quick", action="store_true", help="LeNet5 alone, short and without memory: to try the script, not for figures")
    parser.add_argument("--out", type=Path, default=DOCS, metavar="FOLDER", help="where the page and its folder images go (default: docs)")
    args = parser.parse_args()
    if args.json and args.json.exists():
        measured = json.loads(args.json.read_text())
    else:
        measured = json.loads(json.dumps(measure(args.quick)))  # as it would be read
        if args.json:
            args.json.write_text(json.dumps(measured, indent=1) + "\n")
    write(measured, args.out)


def measure(quick: bool) -> Measured:
    """Everything that the page says, as it goes into JSON."""
    rows = [smaller(Workload.of("LeNet5", "train"))] if quick else list(bench.STANDARD)
    apart = rows if quick else [Workload.of(*row) for row in TAKEN_APART]
    rivals = bench.torch_contenders() if importlib.util.find_spec("torch") else ()
    contenders = [*map(bench.minicnn_contender, BACKENDS), *rivals]
    experiments = tricks.measure(quick)
    limits = layers.measure_limits()
    steps = []
    for workload in apart:
        parts, between = layers.parts(workload)
        steps.append(layers.as_dict(workload, parts, between, limits))
        print(f"{workload.label}: taken apart", flush=True)
    settings: dict[str, Any] = {"rounds": 2, "seconds": 0.02, "memory": False} if quick else {}
    report = bench.run(rows, contenders, on_row=lambda row: print(f"{row.workload.label}: measured", flush=True), **settings)
    return {"quick": quick, "limits": asdict(limits), "bench": report.as_dict(), "steps": steps, "experiments": experiments}


def write(measured: Measured, folder: Path) -> None:
    """The picture and the page."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    limits, first = Limits(**measured["limits"]), measured["steps"][0]
    picture = roofline.draw(parts_of(first), limits, f"The roofline of this machine, and a step of {name_of(first)}")
    (folder / "images" / "roofline.svg").write_text(picture, encoding="utf-8")
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(places(measured))
    (folder / "where_the_time_goes.md").write_text(page, encoding="utf-8")
    print(f"written: {folder / 'where_the_time_goes.md'}, {folder / 'images' / 'roofline.svg'}")


def places(measured: Measured) -> dict[str, str]:
    """What stands in the places of the template."""
    limits, report, first = Limits(**measured["limits"]), measured["bench"], measured["steps"][0]
    ridge = limits.macs / limits.bytes
    return {
        "machine": machine_line(report["machine"]),
        "warning": warning(measured),
        "gmacs": f"{limits.macs / 1e9:.0f}",
        "gbytes": f"{limits.bytes / 1e9:.0f}",
        "ridge": f"{ridge:.1f}",
        "ridge_of_numbers": f"{4 * ridge:.0f}",
        "journey_ms": f"{1e3 * FIRST_MAP / limits.bytes:.1f}",
        "saved_ms": f"{1e3 * SAVED_JOURNEYS * FIRST_MAP / limits.bytes:.0f}",
        "rounds": str(report["settings"]["rounds"]),
        "speed": speed_table(report),
        "memory": memory_table(report),
        "first_step": name_of(first),
        "first_limit": limit_of_step(first, limits),
        "steps": "\n\n".join(step_section(step, limits) for step in measured["steps"]),
        "tricks": tricks_table(measured["experiments"]),
        **{f"{name}_gain": f"{e['plain_seconds'] / e['tricky_seconds']:.1f}" for name, e in measured["experiments"].items()},
        "region_pool": region(measured["experiments"]["threads"]["plain_seconds"]),
        "region_own": region(measured["experiments"]["threads"]["tricky_seconds"]),
        "memory_new": f"{1e3 * measured['experiments']['memory']['plain_seconds']:.1f}",
        "memory_used": f"{1e3 * measured['experiments']['memory']['tricky_seconds']:.1f}",
    }


def warning(measured: Measured) -> str:
    """What must be known of the figures: that they are a first look, or that others computed meanwhile."""
    rows, threads = measured["bench"]["rows"], measured["bench"]["machine"]["threads"]
    used = [row["processors_used_elsewhere"] for row in rows if crowded(row["processors_used_elsewhere"], threads)]
    said = ["These figures come from `--quick`, a first look at a small network."] if measured["quick"] else []
    said += [f"Other programs used up to {max(used):.1f} processors meanwhile: the figures are not to be trusted."] if used else []
    return f"\n**{' '.join(said)}**\n" if said else ""


def speed_table(report: Measured) -> str:
    """Images per second of all contenders, PyTorch's in its faster memory layout, and the ratios."""
    names = own_names(report)
    rival = any(row["best_rival"] for row in report["rows"])
    head = ["network", "batch", "mode", *names, *(["PyTorch"] if rival else []), *(f"{name} : PyTorch" for name in names if rival)]
    rows = []
    for row in report["rows"]:
        by_name = {contender["name"]: contender for contender in row["contenders"]}
        rates = [speed(by_name[name]["images_per_second"]) for name in names]
        if rival:
            rates.append(speed(by_name[row["best_rival"]]["images_per_second"]))
            rates += [f"{by_name[name]['ratio']['median']:.2f}" for name in names]
        rows.append([*words(row), *rates])
    return markdown(head, rows, left=3)


def memory_table(report: Measured) -> str:
    """Peak memory, in brackets without what the imports take."""
    contenders = [contender["name"] for contender in report["rows"][0]["contenders"]]
    rows = []
    for row in report["rows"]:
        found = [contender["memory"] for contender in row["contenders"]]
        rows.append([*words(row), *(f"{m['peak'] / 1e6:,.0f} ({m['above_imports'] / 1e6:,.0f})" if m else "not measured" for m in found)])
    return markdown(["network", "batch", "mode", *contenders], rows, left=3)


def step_section(step: Measured, limits: Limits) -> str:
    """A heading, the table of a step, and what the limits say of the whole."""
    parts, between = parts_of(step), step["between_seconds"]
    total = sum(part.seconds for part in parts) + between
    shown, rest = parts[:LONGEST], parts[LONGEST:]
    rows = [part_row(part, total, limits) for part in shown]
    if rest:
        rows.append([f"{len(rest)} other kinds", "", "", "", *shares(sum(part.seconds for part in rest), total), "", "", ""])
    rows.append(["between operations", "", "", "", *shares(between, total), "", "", ""])
    rows.append(["**the step**", "", "", f"{sum(part.calls for part in parts):g}", *shares(total, total), "", "", ""])
    head = ["operation", "phase", "shapes", "calls", "ms", "share", "GMAC/s", "GB/s", "of limit"]
    return f"### {name_of(step)}\n\n{markdown(head, rows, left=3)}\n\n{limit_of_step(step, limits)}"


def part_row(part: Part, total: float, limits: Limits) -> list[str]:
    """One kind of operation."""
    shapes = " by ".join("x".join(map(str, shape)) for shape in (part.input, part.window) if shape)
    rates = [f"{amount / part.seconds / 1e9:.1f}" if amount else "" for amount in (part.macs, part.bytes)]
    return [part.op, part.phase, shapes, f"{part.calls:g}", *shares(part.seconds, total), *rates, f"{100 * part.of_limit(limits):.0f} %"]


def limit_of_step(step: Measured, limits: Limits) -> str:
    """The least time of all operations together beside what they took."""
    parts = parts_of(step)
    took = sum(part.seconds for part in parts)
    least = sum(part.of_limit(limits) * part.seconds for part in parts)
    convolutions = sum(part.seconds for part in parts if part.op.startswith("Conv2d"))
    return (
        f"The operations together took {1e3 * took:.1f} ms, {100 * convolutions / took:.0f} % of it in convolutions. By the roofline, with the\n"
        f"arithmetic of the definition and every array read or written once, they would take {1e3 * least:.1f} ms."
    )


def tricks_table(experiments: Measured) -> str:
    """The small experiments."""
    rows = [
        [e["plain"], milliseconds(e["plain_seconds"]), e["tricky"], milliseconds(e["tricky_seconds"]), f"{e['plain_seconds'] / e['tricky_seconds']:.2f}"]
        for e in experiments.values()
    ]
    return markdown(["plainly", "ms", "with the trick", "ms", "times faster"], rows, left=1, words_in=(0, 2))


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], left: int, words_in: Sequence[int] = ()) -> str:
    """A table; the first `left` columns and those in `words_in` hold words, the others numbers."""
    rule = ["---" if k < left or k in words_in else "---:" for k in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def parts_of(step: Measured) -> list[Part]:
    """The operations of a step, as they were before they went into JSON."""
    return [Part(**{field.name: _hashable(part[field.name]) for field in fields(Part)}) for part in step["parts"]]


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def name_of(step: Measured) -> str:
    """A step in words."""
    workload = step["workload"]
    return f"{workload['model']}, {'training' if workload['mode'] == 'train' else 'inference'}, {workload['batch_size']} images"


def own_names(report: Measured) -> list[str]:
    """The contenders that are minicnn's."""
    return [contender["name"] for contender in report["rows"][0]["contenders"] if contender["name"] in BACKENDS]


def words(row: Measured) -> list[str]:
    """The first columns of a row."""
    return [row["model"], str(row["batch_size"]), "training" if row["mode"] == "train" else "inference"]


def shares(seconds: float, total: float) -> list[str]:
    """In milliseconds, and of the whole."""
    return [f"{1e3 * seconds:.2f}", f"{100 * seconds / total:.1f} %"]


def speed(spread: Measured) -> str:
    """Images per second."""
    return f"{spread['median']:,.{1 if spread['median'] < 1000 else 0}f}"


def milliseconds(seconds: float) -> str:
    """With two digits behind the point."""
    return f"{1e3 * seconds:.2f}"


def region(seconds: float) -> str:
    """Microseconds of one of so many regions."""
    return f"{1e6 * seconds / tricks.REGIONS:.0f}"


if __name__ == "__main__":
    main()
