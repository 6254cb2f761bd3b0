// How threads wait for each other: they look for a moment, then sleep.
#pragma once

#include <stdint.h>

#if !defined(__wasm__)
#include <pthread.h>
#endif

namespace imgcls {

/// A number that threads wait on. Every change is seen by all in one order.
class Signal {
 public:
  uint32_t value() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }

  /// Wakes who waits for a change. Returns the new value.
  uint32_t add(int32_t amount);

  /// Returns the value once it is no longer `seen`; perhaps earlier, where a thread must not sleep.
  uint32_t wait(uint32_t seen);

 private:
  void sleep(uint32_t seen);
  void wake();

  uint32_t value_ = 0;
  uint32_t sleepers_ = 0;
#if !defined(__wasm__)
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
#endif
};

/// One thread at a time.
class Lock {
 public:
  void take();
  void leave();

 private:
  Signal taken_;
  uint32_t held_ = 0;
};

/// Holds a lock for as long as it lives.
class Holding {
 public:
  explicit Holding(Lock& lock) : lock_(lock) { lock_.take(); }
  ~Holding() { lock_.leave(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  Lock& lock_;
};

}  // namespace imgcls
