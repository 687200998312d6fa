"""A log that is being written, and one of a run that was resumed."""

import json

import pytest

from minicnn.dashboard import LogTail, standing


def text(**line):
    return json.dumps(line) + "\n"


STEPS = [{"kind": "step", "step": step, "epoch": 1 + step // 20} for step in (10, 20, 30)]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.jsonl"


def test_a_line_is_told_once_and_only_when_it_is_whole(log):
    tail = LogTail(log)
    assert tail.news() == (False, [])  # not even a file
    log.write_text(text(**STEPS[0]) + '{"kind": "st')
    assert tail.news() == (True, STEPS[:1])
    assert tail.news() == (False, [])
    with log.open("a") as file:
        file.write('ep", "step": 20, "epoch": 2}\n')
    assert tail.news() == (False, STEPS[1:2])
    assert tail.news() == (False, [])


def test_a_letter_of_two_bytes_may_be_half_written(log):
    line = '{"kind": "run", "settings": {"model": "Ω"}}\n'.encode()
    tail = LogTail(log)
    log.write_bytes(line[: line.index("Ω".encode()) + 1])
    assert tail.news() == (True, [])
    log.write_bytes(line)
    assert tail.news() == (False, [{"kind": "run", "settings": {"model": "Ω"}}])


@pytest.mark.parametrize("written", ["", text(**STEPS[1])])
def test_a_log_that_was_cut_short_is_told_anew(log, written):
    tail = LogTail(log)
    log.write_text("".join(text(**line) for line in STEPS))
    assert tail.news() == (True, STEPS)
    log.write_text(written)
    assert tail.news() == (True, STEPS[1:2] if written else [])


def test_another_file_in_its_place_is_told_anew(log, tmp_path):
    tail = LogTail(log)
    log.write_text(text(**STEPS[0]))
    tail.news()
    (tmp_path / "new").write_text("".join(text(**line) for line in STEPS))
    (tmp_path / "new").replace(log)
    assert tail.news() == (True, STEPS)


@pytest.mark.parametrize("bad", ["no JSON", "[1, 2]", '{"epoch": 1}', '{"kind": 3}', "[" * 100_000, ""])
def test_what_is_no_line_of_a_log_is_passed_over(log, bad):
    log.write_text(bad + "\n" + text(**STEPS[0]))
    assert LogTail(log).news() == (True, STEPS[:1])


def test_a_line_behind_the_half_of_one_is_seen(log):
    log.write_text('{"kind": "step", "step": 31, "lo' + text(**STEPS[0]))
    assert LogTail(log).news() == (True, STEPS[:1])


def test_nan_is_nothing(log):
    log.write_text('{"kind": "step", "step": 1, "loss": NaN}\n')
    assert LogTail(log).news() == (True, [{"kind": "step", "step": 1, "loss": None}])


def test_a_resumed_run_goes_back_behind_its_checkpoint(log):
    epochs = [{"kind": "epoch", "epoch": 1}, {"kind": "epoch", "epoch": 2}]
    resumed = {"kind": "resumed", "epoch": 1, "step": 20}
    before = [*STEPS[:2], epochs[0], STEPS[2], epochs[1]]
    assert standing([*before, resumed, {"kind": "step", "step": 22}]) == [*STEPS[:2], epochs[0], resumed, {"kind": "step", "step": 22}]
    tail = LogTail(log)
    log.write_text("".join(text(**line) for line in before))
    assert tail.news() == (True, before)
    with log.open("a") as file:
        file.write(text(**resumed))
    assert tail.news() == (True, [*STEPS[:2], epochs[0], resumed])
    with log.open("a") as file:
        file.write(text(kind="step", step=22))
    assert tail.news() == (False, [{"kind": "step", "step": 22}])


def test_without_steps_in_the_log_epochs_are_superseded_by_their_number():
    lines = [{"kind": "epoch", "epoch": epoch} for epoch in (1, 2, 3)]
    resumed = {"kind": "resumed", "epoch": 2, "step": 46}
    assert standing([*lines, resumed]) == [*lines[:2], resumed]


def test_resumed_twice():
    def resumed(step):
        return {"kind": "resumed", "step": step, "epoch": 0}

    assert standing([*STEPS, resumed(20), {"kind": "step", "step": 25}, resumed(10)]) == [STEPS[0], resumed(10)]
    assert standing([*STEPS, resumed(10), resumed(20)]) == [STEPS[0], resumed(10), resumed(20)]
