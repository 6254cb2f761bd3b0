#include "memory.h"

#include "threads.h"

#if defined(__wasm__)
#include <stdint.h>
#else
#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif
#endif

namespace imgcls {

namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) & ~(kAlignment - 1); }

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

Block scratches[kMostThreads];
Block shared;

}  // namespace

#if defined(__wasm__)

extern "C" unsigned char __heap_base;

namespace {
uintptr_t top = 0;
}

// What is released goes back to the pool of the other side, which asks for sizes of its classes only; memory of a module never shrinks.
void* allocate(size_t bytes) {
  if (!top) top = aligned(reinterpret_cast<uintptr_t>(&__heap_base));
  const uintptr_t start = top;
  const uintptr_t end = start + aligned(bytes);
  const uintptr_t pages = (end + 0xffff) >> 16;
  const uintptr_t have = __builtin_wasm_memory_size(0);
  if (end < start || (pages > have && __builtin_wasm_memory_grow(0, pages - have) == static_cast<size_t>(-1))) return nullptr;
  top = end;
  return reinterpret_cast<void*>(start);
}

void release(void*, size_t) {}

#elif defined(_WIN32)

void* allocate(size_t bytes) { return _aligned_malloc(aligned(bytes), kAlignment); }
void release(void* memory, size_t) { _aligned_free(memory); }

#else

void* allocate(size_t bytes) {
#if defined(__linux__)
  constexpr size_t kHugePage = 2 << 20;
  if (bytes >= 2 * kHugePage) {
    void* memory = aligned_alloc(kHugePage, (bytes + kHugePage - 1) & ~(kHugePage - 1));
    if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
  }
#endif
  return aligned_alloc(kAlignment, aligned(bytes));
}

void release(void* memory, size_t) { free(memory); }

#endif

void* scratch(int thread, size_t bytes) { return scratches[thread].at_least(bytes); }
void* shared_scratch(size_t bytes) { return shared.at_least(bytes); }

}  // namespace imgcls
