// The tensor cores of Hopper (wgmma): a warpgroup, four warps, multiplies a 64 x K by a K x N matrix that both lie in shared memory.
// Each thread computes its own results, at the end of the wait for them: from what is in shared memory by then.
#pragma once
#include "tensor_core.h"

namespace simulator {

// Where the pieces of a factor are: "matrix descriptor" of the PTX ISA, with rows of 128 bytes that are swizzled.
struct Operand {
  size_t begin, block, group;

  explicit Operand(unsigned long long bits) : begin((bits & 0x3fff) << 4), block((bits >> 16 & 0x3fff) << 4), group((bits >> 32 & 0x3fff) << 4) {}

  // Number `k` of the sum in row (of A) or column (of B) `line`, each number of `size` bytes. Transposed, the lines are neighbours.
  template <bool TRANSPOSED>
  const unsigned char* at(int line, int k, int size) const {
    size_t place = begin;
    if (TRANSPOSED) place += line / 64 * block + k / 8 * group + k % 8 * 128 + line % 64 * size;
    else place += line / 8 * group + line % 8 * 128 + k * size;
    return shared_memory + (place ^ (place >> 7 & 7) << 4);
  }
};

// The numbers of a line of a factor.
template <class Number, bool TRANSPOSED>
static void read_line(const Operand& operand, int line, float (&numbers)[Number::DEPTH]) {
  constexpr int SIZE = 4 / Number::PACKED;
  for (int k = 0; k < Number::DEPTH; k++) {
    unsigned bits = 0;
    memcpy(&bits, operand.at<TRANSPOSED>(line, k, SIZE), SIZE);
    numbers[k] = Number::value(bits, 0);
  }
}

// Number i of the N / 2 results of a thread is in row 16 w + g + 8 (i / 2 % 2), column 8 (i / 4) + 2 q + i % 2.
template <class Number, int N, bool TRANSPOSED>
SIMULATOR_UNCHECKED static void multiply_group(const Product& product) {
  constexpr int K = Number::DEPTH;
  const Operand a(product.a), b(product.b);
  const int row = current->number / 32 % 4 * 16 + current->lane / 4, q = current->lane % 4;
  float rows[2][K], column[K];
  for (int half = 0; half < 2; half++) read_line<Number, TRANSPOSED>(a, row + 8 * half, rows[half]);
  for (int i = 0; i < N / 2; i += i % 2 ? 3 : 1) {  // 0, 1, 4, 5, 8, ...: each column once, for both rows
    read_line<Number, TRANSPOSED>(b, i / 4 * 8 + 2 * q + i % 2, column);
    for (int half = 0; half < 2; half++)
      for (int k = 0; k < K; k++) product.d[i + 2 * half] += rows[half][k] * column[k];
  }
}

// The memory check looks at both factors when the product is ordered.
template <class Number, int N, bool TRANSPOSED>
__forceinline__ void check_factors(unsigned long long a, unsigned long long b) {
#ifdef SIMULATOR_MEMORY_CHECK
  constexpr int SIZE = 4 / Number::PACKED;
  const int row = current->number / 32 % 4 * 16 + current->lane / 4;
  for (int k = 0; k < Number::DEPTH; k++) {
    for (int half = 0; half < 2; half++) check_read(Operand(a).at<TRANSPOSED>(row + 8 * half, k, SIZE), SIZE);
    for (int column = current->lane % 4 * 2; column < N; column += 8)
      for (int i = 0; i < 2; i++) check_read(Operand(b).at<TRANSPOSED>(column + i, k, SIZE), SIZE);
  }
#endif
}

template <class Number, bool TRANSPOSED, int HALF>
__forceinline__ void wgmma(float (&d)[HALF], unsigned long long a, unsigned long long b, Place place) {
  if (count % 128) fail(place, "wgmma needs warpgroups of 128 threads: make the block a multiple of 128");
  check_factors<Number, 2 * HALF, TRANSPOSED>(a, b);
  current->products.add({multiply_group<Number, 2 * HALF, TRANSPOSED>, d, a, b, place, 0});
}

}  // namespace simulator

// How the instruction finds a factor: see kernels/cuda/hopper.cuh.
inline unsigned long long operand(const void* shared, unsigned group, unsigned block = 16, simulator::Place place = simulator::Place::here()) {
  if (!simulator::is_shared(shared)) simulator::fail(place, "operand(): the address is not in shared memory");
  const unsigned long long address = static_cast<const unsigned char*>(shared) - simulator::shared_memory;
  return address >> 4 | (unsigned long long)(block >> 4) << 16 | (unsigned long long)(group >> 4) << 32 | 1ull << 62;
}

#define SIMULATOR_WGMMA(name, Number, transposed)                                                                                   \
  template <int HALF>                                                                                                              \
  __forceinline__ void name(float (&d)[HALF], unsigned long long a, unsigned long long b, simulator::Place place = simulator::Place::here()) { \
    simulator::wgmma<simulator::Number, transposed>(d, a, b, place);                                                               \
  }
SIMULATOR_WGMMA(wgmma_bf16, Bf16, false)
SIMULATOR_WGMMA(wgmma_f16, F16, false)
SIMULATOR_WGMMA(wgmma_tf32, Tf32, false)
SIMULATOR_WGMMA(wgmma_bf16_transposed, Bf16, true)
SIMULATOR_WGMMA(wgmma_f16_transposed, F16, true)
#undef SIMULATOR_WGMMA

inline void wgmma_begin() {}
inline void wgmma_commit() { simulator::current->products.committed++; }
template <int N>
void wgmma_wait() {
  simulator::current->products.wait(N, [](const simulator::Product& product) { product.perform(product); });
}
inline void show_to_tensor_cores() {}
