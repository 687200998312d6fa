// Pooling: the largest pixel, or the mean, of every window.
//
// Forward, a thread has one pixel of the result and a few channels, and looks at all taps of its window. Neighbouring threads have neighbouring channels, then
// neighbouring columns: they read neighbours in memory, and what windows share comes from the cache.
//
// Backward, a thread has one pixel of the input, and collects from all windows that hold it. The other way round, a thread for every window that adds to
// its pixels, two threads would add to one number, in an order that changes from run to run.
#include "pixels.cuh"

// Of max pooling, each window remembers which tap won: i kw + j.
#ifdef MANY_TAPS
typedef int Tap;
#else
typedef unsigned char Tap;
#endif
struct alignas(LANES * sizeof(Tap)) Taps {
  Tap v[LANES];
};

struct Window {
  int H, W, C, P, Q;                           // rows and columns of the input, channels, rows and columns of the result
  int kh, kw, sh, sw, dh, dw, top, left;       // taps, stride and dilation of the window, and where the first one starts
  int high, low, near, far;                    // average pooling counts the taps from row -high to H + low and from column -near to W + far
};

// The taps of a window, of `taps` with `dilation` between them, that meet one of `size` pixels. The first tap is at pixel `start`.
__device__ __forceinline__ Range inside(int start, int taps, int dilation, int size) {
  const int first = start < 0 ? (-start + dilation - 1) / dilation : 0, end = (size - start + dilation - 1) / dilation;
  return {first, end < taps ? end : taps};
}

// The windows that may hold a pixel, `place` pixels behind the start of the first window; each reaches `extent` pixels far.
__device__ __forceinline__ Range around(int place, int extent, int stride, int windows) {
  const int first = place < extent ? 0 : (place - extent) / stride + 1, end = place / stride + 1;
  return {first, end < windows ? end : windows};
}

// y[n, p, q, c] = max over i, j of x[n, p sh + i dh - top, q sw + j dw - left, c], over the taps that meet a pixel; winner[n, p, q, c] = i kw + j.
extern "C" __global__ void max_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, Tap* __restrict__ winner, Window w, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, w.P, w.Q, w.C);
  const int r = at.r * w.sh - w.top, s = at.s * w.sw - w.left;
  const Range rows = inside(r, w.kh, w.dh, w.H), columns = inside(s, w.kw, w.dw, w.W);
  const STORE* image = x + (size_t)at.n * w.H * w.W * w.C + at.c;
  REAL best[LANES];
  int tap[LANES];
#pragma unroll
  for (int l = 0; l < LANES; l++) best[l] = -INFINITY, tap[l] = rows.first * w.kw + columns.first;
  for (int i = rows.first; i < rows.end; i++) {
    const STORE* row = image + (size_t)(r + i * w.dh) * w.W * w.C;
#pragma unroll 3
    for (int j = columns.first; j < columns.end; j++) {
      const Lanes pixel = load(row + (s + j * w.dw) * w.C);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (beats(pixel.v[l], best[l])) best[l] = pixel.v[l], tap[l] = i * w.kw + j;
    }
  }
  const size_t out = offset(at, w.P, w.Q, w.C);
  Lanes result;
  Taps taps;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(best[l]), taps.v[l] = (Tap)tap[l];
  *(Lanes*)(y + out) = result;
  *(Taps*)(winner + out) = taps;
}

// dx[n, r, s, c] = sum of dy[n, p, q, c] over the windows (p, q) in which pixel (r, s) has won.
extern "C" __global__ void max_pool2d_dx(const STORE* __restrict__ dy, const Tap* __restrict__ winner, STORE* __restrict__ dx, Window w,
                                         long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, w.H, w.W, w.C);
  const int r = at.r + w.top, s = at.s + w.left;
  const Range rows = around(r, w.dh * (w.kh - 1) + 1, w.sh, w.P), columns = around(s, w.dw * (w.kw - 1) + 1, w.sw, w.Q);
  const size_t image = (size_t)at.n * w.P * w.Q * w.C + at.c;
  REAL total[LANES] = {};
  for (int p = rows.first; p < rows.end; p++) {
    const int i = (r - p * w.sh) / w.dh;
    if (i * w.dh + p * w.sh != r) continue;  // between two taps
    const size_t row = image + (size_t)p * w.Q * w.C;
    for (int q = columns.first; q < columns.end; q++) {
      const int j = (s - q * w.sw) / w.dw;
      if (j * w.dw + q * w.sw != s) continue;
      const size_t window = row + q * w.C;
      const Taps taps = *(const Taps*)(winner + window);
      const Lanes gradient = load(dy + window);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (taps.v[l] == i * w.kw + j) total[l] += REAL(gradient.v[l]);
    }
  }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, w.H, w.W, w.C)) = result;
}

// D, how many taps of window (p, q) are counted.
__device__ __forceinline__ int counted(int p, int q, const Window& w) {
  const int r = p * w.sh - w.top, s = q * w.sw - w.left;
  const int height = min(r + w.kh, w.H + w.low) - max(r, -w.high), width = min(s + w.kw, w.W + w.far) - max(s, -w.near);
  return height * width;
}

// y[n, p, q, c] = 1/D[p, q] sum over i, j of x[n, p sh + i - top, q sw + j - left, c]
extern "C" __global__ void avg_pool2d(const STORE* __restrict__ x, STORE* __restrict__ y, Window w, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, w.P, w.Q, w.C);
  const int r = at.r * w.sh - w.top, s = at.s * w.sw - w.left;
  const Range rows = inside(r, w.kh, 1, w.H), columns = inside(s, w.kw, 1, w.W);
  const STORE* image = x + (size_t)at.n * w.H * w.W * w.C + at.c;
  REAL total[LANES] = {};
  for (int i = rows.first; i < rows.end; i++) {
    const STORE* row = image + (size_t)(r + i) * w.W * w.C;
#pragma unroll 3
    for (int j = columns.first; j < columns.end; j++) {
      const Lanes pixel = load(row + (s + j) * w.C);
#pragma unroll
      for (int l = 0; l < LANES; l++) total[l] += REAL(pixel.v[l]);
    }
  }
  const REAL share = REAL(1) / REAL(counted(at.r, at.s, w));
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(share * total[l]);
  *(Lanes*)(y + offset(at, w.P, w.Q, w.C)) = result;
}

// dx[n, r, s, c] = sum of dy[n, p, q, c] / D[p, q] over the windows that hold pixel (r, s).
extern "C" __global__ void avg_pool2d_dx(const STORE* __restrict__ dy, STORE* __restrict__ dx, Window w, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, w.H, w.W, w.C);
  const Range rows = around(at.r + w.top, w.kh, w.sh, w.P), columns = around(at.s + w.left, w.kw, w.sw, w.Q);
  const STORE* image = dy + (size_t)at.n * w.P * w.Q * w.C + at.c;
  REAL total[LANES] = {};
  for (int p = rows.first; p < rows.end; p++) {
    const STORE* row = image + (size_t)p * w.Q * w.C;
    for (int q = columns.first; q < columns.end; q++) {
      const Lanes gradient = load(row + q * w.C);
      const REAL share = REAL(1) / REAL(counted(p, q, w));
#pragma unroll
      for (int l = 0; l < LANES; l++) total[l] += share * REAL(gradient.v[l]);
    }
  }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, w.H, w.W, w.C)) = result;
}
