// Layer normalisation of rows of D numbers.
//
// Some threads share a row: a warp, or, if it is long, a block. They read it twice, and the second time it is still in the cache. The parameters' gradients are sums
// over all rows: for them a thread owns columns and goes down the rows, as in channels.cuh.
#include "channels.cuh"

// The sums of a and of b over the threads of a row, for all of them: over a warp by shuffles; of several warps (then the block has one row) through shared memory,
// which a second call in the same kernel would overwrite too early.
__device__ void add_over_row(REAL& a, REAL& b) {
  __shared__ REAL shared[2][32];
  for (int lanes = 16; lanes > 0; lanes /= 2) a += __shfl_xor_sync(~0u, a, lanes), b += __shfl_xor_sync(~0u, b, lanes);
  if (blockDim.x == 32) return;
  if (threadIdx.x % 32 == 0) shared[0][threadIdx.x / 32] = a, shared[1][threadIdx.x / 32] = b;
  __syncthreads();
  a = b = 0;
  for (int warp = 0; warp < blockDim.x / 32; warp++) a += shared[0][warp], b += shared[1][warp];
}

// x_hat = (x - mean - rest) inverse; `rest` is what the mean, rounded to a number, lacks. Of each row, in `statistics` (3, R).
struct Row {
  REAL mean, rest, inverse;
  __device__ REAL normalised(REAL x) const { return (x - mean - rest) * inverse; }
};
__device__ __forceinline__ Row read_row(const REAL* statistics, int R, int r) { return {statistics[r], statistics[R + r], statistics[(size_t)2 * R + r]}; }

// y = gamma x_hat + beta. Mean and variance in one pass, from d = x - first, with the row's first number, as in batch_norm.cu.
extern "C" __global__ void normalise_rows(const STORE* __restrict__ x, const REAL* __restrict__ gamma, const REAL* __restrict__ beta, STORE* __restrict__ y,
                                          REAL* __restrict__ statistics, int R, int D, double eps) {
  const int r = blockIdx.x * blockDim.y + threadIdx.y, step = blockDim.x * VECTOR;
  if (r >= R) return;
  const size_t start = (size_t)r * D;
  const REAL first = x[start];
  REAL sum = 0, squares = 0;
#pragma unroll 4
  for (int i = threadIdx.x * VECTOR; i < D; i += step) {
    const Numbers numbers = read(x, start + i);
    for (int k = 0; k < VECTOR; k++) {
      const REAL d = REAL(numbers.v[k]) - first;
      sum += d;
      squares += d * d;
    }
  }
  add_over_row(sum, squares);
  const REAL offset = sum / D, var = (squares - sum * offset) / D, mean = first + offset, added = mean - first;
  const Row row = {mean, (first - (mean - added)) + (offset - added), REAL(1) / sqrt((var < 0 ? REAL(0) : var) + REAL(eps))};
  if (threadIdx.x == 0) statistics[r] = row.mean, statistics[R + r] = row.rest, statistics[(size_t)2 * R + r] = row.inverse;
#pragma unroll 2
  for (int i = threadIdx.x * VECTOR; i < D; i += step) {
    Numbers numbers = read(x, start + i);
    for (int k = 0; k < VECTOR; k++) {
      const REAL x_hat = row.normalised(numbers.v[k]);
      numbers.v[k] = STORE((gamma ? gamma[i + k] * x_hat : x_hat) + (beta ? beta[i + k] : REAL(0)));
    }
    write(y, start + i, numbers);
  }
}

// dx = (g - mean(g) - x_hat mean(g x_hat)) inverse, with g = gamma dy and means over the row.
extern "C" __global__ void row_gradient(const STORE* __restrict__ dy, const STORE* __restrict__ x, const REAL* __restrict__ gamma,
                                        const REAL* __restrict__ statistics, STORE* __restrict__ dx, int R, int D) {
  const int r = blockIdx.x * blockDim.y + threadIdx.y, step = blockDim.x * VECTOR;
  if (r >= R) return;
  const size_t start = (size_t)r * D;
  const Row row = read_row(statistics, R, r);
  REAL total = 0, along = 0;
#pragma unroll 2
  for (int i = threadIdx.x * VECTOR; i < D; i += step) {
    const Numbers above = read(dy, start + i), numbers = read(x, start + i);
    for (int k = 0; k < VECTOR; k++) {
      const REAL g = gamma ? gamma[i + k] * REAL(above.v[k]) : REAL(above.v[k]);
      total += g;
      along += g * row.normalised(numbers.v[k]);
    }
  }
  add_over_row(total, along);
  total /= D, along /= D;
#pragma unroll 2
  for (int i = threadIdx.x * VECTOR; i < D; i += step) {
    const Numbers above = read(dy, start + i);
    Numbers numbers = read(x, start + i);
    for (int k = 0; k < VECTOR; k++) {
      const REAL g = gamma ? gamma[i + k] * REAL(above.v[k]) : REAL(above.v[k]);
      numbers.v[k] = STORE((g - total - row.normalised(numbers.v[k]) * along) * row.inverse);
    }
    write(dx, start + i, numbers);
  }
}

// Σ dy and Σ dy x_hat over the rows, of each column, of each part of the rows: found (2, D, parts).
extern "C" __global__ void __launch_bounds__(THREADS)
    column_sums(const STORE* __restrict__ dy, const STORE* __restrict__ x, const REAL* __restrict__ statistics, REAL* __restrict__ found, int R, int D, int parts) {
  const Place place(R, D, parts, ROWS_OF_TWO);
  Reals total = {}, slope = {};
  if (place.channel < D)
    for (int m = place.row; m < R; m += place.step) {
      Numbers above[ROWS_OF_TWO], rows[ROWS_OF_TWO];
#pragma unroll
      for (int r = 0; r < ROWS_OF_TWO; r++)
        if (m + r * blockDim.y < R) {
          const size_t at = place.first + (size_t)(m + r * blockDim.y) * D;
          above[r] = read(dy, at), rows[r] = read(x, at);
        }
#pragma unroll
      for (int r = 0; r < ROWS_OF_TWO; r++)
        if (m + r * blockDim.y < R) {
          const Row row = read_row(statistics, R, m + r * blockDim.y);
          for (int k = 0; k < VECTOR; k++) {
            total.v[k] += REAL(above[r].v[k]);
            slope.v[k] += REAL(above[r].v[k]) * row.normalised(rows[r].v[k]);
          }
        }
    }
  add_rows(total, slope);
  if (threadIdx.y > 0 || place.channel >= D) return;
  for (int k = 0; k < VECTOR; k++) {
    const size_t at = (size_t)(place.channel + k) * parts + place.part;
    found[at] = total.v[k];
    found[(size_t)D * parts + at] = slope.v[k];
  }
}

// dbeta and dgamma from all parts. A warp for each column.
extern "C" __global__ void add_parts(const REAL* found, REAL* dgamma, REAL* dbeta, int D, int parts) {
  const int d = blockIdx.x * blockDim.y + threadIdx.y;
  if (d >= D) return;
  REAL total = 0, slope = 0;
  for (int part = threadIdx.x; part < parts; part += 32) {
    total += found[(size_t)d * parts + part];
    slope += found[((size_t)D + d) * parts + part];
  }
  total = add_over_warp(total), slope = add_over_warp(slope);
  if (threadIdx.x == 0) dbeta[d] = total, dgamma[d] = slope;
}
