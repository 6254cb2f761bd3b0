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

// Units in a vector, and what a tile does with them.

Floats load_units(const float* from) { return load(from); }
Floats splat_unit(float value) { return splat(value); }
Floats multiply_units(float, Floats a, Floats b, Floats c) { return fma(a, b, c); }

#if defined(__AVX512BF16__)
Floats load_units(const Pair* from) {
  Floats v;
  memcpy(&v, from, sizeof v);
  return v;
}

Floats splat_unit(Pair pair) {
  int32_t word;
  memcpy(&word, &pair, sizeof word);
  return (Floats)_mm512_set1_epi32(word);
}

Floats multiply_units(Pair, Floats a, Floats b, Floats c) { return (Floats)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b); }

#endif

template <class Unit>
struct Operands {
  int k;
  const Unit* a;
  int64_t a_row;
  const Unit* b;
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
template <int rows, int vectors, bool transposed, class Unit>
void tile(const Operands<Unit>& of, int columns) {
  Floats sums[rows][vectors] = {};
  const Unit* a = of.a;
  const Unit* b = of.b;
  const int64_t a_row = of.a_row;
  const int64_t b_row = of.b_row;
  const char* ahead = of.ahead;
  for (int k = 0; k < of.k; k++) {
    __builtin_prefetch(ahead, 0, 2);
    ahead += of.ahead_step;
    Floats row[vectors];
    for (int j = 0; j < vectors; j++) row[j] = load_units(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Floats value = splat_unit(transposed ? a[k * a_row + i] : a[i * a_row + k]);
      for (int j = 0; j < vectors; j++) sums[i][j] = multiply_units(Unit{}, value, row[j], sums[i][j]);
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
template <int most, int vectors, bool transposed, class Unit>
void tile_of(int rows, const Operands<Unit>& of, int columns) {
  if (rows == most) return tile<most, vectors, transposed>(of, columns);
  if constexpr (most > 1) tile_of<most - 1, vectors, transposed>(rows, of, columns);
}

template <bool transposed, class Unit>
void by_tiles(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate, Traffic* traffic,
              const Last* last) {
  const int blocks = (m + kTileRows - 1) / kTileRows;  // of nearly the same height: 16 rows are 8 + 8, not 14 + 2
  for (int column = 0; column < n; column += kPanel) {
    const int columns = n - column < kPanel ? n - column : kPanel;
    const Unit* panel = b.at + column / kPanel * b.panel;
    Traffic::Span next_panel = {reinterpret_cast<const char*>(panel + b.panel), 0};
    if (traffic && traffic->far_panels && column + kPanel < n) next_panel.bytes = k * int64_t{kPanel * sizeof(float)};
    for (int block = 0; block < blocks; block++) {
      const int begin = static_cast<int>(int64_t{m} * block / blocks);
      const int rows = static_cast<int>(int64_t{m} * (block + 1) / blocks) - begin;
      const char* next = next_panel.take(k * kLineBytes);
      if (!next && traffic) next = traffic->take(k * kLineBytes);
      const Last here = last ? last->from(begin, column) : Last{};
      const Operands<Unit> of = {k,     transposed ? a + begin : a + begin * a_row, a_row,
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

/// Row k of a panel, of the values of one row of b or of two, `second` being null where there is none.
template <class T>
void pack_row(const T* first, const T*, int64_t count, float* to) {
  store(to, load_or_zeros(first, count));
}

/// Units of a row that begin at `from`, of which there are `count` values.
template <class T>
Floats load_along(const T* from, int64_t count, float) {
  return load_or_zeros(from, count);
}

#if defined(__AVX512BF16__)
template <class T>
void pack_row(const T* first, const T* second, int64_t count, Pair* to) {
  store_pairs(to, load_halves(first, count), second ? load_halves(second, count) : Halves{});
}

template <class T>
Floats load_along(const T* from, int64_t count, Pair) {
  const Halves halves[2] = {load_halves(from, count), load_halves(from + kLanes, count - kLanes)};
  Floats units;
  memcpy(&units, halves, sizeof units);
  return units;
}
#endif

}  // namespace

template <class Unit>
void product(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate, Traffic* traffic,
             const Last* last) {
  by_tiles<false>(m, n, k, a, a_row, b, c, c_row, accumulate, traffic, last);
}

template <class Unit>
void product_transposed(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
                        Traffic* traffic) {
  by_tiles<true>(m, n, k, a, a_row, b, c, c_row, accumulate, traffic, nullptr);
}

template <class T, class Unit>
void pack_panels(int64_t k, int64_t n, const T* b, int64_t b_row, Unit* panels, int64_t panel) {
  for (int64_t i = 0; i < k; i += kDeep<Unit>, b += kDeep<Unit> * b_row, panels += kPanel) {
    const T* second = i + 1 < k ? b + b_row : nullptr;
    Unit* to = panels;
    for (int64_t j = 0; j < n; j += kPanel, to += panel)
      for (int v = 0; v < kPanel; v += kLanes) pack_row(b + j + v, second ? second + j + v : nullptr, n - j - v, to + v);
  }
}

template <class T, class Unit>
void pack_panel_transposed(int64_t k, int64_t n, const T* b, int64_t b_row, Unit* panel) {
  const int64_t units = ceil_div(k, kDeep<Unit>);
  for (int64_t i = 0; i < units; i += kLanes)
    for (int j = 0; j < kPanel; j += kLanes) {
      Floats square[kLanes];
      for (int lane = 0; lane < kLanes; lane++)
        square[lane] = j + lane < n ? load_along(b + (j + lane) * b_row + i * kDeep<Unit>, k - i * kDeep<Unit>, Unit{}) : Floats{};
      transpose(square);
      for (int lane = 0; lane < kLanes && i + lane < units; lane++) memcpy(panel + (i + lane) * kPanel + j, &square[lane], sizeof(Floats));
    }
}

#define IMGCLS_PRODUCT(Unit)                                                                                                              \
  template void product(int, int, int, const Unit*, int64_t, PanelsOf<Unit>, float*, int64_t, bool, Traffic*, const Last*);              \
  template void product_transposed(int, int, int, const Unit*, int64_t, PanelsOf<Unit>, float*, int64_t, bool, Traffic*);                \
  template void pack_panels(int64_t, int64_t, const float*, int64_t, Unit*, int64_t);                                                    \
  template void pack_panels(int64_t, int64_t, const Bfloat16*, int64_t, Unit*, int64_t);                                                 \
  template void pack_panel_transposed(int64_t, int64_t, const float*, int64_t, Unit*);                                                   \
  template void pack_panel_transposed(int64_t, int64_t, const Bfloat16*, int64_t, Unit*);
IMGCLS_PRODUCT(float)
#if defined(__AVX512BF16__)
IMGCLS_PRODUCT(Pair)
#endif

}  // namespace IMGCLS_ISA
}  // namespace imgcls
