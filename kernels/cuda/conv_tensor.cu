// Convolution as a product of matrices on the tensor cores: bf16, fp16, or TF32 (float32 in memory, cut to 11 bits on the way into the tensor core).
// Sums are float32 throughout. Needs compute capability 8.0, and channels that 16-byte accesses divide.
//
// Four warps compute a tile of TILE_M x TILE_N results, each a quarter. The factors travel in steps of 128 bytes of each row, by asynchronous copies
// from memory into one of STAGES buffers in shared memory: while the tensor cores multiply what has arrived, the next steps are under way.
//
// Macros: TILE_M, TILE_N: 128 or 64; STAGES; MMA: mma_bf16, mma_f16 or mma_tf32.
#include "numbers.cuh"
#include "conv_pass.cuh"
#include "tensor_core.cuh"
#include "conv_results.cuh"

constexpr int STEP = 128 / sizeof(STORE);               // numbers of the sum in a step
constexpr int PART_M = TILE_M / 2, PART_N = TILE_N / 2; // what a warp computes of the tile
constexpr int TILES_M = PART_M / 16, TILES_N = PART_N / 8;

__device__ __forceinline__ void multiply(float (&sum)[TILES_M][TILES_N][4], unsigned (&a)[TILES_M][4], unsigned (&b)[TILES_N][2]) {
  if (sizeof(STORE) == 4) {
#pragma unroll
    for (int i = 0; i < TILES_M; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) a[i][e] = round_tf32(a[i][e]);
#pragma unroll
    for (int j = 0; j < TILES_N; j++) b[j][0] = round_tf32(b[j][0]), b[j][1] = round_tf32(b[j][1]);
  }
#pragma unroll
  for (int i = 0; i < TILES_M; i++)
#pragma unroll
    for (int j = 0; j < TILES_N; j++) MMA(sum[i][j], a[i], b[j]);
}

// A row of a step is eight pieces of 16 bytes. Piece c of row r lies at place c ^ (r % 8): eight rows read at the same piece then lie in eight
// different groups of banks, and so do eight pieces of a row that are written.
__device__ __forceinline__ int swizzled(int row, int piece) { return row * 128 + ((piece ^ (row & 7)) << 4); }

// Convolution and data gradient: as conv_gather in conv_gather.cu.
extern "C" __global__ void __launch_bounds__(128) conv_tensor(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const float* __restrict__ bias, STORE* __restrict__ y, const Pass p, double low, double high) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int STAGE = (TILE_M + TILE_N) * 128;
  const int t = threadIdx.x, warp = t / 32, lane = t % 32, piece = t % 8, line = t / 8;
  const int across = (p.O + TILE_N - 1) / TILE_N, m0 = blockIdx.x / across * TILE_M, o0 = blockIdx.x % across * TILE_N;
  x += (size_t)blockIdx.z * p.C;
  w += (size_t)blockIdx.z * p.w_group;

  int corners[TILE_M / 16], starts[TILE_M / 16];  // of the windows whose rows this thread copies: row and column in one word; first number
#pragma unroll
  for (int r = 0; r < TILE_M / 16; r++) {
    const Window window(p, m0 + line + r * 16);
    corners[r] = window.row < 0 ? -32768 * 65536 : window.row * 65536 | window.column;
    starts[r] = window.start;
  }
  Position at(p, piece * WIDTH);

  auto copy = [&](int stage) {
    unsigned char* to = memory + stage * STAGE + swizzled(line, piece);
    const int row = at.row(p), column = at.column(p), offset = at.offset(p), weight = at.weight(p);
    const bool within = at.k < p.K;
#pragma unroll
    for (int r = 0; r < TILE_M / 16; r++) {
      const bool seen = within && (unsigned)((corners[r] >> 16) + row) < (unsigned)p.IH && (unsigned)((corners[r] & 65535) + column) < (unsigned)p.IW;
      copy_async_16_cached(to + r * 2048, seen ? x + starts[r] + offset : x, seen ? 16 : 0);
    }
#pragma unroll
    for (int r = 0; r < TILE_N / 16; r++) {
      const int o = o0 + line + r * 16;
      const bool seen = within && o < p.O;
      copy_async_16(to + TILE_M * 128 + r * 2048, seen ? w + (size_t)o * p.w_row + weight : w, seen ? 16 : 0);
    }
    at.advance(p, STEP);
  };

  const int steps = (p.K + STEP - 1) / STEP, wm = warp / 2 * PART_M, wn = warp % 2 * PART_N;
  float sum[TILES_M][TILES_N][4] = {};
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < steps) copy(s);
    copy_async_commit();
  }
  for (int step = 0; step < steps; step++) {
    copy_async_wait<STAGES - 2>();
    __syncthreads();  // everybody's copies of this step have arrived, and the buffer of the step before is free
    if (step + STAGES - 1 < steps) copy((step + STAGES - 1) % STAGES);
    copy_async_commit();
    const unsigned char *left = memory + step % STAGES * STAGE, *right = left + TILE_M * 128;
#pragma unroll
    for (int k = 0; k < 4; k++) {  // 32 bytes of each row at a time: what one instruction multiplies
      unsigned a[TILES_M][4], b[TILES_N][2];
#pragma unroll
      for (int i = 0; i < TILES_M; i++) ldmatrix_x4(a[i], left + swizzled(wm + i * 16 + lane % 16, 2 * k + lane / 16));
#pragma unroll
      for (int j = 0; j < TILES_N; j += 2) {
        unsigned two[4];
        ldmatrix_x4(two, right + swizzled(wn + j * 8 + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
        b[j][0] = two[0], b[j][1] = two[1], b[j + 1][0] = two[2], b[j + 1][1] = two[3];
      }
      multiply(sum, a, b);
    }
  }
  copy_async_wait<0>();
  __syncthreads();

  if (bias)
#pragma unroll
    for (int j = 0; j < TILES_N; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const float more = bias_of(bias + blockIdx.z * p.O, o0 + wn + j * 8 + lane % 4 * 2 + e % 2, p.O);
#pragma unroll
        for (int i = 0; i < TILES_M; i++) sum[i][j][e] += more;
      }
  if (low > -INFINITY || high < INFINITY)
#pragma unroll
    for (int i = 0; i < TILES_M; i++)
#pragma unroll
      for (int j = 0; j < TILES_N; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) sum[i][j][e] = clipped(sum[i][j][e], (float)low, (float)high);
  STORE* tile = (STORE*)memory;
#pragma unroll
  for (int i = 0; i < TILES_M; i++)
#pragma unroll
    for (int j = 0; j < TILES_N; j++)
#pragma unroll
      for (int e = 0; e < 4; e += 2)
        put(tile + (wm + i * 16 + lane / 4 + e / 2 * 8) * PITCH + wn + j * 8 + lane % 4 * 2, sum[i][j][e], sum[i][j][e + 1]);
  __syncthreads();
  write_tile<128>(tile, y + blockIdx.z * p.O + o0, p, m0, p.O - o0);
}
