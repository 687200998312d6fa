"""Saliency, Grad-CAM and occlusion on networks of which one can say what must come out."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn
from minicnn.data.transforms import resize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.visualise import grad_cam, occlusion, saliency

RNG = np.random.default_rng(61)


def images(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def linear(shape, classes=4):
    minicnn.manual_seed(6)
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), classes))


def pooling_network():
    """Maps A, global average pooling, one linear layer: what class activation maps (Zhou et al. 2016) are made for."""
    minicnn.manual_seed(7)
    return nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(5, 4))


@pytest.mark.parametrize("name", ["numpy", "numba", "cudasim"])
def test_the_saliency_of_a_linear_network_is_its_largest_weight(name):
    with minicnn.use_backend(name):
        net, x = linear((3, 4, 5)), images(2, 3, 4, 5)
        w = np.abs(net[1].weight.numpy().reshape(4, 3, 4, 5)).max(axis=1)
        best = net(Tensor(x)).numpy().argmax(axis=1)
        np.testing.assert_allclose(saliency(net, x), w[best], rtol=1e-6)
        np.testing.assert_allclose(saliency(net, x, 3), w[[3, 3]], rtol=1e-6)
        np.testing.assert_allclose(saliency(net, Tensor(x), [2, 0]), w[[2, 0]], rtol=1e-6)


@pytest.mark.parametrize("name", ["numpy", "numba", "cudasim"])
def test_grad_cam_behind_an_average_pooling_is_the_class_activation_map(name):
    with minicnn.use_backend(name):
        net, x = pooling_network(), images(2, 3, 6, 8)
        A, w = net[1](net[0](Tensor(x))).numpy(), net[4].weight.numpy()
        cam = np.einsum("ck,nkij->ncij", w, A)
        expected = np.maximum(0, cam[[0, 1], [3, 1]]) / 48  # alpha = w / (h w)
        assert (cam < 0).any()
        assert (expected > 0).any()
        np.testing.assert_allclose(grad_cam(net, x, [3, 1], enlarge=False), expected, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(grad_cam(net, x, [3, 1], layer="1"), expected, rtol=1e-4, atol=1e-7)  # as large as the image already


def test_grad_cam_is_the_same_whatever_stands_before_its_layer_and_is_enlarged_bilinearly():
    net = pooling_network()
    small = nn.Sequential(nn.Conv2d(3, 3, 2, stride=2), *net)
    x = images(1, 3, 8, 12)
    found = grad_cam(small, x, 2, layer="2")
    assert found.shape == (1, 8, 12)
    np.testing.assert_allclose(found, resize(grad_cam(net, small[0](Tensor(x)), 2, layer="1", enlarge=False), (8, 12)), rtol=1e-5, atol=1e-7)


def test_each_image_is_explained_for_itself():
    net, x = pooling_network(), images(3, 3, 6, 6)
    for function in (saliency, grad_cam, occlusion):
        together = function(net, x)
        for i in range(3):
            np.testing.assert_allclose(function(net, x[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-6)


class OneQuadrant(nn.Module):
    """Scores that depend on the upper right quadrant alone."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 2)
        self.linear.weight = nn.Parameter(np.stack([np.full(16, 0.25), np.full(16, -0.25)]).astype(np.float32))

    def forward(self, x):
        return self.linear(x[:, 0, :4, 4:].reshape(x.shape[0], -1))


def test_occlusion_of_a_network_that_looks_at_one_quadrant_lights_up_only_there():
    net, x = OneQuadrant(), np.ones((1, 1, 8, 8), np.float32)
    seen = occlusion(net, x, 0, patch=2, stride=2)[0]
    inside = np.zeros((8, 8), bool)
    inside[:4, 4:] = True
    assert (seen[~inside] == 0).all()
    bias = net.linear.bias.numpy()
    before = 8 + bias[0] - bias[1]  # the difference of the two scores, of which each of the 16 pixels makes 1/2
    fall = 1 / (1 + np.exp(-before)) - 1 / (1 + np.exp(-(before - 2)))  # a square covers 4
    np.testing.assert_allclose(seen[inside], fall, rtol=1e-3)
    np.testing.assert_allclose(seen, -occlusion(net, x, 1, patch=2, stride=2)[0], rtol=1e-4, atol=1e-7)
    assert (occlusion(net, x, 0, patch=2, stride=2, fill=1.0) == 0).all()  # covered by what is there anyway


def test_the_square_reaches_the_borders_and_a_pixel_has_the_mean_of_what_covers_it():
    net, x = OneQuadrant(), np.ones((1, 1, 8, 8), np.float32)
    seen = occlusion(net, x, 0, patch=3, stride=2)[0]  # at 0, 2, 4, 5: rows 0..2, 2..4, 4..6, 5..7
    assert seen[0, 7] > 0  # the last column
    assert (seen[5:] == 0).all()
    assert (seen[:, :2] == 0).all()
    np.testing.assert_allclose(seen[2, 7], (seen[0, 7] + (seen[3, 7])) / 2, rtol=1e-5)  # its row is in the squares at 0 and at 2


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_size_of_the_batches_changes_nothing(size):
    net, x = pooling_network(), images(2, 3, 6, 6)
    np.testing.assert_allclose(occlusion(net, x, batch_size=size), occlusion(net, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", [saliency, grad_cam, occlusion])
def test_the_network_is_left_as_it_was(function):
    net = pooling_network()
    net[4].bias.requires_grad_(False)
    net[1].eval()
    x = Tensor(images(1, 3, 6, 6), requires_grad=True)
    state, modes = net.state_dict(), [module.training for module in net.modules()]
    with minicnn.no_grad():
        function(net, x)
        assert not minicnn.is_grad_enabled()
    assert x.grad is None
    assert [parameter.grad for parameter in net.parameters()] == [None] * 4
    assert [parameter.requires_grad for parameter in net.parameters()] == [True, True, True, False]
    assert [module.training for module in net.modules()] == modes
    assert not any(module._hooks for module in net.modules())
    assert all(np.array_equal(value, net.state_dict()[name]) for name, value in state.items())


def test_evaluation_mode_is_what_is_explained():
    net = nn.Sequential(nn.Dropout(0.5), *linear((1, 4, 4)))
    x = images(1, 1, 4, 4)
    for function in (saliency, occlusion):
        np.testing.assert_allclose(function(net, x, 1), function(net[1:], x, 1), rtol=1e-6)


@pytest.mark.parametrize("function", [saliency, grad_cam, occlusion])
@pytest.mark.parametrize(
    ("classes", "kind", "sentence"),
    [
        (4, ArgumentError, "there is no class 4: the network has the classes 0 to 3"),
        (-1, ArgumentError, "there is no class -1"),
        ([0, 1, 2], ShapeError, "classes must be one number, or one for each of the 2 images, not 3"),
    ],
)
def test_classes_that_are_not_there(function, classes, kind, sentence):
    with pytest.raises(kind, match=f"{function.__name__}: {sentence}"):
        function(pooling_network(), images(2, 3, 6, 6), classes)


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda net, x: grad_cam(net, x, layer="3"), ArgumentError, r"grad_cam: the layer '3' puts out no maps"),
        (lambda net, x: grad_cam(net, x, layer="7"), ArgumentError, "has no layer '7'"),
        (lambda net, x: grad_cam(net[:2], x), ShapeError, r"grad_cam: the network must give scores \(N, classes\), not \(1, 5, 6, 6\)"),
        (lambda net, x: grad_cam(linear((3, 6, 6)), x), ArgumentError, "grad_cam: no convolution of Sequential puts out maps"),
        (lambda net, x: occlusion(net, x, patch=7), ArgumentError, "occlusion: a square of 7 pixels is larger than the images of 6 x 6"),
        (lambda net, x: occlusion(net, x, patch=2, stride=3), ArgumentError, "with steps of 3 pixels, a square of 2 leaves pixels between"),
        (lambda net, x: occlusion(net, x, patch=0), ArgumentError, "occlusion: patch must be an integer >= 1"),
        (lambda net, x: saliency(net[:2], x), ShapeError, "saliency: the network must give scores"),
    ],
)
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call(pooling_network(), images(1, 3, 6, 6))


def test_occlusion_needs_a_batch():
    with pytest.raises(ShapeError, match=r"occlusion: images must be \(N, C, H, W\), not \(3, 6, 8\); a single one is image\[None\]"):
        occlusion(pooling_network(), images(3, 6, 8))
