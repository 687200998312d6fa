"""One network says what the figure in a picture is, and where: classification with localisation on drawn figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.data import DataLoader, Shapes
from minicnn.data.transforms import Normalize
from minicnn.detection import Boxes, Localiser, found_boxes, iou, localisation_loss, relative_boxes
from minicnn.experiments import box_picture
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.one_pass import train_one_pass
from minicnn.kernels.types import Array
from minicnn.nn.mode import evaluating
from minicnn.train.curve import can_draw

LEVELS = 0.5, 0.7, 0.9  # "decent", "pretty good", "almost perfect"
CENTRED = Normalize(Shapes.mean, Shapes.std)
WEIGHT = 20.0  # of a box beside a class, the loss's λ


@dataclass(frozen=True)
class Scale:
    """How large the experiment is.

    Attributes:
        size, clutter: of the pictures, see `data.Shapes`.
        channels: of the trunk.
        train, test: numbers of pictures; each training picture is seen once.
    """

    size: int
    clutter: float
    channels: tuple[int, ...]
    train: int
    test: int
    batch: int = 32
    lr: float = 0.003


REDUCED = Scale(size=48, clutter=0.2, channels=(16, 32, 64, 128), train=64_000, test=1_000)
FULL = Scale(size=64, clutter=0.5, channels=(32, 64, 128, 256), train=1_000_000, test=10_000)


@dataclass(frozen=True)
class Held:
    """Held-out pictures with what is true and what was found: N classes and boxes each, and the boxes' overlaps."""

    labels: Array
    said: Array
    true: Boxes
    found: Boxes
    overlaps: Array


def run(settings: Settings) -> Report:
    """Train a localiser and hold it against the lecture's two goals: mean IoU above 0.8, class accuracy above 95 %."""
    scale = FULL if settings.full else REDUCED
    manual_seed(settings.seed)
    model = Localiser(len(Shapes.classes), scale.channels)
    settings.say(f"training on {scale.train} pictures of {scale.size}x{scale.size} pixels")
    train(model, scale, settings)
    held = look(model, _pictures(scale, settings.seed, train=False), scale.size)
    if can_draw():
        _draw(held, scale, settings)
    return report(held)


def train(model: Localiser, scale: Scale, settings: Settings) -> None:
    """One pass over pictures that never repeat."""
    shapes = _pictures(scale, settings.seed, train=True)
    loader = DataLoader(shapes, scale.batch, seed=settings.seed, transform=CENTRED, drop_last=True)

    def loss(batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        images, labels, boxes = batch
        return localisation_loss(model(images), labels, relative_boxes(boxes, scale.size, scale.size), weight=WEIGHT)

    train_one_pass(model, loader, loss, scale.lr, settings.say)


def look(model: Localiser, shapes: Shapes, size: int) -> Held:
    """What a network says of pictures."""
    labels, said, true, found = [], [], [], []
    with evaluating(model), no_grad():
        for images, classes, boxes in DataLoader(shapes, 100, seed=0, transform=CENTRED):
            outputs = model(images)
            labels.append(classes.numpy())
            said.append(outputs.scores.numpy().argmax(axis=1))
            true.append(boxes.numpy())
            found.append(found_boxes(outputs.boxes, size, size).xyxy)
    boxes_true, boxes_found = (Boxes.from_xyxy(np.concatenate(some)) for some in (true, found))
    overlaps = np.array([iou(a, b).item() for a, b in zip(boxes_true, boxes_found, strict=True)])
    return Held(np.concatenate(labels), np.concatenate(said), boxes_true, boxes_found, overlaps)


def report(held: Held) -> Report:
    """The table and the verdicts."""
    count, mean = len(held.labels), float(held.overlaps.mean())
    accuracy = float((held.said == held.labels).mean())
    above = {level: int((held.overlaps > level).sum()) for level in LEVELS}
    both = int(((held.said == held.labels) & (held.overlaps > 0.5)).sum())
    rows = [
        ["class right", f"{100 * accuracy:.1f} %"],
        ["mean IoU", f"{mean:.3f}"],
        *([f"boxes with IoU > {level}", f"{number} of {count}"] for level, number in above.items()),
        ["class right and IoU > 0.5", f"{both} of {count}"],
    ]
    findings = [
        Finding(f"on {count} held-out pictures the mean IoU of the box is {mean:.3f}; above 0.8 was claimed", mean > 0.8),
        Finding(f"and the class is right in {100 * accuracy:.1f} %; above 95 % was claimed", accuracy > 0.95),
    ]
    data = {"mean_iou": mean, "accuracy": accuracy, "above": {str(k): v for k, v in above.items()}, "overlaps": held.overlaps.round(4).tolist()}
    return Report(["on held-out pictures", "found"], rows, findings, data)


def _pictures(scale: Scale, seed: int, train: bool) -> Shapes:
    length = scale.train if train else scale.test
    return Shapes(length, train=train, seed=seed, size=scale.size, target="box", clutter=scale.clutter)


# The picture

COLUMNS, ROWS = 5, 2


def _draw(held: Held, scale: Scale, settings: Settings) -> None:
    """Held-out pictures with the true box and the one found; under them, what the three levels look like."""
    shapes = _pictures(scale, settings.seed, train=False)
    figure, grid = box_picture.panels(ROWS + 1, COLUMNS)
    for i, axes in enumerate(grid[: min(ROWS * COLUMNS, len(held.labels))]):
        box_picture.show(axes, shapes[i][0], f"{Shapes.classes[held.said[i]]}, IoU {held.overlaps[i]:.2f}")
        box_picture.outline(axes, held.true[i], box_picture.TRUE)
        box_picture.outline(axes, held.found[i], box_picture.FOUND, style="--")
    for level, axes in zip(LEVELS, grid[ROWS * COLUMNS :], strict=False):
        _show_level(axes, level)
    figure.suptitle("white: the true box; red: the one found. Below: what an IoU of 0.5, 0.7 and 0.9 looks like", fontsize=8)
    box_picture.save(figure, settings.out / "localise.png")


def _show_level(axes: object, level: float) -> None:
    """Two squares, one shifted along the diagonal, that overlap by `level`: of a square of area 1 the other covers c, where c / (2 - c) = level."""
    shift = 1 - np.sqrt(2 * level / (1 + level))
    square = Boxes.from_xywh([6, 6, 28, 28])
    box_picture.show(axes, np.full((3, 48, 48), 0.75), f"IoU {level}")
    box_picture.outline(axes, square, box_picture.TRUE)
    box_picture.outline(axes, square.shifted(28 * shift, 28 * shift), box_picture.FOUND, style="--")
