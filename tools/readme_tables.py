"""Writes the tables of README.md: `python tools/readme_tables.py`. The networks' numbers are computed, those of speed come from docs/benchmarks/peers.json."""

import json
import re
from pathlib import Path

from minicnn.analysis.compare import compare

OLDER = {"LeNet5": 1998}  # than ImageNet
ROOT = Path(__file__).resolve().parents[1]
README, PEERS = ROOT / "README.md", ROOT / "docs" / "benchmarks" / "peers.json"
NAMES = {"minicnn": "minicnn", "torch": "PyTorch", "dezero": "DeZero", "tinygrad": "tinygrad"}
NETWORKS = (
    "LeNet5", "AlexNetGrouped", "ZFNet", "VGG16", "VGG19", "GoogLeNet", "ResNet18", "ResNet50", "ResNet152", "PreActResNet200", "WideResNet50_2",
    "ResNeXt50_32x4d", "InceptionV4", "DenseNet121", "SENet154", "MobileNetV1", "MobileNetV2", "ShuffleNetV1", "NASNetAMobile", "EfficientNetB0", "EfficientNetB7",
)  # fmt: skip


def networks() -> str:
    """The rows, in Markdown. The error is what papers report on ImageNet; `minicnn compare --csv` lists the sources."""
    rows = ["| network | year | parameters | multiply-adds | error on ImageNet, top-1 / top-5 |", "|---|---|--:|--:|---|"]
    for entry in compare(NETWORKS):
        error = f"{percent(entry.top1)} / {percent(entry.top5)}" if entry.year else ""
        rows.append(f"| `{entry.name}` | {entry.year or OLDER[entry.name]} | {entry.parameters:,} | {entry.macs:,} | {error} |")
    return "\n".join(rows) + "\n"


def percent(value: float | None) -> str:
    """A rate, or a dash where none was reported."""
    return "–" if value is None else f"{value:g} %"


def speed() -> str:
    """What a training step takes beside minicnn's, by framework and network; how it is measured, says tools/peers.py."""
    report = json.loads(PEERS.read_text())
    names = [name for name in NAMES if name in next(iter(report["networks"].values()))]
    versions = {name: found[name]["version"] for found in report["networks"].values() for name in names}
    rows = [f"| a training step, {report['machine']} | " + " | ".join(f"{NAMES[name]} {versions[name].split('+')[0]}" for name in names) + " |", "|---" + "|--:" * len(names) + "|"]
    for network, found in report["networks"].items():
        rows.append(f"| {network} | " + " | ".join(cell(name, found[name]) for name in names) + " |")
    return "\n".join(rows) + "\n"


def cell(name: str, found: dict[str, float]) -> str:
    """A time of ours, and of others how many times ours."""
    return f"{found['milliseconds']:.3g} ms" if name == "minicnn" else f"{found['times_minicnn']:.3g} x"


def updated(text: str) -> str:
    """The README with the tables of today."""
    for name, table in (("networks", networks()), ("speed", speed())):
        text, places = re.subn(rf"(<!-- {name}: [^>]* -->\n).*?(<!-- end of {name} -->)", lambda found, table=table: found[1] + table + found[2], text, flags=re.DOTALL)
        if places != 1:
            raise SystemExit(f"README.md has {places} places for the table of {name}, and must have one: <!-- {name}: ... --> and <!-- end of {name} -->")
    return text


if __name__ == "__main__":
    README.write_text(updated(README.read_text()))
