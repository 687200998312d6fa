"""`minicnn evaluate RUN`."""

import dataclasses
import json
import re

import pytest

import minicnn as package
from minicnn import models
from minicnn.data import Shapes
from minicnn.io import save_checkpoint
from minicnn.train import datasets


def test_says_what_the_log_says_about_the_last_epoch(minicnn, trained):
    last = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()][-2]
    for run in (trained, trained / "checkpoint.safetensors"):
        code, out, err = minicnn("evaluate", run)
        assert (code, err) == (0, "")
        assert f"held out: {100 * last['test_accuracy']:.2f} % of 360 images are right" in out
        assert f"loss {last['test_loss']:.4f}" in out
    wrong = int(re.search(r"\((\d+) wrong\)", out)[1])
    assert sum(int(n) for n in re.findall(r"^  \d taken for \d: (\d+)$", out, re.MULTILINE)) == wrong == round(360 * (1 - last["test_accuracy"]))


def test_every_backend_finds_the_same(minicnn, trained):
    by_backend = [minicnn("evaluate", trained, "--backend", name)[1].splitlines()[1:] for name in ("numba", "numpy")]
    minicnn("evaluate", trained, "--backend", "numba")
    assert by_backend[0] == by_backend[1]


@pytest.mark.parametrize("kept", [0, 30, 5000])
def test_a_truncated_checkpoint_is_one_sentence(minicnn, trained, tmp_path, kept):
    (tmp_path / "checkpoint.safetensors").write_bytes((trained / "checkpoint.safetensors").read_bytes()[:kept])
    code, out, err = minicnn("evaluate", tmp_path)
    assert (code, out) == (2, "")
    assert "is not a checkpoint, or was cut off" in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_a_checkpoint(minicnn, tmp_path):
    code, _, err = minicnn("evaluate", tmp_path)
    assert code == 2
    assert "has no checkpoint.safetensors in it" in err


def test_a_checkpoint_that_train_has_not_made(minicnn, tmp_path):
    net = models.LeNet5()
    save_checkpoint(tmp_path / "a.safetensors", {"network": {"name": "LeNet5", "kwargs": {}}, "model": net.state_dict()})
    code, _, err = minicnn("evaluate", tmp_path / "a.safetensors")
    assert code == 2
    assert "does not say on which dataset it was trained" in err


def test_two_runs_together(minicnn, trained, tmp_path):
    assert minicnn("train", "--epochs", "2", "--batch-size", "64", "--seed", "1", "--out", tmp_path / "b")[0] == 0
    code, out, err = minicnn("evaluate", trained, tmp_path / "b", "--ensemble")
    assert (code, err) == (0, "")
    single = [float(x) for x in re.findall(r"^held out: (\d+\.\d\d) %", out, re.MULTILINE)]
    together = float(re.search(r"together, the mean of 2 networks: (\d+\.\d\d) % of 360 images", out)[1])
    gain = re.search(r"([+-]\d+\.\d\d) points over the mean of the single ones \((\d+\.\d\d) %\), ([+-]\d+\.\d\d) points over the best", out)
    assert float(gain[2]) == pytest.approx(sum(single) / 2, abs=0.011)
    assert float(gain[1]) == pytest.approx(together - sum(single) / 2, abs=0.021)
    assert float(gain[3]) == pytest.approx(together - max(single), abs=0.021)


def test_several_views(minicnn, trained):
    code, out, _ = minicnn("evaluate", trained, "--views", "ten-crop")
    assert code == 0
    assert "on digits, ten-crop; backend" in out
    assert "(the views of ten-crop are mirrored, too, and this network was trained on no mirrored images" in out
    code, out, _ = minicnn("evaluate", trained, "--sizes", "32,32")
    assert minicnn("evaluate", trained)[1].splitlines()[1:] == out.splitlines()[1:]
    code, _, err = minicnn("evaluate", trained, "--sizes", "40")
    assert (code, len(err.splitlines())) == (2, 1)  # LeNet5 has one size
    for wrong, sentence in (
        (("--sizes", "3,x"), "must be an integer >= 1"),
        (("--views", "flip", "--sizes", "32"), "give --views or --sizes, not both"),
        (("--ensemble",), "an ensemble needs at least two runs"),
    ):
        code, _, err = minicnn("evaluate", trained, *wrong)
        assert (code, sentence in err) == (2, True)


def test_each_run_sees_the_images_as_it_knows_them(minicnn, tmp_path, monkeypatch):
    """Drawn figures of 32 and of 24 pixels, for a network that takes any size: each alone, and both together."""

    def few(where):
        return dataclasses.replace(datasets.DATASETS["shapes"](where), test=Shapes(40, train=False, size=where.size))

    monkeypatch.setitem(datasets.DATASETS, "few-shapes", few)
    monkeypatch.setattr(datasets, "SIZED", ("few-shapes",))
    for size in (32, 24):
        package.manual_seed(0)
        net = models.WideResNetCIFAR(num_classes=10, depth=10, k=1)
        net(package.randn(8, 3, size, size))
        network = {"name": "WideResNetCIFAR", "kwargs": {"num_classes": 10, "depth": 10, "k": 1}}
        save_checkpoint(tmp_path / f"{size}.safetensors", {
            "network": network, "model": net.state_dict(), "dataset": "few-shapes", "epoch": 1, "recipe": {"image_size": size},
        })  # fmt: skip
    figures = [minicnn("evaluate", tmp_path / f"{size}.safetensors")[1].splitlines()[1:] for size in (32, 24)]
    assert figures[0] != figures[1]
    code, out, _ = minicnn("evaluate", *(tmp_path / f"{size}.safetensors" for size in (32, 24)))
    assert code == 0
    lines = [line for line in out.splitlines() if "after 1 epochs" not in line]
    assert lines == [*figures[0], *figures[1]]
