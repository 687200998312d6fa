"""Networks, one file a paper. `create` makes one by name, `list_models` says which there are."""

from minicnn.models.lenet import LeNet5
from minicnn.models.registry import create, list_models, register_model
from minicnn.models.resnet import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152

__all__ = [
    "LeNet5",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "create",
    "list_models",
    "register_model",
]
