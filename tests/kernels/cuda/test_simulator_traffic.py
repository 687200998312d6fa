"""The memory check counts the bytes that a launch reads and writes in global memory."""

import numpy as np
import pytest

from minicnn.kernels.cuda.simulator import Module, SimulatorError, set_memory_check

TEXT = r"""
extern "C" __global__ void copies(const float* x, double* y, int n) {
  __shared__ float stored[32];
  stored[threadIdx.x] = threadIdx.x < n ? x[threadIdx.x] : 0;
  __syncthreads();
  if (threadIdx.x < 3) y[threadIdx.x] = stored[threadIdx.x + 1];
}

extern "C" __global__ void adds(const float4* x, float* y, float* z) {
  const float4 four = x[threadIdx.x];
  atomicAdd(y, four.x + four.w);
  if (z) z[threadIdx.x] += four.y;
}
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    path = tmp_path_factory.mktemp("traffic") / "traffic.cu"
    path.write_text(TEXT)
    set_memory_check(True)
    yield Module(path)
    set_memory_check(False)


def zeros(count, dtype=np.float32):
    return np.zeros(count, dtype)


def test_each_access_of_each_argument(module):
    copies = module.get_function("copies")
    assert copies.traffic == []
    for blocks, n in ((1, 20), (4, 7)):
        copies((blocks,), (32,), (zeros(32), zeros(3, float), np.int32(n)))
        assert copies.traffic == [(blocks * n * 4, 0, 0), (0, blocks * 3 * 8, 0), (0, 0, 0)]


def test_atomics_are_read_and_written(module):
    adds = module.get_function("adds")
    adds((2,), (8,), (zeros(32), zeros(1), zeros(8)))
    assert adds.traffic[1:] == [(64, 64, 64), (64, 64, 0)]
    assert 2 * 8 * 12 <= adds.traffic[0].read <= 2 * 8 * 16  # the compiler may leave out the z of a float4
    adds((1,), (8,), (zeros(32), zeros(1), None))
    assert adds.traffic[1:] == [(32, 32, 32), (0, 0, 0)]


def test_of_arguments_that_share_memory_the_first_is_charged(module):
    whole, adds = zeros(48), module.get_function("adds")
    adds((1,), (8,), (whole[:32], whole[32:], whole[32:40]))
    assert adds.traffic[1:] == [(64, 64, 32), (0, 0, 0)]


def test_a_launch_that_fails_leaves_the_count_of_the_one_before(module):
    adds = module.get_function("adds")
    adds((1,), (8,), (zeros(32), zeros(1), None))
    with pytest.raises(SimulatorError):
        adds((2,), (9,), (zeros(32), zeros(1), None))
    assert adds.traffic[1] == (32, 32, 32)


def test_without_the_memory_check_nothing_is_counted(module):
    adds = module.get_function("adds")
    set_memory_check(False)
    adds((1,), (8,), (zeros(32), zeros(1), None))
    set_memory_check(True)
    assert adds.traffic == []


def test_lines_can_be_looked_up_before_they_are_needed(module):
    adds = module.get_function("adds")

    def said():
        with pytest.raises(SimulatorError) as caught:
            adds((1,), (9,), (zeros(32), zeros(1), None))
        return str(caught.value)

    before = said()
    assert before.startswith("traffic.cu:10: adds")
    early = Module(module.path)
    early.compile(True, lines=True)
    adds = early.get_function("adds")
    assert said() == before
    assert early.library(True).lines
