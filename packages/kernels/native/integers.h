// Arithmetic of sizes.
#pragma once

#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A length in parts that differ by one at most.
struct Cut {
  int64_t length;
  int64_t parts;

  int64_t begin(int64_t part) const { return length * part / parts; }
  int64_t size(int64_t part) const { return begin(part + 1) - begin(part); }
  int64_t most() const { return ceil_div(length, parts); }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
