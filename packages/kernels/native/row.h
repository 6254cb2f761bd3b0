// Rows of which all values belong together: maxima, sums.
#pragma once

#include "columns.h"
#include "math.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Calls `run(row)` for rows of so many values, on threads.
template <class Run>
void each_row(int64_t rows, int64_t columns, const Run& run) {
  constexpr int64_t kPieceValues = 1 << 14;
  const int64_t rows_each = larger(1, kPieceValues / larger(1, columns));
  parallel(static_cast<int>(ceil_div(rows, rows_each)), [&](int piece, int) {
    for (int64_t row = piece * rows_each; row < smaller((piece + int64_t{1}) * rows_each, rows); row++) run(row);
  });
}

/// The first `lanes` of a, the others of b.
inline Floats blend(int lanes, Floats a, Floats b) {
  Ints index{};
  for (int i = 0; i < kLanes; i++) index[i] = i;
  return select(index < lanes, a, b);
}

/// The largest value, or NaN if one is among them.
template <class T>
float row_max(const T* x, int64_t columns) {
  Floats largest = splat(-__builtin_inff());
  each_vector(columns, [&](int64_t i, int lanes) { largest = max(blend(lanes, load(x + i, lanes), largest), largest); });
  float lanes[kLanes], all = -__builtin_inff();
  memcpy(lanes, &largest, sizeof lanes);
  for (const float lane : lanes) all = lane > all || lane != lane ? lane : all;
  return all;
}

/// Σ term(i, lanes), of which the lanes beyond are left out.
template <class Term>
float row_sum(int64_t columns, const Term& term) {
  Floats total{};
  each_vector(columns, [&](int64_t i, int lanes) { total += blend(lanes, term(i, lanes), Floats{}); });
  return sum(total);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
