"""GoogLeNet's auxiliary classifiers bring larger gradients to the layers below them (Szegedy et al. 2014, sec. 5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from minicnn import models, optim
from minicnn.autograd import Tensor
from minicnn.backend import manual_seed, to_numpy
from minicnn.experiments.experiment import Finding, Report, Settings
from minicnn.experiments.images import SmallSet, small_set
from minicnn.experiments.picture import Line, Panel, draw_panels
from minicnn.models import auxiliary_cross_entropy
from minicnn.nn import Module, init

SIZE, WIDTH, BATCH = 224, 0.125, 16  # the classifiers need images of 223 to 270 pixels
DRAWS, STEPS, LR = 5, 20, 0.01
WEIGHTS = {"without": 0.0, "with": 0.3}  # of the auxiliary losses
FIRST, ABOVE_BOTH = ("conv1", "conv2", "conv3", "inception3a"), ("inception4e", "inception5a", "inception5b")  # the classifiers stand on 4a and 4d

Gradients = Mapping[str, float]


def he(shape: Sequence[int]) -> object:
    """Variance 2 / fan_in, which keeps the size of signals through layers with ReLU: known since 2015."""
    return init.he_normal(shape)


def xavier(shape: Sequence[int]) -> object:
    """Uniform with the variance 1 / fan_in, as in Caffe's GoogLeNet: each ReLU takes half of the square of the signal away."""
    bound = math.sqrt(3 / init.fans(shape)[0])
    return init.uniform(shape, -bound, bound)


RULES: dict[str, Callable[[Sequence[int]], object]] = {"xavier": xavier, "he": he}


def run(settings: Settings) -> Report:
    """Gradients of untrained networks and in the first steps; `full` takes the whole width."""
    images = small_set(settings, DRAWS * BATCH, BATCH, SIZE)
    start = {rule: _untrained(images, rule, settings) for rule in RULES}
    course = {name: _first_steps(images, weight, settings) for name, weight in WEIGHTS.items()}
    _draw(start, course, settings)
    ratios = {rule: _ratios(found) for rule, found in start.items()}
    rows = [
        [stage.removeprefix("inception"), *(f"{value:.3g}" for rule in RULES for value in (*(_mean(start[rule][name], stage) for name in WEIGHTS), ratios[rule][stage]))]
        for stage in start["xavier"]["with"][0]
    ]
    columns = ["layers", *(f"{rule}, {what}" for rule in RULES for what in (*WEIGHTS, "ratio"))]
    return Report(columns, rows, _findings(start, ratios, course), {"untrained": start, "first steps of conv1": course})


def gradients(net: Module, images: Tensor, labels: Tensor, weight: float) -> dict[str, float]:
    """|dL/dW| of each convolution and each Inception module (over all of its weights), if auxiliary losses count by `weight`."""
    net.zero_grad()
    auxiliary_cross_entropy(net(images), labels, weight).backward()
    return {
        name: math.sqrt(sum(float((to_numpy(p.grad.data) ** 2).sum()) for p in part.parameters() if p.grad is not None))
        for name, part in net.named_children()
        if name.startswith(("conv", "inception"))
    }


def googlenet(images: SmallSet, rule: str, *, full: bool) -> Module:
    """A GoogLeNet with weights drawn by one of `RULES`, and biases of zero."""
    net = models.GoogLeNet(images.classes, images.channels, width=1.0 if full else WIDTH)
    for parameter in net.parameters():
        if parameter.ndim > 1:
            parameter.data = Tensor(RULES[rule](parameter.shape)).data
    return net


def _untrained(images: SmallSet, rule: str, settings: Settings) -> dict[str, list[dict[str, float]]]:
    """With and without, for several networks, each with a batch of its own and the same dropout in both."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in WEIGHTS}
    for draw, (x, labels) in enumerate(images.batches(BATCH, settings.seed)):
        manual_seed(settings.seed + draw)
        net = googlenet(images, rule, full=settings.full)
        for name, weight in WEIGHTS.items():
            manual_seed(settings.seed + draw)
            found[name].append(gradients(net, x, labels, weight))
        settings.say(f"{rule}, network {draw + 1}: conv1 {found['without'][-1]['conv1']:.2g} without, {found['with'][-1]['conv1']:.2g} with")
    return found


def _first_steps(images: SmallSet, weight: float, settings: Settings) -> list[float]:
    """The gradient of conv1 at each step of SGD, for a network drawn by xavier."""
    manual_seed(settings.seed)
    net = googlenet(images, "xavier", full=settings.full)
    optimizer = optim.SGD(net.parameters(), lr=LR, momentum=0.9)
    batches = list(images.batches(BATCH, settings.seed))
    course = []
    for step in range(STEPS):
        x, labels = batches[step % len(batches)]
        course.append(gradients(net, x, labels, weight)["conv1"])
        optimizer.step()
    settings.say(f"auxiliary losses times {weight:g}: conv1 {course[0]:.2g} in the first step, {course[-1]:.2g} in step {STEPS}")
    return course


def _mean(draws: Sequence[Gradients], stage: str) -> float:
    """Geometric: sizes of gradients differ by factors."""
    return float(np.exp(np.mean([np.log(gradient[stage]) for gradient in draws])))


def _ratios(found: Mapping[str, Sequence[Gradients]]) -> dict[str, float]:
    return {stage: _mean(found["with"], stage) / _mean(found["without"], stage) for stage in found["with"][0]}


def _findings(
    start: Mapping[str, Mapping[str, Sequence[Gradients]]], ratios: Mapping[str, Gradients], course: Mapping[str, Sequence[float]]
) -> list[Finding]:
    old = start["xavier"]
    pairs = list(zip(old["without"], old["with"], strict=True))
    larger = [b[stage] > a[stage] for a, b in pairs for stage in FIRST]
    same = all(b[stage] == a[stage] for a, b in pairs for stage in ABOVE_BOTH)
    by_step = float(np.median(np.array(course["with"]) / np.array(course["without"])))
    first, last = (_mean(old["without"], stage) for stage in ("conv1", "inception5b"))
    return [
        Finding(f"drawn as in Caffe's replica (xavier), the first convolution's gradient without them is {last / first:.3g} times smaller than that of the last module", first < last),
        Finding(
            f"with them it is {ratios['xavier']['conv1']:.3g} times as large; the gradients of the first four stages grow in {sum(larger)} of {len(larger)} cases, "
            f"and in the mean of {len(pairs)} networks in each of the four",
            min(ratios["xavier"][stage] for stage in FIRST) > 1,
        ),
        Finding(f"in the first {STEPS} steps it is {by_step:.3g} times as large (median)", by_step > 1),
        Finding(
            f"where weights are drawn by He's rule, signals and gradients keep their size without help: a factor of {ratios['he']['conv1']:.3g} is left",
            1 < ratios["he"]["conv1"] < ratios["xavier"]["conv1"],
        ),
        Finding("the modules above both classifiers (4e, 5a, 5b) have the same gradients with and without, bit for bit", same),
    ]


def _draw(start: Mapping[str, Mapping[str, Sequence[Gradients]]], course: Mapping[str, Sequence[float]], settings: Settings) -> None:
    panels = []
    for rule, found in start.items():
        lines = {}
        for colour, (name, draws) in enumerate(found.items()):
            lines[name] = Line(range(1, len(draws[0]) + 1), [_mean(draws, stage) for stage in draws[0]], colour)
        panels.append(Panel(f"untrained, drawn by {rule}", "from conv1 (1) to inception5b (12)", "|dL/dW|", lines, log="y"))
    steps = {name: Line(range(1, len(of) + 1), of, colour) for colour, (name, of) in enumerate(course.items())}
    panels.append(Panel("first steps, drawn by xavier", "step", "|dL/dW| of conv1", steps, log="y"))
    draw_panels(panels, settings.out / "auxiliary.png")
