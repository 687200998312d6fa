"""Networks by name."""

import pytest

from minicnn import models, nn
from minicnn.errors import ArgumentError
from minicnn.models import registry


def test_create_makes_a_network_by_name_in_any_case():
    assert isinstance(models.create("LeNet5"), models.LeNet5)
    assert isinstance(models.create("lenet5", num_classes=3), models.LeNet5)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ArgumentError) as caught:
        models.create("LeNet6")
    assert str(caught.value).startswith("unknown model 'LeNet6': did you mean LeNet5?")


@pytest.mark.parametrize("name", [3, None, ["LeNet5"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(ArgumentError, match=r"created by its name, a text such as 'LeNet5', not "):
        models.create(name)


def test_an_unknown_argument_is_named():
    with pytest.raises(ArgumentError, match=r"LeNet5\(num_classes: int = 10, in_channels: int = 1, \*, weights: .*\): .*'colours'"):
        models.create("LeNet5", colours=3)


def test_a_students_network_can_be_entered(monkeypatch):
    monkeypatch.setattr(registry, "_models", dict(registry._models))

    @models.register_model
    class MyNet(nn.Module):
        pass

    assert "MyNet" in models.list_models()
    assert isinstance(models.create("MyNet"), MyNet)
