"""`minicnn summary MODEL`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from minicnn import models
from minicnn.io import save_checkpoint


def test_the_table_has_the_papers_numbers(minicnn):
    code, out, _ = minicnn("summary", "LeNet5")
    assert code == 0
    for text in ("6 x 28 x 28", "16 x 10 x 10", "48,120", "61,706", "416,520", "Conv2d(6, 16, kernel_size=5)"):
        assert text in out
    assert len({len(line) for line in out.splitlines()[2:-3]}) == 1  # columns line up


def test_json(minicnn):
    summary = json.loads(minicnn("summary", "lenet5", "--json")[1])
    assert (summary["model"], summary["parameters"]) == ("LeNet5", 61706)
    assert sum(layer["parameters"] for layer in summary["layers"]) == 61706


def test_stages_and_the_list_of_names(minicnn):
    code, out, _ = minicnn("summary", "ResNet50", "--stages")
    assert code == 0
    for text in ("layer3", "6 x Bottleneck", "1024 x 14 x 14", "1,464,336,384", "25,557,032"):
        assert text in out
    names = minicnn("summary")[1].split()
    assert {"LeNet5", "ResNet1202", "NASNetALarge"} <= set(names)


def test_the_input_is_the_networks_own_or_another(minicnn):
    assert "3 x 299 x 299" in minicnn("summary", "InceptionV3")[1]
    assert "4 x 3 x 3" not in minicnn("summary", "ResNet18", "--input", "3x96x96", "--stages")[1]
    assert "512 x 3 x 3" in minicnn("summary", "ResNet18", "--input", "3x96x96", "--stages")[1]


def test_the_network_of_a_run_is_as_the_run_had_it(minicnn, trained, tmp_path):
    assert minicnn("summary", trained) == minicnn("summary", "LeNet5")
    net = {"name": "cells id:0+id:1 / id:0+max3:1", "kwargs": {"num_classes": 10, "in_channels": 1, "cells": 2, "filters": 6}}
    images = {"classes": None, "shape": [1, 8, 8], "folder": None}
    model = models.create(net["name"], **net["kwargs"])
    save_checkpoint(tmp_path / "checkpoint.safetensors", {"network": net, "model": model.state_dict(), "dataset": "digits", "epoch": 1, "images": images})
    summary = json.loads(minicnn("summary", tmp_path, "--json")[1])
    assert (summary["model"], summary["input"]) == (net["name"], [1, 1, 8, 8])
    assert summary["parameters"] == sum(p.data.size for p in model.parameters())


def test_a_long_string_is_a_network_and_no_folder(minicnn):
    skips = [f"3x3x4{''.join('+' + str(earlier) for earlier in range(layer))}" for layer in range(15)]
    code, out, _ = minicnn("summary", "chain " + " ".join(skips))
    assert len(" ".join(skips)) > 255
    assert code == 0
    assert "parameters" in out


def test_no_run(minicnn, tmp_path):
    assert minicnn("summary", tmp_path)[2].startswith(f"minicnn: the folder {tmp_path} has no checkpoint.safetensors in it")
    (tmp_path / "samples.jsonl").touch()
    assert minicnn("summary", tmp_path)[2].startswith(f"minicnn: {tmp_path} holds a search, with a network in each line of samples.jsonl: give the string of one")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="ru_maxrss would be that of the process that started this one, if larger")
def test_a_very_large_network_needs_neither_time_nor_memory():
    """In a process of its own: 89 million weights and 24 billion multiply-adds, in a few seconds and little more than Python itself."""
    code = (
        "import time; start = time.perf_counter(); from minicnn.cli import main; main(['summary', 'NASNetALarge', '--stages']); "
        "main(['summary', 'VGG19', '--stages']); print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0], time.perf_counter() - start)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    kilobytes, seconds = map(float, out.splitlines()[-1].split())
    assert "88,753,150" in out
    assert "143,667,240" in out
    assert kilobytes < 300_000
    assert seconds < 60  # an idle machine takes two
