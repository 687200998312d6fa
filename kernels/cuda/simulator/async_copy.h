// Asynchronous copies from global to shared memory (cp.async). Each is performed as late as the wait for it allows, and until then
// its target is full of NaN: whoever reads too early reads that.
#pragma once
#include "warp.h"

namespace simulator {

static void check_read(const void* address, size_t bytes);    // memory_check.h
static void memory_will_arrive(const unsigned char* target);  // memory_check.h
static void memory_has_arrived(const unsigned char* target);  // memory_check.h

static void check_target(const void* shared, const void* global, int valid_bytes, Place place) {
  if (!is_shared(shared)) fail(place, "copy_async_16(): the target is not in shared memory");
  if (reinterpret_cast<uintptr_t>(shared) % 16) fail(place, "copy_async_16(): the address of the target is no multiple of 16");
  if (valid_bytes < 0 || valid_bytes > 16) fail(place, "copy_async_16(): valid_bytes is %d, not 0 to 16", valid_bytes);
  if (valid_bytes && reinterpret_cast<uintptr_t>(global) % 16) fail(place, "copy_async_16(): the address of the source is no multiple of 16");
}

SIMULATOR_UNCHECKED static void perform_copy(const Copy& copy) {
  memset(copy.to, 0, 16);
  if (copy.bytes) memcpy(copy.to, copy.from, copy.bytes);
  memory_has_arrived(copy.to);
}

}  // namespace simulator

__forceinline__ void copy_async_16(void* shared, const void* global, int valid_bytes, simulator::Place place = simulator::Place::here()) {
  simulator::check_target(shared, global, valid_bytes, place);
  if (valid_bytes) simulator::check_read(global, valid_bytes);
  unsigned char* target = static_cast<unsigned char*>(shared);
  memset(target, 0xFF, 16);
  simulator::memory_will_arrive(target);
  simulator::current->copies.add({target, global, valid_bytes, place, 0});
}

// The same by another way through the caches.
__forceinline__ void copy_async_16_cached(void* shared, const void* global, int valid_bytes, simulator::Place place = simulator::Place::here()) {
  copy_async_16(shared, global, valid_bytes, place);
}

inline void copy_async_commit() { simulator::current->copies.committed++; }

template <int N>
void copy_async_wait() {
  simulator::current->copies.wait(N, simulator::perform_copy);
}
