// Loops over arrays of any rank, whatever lies where: broadcasting, slices, permutations and reversals are all a matter of strides.
#pragma once

#include "integers.h"
#include "kernel.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Twice a tensor's rank: tiling has two axes for each.
constexpr int kMostAxes = 12;

/// How many of so many elements one piece of work has: 20 µs or more, and long runs of memory where there are enough.
inline int64_t piece_size(int64_t elements) { return larger(1 << 14, smaller(1 << 18, elements / 32)); }

/// The shape of a loop over several arrays, and for each of them how many elements lie between neighbours along each axis.
/// Axes that can be run through as one are merged, so that most loops have one or two.
template <int kArrays>
struct Walk {
  int rank = 0;
  int64_t sizes[kMostAxes];
  int64_t strides[kArrays][kMostAxes];

  /// rank, the sizes, then the strides of each array
  [[gnu::noinline]] explicit Walk(Arguments& in) {
    const int axes = static_cast<int>(in.integer());
    int64_t size[kMostAxes], stride[kArrays][kMostAxes];
    for (int i = 0; i < axes; i++) size[i] = in.integer();
    for (auto& array : stride)
      for (int i = 0; i < axes; i++) array[i] = in.integer();
    for (int i = 0; i < axes; i++) {
      if (size[i] == 1) continue;
      int64_t next[kArrays];
      for (int a = 0; a < kArrays; a++) next[a] = stride[a][i];
      append(size[i], next);
    }
    if (rank == 0) {
      sizes[rank++] = 1;
      for (auto& array : strides) array[0] = 1;
    }
  }

  int64_t columns() const { return sizes[rank - 1]; }
  int64_t column_stride(int array) const { return strides[array][rank - 1]; }
  int64_t rows() const {
    int64_t product = 1;
    for (int i = 0; i + 1 < rank; i++) product *= sizes[i];
    return product;
  }

  /// Where a row begins in each array, and which one it is along the outer axes.
  struct Row {
    int64_t at[kArrays];
    int64_t index[kMostAxes];
  };

  Row row(int64_t number) const {
    Row row = {};
    for (int i = rank - 2; i >= 0; number /= sizes[i--]) {
      row.index[i] = number % sizes[i];
      for (int a = 0; a < kArrays; a++) row.at[a] += row.index[i] * strides[a][i];
    }
    return row;
  }

  void advance(Row& row) const {
    for (int i = rank - 2; i >= 0; i--) {
      for (int a = 0; a < kArrays; a++) row.at[a] += strides[a][i];
      if (++row.index[i] < sizes[i]) return;
      row.index[i] = 0;
      for (int a = 0; a < kArrays; a++) row.at[a] -= sizes[i] * strides[a][i];
    }
  }

  /// Calls `run(at, count)` on threads for every row, long ones in parts: `count` elements along the last axis, from `at[array]` on.
  template <class Run>
  void each_run(const Run& run) const {
    const int64_t all_rows = rows();
    if (columns() == 0 || all_rows == 0) return;
    const int64_t size = piece_size(all_rows * columns());
    const int64_t width = smaller(columns(), size), across = ceil_div(columns(), width);
    const int64_t height = larger(1, size / columns()), down = ceil_div(all_rows, height);
    parallel(static_cast<int>(across * down), [&](int piece, int) {
      const int64_t left = piece % across * width, top = piece / across * height;
      const int64_t count = smaller(width, columns() - left), bottom = smaller(top + height, all_rows);
      Row place = row(top);
      for (int a = 0; a < kArrays; a++) place.at[a] += left * column_stride(a);
      for (int64_t r = top; r < bottom; r++, advance(place)) run(place.at, count);
    });
  }

 private:
  void append(int64_t size, const int64_t stride[]) {
    bool merges = rank > 0;
    for (int a = 0; a < kArrays; a++) merges = merges && strides[a][rank - 1] == size * stride[a];
    if (!merges) sizes[rank++] = 1;
    sizes[rank - 1] *= size;
    for (int a = 0; a < kArrays; a++) strides[a][rank - 1] = stride[a];
  }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
