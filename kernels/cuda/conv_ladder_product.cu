// Rungs 2 to 4 of the ladder (conv_ladder.cu): three ways to multiply matrices, c = a · b. Each computes what the one before computes, and reads less.
//
//   2  product_plain      a thread for each result, both factors from global memory
//   3  product_tiled      tiles of 32x32 in shared memory, a thread for each result
//   4  product_registers  tiles of 64x16 and 16x64 in shared memory, 4x4 results in the registers of each thread
//
// With the windows of the images in rows, cols (M, K), all three products of a convolution are of this kind:
//
//   forward           y (M, O)     = cols (M, K) · wᵀ (K, O)
//   data gradient     dcols (M, K) = dy (M, O) · w (O, K)
//   weight gradient   dw (O, K)    = dyᵀ (O, M) · cols (M, K)
//
// The left factor is read where it lies, transposed or not: its strides say how. The right one and the result have rows of neighbours.
#include "numbers.cuh"

// c (I, J) = a (I, L) · b (L, J), for each group. A long sum is cut into parts of `each`; blockIdx.z counts groups, and groups of parts.
struct Product {
  int I, J, L, groups, each;
  long long a_i, a_l, a_group, b_l, b_group, c_i, c_group;  // numbers from one row, column or group to the next
};

// What a block has to do: its group, and its part of the sum.
struct Task {
  int group, part, first, end;
  __device__ Task(const Product& p) : group(blockIdx.z % p.groups), part(blockIdx.z / p.groups), first(part * p.each), end(min(first + p.each, p.L)) {}
};

// A sum goes to its place in c, or, if it is a part only, into a matrix of its own, which sum_parts (conv_parts.cu) adds to the others.
struct Results {
  const REAL* bias;
  STORE* c;
  REAL* parts;
  REAL low, high;
  __device__ void put(const Product& p, const Task& task, int i, int j, REAL sum) const {
    if (i >= p.I || j >= p.J) return;
    const size_t at = task.group * p.c_group + i * p.c_i + j;
    if (parts) {
      parts[(size_t)task.part * p.groups * p.I * p.J + at] = sum;
      return;
    }
    if (bias) sum += bias[task.group * p.J + j];
    c[at] = STORE(sum < low ? low : sum > high ? high : sum);  // a NaN stays
  }
};

// Rung 2. A block of 8 rows of 32 threads; a thread for each result. The threads of a warp have one row of a, whose numbers all of them get at once, and
// neighbouring columns of b, which one access brings. Two numbers are read for each product.
extern "C" __global__ void __launch_bounds__(256) product_plain(
    const STORE* __restrict__ a, const STORE* __restrict__ b, const REAL* __restrict__ bias, STORE* __restrict__ c, REAL* __restrict__ parts, const Product p, double low, double high) {
  const Task task(p);
  const int across = (p.J + 31) / 32, i = blockIdx.x / across * 8 + threadIdx.y, j = blockIdx.x % across * 32 + threadIdx.x;
  if (i >= p.I || j >= p.J) return;
  a += task.group * p.a_group + i * p.a_i;
  b += task.group * p.b_group + j;
  REAL sum = 0;
  for (int l = task.first; l < task.end; l++) sum += REAL(a[l * p.a_l]) * REAL(b[l * p.b_l]);
  Results{bias, c, parts, REAL(low), REAL(high)}.put(p, task, i, j, sum);
}

// Rung 3. A block of 32x32 threads computes a tile of 32x32 results, along the sum in steps of 32. In each step every thread brings one number of each factor.
// Then each of these is read by 32 threads. Whichever axis of a has the neighbours in memory, neighbouring threads read along it; the
// 33rd column keeps the numbers of a column in different banks of the shared memory.
constexpr int TILE = 32;

extern "C" __global__ void __launch_bounds__(TILE * TILE) product_tiled(
    const STORE* __restrict__ a, const STORE* __restrict__ b, const REAL* __restrict__ bias, STORE* __restrict__ c, REAL* __restrict__ parts, const Product p, double low, double high) {
  __shared__ REAL left[TILE][TILE + 1];
  __shared__ REAL right[TILE][TILE];
  const Task task(p);
  const int tx = threadIdx.x, ty = threadIdx.y, across = (p.J + TILE - 1) / TILE;
  const int i0 = blockIdx.x / across * TILE, j0 = blockIdx.x % across * TILE;
  const int row = p.a_l == 1 ? ty : tx, step = p.a_l == 1 ? tx : ty;  // of the tile of a, which number this thread brings
  a += task.group * p.a_group;
  b += task.group * p.b_group;
  REAL sum = 0;
  for (int l0 = task.first; l0 < task.end; l0 += TILE) {
    left[row][step] = i0 + row < p.I && l0 + step < task.end ? REAL(a[(i0 + row) * p.a_i + (l0 + step) * p.a_l]) : REAL(0);
    right[ty][tx] = l0 + ty < task.end && j0 + tx < p.J ? REAL(b[(l0 + ty) * p.b_l + j0 + tx]) : REAL(0);
    __syncthreads();  // the tiles are complete
    for (int k = 0; k < TILE; k++) sum += left[ty][k] * right[k][tx];
    __syncthreads();  // nobody reads them any more: the next ones may come
  }
  Results{bias, c, parts, REAL(low), REAL(high)}.put(p, task, i0 + ty, j0 + tx, sum);
}

// Rung 4. A block of 256 threads computes a tile of 64x64 results, 4x4 a thread, along the sum in steps of 16. For 16 products a thread reads 8 numbers from
// shared memory, four at once, where rung 3 would read 32. The left tile lies with the sum's axis outermost, so that a thread's four numbers are neighbours.
constexpr int SIDE = 64, DEPTH = 16, EACH = 4, THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS) product_registers(
    const STORE* __restrict__ a, const STORE* __restrict__ b, const REAL* __restrict__ bias, STORE* __restrict__ c, REAL* __restrict__ parts, const Product p, double low, double high) {
  __shared__ __align__(16) REAL left[DEPTH][SIDE + 4];  // 4 more: threads that write a column meet fewer times in one bank, and four neighbours stay aligned
  __shared__ __align__(16) REAL right[DEPTH][SIDE];
  const Task task(p);
  const int t = threadIdx.x, tx = t % 16, ty = t / 16, across = (p.J + SIDE - 1) / SIDE;
  const int i0 = blockIdx.x / across * SIDE, j0 = blockIdx.x % across * SIDE;
  a += task.group * p.a_group;
  b += task.group * p.b_group;
  REAL sum[EACH][EACH] = {};
  for (int l0 = task.first; l0 < task.end; l0 += DEPTH) {
#pragma unroll
    for (int e = t; e < SIDE * DEPTH; e += THREADS) {
      const int row = p.a_l == 1 ? e / DEPTH : e % SIDE, step = p.a_l == 1 ? e % DEPTH : e / SIDE;
      left[step][row] = i0 + row < p.I && l0 + step < task.end ? REAL(a[(i0 + row) * p.a_i + (l0 + step) * p.a_l]) : REAL(0);
      right[e / SIDE][e % SIDE] = l0 + e / SIDE < task.end && j0 + e % SIDE < p.J ? REAL(b[(l0 + e / SIDE) * p.b_l + j0 + e % SIDE]) : REAL(0);
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < DEPTH; k++) {
      REAL u[EACH], v[EACH];
#pragma unroll
      for (int e = 0; e < EACH; e++) u[e] = left[k][ty * EACH + e], v[e] = right[k][tx * EACH + e];
#pragma unroll
      for (int i = 0; i < EACH; i++)
#pragma unroll
        for (int j = 0; j < EACH; j++) sum[i][j] += u[i] * v[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < EACH; i++)
#pragma unroll
    for (int j = 0; j < EACH; j++) Results{bias, c, parts, REAL(low), REAL(high)}.put(p, task, i0 + ty * EACH + i, j0 + tx * EACH + j, sum[i][j]);
}
