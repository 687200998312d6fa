"""Every block that the networks are made of, exactly: in training each element of each gradient; in evaluation, and with other arguments, some, and directions.

The blocks are taken from the small networks, so that none is forgotten: of every class that a file of `minicnn/models` defines,
two instances with different arguments, if there are two.
"""

import functools
import inspect

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, use_backend
from minicnn.models import densenet, googlenet, inception_v3_modules, nasnet, resnext_block, searched_chain
from minicnn.nn.batch_norm import BatchNorm
from minicnn.nn.trace import trace
from minicnn.testing import gradcheck_module
from tests.models.small import SMALL

SIDE = (5, 6)  # of the images that a block is checked on, where it takes any
FEW = 4  # elements of each parameter, of a block whose class is checked at every element in another test


@functools.cache
def blocks():
    """(name of the network, path of the block) by the block's class and repr; and how many of each class."""
    found, count = {}, {}
    for name, (call, _) in SMALL.items():
        with use_backend("meta"):
            network = eval(f"models.{call}", {"models": models})
        for path, module in network.named_modules():
            kind = type(module)
            mine = kind.__module__.startswith("minicnn.models.") and path and "Auxiliary" not in kind.__name__ and any(True for _ in module.parameters())
            text = f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
            if mine and count.get(text, 0) < 2 and (text, repr(module)) not in found:
                count[text] = count.get(text, 0) + 1
                found[text, repr(module)] = (name, path, f"{text}-{count[text]}")
    return list(found.values())


def defined():
    """Every class of a module with parts of its own in the files of the networks."""
    rooms = {inspect.getmodule(value) for value in vars(models).values() if getattr(value, "__module__", "").startswith("minicnn.models")}
    return {
        f"{room.__name__.rpartition('.')[2]}.{name}"
        for room in rooms
        for name, value in vars(room).items()
        if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == room.__name__
    }


def prepared(name, path):
    """The block with weights that hide nothing, and the shape of its input for one image."""
    minicnn.manual_seed(3)
    call, image = SMALL[name]
    network = eval(f"models.{call}", {"models": models})
    block, shapes = network.get_submodule(path), []
    remove = block.register_forward_pre_hook(lambda _, inputs: shapes.append([x.shape for x in inputs]))
    trace(network, image)
    remove()
    return disturbed(block), shapes[0]


def disturbed(block):
    """The block with scales, shifts and statistics that are not 1 and 0."""
    random = np.random.default_rng(5)
    for parameter in block.parameters():
        if parameter.ndim == 1:
            parameter.data = (parameter.data + 0.3 * random.standard_normal(parameter.shape)).astype(np.float32)
    for norm in block.modules():
        if isinstance(norm, BatchNorm):
            norm.running_mean.data = (0.3 * random.standard_normal(norm.num_features)).astype(np.float32)
            norm.running_var.data = (0.5 + random.random(norm.num_features)).astype(np.float32)
            norm.num_batches_tracked.data = np.array(1)
    return block


OTHERS = {  # what the small networks do not have, or run in training only
    "googlenet.AuxiliaryClassifier": (
        lambda: googlenet.AuxiliaryClassifier(4, 2, 6, 3, models.inception_module.ConvReLU, nn.AvgPool2d(5, stride=3)), (4, 14, 14),
    ),
    "inception_v3_modules.AuxiliaryClassifier": (lambda: inception_v3_modules.AuxiliaryClassifier(3, 1 / 16), (48, 17, 17)),
    "densenet.DenseLayer": (lambda: densenet.DenseLayer(4, 3), (4, 5, 6)),
    "inception_module.NaiveInceptionModule": (lambda: models.NaiveInceptionModule(4, 2, 3, 2), (4, 5, 6)),
    "nasnet.AuxiliaryHead": (lambda: nasnet.AuxiliaryHead(4, 8, 3), (4, 8, 8)),
    "resnext_block.SplitTransformSum": (lambda: resnext_block.SplitTransformSum(8, 4, 2, cardinality=2, base_width=16), (8, 5, 6)),
    "resnext_block.SplitTransformConcatenate": (
        lambda: resnext_block.SplitTransformConcatenate(8, 4, 1, cardinality=2, base_width=16), (8, 5, 6),
    ),
    "searched_chain.ChainBlock": (lambda: searched_chain.ChainBlock(4, searched_chain.ChainLayer(3, 2, 5, stride=2)), (4, 5, 6)),
}  # fmt: skip
FROM_STRINGS = {"SearchedCells", "SearchedChain"}  # networks that have no name; each is checked in its own test


OWN_SIZE = ("Reduction", "Mixed3a", "Mixed5a", "Cell", "SubSampling")  # blocks that need images of a certain size


@pytest.mark.gradcheck
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("name", "path", "number"), [pytest.param(*case[:2], case[2][-1], id=case[2]) for case in blocks()])
def test_gradients(name, path, number, training):
    block, shapes = prepared(name, path)
    fixed = any(text in type(block).__name__ for text in OWN_SIZE)
    sizes = [(*shape[1:2], *(shape[2:] if fixed else map(min, shape[2:], SIDE))) for shape in shapes]
    check(block, sizes, training, elements=None if training and number == "1" else FEW)


@pytest.mark.gradcheck
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", OTHERS)
def test_gradients_of_what_no_network_here_runs(name, training):
    build, size = OTHERS[name]
    minicnn.manual_seed(3)
    check(disturbed(build()), [size], training)


def check(block, sizes, training, elements=None):
    random = np.random.default_rng(6)
    block.train(training)
    for module in block.modules():
        if isinstance(module, (nn.Dropout, nn.DropPath)):
            module.eval()
    name = f"{type(block).__name__} ({'train' if training else 'eval'})"
    gradcheck_module(block, [random.standard_normal((2, *size)) for size in sizes], name=name, elements=elements)


def test_no_block_is_forgotten():
    """What is not checked here is a network, has nothing to learn, or is the base of what is checked."""
    seen = {case[2].rpartition("-")[0] for case in blocks()} | set(OTHERS)
    with use_backend("meta"):
        networks = {type(eval(f"models.{call}", {"models": models})).__name__ for call, _ in SMALL.values()}
    left = {name for name in defined() - seen if name.rpartition(".")[2] not in networks | FROM_STRINGS}
    assert left == {
        "googlenet.InceptionV1", "inception_module.Branches", "inception_resnet_v2.ScaledResidual",
        "lenet.RadialBasis", "preact_resnet.PreActBlock", "residual_block.NormalisedBlock",
        "residual_block.ResidualBlock", "residual_block.ZeroPadShortcut",
    }  # fmt: skip
