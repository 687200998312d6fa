// Fibers: several calls of a function in progress at once, each on a stack of its own. One of them runs until it hands the
// processor to another by name; then it stands still, in the middle of whatever it was doing, until it is handed back.
#pragma once
#include <sys/mman.h>

#include "language.h"

#if !defined(__x86_64__) && !defined(SIMULATOR_PORTABLE)
#define SIMULATOR_PORTABLE  // on x86-64 only if asked for
#endif
#ifdef SIMULATOR_PORTABLE
#include <ucontext.h>
#endif

namespace simulator {

constexpr unsigned MOST_THREADS = 1024;  // of a block
// Not a multiple of a page, or the tops of all stacks would fall on the same few lines of the processor's caches.
constexpr size_t STACK = 96 * 1024 + 13 * 64;

#ifdef SIMULATOR_PORTABLE

struct Context {
  ucontext_t state;
};

static void switch_context(Context& from, const Context& to) { swapcontext(&from.state, &to.state); }

static void prepare(Context& context, char* stack, void (*function)()) {
  getcontext(&context.state);
  context.state.uc_stack.ss_sp = stack;
  context.state.uc_stack.ss_size = STACK;
  context.state.uc_link = nullptr;
  makecontext(&context.state, function, 0);
}

#else

struct Context {
  void* stack_pointer;  // the registers that a call must preserve lie there, on top of the address to go on at
};

extern "C" __attribute__((visibility("hidden"))) void simulator_switch(void** from, void* to) __asm__("simulator_switch");
__asm__(R"(
.text
.p2align 4
simulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");

static void switch_context(Context& from, const Context& to) { simulator_switch(&from.stack_pointer, to.stack_pointer); }

// The first switch to the context pops six registers, and its `ret` leads to the function.
static void prepare(Context& context, char* stack, void (*function)()) {
  const uintptr_t top = reinterpret_cast<uintptr_t>(stack + STACK) & ~uintptr_t(63);
  void** words = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 8; i++) words[i] = nullptr;
  words[6] = reinterpret_cast<void*>(function);
  context.stack_pointer = words;
}

#endif

struct Fiber {
  Context context;
};

static Fiber fibers[MOST_THREADS];
static Context launcher;        // of whoever launched the kernel, on the stack of the system
static char* stacks = nullptr;  // memory becomes real when it is first touched

static char* stack_of(const Fiber& fiber) { return stacks + (&fiber - fibers) * STACK; }

static bool stacks_reserved() {
  if (stacks == nullptr) {
    void* memory = mmap(nullptr, MOST_THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) stacks = static_cast<char*>(memory);
  }
  return stacks != nullptr;
}

}  // namespace simulator
