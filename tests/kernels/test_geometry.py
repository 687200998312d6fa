"""Output sizes against a count by hand, and against PyTorch's ceil mode."""

import pytest

from minicnn.kernels.geometry import extent, output_size, unseen


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (0, 2)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_counts_the_windows(kernel_size, stride, padding, dilation):
    for size in range(extent(kernel_size, dilation), 12):
        padded = size + sum(padding)
        windows = [start for start in range(0, padded, stride) if start + extent(kernel_size, dilation) <= padded]
        assert output_size(size, kernel_size, stride, *padding, dilation) == len(windows)
        touched = max(start + extent(kernel_size, dilation) for start in windows) - padding[0]
        assert unseen(size, kernel_size, stride, padding[0], dilation, len(windows)) == max(0, size - touched)


def test_ceil_mode_equals_pytorch():
    torch = pytest.importorskip("torch")
    for size in range(4, 15):
        for kernel_size, stride, padding in [(2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 3, 1), (3, 3, 1), (2, 1, 1)]:
            x = torch.zeros(1, 1, size, size)
            expected = torch.nn.functional.max_pool2d(x, kernel_size, stride, padding, ceil_mode=True).shape[-1]
            assert output_size(size, kernel_size, stride, padding, padding, 1, ceil_mode=True) == expected
