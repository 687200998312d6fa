"""The table of gradient checks: one row for each operation on each backend."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from minicnn.testing.gradcheck import Outcome, listeners


class Row(NamedTuple):
    """What was checked of one operation on one backend, in Python's own types, so that it can travel between processes."""

    name: str
    backend: str
    checks: int
    slopes: int
    error: float
    seconds: float
    failed: int  # tests in which a check failed


@contextmanager
def listened(done: Callable[[list[Row]], object]) -> Iterator[None]:
    """Collect the checks that run inside, and call `done` with one row for each operation and backend."""
    outcomes: list[Outcome] = []
    listeners.append(outcomes.append)
    try:
        yield
    finally:
        listeners.remove(outcomes.append)
        rows = merged(Row(o.name, o.backend, 1, int(o.slopes), float(o.error), o.seconds, int(o.failure is not None)) for o in outcomes)
        done([row._replace(failed=min(1, row.failed)) for row in rows])


def merged(rows: Iterable[Row]) -> list[Row]:
    """Rows of the same operation and backend as one, in alphabetical order.

    >>> merged([Row("relu", "numpy", 1, 5, 1e-9, 0.1, 0), Row("relu", "numpy", 2, 5, 1e-8, 0.1, 1)])
    [Row(name='relu', backend='numpy', checks=3, slopes=10, error=1e-08, seconds=0.2, failed=1)]
    """
    together: dict[tuple[str, str], Row] = {}
    for row in rows:
        seen = together.get(row[:2])
        together[row[:2]] = row if seen is None else Row(
            row.name, row.backend, seen.checks + row.checks, seen.slopes + row.slopes,
            max(seen.error, row.error), seen.seconds + row.seconds, seen.failed + row.failed,
        )  # fmt: skip
    return [together[key] for key in sorted(together)]


def table(rows: list[Row]) -> Iterator[str]:
    """The lines of the table, with totals."""
    width = max(len(row.name) for row in [*rows, Row("operation", "", 0, 0, 0, 0, 0)])
    backend = max(len(row.backend) for row in [*rows, Row("", "backend", 0, 0, 0, 0, 0)])
    yield f"{'operation':<{width}}  {'backend':<{backend}}  checks  slopes  worst error  seconds  failed tests"
    for row in [*rows, Row("all", "", *(sum(column) for column in list(zip(*rows, strict=True))[2:]))]:
        error = max(r.error for r in rows) if row.name == "all" else row.error
        counts = f"{row.checks:>6}  {row.slopes:>6}  {error:>11.1e}  {row.seconds:>7.2f}  {row.failed or '':>12}"
        yield f"{row.name:<{width}}  {row.backend:<{backend}}  {counts}".rstrip()
