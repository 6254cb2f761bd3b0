// What a kernel is made of: its arguments, and the list it is entered in.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Kernels are compiled once per instruction set, each time into a namespace of its own (see build.mjs and kernels.cc).
#ifndef IMGCLS_ISA
#define IMGCLS_ISA generic
#endif

namespace imgcls {

/// The arguments of one call, read in the order in which JavaScript wrote them: numbers all, and an address is a number too.
class Arguments {
 public:
  explicit Arguments(const double* next) : next_(next) {}

  /// An address, or null where JavaScript wrote 0.
  template <class T>
  T* pointer() {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(*next_++));
  }
  int64_t integer() { return static_cast<int64_t>(*next_++); }
  float real() { return static_cast<float>(*next_++); }
  bool flag() { return *next_++ != 0; }

 private:
  const double* next_;
};

/// Computes, and returns null or what went wrong. Shapes and addresses have been checked on the other side.
using Kernel = const char* (*)(Arguments);

struct Entry {
  const char* name;
  Kernel kernel;
};

/// The kernels of one instruction set, in the order of kernels.inc.
struct Table {
  const char* isa;
  const Entry* entries;
  int32_t count;
};

constexpr const char* kOutOfMemory = "out of memory";

/// What a kernel answers that has done nothing, since that of another instruction set does as well: see kernels.cc.
inline constexpr char kAnothers[] = "another instruction set's";

}  // namespace imgcls
