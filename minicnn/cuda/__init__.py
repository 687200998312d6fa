"""What CUDA needs of the machine, and what its errors mean.

`machine.py` says what is missing for the backends `cupy` and `cudasim`, and which command mends it. `trouble.py` turns errors that CuPy raises later, in the
middle of a training run, into sentences that say what to do.
"""

from minicnn.cuda.machine import cupy, require_compiler, require_gpu
from minicnn.cuda.trouble import explained

__all__ = ["cupy", "explained", "require_compiler", "require_gpu"]
