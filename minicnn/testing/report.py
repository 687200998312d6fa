"""What a failed comparison says: the worst elements, and a guess at the cause."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, permutations

import numpy as np

from minicnn.errors import MinicnnError, listing
from minicnn.kernels.types import Array

WORST = 5
WRONG_FACTOR = "a wrong factor"


class GradcheckError(MinicnnError, AssertionError):
    """A gradient or a result is not what it should be. The first line names the worst element and the likely cause."""


@dataclass(frozen=True)
class Mismatch:
    """An array that differs from what it should be.

    Attributes:
        name: what the report calls it: dw, y.
        given, expected: the two arrays; NaN in `expected` where it was not computed.
        wrong: where they differ by more than the tolerance.
        words: what the two are called: analytic and numeric, given and expected.
        sizes: numbers that a factor may be recognised as, with their meaning.
        input: the input that the array is the gradient of, to recognise ties.
    """

    name: str
    given: Array
    expected: Array
    wrong: Array
    words: tuple[str, str] = ("analytic", "numeric")
    sizes: Mapping[int, str] = field(default_factory=dict)
    input: Array | None = None

    def lines(self, cause: str) -> list[str]:
        """The worst element with the likely cause, then the next worst, then the count."""
        worst = self._worst()
        texts = [self._element(index) for index in worst]
        texts[0] += f" ({cause})" if cause else self._ratio(worst[0])
        texts[1:] = [f"  {text}{self._ratio(index)}" for text, index in zip(texts[1:], worst[1:], strict=True)]
        compared = int((~np.isnan(self.expected)).sum())
        return [*texts, f"  {self.name} {self.given.shape} is wrong in {int(self.wrong.sum())} of {compared} elements compared"]

    def severity(self) -> float:
        """The largest error, relative to the largest element."""
        with np.errstate(all="ignore"):
            error = np.max(np.abs(self.given - self.expected)[self.wrong])
            size = np.fmax.reduce(np.abs(self.expected), axis=None, initial=0.0)
        return float(error / size) if size > 0 and np.isfinite(error) else float("inf")

    def _worst(self) -> list[tuple[int, ...]]:
        with np.errstate(all="ignore"):
            error = np.where(self.wrong, np.nan_to_num(np.abs(self.given - self.expected), nan=np.inf), -1)
        order = np.argsort(-error, axis=None, kind="stable")[: min(WORST, int(self.wrong.sum()))]
        return [tuple(int(i) for i in np.unravel_index(flat, self.given.shape)) for flat in order]

    def _element(self, index: tuple[int, ...]) -> str:
        place = f"[{', '.join(map(str, index))}]" if index else ""
        a, n = self.given[index] + 0.0, self.expected[index] + 0.0  # -0.0 becomes 0
        return f"{self.name}{place}: {self.words[0]} {a:.6g}, {self.words[1]} {n:.6g}"

    def _ratio(self, index: tuple[int, ...]) -> str:
        a, n = self.given[index], self.expected[index]
        return f" (ratio {ratio_text(a / n)})" if n and a and np.isfinite(a / n) else ""


def likely_cause(mismatch: Mismatch) -> str:
    """The first guess that fits, or ''.

    >>> right = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> likely_cause(Mismatch("dw", right.T, right, right != right.T))
    'transposed: axes 0 and 1 are swapped'
    >>> likely_cause(Mismatch("dw", right / 2, right, right != 0))
    'ratio 0.50 over all elements: a missing factor 2?'
    """
    return strong_cause(mismatch) or weak_cause(mismatch)


def ratio_text(ratio: float) -> str:
    """A ratio with three digits, or as many as tell it from 1.

    >>> ratio_text(0.5), ratio_text(1.00001), ratio_text(-0.999), ratio_text(1.0)
    ('0.5', '1.00001', '-0.999', '1')
    """
    texts = (f"{ratio:.{digits}g}" for digits in range(3, 9))
    return next((text for text in texts if abs(float(text)) != 1), f"{ratio:.3g}")


def strong_cause(mismatch: Mismatch) -> str:
    """A guess at one simple rule for all elements, or ''."""
    a = mismatch.given
    if not np.isfinite(a).all():
        count = int((~np.isfinite(a)).sum())
        return f"{count} of {a.size} elements are NaN or Inf: a division by zero, or exp of a large number?"
    if not a.any():
        return "all zeros: is a part missing?"
    if close(-a, mismatch.expected):
        return "the sign is flipped everywhere"
    return next(_factor(mismatch), "")


def weak_cause(mismatch: Mismatch) -> str:
    """A guess at a rule for places, or ''."""
    return next(_moved(mismatch), "") or next(_place(mismatch), "")


def close(given: Array, expected: Array) -> bool:
    """Equal as far as numeric slopes can tell: where `expected` is known, and relative to its largest element."""
    known = ~np.isnan(expected)
    a, n = given[known], expected[known]
    return n.size > 0 and bool(np.allclose(a, n, rtol=1e-5, atol=1e-5 * np.abs(n).max(initial=0)))


def _factor(m: Mismatch) -> Iterator[str]:
    """One ratio for all elements."""
    a, n = m.given, m.expected
    compared = ~np.isnan(n)
    known = compared & (np.abs(n) > 1e-6 * np.nanmax(np.abs(n)))
    ratio = float(np.median(a[known] / n[known])) if known.any() else 0.0
    if ratio == 0 or not close(a / ratio, n):
        return
    explanation = _explain(abs(ratio), m.sizes)
    if known.sum() < 2 and (explanation == WRONG_FACTOR or compared.sum() < n.size):
        return  # one number is always some multiple of another
    sign = "the sign is flipped, and " if ratio < 0 else ""
    text = f"{ratio:.2f}" if 0.1 < abs(ratio) < 100 and abs(abs(ratio) - 1) > 0.005 else ratio_text(ratio)
    yield f"ratio {text} over all elements: {sign}{explanation}?"


def _explain(ratio: float, sizes: Mapping[int, str]) -> str:
    """What a wrong factor may be.

    >>> _explain(6.0, {6: "the batch"}), _explain(0.75, {}), _explain(0.75, {4: "N"})
    ('a missing 1/6, the batch', 'a missing 1/(1-p) with p = 0.25', 'n - 1 and n confused, n = 4 being N')
    """
    inverse = 1 / ratio
    for n, meaning in sizes.items():
        if n < 3:
            continue
        if math.isclose(ratio, n, rel_tol=1e-4):
            return f"a missing 1/{n}, {meaning}"
        if math.isclose(inverse, n, rel_tol=1e-4):
            return f"a missing factor {n}, {meaning}"
        if any(math.isclose(r, (n - 1) / n, rel_tol=1e-4) for r in (ratio, inverse)):
            return f"n - 1 and n confused, n = {n} being {meaning}"
    for factor, verb in ((inverse, "a missing factor"), (ratio, "an extra factor")):
        if 1.5 < factor < 50 and math.isclose(factor, round(factor), rel_tol=1e-4):
            return f"{verb} {round(factor)}"
    for factor, times in ((inverse, "missing"), (ratio, "extra")):
        p = 1 - 1 / factor
        if 0 < p < 1 and math.isclose(20 * p, round(20 * p), rel_tol=1e-4):  # 0.05, 0.1, ...: what people choose
            return f"a {times} 1/(1-p) with p = {p:.2g}"
    return WRONG_FACTOR


def _moved(m: Mismatch) -> Iterator[str]:
    """The right numbers in the wrong places."""
    a, n = m.given, m.expected
    axes = [axis for axis in range(a.ndim) if a.shape[axis] > 1]
    for count in range(1, len(axes) + 1):
        for flipped in combinations(axes, count):
            if close(np.flip(a, flipped), n):
                yield f"flipped: it is right when read backwards along {axis_names(flipped)}"
    for order in permutations(range(a.ndim)) if 2 <= a.ndim <= 4 else ():
        if order == tuple(range(a.ndim)):
            continue
        copied_in_order = a.reshape([n.shape[axis] for axis in order]).transpose(np.argsort(order))
        if close(copied_in_order, n) or close(a.transpose(order).reshape(n.shape), n):
            moved = [axis for axis in range(a.ndim) if order[axis] != axis]
            swapped = f"axes {moved[0]} and {moved[1]} are swapped" if len(moved) == 2 else f"the axes are in the order {order}"
            yield f"transposed: {swapped}"


def _place(m: Mismatch) -> Iterator[str]:
    """Wrong only in places that have something in common."""
    wrong, compared = m.wrong, ~np.isnan(m.expected)
    right = compared & ~wrong
    if not right.any():
        return
    if m.input is not None and np.all(_special(m.input)[wrong]) and not np.all(_special(m.input)[right]):
        yield "wrong only where the input is zero or ties with another element"
    for axis in range(wrong.ndim) if wrong.ndim > 1 else ():
        others = tuple(i for i in range(wrong.ndim) if i != axis)
        some, all_right = wrong.any(axis=others), (~wrong).all(axis=others)
        if some.any() and all_right.any() and wrong.sum() > 0.5 * compared.compress(some, axis=axis).sum():
            yield f"wrong only at {listing(np.flatnonzero(some))} of {axis_names([axis])}"
    if wrong.ndim >= 3 and not _inner(wrong).any() and _inner(right).any():
        yield "wrong only at the border: is the padding right?"
    if np.all(m.given[wrong] == 0):
        yield "the wrong elements are all zero: contributions are missing"


def upstream_cause(mismatch: Mismatch, pull_back: Callable[[Array], Array | None], dy: Array) -> str:
    """A guess at what was done to the upstream gradient, by pulling other ones back; or ''.

    A backward that is right except that it reads dy flipped is right when it is given a flipped dy.
    """
    axes = [axis for axis in range(dy.ndim) if dy.shape[axis] > 1]
    for count in range(1, len(axes) + 1):
        for flipped in combinations(axes, count):
            if close(_pulled(pull_back, np.ascontiguousarray(np.flip(dy, flipped)), mismatch), mismatch.expected):
                return f"the upstream gradient dy is flipped along {axis_names(flipped)}"
    return ""


def ignores_upstream(mismatch: Mismatch, pull_back: Callable[[Array], Array | None], dy: Array) -> str:
    """The guess that a gradient is the same whatever is pulled back; or ''."""
    if mismatch.given.any() and np.isfinite(mismatch.given).all() and np.array_equal(_pulled(pull_back, 2 * dy, mismatch), mismatch.given):
        return "it does not depend on dy: by the chain rule the upstream gradient is a factor"
    return ""


def _pulled(pull_back: Callable[[Array], Array | None], dy: Array, mismatch: Mismatch) -> Array:
    gradient = pull_back(dy)
    return np.zeros_like(mismatch.given) if gradient is None else gradient


def factor_sizes(x: Array, y: Array) -> dict[int, str]:
    """The numbers that a wrong factor often is, with their meaning; the plainest meaning of a number wins."""
    sizes = {x.size: "the elements of the input", y.size: "the elements of the result"}
    for array, what in ((y, "result"), (x, "input")):
        if array.ndim > 2:
            sizes[math.prod(array.shape[2:])] = f"the pixels of an image of the {what}"
            sizes[array.shape[0] * math.prod(array.shape[2:])] = f"the elements of a channel of the {what}"
        for axis in reversed(range(array.ndim)):
            sizes[array.shape[axis]] = f"the size of axis {axis} of the {what}"
    return sizes


def _special(x: Array) -> Array:
    """Elements that are zero, or occur twice."""
    values, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    return ((counts > 1) | (values == 0))[where].reshape(x.shape)


def _inner(array: Array) -> Array:
    return array[..., 1:-1, 1:-1]


def axis_names(axes: tuple[int, ...] | list[int]) -> str:
    """'axis 2', 'axes 2 and 3'."""
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {' and '.join(map(str, axes))}"
