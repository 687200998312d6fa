"""`minicnn predict RUN IMAGE...`."""

import re
from importlib import resources

import numpy as np
import pytest

from minicnn.io import load_checkpoint, save_checkpoint


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
