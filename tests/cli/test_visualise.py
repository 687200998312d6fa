"""`minicnn visualise WHAT`: a run that reads digits, and networks for photographs."""

from importlib import resources

import numpy as np
import pytest

from minicnn import models
from minicnn.io import save_weights
from minicnn.models import weight_file
from minicnn.models.weight_store import locate

pytest.importorskip("matplotlib")


@pytest.fixture
def sign(tmp_path):
    """A handwritten 0."""
    with resources.files("minicnn.data.files").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        np.save(tmp_path / "sign.npy", arrays["test_images"][0])
    return tmp_path / "sign.npy"


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("activations", ["--layer", "c1"], "6 maps"),
        ("occlusion", ["--patch", "16", "--stride", "16"], "0: "),
        ("saliency", [], "0: "),
        ("gradcam", ["--class", "7"], "7: "),
    ],
)
def test_pictures_for_a_run(minicnn, trained, sign, tmp_path, what, options, said):
    out = tmp_path / "out.png"
    code, text, err = minicnn("visualise", what, trained, sign, "--out", out, *options)
    assert (code, err) == (0, "")
    assert text.startswith(f"{sign}: {said}")
    assert text.endswith(f"picture: {out}\n")
    assert out.read_bytes()[:4] == b"\x89PNG"


def test_the_filters_of_a_run_and_of_a_network(minicnn, trained, tmp_path):
    assert minicnn("visualise", "filters", trained, "--out", tmp_path / "a.png")[0] == 0
    save_weights(tmp_path / "a.npz", models.LeNet5().state_dict())
    assert minicnn("visualise", "filters", "--model", "LeNet5", "--weights", tmp_path / "a.npz", "--out", tmp_path / "b.png")[0] == 0
    assert (tmp_path / "a.png").read_bytes()[:4] == (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("filters --out a.png", "visualise filters: name a run that `minicnn train` has made, or a network: --model NAME --weights FILE"),
        ("gradcam --model ResNet18 a.png --out b.png", "visualise gradcam: --model ResNet18 needs --weights"),
        ("gradcam RUN --out b.png", "visualise gradcam: after the run RUN, name the pictures"),
        ("gradcam RUN nowhere.npy --out b.png", "no image at nowhere.npy"),
        ("gradcam RUN sign.npy --layer s9 --out b.png", "LeNet5 has no layer 's9'; the nearest are s2, s4"),
        ("gradcam RUN sign.npy --class ten --out b.png", "no class is called 'ten': give its number"),
        ("gradcam RUN sign.npy --class 10 --out b.png", "there is no class 10: the network has the classes 0 to 9"),
        ("saliency RUN sign.npy --patch 3 --out b.png", "unrecognized arguments: --patch 3"),
        ("activations RUN sign.npy --out b.png", "the following arguments are required: --layer"),
        *((f"saliency RUN sign.npy --out {name}", f"argument --out: needs .png, .svg or .pdf at the end of a file's name, not '{name}'")
          for name in ("b.doc", "b", ".")),
        ("saliency RUN sign.npy --out nowhere/b.png", "the picture nowhere/b.png cannot be written"),
        ("dream RUN", "invalid choice: 'dream'"),
    ],
)
def test_wrong_calls_are_one_line(minicnn, trained, sign, monkeypatch, arguments, sentence):
    monkeypatch.chdir(sign.parent)
    (sign.parent / "RUN").symlink_to(trained)
    code, _, err = minicnn("visualise", *arguments.split())
    assert code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert not (sign.parent / "b.png").exists()


def test_grad_cam_of_a_photograph_finds_the_temple(minicnn, tmp_path, monkeypatch):
    if locate(weight_file("EfficientNetLite0")) is None:
        pytest.skip(f"needs the package {weight_file('EfficientNetLite0').package.requirement}")
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("PIL")
    drawn = []
    monkeypatch.setattr("minicnn.cli.visualise.draw", lambda rows, path: drawn.extend(rows))
    photo = resources.files(datasets).joinpath("images", "china.jpg")  # a temple on the left, a lake on the right
    network = ["--model", "EfficientNetLite0", "--weights", "imagenet"]
    code, out, err = minicnn("visualise", "gradcam", *network, photo, "--class", "palace", "--out", tmp_path / "a.png")
    assert (code, err) == (0, "")
    assert "china.jpg: palace: " in out
    seen, heat, _ = (panel.picture for panel in drawn[0])
    assert seen.shape == (224, 224, 3)
    assert seen.min() >= 0
    assert 0.9 < seen.max() <= 1
    assert heat.shape == (224, 224)
    assert heat[:, :112].sum() > 5 * heat[:, 150:].sum()
