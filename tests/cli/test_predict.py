"""`minicnn predict RUN IMAGE...` and `minicnn predict --model NAME --weights FILE IMAGE...`."""

import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from minicnn import models
from minicnn.io import load_checkpoint, save_checkpoint, save_weights
from minicnn.models import weight_file
from minicnn.models.weight_store import locate


@pytest.fixture(scope="module")
def digits():
    with resources.files("minicnn.data.files").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        return arrays["test_images"], arrays["test_labels"]


def best(out):
    return [int(found) for found in re.findall(r"^.*?: (\d) \(", out, re.MULTILINE)]


def test_reads_the_held_out_digits_as_arrays(minicnn, trained, tmp_path, digits):
    images, labels = digits[0][::9], digits[1][::9]
    for i, image in enumerate(images):
        np.save(tmp_path / f"{i:03}.npy", image)
    code, out, err = minicnn("predict", trained, *sorted(tmp_path.iterdir()))
    assert (code, err) == (0, "")
    assert (np.array(best(out)) == labels).mean() > 0.9
    shares = [float(p) for p in re.findall(r"\((\d+\.\d) %\)", out.splitlines()[0])]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)


def test_reads_large_dark_drawings_on_light_paper(minicnn, trained, tmp_path, digits):
    image = pytest.importorskip("PIL.Image")
    labels = digits[1][4::30]
    for i, pixels in enumerate(digits[0][4::30]):
        large = np.full((300, 240), 240.0)
        large[50:210, 40:200] -= np.kron(pixels, np.ones((20, 20))) * 12
        image.fromarray(large.astype(np.uint8)).save(tmp_path / f"{i:03}.png")
    code, out, _ = minicnn("predict", trained, *sorted(tmp_path.iterdir()))
    assert code == 0
    assert out.count("inverted (dark ink on light paper)") == len(labels)
    assert (np.array(best(out)) == labels).mean() > 0.8


def test_one_wrong_file_shows_nothing_but_the_sentence(minicnn, trained, tmp_path, digits):
    pytest.importorskip("PIL")
    np.save(tmp_path / "a.npy", digits[0][0])
    (tmp_path / "b.png").write_text("no picture")
    code, out, err = minicnn("predict", trained, tmp_path / "a.npy", tmp_path / "b.png")
    assert (code, out) == (2, "")
    assert err == f"minicnn: {tmp_path / 'b.png'} is not an image that Pillow can read\n"
    assert minicnn("predict", trained, tmp_path / "none.png")[2].endswith("there is no such file\n")
    assert minicnn("predict", trained)[0] == 2


def test_a_checkpoint_whose_weights_are_spoilt_predicts_nothing(minicnn, trained, tmp_path, digits):
    contents = load_checkpoint(trained / "checkpoint.safetensors")
    contents["model"]["f6.bias"] = np.full(84, np.nan, np.float32)
    save_checkpoint(tmp_path / "checkpoint.safetensors", contents)
    np.save(tmp_path / "a.npy", digits[0][0])
    for command in (["predict", tmp_path, tmp_path / "a.npy"], ["evaluate", tmp_path]):
        code, out, err = minicnn(*command)
        assert (code, out) == (2, "")
        assert "holds weights that are NaN or infinite, in f6.bias" in err


@pytest.fixture
def photo(tmp_path):
    """A picture in each of the modes that photographs come in: all show the same greys."""
    image = pytest.importorskip("PIL.Image")
    grey = image.fromarray((np.add.outer(np.arange(250), np.arange(330)) * 7 % 256).astype(np.uint8))
    transparent = grey.convert("RGB")
    transparent.putalpha(90)
    pictures = {"grey.png": grey, "colour.png": grey.convert("RGB"), "transparent.png": transparent}
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
    return [tmp_path / name for name in pictures]


def five(out):
    return [re.findall(r"^  *(\d+\.\d) %  (.+)$", part, re.MULTILINE) for part in out.split("png:")[1:]]


def test_photographs_by_a_network_with_a_file_of_weights(minicnn, photo, tmp_path):
    state = models.MobileNetV2().state_dict()
    save_weights(tmp_path / "a.npz", {key: array + key.endswith("tracked") for key, array in state.items()})  # as after a batch
    code, out, err = minicnn("predict", "--model", "mobilenetv2", "--weights", tmp_path / "a.npz", *photo)
    assert (code, err) == (0, "")
    first = out.splitlines()[0]
    assert first.startswith("preparation: Resize(shorter side 256, bilinear), CenterCrop(224x224), ToFloat(), Normalize(mean=(0.485, 0.456, 0.406)")
    assert first.endswith("(as is usual for this network; the weights may need another)")
    seen = five(out)
    assert [len(lines) for lines in seen] == [5, 5, 5]
    assert seen[0] == seen[1] == seen[2]
    shares = [float(share) for share, _ in seen[0]]
    assert shares == sorted(shares, reverse=True)


def test_a_name_of_published_weights_is_a_network_too(minicnn, photo, monkeypatch):
    calls = []
    monkeypatch.setattr(models, "create", lambda name, **kwargs: calls.append((name, kwargs)) or models.LeNet5())
    minicnn("predict", "--model", "vgg16-bn", "--weights", "imagenet", photo[0])
    assert calls == [("VGG16", {"batch_norm": True, "weights": "imagenet"})]


def test_a_network_for_few_classes_has_no_names_for_them(minicnn, photo, tmp_path):
    weights = Path(__file__).parents[1] / "models" / "files" / "resnet20-12fca82f.th"
    code, out, _ = minicnn("predict", "--model", "ResNet20", "--weights", weights, photo[0])
    assert code == 0
    assert out.splitlines()[0].endswith("(as is usual for this network; the weights may need another)")
    assert all(re.fullmatch(r"class \d", name) for _, name in five(out)[0])


@pytest.mark.parametrize(("name", "seen"), [("MobileNetV2", "palace"), ("EfficientNetLite0", "palace")])
def test_published_weights_see_what_is_there(minicnn, name, seen):
    if locate(weight_file(name)) is None:
        pytest.skip(f"needs the package {weight_file(name).package.requirement}")
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("PIL")
    photo = resources.files(datasets).joinpath("images", "china.jpg")  # a temple by a lake
    code, out, err = minicnn("predict", "--model", name, "--weights", "imagenet", photo)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith(f"(as for the published weights of {name})")
    assert out.splitlines()[2].endswith(f"%  {seen}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("predict --model MobileNetV2 a.png", "predict: --model MobileNetV2 needs --weights: a file, or imagenet"),
        ("predict --weights imagenet a.png", "predict: --weights is for a network that --model names"),
        ("predict run", "predict: after the run run, name the pictures: minicnn predict RUN IMAGE..."),
        ("predict --model MobileNetV9 --weights imagenet a.png", "unknown model 'MobileNetV9': did you mean MobileNetV"),
        ("predict --model LeNet5 --weights imagenet a.png", "no weights for ImageNet are published for LeNet5"),
        ("predict --model resnet20 --weights imagenet a.png", "no weights for ImageNet are published for ResNet20"),
        ("predict --model VGG16-bn --weights none.pth a.png", "no file of weights at none.pth"),
        ("predict --model MobileNetV2 --weights imagenet b.png", "no image at b.png"),
    ],
)
def test_wrong_calls_are_one_line(minicnn, photo, monkeypatch, arguments, sentence):
    monkeypatch.chdir(photo[0].parent)
    photo[0].rename("a.png")
    code, out, err = minicnn(*arguments.split())
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_network_for_grey_images_takes_no_photographs(minicnn, photo, tmp_path):
    save_weights(tmp_path / "a.npz", models.LeNet5().state_dict())
    code, _, err = minicnn("predict", "--model", "LeNet5", "--weights", tmp_path / "a.npz", photo[0])
    assert code == 2
    assert "LeNet5 takes no photographs: its images are (1, 32, 32)" in err
