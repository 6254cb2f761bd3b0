#include "threads.h"

#include <stddef.h>
#include <stdint.h>

#include "signal.h"

namespace imgcls {

namespace {

struct Job {
  Piece run;
  void* context;
  int pieces;
  int threads;
};

// The caller writes the job while none is open and nobody is inside; workers read it while they are inside and it is open.
// So the caller waits for those alone that work for it: a worker that the system has not let run in time comes too late to matter.
Job job;
Signal opened;  // odd while a job is open
Signal inside;  // workers between entering and leaving
int next;       // the piece to take

int count = 1;

void take_pieces(int thread) {
  for (int piece; (piece = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < job.pieces;) job.run(job.context, piece, thread);
}

void run_alone(int pieces, Piece run, void* context) {
  for (int piece = 0; piece < pieces; piece++) run(context, piece, 0);
}

void start_workers();

}  // namespace

int threads() { return count; }

void set_threads(int wanted) { count = wanted < 1 ? 1 : wanted > kMostThreads ? kMostThreads : wanted; }

void run_worker(int thread) {
  for (uint32_t seen = 0;; seen = opened.wait(seen)) {
    if (seen % 2 == 0) continue;
    inside.add(1);
    if (opened.value() % 2 == 1 && thread < job.threads) take_pieces(thread);
    inside.add(-1);
  }
}

void run_pieces(int pieces, Piece run, void* context) {
  if (pieces <= 1 || count == 1) return run_alone(pieces, run, context);
  start_workers();
  job = {run, context, pieces, count};
  __atomic_store_n(&next, 0, __ATOMIC_RELAXED);
  opened.add(1);
  take_pieces(0);
  opened.add(1);
  while (const uint32_t busy = inside.value()) inside.wait(busy);
}

#if defined(__wasm__)

namespace {
void start_workers() {}  // JavaScript does: see wasm.cc
}  // namespace

#else

bool start_thread(void* (*run)(void*), void* argument, pthread_t* thread) {
  constexpr size_t kStackBytes = 1 << 20;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const bool started = pthread_create(thread, &attributes, run, argument) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}

namespace {

void* worker(void* thread) {
  run_worker(static_cast<int>(reinterpret_cast<intptr_t>(thread)));
  return nullptr;
}

/// A system that gives no more threads is asked no more.
void start_workers() {
  static int tried = 0;
  static bool refused = false;
  while (tried < count - 1 && !refused) {
    pthread_t thread;
    refused = !start_thread(worker, reinterpret_cast<void*>(static_cast<intptr_t>(++tried)), &thread);
    if (!refused) pthread_detach(thread);
  }
}

}  // namespace

#endif

}  // namespace imgcls
