"""Pooling of regions of interest: against pooling without regions, against images whose means are known, and by hand; its corners, messages and layers."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops, use_backend
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.draw import RandomDraw

ROW = np.arange(1.0, 7)[None, None, None]  # one row of six pixels, 1 to 6
X = Tensor(np.ones((2, 3, 5, 7), np.float32))


def pooled(op, x, boxes, *args, dy=None, **kwargs):
    """The result and, for a `dy` of ones or the one given, dx."""
    x = Tensor(x, requires_grad=True)
    y = op(x, Tensor(np.array(boxes, float)), *args, **kwargs)
    y.backward(np.ones(y.shape, x.dtype) if dy is None else np.array(dy, x.dtype).reshape(y.shape))
    return y.numpy(), x.grad.numpy()


# Against operations that know no regions.


def test_the_whole_image_as_a_box_is_adaptive_max_pooling(backend):
    x = RandomDraw(1).array(2, 3, 7, 5).round(1)
    for size in ((1, 1), (3, 2), (7, 5), (9, 4)):
        y, dx = pooled(ops.roi_pool, x, [[0, 0, 0, 4, 6], [1, 0, 0, 4, 6]], size)
        reference = Tensor(x, requires_grad=True)
        expected = ops.adaptive_max_pool2d(reference, size)
        expected.sum().backward()
        np.testing.assert_array_equal(y, expected.numpy())
        np.testing.assert_allclose(dx, reference.grad.numpy(), rtol=1e-14)


def test_a_point_on_every_pixel_is_the_image_and_four_in_each_bin_are_average_pooling(backend):
    x = RandomDraw(2).array(1, 2, 4, 6)
    y, dx = pooled(ops.roi_align, x, [[0, 0, 0, 6, 4]], (4, 6), sampling_ratio=1)
    np.testing.assert_allclose(y, x, rtol=1e-13)
    np.testing.assert_allclose(dx, np.ones_like(x), rtol=1e-13)
    for ratio in (2, 0, -1):  # a bin of two pixels has two points
        y, dx = pooled(ops.roi_align, x, [[0, 0, 0, 6, 4]], (2, 3), sampling_ratio=ratio)
        np.testing.assert_allclose(y, ops.avg_pool2d(Tensor(x), 2).numpy(), rtol=1e-13)
        np.testing.assert_allclose(dx, np.full_like(x, 0.25), rtol=1e-13)


@pytest.mark.parametrize("ratio", [0, 1, 2, 3])
def test_of_a_plane_every_bin_is_the_value_at_its_centre(backend, ratio):
    """Interpolation is exact on x = 2 r - 3 s + 1, whatever the box, as long as no point is outside; and the weights of a bin add up to 1."""
    H, W, scale = 9, 11, 0.25
    x = 2.0 * np.arange(H)[:, None] - 3.0 * np.arange(W) + 1
    left, top, right, bottom = box = np.array([6.3, 5.1, 38.9, 30.7])
    y, dx = pooled(ops.roi_align, x[None, None], [[0, *box]], (3, 2), scale, ratio)
    rows = scale * (top + (np.arange(3) + 0.5) * (bottom - top) / 3) - 0.5
    columns = scale * (left + (np.arange(2) + 0.5) * (right - left) / 2) - 0.5
    np.testing.assert_allclose(y[0, 0], 2 * rows[:, None] - 3 * columns + 1, rtol=1e-12)
    r, s = np.mgrid[:H, :W]
    np.testing.assert_allclose([dx.sum(), (dx * r).sum(), (dx * s).sum()], [6, 2 * rows.sum(), 3 * columns.sum()], rtol=1e-12)


# By hand.


def test_pool_rounds_halves_away_from_zero_and_owns_its_last_pixel(backend):
    boxes = [[0, 0.5, 0, 2.5, 0], [0, 1.5, 0, 3.4, 0], [0, -0.5, 0, 1, 0]]  # pixels 1 to 3, 2 to 3, -1 to 1
    y, dx = pooled(ops.roi_pool, ROW, boxes, (1, 2), dy=[1, 2, 4, 8, 16, 32])
    np.testing.assert_array_equal(y[:, 0, 0], [[3, 4], [3, 4], [1, 2]])
    np.testing.assert_array_equal(dx[0, 0, 0], [16, 32, 1 + 4, 2 + 8, 0, 0])
    y, _ = pooled(ops.roi_pool, ROW, np.array(boxes) * [1, 16, 16, 16, 16], (1, 2), 1 / 16)
    np.testing.assert_array_equal(y[:, 0, 0], [[3, 4], [3, 4], [1, 2]])


def test_bins_of_a_box_share_pixels_where_they_do_not_divide_it(backend):
    y, dx = pooled(ops.roi_pool, ROW, [[0, 1, 0, 3, 0], [0, 4, 0, 4, 0]], (1, 2), dy=[1, 2, 4, 8])  # 1 to 2 and 2 to 3; twice the same pixel
    np.testing.assert_array_equal(y[:, 0, 0], [[3, 4], [5, 5]])
    np.testing.assert_array_equal(dx[0, 0, 0], [0, 0, 1, 2, 4 + 8, 0])


def test_pool_outside_of_the_image(backend):
    """Two bins of two pixels, of which one, both, or none is outside; one of negative pixels, which 0 must not win."""
    y, dx = pooled(ops.roi_pool, -ROW, [[0, -2, 0, 1, 0], [0, 5, 0, 8, 0], [0, 7, 0, 10, 0], [0, 1, -3, 4, -1]], (1, 2), dy=[1, 2, 4, 8, 16, 32, 64, 128])
    np.testing.assert_array_equal(y[:, 0, 0], [[0, -1], [-6, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(dx[0, 0, 0], [2, 0, 0, 0, 0, 4])


def test_pool_ties_nan_and_minus_infinity(backend):
    nan, inf = np.nan, np.inf
    x = np.array([[[[1.0, 2, 2, nan, nan, -inf]]]])
    y, dx = pooled(ops.roi_pool, x, [[0, 0, 0, 2, 0], [0, 1, 0, 4, 0], [0, 5, 0, 5, 0]], 1, dy=[1, 2, 4])
    np.testing.assert_array_equal(y.ravel(), [2, nan, -inf])
    np.testing.assert_array_equal(dx.ravel(), [0, 1, 0, 2, 0, 4])


def test_align_by_hand(backend):
    x = np.array([[[[1.0, 2], [3, 6]]]])
    y, dx = pooled(ops.roi_align, x, [[0, 0.75, 1, 0.75, 1]], 1, sampling_ratio=1)  # at row 0.5, column 0.25
    np.testing.assert_allclose(y.ravel(), [0.5 * (0.75 * 1 + 0.25 * 2) + 0.5 * (0.75 * 3 + 0.25 * 6)], rtol=1e-14)
    np.testing.assert_allclose(dx[0, 0], [[0.375, 0.125], [0.375, 0.125]], rtol=1e-14)


def test_align_sees_one_pixel_far_over_the_edge_and_no_farther(backend):
    at = [-1.125, -1, -0.5, 5.5, 6, 6.125]  # in units in which the centre of pixel r is at r
    y, dx = pooled(ops.roi_align, ROW, [[0, u + 0.5, 0.5, u + 0.5, 0.5] for u in at], 1, dy=[1, 2, 4, 8, 16, 32])
    np.testing.assert_array_equal(y.ravel(), [0, 1, 1, 6, 6, 0])
    np.testing.assert_array_equal(dx.ravel(), [2 + 4, 0, 0, 0, 0, 8 + 16])


def test_align_of_a_box_half_outside_counts_nothing_as_zero(backend):
    y, _ = pooled(ops.roi_align, ROW, [[0, -8, 0, 4, 1]], (1, 1), sampling_ratio=3)  # at -6.5, -2.5 and 1.5
    np.testing.assert_allclose(y.ravel(), [2.5 / 3], rtol=1e-14)
    np.testing.assert_array_equal(pooled(ops.roi_align, ROW, [[0, 9, 0, 20, 1], [0, 0, -9, 6, -3]], 2)[0], np.zeros((2, 1, 2, 2)))


def test_boxes_without_area(backend):
    boxes = [[0, 2.5, 0.5, 2.5, 0.5]]
    for ratio in (0, 1, 4):
        np.testing.assert_array_equal(pooled(ops.roi_align, ROW, boxes, (2, 2), sampling_ratio=ratio)[0], np.full((1, 1, 2, 2), 3))
    np.testing.assert_array_equal(pooled(ops.roi_pool, ROW, [[0, 3, 0, 3, 0]], (2, 2))[0], np.full((1, 1, 2, 2), 4))


def test_not_aligned_is_half_a_pixel_further_on_and_never_below_one_pixel(backend):
    y, _ = pooled(ops.roi_align, ROW, [[0, 1, 0, 3, 0]], (1, 2), sampling_ratio=1, aligned=False)  # at 1.5 and 2.5, row 0.5
    np.testing.assert_array_equal(y.ravel(), [2.5, 3.5])
    y, _ = pooled(ops.roi_align, ROW, [[0, 2, 0, 2, 0]], (1, 2), sampling_ratio=1, aligned=False)  # at 2.25 and 2.75
    np.testing.assert_array_equal(y.ravel(), [3.25, 3.75])


def test_one_infinite_pixel_stays_in_its_own_bins(backend):
    x = np.zeros((1, 1, 4, 6))
    x[0, 0, 0, 0] = np.inf
    for op, corner in ((ops.roi_pool, 5), (ops.roi_align, 6)):
        y, _ = pooled(op, x, [[0, 0, 0, corner, corner - 2], [0, 3, 2, corner, corner - 2]], (2, 3))
        assert y[0, 0, 0, 0] == np.inf
        assert not y[0, 0, 1:].any()
        assert not y[0, 0, :, 1:].any()
        assert not y[1].any()


# What both have in common.


@pytest.mark.parametrize("op", [ops.roi_pool, ops.roi_align])
def test_overlapping_boxes_add_up(backend, op):
    x, boxes = RandomDraw(3).array(2, 2, 6, 6), np.array([[0, 0.25, 0, 4, 4.5], [1, 1, 1, 5, 5], [0, 2, 2, 5, 5], [0, 0.25, 0, 4, 4.5]])
    dy = RandomDraw(4).array(4, 2, 2, 3)
    y, dx = pooled(op, x, boxes, (2, 3), dy=dy)
    alone = [pooled(op, x, boxes[k : k + 1], (2, 3), dy=dy[k]) for k in range(4)]
    np.testing.assert_array_equal(y, np.concatenate([y for y, _ in alone]))
    np.testing.assert_allclose(dx, sum(dx for _, dx in alone), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("op", [ops.roi_pool, ops.roi_align])
def test_no_boxes(op):
    for name in ("loops", "numpy", "numba", "cudasim"):
        with use_backend(name):
            y, dx = pooled(op, RandomDraw(5).array(1, 3, 4, 4), np.zeros((0, 5)), (2, 3))
        assert y.shape == (0, 3, 2, 3)
        np.testing.assert_array_equal(dx, np.zeros((1, 3, 4, 4)))


@pytest.mark.parametrize("op", [ops.roi_pool, ops.roi_align])
def test_boxes_of_any_type_and_images_of_16_bits(op):
    rows = [[1, 1, 0, 5, 4], [0, 2, 2, 3, 3]]
    x = RandomDraw(6).array(2, 3, 5, 7)
    expected = op(Tensor(x), Tensor(np.array(rows, float)), 2).numpy()
    for boxes in (rows, np.array(rows), np.array(rows, np.float32), Tensor(np.array(rows, np.int32))):
        np.testing.assert_array_equal(op(Tensor(x), boxes, 2).numpy(), expected)
    single = op(Tensor(x.astype(np.float32)), np.array(rows, float), 2)
    assert single.dtype == np.float32
    with use_backend("cudasim"):
        half = op(Tensor(x.astype(np.float16)), Tensor(np.array(rows, np.float32)), 2)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.numpy(), expected, atol=4e-3)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda op: op(X[0], [[0, 0, 0, 1, 1]], 2), ShapeError, ["4 axes (N, C, H, W)"]),
        (lambda op: op(X.astype("int64"), [[0, 0, 0, 1, 1]], 2), DtypeError, ["int64"]),
        (lambda op: op(X, [[0, 0, 1, 1]], 2), ShapeError, ["boxes must be (K, 5)", "(1, 4)", "put the number of its image in front"]),
        (lambda op: op(X, [0, 0, 0, 1, 1], 2), ShapeError, ["boxes must be (K, 5)", "(5,)"]),
        (lambda op: op(X, [[0, 0, 0, 1, 1], [2, 0, 0, 1, 1]], 2), ArgumentError, ["box 1 is (2, 0, 0, 1, 1)", "images 0 to 1", "first number is that of the image"]),
        (lambda op: op(X, [[-1, 0, 0, 1, 1]], 2), ArgumentError, ["box 0", "images 0 to 1"]),
        (lambda op: op(X, [[0.5, 0, 0, 1, 1]], 2), ArgumentError, ["box 0 is (0.5,", "images 0 to 1"]),
        (lambda op: op(X, [[np.nan, 0, 0, 1, 1]], 2), ArgumentError, ["images 0 to 1"]),
        (lambda op: op(X, [[0, 3, 2, 2, 4]], 2), ArgumentError, ["box 0 is (0, 3, 2, 2, 4)", "left, top, width, height?"]),
        (lambda op: op(X, [[0, 3, 2, 4, 1]], 2), ArgumentError, ["nor bottom less than top"]),
        (lambda op: op(X, [[0, 0, 0, np.nan, 1]], 2), ArgumentError, ["must be finite"]),
        (lambda op: op(X, [[0, 0, 0, 1, np.inf]], 2), ArgumentError, ["must be finite"]),
        (lambda op: op(X, [[0, 0, 0, 1e9, 1]], 2), ArgumentError, ["(0, 0, 0, 1e+09, 1)", "in pixels of the picture"]),
        (lambda op: op(X, Tensor([[0.0, 0, 0, 1, 1]], requires_grad=True), 2), ArgumentError, ["boxes get no gradient", "boxes.detach()"]),
        (lambda op: op(X, [[0, 0, 0, 1, 1]], 0), ArgumentError, ["output_size", ">= 1"]),
        (lambda op: op(X, [[0, 0, 0, 1, 1]], 2, 0), ArgumentError, ["spatial_scale must be a number above 0, not 0"]),
    ],
)
@pytest.mark.parametrize("op", [ops.roi_pool, ops.roi_align])
def test_messages(op, call, error, parts):
    with pytest.raises(error) as caught:
        call(op)
    for part in [op.__name__, *parts]:
        assert part in str(caught.value)


def test_messages_of_align():
    with pytest.raises(ArgumentError, match=r"roi_align: sampling_ratio must be an integer >= -1, not 1\.5"):
        ops.roi_align(X, [[0, 0, 0, 1, 1]], 2, 1, 1.5)
    with pytest.raises(ArgumentError, match="roi_align: aligned must be True or False"):
        ops.roi_align(X, [[0, 0, 0, 1, 1]], 2, aligned=1)
    with pytest.raises(ArgumentError, match="RoIAlign: sampling_ratio"):
        nn.RoIAlign(2, sampling_ratio=-2)
    with pytest.raises(ArgumentError, match="RoIPool: spatial_scale must be a number above 0"):
        nn.RoIPool(2, spatial_scale=-1)


def test_layers():
    x, boxes = Tensor(RandomDraw(7).array(2, 3, 6, 6)), minicnn.tensor([[1.0, 2, 3, 9, 11]])
    np.testing.assert_array_equal(nn.RoIPool((2, 3), 0.5)(x, boxes).numpy(), ops.roi_pool(x, boxes, (2, 3), 0.5).numpy())
    layer = nn.RoIAlign((2, 3), 0.5, 2, aligned=False)
    np.testing.assert_array_equal(layer(x, boxes).numpy(), ops.roi_align(x, boxes, (2, 3), 0.5, 2, aligned=False).numpy())
    assert repr(nn.RoIPool(7, 1 / 16)) == "RoIPool(output_size=7, spatial_scale=0.0625)"
    assert repr(layer) == "RoIAlign(output_size=(2, 3), spatial_scale=0.5, sampling_ratio=2, aligned=False)"
    assert repr(nn.RoIAlign(14)) == "RoIAlign(output_size=14)"
