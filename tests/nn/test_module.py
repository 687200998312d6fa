"""Modules: how parts are found, state dicts, hooks, modes, text."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, nn, ops
from minicnn.errors import ArgumentError, DtypeError, MinicnnError, ShapeError, StateDictError


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3)
        self.scale = nn.Parameter([1.0])
        self.count = nn.Buffer(0)

    def forward(self, x):
        return self.conv(x) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.rest = nn.ModuleList([nn.ReLU(), nn.Conv2d(4, 5, kernel_size=1, bias=False)])

    def forward(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x


def test_parts_are_found_once_in_order_with_dotted_names():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["first.scale", "first.conv.weight", "first.conv.bias", "rest.1.weight"]
    assert [n for n, _ in net.named_buffers()] == ["first.count"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "first.conv", "rest", "rest.0", "rest.1"]
    net.again = net.first
    assert len(list(net.parameters())) == 4


def test_get_submodule_names_what_there_is():
    net = Net()
    assert net.get_submodule("rest.1") is net.rest[1]
    with pytest.raises(ArgumentError, match=r"no module at 'rest\.7': ModuleList has no '7', but 0, 1"):
        net.get_submodule("rest.7")


def test_state_dict_goes_round():
    minicnn.manual_seed(1)
    one, two = Net(), Net()
    assert not np.array_equal(one.first.conv.weight.numpy(), two.first.conv.weight.numpy())
    two.load_state_dict(one.state_dict())
    for name, value in one.state_dict().items():
        np.testing.assert_array_equal(value, two.state_dict()[name])
    assert two.state_dict()["first.count"].dtype == np.int64


def test_state_dict_is_a_copy():
    net = Net()
    state = net.state_dict()
    state["first.scale"][...] = 7
    assert net.first.scale.item() == 1


def test_load_state_dict_lists_everything_and_changes_nothing():
    net = Net()
    before = net.state_dict()
    bad = {**before, "first.scale": np.zeros(3), "tail.weight": np.zeros(1)}
    del bad["rest.1.weight"]
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(bad)
    message = str(caught.value)
    assert "wrong shape: first.scale is (3,) but should be (1,)" in message
    assert "missing: rest.1.weight" in message
    assert "unexpected: tail.weight" in message
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_load_state_dict_not_strict_takes_what_fits_but_no_wrong_shapes():
    net = Net()
    net.load_state_dict({"first.scale": np.array([5.0]), "other": np.zeros(1)}, strict=False)
    assert net.first.scale.item() == 5
    with pytest.raises(StateDictError, match="wrong shape"):
        net.load_state_dict({"first.scale": np.zeros(2)}, strict=False)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (np.array([1 + 2j]), "complex128"),
        (np.array(["one"]), "text"),
        (["one"], "text"),
        (np.array([None]), "ndarray"),
        ([[1], [2, 3]], "list"),
        (np.array([b"1"]), "text"),
    ],
)
def test_elements_that_no_weight_can_take(value, given):
    net = Net()
    with pytest.raises(StateDictError, match=f"wrong element type: first.scale is {given} but should be float32"):
        net.load_state_dict({"first.scale": value}, strict=False)
    assert net.first.scale.item() == 1


def test_numbers_for_weights_may_be_of_any_type_but_counters_take_integers_only():
    net = Net()
    for value in (np.array([2], np.int8), np.array([2.0], np.float16), np.array([2.0], ">f8"), [2.0]):
        net.load_state_dict({"first.scale": value, "first.count": np.int32(3)}, strict=False)
        assert net.first.scale.item() == 2
        assert net.first.scale.dtype == np.float32
        assert net.first.count.item() == 3
    with pytest.raises(StateDictError, match=r"wrong element type: first.count is float64 but should be int64"):
        net.load_state_dict({"first.count": np.float64(2.5)}, strict=False)


def test_a_file_without_batch_counters_loads():
    norm = nn.BatchNorm2d(3)
    state = {name: value for name, value in norm.state_dict().items() if name != "num_batches_tracked"}
    norm.load_state_dict(state)
    del state["running_mean"]
    with pytest.raises(StateDictError, match="missing: running_mean"):
        norm.load_state_dict(state)


def test_loading_between_forward_and_backward_is_noticed():
    net = Net()
    loss = net(minicnn.ones(1, 3, 5, 5)).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(minicnn.errors.AutogradError, match="edited in place"):
        loss.backward()


def test_modes_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())


def test_freezing_stops_gradients():
    net = Net()
    net.first.requires_grad_(False)
    net(minicnn.ones(1, 3, 5, 5)).sum().backward()
    assert net.first.conv.weight.grad is None
    assert net.rest[1].weight.grad is not None
    net.zero_grad()
    assert net.rest[1].weight.grad is None


def test_hooks_see_change_and_can_be_removed():
    net, seen = Net(), []
    remove = net.first.register_forward_hook(lambda module, inputs, output: seen.append((type(module).__name__, inputs[0].shape, output.shape)))
    double = net.first.register_forward_hook(lambda module, inputs, output: output * 0)
    zero = net.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
    assert float(net(minicnn.ones(1, 3, 5, 5)).sum().item()) == 0
    assert seen == [("Block", (1, 3, 5, 5), (1, 4, 3, 3))]
    for remover in (remove, double, zero):
        remover()
    net(minicnn.ones(1, 3, 5, 5))
    assert len(seen) == 1


def test_astype_converts_parameters_and_leaves_integers():
    net = Net().astype("float64")
    assert {p.dtype for p in net.parameters()} == {np.dtype("float64")}
    assert net.first.count.dtype == np.int64
    assert net(Tensor(np.ones((1, 3, 5, 5)))).dtype == np.float64


@pytest.mark.parametrize("dtype", ["int32", "float16", "nope", None, ">f8", "longdouble", "complex64"])
def test_astype_takes_float32_and_float64_only(dtype):
    net = Net()
    before = net.state_dict()
    with pytest.raises(DtypeError, match=r"^Net\.astype: "):
        net.astype(dtype)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_inputs_may_be_given_by_name():
    class Scaled(nn.Module):
        def forward(self, x, *, by):
            return x * by

    layer, seen = Scaled(), []
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs)))
    assert layer(minicnn.ones(1), by=3.0).tolist() == [3.0]
    assert seen == [1]
    logits, labels = Tensor([[0.0, 0.0]]), Tensor([1])
    assert nn.CrossEntropyLoss()(logits, labels=labels).item() == nn.CrossEntropyLoss()(logits, labels).item()


def test_a_hook_registered_twice_runs_twice_and_is_removed_once():
    net, seen = nn.ReLU(), []

    def hook(*_):
        seen.append(1)

    for register in (net.register_forward_hook, net.register_forward_pre_hook):
        seen.clear()
        first, second = register(hook), register(hook)
        net(minicnn.ones(1))
        assert len(seen) == 2
        first()
        first()
        net(minicnn.ones(1))
        assert len(seen) == 3
        second()
        net(minicnn.ones(1))
        assert len(seen) == 3


def test_the_operation_is_named_unless_the_layer_says_it():
    class Sum(nn.Module):
        def forward(self, x):
            return ops.linear(x, minicnn.ones(2, 3))

    x = minicnn.ones(1, 5)
    for call, expected in [
        (lambda: ops.linear(x, minicnn.ones(2, 3)), "linear: input has 5 features"),
        (lambda: Sum()(x), "Sum(): linear: input has 5 features"),
        (lambda: nn.Linear(3, 2)(x), "Linear(3, 2): input has 5 features"),
        (lambda: ops.conv2d(minicnn.ones(1, 5, 2, 2), minicnn.ones(2, 3, 1, 1)), "conv2d: input has 5 channels"),
        (lambda: nn.BatchNorm1d(5)(x), "BatchNorm1d(5): in training each channel"),
        (lambda: nn.CrossEntropyLoss()(x, Tensor([9])), "CrossEntropyLoss(): label 9 at position [0]"),
        (lambda: nn.LayerNorm(3)(x), "LayerNorm(3): input must end in the axes (3,)"),
    ]:
        with pytest.raises(MinicnnError) as caught:
            call()
        assert str(caught.value).startswith(expected)


def test_an_error_travels_up_through_lists_and_names_the_layer():
    net = Net()
    bad = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(9, 2, kernel_size=1)))
    net.rest.append(bad)
    with pytest.raises(ShapeError) as caught:
        net(minicnn.ones(1, 3, 5, 5))
    assert str(caught.value).startswith("rest.2.1.0 Conv2d(9, 2, kernel_size=1): input has 5 channels, expected 9")


def test_repr_is_indented_and_shows_what_differs_from_the_defaults():
    assert repr(nn.Conv2d(3, 8, (3, 5), stride=2, padding=(0, 1, 0, 1), bias=False)) == (
        "Conv2d(3, 8, kernel_size=(3, 5), stride=2, padding=(0, 1, 0, 1), bias=False)"
    )
    assert repr(Net()).split("\n")[:3] == ["Net(", "  (first): Block(", "    (conv): Conv2d(3, 4, kernel_size=3)"]


def test_forgetting_super_init_is_named():
    class Forgetful(nn.Module):
        def __init__(self):
            pass

    with pytest.raises(ArgumentError, match=r"Forgetful: its __init__ must begin with super\(\).__init__\(\)"):
        Forgetful()(1)


def test_deepcopy_is_independent():
    net = Net()
    twin = copy.deepcopy(net)
    with minicnn.no_grad():
        twin.first.scale.fill_(3)
    assert net.first.scale.item() == 1
    assert twin(minicnn.ones(1, 3, 5, 5)).shape == (1, 5, 3, 3)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("scale", np.ones(1), "Block.scale is a Parameter, and would be none any more"),
        ("scale", Tensor([1.0]), "scale.copy_(...)"),
        ("count", 3, "is a Buffer"),
        ("extra", Tensor([1.0], requires_grad=True), "make it nn.Parameter(...)"),
        ("layers", [nn.ReLU()], "make it nn.ModuleList(...)"),
    ],
)
def test_assignments_that_would_lose_a_parameter_are_refused(name, value, part):
    block = Block()
    with pytest.raises(ArgumentError) as caught:
        setattr(block, name, value)
    assert part in str(caught.value)
    assert [n for n, _ in block.named_parameters()] == ["scale", "conv.weight", "conv.bias"]


def test_a_parameter_may_be_replaced_or_removed():
    block = Block()
    block.scale = nn.Parameter([2.0])
    assert block.scale.item() == 2
    block.conv.bias = None
    assert [n for n, _ in block.named_parameters()] == ["scale", "conv.weight"]
