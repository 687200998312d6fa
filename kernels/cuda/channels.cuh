// Rows of C channels: which of them a thread works on, and how the findings of many threads become one.
//
// A batch of images is a matrix here, with a row for each pixel and a column for each channel. A thread owns VECTOR neighbouring channels, which it reads at
// once (a macro: up to 16 bytes of them), and goes down the rows. So what belongs to a channel (its mean, its scale, its sums) stays in registers.
//
//     block    (x, y) threads: x times VECTOR channels, y rows. Threads that are neighbours in x read neighbours in memory.
//     tile     y * ROWS rows. A thread reads its ROWS of them before it uses the first: memory is slow to answer, but answers many at once. So where
//              two arrays are read, half as many rows are enough.
//     grid.x   the rows are divided into parts; part p has the tiles p, p + parts, ... So all blocks together walk through memory from one end to the
//              other. Group norm has as many parts for each image, batch norm one image of all rows.
//     grid.y   more channels than a block has.
#pragma once
#include "numbers.cuh"

constexpr int THREADS = 256, ROWS_OF_ONE = 4, ROWS_OF_TWO = 2;

struct alignas(VECTOR * sizeof(STORE)) Numbers {
  STORE v[VECTOR];
};
struct alignas(VECTOR * sizeof(REAL) < 16 ? VECTOR * sizeof(REAL) : 16) Reals {
  REAL v[VECTOR];
};

// Where this thread works: from `row` on every blockDim.y-th row of a tile, the next tile is `step` rows further; and the same channels of a table that has a
// row of C entries for each image start at `entry`.
struct Place {
  int channel, part, entry, row, step;
  size_t first;  // index of its first number in the image

  __device__ Place(int S, int C, int parts, int rows) {
    const int image = blockIdx.x / parts, tile = blockDim.y * rows;
    channel = (blockIdx.y * blockDim.x + threadIdx.x) * VECTOR;
    part = blockIdx.x % parts;
    entry = image * C + channel;
    row = part * tile + threadIdx.y;
    step = parts * tile;
    first = (size_t)image * S * C + channel;
  }
};

__device__ __forceinline__ Numbers read(const STORE* x, size_t at) { return *reinterpret_cast<const Numbers*>(x + at); }
__device__ __forceinline__ void write(STORE* y, size_t at, const Numbers& numbers) { *reinterpret_cast<Numbers*>(y + at) = numbers; }
__device__ __forceinline__ Reals read_reals(const REAL* table, size_t at) { return *reinterpret_cast<const Reals*>(table + at); }

// Sums of a and of b over the rows of the block, for its threads in row 0. Rows are added in pairs: half of them, a quarter, ... All threads must come here.
__device__ void add_rows(Reals& a, Reals& b) {
  __shared__ REAL shared[2][VECTOR][THREADS];
  const int me = threadIdx.y * blockDim.x + threadIdx.x;
  for (int k = 0; k < VECTOR; k++) shared[0][k][me] = a.v[k], shared[1][k][me] = b.v[k];
  for (int rows = blockDim.y; rows > 1;) {
    const int half = (rows + 1) / 2, other = me + half * blockDim.x;
    __syncthreads();
    if (threadIdx.y + half < rows)
      for (int k = 0; k < VECTOR; k++) {
        shared[0][k][me] = a.v[k] += shared[0][k][other];
        shared[1][k][me] = b.v[k] += shared[1][k][other];
      }
    rows = half;
  }
}

// The mean (first + offset, which together have more digits than their sum) and the sum of squares around it, of `count` numbers.
struct Moments {
  REAL count, first, offset, squares;
};

// Those of both together: Chan, Golub & LeVeque 1983, eq. 2.1.
__device__ Moments merged(Moments a, const Moments& b) {
  if (b.count == 0) return a;
  if (a.count == 0) return b;
  const REAL count = a.count + b.count, share = b.count / count;
  const REAL delta = (b.first - a.first) + (b.offset - a.offset);
  return {count, a.first, a.offset + delta * share, a.squares + b.squares + delta * delta * a.count * share};
}

// What the 32 threads of a warp have, merged, for its lane 0.
__device__ Moments merged_over_warp(Moments m) {
  for (int lanes = 16; lanes > 0; lanes /= 2)
    m = merged(m, {__shfl_down_sync(~0u, m.count, lanes), __shfl_down_sync(~0u, m.first, lanes), __shfl_down_sync(~0u, m.offset, lanes),
                   __shfl_down_sync(~0u, m.squares, lanes)});
  return m;
}

// The sum over the warp, for its lane 0.
__device__ REAL add_over_warp(REAL v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_down_sync(~0u, v, lanes);
  return v;
}

// How many of S rows belong to a part.
__device__ int rows_of(int part, int parts, int tile, int S) {
  const int tiles = S / tile, last = tiles % parts;  // the part that has the tile after the whole ones
  return (tiles / parts + (part < last)) * tile + (part == last ? S % tile : 0);
}

// What part `part` of `parts` has found about a table's entry, in a workspace (3, entries, parts) of first values, offsets and squares.
__device__ Moments moments_of_part(const REAL* found, int entries, int entry, int part, int parts, int tile, int S) {
  const size_t at = (size_t)entry * parts + part, all = (size_t)entries * parts;
  return {REAL(rows_of(part, parts, tile, S)), found[at], found[all + at], found[2 * all + at]};
}

// Fills an entry of the table (6, entries) with which a channel is normalised:
//
//     0 mean    1 var    2 inverse = 1 / sqrt(var + eps)    3 scale = gamma inverse    4 shift = beta - rest scale    5 rest
//
// A mean far from zero has more digits than fit into one number. `rest` is what has been rounded off; y = (x - mean) scale + shift counts it.
__device__ void write_line(REAL* line, int entries, int entry, REAL first, REAL offset, REAL var, REAL gamma, REAL beta, double eps) {
  const REAL mean = first + offset, added = mean - first;
  const REAL rest = (first - (mean - added)) + (offset - added);  // Knuth's TwoSum: first + offset is mean + rest exactly
  const REAL inverse = REAL(1) / sqrt(var + REAL(eps)), scale = gamma * inverse;
  const REAL values[6] = {mean, var, inverse, scale, beta - rest * scale, rest};
  for (int i = 0; i < 6; i++) line[(size_t)i * entries + entry] = values[i];
}
