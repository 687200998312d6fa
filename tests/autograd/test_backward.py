"""The walk back: sums over paths, accumulation, freeing, depth, and functions that break their contract."""

import threading

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, ops
from minicnn.autograd import Function
from minicnn.errors import AutogradError, DtypeError, NonFiniteError, ShapeError


def test_gradients_accumulate_until_they_are_cleared():
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.zero_grad()
    assert x.grad is None
    (3 * x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_leaf_used_twice():
    x = Tensor([3.0], requires_grad=True)
    (x * x * x + x).backward()
    assert x.grad.item() == 28.0


def test_a_diamond_is_walked_once_per_node():
    calls = []

    class Twice(Function):
        def forward(self, x):
            return 2 * x

        def backward(self, dy):
            calls.append(dy.copy())
            return (2 * dy,)

    x = Tensor([1.0], requires_grad=True)
    y = Twice.apply(x)
    (3 * y + y * y).backward()
    assert len(calls) == 1
    assert x.grad.item() == 2 * (3 + 2 * 2)


def test_a_ladder_of_diamonds_takes_linear_time():
    x = y = Tensor([1.0], requires_grad=True)
    for _ in range(200):
        y = 0.5 * (y + y)  # 2^200 paths
    y.backward()
    assert x.grad.item() == 1.0


def test_a_result_used_early_and_late_waits_for_both():
    x = Tensor([2.0], requires_grad=True)
    y = x * x
    z = y
    for _ in range(10):
        z = z + 1
    (z * y).backward()  # (y + 10) y
    assert x.grad.item() == (2 * 4 + 10) * 2 * 2


def test_deep_chains_need_no_recursion():
    x = Tensor(1.0, requires_grad=True)

    def chain():
        y = x
        for _ in range(100_000):
            y = -y
        return y

    chain().backward()
    assert x.grad.item() == 1.0
    dropped = chain()
    del dropped  # a graph that is thrown away is taken apart without recursion, too


def test_every_leaf_owns_its_gradient():
    a, b = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    (a + b).backward([1.0, 1.0])
    share = minicnn.get_backend().xp.shares_memory
    assert not share(a.grad.data, b.grad.data)

    class Careless(Function):
        def forward(self, x, y):
            self.save(x)
            return x + y

        def backward(self, dy):
            (x,) = self.saved
            return x, x  # one array twice, and it is the input's own

    a.zero_grad()
    b.zero_grad()
    Careless.apply(a, b).sum().backward()
    arrays = [a.data, a.grad.data, b.grad.data]
    assert not any(share(p, q) for i, p in enumerate(arrays) for q in arrays[:i])


def test_the_given_gradient_is_not_kept():
    x, dy = Tensor([1.0, 2.0], requires_grad=True), np.ones(2, np.float32)
    x.backward(dy)
    dy[:] = 9.0
    assert x.grad.tolist() == [1.0, 1.0]


def test_gradients_can_be_edited_in_place():
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.sum().backward()
    x.grad *= 0.5
    assert x.grad.tolist() == [0.5, 0.5]


def test_the_graph_is_freed_and_says_so():
    x = Tensor([1.0], requires_grad=True)
    y = x * x
    loss = y + 1
    loss.backward()
    for again in (loss, 2 * y):
        with pytest.raises(AutogradError, match=r"before, and it was freed then: compute the loss again"):
            again.backward()
    assert x.grad.item() == 2.0


def test_only_numbers_start_a_backward_pass():
    x = minicnn.ones(2, 3, requires_grad=True)
    with pytest.raises(ShapeError, match=r"one number.*\(2, 3\).*sum or average"):
        (2 * x).backward()
    with pytest.raises(ShapeError, match=r"has shape \(3,\), but the tensor has \(2, 3\)"):
        (2 * x).backward(np.ones(3))
    (2 * x).backward(np.ones((2, 3)))
    assert x.grad.dtype == np.float32


def test_what_was_not_recorded():
    x = minicnn.ones(1, requires_grad=True)
    with minicnn.no_grad():
        hidden = 2 * x
    for y in (minicnn.ones(1), hidden, (2 * x).detach(), x.grad):
        if y is not None:
            with pytest.raises(AutogradError, match="not recorded"):
                y.backward()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number(value):
    x = Tensor(value, requires_grad=True)
    with pytest.raises(NonFiniteError, match=rf"the loss is {value}.*detect_anomaly"):
        (x + 1).backward()
    assert x.grad is None


def test_retain_grad():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).retain_grad()
    z = 3 * y
    z.sum().backward()
    assert y.grad.tolist() == [3.0, 3.0]
    assert z.grad is None
    assert not minicnn.get_backend().xp.shares_memory(y.grad.data, x.grad.data)
    assert x.retain_grad() is x
    with pytest.raises(AutogradError, match="requires no gradient"):
        minicnn.ones(1).retain_grad()


def test_detach_cuts_the_graph():
    x = Tensor([3.0], requires_grad=True)
    (x * x.detach()).backward()
    assert x.grad.item() == 3.0


def test_inputs_without_a_gradient_get_none():
    x, constant = Tensor([1.0], requires_grad=True), Tensor([2.0])
    (x * constant).backward()
    assert constant.grad is None


def test_requires_grad_cannot_be_taken_from_a_result():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(AutogradError, match="detach"):
        (2 * x).requires_grad_(False)
    assert not x.requires_grad_(False).requires_grad


def function_that_returns(gradients):
    class Broken(Function):
        def forward(self, x, y):
            return x + y

        def backward(self, dy):
            return gradients(dy)

    return Broken


@pytest.mark.parametrize(
    ("gradients", "error", "parts"),
    [
        (lambda dy: dy, AutogradError, ["backward of Broken", "tuple of 2", "ndarray"]),
        (lambda dy: (dy,), AutogradError, ["tuple of 2", "1 gradient(s)"]),
        (lambda dy: (dy, None), AutogradError, ["None for input 1"]),
        (lambda dy: (dy, dy.sum()), ShapeError, ["gradient of input 1 has shape ()", "the input has (3,)"]),
        (lambda dy: (dy[None], dy), ShapeError, ["gradient of input 0 has shape (1, 3)"]),
        (lambda dy: (dy.astype(np.float64), dy), DtypeError, ["gradient of input 0 is float64", "float32"]),
    ],
)
def test_a_function_that_breaks_its_contract(gradients, error, parts):
    x, y = (minicnn.ones(3, requires_grad=True) for _ in range(2))
    with pytest.raises(error) as caught:
        function_that_returns(gradients).apply(x, y).sum().backward()
    for part in parts:
        assert part in str(caught.value)


def test_a_function_without_a_backward():
    class OneWay(Function):
        def forward(self, x):
            return x

    y = OneWay.apply(Tensor([1.0], requires_grad=True))
    with pytest.raises(NotImplementedError, match="OneWay has no backward"):
        y.backward()


def test_threads_have_their_own_backend_and_grad_mode():
    seen = {}
    barrier = threading.Barrier(2, timeout=10)

    def work(name, backend, mode):
        with minicnn.use_backend(backend), mode():
            barrier.wait()
            x = minicnn.ones(2, requires_grad=True)
            y = ops.relu(x)
            seen[name] = (minicnn.get_backend().name, minicnn.is_grad_enabled(), y.requires_grad)
            barrier.wait()

    threads = [
        threading.Thread(target=work, args=("a", "loops", minicnn.no_grad)),
        threading.Thread(target=work, args=("b", "numpy", minicnn.enable_grad)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": ("loops", False, False), "b": ("numpy", True, True)}
    assert minicnn.is_grad_enabled()


def test_backward_runs_on_the_backend_of_the_forward():
    with minicnn.use_backend("loops"):
        x = minicnn.ones(2, requires_grad=True)
        y = ops.relu(x)
    assert y.creator.kernel.source == "loops"
    with minicnn.use_backend("numpy"):
        y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
