// Convolution as a product of matrices of which one is never written down (implicit GEMM), on the ordinary arithmetic units.
//
// A block of 256 threads computes TILE_M x TILE_N results. It walks along the sum in steps of DEPTH. In every step its threads gather a piece of both
// factors into shared memory, where each number is read many times, and each thread adds to EACH_M x EACH_N results of its own in registers. While
// it multiplies, the numbers of the next step are already on their way from memory into registers; two buffers in shared memory take turns,
// so that one barrier a step is enough.
//
// Macros: TILE_M, TILE_N: 128 or 64; VECTOR, the numbers that a thread reads at once: 4 (double: 2), or 1 where channels are not a multiple of it.
#include "numbers.cuh"
#include "conv_pass.cuh"

constexpr int DEPTH = 16, EACH_M = TILE_M / 16, EACH_N = TILE_N / 16;
constexpr int PITCH_M = TILE_M + 4, PITCH_N = TILE_N + 4;  // of a row in shared memory: 4 more, so that the threads that write a column meet fewer times in one bank

struct alignas(sizeof(STORE) * VECTOR) Vector {
  STORE v[VECTOR];
  Vector() = default;  // `Vector()` is all zeros
};

// The results of a thread: rows and columns in groups of four neighbours, so that the threads of a warp read neighbouring words of
// shared memory (eight in one piece would be eight words apart, and four threads in the same bank).
__device__ __forceinline__ int place(int thread, int e) { return e / 4 * 64 + thread * 4 + e % 4; }

__device__ __forceinline__ void multiply(const REAL (*a)[PITCH_M], const REAL (*b)[PITCH_N], REAL (&sum)[EACH_M][EACH_N], int ty, int tx) {
#pragma unroll
  for (int k = 0; k < DEPTH; k++) {
    REAL left[EACH_M], right[EACH_N];
#pragma unroll
    for (int e = 0; e < EACH_M; e++) left[e] = a[k][place(ty, e)];
#pragma unroll
    for (int e = 0; e < EACH_N; e++) right[e] = b[k][place(tx, e)];
#pragma unroll
    for (int i = 0; i < EACH_M; i++)
#pragma unroll
      for (int j = 0; j < EACH_N; j++) sum[i][j] += left[i] * right[j];
  }
}

// Convolution and data gradient. x (N, IH, IW, pitch_in), w (wherever the pass says), y (N, OH, OW, pitch_out); bias (O) or null.
// Results are clipped to low..high. Blocks: x along the outputs, then along the pixels, so that blocks which read the same pixels run together; z the groups.
constexpr int LANES = DEPTH / VECTOR, ROWS = 256 / LANES;           // LANES threads read a row of a tile
constexpr int COUNT_M = TILE_M / ROWS, COUNT_N = TILE_N / ROWS;      // rows that each thread reads

extern "C" __global__ void __launch_bounds__(256, 2) conv_gather(
    const STORE* __restrict__ x, const STORE* __restrict__ w, const REAL* __restrict__ bias, STORE* __restrict__ y, const Pass p, double low, double high) {
  __shared__ __align__(16) REAL a[2][DEPTH][PITCH_M];
  __shared__ __align__(16) REAL b[2][DEPTH][PITCH_N];
  const int t = threadIdx.x, tx = t % 16, ty = t / 16, lane = t % LANES * VECTOR, line = t / LANES;
  const int across = (p.O + TILE_N - 1) / TILE_N, m0 = blockIdx.x / across * TILE_M, o0 = blockIdx.x % across * TILE_N;
  x += (size_t)blockIdx.z * p.C;
  w += (size_t)blockIdx.z * p.w_group;

  int rows[COUNT_M], columns[COUNT_M], starts[COUNT_M];
#pragma unroll
  for (int r = 0; r < COUNT_M; r++) {
    const Window window(p, m0 + line + r * ROWS);
    rows[r] = window.row, columns[r] = window.column, starts[r] = window.start;
  }
  Position at(p, lane);
  Vector left[COUNT_M], right[COUNT_N];

  auto fetch = [&] {  // the next step's numbers, into registers
    const int row = at.row(p), column = at.column(p), offset = at.offset(p), weight = at.weight(p);
    const bool within = at.k < p.K;
#pragma unroll
    for (int r = 0; r < COUNT_M; r++) {
      left[r] = Vector();
      if (within && (unsigned)(rows[r] + row) < (unsigned)p.IH && (unsigned)(columns[r] + column) < (unsigned)p.IW) left[r] = *(const Vector*)(x + starts[r] + offset);
    }
#pragma unroll
    for (int r = 0; r < COUNT_N; r++) {
      const int o = o0 + line + r * ROWS;
      right[r] = Vector();
      if (within && o < p.O) right[r] = *(const Vector*)(w + (size_t)o * p.w_row + weight);
    }
    at.advance(p, DEPTH);
  };
  auto put = [&](int buffer) {  // from registers into shared memory, with the sum's axis outermost
#pragma unroll
    for (int v = 0; v < VECTOR; v++) {
#pragma unroll
      for (int r = 0; r < COUNT_M; r++) a[buffer][lane + v][line + r * ROWS] = REAL(left[r].v[v]);
#pragma unroll
      for (int r = 0; r < COUNT_N; r++) b[buffer][lane + v][line + r * ROWS] = REAL(right[r].v[v]);
    }
  };

  REAL sum[EACH_M][EACH_N] = {};
  const int steps = (p.K + DEPTH - 1) / DEPTH;
  if (steps > 0) {
    fetch();
    put(0);
  }
  for (int step = 0; step < steps; step++) {
    __syncthreads();  // this step's numbers are there, and nobody reads the other buffer any more
    if (step + 1 < steps) fetch();
    multiply(a[step % 2], b[step % 2], sum, ty, tx);
    if (step + 1 < steps) put((step + 1) % 2);
  }

#pragma unroll
  for (int i = 0; i < EACH_M; i++) {
    const int m = m0 + place(ty, i);
    if (m >= p.M) continue;
    STORE* result = y + target(p, m) + (size_t)blockIdx.z * p.O;
#pragma unroll
    for (int j = 0; j < EACH_N; j++) {
      const int o = o0 + place(tx, j);
      if (o < p.O) {
        const REAL v = sum[i][j] + (bias ? bias[blockIdx.z * p.O + o] : REAL(0));
        result[o] = STORE(v < REAL(low) ? REAL(low) : v > REAL(high) ? REAL(high) : v);  // a NaN stays
      }
    }
  }
}

// Weight gradient: dw[o, (i, j, c)] = Σ over results m of dy[m, o] · x(window of m, tap (i, j), channel c). A product of matrices again, whose sum
// runs over the pixels. There are many of them and few results, so the sum is cut into gridDim.z / groups parts, each of
// which goes into a matrix of its own; `sum_parts` adds them up, always in the same order.
// parts (part, group, O, K). Blocks: x along the columns (i, j, c), y along the rows o, z the parts and groups.
constexpr int WIDE_M = TILE_M / VECTOR, WIDE_N = TILE_N / VECTOR;      // threads that read a row of a tile
constexpr int DOWN_M = 256 / WIDE_M, DOWN_N = 256 / WIDE_N;            // rows that all of them read at once
constexpr int TIMES_M = DOWN_M < DEPTH ? DEPTH / DOWN_M : 1, TIMES_N = DOWN_N < DEPTH ? DEPTH / DOWN_N : 1;

extern "C" __global__ void __launch_bounds__(256, 2) conv_gather_weights(
    const STORE* __restrict__ x, const STORE* __restrict__ dy, REAL* __restrict__ parts, const Pass p, int groups, int steps_each) {
  __shared__ __align__(16) REAL a[2][DEPTH][PITCH_M];
  __shared__ __align__(16) REAL b[2][DEPTH][PITCH_N];
  const int t = threadIdx.x, tx = t % 16, ty = t / 16;
  const int wide_m = t % WIDE_M * VECTOR, down_m = t / WIDE_M, wide_n = t % WIDE_N * VECTOR, down_n = t / WIDE_N;
  const int k0 = blockIdx.x * TILE_N, o0 = blockIdx.y * TILE_M, group = blockIdx.z % groups, part = blockIdx.z / groups;
  x += (size_t)group * p.C;
  dy += (size_t)group * p.O;
  const Position at(p, k0 + wide_n);
  const int row = at.row(p), column = at.column(p), offset = at.offset(p);
  const bool column_within = at.k < p.K, row_within = o0 + wide_m < p.O;
  const int first = part * steps_each * DEPTH;
  const int end = first + steps_each * DEPTH < p.M ? first + steps_each * DEPTH : p.M;
  Vector left[TIMES_M], right[TIMES_N];

  auto fetch = [&](int m0) {
#pragma unroll
    for (int r = 0; r < TIMES_M; r++) {
      const int m = m0 + down_m + r * DOWN_M;
      left[r] = Vector();
      if (m < end && row_within) left[r] = *(const Vector*)(dy + (size_t)m * p.pitch_out + o0 + wide_m);
    }
#pragma unroll
    for (int r = 0; r < TIMES_N; r++) {
      const int m = m0 + down_n + r * DOWN_N;
      const Window window(p, m);
      right[r] = Vector();
      if (m < end && column_within && inside(p, window, row, column)) right[r] = *(const Vector*)(x + window.start + offset);
    }
  };
  auto put = [&](int buffer) {  // where a tile has fewer numbers than the block threads, some have nothing to put
#pragma unroll
    for (int r = 0; r < TIMES_M; r++)
#pragma unroll
      for (int v = 0; v < VECTOR; v++)
        if (down_m < DEPTH) a[buffer][down_m + r * DOWN_M][wide_m + v] = REAL(left[r].v[v]);
#pragma unroll
    for (int r = 0; r < TIMES_N; r++)
#pragma unroll
      for (int v = 0; v < VECTOR; v++)
        if (down_n < DEPTH) b[buffer][down_n + r * DOWN_N][wide_n + v] = REAL(right[r].v[v]);
  };

  REAL sum[EACH_M][EACH_N] = {};
  const int steps = end > first ? (end - first + DEPTH - 1) / DEPTH : 0;
  if (steps > 0) {
    fetch(first);
    put(0);
  }
  for (int step = 0; step < steps; step++) {
    __syncthreads();
    if (step + 1 < steps) fetch(first + (step + 1) * DEPTH);
    multiply(a[step % 2], b[step % 2], sum, ty, tx);
    if (step + 1 < steps) put((step + 1) % 2);
  }

  parts += (size_t)blockIdx.z * p.O * p.K;
#pragma unroll
  for (int i = 0; i < EACH_M; i++)
#pragma unroll
    for (int j = 0; j < EACH_N; j++) {
      const int o = o0 + place(ty, i), k = k0 + place(tx, j);
      if (o < p.O && k < p.K) parts[(size_t)o * p.K + k] = sum[i][j];
    }
}
