"""Every operation in whole-array arithmetic, on any array module: NumPy on the CPU, CuPy on the GPU."""
