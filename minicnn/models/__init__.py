"""Networks, one file a paper. `create` makes one by name, `list_models` says which there are."""

from minicnn.models.lenet import LeNet5
from minicnn.models.registry import create, list_models, register_model

__all__ = ["LeNet5", "create", "list_models", "register_model"]
