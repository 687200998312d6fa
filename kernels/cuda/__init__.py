"""Every operation in CUDA C++: the files ending in .cu, and beside each the Python that launches its kernels.

The same file runs in two places: on an NVIDIA GPU, where CuPy compiles it (backend `cupy`), and on any computer in the simulator, which compiles it with
the C++ compiler and executes its threads one by one (backend `cudasim`). `launch.py` chooses by the arrays it is given.
"""
