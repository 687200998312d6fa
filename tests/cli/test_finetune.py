"""`minicnn finetune` on a few coloured pictures, from the weights of a small network."""

import re

import numpy as np
import pytest

import minicnn as package
from minicnn import models
from minicnn.io import save_weights

pytest.importorskip("PIL")

OPTIONS = ("--set", "model_options.depth=10", "--set", "model_options.k=1")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder `pictures` with noise on two colours, and the weights of a network for four classes that has seen such."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("finetune")
    rng = np.random.default_rng(0)
    for part, count in (("train", 8), ("test", 4)):
        for name, colour in (("green", (30, 220, 30)), ("red", (220, 30, 30))):
            (folder / "pictures" / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.clip(np.array(colour) + rng.normal(0, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / "pictures" / part / name / f"{i}.png")
    package.manual_seed(0)
    net = models.WideResNetCIFAR(num_classes=4, depth=10, k=1)
    net(package.Tensor(rng.standard_normal((16, 3, 16, 16)).astype(np.float32)))
    save_weights(folder / "four.npz", net.state_dict())
    return folder


def arguments(place, *more):
    network = ("--model", "WideResNetCIFAR", *OPTIONS, "--weights", place / "four.npz")
    return ("finetune", "--dataset", place / "pictures", *network, "--epochs", "4", "--batch-size", "8", *more)


def test_a_linear_classifier_is_a_run_like_any_other(minicnn, place, tmp_path):
    code, out, err = minicnn(*arguments(place, "--set", "strategy=linear", "--epochs", "12", "--lr", "0.05", "--out", tmp_path / "run"))
    assert (code, err) == (0, "")
    assert "strategy linear: trains the last layer only" in out
    assert "16 images to train on, 8 held out" in out
    right = re.search(r"(\d+\.\d\d) % of the 8 held-out images are right", out)[1]
    assert float(right) >= 87.5
    assert {"log.jsonl", "checkpoint.safetensors", "recipe.toml", "held_out.json"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert f"held out: {right} % of 8 images are right" in minicnn("evaluate", tmp_path / "run")[1]
    code, _, err = minicnn("train", "--resume", tmp_path / "run")
    assert code == 2
    assert "its 12 epochs are done" in err
    assert minicnn("predict", tmp_path / "run", place / "pictures/test/red/0.png")[0] == 0


def test_auto_measures_and_says_why(minicnn, place, tmp_path, monkeypatch):
    code, out, _ = minicnn(*arguments(place, "--epochs", "1", "--out", tmp_path / "run"))
    assert code == 0
    advice = re.search(r"advice: very little data \(8 images of each class\), very (similar|different) \(similarity [+-]\d\.\d\d\): (.*)", out)
    assert advice[2] == {"similar": "train a linear classifier on the top layer", "different": "you are in trouble: try a linear classifier on different stages"}[advice[1]]
    assert re.search(r"input of linear +\d+\.\d %", out)
    monkeypatch.setattr("minicnn.transfer.advice.LITTLE", 5)
    code, out, _ = minicnn(*arguments(place, "--epochs", "1", "--out", tmp_path / "more"))
    assert code == 0
    assert re.search(r"advice: quite a lot of data .*: fine-tune a (few layers\nstrategy few|larger number of layers\nstrategy all): trains", out)


def test_stages_trains_nothing(minicnn, place, tmp_path):
    code, out, _ = minicnn(*arguments(place, "--strategy", "stages", "--out", tmp_path / "run"))
    assert code == 0
    accuracies = {path: float(right) for path, right in re.findall(r"^  (\S.*?) +(\d+\.\d) %$", out.partition("the best is")[0], re.MULTILINE)}
    best = re.search(r"the best is (\S.*): on 16 training images, counted on 8 held out:\n  (\S.*?)  +\d+\.\d %\nNo network is trained", out)
    assert best[1] == best[2]
    assert accuracies[best[1]] == max(accuracies.values())
    assert not (tmp_path / "run").exists()


def test_mistakes(minicnn, place):
    assert minicnn("finetune")[0] == 2
    code, _, err = minicnn(*arguments(place, "--strategy", "some"))
    assert code == 2
    assert "invalid choice: 'some'" in err
    code, _, err = minicnn(*arguments(place, "--set", "strategy=lineal"))
    assert (code, err) == (2, "minicnn: unknown strategy 'lineal': did you mean linear? Known: all, auto, few, linear, stages\n")
    code, _, err = minicnn("finetune", "--dataset", "digits", "--strategy", "all")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "the weights for ImageNet are for colour images, and those of digits have 1 channel(s)" in err
