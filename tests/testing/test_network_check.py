"""The gradient check of whole networks: right ones pass, and mistakes in one layer of many are found."""

import numpy as np
import pytest

from minicnn import kernels, models, nn, ops, use_backend
from minicnn.autograd import Function
from minicnn.errors import ArgumentError
from minicnn.models.resnet import ResNet
from minicnn.testing import GradcheckError, gradcheck_network
from minicnn.testing.mutants import MUTANTS
from minicnn.testing.mutants.mutant import unheard

IMAGE = (3, 33, 33)  # the last images are 2x2


def net():
    return ResNet(models.BasicBlock, (1, 1, 1, 1), num_classes=5, width=4)


class Scaled(Function):
    """The identity, whose gradient is a little too large."""

    def forward(self, x, *, factor):
        return x * 1.0

    def backward(self, dy):
        return (dy * self.attributes["factor"],)


class Off(nn.Module):
    """A layer with a gradient that is wrong by a factor."""

    def __init__(self, layer, factor):
        super().__init__()
        self.layer, self.factor = layer, factor

    def forward(self, x):
        return Scaled.apply(self.layer(x), factor=self.factor)


class Blind(nn.Module):
    """A network with a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.linear, self.forgotten = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(x.reshape(x.shape[0], -1))


@pytest.mark.parametrize("training", [True, False])
def test_a_right_network_passes_and_is_as_before(training):
    model = net().eval()
    model.get_submodule("layer1").train()
    state, modes = model.state_dict(), [m.training for m in model.modules()]
    outcome = gradcheck_network(model, IMAGE, training=training)
    assert outcome.slopes > 20
    assert outcome.error < 1e-5
    assert all(np.array_equal(state[name], value) and value.dtype == state[name].dtype for name, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert all(m.momentum == 0.1 for m in model.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("factor", [2, 1.001])
@pytest.mark.parametrize("path", ["conv1", "layer2.0.downsample.0", "layer3.0.bn1", "fc"])
def test_one_layer_wrong_of_many(path, factor):
    model = net()
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, Off(model.get_submodule(path), factor))
    with pytest.raises(GradcheckError, match=r"analytic .* numeric"):
        gradcheck_network(model, IMAGE, training=False)


PLANTED = {
    "relu": ["mask_inverted"],
    "conv2d": ["flipped_upstream", "transposed_weight_gradient", "stride_ignored", "overlaps_overwritten", "first_image_only"],
    "batch_norm": ["zero_input_gradient", "variance_path_missing", "gamma_missing", "gamma_gradient_from_x"],
    "max_pool2d": ["overlapping_maxima_overwritten", "gradient_to_all_pixels"],
    "linear": ["bias_gradient_of_first_row", "weight_gradient_reshaped"],
    "cross_entropy": ["mean_without_1_over_N", "label_not_subtracted"],
}


@pytest.mark.gradcheck
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in PLANTED.get(m.op, ())], ids=lambda mutant: f"{mutant.op}-{mutant.name}")
def test_planted_mistakes_in_an_operation(mutant):
    kernels.register(mutant.op, backward=mutant.backward, backend="planted")
    try:
        with unheard(), use_backend("planted"), pytest.raises(GradcheckError, match=r"analytic .* numeric|no gradient reaches the images"):
            gradcheck_network(net(), IMAGE, training=True)
    finally:
        kernels.unregister("planted")


def test_a_gradient_that_is_zero_but_for_rounding_makes_no_large_error():
    """A bias before a batch norm has no effect; its slope and its gradient are both noise."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3))
    assert gradcheck_network(model, (3, 8, 8), training=True).error < 1e-5


def test_a_parameter_that_is_not_used_is_named():
    with pytest.raises(GradcheckError, match=r"no gradient arrives at forgotten.bias, forgotten.weight"):
        gradcheck_network(Blind(), (1, 2, 2), training=False)


def test_dropout_draws_the_same_mask_each_time():
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 6), nn.Dropout(0.5), nn.Linear(6, 3))
    gradcheck_network(model, (2, 2, 2), training=True)


class Auxiliary(nn.Module):
    """A network with an auxiliary classifier half-way up."""

    def __init__(self):
        super().__init__()
        self.first, self.aux, self.second = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x):
        x = ops.tanh(self.first(x.reshape(x.shape[0], -1)))
        return models.Outputs(self.second(x), (self.aux(x),)) if self.training else self.second(x)


def test_auxiliary_classifiers_are_checked_in_training():
    model = Auxiliary()
    gradcheck_network(model, (1, 2, 2), training=True)
    with pytest.raises(GradcheckError, match=r"no gradient arrives at aux.bias, aux.weight"):
        gradcheck_network(model, (1, 2, 2), training=False)
    model.aux = Off(model.aux, 2)
    with pytest.raises(GradcheckError, match=r"analytic .* numeric"):
        gradcheck_network(model, (1, 2, 2), training=True)


def test_saturated_scores_do_not_make_the_check_idle():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    model[1].load_state_dict({"weight": 1e7 * model[1].weight.numpy(), "bias": model[1].bias.numpy()})
    gradcheck_network(model, (1, 2, 2), training=False)
    with pytest.raises(GradcheckError, match=r"analytic .* numeric"):
        gradcheck_network(nn.Sequential(model[0], Off(model[1], 1.01)), (1, 2, 2), training=False)
    dead = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    dead[1].load_state_dict({"weight": np.zeros((3, 4)), "bias": np.full(3, -5.0)})
    with pytest.raises(GradcheckError, match=r"no gradient reaches the images: everything on the way is saturated, or something cuts it off, as detach\(\) does"):
        gradcheck_network(dead, (1, 2, 2), training=False)


def test_nothing_to_check_is_an_error():
    with pytest.raises(ArgumentError, match="has no parameters"):
        gradcheck_network(nn.ReLU(), (1, 2, 2), training=True)
