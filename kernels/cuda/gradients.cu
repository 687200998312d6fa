// What is done to all gradients before a step: their norm is taken and clipped, and the factor by which the loss was scaled is taken out again.
// Array 0 of each tensor is its gradient.
#include "tensors.cuh"

// partial[b] = sum of g^2 over block b's part, in double: the squares of finite float32 numbers are finite there. Lanes add their sums in pairs, then warps do.
extern "C" __global__ void sum_of_squares(Tensors tensors, double* __restrict__ partial) {
  __shared__ double of_warp[8];  // of 256 threads
  double sum = 0;
  for_each_place<0>(tensors, [&](const REAL* x) { sum += (double)x[0] * x[0]; });
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffff, sum, distance);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < 8; warp++) sum += of_warp[warp];
    partial[blockIdx.x] = sum;
  }
}

// g *= most / (norm + 1e-6), with norm = sqrt(squares[0]), if that is below 1. Where the norm is not finite, no scaling can mend it, and gradients stay.
extern "C" __global__ void clip(Tensors tensors, const double* __restrict__ squares, double most) {
  const double norm = sqrt(squares[0]), factor = most / (norm + 1e-6);
  if (!(factor < 1) || norm == INFINITY) return;
  for_each_place<1>(tensors, [=](REAL* x) { x[0] *= REAL(factor); });
}

// g /= scale[0];  found[0] = 1 if a gradient is not finite. Several threads may write that 1, which is always the same.
extern "C" __global__ void unscale(Tensors tensors, const float* __restrict__ scale, int* __restrict__ found) {
  const REAL inverse = REAL(1) / REAL(scale[0]);
  bool finite = true;
  for_each_place<1>(tensors, [&](REAL* x) {
    x[0] *= inverse;
    finite = finite && x[0] - x[0] == 0;  // Inf - Inf and NaN - NaN are NaN
  });
  if (!finite) found[0] = 1;
}
