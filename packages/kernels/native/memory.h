// Memory from the system, on 64-byte boundaries, and each thread's own piece to work in.
#pragma once

#include <stddef.h>

namespace imgcls {

/// Null if there is none.
void* allocate(size_t bytes);
void release(void* memory, size_t bytes);

/// Memory for intermediate results of one thread, kept from call to call; asking again may move it and forgets what was in it.
/// Thread 0 is the caller. Null if there is none.
void* scratch(int thread, size_t bytes);

/// Memory for intermediate results that all threads see; the caller asks for it before it hands out work.
void* shared_scratch(size_t bytes);

}  // namespace imgcls
