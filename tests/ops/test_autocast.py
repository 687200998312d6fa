"""Mixed precision: which operation computes in which type, float32 gradients near the exact ones."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops, optim
from minicnn.errors import ArgumentError, BackendError, DtypeError
from minicnn.kernels.cuda.precision import precision
from minicnn.nn.trace import trace
from minicnn.ops.autocast import FEW_BITS, FLOAT32, TABLE
from tests import stand_in_cupy

WORDS = {"bf16": "bfloat16", "fp16": "float16"}
PRECISION = {"bf16": 2**-8, "fp16": 2**-11}  # the largest relative error of rounding


@pytest.fixture(autouse=True)
def _simulated_gpu():
    with minicnn.use_backend("cudasim"):
        minicnn.manual_seed(0)
        yield


def image(dtype="float32", shape=(2, 4, 6, 6)):
    return minicnn.randn(*shape).astype(dtype)


CALLS = {  # operations by name, called with an image (2, 4, 6, 6)
    "conv2d": lambda x: ops.conv2d(x, minicnn.ones(3, 4, 3, 3), minicnn.ones(3)),
    "linear": lambda x: ops.linear(x, minicnn.ones(5, 6), minicnn.ones(5)),
    "matmul": lambda x: ops.matmul(x, minicnn.ones(6, 2)),
    "cross_entropy": lambda x: ops.cross_entropy(x, minicnn.zeros(2, 6, 6, dtype="int64")),
    "mse_loss": lambda x: ops.mse_loss(x, minicnn.ones(*x.shape)),
    "l1_loss": lambda x: ops.l1_loss(x, minicnn.ones(*x.shape)),
    "smooth_l1_loss": lambda x: ops.smooth_l1_loss(x, minicnn.ones(*x.shape)),
    "layer_norm": lambda x: ops.layer_norm(x, 6, minicnn.ones(6)),
    "group_norm": lambda x: ops.group_norm(x, 2, minicnn.ones(4)),
    "local_response_norm": lambda x: ops.local_response_norm(x, 3),
    "power": lambda x: ops.power(x, 2),
} | {name: getattr(ops, name) for name in ("softmax", "log_softmax", "exp", "log", "sum", "mean", "var", "std", "logsumexp")}
PRODUCTS = ("conv2d", "linear", "matmul")
UNLISTED = {
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "batch_norm": lambda x: ops.batch_norm(x, minicnn.ones(4), minicnn.ones(4), training=True),
    "max_pool2d": lambda x: ops.max_pool2d(x, 2),
    "avg_pool2d": lambda x: ops.avg_pool2d(x, 2),
    "global_avg_pool2d": ops.global_avg_pool2d,
    "dropout": lambda x: ops.dropout(x, 0.5, training=True),
    "add": lambda x: x + x,
    "multiply": lambda x: 2 * x,
    "concatenate": lambda x: ops.concatenate([x, x]),
    "reshape": lambda x: x.reshape(2, -1),
    "max": ops.max,
}


def test_the_table_lists_operations_and_this_test_calls_all_of_them():
    assert set(TABLE) == set(CALLS) <= set(ops.__all__)
    assert set(UNLISTED) <= set(ops.__all__) - set(TABLE)


def test_the_table_of_the_documents_is_this_one():
    page = (Path(__file__).resolve().parents[2] / "docs" / "mixed_precision.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith(("| `conv2d`", "| | `"))]
    for column, policy in enumerate((FEW_BITS, FLOAT32)):
        assert sorted(re.findall(r"`(\w+)`", " ".join(row[column] for row in rows))) == sorted(op for op in TABLE if TABLE[op] == policy)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("given", ["float32", "16 bits"])
@pytest.mark.parametrize("name", [*CALLS, *UNLISTED])
def test_each_operation_computes_in_the_type_of_the_table(name, given, word):
    few = WORDS[word]
    x = image(few if given == "16 bits" else given)
    with minicnn.autocast(word):
        y = (CALLS | UNLISTED)[name](x)
    assert y.dtype == (few if name in PRODUCTS else "float32" if name in CALLS else x.dtype)


@pytest.mark.parametrize("name", PRODUCTS)
def test_outside_of_a_block_and_where_it_is_switched_off_nothing_is_converted(name):
    for switched_off in (None, "fp32"):
        with minicnn.autocast("bf16"), minicnn.autocast(switched_off):
            assert CALLS[name](image()).dtype == "float32"
    assert CALLS[name](image()).dtype == "float32"
    with minicnn.autocast("bf16"), minicnn.autocast("fp16"):
        assert CALLS[name](image()).dtype == "float16"


def test_float64_is_never_touched():
    x, w = image("float64"), minicnn.ones(3, 4, 3, 3, dtype="float64")
    with minicnn.autocast("bf16"):
        assert ops.conv2d(x, w).dtype == ops.softmax(x).dtype == (x @ x).dtype == "float64"


def test_where_16_bits_meet_float32_the_result_is_float32():
    """A residual sum, and PyTorch's rule."""
    few, many, half = image("bfloat16"), image(), image("float16")
    with minicnn.autocast("bf16"):
        for y in (few + many, ops.concatenate([few, many]), ops.where(many > 0, few, many), few + half):
            assert y.dtype == "float32"
        assert (few + few).dtype == (few + 1.5).dtype == "bfloat16"


def network():
    minicnn.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32, 3),
    )  # fmt: skip


def batch(count=16):
    """Three kinds of images, and noise."""
    labels = np.arange(count) % 3
    rng = np.random.default_rng(2)
    images = rng.standard_normal((count, 2, 8, 8)) * 0.3 + rng.standard_normal((3, 2, 8, 8))[labels]
    return Tensor(images.astype(np.float32)), Tensor(labels)


def gradients(word):
    """Of a network without kinks: where a rounding error moves a number across the kink of a ReLU, a gradient jumps."""
    minicnn.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(128, 3))
    x, labels = batch()
    with minicnn.autocast(word):
        loss = ops.cross_entropy(net(x), labels)
    assert loss.dtype == "float32"
    loss.backward()
    assert all(p.dtype == p.grad.dtype == "float32" for p in net.parameters())
    return {name: p.grad.numpy() for name, p in net.named_parameters()}


@pytest.mark.parametrize("word", WORDS)
def test_gradients_are_float32_and_near_those_of_float32(word):
    """Off by a few roundings of each factor: relative to the gradient's length, by some multiples of the precision, and not by nothing."""
    exact, rounded = gradients(None), gradients(word)
    for name, gradient in exact.items():
        error = np.linalg.norm(rounded[name] - gradient) / np.linalg.norm(gradient)
        assert PRECISION[word] / 20 < error < 5 * PRECISION[word], name


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("place", ["cudasim", "cupy"])
def test_a_network_learns(word, place, monkeypatch):
    if place == "cupy":
        stand_in_cupy.install_gpu(monkeypatch)
    with minicnn.use_backend(place):
        learn(word)


def learn(word):
    net, (x, labels) = network(), batch()
    steps, losses = optim.SGD(net.parameters(), lr=0.1, momentum=0.9), []
    for _ in range(12):
        with minicnn.autocast(word):
            loss = ops.cross_entropy(net(x), labels)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert {p.dtype.name for p in net.parameters()} == {"float32"}


# Blocks


def test_blocks_are_left_after_an_error_and_are_of_one_thread():
    x, seen = image(), []
    with pytest.raises(ZeroDivisionError), minicnn.autocast("bf16"):
        raise ZeroDivisionError
    with minicnn.autocast("bf16"):
        thread = threading.Thread(target=lambda: seen.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert seen == [(x @ x).dtype] == ["float32"]


def test_as_a_decorator():
    @minicnn.autocast("bf16")
    def forward(x):
        return x @ x

    assert forward(image()).dtype == forward(image()).dtype == "bfloat16"


def test_a_summary_inside_a_block_is_not_disturbed():
    with minicnn.autocast("bf16"):
        assert trace(network(), (2, 8, 8))[1].shape == (1, 3)


def test_tf32_leaves_arrays_alone_and_holds_for_the_backward_pass_wherever_it_is_called(monkeypatch):
    layer, seen = nn.Linear(6, 4), []
    kernel = minicnn.get_backend().kernel("linear")

    def backward(dy, saved, *, needs):
        seen.append(precision())
        return kernel.backward(dy, saved, needs=needs)

    monkeypatch.setattr(minicnn.backend.Backend, "kernel", lambda self, op: type(kernel)(op, "test", kernel.forward, backward))
    assert precision() == "fp32"
    with minicnn.autocast("tf32"):
        assert precision() == "tf32"
        y = layer(minicnn.ones(2, 6))
        with minicnn.autocast("bf16"):
            assert precision() == "fp32"
        exact = minicnn.autocast(None)
        with exact:
            z = layer(minicnn.ones(2, 6))
            y.sum().backward()
        assert precision() == "tf32"
        z.sum().backward()
    assert y.dtype == layer.weight.grad.dtype == "float32"
    assert seen == ["tf32", "fp32"]
    assert precision() == "fp32"


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("float16", "did you mean 'fp16'?"),
        ("bfloat16", "did you mean 'bf16'?"),
        (np.float16, "not <class 'numpy.float16'>"),
        ("int8", "the precision is 'bf16', 'fp16' or 'tf32', or None for float32, not 'int8'"),
        (16, "not 16"),
    ],
)
def test_other_words_are_refused(word, part):
    with pytest.raises(ArgumentError) as caught, minicnn.autocast(word):
        pass
    assert part in str(caught.value)


@pytest.mark.parametrize("word", ["bf16", "fp16", "tf32"])
def test_a_backend_without_such_kernels_is_named(word):
    for backend in ("numba", "numpy", "loops"):
        message = rf"autocast\('{word}'\): the backend '{backend}' computes in float32 and float64 only.*set_backend\('cupy'\)"
        with minicnn.use_backend(backend):
            with pytest.raises(BackendError, match=message), minicnn.autocast(word):
                pass
            with minicnn.autocast(None):
                assert (image() @ image()).dtype == "float32"


def test_a_gpu_whose_tensor_cores_know_float16_only_is_told_apart(monkeypatch):
    monkeypatch.setattr(stand_in_cupy.install_gpu(monkeypatch).cuda.Device, "compute_capability", "75")
    with minicnn.use_backend("cupy"):
        for word in ("bf16", "tf32"):
            with pytest.raises(BackendError, match=rf"autocast\('{word}'\): the tensor cores of this GPU know float16 only.*autocast\('fp16'\)"), minicnn.autocast(word):
                pass
        with minicnn.autocast("fp16"), minicnn.autocast(None):
            pass


def test_on_a_cpu_16_bits_can_be_converted_and_nothing_else():
    with minicnn.use_backend("numba"):
        x = Tensor([[1.0, 0.1]]).astype("bfloat16")
        assert x.astype("float32").tolist() == [[1.0, 0.10009765625]]
        with pytest.raises(DtypeError, match=r"relu: x is bfloat16, but must be float32 or float64.*the backend 'numba' has no kernels for 16 bits.*astype\('float32'\)"):
            ops.relu(x)
