"""Every operation, fast on a CPU: Numba around NumPy's BLAS, the images of a batch spread over threads."""
