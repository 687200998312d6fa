"""The drawings of all networks, made once for the tests in this folder."""

import pytest

from minicnn import models
from minicnn.backend import use_backend
from minicnn.draw import architecture


@pytest.fixture(scope="package")
def drawings():
    with use_backend("meta"):
        return {name: architecture(models.create(name), name=name) for name in models.list_models()}
