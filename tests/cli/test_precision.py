"""`--precision` of the commands."""

import numpy as np
import pytest


@pytest.fixture
def picture(tmp_path):
    """Two strokes, which might be several digits."""
    image = np.zeros((16, 16), np.uint8)
    image[2:14, 7:9] = 255
    image[6:8, 3:12] = 180
    np.save(tmp_path / "one.npy", image)
    return tmp_path / "one.npy"


@pytest.fixture
def _previous_backend():
    import minicnn

    before = minicnn.get_backend().name
    yield
    minicnn.set_backend(before)


@pytest.mark.usefixtures("_previous_backend")
def test_predict_with_fewer_bits_sees_nearly_the_same(minicnn, trained, picture):
    seen = {}
    for word in ("fp32", "bf16", "fp16", "tf32"):
        code, out, err = minicnn("predict", trained, picture, "--backend", "cudasim", "--precision", word)
        assert (code, err) == (0, "")
        seen[word] = out
    first = {word: out.split(": ")[1].split(" (")[0] for word, out in seen.items()}
    assert len(set(first.values())) == 1, first
    assert seen["bf16"] != seen["fp32"], "the digits after the point are others"


@pytest.mark.parametrize("arguments", [["train"], ["evaluate", "RUN"], ["predict", "RUN", "PICTURE"]], ids=lambda a: a[0])
def test_a_backend_without_it_is_one_sentence_before_anything_is_done(minicnn, trained, picture, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [{"RUN": trained, "PICTURE": picture}.get(argument, argument) for argument in arguments]
    code, out, err = minicnn(*given, "--precision", "bf16")
    assert (code, out) == (2, "")
    assert err.startswith("minicnn: autocast('bf16'): the backend 'numba' computes in float32 and float64 only")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_other_words_are_refused(minicnn):
    code, _, err = minicnn("train", "--precision", "float16")
    assert code == 2
    assert "invalid choice: 'float16'" in err


def test_the_precision_is_said(minicnn, trained):
    _, out, _ = minicnn("evaluate", trained)
    assert "backend numba, fp32, " in out
