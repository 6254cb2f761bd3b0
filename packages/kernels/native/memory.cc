#include "memory.h"

#include <stdint.h>

#include "signal.h"
#include "threads.h"

#if !defined(__wasm__)
#include <stdlib.h>
#endif
#if defined(_WIN32)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace imgcls {

namespace {

constexpr size_t kAlignment = 64;

size_t rounded_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

struct Block {
  void* memory = nullptr;
  size_t bytes = 0;

  void* at_least(size_t wanted) {
    if (wanted <= bytes) return memory;
    if (memory) release(memory, bytes);
    memory = allocate(wanted);
    bytes = memory ? wanted : 0;
    return memory;
  }
};

// The lock of the calls guards them: one call at a time.
Block scratches[kMostThreads];
Block shared;

}  // namespace

#if defined(__wasm__)

extern "C" unsigned char __heap_base;

namespace {

/// What lies free, by address; neighbours are one piece.
struct Free {
  uintptr_t bytes;
  Free* next;
};

Lock lock;
Free* first = nullptr;
uintptr_t top = 0;  // what lies above was never used

uintptr_t end(Free* piece) { return reinterpret_cast<uintptr_t>(piece) + piece->bytes; }

/// The first piece that is large enough; what is left of it stays free.
void* reuse(size_t bytes) {
  for (Free** link = &first; *link; link = &(*link)->next) {
    Free* const found = *link;
    if (found->bytes < bytes) continue;
    if (found->bytes == bytes) {
      *link = found->next;
    } else {
      auto* const rest = reinterpret_cast<Free*>(reinterpret_cast<uintptr_t>(found) + bytes);
      *rest = {found->bytes - bytes, found->next};
      *link = rest;
    }
    return found;
  }
  return nullptr;
}

/// Takes more than is asked for, as growing moves JavaScript's views.
void* grow(size_t bytes) {
  if (!top) top = rounded_up(reinterpret_cast<uintptr_t>(&__heap_base), kAlignment);
  constexpr size_t kPage = 1 << 16;
  const size_t have = __builtin_wasm_memory_size(0);
  const uint64_t end = static_cast<uint64_t>(top) + bytes;
  if (end > static_cast<uint64_t>(UINTPTR_MAX)) return nullptr;
  if (end > static_cast<uint64_t>(have) * kPage) {
    const size_t missing = static_cast<size_t>((end + kPage - 1) / kPage) - have;
    const size_t ample = missing > have / 8 ? missing : have / 8;
    if (__builtin_wasm_memory_grow(0, ample) == SIZE_MAX && __builtin_wasm_memory_grow(0, missing) == SIZE_MAX) return nullptr;
  }
  void* const memory = reinterpret_cast<void*>(top);
  top = static_cast<uintptr_t>(end);
  return memory;
}

/// Makes a piece and the one behind it one, where they touch.
void join(Free* piece) {
  if (!piece->next || end(piece) != reinterpret_cast<uintptr_t>(piece->next)) return;
  *piece = {piece->bytes + piece->next->bytes, piece->next->next};
}

}  // namespace

void* allocate(size_t bytes) {
  const size_t size = rounded_up(bytes, kAlignment);
  const Holding holding(lock);
  void* const memory = reuse(size);
  return memory ? memory : grow(size);
}

void release(void* memory, size_t bytes) {
  const Holding holding(lock);
  auto* const piece = static_cast<Free*>(memory);
  Free* before = nullptr;
  for (Free* at = first; at && at < piece; at = at->next) before = at;
  *piece = {rounded_up(bytes, kAlignment), before ? before->next : first};
  (before ? before->next : first) = piece;
  join(piece);
  if (before) join(before);
}

#elif defined(_WIN32)

void* allocate(size_t bytes) { return _aligned_malloc(rounded_up(bytes, kAlignment), kAlignment); }
void release(void* memory, size_t) { _aligned_free(memory); }

#else

void* allocate(size_t bytes) {
#if defined(__linux__)
  constexpr size_t kHugePage = 2 << 20;
  if (bytes >= 2 * kHugePage) {
    const size_t size = rounded_up(bytes, kHugePage);
    void* memory = aligned_alloc(kHugePage, size);
    if (memory) madvise(memory, size, MADV_HUGEPAGE);
    return memory;
  }
#endif
  return aligned_alloc(kAlignment, rounded_up(bytes, kAlignment));
}

void release(void* memory, size_t) { free(memory); }

#endif

void* scratch(int thread, size_t bytes) { return scratches[thread].at_least(bytes); }
void* shared_scratch(size_t bytes) { return shared.at_least(bytes); }

}  // namespace imgcls
