"""Are the gradients of a whole network right? From the loss to every parameter and to the image, in float64.

Every operation and every block is checked element by element elsewhere; what a whole network adds is how they are put
together. It has too many parameters for that, so the slope is compared along random directions in which *all* of them move at
once, and the image too, each in proportion to its own size; then along directions of the image alone; then along the steepest
element of a sample of the parameters. A gradient that is wrong spoils every direction that it is in, as far as
its parameter matters to the loss at all.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minicnn import checks
from minicnn.autograd import Tensor, no_grad
from minicnn.backend import manual_seed
from minicnn.errors import ArgumentError
from minicnn.kernels.array.module import array_module
from minicnn.kernels.types import Array
from minicnn.models.auxiliary import Outputs, auxiliary_cross_entropy
from minicnn.nn import Module
from minicnn.nn.batch_norm import BatchNorm
from minicnn.place import move
from minicnn.testing.comparison import Comparison
from minicnn.testing.gradcheck import Outcome, buffers_in_float64, verdict
from minicnn.testing.numeric import only
from minicnn.testing.report import Mismatch
from minicnn.testing.subject import Subject

DIRECTIONS = 4  # in which everything moves
IMAGE_DIRECTIONS = 2
STEPS = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10)  # in parts of each element's size
AVERAGED = (1e-9, 1e-10)  # those of a second look, each the mean of
NEAR = tuple(1 + k / 64 for k in range(-16, 17))  # so many steps of nearly the same length, which rounding hits differently
HOPELESS = 50  # times what rounding may excuse: one so far off is no mean's
GRAIN = 60  # how much more is lost in rounding on the way through a deep network than its result shows
LIMIT = 1e-5  # of the slope: what rounding may excuse


class NetworkComparison(Comparison):
    """Compares along a few directions and elements, where `Comparison` goes through every input."""

    def run(self) -> None:
        """Compare.

        Raises:
            GradcheckError: something is wrong.
        """
        self._begin()
        if self.missing:
            raise self.subject.error(f"no gradient arrives at {', '.join(sorted(self.missing)[:8])}: is a part of the network not used?")
        if not self.gradients["x"].any():
            raise self.subject.error("no gradient reaches the images: everything on the way is saturated, or something cuts it off, as detach() does")
        for _ in range(DIRECTIONS):
            self._direction({name: self._random(name) for name in self.steps})
        for _ in range(IMAGE_DIRECTIONS):
            self._direction({"x": self._random("x")})
        names = sorted(self.steps)
        chosen = self.random.choice(len(names), min(self.elements or len(names), len(names)), replace=False)
        for name in (names[i] for i in chosen):
            v = self.steps[name]
            self._direction({name: only(np.array([np.abs(self.gradients[name] * v).argmax()]), v)})

    def _slope(self, direction: Mapping[str, Array]) -> tuple[bool, float, float]:
        """Does the measured slope agree with the gradients over one of the steps?

        Thousands of ReLUs, and batch norms of a few values, bend the loss of a deep network at every turn, so that long steps go
        astray; over short ones rounding is felt, and more of it than the result alone shows: `GRAIN` times as much, from hundreds of layers.
        What is left then is told from a mistake by an average: rounding scatters around the slope, by as much as the mean's standard error.
        """
        line, terms = self._line(direction), [(self.gradients[name] * v).ravel() for name, v in direction.items()]
        analytic, size = float(sum(term.sum() for term in terms)), float(np.sqrt(sum(term @ term for term in terms)))
        limit = max(LIMIT * size, self.atol * float(np.sqrt(sum(np.sum(v * v) for v in direction.values()))))
        numeric = float("nan")
        for h in STEPS:
            numeric, noise = line.central(h)
            tolerance = self.rtol * max(size, abs(numeric)) + self.atol * min(1.0, size)
            if abs(analytic - numeric) <= tolerance + min(GRAIN * noise, limit):
                if size > limit:  # not of a gradient that is zero but for rounding
                    self.error = max(self.error, abs(analytic - numeric) / size)
                return True, analytic, numeric
        for h in AVERAGED:
            if abs(analytic - line.central(h)[0]) > tolerance + HOPELESS * limit:
                continue
            slopes = [line.central(h * factor)[0] for factor in NEAR]
            numeric, scatter = float(np.mean(slopes)), 3 * float(np.std(slopes)) / np.sqrt(len(slopes))
            if abs(analytic - numeric) <= tolerance + min(scatter, limit):
                return True, analytic, numeric
        return False, analytic, line.central(STEPS[1])[0]  # which is least off as a rule

    def _locate(self, direction: Mapping[str, Array]) -> list[Mismatch]:
        """Look into the tensor whose slope is furthest off; to bisect hundreds of them would take hours."""

        def distance(name: str) -> float:
            analytic = float((self.gradients[name] * direction[name]).sum())
            numeric, _ = self._line({name: direction[name]}).central(STEPS[1])
            return abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1e-6)

        worst = max(direction, key=distance)
        return self._bisect(worst, direction[worst])

    def _random(self, name: str) -> Any:
        """A direction of one tensor: each element in proportion to its own size."""
        return self.steps[name] * self.random.standard_normal(self.steps[name].shape)


def gradcheck_network(
    model: Module,
    image_shape: tuple[int, int, int],
    *,
    training: bool,
    batch: int = 2,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
    tensors: int = 30,
    name: str | None = None,
) -> Outcome:
    """Check the gradients of a classifier's cross-entropy with respect to all its parameters and to the images.

    Scales, shifts and biases are moved a little away from 1 and 0 for the check. Afterwards the parameters, buffers and modes are
    as before. Dropout draws the same masks in every evaluation. What these few images do not reach, such as the upper end of a ReLU6, is not
    checked here, but with its operation.

    Args:
        model: takes images, returns scores (N, K); in training, it may return auxiliary scores as well.
        image_shape: (C, H, W); small, for the loss is evaluated dozens of times.
        training: check in training mode (with the statistics of the batch) or in evaluation mode.
        batch: number of images.
        rtol, atol: tolerance, as for `gradcheck`, where the size of a slope is that of all its terms, before they cancel.
        seed: of the images, labels, directions and masks.
        tensors: parameters, chosen at random, of which one element is compared by itself.
        name: what the report calls the network; by default its class.

    Returns:
        What was compared, and the largest error.

    Raises:
        GradcheckError: a gradient is wrong or missing; the report names the parameter.
        ArgumentError: the network has no parameters.

    Example:
        >>> from minicnn import models
        >>> gradcheck_network(models.LeNet5(), (1, 32, 32), training=True).error < 1e-6
        True
    """
    if not any(True for _ in model.parameters()):
        raise ArgumentError("gradcheck_network: the network has no parameters")
    random = np.random.default_rng([0x6E6574, seed])  # "net"
    images = random.standard_normal((batch, *image_shape))
    name = f"{name or type(model).__name__} ({'train' if training else 'eval'})"
    parameters = dict(model.named_parameters())
    before = [(module, module.training) for module in model.modules()], [(t, t.data) for t in (*parameters.values(), *model.buffers())]
    try:
        for parameter in parameters.values():
            if parameter.ndim == 1:  # a scale of 1 and a shift of 0, as networks have them at first, would hide mistakes
                moved = (parameter.numpy() + 0.2 * random.standard_normal(parameter.shape)).astype(parameter.dtype)
                parameter.data = move(moved, array_module(parameter.data))
        if not training:
            _settle(model, images)
        subject = Subject(name, _loss(model, batch, seed), {"x": images}, parameters)
        with buffers_in_float64(model.train(training)):
            return verdict(subject, NetworkComparison(subject, rtol, atol, seed, checks.integer(tensors, "gradcheck_network: tensors")))
    finally:
        for module, mode in before[0]:
            module.training = mode
        for tensor, data in before[1]:
            tensor.data = data


def _settle(model: Module, images: Array) -> None:
    """Give batch norms the statistics of these images, as training would; with 0 and 1 the numbers of a deep network explode."""
    norms = [(module, module.momentum) for module in model.modules() if isinstance(module, BatchNorm)]
    for norm, _ in norms:
        norm.momentum = 1.0
    with no_grad():
        model.train()(Tensor(images, dtype=next(model.parameters()).dtype))
    for norm, momentum in norms:
        norm.momentum = momentum
        if norm.running_var is not None:  # a channel that is nearly constant would be blown up, and bend the loss
            var = norm.running_var.data
            norm.running_var.data = array_module(var).maximum(var, 0.1 * var.mean())


def _loss(model: Module, batch: int, seed: int) -> Callable[[Tensor], Tensor]:
    """The cross-entropy of the scores, divided by a constant so that they are no larger than 1.

    Scores in the thousands, as deep networks with random weights have them, would make a loss of exactly 0 without a gradient.
    """
    scale: list[float] = []

    def loss(x: Tensor) -> Tensor:
        manual_seed(seed)  # of the dropout masks
        outputs = model(x)
        if not isinstance(outputs, (Tensor, Outputs)):
            raise ArgumentError(f"gradcheck_network: the network must return its scores as a tensor, or Outputs, not {type(outputs).__name__}")
        parts = (outputs,) if isinstance(outputs, Tensor) else (outputs.scores, *outputs.auxiliary)
        if not scale:
            scale.append(max(float(np.abs(part.numpy()).max()) for part in parts) or 1.0)
        scores, *auxiliary = (part / scale[0] for part in parts)
        labels = Tensor(np.random.default_rng(seed).integers(scores.shape[1], size=batch))
        return auxiliary_cross_entropy(Outputs(scores, tuple(auxiliary)), labels)

    return loss
