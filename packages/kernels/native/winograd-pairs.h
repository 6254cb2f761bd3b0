// Winograd's transforms for F(2×2, 3×3), as those for F(4×4, 3×3) in winograd-transform.h: four outputs by 16 multiplications instead of 36. The
// points 0, 1, −1, ∞ add little to what rounding tiles to bfloat16 errs, where those of F(4×4, 3×3) would make three times as much of it.
#pragma once

#include "product.h"
#include "winograd-transform.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// How tiles are transformed and multiplied: F(4×4, 3×3), as floats.
struct FloatTiles {
  using Unit = float;
  static constexpr int kEdge = kTile, kSquare = kWindow, kPoints = kWindow * kWindow;
  using Image = ImageToPoints;
  using Weights = FilterToPoints;
  using Output = PointsToOutput;
  using Slope = OutputToPoints;
  using WeightSlope = PointsToFilter;
};

/// F(2×2, 3×3), as pairs of bfloat16.
struct PairTiles {
  using Unit = Pair;
  static constexpr int kEdge = 2, kSquare = 4, kPoints = kSquare * kSquare;

  struct Image {
    static constexpr int kFrom = kSquare, kTo = kSquare;
    static void apply(const Floats d[], Floats t[]) {
      t[0] = d[0] - d[2];
      t[1] = d[1] + d[2];
      t[2] = d[2] - d[1];
      t[3] = d[1] - d[3];
    }
  };

  struct Weights {
    static constexpr int kFrom = kTaps, kTo = kSquare;
    static void apply(const Floats g[], Floats t[]) {
      const Floats even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
      t[0] = g[0];
      t[1] = even + odd;
      t[2] = even - odd;
      t[3] = g[2];
    }
  };

  struct Output {
    static constexpr int kFrom = kSquare, kTo = kEdge;
    static void apply(const Floats m[], Floats y[]) {
      y[0] = m[0] + m[1] + m[2];
      y[1] = m[1] - m[2] - m[3];
    }
  };

  struct Slope {
    static constexpr int kFrom = kEdge, kTo = kSquare;
    static void apply(const Floats y[], Floats t[]) {
      t[0] = y[0];
      t[1] = y[0] + y[1];
      t[2] = y[0] - y[1];
      t[3] = -y[1];
    }
  };

  struct WeightSlope {
    static constexpr int kFrom = kSquare, kTo = kTaps;
    static void apply(const Floats m[], Floats g[]) {
      const Floats even = 0.5f * (m[1] + m[2]);
      g[0] = m[0] + even;
      g[1] = 0.5f * (m[1] - m[2]);
      g[2] = even + m[3];
    }
  };
};

/// Calls `run` with what tiles are made for: PairTiles where pairs are wanted, and this instruction set multiplies them.
template <class Run>
auto with_tiles([[maybe_unused]] bool pairs, const Run& run) {
#if defined(IMGCLS_HAS_PAIRS)
  if (pairs) return run(PairTiles{});
#endif
  return run(FloatTiles{});
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
