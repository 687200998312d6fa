// Three kernels in plain CUDA C++, with the same names and line by line the same steps as in in_numba.py, which writes them in Python. docs/cuda_in_numba.md
// compares the two. The library does not use them: the fast ones are in activation.cu, pool.cu and loss.cu.
#include "numbers.cuh"

constexpr int THREADS = 256;

// y = max(x, 0). Thread i has number i.
extern "C" __global__ void relu(const STORE* x, STORE* y, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    const REAL v = x[i];
    y[i] = STORE(v > 0 || v != v ? v : REAL(0));
  }
}

// y[n, p, q, c] = max over i, j of x[n, p sh + i - top, q sw + j - left, c], over the taps that meet a pixel. A thread for every number of y.
extern "C" __global__ void max_pool2d(const STORE* x, STORE* y, int N, int H, int W, int C, int P, int Q, int kh, int kw, int sh, int sw, int top, int left) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= N * P * Q * C) return;
  const int c = t % C, q = t / C % Q, p = t / (C * Q) % P, n = t / (C * Q * P);
  const int r0 = max(p * sh - top, 0), r1 = min(p * sh - top + kh, H);
  const int s0 = max(q * sw - left, 0), s1 = min(q * sw - left + kw, W);
  REAL best = x[((n * H + r0) * W + s0) * C + c];
  for (int r = r0; r < r1; r++)
    for (int s = s0; s < s1; s++) {
      const REAL v = x[((n * H + r) * W + s) * C + c];
      if (v > best || (v != v && best == best)) best = v;  // the first NaN is larger than everything
    }
  y[((n * P + p) * Q + q) * C + c] = STORE(best);
}

// The sum of each block's numbers: half of the threads add the other half's, then half of these, until one is left.
extern "C" __global__ void block_sums(const STORE* x, STORE* y, int count) {
  __shared__ REAL shared[THREADS];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int me = threadIdx.x;
  shared[me] = i < count ? REAL(x[i]) : REAL(0);
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (me < half) shared[me] += shared[me + half];
  }
  if (me == 0) y[blockIdx.x] = STORE(shared[0]);
}
