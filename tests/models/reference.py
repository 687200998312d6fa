"""Weights and images that follow from their names alone, so that two implementations can be given the same without a file.

`tools/make_reference_logits.py` gives them to PyTorch's own networks (torchvision, timm, pretrainedmodels) and keeps what comes out.
"""

import math
import zlib
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("files") / "reference_logits.npz"
KEPT = 100  # logits of each image that are kept, and so many images:
IMAGES = 2


def weights(name, shape, gain):
    """A tensor of a state dict: by He's rule, times `gain`; norms that have something to do."""
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, np.float32)
    kind = name.rpartition(".")[2]
    if kind == "running_var":
        return 1 + 0.2 * np.abs(values)
    if len(shape) == 1:
        return 0.1 * values + (kind == "weight")
    return values * np.float32(gain * math.sqrt(2 / math.prod(shape[1:])))


def fill(state, gain):
    """The same for every entry but the counters of batches; `state` holds arrays or anything with a shape.

    The gain is 1, or more where SiLU and sigmoid gates would let nothing of the image come through to the scores.
    """
    return {name: weights(name, tuple(value.shape), gain) for name, value in state.items() if not name.endswith("num_batches_tracked")}


def images(shape):
    """Images (N, C, H, W)."""
    return np.random.default_rng(20121203).standard_normal((IMAGES, *shape), np.float32)
