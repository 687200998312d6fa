// The memory check. The compiler puts a call before every read and write of a kernel (-fsanitize=thread), and the functions that it
// calls are here. They know which arrays were given to the kernel, and for each byte of shared memory who wrote and who read it last.
//
// Found are: addresses outside the arrays; reads of shared memory that nobody wrote; two threads of a block that use the same byte
// of shared memory, one of them writing, with no barrier between; indices outside an array of a known size (-fsanitize=bounds); and
// addresses that are not aligned as the hardware needs them (-fsanitize=alignment).
#pragma once
#include "hopper.h"
#include "atomics.h"

#ifndef SIMULATOR_MEMORY_CHECK

namespace simulator {

struct Array;
static void set_up_memory_check(Array*, unsigned, bool, uint64_t, const char* const*) {}
static void memory_is_undefined(unsigned char*, size_t) {}
static void look_at_doubtful_write() {}
static void all_is_ordered() {}
static void lanes_are_ordered(Warp&, unsigned) {}
static void check_read(const void*, size_t) {}
static void check_atomic(const void*, size_t) {}
static void memory_will_arrive(const unsigned char*) {}
static void memory_has_arrived(const unsigned char*) {}

}  // namespace simulator

#else

#include "races.h"

namespace simulator {

// An array that was given to the kernel.
struct Array {
  const unsigned char* begin;
  uint64_t bytes, element;  // in all, and of one element
  int32_t argument;         // its number, from 0
  int32_t writable;
  uint64_t read, written, atomic;  // bytes, so far
};

static Array* arrays;
static unsigned array_count;
static bool addresses;                 // the kernel may know more of them than those of the arrays
static uint64_t gap;                   // around each array
static const char* const* parameters;  // as the kernel declares them

static void set_up_memory_check(Array* given, unsigned number, bool more, uint64_t between, const char* const* declared) {
  arrays = given;
  array_count = number;
  addresses = more;
  gap = between;
  parameters = declared;
  doubtful.address = nullptr;
}

SIMULATOR_UNCHECKED static uint64_t distance(const Array& array, const unsigned char* address) {
  if (address < array.begin) return array.begin - address;
  return address < array.begin + array.bytes ? 0 : address - (array.begin + array.bytes);
}

// An address in no array. If it is far from all of them, it may come from a table of addresses.
SIMULATOR_UNCHECKED static void outside(const unsigned char* address, size_t bytes, Use use, const void* instruction) {
  const char* verb = use == Use::READ ? "reads" : "writes";
  if (address < reinterpret_cast<unsigned char*>(4096))
    fail({}, "\1%zx\2%s %zu bytes at a null pointer: an argument is None, and the kernel uses it", offset_of(instruction), verb, bytes);
  const Array* nearest = nullptr;
  for (unsigned i = 0; i < array_count; i++)
    if (!nearest || distance(arrays[i], address) < distance(*nearest, address)) nearest = &arrays[i];
  const uint64_t missed = nearest ? distance(*nearest, address) : ~uint64_t(0);
  const bool far = !nearest || missed + bytes > gap;
  if (far && addresses) return;
  if (!nearest)
    fail({}, "\1%zx\2%s %zu bytes at an address that is in no argument: %p", offset_of(instruction), verb, bytes, (const void*)address);
  if (far)
    fail({}, "\1%zx\2%s %zu bytes far from every array: %llu bytes %s argument %d, `%s`, the nearest", offset_of(instruction), verb, bytes,
         (unsigned long long)missed, address < nearest->begin ? "before" : "behind", nearest->argument + 1, parameters[nearest->argument]);
  const int64_t offset = address - nearest->begin, element = nearest->element;
  fail({}, "\1%zx\2%s %zu bytes at index %lld of argument %d, `%s`, which has %llu elements", offset_of(instruction), verb, bytes,
       (long long)((offset < 0 ? offset - element + 1 : offset) / element), nearest->argument + 1, parameters[nearest->argument],
       (unsigned long long)(nearest->bytes / element));
}

SIMULATOR_UNCHECKED static void check_array(const unsigned char* address, size_t bytes, Use use, const void* instruction) {
  for (unsigned i = 0; i < array_count; i++) {
    Array& array = arrays[i];
    if (address < array.begin || address + bytes > array.begin + array.bytes) continue;
    if (use != Use::WRITE) array.read += bytes;
    if (use != Use::READ) array.written += bytes;
    if (use == Use::ATOMIC) array.atomic += bytes;
    if (use == Use::READ || array.writable) return;
    fail({}, "\1%zx\2writes to argument %d, `%s`, whose array is read-only", offset_of(instruction), array.argument + 1, parameters[array.argument]);
  }
  if (address >= &__ehdr_start && address < &_end) return;  // tables of constants, and the simulator's own memory
  outside(address, bytes, use, instruction);
}

SIMULATOR_UNCHECKED static void check(const void* pointer, size_t bytes, Use use, const void* instruction) {
  const unsigned char* address = static_cast<const unsigned char*>(pointer);
  if (!current || failed) return;
  if (address >= reinterpret_cast<unsigned char*>(stacks) && address < reinterpret_cast<unsigned char*>(stacks) + MOST_THREADS * STACK) return;
  look_at_doubtful_write();
  if (address < shared_memory || address >= shared_memory + sizeof shared_memory) return check_array(address, bytes, use, instruction);
  const Variable& variable = variable_at(address);
  if (address < variable.begin || address + bytes > variable.begin + variable.bytes)
    fail({}, "\1%zx\2%s %zu bytes outside %s in shared memory: byte %td of %zu", offset_of(instruction), use == Use::READ ? "reads" : "writes", bytes,
         variable.name, address - variable.begin, variable.bytes);
  check_shared(address, bytes, use, instruction);
}

// Of accesses that the compiler takes for aligned ones.
SIMULATOR_UNCHECKED static void check_aligned(const void* address, size_t bytes, Use use, const void* instruction) {
  check(address, bytes, use, instruction);
  if (current && !failed && reinterpret_cast<uintptr_t>(address) % bytes)
    fail({}, "\1%zx\2%s %zu bytes at an address that is no multiple of %zu", offset_of(instruction), use == Use::READ ? "reads" : "writes", bytes, bytes);
}

__attribute__((noinline)) SIMULATOR_UNCHECKED static void check_read(const void* address, size_t bytes) {
  check(address, bytes, Use::READ, __builtin_return_address(0));
}

__attribute__((noinline)) SIMULATOR_UNCHECKED static void check_atomic(const void* address, size_t bytes) {
  check(address, bytes, Use::ATOMIC, __builtin_return_address(0));
}

// What the compiler tells -fsanitize=bounds and -fsanitize=alignment: where, and of which type.
struct Source {
  const char* file;
  unsigned line, column;
};

struct Type {
  unsigned short kind, info;
  char name[];
};

struct OutOfBounds {
  Source source;
  const Type *array, *index;
};

struct Misaligned {
  Source source;
  const Type* type;
  unsigned char log_alignment, use;
};

}  // namespace simulator

extern "C" {

SIMULATOR_UNCHECKED void __ubsan_handle_out_of_bounds(simulator::OutOfBounds* data, uintptr_t index) {
  const int unused = 64 - (1 << (data->index->info >> 1));  // bits of the index that do not count
  const long long value = (long long)(index << unused) >> unused;
  simulator::fail({data->source.file, int(data->source.line)}, "index %lld is outside an array of type %s", value, data->array->name);
}

SIMULATOR_UNCHECKED void __ubsan_handle_type_mismatch_v1(simulator::Misaligned* data, uintptr_t address) {
  simulator::fail({data->source.file, int(data->source.line)}, "the address of %s is no multiple of %d: it ends in 0x%x", data->type->name,
                  1 << data->log_alignment, unsigned(address & 0xff));
}

#define SIMULATOR_CHECKED(name, bytes, use)                                                                       \
  SIMULATOR_UNCHECKED void __tsan_##name##bytes(void* address) {                                                  \
    simulator::check_aligned(address, bytes, simulator::Use::use, __builtin_return_address(0));                   \
  }                                                                                                               \
  SIMULATOR_UNCHECKED void __tsan_unaligned_##name##bytes(void* address) {                                        \
    simulator::check(address, bytes, simulator::Use::use, __builtin_return_address(0));                           \
  }
SIMULATOR_CHECKED(read, 1, READ)
SIMULATOR_CHECKED(read, 2, READ)
SIMULATOR_CHECKED(read, 4, READ)
SIMULATOR_CHECKED(read, 8, READ)
SIMULATOR_CHECKED(read, 16, READ)
SIMULATOR_CHECKED(write, 1, WRITE)
SIMULATOR_CHECKED(write, 2, WRITE)
SIMULATOR_CHECKED(write, 4, WRITE)
SIMULATOR_CHECKED(write, 8, WRITE)
SIMULATOR_CHECKED(write, 16, WRITE)
#undef SIMULATOR_CHECKED

SIMULATOR_UNCHECKED void __tsan_read_range(void* address, unsigned long bytes) {
  simulator::check(address, bytes, simulator::Use::READ, __builtin_return_address(0));
}
SIMULATOR_UNCHECKED void __tsan_write_range(void* address, unsigned long bytes) {
  simulator::check(address, bytes, simulator::Use::WRITE, __builtin_return_address(0));
}

// clang calls these in the place of memset, memcpy and memmove.
SIMULATOR_UNCHECKED void* __tsan_memset(void* address, int value, unsigned long bytes) {
  simulator::check(address, bytes, simulator::Use::WRITE, __builtin_return_address(0));
  return memset(address, value, bytes);
}
SIMULATOR_UNCHECKED void* __tsan_memmove(void* to, const void* from, unsigned long bytes) {
  simulator::check(from, bytes, simulator::Use::READ, __builtin_return_address(0));
  simulator::check(to, bytes, simulator::Use::WRITE, __builtin_return_address(0));
  return memmove(to, from, bytes);
}
SIMULATOR_UNCHECKED void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
  simulator::check(from, bytes, simulator::Use::READ, __builtin_return_address(0));
  simulator::check(to, bytes, simulator::Use::WRITE, __builtin_return_address(0));
  return memcpy(to, from, bytes);
}

SIMULATOR_UNCHECKED void __tsan_func_entry(void*) {}
SIMULATOR_UNCHECKED void __tsan_func_exit() {}
SIMULATOR_UNCHECKED void __tsan_init() {}
}

#endif
