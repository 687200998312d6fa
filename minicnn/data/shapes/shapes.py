"""The dataset of drawn figures: endless, seeded, with nothing to download."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.data.batch import random_stream, stack
from minicnn.data.shapes.caption import WORDS, encode_caption, longest
from minicnn.data.shapes.colours import COLOURS
from minicnn.data.shapes.drawing import add_noise, background, paint
from minicnn.data.shapes.figures import FIGURES
from minicnn.data.shapes.layout import arrange
from minicnn.data.shapes.scene import Scene
from minicnn.errors import ArgumentError, IndexingError
from minicnn.kernels.types import Array
from minicnn.ops.checks import pair

TARGETS = "label", "box", "boxes", "caption"
TRAIN, TEST = 2, 3  # the first number of a picture's random stream; a loader with the same seed uses 0 and 1
MOST = 6  # figures in a picture


class Shapes:
    """Pictures of coloured figures on cluttered grounds, drawn when they are asked for.

    Picture i depends on (seed, train, i) and what the pictures shall look like, on nothing else: not on the length, not on
    what was drawn before, not on the process that draws it. `shapes[i]` is there for any i >= 0; the length says only where a loader's
    epoch ends.

    An image is (3, size, size) float32 in 0 .. 1, a network's input as it is; `transforms.Normalize(Shapes.mean, Shapes.std)` centres it.

    Args:
        length: `len(shapes)`, how many a loader takes in an epoch.
        train: pictures to train on; otherwise others, to test with.
        seed: another seed, other pictures.
        size: height and width in pixels, 16 at least.
        objects: figures in a picture: a number, or the least and the most (up to 6).
        target: what comes with the image:
            "label": (image, class) of the foremost figure;
            "box": (image, class, box (4,)) of the foremost figure;
            "boxes": (image, classes (n,), boxes (n, 4)) of all, for `DataLoader(collate=collate_boxes)`;
            "caption": (image, tokens (L,)), see `words`.
            Boxes are float32 left, top, right, bottom in pixels, around what can be seen.
        clutter: 0, an even ground, to 1: strokes, dots, waves and noise.
        occlusion: the largest share of any figure that others may hide; 0 keeps figures apart.

    Attributes:
        classes: names of the ten classes.
        colours: names of the eight colours.
        words: the vocabulary of captions; a token is a place in it, with "<pad>" at 0, "<start>" at 1, "<end>" at 2.
        mean, std: of each channel, over the first 10,000 pictures as they are by default.

    Raises:
        ArgumentError: a value is outside its range.
        IndexingError: when indexed by a negative number: an endless dataset has no last picture.

    Example:
        >>> shapes = Shapes(1000, size=32)
        >>> image, label = shapes[7]
        >>> image.shape, image.dtype, Shapes.classes[label]
        ((3, 32, 32), dtype('float32'), 'star')
        >>> Shapes(objects=2).scene(1).caption
        'a small cyan outlined ring in front of a large red outlined crescent'
    """

    classes = tuple(figure.name for figure in FIGURES)
    colours = tuple(COLOURS)
    words = WORDS
    mean, std = (0.508, 0.501, 0.499), (0.230, 0.216, 0.223)

    def __init__(
        self,
        length: int = 10_000,
        *,
        train: bool = True,
        seed: int = 0,
        size: int = 64,
        objects: int | tuple[int, int] = 1,
        target: str = "label",
        clutter: float = 0.4,
        occlusion: float = 0.5,
    ) -> None:
        self.length = checks.integer(length, "Shapes: length")
        self.train = checks.flag(train, "Shapes: train")
        self.seed = checks.integer(seed, "Shapes: seed", 0)
        self.size = checks.integer(size, "Shapes: size", 16)
        self.objects = pair(objects, "Shapes: objects", order="(least, most)")
        if not self.objects[0] <= self.objects[1] <= MOST:
            raise ArgumentError(f"Shapes: objects are the least and the most, up to {MOST}, not {objects!r}")
        self.target = checks.choice(target, "Shapes: target", TARGETS)
        self.clutter = checks.fraction(clutter, "Shapes: clutter", include_one=True)
        self.occlusion = checks.fraction(occlusion, "Shapes: occlusion")

    def scene(self, index: int) -> Scene:
        """Picture `index` and everything that is known of it.

        Raises:
            IndexingError: `index` is no integer >= 0.
        """
        if not checks.is_integer(index) or index < 0:
            raise IndexingError(f"Shapes: there is a picture for every integer from 0 on, none for {index!r}")
        rng = random_stream(self.seed, TRAIN if self.train else TEST, int(index))
        least, most = self.objects
        layout = arrange(rng, self.size, int(rng.integers(least, most + 1)), self.occlusion)
        figures, distances, masks = zip(*layout, strict=True)
        image = paint(background(rng, self.size, self.clutter), figures, distances, rng)
        return Scene(add_noise(image, rng, self.clutter), figures, np.stack(distances) <= 0, np.stack(masks))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        scene = self.scene(index)
        if self.target == "caption":
            return scene.image, encode_caption(scene.caption, longest(self.objects[1]))
        if self.target == "boxes":
            return scene.image, scene.labels, scene.modal
        label = scene.figures[-1].label
        return (scene.image, label) if self.target == "label" else (scene.image, label, scene.modal[-1])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Shapes({self.length}, train={self.train}, seed={self.seed}, size={self.size}, objects={self.objects}, target={self.target!r})"


def collate_boxes(samples: Sequence[tuple[Any, ...]]) -> tuple[Array, list[Array], list[Array]]:
    """A batch of samples (image, classes (n,), boxes (n, 4)) with an n of their own: images (N, 3, H, W), and lists of N classes and boxes.

    The lists stay NumPy's in a loader: what a network is to answer is worked out from them, box by box.

    Raises:
        ShapeError: the images differ in shape.

    Example:
        >>> images, labels, boxes = collate_boxes([Shapes(target="boxes", objects=n)[0] for n in (1, 3)])
        >>> images.shape, [len(b) for b in boxes]
        ((2, 3, 64, 64), [1, 3])
    """
    images, labels, boxes = zip(*samples, strict=True)
    return stack([(image,) for image in images])[0], list(labels), list(boxes)
