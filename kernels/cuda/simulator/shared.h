// Shared memory: one piece of memory for the block that runs. It is full of NaN when a block starts, as nothing may rely on
// what an earlier block has left there.
#pragma once
#include "block.h"

namespace simulator {

constexpr size_t SHARED_STANDARD = 48 * 1024;  // bytes that a block has without asking
constexpr size_t SHARED_MOST = 227 * 1024;     // and at most (compute capability 9.0)

struct Variable {
  const char* name;
  unsigned char* begin;
  size_t bytes;
};

alignas(1024) static unsigned char shared_memory[2 * SHARED_MOST];
static size_t dynamic_bytes, declared_bytes;
static size_t shared_most;         // bytes that the block may use, of both kinds
static unsigned char* shared_end;  // of the part in use
static Variable variables[256];
static unsigned variables_used;
static unsigned block_number;  // blocks since the first launch

static void memory_is_undefined(unsigned char* begin, size_t bytes);  // memory_check.h

static bool is_shared(const void* address) { return address >= shared_memory && address < shared_end; }

// A place for a variable. With the memory check, there is a gap before it, and no better alignment than the variable asks for.
SIMULATOR_UNCHECKED static unsigned char* add_variable(const char* name, size_t bytes, size_t alignment) {
#ifdef SIMULATOR_MEMORY_CHECK
  const size_t gap = 256, shift = alignment < 16 ? alignment : 0;
#else
  const size_t gap = 0, shift = 0;
#endif
  const size_t step = alignment < 16 ? 16 : alignment;
  unsigned char* begin = shared_memory + (shared_end - shared_memory + gap + step - 1) / step * step + shift;
  if (variables_used == sizeof variables / sizeof *variables) fail({}, "more than 256 variables in shared memory");
  variables[variables_used++] = {name, begin, bytes};
  shared_end = begin + bytes;
  memset(begin, 0xFF, bytes);
  memory_is_undefined(begin, bytes);
  return begin;
}

// The block gets its dynamic shared memory, `extern __shared__ float name[]`.
static void set_up_shared_memory(size_t dynamic) {
  block_number++;
  variables_used = 0;
  shared_end = shared_memory;
  dynamic_bytes = dynamic;
  declared_bytes = 0;
  if (dynamic == 0) return;
  memset(shared_memory, 0xFF, dynamic);
  memory_is_undefined(shared_memory, dynamic);
  shared_end += dynamic;
  variables[variables_used++] = {"the dynamic shared memory", shared_memory, dynamic};
}

static void check_size(const char* name, Place place) {
  if (declared_bytes > SHARED_STANDARD)
    fail(place, "with %s, %zu bytes of shared memory are declared: there may be 48 KB (%zu), and more only as dynamic shared memory", name,
         declared_bytes, SHARED_STANDARD);
  if (declared_bytes + dynamic_bytes > shared_most)
    fail(place, "with %s, the block uses %zu bytes of shared memory, %zu declared and %zu dynamic: it may use %zu", name,
         declared_bytes + dynamic_bytes, declared_bytes, dynamic_bytes, shared_most);
}

// A declaration `__shared__ float tile[32][33], sum;` is rewritten (see source.py) to a structure of these members and
//   auto& tile = simulator::shared_variables<Structure>("tile").tile;
// The first thread of a block that comes by finds a place for it.
template <class Variables>
static Variables& shared_variables(const char* name, Place place = Place::here()) {
  static unsigned placed_in_block = 0;
  static unsigned char* begin;
  if (placed_in_block != block_number) {
    placed_in_block = block_number;
    declared_bytes += sizeof(Variables);
    check_size(name, place);
    begin = add_variable(name, sizeof(Variables), alignof(Variables));
  }
  return *reinterpret_cast<Variables*>(begin);
}

}  // namespace simulator
