"""Which taps of a window meet the image: the border, found once instead of asked for at every tap."""

from minicnn.kernels.cpu.jit import jit


@jit
def inside(offset: int, stride: int, size: int, count: int) -> tuple[int, int]:
    """The range of q in 0..count-1 for which offset + q stride lies in 0..size-1."""
    first = 0 if offset >= 0 else -(offset // stride)
    last = (size - offset + stride - 1) // stride
    first = min(max(first, 0), count)
    return first, min(max(last, first), count)
