"""A `Draw` whose answers come from hypothesis, so that a failing case is shrunk to its smallest shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st


class HypothesisDraw:
    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integer(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def array(self, *shape: int) -> np.ndarray:
        seed = self.data.draw(st.integers(0, 2**32 - 1))
        return np.random.default_rng(seed).standard_normal(shape)
