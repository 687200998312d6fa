"""Main memory and the GPU's: moving tensors and networks, and the sentences where an operation finds them apart. The GPU is played by a stand-in."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, ops, optim, place
from minicnn.analysis import summarize
from minicnn.errors import ArgumentError, BackendError
from tests import stand_in_cupy


@pytest.fixture
def cupy(monkeypatch):
    """A GPU for the backend cupy alone."""
    module = stand_in_cupy.install_gpu(monkeypatch)
    with minicnn.use_backend("numpy"):
        yield module


def test_a_tensor_goes_there_and_its_gradient_comes_back(cupy):
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x.to("cupy")
    assert isinstance(y.data, cupy.ndarray)
    assert (y.dtype, y.tolist()) == (np.float32, [1.0, 2.0])
    with minicnn.use_backend("cupy"):
        (3 * y).sum().backward()
    assert isinstance(x.grad.data, np.ndarray)
    assert x.grad.tolist() == [3.0, 3.0]
    z = y.detach().to("numba")
    assert isinstance(z.data, np.ndarray)
    assert z.tolist() == [1.0, 2.0]


def test_what_is_there_already_stays_itself(cupy):
    x = Tensor([1.0])
    assert x.to("numba") is x.to("cudasim") is x
    y = x.to("cupy")
    assert y.to("cupy") is y


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def train(net, steps, x, labels, count):
    for _ in range(count):
        loss = ops.cross_entropy(net(x), labels)
        steps.zero_grad()
        loss.backward()
        steps.step()
    return loss.item()


def tensors(net):
    return [*net.parameters(), *net.buffers(), *(p.grad for p in net.parameters() if p.grad is not None)]


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.01)], ids=["SGD", "Adam"])
def test_a_network_moves_between_two_steps_and_its_optimiser_with_it(cupy, make):
    x, labels = minicnn.randn(6, 1, 8, 8), Tensor(np.array([0, 1, 2, 0, 1, 2]))
    losses = []
    for there in (None, "cupy"):
        minicnn.manual_seed(0)
        net = network()
        steps = make(net.parameters())
        train(net, steps, x, labels, 2)
        if there is None:
            losses.append(train(net, steps, x, labels, 3))
            continue
        assert net.to(there) is net
        assert all(isinstance(t.data, cupy.ndarray) for t in tensors(net))
        with minicnn.use_backend("cupy"):
            losses.append(train(net, steps, x.to(there), labels.to(there), 3))
            assert all(isinstance(a, cupy.ndarray) for state in steps.state.values() for a in state.values() if not isinstance(a, int))
        assert set(net.state_dict()) == set(network().state_dict())
        net.load_state_dict(net.state_dict())
        assert isinstance(net[0].weight.data, cupy.ndarray), "loading leaves tensors where they are"
        net.to("numpy")
        assert all(isinstance(t.data, np.ndarray) for t in tensors(net))
        train(net, steps, x, labels, 1)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_shared_parameter_stays_shared(cupy):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    net.to("cupy")
    assert net[1].weight is net[0].weight
    assert isinstance(net[0].weight.data, cupy.ndarray)


@pytest.mark.parametrize("op", [ops.add, ops.matmul, lambda a, b: ops.concatenate([a, b]), ops.linear, ops.mse_loss], ids=["add", "matmul", "concatenate", "linear", "loss"])
def test_an_operation_on_tensors_of_two_places_names_both(cupy, op):
    a, b = minicnn.ones(2, 2), minicnn.ones(2, 2).to("cupy")
    with pytest.raises(BackendError, match=r"^\w+: its input 0 is in main memory, and its input 1 is on the GPU, but all must be in one place: .*x\.to\('cupy'\)"):
        op(a, b)
    with pytest.raises(BackendError, match=r"its input 0 is on the GPU, and its input 1 is in main memory"):
        op(b, a)


def test_in_a_network_the_layer_is_named(cupy):
    net = network().to("cupy")
    with pytest.raises(BackendError, match=r"^0 Conv2d\(1, 4, .*\): its input 0 is in main memory, and its input 1 is on the GPU"):
        net(minicnn.ones(1, 1, 8, 8))


def test_parameters_that_take_part_in_arithmetic_are_summarised_on_the_gpu(cupy):
    net = models.LeNet5Original()
    expected = str(summarize(net))
    assert str(summarize(net.to("cupy"))) == expected


def test_a_network_on_the_gpu_is_summarised_and_fused(cupy):
    net = network()
    net(minicnn.ones(2, 1, 8, 8))
    expected = summarize(net, (1, 8, 8))
    net.to("cupy")
    assert str(summarize(net, (1, 8, 8))) == str(expected)
    fused = nn.fuse(net, (1, 8, 8))
    x = minicnn.ones(1, 1, 8, 8).to("cupy")
    with minicnn.use_backend("cupy"), minicnn.no_grad():
        np.testing.assert_allclose(fused(x).numpy(), net.eval()(x).numpy(), rtol=1e-5)


def test_the_active_backend_must_compute_where_the_tensors_are(cupy):
    x = minicnn.ones(2, 2)
    with pytest.raises(BackendError, match=r"^relu: its input is on the GPU, but the active backend 'numpy' does not compute there: .*set_backend\('cupy'\)"):
        ops.relu(x.to("cupy"))
    with minicnn.use_backend("cupy"), pytest.raises(BackendError, match=r"relu: its input is in main memory, but the active backend 'cupy'.*x\.to\('cupy'\)"):
        ops.relu(x)


def test_a_parameter_that_moved_between_forward_and_backward_is_noticed(cupy):
    layer = nn.Linear(2, 1)
    loss = layer(minicnn.ones(1, 2)).sum()
    layer.to("cupy")
    with pytest.raises(BackendError, match=r"backward: a gradient is in main memory, but its tensor of shape \(1,?\ ?2?\) is on the GPU.*between forward and backward"):
        loss.backward()


def test_values_are_copied_into_a_tensor_wherever_they_come_from(cupy):
    here, there = minicnn.zeros(2), minicnn.zeros(2).to("cupy")
    here.copy_(minicnn.ones(2).to("cupy"))
    there.copy_(minicnn.ones(2))
    there[1] = np.float32(3)
    assert here.tolist() == [1.0, 1.0]
    assert there.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("where", "error", "part"),
    [
        ("cuda", BackendError, "x.to('cupy')"),
        ("cpu", BackendError, "x.to('numba')"),
        ("float32", ArgumentError, "x.astype('float32')"),
        ("bfloat16", ArgumentError, "x.astype('bfloat16')"),
        (np.float64, ArgumentError, "for another element type use x.astype"),
        ("cupi", BackendError, "did you mean cupy?"),
        ("meta", BackendError, "the values would be lost"),
    ],
)
def test_other_places_are_refused(cupy, where, error, part):
    with pytest.raises(error) as caught:
        minicnn.ones(2).to(where)
    assert part in str(caught.value)
    with pytest.raises(error):
        nn.Linear(2, 2).to(where)


def test_without_a_gpu_the_message_says_what_is_missing():
    if minicnn.cuda.machine.gpu_problem() is None:
        pytest.skip("there is a GPU")
    for call in (lambda: minicnn.ones(2).to("cupy"), minicnn.memory_stats, minicnn.empty_cache):
        with pytest.raises(BackendError, match="backend 'cupy' cannot run here"):
            call()


def test_the_memory_of_the_gpu(cupy):
    class Pool:
        used, total = 10, 30

        def used_bytes(self):
            return self.used

        def total_bytes(self):
            return self.total

        def free_all_blocks(self):
            self.total = self.used

    pool = Pool()
    cupy.get_default_memory_pool = lambda: pool
    assert minicnn.memory_stats() == {"used": 10, "total": 30}
    minicnn.empty_cache()
    assert minicnn.memory_stats() == {"used": 10, "total": 10}


def test_places_in_words(cupy):
    assert place.place_of(np.ones(1)) == "in main memory"
    assert place.place_of(cupy.ones(1)) == "on the GPU"
