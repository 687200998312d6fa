"""The controller: a recurrent network that writes architectures, a decision at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from minicnn import checks, nn
from minicnn.autograd import Tensor, no_grad
from minicnn.errors import ArgumentError, ShapeError
from minicnn.kernels.types import Array
from minicnn.ops import broadcast_to, concatenate, cross_entropy, exp, log_softmax, stack, tanh
from minicnn.search.space import Decision, Space
from minicnn.search.strategy import Choices

Pick: TypeAlias = Callable[[int, Array], Array]
"""`pick(t, p)`: the options (N,) of decision t, whose probabilities are p (N, options)."""

INITIAL = 0.1  # weights are drawn from -0.1 .. 0.1 (Zoph & Le 2016, sec. 4.1, have 0.08): at first all options are about as likely


@dataclass(frozen=True)
class Walk:
    """What the controller did for N architectures: their choices (N, decisions), log-probabilities (N,) and entropies (N,), in nats."""

    choices: Array
    log_probability: Tensor
    entropy: Tensor


class Link(nn.Module):
    """Whether a layer reads an earlier one, told by the states h at both layers' anchor points: P(yes) = σ(vᵀ tanh(W_prev h_earlier + W_curr h))."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.w_prev, self.w_curr = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, hidden, bias=False)
        self.v = nn.Linear(hidden, 1, bias=False)

    def forward(self, h: Tensor, earlier: Tensor) -> Tensor:
        """(N, hidden) twice to the scores (N, 2) of no and yes: a softmax over 0 and s is the sigmoid of s."""
        s = self.v(tanh(self.w_prev(earlier) + self.w_curr(h)))
        return concatenate([s * 0, s], axis=1)


class Controller(nn.Module):
    """Writes architectures as a language model writes sentences: each decision depends on those before it.

        h, c = LSTM(embedding of the decision before, h, c)
        P(option) = softmax(W h)                                            W for each kind of decision
        P(layer j is an input to layer i) = σ(vᵀ tanh(W_prev h_j + W_curr h_i))     for skip connections

    h_i is the state at layer i's *anchor point*: a step of the LSTM before its skip connections are decided; a layer without any has its anchor after its
    last decision. What goes on from an anchor point is the sum of the states of the layers that were chosen there, divided by one more than there are.

    The probability of a whole architecture is the product over its decisions, and depends on every weight: that is what REINFORCE differentiates.

    Args:
        space: what there is to decide.
        hidden: numbers in h and in each embedding.
        seed: of the initial weights.

    Attributes:
        start: (hidden), what the LSTM reads first.
        embeddings: for each kind of decision, a vector (hidden) for each option.
        heads: for each kind of decision, the layer from h to the scores of its options.
        link: w_prev, w_curr and v of the skip connections; None if the space has none.

    Raises:
        ArgumentError: `hidden` is below 1, the seed negative, or a skip connection comes from a layer that is not decided before it.

    Source:
        Zoph & Le 2017, "Neural architecture search with reinforcement learning", sec. 3.1 and 3.3.

    Example:
        >>> from minicnn.search import ChainSpace
        >>> controller = Controller(ChainSpace(layers=2), hidden=8)
        >>> sampled = controller.sample(3, np.random.default_rng(0))
        >>> controller.log_probability(sampled).shape
        (3,)
    """

    def __init__(self, space: Space, hidden: int = 32, seed: int = 0) -> None:
        super().__init__()
        self.decisions = tuple(space.decisions)
        self.hidden = checks.integer(hidden, "Controller: hidden")
        rng = np.random.default_rng(checks.integer(seed, "Controller: seed", 0))
        self.anchors = _anchors(self.decisions)
        self.start = nn.Parameter(np.zeros(hidden, np.float32))
        self.cell = nn.LSTMCell(hidden, hidden)
        kinds = {_kind(decision): len(decision.options) for decision in self.decisions if decision.link is None}
        self.kinds = list(kinds)
        self.embeddings = nn.ModuleList([nn.Embedding(count, hidden) for count in kinds.values()])
        self.heads = nn.ModuleList([nn.Linear(hidden, count) for count in kinds.values()])
        self.link = Link(hidden) if self.anchors else None
        with no_grad():
            for parameter in self.parameters():  # drawn here, and not from the process's generator
                parameter.copy_(rng.uniform(-INITIAL, INITIAL, parameter.shape).astype(np.float32))

    def sample(self, count: int, rng: np.random.Generator) -> list[Choices]:
        """So many architectures, each drawn with the probability that the controller gives it."""

        def draw(t: int, p: Array) -> Array:  # noqa: ARG001 - every decision is drawn alike
            ends = np.cumsum(p, axis=1)
            return (rng.random((len(p), 1)) * ends[:, -1:] >= ends).sum(axis=1)

        with no_grad():
            walk = self.walk(checks.integer(count, "Controller.sample: count"), draw)
        return [tuple(int(choice) for choice in row) for row in walk.choices]

    def log_probability(self, choices: Sequence[Choices]) -> Tensor:
        """log P of each architecture: (N,), differentiable in all weights.

        Raises:
            ShapeError, ArgumentError: as `retrace`.
        """
        return self.retrace(choices).log_probability

    def retrace(self, choices: Sequence[Choices]) -> Walk:
        """Go the way of N architectures once more, to learn how probable they are, and how undecided the controller was.

        Raises:
            ShapeError: an architecture has not as many choices as the space has decisions.
            ArgumentError: a choice is none of the options.
        """
        made = np.array(choices)
        if made.ndim != 2 or made.shape[1] != len(self.decisions):
            raise ShapeError(f"Controller: needs (N, {len(self.decisions)}) choices, one for each decision of the space; these are {made.shape}")
        for t, decision in enumerate(self.decisions):
            if made[:, t].min() < 0 or made[:, t].max() >= len(decision.options):
                raise ArgumentError(f"Controller: decision {t} ({decision.kind}) has the options 0 to {len(decision.options) - 1}, and not {made[:, t].tolist()}")
        return self.walk(len(made), lambda t, _: made[:, t])

    def walk(self, count: int, pick: Pick) -> Walk:
        """Decide `count` times side by side, the options being what `pick` says."""
        x = broadcast_to(self.start, (count, self.hidden))
        state: tuple[Tensor, Tensor] | None = None
        anchors: dict[int, Tensor] = {}
        choices, log_p, entropies = [], [], []
        chosen: list[Tensor] = []  # the states of the layers that are connected to the present one
        linked = 0
        for t, decision in enumerate(self.decisions):
            if linked and decision.link is None:
                x, chosen, linked = _sum(chosen) / (1 + linked), [], 0
            for layer in self.anchors.get(t, ()):
                state = self.cell(x, state)
                anchors[layer] = x = state[0]
            if decision.link is None:
                state = self.cell(x, state)
                scores = self.heads[self.kinds.index(_kind(decision))](state[0])
            else:
                assert self.link is not None
                scores = self.link(*(anchors[layer] for layer in decision.link))
            log = log_softmax(scores, axis=1)
            p = exp(log)
            choice = pick(t, p.numpy())
            choices.append(choice)
            log_p.append(-cross_entropy(scores, Tensor(choice.astype(np.int64)), reduction="none"))
            entropies.append(-(p * log).sum(axis=1))
            if decision.link is None:
                x = self.embeddings[self.kinds.index(_kind(decision))](Tensor(choice.astype(np.int64)))
            else:
                chosen.append(anchors[decision.link[1]] * Tensor(choice[:, None].astype(scores.dtype)))
                linked += 1
        return Walk(np.stack(choices, axis=1), _sum(log_p), _sum(entropies))


def _kind(decision: Decision) -> tuple[str, int]:
    """Decisions that share an embedding and a head."""
    return decision.kind, len(decision.options)


def _sum(terms: Sequence[Tensor]) -> Tensor:
    return stack(terms).sum(axis=0)


def _anchors(decisions: Sequence[Decision]) -> dict[int, list[int]]:
    """The layers whose anchor point comes right before a decision, by that decision's number.

    A layer begins where a kind of decision comes back. Only layers that take part in skip connections have an anchor.

    Raises:
        ArgumentError: a layer is to be connected with one that has no anchor point yet.
    """
    links = [decision.link for decision in decisions if decision.link is not None]
    before: dict[int, list[int]] = {}
    for layer in sorted({layer for link in links for layer in link}):
        own = [t for t, d in enumerate(decisions) if d.link is not None and d.link[0] == layer]
        place = own[0] if own else _end(decisions, layer)
        before.setdefault(place, []).append(layer)
    place_of = {layer: place for place, layers in before.items() for layer in layers}
    for layer, earlier in links:
        if place_of[earlier] > place_of[layer] or earlier >= layer:
            raise ArgumentError(f"Controller: layer {layer} cannot be connected with layer {earlier}, which is not decided before it")
    return before


def _end(decisions: Sequence[Decision], layer: int) -> int:
    """The decision with which the next layer begins."""
    counts: Counter[str] = Counter()
    for t, decision in enumerate(decisions):
        if decision.link is None:
            counts[decision.kind] += 1
            if counts[decision.kind] > layer + 1:
                return t
    return len(decisions)
