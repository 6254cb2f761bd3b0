// The pool of threads. Work is cut by shape, never by the number of threads, so that the sums are the same for any number.
#pragma once

namespace imgcls {

/// The most threads there can be.
constexpr int kMostThreads = 64;

/// Threads that share the work, the caller among them.
int threads();
void set_threads(int count);

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
