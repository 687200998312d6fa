"""The page docs/where_the_time_goes.md is what its script makes of its template and of measurements."""

import json
import re
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"
LETTER, LINE = 5.5, 11  # pixels: no fonts here, so about


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import where_the_time_goes

    yield where_the_time_goes
    for name in ("where_the_time_goes", "roofline", "tricks"):
        sys.modules.pop(name, None)


def part(op, phase, shape, window, seconds, macs, size):
    return {"op": op, "phase": phase, "input": shape, "window": window, "calls": 2.0, "seconds": seconds, "macs": macs, "bytes": size, "of_limit": 0.5}


def contender(name, rate, ratio):
    spread = {"median": rate, "min": rate, "max": rate}
    memory = {"imports": 10**8, "peak": 3 * 10**8, "above_imports": 2 * 10**8}
    return {"name": name, "images_per_second": spread, "ratio": ratio and {"median": ratio, "min": ratio, "max": ratio}, "memory": memory}


def measured(rival=True, quick=False):
    """Twenty convolutions close to each other in the picture, and what has no multiply-adds."""
    parts = [
        part("Conv2d", ("forward", "backward")[k % 2], [16, 64, 56, 56 - k], [64, 64, 3, 3], 0.02 - k / 2000, 8e8 + 2e7 * k, 1.2e7) for k in range(20)
    ]
    parts += [part("BatchNorm", "backward", [16, 64, 56, 56], [], 0.003, 0, 6e7), part("CrossEntropy", "forward", [16, 10], [], 1e-4, 0, 640)]
    workload = {"model": "ResNet18", "input": [3, 224, 224], "batch_size": 16, "mode": "train"}
    contenders = [contender("numba", 20.5, 1.25 if rival else None), contender("numpy", 4.0, 0.25 if rival else None)]
    contenders += [contender("torch", 10.0, None), contender("torch channels-last", 16.4, None)] if rival else []
    row = {**workload, "processors_used_elsewhere": 0.0, "best_rival": "torch channels-last" if rival else None, "contenders": contenders}
    machine = {"processor": "Z80", "threads": 1, "numpy": "2.4"}
    names = ("product", "rows", "winograd", "joined", "memory", "threads")
    return {
        "quick": quick,
        "limits": {"macs": 9e10, "bytes": 2e10},
        "bench": {"machine": machine, "settings": {"rounds": 5}, "rows": [row]},
        "steps": [{"workload": workload, "limits": {}, "between_seconds": 0.01, "parts": parts}],
        "experiments": {name: {"plain": "plainly", "plain_seconds": 0.003, "tricky": "cleverly", "tricky_seconds": 0.002} for name in names},
    }


@pytest.mark.parametrize("rival", [True, False])
def test_the_page_is_made_from_measurements_alone(script, rival, tmp_path, monkeypatch, capsys):
    file = tmp_path / "measured.json"
    file.write_text(json.dumps(measured(rival)))
    monkeypatch.setattr(sys, "argv", ["script", "--json", str(file), "--out", str(tmp_path)])
    monkeypatch.setattr(script, "measure", lambda quick: pytest.fail("nothing is to be measured"))
    script.main()
    page = (tmp_path / "where_the_time_goes.md").read_text()
    assert not re.search(r"\$\w", page)
    assert "ResNet18 | 16 | training | 20.5 | 4.0 |" + (" 16.4 | 1.25 | 0.25 |" if rival else "") in page
    assert "| 300 (200) |" in page
    assert "not to be trusted" not in page
    assert "In the experiment above, the two took 1.5 times as long apart." in page.replace("\n", " ")
    assert "10 other kinds" in page
    assert "written:" in capsys.readouterr().out


def test_a_first_look_says_so(script):
    assert "first look" in script.places(measured(quick=True))["warning"]


def test_no_text_of_the_picture_lies_on_another(script, tmp_path):
    script.write(measured(), tmp_path)
    tree = ET.parse(tmp_path / "images" / "roofline.svg")
    boxes = {}
    for text in tree.iter(f"{SVG}text"):
        if "x" not in text.attrib:
            continue
        x, y, width = float(text.get("x")), float(text.get("y")), LETTER * len(text.text)
        left = x - {"middle": width / 2, "end": width}.get(text.get("class"), 0)
        boxes[text.text, x, y] = (left, y - LINE, left + width, y)
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], f"{one[0]!r} and {other[0]!r}"
    assert len(list(tree.iter(f"{SVG}circle"))) == 2 + 20 + 2


def test_the_page_follows_the_template():
    """Who edits the page by hand loses it: the words belong into the template."""
    page = (ROOT / "docs" / "where_the_time_goes.md").read_text().splitlines()
    fixed = [line for line in (ROOT / "tools" / "where_the_time_goes_template.md").read_text().splitlines() if "$" not in line]
    missing = [line for line in fixed if line not in page]
    assert not missing, f"the template has lines that the page lacks; run `python tools/where_the_time_goes.py`: {missing[:3]}"
