// Group normalisation. The passes through images are those of batch_norm.cu, with sums for each channel of each image; here is what becomes of these sums.
//
// A warp for each group of each image: its lanes share the channels of the group and the parts of their rows.
#include "channels.cuh"

// The moments of all channels of a group, merged, are those of the group. Each of its channels gets a line of its own in `line` (6, N C), because gamma and beta
// differ within a group.
extern "C" __global__ void finish_group_statistics(const REAL* found, const REAL* gamma, const REAL* beta, REAL* line, int N, int S, int C, int groups, int parts,
                                                   int tile, double eps) {
  const int group = blockIdx.x * blockDim.y + threadIdx.y, size = C / groups, start = group * size, entries = N * C;
  if (group >= N * groups) return;
  Moments all = {};
  for (int i = threadIdx.x; i < size * parts; i += 32)
    all = merged(all, moments_of_part(found, entries, start + i / parts, i % parts, parts, tile, S));
  all = merged_over_warp(all);
  const REAL first = __shfl_sync(~0u, all.first, 0), offset = __shfl_sync(~0u, all.offset, 0), var = __shfl_sync(~0u, all.squares / all.count, 0);
  for (int i = threadIdx.x; i < size; i += 32) {
    const int c = (start + i) % C;
    write_line(line, entries, start + i, first, offset, var, gamma ? gamma[c] : REAL(1), beta ? beta[c] : REAL(0), eps);
  }
}

// With dx_hat = gamma dy, and means over the M = S C / groups numbers of a group,
//
//     dx = (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat)) inverse
//        = scale dy - along (x - mean) - offset
//
// Fills `shares` (2, N C): dbeta and dgamma of each image, and `slopes` (2, N C): along and offset, the same for all channels of a group.
extern "C" __global__ void finish_group_sums(const REAL* found, const REAL* line, const REAL* gamma, REAL* shares, REAL* slopes, int N, int S, int C, int groups,
                                             int parts) {
  const int group = blockIdx.x * blockDim.y + threadIdx.y, size = C / groups, start = group * size, entries = N * C;
  if (group >= N * groups) return;
  const REAL inverse = line[(size_t)2 * entries + start], rest = line[(size_t)5 * entries + start];
  REAL total = 0, moment = 0;  // of dx_hat and of dx_hat x_hat, over the group
  for (int i = threadIdx.x; i < size; i += 32) {
    const int entry = start + i;
    REAL sum = 0, slope = 0;
    for (int part = 0; part < parts; part++) {
      sum += found[(size_t)entry * parts + part];
      slope += found[((size_t)entries + entry) * parts + part];
    }
    slope = (slope - rest * sum) * inverse;
    shares[entry] = sum;
    shares[(size_t)entries + entry] = slope;
    const REAL factor = gamma ? gamma[entry % C] : REAL(1);
    total += factor * sum;
    moment += factor * slope;
  }
  total = __shfl_sync(~0u, add_over_warp(total), 0), moment = __shfl_sync(~0u, add_over_warp(moment), 0);
  const REAL M = REAL(S) * size, along = inverse * inverse * moment / M, offset = inverse * total / M - along * rest;
  for (int i = threadIdx.x; i < size; i += 32) {
    slopes[start + i] = along;
    slopes[(size_t)entries + start + i] = offset;
  }
}

// dbeta and dgamma: sums over the images. A warp for each channel.
extern "C" __global__ void add_images(const REAL* shares, REAL* dgamma, REAL* dbeta, int N, int C) {
  const int c = blockIdx.x * blockDim.y + threadIdx.y;
  if (c >= C) return;
  REAL total = 0, slope = 0;
  for (int n = threadIdx.x; n < N; n += 32) {
    total += shares[(size_t)n * C + c];
    slope += shares[((size_t)N + n) * C + c];
  }
  total = add_over_warp(total), slope = add_over_warp(slope);
  if (threadIdx.x == 0) dbeta[c] = total, dgamma[c] = slope;
}
