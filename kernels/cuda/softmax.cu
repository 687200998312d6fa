// Softmax and its logarithm, along lines of K numbers; which threads have which numbers of a line is in lines.cuh.
//
// A line is read three times: for its largest number, for the sum of the exponentials, for the result. Only the first time it comes from memory.
#include "lines.cuh"

// y[k] = exp(x[k]) / sum over j of exp(x[j])
extern "C" __global__ void softmax(const STORE* __restrict__ x, STORE* __restrict__ y, int K, int B, long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  const Exponentials e = exponentials(x, line);
  over_line(line, [&](size_t i, int) { y[i] = STORE(exp(REAL(x[i]) - e.largest) / e.total); });
}

// dx[j] = y[j] (dy[j] - sum over k of y[k] dy[k])
extern "C" __global__ void softmax_dx(const STORE* __restrict__ dy, const STORE* __restrict__ y, STORE* __restrict__ dx, int K, int B,
                                      long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  REAL total = 0;
  over_line(line, [&](size_t i, int) { total += REAL(y[i]) * REAL(dy[i]); });
  total = sum_of_team(total, team);
  over_line(line, [&](size_t i, int) { dx[i] = STORE(REAL(y[i]) * (REAL(dy[i]) - total)); });
}

// y[k] = x[k] - log(sum over j of exp(x[j])), with all x lowered by the largest first
extern "C" __global__ void log_softmax(const STORE* __restrict__ x, STORE* __restrict__ y, int K, int B, long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  const Exponentials e = exponentials(x, line);
  const REAL log_total = log(e.total);
  over_line(line, [&](size_t i, int) { y[i] = STORE(REAL(x[i]) - e.largest - log_total); });
}

// dx[j] = dy[j] - exp(y[j]) (sum over k of dy[k])
extern "C" __global__ void log_softmax_dx(const STORE* __restrict__ dy, const STORE* __restrict__ y, STORE* __restrict__ dx, int K, int B,
                                          long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  REAL total = 0;
  over_line(line, [&](size_t i, int) { total += REAL(dy[i]); });
  total = sum_of_team(total, team);
  over_line(line, [&](size_t i, int) { dx[i] = STORE(REAL(dy[i]) - exp(REAL(y[i])) * total); });
}
