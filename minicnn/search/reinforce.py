"""REINFORCE: a controller learns to write the architectures that were rewarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor
from minicnn.kernels.types import Array
from minicnn.optim import Adam
from minicnn.search.controller import Controller, Walk
from minicnn.search.space import Space
from minicnn.search.strategy import Choices, Sample, Strategy


class Reinforce(Strategy):
    """The controller's architectures become more probable the more their reward R exceeds what was to be expected, and less probable where it falls short.

        gradient of the expected reward = mean over samples of (R - b) gradient of log P(sample)

    b is a moving average of the rewards of earlier rounds. It depends on none of the samples at hand, so that it changes the gradient's noise, and not
    its mean. The first round has no b yet: it gives one, and teaches nothing.

    A bonus for entropy keeps the controller from being sure too early: once an option has the probability 1, no other is ever tried again.

    Args:
        space: what there is to choose from.
        seed: of the controller's initial weights and of its samples.
        lr: learning rate of Adam, which takes one step for each round.
        hidden: numbers in the controller's state.
        entropy: weight of the entropy of a decision, in nats, against a reward from 0 to 1.
        decay: share of the baseline that a round leaves as it is.

    Attributes:
        controller: the network that samples.
        baseline: b, or None before the first round.

    Raises:
        ArgumentError: a value is out of range.

    Source:
        Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement learning"; Zoph & Le 2017, "Neural architecture search with
        reinforcement learning", sec. 3.2.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> strategy = Reinforce(ChainSpace(layers=2), hidden=8)
        >>> samples = [Sample(choices, "", reward) for choices, reward in zip(strategy.ask(2), (0.5, 0.7))]
        >>> print(strategy.tell(samples))
        the first rewards give the baseline, 0.600; the controller stays as it is
    """

    name = "REINFORCE"

    def __init__(
        self, space: Space, seed: int = 0, *, lr: float = 0.05, hidden: int = 32, entropy: float = 0.01, decay: float = 0.8
    ) -> None:
        super().__init__(space, seed)
        name = type(self).__name__
        self.entropy = checks.number(entropy, f"{name}: entropy", 0)
        self.decay = checks.fraction(decay, f"{name}: decay")
        self.controller = Controller(space, hidden, self.seed)
        self.optimizer = Adam(self.controller.parameters(), checks.positive(lr, f"{name}: lr"))
        self.settings = {"lr": float(lr), "hidden": self.controller.hidden, "entropy": self.entropy, "decay": self.decay}
        self.baseline: float | None = None

    def ask(self, count: int) -> list[Choices]:
        """Step 1: sample architectures with the probabilities of the controller."""
        return self.controller.sample(count, self.rng)

    def tell(self, samples: Sequence[Sample]) -> str:
        """Step 3: update the controller by the gradient of log P, scaled by the reward."""
        rewards = np.array([sample.reward for sample in samples])
        before, self.baseline = self.baseline, self._moved(float(rewards.mean()))
        if before is None:
            return f"the first rewards give the baseline, {self.baseline:.3f}; the controller stays as it is"
        entropy = self.update([sample.choices for sample in samples], rewards - before)
        return f"the rewards are {abs(rewards.mean() - before):.3f} {'above' if rewards.mean() >= before else 'below'} the baseline, {before:.3f}; entropy {entropy:.2f} nats"

    def _moved(self, mean: float) -> float:
        return mean if self.baseline is None else self.decay * self.baseline + (1 - self.decay) * mean

    def update(self, choices: Sequence[Choices], advantages: Array) -> float:
        """One step uphill. Returns the mean entropy of the controller, in nats, before it."""
        walk = self.controller.retrace(choices)
        self.descend(self.loss(walk, advantages))
        return float(walk.entropy.mean().item())

    def loss(self, walk: Walk, advantages: Array) -> Tensor:
        """The number whose gradient, downhill, is that of the expected reward and the entropy, uphill."""
        policy = (walk.log_probability * self.constant(advantages)).mean()
        return -(policy + self.entropy * walk.entropy.mean() / len(self.space.decisions))

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """All that the next samples depend on, as arrays and plain values."""
        return {
            "controller": self.controller.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "baseline": self.baseline,
            "rng": self.rng.bit_generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another strategy with the same settings was.

        Raises:
            StateDictError: it has another controller.
        """
        self.controller.load_state_dict(state["controller"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.baseline, self.rng.bit_generator.state = state["baseline"], state["rng"]

    def constant(self, values: Array) -> Tensor:
        """Numbers that are not differentiated, in the element type of the controller."""
        return Tensor(values.astype(self.controller.start.dtype))
