// What the hardware does on its own while the threads go on: copies to shared memory, products of tensor cores. It is ordered,
// committed in groups, and waited for. It may happen at any moment up to the end of the wait; here it happens at the last one.
#pragma once
#include "report.h"

namespace simulator {

// What one thread has ordered and not waited for. An item has `group` and `place`.
template <class Item>
struct Groups {
  Item* items;
  unsigned size, capacity, committed;  // groups committed so far

  SIMULATOR_UNCHECKED void add(Item item) {
    if (size == capacity) {
      capacity = capacity ? 2 * capacity : 16;
      items = static_cast<Item*>(realloc(items, capacity * sizeof(Item)));
    }
    item.group = committed;
    items[size++] = item;
  }

  // All groups but the last `kept` are performed.
  template <class Perform>
  SIMULATOR_UNCHECKED void wait(unsigned kept, Perform perform) {
    unsigned done = 0;
    for (; done < size && items[done].group + kept < committed; done++) {
      const Item item = items[done];
      perform(item);
    }
    size -= done;
    memmove(items, items + done, size * sizeof(Item));
  }

  // A thread that returns must have waited for everything.
  SIMULATOR_UNCHECKED void check(const char* what, const char* commit, const char* wait) const {
    if (size == 0) return;
    const bool forgotten = items[0].group == committed;
    fail(items[0].place, "the kernel ends, and %s ordered here was never %s: %s() is missing", what, forgotten ? "committed" : "waited for",
         forgotten ? commit : wait);
  }
};

struct Copy {
  unsigned char* to;
  const void* from;
  int bytes;  // the rest of the 16 is filled with zeros
  Place place;
  unsigned group;
};

struct Product {
  void (*perform)(const Product&);
  float* d;
  unsigned long long a, b;
  Place place;
  unsigned group;
};

}  // namespace simulator
