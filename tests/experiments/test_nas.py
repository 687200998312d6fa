"""Architecture search: verdicts follow from the figures, and the experiment runs."""

import pytest

from minicnn.backend import use_backend
from minicnn.errors import DataError
from minicnn.experiments import Settings, nas, run_experiment
from minicnn.experiments.nas import Scale, Searched
from minicnn.search import Child, Found, Plan, Sample


@pytest.fixture(autouse=True)
def _on_numpy():
    """Toys are done before a compiler has begun."""
    with use_backend("numpy"):
        yield


def searched(first, last, test):
    """A search of eight samples, whose reward is `first` and then `last`."""
    samples = tuple(Sample((), f"net {i}", first if i < 4 else last) for i in range(8))
    return Searched(Found(samples), samples[-1], Child(test))


def searches(gain=0.2, test=0.0):
    """Three seeds; REINFORCE gains so much, and so much on the test images."""
    chance = [searched(0.5 + i / 100, 0.5 - i / 100, 0.9 + i / 100) for i in range(3)]
    taught = [searched(0.5, 0.5 + gain + i / 100, 0.9 + test + i / 99) for i in range(3)]
    return {"random": chance, "reinforce": taught, "evolution": taught}


@pytest.mark.parametrize(
    ("figures", "holds"),
    [
        (searches(), [True, True, True, True, None]),
        (searches(gain=0.01), [None, None, None, True, None]),
        (searches(gain=-0.2), [False, False, False, True, None]),
        (searches(test=0.05), [True, True, True, True, True]),
        (searches(test=-0.05), [True, True, True, True, False]),
        ({**searches(), "random": searches()["reinforce"]}, [None, None, True, False, None]),
    ],
)
def test_verdicts(figures, holds):
    assert [finding.holds for finding in nas._findings(figures)] == holds


def test_the_gain_is_taken_from_seed_to_seed_in_the_last_half():
    sentence = nas._findings(searches())[0].sentence
    assert sentence == (
        "in the last half of the samples, REINFORCE proposes better networks than random search: rewards of 71.0 ± 1.0 % against 49.0 ± 1.0 %, 22.0 ± 2.0 points more"
    )


def test_at_full_scale_searches_go_on_after_a_break(tmp_path, monkeypatch):
    plan = Plan(children=4, batch=4, steps=1, batch_size=8, images=60, layers=1)
    monkeypatch.setattr(nas, "FULL", Scale(plan, seeds=1, final_steps=1, workers=0))
    report = run_experiment("nas", Settings(tmp_path, full=True, say=lambda line: None))
    assert {path.parent.name for path in tmp_path.rglob("samples.jsonl")} == {"nas-random-0", "nas-reinforce-0", "nas-evolution-0"}
    monkeypatch.setattr("minicnn.search.loop.train_child", lambda *args, **options: pytest.fail("trained again"))
    assert run_experiment("nas", Settings(tmp_path, full=True, say=lambda line: None)).findings == report.findings


def test_a_winner_that_fails_is_no_figure(tmp_path, monkeypatch):
    plan = Plan(children=2, batch=2, steps=1, batch_size=8, images=60, layers=1)
    monkeypatch.setattr(nas, "MINUTES", Scale(plan, seeds=1, final_steps=1, workers=0))
    monkeypatch.setattr(nas, "train_child", lambda *args, **options: Child(0.0, error="took too long"))
    with pytest.raises(DataError, match=r"the winner 'chain .*' could not be trained for longer: took too long"):
        run_experiment("nas", Settings(tmp_path, say=lambda line: None))


def test_the_experiment_runs(tmp_path, monkeypatch):
    plan = Plan(children=8, batch=4, steps=2, batch_size=8, images=60, layers=2)
    monkeypatch.setattr(nas, "MINUTES", Scale(plan, seeds=2, final_steps=4, workers=0))
    said = []
    report = run_experiment("nas", Settings(tmp_path, seed=5, say=said.append))
    assert [row[0] for row in report.rows] == ["random search", "REINFORCE", "evolution"]
    assert [line.partition(":")[0] for line in said] == [f"{name}, seed {seed}" for seed in (5, 6) for name in ("random search", "REINFORCE", "evolution")]
    assert [len(search["samples"]) for search in report.data["random"]] == [8, 8]
    for search in report.data["reinforce"]:
        assert search["winner"] == max(search["samples"], key=lambda sample: sample["reward"])["string"]
    assert (tmp_path / "nas.json").stat().st_size > 500
    assert (tmp_path / "nas.png").stat().st_size > 5000
