"""Proximal policy optimisation: several steps of the controller on the same samples, kept short."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.kernels.types import Array
from minicnn.ops import clip, exp, minimum
from minicnn.search.controller import Walk
from minicnn.search.reinforce import Reinforce
from minicnn.search.space import Space
from minicnn.search.strategy import Choices


class PPO(Reinforce):
    """REINFORCE that takes several steps for each round of samples, for training a child is dear, and a step of the controller is not.

    After the first step the samples come from an older controller, P_old. The ratio r = P / P_old corrects for that, and is clipped, so that no sample
    pulls the controller farther than a factor of 1 ± clip from where it was drawn:

        maximise the mean of min(r (R - b), clip(r, 1 - clip, 1 + clip) (R - b))

    At the first step r is 1, and the gradient is that of REINFORCE.

    Args:
        space, seed, options: as for `Reinforce`.
        passes: steps on each round of samples.
        clip: how far the ratio counts.

    Raises:
        ArgumentError: a value is out of range.

    Source:
        Schulman, Wolski, Dhariwal, Radford & Klimov 2017, "Proximal policy optimization algorithms", eq. 7; in architecture search: Zoph et al. 2018, "Learning
        transferable architectures for scalable image recognition", app. A.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> PPO(ChainSpace(layers=2), passes=3).name
        'PPO'
    """

    name = "PPO"

    def __init__(self, space: Space, seed: int = 0, *, passes: int = 4, clip: float = 0.2, **options: float) -> None:
        super().__init__(space, seed, **options)  # type: ignore[arg-type]  # they are checked there
        self.passes = checks.integer(passes, "PPO: passes")
        self.clip = checks.positive(clip, "PPO: clip")
        self.settings |= {"passes": self.passes, "clip": self.clip}
        self._old: Array | None = None

    def update(self, choices: Sequence[Choices], advantages: Array) -> float:
        """Several steps uphill, all from the probabilities that the samples were drawn with. Returns the entropy, in nats, before the last."""
        self._old = self.controller.log_probability(choices).numpy().copy()
        return [super(PPO, self).update(choices, advantages) for _ in range(self.passes)][-1]

    def loss(self, walk: Walk, advantages: Array) -> Tensor:
        """The clipped objective, with the bonus for entropy, to be made small."""
        assert self._old is not None
        ratio, advantage = exp(walk.log_probability - Tensor(self._old)), self.constant(advantages)
        policy = minimum(ratio * advantage, clip(ratio, 1 - self.clip, 1 + self.clip) * advantage).mean()
        return -(policy + self.entropy * walk.entropy.mean() / len(self.space.decisions))
