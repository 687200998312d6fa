// What the weight gradients of convolutions end with.
#include "numbers.cuh"
#include "tensor_core.cuh"

// dw = Σ of `count` parts, always in the same order, so that the result is the same to the last bit every time. A thread for each weight.
extern "C" __global__ void sum_parts(const REAL* __restrict__ parts, STORE* __restrict__ dw, int size, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= size) return;
  REAL sum = 0;
  for (int part = 0; part < count; part++) sum += parts[(size_t)part * size + i];
  dw[i] = STORE(sum);
}

// y (M, D) = x (M, C) with D - C zeros more in each row: channels up to a number that 16-byte accesses divide.
extern "C" __global__ void pad_channels(const STORE* __restrict__ x, STORE* __restrict__ y, long long size, int C, int D) {
  const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= size) return;
  const int d = i % D;
  y[i] = d < C ? x[i / D * C + d] : STORE(REAL(0));
}

// y (M, C) = the first C of each row of x (M, D).
extern "C" __global__ void cut_channels(const STORE* __restrict__ x, STORE* __restrict__ y, long long size, int C, int D) {
  const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) y[i] = x[i / C * D + i % C];
}

// db[o] = Σ over rows m of dy[m, o], in two steps. Here the first: a block sums rows blockIdx.y, blockIdx.y + gridDim.y, ... of 32 columns into a row of
// parts (gridDim.y, O); `sum_parts` adds those up.
extern "C" __global__ void __launch_bounds__(256) sum_rows(const STORE* __restrict__ dy, REAL* __restrict__ parts, int M, int O) {
  __shared__ REAL sums[8][32];
  const int o = blockIdx.x * 32 + threadIdx.x;
  REAL sum = 0;
  if (o < O)
    for (int m = blockIdx.y * 8 + threadIdx.y; m < M; m += gridDim.y * 8) sum += REAL(dy[(size_t)m * O + o]);
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && o < O) {
    for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
    parts[(size_t)blockIdx.y * O + o] = sum;
  }
}

// The gradient of y = min(max(y, 0), ceiling): dy where 0 < y < ceiling, with the ceiling as it was written, rounded to STORE.
extern "C" __global__ void mask(const STORE* __restrict__ dy, const STORE* __restrict__ y, STORE* __restrict__ dx, long long size, double ceiling) {
  const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) dx[i] = REAL(y[i]) > 0 && REAL(y[i]) < REAL(STORE(REAL(ceiling))) ? dy[i] : STORE(REAL(0));
}

// float32 numbers rounded to the 11 bits of TF32.
extern "C" __global__ void round_to_tf32(const STORE* __restrict__ x, STORE* __restrict__ y, int size) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) y[i] = STORE(__uint_as_float(round_tf32(__float_as_uint(float(x[i])))));
}
