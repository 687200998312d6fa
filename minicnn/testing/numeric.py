"""Slopes of a function along a line, by differences: central ones where it is smooth, one-sided ones at a kink.

A central difference with step h is off by about h² f'''/6 from cutting the Taylor series, and by about eps |y| / h from
rounding. With h = 1e-5 of the scale of x both are near 1e-10 for a function that varies on the scale of x. Where that is
not so (a kink within the step, x = 1000 ± 1), other steps are tried.

At a kink (ReLU at 0, a tie in max pooling) the slopes to the right and to the left differ however small the step. On a
smooth function their difference is h f'', so that it shrinks a hundredfold when the step does. That tells the two apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from minicnn.kernels.types import Array

EPS = float(np.finfo(np.float64).eps)
STEP = 1e-5
OTHER_STEPS = (1e-6, 1e-7, 1e-4, 1e-8, 1e-3, 1e-9)
LONG_STEPS = (1e-5, 1e-4, 1e-3)  # over which rounding can be told from a mistake
TINY_STEPS = (2e-13, 4e-13, 6e-13, 8e-13, 1e-12)
KINK_STEPS = (1e-6, 1e-8)
ROUNDING = 8  # units in the last place that the function's own arithmetic may have lost


@dataclass(frozen=True)
class Line:
    """L(t) = Σ dy · y(x + t v), a function of one number.

    Attributes:
        at: t to y(x + t v).
        y: y(x).
        dy: the cotangent.
    """

    at: Callable[[float], Array]
    y: Array
    dy: Array

    def central(self, h: float) -> tuple[float, float]:
        """(L(h) - L(-h)) / 2h, and what rounding may have added. NaN where y is not finite at either end.

        Differences are taken output by output before they are summed: what does not change cancels exactly. But a
        change below the last place of the largest output may have been lost altogether.
        """
        with np.errstate(all="ignore"):
            difference = self.at(h) - self.at(-h)
            sizes = np.abs(self.dy * self.y)
            lost = (np.linalg.norm(sizes[difference != 0]) * ROUNDING + sizes.max(initial=0.0)) * EPS / h
            return float((self.dy * difference).sum() / (2 * h)), float(lost)

    def jitter(self) -> float:
        """How much L moves where it should stand still, within steps of 1e-12: the rounding of all that came before y.

        Of a sum of thousands that cancel, y itself does not tell. Right and left are looked at apart: from one to the
        other, a function may jump.
        """
        with np.errstate(all="ignore"):
            right, left = ([float((self.dy * (self.at(sign * t) - self.y)).sum()) for t in TINY_STEPS] for sign in (1, -1))
        return max(max(right) - min(right), max(left) - min(left))

    def agrees(self, slope: float, tolerance: float) -> tuple[bool, float]:
        """Is `slope` right, after all? For one that the central difference at `STEP` contradicts.

        Returns:
            The answer, and the best estimate of the slope: the one that changes least when the step does, or, at a
            kink, the nearest subgradient.
        """
        estimates = {STEP: self.central(STEP)}
        for h in OTHER_STEPS:
            estimates[h] = estimate, noise = self.central(h)
            if abs(estimate - slope) <= tolerance + (noise if h > STEP else 0):
                return True, estimate
        jitter = 6 * self.jitter()
        for h in LONG_STEPS:
            if abs(estimates[h][0] - slope) <= tolerance + jitter / h:
                return True, slope
        least_and_largest = self.kink_range()
        if least_and_largest is None:
            return False, _steadiest(estimates)
        nearest = min(max(slope, least_and_largest[0]), least_and_largest[1])
        return abs(nearest - slope) <= tolerance, nearest

    def kink_range(self) -> tuple[float, float] | None:
        """The least and the largest subgradient along the line if x lies on a kink of some outputs, else None.

        Every output chooses between its own two slopes, because an operation may break the ties of two outputs in
        different ways: two max-pool windows that overlap, say.
        """
        wide, narrow = (self._one_sided(h) for h in KINK_STEPS)
        with np.errstate(all="ignore"):
            jump, before = narrow[1] - narrow[0], wide[1] - wide[0]
            noise = ROUNDING * EPS * np.abs(self.y) / KINK_STEPS[1]
            kink = (np.abs(jump) > 4 * noise) & (jump / before > 0.5) & (jump / before < 2)
            if not kink.any():
                return None
            ends = self.dy * np.where(kink, narrow, (wide[0] + wide[1]) / 2)
            slack = float((np.abs(self.dy) * noise)[kink].sum())
        return float(ends.min(axis=0).sum()) - slack, float(ends.max(axis=0).sum()) + slack

    def _one_sided(self, h: float) -> Array:
        """The slopes of each output to the left and to the right, stacked."""
        with np.errstate(all="ignore"):
            return np.stack([self.y - self.at(-h), self.at(h) - self.y]) / h


def _steadiest(estimates: dict[float, tuple[float, float]]) -> float:
    """The estimate that the next longer step confirms best."""
    ordered = [estimates[h] for h in sorted(estimates, reverse=True)]
    doubt = [abs(a[0] - b[0]) + a[1] + b[1] for a, b in pairwise(ordered)]
    return ordered[int(np.nanargmin(doubt)) + 1][0] if np.isfinite(doubt).any() else float("nan")


def steps_for(x: Array) -> Array:
    """The length that counts as 1 along each element of x: its size, but at least 1/100 of the array's typical size.

    >>> steps_for(np.array([3.0, 0.0, 4.0])).round(3)
    array([3.   , 0.029, 4.   ])
    """
    typical = float(np.sqrt(np.mean(np.square(x)))) if x.size else 0.0
    return np.maximum(np.abs(x), 0.01 * typical) if typical > 0 else np.ones_like(x)
