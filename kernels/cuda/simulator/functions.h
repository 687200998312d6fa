// The functions of the mathematical library that every CUDA kernel knows without any header: each three times, as sqrt(double),
// sqrt(float) and sqrtf(float). An integer counts as double.
#pragma once
#include "arithmetic.h"

#ifdef _LIBCPP_VERSION  // the library that clang brings declares all of them in this way
#include <math.h>
#else

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
    using Real = std::conditional_t<std::is_integral_v<T>, double, T>;                \
    return name(Real(x), Real(y));                                                   \
  }
SIMULATOR_FUNCTION(sqrt) SIMULATOR_FUNCTION(cbrt) SIMULATOR_FUNCTION(exp) SIMULATOR_FUNCTION(exp2) SIMULATOR_FUNCTION(expm1)
SIMULATOR_FUNCTION(log) SIMULATOR_FUNCTION(log2) SIMULATOR_FUNCTION(log10) SIMULATOR_FUNCTION(log1p) SIMULATOR_FUNCTION(sin)
SIMULATOR_FUNCTION(cos) SIMULATOR_FUNCTION(tan) SIMULATOR_FUNCTION(asin) SIMULATOR_FUNCTION(acos) SIMULATOR_FUNCTION(atan)
SIMULATOR_FUNCTION(sinh) SIMULATOR_FUNCTION(cosh) SIMULATOR_FUNCTION(tanh) SIMULATOR_FUNCTION(erf) SIMULATOR_FUNCTION(erfc)
SIMULATOR_FUNCTION(fabs) SIMULATOR_FUNCTION(floor) SIMULATOR_FUNCTION(ceil) SIMULATOR_FUNCTION(trunc)
SIMULATOR_FUNCTION(round) SIMULATOR_FUNCTION(rint) SIMULATOR_FUNCTION(nearbyint)
SIMULATOR_FUNCTION_OF_TWO(pow) SIMULATOR_FUNCTION_OF_TWO(atan2) SIMULATOR_FUNCTION_OF_TWO(fmod) SIMULATOR_FUNCTION_OF_TWO(hypot)
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
template <class T>
constexpr bool isnan(T x) { return __builtin_isnan(x); }
template <class T>
constexpr bool isinf(T x) { return __builtin_isinf(x); }
template <class T>
constexpr bool isfinite(T x) { return __builtin_isfinite(x); }
template <class T>
constexpr bool signbit(T x) { return __builtin_signbit(x); }
inline float ldexpf(float x, int exponent) { return __builtin_ldexpf(x, exponent); }
inline double ldexp(double x, int exponent) { return __builtin_ldexp(x, exponent); }

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#endif

inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline float rsqrt(float x) { return 1 / sqrtf(x); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline void sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline void sincos(double x, double* s, double* c) { *s = sin(x), *c = cos(x); }

// The fast and inexact functions of the GPU; here they are exact.
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
