"""A run's folder: fresh, numbered, never overwritten."""

import json

import pytest

from minicnn.errors import ArgumentError, CheckpointError
from minicnn.train import RunFolder, read_log


def test_folders_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "lenet5-digits-7").mkdir(parents=True)
    (tmp_path / "runs" / "lenet5-digits-old").mkdir()
    assert str(RunFolder.new(None, "LeNet5-digits").path) == "runs/lenet5-digits-8"
    assert str(RunFolder.new(None, "LeNet5-digits").path) == "runs/lenet5-digits-9"
    assert str(RunFolder.new(None, "VGG 16/bn").path) == "runs/vgg-16-bn-1"


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArgumentError, match="holds files already, and a run overwrites nothing"):
        RunFolder.new(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_or_new_folder_is_taken(tmp_path):
    assert RunFolder.new(tmp_path).path == tmp_path
    assert RunFolder.new(tmp_path / "a" / "b").path.is_dir()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ArgumentError, match="is a file"):
        RunFolder.new(tmp_path / "a")
    with pytest.raises(ArgumentError, match=r"cannot be made: .*/a"):
        RunFolder.new(tmp_path / "a" / "b")


def test_the_log_is_json_line_by_line(tmp_path):
    run = RunFolder.new(tmp_path)
    run.log_settings({"seed": 3})
    run.log("epoch", epoch=1)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", "epoch"]
    assert lines[0]["settings"] == {"seed": 3}
    assert {"minicnn", "python", "numpy", "numba"} <= lines[0]["versions"].keys()
    assert list(read_log(tmp_path / "log.jsonl")) == lines


def test_a_log_on_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def write(self, _):
            raise OSError(28, "No space left on device")

    run = RunFolder.new(tmp_path)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: Full())
    with pytest.raises(CheckpointError, match=r"the log .*log\.jsonl cannot be written: No space left on device"):
        run.log("step", step=1)


def test_a_damaged_log_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"kind": "run"}\n{"kind": ')
    with pytest.raises(ArgumentError, match="line 2 is no JSON"):
        list(read_log(tmp_path / "log.jsonl"))
    with pytest.raises(ArgumentError, match="cannot be read"):
        list(read_log(tmp_path / "none.jsonl"))
