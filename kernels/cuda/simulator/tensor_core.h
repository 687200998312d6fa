// The instructions of the tensor cores: mma.sync multiplies small matrices that lie spread over the registers of a warp, and
// ldmatrix brings them there. The layouts are those of the PTX ISA, section "Matrix multiply-accumulate operation using mma
// instruction": lane 4 g + q holds parts of the rows g and g + 8, and there of the columns that q counts.
#pragma once
#include "async_copy.h"
#include "functions.h"

namespace simulator {

struct Bf16 {  // two to a register
  static constexpr int DEPTH = 16, PACKED = 2;
  static float value(unsigned bits, int which) { return float_of_bits(bits >> 16 * which << 16); }
};

struct F16 {
  static constexpr int DEPTH = 16, PACKED = 2;
  static float value(unsigned bits, int which) { return float_of_half(bits >> 16 * which); }
};

struct Tf32 {  // one to a register: a float32 whose last 13 bits are not looked at
  static constexpr int DEPTH = 8, PACKED = 1;
  static float value(unsigned bits, int) { return float_of_bits(bits & 0xffffe000); }
};

struct Fragments {  // of one lane
  unsigned a[4], b[2];
  float d[4];
};

// D = A B + D with A (16, K), B (K, 8) and D (16, 8), for all lanes at once. Sums in float32.
template <class Number>
static void multiply(Warp& warp, unsigned) {
  constexpr int K = Number::DEPTH, PACKED = Number::PACKED;
  float A[16][K], B[K][8], D[16][8];
  for (int lane = 0; lane < 32; lane++) {
    const int g = lane / 4, q = lane % 4;
    Fragments f;
    memcpy(&f, warp.given[lane].bytes, sizeof f);
    for (int r = 0; r < 4; r++) {
      for (int i = 0; i < PACKED; i++) A[g + r % 2 * 8][r / 2 * (K / 2) + q * PACKED + i] = Number::value(f.a[r], i);
      D[g + r / 2 * 8][q * 2 + r % 2] = f.d[r];
    }
    for (int r = 0; r < 2; r++)
      for (int i = 0; i < PACKED; i++) B[r * (K / 2) + q * PACKED + i][g] = Number::value(f.b[r], i);
  }
  for (int m = 0; m < 16; m++)
    for (int k = 0; k < K; k++)
      for (int n = 0; n < 8; n++) D[m][n] += A[m][k] * B[k][n];
  for (int lane = 0; lane < 32; lane++) {
    float d[4];
    for (int r = 0; r < 4; r++) d[r] = D[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2];
    memcpy(warp.taken[lane].bytes, d, sizeof d);
  }
}

static void need_full_warp(const char* primitive, Place place) {
  if (warp_of(*current).lanes != ALL_LANES) fail(place, "%s() needs a warp of 32 threads: make the block a multiple of 32", primitive);
}

template <class Number>
static void mma(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const char* primitive, Place place) {
  need_full_warp(primitive, place);
  Warp& warp = warp_of(*current);
  const unsigned lane = current->lane;
  const Fragments f = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {d[0], d[1], d[2], d[3]}};
  memcpy(warp.given[lane].bytes, &f, sizeof f);
  meet(ALL_LANES, primitive, place, multiply<Number>);
  memcpy(d, warp.taken[lane].bytes, sizeof d);
}

// Four matrices of 8x8 numbers of 16 bits. Lane 8 m + i gives the address of row i of matrix m; lane 4 g + q gets numbers 2 q and
// 2 q + 1 of row g, or transposed, of column g.
template <bool TRANSPOSED>
static void load_matrices(Warp& warp, unsigned) {
  unsigned short rows[32][8];
  for (int lane = 0; lane < 32; lane++) {
    const void* address;
    memcpy(&address, warp.given[lane].bytes, sizeof address);
    memcpy(rows[lane], address, sizeof rows[lane]);
  }
  for (int lane = 0; lane < 32; lane++) {
    const int g = lane / 4, q = lane % 4 * 2;
    unsigned r[4];
    for (int m = 0; m < 4; m++) {
      const unsigned first = TRANSPOSED ? rows[m * 8 + q][g] : rows[m * 8 + g][q];
      const unsigned second = TRANSPOSED ? rows[m * 8 + q + 1][g] : rows[m * 8 + g][q + 1];
      r[m] = first | second << 16;
    }
    memcpy(warp.taken[lane].bytes, r, sizeof r);
  }
}

template <bool TRANSPOSED>
__forceinline__ void ldmatrix(unsigned (&r)[4], const void* address, const char* primitive, Place place) {
  need_full_warp(primitive, place);
  if (!is_shared(address)) fail(place, "%s(): the address is not in shared memory", primitive);
  if (reinterpret_cast<uintptr_t>(address) % 16) fail(place, "%s(): the address is no multiple of 16", primitive);
  check_read(address, 16);
  Warp& warp = warp_of(*current);
  memcpy(warp.given[current->lane].bytes, &address, sizeof address);
  meet(ALL_LANES, primitive, place, load_matrices<TRANSPOSED>);
  memcpy(r, warp.taken[current->lane].bytes, sizeof r);
}

}  // namespace simulator

// A float32, by its bits, rounded to the nearest number of 11 bits, ties away from 0 (cvt.rna.tf32); infinity and NaN stay.
inline unsigned round_tf32(unsigned bits) { return (bits & 0x7f800000) == 0x7f800000 ? bits : (bits + 0x1000) & 0xffffe000; }

inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], simulator::Place place = simulator::Place::here()) {
  simulator::mma<simulator::Bf16>(d, a, b, "mma_bf16", place);
}
inline void mma_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], simulator::Place place = simulator::Place::here()) {
  simulator::mma<simulator::F16>(d, a, b, "mma_f16", place);
}
inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], simulator::Place place = simulator::Place::here()) {
  simulator::mma<simulator::Tf32>(d, a, b, "mma_tf32", place);
}
__forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* shared_address, simulator::Place place = simulator::Place::here()) {
  simulator::ldmatrix<false>(r, shared_address, "ldmatrix_x4", place);
}
__forceinline__ void ldmatrix_x4_trans(unsigned (&r)[4], const void* shared_address, simulator::Place place = simulator::Place::here()) {
  simulator::ldmatrix<true>(r, shared_address, "ldmatrix_x4_trans", place);
}
