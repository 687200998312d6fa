"""The table of a benchmark, line by line, so that a row can be shown as soon as it is measured."""

from collections.abc import Sequence
from typing import Any

from minicnn.bench.elsewhere import crowded
from minicnn.bench.result import Measurement, Report, Row, Spread
from minicnn.bench.workload import Workload

LEFT = 4  # columns of words; the others hold numbers


class Table:
    """The head of the table, and a line for each row; the widths are settled before anything is measured.

    Args:
        workloads: all rows that will come.
        contenders: their names, in order.
        own: which of them are minicnn's backends.
        memory: whether memory is measured.
    """

    def __init__(self, workloads: Sequence[Workload], contenders: Sequence[str], own: Sequence[str], memory: bool) -> None:
        self.contenders, self.own, self.memory = list(contenders), list(own), memory
        self.compared = len(self.own) < len(self.contenders)
        titles = [*(f"{name} img/s" for name in contenders)]
        titles += [f"{name} : torch" for name in own] if self.compared else []
        titles += [f"{name} MB" for name in contenders] if memory else []
        head = ["model", "input", "batch", "mode"]
        words = [head, *(_words(workload) for workload in workloads)]
        self.widths = [max(map(len, column)) for column in zip(*words, strict=True)] + [max(13, len(title)) for title in titles]
        self.head = self._line([*head, *titles])

    def line(self, row: Row) -> str:
        """The cells of one row."""
        cells = [*_words(row.workload), *(_speed(m.images_per_second) for m in row.measurements)]
        if self.compared:
            ratios = [row.ratio(name) for name in self.own]
            cells += [f"{ratio.median:.2f} {_around(ratio)}" if ratio else "" for ratio in ratios]
        if self.memory:
            cells += [_megabytes(m) for m in row.measurements]
        return self._line(cells)

    def notes(self, report: Report) -> list[str]:
        """What the columns mean, and on what they were measured."""
        rounds = report.settings["rounds"]
        lines = [f"img/s: images per second, median of {rounds} round(s) in turns; ±: half the distance between the slowest and the fastest round"]
        if self.compared:
            lines.append("ratio NAME : torch: minicnn's img/s over those of PyTorch's faster memory layout, median of the rounds' ratios; above 1 minicnn is faster")
        if self.memory:
            lines.append("MB: peak of a process that does nothing else; in brackets, without what the imports take")
        used = [row.elsewhere for row in report.rows if crowded(row.elsewhere, report.machine["threads"])]
        if used:
            lines.append(
                f"WARNING: other programs used up to {max(filter(None, used)):.1f} processors meanwhile. Threads then wait for each other, PyTorch's most of all, and "
                "a ratio means nothing: measure again on an idle machine, or leave a processor free with --threads"
            )
        return [*lines, machine_line(report.machine)]

    def _line(self, cells: Sequence[str]) -> str:
        padded = (text.ljust(w) if i < LEFT else text.rjust(w) for i, (text, w) in enumerate(zip(cells, self.widths, strict=True)))
        return "  ".join(padded).rstrip()


def machine_line(machine: dict[str, Any]) -> str:
    """The machine in one line.

    >>> machine_line({"processor": "Z80", "threads": 1, "numpy": "2.4"})
    'Z80, 1 thread; numpy 2.4'
    """
    versions = ", ".join(f"{name} {version}" for name, version in machine.items() if name not in ("processor", "threads") and version)
    count = machine["threads"]
    return f"{machine['processor']}, {count} thread{'s' if count != 1 else ''}; {versions}"


def _words(workload: Workload) -> list[str]:
    return [workload.model, "x".join(map(str, workload.input)), str(workload.batch_size), workload.mode]


def _speed(spread: Spread) -> str:
    digits = 1 if spread.median < 1000 else 0
    return f"{spread.median:,.{digits}f} {_around(spread)}"


def _around(spread: Spread) -> str:
    return f"±{50 * (spread.max - spread.min) / spread.median:.0f}%"


def _megabytes(m: Measurement) -> str:
    return f"{m.memory.peak / 1e6:,.0f} ({m.memory.above_imports / 1e6:,.0f})" if m.memory else ""
