"""Files for TensorBoard, read back by their record format."""

import struct
import sys

import pytest

from minicnn.dashboard import export_tensorboard
from minicnn.errors import ArgumentError
from tests.dashboard.writing import Writer


def events(file):
    """The events of a file: each is its length (8 bytes), a checksum of that (4), the event, and a checksum of it (4)."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    data, place = file.read_bytes(), 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        yield event_pb2.Event.FromString(data[place + 12 : place + 12 + length])
        place += 16 + length


def test_every_figure_is_in_the_file(tmp_path):
    pytest.importorskip("tensorboardX")
    run = Writer(tmp_path / "run", epochs=2)
    run.start()
    run.epoch(1)
    run.write("step", step=22, epoch=2, loss=99.0)  # superseded
    run.write("resumed", epoch=1, step=20)
    run.write("step", step=22, epoch=2, loss=1.5, accuracy=None)
    run.epoch(2)
    run.end()
    count = export_tensorboard(run.folder, tmp_path / "events")
    (file,) = (tmp_path / "events").iterdir()
    found = [(value.tag, event.step, value.simple_value) for event in events(file) for value in event.summary.value]
    assert count == len(found) == 4 * 20 + 1 + 7 * 2
    assert next(entry for entry in found if entry[:2] == ("step/loss", 22)) == ("step/loss", 22, 1.5)
    assert {step for tag, step, _ in found if tag == "epoch/test_loss"} == {1, 2}
    assert {tag for tag, _, _ in found} >= {"step/gradient_norm", "step/lr", "step/accuracy", "epoch/images_per_second"}


def test_a_folder_without_a_log(tmp_path):
    pytest.importorskip("tensorboardX")
    with pytest.raises(ArgumentError, match=r"no run at .*nothing: there is no log\.jsonl in it"):
        export_tensorboard(tmp_path / "nothing", tmp_path)


def test_without_tensorboardx_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ArgumentError, match=r'tensorboardX, which is not installed: .* install -e "\.\[tensorboard\]"'):
        export_tensorboard(tmp_path, tmp_path)
