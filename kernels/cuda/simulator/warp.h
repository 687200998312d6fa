// Warps: the 32 lanes that meet at __shfl_sync, __ballot_sync, __syncwarp and at the instructions of the tensor cores.
#pragma once
#include "barrier.h"

namespace simulator {

constexpr unsigned ALL_LANES = 0xffffffff;

static void lanes_are_ordered(Warp& warp, unsigned mask);  // memory_check.h

static unsigned first_lane(unsigned mask) { return __builtin_ctz(mask); }

// All lanes of `mask` are there: they must be there for the same thing.
static void check_agreement(const Warp& warp, unsigned mask, const char* primitive, Place place) {
  for (unsigned rest = mask; rest; rest &= rest - 1) {
    const Thread& other = warp.threads[first_lane(rest)];
    if (other.mask != mask)
      fail(place, "%s() is given the mask 0x%08x, and 0x%08x in lane %u: the lanes that meet must give the same one", primitive, mask, other.mask,
           other.lane);
    if (other.primitive != primitive && strcmp(other.primitive, primitive) != 0)
      fail(place, "%s() meets %s() of lane %u, in %s:%d: the lanes of a mask must meet at the same primitive", primitive, other.primitive, other.lane,
           name_of(other.place.file), other.place.line);
  }
}

// The current lane waits until all lanes of `mask` have come to the same primitive. What they brought is in warp.given; the last
// to arrive computes from it, by `complete(warp, mask)`, what each will find in warp.taken.
template <class Complete>
static void meet(unsigned mask, const char* primitive, Place place, Complete complete) {
  Thread& thread = *current;
  Warp& warp = warp_of(thread);
  const unsigned me = 1u << thread.lane;
  if (!(mask & me)) fail(place, "%s() is called by lane %u, which is not in its mask 0x%08x", primitive, thread.lane, mask);
  mask &= warp.lanes;
  if (mask & warp.returned)
    fail(place, "%s() waits for lane %u of the warp, which has returned: keep it in the kernel, or out of the mask 0x%08x", primitive,
         first_lane(mask & warp.returned), mask);
  warp.waiting |= me;
  thread.mask = mask;
  if ((warp.waiting & mask) == mask) {
    thread.primitive = primitive;
    check_agreement(warp, mask, primitive, place);
    complete(warp, mask);
    lanes_are_ordered(warp, mask);
    warp.waiting &= ~mask;
    for (unsigned i = 0; i < warp.size; i++)
      if (mask >> warp.order[i] & 1) wake(warp.threads[warp.order[i]]);
    switch_to_next(thread.fiber->context);
  } else {
    wait_as(State::AT_WARP, place, primitive);
  }
}

static void look_at_doubtful_write();  // memory_check.h

static void on_return(Thread& thread) {
  Warp& warp = warp_of(thread);
  look_at_doubtful_write();
  thread.copies.check("a copy", "copy_async_commit", "copy_async_wait<0>");
  thread.products.check("a product", "wgmma_commit", "wgmma_wait<0>");
  warp.returned |= 1u << thread.lane;
  if (!warp.waiting) return;
  for (unsigned rest = warp.waiting; rest; rest &= rest - 1) {
    const Thread& other = warp.threads[first_lane(rest)];
    if (other.mask >> thread.lane & 1)
      fail(other.place, "this thread has returned, and lane %u of its warp waits for it at %s() here, with the mask 0x%08x", other.lane,
           other.primitive, other.mask);
  }
}

// Every lane takes away what lane `source` has given; from a lane that takes no part, NaN: undefined by the language.
template <class T>
static T exchange(unsigned mask, T value, unsigned source, const char* primitive, Place place) {
  static_assert(sizeof(T) <= sizeof(Slot), "a shuffle moves at most 64 bytes");
  Warp& warp = warp_of(*current);
  memcpy(warp.given[current->lane].bytes, &value, sizeof value);
  meet(mask, primitive, place, [](Warp& warp, unsigned mask) {
    for (unsigned lane = 0; lane < 32; lane++)
      if (mask >> lane & 1) memcpy(warp.taken[lane].bytes, warp.given[lane].bytes, sizeof(T));
  });
  if (mask & warp.lanes & 1u << source) memcpy(&value, warp.taken[source].bytes, sizeof value);
  else memset(&value, 0xFF, sizeof value);
  return value;
}

static unsigned ballot(unsigned mask, bool value, const char* primitive, Place place) {
  Warp& warp = warp_of(*current);
  warp.given[current->lane].bytes[0] = value;
  meet(mask, primitive, place, [](Warp& warp, unsigned mask) {
    unsigned votes = 0;
    for (unsigned lane = 0; lane < 32; lane++) votes |= (mask >> lane & 1 & warp.given[lane].bytes[0]) << lane;
    for (unsigned lane = 0; lane < 32; lane++)
      if (mask >> lane & 1) memcpy(warp.taken[lane].bytes, &votes, sizeof votes);
  });
  unsigned votes;
  memcpy(&votes, warp.taken[current->lane].bytes, sizeof votes);
  return votes;
}

}  // namespace simulator

inline void __syncwarp(unsigned mask = simulator::ALL_LANES, simulator::Place place = simulator::Place::here()) {
  simulator::meet(mask, "__syncwarp", place, [](simulator::Warp&, unsigned) {});
}

// Shuffles: lanes exchange values within groups of `width` lanes, a power of two. Which lane a lane reads from:

template <class T>  // lane `source` of the group
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simulator::Place place = simulator::Place::here()) {
  const unsigned lane = simulator::current->lane;
  return simulator::exchange(mask, value, (lane & ~(width - 1)) | (source & (width - 1)), "__shfl_sync", place);
}

template <class T>  // the one `delta` below; its own, if there is none
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, simulator::Place place = simulator::Place::here()) {
  const unsigned lane = simulator::current->lane;
  return simulator::exchange(mask, value, (lane & (width - 1)) >= delta ? lane - delta : lane, "__shfl_up_sync", place);
}

template <class T>  // the one `delta` above; its own, if there is none
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, simulator::Place place = simulator::Place::here()) {
  const unsigned lane = simulator::current->lane;
  return simulator::exchange(mask, value, (lane & (width - 1)) + delta < unsigned(width) ? lane + delta : lane, "__shfl_down_sync", place);
}

template <class T>  // the one whose number differs in the bits of `bits`; its own, if that lies in a later group
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, simulator::Place place = simulator::Place::here()) {
  const unsigned lane = simulator::current->lane, source = lane ^ bits;
  return simulator::exchange(mask, value, source / width <= lane / width ? source : lane, "__shfl_xor_sync", place);
}

// Votes.

inline unsigned __ballot_sync(unsigned mask, int value, simulator::Place place = simulator::Place::here()) {
  return simulator::ballot(mask, value != 0, "__ballot_sync", place);
}
inline int __any_sync(unsigned mask, int value, simulator::Place place = simulator::Place::here()) {
  return simulator::ballot(mask, value != 0, "__any_sync", place) != 0;
}
inline int __all_sync(unsigned mask, int value, simulator::Place place = simulator::Place::here()) {
  return simulator::ballot(mask, value == 0, "__all_sync", place) == 0;
}

unsigned __activemask() = delete;  // which lanes are together is up to the hardware: pass a mask instead
