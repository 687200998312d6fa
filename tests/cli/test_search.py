"""`minicnn search`: says the three steps, the best, and how to go on; mistakes are said in a sentence."""

import errno
import importlib
import json
import re
import shlex

import pytest

from minicnn.search import Child

enas = importlib.import_module("minicnn.search.enas")  # the package has a function of this name
TINY = ("--children", 6, "--batch", 3, "--steps", 2, "--batch-size", 8, "--images", 60, "--workers", 0, "--backend", "numpy")
CHAINS = (*TINY, "--layers", 2)


def test_searches_and_says_what_it_found(minicnn, tmp_path):
    folder = tmp_path / "found"
    code, out, err = minicnn("search", *CHAINS, "--seed", 4, "--out", folder)
    assert (code, err) == (0, "")
    assert out.startswith(f"reinforce among 32,768 chains of 2 layers, on digits, seed 4; the folder is {folder}\nround 1\n  1 sample  3 architectures, by REINFORCE\n  2 train   3 new ones")
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    best = max(samples, key=lambda sample: sample["reward"])
    assert len(samples) == 6
    quarters = re.search(r"mean reward of the first quarter (\S+), of the last (\S+)\n", out)
    assert quarters.groups() == (f"{samples[0]['reward']:.3f}", f"{samples[5]['reward']:.3f}")
    assert f"{best['reward']:.3f}  {best['parameters']:>9,} parameters  {best['string']}\n" in out
    assert out.endswith(f"  minicnn train --model {shlex.quote(best['string'])} --dataset digits\n")


def test_goes_on_with_the_same_settings(minicnn, tmp_path):
    first = minicnn("search", *CHAINS, "--strategy", "evolution", "--out", tmp_path)[1]
    text = (tmp_path / "samples.jsonl").read_text()
    (tmp_path / "samples.jsonl").write_text("".join(text.splitlines(keepends=True)[:4]) + '{"cho')
    code, out, err = minicnn("search", "--resume", tmp_path, "--workers", 0)
    assert (code, err) == (0, "")
    untimed = [re.sub(r'"seconds": [^,]*|, \d+ s$', "", each, flags=re.MULTILINE) for each in (first, out, text, (tmp_path / "samples.jsonl").read_text())]
    assert untimed[0] == untimed[1]
    assert untimed[2] == untimed[3]


def test_cells_are_drawn(minicnn, tmp_path):
    code, out, _ = minicnn("search", *TINY, "--space", "cells", "--blocks", 1, "--filters", 4, "--strategy", "random", "--out", tmp_path)
    assert code == 0
    assert (tmp_path / "winner.svg").read_text().startswith("<svg")
    assert "winner.svg" in out
    assert out.endswith(" --dataset digits --set model_options.cells=1 --set model_options.filters=4\n")


def test_nothing_is_found_where_no_network_can_be_trained(minicnn, tmp_path):
    code, out, err = minicnn("search", *TINY, "--space", "cells", "--blocks", 1, "--filters", 7, "--out", tmp_path)
    assert code == 2
    assert err.startswith("minicnn: no network could be trained, so nothing is found; of one it is said: ArgumentError: SearchedCells: filters must be even")
    assert "3 failed: ArgumentError: SearchedCells: filters must be even" in out
    assert "winner" not in out


def test_finalists_that_fail_are_said(minicnn, tmp_path, monkeypatch):
    monkeypatch.setattr(enas, "train_child", lambda string, **options: Child(0.0, error="NonFiniteError: the loss is nan"))
    code, _, err = minicnn("search", *TINY, "--space", "cells", "--blocks", 1, "--filters", 4, "--strategy", "enas", "--out", tmp_path)
    assert code == 2
    assert err.startswith("minicnn: none of the finalists could be trained, so nothing is found; of one it is said: NonFiniteError: the loss is nan (all are in ")


def test_a_folder_with_a_search_is_not_begun_anew(minicnn, tmp_path):
    assert minicnn("search", *CHAINS, "--out", tmp_path)[0] == 0
    kept = (tmp_path / "samples.jsonl").read_bytes()
    code, _, err = minicnn("search", *CHAINS, "--out", tmp_path)
    assert (code, err) == (2, f"minicnn: there is a search in {tmp_path} already: minicnn search --resume {tmp_path} goes on with it; for another one give another --out\n")
    assert (tmp_path / "samples.jsonl").read_bytes() == kept


def test_a_picture_that_cannot_be_written_takes_nothing_else_with_it(minicnn, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("minicnn.search.picture.draw_search", full)
    code, out, err = minicnn("search", *CHAINS, "--out", tmp_path)
    assert (code, err) == (0, f"minicnn: a picture in {tmp_path} cannot be written: No space left on device\n")
    assert f"The search is in {tmp_path}: samples.jsonl\n" in out
    assert out.splitlines()[-1].startswith("  minicnn train --model ")


def test_ctrl_c_says_how_to_go_on(minicnn, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.search.loop.train_child", interrupted)
    code, out, _ = minicnn("search", *CHAINS, "--out", tmp_path)
    assert code == 130
    assert out.endswith(f"interrupted; go on: minicnn search --resume {tmp_path}\n")
    monkeypatch.undo()
    assert minicnn("search", "--resume", tmp_path, "--workers", 0)[0] == 0


def test_each_folder_is_gone_on_with_by_its_own_command(minicnn, trained, tmp_path):
    assert minicnn("search", "--resume", trained)[2] == f"minicnn: no search at {trained}, but a training run: minicnn train --resume {trained}\n"
    (tmp_path / "samples.jsonl").touch()
    assert minicnn("train", "--resume", tmp_path)[2] == f"minicnn: no run at {tmp_path}, but a search: minicnn search --resume {tmp_path}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--space cell", "unknown space 'cell': did you mean cells? Known: cells, chain"),
        ("--strategy genetic", "unknown strategy 'genetic': "),
        ("--dataset digit", "unknown dataset 'digit': did you mean digits?"),
        ("--children 0", "argument --children: must be an integer >= 1, not '0'"),
        ("--layers 3 --space cells", "--layers is of the space chain, but the space is cells: leave it out, or add --space chain"),
        ("--filters 16", "--filters is of the space cells, but the space is chain: leave it out, or add --space cells"),
        ("--seconds 9 --workers 0", "--seconds can be kept only where children are trained in processes that can be ended: leave it out, or give --workers 1 or more"),
        ("--threads 2", "unrecognized arguments: --threads 2"),
        ("--lr 0", "Budget: lr must be a number above 0, not 0.0"),
        ("--resume nowhere", "no search at nowhere: it has no settings.json; `minicnn search --out nowhere` begins one"),
        ("--resume nowhere --steps 5", "--resume goes on with the settings of the search: leave out --steps, or begin another search with it"),
        ("--resume nowhere --out here", "--resume goes on with the settings of the search: leave out --out, or begin another search with it"),
    ],
)
def test_wrong_input(minicnn, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    code, _, err = minicnn("search", *arguments.split())
    assert code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.json"))
