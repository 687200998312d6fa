// Batch normalisation, with or without a ReLU or an addition and a ReLU behind it; its big passes serve group normalisation, too.
//
// Forward, x is read twice and y is written once:
//     statistics          the mean and the spread of each channel, of as many parts of the rows as there are blocks
//     finish_statistics   from all parts, a channel's mean and variance, and with them the line y = (x - mean) scale + shift
//     normalise           the line, applied
// Backward, dy and x are read twice and dx is written once:
//     sums                Σ dy and Σ dy (x - mean) of each channel, of each part of the rows
//     finish_sums         dbeta and dgamma, and the two slopes of dx = scale dy - along (x - mean) - offset
//     gradient            dx
// The passes that come second go through memory backwards: the end of what the first has read is still in the cache.
#include "channels.cuh"

// mean(d²) - mean(d)² is the variance for d = x - shift with any shift. With a shift far away, all digits that both terms share would be lost; with one from among
// the channel's own values, few are. So each block takes the first of its rows.
extern "C" __global__ void __launch_bounds__(THREADS, 3)
    statistics(const STORE* __restrict__ x, REAL* __restrict__ found, int S, int C, int parts) {
  const Place place(S, C, parts, ROWS_OF_ONE);
  Reals first = {}, sum = {}, squares = {};
  if (place.channel < C) {
    const Numbers start = read(x, place.first + (size_t)(place.row - threadIdx.y) * C);
    for (int k = 0; k < VECTOR; k++) first.v[k] = start.v[k];
    for (int m = place.row; m < S; m += place.step) {
      Numbers rows[ROWS_OF_ONE];
#pragma unroll
      for (int r = 0; r < ROWS_OF_ONE; r++)
        if (m + r * blockDim.y < S) rows[r] = read(x, place.first + (size_t)(m + r * blockDim.y) * C);
#pragma unroll
      for (int r = 0; r < ROWS_OF_ONE; r++)
        if (m + r * blockDim.y < S)
          for (int k = 0; k < VECTOR; k++) {
            const REAL d = REAL(rows[r].v[k]) - first.v[k];
            sum.v[k] += d;
            squares.v[k] += d * d;
          }
    }
  }
  add_rows(sum, squares);
  if (threadIdx.y > 0 || place.channel >= C) return;
  const int count = rows_of(place.part, parts, blockDim.y * ROWS_OF_ONE, S);
  const size_t all = (size_t)gridDim.x * C;
  for (int k = 0; k < VECTOR; k++) {
    const size_t at = (size_t)(place.entry + k) * parts + place.part;
    const REAL offset = sum.v[k] / count, around_mean = squares.v[k] - sum.v[k] * offset;
    found[at] = first.v[k];
    found[all + at] = offset;
    found[2 * all + at] = around_mean < 0 ? REAL(0) : around_mean;
  }
}

// A warp for each channel: its lanes merge a 32nd of the parts each, then the warp merges its lanes.
extern "C" __global__ void finish_statistics(const REAL* found, const REAL* gamma, const REAL* beta, REAL* line, int S, int C, int parts, int tile, double eps) {
  const int c = blockIdx.x * blockDim.y + threadIdx.y;
  if (c >= C) return;
  Moments all = {};
  for (int part = threadIdx.x; part < parts; part += 32) all = merged(all, moments_of_part(found, C, c, part, parts, tile, S));
  all = merged_over_warp(all);
  if (threadIdx.x == 0) write_line(line, C, c, all.first, all.offset, all.squares / all.count, gamma ? gamma[c] : REAL(1), beta ? beta[c] : REAL(0), eps);
}

// In evaluation: the line from given statistics. A thread for each channel.
extern "C" __global__ void line_of_running(const REAL* mean, const REAL* var, const REAL* gamma, const REAL* beta, REAL* line, int C, double eps) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c < C) write_line(line, C, c, mean[c], 0, var[c], gamma ? gamma[c] : REAL(1), beta ? beta[c] : REAL(0), eps);
}

// What training keeps for evaluation, both in one launch; new = (1 - momentum) old + momentum of this batch, whose variance is multiplied by M / (M - 1).
extern "C" __global__ void move_running(const REAL* old_mean, const REAL* old_var, const REAL* mean, const REAL* var, REAL* new_mean, REAL* new_var, int C,
                                        double momentum, double unbiased) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= C) return;
  new_mean[c] = REAL(1 - momentum) * old_mean[c] + REAL(momentum) * mean[c];
  new_var[c] = REAL(1 - momentum) * old_var[c] + REAL(momentum) * var[c] * REAL(unbiased);
}

// The same operations in the same order wherever y is needed again: backward must find the sign that forward had.
__device__ __forceinline__ REAL normalised(REAL d, REAL scale, REAL shift) { return fma(d, scale, shift); }

// y = min(max((x - mean) scale + shift [+ z], low), high); no number is below or above a NaN. With z, `mask` gets a bit for each number of y: is it between
// low and high? That is all that backward needs to know of y, in a sixteenth of its memory.
template <bool ADDS>
__device__ __forceinline__ void normalise_rows(const STORE* __restrict__ x, const STORE* __restrict__ z, const REAL* __restrict__ line, STORE* __restrict__ y,
                                               unsigned char* __restrict__ mask, int S, int C, int parts, REAL low, REAL high) {
  constexpr int ROWS = ADDS ? ROWS_OF_TWO : ROWS_OF_ONE;
  const Place place(S, C, parts, ROWS);
  if (place.channel >= C) return;
  const int entries = gridDim.x / parts * C, tile = blockDim.y * ROWS, tiles = (S + tile - 1) / tile;
  const Reals mean = read_reals(line, place.entry), scale = read_reals(line, (size_t)3 * entries + place.entry),
              shift = read_reals(line, (size_t)4 * entries + place.entry);
  for (int m = (tiles - 1 - place.part) * tile + threadIdx.y; m >= 0; m -= place.step) {
    Numbers rows[ROWS], others[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
      if (m + r * blockDim.y < S) {
        const size_t at = place.first + (size_t)(m + r * blockDim.y) * C;
        rows[r] = read(x, at);
        if constexpr (ADDS) others[r] = read(z, at);
      }
#pragma unroll
    for (int r = 0; r < ROWS; r++)
      if (m + r * blockDim.y < S) {
        const size_t at = place.first + (size_t)(m + r * blockDim.y) * C;
        unsigned between = 0;
        for (int k = 0; k < VECTOR; k++) {
          REAL v = normalised(REAL(rows[r].v[k]) - mean.v[k], scale.v[k], shift.v[k]);
          if constexpr (ADDS) v += REAL(others[r].v[k]);
          between |= unsigned(!(v <= low || v >= high)) << k;
          v = v < low ? low : v;
          rows[r].v[k] = STORE(v > high ? high : v);
        }
        write(y, at, rows[r]);
        if constexpr (ADDS) mask[at / VECTOR] = between;
      }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    normalise(const STORE* __restrict__ x, const REAL* __restrict__ line, STORE* __restrict__ y, int S, int C, int parts, double low, double high) {
  normalise_rows<false>(x, nullptr, line, y, nullptr, S, C, parts, REAL(low), REAL(high));
}

extern "C" __global__ void __launch_bounds__(THREADS)
    normalise_add(const STORE* __restrict__ x, const STORE* __restrict__ z, const REAL* __restrict__ line, STORE* __restrict__ y,
                  unsigned char* __restrict__ mask, int S, int C, int parts, double low, double high) {
  normalise_rows<true>(x, z, line, y, mask, S, C, parts, REAL(low), REAL(high));
}

// Σ g and Σ g (x - mean), where g is dy where y is between low and high, and 0 elsewhere. Where y was is told from the mask, and then g is written to dz: it is the
// gradient of what was added, and the only thing that the second pass needs of dy. Or, without a mask, y is computed again.
template <bool ADDS>
__device__ __forceinline__ void sum_rows(const STORE* __restrict__ dy, const STORE* __restrict__ x, const unsigned char* __restrict__ mask,
                                         const REAL* __restrict__ line, STORE* __restrict__ dz, REAL* __restrict__ found, int S, int C, int parts, REAL low,
                                         REAL high) {
  const Place place(S, C, parts, ROWS_OF_TWO);
  const int entries = gridDim.x / parts * C;
  Reals total = {}, moment = {};
  if (place.channel < C) {
    const Reals mean = read_reals(line, place.entry), scale = read_reals(line, (size_t)3 * entries + place.entry),
                shift = read_reals(line, (size_t)4 * entries + place.entry);
    for (int m = place.row; m < S; m += place.step) {
      Numbers above[ROWS_OF_TWO], rows[ROWS_OF_TWO];
      unsigned between[ROWS_OF_TWO];
#pragma unroll
      for (int r = 0; r < ROWS_OF_TWO; r++)
        if (m + r * blockDim.y < S) {
          const size_t at = place.first + (size_t)(m + r * blockDim.y) * C;
          above[r] = read(dy, at), rows[r] = read(x, at);
          if constexpr (ADDS) between[r] = mask[at / VECTOR];
        }
#pragma unroll
      for (int r = 0; r < ROWS_OF_TWO; r++)
        if (m + r * blockDim.y < S) {
          for (int k = 0; k < VECTOR; k++) {
            const REAL d = REAL(rows[r].v[k]) - mean.v[k], y = normalised(d, scale.v[k], shift.v[k]);
            const bool passes = ADDS ? between[r] >> k & 1 : !(y <= low || y >= high);
            const REAL g = passes ? REAL(above[r].v[k]) : REAL(0);
            total.v[k] += g;
            moment.v[k] += g * d;
            if (ADDS && !passes) above[r].v[k] = STORE(REAL(0));
          }
          if constexpr (ADDS) write(dz, place.first + (size_t)(m + r * blockDim.y) * C, above[r]);
        }
    }
  }
  add_rows(total, moment);
  if (threadIdx.y > 0 || place.channel >= C) return;
  for (int k = 0; k < VECTOR; k++) {
    const size_t at = (size_t)(place.entry + k) * parts + place.part;
    found[at] = total.v[k];
    found[(size_t)entries * parts + at] = moment.v[k];
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 3)
    sums(const STORE* __restrict__ dy, const STORE* __restrict__ x, const REAL* __restrict__ line, REAL* __restrict__ found, int S, int C, int parts, double low, double high) {
  sum_rows<false>(dy, x, nullptr, line, nullptr, found, S, C, parts, REAL(low), REAL(high));
}

extern "C" __global__ void __launch_bounds__(THREADS, 3)
    sums_add(const STORE* __restrict__ dy, const STORE* __restrict__ x, const unsigned char* __restrict__ mask, const REAL* __restrict__ line,
             STORE* __restrict__ dz, REAL* __restrict__ found, int S, int C, int parts) {
  sum_rows<true>(dy, x, mask, line, dz, found, S, C, parts, 0, 0);
}

// A warp for each channel. The rest of the mean, which `sums` has left out of x - mean, is made up for here. slopes (2, C): along and offset.
extern "C" __global__ void finish_sums(const REAL* found, const REAL* line, REAL* dgamma, REAL* dbeta, REAL* slopes, int M, int C, int parts, int training) {
  const int c = blockIdx.x * blockDim.y + threadIdx.y;
  if (c >= C) return;
  REAL total = 0, moment = 0;
  for (int part = threadIdx.x; part < parts; part += 32) {
    total += found[(size_t)c * parts + part];
    moment += found[(size_t)(C + c) * parts + part];
  }
  total = add_over_warp(total), moment = add_over_warp(moment);
  if (threadIdx.x > 0) return;
  const REAL inverse = line[2 * C + c], scale = line[3 * C + c], rest = line[5 * C + c];
  const REAL slope = (moment - rest * total) * inverse, along = training ? scale * inverse * slope / M : REAL(0);
  dgamma[c] = slope;
  dbeta[c] = total;
  slopes[c] = along;
  slopes[C + c] = training ? scale * total / M - along * rest : REAL(0);
}

// dx = scale g - along (x - mean) - offset, with g as in `sums`. No slopes: both are 0, whatever x is.
extern "C" __global__ void __launch_bounds__(THREADS)
    gradient(const STORE* __restrict__ dy, const STORE* __restrict__ x, const REAL* __restrict__ line, const REAL* __restrict__ slopes, STORE* __restrict__ dx,
             int S, int C, int parts, double lowest, double highest) {
  const Place place(S, C, parts, ROWS_OF_TWO);
  if (place.channel >= C) return;
  const REAL low = lowest, high = highest;
  const int entries = gridDim.x / parts * C, tile = blockDim.y * ROWS_OF_TWO, tiles = (S + tile - 1) / tile;
  const Reals mean = read_reals(line, place.entry), scale = read_reals(line, (size_t)3 * entries + place.entry),
              shift = read_reals(line, (size_t)4 * entries + place.entry);
  Reals along = {}, offset = {};
  if (slopes) along = read_reals(slopes, place.entry), offset = read_reals(slopes, (size_t)entries + place.entry);
  for (int m = (tiles - 1 - place.part) * tile + threadIdx.y; m >= 0; m -= place.step) {
    Numbers above[ROWS_OF_TWO], rows[ROWS_OF_TWO];
#pragma unroll
    for (int r = 0; r < ROWS_OF_TWO; r++)
      if (m + r * blockDim.y < S) {
        const size_t at = place.first + (size_t)(m + r * blockDim.y) * C;
        above[r] = read(dy, at), rows[r] = read(x, at);
      }
#pragma unroll
    for (int r = 0; r < ROWS_OF_TWO; r++)
      if (m + r * blockDim.y < S) {
        for (int k = 0; k < VECTOR; k++) {
          const REAL d = REAL(rows[r].v[k]) - mean.v[k], y = normalised(d, scale.v[k], shift.v[k]);
          const REAL g = y <= low || y >= high ? REAL(0) : REAL(above[r].v[k]);
          const REAL moved = along.v[k] == 0 ? REAL(0) : along.v[k] * d;  // d may be infinite
          rows[r].v[k] = STORE(scale.v[k] * g - moved - offset.v[k]);
        }
        write(dx, place.first + (size_t)(m + r * blockDim.y) * C, rows[r]);
      }
  }
}
