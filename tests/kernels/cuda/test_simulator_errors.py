"""Every mistake that the simulator finds, planted in files/mistakes.cu: what it says, and that it names the line, the kernel, the block and the thread."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn.errors import MinicnnError
from minicnn.kernels.cuda.simulator import Module, SimulatorError, set_memory_check, set_thread_order
from tests.kernels.guarded import guarded

FILE = Path(__file__).parent / "files" / "mistakes.cu"
FIRST = r"block \(0, 0, 0\), thread \(0, 0, 0\): "

# What is found in every run: the message, from a regular expression; {here} is the place.
ALWAYS = {
    "divergent": r"^{here}: divergent, block \(0, 0, 0\): divergent barrier: thread \(16, 0, 0\) waits at this __syncthreads\(\), thread \(0, 0, 0\) at the "
    r"__syncthreads\(\) of mistakes.cu:4; all threads of a block must reach the same one$",
    "divergent_in_one_line": r"^{here}: .* divergent barrier",
    "deadlock": r"^{here}: deadlock, block \(0, 0, 0\): deadlock: 16 threads wait at __shfl_xor_sync\(\) here, .* \(such as lane 0\) that do not come; "
    r"16 threads wait at __syncthreads\(\) in mistakes.cu:17$",
    "returned_before": r"^{here}: returned_before, .*waits for lane 0 of the warp, which has returned",
    "returned_after": r"^{here}: returned_after, .*thread \(31, 0, 0\): this thread has returned, and lane 0 of its warp waits for it at __shfl_down_sync\(\)",
    "not_in_mask": r"^{here}: not_in_mask, .*thread \(16, 0, 0\): __shfl_sync\(\) is called by lane 16, which is not in its mask 0x0000ffff$",
    "masks_differ": r"^{here}: masks_differ, .*is given the mask 0xfffffffe, and 0xffffffff in lane 1",
    "primitives_differ": r"^{here}: primitives_differ, .*__ballot_sync\(\) meets __syncwarp\(\) of lane 0, in mistakes.cu:\d+",
    "never_waited": r"^{here}: never_waited, " + FIRST + r".*never waited for: copy_async_wait<0>\(\) is missing$",
    "never_committed": r"^{here}: never_committed, " + FIRST + r".*never committed: copy_async_commit\(\) is missing$",
    "copies_to_its_own_array": r"^{here}: .*the target is not in shared memory$",
    "copies_to_an_odd_address": r"^{here}: .*the address of the target is no multiple of 16$",
    "declares_too_much": r"^{here}: .*with s, 49156 bytes of shared memory are declared: there may be 48 KB",
    "asserts": r"^{here}: asserts, block \(0, 0, 0\), thread \(5, 0, 0\): the assertion x\[thread \+ .*\] < 5 does not hold$",
    "stops": r"^{here}: stops, block \(0, 0, 0\), thread \(3, 0, 0\): __trap\(\) was called$",
}
# What the memory check finds, with the argument n that makes it one.
CHECKED = {
    "reads_behind": (1, r"thread \(31, 0, 0\): reads 4 bytes at index 32 of argument 1, `const float\* x`, which has 32 elements$"),
    "writes_behind": (-2, FIRST + r"writes 4 bytes at index -2 of argument 2, `float\* y`, which has 32 elements$"),
    "reads_too_early": (3, r"reads shared memory that copy_async_16\(\) is still filling: copy_async_wait first \(tile, byte 12\)$"),
    "copies_from_behind": (32, r"reads 16 bytes at index 32 of argument 1, `const float\* x`, which has 32 elements$"),
    "never_written": (1, r"thread \(31, 0, 0\): reads shared memory that no thread of the block has written yet \(s, byte 128\)$"),
    "no_barrier_before_writing": (0, r"thread \(32, 0, 0\): reads what thread \(31, 0, 0\) writes in {here}, with no barrier between \(s, byte 124\)$"),
    "no_syncwarp": (0, r"thread \(16, 0, 0\): writes what thread \(15, 0, 0\) reads in {here}, with no barrier between \(s, byte 64\)$"),
    "two_write": (0, r"thread \(1, 0, 0\): overwrites, with another value, what thread \(0, 0, 0\) writes in {here}, with no barrier between \(s, byte 0\)$"),
    "index_too_large": (5, r"index 4 is outside an array of type 'float ?\[4\]'$"),
    "misaligned": (1, r"the address of 'struct float4' is no multiple of 16: it ends in 0x4$|writes \d+ bytes at an address that is no multiple of \d+$"),
    "misaligned_in_shared_memory": (0, r"the address of 'struct float4' is no multiple of 16|writes \d+ bytes at an address that is no multiple of \d+"),
    "dynamic_too_small": (1, r"thread \(31, 0, 0\): writes 4 bytes outside the dynamic shared memory in shared memory: byte 128 of 128$"),
    "ldmatrix_outside": (1, r"thread \(31, 0, 0\): ldmatrix_x4\(\): the address is not in shared memory$"),
}


@pytest.fixture(scope="module")
def module():
    return Module(FILE)


@pytest.fixture
def memory_check():
    set_memory_check(True)
    yield
    set_memory_check(False)


def numbers(count=32):
    return np.arange(count, dtype=np.float32)


def marked(name):
    """The marked line of a kernel."""
    lines = FILE.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if f" {name}(" in line)
    return f"mistakes.cu:{next(i for i, line in enumerate(lines) if i > start and '// here' in line) + 1}"


def said(kernel, *args, block=(32,), **options):
    with pytest.raises(SimulatorError) as caught:
        kernel((1,), block, args, **options)
    return str(caught.value)


def matches(pattern, name, message):
    return re.search(pattern.replace("{here}", re.escape(marked(name))), message)


@pytest.mark.parametrize("name", ALWAYS)
def test_found_in_every_run(module, name):
    message = said(module.get_function(name), np.zeros(128, np.float32) + numbers(128))
    assert matches(ALWAYS[name], name, message), message


@pytest.mark.parametrize("name", ALWAYS)
def test_found_with_the_memory_check_too(module, name, memory_check):
    message = said(module.get_function(name), numbers(128))
    assert matches(ALWAYS[name].partition(", ")[0], name, message), message


@pytest.mark.parametrize("name", CHECKED)
def test_found_by_the_memory_check(module, name, memory_check):
    n, pattern = CHECKED[name]
    block = (64,) if name == "no_barrier_before_writing" else (32,)
    size = block[0]
    message = said(module.get_function(name), numbers(size), numbers(size), np.int32(n), block=block, shared_mem=128)
    assert re.match(rf"mistakes.cu:\d+: {name}, block \(0, 0, 0\), thread \(", message)
    assert marked(name) in message
    assert matches(pattern, name, message), message


@pytest.mark.parametrize("name", CHECKED)
def test_the_memory_check_finds_nothing_where_nothing_is_wrong(module, name, memory_check):
    innocent = {"index_too_large": 4, "misaligned": 4, "never_written": 0, "ldmatrix_outside": 0, "dynamic_too_small": 0, "reads_behind": 0, "writes_behind": 0}
    if name in innocent:
        module.get_function(name)((1,), (32,), (numbers(), numbers(), np.int32(innocent[name])), shared_mem=128)


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_a_race_is_found_in_every_order(module, memory_check, order):
    set_thread_order(order, seed=1)
    try:
        message = said(module.get_function("no_barrier_before_reading"), numbers(64), numbers(64), np.int32(0), block=(64,))
    finally:
        set_thread_order("forward")
    assert re.search(r"with no barrier between|that no thread of the block has written yet", message), message


ALLOWED = ["all_write_the_same", "all_write_the_same_at_last", "halves_of_a_warp"]


@pytest.mark.parametrize(("name", "check"), [*((name, check) for name in ALLOWED for check in (False, True)), ("returns_before_a_barrier", False)])
def test_what_is_allowed(module, name, check):
    set_memory_check(check)
    try:
        y = np.full(48, -1, np.float32)
        module.get_function(name)((2,), (48,), (numbers(48), y, np.int32(20)), shared_mem=128)
    finally:
        set_memory_check(False)
    x = numbers(48)
    expected = {
        "all_write_the_same": x * 0 + 20,
        "all_write_the_same_at_last": x * 0 + 20,
        "returns_before_a_barrier": np.where(x < 20, x, -1),
        "halves_of_a_warp": np.where(x % 32 < 16, x + (x.astype(int) ^ 1), x.astype(int) ^ 2),
    }
    np.testing.assert_array_equal(y, expected[name])


def test_who_has_returned_is_missed_at_a_barrier_by_the_memory_check(module, memory_check):
    message = said(module.get_function("returns_before_a_barrier"), numbers(32), numbers(32), np.int32(20), block=(32,))
    assert message.startswith("mistakes.cu:220: returns_before_a_barrier, block (0, 0, 0): divergent barrier: thread (0, 0, 0) waits at this __syncthreads()")
    assert "thread (20, 0, 0) has returned without it" in message


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from minicnn.kernels.cuda.simulator import Module, SimulatorError

spins, y = Module(sys.argv[1]).get_function("spins"), np.zeros(32, np.float32)
threading.Thread(target=lambda: [time.sleep(0.3) or os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]).start()
for handler in (signal.default_int_handler, lambda *_: None):
    signal.signal(signal.SIGINT, handler)
    try:
        spins((1,), (32,), (np.ones(32, np.float32), y, np.int32(3)))
    except KeyboardInterrupt:
        print("KeyboardInterrupt", flush=True)
    except SimulatorError as error:
        print(error, flush=True)
    threading.Thread(target=lambda: [time.sleep(0.3) or os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]).start()
y[3] = 1
spins((1,), (32,), (np.ones(32, np.float32), y, np.int32(3)))
print("and on", flush=True)
os._exit(0)
"""


def test_a_second_ctrl_c_stops_a_kernel_that_waits_for_ever():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(FILE)], capture_output=True, text=True, timeout=60, check=False)
    first, second, third = done.stdout.splitlines()
    assert first == "KeyboardInterrupt"
    assert re.search(r"spins, block \(0, 0, 0\), thread \(0, 0, 0\): is stopped by Ctrl-C: does this thread wait in a loop for another one\?", second)
    assert third == "and on"


def test_the_block_and_the_thread_are_those_of_three_axes(module):
    x = np.zeros((2, 3, 1, 2, 2, 4), np.float32)  # indices from the slowest to the fastest: block z, y, x and thread z, y, x
    x[1, 2, 0, 1, 1, 3] = 9
    with pytest.raises(SimulatorError, match=r"asserts, block \(0, 2, 1\), thread \(3, 1, 1\): "):
        module.get_function("asserts")((1, 3, 2), (4, 2, 2), (x,))


def test_an_address_without_memory_is_no_crash(module, memory_check):
    assert said(module.get_function("uses_nothing"), None).startswith(f"{marked('uses_nothing')}: uses_nothing, block (0, 0, 0), thread (0, 0, 0): writes")
    set_memory_check(False)
    assert "uses_nothing, block (0, 0, 0), thread (0, 0, 0): reads or writes at a null pointer" in said(module.get_function("uses_nothing"), None)
    message = said(module.get_function("reads_behind"), guarded(numbers(), at_the_end=True), numbers(), np.int32(32))
    assert "where there is no memory: an index is out of bounds; the memory check says where" in message


def test_division_by_zero(module):
    assert said(module.get_function("divides_by_zero"), numbers()).endswith("thread (0, 0, 0): an integer is divided by zero")


def test_tensor_cores_want_whole_warps(module):
    assert "mma_tf32() needs a warp of 32 threads" in said(module.get_function("half_a_warp"), numbers(), block=(16,))


def test_arrays_that_may_not_be_written(module, memory_check):
    y = numbers()
    y.flags.writeable = False
    assert "writes to argument 2, `float* y`, whose array is read-only" in said(module.get_function("writes_behind"), numbers(), y, np.int32(0))


@pytest.mark.parametrize("n", [1, 64, 384, 8000])
def test_a_wrong_index_into_a_neighbour_is_found(module, memory_check, n):
    """Both arguments are parts of one array: without a gap between them, the first would run into the second."""
    both = numbers(64)
    assert f"index {max(32, n)} of argument 1" in said(module.get_function("reads_behind"), both[:32], both[32:], np.int32(n))


def test_arrays_that_overlap_stay_so(module, memory_check):
    both = numbers(40)
    module.get_function("reads_behind")((1,), (32,), (both[8:], both[:32], np.int32(0)))
    np.testing.assert_array_equal(both, [*range(8, 40), *range(32, 40)])


def test_memory_that_is_reached_by_a_table_of_addresses(module, memory_check):
    """It is left alone, since nobody knows how large it is; the arrays among the arguments are checked as ever."""
    x, to, y = numbers(), np.zeros(32, np.float32), np.zeros(32, np.float32)
    table = np.array((2, (x.ctypes.data, to.ctypes.data)), [("count", np.uint64), ("arrays", np.uint64, 2)])
    module.get_function("reached_by_a_table")((1,), (32,), (y, table, np.int32(0)))
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(to, x)
    assert "writes 4 bytes at index 32 of argument 1" in said(module.get_function("reached_by_a_table"), y, table, np.int32(1))


def test_shared_memory_is_full_of_nan(module):
    y = numbers(64)
    module.get_function("never_written")((1,), (32,), (numbers(), y, np.int32(1)))
    assert np.isfinite(y[:31]).all()
    assert np.isnan(y[31])
    y = numbers(32)
    module.get_function("reads_too_early")((1,), (32,), (numbers(), y, np.int32(0)))
    assert np.isnan(y).all()


def test_after_an_error_the_next_launch_is_right(module):
    for name in ("deadlock", "never_waited", "stops"):
        said(module.get_function(name), numbers(128))
        y = numbers()
        module.get_function("reads_behind")((1,), (32,), (numbers()[::-1].copy(), y, np.int32(0)))
        np.testing.assert_array_equal(y, numbers()[::-1])


def test_the_error_is_one_of_minicnns(module):
    assert issubclass(SimulatorError, MinicnnError)
    assert issubclass(SimulatorError, RuntimeError)
