#include "threads.h"

#include <stddef.h>
#include <stdint.h>

#if !defined(__wasm__)
#include <time.h>
#endif

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

/// Returns how many there were left to take.
int take_pieces(int thread) {
  int taken = 0;
  for (int piece; (piece = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < job.pieces; taken++) job.run(job.context, piece, thread);
  return taken;
}

/// Whether sharing pays. Beside other busy programs the system lets a worker wait in the middle of a piece, and the caller with it,
/// for milliseconds: when that has cost more time than sharing has saved, the caller works alone for a while. Microseconds.
class Balance {
 public:
  bool allows_sharing(double now) const { return now >= alone_until_; }

  void note(double now, double saved, double lost) {
    balance_ += saved - lost;
    if (balance_ > kMost) balance_ = kMost;
    if (balance_ >= 0) return;
    const double rest = -kRest * balance_;
    alone_until_ = now + (rest < kLongestRest ? rest : kLongestRest);
    balance_ = 0;
  }

 private:
  static constexpr double kMost = 200;
  static constexpr double kRest = 20;  // so that at most a twentieth of the time is lost by trying again,
  static constexpr double kLongestRest = 100'000;  // unless one trial loses milliseconds, which does not mean that the next will

  double balance_ = 0;
  double alone_until_ = 0;
};

Balance balance;

void run_alone(int pieces, Piece run, void* context) {
  for (int piece = 0; piece < pieces; piece++) run(context, piece, 0);
}

void start_workers();

/// A clock, in microseconds.
double now();

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
  const double start = now();
  if (!balance.allows_sharing(start)) return run_alone(pieces, run, context);
  job = {run, context, pieces, count};
  __atomic_store_n(&next, 0, __ATOMIC_RELAXED);
  opened.add(1);
  const double begin = now();
  const int own = take_pieces(0);
  const double end = now();
  opened.add(1);
  while (const uint32_t busy = inside.value()) inside.wait(busy);
  const double left = now();
  if (own > 0) balance.note(left, (end - begin) / own * (pieces - own), begin - start + left - end);
}

#if defined(__wasm__)

/// In milliseconds.
extern "C" __attribute__((import_module("env"), import_name("now"))) double imgcls_now();

namespace {
void start_workers() {}  // JavaScript does: see wasm.cc
double now() { return 1000 * imgcls_now(); }
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

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

}  // namespace

#endif

}  // namespace imgcls
