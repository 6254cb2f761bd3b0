#include "product.h"

#include "epilogue.h"
#if defined(__AMX_BF16__)
#include "amx.h"
#endif

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

template <class T>
Floats load_or_zeros(const T* from, int64_t count) {
  return count > 0 ? load_some(from, count) : Floats{};
}

constexpr int64_t kLineBytes = 64;

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
  bool far;
  const Last* last;
  Scales scales = {};
  struct PanelMoments* moments = nullptr;  // of what is written; null: not wanted
  const struct Fetches* fetches = nullptr;
};

/// What comes closer while the blocks of a panel are computed: the next panel, where it is far, then what the caller said.
template <class Unit>
struct Ahead {
  Traffic* traffic;
  Traffic::Span next_panel;

  Ahead(Traffic* traffic, const PanelsOf<Unit>& b, const Unit* panel, int k, bool is_last) : traffic(traffic), next_panel{nullptr, 0} {
    if (traffic && traffic->far_panels && !is_last) next_panel = {reinterpret_cast<const char*>(panel + b.panel), k * int64_t{kPanel * sizeof(float)}};
  }

  /// So many lines of it; null when there are no more.
  const char* take(int lines) {
    const char* next = next_panel.take(lines * kLineBytes);
    return next || !traffic ? next : traffic->take(lines * kLineBytes);
  }
};

#if defined(__AMX_BF16__)

Floats finished(const Last& last, Floats sums, int64_t row, int64_t column, int count) {
  if (last.bias) sums += load(last.bias + column, count);
  if (last.residual) sums += load(last.residual + row * last.row + column, count);
  return at_most(splat(last.high), at_least(splat(last.low), sums));
}

constexpr int kAmxTall = 2 * kAmxRows;
constexpr int kAmxDeep = 8 * kAmxWords;              // units of transposed rows that are turned at a time
constexpr int kAmxTurnedRow = kAmxDeep + kAmxWords;  // an odd number of lines, so that a column of them spreads over the cache
static_assert(kAmxWords == kLanes && kPanel == 2 * kAmxWords);

// Tiles 0 to 3 hold the sums of a block, `tall` by `wide` of them, 4 and 5 rows of A, 6 and 7 columns of B.

void zero_sums() {
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
}

template <int tall, int wide>
void load_sums(const float* from, int64_t row) {
  load_tile<0>(from, row * 4);
  if constexpr (wide == 2) load_tile<1>(from + kLanes, row * 4);
  from += kAmxRows * row;
  if constexpr (tall == 2) load_tile<2>(from, row * 4);
  if constexpr (tall == 2 && wide == 2) load_tile<3>(from + kLanes, row * 4);
}

template <int tall, int wide>
void store_sums(float* to, int64_t row) {
  store_tile<0>(to, row * 4);
  if constexpr (wide == 2) store_tile<1>(to + kLanes, row * 4);
  to += kAmxRows * row;
  if constexpr (tall == 2) store_tile<2>(to, row * 4);
  if constexpr (tall == 2 && wide == 2) store_tile<3>(to + kLanes, row * 4);
}

/// The products of one block, `step` units at a time.
template <int tall, int wide>
void add_products(const Operands<Pair>& of, int step) {
  const int64_t a_row = of.a_row * 4, b_row = of.b_row * 4;
  const Pair *a = of.a, *b = of.b;
  const char* ahead = of.ahead;
  for (int k = 0; k < of.k; k += step, a += step, b += step * of.b_row) {
    if (of.ahead_step)
      for (int line = 0; line < step; line++, ahead += of.ahead_step) __builtin_prefetch(ahead, 0, 2);
    load_tile<4>(a, a_row);
    load_tile<6>(b, b_row);
    multiply_tiles<0, 4, 6>();
    if constexpr (wide == 2) {
      load_tile<7>(b + kLanes, b_row);
      multiply_tiles<1, 4, 7>();
    }
    if constexpr (tall == 2) {
      load_tile<5>(a + kAmxRows * of.a_row, a_row);
      multiply_tiles<2, 5, 6>();
      if constexpr (wide == 2) multiply_tiles<3, 5, 7>();
    }
  }
}

/// A block of `rows` rows. Its sums stay in tiles throughout; where more follows than storing them, that is done by vectors.
template <int tall, int wide>
void amx_block(const Operands<Pair>& of, int rows, int columns, int step) {
  const bool stay = columns == wide * kLanes && !of.last && !of.streams;
  if (stay && of.accumulate) load_sums<tall, wide>(of.c, of.c_row);
  else zero_sums();
  add_products<tall, wide>(of, step);
  if (stay) return store_sums<tall, wide>(of.c, of.c_row);
  alignas(kLineBytes) float sums[kAmxTall * kPanel];
  store_sums<tall, wide>(sums, kPanel);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j += kLanes) {
      const int count = columns - j < kLanes ? columns - j : kLanes;
      float* c = of.c + i * of.c_row + j;
      Floats value = load(sums + i * kPanel + j);
      if (of.accumulate) value += load(c, count);
      if (of.last) value = finished(*of.last, value, i, j, count);
      if (of.streams) stream(c, value);
      else store(c, value, count);
    }
}

/// A product by AMX, in parts that one setting of the tiles computes: rows by 32 and units by 16, and what remains of both.
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
    const int deep = k - k % kAmxWords, rest = k - deep;
    if (deep > 0) add({0, deep, kAmxWords});
    if (rest > 0) add({deep, rest, rest});
    if (k == 0) add({0, 0, 1});
    release_tiles();
  }

 private:
  void add(const Range& units) const {
    const int tall = m - m % kAmxTall, rest = m - tall;
    if (tall > 0) add(units, {0, tall, kAmxTall});
    if (rest > 0) add(units, {tall, rest, rest});
  }

  void add(const Range& units, const Range& rows) const {
    TileSizes sizes;
    const int upper = rows.step < kAmxRows ? rows.step : kAmxRows, lower = rows.step > kAmxRows ? rows.step - kAmxRows : upper;
    for (int i = 0; i < 2; i++) {
      sizes.set(i, upper, kAmxWords);
      sizes.set(2 + i, lower, kAmxWords);
      sizes.set(4 + i, i == 0 ? upper : lower, units.step);
      sizes.set(6 + i, units.step, kAmxWords);
    }
    set_tiles(sizes);
    for (int column = 0; column < n; column += kPanel) {
      const int columns = n - column < kPanel ? n - column : kPanel;
      const Pair* panel = b.at + column / kPanel * b.panel + units.begin * b.row;
      Ahead<Pair> ahead(traffic, b, panel, units.size, column + kPanel >= n);
      for (int row = rows.begin; row < rows.begin + rows.size; row += rows.step) add_block(units, row, rows.step, panel, column, columns, ahead);
    }
  }

  void add_block(const Range& units, int row, int rows, const Pair* panel, int column, int columns, Ahead<Pair>& ahead) const {
    const bool finishes = last && units.begin + units.size == k;
    const Last here = finishes ? last->from(row, column) : Last{};
    const char* next = ahead.take(units.size);
    const Operands<Pair> of = {units.size,
                               a + row * a_row + units.begin,
                               a_row,
                               panel,
                               b.row,
                               c + row * c_row + column,
                               c_row,
                               accumulate || units.begin > 0,
                               next,
                               next ? kLineBytes : 0,
                               traffic && traffic->streams && units.size == k,
                               false,
                               finishes ? &here : nullptr};
    const auto block = rows > kAmxRows ? (columns > kLanes ? amx_block<2, 2> : amx_block<2, 1>) : (columns > kLanes ? amx_block<1, 2> : amx_block<1, 1>);
    block(of, rows, columns, units.step);
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

#else

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

/// Moments of a panel's columns, of one tile after the other: squares about a tile's own mean, and means about that of the first.
struct PanelMoments {
  Floats first[2] = {}, means[2] = {}, squares[2] = {};
  bool any = false;

  template <int rows, int vectors>
  void add(const Floats (&values)[rows][vectors]) {
    constexpr float kRows = rows;
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
      Floats sum = values[0][j], few{};
#pragma GCC unroll 16
      for (int i = 1; i < rows; i++) sum += values[i][j];
      const Floats mean = sum * splat(1 / kRows);
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) few = fma(values[i][j] - mean, values[i][j] - mean, few);
      if (!any) first[j] = mean;
      const Floats off = mean - first[j];
      means[j] = fma(off, splat(kRows), means[j]);
      squares[j] += fma(off * off, splat(kRows), few);
    }
    any = true;
  }

  void write(int rows, int columns, float* to_means, float* to_squares) const {
    for (int j = 0; j < 2; j++) {
      const int count = smaller(kLanes, larger(0, columns - j * kLanes));
      const Floats off = means[j] * splat(1 / static_cast<float>(rows));
      store(to_means + j * kLanes, first[j] + off, count);
      store(to_squares + j * kLanes, max(squares[j] - means[j] * off, Floats{}), count);
    }
  }
};

/// Those of `n` columns, each of `m` rows.
void write_moments(const PanelMoments* moments, int m, int n, const Last& last) {
  for (int column = 0; column < n; column += kPanel)
    moments[column / kPanel].write(m, n - column, last.means + column, last.squares + column);
}

/// A whole vector of columns, known as it is compiled.
struct WholeVector {
  constexpr operator int() const { return kLanes; }
};

/// Calls `run(sum, row, column, count)` for all vectors of a tile. The last of a row has `columns` columns.
template <int rows, int vectors, class Columns, class Run>
[[gnu::always_inline]] inline void each_sum(Floats (&sums)[rows][vectors], Columns columns, const Run& run) {
#pragma GCC unroll 16
  for (int j = 0; j < vectors; j++)
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      if (j < vectors - 1) run(sums[i][j], i, j * kLanes, WholeVector{});
      else run(sums[i][j], i, j * kLanes, columns);
    }
}

/// Makes floats of sums that are integers.
template <int rows, int vectors, class Columns>
[[gnu::always_inline]] inline void scale_sums(Floats (&sums)[rows][vectors], const Operands<Fixed>& of, Columns columns) {
  each_sum(sums, columns, [&](Floats& sum, int i, int column, auto count) {
    sum = __builtin_convertvector((Ints)sum, Floats) * splat(of.scales.rows[i]) * load(of.scales.columns + column, count);
  });
}

template <int rows, int vectors, class Unit, class Columns>
[[gnu::always_inline]] inline void scale_sums(Floats (&)[rows][vectors], const Operands<Unit>&, Columns) {}

/// What a tile began with is added at the end, since sums of sums err less.
template <int rows, int vectors, class Unit, class Columns>
[[gnu::always_inline]] inline void add_former(Floats (&sums)[rows][vectors], const Operands<Unit>& of, Columns columns) {
  if (of.accumulate) each_sum(sums, columns, [&](Floats& sum, int i, int column, auto count) { sum += load(of.c + i * of.c_row + column, count); });
}

/// One step for all sums after the other. `residual`: of floats or bfloat16.
template <int rows, int vectors, class Columns, class Residual>
[[gnu::always_inline]] inline void finish_sums(Floats (&sums)[rows][vectors], const Last& last, const Residual* residual, Columns columns) {
  if (last.bias) each_sum(sums, columns, [&](Floats& sum, int, int column, auto count) { sum += load(last.bias + column, count); });
  if (residual) each_sum(sums, columns, [&](Floats& sum, int i, int column, auto count) { sum += load(residual + i * last.row + column, count); });
  if (last.low > -__builtin_inff()) each_sum(sums, columns, [&](Floats& sum, int, int, auto) { sum = at_least(splat(last.low), sum); });
  if (last.high < __builtin_inff()) each_sum(sums, columns, [&](Floats& sum, int, int, auto) { sum = at_most(splat(last.high), sum); });
}

/// Finishes the sums of a tile and writes them.
template <bool finishes>
struct PutFloats {
  template <int rows, int vectors, class Unit, class Columns>
  [[gnu::always_inline]] static void put(Floats (&sums)[rows][vectors], const Operands<Unit>& of, Columns columns) {
    scale_sums(sums, of, columns);
    add_former(sums, of, columns);
    if constexpr (finishes) {
      if (of.last) finish_sums(sums, *of.last, of.last->residual, columns);
    }
    if (of.streams) each_sum(sums, columns, [&](Floats& sum, int i, int column, auto) { stream(of.c + i * of.c_row + column, sum); });
    else each_sum(sums, columns, [&](Floats& sum, int i, int column, auto count) { store(of.c + i * of.c_row + column, sum, count); });
    if constexpr (finishes && vectors * kLanes <= kPanel) {
      if (of.moments) of.moments->add(sums);
    }
  }
};

/// The same where results are bfloat16, whose moments are those of what is written.
struct PutBfloat16 {
  template <int rows, int vectors, class Unit, class Columns>
  [[gnu::always_inline]] static void put(Floats (&sums)[rows][vectors], const Operands<Unit>& of, Columns columns) {
    const Last& last = *of.last;
    add_former(sums, of, columns);
    finish_sums(sums, last, last.to_residual, columns);
    each_sum(sums, columns, [&](Floats& sum, int i, int column, auto count) { store(last.to + i * last.row + column, sum, count); });
    if (!of.moments) return;
    each_sum(sums, columns, [&](Floats& sum, int, int, auto) { sum = rounded(sum, last.to); });
    of.moments->add(sums);
  }
};

template <class Put, int rows, int vectors, class Unit>
[[gnu::always_inline]] inline void put_sums(Floats (&sums)[rows][vectors], const Operands<Unit>& of, int columns) {
  if (columns == kLanes) Put::put(sums, of, WholeVector{});
  else Put::put(sums, of, columns);
}

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

  /// With moments, if they are wanted: `n` is at most kMostColumns then.
  void run() const {
    if (!last || !last->means) return run(nullptr);
    PanelMoments moments[kMostColumns / kPanel];
    run(moments);
    write_moments(moments, m, n, *last);
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
