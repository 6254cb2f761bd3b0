// Products of pairs by AMX, in blocks of 32 rows by a panel.
#pragma once

#include "amx.h"
#include "product-sums.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int kAmxTall = 2 * kAmxRows;
constexpr int kAmxDeep = 8 * kAmxWords;              // units of transposed rows that are turned at a time
constexpr int kAmxTurnedRow = kAmxDeep + kAmxWords;  // an odd number of lines, so that a column of them spreads over the cache
static_assert(kAmxWords == kLanes && kPanel == 2 * kAmxWords);

// Tiles 0 and 1 hold sums, of 16 or 32 rows by 16 columns, 2 rows of A and 3 columns of B. Four of the eight are twice as fast as 2 by 2 sums that take all of them,
// where two hyperthreads share what a core has for renaming tiles; alone on a core they take some 15 % longer.

template <int tall>
void zero_sums() {
  zero_tile<0>();
  if constexpr (tall == 2) zero_tile<1>();
}

template <int tall>
void load_sums(const float* from, int64_t row) {
  load_tile<0>(from, row * 4);
  if constexpr (tall == 2) load_tile<1>(from + kAmxRows * row, row * 4);
}

template <int tall>
void store_sums(float* to, int64_t row) {
  store_tile<0>(to, row * 4);
  if constexpr (tall == 2) store_tile<1>(to + kAmxRows * row, row * 4);
}

/// The products of 16 columns, `step` units at a time.
template <int tall>
void add_products(const Operands<Pair>& of, int step) {
  const int64_t a_row = of.a_row * 4, b_row = of.b_row * 4;
  const Pair *a = of.a, *b = of.b;
  const char* ahead = of.ahead;
  for (int k = 0; k < of.k; k += step, a += step, b += step * of.b_row) {
    if (of.ahead_step)
      for (int line = 0; line < step; line++, ahead += of.ahead_step) __builtin_prefetch(ahead, 0, 2);
    load_tile<2>(a, a_row);
    load_tile<3>(b, b_row);
    multiply_tiles<0, 2, 3>();
    if constexpr (tall == 2) {
      load_tile<2>(a + kAmxRows * of.a_row, a_row);
      multiply_tiles<1, 2, 3>();
    }
  }
}

/// Some rows of sums that lie in cache, kPanel floats apart, are finished and written.
template <int rows, int vectors>
void put_rows(const float* from, const Operands<Pair>& of, int columns) {
  Floats sums[rows][vectors];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) sums[i][j] = load(from + i * kPanel + j * kLanes);
  if (!of.last || !of.last->to) return put_sums<PutFloats<true>>(sums, of, columns);
  for (int i = 0; i < rows; i++) __builtin_prefetch(of.last->to + (i + kAmxTall) * of.last->row, 1, 2);  // where the next block of rows goes
  put_sums<PutBfloat16>(sums, of, columns);
}

/// All rows of a block. The last of its vectors has `columns` columns.
template <int vectors>
void put_block(const float* from, Operands<Pair> of, int rows, int columns) {
  constexpr int kTogether = 8;
  const Last* last = of.last;
  for (int row = 0; row < rows;) {
    const Last here = last ? last->from(row, 0) : Last{};
    if (last) of.last = &here;
    const bool together = rows - row >= kTogether;
    if (together) put_rows<kTogether, vectors>(from, of, columns);
    else put_rows<1, vectors>(from, of, columns);
    const int done = together ? kTogether : 1;
    row += done;
    from += done * kPanel;
    of.c += done * of.c_row;
  }
}

/// A block. Its sums stay in tiles throughout; where more follows than storing them, vectors do it.
template <int tall>
void amx_block(Operands<Pair> of, int rows, int columns, int step) {
  const bool stay = columns % kLanes == 0 && !of.last && !of.streams;
  alignas(kLineBytes) float sums[kAmxTall * kPanel];
  for (int column = 0; column < columns; column += kLanes) {
    Operands<Pair> half = of;
    half.b += column;
    if (column > 0) half.ahead_step = 0;
    if (stay && of.accumulate) load_sums<tall>(of.c + column, of.c_row);
    else zero_sums<tall>();
    add_products<tall>(half, step);
    if (stay) store_sums<tall>(of.c + column, of.c_row);
    else store_sums<tall>(sums + column, kPanel);
  }
  if (stay) return;
  if (columns <= kLanes) put_block<1>(sums, of, rows, columns);
  else put_block<2>(sums, of, rows, columns - kLanes);
}

/// A product by AMX, in parts that one setting of the tiles computes: rows by 32, 16 and what remains, units by 16 and what remains.
struct AmxProduct {
  struct Range {
    int begin, size, step;
  };

  int m, n, k;
  const Pair* a;
  int64_t a_row;
  PanelsOf<Pair> b;
  float* c;
  int64_t c_row;
  bool accumulate;
  Traffic* traffic;
  const Last* last;

  void run() const {
    with_moments(m, n, last, [&](PanelMoments* moments) { run(moments); });
    release_tiles();
  }

 private:
  void run(PanelMoments* moments) const {
    const int deep = k - k % kAmxWords;
    if (deep > 0) add({0, deep, kAmxWords}, moments);
    if (k > deep) add({deep, k - deep, k - deep}, moments);
    if (k == 0) add({0, 0, 1}, moments);
  }

  void add(const Range& units, PanelMoments* moments) const {
    const int tall = m - m % kAmxTall, whole = m - m % kAmxRows;
    if (tall > 0) add(units, {0, tall, kAmxTall}, moments);
    if (whole > tall) add(units, {tall, kAmxRows, kAmxRows}, moments);
    if (m > whole) add(units, {whole, m - whole, m - whole}, moments);
  }

  /// Panel by panel, which stay in the first cache.
  void add(const Range& units, const Range& rows, PanelMoments* moments) const {
    const int height = rows.step < kAmxRows ? rows.step : kAmxRows;
    TileSizes sizes;
    sizes.set(0, height, kAmxWords);
    sizes.set(1, height, kAmxWords);
    sizes.set(2, height, units.step);
    sizes.set(3, units.step, kAmxWords);
    set_tiles(sizes);
    for (int column = 0; column < n; column += kPanel) {
      const Pair* panel = b.at + column / kPanel * b.panel + units.begin * b.row;
      Ahead<Pair> ahead(traffic, b, panel, units.size, column + kPanel >= n);
      for (int row = rows.begin; row < rows.begin + rows.size; row += rows.step)
        add_block(units, row, rows.step, panel, column, ahead.take(units.size), moments);
    }
  }

  void add_block(const Range& units, int row, int rows, const Pair* panel, int column, const char* ahead, PanelMoments* moments) const {
    const bool finishes = last && units.begin + units.size == k;
    const Last here = finishes ? last->from(row, column) : Last{};
    const Operands<Pair> of = {units.size,
                               a + row * a_row + units.begin,
                               a_row,
                               panel,
                               b.row,
                               c + row * c_row + column,
                               c_row,
                               accumulate || units.begin > 0,
                               ahead,
                               ahead ? kLineBytes : 0,
                               traffic && traffic->streams && units.size == k,
                               false,
                               finishes ? &here : nullptr,
                               {},
                               finishes && moments ? &moments[column / kPanel] : nullptr};
    const int columns = n - column < kPanel ? n - column : kPanel;
    (rows > kAmxRows ? amx_block<2> : amx_block<1>)(of, rows, columns, units.step);
  }
};

/// Rows from transposed ones, `count` of them and `k` units, kAmxTurnedRow units apart.
void turn_rows(const Pair* a, int64_t a_row, int count, int k, Pair* to) {
  for (int unit = 0; unit < k; unit += kLanes)
    for (int row = 0; row < count; row += kLanes) {
      Floats square[kLanes];
      for (int i = 0; i < kLanes; i++)
        square[i] = unit + i < k ? load_or_zeros(reinterpret_cast<const float*>(a + (unit + i) * a_row + row), smaller(kLanes, count - row)) : Floats{};
      transpose(square);
      for (int i = 0; i < kLanes; i++) memcpy(to + (row + i) * kAmxTurnedRow + unit, &square[i], sizeof square[i]);
    }
}

void by_amx(int m, int n, int k, const Pair* a, int64_t a_row, PanelsOf<Pair> b, float* c, int64_t c_row, bool accumulate, Traffic* traffic,
            const Last* last) {
  AmxProduct{m, n, k, a, a_row, b, c, c_row, accumulate, traffic, last}.run();
}

void transposed_by_amx(int m, int n, int k, const Pair* a, int64_t a_row, PanelsOf<Pair> b, float* c, int64_t c_row, bool accumulate,
                       Traffic* traffic) {
  alignas(kLineBytes) Pair rows[kAmxTall * kAmxTurnedRow];
  for (int row = 0; row < m; row += kAmxTall) {
    const int height = m - row < kAmxTall ? m - row : kAmxTall;
    for (int unit = 0; unit < k || unit == 0; unit += kAmxDeep) {
      const int units = k - unit < kAmxDeep ? k - unit : kAmxDeep;
      turn_rows(a + unit * a_row + row, a_row, height, units, rows);
      by_amx(height, n, units, rows, kAmxTurnedRow, {b.at + unit * b.row, b.row, b.panel}, c + row * c_row, c_row, accumulate || unit > 0,
             traffic, nullptr);
    }
  }
}

}  // namespace

}  // namespace IMGCLS_ISA
}  // namespace imgcls
