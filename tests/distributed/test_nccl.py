"""What NCCL is asked for. There is no second GPU to ask: `cupy.cuda.nccl` is played by a class that notes its calls."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minicnn import cuda
from minicnn.distributed import mpi
from minicnn.distributed.nccl import NCCLCommunicator, choose_gpu
from minicnn.errors import BackendError

CALLS = []


class OneProcess:
    """An MPI communicator of one process that pretends to be the second of two."""

    def Get_rank(self):
        return 1

    def Get_size(self):
        return 2

    def Bcast(self, array, root):
        CALLS.append(("Bcast", root))
        array[:2] = -3, 7

    def Allreduce(self, place, array):
        CALLS.append(("Allreduce", array.dtype.name))

    def Dup(self):
        return OneProcess()


class Stream:
    ptr = 42

    def __init__(self, non_blocking):
        assert non_blocking

    def wait_event(self, event):
        CALLS.append(("wait", event))

    def synchronize(self):
        CALLS.append(("synchronize",))


class OnGPU:
    """An array of CuPy, as far as NCCL looks at it."""

    size, dtype, data = 6, np.dtype(np.float32), SimpleNamespace(ptr=1000)


@pytest.fixture
def stand_ins(monkeypatch):
    CALLS.clear()
    nccl = ModuleType("cupy.cuda.nccl")
    nccl.NCCL_UNIQUE_ID_BYTES, nccl.NCCL_SUM, nccl.NCCL_FLOAT32 = 128, 0, 7
    nccl.get_unique_id = lambda: pytest.fail("only the first worker makes the name")

    class Communicator:
        def __init__(self, size, name, rank):
            CALLS.append(("made", size, name[:3], len(name), rank))

        def allReduce(self, *arguments):
            CALLS.append(("allReduce", *arguments))

        def broadcast(self, *arguments):
            CALLS.append(("broadcast", *arguments))

    nccl.NcclCommunicator = Communicator
    whole, part = ModuleType("cupy"), ModuleType("cupy.cuda")
    part.nccl, whole.cuda = nccl, part
    for name, module in (("cupy", whole), ("cupy.cuda", part), ("cupy.cuda.nccl", nccl)):
        monkeypatch.setitem(sys.modules, name, module)
    chosen = SimpleNamespace(use=lambda: None)
    runtime = SimpleNamespace(getDeviceCount=lambda: 2)
    gpu = SimpleNamespace(Stream=Stream, get_current_stream=lambda: SimpleNamespace(record=lambda: "event"), runtime=runtime)
    gpu.Device = lambda number: (CALLS.append(("device", number)), chosen)[1]
    monkeypatch.setattr(cuda, "cupy", lambda: SimpleNamespace(cuda=gpu))
    monkeypatch.setattr(mpi, "load_mpi", lambda: SimpleNamespace(IN_PLACE="in place"))


def test_arrays_on_the_gpu_go_by_nccl_behind_what_was_computed_and_others_by_mpi(stand_ins):
    communicator = NCCLCommunicator(OneProcess())
    assert CALLS == [("Bcast", 0), ("made", 2, (-3, 7, 0), 128, 1)]
    CALLS.clear()
    communicator.all_reduce(OnGPU())
    communicator.broadcast(OnGPU(), 1)
    assert CALLS == [
        ("wait", "event"), ("allReduce", 1000, 1000, 6, 7, 0, 42), ("synchronize",),
        ("wait", "event"), ("broadcast", 1000, 1000, 6, 7, 1, 42), ("synchronize",),
    ]  # fmt: skip
    CALLS.clear()
    communicator.all_reduce(np.ones(2))
    communicator.duplicate()
    assert CALLS == [("Allreduce", "float64"), ("Bcast", 0), ("made", 2, (-3, 7, 0), 128, 1)]


def test_gpus_are_given_out_in_turn(stand_ins):
    for number in range(3):
        choose_gpu(number)
    assert CALLS == [("device", 0), ("device", 1), ("device", 0)]


def test_without_nccl_it_says_how_to_get_it(stand_ins, monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy.cuda.nccl")
    monkeypatch.delattr(sys.modules["cupy.cuda"], "nccl")
    with pytest.raises(BackendError, match=r"has no NCCL here.*nvidia-nccl"):
        NCCLCommunicator(OneProcess())
