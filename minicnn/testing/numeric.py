"""Slopes of a function along a line, by differences: central ones where it is smooth, one-sided ones at a kink.

A central difference with step h is off by about h² f'''/6 from cutting the Taylor series, and by about eps |y| / h from
rounding. With h = 1e-5 of the scale of x both are near 1e-10 for a function that varies on the scale of x. Where that is
not so (a kink within the step, x = 1000 ± 1), other steps are tried. Where y is a small change of a large constant, rounding
drowns the difference; steps up to the size of x then let more change, and extrapolation takes their error away.

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
JITTER_STEPS = (1e-5, 1e-4, 1e-3)  # over which rounding can be told from a mistake
LONG_STEPS = tuple(STEP * 4**k for k in range(12))  # up to 42: a small element moves by the size of the others
TINY_STEPS = (2e-13, 4e-13, 6e-13, 8e-13, 1e-12)
KINK_STEPS = ((1e-6, 1e-8), (1e-4, 1e-6), (1e-2, 1e-4))  # each where rounding hides what the one before would show
CLEAR = 100  # how far above its rounding the jump of a slope must be
ROUNDING = 8  # units in the last place that the function's own arithmetic may have lost


@dataclass(frozen=True)
class Line:
    """L(t) = Σ dy · y(x + t v), a function of one number.

    Attributes:
        at: t to y(x + t v).
        y: y(x).
        dy: the cotangent.
        size: the largest input: numbers of this size are rounded on the way to y, however small y is.
    """

    at: Callable[[float], Array]
    y: Array
    dy: Array
    size: float

    def central(self, h: float) -> tuple[float, float]:
        """(L(h) - L(-h)) / 2h, and what rounding may have added. NaN where y is not finite at either end.

        Differences are taken output by output before they are summed: what does not change cancels exactly. But a
        change below the last place of the largest output, or of the inputs, may have been lost altogether.
        """
        with np.errstate(all="ignore"):
            difference = self.at(h) - self.at(-h)
            sizes = np.abs(self.dy * self.y)
            unseen = sizes.max(initial=0.0) + self.size * np.abs(self.dy).max(initial=0.0)
            lost = (np.linalg.norm(sizes[difference != 0]) * ROUNDING + unseen) * EPS / h
            return float((self.dy * difference).sum() / (2 * h)), float(lost)

    def extrapolated(self) -> tuple[float, float]:
        """The slope from long steps, and how far off it may be; for a function whose change at `STEP` is lost in rounding.

        C(h) = slope + c h² + O(h⁴), so that (16 C(h) - C(4h)) / 15 is free of c (Richardson). Of all h, the one is taken
        for which rounding, and the distance to the value for 4h, are together least.
        """
        central = [self.central(h) for h in LONG_STEPS]
        refined = [((16 * near - far) / 15, noise) for (near, noise), (far, _) in pairwise(central)]
        return _least_doubt([(a, abs(a - b) + noise) for (a, noise), (b, _) in pairwise(refined)])

    def jitter(self) -> float:
        """How much L moves where it should stand still, within steps of 1e-12: the rounding of all that came before y.

        Of a sum of thousands that cancel, y itself does not tell. Right and left are looked at apart: from one to the
        other, a function may jump.
        """
        with np.errstate(all="ignore"):
            right, left = ([float((self.dy * (self.at(sign * t) - self.y)).sum()) for t in TINY_STEPS] for sign in (1, -1))
        return max(max(right) - min(right), max(left) - min(left))

    def agrees(self, slope: float, tolerance: float, limit: float) -> tuple[bool, float]:
        """Is `slope` right, after all? For one that the central difference at `STEP` contradicts.

        Args:
            slope: what autograd says.
            tolerance: how far off it may be.
            limit: how much of the difference rounding may excuse.

        Returns:
            The answer, and the best estimate of the slope: the one that changes least when the step does, or, at a
            kink, the nearest subgradient.
        """
        estimates = {STEP: self.central(STEP)}
        for h in OTHER_STEPS:
            estimates[h] = estimate, noise = self.central(h)
            if noise <= limit and abs(estimate - slope) <= tolerance + (noise if h > STEP else 0):
                return True, estimate
        jitter = 6 * self.jitter()
        for h in JITTER_STEPS:
            if abs(estimates[h][0] - slope) <= tolerance + min(jitter / h, limit):
                return True, slope
        least_and_largest = self.kink_range(abs(estimates[STEP][0] - slope))
        if least_and_largest is None:
            return False, _least_doubt([_steadiest(estimates), self.extrapolated()])[0]
        nearest = min(max(slope, least_and_largest[0]), least_and_largest[1])
        return abs(nearest - slope) <= tolerance, nearest

    def kink_range(self, gap: float) -> tuple[float, float] | None:
        """The least and the largest subgradient along the line if x lies on a kink of some outputs, else None.

        The shortest steps decide, unless rounding could hide a kink that explains a `gap` between two slopes.

        Every output chooses between its own two slopes, because an operation may break the ties of two outputs in
        different ways: two max-pool windows that overlap, say.
        """
        for h_wide, h_narrow in KINK_STEPS:
            wide, narrow = self._one_sided(h_wide), self._one_sided(h_narrow)
            with np.errstate(all="ignore"):
                jump, before = narrow[1] - narrow[0], wide[1] - wide[0]
                noise = ROUNDING * EPS * np.abs(self.y) / h_narrow
                kink = (np.abs(jump) > CLEAR * noise) & (jump / before > 0.5) & (jump / before < 2)
                if kink.any():
                    ends = self.dy * np.where(kink, narrow, (wide[0] + wide[1]) / 2)
                    slack = float((np.abs(self.dy) * noise)[kink].sum())
                    return float(ends.min(axis=0).sum()) - slack, float(ends.max(axis=0).sum()) + slack
                if CLEAR * np.linalg.norm((self.dy * noise)[narrow.any(axis=0)]) < gap:
                    return None
        return None

    def _one_sided(self, h: float) -> Array:
        """The slopes of each output to the left and to the right, stacked."""
        with np.errstate(all="ignore"):
            return np.stack([self.y - self.at(-h), self.at(h) - self.y]) / h


def _steadiest(estimates: dict[float, tuple[float, float]]) -> tuple[float, float]:
    """The estimate that the next longer step confirms best, with what is left to doubt."""
    ordered = [estimates[h] for h in sorted(estimates, reverse=True)]
    return _least_doubt([(b[0], abs(a[0] - b[0]) + a[1] + b[1]) for a, b in pairwise(ordered)])


def _least_doubt(estimates: list[tuple[float, float]]) -> tuple[float, float]:
    """Of estimates, each with its doubt, the least doubtful; NaN if there is none."""
    finite = [estimate for estimate in estimates if np.isfinite(estimate[1])]
    return min(finite, key=lambda estimate: estimate[1], default=(float("nan"), float("inf")))


def cotangent(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Random signs and sizes from 0.5 to 1.5: no element so small that a mistake in it would not count."""
    return random.choice([-1.0, 1.0], shape) * random.uniform(0.5, 1.5, shape)


def steps_for(x: Array) -> Array:
    """The length that counts as 1 along each element of x: its size, but at least 1/100 of the array's typical size.

    >>> steps_for(np.array([3.0, 0.0, 4.0])).round(3)
    array([3.   , 0.029, 4.   ])
    """
    typical = float(np.sqrt(np.mean(np.square(x)))) if x.size else 0.0
    return np.maximum(np.abs(x), 0.01 * typical) if typical > 0 else np.ones_like(x)


def part(x: Array, v: Array) -> Array:
    """How much of each element of `v` moves that of x by its own size at most."""
    return np.minimum(1.0, np.abs(np.divide(x, v, out=np.ones_like(x), where=(v != 0) & (x != 0))))


def only(elements: Array, v: Array) -> Array:
    """`v` with all other elements zero."""
    part = np.zeros(v.size)
    part[elements] = v.flat[elements]
    return part.reshape(v.shape)
