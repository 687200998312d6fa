// The tensor cores of Hopper: products of matrices that lie in shared memory, ordered, committed in groups, and waited for (wgmma).
//
// As with asynchronous copies, a product is computed at the last moment, that of the wait for it: whoever overwrites a factor too early
// gets wrong numbers. Each thread computes the results that it would get.
#pragma once
#include "tensor_core.h"

namespace simulator {

struct Product {
  float* results;
  int columns;
  unsigned long long left, right;
  bool transposed;
  unsigned group;
  float (*value)(unsigned, int);
  int depth, bytes;  // numbers that are multiplied for each result, and the size of one
};

struct Products {
  Product items[64];
  unsigned size, group, block;
  Place place;
};
static Products products[MOST_THREADS];

static Products& own_products() {
  Products& own = products[current->number];
  if (own.block != block_number) own.size = 0, own.group = 0, own.block = block_number;
  return own;
}

// A factor as `operand` describes it: where it begins, and two distances, in 1024 bytes.
static unsigned long long describe(const void* address, unsigned group, unsigned block, Place place) {
  if (!is_shared(address)) fail(place, "operand(): the address is not in shared memory");
  return (unsigned long long)(static_cast<const unsigned char*>(address) - shared_memory) | (unsigned long long)(group / 1024) << 32 | (unsigned long long)(block / 1024) << 48;
}

// Number k of row `row` of a factor. Pieces of 16 bytes have changed places within their row of 128 bytes.
static float number(unsigned long long operand, int row, int k, const Product& p) {
  const unsigned group = (operand >> 32 & 0xffff) * 1024, block = (operand >> 48) * 1024;
  unsigned at = operand & 0xffffffff;
  at += p.transposed ? k / 8 * group + k % 8 * 128 + row / 64 * block + row % 64 * p.bytes : row / 8 * group + row % 8 * 128 + k * p.bytes;
  at ^= (at >> 7 & 7) << 4;
  unsigned bits = 0;
  memcpy(&bits, shared_memory + at, p.bytes);
  return p.value(bits, 0);
}

static void compute(const Product& p) {
  const int warp = current->number / 32 % 4, g = current->lane / 4, q = current->lane % 4;
  float left[2][16];
  for (int half = 0; half < 2; half++)
    for (int k = 0; k < p.depth; k++) left[half][k] = number(p.left, warp * 16 + g + half * 8, k, p);
  for (int column = 0; column < p.columns; column += 8)
    for (int e = 0; e < 2; e++)
      for (int k = 0; k < p.depth; k++) {
        const float right = number(p.right, column + q * 2 + e, k, p);
        for (int half = 0; half < 2; half++) p.results[column / 2 + half * 2 + e] += left[half][k] * right;
      }
}

// All groups but the last `kept` are computed.
static void complete_products(unsigned kept) {
  Products& own = own_products();
  unsigned done = 0;
  for (; done < own.size && own.items[done].group + kept < own.group; done++) compute(own.items[done]);
  own.size -= done;
  memmove(own.items, own.items + done, own.size * sizeof(Product));
}

template <class Number, bool TRANSPOSED, int HALF>
static void order_product(float (&d)[HALF], unsigned long long a, unsigned long long b, const char* primitive, Place place) {
  Products& own = own_products();
  if (own.size == sizeof own.items / sizeof *own.items) fail(place, "%s(): more than 64 products are under way: wgmma_wait() for some", primitive);
  own.place = place;
  own.items[own.size++] = {d, 2 * HALF, a, b, TRANSPOSED, own.group, Number::value, Number::DEPTH, 4 / Number::PACKED};
}

static void check_products(const Thread& thread) {
  const Products& own = products[thread.number];
  if (own.block == block_number && own.size) fail(own.place, "wgmma: the kernel ends and the product was never waited for: wgmma_commit(), then wgmma_wait<0>()");
}

}  // namespace simulator

inline unsigned long long operand(const void* shared, unsigned group, unsigned block = 16, simulator::Place place = simulator::Place::here()) {
  return simulator::describe(shared, group, block, place);
}

#define SIMULATOR_WGMMA(name, Number, transposed)                                                                                     \
  template <int HALF>                                                                                                                  \
  void name(float (&d)[HALF], unsigned long long a, unsigned long long b, simulator::Place place = simulator::Place::here()) {          \
    simulator::order_product<simulator::Number, transposed>(d, a, b, #name, place);                                                    \
  }
SIMULATOR_WGMMA(wgmma_bf16, Bf16, false)
SIMULATOR_WGMMA(wgmma_f16, F16, false)
SIMULATOR_WGMMA(wgmma_tf32, Tf32, false)
SIMULATOR_WGMMA(wgmma_bf16_transposed, Bf16, true)
SIMULATOR_WGMMA(wgmma_f16_transposed, F16, true)

inline void wgmma_begin() {}
inline void wgmma_commit() { simulator::own_products().group++; }
template <int N>
void wgmma_wait() {
  simulator::complete_products(N);
}
inline void show_to_tensor_cores() {}
