"""Output sizes against a count by hand, and against PyTorch's ceil mode."""

import pytest

from minicnn.kernels.geometry import extent, output_size, same_padding, unseen


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


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
def test_same_padding_makes_one_window_for_every_stride_pixels(kernel_size, stride, dilation):
    for size in range(1, 14):
        before, after = same_padding(size, kernel_size, stride, dilation)
        assert output_size(size, kernel_size, stride, before, after, dilation) == -(-size // stride)
        assert after - before in (0, 1)
        assert before + after == 0 or (before + after - 1 + size - extent(kernel_size, dilation)) // stride + 1 < -(-size // stride)
