// Convolutions with few channels in a group, where a product of matrices would have next to nothing to multiply: each thread computes its own sum.
// The passes are those of conv_pass.cuh. Macro: VECTOR, the channels that a thread of the depthwise kernels computes: WIDTH, or 1.
#include "numbers.cuh"
#include "conv_pass.cuh"

struct alignas(sizeof(STORE) * VECTOR) Vector {
  STORE v[VECTOR];
};
__device__ __forceinline__ REAL clipped(REAL v, double low, double high) { return v < REAL(low) ? REAL(low) : v > REAL(high) ? REAL(high) : v; }

// Depthwise: one channel a group, read and written. x (N, IH, IW, G), w (taps, G), y (N, OH, OW, G). A thread for each result's pixel and VECTOR channels,
// those of a pixel beside each other.
extern "C" __global__ void __launch_bounds__(256) conv_depthwise(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const REAL* __restrict__ bias, STORE* __restrict__ y, const Pass p, int groups, double low, double high) {
  const long long thread = (long long)blockIdx.x * 256 + threadIdx.x;
  const int lanes = groups / VECTOR, m = thread / lanes, g = thread % lanes * VECTOR;
  if (m >= p.M) return;
  const Window window(p, m);
  REAL sum[VECTOR];
#pragma unroll
  for (int v = 0; v < VECTOR; v++) sum[v] = bias ? bias[g + v] : REAL(0);
  for (Position at(p, 0); at.k < p.K; at.advance(p, 1)) {
    if (!inside(p, window, at.row(p), at.column(p))) continue;
    const Vector pixel = *(const Vector*)(x + window.start + at.offset(p) + g);
    const Vector tap = *(const Vector*)(w + (size_t)at.weight(p) * groups + g);
#pragma unroll
    for (int v = 0; v < VECTOR; v++) sum[v] += REAL(pixel.v[v]) * REAL(tap.v[v]);
  }
  Vector result;
#pragma unroll
  for (int v = 0; v < VECTOR; v++) result.v[v] = STORE(clipped(sum[v], low, high));
  *(Vector*)(y + target(p, m) + g) = result;
}

// Its weight gradient: dw[tap, g] = Σ over m of dy[m, g] x(window of m, tap, g). A block sums every gridDim.y-th row of eight pixels, for 32 channels and
// tap blockIdx.z, into parts (gridDim.y, taps, G).
extern "C" __global__ void __launch_bounds__(256) conv_depthwise_weights(
    const STORE* __restrict__ x, const STORE* __restrict__ dy, REAL* __restrict__ parts, const Pass p, int groups) {
  __shared__ REAL sums[8][32];
  const int g = blockIdx.x * 32 + threadIdx.x;
  const Position at(p, blockIdx.z);
  const int row = at.row(p), column = at.column(p), offset = at.offset(p);
  REAL sum = 0;
  if (g < groups)
    for (int m = blockIdx.y * 8 + threadIdx.y; m < p.M; m += gridDim.y * 8) {
      const Window window(p, m);
      if (inside(p, window, row, column)) sum += REAL(dy[(size_t)m * p.pitch_out + g]) * REAL(x[window.start + offset + g]);
    }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && g < groups) {
    for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
    parts[((size_t)blockIdx.y * gridDim.z + blockIdx.z) * groups + g] = sum;
  }
}

// Grouped: a thread for each result. Weights wherever the pass says.
extern "C" __global__ void __launch_bounds__(256) conv_grouped(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const REAL* __restrict__ bias, STORE* __restrict__ y, const Pass p, int groups, double low, double high) {
  const long long thread = (long long)blockIdx.x * 256 + threadIdx.x;
  const int outputs = groups * p.O, m = thread / outputs, o = thread % outputs, group = o / p.O;
  if (m >= p.M) return;
  const Window window(p, m);
  x += window.start + group * p.C;
  w += (size_t)group * p.w_group + (size_t)(o % p.O) * p.w_row;
  REAL sum = bias ? bias[o] : REAL(0);
  for (Position at(p, 0); at.k < p.K; at.advance(p, 1))
    if (inside(p, window, at.row(p), at.column(p))) sum += REAL(x[at.offset(p)]) * REAL(w[at.weight(p)]);
  y[target(p, m) + o] = STORE(clipped(sum, low, high));
}

// Its weight gradient: a thread for each weight and each of gridDim.y parts of the pixels. parts (gridDim.y, group, O, K).
extern "C" __global__ void __launch_bounds__(256) conv_grouped_weights(
    const STORE* __restrict__ x, const STORE* __restrict__ dy, REAL* __restrict__ parts, const Pass p, int groups) {
  const int weight = blockIdx.x * 256 + threadIdx.x, size = groups * p.O * p.K;
  if (weight >= size) return;
  const int o = weight / p.K;
  const Position at(p, weight % p.K);
  const int row = at.row(p), column = at.column(p), offset = at.offset(p) + o / p.O * p.C;
  REAL sum = 0;
  for (int m = blockIdx.y; m < p.M; m += gridDim.y) {
    const Window window(p, m);
    if (inside(p, window, row, column)) sum += REAL(dy[(size_t)m * p.pitch_out + o]) * REAL(x[window.start + offset]);
  }
  parts[(size_t)blockIdx.y * size + weight] = sum;
}
