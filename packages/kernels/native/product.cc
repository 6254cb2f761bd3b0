#include "product.h"

#if defined(__AMX_BF16__)
#include "product-amx.h"
#else
#include "product-sums.h"
#endif

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

#if !defined(__AMX_BF16__)

// Units in a vector, and what a tile does with them.

Floats load_units(const float* from) { return load(from); }
Floats splat_unit(float value) { return splat(value); }
Floats multiply_units(float, Floats a, Floats b, Floats c) { return fma(a, b, c); }

#if defined(IMGCLS_HAS_PAIRS)
template <class Unit>
Floats load_units(const Unit* from) {
  Floats v;
  memcpy(&v, from, sizeof v);
  return v;
}

template <class Unit>
Floats splat_unit(Unit unit) {
  int32_t word;
  memcpy(&word, &unit, sizeof word);
  return (Floats)(word - Ints{});
}

Floats multiply_units(Pair, Floats a, Floats b, Floats c) {
#if defined(__AVX512BF16__)
  return (Floats)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
#else
  return (Floats)vbfdotq_f32((float32x4_t)c, (bfloat16x8_t)a, (bfloat16x8_t)b);
#endif
}
#endif

#if defined(IMGCLS_HAS_FIXED)
/// Sums of integers, which lie as floats do: as an intrinsic, whose operands are of another type, GCC 12 keeps every sum twice.
Floats multiply_units(Fixed, Floats a, Floats b, Floats c) {
  asm("vpdpwssd %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
}
#endif

/// Brings closer what a tile will write.
template <int rows, int vectors>
void fetch_places(const float* first, int64_t row) {
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors * kLanes; j += kLineBytes / 4) __builtin_prefetch(first + i * row + j, 1, 3);
}

/// Memory that comes closer while a tile is computed, a line or two of each array at a step: of many lines at once, processors drop most.
struct Fetches {
  const char* arrays[2];
  int count = 0, lines = 0;

  /// A tile's share of some rows that will be read or written later, in the order of memory: where the rows are no longer than `n`, as much as the
  /// tile has values, else one row.
  template <class T>
  void add(const T* first, int64_t row, int64_t rows, int64_t n, int64_t column, int64_t columns) {
    constexpr int64_t kValues = kLineBytes / sizeof(T);
    const bool together = row == n;
    if (!first || (!together && column / kPanel >= rows)) return;
    arrays[count++] = reinterpret_cast<const char*>(first + (together ? rows * column : column / kPanel * row));
    lines = static_cast<int>(ceil_div(together ? rows * columns : n, kValues));
  }
};

/// Those of step k, of so many.
inline void fetch_lines(const Fetches& fetches, int k, int steps) {
  for (int i = 0; i < fetches.count; i++) {
    __builtin_prefetch(fetches.arrays[i] + k * kLineBytes, 0, 2);
    if (k + steps < fetches.lines) __builtin_prefetch(fetches.arrays[i] + (k + steps) * kLineBytes, 0, 2);
  }
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
  if (of.far) fetch_places<rows, vectors>(of.c, of.c_row);
  const int lines = of.fetches ? of.fetches->lines : 0;
  for (int k = 0; k < of.k; k++) {
    if (k < lines) fetch_lines(*of.fetches, k, of.k);
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
  if constexpr (kWritesBfloat16<Unit> && !transposed) {
    if (of.last && of.last->to) return put_sums<PutBfloat16>(sums, of, columns);
  }
  put_sums<PutFloats<!transposed>>(sums, of, columns);
}

constexpr int kWideVectors = 8;

/// One row by many columns of a matrix that is read where it lies: each step reads a long run of it, and fetches that of some steps later.
template <class Unit>
void wide_tile(const Operands<Unit>& of) {
  constexpr int kStepsAhead = 8;
  Floats sums[1][kWideVectors] = {};
  const Unit* b = of.b;
  for (int k = 0; k < of.k; k++, b += of.b_row) {
    const Unit* later = b + (k + kStepsAhead < of.k ? kStepsAhead * of.b_row : 0);
    const Floats value = splat_unit(of.a[k]);
#pragma GCC unroll 16
    for (int j = 0; j < kWideVectors; j++) {
      if (j * kLanes % (kLineBytes / 4) == 0) __builtin_prefetch(later + j * kLanes, 0, 3);
      sums[0][j] = multiply_units(Unit{}, value, load_units(b + j * kLanes), sums[0][j]);
    }
  }
  put_sums<PutFloats<true>>(sums, of, kLanes);
}

/// Chooses the tile of `rows` rows.
template <int most, int vectors, bool transposed, class Unit>
void tile_of(int rows, const Operands<Unit>& of, int columns) {
  if (rows == most) return tile<most, vectors, transposed>(of, columns);
  if constexpr (most > 1) tile_of<most - 1, vectors, transposed>(rows, of, columns);
}

/// A product by tiles of nearly the same height: 16 rows are 8 + 8, not 14 + 2.
template <bool transposed, class Unit>
struct TiledProduct {
  int m, n, k;
  const Unit* a;
  int64_t a_row;
  PanelsOf<Unit> b;
  float* c;
  int64_t c_row;
  bool accumulate;
  Traffic* traffic;
  const Last* last;
  Scales scales;

  void run() const {
    with_moments(m, n, last, [&](PanelMoments* moments) { run(moments); });
  }

 private:
  static constexpr int64_t kNearPanels = 6 << 10;  // units

  /// Rows by rows, so that memory is read and written as it lies, where there is something to read besides, the result is bfloat16, or the panels
  /// stay in the first cache meanwhile; else panel by panel. `moments`: of each panel, or null.
  void run(PanelMoments* moments) const {
    const bool reads = last && last->residual, rounds = last && last->to;
    const bool is_wide = m == 1 && !transposed && b.panel == kPanel && !moments && !rounds;
    const int blocks = (m + kTileRows - 1) / kTileRows, first = is_wide ? add_wide() : 0;
    const bool far = traffic && traffic->far_result && !traffic->streams, later = traffic && traffic->later.lines > 0;
    if (reads || rounds || (far && !later && int64_t{n} * k <= kNearPanels)) {
      for (int block = 0; block < blocks; block++)
        for (int column = first; column < n; column += kPanel) {
          const Fetches next = fetches(block, blocks, column, far);
          Ahead<Unit> ahead(traffic, b, panel(column), k, block > 0 || column + kPanel >= n);
          add(block, blocks, column, ahead, moments, &next, false);
        }
    } else
      for (int column = first; column < n; column += kPanel) {
        Ahead<Unit> ahead(traffic, b, panel(column), k, column + kPanel >= n);
        for (int block = 0; block < blocks; block++) {
          const Fetches later = fetches_later();
          add(block, blocks, column, ahead, moments, &later, far);
        }
      }
  }

  /// Where a row of tiles begins.
  int row_of(int block, int blocks) const { return static_cast<int>(int64_t{m} * (block < blocks ? block : blocks) / blocks); }

  /// A tile's share of what will be read later.
  Fetches fetches_later() const {
    Fetches fetches;
    if (!traffic) return fetches;
    fetches.lines = static_cast<int>(traffic->later.lines);
    for (Traffic::Span& span : traffic->later.spans)
      if (const char* next = span.take(fetches.lines * kLineBytes)) fetches.arrays[fetches.count++] = next;
    return fetches;
  }

  /// A tile's share of what the next row of tiles reads and writes besides.
  Fetches fetches(int block, int blocks, int column, bool far) const {
    Fetches fetches;
    const int from = row_of(block + 1, blocks), rows = row_of(block + 2, blocks) - from;
    if (rows == 0) return fetches;
    const Last next = last ? last->from(from, 0) : Last{};
    const auto add = [&](auto* result, int64_t row, auto* residual) {
      fetches.add(result, row, rows, n, column, smaller(kPanel, n - column));
      fetches.add(residual, row, rows, n, column, smaller(kPanel, n - column));
    };
    if (next.to) add(next.to, next.row, next.to_residual);
    else add(far ? c + from * c_row : nullptr, c_row, next.residual);
    return fetches;
  }

  const Unit* panel(int column) const { return b.at + column / kPanel * b.panel; }

  Operands<Unit> operands(int row, int column, const char* ahead, bool far, const Last* here) const {
    return {k,
            transposed ? a + row : a + row * a_row,
            a_row,
            panel(column),
            b.row,
            c + row * c_row + column,
            c_row,
            accumulate,
            ahead ? ahead : reinterpret_cast<const char*>(panel(column)),
            ahead ? kLineBytes : 0,
            traffic && traffic->streams,
            far,
            here,
            scales.from(row, column)};
  }

  void add(int block, int blocks, int column, Ahead<Unit>& ahead, PanelMoments* moments, const Fetches* fetches, bool far) const {
    const int begin = row_of(block, blocks), columns = n - column < kPanel ? n - column : kPanel;
    const int rows = row_of(block + 1, blocks) - begin;
    const Last here = last ? last->from(begin, column) : Last{};
    Operands<Unit> of = operands(begin, column, ahead.take(k), far, last ? &here : nullptr);
    if (moments) of.moments = &moments[column / kPanel];
    of.fetches = fetches;
    if (columns <= kLanes) tile_of<kTileRows, 1, transposed>(rows, of, columns);
    else tile_of<kTileRows, 2, transposed>(rows, of, columns - kLanes);
  }

  /// One row by panels that lie side by side. Returns the column that it has come to.
  int add_wide() const {
    constexpr int kColumns = kWideVectors * kLanes;
    int column = 0;
    for (; column + kColumns <= n; column += kColumns) {
      const Last here = last ? last->from(0, column) : Last{};
      wide_tile(operands(0, column, nullptr, false, last ? &here : nullptr));
    }
    return column;
  }
};

#endif

/// Row k of a panel, of the values of one row of b or of two, `second` being null where there is none.
template <class T>
void pack_panel_row(const T* first, const T*, int64_t count, float* to) {
  for (int v = 0; v < kPanel; v += kLanes) store(to + v, load_or_zeros(first + v, count - v));
}

/// Units of a row that begin at `from`, of which there are `count` values.
template <class T>
Floats load_along(const T* from, int64_t count, float) {
  return load_or_zeros(from, count);
}

#if defined(IMGCLS_HAS_PAIRS)
template <class T>
void pack_panel_row(const T* first, const T* second, int64_t count, Pair* to) {
  if (second && count >= kPanel) return store_panel_row(to, first, second);
  for (int v = 0; v < kPanel; v += kLanes)
    store_pairs(to + v, load_halves(first + v, count - v), second ? load_halves(second + v, count - v) : Halves{});
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
             const Last* last, [[maybe_unused]] Scales scales) {
#if defined(__AMX_BF16__)
  by_amx(m, n, k, a, a_row, b, c, c_row, accumulate, traffic, last);
#else
  TiledProduct<false, Unit>{m, n, k, a, a_row, b, c, c_row, accumulate, traffic, last, scales}.run();
#endif
}

template <class Unit>
void product_transposed(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
                        Traffic* traffic, [[maybe_unused]] Scales scales) {
#if defined(__AMX_BF16__)
  transposed_by_amx(m, n, k, a, a_row, b, c, c_row, accumulate, traffic);
#else
  TiledProduct<true, Unit>{m, n, k, a, a_row, b, c, c_row, accumulate, traffic, nullptr, scales}.run();
#endif
}

template <class T, class Unit>
void pack_panels(int64_t k, int64_t n, const T* b, int64_t b_row, Unit* panels, int64_t panel) {
  for (int64_t i = 0; i < k; i += kDeep<Unit>, b += kDeep<Unit> * b_row, panels += kPanel) {
    const T* second = i + 1 < k ? b + b_row : nullptr;
    Unit* to = panels;
    for (int64_t j = 0; j < n; j += kPanel, to += panel) pack_panel_row(b + j, second ? second + j : nullptr, n - j, to);
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

#define IMGCLS_PRODUCT(Unit)                                                                                                                    \
  template void product(int, int, int, const Unit*, int64_t, PanelsOf<Unit>, float*, int64_t, bool, Traffic*, const Last*, Scales);             \
  template void product_transposed(int, int, int, const Unit*, int64_t, PanelsOf<Unit>, float*, int64_t, bool, Traffic*, Scales);
#define IMGCLS_PACK(Unit)                                                                  \
  template void pack_panels(int64_t, int64_t, const float*, int64_t, Unit*, int64_t);      \
  template void pack_panels(int64_t, int64_t, const Bfloat16*, int64_t, Unit*, int64_t);   \
  template void pack_panel_transposed(int64_t, int64_t, const float*, int64_t, Unit*);     \
  template void pack_panel_transposed(int64_t, int64_t, const Bfloat16*, int64_t, Unit*);
#if !defined(__AMX_BF16__)
IMGCLS_PRODUCT(float)
IMGCLS_PACK(float)
#endif
#if defined(IMGCLS_HAS_PAIRS)
IMGCLS_PRODUCT(Pair)
IMGCLS_PACK(Pair)
#endif
#if defined(IMGCLS_HAS_FIXED)
IMGCLS_PRODUCT(Fixed)
#endif

#if defined(__AMX_BF16__)
bool amx_is_right() {
  constexpr int m = kAmxTall + 3, n = kPanel + 8, k = kAmxWords + 5;  // whole tiles, and less in every direction
  float b[2 * k][n], c[2][m][n];
  Pair rows[m][k], turned[k][m], panels[panels_size(k, n)];
  const auto value = [](int i, int j) { return static_cast<float>((3 * i + 5 * j) % 7 - 3); };  // sums of these are exact in any order
  const auto half = [](float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return static_cast<Bfloat16>(bits >> 16);
  };
  for (int i = 0; i < m; i++)
    for (int j = 0; j < k; j++) turned[j][i] = rows[i][j] = {half(value(i, 2 * j)), half(value(i, 2 * j + 1))};
  for (int i = 0; i < 2 * k; i++)
    for (int j = 0; j < n; j++) b[i][j] = value(j + 1, i);
  pack_panels(2 * k, n, b[0], n, panels, k * kPanel);
  for (auto& matrix : c)
    for (auto& row : matrix)
      for (float& one : row) one = 1;
  product(m, n, k, rows[0], k, PanelsOf<Pair>::packed(panels, k), c[0][0], n, true);
  product_transposed(m, n, k, turned[0], m, PanelsOf<Pair>::packed(panels, k), c[1][0], n, true);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      float expected = 1;
      for (int l = 0; l < 2 * k; l++) expected += value(i, l) * b[l][j];
      if (c[0][i][j] != expected || c[1][i][j] != expected) return false;
    }
  return true;
}
#endif

}  // namespace IMGCLS_ISA
}  // namespace imgcls
