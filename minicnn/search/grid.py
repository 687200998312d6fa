"""The grid search for the ratios of compound scaling: which alpha, beta and gamma fit the budget, and which of them do best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from minicnn.checks import number, positive, real
from minicnn.errors import ArgumentError

Candidate = TypeVar("Candidate")


class Ratios(NamedTuple):
    """By how much one step of phi multiplies depth, width and resolution.

    Attributes:
        alpha: factor of the depth, 1 or more.
        beta: factor of the width, 1 or more.
        gamma: factor of the image's side, 1 or more.
    """

    alpha: float
    beta: float
    gamma: float

    @property
    def cost(self) -> float:
        """alpha beta² gamma², by which the multiply-adds of a step grow: layers count once, channels and pixels along a side twice.

        Example:
            >>> round(Ratios(1.2, 1.1, 1.15).cost, 2)
            1.92
        """
        return self.alpha * self.beta**2 * self.gamma**2


class Ranked(NamedTuple, Generic[Candidate]):
    """A candidate of a search and what it was worth.

    Attributes:
        candidate: what was tried.
        reward: the number that it got; more is better.
    """

    candidate: Candidate
    reward: float


def scaling_grid(step: float = 0.05, target: float = 2.0, tolerance: float = 0.1) -> list[Ratios]:
    """All alpha, beta and gamma of a grid, from 1 upwards, for which a step of phi costs about `target` times as much.

    Three unknowns and one equation, alpha beta² gamma² = target, leave a surface; of the grid's points those are taken that lie near
    it. With the paper's target of 2 and steps of 0.05, its ratios (1.2, 1.1, 1.15) are among them: their product is 1.92.

    Args:
        step: distance of the grid's points along each axis, above 0; the points are 1, 1 + step, 1 + 2 step, ...
        target: by which factor the multiply-adds of a step of phi are to grow, 1 or more.
        tolerance: how far alpha beta² gamma² may be from `target`, 0 or more.

    Returns:
        The candidates, in the order of alpha, then beta, then gamma.

    Raises:
        ArgumentError: an argument is out of its range, or no point of the grid is near enough.

    Source:
        Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", eq. 3 and sec. 4, step 1
        (arXiv:1905.11946). The paper names neither the grid nor the tolerance.

    Example:
        >>> grid = scaling_grid()
        >>> len(grid), Ratios(1.2, 1.1, 1.15) in grid
        (111, True)
        >>> scaling_grid(step=0.5, tolerance=0.3)
        [Ratios(alpha=1.0, beta=1.0, gamma=1.5), Ratios(alpha=1.0, beta=1.5, gamma=1.0), Ratios(alpha=2.0, beta=1.0, gamma=1.0)]
    """
    step, target = positive(step, "scaling_grid: step"), number(target, "scaling_grid: target", 1)
    tolerance = number(tolerance, "scaling_grid: tolerance", 0)
    most = target + tolerance
    found = []
    for alpha in _axis(step, most):
        for beta in _axis(step, math.sqrt(most / alpha)):
            for gamma in _axis(step, math.sqrt(most / alpha) / beta):
                ratios = Ratios(alpha, beta, gamma)
                if abs(ratios.cost - target) <= tolerance + ROUNDING:
                    found.append(ratios)
    if not found:
        raise ArgumentError(
            f"scaling_grid: no alpha, beta and gamma in steps of {step:g} have alpha beta² gamma² within {tolerance:g} of {target:g}: "
            "make the step smaller or the tolerance larger"
        )
    return found


ROUNDING = 1e-9  # a candidate that lies on the border to the last digit but a few is inside


def _axis(step: float, most: float) -> list[float]:
    """1, 1 + step, ... up to `most`, without the noise of binary fractions: 1.15, not 1.1500000000000001."""
    return [round(1 + i * step, 10) for i in range(int((most - 1 + ROUNDING) / step) + 1)]


def grid_search(candidates: Iterable[Candidate], reward: Callable[[Candidate], float]) -> list[Ranked[Candidate]]:
    """Try every candidate once, and rank them.

    For compound scaling, the candidates are those of `scaling_grid`, and the reward of one is the accuracy, on images that are neither
    trained on nor tested on, of the baseline scaled by it with phi = 1 and trained. That is the expensive part: a training run for each. The ratios that
    win are kept for all larger phi.

    Args:
        candidates: of any kind; each is handed to `reward`.
        reward: makes a number of a candidate; more is better.

    Returns:
        All candidates with their rewards, the best first; among equals the earlier.

    Raises:
        ArgumentError: there is no candidate, or a reward is NaN or no number.

    Source:
        Tan & Le 2019, sec. 4, step 1.

    Example:
        >>> grid_search([1, 4, 2], reward=lambda x: -((x - 2) ** 2))[0]
        Ranked(candidate=2, reward=0.0)
    """
    ranking = [Ranked(candidate, real(reward(candidate), f"grid_search: the reward of {candidate}")) for candidate in candidates]
    if not ranking:
        raise ArgumentError("grid_search: there is no candidate to try")
    return sorted(ranking, key=lambda ranked: ranked.reward, reverse=True)
