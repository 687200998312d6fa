// Convolution on Hopper's tensor cores. As conv_tensor.cu, with one difference: the factors are not loaded into registers, but read by the tensor cores where they
// lie, in shared memory. A warpgroup of 128 threads computes TILE_M / 2 x TILE_N results; a block has two.
//
// TF32: what is multiplied are float32 numbers without their last 13 bits. The launcher rounds weights to 11 bits; pixels are cut.
//
// Macros: TILE_M 128, TILE_N 128 or 64; WGMMA_OF: wgmma_bf16, wgmma_f16 or wgmma_tf32.
#include "numbers.cuh"
#include "conv_pass.cuh"
#include "tensor_core.cuh"
#include "hopper.cuh"
#include "conv_results.cuh"

constexpr int STEP = 128 / sizeof(STORE);  // numbers of the sum in a step
constexpr int TILES = TILE_M / 128;        // of 64 rows, for each warpgroup

__device__ __forceinline__ int swizzled(int row, int piece) { return row * 128 + ((piece ^ (row & 7)) << 4); }

extern "C" __global__ void __launch_bounds__(256, 2) conv_hopper(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const float* __restrict__ bias, STORE* __restrict__ y, const Pass p, double low, double high) {
  extern __shared__ __align__(1024) unsigned char memory[];
  constexpr int LEFT = TILE_M * 128, STAGE = LEFT + TILE_N * 128;
  const int t = threadIdx.x, lane = t % 32, piece = t % 8, line = t / 8;
  const int across = (p.O + TILE_N - 1) / TILE_N, m0 = blockIdx.x / across * TILE_M, o0 = blockIdx.x % across * TILE_N, part = t / 128 * (TILE_M / 2);  // the rows of this warpgroup begin there
  x += (size_t)blockIdx.z * p.C;
  w += (size_t)blockIdx.z * p.w_group;

  int corners[TILE_M / 32], starts[TILE_M / 32];  // of the windows whose rows this thread copies: row and column in one word; first number
#pragma unroll
  for (int r = 0; r < TILE_M / 32; r++) {
    const Window window(p, m0 + line + r * 32);
    corners[r] = window.row < 0 ? -32768 * 65536 : window.row * 65536 | window.column;
    starts[r] = window.start;
  }
  Position at(p, piece * WIDTH);

  auto copy = [&](int stage) {
    unsigned char* to = memory + stage * STAGE + swizzled(line, piece);
    const int row = at.row(p), column = at.column(p), offset = at.offset(p), weight = at.weight(p);
    const bool within = at.k < p.K;
#pragma unroll
    for (int r = 0; r < TILE_M / 32; r++) {
      const bool seen = within && (unsigned)((corners[r] >> 16) + row) < (unsigned)p.IH && (unsigned)((corners[r] & 65535) + column) < (unsigned)p.IW;
      copy_async_16_cached(to + r * 4096, seen ? x + starts[r] + offset : x, seen ? 16 : 0);
    }
#pragma unroll
    for (int r = 0; r < TILE_N / 32; r++) {
      const int o = o0 + line + r * 32;
      const bool seen = within && o < p.O;
      copy_async_16(to + LEFT + r * 4096, seen ? w + (size_t)o * p.w_row + weight : w, seen ? 16 : 0);
    }
    at.advance(p, STEP);
  };

  float sum[TILES][TILE_N / 2] = {};
  const int steps = (p.K + STEP - 1) / STEP;
#pragma unroll
  for (int s = 0; s < AHEAD; s++) {
    if (s < steps) copy(s);
    copy_async_commit();
  }
  for (int step = 0; step < steps; step++) {
    copy_async_wait<AHEAD - 1>();
    show_to_tensor_cores();
    wgmma_wait<0>();
    __syncthreads();  // everybody's copies of this step have arrived, and nobody reads the buffer any more that is filled next
    const unsigned char *left = memory + step % STAGES * STAGE, *right = left + LEFT;
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++)  // 32 bytes of each row at a time: what one instruction multiplies
#pragma unroll
      for (int i = 0; i < TILES; i++) WGMMA_OF(sum[i], operand(left + (part + i * 64) * 128 + k * 32, 1024), operand(right + k * 32, 1024));
    wgmma_commit();
    if (step + AHEAD < steps) copy((step + AHEAD) % STAGES);
    copy_async_commit();
  }
  copy_async_wait<0>();
  wgmma_wait<0>();
  __syncthreads();

  if (bias)
#pragma unroll
    for (int e = 0; e < TILE_N / 2; e++) {
      const float more = bias_of(bias + blockIdx.z * p.O, o0 + e / 4 * 8 + lane % 4 * 2 + e % 2, p.O);
#pragma unroll
      for (int i = 0; i < TILES; i++) sum[i][e] += more;
    }
  if (low > -INFINITY || high < INFINITY)
#pragma unroll
    for (int i = 0; i < TILES; i++)
#pragma unroll
      for (int e = 0; e < TILE_N / 2; e++) sum[i][e] = clipped(sum[i][e], (float)low, (float)high);
  STORE* tile = (STORE*)memory;
#pragma unroll
  for (int i = 0; i < TILES; i++)
#pragma unroll
    for (int e = 0; e < TILE_N / 2; e += 2) {
      const int m = part + i * 64 + t / 32 % 4 * 16 + lane / 4 + e / 2 % 2 * 8, n = e / 4 * 8 + lane % 4 * 2;
      put(tile + m * PITCH + n, sum[i][e], sum[i][e + 1]);
    }
  __syncthreads();
  write_tile<256>(tile, y + blockIdx.z * p.O + o0, p, m0, p.O - o0);
}
