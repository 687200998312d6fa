// A kernel that uses memory that is not there, or divides an integer by zero, is stopped by the system with a signal. While a kernel
// runs, the signal becomes a message.
#pragma once
#include <signal.h>

#include "memory_check.h"

namespace simulator {

constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE};
static struct sigaction before[3];  // what was done with these signals
static thread_local bool launching = false;  // this thread of the process has launched the kernel

// Ctrl-C: whoever dealt with it before, does (Python notes it, and raises KeyboardInterrupt when the launch is over). A second one stops the kernel: it may
// be waiting for something that never comes.
static struct sigaction before_interrupt;
static volatile sig_atomic_t interrupts;

SIMULATOR_UNCHECKED static void on_interrupt(int number, siginfo_t* info, void* context) {
  if (before_interrupt.sa_flags & SA_SIGINFO) before_interrupt.sa_sigaction(number, info, context);
  else before_interrupt.sa_handler(number);
  if (++interrupts > 1 && current && launching) fail({}, "is stopped by Ctrl-C: does this thread wait in a loop for another one? Only barriers let others run");
}

SIMULATOR_UNCHECKED static void catch_interrupts() {
  struct sigaction ours = {};
  ours.sa_sigaction = on_interrupt;
  ours.sa_flags = SA_SIGINFO | SA_NODEFER;
  interrupts = 0;
  sigaction(SIGINT, nullptr, &before_interrupt);
  const bool python = before_interrupt.sa_flags & SA_SIGINFO || (before_interrupt.sa_handler != SIG_DFL && before_interrupt.sa_handler != SIG_IGN);
  if (python) sigaction(SIGINT, &ours, nullptr);  // else nobody's: it ends the program, or does nothing
}

SIMULATOR_UNCHECKED static void release_faults() {
  launching = false;
  sigaction(SIGINT, &before_interrupt, nullptr);
  for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &before[i], nullptr);
}

SIMULATOR_UNCHECKED static void on_fault(int number, siginfo_t* info, void*) {
  if (!current || !launching) return release_faults();  // not a kernel's: it will happen again, without us
  if (number == SIGFPE) fail({}, "an integer is divided by zero");
  if (info->si_code <= 0 || info->si_code == 0x80)  // the processor does not say which address
    fail({}, "reads or writes at an address that is not aligned, or is none; the memory check says where");
  const unsigned long long address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (address < 4096) fail({}, "reads or writes at a null pointer (address %llu): an argument is None; the memory check says where", address);
  fail({}, "reads or writes at address 0x%llx, where there is no memory: an index is out of bounds; the memory check says where", address);
}

SIMULATOR_UNCHECKED static void catch_faults() {
  struct sigaction ours = {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_NODEFER;  // the handler is left without a return
  launching = true;
  for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &ours, &before[i]);
  catch_interrupts();
}

}  // namespace simulator
