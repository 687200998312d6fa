"""A public docstring says all that its reader needs: shapes and units, errors, a source, an example. One rule for each kind of thing.

"See `x`" lends what the docstring of x has, where a rule allows it. What cannot have something stands in `EXEMPT`, with the reason.
"""

import importlib
import inspect
import re
import sys
from typing import NamedTuple

import pytest

from minicnn import checks, models, nn
from minicnn.errors import NonFiniteError
from minicnn.kernels.registry import FILES
from minicnn.ops import axis as axes_of
from tests.docstring_parts import ORDER, attributes, fields, has, not_listed, parts, referred, says_a_shape

PACKAGES = (
    "ops", "nn", "models", "optim", "detection", "transfer", "visualise", "data", "data.transforms", "data.imagenet", "nn.init",
    "analysis", "io", "train", "testing", "captioning", "draw", "profiling", "distributed", "search",
)  # fmt: skip
EXEMPT = {
    ("ops.global_avg_pool2d", "ArgumentError"): "its size is always 1, which the check accepts",
    ("ops.global_max_pool2d", "ArgumentError"): "its size is always 1, which the check accepts",
    ("ops.flip", "IndexingError"): "the index is its own",
    ("nn.Buffer", "AutogradError"): "is raised for results of operations only",
    ("nn.Parameter", "AutogradError"): "is raised for results of operations only",
    ("nn.Module", "Shapes"): "base of all layers",
    ("nn.ModuleList", "Shapes"): "computes nothing",
    ("nn.Sequential", "Shapes"): "those of the modules in it",
    ("nn.Module", "Source"): "base of all layers",
    ("nn.ModuleList", "Source"): "a container",
    ("nn.Sequential", "Source"): "a container",
    ("nn.ConvReLU2d", "Source"): "two layers in one",
    ("nn.Flatten", "Source"): "only rearranges",
    ("nn.Identity", "Source"): "does nothing",
    ("optim.Optimizer", "Source"): "base of all optimisers",
    ("optim.Schedule", "Source"): "base of all schedules",
    **{(f"data.{name}", "ShapeError"): "its arrays are of one length" for name in ("Digits", "MNIST", "FashionMNIST", "CIFAR10", "CIFAR100")},
    **{(f"data.{name}", "Example"): "needs files that are not there" for name in ("MNIST", "FashionMNIST", "CIFAR10", "CIFAR100")},
    ("visualise.draw", "Example"): "needs Matplotlib",
    ("io.read_picture", "Example"): "needs Pillow",
    ("distributed.SyncBatchNorm2d", "ArgumentError"): "the layer that it takes over was checked",
    ("distributed.Communicator", "Example"): "only says what others must have",
    ("distributed.MPICommunicator", "Example"): "is one process of several, which mpiexec starts",
    ("search.train_child", "NonFiniteError"): "is caught: such a child scores 0",
    ("train.run_recipe", "Example"): "trains for seconds",
    ("train.resume", "Example"): "needs a run that was broken off",
}
NUMBER = re.compile(r"\b(int|float)\b")
# What a number of a result counts or is measured in; or its range; or the shape of an array of them.
UNIT = re.compile(
    r"pixel|second|byte|per ?cent|%|epoch|\bpass|step|batch|image|number|multiply-add|class|share|probabilit|accurac|position|loss|factor|rate|decay|seed"
    r"|from -?\d|\d ?\.\. ?\d|\(\w+,|shape|colour|how many|so many"
)
TIME = re.compile(r"\b(steps?|epochs?|batch|batches|each step|time)\b")


def things():
    """Every public function and class, with its name in the package."""
    for package in PACKAGES:
        home = importlib.import_module(f"minicnn.{package}")
        names = getattr(home, "__all__", None) or [n for n, value in vars(home).items() if n[0] != "_" and getattr(value, "__module__", "") == home.__name__]
        for name in names:
            thing = getattr(home, name)
            if (inspect.isfunction(thing) or inspect.isclass(thing)) and not (inspect.isclass(thing) and issubclass(thing, (Warning, Exception))):
                yield package, name, thing


def complaints(package, name, thing):
    """What the rules find missing in a docstring."""
    exempt = {what for key, what in EXEMPT if key == f"{package}.{name}"}
    return [f"{package}.{name}: {what}" for what in _missing(package, name, thing) if what not in exempt]


def _missing(package, name, thing):
    if inspect.isclass(thing) and fields(thing):
        yield from _of_a_result(thing)
        return
    lenders = tuple(referred(thing)) if package == "models" else ()  # elsewhere each has its own errors and example
    yield from not_listed(thing, *lenders)
    if not any(">>>" in parts(one).get("Example", "") for one in (thing, *lenders)):
        yield "Example"
    described = (thing, thing.forward) if package == "nn" and _is_layer(thing) else (thing,) if package == "ops" else ()
    if described and not any(map(says_a_shape, described)):
        yield "Shapes"
    if package == "ops" and not parts(thing).get("Raises"):
        yield "Raises"
    if _needs_source(package, name, thing) and not has(thing, "Source"):
        yield "Source"
    if package == "optim" and not TIME.search("".join(text for section, text in parts(thing).items() if section not in ("Example", "Source"))):
        yield "steps or epochs"


def _of_a_result(kind):
    """A class of nothing but values: each is described, and numbers have a unit, a range or a shape."""
    described = attributes(kind)
    for field, kind_of_value in fields(kind).items():
        if field not in described:
            yield f"Attributes: {field}"
        elif NUMBER.search(str(kind_of_value)) and not (UNIT.search(described[field]) or field.endswith(("seconds", "second", "bytes"))):
            yield f"Attributes: the unit of {field}"


def _is_layer(thing):
    return inspect.isclass(thing) and issubclass(thing, nn.Module)


def _needs_source(package, name, thing):
    if package == "ops":
        return name in FILES
    return package == "optim" or (package == "nn" and _is_layer(thing)) or (package == "models" and name in models.list_models())


THINGS = [pytest.param(*case, id=f"{case[0]}.{case[1]}") for case in things()]


@pytest.mark.parametrize(("package", "name", "thing"), THINGS)
def test_a_docstring_says_all(package, name, thing):
    assert complaints(package, name, thing) == []


@pytest.mark.parametrize(("package", "name", "thing"), THINGS)
def test_sections_come_in_order(package, name, thing):
    sections = [section for section in parts(thing) if section]
    assert sections == sorted(sections, key=ORDER.index)


@pytest.mark.parametrize(("package", "name", "thing"), THINGS)
def test_entries_have_names(package, name, thing):
    for section in ("Args", "Attributes", "Shapes", "Raises"):
        for entry in re.findall(r"^\S.*", parts(thing).get(section, ""), re.MULTILINE):
            assert re.match(r"\w[\w, ]*: \S", entry), f"{section}: {entry}"


def test_every_exemption_is_needed():
    """A docstring that has become complete is none any more."""
    found = {(f"{package}.{name}", what) for package, name, thing in things() for what in _missing(package, name, thing)}
    assert EXEMPT.keys() <= found


def poor(x, axis=0):
    """Sums."""
    axes_of.one("poor", axis, x.ndim)
    return _checked(x)


def _checked(x):
    if x.size == 0:
        raise NonFiniteError("poor: x is empty")
    return x


class Poor(NamedTuple):
    """A result.

    Attributes:
        time: how much of it.
    """

    time: float
    place: int


class PoorLayer(nn.Module):
    """Does something. See `minicnn.ops.add`."""

    def __init__(self, size):
        super().__init__()
        checks.integer(size, "PoorLayer: size")

    def forward(self, x):
        """What comes out."""
        return x


@pytest.mark.parametrize(
    ("package", "thing", "missing"),
    [
        ("ops", poor, ["ArgumentError", "NonFiniteError", "ShapeError", "Example", "Shapes", "Raises"]),
        ("nn", PoorLayer, ["ArgumentError", "Example", "Shapes", "Source"]),
        ("optim", PoorLayer, ["ArgumentError", "Example", "Source", "steps or epochs"]),
        ("train", Poor, ["Attributes: the unit of time", "Attributes: place"]),
    ],
)
def test_a_poor_docstring_would_be_seen(package, thing, missing, monkeypatch):
    for function in (poor, _checked, PoorLayer.__init__):
        monkeypatch.setattr(function, "__module__", "minicnn.planted")
    monkeypatch.setitem(sys.modules, "minicnn.planted", sys.modules[__name__])
    monkeypatch.setattr(thing, "__module__", "minicnn.planted")
    assert list(_missing(package, thing.__name__, thing)) == missing
