"""A profile holds what ran, where it ran and what it cost; and it leaves nothing behind."""

import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, ops, optim
from minicnn.analysis import summarize
from minicnn.autograd import Function, observer
from minicnn.errors import AutogradError, ShapeError

N = 2  # images


@pytest.fixture(autouse=True)
def nobody_watches():
    yield
    assert observer.active is None


def lenet_step(net):
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, labels = minicnn.ones(N, 1, 32, 32), minicnn.arange(N)
    with minicnn.profile() as p:
        ops.cross_entropy(net(x), labels).backward()
        optimizer.step()
    return p


def names(records):
    return [f"{r.path} {r.op}".strip() for r in records]


FORWARD = [
    "c1 Conv2d", "Tanh", "s2 AvgPool2d", "c3 Conv2d", "Tanh", "s4 AvgPool2d", "Reshape",
    "c5 Linear", "Tanh", "f6 Linear", "Tanh", "output Linear", "CrossEntropy",
]  # fmt: skip


def test_a_step_of_lenet_there_and_back():
    p = lenet_step(models.LeNet5())
    forward, backward, rest = p.records[:13], p.records[13:26], p.records[26:]
    assert names(forward) == FORWARD
    assert {r.phase for r in forward} == {"forward"}
    assert names(backward) == FORWARD[::-1]
    assert {r.phase for r in backward} == {"backward"}
    assert [(r.op, r.phase, r.path, r.layer) for r in rest] == [("SGD.step", "optimizer", "", "")]
    assert [r.layer for r in forward] == [r.layer for r in backward[::-1]]
    assert [r.layer for r in forward[:3]] == ["Conv2d", "LeNet5", "AvgPool2d"]
    assert forward[-1].layer == ""


def test_multiply_adds_are_those_of_the_summary():
    net = models.LeNet5()
    p = lenet_step(net)
    expected = {layer.path: N * layer.macs for layer in summarize(net).layers if layer.macs}
    forward = {r.path: r.macs for r in p.records if r.phase == "forward" and r.macs}
    assert forward == expected
    backward = {r.path: r.macs for r in p.records if r.phase == "backward" and r.macs}
    assert backward == {path: (1 if path == "c1" else 2) * macs for path, macs in expected.items()}  # the image needs no gradient


@pytest.mark.parametrize("name", ["ShuffleNetV1", "MobileNetV2"])
def test_multiply_adds_of_grouped_and_strided_convolutions(name):
    with minicnn.use_backend("meta"):
        net = models.create(name).eval()
        with minicnn.no_grad(), minicnn.profile() as p:
            net(minicnn.zeros(1, *net.input_shape))
    assert [r.macs for r in p.records if r.macs] == [layer.macs for layer in summarize(net).layers if layer.macs]


def test_multiply_adds_of_a_convolution_that_a_relu_follows():
    net = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU())  # on the backend numba they may be one operation
    with minicnn.profile() as p:
        net(minicnn.ones(1, 4, 6, 6)).sum().backward()
    assert [r.macs for r in p.records if r.macs] == [16 * 8 * 4 * 9] * 2
    assert {r.path for r in p.records if r.macs} == {"0"}


def test_paths_through_containers_and_lists():
    net = models.LeNet5Original()
    with minicnn.profile() as p:
        net(minicnn.ones(1, 1, 32, 32))
    paths = {call.path: call.layer for call in p.module_calls}
    assert paths == {path: type(m).__name__ for path, m in net.named_modules() if not isinstance(m, nn.ModuleList)}
    assert "c3.filters.15" in {r.path for r in p.records if r.op == "Conv2d"}


def test_shapes_and_bytes():
    with minicnn.use_backend("numpy"), minicnn.profile() as p:
        x, layer = minicnn.ones(5, 4).requires_grad_(), nn.Linear(4, 3)
        layer(x.reshape(1, 5, 4)).sum().backward()
    view, linear, total, _, back, view_back = p.records
    assert (linear.shape, linear.input_shapes) == ((1, 5, 3), ((1, 5, 4), (3, 4), (3,)))
    assert (back.shape, back.input_shapes) == (linear.shape, linear.input_shapes)
    assert linear.bytes == 4 * (20 + 12 + 3 + 15)
    assert back.bytes == 4 * (15 + 20 + 12 + 20 + 12 + 3)  # dy; x and w; dx, dw and db
    assert (linear.macs, back.macs) == (60, 120)
    assert total.bytes == 4 * (15 + 1)
    assert (view.bytes, view_back.bytes) == (0, 0)


def test_bytes_of_an_optimizer_step():
    w = Tensor(np.ones(10, np.float32), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    w.sum().backward()
    with minicnn.profile() as p:
        optimizer.step()
    (step,) = p.records
    assert step.bytes == 40 * (2 + 1 + 2)  # w and the velocity there and back, the gradient
    assert w.tolist() == pytest.approx([0.9] * 10)


def test_matrix_products_of_stacks():
    a, b = Tensor(np.ones((2, 1, 3, 4)), requires_grad=True), Tensor(np.ones((5, 4, 6)))
    with minicnn.profile() as p:
        (a @ b).sum().backward()
    assert [r.macs for r in p.records if r.op == "MatMul"] == [2 * 5 * 3 * 4 * 6] * 2  # b needs no gradient


def test_times_are_in_order_and_add_up():
    p = lenet_step(models.LeNet5())
    assert all(a.start + a.seconds <= b.start for a, b in zip(p.records, p.records[1:], strict=False))
    assert all(r.own_seconds == r.seconds > 0 for r in p.records)
    assert p.records[0].start >= 0
    assert p.between > 0
    assert sum(r.seconds for r in p.records) + p.between == pytest.approx(p.seconds)


def test_without_recording():
    with minicnn.no_grad(), minicnn.profile() as p:
        models.LeNet5()(minicnn.ones(N, 1, 32, 32))
    assert names(p.records) == FORWARD[:-1]


class Slow(Function):
    """An operation that applies others and waits."""

    def forward(self, x):
        time.sleep(0.02)
        return Tensor(x).exp().data

    def backward(self, dy):
        return (dy,)


def test_an_operation_inside_another_is_counted_once():
    with minicnn.profile() as p:
        Slow.apply(minicnn.ones(2))
    outer, inner = p.records
    assert (outer.op, inner.op) == ("Slow", "Exp")
    assert outer.own_seconds == pytest.approx(outer.seconds - inner.seconds)
    assert p.between < p.seconds - 0.02
    assert outer.own_seconds + inner.own_seconds + p.between == pytest.approx(p.seconds)


def test_each_thread_has_its_own_place():
    nets = {"first": nn.Sequential(nn.ReLU(), nn.ReLU()), "second": nn.Sequential(nn.Sequential(nn.ReLU()))}
    numbers, together = {}, threading.Barrier(2)

    class Waiting(nn.Module):
        def forward(self, x):
            together.wait(timeout=10)
            return x

    def run(name):
        numbers[name] = threading.get_native_id()
        nets[name].add = Waiting()
        nets[name](minicnn.ones(3))

    with minicnn.profile() as p:
        threads = [threading.Thread(target=run, args=(name,)) for name in nets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [r.path for r in p.records if r.thread == numbers["first"]] == ["0", "1"]
    assert [r.path for r in p.records if r.thread == numbers["second"]] == ["0.0"]
    assert "3 operations" in p.table()
    assert "2 threads" in p.table()


def test_threads_side_by_side_are_not_time_between():
    def run():
        Slow.apply(minicnn.ones(2))

    with minicnn.profile() as p:
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 0 < p.between < p.seconds - 0.02
    assert sum(r.own_seconds for r in p.records) > 0.04


def test_nested_profiles_see_their_own_blocks():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    with minicnn.profile() as outer:
        minicnn.ones(2).exp()
        with minicnn.profile() as inner:
            net(minicnn.ones(2))
        minicnn.ones(2).sqrt()
    assert [r.op for r in outer.records] == ["Exp", "ReLU", "Tanh", "Sqrt"]
    assert [(r.op, r.path) for r in inner.records] == [("ReLU", "0"), ("Tanh", "1")]
    assert inner.records[0].start < outer.records[1].start
    assert inner.records[0].seconds == outer.records[1].seconds


def test_a_profile_inside_a_module_of_another_profile_knows_the_whole_path():
    class Inside(nn.Module):
        def forward(self, x):
            with minicnn.profile() as self.seen:
                return x.exp()

    net = nn.Sequential(nn.Sequential(Inside()))
    with minicnn.profile():
        net(minicnn.ones(2))
    assert [r.path for r in net[0][0].seen.records] == ["0.0"]
    assert net[0][0].seen.module_calls == ()


def test_an_operation_that_began_before_a_profile_is_not_in_it():
    class Opening(Function):
        def forward(self, x):
            self.seen = stack.enter_context(minicnn.profile())
            return x + 1

    with minicnn.profile() as outer, ExitStack() as stack:
        node = Opening()
        node(minicnn.ones(2)).exp()
    assert [r.op for r in outer.records] == ["Opening", "Exp"]
    assert [r.op for r in node.seen.records] == ["Exp"]


def test_an_exception_leaves_the_block_and_the_profile_is_usable():
    net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(3, 2)))
    with pytest.raises(ShapeError, match=r"^1.0 Linear\(3, 2\): input has 5 features"), minicnn.profile() as p:
        net(minicnn.ones(2, 5))
    assert observer.active is None
    assert [(r.op, r.path) for r in p.records] == [("ReLU", "0")]
    assert [call.path for call in p.module_calls] == ["", "0", "1", "1.0"]
    seconds = p.seconds
    assert "1 operation in" in p.table()
    assert p.seconds == seconds
    with minicnn.profile() as after:
        net[0](minicnn.ones(2))
    assert [r.path for r in after.records] == [""]


def test_after_an_operation_that_raised_the_place_is_right():
    class Broken(Function):
        def forward(self, x):
            raise AutogradError("broken")

    net = nn.Sequential(nn.ReLU())
    with minicnn.profile() as p:
        with pytest.raises(AutogradError, match="broken"):
            Broken.apply(minicnn.ones(2))
        net(minicnn.ones(2))
    assert [(r.op, r.path) for r in p.records] == [("ReLU", "0")]


def test_a_wrong_gradient_is_still_refused():
    class Wrong(Slow):
        def backward(self, dy):
            return dy

    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(AutogradError, match="must return a tuple"), minicnn.profile():
        Wrong.apply(x).backward()


def test_what_ran_outside_is_not_seen():
    net, x = nn.Sequential(nn.Linear(3, 2)), minicnn.ones(1, 3)
    loss = net(x).sum()
    with minicnn.profile() as p:
        loss.backward()
    net(x)
    assert [(r.op, r.phase, r.path) for r in p.records] == [("Sum", "backward", ""), ("Linear", "backward", "")]


def test_results_are_the_same():
    def gradients():
        minicnn.manual_seed(0)
        net = models.LeNet5()
        ops.cross_entropy(net(minicnn.ones(N, 1, 32, 32)), minicnn.arange(N)).backward()
        return [parameter.grad.numpy() for parameter in net.parameters()]

    plain = gradients()
    with minicnn.profile():
        watched = gradients()
    assert all(np.array_equal(a, b) for a, b in zip(plain, watched, strict=True))
