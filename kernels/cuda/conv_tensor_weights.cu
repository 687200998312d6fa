// The weight gradient of a convolution on the tensor cores: dw[o, (i, j, c)] = Σ over results m of dy[m, o] · x(window of m, tap (i, j), channel c).
//
// The sum runs over pixels, and a pixel's channels lie beside each other: so both factors come into shared memory with the sum's axis outermost, and have to
// be turned over on the way into the tensor core. For 16-bit numbers ldmatrix does that; 32-bit numbers are read one by one.
//
// The sum is cut into gridDim.z / groups parts, as in conv_gather_weights (conv_gather.cu). Macros: as in conv_tensor.cu.
#include "numbers.cuh"
#include "conv_pass.cuh"
#include "tensor_core.cuh"

constexpr int STEP = 32;                                 // pixels of a step
constexpr int THREADS = TILE_M + TILE_N > 128 ? 256 : 128;
constexpr int ACROSS = TILE_N / 32, DOWN = THREADS / 32 / ACROSS;  // warps beside and below each other
constexpr int PART_M = TILE_M / DOWN, PART_N = 32;                 // what a warp computes of the tile
constexpr int TILES_M = PART_M / 16, TILES_N = PART_N / 8;

// Where piece `piece` (16 bytes) of row `row` lies in a buffer of rows of `tile` numbers. 16-bit numbers: pieces change places, as in conv_tensor.cu.
// 32-bit numbers are not read in pieces: 8 numbers more in a row let the four rows and eight columns that a warp reads at once meet 32 banks.
__device__ __forceinline__ constexpr int pitch(int tile) { return (int)sizeof(STORE) * (sizeof(STORE) == 4 ? tile + 8 : tile); }
__device__ __forceinline__ int swizzled(int tile, int row, int piece) {
  return row * pitch(tile) + ((sizeof(STORE) == 4 ? piece : piece ^ (row & 7)) << 4);
}

constexpr int DEPTH = 32 / sizeof(STORE);  // pixels that one instruction multiplies

// Which column of a warp's part is row or column `n` (0 to 7) of tile `i`, in the order in which the tensor core counts. For 16-bit numbers the tiles lie side by
// side. 32-bit numbers are not loaded by tiles: a thread reads four neighbours at once, and the four belong to four tiles.
__device__ __forceinline__ int column_of(int i, int n) { return sizeof(STORE) == 2 ? i * 8 + n : i / 4 * 32 + n * 4 + i % 4; }

// The fragments of DEPTH rows from `k` on, columns from `first` on: of the left factor in tiles of 16 columns, of the right one in tiles of 8.
template <int TILES>
__device__ __forceinline__ void load_left(unsigned (&a)[TILES][4], const unsigned char* from, int k, int first, int lane) {
  if constexpr (sizeof(STORE) == 2) {
#pragma unroll
    for (int i = 0; i < TILES; i++) ldmatrix_x4_trans(a[i], from + swizzled(TILE_M, k + lane / 16 * 8 + lane % 8, (first + i * 16) / 8 + lane / 8 % 2));
  } else {
#pragma unroll
    for (int i = 0; i < 2 * TILES; i += 4)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint4 four = *(const uint4*)(from + (k + lane % 4 + half * 4) * pitch(TILE_M) + (first + column_of(i, lane / 4)) * 4);
        a[i / 2][half * 2] = round_tf32(four.x), a[i / 2][half * 2 + 1] = round_tf32(four.y);
        a[i / 2 + 1][half * 2] = round_tf32(four.z), a[i / 2 + 1][half * 2 + 1] = round_tf32(four.w);
      }
  }
}
template <int TILES>
__device__ __forceinline__ void load_right(unsigned (&b)[TILES][2], const unsigned char* from, int k, int first, int lane) {
  if constexpr (sizeof(STORE) == 2) {
#pragma unroll
    for (int j = 0; j < TILES; j += 2) {
      unsigned two[4];
      ldmatrix_x4_trans(two, from + swizzled(TILE_N, k + lane / 8 % 2 * 8 + lane % 8, (first + j * 8) / 8 + lane / 16));
      b[j][0] = two[0], b[j][1] = two[1], b[j + 1][0] = two[2], b[j + 1][1] = two[3];
    }
  } else {
#pragma unroll
    for (int j = 0; j < TILES; j += 4)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint4 four = *(const uint4*)(from + (k + lane % 4 + half * 4) * pitch(TILE_N) + (first + column_of(j, lane / 4)) * 4);
        b[j][half] = round_tf32(four.x), b[j + 1][half] = round_tf32(four.y), b[j + 2][half] = round_tf32(four.z), b[j + 3][half] = round_tf32(four.w);
      }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) conv_tensor_weights(
    const STORE* __restrict__ x, const STORE* __restrict__ dy, float* __restrict__ parts, const Pass p, int groups, int steps_each) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int LEFT = STEP * pitch(TILE_M), STAGE = LEFT + STEP * pitch(TILE_N);
  constexpr int WIDE_M = TILE_M / WIDTH, WIDE_N = TILE_N / WIDTH;  // pieces in a row
  constexpr int ROWS_M = THREADS / WIDE_M, ROWS_N = THREADS / WIDE_N;  // rows that all threads copy at once
  const int t = threadIdx.x, warp = t / 32, lane = t % 32;
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
      copy_async_16(left + swizzled(TILE_M, r, t % WIDE_M), seen ? dy + (size_t)(m0 + r) * p.pitch_out + o : dy, seen ? 16 : 0);
    }
#pragma unroll
    for (int i = 0; i < STEP / ROWS_N; i++) {
      const int r = t / WIDE_N + i * ROWS_N;
      const Window window(p, m0 + r);
      const bool seen = m0 + r < end && at.k < p.K && inside(p, window, row, column);
      copy_async_16(right + swizzled(TILE_N, r, t % WIDE_N), seen ? x + window.start + offset : x, seen ? 16 : 0);
    }
  };

  float sum[TILES_M][TILES_N][4] = {};
  const int steps = end > first ? (end - first + STEP - 1) / STEP : 0, wm = warp / ACROSS * PART_M, wn = warp % ACROSS * PART_N;
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < steps) copy(s, first + s * STEP);
    copy_async_commit();
  }
  for (int step = 0; step < steps; step++) {
    copy_async_wait<STAGES - 2>();
    __syncthreads();
    if (step + STAGES - 1 < steps) copy((step + STAGES - 1) % STAGES, first + (step + STAGES - 1) * STEP);
    copy_async_commit();
    const unsigned char *left = memory + step % STAGES * STAGE, *right = left + LEFT;
#pragma unroll
    for (int k = 0; k < STEP; k += DEPTH) {
      unsigned a[TILES_M][4], b[TILES_N][2];
      load_left(a, left, k, wm, lane);
      load_right(b, right, k, wn, lane);
#pragma unroll
      for (int i = 0; i < TILES_M; i++)
#pragma unroll
        for (int j = 0; j < TILES_N; j++) MMA(sum[i][j], a[i], b[j]);
    }
  }
  copy_async_wait<0>();

  parts += (size_t)blockIdx.z * p.O * p.K;
#pragma unroll
  for (int i = 0; i < TILES_M; i++)
#pragma unroll
    for (int j = 0; j < TILES_N; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int o = o0 + wm + column_of(2 * i + e / 2, lane / 4), k = k0 + wn + column_of(j, lane % 4 * 2 + e % 2);
        if (o < p.O && k < p.K) parts[(size_t)o * p.K + k] = sum[i][j][e];
      }
}
