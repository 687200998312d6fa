// What went wrong, and where: one sentence that names the place in the .cu file, the kernel, the block and the thread.
#pragma once
#include <cstdarg>

#include "fibers.h"

namespace simulator {

// A place in the source: of the call, if it is the default value of an argument.
struct Place {
  const char* file;
  int line;
  int call;  // tells two barriers of one line apart

  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line, 0}; }
};

static const char* kernel_name = "";
static char message[2048];
static bool failed = false;

static const char* name_of(const char* file) {
  const char* slash = file ? strrchr(file, '/') : nullptr;
  return slash ? slash + 1 : file ? file : "";
}

// Notes the first mistake of a launch. `thread` is null where it is that of a whole block, or of the launch.
static void note(Place place, const uint3* thread, const char* format, va_list values) {
  if (failed) return;
  failed = true;
  char* end = message;
  auto append = [&](const char* text, auto... more) { end += snprintf(end, message + sizeof message - end, text, more...); };
  if (place.file) append("%s:%d: ", name_of(place.file), place.line);
  append("%s, block (%u, %u, %u)", kernel_name, block_index.x, block_index.y, block_index.z);
  if (thread) append(", thread (%u, %u, %u)", thread->x, thread->y, thread->z);
  append(": ");
  vsnprintf(end, message + sizeof message - end, format, values);
}

// Of a block, noticed by the launcher, which goes on to end the launch.
__attribute__((format(printf, 2, 3))) static void report(Place place, const char* format, ...) {
  va_list values;
  va_start(values, format);
  note(place, nullptr, format, values);
  va_end(values);
}

// Of the thread that runs. It never goes on, nor does any other of its block.
[[noreturn]] __attribute__((format(printf, 2, 3))) static void fail(Place place, const char* format, ...) {
  va_list values;
  va_start(values, format);
  note(place, &thread_index, format, values);
  va_end(values);
  static Context abandoned;
  switch_context(abandoned, launcher);
  abort();
}

}  // namespace simulator

#define assert(condition) \
  ((condition) ? (void)0 : simulator::fail({__FILE__, __LINE__}, "the assertion %s does not hold", #condition))
#define __trap() simulator::fail({__FILE__, __LINE__}, "__trap() was called")
