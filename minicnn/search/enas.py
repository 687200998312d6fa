"""ENAS: children are not trained one by one, but judged with weights that all of them share."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.data import ArrayDataset
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.io import load_checkpoint, save_checkpoint
from minicnn.models.registry import build
from minicnn.ops import cross_entropy
from minicnn.optim import SGD, clip_grad_norm
from minicnn.search.cell_space import CellSpace
from minicnn.search.child import Budget, Child, train_child
from minicnn.search.found import Found
from minicnn.search.images import SearchImages
from minicnn.search.loop import one_thread, rounds, settings_of, trained_by
from minicnn.search.over_network import OverNetwork
from minicnn.search.record import Record, opened
from minicnn.search.reinforce import Reinforce
from minicnn.search.strategy import Sample

CHECKPOINT = "checkpoint.safetensors"
FINALISTS = 3  # architectures that are trained from scratch at the end
JUDGES = 128  # validation images that judge a round
CLIP = 5.0  # largest norm of a gradient of the shared weights, as in the paper
LR = 0.02  # of the shared weights, which are pulled in as many directions as there are children: at the 0.1 of a single child they hardly learn


class SharedWeights:
    """The over-network while it learns: each step trains the weights of one child on one minibatch.

    A child is judged by a minibatch of validation images, with their own mean and variance in every batch norm: running ones would be those of other children.

    Args:
        space: of cells.
        images: to train on and to judge by.
        budget: `steps` for each child that is to be judged, `batch_size`, `weight_decay`, and `sizes` of the network.
        seed: of the weights and of the minibatches.
        lr: learning rate, which stays as it is.

    Raises:
        ArgumentError: `lr` is not above 0, or the sizes are not those of an `OverNetwork`.
    """

    def __init__(self, space: CellSpace, images: SearchImages, budget: Budget, seed: int, lr: float = LR) -> None:
        self.images, self.budget, self.lr = images, budget, checks.positive(lr, "enas: lr")
        self.rng = np.random.default_rng([seed, 1])
        self.kwargs: dict[str, Any] = {"blocks": space.blocks, "operations": list(space.operations), "num_classes": images.classes, "in_channels": images.shape[0], **budget.sizes}
        manual_seed(seed)
        self.network: Any = build(OverNetwork, **self.kwargs)
        self.optimizer = SGD(self.network.parameters(), lr=self.lr, momentum=0.9, weight_decay=budget.weight_decay)

    def train(self, string: str) -> None:
        """A step with the weights that this child uses."""
        x, labels = self._minibatch(self.images.train, self.budget.batch_size)
        loss = cross_entropy(self.network(x, string), labels)
        if not math.isfinite(value := loss.item()):
            raise NonFiniteError(f"the loss of the shared weights is {value}, with a learning rate of {self.lr:g}: try {self.lr / 10:g}")
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(self.network.parameters(), CLIP)
        self.optimizer.step()

    def judge(self, strings: Sequence[str]) -> Iterator[Child]:
        """The children with the shared weights as they are, all by the same validation images."""
        x, labels = self._minibatch(self.images.validation, JUDGES)
        for string in strings:
            begin = time.perf_counter()
            with no_grad():
                right = self.network(x, string).numpy().argmax(axis=1) == labels.numpy()
            yield Child(float(right.mean()), 0, self.budget.steps, time.perf_counter() - begin)

    def _minibatch(self, part: ArrayDataset, size: int) -> tuple[Tensor, Tensor]:
        chosen = self.rng.choice(len(part), min(size, len(part)), replace=False)
        x, labels = (array[chosen] for array in part.arrays)
        return Tensor(x), Tensor(labels)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "network": {"name": "OverNetwork", "kwargs": self.kwargs},
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where others with the same settings were."""
        self.network.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]


def enas(
    space: CellSpace,
    strategy: Reinforce,
    images: SearchImages,
    budget: Budget,
    children: int,
    *,
    batch: int = 8,
    lr: float = LR,
    workers: int = 2,
    folder: Path | None = None,
    seed: int = 0,
    note: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> Found:
    """Search as `search` does, but let all children share their weights.

    Step 2 of a round trains the shared weights, with a newly sampled child on each minibatch, `budget.steps` of them for each child of the round; then the
    children are judged as they are. A reward is rough, for the weights are a compromise, but it does not take a training: in the paper, days on hundreds of
    GPUs became half a day on one. Here as many steps are spent for each child as `search` would spend, so that both can be compared. At the end the best of
    the last quarter are trained from scratch, with a quarter as many steps again for all of them together.

    Shared weights are no impartial judge: what needs no weights, such as pooling, is good before anything is learned.

    As weights change, an architecture that comes again is judged again. After every round the state is kept in the folder, and a search that was broken off
    goes on from there.

    Args:
        space: of cells.
        strategy: with a controller, a fresh one for this space.
        images, budget, children, batch, folder, seed, note, say: see `search` and `SharedWeights`.
        lr: learning rate of the shared weights; that of the budget is for the finalists.
        workers: processes that train the best from scratch.

    Returns:
        all samples, with rewards by shared weights, and the finalists.

    Raises:
        ArgumentError, DataError, CheckpointError: as `search`; or the space is not one of cells, or `budget.sizes` are not those of an over-network.
        NonFiniteError: the loss of the shared weights became NaN or Inf.

    Source:
        Pham, Guan, Zoph, Le & Dean 2018, "Efficient neural architecture search via parameter sharing", sec. 2.2.

    Example:
        >>> from minicnn.search import search_images
        >>> space = CellSpace(blocks=1)
        >>> images, budget = search_images("digits", size=8, count=60), Budget(steps=1, sizes={"filters": 4})
        >>> found = enas(space, Reinforce(space), images, budget, 2, batch=2, workers=0, say=lambda line: None)
        >>> len(found.samples), len(found.finalists) > 0
        (2, True)
    """
    for number, name, least in ((children, "children", 1), (batch, "batch", 1), (workers, "workers", 0), (seed, "seed", 0)):
        checks.integer(number, f"enas: {name}", least)
    if not isinstance(space, CellSpace) or not isinstance(strategy, Reinforce):
        raise ArgumentError(f"enas: shares the weights of cells, and learns by a controller: give a CellSpace and Reinforce(space), or PPO(space), not {space!r:.80} and {strategy!r:.80}")
    settings = settings_of(space, strategy, images, budget, children=children, batch=batch, seed=seed, shared_lr=lr, note=dict(note or {}))
    weights = SharedWeights(space, images, budget, seed, lr)
    with opened(folder, settings) as record, one_thread():
        _go_on(weights, strategy, record)

        def score(strings: Sequence[str]) -> Iterator[Child]:
            for choices in strategy.ask(budget.steps * len(strings)):
                weights.train(space.string(choices))
            return weights.judge(strings)

        def keep(count: int) -> None:
            if record.path is not None:
                save_checkpoint(record.path / CHECKPOINT, {**weights.state_dict(), "strategy": strategy.state_dict(), "samples": count})

        how = f"to be judged, after {budget.steps} steps of the shared weights for each"
        samples = rounds(space, strategy, score, children, batch, record, say, how, keep=keep)
        best = Found(tuple(samples[-max(1, len(samples) // 4) :])).best(FINALISTS)
        steps = max(budget.steps, children * budget.steps // (4 * len(best)))
        longer = dataclasses.replace(budget, steps=steps, seconds=budget.seconds * steps / budget.steps)
        say(f"the best {len(best)} of the last quarter are trained from scratch, for {longer.steps} steps each")
        with trained_by(workers, partial(train_child, images=images, budget=longer, seed=seed), longer.seconds, say) as from_scratch:
            trained = list(from_scratch([sample.string for sample in best]))
    finalists = (Sample(s.choices, s.string, c.reward, True, c.parameters, c.steps, c.seconds, c.error) for s, c in zip(best, trained, strict=True))
    return Found(tuple(samples), tuple(finalists))


def _go_on(weights: SharedWeights, strategy: Reinforce, record: Record) -> None:
    """Load the state after the last whole round, if there is one; what was sampled after it is sampled again."""
    if record.path is None:
        return
    if not (record.path / CHECKPOINT).exists():
        record.cut(0)
        return
    state = load_checkpoint(record.path / CHECKPOINT)
    weights.load_state_dict(state)
    strategy.load_state_dict(state["strategy"])
    record.cut(state["samples"])
