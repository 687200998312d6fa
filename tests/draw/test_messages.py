"""What `architecture` and `save` say when something is wrong: one sentence that tells what to do."""

import re
from pathlib import Path

import pytest

from minicnn import models, nn
from minicnn.draw import architecture
from minicnn.errors import ArgumentError, ShapeError


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class CallsItself(nn.Module):
    def forward(self, x):
        return self(x)


class Raises(nn.Module):
    """Its forward raises what it was given."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


@pytest.mark.parametrize(("model", "said"), [(models.ResNet18, "the function ResNet18"), (models.LeNet5, "the class LeNet5"), ("ResNet18", "'ResNet18'"), (42, "42"), (None, "None")])
def test_what_is_no_network(model, said):
    with pytest.raises(ArgumentError) as caught:
        architecture(model)
    assert str(caught.value) == (
        f"architecture: model must be a network, not {said}; a network is made by a call, such as models.create('ResNet18')"
    )


@pytest.mark.parametrize("block", [1, "", ["layer1"]])
def test_a_block_is_a_path(block):
    with pytest.raises(ArgumentError, match=re.escape(f"architecture: block must be the path of a part, such as 'layer1.0', not {block!r}")):
        architecture(models.LeNet5(), block=block)


@pytest.mark.parametrize(
    ("model", "kind", "said"),
    [
        (TwoInputs(), TypeError, "TypeError: .*forward() missing 1 required positional argument: 'y'"),
        (CallsItself(), RecursionError, "RecursionError: maximum recursion depth exceeded.*"),
        (Raises(ZeroDivisionError("one,\n two")), ZeroDivisionError, "ZeroDivisionError: one, two"),
        (Raises(KeyError()), KeyError, "KeyError: no more is said"),
    ],
)
def test_a_forward_that_fails_is_named_with_its_error(model, kind, said):
    said = said.replace("()", r"\(\)")
    with pytest.raises(ArgumentError, match=f"^architecture: {type(model).__name__} cannot be drawn, its forward raised {said}; a drawing needs a network of one image$") as caught:
        architecture(model, (3, 8, 8))
    assert isinstance(caught.value.__cause__, kind)


def test_an_error_of_minicnn_goes_through_unchanged():
    error = ShapeError("conv2d: too small")
    with pytest.raises(ShapeError) as caught:
        architecture(Raises(error), (3, 8, 8))
    assert caught.value is error


@pytest.mark.parametrize("shape", [(3.0, 8, 8), (3, 8), (3, 0, 8), (True, 8, 8), "388", 8, {3, 8, 9}])
def test_a_shape_is_three_integers(shape):
    with pytest.raises(ShapeError, match=r"architecture: the input must be \(C, H, W\), three integers of at least 1, not "):
        architecture(nn.Conv2d(3, 8, 3), shape)


@pytest.mark.parametrize("path", [None, 3])
def test_a_picture_is_saved_under_a_name(path):
    with pytest.raises(ArgumentError, match=rf"drawing\.save writes a file: give its name, such as 'net\.svg', not {path}"):
        architecture(models.LeNet5()).save(path)


def test_a_folder_is_no_name(tmp_path):
    for folder, inside in ((tmp_path, tmp_path / "net.svg"), (".", "net.svg")):
        with pytest.raises(ArgumentError) as caught:
            architecture(models.LeNet5()).save(folder)
        assert str(caught.value) == f"drawing.save writes a file, and {str(folder)!r} is a folder: give a name in it, such as {str(inside)!r}"


def test_capitals_in_the_ending_are_welcome(tmp_path):
    assert architecture(models.LeNet5()).save(tmp_path / "NET.SVG") == Path(tmp_path / "NET.SVG")
