"""Which runs there are, what is new in them, and how they stand."""

import dataclasses
import json
import os
import time

import pytest

from minicnn.dashboard import Watch
from minicnn.errors import ArgumentError, NonFiniteError
from minicnn.train import Recipe, RunFolder, StopWhen, run_recipe
from tests.train.few import listened_to, silent


def write(folder, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


RUN, EPOCH = {"kind": "run", "settings": {"epochs": 2}}, {"kind": "epoch", "epoch": 1, "seconds": 100}


def statuses(events):
    return {event.run: event.data["status"] for event in events if event.kind == "status"}


def test_runs_appear_grow_and_go(tmp_path):
    watch = Watch([tmp_path])
    assert watch.look() == []
    write(tmp_path / "a", RUN)
    assert watch.look() == [("lines", "a", {"anew": True, "lines": [RUN]}), ("status", "a", {"status": "running"})]
    assert watch.look() == []
    write(tmp_path / "a", EPOCH)
    write(tmp_path / "b", RUN)
    events = watch.look()
    assert events[0] == ("lines", "a", {"anew": False, "lines": [EPOCH]})
    assert {event.run for event in events[1:]} == {"b"}
    (tmp_path / "b" / "log.jsonl").unlink()
    assert watch.look() == [("gone", "b", {})]


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["runs"], {"a", "b"}),
        (["runs/a"], {"a"}),
        (["runs/a", "runs/b"], {"a", "b"}),
        (["runs", "other"], {"runs/a", "runs/b", "other/a"}),
        (["runs", "runs/a"], {"runs/a", "runs/b"}),
        (["runs/a", "other"], {"runs/a", "other/a"}),
        (["."], set()),
    ],
)
def test_folders_are_runs_or_hold_runs(tmp_path, monkeypatch, folders, names):
    for name in ("runs/a", "runs/b", "other/a"):
        write(tmp_path / name, RUN)
    (tmp_path / "runs" / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    assert set(Watch(folders).runs()) == names


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"there is no folder .*nowhere: name the folder of a run, or the folder that runs are made in"):
        Watch([tmp_path, tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (EPOCH, "running"),
        ({"kind": "end", "steps": 5, "stopped": None}, "ended"),
        ({"kind": "end", "steps": 5, "stopped": "interrupted"}, "stopped"),
        ({"kind": "resumed", "epoch": 0, "step": 0}, "running"),
    ],
)
def test_status_by_the_last_line(tmp_path, last, status):
    write(tmp_path / "a", RUN, last)
    assert statuses(Watch([tmp_path]).look()) == {"a": status}


def test_runs_as_training_writes_them(tmp_path):
    """One that has done its epochs, one that was stopped, one that diverged."""
    quick = Recipe(epochs=2, batch_size=1437, lr=0.01, schedule="constant")
    run_recipe(quick, quick.build(), RunFolder.new(tmp_path / "whole"), silent)
    run_recipe(quick, quick.build(), RunFolder.new(tmp_path / "stopped"), listened_to(StopWhen(lambda: True, "enough")))
    with pytest.raises(NonFiniteError):
        run_recipe(quick, dataclasses.replace(quick, lr=1e38).build(), RunFolder.new(tmp_path / "diverged"), silent)
    events = Watch([tmp_path]).look()
    assert statuses(events) == {"whole": "ended", "stopped": "stopped", "diverged": "stopped"}
    ((start, *_),) = (event.data["lines"] for event in events if event.kind == "lines" and event.run == "whole")
    assert start["steps_per_epoch"] == 1
    assert [event.run for event in events if event.kind == "held_out"] == ["stopped", "whole"]


def test_an_empty_log_waits(tmp_path):
    write(tmp_path / "a")
    watch = Watch([tmp_path])
    assert statuses(watch.look()) == {"a": "waiting"}
    write(tmp_path / "a", RUN)
    assert statuses(watch.look()) == {"a": "running"}


@pytest.mark.parametrize(("line", "silence", "status"), [(RUN, 50, "running"), (RUN, 70, "stalled"), (EPOCH, 290, "running"), (EPOCH, 310, "stalled")])
def test_a_run_that_is_silent_for_three_epochs_has_stalled(tmp_path, line, silence, status):
    write(tmp_path / "a", line)
    watch = Watch([tmp_path])
    long_ago = time.time() - silence
    os.utime(tmp_path / "a" / "log.jsonl", (long_ago, long_ago))
    assert statuses(watch.look()) == {"a": status}
    if status == "stalled":
        write(tmp_path / "a", EPOCH)
        assert statuses(watch.look()) == {"a": "running"}


def test_held_out_is_told_when_it_has_changed(tmp_path):
    write(tmp_path / "a", RUN)
    watch, file = Watch([tmp_path]), tmp_path / "a" / "held_out.json"
    watch.look()
    file.write_text('{"epoch": 1, "confu')  # half of it
    assert watch.look() == []
    for epoch in (1, 2):
        (tmp_path / "new").write_text(json.dumps({"epoch": epoch}))
        (tmp_path / "new").replace(file)
        assert watch.look() == [("held_out", "a", {"epoch": epoch})]
        assert watch.look() == []
