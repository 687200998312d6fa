// What the kernels on images have in common. Images lie channels last: x[n, r, s, c] is number ((n H + r) W + s) C + c.
#pragma once
#include "index.cuh"
#include "numbers.cuh"

// A thread computes LANES neighbouring channels of a pixel, at most as many as 16 bytes hold. pixels.py finds the number, a divisor of C.
#ifndef LANES
#define LANES WIDTH
#endif
struct alignas(LANES * sizeof(STORE)) Lanes {
  STORE v[LANES];
};

__device__ __forceinline__ Lanes load(const STORE* __restrict__ x) { return *(const Lanes*)x; }

// What thread t computes of images with H rows, W columns and C channels: row r and column s of image n, channels from c on.
struct Place {
  int n, r, s, c;
};
__device__ __forceinline__ Place place(long long t, int H, int W, int C) {
  const Division channel = divide(t, C / LANES), column = divide(channel.quotient, W), row = divide(column.quotient, H);
  return {(int)row.quotient, (int)row.rest, (int)column.rest, (int)channel.rest * LANES};
}

// Where the channels of a place are.
__device__ __forceinline__ size_t offset(const Place& at, int H, int W, int C) {
  return (((size_t)at.n * H + at.r) * W + at.s) * C + at.c;
}

// From `first` up to, not including, `end`.
struct Range {
  int first, end;
};

// NaN is larger than everything, and of equal numbers the first one stays: whether v takes the place of the best one so far.
__device__ __forceinline__ bool beats(REAL v, REAL best) { return !(v <= best) && best == best; }
