"""Training with fewer bits: the trainer's precision is the products', is recorded, and comes back."""

import dataclasses
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

import minicnn
from minicnn import GradScaler, data, nn, optim
from minicnn.errors import ArgumentError, BackendError, NonFiniteError
from minicnn.io import load_checkpoint
from minicnn.kernels.cuda.precision import precision
from minicnn.train import Callback, Recipe, RunFolder, Trainer, evaluate, read_log, run_recipe
from minicnn.train.parts import Parts


@pytest.fixture(autouse=True)
def _simulated_gpu():
    with minicnn.use_backend("cudasim"):
        minicnn.manual_seed(0)
        yield


def batches():
    rng = np.random.default_rng(0)
    images = rng.standard_normal((24, 1, 4, 4), dtype=np.float32)
    return data.DataLoader(data.ArrayDataset(images, (images.sum((1, 2, 3)) > 0).astype(np.int64)), batch_size=12)


class Seen(nn.Module):
    """A small network that notes in which types it computes."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear, self.types = nn.Conv2d(1, 4, 3), nn.Linear(16, 2), set()

    def forward(self, x):
        y = self.conv(x)
        scores = self.linear(minicnn.ops.relu(y).flatten(1))
        self.types.add((y.dtype.name, scores.dtype.name, precision()))
        return scores


def trainer(word, lr=0.2):
    model = Seen()
    return Trainer(model, optim.SGD(model.parameters(), lr=lr, momentum=0.9), precision=word)


EXPECTED = {"fp32": ("float32",) * 2 + ("fp32",), "tf32": ("float32",) * 2 + ("tf32",), "bf16": ("bfloat16",) * 2 + ("fp32",), "fp16": ("float16",) * 2 + ("fp32",)}


@pytest.mark.parametrize("word", EXPECTED)
def test_training_and_its_evaluation_compute_with_so_many_bits_and_learn(word):
    run = trainer(word)
    history = run.fit(batches(), batches(), epochs=5)
    assert run.model.types == {EXPECTED[word]}
    assert history[-1].train_loss < 0.6 * history[0].train_loss
    assert {p.dtype.name for p in run.model.parameters()} == {"float32"}
    assert run.scaler.is_enabled() == (word == "fp16")


def test_evaluation_alone():
    model = Seen()
    exact, few = (evaluate(model, batches(), precision=word) for word in ("fp32", "bf16"))
    assert {types[0] for types in model.types} == {"float32", "bfloat16"}
    assert exact.loss != few.loss
    assert exact.loss == pytest.approx(few.loss, rel=0.05)


def test_in_float16_a_step_that_overflows_is_left_out_and_the_next_is_smaller():
    run = trainer("fp16")
    run.scaler = GradScaler(init_scale=2.0**40)
    before = run.model.conv.weight.numpy().copy()
    run.fit(batches(), batches(), epochs=1)
    np.testing.assert_array_equal(run.model.conv.weight.numpy(), before)
    assert run.scaler.get_scale() == 2.0**38


def test_a_forward_pass_beyond_the_range_of_float16_is_explained():
    run = trainer("fp16")
    with minicnn.no_grad():
        run.model.conv.weight.fill_(1e4)
        run.model.linear.weight.fill_(1e4)
    with pytest.raises(NonFiniteError, match=r"the loss is (nan|inf) at step 1.*or the precision bf16, for in float16 a number above 65504 is infinite"):
        run.fit(batches(), batches(), epochs=1)


def test_other_precisions_are_refused():
    for call in (lambda: trainer("float16"), lambda: Recipe(precision="float16").resolved()):
        with pytest.raises(ArgumentError, match="precision must be one of 'fp32', 'tf32', 'bf16', 'fp16', not 'float16'"):
            call()
    with minicnn.use_backend("numpy"), pytest.raises(BackendError, match="the backend 'numpy' computes in float32"):
        trainer("bf16").fit(batches(), batches(), epochs=1)


@contextmanager
def silence(epochs, steps):
    yield Callback()


def parts_of(run):
    return Parts(SimpleNamespace(classes=("no", "yes"), shape=(1, 4, 4), folder=None, test=batches().dataset), {}, run, batches(), None, batches())


def test_a_run_records_its_precision_and_the_scale_and_can_go_on_with_them(tmp_path):
    recipe, run = Recipe(epochs=2, precision="fp16"), trainer("fp16")
    run_recipe(recipe, parts_of(run), RunFolder.new(tmp_path), silence)
    head, *_ = read_log(tmp_path / "log.jsonl")
    assert head["settings"]["precision"] == "fp16"
    contents = load_checkpoint(tmp_path / "checkpoint.safetensors")
    again = Recipe(**contents["recipe"])
    assert dataclasses.asdict(again) == dataclasses.asdict(recipe.resolved())
    on = trainer(again.precision)
    on.scaler.load_state_dict(contents["scaler"])
    assert on.scaler.get_scale() == 65536.0
    assert contents["scaler"]["steps_since"] == 4
    assert on.model.load_state_dict(contents["model"]) is None


def test_without_float16_no_scale_is_kept(tmp_path):
    run = trainer("bf16")
    run_recipe(Recipe(epochs=1, precision="bf16"), parts_of(run), RunFolder.new(tmp_path), silence)
    assert load_checkpoint(tmp_path / "checkpoint.safetensors")["scaler"] is None
