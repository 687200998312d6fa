"""What NCCL is asked for. There is no second GPU to ask: `cupy.cuda.nccl` is played by a class that notes its calls."""

import sys
import threading
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minicnn import cuda
from minicnn.distributed import mpi
from minicnn.distributed.nccl import NCCLCommunicator, choose_gpu
from minicnn.errors import ArgumentError, BackendError

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


class Here(threading.local):
    """What CUDA knows for each thread: the GPU, and CuPy's current stream."""

    gpu, stream = 0, "its own"


HERE = Here()


class Device:
    """A GPU; without a number, that of the thread."""

    def __init__(self, number=None):
        self.number = HERE.gpu if number is None else number

    def use(self):
        HERE.gpu = self.number

    def __enter__(self):
        self.before, HERE.gpu = HERE.gpu, self.number

    def __exit__(self, *error):
        HERE.gpu = self.before


class Current:
    """The stream on which a thread computes."""

    def __init__(self):
        self.of = HERE.stream

    def record(self):
        return f"event of {self.of} on GPU {HERE.gpu}"


class Stream:
    ptr = 42

    def __init__(self, non_blocking):
        assert non_blocking
        self.gpu = HERE.gpu

    def wait_event(self, event):
        CALLS.append(("wait", event))

    def synchronize(self):
        assert HERE.gpu == self.gpu
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
            assert HERE.gpu == 1
            CALLS.append(("allReduce", *arguments))

        def broadcast(self, *arguments):
            CALLS.append(("broadcast", *arguments))

    nccl.NcclCommunicator = Communicator
    whole, part = ModuleType("cupy"), ModuleType("cupy.cuda")
    part.nccl, whole.cuda = nccl, part
    for name, module in (("cupy", whole), ("cupy.cuda", part), ("cupy.cuda.nccl", nccl)):
        monkeypatch.setitem(sys.modules, name, module)
    runtime = SimpleNamespace(getDeviceCount=lambda: 2)
    gpu = SimpleNamespace(Stream=Stream, Device=Device, get_current_stream=Current, runtime=runtime)
    monkeypatch.setattr(cuda, "cupy", lambda: SimpleNamespace(cuda=gpu))
    HERE.gpu, HERE.stream = 1, "the main thread"
    monkeypatch.setattr(mpi, "load_mpi", lambda: SimpleNamespace(IN_PLACE="in place", Query_thread=lambda: 3, THREAD_MULTIPLE=3))


def test_arrays_on_the_gpu_go_by_nccl_behind_what_was_computed_and_others_by_mpi(stand_ins):
    communicator = NCCLCommunicator(OneProcess())
    assert CALLS == [("Bcast", 0), ("made", 2, (-3, 7, 0), 128, 1)]
    CALLS.clear()
    communicator.all_reduce(OnGPU())
    communicator.broadcast(OnGPU(), 1)
    waited = ("wait", "event of the main thread on GPU 1")
    assert [waited, ("allReduce", 1000, 1000, 6, 7, 0, 42), ("synchronize",), waited, ("broadcast", 1000, 1000, 6, 7, 1, 42), ("synchronize",)] == CALLS
    CALLS.clear()
    communicator.all_reduce(np.ones(2))
    communicator.duplicate()
    assert CALLS == [("Allreduce", "float64"), ("Bcast", 0), ("made", 2, (-3, 7, 0), 128, 1)]


def test_another_thread_sends_on_the_same_gpu_behind_what_the_first_has_computed(stand_ins):
    communicator = NCCLCommunicator(OneProcess())
    CALLS.clear()
    thread = threading.Thread(target=communicator.all_reduce, args=(OnGPU(),))
    thread.start()
    thread.join()
    assert CALLS == [("wait", "event of the main thread on GPU 1"), ("allReduce", 1000, 1000, 6, 7, 0, 42), ("synchronize",)]


def test_each_worker_of_a_machine_needs_a_gpu(stand_ins):
    choose_gpu(0, 2)
    assert HERE.gpu == 0
    choose_gpu(1, 2)
    assert HERE.gpu == 1
    with pytest.raises(ArgumentError, match="3 workers on a machine with 2 GPUs: each needs one of its own; start with mpiexec -n 2"):
        choose_gpu(0, 3)


def test_without_nccl_it_says_how_to_get_it(stand_ins, monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy.cuda.nccl")
    monkeypatch.delattr(sys.modules["cupy.cuda"], "nccl")
    with pytest.raises(BackendError, match=r"has no NCCL here.*nvidia-nccl"):
        NCCLCommunicator(OneProcess())
