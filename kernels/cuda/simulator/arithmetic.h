// The arithmetic that every CUDA kernel knows without any header: bits, conversions, min and max, and the functions of the
// mathematical library for float and double.
#pragma once
#include "language.h"

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

#ifdef __FLT16_MAX__
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

// Functions of the mathematical library, each three times: sqrt(double), sqrt(float) and sqrtf(float). An integer counts as double.

#define SIMULATOR_FUNCTION(name)                                     \
  inline double name(double x) { return __builtin_##name(x); }       \
  inline float name(float x) { return __builtin_##name##f(x); }      \
  inline float name##f(float x) { return __builtin_##name##f(x); }   \
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>> \
  inline double name(T x) {                                          \
    return __builtin_##name(double(x));                              \
  }
// Of two numbers; where they differ, an integer counts as a number of the other's type.
#define SIMULATOR_FUNCTION_OF_TWO(name)                                              \
  inline double name(double x, double y) { return __builtin_##name(x, y); }          \
  inline float name(float x, float y) { return __builtin_##name##f(x, y); }          \
  inline float name##f(float x, float y) { return __builtin_##name##f(x, y); }       \
  template <class A, class B, class = std::enable_if_t<!std::is_same_v<A, B>>>       \
  inline auto name(A x, B y) {                                                       \
    using T = std::common_type_t<A, B>;                                              \
    return name(std::conditional_t<std::is_integral_v<T>, double, T>(x), std::conditional_t<std::is_integral_v<T>, double, T>(y)); \
  }
SIMULATOR_FUNCTION(sqrt)
SIMULATOR_FUNCTION(cbrt)
SIMULATOR_FUNCTION(exp)
SIMULATOR_FUNCTION(exp2)
SIMULATOR_FUNCTION(expm1)
SIMULATOR_FUNCTION(log)
SIMULATOR_FUNCTION(log2)
SIMULATOR_FUNCTION(log10)
SIMULATOR_FUNCTION(log1p)
SIMULATOR_FUNCTION(sin)
SIMULATOR_FUNCTION(cos)
SIMULATOR_FUNCTION(tan)
SIMULATOR_FUNCTION(asin)
SIMULATOR_FUNCTION(acos)
SIMULATOR_FUNCTION(atan)
SIMULATOR_FUNCTION(sinh)
SIMULATOR_FUNCTION(cosh)
SIMULATOR_FUNCTION(tanh)
SIMULATOR_FUNCTION(erf)
SIMULATOR_FUNCTION(erfc)
SIMULATOR_FUNCTION(fabs)
SIMULATOR_FUNCTION(floor)
SIMULATOR_FUNCTION(ceil)
SIMULATOR_FUNCTION(trunc)
SIMULATOR_FUNCTION(round)
SIMULATOR_FUNCTION(rint)
SIMULATOR_FUNCTION(nearbyint)
SIMULATOR_FUNCTION_OF_TWO(pow)
SIMULATOR_FUNCTION_OF_TWO(atan2)
SIMULATOR_FUNCTION_OF_TWO(fmod)
SIMULATOR_FUNCTION_OF_TWO(hypot)
SIMULATOR_FUNCTION_OF_TWO(copysign)
#undef SIMULATOR_FUNCTION
#undef SIMULATOR_FUNCTION_OF_TWO

inline double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
inline float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline float fminf(float x, float y) { return min(x, y); }
inline float fmaxf(float x, float y) { return max(x, y); }
template <class A, class B>
inline auto fmin(A x, B y) { return min(x, y); }
template <class A, class B>
inline auto fmax(A x, B y) { return max(x, y); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline float rsqrt(float x) { return 1 / sqrtf(x); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline float exp10f(float x) { return powf(10, x); }
inline double exp10(double x) { return pow(10.0, x); }
inline float ldexpf(float x, int exponent) { return __builtin_ldexpf(x, exponent); }
inline double ldexp(double x, int exponent) { return __builtin_ldexp(x, exponent); }
inline void sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline void sincos(double x, double* s, double* c) { *s = sin(x), *c = cos(x); }
template <class T>
constexpr bool isnan(T x) { return x != x; }
template <class T>
constexpr bool isinf(T x) { return __builtin_isinf(x); }
template <class T>
constexpr bool isfinite(T x) { return __builtin_isfinite(x); }
template <class T>
constexpr bool signbit(T x) { return __builtin_signbit(x); }

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

// The fast and inexact functions of the GPU; here they are exact.
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return exp10f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }

// Rounded to the nearest, and never made one with a neighbouring operation.
inline float __fadd_rn(float x, float y) { volatile float sum = x + y; return sum; }
inline float __fsub_rn(float x, float y) { volatile float difference = x - y; return difference; }
inline float __fmul_rn(float x, float y) { volatile float product = x * y; return product; }
inline double __dadd_rn(double x, double y) { volatile double sum = x + y; return sum; }
inline double __dmul_rn(double x, double y) { volatile double product = x * y; return product; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline int __float2int_rn(float x) { return int(rintf(x)); }
inline int __float2int_rz(float x) { return int(x); }
inline int __float2int_rd(float x) { return int(floorf(x)); }
inline int __float2int_ru(float x) { return int(ceilf(x)); }
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
