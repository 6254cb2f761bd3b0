#include "queue.h"

#include <string.h>

#include "interface.h"

namespace imgcls {

namespace {

/// Numbers of a call before its arguments: the kernel, the instruction set, the threads, how many arguments follow.
constexpr uint32_t kHeader = 4;

// What stands in place of a kernel for what is no call: a number to tell, and that the next call stands at the start of the ring.
constexpr double kMark = -1;
constexpr double kJump = -2;

uint32_t length(const double* call) { return kHeader + static_cast<uint32_t>(call[3]); }

}  // namespace

void Queue::push(const double* call) { append(call, length(call)); }

void Queue::mark(double value) {
  const double call[] = {kMark, 0, 0, 1, value};
  append(call, length(call));
}

// A call lies in one piece, as kernels read it where it is.
void Queue::append(const double* numbers, uint32_t count) {
  const uint32_t at = pushed_.value() % kCapacity;
  const uint32_t skipped = at + count > kCapacity ? kCapacity - at : 0;
  for (uint32_t done = done_.value(); pushed_.value() - done + skipped + count > kCapacity;) done = done_.wait(done);
  if (skipped) ring_[at] = kJump;
  memcpy(&ring_[skipped ? 0 : at], numbers, count * sizeof(double));
  pushed_.add(static_cast<int32_t>(skipped + count));
}

void Queue::finish() {
  for (uint32_t done = done_.value(); done != pushed_.value();) done = done_.wait(done);
}

const char* Queue::problem() const { return __atomic_load_n(&problem_, __ATOMIC_ACQUIRE); }

int32_t Queue::clear_problem() {
  const int32_t kernel = kernel_;
  __atomic_store_n(&problem_, nullptr, __ATOMIC_RELEASE);
  return kernel;
}

void Queue::run(Tell tell, void* context) {
  for (uint32_t done = done_.value();;) {
    while (pushed_.value() == done) pushed_.wait(done);
    if (__atomic_load_n(&closed_, __ATOMIC_SEQ_CST)) return;
    const double* const call = &ring_[done % kCapacity];
    const bool jump = call[0] == kJump;
    if (!jump) work_off(call, tell, context);
    done = done_.add(static_cast<int32_t>(jump ? kCapacity - done % kCapacity : length(call)));
  }
}

void Queue::work_off(const double* call, Tell tell, void* context) {
  if (call[0] == kMark) return tell(context, call[kHeader]);
  if (problem()) return;
  const char* const found = imgcls_call(call);
  if (!found) return;
  kernel_ = static_cast<int32_t>(call[0]);
  __atomic_store_n(&problem_, found, __ATOMIC_RELEASE);
}

void Queue::close() {
  __atomic_store_n(&closed_, 1, __ATOMIC_SEQ_CST);
  pushed_.add(1);  // never read: it wakes the thread
}

}  // namespace imgcls
