"""What PyTorch can put into a file of weights, and what shall come out of it.

`python -m tests.io.torch_samples`, where PyTorch is installed, writes the files in `tests/io/files` anew.
"""

import importlib
from pathlib import Path

import numpy as np

FILES = Path(__file__).parent / "files"
FORMS = {"zip.pth": {}, "legacy.pth": {"_use_new_zipfile_serialization": False}}


def expected():
    """The arrays of `make`, by name."""
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    return {
        "plain": grid,
        "transposed": grid.transpose(2, 0, 1),
        "row": grid[1, 2],
        "every_second": grid[:, :, 1::2],
        "shared": grid.reshape(-1)[5:17],
        "expanded": np.broadcast_to(np.float32(7), (5, 2)),
        "parameter": np.float32([0.5, -0.25]),
        "scalar": np.array(2.5, np.float32),
        "none": np.zeros((0, 3), np.float32),
        "double": np.arange(3) / 7,
        "half": np.float32([1, -0.5, 65504]),
        "bfloat16": np.float32([1, -2.5, 3.3895314e38]),
        "long": np.array([-(2**62), 5]),
        "int": np.int32([-7, 7]),
        "short": np.int16([-300, 300]),
        "char": np.int8([-128, 127]),
        "byte": np.uint8([0, 255]),
        "bool": np.array([True, False, True]),
        "complex": np.complex64([1 + 2j]),
        "uint16": np.uint16([65535, 1]),
        "num_batches_tracked": np.array(3),
    }


def make(torch):
    """A checkpoint of PyTorch."""
    grid = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    state = {
        "plain": grid,
        "transposed": grid.permute(2, 0, 1),
        "row": grid[1, 2],
        "every_second": grid[:, :, 1::2],
        "shared": grid.reshape(-1)[5:17],
        "expanded": torch.tensor(7.0).expand(5, 2),
        "parameter": torch.nn.Parameter(torch.tensor([0.5, -0.25])),
        "half": torch.tensor([1, -0.5, 65504]).half(),
        "bfloat16": torch.tensor([1, -2.5, 3.3895314e38]).bfloat16(),
    }
    state |= {name: torch.from_numpy(array.copy()) for name, array in expected().items() if name not in state}
    module = torch.nn.BatchNorm1d(2)  # its state dict is an OrderedDict with attributes
    state = {f"module.{name}": tensor for name, tensor in state.items()}
    return {
        "epoch": 3,
        "best": 0.75,
        "arch": "net",
        "state_dict": type(module.state_dict())(state),
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0]}]},
        "norm": module.state_dict(),
        "size": torch.Size([2, 3]),
        "dtype": torch.float32,
    }


if __name__ == "__main__":
    torch = importlib.import_module("torch")
    FILES.mkdir(exist_ok=True)
    for name, options in FORMS.items():
        torch.save(make(torch), FILES / name, **options)
