// Atomic operations: each gives back what was there before. One thread runs at a time, so that to read, to compute and to write
// are one step by themselves. A sum of floats depends on the order of the threads, as on a GPU.
#pragma once
#include "warp.h"

namespace simulator {

static void check_atomic(const void* address, size_t bytes);  // memory_check.h

template <class T>
using Same = std::common_type_t<T>;  // the address alone decides the type

template <class T, class Operation>
SIMULATOR_UNCHECKED inline T replace(T* address, Operation operation) {
  const T before = *address;
  *address = operation(before);
  return before;
}

template <class T, class Operation>
__forceinline__ T atomically(T* address, Operation operation) {
  check_atomic(address, sizeof(T));
  return replace(address, operation);
}

}  // namespace simulator

#define SIMULATOR_ATOMIC(name, after)                                          \
  template <class T>                                                           \
  __forceinline__ T name(T* address, simulator::Same<T> value) {               \
    return simulator::atomically(address, [=](T before) -> T { return after; }); \
  }
SIMULATOR_ATOMIC(atomicAdd, before + value)
SIMULATOR_ATOMIC(atomicSub, before - value)
SIMULATOR_ATOMIC(atomicExch, value)
SIMULATOR_ATOMIC(atomicMin, value < before ? value : before)
SIMULATOR_ATOMIC(atomicMax, value > before ? value : before)
SIMULATOR_ATOMIC(atomicAnd, before & value)
SIMULATOR_ATOMIC(atomicOr, before | value)
SIMULATOR_ATOMIC(atomicXor, before ^ value)
SIMULATOR_ATOMIC(atomicInc, before >= value ? 0 : before + 1)
SIMULATOR_ATOMIC(atomicDec, before == 0 || before > value ? value : before - 1)
#undef SIMULATOR_ATOMIC

template <class T>
__forceinline__ T atomicCAS(T* address, simulator::Same<T> expected, simulator::Same<T> value) {
  return simulator::atomically(address, [=](T before) { return before == expected ? value : before; });
}
