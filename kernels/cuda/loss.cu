// Losses: one number per item, then their mean or their sum, or all of them.
//
// A sum is made in two stages. Each block adds up what its threads have and writes one number; a last block adds these. Every number has its place in the
// sum, so that it is the same to the last digit in every run, which it would not be if blocks added to one number as they come.
#include "lines.cuh"
#include "packs.cuh"

// The sum over the block, in thread 0: over each warp by shuffles, then over the warps, which leave theirs in shared memory.
__device__ REAL sum_of_block(REAL v) {
  __shared__ REAL of_warp[32];
  v = sum_of_team(v, 32);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = v;
  __syncthreads();
  return sum_of_team(threadIdx.x < blockDim.x / 32 ? of_warp[threadIdx.x] : REAL(0), 32);
}

// The second stage, in one block: y = (sum of `count` numbers) / divisor.
extern "C" __global__ void finish(const REAL* __restrict__ sums, STORE* __restrict__ y, double divisor, int count) {
  REAL total = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) total += sums[i];
  total = sum_of_block(total);
  if (threadIdx.x == 0) *y = STORE(total / REAL(divisor));
}

// Cross-entropy: loss = -sum over k of q[k] log_p[k] with log_p = log_softmax(x). With label smoothing e, q is 1 - e + e/K at the label and e/K elsewhere.
// So with s[k] = x[k] - max x and T = log of the sum of exp(s),
//
//     loss = (1 - e) (T - s[label]) + e (T - mean of s)
//
// A line is the K logits of an item, shared by a team of threads (lines.cuh). With max x and T, `found` of each line, backward finds p again; with their sum
// alone it would lose digits where the logits are large. A label that is no class gives NaN.

// Either `losses`, one for each line, or `sums`, one for each block, is written; the other is null.
extern "C" __global__ void cross_entropy(const STORE* __restrict__ x, const long long* __restrict__ labels, STORE* __restrict__ losses,
                                         REAL* __restrict__ sums, REAL* __restrict__ found, double smoothing, int K, int B, long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  const Exponentials e = exponentials(x, line);
  const REAL T = log(e.total);
  REAL mean = 0;
  if (smoothing > 0) {
    over_line(line, [&](size_t i, int) { mean += REAL(x[i]) - e.largest; });
    mean = sum_of_team(mean, team) / REAL(K);
  }
  REAL loss = 0;
  if (line.first == 0 && line.number < lines) {  // one thread of the team
    const long long label = labels[line.number];
    const bool known = label >= 0 && label < K;
    const REAL s = known ? REAL(x[line.start + label * B]) - e.largest : REAL(INFINITY) - REAL(INFINITY);
    loss = REAL(1 - smoothing) * (T - s);
    if (smoothing > 0) loss += REAL(smoothing) * (T - mean);
    found[line.number] = e.largest;
    found[lines + line.number] = T;
    if (losses) losses[line.number] = STORE(loss);
  }
  if (!sums) return;
  loss = sum_of_block(loss);
  if (threadIdx.x == 0) sums[blockIdx.x] = loss;
}

// dx[k] = (p[k] - q[k]) g: what the network says minus what it should say. g is the gradient of the line's own loss: dy[line], or, of all together, dy / divisor.
extern "C" __global__ void cross_entropy_dx(const STORE* __restrict__ x, const long long* __restrict__ labels, const REAL* __restrict__ found,
                                            const STORE* __restrict__ dy, STORE* __restrict__ dx, int of_each, double divisor, double smoothing,
                                            int K, int B, long long lines, int team) {
  const Line line = line_of_team(K, B, lines, team);
  if (line.number >= lines) return;
  const REAL g = REAL(of_each ? dy[line.number] : *dy) / REAL(divisor);
  const REAL m = found[line.number], T = found[lines + line.number], everywhere = REAL(smoothing / K), there = REAL(1 - smoothing);
  const long long label = labels[line.number];
  over_line(line, [&](size_t i, int k) {
    const REAL q = k == label ? there + everywhere : everywhere;
    dx[i] = STORE((exp(REAL(x[i]) - m - T) - q) * g);
  });
}

// Losses of the difference d = x - target: a function of d, and its slope. Which one is the macro LOSS.
struct Square {
  REAL beta;  // of no use here
  __device__ REAL loss(REAL d) const { return d * d; }
  __device__ REAL slope(REAL d) const { return REAL(2) * d; }
};
struct Absolute {
  REAL beta;
  __device__ REAL loss(REAL d) const { return d < REAL(0) ? -d : d; }
  __device__ REAL slope(REAL d) const { return REAL(d > REAL(0)) - REAL(d < REAL(0)); }
};
struct Smooth {  // d² / (2 beta) where |d| < beta, else |d| - beta / 2
  REAL beta;
  __device__ REAL loss(REAL d) const {
    const REAL a = d < REAL(0) ? -d : d;
    return a < beta ? d * d / (REAL(2) * beta) : a - beta / REAL(2);
  }
  __device__ REAL slope(REAL d) const {
    const REAL s = d / beta;
    return s < REAL(-1) ? REAL(-1) : s > REAL(1) ? REAL(1) : s;
  }
};
#ifndef LOSS
#define LOSS Square
#endif

// Every number's own loss; all arrays in one order in memory, as packs.cuh wants it.
extern "C" __global__ void losses(const STORE* target, const STORE* x, STORE* y, double beta, long long count) {
  const LOSS f = {REAL(beta)};
  each(target, x, y, count, [f](REAL t, REAL v) { return f.loss(v - t); });
}

// The sum of each block's losses. Blocks take turns: block b has pieces b, b + gridDim.x, ... of WIDTH numbers a thread.
extern "C" __global__ void sums_of_losses(const STORE* __restrict__ target, const STORE* __restrict__ x, REAL* __restrict__ sums, double beta,
                                          long long count) {
  const LOSS f = {REAL(beta)};
  const bool at_once = aligned(target, x, x);
  REAL total = 0;
  for (long long i = thread_number() * WIDTH; i < count; i += (long long)gridDim.x * blockDim.x * WIDTH) {
    const Pack u = load_pack(x, i, count, at_once), v = load_pack(target, i, count, at_once);
#pragma unroll
    for (int j = 0; j < WIDTH; j++) total += f.loss(REAL(u.v[j]) - REAL(v.v[j]));  // behind the end there are zeros, whose loss is 0
  }
  total = sum_of_block(total);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

// dx = slope(d) g, and the target, which is subtracted, gets the opposite; whichever is null is not wanted. g is the gradient of each number's own loss: dy of
// each, or, of all together, dy / divisor.
extern "C" __global__ void losses_dx(const STORE* __restrict__ target, const STORE* __restrict__ x, const STORE* __restrict__ dy,
                                     STORE* __restrict__ dx, STORE* __restrict__ dtarget, int of_each, double divisor, double beta, long long count) {
  const LOSS f = {REAL(beta)};
  const bool at_once = aligned(target, x, of_each ? dy : x) && aligned(dx, dtarget, x);
  const REAL all = of_each ? REAL(0) : REAL(*dy) / REAL(divisor);
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
    const long long i = pack_start(k);
    Pack u = load_pack(x, i, count, at_once), v = load_pack(target, i, count, at_once);
    const Pack g = of_each ? load_pack(dy, i, count, at_once) : u;
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      const REAL slope = f.slope(REAL(u.v[j]) - REAL(v.v[j])) * (of_each ? REAL(g.v[j]) : all);
      u.v[j] = STORE(slope);
      v.v[j] = STORE(-slope);
    }
    if (dx) store_pack(dx, i, count, at_once, u);
    if (dtarget) store_pack(dtarget, i, count, at_once, v);
  }
}
