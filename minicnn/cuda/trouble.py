"""Errors of CuPy that come up while a GPU computes, as sentences that say what to do.

CuPy is not imported for it: an error of CuPy is known by the module of its class. Errors of CUDA are told apart by their numbers, which are the same in
its two interfaces: cudaErrorIllegalAddress and CUDA_ERROR_ILLEGAL_ADDRESS are both 700.
"""

import re

from minicnn.errors import BackendError, MinicnnError, OutOfMemoryError

OUT_OF_MEMORY = 2
NO_DEVICE = 100
TOO_LARGE = 701  # nothing has run: the blocks want more registers or shared memory than there are
FORKED = 3
LOST = {700, 710, 714, 715, 716, 717, 718, 719}  # a thread went astray, and the process has lost the GPU
REQUEST = re.compile(r"allocating ([\d,]+) bytes \(allocated so far: ([\d,]+) bytes")


def explained(error: BaseException, where: str = "") -> MinicnnError | None:
    """An error of CuPy as one of minicnn's; None if it is not CuPy's.

    Args:
        error: what was raised.
        where: what was computed, such as "kernel transpose of layout.cu".

    Example:
        >>> explained(ValueError("not CuPy's")) is None
        True
    """
    if type(error).__module__.partition(".")[0] not in ("cupy", "cupy_backends"):
        return None
    place = f"{where}: " if where else ""
    status, said = getattr(error, "status", None), " ".join(str(error).split())
    if isinstance(error, MemoryError) or status == OUT_OF_MEMORY:
        return OutOfMemoryError(f"{place}the GPU's memory is full{_amounts(said)}: make the batch smaller, or end other programs that nvidia-smi lists")
    if type(error).__name__ == "CompileException":
        return BackendError(f"{place}NVRTC cannot compile it: {_first_error(str(error))}")
    if status in LOST:
        advice = (
            "a GPU reports errors late, so the kernel in the traceback may be innocent: run again with CUDA_LAUNCH_BLOCKING=1 to find the right one, "
            "or on backend 'cudasim' with MINICNN_SIMULATOR_CHECK=memory to find the thread and the line; this process has lost the GPU and must be started anew"
        )
        return BackendError(f"{place}a kernel went astray on the GPU ({said}); {advice}")
    if status == TOO_LARGE:
        return BackendError(f"{place}a block wants more registers or shared memory than the GPU has ({said})")
    if status == FORKED:
        return BackendError(f"{place}CUDA cannot start ({said}); in a forked process it never can: start processes with 'spawn'")
    return BackendError(f"{place}CUDA reports {said}")


def _amounts(said: str) -> str:
    """How much was asked for, and how much CuPy holds, if CuPy says so."""
    found = REQUEST.search(said)
    if not found:
        return ""
    more, held = (int(number.replace(",", "")) / 2**30 for number in found.groups())
    return f" ({more:.2f} GiB more were asked for; CuPy holds {held:.2f} GiB)"


def _first_error(log: str) -> str:
    """The first error of a compiler's log, with file and line, and how many there are.

    >>> _first_error('pool.cu(3): error: identifier "x" is undefined' + chr(10) + '  x = 1;' + chr(10) + '1 error detected in the compilation of "k.cu".')
    'pool.cu(3): error: identifier "x" is undefined'
    """
    errors = [line for line in log.splitlines() if re.search(r"\): (catastrophic )?error\b", line)]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return errors[0] + more if errors else " ".join(log.split())
