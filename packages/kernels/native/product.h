// The register-blocked product that everything stands on, and the panels that it reads.
#pragma once

#include "integers.h"
#include "kernel.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Columns that one pass computes: two vectors.
constexpr int kPanel = 2 * kLanes;

/// Rows that one pass computes: as many as leave registers for two vectors of a panel and one value of `a`.
#if defined(__AVX512F__)
constexpr int kTileRows = 14;
#elif defined(__aarch64__)
constexpr int kTileRows = 12;
#elif defined(__wasm__)
constexpr int kTileRows = 4;  // Clang keeps a column of `a` in registers: 6 would not fit beside it
#else
constexpr int kTileRows = 6;
#endif

/// Two values that follow each other in the depth, which some instruction sets multiply and add at once. A product is one of floats or one of pairs:
/// its depth is counted in these units, and zeros fill the last.
struct Pair {
  Bfloat16 first, second;
};

/// Values of a unit.
template <class Unit>
constexpr int64_t kDeep = 1;
template <>
inline constexpr int64_t kDeep<Pair> = 2;

/// Calls `run` with a unit: with a Pair where pairs are wanted, and this instruction set multiplies them.
template <class Run>
const char* with_unit([[maybe_unused]] bool pairs, const Run& run) {
#if defined(__AMX_BF16__)
  return pairs ? run(Pair{}) : kAnothers;
#else
#if defined(IMGCLS_HAS_PAIRS)
  if (pairs) return run(Pair{});
#endif
  return run(float{});
#endif
}

/// A matrix [k][n] by panels of kPanel columns: element (k, n) lies at `at[n / kPanel · panel + k · row + n % kPanel]`.
/// Whole panels can be read, also where n is no multiple.
template <class Unit>
struct PanelsOf {
  const Unit* at;
  int64_t row;
  int64_t panel;

  /// Of a matrix that pack_panels() packed, `k` being all its rows.
  static PanelsOf packed(const Unit* at, int64_t k) { return {at, kPanel, k * kPanel}; }
};
using Panels = PanelsOf<float>;

/// What a product can do for the memory's sake.
struct Traffic {
  struct Span {
    const char* at;
    int64_t bytes;

    /// The next so many bytes; null when there are no more.
    const char* take(int64_t count) {
      if (bytes <= 0) return nullptr;
      bytes -= count;
      at += count;
      return at - count;
    }
  };
  Span ahead[2] = {};     // what will be read soon, brought closer meanwhile
  bool streams = false;   // c is written past the caches: rows and columns of it are multiples of a vector, and nothing is accumulated
  bool far_panels = false;  // panels come from memory, so that the next is brought closer before all else
  bool far_result = false;  // c lies in memory: its lines are brought closer before they are written, if possible as they lie

  const char* take(int64_t count) {
    const char* next = ahead[0].take(count);
    return next ? next : ahead[1].take(count);
  }
};

/// What is done to the sums at last: c = min(max(c + bias + residual, low), high). NaN stays.
struct Last {
  const float* bias;      // by column; null: none
  const float* residual;  // laid out as c, rows `row` floats apart; null: none
  int64_t row;
  float low, high;

  /// The same for what begins at a row and column.
  Last from(int64_t first, int64_t column) const {
    return {bias ? bias + column : nullptr, residual ? residual + first * row + column : nullptr, row, low, high};
  }
};

/// c[m][n] = (accumulate ? c[m][n] : 0) + Σ_k a[m · a_row + k] · b(k, n), row m of c beginning at `c + m · c_row`.
/// Nothing beyond n columns of c is touched; k = 0 gives zeros. `last`: what follows, if anything.
template <class Unit>
void product(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
             Traffic* traffic = nullptr, const Last* last = nullptr);

/// The same of a transposed, which nothing follows: a(m, k) = a[k · a_row + m].
template <class Unit>
void product_transposed(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
                        Traffic* traffic = nullptr);

#if defined(__AMX_BF16__)
/// Whether AMX multiplies as it should: it could not be tried on a machine that has it when this was written.
bool amx_is_right();
#endif

#if defined(IMGCLS_HAS_PAIRS)
/// As many values as there are, zeros behind them.
inline Halves load_halves(const Bfloat16* from, int64_t count) {
  return load_bits(from, static_cast<int>(smaller(kLanes, larger(0, count))));
}

inline Halves load_halves(const float* from, int64_t count) {
  const int some = static_cast<int>(smaller(kLanes, larger(0, count)));
  return narrow(load(from, some));
}

inline void store_pairs(Pair* to, Halves first, Halves second) {
  const Words pairs = __builtin_convertvector(first, Words) | __builtin_convertvector(second, Words) << 16;
  memcpy(to, &pairs, sizeof pairs);
}
#endif

constexpr int panels_of(int64_t n) { return static_cast<int>((n + kPanel - 1) / kPanel); }

/// Units that panels of a [k][n] matrix take.
constexpr int64_t panels_size(int64_t k, int64_t n) { return panels_of(n) * k * kPanel; }

/// Packs `n` columns of `k` rows of values into panels [k][kPanel], `panel` units apart, zeros behind the columns. Row k begins at `b + k · b_row`.
template <class T, class Unit>
void pack_panels(int64_t k, int64_t n, const T* b, int64_t b_row, Unit* panels, int64_t panel);

/// The same of a transposed, one panel: b(k, n) = b[n · b_row + k], n ≤ kPanel.
template <class T, class Unit>
void pack_panel_transposed(int64_t k, int64_t n, const T* b, int64_t b_row, Unit* panel);

}  // namespace IMGCLS_ISA
}  // namespace imgcls
