// Sums over some of the axes of an array.
//
// Whatever the axes, and whatever their order in memory: the array is x (A, R, B), the sum is over r, y (A, B).
//
//   y[a, b] = factor * sum_r x[a, r, b]                  factor is 1, or 1/n for a mean
//   y[a, b] = factor * sum_r x[a, r, b] * z[a, r, b]     if z is given: the product is never written to memory
//
//   sum_rows       B = 1: one row of R numbers after the other; NCHW images over their pixels, and all numbers of an array
//   sum_columns    B > 1: NHWC images over their pixels, for each channel
//
// Where A and B are so small that most of the GPU would have nothing to do, r is cut into slices of `length`: y is then (A, slices, B), and the same kernel is
// called once more to sum the slices. The order in which numbers are added depends on the shape alone, so the same sum always comes out the same to the last bit.
// TO is the type of y in memory: REAL for the sums of slices.
#include "numbers.cuh"

#ifndef TO
#define TO STORE
#endif

__device__ bool aligned(const STORE* p) { return (size_t)p % sizeof(Pack) == 0; }

// One warp for each slice of a row, 8 warps a block. Each lane adds up every 32nd pack of numbers; then the lanes add their sums in pairs.
extern "C" __global__ void sum_rows(const STORE* __restrict__ x, const STORE* __restrict__ z, TO* __restrict__ y, size_t sums, size_t R, size_t slices,
                                    size_t length, double factor) {
  const size_t i = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
  if (i >= sums) return;
  const size_t first = i % slices * length, start = i / slices * R + first, n = first + length < R ? length : R - first;
  const STORE* p = x + start;
  const STORE* q = z ? z + start : nullptr;
  const size_t packs = aligned(p) && (!z || aligned(q)) ? n / WIDTH : 0;
  REAL sum = 0;
  for (size_t k = threadIdx.x; k < packs; k += 32) {
    const Pack u = ((const Pack*)p)[k];
    if (z) {
      const Pack v = ((const Pack*)q)[k];
      for (int j = 0; j < WIDTH; j++) sum += REAL(u.v[j]) * REAL(v.v[j]);
    } else {
      for (int j = 0; j < WIDTH; j++) sum += REAL(u.v[j]);
    }
  }
  for (size_t k = packs * WIDTH + threadIdx.x; k < n; k += 32) sum += REAL(p[k]) * (z ? REAL(q[k]) : REAL(1));
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffff, sum, distance);
  if (threadIdx.x == 0) y[i] = TO(REAL(factor) * sum);
}

// One block for each slice of r and each stretch of columns: a thread takes `group` columns (1, or WIDTH to be read at once) and every blockDim.y-th r of the slice.
// Then the threads of one column add their sums in pairs. blockDim.x * blockDim.y = 256, both powers of 2.
extern "C" __global__ void sum_columns(const STORE* __restrict__ x, const STORE* __restrict__ z, TO* __restrict__ y, size_t R, size_t B, size_t slices,
                                       size_t length, int stretches, int group, double factor) {
  __shared__ REAL partial[WIDTH][256];
  const size_t block = blockIdx.x / stretches;  // a and slice
  const size_t b = ((size_t)(blockIdx.x % stretches) * blockDim.x + threadIdx.x) * group;
  const size_t first = block % slices * length, a = block / slices, end = first + length < R ? first + length : R;
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
  REAL sum[WIDTH] = {};
  if (b < B) {
    for (size_t r = first + threadIdx.y; r < end; r += blockDim.y) {
      const size_t at = (a * R + r) * B + b;
      if (group == WIDTH && aligned(x + at) && (!z || aligned(z + at))) {
        const Pack u = *(const Pack*)(x + at);
        if (z) {
          const Pack v = *(const Pack*)(z + at);
          for (int j = 0; j < WIDTH; j++) sum[j] += REAL(u.v[j]) * REAL(v.v[j]);
        } else {
          for (int j = 0; j < WIDTH; j++) sum[j] += REAL(u.v[j]);
        }
      } else {
        for (int j = 0; j < WIDTH; j++)
          if (j < group) sum[j] += REAL(x[at + j]) * (z ? REAL(z[at + j]) : REAL(1));
      }
    }
  }
  for (int j = 0; j < WIDTH; j++) partial[j][thread] = sum[j];
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half)
      for (int j = 0; j < WIDTH; j++) partial[j][thread] += partial[j][thread + half * blockDim.x];
  }
  if (threadIdx.y == 0 && b < B)
    for (int j = 0; j < WIDTH; j++)
      if (j < group) y[block * B + b + j] = TO(REAL(factor) * partial[j][thread]);
}
