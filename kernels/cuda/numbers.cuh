// Numbers of 16 bits, and 16 bytes at once.
//
// STORE is the type of the numbers in memory, REAL the type that sums are computed in; both are macros given to the
// compiler (see launch.py). A kernel reads with `REAL v = x[i];` and writes with `y[i] = STORE(v);`, whatever they are.
#pragma once

// bfloat16: the upper half of a float32. It reaches as far, with 8 bits of precision instead of 24.
struct bf16 {
  unsigned short bits;
  bf16() = default;
  __device__ explicit bf16(float v) {  // rounded to the nearest, ties to even; a NaN stays one
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(v));
#else
    const unsigned u = __float_as_uint(v);
    bits = (u & 0x7fffffff) > 0x7f800000 ? (u >> 16) | 64 : (u + 0x7fff + ((u >> 16) & 1)) >> 16;
#endif
  }
  __device__ operator float() const { return __uint_as_float((unsigned)bits << 16); }
};

#ifndef MINICNN_SIMULATOR
__device__ __forceinline__ float float_of_half(unsigned short bits) {
  float v;
  asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(bits));
  return v;
}
__device__ __forceinline__ unsigned short half_of_float(float v) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(v));
  return bits;
}
#endif

// float16 (IEEE's half): 11 bits of precision, and no number above 65504.
struct half16 {
  unsigned short bits;
  half16() = default;
  __device__ explicit half16(float v) : bits(half_of_float(v)) {}
  __device__ operator float() const { return float_of_half(bits); }
};

// 16 bytes, the most that a thread can read or write at once: WIDTH numbers.
constexpr int WIDTH = 16 / sizeof(STORE);
struct alignas(16) Pack {
  STORE v[WIDTH];
};

#ifndef INFINITY  // NVRTC does not know it
#define INFINITY __int_as_float(0x7f800000)
#endif
