// The moments of what lies in memory; epilogue.h has what becomes of them.
#pragma once

#include "columns.h"
#include "epilogue.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Floats of scratch memory that gather_moments() works in.
inline int64_t moments_scratch(const Columns& columns) { return 3 * columns.padded_width(); }

/// Those of a block of rows, few enough to stay in cache: in three walks, the sums about one of the rows, so that a large mean costs no digits.
template <class T>
void gather_moments(const Columns& columns, const T* x, int64_t rows, float* memory, const Moments& moments, int64_t block) {
  const int64_t channels = columns.channels;
  const int64_t width = columns.padded_width();
  float *centre = memory, *sums = centre + width, *few = sums + width;
  const auto sum_up = [&](const auto& term) {
    memset(sums, 0, 2 * width * sizeof(float));
    columns.each_few(0, rows, [&](int64_t begin, int64_t some) {
      columns.each(begin, some, [&](int64_t i, int64_t column, int lanes) {
        add_to(few + column, term(load(x + i, lanes) - load(centre + column)), lanes);
      });
      move_sums(few, width, sums);
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
