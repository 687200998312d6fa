// Asynchronous copies from global to shared memory (cp.async): ordered, committed in groups, and waited for.
//
// The hardware may perform a copy at any moment between its order and the end of the wait for it. Here it is performed at the last
// one, and until then its target is full of NaN: whoever reads too early reads that.
#pragma once
#include "warp.h"

namespace simulator {

struct Copy {
  unsigned char* to;
  const void* from;
  int bytes;       // the rest of the 16 is filled with zeros
  unsigned group;  // how many groups had been committed before
  Place place;
};

static void check_read(const void* address, size_t bytes);    // memory_check.h
static void memory_will_arrive(const unsigned char* target);  // memory_check.h
static void memory_has_arrived(const unsigned char* target);  // memory_check.h

static void remember(Copies& copies, const Copy& copy) {
  if (copies.size == copies.capacity) {
    copies.capacity = copies.capacity ? 2 * copies.capacity : 16;
    copies.items = static_cast<Copy*>(realloc(copies.items, copies.capacity * sizeof(Copy)));
  }
  copies.items[copies.size++] = copy;
}

static void check_target(const void* shared, const void* global, int valid_bytes, Place place) {
  if (!is_shared(shared)) fail(place, "copy_async_16(): the target is not in shared memory");
  if (reinterpret_cast<uintptr_t>(shared) % 16) fail(place, "copy_async_16(): the address of the target is no multiple of 16");
  if (valid_bytes < 0 || valid_bytes > 16) fail(place, "copy_async_16(): valid_bytes is %d, not 0 to 16", valid_bytes);
  if (valid_bytes && reinterpret_cast<uintptr_t>(global) % 16) fail(place, "copy_async_16(): the address of the source is no multiple of 16");
}

// All groups but the last `kept` arrive.
static void complete_copies(unsigned kept) {
  Copies& copies = current->copies;
  unsigned done = 0;
  for (; done < copies.size && copies.items[done].group + kept < copies.group; done++) {
    const Copy& copy = copies.items[done];
    memset(copy.to, 0, 16);
    if (copy.bytes) memcpy(copy.to, copy.from, copy.bytes);
    memory_has_arrived(copy.to);
  }
  copies.size -= done;
  memmove(copies.items, copies.items + done, copies.size * sizeof(Copy));
}

static void check_copies(const Thread& thread) {
  if (thread.copies.size == 0) return;
  const Copy& copy = thread.copies.items[0];
  if (copy.group == thread.copies.group)
    fail(copy.place, "copy_async_16(): the kernel ends and the copy was not committed: copy_async_commit(), then copy_async_wait<0>()");
  fail(copy.place, "copy_async_16(): the kernel ends and the copy was never waited for: copy_async_wait<0>()");
}

}  // namespace simulator

__forceinline__ void copy_async_16(void* shared, const void* global, int valid_bytes, simulator::Place place = simulator::Place::here()) {
  simulator::check_target(shared, global, valid_bytes, place);
  if (valid_bytes) simulator::check_read(global, valid_bytes);
  unsigned char* target = static_cast<unsigned char*>(shared);
  memset(target, 0xFF, 16);
  simulator::memory_will_arrive(target);
  simulator::Copies& copies = simulator::current->copies;
  simulator::remember(copies, {target, global, valid_bytes, copies.group, place});
}

// The same by another way through the caches.
__forceinline__ void copy_async_16_cached(void* shared, const void* global, int valid_bytes, simulator::Place place = simulator::Place::here()) {
  copy_async_16(shared, global, valid_bytes, place);
}

inline void copy_async_commit() { simulator::current->copies.group++; }

template <int N>
void copy_async_wait() {
  simulator::complete_copies(N);
}
