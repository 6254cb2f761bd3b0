// Winograd's transforms for F(4×4, 3×3): sixteen outputs of a 3×3 convolution by 36 multiplications instead of 144.
//
// A row of four outputs y[j] = Σᵢ d[j + i]·g[i] is a product of polynomials, found from its values at six points p: of the image's six
// pixels (Bᵀd), of the filter's three weights (G g), multiplied point by point, and interpolated (Aᵀm). With N(p) = Π (p − q) over the
// other finite points q:
//   Aᵀ[j][p] = pʲ      G[p][i] = pⁱ / N(p)      Bᵀ[p][·] = the coefficients of Π (x − q)
// and for ∞ the leading coefficient of each. In two dimensions each transform runs over columns, then over rows.
// The points are 0, ±5/8, ±3/2, ∞: all factors but 1/N are exact, and the error is a half to a third of that of 0, ±1, ±2, ∞.
#pragma once

#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

constexpr int kTile = 4;    // outputs along an edge
constexpr int kWindow = 6;  // pixels along an edge, and points
constexpr int kPoints = kWindow * kWindow;
constexpr int kTaps = 3;

constexpr float kA = 0.625f, kA2 = kA * kA, kA3 = kA2 * kA;
constexpr float kB = 1.5f, kB2 = kB * kB, kB3 = kB2 * kB;
// 1 / N(p)
constexpr double kExactN0 = 1.0 / (double(kA2) * kB2);
constexpr double kExactNA = 1.0 / (2 * kA2 * (double(kA2) - kB2));
constexpr double kExactNB = 1.0 / (2 * kB2 * (double(kB2) - kA2));
constexpr float kN0 = static_cast<float>(kExactN0), kNA = static_cast<float>(kExactNA), kNB = static_cast<float>(kExactNB);

/// x times a factor that float32 cannot hold: what rounding leaves of it is added, for else all outputs would err to the same side.
inline Floats scaled(Floats x, double factor) {
  const float most = static_cast<float>(factor);
  return fma(splat(static_cast<float>(factor - most)), x, most * x);
}

/// Bᵀ: six pixels to six points.
struct ImageToPoints {
  static constexpr int kFrom = kWindow, kTo = kWindow;
  static void apply(const Floats d[], Floats t[]) {
    const Floats even_a = d[4] - kB2 * d[2], odd_a = kA * (d[3] - kB2 * d[1]);
    const Floats even_b = d[4] - kA2 * d[2], odd_b = kB * (d[3] - kA2 * d[1]);
    t[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
  }
};

/// G: three weights to six points.
struct FilterToPoints {
  static constexpr int kFrom = kTaps, kTo = kWindow;
  static void apply(const Floats g[], Floats t[]) {
    const Floats even_a = g[0] + kA2 * g[2], odd_a = kA * g[1];
    const Floats even_b = g[0] + kB2 * g[2], odd_b = kB * g[1];
    t[0] = scaled(g[0], kExactN0);
    t[1] = scaled(even_a + odd_a, kExactNA);
    t[2] = scaled(even_a - odd_a, kExactNA);
    t[3] = scaled(even_b + odd_b, kExactNB);
    t[4] = scaled(even_b - odd_b, kExactNB);
    t[5] = g[2];
  }
};

/// Aᵀ: six points to four outputs.
struct PointsToOutput {
  static constexpr int kFrom = kWindow, kTo = kTile;
  static void apply(const Floats m[], Floats y[]) {
    const Floats even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const Floats even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = kA * odd_a + kB * odd_b;
    y[2] = kA2 * even_a + kB2 * even_b;
    y[3] = kA3 * odd_a + kB3 * odd_b + m[5];
  }
};

/// A: the gradients of four outputs to six points, PointsToOutput's transpose.
struct OutputToPoints {
  static constexpr int kFrom = kTile, kTo = kWindow;
  static void apply(const Floats y[], Floats t[]) {
    const Floats even_a = y[0] + kA2 * y[2], odd_a = kA * y[1] + kA3 * y[3];
    const Floats even_b = y[0] + kB2 * y[2], odd_b = kB * y[1] + kB3 * y[3];
    t[0] = y[0];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = y[3];
  }
};

/// Gᵀ: six points to the gradients of three weights, FilterToPoints' transpose.
struct PointsToFilter {
  static constexpr int kFrom = kWindow, kTo = kTaps;
  static void apply(const Floats m[], Floats g[]) {
    const Floats even_a = kNA * (m[1] + m[2]), odd_a = kNA * kA * (m[1] - m[2]);
    const Floats even_b = kNB * (m[3] + m[4]), odd_b = kNB * kB * (m[3] - m[4]);
    g[0] = kN0 * m[0] + even_a + even_b;
    g[1] = odd_a + odd_b;
    g[2] = kA2 * even_a + kB2 * even_b + m[5];
  }
};

// A transform has no loops where there are registers for much of it; in WebAssembly, which has sixteen, the compiler decides.
#if defined(__wasm__)
#define IMGCLS_UNROLLED
#else
#define IMGCLS_UNROLLED _Pragma("GCC unroll 8")
#endif

/// Over columns, then over rows: `get(y, x)` gives the square of kFrom², `put(y, x, value)` takes the square of kTo².
template <class Transform, class Get, class Put>
inline void transform(const Get& get, const Put& put) {
  constexpr int kFrom = Transform::kFrom, kTo = Transform::kTo;
  Floats half[kTo][kFrom];
  IMGCLS_UNROLLED
  for (int x = 0; x < kFrom; x++) {
    Floats from[kFrom], to[kTo];
    IMGCLS_UNROLLED
    for (int y = 0; y < kFrom; y++) from[y] = get(y, x);
    Transform::apply(from, to);
    IMGCLS_UNROLLED
    for (int y = 0; y < kTo; y++) half[y][x] = to[y];
  }
  IMGCLS_UNROLLED
  for (int y = 0; y < kTo; y++) {
    Floats to[kTo];
    Transform::apply(half[y], to);
    IMGCLS_UNROLLED
    for (int x = 0; x < kTo; x++) put(y, x, to[x]);
  }
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
