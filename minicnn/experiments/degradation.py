"""A deeper plain network is worse, even on the images that it is trained on; a deeper residual network is not (He et al. 2016, fig. 1 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn import models, optim
from minicnn.autograd import Tensor
from minicnn.backend import manual_seed, to_numpy
from minicnn.distributed.sharing import Loader
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.images import small_set
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.models.residual_block import NormalisedBlock
from minicnn.models.resnet_cifar import CIFARNet
from minicnn.nn import Conv2d, Module
from minicnn.ops import cross_entropy
from minicnn.train import Epoch, Recipe, Trainer, read_recipe

KINDS = {"plain": "PlainNetCIFAR", "ResNet": "ResNetCIFAR"}
DEPTHS = (20, 56)
IMAGES, HELD_OUT, SIZE, WIDTH = 1437, 360, 16, 8  # all digits
EPOCHS, BATCH, LR, DROP_AFTER = 16, 64, 0.05, 12  # the rate is divided by ten after so many epochs
CLOSE = 0.01  # training errors that differ by less count as equal


@dataclass(frozen=True)
class Trained:
    """A network, its course, and the gradients of its convolutions from the first to the last, at the start and at the end."""

    net: CIFARNet
    history: list[Epoch]
    gradients: dict[str, list[float]]
    test: Loader

    @property
    def errors(self) -> tuple[float, float]:
        """On training and held-out images, in the last epoch."""
        return 1 - self.history[-1].train_accuracy, 1 - self.history[-1].test_accuracy


def run(settings: Settings) -> Report:
    """Train plain and residual networks of both depths, and build a deep network out of a shallow one."""
    trained = {f"{kind}-{depth}": _trained(settings, kind, depth) for kind in KINDS for depth in DEPTHS}
    _draw(trained, settings)
    rows = [
        [name, *(f"{100 * error:.1f} %" for error in t.errors), *(f"{_ratio(t.gradients[when]):.2g}" for when in ("start", "end"))]
        for name, t in trained.items()
    ]
    data = {
        name: {
            "train_error": [1 - epoch.train_accuracy for epoch in t.history],
            "test_error": [1 - epoch.test_accuracy for epoch in t.history],
            "gradients": t.gradients,
        }
        for name, t in trained.items()
    }
    columns = ["network", "training error", "test error", "gradient first : last, untrained", "trained"]
    return Report(columns, rows, _findings(trained), data)


def deepened(shallow: CIFARNet, deep: CIFARNet) -> CIFARNet:
    """The deep residual network with the weights of the shallow one, and of every further block the last scale and shift zero.

    Then F(x) = 0 in those blocks, and H(x) = ReLU(0 + x) = x, because x is behind a ReLU already: the same function, bit for bit.

    Example:
        >>> import minicnn
        >>> shallow, deep = (models.ResNetCIFAR(depth, width=4).eval() for depth in (8, 14))
        >>> x = minicnn.ones(1, 3, 32, 32)
        >>> from minicnn.nn.mode import untrained
        >>> with untrained():
        ...     (deepened(shallow, deep)(x).numpy() == shallow(x).numpy()).all().item()
        True
    """
    deep.load_state_dict({**deep.state_dict(), **shallow.state_dict()})
    stages = ((deep.layer1, shallow.layer1), (deep.layer2, shallow.layer2), (deep.layer3, shallow.layer3))
    for stage, lower in stages:
        for block in list(stage)[len(lower) :]:
            assert isinstance(block, NormalisedBlock)
            close(block)
    return deep


def close(block: NormalisedBlock) -> None:
    """Set the scale and the shift of a residual block's last batch norm to zero, so that F(x) = 0."""
    norm: Any = block.last_norm()
    for parameter in (norm.weight, norm.bias):
        parameter.data = 0 * parameter.data


def gradients(net: Module, images: Tensor, labels: Tensor) -> list[float]:
    """|dL/dW| / |W| of every convolution in a network of 3x3 convolutions, in training mode: the relative step that a rate of 1 would make.

    The gradients are set to zero afterwards. (Running statistics do move on by one batch.)
    """
    net.train()
    cross_entropy(net(images), labels).backward()
    weights = [layer.weight for layer in net.modules() if isinstance(layer, Conv2d)]
    found = [float(np.linalg.norm(to_numpy(w.grad.data)) / np.linalg.norm(w.numpy())) for w in weights if w.grad is not None]
    net.zero_grad()
    return found


def _trained(settings: Settings, kind: str, depth: int) -> Trained:
    trainer, train, test, epochs = (_full if settings.full else _small)(settings, kind, depth)
    net: Any = trainer.model
    images, labels = next(iter(test))
    found = {"start": gradients(net, images, labels)}
    history = trainer.fit(train, test, epochs)
    found["end"] = gradients(net, images, labels)
    settings.say(f"{kind}-{depth}: training error {1 - history[-1].train_accuracy:.3f}, test error {1 - history[-1].test_accuracy:.3f}")
    return Trained(net, history, found, test)


def _small(settings: Settings, kind: str, depth: int) -> tuple[Trainer, Loader, Loader, int]:
    images = small_set(settings, IMAGES, HELD_OUT, SIZE)
    train = images.batches(BATCH, settings.seed)
    manual_seed(settings.seed)
    net = models.create(KINDS[kind], depth=depth, num_classes=images.classes, in_channels=images.channels, width=WIDTH)
    optimizer = optim.SGD(net.parameters(), lr=LR, momentum=0.9, weight_decay=1e-4)
    schedule = optim.MultiStepLR(optimizer, [DROP_AFTER * len(train)])
    return Trainer(net, optimizer, schedule), train, images.held_out(), EPOCHS


def _full(settings: Settings, kind: str, depth: int) -> tuple[Trainer, Loader, Loader, int]:
    """As in the paper: the recipe `resnet-cifar`."""
    changes = {"model": KINDS[kind], "model_options": {"depth": depth}, "seed": settings.seed}
    if settings.dataset is not None:
        changes["dataset"] = settings.dataset
    recipe = Recipe(**{**read_recipe("resnet-cifar"), **changes})
    parts = recipe.build()
    return parts.trainer, parts.train, parts.test, recipe.epochs


def _ratio(by_layer: list[float]) -> float:
    return by_layer[0] / by_layer[-1]


def _findings(trained: dict[str, Trained]) -> list[Finding]:
    shallow, deep = DEPTHS
    plain, residual = ((trained[f"{kind}-{shallow}"], trained[f"{kind}-{deep}"]) for kind in KINDS)
    (a, a_test), (b, b_test) = (t.errors for t in plain)
    (c, _), (d, d_test) = (t.errors for t in residual)
    start = [_ratio(t.gradients["start"]) for t in (plain[1], residual[1])]
    images, _ = next(iter(residual[0].test))
    scores = residual[0].net.eval()(images).numpy()  # of the trained networks: the deep one loses its own weights now
    built = deepened(residual[0].net, residual[1].net).eval()(images).numpy()
    return [
        Finding(f"the plain network with {deep} layers has a higher training error than that with {shallow}: {b:.1%} against {a:.1%}", b > a),
        Finding(f"and a higher test error: {b_test:.1%} against {a_test:.1%}", b_test > a_test),
        Finding(f"with shortcuts the training error does not grow with the depth: {d:.1%} with {deep} layers, {c:.1%} with {shallow}", d <= c + CLOSE),
        Finding(f"and the deep network is better with shortcuts than without: test error {d_test:.1%} against {b_test:.1%}", d_test < b_test),
        Finding(
            f"in the untrained plain network with {deep} layers the relative gradient of the first layer is {start[0]:,.0f} times that of the last, "
            f"in the residual one {start[1]:.2g} times",
            max(start[0], 1 / start[0]) > max(start[1], 1 / start[1]),
        ),
        Finding(
            f"a solution exists: the {shallow} trained layers with shortcuts and {deep - shallow} layers in blocks with F(x) = 0 behind them give the same "
            f"{scores.size:,} scores bit for bit; the largest difference is {np.abs(built - scores).max():g}",
            bool((built == scores).all()),
        ),
    ]


def _draw(trained: dict[str, Trained], settings: Settings) -> None:
    panels = []
    for kind in KINDS:
        lines = {}
        for colour, depth in enumerate(DEPTHS):
            history = trained[f"{kind}-{depth}"].history
            x = [epoch.epoch for epoch in history]
            lines[f"{kind}-{depth}, training"] = Line(x, [100 * (1 - epoch.train_accuracy) for epoch in history], colour, "--")
            lines[f"{kind}-{depth}, test"] = Line(x, [100 * (1 - epoch.test_accuracy) for epoch in history], colour, "-")
        panels.append(Panel(f"{kind} networks", "epoch", "error (%)", lines))
    by_depth = {}
    for colour, kind in enumerate(KINDS):
        for when, style in (("start", "--"), ("end", "-")):
            values = trained[f"{kind}-{DEPTHS[-1]}"].gradients[when]
            by_depth[f"{kind}-{DEPTHS[-1]}, {when}"] = Line(range(1, len(values) + 1), values, colour, style)
    panels.append(Panel("gradients by layer", "layer", "|dL/dW| / |W|", by_depth, log="y"))
    draw_panels(panels, settings.out / "degradation.png")
