#include "product.h"

#include "epilogue.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

template <class T>
Floats load_or_zeros(const T* from, int64_t count) {
  return count > 0 ? load_some(from, count) : Floats{};
}

constexpr int64_t kLineBytes = 64;

struct Operands {
  int k;
  const float* a;
  int64_t a_row;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool accumulate;
  const char* ahead;  // brought closer, a line for each of k
  int64_t ahead_step;
  bool streams;
  const Last* last;
};

Floats finished(const Last& last, Floats sums, int64_t row, int64_t column, int count) {
  if (last.bias) sums += load(last.bias + column, count);
  if (last.residual) sums += load(last.residual + row * last.row + column, count);
  return min(max(sums, splat(last.low)), splat(last.high));
}

/// One tile, its sums in registers throughout. The last of its vectors has `columns` columns.
template <int rows, int vectors, bool transposed>
void tile(const Operands& of, int columns) {
  Floats sums[rows][vectors] = {};
  const float* a = of.a;
  const float* b = of.b;
  const int64_t a_row = of.a_row;
  const int64_t b_row = of.b_row;
  const char* ahead = of.ahead;
  for (int k = 0; k < of.k; k++) {
    __builtin_prefetch(ahead, 0, 2);
    ahead += of.ahead_step;
    Floats row[vectors];
    for (int j = 0; j < vectors; j++) row[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Floats value = splat(transposed ? a[k * a_row + i] : a[i * a_row + k]);
      for (int j = 0; j < vectors; j++) sums[i][j] = fma(value, row[j], sums[i][j]);
    }
    b += b_row;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
      float* c = of.c + i * of.c_row + j * kLanes;
      const int count = j < vectors - 1 ? kLanes : columns;
      if (of.accumulate) sums[i][j] += load(c, count);  // at the end: sums of sums err less
      if constexpr (!transposed) {
        if (of.last) sums[i][j] = finished(*of.last, sums[i][j], i, j * kLanes, count);
      }
      if (of.streams) stream(c, sums[i][j]);
      else store(c, sums[i][j], count);
    }
}

/// Chooses the tile of `rows` rows.
template <int most, int vectors, bool transposed>
void tile_of(int rows, const Operands& of, int columns) {
  if (rows == most) return tile<most, vectors, transposed>(of, columns);
  if constexpr (most > 1) tile_of<most - 1, vectors, transposed>(rows, of, columns);
}

template <bool transposed>
void by_tiles(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate, Traffic* traffic,
              const Last* last) {
  const int blocks = (m + kTileRows - 1) / kTileRows;  // of nearly the same height: 16 rows are 8 + 8, not 14 + 2
  for (int column = 0; column < n; column += kPanel) {
    const int columns = n - column < kPanel ? n - column : kPanel;
    const float* panel = b.at + column / kPanel * b.panel;
    Traffic::Span next_panel = {reinterpret_cast<const char*>(panel + b.panel), 0};
    if (traffic && traffic->far_panels && column + kPanel < n) next_panel.bytes = k * int64_t{kPanel * sizeof(float)};
    for (int block = 0; block < blocks; block++) {
      const int begin = static_cast<int>(int64_t{m} * block / blocks);
      const int rows = static_cast<int>(int64_t{m} * (block + 1) / blocks) - begin;
      const char* next = next_panel.take(k * kLineBytes);
      if (!next && traffic) next = traffic->take(k * kLineBytes);
      const Last here = last ? last->from(begin, column) : Last{};
      const Operands of = {k,     transposed ? a + begin : a + begin * a_row, a_row,
                           panel, b.row,                                      c + begin * c_row + column,
                           c_row, accumulate,                                 next ? next : reinterpret_cast<const char*>(panel),
                           next ? kLineBytes : 0,
                           traffic && traffic->streams,
                           last ? &here : nullptr};
      if (columns <= kLanes) tile_of<kTileRows, 1, transposed>(rows, of, columns);
      else tile_of<kTileRows, 2, transposed>(rows, of, columns - kLanes);
    }
  }
}

}  // namespace

void product(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate, Traffic* traffic,
             const Last* last) {
  by_tiles<false>(m, n, k, a, a_row, b, c, c_row, accumulate, traffic, last);
}

void product_transposed(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate, Traffic* traffic) {
  by_tiles<true>(m, n, k, a, a_row, b, c, c_row, accumulate, traffic, nullptr);
}

template <class T>
void pack_panels(int64_t k, int64_t n, const T* b, int64_t b_row, float* panels, int64_t panel) {
  for (int64_t i = 0; i < k; i++, b += b_row, panels += kPanel) {
    float* to = panels;
    int64_t j = 0;
    for (; j + kPanel <= n; j += kPanel, to += panel)
      for (int v = 0; v < kPanel; v += kLanes) store(to + v, load(b + j + v));
    if (j < n)
      for (int v = 0; v < kPanel; v += kLanes) store(to + v, load_or_zeros(b + j + v, n - j - v));
  }
}

template <class T>
void pack_panel_transposed(int64_t k, int64_t n, const T* b, int64_t b_row, float* panel) {
  for (int64_t i = 0; i < k; i += kLanes)
    for (int j = 0; j < kPanel; j += kLanes) {
      Floats square[kLanes];
      for (int lane = 0; lane < kLanes; lane++)
        square[lane] = j + lane < n ? load_or_zeros(b + (j + lane) * b_row + i, k - i) : Floats{};
      transpose(square);
      for (int lane = 0; lane < kLanes && i + lane < k; lane++) store(panel + (i + lane) * kPanel + j, square[lane]);
    }
}

template void pack_panels(int64_t, int64_t, const float*, int64_t, float*, int64_t);
template void pack_panels(int64_t, int64_t, const Bfloat16*, int64_t, float*, int64_t);
template void pack_panel_transposed(int64_t, int64_t, const float*, int64_t, float*);
template void pack_panel_transposed(int64_t, int64_t, const Bfloat16*, int64_t, float*);

}  // namespace IMGCLS_ISA
}  // namespace imgcls
