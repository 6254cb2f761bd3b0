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

int count = 1;

/// A clock, in microseconds.
double now();

/// A thread's share of a job: first pieces that follow each other, since it finds in its own caches what it has written of the job before; then what
/// is left of the other shares.
struct alignas(64) Share {
  int next, end;  // pieces that nobody has taken
  int done;       // and how long they took, written by the thread, read by the caller when nobody is inside
  double time;

  /// The next piece; -1 if there is none.
  int take() {
    if (__atomic_load_n(&next, __ATOMIC_RELAXED) >= end) return -1;
    const int piece = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
    return piece < end ? piece : -1;
  }
};

Share shares[kMostThreads];

void divide(int pieces) {
  for (int thread = 0; thread < count; thread++) {
    const auto begin = [&](int64_t thread) { return static_cast<int>(thread * pieces / count); };
    shares[thread] = {begin(thread), begin(thread + 1), 0, 0};
  }
}

void take_pieces(int thread) {
  int done = 0;
  const double begin = now();
  for (int i = 0; i < job.threads; i++)
    for (int piece; (piece = shares[(thread + i) % job.threads].take()) >= 0; done++) job.run(job.context, piece, thread);
  shares[thread].done = done;
  shares[thread].time = now() - begin;
}

/// What the job would have taken the caller alone: as long for each piece as the thread took that was disturbed least.
double time_alone() {
  double piece = 0;
  for (int thread = 0; thread < job.threads; thread++) {
    const Share& share = shares[thread];
    if (share.done > 0 && (piece == 0 || share.time < piece * share.done)) piece = share.time / share.done;
  }
  return piece * job.pieces;
}

/// Whether sharing pays. Beside other busy programs the system lets a thread wait in the middle of a piece, and the others with it,
/// for milliseconds: when that has cost more time than sharing has saved, the caller works alone for a while, for twice as long each time
/// that trying again has brought nothing, for half as long each time that it has. Microseconds.
class Balance {
 public:
  bool allows_sharing(double now) const { return now >= alone_until_; }

  void note(double now, double saved) {
    balance_ += saved;
    if (balance_ > kMost) {
      balance_ = kMost;
      if (rest_ > kShortRest) rest_ /= 2;
    } else if (balance_ < -kTrial) {
      const double longest = rest_ * kLongTrial, rest = -rest_ * balance_;
      alone_until_ = now + (rest < longest ? rest : longest);
      if (rest_ < kLongRest) rest_ *= 2;
      balance_ = 0;
    }
  }

 private:
  static constexpr double kMost = 200;
  static constexpr double kTrial = 300;  // enough to wake a worker on another processor than the caller's, and see what it brings
  static constexpr double kLongTrial = 5'000;  // a trial that loses more does not mean that the next will
  // How many times as long as it has lost the caller works alone: not for long after a single disturbance; in the end a three-hundredth of the time is
  // lost by trying again.
  static constexpr double kShortRest = 5, kLongRest = 320;

  double balance_ = 0;
  double rest_ = kShortRest;
  double alone_until_ = 0;
};

Balance balance;

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
  const double start = now();
  if (!balance.allows_sharing(start)) return run_alone(pieces, run, context);
  job = {run, context, pieces, count};
  divide(pieces);
  opened.add(1);
  take_pieces(0);
  opened.add(1);
  while (const uint32_t busy = inside.value()) inside.wait(busy);
  const double end = now();
  balance.note(end, time_alone() - (end - start));
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
