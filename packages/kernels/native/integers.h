// Arithmetic of sizes.
#pragma once

#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// [begin, end) along an axis.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

/// A length in parts that differ by one grain at most; all but the last are whole grains.
struct Cut {
  int64_t length;
  int64_t parts;
  int64_t grain = 1;

  int64_t begin(int64_t part) const { return smaller(length, grains() * part / parts * grain); }
  Range range(int64_t part) const { return {begin(part), begin(part + 1)}; }
  int64_t size(int64_t part) const { return range(part).size(); }
  int64_t most() const { return ceil_div(grains(), parts) * grain; }

 private:
  int64_t grains() const { return ceil_div(length, grain); }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
