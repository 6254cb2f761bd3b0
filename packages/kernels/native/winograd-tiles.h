// How the tiles of a Winograd convolution are stored and multiplied, as floats or as numbers of fixed point. Both are F(4×4, 3×3).
//
// Numbers of fixed point are two in a word, and one instruction multiplies and adds two pairs of them in each lane: twice what it does with floats.
// What lies between pixels and outputs is rounded to ±4095 steps, or ±5792; steps are chosen for few of these numbers at a time, so that the
// largest is just that. It errs a sixth of what rounding to bfloat16 would.
#pragma once

#include "product.h"
#include "winograd-transform.h"

namespace imgcls {
namespace IMGCLS_ISA {

struct FloatTiles {
  using Unit = float;
  using Slope = OutputToPoints;
  using WeightSlope = PointsToFilter;
  static constexpr int64_t kDepth = 64;  // units of channels that are summed at a time: sums of sums err less
  static constexpr int64_t kGroup = 1;   // units of tiles that share steps in the weight gradient
  static constexpr int64_t kApart = 64;  // units of tiles at a time there, where parts of them have sums of their own
};

#if defined(IMGCLS_HAS_FIXED)
struct FixedTiles {
  using Unit = Fixed;

  // Sums over so many units fit into 32 bits, whatever the numbers are.
  static constexpr int64_t kDepth = 64, kGroup = 32, kApart = kGroup;
  static constexpr int kMost = 4095, kMostOfGroup = 5792;
  static_assert(int64_t{kMost} * kMost * 2 * kDepth < int64_t{1} << 31);
  static_assert(int64_t{kMostOfGroup} * kMostOfGroup * 2 * kGroup < int64_t{1} << 31);

  /// The points ±3/2, whose powers make much larger numbers than the others, by a quarter.
  struct Slope {
    static constexpr int kFrom = OutputToPoints::kFrom, kTo = OutputToPoints::kTo;
    static void apply(const Floats y[], Floats t[]) {
      OutputToPoints::apply(y, t);
      t[3] *= 0.25f;
      t[4] *= 0.25f;
    }
  };

  struct WeightSlope {
    static constexpr int kFrom = PointsToFilter::kFrom, kTo = PointsToFilter::kTo;
    static void apply(const Floats m[], Floats g[]) {
      const Floats whole[kFrom] = {m[0], m[1], m[2], 4.0f * m[3], 4.0f * m[4], m[5]};
      PointsToFilter::apply(whole, g);
    }
  };
};
#endif

/// Calls `run` with the tiles that are multiplied: FixedTiles where these are exact enough, and this instruction set multiplies them.
template <class Run>
auto with_tiles([[maybe_unused]] bool rounded, const Run& run) {
#if defined(IMGCLS_HAS_FIXED)
  if (rounded) return run(FixedTiles{});
#endif
  return run(FloatTiles{});
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
