#include "signal.h"

#if defined(__wasm__)
/// Whether this thread may sleep: the main thread of a page may not.
extern "C" __attribute__((import_module("env"), import_name("may_sleep"))) int32_t imgcls_may_sleep();
#endif

namespace imgcls {

namespace {

// Some 50 µs: longer than the time between two kernels of a training step.
#if defined(__x86_64__)
constexpr int kSpins = 1000;
void relax() { __builtin_ia32_pause(); }
#elif defined(__aarch64__)
constexpr int kSpins = 10000;
void relax() { asm volatile("yield"); }
#else
constexpr int kSpins = 20000;
void relax() {}
#endif

}  // namespace

uint32_t Signal::add(int32_t amount) {
  const uint32_t now = __atomic_add_fetch(&value_, static_cast<uint32_t>(amount), __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&sleepers_, __ATOMIC_SEQ_CST) > 0) wake();
  return now;
}

uint32_t Signal::wait(uint32_t seen) {
  for (int spin = 0; spin < kSpins; spin++) {
    if (const uint32_t now = value(); now != seen) return now;
    relax();
  }
  __atomic_add_fetch(&sleepers_, 1, __ATOMIC_SEQ_CST);
  sleep(seen);
  __atomic_sub_fetch(&sleepers_, 1, __ATOMIC_SEQ_CST);
  return value();
}

#if defined(__wasm__)

void Signal::sleep(uint32_t seen) {
  if (imgcls_may_sleep()) __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&value_), static_cast<int>(seen), -1);
}
void Signal::wake() { __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&value_), ~0u); }

#else

void Signal::sleep(uint32_t seen) {
  pthread_mutex_lock(&mutex_);
  while (value() == seen) pthread_cond_wait(&changed_, &mutex_);
  pthread_mutex_unlock(&mutex_);
}

void Signal::wake() {
  pthread_mutex_lock(&mutex_);
  pthread_cond_broadcast(&changed_);
  pthread_mutex_unlock(&mutex_);
}

#endif

void Lock::take() {
  for (;;) {
    const uint32_t seen = taken_.value();
    if (!__atomic_exchange_n(&held_, 1, __ATOMIC_SEQ_CST)) return;
    taken_.wait(seen);
  }
}

void Lock::leave() {
  __atomic_store_n(&held_, 0, __ATOMIC_SEQ_CST);
  taken_.add(1);
}

}  // namespace imgcls
