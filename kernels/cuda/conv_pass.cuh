// One pass over images that computes a convolution, or its data gradient: what is read, with which weights, and where it goes.
//
// A result (n, u, v) is a sum over taps (i, j) and channels c of the images read:
//
//   y[n, out_h0 + u out_step_h, out_w0 + v out_step_w, o] = Σ x[n, u step_h + tap_h0 + i tap_dh, v step_w + tap_w0 + j tap_dw, c] · w(o, i, j, c)
//
// where pixels outside of the images count as zero. That is a product of matrices: M = N U V rows, one for each result's pixel; O columns;
// and the sum runs over K = taps_h taps_w C. Its left factor is never written down: a thread that wants to read row m at
// position k finds the pixel (implicit GEMM). conv_pass.py says which passes make which gradient.
#pragma once

// Division by a number that is known before the kernel starts: a multiplication (Granlund & Montgomery 1994), right for numbers below 2^31.
struct Divisor {
  unsigned divisor, multiplier, shift;
  __device__ int quotient(int n) const { return (__umulhi((unsigned)n, multiplier) + (unsigned)n) >> shift; }
};

struct Pass {
  int M, K, C, O;                                  // results; length of the sum; channels read and written, in one group
  Divisor V, UV;                                   // columns and pixels of the results of one image
  int IH, IW, pitch_in;                            // images read: rows, columns, and numbers from one pixel to the next
  int step_h, step_w;                              // from one result's window to the next one's
  int chunk;                                       // channels that are summed over before the next tap; then come the next channels
  int taps_h, taps_w, tap_h0, tap_dh, tap_w0, tap_dw;  // rows and columns of taps; where they look
  int w_first, w_tap_h, w_tap_w, w_row, w_group;   // where weights are: of the first tap, steps from tap to tap, from output to output, from group to group
  int OH, OW, pitch_out;                           // images written
  int out_h0, out_w0, out_step_h, out_step_w;      // where the results are in them
  int plain, dense;  // every result sees one pixel, that of the same number; it is written to the pixel of its number: no arithmetic is needed to find them
};

// A result's pixel, and where its window begins in the images read.
struct Window {
  int row, column, start;  // start: index of pixel (row, column), channel 0

  __device__ Window(const Pass& p, int m) : row(-1 << 28), column(0), start(0) {  // by default outside: every tap reads zero
    if (m >= p.M) return;
    if (p.plain) {
      row = 0;
      start = m * p.pitch_in;
      return;
    }
    const int n = p.UV.quotient(m), pixel = m - n * p.UV.divisor;
    const int u = p.V.quotient(pixel), v = pixel - u * p.V.divisor;
    row = u * p.step_h;
    column = v * p.step_w;
    start = ((n * p.IH + row) * p.IW + column) * p.pitch_in;
  }
};

// A position k of the sum: channel c of tap (i, j). Its order: for each chunk of channels, for each tap, for each channel of the chunk. (With chunks, one
// tap after the other sees nearly the same pixels, and finds them in the cache.)
struct Position {
  int k, c, i, j, end;  // end: of the chunk

  __device__ Position(const Pass& p, int k) : k(k) {
    const int taps = p.taps_h * p.taps_w, tap = k / p.chunk % taps, chunk = k / p.chunk / taps;
    i = tap / p.taps_w;
    j = tap % p.taps_w;
    c = chunk * p.chunk + k % p.chunk;
    end = (chunk + 1) * p.chunk;
  }
  __device__ void advance(const Pass& p, int by) {
    k += by;
    c += by;
    while (c >= end) {
      c -= p.chunk;
      if (++j < p.taps_w) continue;
      j = 0;
      if (++i < p.taps_h) continue;
      i = 0;
      c += p.chunk;
      end += p.chunk;
    }
  }
  __device__ int row(const Pass& p) const { return p.tap_h0 + i * p.tap_dh; }        // of the image, counted from a window's row
  __device__ int column(const Pass& p) const { return p.tap_w0 + j * p.tap_dw; }
  __device__ int offset(const Pass& p) const { return (row(p) * p.IW + column(p)) * p.pitch_in + c; }
  __device__ int weight(const Pass& p) const { return p.w_first + i * p.w_tap_h + j * p.w_tap_w + c; }
};

// Is the pixel that a position sees from a window inside the images?
__device__ __forceinline__ bool inside(const Pass& p, const Window& window, int row, int column) {
  return (unsigned)(window.row + row) < (unsigned)p.IH && (unsigned)(window.column + column) < (unsigned)p.IW;
}

// Index of the pixel that result m is written to, channel 0.
__device__ __forceinline__ int target(const Pass& p, int m) {
  if (p.dense) return m * p.pitch_out;
  const int n = p.UV.quotient(m), pixel = m - n * p.UV.divisor;
  const int u = p.V.quotient(pixel), v = pixel - u * p.V.divisor;
  return ((n * p.OH + p.out_h0 + u * p.out_step_h) * p.OW + p.out_w0 + v * p.out_step_w) * p.pitch_out;
}
