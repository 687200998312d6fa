"""Progress where the output is no terminal; the live bar is tried by tests/cli/test_train.py."""

from minicnn.train import Epoch, Metrics
from minicnn.train.progress import epoch_line, show_progress

EPOCH = Epoch(2, 0.01, 0.5, 0.875, 0.25, 1.0, 2.0, 700.0)


def test_one_line_per_epoch_and_none_per_step(capsys):
    with show_progress(epochs=12, steps_per_epoch=3) as progress:
        progress.on_step(None, Metrics())
        assert capsys.readouterr().out == ""
        progress.on_epoch(None, EPOCH)
    assert capsys.readouterr().out == epoch_line(EPOCH, 12) + "\n"


def test_lines_stand_below_each_other():
    assert len(epoch_line(EPOCH, 100)) == len(epoch_line(Epoch(100, 0.01, 0.5, 0.0, 0.25, 0.5, 2.0, 700.0), 100))
