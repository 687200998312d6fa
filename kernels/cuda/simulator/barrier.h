// Barriers of a block: __syncthreads() and its variants. A thread that reaches one waits until every thread of the block that has
// not returned has reached the same one.
#pragma once
#include "shared.h"

namespace simulator {

// Of the values that the threads bring to __syncthreads_count, _and, _or: how many were not 0, of how many.
static struct {
  int not_zero, all;
} votes, counted;

static void all_is_ordered();  // memory_check.h

static void barrier(Place place, const char* primitive, bool value = false) {
  votes.not_zero += value;
  votes.all++;
  at_barrier++;
  wait_as(State::AT_BARRIER, place, primitive);
}

static bool same(const Place& a, const Place& b) { return a.line == b.line && a.call == b.call && strcmp(a.file, b.file) == 0; }

// All that can have arrived; they go on in their order, if they have met in one place.
static void release_barrier() {
  const Thread* first = nullptr;
  counted = votes;
  votes = {0, 0};
  at_barrier = 0;
  for (unsigned i = 0; i < count; i++) {
    Thread& thread = threads[order[i]];
    if (thread.state != State::AT_BARRIER) continue;
    if (first && !same(first->place, thread.place))
      return report(thread.place,
                    "divergent barrier: thread (%u, %u, %u) waits at this %s(), thread (%u, %u, %u) at the %s() of %s:%d; all threads of a block "
                    "must reach the same one",
                    thread.index.x, thread.index.y, thread.index.z, thread.primitive, first->index.x, first->index.y, first->index.z,
                    first->primitive, name_of(first->place.file), first->place.line);
    if (!first) first = &thread;
    wake(thread);
  }
#ifdef SIMULATOR_MEMORY_CHECK
  for (unsigned i = 0; i < count && first; i++)
    if (threads[i].state == State::RETURNED)
      return report(first->place,
                    "divergent barrier: thread (%u, %u, %u) waits at this %s(), and thread (%u, %u, %u) has returned without it; GPUs since compute "
                    "capability 7.0 do not wait for such a thread, but others do, and mostly the barrier is in a branch by mistake",
                    first->index.x, first->index.y, first->index.z, first->primitive, threads[i].index.x, threads[i].index.y, threads[i].index.z);
#endif
  all_is_ordered();
}

// Nobody can go on: some lanes wait at a warp primitive for lanes that wait at a barrier, or at another warp primitive.
static void report_deadlock() {
  const Thread *at_a_barrier = nullptr, *at_a_warp = nullptr;
  unsigned waiting = 0;
  for (unsigned i = 0; i < count; i++) {
    if (threads[i].state == State::AT_BARRIER && !at_a_barrier) at_a_barrier = &threads[i];
    if (threads[i].state == State::AT_WARP && !waiting++) at_a_warp = &threads[i];
  }
  const Thread& thread = *at_a_warp;
  unsigned missing = 0;
  while (!(thread.mask & ~warp_of(thread).waiting & (1u << missing))) missing++;
  if (at_a_barrier)
    report(thread.place,
           "deadlock: %u threads wait at %s() here, the first is (%u, %u, %u), for lanes of their warp (such as lane %u) that do not come; "
           "%u threads wait at %s() in %s:%d",
           waiting, thread.primitive, thread.index.x, thread.index.y, thread.index.z, missing, at_barrier, at_a_barrier->primitive,
           name_of(at_a_barrier->place.file), at_a_barrier->place.line);
  else
    report(thread.place, "deadlock: %u threads wait at %s() here, the first is (%u, %u, %u), for lanes of their warp (such as lane %u) that do not come",
           waiting, thread.primitive, thread.index.x, thread.index.y, thread.index.z, missing);
}

}  // namespace simulator

#define SIMULATOR_CALL (simulator::Place{__FILE__, __LINE__, __COUNTER__})
#define __syncthreads() simulator::barrier(SIMULATOR_CALL, "__syncthreads")
#define __syncthreads_count(value) (simulator::barrier(SIMULATOR_CALL, "__syncthreads_count", (value) != 0), simulator::counted.not_zero)
#define __syncthreads_or(value) \
  (simulator::barrier(SIMULATOR_CALL, "__syncthreads_or", (value) != 0), int(simulator::counted.not_zero > 0))
#define __syncthreads_and(value) \
  (simulator::barrier(SIMULATOR_CALL, "__syncthreads_and", (value) != 0), int(simulator::counted.not_zero == simulator::counted.all))

inline void __threadfence() {}  // one thread runs at a time, and all see the same memory
inline void __threadfence_block() {}
inline void __threadfence_system() {}
