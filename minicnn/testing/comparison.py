"""Compares gradients with measured slopes, element by element and along random directions."""

from collections.abc import Iterable, Mapping
from typing import NoReturn

import numpy as np

from minicnn.backend import get_backend
from minicnn.errors import listing
from minicnn.kernels.types import Array
from minicnn.testing.numeric import STEP, Line, cotangent, only, part, steps_for
from minicnn.testing.report import (
    GradcheckError,
    Mismatch,
    close,
    factor_sizes,
    ignores_upstream,
    strong_cause,
    upstream_cause,
    weak_cause,
)
from minicnn.testing.subject import Subject

STREAM = 0x67726164  # "grad": the cotangent's own stream of random numbers, so that it can never equal an input
EVERY, SAMPLE = 400, 40  # inputs up to a size are checked at every element, larger ones at so many,
FEW, MANY = 2, 8  # and all along a few directions (small inputs only) or many
LOST = 1e-4  # of the gradient's largest element: what rounding may hide; if it hides more, no verdict is given
LARGE = 1e3  # times an upstream gradient, and divided by it: out of the reach of a threshold
ROUNDING = 1e-14  # of the largest gradient: what one consists of that is zero (a bias in front of a batch norm)
ENOUGH = 12  # wrong elements that are looked at with all steps; more would not change the report


class Comparison:
    """The gradients of one function at one point against its slopes.

    Attributes:
        slopes: elements and directions compared so far.
        error: the largest error so far, relative to the largest element of its gradient.
    """

    def __init__(self, subject: Subject, rtol: float, atol: float, seed: int, elements: int | None = None) -> None:
        self.subject, self.rtol, self.atol, self.elements = subject, rtol, atol, elements
        self.random = np.random.default_rng([STREAM, seed])
        self.slopes, self.error = 0, 0.0
        self.unmeasured: list[tuple[str, int]] = []  # elements at which there is no slope to compare with
        self.noise: dict[str, float] = {}  # what rounding may have added to the slopes of an input

    def run(self) -> None:
        """Compare everything.

        Raises:
            GradcheckError: something is wrong.
        """
        self._begin()
        values = self.subject.values
        mismatches = [mismatch for name in values for mismatch in self._elements(name)]
        if mismatches:
            self._fail(mismatches)
        if self.unmeasured:
            raise self._unmeasured(*self.unmeasured[0])
        for name, s in self.steps.items():
            self._direction({name: np.full(s.shape, np.sqrt(np.mean(s * s)) if s.size else 0.0)})  # keeps ties tied
        for _ in range(MANY if any(self._count(value) < value.size for value in values.values()) else FEW):
            self._direction({name: s * self.random.standard_normal(s.shape) for name, s in self.steps.items()})
        self._linear()
        self.subject.check_memory(self.dy, self.gradients)

    def _begin(self) -> None:
        """The gradients that are to be checked, at a random cotangent."""
        values = self.subject.values
        self.y = self.subject.result()
        self.dy = cotangent(self.y.shape, self.random)
        arrived = self.subject.gradients(self.dy)
        self.missing = {name for name, gradient in arrived.items() if gradient is None}
        self.gradients = {name: np.zeros_like(values[name]) if g is None else g for name, g in arrived.items()}
        self.steps = {name: steps_for(value) for name, value in values.items()}

    def _elements(self, name: str) -> list[Mismatch]:
        """Compare the gradient of one input with slopes along its elements, or along a sample of them."""
        x, steps, gradient = self.subject.values[name], self.steps[name].ravel(), self.gradients[name].ravel()
        chosen = np.arange(x.size) if self._count(x) == x.size else np.sort(self.random.choice(x.size, self._count(x), replace=False))
        expected, noise, wrong = np.full(x.size, np.nan), np.zeros(x.size), np.zeros(x.size, bool)
        for i in map(int, chosen):
            expected[i], noise[i] = np.array(self._along(name, i).central(STEP)) / steps[i]
        for i in map(int, np.flatnonzero(noise > self._tolerance(gradient, expected))):
            expected[i], noise[i] = np.array(self._along(name, i).extrapolated()) / steps[i]
        typical, tolerance = np.fmax.reduce(np.abs(expected), initial=0.0), self._tolerance(gradient, expected)
        limit, confirmed = max(LOST * typical, self.atol), 0
        with np.errstate(invalid="ignore"):
            error = np.abs(gradient - expected)
            wrong[chosen] = ~((error <= tolerance + noise) & np.isfinite(gradient))[chosen]
        for i in sorted(map(int, np.flatnonzero(wrong & np.isfinite(gradient))), key=lambda i: -np.nan_to_num(error[i], nan=np.inf)):
            if confirmed < ENOUGH:
                right, slope = self._along(name, i).agrees(*np.array([gradient[i], tolerance[i], limit]) * steps[i])
                expected[i] = slope / steps[i]
                if not right and 0 < abs(x.flat[i]) < steps[i]:
                    right, expected[i] = self._nearer_to_zero(name, i, gradient[i], tolerance[i], limit, expected[i])
                wrong[i], error[i] = not right and not np.isnan(expected[i]), abs(gradient[i] - expected[i])
                confirmed += wrong[i]
                if np.isnan(expected[i]):
                    self.unmeasured.append((name, i))
        self.slopes += len(chosen)
        self.noise[name] = float(noise.max(initial=0.0))
        if not wrong.any():
            if noise.max(initial=0.0) > limit:
                raise self._blind([name])
            error, typical = error[chosen][~np.isnan(error[chosen])], np.fmax.reduce(np.abs(expected), initial=0.0)
            if typical > 1000 * noise.max(initial=0.0):  # not of a gradient that is zero but for rounding
                self.error = max(self.error, float(error.max(initial=0.0) / typical))
            return []
        given, slopes, where = (array.reshape(x.shape) for array in (gradient, expected, wrong))
        return [Mismatch(f"d{name}", given, slopes, where, sizes=factor_sizes(x, self.y), input=x)]

    def _count(self, x: Array) -> int:  # elements that are compared one by one
        return min(x.size, self.elements or (EVERY if x.size <= EVERY else SAMPLE))

    def _nearer_to_zero(
        self, name: str, i: int, gradient: float, tolerance: float, limit: float, before: float
    ) -> tuple[bool, float]:
        """A third look at an element much smaller than the others: with steps of its own size, none of which reaches across 0.

        Returns:
            Is its gradient right, and its slope: NaN if rounding hides it; `before` if there still is none.
        """
        step = self.steps[name].flat[i] = abs(self.subject.values[name].flat[i])
        line = self._along(name, i)
        slope, noise = line.central(STEP)
        if not noise <= tolerance * step:
            slope, noise = line.extrapolated()
        if abs(gradient - slope / step) <= tolerance + noise / step:
            certain = bool(noise / step <= max(limit, LOST * abs(slope / step)))
            return certain, slope / step if certain else np.nan
        right, slope = line.agrees(*np.array([gradient, tolerance, limit]) * step)
        return right, before if np.isnan(slope) else slope / step

    def _tolerance(self, gradient: Array, expected: Array) -> Array:
        """What each element may be off by."""
        with np.errstate(invalid="ignore"):
            typical = np.fmax.reduce(np.abs(expected), initial=0.0)
            return self.rtol * np.fmax(np.abs(gradient), np.abs(expected)) + self.atol * min(1.0, typical)

    def _direction(self, direction: Mapping[str, Array]) -> None:
        """Compare the slope along one direction, of one input or of several; if it is wrong, find out where."""
        right, analytic, numeric = self._slope(direction)
        self.slopes += 1
        if not right and not self._right_nearer(direction):
            found = self._locate(direction)
            if found:
                self._fail(found)
            inputs, gradients = _names(direction), _names([f"d{name}" for name in direction])
            raise self.subject.error(
                f"{gradients} along a direction of {inputs}: analytic {analytic:.6g}, numeric {numeric:.6g} (each element by "
                "itself may be right: of several that tie, each gets the whole gradient, where one must get it, or all share it?)"
            )

    def _right_nearer(self, direction: Mapping[str, Array]) -> bool:
        """Is the slope right along a direction that is so short that no element reaches across 0, where a kink may be?

        Only if each element was compared by itself: a short direction says little of small elements. Then there is nothing left
        to find but ties; if there are some, all elements move less alike, so that no large one drowns them.
        """
        values = {name: self.subject.values[name] for name in direction}
        if any(self._count(value) < value.size for value in values.values()):
            return False
        together = np.concatenate([value.ravel() for value in values.values()])
        ties = np.unique(together).size < together.size
        parts = {name: part(values[name], v) for name, v in direction.items()}
        least = min(part.min(initial=1.0) for part in parts.values())
        nearer = {name: v * (least if ties else parts[name]) for name, v in direction.items()}
        if all(np.array_equal(v, nearer[name]) for name, v in direction.items()):
            return False
        try:
            return self._slope(nearer)[0]
        except GradcheckError:  # rounding hides it
            return not ties

    def _linear(self) -> None:
        """A vector-Jacobian product is linear in dy: from dy in two parts, one scaled up and one down, comes the same."""
        mask = np.asarray(self.random.random(self.dy.shape) < 0.5)
        for half in (mask, ~mask):
            with np.errstate(all="ignore"):
                large, small = self.subject.pull_back(-LARGE * self.dy * half), self.subject.pull_back(self.dy * ~half / LARGE)
            for name, gradient in self.gradients.items():
                terms = [0.0 if g is None else g * factor for g, factor in ((large[name], -1 / LARGE), (small[name], LARGE))]
                self._same_from_parts(name, gradient, *(term + np.zeros_like(gradient) for term in terms))

    def _same_from_parts(self, name: str, gradient: Array, large: Array, small: Array) -> None:
        with np.errstate(invalid="ignore"):
            sizes, error = np.fmax(np.abs(large), np.abs(small)), np.abs(large + small - gradient)
            largest = max(np.abs(g).max(initial=0.0) for g in self.gradients.values())
            tolerance = self.rtol * sizes + 1e-9 * sizes.max(initial=0.0) + self.noise[name] + ROUNDING * largest
            wrong = ~(error <= tolerance)
        if wrong.any():
            index = np.unravel_index(int(np.argmax(np.where(wrong, np.nan_to_num(error, nan=np.inf), -1))), gradient.shape)
            place = f"[{', '.join(map(str, index))}]" if index else ""
            raise self.subject.error(
                f"backward is not linear in dy: d{name}{place} is {gradient[index]:.6g}, but {large[index] + small[index]:.6g} when dy "
                f"is pulled back in two parts, one multiplied and one divided by {LARGE:g}, and this is undone afterwards; "
                "is dy or the gradient clipped?"
            )

    def _slope(self, direction: Mapping[str, Array]) -> tuple[bool, float, float]:
        """The slope along a direction: is the gradients' right, what it is, and what was measured."""
        terms = np.concatenate([(self.gradients[name] * v).ravel() for name, v in direction.items()])
        analytic, line = float(terms.sum()), self._line(direction)
        numeric, noise = line.central(STEP)
        size, length = float(np.linalg.norm(terms)), float(np.sqrt(sum(np.sum(v * v) for v in direction.values())))
        tolerance = self.rtol * max(abs(analytic), abs(numeric)) + self.atol * min(1.0, size)
        limit = max(LOST * size, self.atol * length)
        if noise > tolerance:
            numeric, noise = line.extrapolated()
        if abs(analytic - numeric) <= tolerance + noise:
            if noise > limit:
                raise self._blind(direction)
            return True, analytic, numeric
        right, numeric = line.agrees(analytic, tolerance, limit)
        return right, analytic, numeric

    def _locate(self, direction: Mapping[str, Array]) -> list[Mismatch]:
        """The wrong elements behind a direction along which the slope is wrong, as far as they can be found."""
        return [mismatch for name, v in direction.items() for mismatch in self._bisect(name, v)]

    def _bisect(self, name: str, v: Array) -> list[Mismatch]:
        """Halve a direction along which the slope is wrong until a single wrong element is left, if there is one."""
        elements = np.arange(v.size)
        while elements.size > 1:
            first, second = np.array_split(elements, 2)
            elements = second if self._slope({name: only(first, v)})[0] else first
        right, _, numeric = self._slope({name: only(elements, v)})
        if right:
            return []
        expected, wrong = np.full(v.size, np.nan), np.zeros(v.size, bool)
        expected[elements], wrong[elements] = numeric / v.flat[elements], True
        return [Mismatch(f"d{name}", self.gradients[name], expected.reshape(v.shape), wrong.reshape(v.shape))]

    def _along(self, name: str, i: int) -> Line:
        return self._line({name: only(np.array([i]), self.steps[name])})

    def _line(self, direction: Mapping[str, Array]) -> Line:
        values = self.subject.values

        def at(t: float) -> Array:
            return self.subject.array_at({**values, **{name: values[name] + t * v for name, v in direction.items()}})

        return Line(at, self.y, self.dy, max(np.abs(values[name]).max(initial=0.0) for name in direction))

    def _blind(self, names: Iterable[str]) -> GradcheckError:
        gradients = _names([f"d{name}" for name in names])
        return self.subject.error(
            f"cannot tell whether {gradients} is right: the result is as large as {np.abs(self.y).max():.0e}, and its changes are "
            "lost in rounding; subtract the constant, or scale the inputs"
        )

    def _unmeasured(self, name: str, i: int) -> GradcheckError:
        x = self.subject.values[name]
        index = ", ".join(map(str, map(int, np.unravel_index(i, x.shape))))
        place = f"{name}[{index}]" if index else name
        return self.subject.error(
            f"cannot measure the slope at {place} = {x.flat[i]:.6g}, so that d{name} cannot be compared there: to one side of it the "
            "function is not finite, or its changes are lost in rounding; move it away from there"
        )

    def _fail(self, mismatches: list[Mismatch]) -> NoReturn:
        lines = [line for m in sorted(mismatches, key=Mismatch.severity, reverse=True) for line in m.lines(self._cause(m))]
        self.error = max(mismatch.severity() for mismatch in mismatches)
        wrong = {mismatch.name for mismatch in mismatches}
        right = [f"d{name}" for name in self.gradients if f"d{name}" not in wrong]
        if right:
            lines.append(f"  right: {listing(right)}")
        shapes = listing(f"{name} {value.shape}" for name, value in self.subject.values.items())
        lines.append(f"  {shapes}; backend {get_backend().name}; rtol={self.rtol:g}, atol={self.atol:g}, in float64")
        raise self.subject.error("\n".join(lines))

    def _cause(self, mismatch: Mismatch) -> str:
        """A guess that fits, or ''; those that need more than the two arrays are made here."""
        name = mismatch.name[1:]
        if name in self.missing:
            return f"no gradient arrived at {name}: is a term of backward missing, or does the function leave the graph?"

        def pull_back(dy: Array) -> Array | None:
            return self.subject.pull_back(dy)[name]

        return (
            ignores_upstream(mismatch, pull_back, self.dy)
            or strong_cause(mismatch)
            or upstream_cause(mismatch, pull_back, self.dy)
            or self._swapped(name, mismatch)
            or weak_cause(mismatch)
        )

    def _swapped(self, name: str, mismatch: Mismatch) -> str:
        for other, gradient in self.gradients.items():
            if other != name and gradient.shape == mismatch.given.shape and close(gradient, mismatch.expected):
                return f"this is what d{other} holds: are the two swapped?"
        return ""


def _names(names: Iterable[str]) -> str:
    names = list(names)
    return " and ".join(names) if len(names) <= 4 else listing(names, limit=4)
