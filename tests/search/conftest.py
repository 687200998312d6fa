"""What several tests of searches need."""

import pytest

from minicnn.backend import get_num_threads, set_num_threads


@pytest.fixture
def two_threads():
    """Until the test ends, whatever the machine has."""
    before = get_num_threads()
    set_num_threads(2)
    yield
    set_num_threads(before)
