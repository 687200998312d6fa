"""Commands on a network that a string describes, instead of one with a name."""

import json
import re

from minicnn.io import load_checkpoint

CHAIN = "chain 3x3x8/2 3x3x8/2+0 1x1x8+0+1"


def test_a_run_is_trained_evaluated_and_gone_on_with(minicnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = minicnn("train", "--model", CHAIN.upper(), "--epochs", "1", "--batch-size", "16")
    assert (code, err) == (0, "")
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"chain-[0-9a-f]{6}-digits-1", run.name)
    assert f"minicnn summary {run.relative_to(tmp_path)} " in out
    right = re.search(r"(\d+\.\d\d) % of the 360 held-out images are right", out)[1]
    assert float(right) > 20
    assert load_checkpoint(run / "checkpoint.safetensors")["network"] == {"name": CHAIN, "kwargs": {"num_classes": 10, "in_channels": 1}}
    code, out, _ = minicnn("evaluate", run)
    assert code == 0
    assert out.startswith(f"{CHAIN} after 1 epochs on digits")
    assert f"{right} % of 360 images are right" in out
    code, out, _ = minicnn("train", "--recipe", run / "recipe.toml", "--epochs", "1", "--out", tmp_path / "again")
    assert code == 0
    assert f"{right} % of the 360 held-out images are right" in out


def test_a_summary_says_the_string(minicnn):
    code, out, _ = minicnn("summary", "Chain 3x3x8", "--input", "3x16x16", "--json")
    assert code == 2  # made for grey images
    code, out, _ = minicnn("summary", "Chain 3x3x8", "--input", "1x16x16", "--json")
    assert code == 0
    assert (json.loads(out)["model"], json.loads(out)["parameters"]) == ("chain 3x3x8", 9 * 8 + 2 * 8 + 8 * 10 + 10)


def test_a_mistake_is_one_sentence(minicnn):
    for command in (("train", "--model"), ("summary",), ("draw",), ("bench",)):
        code, _, err = minicnn(*command, "chain 3x3x8 3x3x8+1")
        assert (code, err) == (2, "minicnn: layer 1 of the chain, '3x3x8+1', cannot read layer 1: the layer before it is 0\n")
