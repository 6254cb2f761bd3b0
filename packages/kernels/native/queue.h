// A queue of calls between the thread of JavaScript and one that works them off.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "signal.h"

namespace imgcls {

class Queue {
 public:
  using Tell = void (*)(void* context, double mark);

  static void* operator new(size_t bytes) noexcept { return allocate(bytes); }
  static void operator delete(void* queue) { release(queue, sizeof(Queue)); }

  /// Copies a call to the end; waits while there is no room.
  void push(const double* call);
  /// Has a number told once all that was pushed before is done.
  void mark(double value);
  /// Waits until all is done.
  void finish();

  /// Null, or what went wrong first. Later calls have been left out, and are until it is cleared.
  const char* problem() const;
  /// Returns the number of the kernel that had the problem.
  int32_t clear_problem();

  /// What the thread of the queue does, until it is closed.
  void run(Tell tell, void* context);
  /// Leaves out what has not begun.
  void close();

 private:
  static constexpr uint32_t kCapacity = 1 << 16;

  void append(const double* numbers, uint32_t count);
  void work_off(const double* call, Tell tell, void* context);

  Signal pushed_;  // the numbers that were written, and those that were worked off, both counted modulo 2^32
  Signal done_;
  uint32_t closed_ = 0;
  const char* problem_ = nullptr;
  int32_t kernel_ = -1;  // that had the problem
  double ring_[kCapacity];
};

}  // namespace imgcls
