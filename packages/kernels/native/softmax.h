// The softmax of a row.
#pragma once

#include "row.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// A row's largest value, and Σ exp(x - largest).
struct Softmax {
  float largest, sum;

  template <class T>
  Softmax(const T* x, int64_t columns)
      : largest(row_max(x, columns)), sum(row_sum(columns, [&](int64_t i, int lanes) { return exp(load(x + i, lanes) - largest); })) {}

  Floats probability(Floats x) const { return exp(x - largest) / sum; }
  float log_sum() const { return log(splat(sum))[0]; }
  Floats log_probability(Floats x, float log_sum) const { return x - largest - log_sum; }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
