// What a product does with the sums of a tile: finishing and writing them, and gathering moments, whatever has added them up.
#pragma once

#include "epilogue.h"
#include "product.h"

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

/// Calls `run` with room for the moments of m rows by n columns, at most kMostColumns, and writes them; with null where `last` asks for none.
template <class Run>
void with_moments(int m, int n, const Last* last, const Run& run) {
  if (!last || !last->means) return run(nullptr);
  PanelMoments moments[kMostColumns / kPanel];
  run(moments);
  for (int column = 0; column < n; column += kPanel)
    moments[column / kPanel].write(m, n - column, last->means + column, last->squares + column);
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

}  // namespace

}  // namespace IMGCLS_ISA
}  // namespace imgcls
