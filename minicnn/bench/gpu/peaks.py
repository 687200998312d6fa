"""What the GPU can do, measured here and now: a large copy, and a large product of matrices in each precision, both by PyTorch's libraries."""

import statistics
from typing import Any

from minicnn.bench.gpu.device import TorchDevice
from minicnn.bench.gpu.rival import set_precision
from minicnn.bench.gpu.rows import PRECISIONS

COPIED = 1 << 31  # bytes, many times what a cache holds
SIZE = 8192  # rows and columns of the factors
TRIALS = 7


def measure(torch: Any, device: TorchDevice, copied: int = COPIED, size: int = SIZE, place: str = "cuda") -> dict[str, float]:
    """Bytes a second, read and written, of the copy; operations a second, two for each multiply-add, of the products by precision. Medians.

    The numbers are random: products of zeros need less power, and are faster for that.
    """
    found = {"bytes": _copy(torch, device, copied, place)}
    a, b = torch.randn(size, size, device=place), torch.randn(size, size, device=place)
    for precision in PRECISIONS:
        set_precision(torch, precision)
        x, y = (a.bfloat16(), b.bfloat16()) if precision == "bf16" else (a, b)
        found[precision] = 2 * size**3 / _median(device, lambda x=x, y=y: torch.matmul(x, y))
    device.rest()
    return found


def _copy(torch: Any, device: TorchDevice, copied: int, place: str) -> float:
    source = torch.randn(copied // 4, device=place)
    target = torch.empty_like(source)
    return 2 * copied / _median(device, lambda: target.copy_(source))


def _median(device: TorchDevice, work: Any) -> float:
    for _ in range(2):
        work()
    return statistics.median(device.clock.time(work, 0) for _ in range(TRIALS))


def line(peaks: dict[str, float]) -> str:
    """What "of limit" refers to.

    >>> line({"bytes": 4e12, "fp32": 5e13, "tf32": 3.5e14, "bf16": 7e14})
    'limits: a copy 4.00 TB/s; a product of matrices fp32 50, tf32 350, bf16 700 TFLOP/s'
    """
    products = ", ".join(f"{name} {value / 1e12:.0f}" for name, value in peaks.items() if name != "bytes")
    return f"limits: a copy {peaks['bytes'] / 1e12:.2f} TB/s; a product of matrices {products} TFLOP/s"
