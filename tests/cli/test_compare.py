"""`minicnn compare` and `minicnn lecture`."""

import json


def test_table_csv_and_picture(minicnn, tmp_path):
    code, out, _ = minicnn("compare", "ResNet18", "ResNet50", "--csv", tmp_path / "a.csv", "--picture", tmp_path / "a.svg")
    assert code == 0
    for text in ("11,689,512", "4,089,184,256", "30.43 %", "224", "a.csv", "a.svg"):
        assert text in out
    assert (tmp_path / "a.csv").read_text().startswith("name,year,input")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_time(minicnn):
    code, out, _ = minicnn("compare", "LeNet5", "--time", "--backend", "numpy")
    assert code == 0
    assert " ms" in out
    assert "backend numpy" in out


def test_history(minicnn):
    code, out, _ = minicnn("compare", "--history")
    assert code == 0
    for text in ("2015  ResNet", "152", "3.57 %", "EfficientNetB0", "0.069", "44 x", "a trained person"):
        assert text in out


def test_an_unknown_network_and_a_folder_that_is_not_there(minicnn, tmp_path):
    assert "did you mean ResNet18" in minicnn("compare", "resnet81")[2]
    code, _, err = minicnn("compare", "ResNet18", "--csv", tmp_path / "nowhere" / "a.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot be written" in err


def test_a_backend_without_a_measurement(minicnn):
    assert "add --time" in minicnn("compare", "LeNet5", "--backend", "numpy")[2]


def test_lecture(minicnn):
    code, out, _ = minicnn("lecture")
    assert code == 0
    for text in ("✓ CONV1 parameters, exactly", "34,944", "102,760,448", "≠ module with dimension reduction", "counted twice", "0 without"):
        assert text in out


def test_lecture_as_json(minicnn):
    claims = json.loads(minicnn("lecture", "--json")[1])
    assert sum(claim["agrees"] for claim in claims) > 90
    assert all(claim["agrees"] or claim["reason"] for claim in claims)
