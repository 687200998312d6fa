"""Steps of optimisers in kernels/cuda: many parameters in one launch equal one after the other; what a recorded step needs."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, optim
from minicnn.errors import AutogradError
from minicnn.kernels.cuda.tensors import CHUNK, MOST_TENSORS
from tests.kernels.cuda.compared import channels_last, dtype_of, in_every_order, off_by_one, planted
from tests.kernels.cuda.many import SHAPES, equal, launches, parameters

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05, "nesterov": True}),
    ("Adam", {"lr": 0.03}),
    ("Adam", {"lr": 0.03, "betas": (0.0, 0.9), "eps": 0.01, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.03, "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.03, "alpha": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.03, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.03, "centered": True, "momentum": 0.5}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(OPTIONS)]

@pytest.fixture
def launched():
    with launches() as names:
        yield names


def steps(optimizer, tensors, count, start=0, layout=lambda x: x):
    """Steps with gradients that depend on the number of the step alone."""
    for step in range(start, start + count):
        rng = np.random.default_rng(1000 + step)
        for tensor in tensors:
            gradient = np.asarray(rng.standard_normal(tensor.shape), tensor.dtype)
            tensor.grad = Tensor.wrap(layout(gradient) if gradient.ndim == 4 else gradient)
        optimizer.step()


def trained(backend, name, options, shapes, dtype="float64", count=3):
    with minicnn.use_backend(backend):
        tensors = parameters(shapes, dtype)
        optimizer = getattr(optim, name)(tensors, **options)
        steps(optimizer, tensors, count)
    return optimizer, [tensor.data for tensor in tensors]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_equals_one_parameter_after_the_other(name, options, launched):
    one, values = trained("cudasim", name, options, SHAPES)
    kernel = {"AdamW": "adam"}.get(name, name.lower())
    assert launched.count(kernel) == 3 * -(-len(SHAPES) // MOST_TENSORS)
    other, expected = trained("numpy", name, options, SHAPES)
    equal(values, expected, 1e-12)
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine["settings"] == theirs["settings"]
    assert mine["arrays"].keys() == theirs["arrays"].keys()
    equal(mine["arrays"].values(), theirs["arrays"].values(), 1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float16", 2e-2), ("bfloat16", 1e-1)])
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_element_types(name, options, dtype, tolerance):
    _, values = trained("cudasim", name, options, [(9,), (3, 5), (CHUNK + 3,)], dtype, count=2)
    assert {value.dtype for value in values} == {dtype_of(dtype)}
    with minicnn.use_backend("numpy"):
        tensors = [Tensor(t.data.astype(np.float64), requires_grad=True) for t in parameters([(9,), (3, 5), (CHUNK + 3,)], dtype)]
        steps(getattr(optim, name)(tensors, **options), tensors, 2)
    equal(values, [tensor.data for tensor in tensors], tolerance)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_any_order_of_threads_gives_the_same(name):
    found = [trained("cudasim", name, {"lr": 0.1}, [(5,), (CHUNK + 3,)], "float32", count=2)[1] for _ in in_every_order()]
    for values in found[1:]:
        for a, b in zip(found[0], values, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("layout", [channels_last, off_by_one, np.asfortranarray])
def test_weights_and_gradients_in_different_orders(layout):
    def weights(order):
        rng = np.random.default_rng(0)
        return [Tensor.wrap(order(rng.standard_normal((4, 3, 5, 2)))).requires_grad_() for _ in range(2)]

    with minicnn.use_backend("cudasim"):
        mine, gradients = weights(layout), lambda x: np.ascontiguousarray(x.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0)
        optimizer = optim.SGD(mine, lr=0.1, momentum=0.9)
        memory = [tensor.data for tensor in mine]
        steps(optimizer, mine, 3, layout=gradients)
        state = optimizer.state_dict()
        optimizer.load_state_dict({**state, "arrays": {name: np.ascontiguousarray(array) for name, array in state["arrays"].items()}})
        steps(optimizer, mine, 3, start=3)
    assert all(tensor.data is array for tensor, array in zip(mine, memory, strict=True))
    theirs = weights(lambda x: x)
    steps(optim.SGD(theirs, lr=0.1, momentum=0.9), theirs, 6)
    equal([t.data for t in mine], [t.data for t in theirs], 1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_a_parameter_without_axes(name):
    single, row = (trained("cudasim", name, {"lr": 0.1}, [shape])[1][0] for shape in ((), (1,)))
    assert (single.shape, single.item()) == ((), row.item())


def test_a_parameter_with_gaps_is_updated_by_itself():
    with minicnn.use_backend("cudasim"):
        whole = np.ones((4, 6))
        gaps, dense = Tensor.wrap(whole[:, ::2]).requires_grad_(), Tensor(np.ones(3), requires_grad=True)
        optimizer = optim.SGD([gaps, dense], lr=0.5)
        gaps.grad, dense.grad = Tensor(np.ones((4, 3))), Tensor(np.ones(3))
        optimizer.step()
    assert whole[:, ::2].tolist() == np.full((4, 3), 0.5).tolist()
    assert whole[:, 1::2].tolist() == np.ones((4, 3)).tolist()
    assert dense.tolist() == [0.5] * 3


def test_groups_counts_and_missing_gradients():
    """Two rates, a parameter that joins later (its bias corrections are those of its own count), one frozen, and one that is never used."""

    def run(backend):
        with minicnn.use_backend(backend):
            a, b, frozen, unused = tensors = parameters([(5,), (2, 3), (4,), (2,)], "float64")
            optimizer = optim.Adam([{"params": [a, frozen, unused], "lr": 0.1}, {"params": [b], "betas": (0.5, 0.9)}], lr=0.01)
            frozen.requires_grad_(False)
            for step in range(4):
                a.grad = Tensor(np.full(5, 1.0 + step))
                b.grad = Tensor(np.full((2, 3), 2.0 - step)) if step > 1 else None
                optimizer.step()
            return optimizer.state_dict(), [tensor.data for tensor in tensors]

    (mine, values), (theirs, expected) = run("cudasim"), run("numpy")
    equal(values, expected, 1e-12)
    assert mine["settings"] == theirs["settings"]
    assert mine["settings"]["counts"] == {"0.step": 4, "3.step": 2}


def test_a_schedule_sets_the_rate_and_saving_and_loading_go_on_bit_for_bit():
    with minicnn.use_backend("cudasim"):
        straight, resumed = parameters([(7,), (3, 3)], "float32"), parameters([(7,), (3, 3)], "float32")
        optimizer, again = optim.AdamW(straight, lr=0.1), optim.AdamW(resumed, lr=0.9)
        schedule = optim.StepLR(optimizer, 2)
        for step in range(4):
            steps(optimizer, straight, 1, start=step)
            schedule.step()
        for tensor, source in zip(resumed, straight, strict=True):
            tensor.data = source.data.copy()
        again.load_state_dict(optimizer.state_dict())
        steps(optimizer, straight, 2, start=4)
        steps(again, resumed, 2, start=4)
        assert again.param_groups[0]["lr"] == pytest.approx(0.001)
    for a, b in zip(straight, resumed, strict=True):
        assert a.data.tobytes() == b.data.tobytes()


def test_a_derived_class_updates_one_by_one(launched):
    class Halved(optim.SGD):
        def update(self, data, gradient, state, group):
            super().update(data, gradient / 2, state, group)

    class Renamed(optim.Adam):
        pass

    with minicnn.use_backend("cudasim"):
        w = Tensor([4.0], requires_grad=True)
        w.grad = Tensor([1.0])
        Halved([w], lr=1.0).step()
        Renamed([w], lr=1.0).step()
    assert launched == []
    assert w.tolist() == pytest.approx([2.5])


def test_a_network_learns_and_the_profile_shows_one_step():
    with minicnn.use_backend("cudasim"):
        minicnn.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
        x, labels = minicnn.randn(6, 1, 6, 6), Tensor(np.array([0, 1, 2, 0, 1, 2]))
        optimizer, losses = optim.AdamW(net.parameters(), lr=0.02), []
        for _ in range(30):
            optimizer.zero_grad()
            loss = minicnn.ops.cross_entropy(net(x), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0] / 5
        with minicnn.profile() as profile:
            optimizer.step()
        assert [record.op for record in profile.records] == ["AdamW.step"]


# Recorded steps


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_a_recorded_step_is_a_step(name, options):
    """What a graph does: the kernels run again, on the same arrays, after `advance` has written rate and count."""
    with minicnn.use_backend("cudasim"):
        tensors, expected = parameters([(7,), (4, 3)], "float64"), parameters([(7,), (4, 3)], "float64")
        optimizer = getattr(optim, name)(tensors, **options)
        steps(optimizer, tensors, 1)
        kept = [tensor.data.copy() for tensor in tensors]
        state = copy.deepcopy(optimizer.state)
        step = optimizer.record_step(skip=np.ones(1, np.int32))  # while a graph is recorded nothing is computed: here, nothing because of `skip`
        for tensor, values in zip(tensors, kept, strict=True):
            np.testing.assert_array_equal(tensor.data, values)
        assert [list(s) for s in optimizer.state.values()] == [list(s) for s in state.values()]
        for number in range(1, 4):
            optimizer.param_groups[0]["lr"] *= 0.5
            rng = np.random.default_rng(1000 + number)
            for tensor in tensors:
                tensor.grad.data[...] = rng.standard_normal(tensor.shape)
            step.advance()
            step.launch()
    with minicnn.use_backend("numpy"):
        other = getattr(optim, name)(expected, **options)
        steps(other, expected, 1)
        for number in range(1, 4):
            other.param_groups[0]["lr"] *= 0.5
            steps(other, expected, 1, start=number)
    equal([t.data for t in tensors], [t.data for t in expected], 1e-12)
    assert optimizer.state_dict()["settings"] == other.state_dict()["settings"]


def test_numbers_that_have_not_changed_are_not_written_again(launched):
    with minicnn.use_backend("cudasim"):
        (w,) = tensors = parameters([(3,)], "float32")
        optimizer = optim.SGD(tensors, lr=0.1)
        steps(optimizer, tensors, 1)
        step = optimizer.record_step()
        launched.clear()
        for rate in (0.1, 0.1, 0.2):
            optimizer.param_groups[0]["lr"] = rate
            step.advance()
            step.launch()
    assert launched == ["set_numbers", "sgd", "sgd", "set_numbers", "sgd"]
    assert w.version.count == 2


def test_what_cannot_be_recorded():
    class Own(optim.SGD):
        pass

    with minicnn.use_backend("cudasim"):
        w = Tensor([1.0], requires_grad=True)
        with pytest.raises(AutogradError, match="no gradient in any parameter"):
            optim.SGD([w]).record_step()
        w.grad = Tensor([1.0])
        with pytest.raises(AutogradError, match=r"Own: record_step\(\) needs an update that is a kernel: of SGD, Adam"):
            Own([w]).record_step()
        with pytest.raises(AutogradError, match=r"Adam: record_step\(\): a parameter of shape \(1,\) has not been updated before: take a step\(\)"):
            optim.Adam([w]).record_step()
        gaps = Tensor.wrap(np.ones((4, 6))[:, ::2]).requires_grad_()
        gaps.grad = Tensor(np.ones((4, 3)))
        with pytest.raises(AutogradError, match=r"no kernel updates a parameter of shape \(4, 3\), whose memory has gaps"):
            optim.SGD([gaps]).record_step()
    with minicnn.use_backend("numpy"), pytest.raises(AutogradError, match="on the backend 'cupy' or 'cudasim'"):
        optim.SGD([w]).record_step()


def test_a_step_is_skipped_after_an_overflow():
    with minicnn.use_backend("cudasim"):
        (w,) = tensors = parameters([(5,)], "float32")
        optimizer = optim.Adam(tensors, lr=0.1)
        steps(optimizer, tensors, 1)
        skip, before = np.zeros(1, np.int32), w.data.copy()
        step = optimizer.record_step(skip)
        after = w.data.copy()
        assert (after != before).all()
        skip[0] = 1
        step.advance()
        step.launch(skip)
    np.testing.assert_array_equal(w.data, after)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("optimizer.cu", "v = momentum * v + g;\n    theta -= lr * (nesterov", "v = momentum * v + lr * g;\n    theta -= lr * (nesterov"),
        ("optimizer.cu", "theta *= keep;\n", "\n"),
        ("optimizer.cu", "v = beta2 * v + rest2 * (g * g);", "v = beta2 * v + rest2 * g;"),
        ("optimizer.cu", "theta -= m / (sqrt(v) / root + eps) * rate;", "theta -= m / (sqrt(v) + eps) * rate;"),
        ("optimizer.cu", "variance = s - mu * mu;", "variance = s - mu;"),
        ("tensors.cuh", "if (tensors.first_block[middle] <= (int)blockIdx.x) t = middle;", "if (tensors.first_block[middle] < (int)blockIdx.x) t = middle;"),
        ("tensors.cuh", "chunk.size = left < CHUNK ? (int)left : CHUNK;", "chunk.size = CHUNK - 4 < left ? CHUNK - 4 : (int)left;"),
        ("tensors.cuh", "if (i + j < chunk.size) chunk.array[a][i + j] = pack[a].v[j];", "if (i + j + 1 < chunk.size) chunk.array[a][i + j] = pack[a].v[j];"),
        ("tensors.cuh", "const bool whole = chunk.at_once && i + WIDTH <= chunk.size;", "const bool whole = false && i > 0;\n    if (i + WIDTH > chunk.size) break;"),
    ],
)
def test_a_mistake_would_be_seen(file, old, new, tmp_path):
    shapes = [(3,), (CHUNK + 5,), (2, 2)]
    with planted(tmp_path, file, old, new):
        found = [trained("cudasim", name, options, shapes)[1] for name, options in (OPTIONS[2], OPTIONS[6], OPTIONS[9])]
    wanted = [trained("numpy", name, options, shapes)[1] for name, options in (OPTIONS[2], OPTIONS[6], OPTIONS[9])]
    assert not all(np.allclose(a, b, rtol=1e-12, atol=1e-12) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))
