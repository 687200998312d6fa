// Launching a kernel from outside: its arguments are unpacked, and its blocks run one after the other.
#pragma once
#include <utility>

#include "faults.h"

namespace simulator {

// What module.py hands over; the same fields stand there in the same order.
struct Launch {
  uint32_t grid[3], block[3];
  uint64_t shared, shared_most;  // bytes of dynamic shared memory; of all shared memory that a block may use
  uint64_t seed;
  uint64_t gap;                           // bytes around each array that are nobody's
  int32_t order, array_count, addresses;  // whether there are addresses among the arguments that are no arrays
  const unsigned char* arguments;  // one after the other, each at a multiple of 16 bytes
  Array* arrays;                   // those among them; for the memory check
};

constexpr size_t round_up(size_t bytes) { return (bytes + 15) / 16 * 16; }

alignas(16) static unsigned char arguments[8192];

// What kind of number: f(loat), i(nteger), u(nsigned), s(tructure), v(oid).
template <class T>
constexpr char kind_of() {
  if (std::is_void_v<T>) return 'v';
  if (std::is_floating_point_v<T>) return 'f';
  if (!std::is_integral_v<T>) return 's';
  return std::is_signed_v<T> ? 'i' : 'u';
}

template <class T>
constexpr size_t size_of() {
  if constexpr (std::is_void_v<T>) return 1;
  else return sizeof(T);
}

template <class... Parameters>
struct Kernel {
  static constexpr size_t COUNT = sizeof...(Parameters), BYTES = (0 + ... + round_up(sizeof(Parameters)));
  static_assert((0 + ... + sizeof(Parameters)) <= 4096 && BYTES <= sizeof arguments, "the parameters of a kernel may have 4 KB together");

  static constexpr size_t offset(size_t number) {
    const size_t sizes[] = {round_up(sizeof(Parameters))..., 0};
    size_t sum = 0;
    for (size_t i = 0; i < number; i++) sum += sizes[i];
    return sum;
  }

  template <void (*kernel)(Parameters...), size_t... I>
  static void call(std::index_sequence<I...>) {
    kernel(*reinterpret_cast<std::remove_cv_t<Parameters>*>(arguments + offset(I))...);
  }

  // A line for each parameter: pointer or not, kind and size of the number, its declaration.
  static const char* signature(const char* const* declared) {
    static char text[8192];
    char* end = text;
    auto line = [&](char pointer, char kind, size_t bytes, const char* name) {
      end += snprintf(end, text + sizeof text - end, "%c %c %zu %s\n", pointer, kind, bytes, name);
    };
    size_t i = 0;
    (line(std::is_pointer_v<Parameters> ? '*' : '-', kind_of<std::remove_cv_t<std::remove_pointer_t<Parameters>>>(),
          size_of<std::remove_pointer_t<Parameters>>(), declared[i++]), ...);
    *end = 0;
    return text;
  }
};

// Of a function that takes these parameters: everything that has to be known to call it.
template <class... Parameters>
Kernel<Parameters...> kernel_of(void (*)(Parameters...));

// The block that runs as number `turn`. Shuffled: steps of a length that shares no factor with the number of blocks reach them all.
static uint64_t block_of_turn(uint64_t turn, uint64_t blocks, Order order, uint64_t seed) {
  if (order == Order::FORWARD) return turn;
  if (order == Order::REVERSE) return blocks - 1 - turn;
  const uint64_t start = random_number(seed) % blocks;
  uint64_t step = random_number(seed) % blocks | 1;
  auto common_factor = [](uint64_t a, uint64_t b) {
    while (b) {
      const uint64_t rest = a % b;
      a = b, b = rest;
    }
    return a;
  };
  while (common_factor(step, blocks) != 1) step++;
  return uint64_t(((unsigned __int128)turn * step + start) % blocks);
}

static void run_blocks(const Launch& launch) {
  const Order wanted = static_cast<Order>(launch.order);
  const uint64_t blocks = uint64_t(grid_size.x) * grid_size.y * grid_size.z;
  set_order(wanted, launch.seed);
  for (uint64_t turn = 0; turn < blocks && !failed; turn++) {
    const uint64_t block = block_of_turn(turn, blocks, wanted, launch.seed);
    block_index = {unsigned(block % grid_size.x), unsigned(block / grid_size.x % grid_size.y), unsigned(block / grid_size.x / grid_size.y)};
    if (wanted == Order::SHUFFLED) set_order(wanted, launch.seed + block);
    set_up_shared_memory(launch.shared);
    run_block();
  }
}

// Runs a kernel; 0, or 1 if something went wrong and `message` says what.
static int run(const Launch& launch, const char* name, const char* const* declared, void (*kernel)(), size_t argument_bytes) {
  failed = false;
  kernel_name = name;
  run_kernel = kernel;
  grid_size = {launch.grid[0], launch.grid[1], launch.grid[2]};
  block_size = {launch.block[0], launch.block[1], launch.block[2]};
  shared_most = launch.shared_most;
  memcpy(arguments, launch.arguments, argument_bytes);
  set_up_threads();
  set_up_memory_check(launch.arrays, launch.array_count, launch.addresses, launch.gap, declared);
  if (!stacks_reserved()) report({}, "there is no memory for the stacks of the threads");
  catch_faults();
  run_blocks(launch);
  release_faults();
  fflush(stdout);
  return failed;
}

}  // namespace simulator

// Makes a kernel known outside. source.py writes one for each kernel of a file, with its parameters as they are declared.
#define SIMULATOR_KERNEL(name, ...)                                                                           \
  static const char* const simulator_declared_##name[] = {__VA_ARGS__ nullptr};                               \
  extern "C" __global__ int simulator_launch_##name(const simulator::Launch* launch) {                        \
    using Kernel = decltype(simulator::kernel_of(&name));                                                     \
    return simulator::run(*launch, #name, simulator_declared_##name,                                          \
                          [] { Kernel::call<&name>(std::make_index_sequence<Kernel::COUNT>()); }, Kernel::BYTES); \
  }                                                                                                           \
  extern "C" __global__ const char* simulator_signature_##name() {                                            \
    return decltype(simulator::kernel_of(&name))::signature(simulator_declared_##name);                       \
  }

extern "C" __global__ const char* simulator_message() { return simulator::message; }
