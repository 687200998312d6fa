// The weight gradient of a convolution on Hopper's tensor cores, for 16-bit numbers: as conv_tensor_weights.cu, but the tensor cores read both factors where they
// lie in shared memory, and turn them over themselves. (TF32 they cannot turn over.)
//
// A buffer holds STEP pixels of 64 neighbouring columns in rows of 128 bytes, and behind it those of the next 64 columns. Macros: as in conv_hopper.cu.
#include "numbers.cuh"
#include "conv_pass.cuh"
#include "tensor_core.cuh"
#include "hopper.cuh"

constexpr int STEP = 64;             // pixels of a step
constexpr int BLOCK = STEP * 128;    // bytes of a buffer's 64 columns
constexpr int TILES = TILE_M / 128;  // of 64 rows, for each warpgroup

__device__ __forceinline__ int swizzled(int row, int piece) { return piece / 8 * BLOCK + row * 128 + ((piece % 8 ^ (row & 7)) << 4); }

extern "C" __global__ void __launch_bounds__(256, 2) conv_hopper_weights(
    const STORE* __restrict__ x, const STORE* __restrict__ dy, float* __restrict__ parts, const Pass p, int groups, int steps_each) {
  extern __shared__ __align__(1024) unsigned char memory[];
  constexpr int LEFT = TILE_M / 64 * BLOCK, STAGE = LEFT + TILE_N / 64 * BLOCK;
  constexpr int WIDE_M = TILE_M / WIDTH, WIDE_N = TILE_N / WIDTH;  // pieces in a row
  constexpr int ROWS_M = 256 / WIDE_M, ROWS_N = 256 / WIDE_N;      // rows that all threads copy at once
  const int t = threadIdx.x, lane = t % 32, own = t / 128 * (TILE_M / 2);
  const int k0 = blockIdx.x * TILE_N, o0 = blockIdx.y * TILE_M, group = blockIdx.z % groups, part = blockIdx.z / groups;
  x += (size_t)group * p.C;
  dy += (size_t)group * p.O;

  const Position at(p, k0 + t % WIDE_N * WIDTH);  // this thread copies one column of pieces: one tap, and its neighbouring channels
  const int row = at.row(p), column = at.column(p), offset = at.offset(p), o = o0 + t % WIDE_M * WIDTH;
  const int first = part * steps_each * STEP;
  const int end = first + steps_each * STEP < p.M ? first + steps_each * STEP : p.M;

  auto copy = [&](int stage, int m0) {
    unsigned char *left = memory + stage * STAGE, *right = left + LEFT;
#pragma unroll
    for (int i = 0; i < STEP / ROWS_M; i++) {
      const int r = t / WIDE_M + i * ROWS_M;
      const bool seen = m0 + r < end && o < p.O;
      copy_async_16(left + swizzled(r, t % WIDE_M), seen ? dy + (size_t)(m0 + r) * p.pitch_out + o : dy, seen ? 16 : 0);
    }
#pragma unroll
    for (int i = 0; i < STEP / ROWS_N; i++) {
      const int r = t / WIDE_N + i * ROWS_N;
      const Window window(p, m0 + r);
      const bool seen = m0 + r < end && at.k < p.K && inside(p, window, row, column);
      copy_async_16(right + swizzled(r, t % WIDE_N), seen ? x + window.start + offset : x, seen ? 16 : 0);
    }
  };

  float sum[TILES][TILE_N / 2] = {};
  const int steps = end > first ? (end - first + STEP - 1) / STEP : 0;
#pragma unroll
  for (int s = 0; s < AHEAD; s++) {
    if (s < steps) copy(s, first + s * STEP);
    copy_async_commit();
  }
  for (int step = 0; step < steps; step++) {
    copy_async_wait<AHEAD - 1>();
    show_to_tensor_cores();
    wgmma_wait<0>();
    __syncthreads();
    const unsigned char *left = memory + step % STAGES * STAGE + own / 64 * BLOCK, *right = memory + step % STAGES * STAGE + LEFT;
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < STEP / 16; k++)
#pragma unroll
      for (int i = 0; i < TILES; i++) WGMMA_OF(sum[i], operand(left + i * BLOCK + k * 2048, 1024, BLOCK), operand(right + k * 2048, 1024, BLOCK));
    wgmma_commit();
    if (step + AHEAD < steps) copy((step + AHEAD) % STAGES, first + (step + AHEAD) * STEP);
    copy_async_commit();
  }
  copy_async_wait<0>();
  wgmma_wait<0>();

  parts += (size_t)blockIdx.z * p.O * p.K;
#pragma unroll
  for (int i = 0; i < TILES; i++)
#pragma unroll
    for (int e = 0; e < TILE_N / 2; e++) {
      const int o = o0 + own + i * 64 + t / 32 % 4 * 16 + lane / 4 + e / 2 % 2 * 8, k = k0 + e / 4 * 8 + lane % 4 * 2 + e % 2;
      if (o < p.O && k < p.K) parts[(size_t)o * p.K + k] = sum[i][e];
    }
}
