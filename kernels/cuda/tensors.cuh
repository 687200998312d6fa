// Many tensors in one launch: the parameters of a network are a hundred and more, and most of them so small that launching costs more than computing.
//
// The addresses travel as an argument of the kernel: nothing has to be copied to the GPU before, and a recorded graph holds them. An argument may have 4096 bytes,
// so there are so many tensors in one launch; tensors.py fills the table.
#pragma once
#include "numbers.cuh"

constexpr int MOST_TENSORS = 72;
constexpr int ARRAYS = 5;    // of a tensor, all of one size and in one order in memory, without gaps
constexpr int CHUNK = 4096;  // numbers that a block takes

struct Tensors {
  int count;
  int first_block[MOST_TENSORS + 1];  // of each tensor; behind the last, the number of blocks
  long long size[MOST_TENSORS];
  STORE* array[ARRAYS][MOST_TENSORS];  // null where a tensor has no such array
};

// The part of a tensor that is this block's.
struct Chunk {
  STORE* array[ARRAYS];
  int size;
  bool at_once;  // all begin at addresses where 16 bytes can be read at once
};

// Finds the tensor whose blocks this one is among by halving the list.
__device__ __forceinline__ Chunk chunk_of(const Tensors& tensors) {
  int t = 0, end = tensors.count;
  while (end - t > 1) {
    const int middle = (t + end) / 2;
    if (tensors.first_block[middle] <= (int)blockIdx.x) t = middle;
    else end = middle;
  }
  const long long start = (long long)(blockIdx.x - tensors.first_block[t]) * CHUNK, left = tensors.size[t] - start;
  Chunk chunk;
  size_t addresses = 0;
  for (int a = 0; a < ARRAYS; a++) {
    STORE* const array = tensors.array[a][t];
    chunk.array[a] = array ? array + start : nullptr;
    addresses |= (size_t)chunk.array[a];
  }
  chunk.size = left < CHUNK ? (int)left : CHUNK;
  chunk.at_once = addresses % sizeof(Pack) == 0;
  return chunk;
}

// Calls f(x) for each place in the tensors, with the numbers that the arrays have there, x[0] to x[ARRAYS - 1], as REAL; writes back those that are in the set
// CHANGED (bit a for array a). Neighbouring threads take neighbouring packs.
template <int CHANGED, class F>
__device__ __forceinline__ void for_each_place(const Tensors& tensors, F f) {
  const Chunk chunk = chunk_of(tensors);
  for (int i = threadIdx.x * WIDTH; i < chunk.size; i += blockDim.x * WIDTH) {
    Pack pack[ARRAYS] = {};
    const bool whole = chunk.at_once && i + WIDTH <= chunk.size;
    for (int a = 0; a < ARRAYS; a++) {
      if (!chunk.array[a]) continue;
      if (whole) pack[a] = *(const Pack*)(chunk.array[a] + i);
      else
        for (int j = 0; j < WIDTH; j++)
          if (i + j < chunk.size) pack[a].v[j] = chunk.array[a][i + j];
    }
    for (int j = 0; j < WIDTH; j++) {
      REAL x[ARRAYS];
      for (int a = 0; a < ARRAYS; a++) x[a] = REAL(pack[a].v[j]);
      if (i + j < chunk.size) f(x);
      for (int a = 0; a < ARRAYS; a++)
        if (CHANGED >> a & 1) pack[a].v[j] = STORE(x[a]);
    }
    for (int a = 0; a < ARRAYS; a++) {
      if (!(CHANGED >> a & 1) || !chunk.array[a]) continue;
      if (whole) *(Pack*)(chunk.array[a] + i) = pack[a];
      else
        for (int j = 0; j < WIDTH; j++)
          if (i + j < chunk.size) chunk.array[a][i + j] = pack[a].v[j];
    }
  }
}
