"""The tables of docs/distributed.md, the tool that writes them, and the one that measures."""

import copy
import json
import sys
from pathlib import Path

import pytest

from minicnn.distributed import Machine, alexnet_traffic, all_reduce_time, ring_picture

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS = ROOT / "docs" / "distributed.md", ROOT / "docs" / "benchmarks" / "workers.json"


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import distributed_page
    import measure_scaling

    yield distributed_page, measure_scaling
    del sys.modules["distributed_page"], sys.modules["measure_scaling"]


def test_the_tables_are_those_of_today(tools):
    page, _ = tools
    text = PAGE.read_text()
    assert page.updated(text) == text, "run: python tools/distributed_page.py"
    assert ring_picture(4) in text
    assert alexnet_traffic(128).table() in text


def test_a_table_that_is_out_of_date_is_seen(tools):
    page, _ = tools
    text = PAGE.read_text()
    assert page.updated(text.replace("60,965,224", "60,965,225").replace("[ab]", "[xy]")) == text


def test_a_page_without_a_place_for_a_table_is_an_error(tools):
    page, _ = tools
    with pytest.raises(SystemExit, match=r"docs/distributed.md has 0 places for the table of strong"):
        page.updated(PAGE.read_text().replace("<!-- strong -->", ""))


@pytest.mark.parametrize("workers", [2, 4])
def test_latency_and_bandwidth_are_found_again(tools, workers):
    _, measure = tools
    link = Machine(rate=1.0, bandwidth=3e9, latency=4e-6)
    rows = [{"bytes": 4**k, "seconds": all_reduce_time(4**k, workers, link)} for k in range(1, 13)]
    assert measure.fitted(rows, workers) == pytest.approx((4e-6, 3e9), rel=1e-9)


def test_the_predictions_beside_the_measurements_are_those_of_the_model(tools):
    _, measure = tools
    found = json.loads(RESULTS.read_text())
    bare = copy.deepcopy(found)
    for row in bare["all_reduce"] + bare["steps"]:
        del row["predicted"]
    assert measure.with_predictions(bare) == found
    assert {(row["over"], row["workers"]) for row in found["steps"]} == {(way, n) for way in ("shared memory", "MPI") for n in (1, 2, 4)}
    assert len(found["all_reduce"]) == 2 * 2 * 12
    alone = [row for row in found["steps"] if row["workers"] == 1]
    assert any(row["predicted"] == pytest.approx(row["seconds"], rel=1e-9) for row in alone)  # the rate comes from the fastest of them
