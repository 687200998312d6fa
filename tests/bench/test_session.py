"""A whole benchmark, with contenders that only pretend."""

import json
import time

import numpy as np
import pytest

from minicnn import bench
from minicnn.backend import get_backend, set_num_threads
from minicnn.bench import Contender, Workload, contender, workload
from minicnn.bench.memory import measure_memory
from minicnn.errors import ArgumentError, BackendError, ShapeError

pytestmark = pytest.mark.usefixtures("on_the_cpu")

TINY = Workload("LeNet5", (1, 32, 32), 2, "inference")
FAST = {"rounds": 1, "seconds": 0, "pause": 0, "memory": False}


def sleeper(name, seconds, is_rival=False):
    return Contender(name, lambda problem: lambda: time.sleep(seconds), is_rival)


def test_a_slower_contender_has_fewer_images_and_a_smaller_ratio():
    row = bench.run([TINY], [sleeper("slow", 0.02), sleeper("fast", 0.001), sleeper("rival", 0.005, True)], **FAST).rows[0]
    slow, fast, _ = row.measurements
    assert slow.images_per_second.median < fast.images_per_second.median
    assert row.ratio("slow").median < row.ratio("fast").median
    assert row.ratio("slow").median < 1


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_minicnn_itself(mode):
    done = []
    report = bench.run([Workload("LeNet5", (1, 32, 32), 2, mode)], [bench.minicnn_contender("numpy")], **FAST, on_row=done.append)
    (row,) = report.rows
    assert done == [row]
    assert row.measurements[0].timing.first > 0
    assert row.measurements[0].images_per_second.median > 0
    assert json.loads(json.dumps(report.as_dict()))["machine"]["numpy"] == np.__version__
    assert "torch" not in report.machine


def test_a_training_step_changes_a_copy_of_the_weights():
    problem = workload.pose(Workload("LeNet5", (1, 32, 32), 4, "train"))
    before = problem.model.state_dict()
    step = contender.build(problem, "numpy")
    losses = [step().item() for _ in range(3)]
    assert losses[2] < losses[0]
    assert all((value == before[name]).all() for name, value in problem.model.state_dict().items())


def test_inference_is_fused_in_evaluation_and_recorded_by_nobody():
    problem = workload.pose(Workload("ResNet20", (3, 32, 32), 2, "inference"))
    assert "BatchNorm" not in repr(problem.model)
    assert not any(module.training for module in problem.model.modules())
    assert contender.build(problem, "numpy")().creator is None


def test_threads_are_set_and_reported():
    try:
        assert bench.run([TINY], [sleeper("a", 0)], threads=1, **FAST).machine["threads"] == 1
    finally:
        set_num_threads(None)


def test_everybody_has_a_name_and_something_to_do():
    with pytest.raises(ArgumentError, match="nothing to measure"):
        bench.run([], [sleeper("a", 0)], **FAST)
    with pytest.raises(ArgumentError, match="needs a name of its own, but they are a, a"):
        bench.run([TINY], [sleeper("a", 0), sleeper("a", 0)], **FAST)
    with pytest.raises(ArgumentError, match="repeats must be an integer >= 1, not 0"):
        bench.run([TINY], [sleeper("a", 0)], **FAST | {"rounds": 0})


def test_backends():
    assert bench.minicnn_contender().name == get_backend().name
    with pytest.raises(BackendError, match="did you mean numba"):
        bench.minicnn_contender("nunba")
    with pytest.raises(BackendError, match="'meta' computes nothing that could be timed"):
        bench.minicnn_contender("meta")


def test_workloads():
    assert Workload.of("resnet18", "train") == bench.STANDARD[0]
    assert Workload.of("ResNet34", "train").batch_size == workload.BATCH_SIZE
    assert Workload.of("ResNet18", "train", input_shape=(3, 64, 64), batch_size=3) == Workload("ResNet18", (3, 64, 64), 3, "train")
    for row in bench.STANDARD:
        assert Workload.of(row.model, row.mode) == row
        assert 1 < workload.smaller(row).batch_size <= 16
    assert workload.smaller(TINY).batch_size == 2
    with pytest.raises(ArgumentError, match="did you mean ResNet18"):
        Workload.of("ResNet81", "train")
    with pytest.raises(ArgumentError, match="mode must be one of 'train', 'inference', not 'both'"):
        Workload.of("ResNet18", "both")
    with pytest.raises(ArgumentError, match="batch_size must be an integer >= 1, not 0"):
        Workload.of("ResNet18", "train", batch_size=0)
    with pytest.raises(ShapeError, match="input has 1 channels, expected 3"):
        Workload.of("ResNet18", "train", input_shape=(1, 64, 64))


def test_an_error_on_the_way_names_the_network():
    def fail(problem):
        raise ArgumentError("the operation Foo has no counterpart")

    with pytest.raises(ArgumentError, match="LeNet5: the operation Foo has no counterpart"):
        bench.run([TINY], [Contender("a", fail)], **FAST)


def test_memory_grows_with_the_batch_and_is_not_this_process_s():
    """A hundred megabytes are held here meanwhile; images alone are 17 MB more in the larger batch."""
    ballast = np.ones(25_000_000, np.float32)
    small, large = (measure_memory(Workload("LeNet5", (1, 32, 32), batch, "train"), "numpy", 1) for batch in (1, 4096))
    assert ballast.any()
    assert 10e6 < small.imports <= small.peak < 400e6
    assert large.above_imports > small.above_imports + 17e6


def test_memory_of_pytorch_and_of_what_cannot_be_had():
    pytest.importorskip("torch")
    memory = measure_memory(TINY, "torch", 1)
    assert memory.imports > 50e6
    assert memory.above_imports > 0
    with pytest.raises(ArgumentError, match="memory of nunba for LeNet5 2x1x32x32 inference could not be measured: unknown backend 'nunba'"):
        measure_memory(TINY, "nunba", 1)


def test_a_contender_of_ones_own_has_times_and_no_memory():
    report = bench.run([TINY], [sleeper("mine", 0.001)], **{**FAST, "memory": True})
    (mine,) = report.rows[0].measurements
    assert mine.images_per_second.median > 0
    assert mine.memory is None
