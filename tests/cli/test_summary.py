"""`minicnn summary MODEL`."""

import json


def test_the_table_has_the_papers_numbers(minicnn):
    code, out, _ = minicnn("summary", "LeNet5")
    assert code == 0
    for text in ("6 x 28 x 28", "16 x 10 x 10", "48,120", "61,706", "416,520", "Conv2d(6, 16, kernel_size=5)"):
        assert text in out
    assert len({len(line) for line in out.splitlines()[2:]}) == 1  # columns line up


def test_json(minicnn):
    summary = json.loads(minicnn("summary", "lenet5", "--json")[1])
    assert (summary["model"], summary["parameters"]) == ("LeNet5", 61706)
    assert sum(layer["parameters"] for layer in summary["layers"]) == 61706
