"""Schedules against PyTorch's, step by step."""

import json

import numpy as np
import pytest

from minicnn import Tensor, optim
from minicnn.errors import ArgumentError, NonFiniteError, StateDictError


def make(lr=0.3, second=0.05):
    parameters = [Tensor([0.0], requires_grad=True), Tensor([0.0], requires_grad=True)]
    return optim.SGD([{"params": parameters[0]}, {"params": parameters[1], "lr": second}], lr=lr)


def make_torch(lr=0.3, second=0.05):
    torch = pytest.importorskip("torch")
    parameters = [torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)]
    return torch.optim.SGD([{"params": parameters[0]}, {"params": parameters[1], "lr": second}], lr=lr), torch.optim.lr_scheduler


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


TIME = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [7, 4]}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 24, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 25}),
    ("OneCycleLR", {"max_lr": [0.4, 0.1], "total_steps": 25, "pct_start": 0.5, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 2.0, "total_steps": 31, "pct_start": 0.05, "div_factor": 5.0, "final_div_factor": 10.0}),
]


@pytest.mark.parametrize(("name", "options"), TIME, ids=[f"{i}-{name}" for i, (name, _) in enumerate(TIME)])
def test_equals_pytorch(name, options):
    reference, schedulers = make_torch()
    optimizer = make()
    theirs = getattr(schedulers, name)(reference, **options, **({"cycle_momentum": False} if name == "OneCycleLR" else {}))
    mine = getattr(optim, name)(optimizer, **options)
    for t in range(24):
        np.testing.assert_allclose(rates(optimizer), rates(reference), rtol=1e-9, atol=1e-15, err_msg=f"after {t} steps")
        assert mine.get_last_lr() == rates(optimizer)
        reference.step()
        theirs.step()
        mine.step()


def test_warmup_then_cosine_equals_pytorch():
    reference, schedulers = make_torch()
    optimizer = make()
    theirs = schedulers.SequentialLR(
        reference,
        [schedulers.LinearLR(reference, start_factor=0.2, total_iters=6), schedulers.CosineAnnealingLR(reference, T_max=12)],
        milestones=[6],
    )
    mine = optim.LinearWarmup(optimizer, total_iters=6, start_factor=0.2, then=optim.CosineAnnealingLR(optimizer, T_max=12))
    for t in range(18):
        np.testing.assert_allclose(rates(optimizer), rates(reference), rtol=1e-9, atol=1e-15, err_msg=f"after {t} steps")
        reference.step()
        theirs.step()
        mine.step()


def test_warmup_alone_stays_at_the_base_rate():
    optimizer = make()
    schedule = optim.LinearWarmup(optimizer, total_iters=4, start_factor=0.5)
    seen = []
    for _ in range(7):
        seen.append(rates(optimizer)[0])
        schedule.step()
    np.testing.assert_allclose(seen, [0.15, 0.1875, 0.225, 0.2625, 0.3, 0.3, 0.3])


def test_warmup_takes_the_base_rates_of_the_schedule_behind_it():
    optimizer = make()
    schedule = optim.LinearWarmup(optimizer, 2, 0.5, then=optim.OneCycleLR(optimizer, max_lr=0.8, total_steps=9))
    assert rates(optimizer) == [0.4, 0.4]
    assert schedule.base_lrs == [0.8, 0.8]


METRICS = {
    "min": [1.0, 0.9, 0.9, 0.89995, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    "max": [0.1, 0.2, 0.2, 0.20001, 0.2, 0.1, 0.5, 0.5, 0.5, 0.4, 0.5, 0.5, 0.6, 0.6, 0.6, 0.1, 0.1, 0.1, 0.1, 0.7],
}
PLATEAU = [{}, {"patience": 0}, {"patience": 2, "factor": 0.5}, {"patience": 1, "cooldown": 2, "min_lr": 0.02}, {"patience": 1, "threshold": 0.2}]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("options", PLATEAU, ids=range(len(PLATEAU)))
def test_plateau_equals_pytorch(mode, options):
    reference, schedulers = make_torch()
    optimizer = make()
    theirs = schedulers.ReduceLROnPlateau(reference, mode, eps=0, **options)
    mine = optim.ReduceLROnPlateau(optimizer, mode, **options)
    for t, metric in enumerate(METRICS[mode]):
        mine.step(Tensor(metric) if t % 2 else metric)
        theirs.step(float(np.float32(metric)) if t % 2 else metric)
        np.testing.assert_allclose(rates(optimizer), rates(reference), rtol=1e-12, err_msg=f"after {t + 1} epochs")
        assert mine.num_bad_epochs == theirs.num_bad_epochs
    assert mine.get_last_lr() == rates(optimizer)


def test_plateau_reduces():
    optimizer = make()
    schedule = optim.ReduceLROnPlateau(optimizer, patience=1, factor=0.5, min_lr=0.06)
    for _ in range(9):
        schedule.step(1.0)
    assert rates(optimizer) == [0.06, 0.05]  # a rate below the bound is not raised


@pytest.mark.parametrize(("name", "options"), TIME, ids=[f"{i}-{name}" for i, (name, _) in enumerate(TIME)])
def test_saved_and_loaded_it_goes_on(name, options):
    optimizer, again = make(), make(lr=9.0)
    straight, resumed = getattr(optim, name)(optimizer, **options), getattr(optim, name)(again, **options)
    for _ in range(7):
        straight.step()
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    assert rates(again) == rates(optimizer)
    for _ in range(5):
        straight.step()
        resumed.step()
        assert rates(again) == rates(optimizer)


def test_plateau_saved_and_loaded_goes_on():
    optimizer, again = make(), make()
    straight, resumed = (optim.ReduceLROnPlateau(o, patience=2, cooldown=1) for o in (optimizer, again))
    assert json.loads(json.dumps(straight.state_dict(), allow_nan=False)) == straight.state_dict()
    for metric in METRICS["min"][:8]:
        straight.step(metric)
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    again.load_state_dict(optimizer.state_dict())
    for metric in METRICS["min"][8:]:
        straight.step(metric)
        resumed.step(metric)
        assert rates(again) == rates(optimizer)


def test_loading_says_what_is_wrong():
    one = optim.StepLR(optim.SGD([Tensor([0.0], requires_grad=True)]), 3)
    with pytest.raises(StateDictError, match=r"for 2 parameter group\(s\), the optimiser has 1"):
        one.load_state_dict(optim.StepLR(make(), 3).state_dict())
    with pytest.raises(StateDictError, match="StepLR: the state must have last_epoch, base_lrs; it has nothing"):
        one.load_state_dict({})
    with pytest.raises(StateDictError, match="ReduceLROnPlateau: the state must have last_epoch, best"):
        optim.ReduceLROnPlateau(make()).load_state_dict(one.state_dict())


@pytest.mark.parametrize(
    ("kind", "entry", "value", "sentence"),
    [
        ("StepLR", "last_epoch", "x", "StepLR: the state is damaged: last_epoch must be an integer >= 0, not 'x'"),
        ("StepLR", "last_epoch", -1, "last_epoch must be an integer >= 0, not -1"),
        ("StepLR", "base_lrs", 0.1, "base_lrs must be a list of rates, not 0.1"),
        ("StepLR", "base_lrs", ["a", "b"], "each of base_lrs must be a finite number >= 0, not 'a'"),
        ("StepLR", "base_lrs", [0.1, float("nan")], "each of base_lrs .*not nan"),
        ("ReduceLROnPlateau", "best", "x", "ReduceLROnPlateau: the state is damaged: best must be a finite number, not 'x'"),
        ("ReduceLROnPlateau", "num_bad_epochs", None, "num_bad_epochs must be an integer >= 0, not None"),
        ("ReduceLROnPlateau", "cooldown_counter", 0.5, "cooldown_counter must be an integer >= 0, not 0.5"),
        ("ReduceLROnPlateau", "last_epoch", True, "last_epoch must be an integer >= 0, not True"),
    ],
)
def test_a_damaged_state_is_one_sentence_and_changes_nothing(kind, entry, value, sentence):
    optimizer = make()
    schedule = optim.StepLR(optimizer, 3) if kind == "StepLR" else optim.ReduceLROnPlateau(optimizer)
    before = schedule.state_dict()
    with pytest.raises(StateDictError, match=sentence):
        schedule.load_state_dict({**before, entry: value})
    assert schedule.state_dict() == before
    assert rates(optimizer) == [0.3, 0.05]


def test_a_step_beyond_the_cycle_changes_nothing():
    schedule = optim.OneCycleLR(make(), max_lr=0.1, total_steps=2)
    for _ in range(2):
        schedule.step()
    for _ in range(2):
        with pytest.raises(ArgumentError, match="step 3 is beyond"):
            schedule.step()
    with pytest.raises(ArgumentError, match="step 9 is beyond"):
        schedule.load_state_dict({"last_epoch": 9, "base_lrs": [0.1, 0.1]})
    assert schedule.last_epoch == 2


@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
@pytest.mark.parametrize("total_steps", [2, 3, 4, 7, 10, 31])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.3, 0.6, 0.95])
def test_one_cycle_equals_pytorch_where_there_is_room_to_rise_and_starts_at_the_peak_elsewhere(pct_start, total_steps, anneal_strategy):
    options = {"max_lr": 0.4, "total_steps": total_steps, "pct_start": pct_start, "anneal_strategy": anneal_strategy}
    optimizer = make()
    mine = optim.OneCycleLR(optimizer, **options)
    if pct_start * total_steps <= 1:
        assert rates(optimizer)[0] == 0.4
        falling = [mine.lr_at(0.4, t) for t in range(total_steps)]
        assert falling == sorted(falling, reverse=True)
        assert falling[-1] == pytest.approx(0.4 / 25 / 1e4)
        return
    reference, schedulers = make_torch()
    theirs = schedulers.OneCycleLR(reference, cycle_momentum=False, **options)
    for t in range(total_steps):
        np.testing.assert_allclose(rates(optimizer), rates(reference), rtol=1e-9, err_msg=f"after {t} steps")
        if t < total_steps - 1:
            reference.step()
            theirs.step()
            mine.step()


def test_one_cycle_of_a_single_step_is_at_the_peak():
    optimizer = make()
    schedule = optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=1)
    assert rates(optimizer) == [0.1, 0.1]
    schedule.step()


def test_one_cycle_may_be_stepped_after_the_last_batch_too():
    optimizer = make()
    schedule = optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=5)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    assert rates[-1] == optimizer.param_groups[0]["lr"] == schedule.lr_at(0.1, 4)
    with pytest.raises(ArgumentError, match="step 6 is beyond"):
        schedule.step()


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda o: optim.StepLR(None, 3), ["StepLR", "must be an optimiser", "NoneType"]),
        (lambda o: optim.StepLR(o, 0), ["StepLR: step_size", ">= 1"]),
        (lambda o: optim.StepLR(o, 3, gamma=0), ["StepLR: gamma", "above 0"]),
        (lambda o: optim.StepLR(o, 3, gamma=float("inf")), ["StepLR: gamma", "inf"]),
        (lambda o: optim.OneCycleLR(o, float("inf"), 5), ["max_lr", "inf"]),
        (lambda o: optim.MultiStepLR(o, [3, -1]), ["MultiStepLR", "milestones", "-1"]),
        (lambda o: optim.CosineAnnealingLR(o, 0), ["T_max"]),
        (lambda o: optim.CosineAnnealingLR(o, 5, eta_min=-1), ["eta_min", "-1"]),
        (lambda o: optim.CosineAnnealingLR(o, 5, eta_min=0.1), ["eta_min = 0.1", "above the base rate 0.05"]),
        (lambda o: optim.LinearWarmup(o, 0), ["total_iters"]),
        (lambda o: optim.LinearWarmup(o, 5, 1.5), ["start_factor", "at most 1"]),
        (lambda o: optim.LinearWarmup(o, 5, 0), ["start_factor", "above 0"]),
        (lambda o: optim.LinearWarmup(o, 5, then=optim.StepLR(make(), 1)), ["then=StepLR", "same optimiser"]),
        (lambda o: optim.LinearWarmup(o, 5, then=optim.ReduceLROnPlateau(o)), ["depends on time only", "ReduceLROnPlateau"]),
        (lambda o: optim.OneCycleLR(None, 0.1, 5), ["OneCycleLR", "optimiser"]),
        (lambda o: optim.OneCycleLR(o, 0, 5), ["max_lr", "above 0"]),
        (lambda o: optim.OneCycleLR(o, [0.1], 5), ["max_lr", "2 parameter group(s)"]),
        (lambda o: optim.OneCycleLR(o, 0.1, 0), ["total_steps"]),
        (lambda o: optim.OneCycleLR(o, 0.1, 5, pct_start=1.0), ["pct_start", "less than 1"]),
        (lambda o: optim.OneCycleLR(o, 0.1, 5, anneal_strategy="cosine"), ["anneal_strategy", "'cosine'"]),
        (lambda o: optim.OneCycleLR(o, 0.1, 5, div_factor=0), ["div_factor"]),
        (lambda o: optim.OneCycleLR(o, 0.1, 1).lr_at(0.1, 2), ["step 2", "total_steps=1", "epochs times batches"]),
        (lambda o: optim.ReduceLROnPlateau(o, "low"), ["mode", "'min', 'max'", "'low'"]),
        (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), ["factor", "below 1", "1.0"]),
        (lambda o: optim.ReduceLROnPlateau(o, factor="0.1"), ["factor", "'0.1'"]),
        (lambda o: optim.ReduceLROnPlateau(o, patience=-1), ["patience"]),
        (lambda o: optim.ReduceLROnPlateau(o, cooldown=0.5), ["cooldown"]),
        (lambda o: optim.ReduceLROnPlateau(o, threshold=-1), ["threshold"]),
        (lambda o: optim.ReduceLROnPlateau(o, min_lr=-1), ["min_lr"]),
    ],
)
def test_messages(call, parts):
    with pytest.raises(ArgumentError) as caught:
        call(make())
    for part in parts:
        assert part in str(caught.value)


def test_a_result_that_is_nan_is_named():
    schedule = optim.ReduceLROnPlateau(make())
    schedule.step(1.0)
    with pytest.raises(NonFiniteError, match="result of epoch 1 is nan"):
        schedule.step(float("nan"))


@pytest.mark.parametrize("make", [lambda sgd: optim.StepLR(sgd, 1), lambda sgd: optim.OneCycleLR(sgd, 1.0, total_steps=9)], ids=["step", "cycle"])
def test_a_group_added_after_the_schedule_is_named(make):
    sgd = optim.SGD([Tensor([0.0], requires_grad=True)], lr=1.0)
    schedule = make(sgd)
    sgd.add_param_group({"params": [Tensor([0.0], requires_grad=True)], "lr": 0.5})
    with pytest.raises(ArgumentError, match=r"made for 1 parameter group\(s\), but the optimiser has 2: add the groups first"):
        schedule.step()
    assert schedule.last_epoch == 0
    assert sgd.param_groups[1]["lr"] == 0.5
