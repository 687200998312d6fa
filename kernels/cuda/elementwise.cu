// Functions of one number or two, for every element of an array.
//
// Which function: the macro UNARY or BINARY, a name from those below. TO is the type of the results in memory; as a rule that of the arguments, STORE.
//
// All of them wait for memory: a number that is read costs more than any of these functions. So each thread works on neighbours, as many as fit into 16 bytes,
// which it reads and writes at once; and nothing is read twice.
//
//   unary, binary                     arrays without gaps, all in one order, whichever it is: a row of n numbers
//   unary_strided, binary_strided     any order, with gaps, and with axes along which an argument is repeated (broadcasting)
#include "numbers.cuh"

#ifndef TO
#define TO STORE
#endif
#ifndef UNARY
#define UNARY identity
#endif
#ifndef BINARY
#define BINARY add
#endif

namespace function {
__device__ REAL identity(REAL x) { return x; }
__device__ REAL negative(REAL x) { return -x; }
__device__ REAL absolute(REAL x) { return x < 0 ? -x : x == 0 ? REAL(0) : x; }
__device__ REAL exp(REAL x) { return ::exp(x); }
__device__ REAL log(REAL x) { return ::log(x); }
__device__ REAL sqrt(REAL x) { return ::sqrt(x); }

__device__ REAL add(REAL a, REAL b) { return a + b; }
__device__ REAL subtract(REAL a, REAL b) { return a - b; }
__device__ REAL multiply(REAL a, REAL b) { return a * b; }
__device__ REAL divide(REAL a, REAL b) { return a / b; }
__device__ REAL maximum(REAL a, REAL b) { return a > b || a != a ? a : b; }  // a NaN wins, as in NumPy
__device__ REAL minimum(REAL a, REAL b) { return a < b || a != a ? a : b; }
}  // namespace function

// MANY neighbours: 16 bytes of the wider of the two types.
constexpr int MANY = 16 / (sizeof(STORE) > sizeof(TO) ? sizeof(STORE) : sizeof(TO));
template <class T>
struct alignas(MANY * sizeof(T)) Several {
  T v[MANY];
};

template <class T>
__device__ bool aligned(const T* p) {
  return (size_t)p % sizeof(Several<T>) == 0;
}

// y[i] = f(x[i]). One thread for MANY neighbours; the first block's threads also take what is left over at the end.
extern "C" __global__ void unary(const STORE* __restrict__ x, TO* __restrict__ y, size_t n) {
  const size_t thread = (size_t)blockIdx.x * blockDim.x + threadIdx.x, threads = (size_t)gridDim.x * blockDim.x;
  const size_t together = aligned(x) && aligned(y) ? n / MANY : 0;
  for (size_t i = thread; i < together; i += threads) {
    const Several<STORE> a = ((const Several<STORE>*)x)[i];
    Several<TO> c;
    for (int j = 0; j < MANY; j++) c.v[j] = TO(function::UNARY(REAL(a.v[j])));
    ((Several<TO>*)y)[i] = c;
  }
  for (size_t i = together * MANY + thread; i < n; i += threads) y[i] = TO(function::UNARY(REAL(x[i])));
}

// y[i] = f(a[i], b[i]), in the same way.
extern "C" __global__ void binary(const STORE* __restrict__ a, const STORE* __restrict__ b, TO* __restrict__ y, size_t n) {
  const size_t thread = (size_t)blockIdx.x * blockDim.x + threadIdx.x, threads = (size_t)gridDim.x * blockDim.x;
  const size_t together = aligned(a) && aligned(b) && aligned(y) ? n / MANY : 0;
  for (size_t i = thread; i < together; i += threads) {
    const Several<STORE> p = ((const Several<STORE>*)a)[i], q = ((const Several<STORE>*)b)[i];
    Several<TO> c;
    for (int j = 0; j < MANY; j++) c.v[j] = TO(function::BINARY(REAL(p.v[j]), REAL(q.v[j])));
    ((Several<TO>*)y)[i] = c;
  }
  for (size_t i = together * MANY + thread; i < n; i += threads) y[i] = TO(function::BINARY(REAL(a[i]), REAL(b[i])));
}

// The axes of the result, from the outermost in memory to the innermost: their sizes, and for each array how many numbers lie between neighbours along them; 0
// where an argument is repeated. The result is the last array. The innermost axis is cut into groups of `group` numbers (1 or MANY), each the work of one
// thread. `inside` a group, neighbours in the arguments are so far apart: 1 or, repeated, 0; those in the result follow one another.
struct Axes {
  int count, group;
  unsigned size[8];
  long long step[3][8], inside[2];
};

// How many numbers of each array come before the one at which group i begins.
template <int ARRAYS>
struct Place {
  long long before[ARRAYS];
  __device__ Place(const Axes& axes, size_t i) : before{} {
    for (int axis = axes.count - 1; axis >= 0; axis--) {
      const size_t rest = i >> 32 ? i / axes.size[axis] : (unsigned)i / axes.size[axis];  // dividing 32 bits takes a third of the time
      const unsigned k = i - rest * axes.size[axis];
      for (int j = 0; j < ARRAYS; j++) before[j] += k * axes.step[j][axis];
      i = rest;
    }
  }
};

// A group of numbers: at once where it is a whole group of neighbours on a good address.
template <class T>
__device__ void read(const T* p, long long inside, int group, REAL* v) {
  if (group == MANY && inside == 1 && aligned(p)) {
    const Several<T> all = *(const Several<T>*)p;
    for (int j = 0; j < MANY; j++) v[j] = REAL(all.v[j]);
  } else {
    for (int j = 0; j < MANY; j++)
      if (j < group) v[j] = REAL(p[j * inside]);
  }
}
__device__ void write(TO* p, int group, const REAL* v) {
  if (group == MANY && aligned(p)) {
    Several<TO> all;
    for (int j = 0; j < MANY; j++) all.v[j] = TO(v[j]);
    *(Several<TO>*)p = all;
  } else {
    for (int j = 0; j < MANY; j++)
      if (j < group) p[j] = TO(v[j]);
  }
}

// y = f(x) for n groups, a thread for each.
extern "C" __global__ void unary_strided(const STORE* __restrict__ x, TO* __restrict__ y, Axes axes, size_t n) {
  const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const Place<2> place(axes, i);
  REAL v[MANY];
  read(x + place.before[0], axes.inside[0], axes.group, v);
  for (int j = 0; j < MANY; j++)
    if (j < axes.group) v[j] = function::UNARY(v[j]);
  write(y + place.before[1], axes.group, v);
}

// y = f(a, b) for n groups, a thread for each.
extern "C" __global__ void binary_strided(const STORE* __restrict__ a, const STORE* __restrict__ b, TO* __restrict__ y, Axes axes, size_t n) {
  const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const Place<3> place(axes, i);
  REAL p[MANY], q[MANY];
  read(a + place.before[0], axes.inside[0], axes.group, p);
  read(b + place.before[1], axes.inside[1], axes.group, q);
  for (int j = 0; j < MANY; j++)
    if (j < axes.group) p[j] = function::BINARY(p[j], q[j]);
  write(y + place.before[2], axes.group, p);
}
