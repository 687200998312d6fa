"""A network that names figures, and a recurrent one that speaks: captions of drawn figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from minicnn import nn, optim
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.captioning import Captioner, beam_search, caption_loss, greedy, score_captions
from minicnn.creation import tensor
from minicnn.data import ArrayDataset, DataLoader, Shapes
from minicnn.data.shapes import Scene, decode_caption, encode_caption
from minicnn.data.shapes.caption import longest
from minicnn.data.transforms import Normalize, RandomHorizontalFlip, Transform
from minicnn.experiments.caption_picture import draw_captions
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.kernels.types import Array
from minicnn.nn.mode import evaluating
from minicnn.ops import adaptive_max_pool2d, concatenate, cross_entropy, stack

CLUTTER, LENGTH, BATCH, LR = 0.2, longest(2), 64, 4e-3
KINDS = len(Shapes.classes), len(Shapes.colours), 2, 2  # shapes, colours, filled or not, large or not
COLUMNS = "decoder", "features", "figures", "exact", "words", "size", "colour", "fill", "shape", "relation"


@dataclass(frozen=True)
class Scale:
    """How large the experiment is: pixels, pictures of one and of two figures each, channels, and passes over the pictures."""

    size: int = 32
    train: int = 8000
    test: int = 400
    width: int = 24
    trunk_epochs: int = 9
    epochs: int = 3
    tuned_epochs: int = 4


FULL = Scale(size=64, train=50_000, test=2000, width=48, trunk_epochs=30, epochs=20, tuned_epochs=20)


@dataclass(frozen=True)
class Pictures:
    """Images (N, 3, H, W) with their captions, and the attributes (N, 4) of the foremost figure, as places in `KINDS`; the first half has one figure, the other two."""

    images: Array
    captions: list[str]
    attributes: Array

    @property
    def tokens(self) -> Array:
        """The captions as numbers (N, LENGTH)."""
        return np.stack([encode_caption(caption, LENGTH) for caption in self.captions])


class Pyramid(nn.Module):
    """The largest value of each channel, in the whole map and in each of its quarters: what is there, and about where.

    Source:
        K. He et al. 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition", sec. 2.2, with levels of 1 and 2 x 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, 5 C)."""
        return concatenate([adaptive_max_pool2d(x, places).flatten(1) for places in (1, 2)], axis=1)


class Blind(nn.Module):
    """Features of nothing: zeros, whatever the picture."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, F) to zeros of this shape."""
        return x * 0


def run(settings: Settings) -> Report:
    """Train a trunk to name figures; then recurrent networks on its features to describe pictures of one and of two; then both together."""
    return run_at(FULL if settings.full else Scale(), settings)


def run_at(scale: Scale, settings: Settings) -> Report:
    """The experiment at a scale of one's own."""
    settings.say(f"drawing {2 * (scale.train + scale.test)} pictures")
    train, test = (draw_pictures(scale, settings.seed, part) for part in (True, False))
    manual_seed(settings.seed)
    settings.say("training the trunk to name one figure")
    trunk = trained_trunk(train, scale, settings.seed)
    seen, held_out = (features(trunk, pictures.images) for pictures in (train, test))

    def new_captioner(cell: str, before: nn.Module) -> Captioner:
        return Captioner(before, seen.shape[1], len(Shapes.words), cell=cell, hidden=96)

    said: dict[tuple[str, str], list[str]] = {}
    for name, kind, cell, before in (("LSTM", "zeroed", "lstm", Blind()), ("RNN", "frozen", "rnn", nn.Identity()), ("LSTM", "frozen", "lstm", nn.Identity())):
        settings.say(f"training: {name}, features {kind}")
        captioner = new_captioner(cell, before)
        train_captioner(captioner, seen, train.tokens, scale.epochs, LR, settings.seed)
        said[name, kind] = in_words(greedy(captioner, tensor(held_out), LENGTH))
    settings.say("training: LSTM, features frozen, as long as the fine-tuned")
    frozen = new_captioner("lstm", nn.Identity())
    frozen.load_state_dict(captioner.state_dict())
    train_captioner(frozen, seen, train.tokens, scale.tuned_epochs, LR / 4, settings.seed)
    said["LSTM", "frozen, as long"] = in_words(greedy(frozen, tensor(held_out), LENGTH))
    settings.say("training: LSTM, features fine-tuned")
    captioner.features = trunk  # the LSTM goes on from where it is
    train_captioner(captioner, train.images, train.tokens, scale.tuned_epochs, LR / 4, settings.seed)
    said["LSTM", "fine-tuned"] = in_words(greedy(captioner, tensor(test.images), LENGTH))
    said["LSTM, beam of 3", "fine-tuned"] = in_words(beam_search(captioner, tensor(test.images), 3, LENGTH)[0])
    draw_captions(test.images, said["LSTM", "fine-tuned"], test.captions, settings.out / "caption.png")
    return report(said, test.captions)


# Pictures


def draw_pictures(scale: Scale, seed: int, train: bool) -> Pictures:
    """So many pictures of one figure, and as many of two."""
    scenes: list[Scene] = []
    for objects in (1, 2):
        shapes = Shapes(size=scale.size, seed=seed, train=train, objects=objects, clutter=CLUTTER)
        scenes += [shapes.scene(i) for i in range(scale.train if train else scale.test)]
    make, rng = Normalize(Shapes.mean, Shapes.std), np.random.default_rng(0)  # which changes nothing at random
    attributes = [(s.labels[-1], Shapes.colours.index(s.colours[-1]), s.filled[-1], s.large[-1]) for s in scenes]
    return Pictures(np.stack([make(s.image, rng) for s in scenes]), [s.caption for s in scenes], np.array(attributes, np.int64))


# Training


def trained_trunk(pictures: Pictures, scale: Scale, seed: int) -> nn.Module:
    """A network from images to features (N, 20 `width`), taught to tell shape, colour, fill and size of single figures."""
    width, ends = scale.width, np.cumsum((0, *KINDS))
    trunk = nn.Sequential(
        *_block(3, width),
        nn.MaxPool2d(2),
        *_block(width, 2 * width),
        nn.MaxPool2d(2),
        *_block(2 * width, 4 * width),
        nn.MaxPool2d(2),
        *_block(4 * width, 4 * width),
        Pyramid(),
        nn.BatchNorm1d(5 * 4 * width),
    )
    classifier = nn.Sequential(trunk, nn.Linear(5 * 4 * width, int(ends[-1])))

    def loss(images: Tensor, wanted: Tensor) -> Tensor:
        scores = classifier(images)
        return stack([cross_entropy(scores[:, ends[k] : ends[k + 1]], wanted[:, k]) for k in range(len(KINDS))]).sum()

    one = slice(0, scale.train)
    minimise(loss, classifier, pictures.images[one], pictures.attributes[one], scale.trunk_epochs, LR, seed, RandomHorizontalFlip())
    return trunk


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]


def features(trunk: nn.Module, images: Array) -> Array:
    """What the trunk says of each image, (N, F)."""
    with evaluating(trunk), no_grad():
        return np.concatenate([trunk(tensor(images[i : i + 256])).numpy() for i in range(0, len(images), 256)])


def train_captioner(captioner: Captioner, images: Array, tokens: Array, epochs: int, lr: float, seed: int) -> None:
    """Teacher forcing: each next word after the true ones."""
    minimise(lambda x, wanted: caption_loss(captioner(x, wanted), wanted), captioner, images, tokens, epochs, lr, seed)


def minimise(
    loss: Callable[[Tensor, Tensor], Tensor],
    model: nn.Module,
    images: Array,
    wanted: Array,
    epochs: int,
    lr: float,
    seed: int,
    transform: Transform | None = None,
) -> None:
    """So many passes of Adam over the images; the learning rate falls to 0 along a cosine."""
    batches = DataLoader(ArrayDataset(images, wanted), BATCH, shuffle=True, seed=seed, drop_last=True, transform=transform)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    schedule = optim.CosineAnnealingLR(optimizer, epochs * len(batches))
    model.train()
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss(x, y).backward()
            optim.clip_grad_norm(model.named_parameters(), 5.0)
            optimizer.step()
            schedule.step()


def in_words(tokens: Array) -> list[str]:
    """Captions as text."""
    return [decode_caption(row) for row in tokens]


# What came out


def report(said: Mapping[tuple[str, str], list[str]], true: list[str]) -> Report:
    """Scores of each decoder on pictures of one figure and of two, and what is claimed of them."""
    half = len(true) // 2
    scores = {
        (*who, number): score_captions(captions[part], true[part])
        for who, captions in said.items()
        for number, part in ((1, slice(0, half)), (2, slice(half, None)))
    }
    rows = [[*who, *(_percent(getattr(score, column)) for column in COLUMNS[3:])] for who, score in scores.items()]
    blind, simple, frozen, longer, tuned = (
        scores[*who, 1] for who in (("LSTM", "zeroed"), ("RNN", "frozen"), ("LSTM", "frozen"), ("LSTM", "frozen, as long"), ("LSTM", "fine-tuned"))
    )
    findings = [
        Finding(f"of one figure, {_percent(tuned.exact)} % of the captions are right word for word (claimed: above 50)", tuned.exact > 0.5),
        Finding(
            f"a decoder that sees nothing is near chance: {_percent(blind.exact)} % right, the colour in {_percent(blind.colour)} % (by chance 12.5), "
            f"the shape in {_percent(blind.shape)} % (by chance 10)",
            blind.exact < 0.05 and blind.colour < 0.2 and blind.shape < 0.2,
        ),
        Finding(
            f"an LSTM remembers the picture for longer than a simple recurrent network: {_percent(frozen.exact)} % right instead of {_percent(simple.exact)} %",
            frozen.exact > simple.exact,
        ),
        Finding(
            f"fine-tuning the trunk helps: {_percent(tuned.exact)} % right instead of {_percent(longer.exact)} % after as many epochs with the trunk frozen",
            tuned.exact > longer.exact,
        ),
    ]
    return Report(COLUMNS, rows, findings, {"captions": [{"decoder": list(who), "captions": captions} for who, captions in said.items()], "true": true})


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
