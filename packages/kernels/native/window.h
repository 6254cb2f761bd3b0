// Windows that slide over images: which pixels they see.
#pragma once

#include "integers.h"
#include "kernel.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// A window along one axis: tap t of the window at place o sees the pixel o·stride + t·dilation - before, if there is one.
struct Axis {
  int64_t in, out, taps, stride, dilation, before;

  explicit Axis(Arguments& from)
      : in(from.integer()), out(from.integer()), taps(from.integer()), stride(from.integer()), dilation(from.integer()), before(from.integer()) {}

  int64_t pixel(int64_t place, int64_t tap) const { return place * stride + tap * dilation - before; }
  bool inside(int64_t place, int64_t tap) const { return pixel(place, tap) >= 0 && pixel(place, tap) < in; }
};

/// Where a value is larger than the largest of a window so far; NaN is larger than all.
inline Ints exceeds(Floats value, Floats largest) { return (value > largest) | (value != value); }

}  // namespace IMGCLS_ISA
}  // namespace imgcls
