"""The losses of kernels/cuda: sums over several blocks that are the same in every order of threads, labels of items and of pixels, all element types."""

import numpy as np
import pytest

from minicnn import kernels
from tests.kernels.cuda.compared import TYPES, channels_last, differs, nothing_there, off_by_one, planted

REDUCTIONS = ["mean", "sum", "none"]
DIFFERENCES = {"mse_loss": {}, "l1_loss": {}, "smooth_l1_loss": {"beta": 0.7}}


def logits_and_labels(N, K, *places, seed=0):
    random = np.random.default_rng(seed)
    return [3 * random.standard_normal((N, K, *places)), random.integers(K, size=(N, *places))]


def pair(*shape):
    random = np.random.default_rng(len(shape))
    return [random.standard_normal(shape), random.standard_normal(shape)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_of_every_kind(smoothing, reduction):
    for shape in ((19, 10), (1, 1), (3, 1000), (5, 2), (2, 5, 7, 6), (2, 3, 4)):
        assert differs("cross_entropy", logits_and_labels(*shape), label_smoothing=smoothing, reduction=reduction) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_in_every_element_type(reduction, dtype):
    assert differs("cross_entropy", logits_and_labels(37, 40), dtype, label_smoothing=0.1, reduction=reduction) == ""


@pytest.mark.parametrize("layout", [channels_last, np.asfortranarray, off_by_one])
def test_cross_entropy_in_any_order_in_memory(layout):
    for reduction in REDUCTIONS:
        how = {"label_smoothing": 0.1, "reduction": reduction}
        assert differs("cross_entropy", logits_and_labels(3, 6, 4, 5), layout=layout, **how) == ""
    logits, labels = logits_and_labels(3, 6, 4, 5)
    _, saved = kernels.find("cross_entropy", ["cuda"]).forward(channels_last(logits), labels, **how)
    dlogits, _ = kernels.find("cross_entropy", ["cuda"]).backward(np.ones(labels.shape), saved, needs=(True, False))
    assert dlogits.strides == channels_last(logits).strides


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_labels_of_any_integers(dtype):
    logits, labels = logits_and_labels(6, 5)
    assert differs("cross_entropy", [logits, labels.astype(dtype)], label_smoothing=0.0, reduction="mean") == ""
    assert differs("cross_entropy", [logits, np.repeat(labels, 2).astype(dtype)[::2]], label_smoothing=0.0, reduction="mean") == ""


def test_large_logits_lose_no_digits_of_the_gradient():
    logits, labels = logits_and_labels(4, 7)
    logits = (4096 * 16 + logits).astype(np.float32)  # in float32, a logarithm of a sum beside them would keep 2 digits
    assert differs("cross_entropy", [logits.astype(float), labels], label_smoothing=0.0, reduction="none", dy=np.ones(4)) == ""


def test_a_class_that_is_impossible():
    logits, labels = logits_and_labels(4, 40)
    logits[:, 7], labels[:] = -np.inf, 3
    assert differs("cross_entropy", [logits, labels], label_smoothing=0.0, reduction="mean") == ""


@pytest.mark.parametrize("label", [-1, 5, 2**40])
def test_a_label_that_is_no_class_gives_nan(label):
    logits, labels = logits_and_labels(4, 5)
    labels[2] = label
    losses, _ = kernels.find("cross_entropy", ["cuda"]).forward(logits, labels, label_smoothing=0.1, reduction="none")
    np.testing.assert_array_equal(np.isnan(losses), [False, False, True, False])


@pytest.mark.parametrize("op", DIFFERENCES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_differences_of_several_blocks(op, reduction):
    for shape in ((), (1,), (3, 5), (2, 3, 37, 41)):
        assert differs(op, pair(*shape), reduction=reduction, **DIFFERENCES[op]) == ""


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", DIFFERENCES)
def test_differences_in_every_element_type(op, dtype):
    for reduction in REDUCTIONS:
        assert differs(op, pair(57, 19), dtype, reduction=reduction, **DIFFERENCES[op]) == ""


@pytest.mark.parametrize("op", DIFFERENCES)
def test_prediction_and_target_in_different_orders(op):
    x, target = pair(2, 5, 4, 3)
    dy = np.random.default_rng(0).standard_normal(x.shape)
    for reduction in REDUCTIONS:
        how = {"reduction": reduction, **DIFFERENCES[op]}
        g = dy if reduction == "none" else dy[0, 0, 0, 0]
        expected = _results(op, "loops", x, target, g, how)
        for first, second in ((channels_last, np.asfortranarray), (np.ascontiguousarray, channels_last), (off_by_one, off_by_one)):
            for actual, wanted in zip(_results(op, "cuda", first(x), second(target), g, how), expected, strict=True):
                np.testing.assert_allclose(actual, wanted, rtol=1e-12)


@pytest.mark.parametrize("needs", [(True, False), (False, True), (False, False)])
def test_only_the_gradients_that_are_wanted(needs):
    x, target = pair(5, 7)
    _, saved = kernels.find("mse_loss", ["cuda"]).forward(x, target, reduction="sum")
    gradients = kernels.find("mse_loss", ["cuda"]).backward(np.array(1.0), saved, needs=needs)
    assert [g is not None for g in gradients] == list(needs)


def test_the_kinks():
    x, target = np.array([1.0, 2.0, 3.0, 2.5, -1.0]), np.array([1.0, 1.0, 2.5, 3.0, 1.0])
    for op, how in {"l1_loss": {}, "smooth_l1_loss": {"beta": 0.5}}.items():
        assert differs(op, [x, target], "float64", reduction="none", **how) == ""


def _results(op, folder, x, target, dy, how):
    kernel = kernels.find(op, [folder])
    with nothing_there():
        y, saved = kernel.forward(x, target, **how)
        return [y, *kernel.backward(np.asarray(dy), saved, needs=(True, True))]


@pytest.mark.parametrize(
    ("op", "old", "new"),
    [
        ("cross_entropy", "  __syncthreads();\n", ""),
        ("cross_entropy", "threadIdx.x < blockDim.x / 32 ? of_warp", "threadIdx.x < blockDim.x / 32 - 1 ? of_warp"),
        ("cross_entropy", "if (line.first == 0 && line.number < lines)", "if (line.number < lines)"),
        ("cross_entropy", "exp(REAL(x[i]) - m - T) - q", "exp(REAL(x[i]) - m) - q"),
        ("cross_entropy", "k == label ? there + everywhere : everywhere", "k == label ? there : everywhere"),
        ("mse_loss", "i += (long long)gridDim.x * blockDim.x * WIDTH", "i += (long long)gridDim.x * blockDim.x"),
        ("mse_loss", "v.v[j] = STORE(-slope);", "v.v[j] = STORE(slope);"),
    ],
)
def test_a_mistake_would_be_seen(op, old, new, tmp_path):
    how = {"label_smoothing": 0.1, "reduction": "mean"} if op == "cross_entropy" else {"reduction": "sum"}
    arrays = logits_and_labels(37, 40) if op == "cross_entropy" else pair(2, 3, 37, 41)
    with planted(tmp_path, "loss.cu", old, new):
        assert differs(op, arrays, **how)
