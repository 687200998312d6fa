"""One row: everybody's heat, alone on the GPU; then finals, the best of minicnn and the best of PyTorch in turns.

A heat that fails (memory ran out, a kernel is missing) leaves its error, and the others go on.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minicnn.backend import use_backend
from minicnn.bench.gpu.entrant import STYLES, Entrant, Running
from minicnn.bench.gpu.rows import GpuRow
from minicnn.bench.result import Spread
from minicnn.bench.turns import take_turns
from minicnn.bench.workload import Problem, pose
from minicnn.kernels.types import Array

STEPS = 6  # of a heat, before anything is measured: their losses are compared; and a graph is recorded after a few calls
SLOW = 1.0  # seconds: of longer steps, fewer are done
TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""Relative deviation of losses, or of scores in the norm, above which two contenders do not compute the same. Tens of layers add to their rounding,
and training from random weights enlarges differences; a mistake is off by more."""


@dataclass
class Heat:
    """A contender alone.

    Attributes:
        name, style, is_rival: see `Entrant`.
        error: why there is nothing more; else "".
        first: seconds of the very first step, by the computer's clock: compilation, and the search for algorithms.
        seconds: of a step, block by block.
        memory: bytes, see `Device.memory`.
        deviation: from the reference, the first rival that has finished; None for itself.
        note: what should be known of the figures.
    """

    name: str
    style: str
    is_rival: bool
    error: str = ""
    first: float = 0.0
    seconds: tuple[float, ...] = ()
    memory: dict[str, int] = field(default_factory=dict)
    deviation: float | None = None
    note: str = ""
    results: list[Array] = field(default_factory=list, repr=False)

    @property
    def speed(self) -> float:
        """Steps per second, the median of the blocks; 0 if it failed."""
        return statistics.median(1 / s for s in self.seconds) if self.seconds and not self.error else 0.0


@dataclass
class Final:
    """Two contenders in turns: seconds of a step, round by round; the error if it failed."""

    own: str
    rival: str
    own_seconds: tuple[float, ...] = ()
    rival_seconds: tuple[float, ...] = ()
    error: str = ""

    @property
    def ratio(self) -> Spread | None:
        """minicnn's speed over the rival's, within each round: above 1 minicnn is faster."""
        pairs = list(zip(self.own_seconds, self.rival_seconds, strict=True))
        return Spread.of([theirs / ours for ours, theirs in pairs]) if pairs else None


@dataclass
class Result:
    """A row with all that was found."""

    row: GpuRow
    heats: list[Heat]
    finals: list[Final]
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: times in seconds, memory in bytes."""
        batch = self.row.workload.batch_size
        return {
            **self.row.as_dict(),
            "error": self.error,
            "heats": [heat_as_dict(heat, batch, self.row.precision) for heat in self.heats],
            "finals": [asdict(final) | {"ratio": asdict(ratio) if (ratio := final.ratio) else None} for final in self.finals],
        }


def heat_as_dict(heat: Heat, batch: int, precision: str) -> dict[str, Any]:
    """For JSON."""
    found = {key: value for key, value in asdict(heat).items() if key != "results"}
    speed = asdict(Spread.of([batch / seconds for seconds in heat.seconds])) if heat.seconds else None
    deviates = heat.deviation is not None and not heat.deviation <= TOLERANCE[precision]
    return found | {"images_per_second": speed, "deviates": deviates}


def contest(
    row: GpuRow,
    entrants: Sequence[Entrant],
    *,
    rounds: int,
    seconds: float,
    pause: float,
    on_heat: Callable[[Heat], object] = lambda heat: None,  # noqa: ARG005 - the name is the documentation
    alive: Callable[[], object] = lambda: None,
    free: Callable[[], int] = lambda: 0,
) -> Result:
    """Measure a row.

    Args:
        row: what.
        entrants: who.
        rounds, seconds, pause: see `turns.take_turns`; a heat has fewer rounds than the finals.
        on_heat: called after each heat.
        alive: called after an error; raises if nothing more can be computed.
        free: bytes of the GPU that nobody holds.
    """
    with use_backend("numpy"):
        problem = pose(row.workload)
    heats: list[Heat] = []
    for entrant in entrants:
        heat = _heat(entrant, problem, row.precision, free, rounds=min(rounds, 3), seconds=seconds, pause=pause)
        heats.append(heat)
        on_heat(heat)
        _rest(entrants)
        if heat.error:
            alive()
    _compare(heats)
    finals = []
    for own, rival in pairs(heats):
        both = [next(e for e in entrants if e.name == name) for name in (own, rival)]
        finals.append(_final(both, problem, row.precision, rounds=rounds, seconds=seconds, pause=pause))
        _rest(entrants)
        if finals[-1].error:
            alive()
    return Result(row, heats, finals)


def pairs(heats: Sequence[Heat]) -> Iterator[tuple[str, str]]:
    """Who meets: the fastest of each side in each style, and the fastest of all, if that is another pair."""

    def best(is_rival: bool, styles: Sequence[str]) -> Heat | None:
        found = [h for h in heats if h.is_rival == is_rival and h.style in styles and h.speed > 0]
        return max(found, key=lambda h: h.speed, default=None)

    seen = set()
    for styles in (*((style,) for style in STYLES), STYLES):
        own, rival = best(False, styles), best(True, styles)
        if own and rival and (own.name, rival.name) not in seen:
            seen.add((own.name, rival.name))
            yield own.name, rival.name


def _compare(heats: Sequence[Heat]) -> None:
    """Enter everybody's deviation from the first rival that has finished, or else from the first of all."""
    finished = [h for h in heats if not h.error]
    reference = next((h for h in finished if h.is_rival), finished[0] if finished else None)
    for heat in finished:
        if reference is not None and heat is not reference:
            heat.deviation = deviation(heat.results, reference.results)


def deviation(results: Sequence[Array], reference: Sequence[Array]) -> float:
    """The largest of ‖a - b‖ / ‖b‖, step by step as far as both have come; infinite if something is not finite.

    >>> deviation([np.array([1.0, 2.0])], [np.array([1.0, 2.1])]) < 0.05
    True
    """
    worst = 0.0
    for a, b in zip(results, reference, strict=False):
        off = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30)) if a.shape == b.shape else math.inf
        worst = max(worst, off if math.isfinite(off) else math.inf)
    return worst


def _heat(entrant: Entrant, problem: Problem, precision: str, free: Callable[[], int], **settings: Any) -> Heat:
    heat, device = Heat(entrant.name, entrant.style, entrant.is_rival), entrant.device
    try:
        device.rest()
        before = free()
        running = entrant.build(problem, precision)
        heat.first, second = _timed(running, heat), _timed(running, heat)
        slow = second > SLOW
        for _ in range(1 if slow else STEPS - 2):
            _timed(running, heat)
        gc.collect()
        device.forget_peak()
        settings |= {"rounds": 1, "seconds": 0} if slow else {}
        heat.seconds = take_turns({entrant.name: running.step}, clocks={entrant.name: device.clock}, **settings)[entrant.name].rounds
        heat.memory = device.memory() | {"gone_from_device": before - free()}
        heat.memory["reserved"] += running.own_pool()
        notes = ("timed by the computer's clock: events missed a part of the work", "the result is not finite")
        true = (getattr(device.clock, "unseen", False), not all(np.isfinite(result).all() for result in heat.results))
        heat.note = "; ".join(note for note, holds in zip(notes, true, strict=True) if holds)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        heat.error = message(error)
    return heat


def _timed(running: Running, heat: Heat) -> float:
    """One step, with its result; how long it took by the computer's clock."""
    start = time.perf_counter()
    heat.results.append(running.read(running.step()))
    return time.perf_counter() - start


def _final(both: Sequence[Entrant], problem: Problem, precision: str, **settings: Any) -> Final:
    own, rival = both
    final = Final(own.name, rival.name)
    try:
        running = {entrant.name: entrant.build(problem, precision) for entrant in both}
        for contender in running.values():
            for _ in range(STEPS):
                contender.read(contender.step())
        gc.collect()
        timings = take_turns({name: r.step for name, r in running.items()}, clocks={e.name: e.device.clock for e in both}, **settings)
        final.own_seconds, final.rival_seconds = timings[own.name].rounds, timings[rival.name].rounds
    except Exception as error:  # noqa: BLE001
        final.error = message(error)
    return final


def message(error: Exception) -> str:
    """The first lines of an error, with its type."""
    return f"{type(error).__name__}: {error}"[:1500]


def _rest(entrants: Sequence[Entrant]) -> None:
    """Nothing of the last contender stays on the GPU, as far as can be seen to."""
    gc.collect()
    for entrant in entrants:
        try:
            entrant.device.rest()
        except Exception:  # noqa: BLE001 - after an error even that may fail; `alive` says so
            return
