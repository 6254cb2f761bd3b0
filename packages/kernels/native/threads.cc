#include "threads.h"

#include <stdint.h>

#if !defined(__wasm__)
#include <pthread.h>
#include <time.h>
#endif

namespace imgcls {

namespace {

struct Job {
  Piece run;
  void* context;
  int pieces;
};

int count = 1;

}  // namespace

int threads() { return count; }

#if defined(__wasm__)

void set_threads(int wanted) { (void)wanted; }

void run_pieces(int pieces, Piece run, void* context) {
  for (int piece = 0; piece < pieces; piece++) run(context, piece, 0);
}

#else

namespace {

// A job is published by raising `generation`; workers take pieces from `next`, and the caller waits until `busy` is 0.
Job job;
int next = 0;
int busy = 0;
uint32_t generation = 0;
int started = 0;  // workers, not counting the caller
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

constexpr int kSpins = 4000;  // about 50 µs: the time between two kernels of a step

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void work(int thread) {
  for (int piece; (piece = __atomic_fetch_add(&next, 1, __ATOMIC_ACQ_REL)) < job.pieces;) job.run(job.context, piece, thread);
}

uint32_t wait_for(uint32_t seen) {
  for (int spin = 0; spin < kSpins; spin++) {
    const uint32_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    if (now != seen) return now;
    pause();
  }
  pthread_mutex_lock(&mutex);
  while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == seen) pthread_cond_wait(&wake, &mutex);
  pthread_mutex_unlock(&mutex);
  return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

void* worker(void* argument) {
  const int thread = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  uint32_t seen = 0;
  for (;;) {
    seen = wait_for(seen);
    if (thread < count) work(thread);
    __atomic_fetch_sub(&busy, 1, __ATOMIC_ACQ_REL);
  }
  return nullptr;
}

void start_workers() {
  while (started < count - 1) {
    pthread_t id;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    const int failed = pthread_create(&id, &attributes, worker, reinterpret_cast<void*>(static_cast<intptr_t>(started + 1)));
    pthread_attr_destroy(&attributes);
    if (failed) {
      count = started + 1;
      return;
    }
    started++;
  }
}

}  // namespace

void set_threads(int wanted) { count = wanted < 1 ? 1 : wanted > kMostThreads ? kMostThreads : wanted; }

void run_pieces(int pieces, Piece run, void* context) {
  if (pieces <= 1 || count == 1) {
    for (int piece = 0; piece < pieces; piece++) run(context, piece, 0);
    return;
  }
  start_workers();
  job = {run, context, pieces};
  __atomic_store_n(&next, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&busy, started, __ATOMIC_RELEASE);
  pthread_mutex_lock(&mutex);
  __atomic_fetch_add(&generation, 1, __ATOMIC_ACQ_REL);
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&mutex);
  work(0);
  for (int spin = 0; __atomic_load_n(&busy, __ATOMIC_ACQUIRE) > 0; spin++) {
    if (spin < kSpins) {
      pause();
    } else {
      const timespec nap = {0, 50000};
      nanosleep(&nap, nullptr);
    }
  }
}

#endif

}  // namespace imgcls
