"""Writes the tables of docs/distributed.md: `python tools/distributed_page.py`. What is computed is computed anew, what was measured comes from docs/benchmarks/workers.json."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minicnn
from minicnn import models
from minicnn.analysis import summarize
from minicnn.analysis.summary import Summary
from minicnn.distributed import (
    Machine,
    alexnet_traffic,
    all_reduce_time,
    ring_picture,
    scaling,
    scaling_table,
)

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS = ROOT / "docs" / "distributed.md", ROOT / "docs" / "benchmarks" / "workers.json"
ETHERNET, INFINIBAND = Machine(rate=5e12, bandwidth=1.25e9, latency=2e-5), Machine(rate=5e12, bandwidth=1.25e10, latency=5e-6)
NETWORKS = ("AlexNetGrouped", "VGG16", "GoogLeNet", "ResNet50", "MobileNetV2")
WORKERS, IMAGES, BUCKET = (8, 16, 32, 64, 128, 256, 512, 1024), 64, 25e6
WAYS = {"shared memory": "the ring in shared memory", "MPI": "MPI"}


def summary(name: str) -> Summary:
    """A network of the zoo, without memory for its weights."""
    with minicnn.use_backend("meta"):
        return summarize(models.create(name, **({"aux": False} if name == "GoogLeNet" else {})))


def ring() -> str:
    """The steps of four ranks."""
    return f"```text\n{ring_picture(4)}\n```\n"


def traffic() -> str:
    """What AlexNet's workers send in a step with 128 images."""
    return f"```text\n{alexnet_traffic(128).table()}\n```\n"


def reduce() -> str:
    """The ring beside the server, for the gradients of ResNet-50."""
    nbytes = 4 * summary("ResNet50").parameters
    rows = [[f"{n:,}", *(f"{all_reduce_time(nbytes, n, ETHERNET, method):,.2f} s" for method in ("ring", "server"))] for n in (2, *WORKERS)]
    return table(["workers", "ring", "server"], rows)


def efficiency() -> str:
    """Weak scaling of five networks over two links."""
    columns = []
    for name in NETWORKS:
        layers = summary(name).layers
        columns.append([[f"{100 * row.efficiency:.0f} %" for row in scaling(layers, link, WORKERS, IMAGES, bucket=BUCKET)] for link in (ETHERNET, INFINIBAND)])
    rows = [[f"{n:,}", *(" / ".join(of_links[i] for of_links in column) for column in columns)] for i, n in enumerate(WORKERS)]
    return table(["workers", *NETWORKS], rows)


def sizes() -> str:
    """What the efficiencies come from."""
    rows = []
    for name in NETWORKS:
        found = summary(name)
        rows.append([name, f"{found.parameters:,}", f"{found.macs:,}", f"{found.macs / found.parameters:,.0f}"])
    return table(["network", "parameters", "multiply-adds of an image", "multiply-adds for a parameter"], rows)


def strong() -> str:
    """ResNet-50 with 1,024 images of all workers."""
    return f"```text\n{scaling_table(scaling(summary('ResNet50').layers, INFINIBAND, (1, *WORKERS), 1024, kind='strong', bucket=BUCKET))}\n```\n"


def conditions() -> str:
    """Of the measurements."""
    machine = json.loads(RESULTS.read_text())["machine"]
    taken = [f"{used:.1f}" for used in machine["taken_by_others"]]
    return f"{machine['processor']}, {machine['processors']} processors, of which other programs used {taken[0]} before and {taken[1]} after; Python {machine['python']}, NumPy {machine['numpy']}.\n"


def measured_all_reduce() -> str:
    """By length, over both ways, measured and predicted."""
    found = json.loads(RESULTS.read_text())
    at = {(row["over"], row["workers"], row["bytes"]): row for row in found["all_reduce"]}
    cases = sorted({key[:2] for key in at}, key=lambda case: (list(WAYS).index(case[0]), case[1]))
    rows = [[f"{nbytes:,}", *(both(at[way, workers, nbytes]) for way, workers in cases)] for nbytes in sorted({key[2] for key in at})]
    return table(["bytes", *(f"{WAYS[way]}, {workers} workers" for way, workers in cases)], rows)


def measured_steps() -> str:
    """By workers, over both ways, with and without overlap, measured and predicted."""
    found = json.loads(RESULTS.read_text())
    at = {(row["over"], row["workers"], row["overlap"]): row for row in found["steps"]}
    cases = [(way, overlap) for way in WAYS for overlap in (False, True)]
    rows = [[f"{n}", *(both(at[way, n, overlap]) for way, overlap in cases)] for n in sorted({key[1] for key in at})]
    return table(["workers", *(f"{WAYS[way]}{', overlapped' if overlap else ''}" for way, overlap in cases)], rows)


def both(row: dict[str, Any]) -> str:
    """What was measured, and in brackets what the model says."""
    return f"{in_words(row['seconds'])} ({in_words(row['predicted'])})"


def in_words(seconds: float) -> str:
    """Microseconds or milliseconds.

    >>> in_words(0.00005), in_words(0.0123)
    ('50 µs', '12.3 ms')
    """
    return f"{1e6 * seconds:,.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:,.1f} ms"


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown: the first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "ring": ring, "traffic": traffic, "reduce": reduce, "sizes": sizes, "efficiency": efficiency, "strong": strong,
    "conditions": conditions, "measured all-reduce": measured_all_reduce, "measured steps": measured_steps,
}  # fmt: skip


def updated(text: str) -> str:
    """The page with the tables of today."""
    for name, make in TABLES.items():
        made = make()
        text, places = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", lambda found, made=made: found[1] + made + found[2], text, flags=re.DOTALL)
        if places != 1:
            raise SystemExit(f"docs/distributed.md has {places} places for the table of {name}, and must have one: <!-- {name} --> and <!-- end of {name} -->")
    return text


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
