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

/// Columns that a block of a large product has at most.
constexpr int64_t kMostColumns = 512;

/// Two values that follow each other in the depth, which some instruction sets multiply and add at once. A product is one of floats or one of pairs:
/// its depth is counted in these units, and zeros fill the last.
struct Pair {
  Bfloat16 first, second;
};

/// Two numbers of fixed point, that are multiplied and summed as integers, of 32 bits.
struct Fixed {
  int16_t first, second;
};

/// What sums of Fixed are multiplied by, to be floats: those of each row, times those of each column.
struct Scales {
  const float *rows, *columns;

  /// The same for what begins at a row and column.
  Scales from(int64_t row, int64_t column) const { return rows ? Scales{rows + row, columns + column} : Scales{}; }
};

/// Values of a unit.
template <class Unit>
constexpr int64_t kDeep = 1;
template <>
inline constexpr int64_t kDeep<Pair> = 2;
template <>
inline constexpr int64_t kDeep<Fixed> = 2;

template <class Unit>
constexpr bool kIsFixed = false;
template <>
inline constexpr bool kIsFixed<Fixed> = true;

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

  /// What will be read or written after that: so many lines of each come closer with a tile.
  struct Later {
    Span spans[2] = {};
    int64_t lines = 0;
  } later;

  const char* take(int64_t count) {
    const char* next = ahead[0].take(count);
    return next ? next : ahead[1].take(count);
  }
};

/// Whether a product of such units can write bfloat16 from its registers.
template <class Unit>
constexpr bool kWritesBfloat16 = false;
template <>
inline constexpr bool kWritesBfloat16<Pair> = true;

/// What is done to the sums at last: c = min(max(c + bias + residual, low), high). NaN stays.
struct Last {
  const float* bias;      // by column; null: none
  const float* residual;  // laid out as c, rows `row` floats apart; null: none
  int64_t row;
  float low, high;

  // Where kWritesBfloat16, all may go elsewhere than c, rows `row` values apart, rounded; then c is for sums alone.
  Bfloat16* to = nullptr;
  const Bfloat16* to_residual = nullptr;  // laid out as `to`; null: none
  float* means = nullptr;    // of the columns, as they are written; null: not wanted
  float* squares = nullptr;  // sums of the squares of what differs from the mean

  /// The same for what begins at a row and column.
  Last from(int64_t first, int64_t column) const {
    Last part = *this;
    const int64_t skipped = first * row + column;
    if (bias) part.bias += column;
    if (residual) part.residual += skipped;
    if (to) part.to += skipped;
    if (to_residual) part.to_residual += skipped;
    return part;
  }
};

/// c[m][n] = (accumulate ? c[m][n] : 0) + Σ_k a[m · a_row + k] · b(k, n), row m of c beginning at `c + m · c_row`.
/// Nothing beyond n columns of c is touched; k = 0 gives zeros. `last`: what follows, if anything. `scales`: of Fixed.
template <class Unit>
void product(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
             Traffic* traffic = nullptr, const Last* last = nullptr, Scales scales = {});

/// The same of a transposed, which nothing follows: a(m, k) = a[k · a_row + m].
template <class Unit>
void product_transposed(int m, int n, int k, const Unit* a, int64_t a_row, PanelsOf<Unit> b, float* c, int64_t c_row, bool accumulate,
                        Traffic* traffic = nullptr, Scales scales = {});

#if defined(__AMX_BF16__)
/// Whether AMX multiplies as it should, on a processor and in a virtual machine that may be like none it was tried on.
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
  const Words pairs = extend(first) | extend(second) << 16;
  memcpy(to, &pairs, sizeof pairs);
}

/// The same, rounded.
inline void store_pairs(Pair* to, Floats first, Floats second) {
#if defined(__AVX512BF16__)
  alignas(64) static constexpr uint16_t kOrder[kPanel] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                          8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto rounded = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
  _mm512_storeu_si512(to, _mm512_maskz_permutexvar_epi16(~__mmask32{0}, _mm512_load_si512(kOrder), rounded));
#else
  store_pairs(to, narrow(first), narrow(second));
#endif
}

/// Pairs of kPanel values that lie in two rows.
template <class T>
void store_panel_row(Pair* to, const T* first, const T* second) {
  for (int v = 0; v < kPanel; v += kLanes) store_pairs(to + v, load_halves(first + v, kLanes), load_halves(second + v, kLanes));
}

#if defined(__AVX512BW__)
inline void store_panel_row(Pair* to, const Bfloat16* first, const Bfloat16* second) {
  alignas(64) static constexpr uint16_t kOrder[2 * kPanel] = {
      0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47,
      16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63};
  const __m512i rows[2] = {_mm512_loadu_si512(first), _mm512_loadu_si512(second)};
  for (int half = 0; half < 2; half++) {
    const __m512i order = _mm512_load_si512(kOrder + half * kPanel);
    _mm512_storeu_si512(to + half * kLanes, _mm512_permutex2var_epi16(rows[0], order, rows[1]));
  }
}
#endif
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
