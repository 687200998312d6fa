// The ladder of convolution: seven ways to compute it, from the naive port of the definition to the fastest. Each rung changes one thing,
// and each is kept. `minicnn.set_conv_algorithm("tiled")` computes all convolutions by one of them; docs/conv_ladder.md climbs the ladder.
//
//   1  naive      below                   A thread for each result walks through its window: the loops of kernels/loops/conv.py, the outer ones turned into
//                                         threads. Border tests and addresses for every product, and both factors from global memory.
//   2  im2col     below                   The windows are written down as the rows of a matrix. What is left is a product of matrices, still with a thread
//                 conv_ladder_product.cu  for each result, but with nothing in its loop except the product, and with neighbours that read neighbours.
//   3  tiled      conv_ladder_product.cu  1024 threads bring a tile of each factor into shared memory: what comes from global memory is used 32 times.
//   4  registers  conv_ladder_product.cu  A thread computes 4x4 results in its registers: what comes from shared memory is used 4 times,
//                                         and what comes from global memory 64 times.
//   5  implicit   conv_gather.cu          The matrix of windows is never written: its numbers are found in the image on the way into shared memory. 8x8
//                                         results a thread, 16 bytes a load, and the next tile is on its way while this one is multiplied.
//   6  tensor     conv_tensor.cu          Tensor cores multiply 16x16 by 16x8 numbers in one instruction, and copies go into shared memory without a register.
//   7  hopper     conv_hopper.cu          Hopper's tensor cores multiply 64x16 by 16x128 numbers right out of shared memory.
//
// In this file: rung 1, and the matrix of windows. Images are (N, H, W, C), filters (O, kh, kw, C).
#include "numbers.cuh"

struct Conv {
  int N, H, W, C, P, Q, O;  // C and O: of one group
  int kh, kw, sh, sw, top, left, dh, dw, groups;
};

__device__ __forceinline__ bool inside(const Conv& s, int r, int c) { return 0 <= r && r < s.H && 0 <= c && c < s.W; }

// Where the channels of a group begin in a pixel of x, and where those of a result are in y.
__device__ __forceinline__ size_t at_x(const Conv& s, int n, int r, int column, int group) {
  return ((((size_t)n * s.H + r) * s.W + column) * s.groups + group) * s.C;
}
__device__ __forceinline__ size_t at_y(const Conv& s, int n, int p, int q, int group) {
  return ((((size_t)n * s.P + p) * s.Q + q) * s.groups + group) * s.O;
}

// Rung 1, forward: y[n, p, q, o] = b[o] + Σ over i, j, c of x[n, p sh - top + i dh, q sw - left + j dw, c] · w[o, i, j, c], clipped to low..high.
// A thread for each result; neighbours have the same pixel and different filters.
extern "C" __global__ void naive_forward(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const REAL* __restrict__ bias, STORE* __restrict__ y, const Conv s, double low, double high) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const int outputs = s.groups * s.O, o = t % outputs, group = o / s.O;
  const int q = t / outputs % s.Q, p = t / outputs / s.Q % s.P, n = t / outputs / s.Q / s.P;
  if (n >= s.N) return;
  REAL sum = 0;
  for (int i = 0; i < s.kh; i++)
    for (int j = 0; j < s.kw; j++) {
      const int r = p * s.sh - s.top + i * s.dh, column = q * s.sw - s.left + j * s.dw;
      if (!inside(s, r, column)) continue;  // padding is zero
      for (int c = 0; c < s.C; c++) sum += REAL(x[at_x(s, n, r, column, group) + c]) * REAL(w[((size_t)(o * s.kh + i) * s.kw + j) * s.C + c]);
    }
  if (bias) sum += bias[o];
  y[t] = STORE(sum < REAL(low) ? REAL(low) : sum > REAL(high) ? REAL(high) : sum);  // a NaN stays
}

// Rung 1, data gradient: dx[n, r, column, c] = Σ over i, j, o of dy[n, p, q, o] · w[o, i, j, c], for those taps through which a window p, q saw the pixel:
// p = (r + top - i dh) / sh must be an integer. A thread for each pixel and channel, which collects what the definition spreads: nobody else writes there.
extern "C" __global__ void naive_data(const STORE* __restrict__ dy, const STORE* __restrict__ w, STORE* __restrict__ dx, const Conv s) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const int inputs = s.groups * s.C, c = t % s.C, group = t % inputs / s.C;
  const int column = t / inputs % s.W, r = t / inputs / s.W % s.H, n = t / inputs / s.W / s.H;
  if (n >= s.N) return;
  REAL sum = 0;
  for (int i = 0; i < s.kh; i++)
    for (int j = 0; j < s.kw; j++) {
      const int p = (r + s.top - i * s.dh) / s.sh, q = (column + s.left - j * s.dw) / s.sw;
      if (p * s.sh - s.top + i * s.dh != r || q * s.sw - s.left + j * s.dw != column) continue;  // between two windows
      if (p < 0 || p >= s.P || q < 0 || q >= s.Q) continue;
      for (int o = 0; o < s.O; o++) sum += REAL(dy[at_y(s, n, p, q, group) + o]) * REAL(w[((size_t)((group * s.O + o) * s.kh + i) * s.kw + j) * s.C + c]);
    }
  dx[t] = STORE(sum);
}

// Rung 1, weight gradient: dw[o, i, j, c] = Σ over n, p, q of dy[n, p, q, o] · x[n, p sh - top + i dh, q sw - left + j dw, c]. A thread for each weight walks
// over all images: a long way, and few threads.
extern "C" __global__ void naive_weights(const STORE* __restrict__ dy, const STORE* __restrict__ x, STORE* __restrict__ dw, const Conv s) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const int c = t % s.C, j = t / s.C % s.kw, i = t / s.C / s.kw % s.kh, o = t / s.C / s.kw / s.kh, group = o / s.O;
  if (group >= s.groups) return;
  REAL sum = 0;
  for (int n = 0; n < s.N; n++)
    for (int p = 0; p < s.P; p++)
      for (int q = 0; q < s.Q; q++) {
        const int r = p * s.sh - s.top + i * s.dh, column = q * s.sw - s.left + j * s.dw;
        if (inside(s, r, column)) sum += REAL(dy[at_y(s, n, p, q, group) + o % s.O]) * REAL(x[at_x(s, n, r, column, group) + c]);
      }
  dw[t] = STORE(sum);
}

// Rungs 2 to 4: cols[m, group, i, j, c] = the pixel that window m = (n, p, q) sees through tap (i, j), or zero. A thread for each number; neighbours have
// neighbouring channels, so that they read neighbours and write neighbours. The matrix is kh kw / (sh sw) times as large as the images.
extern "C" __global__ void im2col(const STORE* __restrict__ x, STORE* __restrict__ cols, const Conv s) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const int c = t % s.C, j = t / s.C % s.kw, i = t / s.C / s.kw % s.kh, group = t / s.C / s.kw / s.kh % s.groups;
  const long long m = t / s.C / s.kw / s.kh / s.groups;
  const int q = m % s.Q, p = m / s.Q % s.P, n = m / s.Q / s.P;
  if (n >= s.N) return;
  const int r = p * s.sh - s.top + i * s.dh, column = q * s.sw - s.left + j * s.dw;
  cols[t] = inside(s, r, column) ? x[at_x(s, n, r, column, group) + c] : STORE(REAL(0));
}

// The transpose of im2col: every number of the matrix goes back to the pixel that it was copied from, which sums what it gets. A thread for each pixel and channel
// looks for its numbers, as in naive_data: were there a thread for each number of the matrix, several would write to one pixel at once.
extern "C" __global__ void col2im(const STORE* __restrict__ cols, STORE* __restrict__ dx, const Conv s) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  const int inputs = s.groups * s.C, c = t % s.C, group = t % inputs / s.C;
  const int column = t / inputs % s.W, r = t / inputs / s.W % s.H, n = t / inputs / s.W / s.H;
  if (n >= s.N) return;
  REAL sum = 0;
  for (int i = 0; i < s.kh; i++)
    for (int j = 0; j < s.kw; j++) {
      const int p = (r + s.top - i * s.dh) / s.sh, q = (column + s.left - j * s.dw) / s.sw;
      if (p * s.sh - s.top + i * s.dh != r || q * s.sw - s.left + j * s.dw != column) continue;
      if (p < 0 || p >= s.P || q < 0 || q >= s.Q) continue;
      const size_t m = ((size_t)n * s.P + p) * s.Q + q;
      sum += REAL(cols[(((m * s.groups + group) * s.kh + i) * s.kw + j) * s.C + c]);
    }
  dx[t] = STORE(sum);
}
