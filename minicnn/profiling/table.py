"""A profile as a table: the time of each kind of operation, the longest first."""

from collections.abc import Sequence

from minicnn import checks
from minicnn.profiling.record import Record

COLUMNS = {"op": ("operation", "phase"), "layer": ("path", "layer", "operation", "phase")}
NUMBERS = ("calls", "total ms", "share %", "ms per call", "GMAC/s", "GB/s")


def table(records: Sequence[Record], seconds: float, between: float, by: str) -> str:
    """The text; see `Profile.table`.

    Args:
        records: of the operations.
        seconds: of the whole profile.
        between: seconds without any operation.
        by: "op" or "layer".

    Raises:
        ArgumentError: `by` is neither.
    """
    names = COLUMNS[checks.choice(by, "Profile.table: by", list(COLUMNS))]
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(_name(record, by), []).append(record)
    times = {name: sum(record.own_seconds for record in group) for name, group in groups.items()}
    total = sum(times.values()) + between
    rows = [(*names, *NUMBERS)]
    for name in sorted(groups, key=lambda name: -times[name]):
        rows.append((*name, *_numbers(groups[name], times[name], total)))
    blank = ("",) * (len(names) - 1)
    rows.append(("between operations", *blank, "", *_time(between, total), "", "", ""))
    rows.append(("total", *blank, f"{len(records):,}", *_time(total, total), "", "", ""))
    threads = len({record.thread for record in records}) or 1
    head = f"{_count(len(records), 'operation')} in {1e3 * seconds:,.3f} ms, {_count(threads, 'thread')}"
    return "\n".join([head, "", *_lines(rows, len(names))])


def _name(record: Record, by: str) -> tuple[str, ...]:
    return (record.op, record.phase) if by == "op" else (record.path, record.layer, record.op, record.phase)


def _numbers(group: list[Record], seconds: float, total: float) -> tuple[str, ...]:
    rates = (_rate(sum(record.macs for record in group), seconds), _rate(sum(record.bytes for record in group), seconds))
    return (f"{len(group):,}", *_time(seconds, total), f"{1e3 * seconds / len(group):,.3f}", *rates)


def _time(seconds: float, total: float) -> tuple[str, str]:
    return f"{1e3 * seconds:,.3f}", f"{100 * seconds / total if total else 0:.1f}"


def _rate(amount: int, seconds: float) -> str:
    """Thousands of millions a second; nothing where there are none."""
    return f"{amount / seconds / 1e9:,.2f}" if amount and seconds else ""


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _lines(rows: list[tuple[str, ...]], left: int) -> list[str]:
    """Columns of equal width: the first `left` of them words, the others numbers; rules below the names and above the total."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for i, row in enumerate(rows):
        if i in (1, len(rows) - 1):
            lines.append("-" * (sum(widths) + 2 * len(widths) - 2))
        cells = [text.ljust(width) if k < left else text.rjust(width) for k, (text, width) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines
