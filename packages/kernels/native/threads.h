// The pool of threads. Work is cut by shape, never by the number of threads, so that the sums are the same for any number.
#pragma once

#if !defined(__wasm__)
#include <pthread.h>
#endif

namespace imgcls {

/// The most threads there can be.
constexpr int kMostThreads = 256;

/// Threads that share the work of the running call, the caller among them.
int threads();

/// Before each call, by who holds the lock of the calls.
void set_threads(int count);

/// What a thread of the pool does, forever. Threads are numbered from 1; 0 is the caller.
void run_worker(int thread);

#if !defined(__wasm__)
/// A thread with a stack that kernels can work on, whatever the system's default. False if there is none to be had.
bool start_thread(void* (*run)(void*), void* argument, pthread_t* thread);
#endif

using Piece = void (*)(void* context, int piece, int thread);

/// Runs every piece once, on any thread, in any order, and returns when all are done. Not from within a piece.
void run_pieces(int pieces, Piece run, void* context);

/// `parallel(pieces, [&](int piece, int thread) { … })`
template <class Work>
void parallel(int pieces, const Work& work) {
  run_pieces(
      pieces, [](void* context, int piece, int thread) { (*static_cast<const Work*>(context))(piece, thread); },
      const_cast<void*>(static_cast<const void*>(&work)));
}

}  // namespace imgcls
