"""Both GoogLeNets: 22 layers deep, auxiliary classifiers in training only, and the arithmetic of PyTorch."""

import pytest

import minicnn
from minicnn import models
from minicnn.analysis import summarize
from minicnn.errors import ShapeError
from minicnn.nn.trace import trace
from tests.models.in_pytorch import InPyTorch, assert_equal


def small(network, **options):
    minicnn.manual_seed(1)
    return network(num_classes=5, width=0.125, **options)


def depth(model):
    """Layers with weights on the longest way from the scores back to the image."""
    _, scores = trace(model, model.input_shape, record=True)
    longest, stack = {}, [scores.creator]
    while stack:
        node = stack[-1]
        before = [edge for edge in node.edges if hasattr(edge, "edges")]
        missing = [edge for edge in before if edge not in longest]
        if missing:
            stack += missing
            continue
        stack.pop()
        longest[node] = max((longest[edge] for edge in before), default=0) + (getattr(node, "op", "") in ("conv2d", "linear"))
    return longest[scores.creator]


def test_has_22_layers_with_weights():
    """The lecture: parallel layers count as one, two in each module; auxiliary layers do not count."""
    assert depth(small(models.GoogLeNet)) == 22


def test_has_9_times_fewer_parameters_than_alexnet():
    """The lecture's "12x" is the paper's."""
    with minicnn.use_backend("meta"):
        networks = models.AlexNetGrouped(), models.GoogLeNet(aux=False)
        alexnet, googlenet = (summarize(network).parameters for network in networks)
    assert round(alexnet / googlenet) == 9


@pytest.mark.parametrize("network", [models.GoogLeNet, models.GoogLeNetBN])
def test_auxiliary_classifiers_run_in_training_only(network):
    net = small(network)
    ran = []
    for head in (net.aux1, net.aux2):
        head.register_forward_hook(lambda module, *_: ran.append(module))
    x = minicnn.randn(2, 3, 224, 224)
    outputs = net(x)
    assert isinstance(outputs, models.Outputs)
    assert ran == [net.aux1, net.aux2]
    assert [scores.shape for scores in (outputs.scores, *outputs.auxiliary)] == 3 * [(2, 5)]
    assert net.eval()(x).shape == (2, 5)
    assert len(ran) == 2


@pytest.mark.parametrize("network", [models.GoogLeNet, models.GoogLeNetBN])
def test_without_auxiliary_classifiers_it_returns_scores(network):
    net = small(network, aux=False)
    assert net(minicnn.randn(2, 3, 64, 64)).shape == (2, 5)
    assert not any("aux" in name for name, _ in net.named_parameters())


def test_the_poolings_halve_the_image_to_7_pixels_whatever_the_last_window():
    for network in (models.GoogLeNet, models.GoogLeNetBN):
        outputs = summarize(small(network)).outputs
        assert [outputs[f"maxpool{i}"][2:] for i in (1, 2, 3, 4)] == [(56, 56), (28, 28), (14, 14), (7, 7)]


def test_the_5x5_windows_of_the_batch_normalised_form_are_3x3_unless_asked_for():
    def window(**options):
        return small(models.GoogLeNetBN, **options).get_submodule("inception3a.branch3.1.conv").kernel_size

    assert (window(), window(true_5x5=True)) == ((3, 3), (5, 5))


@pytest.mark.parametrize(("network", "side"), [(models.GoogLeNet, 224), (models.GoogLeNetBN, 64)])
def test_equals_pytorch(network, side):
    """In training mode, with both auxiliary classifiers."""
    net = small(network).astype("float64")
    p = InPyTorch(net)
    F, conv, plain = p.F, p.conv, network is models.GoogLeNet

    def pool(x, window=3):
        return F.max_pool2d(x, window, 2, ceil_mode=True)

    def norm(x):
        return F.local_response_norm(x, 5) if plain else x

    def module(name, x):
        name = f"inception{name}.branch"
        second, third = (p.row(x, f"{name}{i}.0", f"{name}{i}.1") for i in (2, 3))
        return p.cat(conv(f"{name}1", x), second, third, conv(f"{name}4.1", F.max_pool2d(x, 3, 1, 1)))

    def head(name, x):
        x = conv(f"{name}.conv", F.avg_pool2d(x, 5, 3) if plain else F.adaptive_avg_pool2d(x, 4)).flatten(1)
        return p.linear(f"{name}.fc2", F.relu(p.linear(f"{name}.fc1", x)))

    def forward(x):
        x = norm(pool(conv("conv1", x, 2)))
        x = pool(norm(p.row(x, "conv2", "conv3")))
        x = pool(module("3b", module("3a", x)))
        x4a = module("4a", x)
        x4d = module("4d", module("4c", module("4b", x4a)))
        x = module("5b", module("5a", pool(module("4e", x4d), 3 if plain else 2)))
        return p.linear("fc", x.mean((2, 3))), head("aux1", x4a), head("aux2", x4d)

    assert_equal(net, p, forward, (2, 3, side, side))


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (2, 3, 224, 299), (2, 3, 222, 222), (2, 3, 271, 271)])
def test_an_image_that_the_auxiliary_classifiers_cannot_take(shape):
    with pytest.raises(ShapeError) as caught:
        small(models.GoogLeNet)(minicnn.ones(*shape))
    for part in ("223 to 270 pixels", str(shape), "aux=False"):
        assert part in str(caught.value)


@pytest.mark.parametrize("side", [223, 270])
@pytest.mark.filterwarnings("ignore::minicnn.ops.checks.WindowWarning")
def test_images_that_they_can_just_take(side):
    assert len(small(models.GoogLeNet)(minicnn.ones(1, 3, side, side)).auxiliary) == 2
