// The C interface: what a carrier (the Node-API addon, WebAssembly) hands on to JavaScript.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__wasm__)
#define IMGCLS_EXPORT __attribute__((visibility("default"), used))
#else
#define IMGCLS_EXPORT
#endif

namespace imgcls {
class Queue;
}

extern "C" {

/// The instruction sets that this build has and this machine understands, from the plainest to the best: their number and names.
IMGCLS_EXPORT int32_t imgcls_isa_count(void);
IMGCLS_EXPORT const char* imgcls_isa_name(int32_t isa);

/// The kernels, the same in every instruction set: their number and names.
IMGCLS_EXPORT int32_t imgcls_kernel_count(void);
IMGCLS_EXPORT const char* imgcls_kernel_name(int32_t kernel);

/// Runs a call and returns null, or what went wrong. A call is numbers: the kernel, the instruction set, how many threads may share
/// the work, how many arguments follow, and these. Calls of several threads take turns, but those that no thread may share (0): they
/// work alone beside others, as kernels can that use neither `parallel` nor `scratch`.
IMGCLS_EXPORT const char* imgcls_call(const double* call);

/// Runs so many calls that lie one behind the other, up to the first that goes wrong. Returns how many went well.
IMGCLS_EXPORT int32_t imgcls_calls(const double* first, int32_t count);

/// On a 64-byte boundary; null if there is no memory.
IMGCLS_EXPORT void* imgcls_allocate(size_t bytes);
IMGCLS_EXPORT void imgcls_release(void* memory, size_t bytes);

/// A queue of calls (see queue.h), for one thread to fill and another to work off; null if there is no memory.
IMGCLS_EXPORT imgcls::Queue* imgcls_queue_open(void);
IMGCLS_EXPORT void imgcls_queue_push(imgcls::Queue* queue, const double* call);
IMGCLS_EXPORT void imgcls_queue_mark(imgcls::Queue* queue, double mark);
IMGCLS_EXPORT void imgcls_queue_finish(imgcls::Queue* queue);
IMGCLS_EXPORT const char* imgcls_queue_problem(imgcls::Queue* queue);
IMGCLS_EXPORT int32_t imgcls_queue_clear_problem(imgcls::Queue* queue);
}
