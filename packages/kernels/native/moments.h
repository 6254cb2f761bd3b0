// The moments of what lies in memory; epilogue.h has what becomes of them.
#pragma once

#include "columns.h"
#include "epilogue.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Floats of scratch memory that gather_moments() works in.
inline int64_t moments_scratch(const Columns& columns) { return 2 * columns.padded_width(); }

/// Those of a block of rows, few enough to stay in cache: in three walks, the sums about one of the rows, so that a large mean costs no digits.
template <class T>
void gather_moments(const Columns& columns, const T* x, int64_t rows, float* memory, const Moments& moments, int64_t block) {
  const int64_t channels = columns.channels;
  float *centre = memory, *sums = memory + columns.padded_width();
  const auto sum_up = [&](const auto& term) {
    memset(sums, 0, columns.padded_width() * sizeof(float));
    columns.each(0, rows, [&](int64_t i, int64_t column, int lanes) {
      add_to(sums + column, term(load(x + i, lanes) - load(centre + column)), lanes);
    });
    columns.add_folds(sums);
  };

  for (int64_t c = 0; c < channels; c += kLanes) store_some(centre + c, load_some(x + c, channels - c), channels - c);
  columns.repeat(centre);
  sum_up([](Floats v) { return v; });
  for (int64_t c = 0; c < channels; c++) centre[c] += sums[c] / static_cast<float>(rows);
  columns.repeat(centre);
  sum_up([](Floats v) { return v * v; });

  memcpy(moments.means(block), centre, channels * sizeof(float));
  memcpy(moments.squares(block), sums, channels * sizeof(float));
  moments.set_count(block, rows);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
