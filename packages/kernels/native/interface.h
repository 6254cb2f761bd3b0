// The C interface: all that a carrier (the Node-API addon, WebAssembly) exports.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__wasm__)
#define IMGCLS_EXPORT __attribute__((visibility("default"), used))
#else
#define IMGCLS_EXPORT
#endif

extern "C" {

/// The index of a kernel, the same in every instruction set, or -1.
IMGCLS_EXPORT int32_t imgcls_kernel(const char* name);
/// Runs a kernel on the arguments it reads from `arguments`. Null, or what went wrong.
IMGCLS_EXPORT const char* imgcls_call(int32_t kernel, const double* arguments);

IMGCLS_EXPORT void* imgcls_allocate(size_t bytes);
IMGCLS_EXPORT void imgcls_release(void* memory, size_t bytes);

/// The instruction sets that this build has and this machine understands, from the plainest to the best: their number and names.
IMGCLS_EXPORT int32_t imgcls_isa_count(void);
IMGCLS_EXPORT const char* imgcls_isa_name(int32_t index);
IMGCLS_EXPORT void imgcls_select_isa(int32_t index);

IMGCLS_EXPORT int32_t imgcls_threads(void);
IMGCLS_EXPORT void imgcls_set_threads(int32_t count);
}
