"""batch_norm and its layers against PyTorch in both modes, the running statistics, and the messages."""

import warnings

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, kernels, nn, ops
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.testing.cases import CASES
from minicnn.testing.draw import RandomDraw

FOLDERS = [pytest.param(folder, id=folder) for folder in kernels.FOLDERS]


def random(seed, *shape):
    return np.random.default_rng([2, seed]).standard_normal(shape)


def layers(seed, minicnn_layer, torch_layer):
    """The same float64 layer twice, with random weights."""
    torch = pytest.importorskip("torch")
    minicnn_layer.astype("float64")
    state = {k: random(seed, *v.shape) if v.dtype.kind == "f" else v for k, v in minicnn_layer.state_dict().items()}
    if "running_var" in state:
        state["running_var"] = state["running_var"] ** 2 + 0.5
    minicnn_layer.load_state_dict(state)
    torch_layer.double().load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    return minicnn_layer, torch_layer


@pytest.mark.parametrize("seed", range(20))
def test_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = CASES["batch_norm"](RandomDraw(seed))
    mine = {k: None if v is None else Tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    theirs = {k: None if v is None else torch.tensor(v, requires_grad=True) for k, v in case.inputs.items()}
    running = [None if v is None else torch.tensor(v) for v in case.constants.values()]
    expected = torch.nn.functional.batch_norm(theirs["x"], *running, theirs["gamma"], theirs["beta"], **case.attributes)
    y = case.function(*mine.values())
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    dy = random(seed, *y.shape)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    for name, tensor in mine.items():
        if tensor is not None:
            np.testing.assert_allclose(tensor.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("momentum", [0.1, 1.0, 0.0, None])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d"])
def test_running_statistics_equal_those_of_pytorch(kind, affine, momentum):
    torch = pytest.importorskip("torch")
    mine, theirs = layers(
        3, getattr(nn, kind)(4, momentum=momentum, affine=affine), getattr(torch.nn, kind)(4, momentum=momentum, affine=affine)
    )
    for step in range(3):
        x = 3 * random(step, 5, 4, *((2, 3) if kind == "BatchNorm2d" else ())) + 7
        np.testing.assert_allclose(mine(Tensor(x)).numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-10, atol=1e-10)
        for name, value in theirs.state_dict().items():
            np.testing.assert_allclose(mine.state_dict()[name], value.numpy(), rtol=1e-12, err_msg=f"{name} after {step + 1} batches")
    assert mine.state_dict()["num_batches_tracked"].dtype == np.int64
    assert mine.state_dict()["num_batches_tracked"].shape == ()
    y, expected = mine.eval()(Tensor(x)), theirs.eval()(torch.tensor(x))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    assert int(mine.num_batches_tracked) == 3  # evaluation counts nothing


def test_without_running_statistics_every_batch_is_normalised_by_its_own():
    layer = nn.BatchNorm2d(3, track_running_stats=False)
    assert list(layer.state_dict()) == ["weight", "bias"]
    x = Tensor(random(0, 4, 3, 2, 5).astype(np.float32))
    np.testing.assert_array_equal(layer(x).numpy(), layer.eval()(x).numpy())


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("shape", [(64, 3), (4, 3, 5, 7)])
def test_a_mean_far_from_zero_loses_no_digits(folder, shape):
    x = (1e4 + np.random.default_rng(5).standard_normal(shape)).astype(np.float32)
    axes = (0, *range(2, len(shape)))
    (_, mean, var), _ = kernels.find("batch_norm", [folder]).forward(x, None, None, None, None, training=True, eps=1e-5)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(axes), rtol=1e-6)
    np.testing.assert_allclose(var, x.astype(np.float64).var(axes), rtol=1e-3)  # mean(x²) - mean² would give 1 ± 8


@pytest.mark.parametrize("folder", ["array", "cpu", "cuda"])
def test_the_output_of_a_large_batch_is_accurate_in_float32(folder):
    x = (1e4 + np.random.default_rng(5).standard_normal((16, 2, 32, 32))).astype(np.float32)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean((0, 2, 3), keepdims=True)) / np.sqrt(wide.var((0, 2, 3), keepdims=True) + 1e-5)
    (y, _, _), _ = kernels.find("batch_norm", [folder]).forward(x, None, None, None, None, training=True, eps=1e-5)
    tolerance = 1e-3 if folder == "array" else 2e-5  # array rounds the mean to float32, whose neighbours here are 1e-3 apart
    np.testing.assert_allclose(y, expected, atol=tolerance)


@pytest.mark.parametrize("folder", ["cpu", "cuda"])
def test_the_gradients_are_accurate_in_float32(folder):
    """Far from zero the mean has digits that a float32 does not hold; they are carried along in the sums."""
    x, dy = (1e4 + random(5, 16, 2, 8, 8)).astype(np.float32), (random(6, 16, 2, 8, 8) + 0.5).astype(np.float32)
    kernel, needs = kernels.find("batch_norm", [folder]), (True, True, True, False, False)
    gradients = {}
    for dtype in (np.float32, np.float64):
        arrays = (x.astype(dtype), np.full(2, 100, dtype), np.zeros(2, dtype))
        _, saved = kernel.forward(*arrays, None, None, training=True, eps=1e-5)
        gradients[dtype] = kernel.backward(dy.astype(dtype), saved, needs=needs)[:3]
    for wide, narrow in zip(gradients[np.float64], gradients[np.float32], strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    from minicnn.kernels.cpu.threads import set_num_threads

    x, gamma, beta, dy = random(1, 8, 5, 80, 80), random(2, 5), random(3, 5), random(4, 8, 5, 80, 80)
    array, cpu = (kernels.find("batch_norm", [folder]) for folder in ("array", "cpu"))
    (expected, _, _), saved = array.forward(x, gamma, beta, None, None, training=True, eps=1e-5)
    expected_gradients = array.backward(dy, saved, needs=(True, True, True, False, False))
    set_num_threads(threads)
    try:
        (y, _, _), saved = cpu.forward(x, gamma, beta, None, None, training=True, eps=1e-5)
        gradients = cpu.backward(dy, saved, needs=(True, True, True, False, False))
    finally:
        set_num_threads(None)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-10)
    for mine, theirs in zip(gradients[:3], expected_gradients[:3], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("training", [True, False])
def test_only_the_gradients_asked_for(folder, training):
    kernel = kernels.find("batch_norm", [folder])
    running = (None, None) if training else (random(4, 4), random(5, 4) ** 2 + 1)
    _, saved = kernel.forward(random(0, 3, 4, 2, 2), random(1, 4), random(2, 4), *running, training=training, eps=1e-5)
    dy = np.broadcast_to(random(3, 1, 4, 1, 1), (3, 4, 2, 2))
    everything = kernel.backward(dy, saved, needs=(True, True, True, False, False))
    for i in range(3):
        some = kernel.backward(dy, saved, needs=tuple(i == j for j in range(5)))
        assert [g is not None for g in some] == [i == j for j in range(5)]
        np.testing.assert_array_equal(some[i], everything[i])


def test_the_graph_of_an_evaluation_survives_a_training_step(backend):
    layer = nn.BatchNorm2d(2).astype("float64")
    layer(Tensor(random(0, 4, 2, 3, 3)))
    x = Tensor(random(1, 4, 2, 3, 3), requires_grad=True)
    y = layer.eval()(x)
    sigma = np.sqrt(layer.running_var.numpy() + layer.eps)
    x_hat = y.numpy().copy()
    layer.train()(Tensor(5 * random(2, 4, 2, 3, 3) + 1))
    y.backward(np.ones(y.shape))
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to((1 / sigma)[:, None, None], x.shape))
    np.testing.assert_allclose(layer.weight.grad.numpy(), x_hat.sum(axis=(0, 2, 3)))


def test_an_error_leaves_the_running_statistics_alone():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ShapeError):
        layer(minicnn.ones(1, 3))
    assert int(layer.num_batches_tracked) == 0
    np.testing.assert_array_equal(layer.running_mean.numpy(), 0)


# Evaluation before training


def test_evaluation_before_training_warns_once_per_module():
    x = minicnn.ones(2, 3, 4, 4)
    first, second = nn.BatchNorm2d(3).eval(), nn.BatchNorm2d(3).eval()
    with pytest.warns(nn.EvalBeforeTrainingWarning, match="seen no batch: its running mean and variance are still 0 and 1"):
        first(x)
    first(x)  # warnings are errors in this suite
    with pytest.warns(nn.EvalBeforeTrainingWarning):
        second(x)


def test_evaluation_after_training_or_loading_does_not_warn():
    x = minicnn.ones(2, 3, 4, 4)
    trained = nn.BatchNorm2d(3)
    trained(x)
    trained.eval()(x)
    state = trained.state_dict()
    del state["num_batches_tracked"]  # as in old files
    loaded = nn.BatchNorm2d(3).eval()
    loaded.load_state_dict(state, strict=False)
    loaded(x)
    nn.BatchNorm2d(3, track_running_stats=False).eval()(x)


def test_the_warning_points_at_the_caller():
    layer = nn.BatchNorm1d(2).eval()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer(minicnn.ones(2, 2))
    assert caught[0].filename == __file__


# Messages


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x, v: ops.batch_norm(x[:0], training=True), ShapeError, ["empty", "(0, 3, 5, 7)"]),
        (lambda x, v: ops.batch_norm(x[0, 0, 0], training=True), ShapeError, ["(N, C, ...)", "(7,)"]),
        (lambda x, v: ops.batch_norm(x, v[:2], training=True), ShapeError, ["gamma", "3 channels", "(2,)"]),
        (lambda x, v: ops.batch_norm(x, None, None, v[:2], v, training=False), ShapeError, ["running_mean", "(2,)"]),
        (lambda x, v: ops.batch_norm(x, v.astype("float64"), training=True), DtypeError, ["gamma is float64"]),
        (lambda x, v: ops.batch_norm(x.astype("int64"), training=True), DtypeError, ["int64"]),
        (lambda x, v: ops.batch_norm(x, None, None, v.data, v, training=True), DtypeError, ["running_mean", "Tensor", "ndarray"]),
        (lambda x, v: ops.batch_norm(x, None, None, v, None, training=True), ArgumentError, ["both or neither"]),
        (lambda x, v: ops.batch_norm(x, training=False), ArgumentError, ["training=False", "running_mean"]),
        (lambda x, v: ops.batch_norm(x, training=1), ArgumentError, ["training", "True or False"]),
        (lambda x, v: ops.batch_norm(x, training=True, eps=0.0), ArgumentError, ["eps", "above 0", "0.0"]),
        (lambda x, v: ops.batch_norm(x, v, v, v, v, training=True, momentum=1.5), ArgumentError, ["momentum", "1.5"]),
        (lambda x, v: ops.batch_norm(x, training=True, residual=x), ArgumentError, ["residual", "ceiling=math.inf"]),
        (lambda x, v: ops.batch_norm(x, training=True, ceiling=6.0, residual=x[:1]), ShapeError, ["residual", "(2, 3, 5, 7)", "(1, 3, 5, 7)"]),
        (lambda x, v: ops.batch_norm(x, training=True, ceiling=6.0, residual=x.astype("float64")), DtypeError, ["residual is float64"]),
        (lambda x, v: nn.BatchNorm2d(0), ArgumentError, ["num_features", "0"]),
        (lambda x, v: nn.BatchNorm2d(3, eps=-1e-5), ArgumentError, ["eps", "-1e-05"]),
        (lambda x, v: nn.BatchNorm1d(3)(x), ShapeError, ["(N, C) or (N, C, L)", "BatchNorm2d"]),
        (lambda x, v: nn.BatchNorm2d(3)(x[:, :, 0, 0]), ShapeError, ["(N, C, H, W)", "BatchNorm1d"]),
    ],
)  # fmt: skip
def test_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(minicnn.ones(2, 3, 5, 7), minicnn.ones(3))
    for part in parts:
        assert part in str(caught.value)


def test_the_wrong_number_of_channels_names_the_layer():
    model = nn.Sequential(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(16)))
    with pytest.raises(ShapeError) as caught:
        model(minicnn.zeros(8, 3, 32, 32))
    assert str(caught.value) == "0.1 BatchNorm2d(16): input has 3 channels, expected 16; x is (8, 3, 32, 32)"
    with pytest.raises(ShapeError, match=r"transpose\(0, 3, 1, 2\)"):
        model(minicnn.zeros(8, 32, 32, 16))


@pytest.mark.parametrize(("layer", "shape", "where"), [
    (nn.BatchNorm2d, (1, 4, 1, 1), "a batch of 1 at 1x1"),
    (nn.BatchNorm1d, (1, 4), "a batch of 1,"),
])  # fmt: skip
def test_a_single_value_per_channel_cannot_be_normalised_in_training(layer, shape, where):
    layer = layer(4)
    with pytest.raises(ShapeError) as caught:
        layer(minicnn.ones(*shape))
    for part in (where, "variance of one value is zero", "drop_last=True", "eval()"):
        assert part in str(caught.value)
    layer.running_mean.fill_(1.0)
    assert layer.eval()(minicnn.ones(*shape)).shape == shape


def test_repr_shows_what_differs():
    assert repr(nn.BatchNorm2d(8)) == "BatchNorm2d(8)"
    assert repr(nn.BatchNorm1d(8, 1e-3, None, affine=False)) == "BatchNorm1d(8, eps=0.001, momentum=None, affine=False)"


@pytest.mark.parametrize("folder", FOLDERS)
def test_gradients_pass_where_a_result_is_infinite(folder):
    """In evaluation: without a ReLU behind it, there is no bound that infinity could be above."""
    kernel = kernels.find("batch_norm", [folder])
    x, line = np.array([[np.inf, 1.0], [-np.inf, 2.0], [3.0, 4.0]]), np.ones(2)
    with np.errstate(invalid="ignore"):
        _, saved = kernel.forward(x, line, line, line, line, training=False, eps=0.0)
        dx, _, dbeta, *_ = kernel.backward(np.full((3, 2), 2.0), saved, needs=(True, True, True, False, False))
    np.testing.assert_array_equal(dx, np.full((3, 2), 2.0))
    np.testing.assert_array_equal(dbeta, [6.0, 6.0])


@pytest.mark.parametrize("folder", FOLDERS)
def test_so_they_do_in_a_relu(folder):
    kernel = kernels.find("relu", [folder])
    _, saved = kernel.forward(np.array([np.inf, -np.inf, 1.0, np.nan]))
    np.testing.assert_array_equal(kernel.backward(np.full(4, 2.0), saved, needs=(True,))[0][:3], [2.0, 0.0, 2.0])
