// The words that CUDA adds to C++: how functions and memory are marked, vector types, and the indices of a thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#define __global__ __attribute__((visibility("default")))  // a kernel can be found by its name from outside
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static  // source.py has replaced all that a kernel declares; see shared.h
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) alignas(bytes)
#define __builtin_assume(condition) ((void)0)

// Of the simulator's own functions: what they read and write is not looked at by the memory check.
#ifdef SIMULATOR_MEMORY_CHECK
#define SIMULATOR_UNCHECKED __attribute__((noinline, no_sanitize("thread")))
#else
#define SIMULATOR_UNCHECKED
#endif

// float2, float3, float4 and make_float2(x, y), ...: those of 2 and 4 numbers are aligned, so that they are read at once.
#define SIMULATOR_VECTORS(T, name)                                               \
  struct name##1 { T x; };                                                       \
  struct alignas(2 * sizeof(T)) name##2 { T x, y; };                             \
  struct name##3 { T x, y, z; };                                                 \
  struct alignas(sizeof(T) > 4 ? 16 : 4 * sizeof(T)) name##4 { T x, y, z, w; };  \
  inline name##1 make_##name##1(T x) { return {x}; }                             \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }                     \
  inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }             \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
SIMULATOR_VECTORS(signed char, char)
SIMULATOR_VECTORS(unsigned char, uchar)
SIMULATOR_VECTORS(short, short)
SIMULATOR_VECTORS(unsigned short, ushort)
SIMULATOR_VECTORS(int, int)
SIMULATOR_VECTORS(unsigned, uint)
SIMULATOR_VECTORS(long long, longlong)
SIMULATOR_VECTORS(unsigned long long, ulonglong)
SIMULATOR_VECTORS(float, float)
SIMULATOR_VECTORS(double, double)

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace simulator {
static uint3 thread_index, block_index;
static dim3 block_size, grid_size;
}  // namespace simulator

// References, so that a kernel that assigns to them does not compile here either.
static const uint3& threadIdx = simulator::thread_index;
static const uint3& blockIdx = simulator::block_index;
static const dim3& blockDim = simulator::block_size;
static const dim3& gridDim = simulator::grid_size;
constexpr int warpSize = 32;
