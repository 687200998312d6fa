// Kernels that treat every number alike: y[i] = f(a[i], b[i]), whatever the shapes.
//
// All arrays lie in the same order in memory, so they are rows of `count` numbers. Such a kernel waits for memory, not for arithmetic. So a thread reads
// 16 bytes at once, twice, before it computes: what is under way at any time is what keeps memory busy. In a block, thread t has packs t and t + 256.
#pragma once
#include "numbers.cuh"

constexpr int PACKS = 2;  // of a thread; packs.py counts the blocks accordingly

// Where pack k of this thread begins.
__device__ __forceinline__ long long pack_start(int k) {
  return ((long long)blockIdx.x * PACKS + k) * blockDim.x * WIDTH + (long long)threadIdx.x * WIDTH;
}

// Whether packs can be moved at once: a view may begin at an address that is no multiple of 16.
__device__ __forceinline__ bool aligned(const void* a, const void* b, const void* y) { return ((size_t)a | (size_t)b | (size_t)y) % 16 == 0; }

// The numbers from i on, as many as there are.
__device__ __forceinline__ Pack load_pack(const STORE* __restrict__ x, long long i, long long count, bool at_once) {
  if (at_once && i + WIDTH <= count) return *(const Pack*)(x + i);
  Pack pack;
#pragma unroll
  for (int j = 0; j < WIDTH; j++) pack.v[j] = i + j < count ? x[i + j] : STORE(REAL(0));
  return pack;
}

__device__ __forceinline__ void store_pack(STORE* __restrict__ y, long long i, long long count, bool at_once, const Pack& pack) {
  if (at_once && i + WIDTH <= count) {
    *(Pack*)(y + i) = pack;
    return;
  }
#pragma unroll
  for (int j = 0; j < WIDTH; j++)
    if (i + j < count) y[i + j] = pack.v[j];
}

// y[i] = f(a[i], b[i])
template <class F>
__device__ __forceinline__ void each(const STORE* __restrict__ a, const STORE* __restrict__ b, STORE* __restrict__ y, long long count, F f) {
  const bool at_once = aligned(a, b, y);
  Pack u[PACKS], v[PACKS];
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
    u[k] = load_pack(a, pack_start(k), count, at_once);
    v[k] = load_pack(b, pack_start(k), count, at_once);
  }
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
#pragma unroll
    for (int j = 0; j < WIDTH; j++) u[k].v[j] = STORE(REAL(f(REAL(u[k].v[j]), REAL(v[k].v[j]))));
    store_pack(y, pack_start(k), count, at_once, u[k]);
  }
}

// y[i] = f(x[i])
template <class F>
__device__ __forceinline__ void each(const STORE* __restrict__ x, STORE* __restrict__ y, long long count, F f) {
  each(x, x, y, count, [f](REAL v, REAL) { return f(v); });
}
