"""A recipe: everything that decides what a training run computes, in a form that can be written into a log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from minicnn import checks, models, optim
from minicnn.backend import manual_seed
from minicnn.data import DataLoader
from minicnn.errors import ArgumentError, nearest
from minicnn.nn import Module
from minicnn.ops.autocast import PRECISIONS
from minicnn.train.datasets import load_dataset

T = TypeVar("T")

EVALUATION_BATCH = 128  # images at a time where nothing is learned

OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], dict[str, Any], float]] = {
    # name: (class, arguments, a learning rate that suits LeNet5)
    "sgd": (optim.SGD, {"momentum": 0.9}, 0.05),
    "adam": (optim.Adam, {}, 0.003),
    "adamw": (optim.AdamW, {}, 0.003),
    "rmsprop": (optim.RMSprop, {}, 0.001),
}


AnySchedule: TypeAlias = optim.Schedule | optim.ReduceLROnPlateau


def _warmup_cosine(optimizer: optim.Optimizer, steps: int) -> optim.Schedule:
    rise = steps // 20  # a short run has no room for it
    fall = optim.CosineAnnealingLR(optimizer, T_max=steps - rise)
    return optim.LinearWarmup(optimizer, rise, then=fall) if rise else fall


def _multi_step(optimizer: optim.Optimizer, steps: int) -> optim.Schedule:
    """At half and three quarters of the run: He et al. 2016, sec. 4.2."""
    return optim.MultiStepLR(optimizer, milestones=[max(1, steps // 2), max(1, 3 * steps // 4)], gamma=0.1)


def _one_cycle(optimizer: optim.Optimizer, steps: int) -> optim.Schedule:
    peaks = [group["lr"] for group in optimizer.param_groups]
    return optim.OneCycleLR(optimizer, peaks, total_steps=steps)


SCHEDULES: dict[str, Callable[[optim.Optimizer, int], AnySchedule | None]] = {
    # called with the optimiser, whose rate is the highest, and the number of steps of the whole run
    "constant": lambda _optimizer, _steps: None,
    "step": lambda optimizer, steps: optim.StepLR(optimizer, step_size=max(1, steps // 3), gamma=0.1),
    "multi-step": _multi_step,
    "plateau": lambda optimizer, _steps: optim.ReduceLROnPlateau(optimizer, factor=0.1, patience=2),
    "cosine": lambda optimizer, steps: optim.CosineAnnealingLR(optimizer, T_max=steps),
    "warmup-cosine": _warmup_cosine,
    "one-cycle": _one_cycle,
}


@dataclass(frozen=True)
class Parts:
    """What a recipe is cooked from."""

    model: Module
    model_kwargs: dict[str, Any]
    optimizer: optim.Optimizer
    schedule: AnySchedule | None
    train: DataLoader
    test: DataLoader


@dataclass(frozen=True)
class Recipe:
    """The settings of a run, as on the command line. The same recipe gives the same losses on the same machine.

    Example:
        >>> parts = Recipe().build()
        >>> len(parts.train), type(parts.optimizer).__name__
        (23, 'SGD')
    """

    model: str = "LeNet5"
    dataset: str = "digits"
    epochs: int = 20
    batch_size: int = 64
    lr: float | None = None
    optimizer: str = "sgd"
    schedule: str = "one-cycle"
    seed: int = 0
    workers: int = 0
    precision: str = "fp32"

    def resolved(self) -> "Recipe":
        """The recipe with the optimiser's usual learning rate where none is given, and every name as it is listed.

        Raises:
            ArgumentError: a name is unknown, or a number is out of range.
        """
        model = _look_up(self.model, {name.lower(): name for name in models.list_models()}, "model", models.list_models())
        _, _, usual_lr = _look_up(self.optimizer, OPTIMIZERS, "optimizer")
        _look_up(self.schedule, SCHEDULES, "schedule")
        checks.choice(self.precision, "the precision", PRECISIONS)
        lr = checks.positive(usual_lr if self.lr is None else self.lr, "the learning rate")
        return replace(self, model=model, lr=lr, optimizer=self.optimizer.lower(), schedule=self.schedule.lower())

    def build(self) -> Parts:
        """The freshly initialised network, and all that trains it.

        Raises:
            ArgumentError: a name is unknown, or a number is out of range.
        """
        recipe = self.resolved()
        dataset = load_dataset(recipe.dataset)
        manual_seed(recipe.seed)
        kwargs = {"num_classes": len(dataset.classes), "in_channels": dataset.shape[0]}
        model = models.create(recipe.model, **kwargs)
        make_optimizer, arguments, _ = OPTIMIZERS[recipe.optimizer]
        optimizer = make_optimizer(model.parameters(), lr=recipe.lr, **arguments)
        train = DataLoader(
            dataset.train, recipe.batch_size, shuffle=True, seed=recipe.seed, num_workers=recipe.workers, transform=dataset.augment
        )
        schedule = SCHEDULES[recipe.schedule](optimizer, recipe.epochs * len(train))
        return Parts(model, kwargs, optimizer, schedule, train, DataLoader(dataset.test, EVALUATION_BATCH))


def _look_up(name: str, table: Mapping[str, T], what: str, shown: Any = None) -> T:
    if not isinstance(name, str):
        raise ArgumentError(f"the {what} is chosen by its name, a text, not {name!r}")
    if name.lower() not in table:
        raise ArgumentError(f"unknown {what} {name!r}: {nearest(name, shown or table)}")
    return table[name.lower()]
