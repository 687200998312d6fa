// How a tile of results leaves the kernels of tensor cores: through shared memory, so that threads that are neighbours write 16 bytes beside each other.
#pragma once

constexpr int PITCH = TILE_N + 8;  // of a row of the tile in shared memory, in numbers: 8 more keep the rows that a warp writes at once in different banks

// Two neighbours at once: one instruction rounds both to 16 bits.
__device__ __forceinline__ void put(float* to, float first, float second) { *(float2*)to = make_float2(first, second); }
#if __CUDA_ARCH__ >= 800
__device__ __forceinline__ void put(bf16* to, float first, float second) {
  unsigned both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  *(unsigned*)to = both;
}
__device__ __forceinline__ void put(half16* to, float first, float second) {
  unsigned both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  *(unsigned*)to = both;
}
#else
template <class T>
__device__ __forceinline__ void put(T* to, float first, float second) { to[0] = T(first), to[1] = T(second); }
#endif

// A result clipped to low..high; a NaN stays.
__device__ __forceinline__ float clipped(float v, float low, float high) { return v < low ? low : v > high ? high : v; }

// The bias of output o, of so many.
__device__ __forceinline__ float bias_of(const float* bias, int o, int outputs) { return o < outputs ? bias[o] : 0; }

// The tile's rows, of results m0, m0 + 1, ..., to their pixels; y begins at the tile's first output, of which `outputs` are left.
template <int THREADS>
__device__ __forceinline__ void write_tile(const STORE* tile, STORE* y, const Pass& p, int m0, int outputs) {
  constexpr int PIECES = TILE_N / WIDTH, ROWS = THREADS / PIECES;
  const int o = threadIdx.x % PIECES * WIDTH;
  if (o >= outputs) return;
  const bool whole = outputs % WIDTH == 0 && p.O % WIDTH == 0 && p.pitch_out % WIDTH == 0;
#pragma unroll 4
  for (int r = threadIdx.x / PIECES; r < TILE_M; r += ROWS) {
    if (m0 + r >= p.M) return;
    const STORE* from = tile + r * PITCH + o;
    STORE* to = y + target(p, m0 + r) + o;
    if (whole)
      *(Pack*)to = *(const Pack*)from;
    else
      for (int v = 0; v < WIDTH && o + v < outputs; v++) to[v] = from[v];
  }
}
