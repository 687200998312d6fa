// Pooling of regions of interest: a box of any size becomes P x Q numbers per channel. A row of `boxes` is n, x1, y1, x2, y2: the image, then left, top,
// right, bottom, which are multiplied by `scale` to be those of x.
//
// Forward, a thread has one bin of one box and a few channels, as in pool.cu. Backward, a thread has one pixel of the input and asks all boxes, one after the
// other, what it gave to their bins: boxes overlap, and two threads that add to one number would do so in an order that changes from run to run.
#include "pixels.cuh"

// Boxes, rows and columns of the input, rows and columns of the result, channels.
struct Sizes {
  int K, H, W, P, Q, C;
};

// ---- RoI pooling: the corners are rounded to whole pixels, halves away from 0, and the last row and column belong to the box.

// The rows, or columns, of a box: `first` and how many.
struct Extent {
  int first, count;
};
__device__ __forceinline__ Extent extent(REAL first, REAL last, REAL scale) {
  const int begin = (int)round(scale * first), end = (int)round(scale * last);
  return {begin, end - begin + 1};
}

// The pixels of bin p that exist: from floor(p count / bins) up to, not including, ceil((p + 1) count / bins).
__device__ __forceinline__ Range bin(int p, Extent box, int bins, int size) {
  const int begin = box.first + (int)divide((long long)p * box.count, bins).quotient;
  const int end = box.first + (int)divide((long long)(p + 1) * box.count + bins - 1, bins).quotient;
  return {begin > 0 ? begin : 0, end < size ? end : size};
}

// The bins that hold pixel r: the same formula, with pixels and bins in each other's place.
__device__ __forceinline__ Range around(int r, Extent box, int bins) {
  const int place = r - box.first;
  if (place < 0 || place >= box.count) return {0, 0};
  return {(int)divide((long long)place * bins, box.count).quotient, (int)divide((long long)(place + 1) * bins + box.count - 1, box.count).quotient};
}

// The largest pixel of each bin, and where it is: winner[k, p, q, c] = r W + s. A bin without pixels is 0, and its winner -1.
extern "C" __global__ void roi_pool(const STORE* __restrict__ x, const REAL* __restrict__ boxes, STORE* __restrict__ y, int* __restrict__ winner, Sizes z,
                                    double scale, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.P, z.Q, z.C);
  const REAL* box = boxes + 5 * (size_t)at.n;
  const Range rows = bin(at.r, extent(box[2], box[4], REAL(scale)), z.P, z.H), columns = bin(at.s, extent(box[1], box[3], REAL(scale)), z.Q, z.W);
  const bool empty = rows.first >= rows.end || columns.first >= columns.end;
  const STORE* image = x + (size_t)box[0] * z.H * z.W * z.C + at.c;
  REAL best[LANES];
  int pixel[LANES];
#pragma unroll
  for (int l = 0; l < LANES; l++) best[l] = empty ? REAL(0) : REAL(-INFINITY), pixel[l] = empty ? -1 : rows.first * z.W + columns.first;
  for (int r = rows.first; r < rows.end; r++)
    for (int s = columns.first; s < columns.end; s++) {
      const Lanes value = load(image + ((size_t)r * z.W + s) * z.C);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        if (beats(value.v[l], best[l])) best[l] = value.v[l], pixel[l] = r * z.W + s;
    }
  const size_t out = offset(at, z.P, z.Q, z.C);
#pragma unroll
  for (int l = 0; l < LANES; l++) y[out + l] = STORE(best[l]), winner[out + l] = pixel[l];
}

// dx[n, r, s, c] = sum of dy[k, p, q, c] over the bins, of all boxes on image n, that pixel (r, s) has won.
extern "C" __global__ void roi_pool_dx(const STORE* __restrict__ dy, const REAL* __restrict__ boxes, const int* __restrict__ winner,
                                       STORE* __restrict__ dx, Sizes z, double scale, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.H, z.W, z.C);
  REAL total[LANES] = {};
  for (int k = 0; k < z.K; k++) {
    const REAL* box = boxes + 5 * (size_t)k;
    if ((int)box[0] != at.n) continue;
    const Range rows = around(at.r, extent(box[2], box[4], REAL(scale)), z.P), columns = around(at.s, extent(box[1], box[3], REAL(scale)), z.Q);
    for (int p = rows.first; p < rows.end; p++)
      for (int q = columns.first; q < columns.end; q++) {
        const size_t from = (((size_t)k * z.P + p) * z.Q + q) * z.C + at.c;
        const Lanes gradient = load(dy + from);
#pragma unroll
        for (int l = 0; l < LANES; l++)
          if (winner[from + l] == at.r * z.W + at.s) total[l] += REAL(gradient.v[l]);
      }
  }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, z.H, z.W, z.C)) = result;
}

// ---- RoI align: nothing is rounded; the mean of points that lie evenly in the bin, each interpolated between four pixels.

struct Sampling {
  double scale;
  int ratio, aligned;  // points of a bin along each axis, 0: as many as it has pixels; whether the centre of pixel 0 is at 0.5
};

// A box along one axis: where its first bin begins, how long each is, and how many points it has.
struct Axis {
  REAL start, bin;
  int points;
};
__device__ __forceinline__ Axis axis(REAL first, REAL last, int bins, Sampling how) {
  const REAL scale = REAL(how.scale);
  REAL length = scale * last - scale * first;
  if (!how.aligned && length < REAL(1)) length = REAL(1);
  const REAL bin = length / REAL(bins);
  const int points = how.ratio > 0 ? how.ratio : (int)ceil(bin);
  return {scale * first - (how.aligned ? REAL(0.5) : REAL(0)), bin, points > 0 ? points : 1};
}

// Point i of bin p.
__device__ __forceinline__ REAL point(const Axis& a, int p, int i) { return a.start + (REAL(p) + (REAL(i) + REAL(0.5)) / REAL(a.points)) * a.bin; }

// The pixels on both sides of a point, and the weight of the second one; the first is -1 if the point is more than a pixel outside.
struct Between {
  int low, high;
  REAL part;
};
__device__ __forceinline__ Between between(REAL v, int size) {
  if (!(v >= REAL(-1) && v <= REAL(size))) return {-1, -1, REAL(0)};
  v = v < REAL(0) ? REAL(0) : v > REAL(size - 1) ? REAL(size - 1) : v;
  const int low = (int)v;
  return {low, low + 1 < size ? low + 1 : low, v - REAL(low)};
}

// y[k, p, q, c] = mean of x[n, ., ., c] at the points of bin (p, q).
extern "C" __global__ void roi_align(const STORE* __restrict__ x, const REAL* __restrict__ boxes, STORE* __restrict__ y, Sizes z, Sampling how,
                                     long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.P, z.Q, z.C);
  const REAL* box = boxes + 5 * (size_t)at.n;
  const Axis rows = axis(box[2], box[4], z.P, how), columns = axis(box[1], box[3], z.Q, how);
  const STORE* image = x + (size_t)box[0] * z.H * z.W * z.C + at.c;
  REAL total[LANES] = {};
  for (int i = 0; i < rows.points; i++) {
    const Between r = between(point(rows, at.r, i), z.H);
    if (r.low < 0) continue;
    const STORE *above = image + (size_t)r.low * z.W * z.C, *below = image + (size_t)r.high * z.W * z.C;
    for (int j = 0; j < columns.points; j++) {
      const Between s = between(point(columns, at.s, j), z.W);
      if (s.low < 0) continue;
      const Lanes v00 = load(above + s.low * z.C), v01 = load(above + s.high * z.C), v10 = load(below + s.low * z.C), v11 = load(below + s.high * z.C);
#pragma unroll
      for (int l = 0; l < LANES; l++)
        total[l] += (REAL(1) - r.part) * ((REAL(1) - s.part) * REAL(v00.v[l]) + s.part * REAL(v01.v[l])) +
                    r.part * ((REAL(1) - s.part) * REAL(v10.v[l]) + s.part * REAL(v11.v[l]));
    }
  }
  const REAL count = REAL(rows.points) * REAL(columns.points);
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l] / count);
  *(Lanes*)(y + offset(at, z.P, z.Q, z.C)) = result;
}

// The points lie on a grid, and the weight of a pixel in a point is its weight along the rows times that along the columns. So its weight in a whole bin is a
// product, too: weights[k, r, p] is that of row r in bin p of box k, from its boxes' numbers `first` and `last`. A thread for each.
extern "C" __global__ void roi_align_weights(const REAL* __restrict__ boxes, REAL* __restrict__ weights, int first, int last, int size, int bins, Sampling how,
                                             long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Division place = divide(t, bins), box = divide(place.quotient, size);
  const int p = (int)place.rest, r = (int)box.rest;
  const Axis a = axis(boxes[5 * box.quotient + first], boxes[5 * box.quotient + last], bins, how);
  REAL total = 0;
  for (int i = 0; i < a.points; i++) {
    const Between b = between(point(a, p, i), size);
    if (b.low == r) total += REAL(1) - b.part;
    if (b.high == r) total += b.part;
  }
  weights[t] = total / REAL(a.points);
}

// dx[n, r, s, c] = sum of rows[k, r, p] columns[k, s, q] dy[k, p, q, c] over the bins of all boxes on image n.
extern "C" __global__ void roi_align_dx(const STORE* __restrict__ dy, const REAL* __restrict__ boxes, const REAL* __restrict__ rows,
                                        const REAL* __restrict__ columns, STORE* __restrict__ dx, Sizes z, long long threads) {
  const long long t = thread_number();
  if (t >= threads) return;
  const Place at = place(t, z.H, z.W, z.C);
  REAL total[LANES] = {};
  for (int k = 0; k < z.K; k++) {
    if ((int)boxes[5 * (size_t)k] != at.n) continue;
    const REAL *of_row = rows + ((size_t)k * z.H + at.r) * z.P, *of_column = columns + ((size_t)k * z.W + at.s) * z.Q;
    for (int p = 0; p < z.P; p++) {
      if (of_row[p] == REAL(0)) continue;
      for (int q = 0; q < z.Q; q++) {
        if (of_column[q] == REAL(0)) continue;
        const Lanes gradient = load(dy + (((size_t)k * z.P + p) * z.Q + q) * z.C + at.c);
#pragma unroll
        for (int l = 0; l < LANES; l++) total[l] += of_row[p] * of_column[q] * REAL(gradient.v[l]);
      }
    }
  }
  Lanes result;
#pragma unroll
  for (int l = 0; l < LANES; l++) result.v[l] = STORE(total[l]);
  *(Lanes*)(dx + offset(at, z.H, z.W, z.C)) = result;
}
