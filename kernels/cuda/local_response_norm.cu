// Local response normalisation of rows of C channels: y[c] = x[c] d[c]^-beta with d[c] = k + alpha Σ x[j]², over the channels j from c - before to c + after.
//
// A thread for each number. The neighbours of a channel are neighbours in memory, and read by the neighbouring threads as well: they come from the cache.
#include "numbers.cuh"

__device__ __forceinline__ REAL energy(const STORE* row, int c, int C, int before, int after, REAL alpha, REAL k) {
  REAL sum = 0;
  for (int j = max(0, c - before); j <= min(C - 1, c + after); j++) {
    const REAL v = row[j];
    sum += v * v;
  }
  return k + alpha * sum;
}

// blockDim.x channels of blockDim.y rows for each block.
extern "C" __global__ void normalise(const STORE* __restrict__ x, STORE* __restrict__ y, int M, int C, int before, int after, double alpha, double beta, double k) {
  const int c = blockIdx.y * blockDim.x + threadIdx.x, m = blockIdx.x * blockDim.y + threadIdx.y;
  if (c >= C || m >= M) return;
  const STORE* row = x + (size_t)m * C;
  y[(size_t)m * C + c] = STORE(REAL(row[c]) * pow(energy(row, c, C, before, after, REAL(alpha), REAL(k)), REAL(-beta)));
}

// x[c] is the numerator of y[c], and a term of d[i] for every i whose window has c, which are the i from c - after to c + before:
//
//     dx[c] = dy[c] d[c]^-beta - 2 alpha beta x[c] Σ direct[i] x[i] / d[i],    direct[i] = dy[i] d[i]^-beta
//
// The terms of the sum are needed by up to `size` threads each, and a power is costly: so every one is computed once, into shared memory. A block needs
// `after` more of them to the left of its channels, and `before` to the right.
extern "C" __global__ void gradient(const STORE* __restrict__ dy, const STORE* __restrict__ x, STORE* __restrict__ dx, int M, int C, int before, int after,
                                    double alpha, double beta, double k) {
  extern __shared__ REAL shared[];
  const int width = blockDim.x + before + after, start = blockIdx.y * blockDim.x - after, m = blockIdx.x * blockDim.y + threadIdx.y;
  REAL* terms = shared + threadIdx.y * width;
  const STORE *row = x + (size_t)m * C, *above = dy + (size_t)m * C;
  if (m < M)
    for (int j = threadIdx.x; j < width; j += blockDim.x) {
      const int i = start + j;
      if (i < 0 || i >= C)
        terms[j] = 0;
      else {
        const REAL d = energy(row, i, C, before, after, REAL(alpha), REAL(k));
        terms[j] = REAL(above[i]) * pow(d, REAL(-beta)) * REAL(row[i]) / d;
      }
    }
  __syncthreads();
  const int c = blockIdx.y * blockDim.x + threadIdx.x;
  if (c >= C || m >= M) return;
  REAL sum = 0;
  for (int j = 0; j <= before + after; j++) sum += terms[threadIdx.x + j];
  const REAL direct = REAL(above[c]) * pow(energy(row, c, C, before, after, REAL(alpha), REAL(k)), REAL(-beta));
  dx[(size_t)m * C + c] = STORE(direct - 2 * REAL(alpha) * REAL(beta) * REAL(row[c]) * sum);
}
