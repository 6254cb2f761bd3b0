#include "product.h"

#include "epilogue.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

template <class T>
Floats load_or_zeros(const T* from, int64_t count) {
  return count > 0 ? load_some(from, count) : Floats{};
}

struct Operands {
  int k;
  const float* a;
  int64_t a_row;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool accumulate;
};

/// One tile, its sums in registers throughout. The last of its vectors has `columns` columns.
template <int rows, int vectors, bool transposed>
void tile(const Operands& of, int columns) {
  Floats sums[rows][vectors];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) {
      const float* c = of.c + i * of.c_row + j * kLanes;
      sums[i][j] = !of.accumulate ? Floats{} : j < vectors - 1 || columns == kLanes ? load(c) : load(c, columns);
    }
  const float* a = of.a;
  const float* b = of.b;
  const int64_t a_row = of.a_row;
  const int64_t b_row = of.b_row;
  for (int k = 0; k < of.k; k++) {
    Floats row[vectors];
    for (int j = 0; j < vectors; j++) row[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Floats value = splat(transposed ? a[k * a_row + i] : a[i * a_row + k]);
      for (int j = 0; j < vectors; j++) sums[i][j] = fma(value, row[j], sums[i][j]);
    }
    b += b_row;
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) {
      float* c = of.c + i * of.c_row + j * kLanes;
      if (j < vectors - 1 || columns == kLanes) store(c, sums[i][j]);
      else store(c, sums[i][j], columns);
    }
}

/// Chooses the tile of `rows` rows.
template <int most, int vectors, bool transposed>
void tile_of(int rows, const Operands& of, int columns) {
  if (rows == most) return tile<most, vectors, transposed>(of, columns);
  if constexpr (most > 1) tile_of<most - 1, vectors, transposed>(rows, of, columns);
}

template <bool transposed>
void by_tiles(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate) {
  const int blocks = (m + kTileRows - 1) / kTileRows;  // of nearly the same height: 16 rows are 8 + 8, not 14 + 2
  for (int column = 0; column < n; column += kPanel) {
    const int columns = n - column < kPanel ? n - column : kPanel;
    const float* panel = b.at + column / kPanel * b.panel;
    for (int block = 0; block < blocks; block++) {
      const int begin = static_cast<int>(int64_t{m} * block / blocks);
      const int rows = static_cast<int>(int64_t{m} * (block + 1) / blocks) - begin;
      const Operands of = {k,     transposed ? a + begin : a + begin * a_row, a_row, panel,
                           b.row, c + begin * c_row + column,                 c_row, accumulate};
      if (columns <= kLanes) tile_of<kTileRows, 1, transposed>(rows, of, columns);
      else tile_of<kTileRows, 2, transposed>(rows, of, columns - kLanes);
    }
  }
}

}  // namespace

void product(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate) {
  by_tiles<false>(m, n, k, a, a_row, b, c, c_row, accumulate);
}

void product_transposed(int m, int n, int k, const float* a, int64_t a_row, Panels b, float* c, int64_t c_row, bool accumulate) {
  by_tiles<true>(m, n, k, a, a_row, b, c, c_row, accumulate);
}

template <class T>
void pack_panel(int64_t k, int n, const T* b, int64_t b_row, float* panel) {
  for (int64_t i = 0; i < k; i++, b += b_row, panel += kPanel)
    for (int j = 0; j < kPanel; j += kLanes) store(panel + j, load_or_zeros(b + j, n - j));
}

template <class T>
void pack_panel_transposed(int64_t k, int n, const T* b, int64_t b_row, float* panel) {
  for (int64_t i = 0; i < k; i += kLanes)
    for (int j = 0; j < kPanel; j += kLanes) {
      Floats square[kLanes];
      for (int lane = 0; lane < kLanes; lane++)
        square[lane] = j + lane < n ? load_or_zeros(b + (j + lane) * b_row + i, k - i) : Floats{};
      transpose(square);
      for (int lane = 0; lane < kLanes && i + lane < k; lane++) store(panel + (i + lane) * kPanel + j, square[lane]);
    }
}

template void pack_panel(int64_t, int, const float*, int64_t, float*);
template void pack_panel(int64_t, int, const Bfloat16*, int64_t, float*);
template void pack_panel_transposed(int64_t, int, const float*, int64_t, float*);
template void pack_panel_transposed(int64_t, int, const Bfloat16*, int64_t, float*);

}  // namespace IMGCLS_ISA
}  // namespace imgcls
