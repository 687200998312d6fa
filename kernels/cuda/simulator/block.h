// The threads of one block, and which of them runs. Each is a fiber; it runs until it waits for others or returns.
//
// A kernel without any barrier pays nothing for this: one fiber calls it for one thread after the other, and only where a thread
// has to wait do the rest get another fiber.
#pragma once
#include "groups.h"

namespace simulator {

enum class State : unsigned char { RUNNING, READY, AT_BARRIER, AT_WARP, RETURNED };
enum class Order : int { FORWARD, REVERSE, SHUFFLED };

struct Thread {
  uint3 index;
  unsigned number, lane;
  State state;
  Fiber* fiber;
  Place place;               // of the primitive at which the thread waits,
  const char* primitive;     // its name,
  unsigned mask;             // and the lanes that it waits for
  Groups<Copy> copies;       // async_copy.h
  Groups<Product> products;  // hopper.h
};

// What each lane of a warp hands in at a primitive, and what it takes away.
struct alignas(32) Slot {
  unsigned char bytes[64];
};

struct Warp {
  Thread* threads;  // of its first lane
  unsigned lanes, waiting, returned;  // those it has; of them, those at a primitive, and those at their end
  unsigned char order[32], size;      // in which its lanes take their turns, and how many they are
  Slot given[32], taken[32];
};

static Thread threads[MOST_THREADS];
static Warp warps[MOST_THREADS / 32];
static unsigned short order[MOST_THREADS];  // in which the threads take their turns
static unsigned count;                      // threads of a block
static unsigned started, returned, at_barrier, fibers_used;
static Thread* current;  // the thread that runs; null while the launcher does

static void (*run_kernel)();  // calls the kernel once, for the current thread

// Threads that can go on, first come first served. Each is in it at most once.
static struct {
  unsigned short numbers[MOST_THREADS];
  unsigned first, last;

  bool empty() const { return first == last; }
  void put(const Thread& thread) { numbers[last++ % MOST_THREADS] = thread.number; }
  Thread& take() { return threads[numbers[first++ % MOST_THREADS]]; }
} ready;

static void fiber_main();
static void on_return(Thread& thread);  // warp.h

static Warp& warp_of(const Thread& thread) { return warps[thread.number / 32]; }

static void become(Thread& thread) {
  thread.state = State::RUNNING;
  current = &thread;
  thread_index = thread.index;
}

// Hands the processor to the next thread that can use it: one that waited, or one that has not started yet, on a fiber of its own.
// If there is none, to the launcher.
static void switch_to_next(Context& from) {
  if (!ready.empty()) {
    Thread& next = ready.take();
    become(next);
    if (&next.fiber->context != &from) switch_context(from, next.fiber->context);
  } else if (started < count) {
    Fiber& fresh = fibers[fibers_used++];
    prepare(fresh.context, stack_of(fresh), fiber_main);
    switch_context(from, fresh.context);
  } else {
    current = nullptr;
    switch_context(from, launcher);
  }
}

// Where a fiber begins: it takes threads that have not started, until all have.
static void fiber_main() {
  Fiber& fiber = fibers[fibers_used - 1];
  while (started < count) {
    Thread& thread = threads[order[started++]];
    thread.fiber = &fiber;
    become(thread);
    run_kernel();
    thread.state = State::RETURNED;
    returned++;
    on_return(thread);
  }
  switch_to_next(fiber.context);
}

// The current thread stands still until somebody puts it among the ready ones.
static void wait_as(State state, Place place, const char* primitive) {
  current->state = state;
  current->place = place;
  current->primitive = primitive;
  switch_to_next(current->fiber->context);
}

static void wake(Thread& thread) {
  thread.state = State::READY;
  ready.put(thread);
}

// Numbers that look random, the same for the same seed. Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators".
static uint64_t random_number(uint64_t& seed) {
  uint64_t z = (seed += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Numbers the threads of a block and puts them into warps.
static void set_up_threads() {
  count = block_size.x * block_size.y * block_size.z;
  for (unsigned i = 0; i < count; i++) {
    Thread& thread = threads[i];
    thread.index = {i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y)};
    thread.number = i;
    thread.lane = i % 32;
    thread.copies.size = thread.products.size = 0;
  }
  for (unsigned i = 0; i < count; i += 32) {
    warps[i / 32].threads = threads + i;
    warps[i / 32].size = count - i < 32 ? count - i : 32;
    warps[i / 32].lanes = ~0u >> (32 - warps[i / 32].size);
  }
}

static void set_order(Order wanted, uint64_t seed) {
  for (unsigned i = 0; i < count; i++) order[i] = wanted == Order::REVERSE ? count - 1 - i : i;
  for (unsigned i = count; wanted == Order::SHUFFLED && i > 1; i--) {
    const unsigned other = random_number(seed) % i, kept = order[i - 1];
    order[i - 1] = order[other];
    order[other] = kept;
  }
  unsigned lanes[MOST_THREADS / 32] = {};
  for (unsigned i = 0; i < count; i++) {
    const Thread& thread = threads[order[i]];
    warp_of(thread).order[lanes[thread.number / 32]++] = thread.lane;
  }
}

static void release_barrier();  // barrier.h
static void report_deadlock();  // barrier.h

// All threads of the block, from their first line to their last.
static void run_block() {
  started = returned = at_barrier = fibers_used = 0;
  ready.first = ready.last = 0;
  for (unsigned i = 0; i < count; i += 32) warps[i / 32].waiting = warps[i / 32].returned = 0;
  while (returned < count && !failed) {
    switch_to_next(launcher);  // comes back when no thread can go on
    if (failed || returned == count) break;
    if (at_barrier + returned == count) release_barrier();
    else report_deadlock();
  }
  current = nullptr;
}

}  // namespace simulator
