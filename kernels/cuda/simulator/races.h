// Part of the memory check: for each byte of shared memory, who wrote and who read it last, and what has happened since.
//
// Two uses of a byte by different threads, one of them a write, need an order: a barrier of the block that comes after the one and
// before the other, or meetings of the warp that lead from the one thread to the other. Without it the hardware may run them either
// way round, whatever order the simulator has chosen. Clocks of this kind: Lamport 1978, "Time, clocks, and the ordering of events".
#pragma once
#include "atomics.h"

extern "C" {
extern const unsigned char __ehdr_start __attribute__((visibility("hidden")));  // where the compiled file lies in memory,
extern const unsigned char _end __attribute__((visibility("hidden")));          // from its first byte to its last
}

namespace simulator {

enum class Use { READ, WRITE, ATOMIC };

// In a message, between \1 and \2, the address of an instruction in the compiled file; module.py puts the line of the source there.
static uintptr_t offset_of(const void* instruction) { return uintptr_t(instruction) - 1 - uintptr_t(&__ehdr_start); }

// The variable in shared memory that an address belongs to, or that it has missed by the least.
SIMULATOR_UNCHECKED static const Variable& variable_at(const unsigned char* address) {
  static const Variable none = {"every variable", shared_memory, 0};
  unsigned i = 0;
  while (i + 1 < variables_used && variables[i + 1].begin <= address) i++;
  return variables_used ? variables[i] : none;
}

struct Access {
  unsigned short thread;  // its number + 1; 0 if there was none
  bool atomic;
  unsigned barriers, meetings;  // that lay behind the thread
  const void* instruction;
};

struct Cell {
  unsigned block;  // of which this is true
  bool defined, arriving;
  Access write, reads[2];
};

static Cell cells[sizeof shared_memory];
static unsigned barriers;
static unsigned meetings[MOST_THREADS];
static unsigned known[MOST_THREADS][32];  // of each thread: how many meetings of each lane of its warp lie before what it does now

SIMULATOR_UNCHECKED static void all_is_ordered() { barriers++; }

// After a meeting, each lane knows what any of them knew.
SIMULATOR_UNCHECKED static void lanes_are_ordered(Warp& warp, unsigned mask) {
  const unsigned first = warp.threads->number;
  unsigned latest[32] = {};
  for (unsigned lane = 0; lane < 32; lane++) {
    if (!(mask >> lane & 1)) continue;
    known[first + lane][lane] = ++meetings[first + lane];
    for (unsigned other = 0; other < 32; other++)
      if (known[first + lane][other] > latest[other]) latest[other] = known[first + lane][other];
  }
  for (unsigned lane = 0; lane < 32; lane++)
    if (mask >> lane & 1) memcpy(known[first + lane], latest, sizeof latest);
}

// The current thread does its next thing after that access.
SIMULATOR_UNCHECKED static bool is_behind(const Access& access) {
  const unsigned me = current->number, other = access.thread - 1u;
  if (access.thread == 0 || other == me || access.barriers < barriers) return true;
  return other / 32 == me / 32 && known[me][other % 32] > access.meetings;
}

SIMULATOR_UNCHECKED static Cell& cell_of(const unsigned char* address) {
  Cell& cell = cells[address - shared_memory];
  if (cell.block != block_number) cell = Cell{block_number, false, false, {}, {}};
  return cell;
}

[[noreturn]] SIMULATOR_UNCHECKED static void fail_race(const char* mine, const char* theirs, const unsigned char* address, const void* instruction, const Access& other) {
  const uint3& thread = threads[other.thread - 1].index;
  const Variable& variable = variable_at(address);
  fail({}, "\1%zx\2%s what thread (%u, %u, %u) %s in \1%zx\2, with no barrier between (%s, byte %zu)", offset_of(instruction), mine, thread.x, thread.y,
       thread.z, theirs, offset_of(other.instruction), variable.name, size_t(address - variable.begin));
}

[[noreturn]] SIMULATOR_UNCHECKED static void fail_undefined(const unsigned char* address, const void* instruction, bool arriving) {
  const Variable& variable = variable_at(address);
  fail({}, "\1%zx\2reads shared memory %s (%s, byte %zu)", offset_of(instruction),
       arriving ? "that copy_async_16() is still filling: copy_async_wait first" : "that no thread of the block has written yet", variable.name,
       size_t(address - variable.begin));
}

// Two threads that write the same value do no harm. So the second write is looked at after it has happened.
static struct {
  const unsigned char* address;  // null: there is none to look at
  size_t bytes;
  unsigned char before[16];
  Access first;
  const Thread* second;
  const void* instruction;
} doubtful;

SIMULATOR_UNCHECKED static void look_at_doubtful_write() {
  if (!doubtful.address) return;
  const unsigned char* address = doubtful.address;
  doubtful.address = nullptr;
  if (memcmp(address, doubtful.before, doubtful.bytes) == 0) return;
  thread_index = doubtful.second->index;
  fail_race("overwrites, with another value,", "writes", address, doubtful.instruction, doubtful.first);
}

SIMULATOR_UNCHECKED static void note_doubtful_write(const unsigned char* address, size_t bytes, const void* instruction, const Access& first) {
  doubtful.address = address;
  doubtful.bytes = bytes < 16 ? bytes : 16;
  memcpy(doubtful.before, address, doubtful.bytes);
  doubtful.first = first;
  doubtful.second = current;
  doubtful.instruction = instruction;
}

SIMULATOR_UNCHECKED static void note_read(Cell& cell, const Access& access, const unsigned char* address) {
  if (!cell.defined) fail_undefined(address, access.instruction, cell.arriving);
  if (!is_behind(cell.write)) fail_race("reads", "writes", address, access.instruction, cell.write);
  cell.reads[is_behind(cell.reads[0]) ? 0 : 1] = access;
}

SIMULATOR_UNCHECKED static void note_write(Cell& cell, const Access& access, const unsigned char* address) {
  for (const Access& read : cell.reads)
    if (!is_behind(read)) fail_race("writes", "reads", address, access.instruction, read);
  if (access.atomic != cell.write.atomic && !is_behind(cell.write))
    fail_race(access.atomic ? "changes atomically" : "writes", cell.write.atomic ? "changes atomically" : "writes", address, access.instruction, cell.write);
  if (access.atomic && !cell.defined) fail_undefined(address, access.instruction, cell.arriving);
  cell = Cell{block_number, true, false, access, {}};
}

SIMULATOR_UNCHECKED static void check_shared(const unsigned char* address, size_t bytes, Use use, const void* instruction) {
  const unsigned me = current->number;
  const Access access = {static_cast<unsigned short>(me + 1), use == Use::ATOMIC, barriers, meetings[me], instruction};
  if (use == Use::WRITE)
    for (size_t i = 0; i < bytes; i++) {
      const Cell& cell = cell_of(address + i);
      if (cell.write.atomic || is_behind(cell.write)) continue;
      note_doubtful_write(address, bytes, instruction, cell.write);
      break;
    }
  for (size_t i = 0; i < bytes; i++) {
    if (use == Use::READ) note_read(cell_of(address + i), access, address + i);
    else note_write(cell_of(address + i), access, address + i);
  }
}

SIMULATOR_UNCHECKED static void memory_will_arrive(const unsigned char* target) {
  for (int i = 0; i < 16; i++) {
    cell_of(target + i).defined = false;
    cell_of(target + i).arriving = true;
  }
}

SIMULATOR_UNCHECKED static void memory_has_arrived(const unsigned char* target) {
  const unsigned me = current->number;
  for (int i = 0; i < 16; i++) {
    Cell& cell = cell_of(target + i);
    cell.defined = true;
    cell.arriving = false;
    cell.write.barriers = barriers;
    cell.write.meetings = meetings[me];
  }
}

SIMULATOR_UNCHECKED static void memory_is_undefined(unsigned char*, size_t) {}  // every cell of an earlier block is out of date

}  // namespace simulator
