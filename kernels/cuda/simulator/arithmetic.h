// The arithmetic that every CUDA kernel knows without any header: bits, conversions, min and max, and roundings.
#pragma once
#include "fibers.h"

// Bits and numbers.

namespace simulator {
template <class To, class From>
inline To same_bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  memcpy(&result, &value, sizeof result);
  return result;
}
inline float float_of_bits(unsigned bits) { return same_bits<float>(bits); }
}  // namespace simulator

inline float __int_as_float(int v) { return simulator::same_bits<float>(v); }
inline float __uint_as_float(unsigned v) { return simulator::same_bits<float>(v); }
inline int __float_as_int(float v) { return simulator::same_bits<int>(v); }
inline unsigned __float_as_uint(float v) { return simulator::same_bits<unsigned>(v); }
inline double __longlong_as_double(long long v) { return simulator::same_bits<double>(v); }
inline long long __double_as_longlong(double v) { return simulator::same_bits<long long>(v); }

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline int __clz(int v) { return v ? __builtin_clz(v) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll(v) : 64; }
inline unsigned __brev(unsigned v) {
  unsigned result = 0;
  for (int i = 0; i < 32; i++) result |= (v >> i & 1) << (31 - i);
  return result;
}
inline int __mulhi(int a, int b) { return int((long long)a * b >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((unsigned long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned long long)((unsigned __int128)a * b >> 64); }
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return unsigned((((unsigned long long)high << 32 | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return unsigned(((unsigned long long)high << 32 | low) >> (shift & 31));
}

// float16 (IEEE's half), by its bits.

#if defined(__FLT16_MAX__) && !defined(SIMULATOR_PORTABLE)
inline float float_of_half(unsigned short bits) { return float(simulator::same_bits<_Float16>(bits)); }
inline unsigned short half_of_float(float v) { return simulator::same_bits<unsigned short>(_Float16(v)); }
#else
inline float float_of_half(unsigned short bits) {
  const unsigned sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const float small = mantissa / 16777216.f;  // below 2^-14 the numbers are multiples of 2^-24
  if (exponent == 0) return sign ? -small : small;
  return simulator::float_of_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13);
}
inline unsigned short half_of_float(float v) {  // rounded to the nearest, ties to even
  const unsigned bits = __float_as_uint(v), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;                              // a NaN
  if (size >= 0x477ff000) return sign | 0x7c00;                             // 65520 and more: infinity
  if (size < 0x38800000) {                                                  // less than 2^-14
    const float shifted = simulator::float_of_bits(size) + 0.5f;            // the last bit of 0.5 is worth 2^-24
    return sign | (__float_as_uint(shifted) - __float_as_uint(0.5f));
  }
  return sign | (size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13;
}
#endif

// The smaller and the larger of two numbers. Of a NaN and a number, the number.

template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  return T(a) < T(b) || b != b ? T(a) : T(b);
}
template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  return T(a) > T(b) || b != b ? T(a) : T(b);
}

// Rounded to the nearest, and never made one with a neighbouring operation.
inline float __fadd_rn(float x, float y) { volatile float sum = x + y; return sum; }
inline float __fsub_rn(float x, float y) { volatile float difference = x - y; return difference; }
inline float __fmul_rn(float x, float y) { volatile float product = x * y; return product; }
inline double __dadd_rn(double x, double y) { volatile double sum = x + y; return sum; }
inline double __dmul_rn(double x, double y) { volatile double product = x * y; return product; }
inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
inline int __float2int_rn(float x) { return int(__builtin_rintf(x)); }
inline int __float2int_rz(float x) { return int(x); }
inline int __float2int_rd(float x) { return int(__builtin_floorf(x)); }
inline int __float2int_ru(float x) { return int(__builtin_ceilf(x)); }
inline float __int2float_rn(int x) { return float(x); }
inline float __uint2float_rn(unsigned x) { return float(x); }
inline float __double2float_rn(double x) { return float(x); }

// Loads and stores that tell the caches what will be needed again.
template <class T>
inline T __ldg(const T* address) { return *address; }
template <class T>
inline T __ldcs(const T* address) { return *address; }
template <class T>
inline T __ldcg(const T* address) { return *address; }
template <class T>
inline void __stcs(T* address, T value) { *address = value; }
template <class T>
inline void __stcg(T* address, T value) { *address = value; }

inline long long clock64() { return 0; }  // there is no time in here
