// Dropout: y = x / (1 - p) where a unit is kept, else 0. The mask is never stored: backward draws it again, from the same seed.
//
// Unit i is kept if u[i] >= p, where u[i] is the hash of seed and i that kernels/counter.py defines. A thread needs no number but its own, so the mask is
// the same however the work is shared out: on any GPU, with any blocks, and on a CPU.
//
// Units are counted in the order of the axes' names, N before C before H before W, wherever their numbers lie in memory. So there are three things to do for
// an element: from its place in memory to its indices, from its indices to its unit, from there to the hash.
#include "index.cuh"
#include "packs.cuh"

// The constants of kernels/counter.py.
constexpr unsigned long long GAMMA = 0x9E3779B97F4A7C15, MIX1 = 0xBF58476D1CE4E5B9, MIX2 = 0x94D049BB133111EB;

// The axes, from the innermost in memory to the outermost: how many indices, and by how much the next one has a higher unit, times GAMMA. Indices that
// share a unit have a step of 0.
constexpr int AXES = 4;
struct Axes {
  long long size[AXES];
  unsigned long long step[AXES];
};

// An element's indices, and the state from which its unit's number is drawn: seed + (i + 1) GAMMA, in integers that wrap around at 2^64.
struct Element {
  unsigned long long state;
  long long index[AXES];
};

// Element i in memory.
__device__ __forceinline__ Element element(long long i, unsigned long long seed, const Axes& axes) {
  Element e = {seed + GAMMA, {}};
#pragma unroll
  for (int axis = 0; axis < AXES; axis++) {
    if (i == 0) break;  // soon: an array in the order of its axes counts as one axis
    const Division d = divide(i, axes.size[axis]);
    e.index[axis] = d.rest;
    e.state += d.rest * axes.step[axis];
    i = d.quotient;
  }
  return e;
}

// To the next element, as a counter does it: an index that has reached its end starts again, and moves the one beside it.
__device__ __forceinline__ void advance(Element& e, const Axes& axes) {
#pragma unroll
  for (int axis = 0; axis < AXES; axis++) {
    e.state += axes.step[axis];
    if (++e.index[axis] < axes.size[axis]) return;
    e.state -= axes.step[axis] * axes.size[axis];
    e.index[axis] = 0;
  }
}

// The upper 24 bits of the hash.
__device__ __forceinline__ unsigned draw(unsigned long long z) {
  z = (z ^ (z >> 30)) * MIX1;
  z = (z ^ (z >> 27)) * MIX2;
  return (unsigned)((z ^ (z >> 31)) >> 40);
}

// A thread has two packs of 16 bytes, as in packs.cuh. A unit is kept where its draw, an integer below 2^24, is at least `bar` = p 2^24, rounded up.
//
// The seed is a number; or, if `seed_at` is not null, one that stands in memory when the kernel runs. So a recorded graph of kernels, whose arguments
// are fixed, can draw another mask each time it is launched.
extern "C" __global__ void dropout(const STORE* __restrict__ x, STORE* __restrict__ y, const unsigned long long* __restrict__ seed_at,
                                   unsigned long long seed, Axes axes, int bar, double scale, long long count) {
  if (seed_at) seed = *seed_at;
  const bool at_once = aligned(x, x, y);
  Pack packs[PACKS];
#pragma unroll
  for (int k = 0; k < PACKS; k++) packs[k] = load_pack(x, pack_start(k), count, at_once);
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
    if (pack_start(k) >= count) return;
    Element e = element(pack_start(k), seed, axes);
    const bool one_row = e.index[0] + WIDTH <= axes.size[0];  // no index but the innermost moves
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      packs[k].v[j] = STORE(draw(e.state) >= (unsigned)bar ? REAL(packs[k].v[j]) * REAL(scale) : REAL(0));
      if (one_row)
        e.state += axes.step[0];
      else
        advance(e, axes);
    }
    store_pack(y, pack_start(k), count, at_once, packs[k]);
  }
}
