// From the number of a thread to the indices of what it computes.
#pragma once

struct Division {
  long long quotient, rest;
};

// i / d and i % d of two numbers >= 0. A GPU divides 64-bit numbers in about a hundred steps and 32-bit ones in about twenty, so where both fit it does that.
__device__ __forceinline__ Division divide(long long i, long long d) {
  if ((i | d) >> 32 == 0) {
    const unsigned quotient = (unsigned)i / (unsigned)d;
    return {(long long)quotient, (long long)((unsigned)i - quotient * (unsigned)d)};
  }
  const long long quotient = i / d;
  return {quotient, i - quotient * d};
}

// The number of this thread, counted through all blocks along the first axis.
__device__ __forceinline__ long long thread_number() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
