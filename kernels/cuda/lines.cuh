// Lines along an axis: x seen as (A, K, B), where line (a, b) is the K numbers x[a, :, b], B numbers apart in memory.
//
// A team of threads shares a line: thread j of `team` has numbers j, j + team, ... and what each has found is combined by shuffles, which take numbers from
// the registers of other threads of the warp. Where the axis is innermost (B = 1) a team is a warp of 32, or fewer for shorter lines: so the threads of a warp
// read neighbours. Where it is not, every thread has a line of its own, and neighbouring threads have neighbouring lines: they read neighbours again.
#pragma once
#include "index.cuh"
#include "numbers.cuh"

// A thread's part of its line. Threads behind the last line have none, but must not leave: the shuffles count on all 32.
struct Line {
  long long number;  // a B + b
  size_t start;      // of number k = first
  int first, K, team;
  size_t step;  // from one number of this thread to the next
};

// The line of this thread: `team`, a power of 2 up to 32, of threads have one of `lines` = A B lines.
__device__ __forceinline__ Line line_of_team(int K, int B, long long lines, int team) {
  const long long number = thread_number() / team;
  const int first = threadIdx.x % team;
  const Division d = divide(number, B);
  return {number, ((size_t)d.quotient * K + first) * B + d.rest, first, number < lines ? K : 0, team, (size_t)team * B};
}

// Calls f(i, k) for every number of this thread: it is number k of the line, and number i in memory.
template <class F>
__device__ __forceinline__ void over_line(const Line& line, F f) {
  size_t i = line.start;
#pragma unroll 4
  for (int k = line.first; k < line.K; k += line.team, i += line.step) f(i, k);
}

// The sum, and the largest, of what the threads of a team have; all of them get it. Two by two, in an order that does not change: always the same digits.
__device__ __forceinline__ REAL sum_of_team(REAL v, int team) {
  for (int lanes = team / 2; lanes > 0; lanes /= 2) v += __shfl_xor_sync(~0u, v, lanes);
  return v;
}
__device__ __forceinline__ REAL largest_of_team(REAL v, int team) {
  for (int lanes = team / 2; lanes > 0; lanes /= 2) {
    const REAL other = __shfl_xor_sync(~0u, v, lanes);
    v = other > v ? other : v;
  }
  return v;
}

// The largest number of the line, and the sum of the exponentials of all numbers, lowered by it. Lowered so, none is above 1 and none overflows.
struct Exponentials {
  REAL largest, total;
};
__device__ __forceinline__ Exponentials exponentials(const STORE* __restrict__ x, const Line& line) {
  REAL largest = -INFINITY, total = 0;
  over_line(line, [&](size_t i, int) {
    const REAL v = x[i];
    largest = v > largest ? v : largest;
  });
  largest = largest_of_team(largest, line.team);
  over_line(line, [&](size_t i, int) { total += exp(REAL(x[i]) - largest); });
  return {largest, sum_of_team(total, line.team)};
}
