// Adaptive pooling: windows ("bins") chosen so that the result has P rows and Q columns.
//
// Bin p of P along H pixels goes from floor(p H / P) up to, not including, ceil((p + 1) H / P). The other way round, the bins that hold pixel r are those from
// floor(r P / H) up to, not including, ceil((r + 1) P / H): the same formula, with pixels and bins in each other's place.
//
// One kernel for bins of any size, one for the single bin that is the whole image, and the way back.
#include "pixels.cuh"

// Bin p of `bins` bins on `pixels` pixels; or the bins that hold pixel p, with the other two exchanged.
__device__ __forceinline__ Range bin(int p, int pixels, int bins) {
  return {(int)divide((long long)p * pixels, bins).quotient, (int)divide((long long)(p + 1) * pixels + bins - 1, bins).quotient};
}

// Sizes of the input (H, W) and of the result (P, Q), and the number of channels.
struct Sizes {
  int H, W, P, Q, C;
};

// y[n, p, q, c] = mean of x[n, r, s, c] over r in bin p and s in bin q. A thread for every pixel of y and a few channels.
extern "C" __global__ void adaptive_avg_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, Sizes z, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.P, z.Q, z.C);
  const Range rows = bin(at.r, z.H, z.P), columns = bin(at.s, z.W, z.Q);
  REAL total[LANES] = {};
  for (int r = rows.first; r < rows.end; r++) {
    const STORE* row = x + (((size_t)at.n * z.H + r) * z.W) * z.C + at.c;
    for (int s = columns.first; s < columns.end; s++) {
      const Lanes pixel = load(row + s * z.C);
#pragma unroll
      for (int l = 0; l < LANES; l++) total[l] += REAL(pixel.v[l]);
    }
  }
  const REAL share = REAL(1) / (REAL(rows.end - rows.first) * REAL(columns.end - columns.first));
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(share * total[l]);
  *(Lanes*)(y + offset(at, z.P, z.Q, z.C)) = result;
}

// The largest pixel of each bin, and where it is: winner[n, p, q, c] = r W + s.
extern "C" __global__ void adaptive_max_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, int* __restrict__ winner, Sizes z,
                                               long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.P, z.Q, z.C);
  const Range rows = bin(at.r, z.H, z.P), columns = bin(at.s, z.W, z.Q);
  REAL best[LANES];
  int pixel[LANES];
#pragma unroll
  for (int l = 0; l < LANES; l++) best[l] = -INFINITY, pixel[l] = rows.first * z.W + columns.first;
  for (int r = rows.first; r < rows.end; r++) {
    const STORE* row = x + (((size_t)at.n * z.H + r) * z.W) * z.C + at.c;
    for (int s = columns.first; s < columns.end; s++) {
      const Lanes value = load(row + s * z.C);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (beats(value.v[l], best[l])) best[l] = value.v[l], pixel[l] = r * z.W + s;
    }
  }
  const size_t out = offset(at, z.P, z.Q, z.C);
#pragma unroll
  for (int l = 0; l < LANES; l++) y[out + l] = STORE(best[l]), winner[out + l] = pixel[l];
}

// dx[n, r, s, c] = sum of dy[n, p, q, c] / (size of the bin) over the bins (p, q) that hold pixel (r, s). A thread for every pixel of x, as in pool.cu.
extern "C" __global__ void adaptive_avg_pool2d_dx(const STORE* __restrict__ dy, STORE* __restrict__ dx, Sizes z, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.H, z.W, z.C);
  const Range rows = bin(at.r, z.P, z.H), columns = bin(at.s, z.Q, z.W);
  REAL total[LANES] = {};
  for (int p = rows.first; p < rows.end; p++) {
    const STORE* row = dy + (((size_t)at.n * z.P + p) * z.Q) * z.C + at.c;
    const Range height = bin(p, z.H, z.P);
    for (int q = columns.first; q < columns.end; q++) {
      const Lanes gradient = load(row + q * z.C);
      const Range width = bin(q, z.W, z.Q);
      const REAL share = REAL(1) / (REAL(height.end - height.first) * REAL(width.end - width.first));
#pragma unroll
      for (int l = 0; l < LANES; l++) total[l] += share * REAL(gradient.v[l]);
    }
  }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, z.H, z.W, z.C)) = result;
}

// dx[n, r, s, c] = sum of dy[n, p, q, c] over the bins that pixel (r, s) has won.
extern "C" __global__ void adaptive_max_pool2d_dx(const STORE* __restrict__ dy, const int* __restrict__ winner, STORE* __restrict__ dx, Sizes z,
                                                  long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.H, z.W, z.C);
  const Range rows = bin(at.r, z.P, z.H), columns = bin(at.s, z.Q, z.W);
  REAL total[LANES] = {};
  for (int p = rows.first; p < rows.end; p++)
    for (int q = columns.first; q < columns.end; q++) {
      const size_t from = (((size_t)at.n * z.P + p) * z.Q + q) * z.C + at.c;
      const Lanes gradient = load(dy + from);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (winner[from + l] == at.r * z.W + at.s) total[l] += REAL(gradient.v[l]);
    }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, z.H, z.W, z.C)) = result;
}

// The whole image as one bin. There are few results, and behind each of them are many numbers: so a block computes together what would keep one thread busy.
// It has image blockIdx.x and blockDim.x times LANES channels. Thread (x, y) looks at every blockDim.y-th pixel from pixel y on, all of them at its own
// channels; then the findings of its blockDim.y (a power of 2) parts are combined in shared memory, half with half, until one is left.
constexpr int THREADS = 256;

// y[n, c] = mean of x[n, r, c] over all pixels r.
extern "C" __global__ void global_avg_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, int pixels, int C) {
  __shared__ REAL sums[LANES][THREADS];
  const int c = (blockIdx.y * blockDim.x + threadIdx.x) * LANES, me = threadIdx.y * blockDim.x + threadIdx.x;
  const STORE* image = x + (size_t)blockIdx.x * pixels * C + c;
  REAL total[LANES] = {};
  if (c < C) {
#pragma unroll 4
    for (int r = threadIdx.y; r < pixels; r += blockDim.y) {
      const Lanes pixel = load(image + (size_t)r * C);
#pragma unroll
      for (int l = 0; l < LANES; l++) total[l] += REAL(pixel.v[l]);
    }
  }
#pragma unroll
  for (int l = 0; l < LANES; l++) sums[l][me] = total[l];
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half)
      for (int l = 0; l < LANES; l++) sums[l][me] += sums[l][me + half * blockDim.x];
  }
  if (threadIdx.y > 0 || c >= C) return;
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(sums[l][me] / REAL(pixels));
  *(Lanes*)(y + (size_t)blockIdx.x * C + c) = result;
}

// The largest pixel of each channel. Of equal ones the first must win, whichever part has found it: so where values are equal, places are compared.
extern "C" __global__ void global_max_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, int* __restrict__ winner, int pixels, int C) {
  __shared__ REAL values[LANES][THREADS];
  __shared__ int places[LANES][THREADS];
  const int c = (blockIdx.y * blockDim.x + threadIdx.x) * LANES, me = threadIdx.y * blockDim.x + threadIdx.x;
  const STORE* image = x + (size_t)blockIdx.x * pixels * C + c;
  REAL best[LANES];
  int pixel[LANES];
#pragma unroll
  for (int l = 0; l < LANES; l++) best[l] = -INFINITY, pixel[l] = 0;
  if (c < C) {
#pragma unroll 4
    for (int r = threadIdx.y; r < pixels; r += blockDim.y) {
      const Lanes value = load(image + (size_t)r * C);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (beats(value.v[l], best[l])) best[l] = value.v[l], pixel[l] = r;
    }
  }
#pragma unroll
  for (int l = 0; l < LANES; l++) values[l][me] = best[l], places[l][me] = pixel[l];
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half)
      for (int l = 0; l < LANES; l++) {
        const int other = me + half * blockDim.x;
        const REAL mine = values[l][me], theirs = values[l][other];
        const bool equal = theirs == mine || (theirs != theirs && mine != mine);
        if (equal ? places[l][other] < places[l][me] : beats(theirs, mine)) values[l][me] = theirs, places[l][me] = places[l][other];
      }
  }
  if (threadIdx.y > 0 || c >= C) return;
  const size_t out = (size_t)blockIdx.x * C + c;
#pragma unroll
  for (int l = 0; l < LANES; l++) y[out + l] = STORE(values[l][me]), winner[out + l] = places[l][me];
}
