"""Whether other programs are noticed, and this one is not."""

import subprocess
import sys
import time

import pytest

from minicnn.bench import elsewhere
from minicnn.bench.elsewhere import Watch, busy_ticks, crowded


def test_own_work_does_not_count_and_another_program_does(monkeypatch, tmp_path):
    """On a clock of the machine that stands still but for ourselves, and one on which half a processor is used elsewhere."""
    stat, ours, now = tmp_path / "stat", [0.0], [0.0]
    monkeypatch.setattr(elsewhere, "STAT", stat)
    monkeypatch.setattr(elsewhere.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(elsewhere.time, "process_time", lambda: ours[0])
    monkeypatch.setattr(elsewhere.time, "perf_counter", lambda: now[0])
    stat.write_text("cpu  1000 0 500 9999 1 0 0 0 0 0\ncpu0 ...")
    watch = Watch()
    stat.write_text("cpu  1800 0 500 9999 1 0 0 0 0 0\ncpu0 ...")  # 8 s of work, all of it ours
    ours[0], now[0] = 8.0, 10.0
    assert watch.processors() == 0
    stat.write_text("cpu  2000 0 700 9999 1 0 0 100 0 0\ncpu0 ...")  # 5 s more: programs, the system, and a neighbour on the same computer
    assert watch.processors() == pytest.approx(0.5)


@pytest.mark.skipif(not elsewhere.STAT.exists(), reason="the system does not say")
def test_on_this_machine():
    """A program that does nothing but compute is seen, however busy the machine is otherwise."""
    code = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    watch, start = Watch(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    used = watch.processors() * (time.perf_counter() - start)
    assert used > 0.4


def test_where_the_system_does_not_say(monkeypatch, tmp_path):
    monkeypatch.setattr(elsewhere, "STAT", tmp_path / "none")
    assert Watch().processors() is None
    (tmp_path / "none").write_text("something else")
    assert Watch().processors() is None


def test_there_may_be_room_for_all(monkeypatch):
    monkeypatch.setattr(elsewhere.os, "cpu_count", lambda: 4)
    assert not crowded(1.9, threads=2)
    assert crowded(2.1, threads=2)
    assert not crowded(0.05, threads=4)


def test_idle_processors_do_not_count():
    assert busy_ticks("cpu  1 1 1 100 100 1 1 1 7 7\n") == 6
