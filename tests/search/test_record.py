"""The record: one process at a time, folders of other things refused, damage said."""

import json
import os

import pytest

from minicnn.errors import ArgumentError
from minicnn.search.record import SAMPLES, SETTINGS, opened, read_settings
from minicnn.search.strategy import Sample

FIRST = Sample((0, 1), "a", 0.5, True, 10, 3, 0.25, None)


def test_samples_come_back_as_they_were(tmp_path):
    samples = [FIRST, Sample((2,), "b", 0.0, True, error="it failed"), Sample((0, 1), "a", 0.5, new=False)]
    with opened(tmp_path / "new" / "folder", {"seed": 0}) as record:
        for sample in samples:
            record.add(sample)
    with opened(record.path, {"seed": 0}) as again:
        assert again.before == samples
        for number, sample in enumerate(samples):
            assert again.known(number, sample.string) == sample
            again.add(sample)
        assert again.known(3, "c") is None
    assert len((record.path / SAMPLES).read_text().splitlines()) == 3


@pytest.mark.skipif(os.name == "nt", reason="without locks")
def test_two_processes_cannot_write_into_one_folder(tmp_path):
    with opened(tmp_path, {"seed": 0}), pytest.raises(ArgumentError) as caught, opened(tmp_path, {"seed": 0}):
        pass
    assert str(caught.value) == f"the run {tmp_path} is still going on, in another process: wait until it is done, or end it first"


def test_another_sample_than_the_one_asked_for(tmp_path):
    with opened(tmp_path, {}) as record:
        record.add(FIRST)
    with opened(tmp_path, {}) as record, pytest.raises(ArgumentError) as caught:
        record.known(0, "b")
    assert str(caught.value).startswith(f"the search in {tmp_path} cannot go on: its sample 0 is 'a', but with the same rewards the strategy now asks for 'b'; ")


@pytest.mark.parametrize(
    ("there", "here", "named"),
    [
        ({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 3}, "d": 4}, "a.c = 2, and cannot go on with 3"),
        ({"a": 1}, {"a": 1, "new": 5}, "new = None, and cannot go on with 5"),
        ({"a": [1, 2]}, {"a": (1, 3)}, "a = [1, 2], and cannot go on with [1, 3]"),
    ],
)
def test_the_first_setting_that_differs_is_named(tmp_path, there, here, named):
    with opened(tmp_path, there):
        pass
    with pytest.raises(ArgumentError) as caught, opened(tmp_path, here):
        pass
    assert f"was begun with {named}: " in str(caught.value)


def test_folders_of_other_things_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ArgumentError, match="holds files already"), opened(tmp_path, {}):
        pass
    with pytest.raises(ArgumentError, match="is a file"), opened(tmp_path / "thesis.txt", {}):
        pass


def test_damage_is_said(tmp_path):
    with pytest.raises(ArgumentError) as caught:
        read_settings(tmp_path)
    assert str(caught.value) == f"no search at {tmp_path}: it has no settings.json; `minicnn search --out {tmp_path}` begins one"
    (tmp_path / SETTINGS).write_text("{")
    with pytest.raises(ArgumentError) as caught:
        read_settings(tmp_path)
    assert str(caught.value) == f"the settings {tmp_path / SETTINGS} are damaged: they are no JSON"
    (tmp_path / SETTINGS).write_text("{}")
    (tmp_path / SAMPLES).write_text(json.dumps({"choices": [1]}) + "\n")
    with pytest.raises(ArgumentError) as caught, opened(tmp_path, {}):
        pass
    assert str(caught.value) == f"the samples {tmp_path / SAMPLES} are damaged: line 1 is none"


@pytest.mark.parametrize("wrong", [
    {"reward": None}, {"reward": "x"}, {"reward": 7.5}, {"reward": -0.1}, {"parameters": "many"}, {"parameters": -1}, {"steps": 0.5}, {"new": 1}, {"seconds": None},
    {"string": 3}, {"error": 3}, {"choices": ["a"]}, {"choices": [-1]},
])  # fmt: skip
def test_a_sample_that_no_search_writes_is_damage(tmp_path, wrong):
    with opened(tmp_path, {}) as record:
        record.add(FIRST)
    line = json.loads((tmp_path / SAMPLES).read_text())
    with (tmp_path / SAMPLES).open("a") as file:
        file.write(json.dumps(line | wrong) + "\n")
    with pytest.raises(ArgumentError, match="are damaged: line 2 is none"), opened(tmp_path, {}):
        pass


def test_without_a_folder_nothing_is_left():
    with opened(None, {}) as record:
        record.add(FIRST)
        assert record.known(0, "a") is None
