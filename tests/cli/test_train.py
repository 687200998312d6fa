"""`minicnn train` from the outside."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from minicnn import cli
from minicnn.cli import main, train
from minicnn.io import load_checkpoint, save_checkpoint
from tests.train.few import assert_same, install


def test_says_the_accuracy_where_the_files_are_and_what_to_try(minicnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = minicnn("train", "--epochs", "1", "--batch-size", "128", "--model", "lenet5")
    assert (code, err) == (0, "")
    assert re.search(r"\d\d\.\d\d % of the 360 held-out images are right \(\d+ wrong\), after \d+\.\d s of training", out)
    assert "The run is in runs/lenet5-digits-1: checkpoint.safetensors, log.jsonl" in out
    for proposal in ("minicnn evaluate runs/lenet5-digits-1", "minicnn predict"):
        assert proposal in out
    log = [json.loads(line) for line in (tmp_path / "runs/lenet5-digits-1/log.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in log] == ["run", *["step"] * 12, "epoch", "end"]


def proposed(out):
    """The commands under "What to try next" that train, without `minicnn`."""
    lines = re.findall(r"^  minicnn (train .*?)   ", out.partition("What to try next:")[2], re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_what_is_proposed_is_the_same_run_with_one_change(minicnn, tmp_path, monkeypatch):
    install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    small = ("--dataset", "few", "--model", "WideResNetCIFAR", "--set", "model_options.depth=10", "--set", "model_options.k=1", "--epochs", "1", "--seed", "3")
    code, out, _ = minicnn("train", *small, "--out", "my run")
    assert code == 0
    other_backend, slower = proposed(out)
    assert minicnn(*other_backend, "--out", "other")[0] == minicnn(*slower, "--out", "slower")[0] == 0
    recipes = [load_checkpoint(f"{run}/checkpoint.safetensors")["recipe"] for run in ("my run", "other", "slower")]
    assert recipes[1] == recipes[0]
    assert load_checkpoint("other/checkpoint.safetensors")["environment"]["backend"] == "numpy"
    assert recipes[2] == {**recipes[0], "lr": pytest.approx(recipes[0]["lr"] / 10)}
    code, out, _ = minicnn("finetune", *small, "--weights", "my run/checkpoint.safetensors", "--strategy", "few", "--out", "fine")
    assert code == 0
    from_scratch, _ = proposed(out)
    assert minicnn(*from_scratch, "--out", "scratch", "--backend", "numba")[0] == 0
    fine, scratch = (load_checkpoint(f"{run}/checkpoint.safetensors")["recipe"] for run in ("fine", "scratch"))
    assert scratch == {**fine, "weights": None, "strategy": "all"}


def test_a_run_that_fails_before_its_first_step_leaves_no_folder(minicnn, tmp_path, monkeypatch):
    install(monkeypatch)
    for _ in range(2):
        code, _, err = minicnn("train", "--dataset", "few", "--epochs", "1", "--out", tmp_path / "run")  # 8x8 pixels, which LeNet5 does not take
        assert (code, err.startswith("minicnn: LeNet5"), len(err.splitlines())) == (2, True, 1)
        assert list(tmp_path.iterdir()) == []


def test_a_used_folder_is_refused(minicnn, trained):
    before = {p.name: p.read_bytes() for p in trained.iterdir()}
    code, _, err = minicnn("train", "--out", trained)
    assert code == 2
    assert "a run overwrites nothing" in err
    assert {p.name: p.read_bytes() for p in trained.iterdir()} == before


def test_without_matplotlib_one_line_says_what_to_install(minicnn, tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.train.run.can_draw", lambda: False)
    code, out, _ = minicnn("train", "--epochs", "1", "--batch-size", "256", "--out", tmp_path)
    assert code == 0
    assert 'pip install -e ".[viz]"' in out
    assert not (tmp_path / "curve.png").exists()


def test_a_loss_that_explodes_is_one_sentence(minicnn, tmp_path):
    code, _, err = minicnn("train", "--lr", "1e38", "--schedule", "constant", "--epochs", "1", "--out", tmp_path)
    assert code == 2
    assert re.match(r"minicnn: .*(is|loss is) (nan|inf|NaN|Inf).*", err)
    assert len(err.splitlines()) == 1


def test_a_held_out_loss_that_explodes_is_one_sentence_too(minicnn, tmp_path):
    """The one step starts from a finite loss; only the evaluation after it sees what it has done to the weights."""
    code, _, err = minicnn("train", "--epochs", "1", "--batch-size", "2000", "--lr", "1e38", "--schedule", "constant", "--out", tmp_path)
    assert code == 2
    assert re.match(r"minicnn: .*held-out loss is (nan|inf) after epoch 1, with a learning rate of 1e\+38: try 1e\+37", err)
    assert len(err.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.jsonl", "recipe.toml"]
    assert "held-out loss is" in json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["stopped"]


def test_every_schedule_is_listed_and_trains(minicnn, tmp_path):
    listed = " ".join(minicnn("train", "--help")[1].split())
    assert "of the learning rate: constant, step, multi-step, plateau, cosine, warmup-cosine, one-cycle; plateau goes by the training loss" in listed
    code, _, err = minicnn("train", "--schedule", "plateau", "--epochs", "2", "--batch-size", "256", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert load_checkpoint(tmp_path / "checkpoint.safetensors")["schedule"]["last_epoch"] == 2


def test_ctrl_c_leaves_a_checkpoint_and_exit_code_130(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "minicnn", "train", "--epochs", "500", "--out", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert "LeNet5 on digits" in process.stdout.readline()
    assert process.stdout.readline().startswith("epoch   1/500")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == ""
    assert "interrupted after" in out
    assert main(["evaluate", str(folder)]) == 0


def test_live_progress_in_a_terminal(tmp_path):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "minicnn", "train", "--epochs", "2", "--batch-size", "128", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other end has closed
            break
        if not part:
            break
        shown += part
    assert process.wait(60) == 0
    text = shown.decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert re.search(r"epoch 1/2 .* loss \d\.\d{4}  accuracy +\d+\.\d %  \d+ images/s \d+:\d\d left", plain)  # nothing cut off
    assert "epoch 2/2" in text
    assert "held-out images are right" in text


def test_a_run_that_cannot_say_anything_leaves_no_folder(minicnn, tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builtins.print", full)
    with pytest.raises(OSError, match="No space left"):
        train.run(cli.parser("train").parse_args(["train", "--out", str(tmp_path / "d8")]))
    assert list(tmp_path.iterdir()) == []


def test_the_backend_loops_says_that_it_is_slow(minicnn, tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.train.run.run_recipe", stop)
    code, out, _ = minicnn("train", "--backend", "loops", "--out", tmp_path / "run")
    minicnn("evaluate", tmp_path, "--backend", "numba")
    assert code == 130
    assert "one or two images a second" in out
    assert "--epochs 1" in out
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_and_what_changes_it(minicnn, tmp_path, monkeypatch):
    install(monkeypatch)
    code, out, err = minicnn(
        "train", "--recipe", "resnet-cifar", "--dataset", "few", "--model", "LeNet5Small", "--epochs", "1", "--out", tmp_path / "a"
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert "unknown model 'LeNet5Small': did you mean LeNet5" in err
    code, _, err = minicnn("train", "--recipe", "resnet", "--out", tmp_path / "a")
    assert code == 2
    assert "the recipe resnet is for no dataset in particular: add --dataset NAME, such as a folder of pictures with train and test in it" in err
    small = ("--dataset", "few", "--model", "WideResNetCIFAR", "--set", "model_options.depth=10", "--set", "model_options.k=1", "--epochs", "2")
    code, out, err = minicnn("train", "--recipe", "resnet-cifar", *small, "--lr", "0.01", "--set", "optimizer_options.nesterov=true", "--validation", "0.25",
                             "--keep-every", "1", "--out", tmp_path / "a")  # fmt: skip
    assert (code, err) == (0, "")
    assert sorted(p.name for p in (tmp_path / "a").glob("*.safetensors")) == [
        "best.safetensors", "checkpoint.safetensors", "epoch-0001.safetensors", "epoch-0002.safetensors",
    ]  # fmt: skip
    recipe = load_checkpoint(tmp_path / "a" / "checkpoint.safetensors")["recipe"]
    assert (recipe["lr"], recipe["batch_size"], recipe["schedule_options"], recipe["optimizer_options"]["nesterov"]) == (0.01, 128, {"milestones": [82, 123]}, True)
    code, _, err = minicnn("train", "--recipe", tmp_path / "a" / "recipe.toml", "--out", tmp_path / "b")
    assert (code, err) == (0, "")
    assert_same(load_checkpoint(tmp_path / "b" / "checkpoint.safetensors")["model"], load_checkpoint(tmp_path / "a" / "checkpoint.safetensors")["model"])


def test_a_run_goes_on_on_its_own_backend(minicnn, trained, tmp_path):
    contents = load_checkpoint(trained / "checkpoint.safetensors")
    contents["recipe"]["epochs"], contents["schedule"] = 6, None
    contents["recipe"]["schedule"], contents["environment"] = "constant", {"backend": "numpy", "threads": 1}
    save_checkpoint(tmp_path / "checkpoint.safetensors", contents)
    code, out, err = minicnn("train", "--resume", tmp_path, "--workers", "0")
    assert (code, err) == (0, "")
    assert "backend numpy, fp32, seed 0; goes on after 60 steps" in out
    assert "epoch 6/6" in out
    contents["environment"]["threads"] = 2
    save_checkpoint(tmp_path / "checkpoint.safetensors", contents)
    assert "The run was on numpy with 2 threads: what follows will not be bit for bit" in minicnn("train", "--resume", tmp_path, "--threads", "1")[1]
    code, _, err = minicnn("train", "--resume", trained)
    assert (code, "is at its end: its 5 epochs are done" in err) == (2, True)
    code, _, err = minicnn("train", "--resume", trained, "--lr", "0.1")
    assert (code, "leave out --lr, or start a new run with it" in err) == (2, True)
    code, _, err = minicnn("train", "--resume", trained, "--set", "lr=0.1")
    assert (code, "leave out --set" in err) == (2, True)


def test_a_dataset_that_cannot_be_downloaded(minicnn, tmp_path, monkeypatch):
    def offline(request, timeout):
        raise OSError("no network")

    monkeypatch.setattr("minicnn.io.download.https_opener", lambda: type("Opener", (), {"open": staticmethod(offline)}))
    code, _, err = minicnn("train", "--dataset", "mnist", "--data-dir", tmp_path)
    assert code == 2
    file = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    assert f"can also be brought here by other means, as {file}" in err
    file.write_bytes(b"half of it")
    code, _, err = minicnn("train", "--dataset", "mnist", "--data-dir", tmp_path)
    assert code == 2
    assert f"{file} is there, but it is damaged or another file: it has 10 bytes of about 9,912,422, and its MD5 begins with " in err
