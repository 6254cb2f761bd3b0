// From weights to points: U, by panels of output channels.
#pragma once

#include "multiply.h"
#include "winograd-fixed.h"
#include "winograd-tiles.h"

namespace imgcls {
namespace IMGCLS_ISA {

constexpr int64_t kBlockPanels = 2;  // panels of output channels between two transforms of outputs

/// A filter [3][3][in][out], or its U. Mirrored, for the input's gradient: turned around, in and out exchanged.
struct Filter {
  const float* weight;
  bool mirrored;
  float* u;  // null: make it
};

/// U of a block of panels, point by point `point` units apart, each panel `panel` units.
template <class Unit>
struct FilterPoints {
  Unit* at;
  int64_t point, panel;
  float* scales;      // of Fixed, [depth][point][output channel]
  int64_t scale_row;  // floats between those of a point and the next

  FilterPoints of_panel(int64_t index) const { return {at + index * panel, point, panel, scales ? scales + index * kPanel : nullptr, scale_row}; }
};

/// kLanes × kLanes of one tap: rows are input channels from k on, lanes output channels from n on; zeros where there are none.
inline void load_tap(const Filter& filter, int64_t in, int64_t out, int tap, int64_t k, int64_t n, Floats rows[kLanes]) {
  for (int64_t i = 0; i < kLanes; i++) {
    if (filter.mirrored) {
      const float* from = filter.weight + ((kTaps * kTaps - 1 - tap) * out + n + i) * in + k;
      rows[i] = n + i < out ? load_some(from, in - k) : Floats{};
    } else {
      const float* from = filter.weight + (tap * in + k + i) * out + n;
      rows[i] = k + i < in && n < out ? load_some(from, out - n) : Floats{};
    }
  }
  if (filter.mirrored) transpose(rows);
}

/// Calls `run(channel, points)` for some input channels, `count` at a time, zeros behind the last; lanes are output channels from n on.
template <int count, class Run>
void each_channel(const Filter& filter, int64_t in, int64_t out, Range channels, int64_t n, const Run& run) {
  Floats taps[kTaps * kTaps][kLanes];
  for (int64_t k = channels.begin; k < channels.end; k += kLanes) {
    for (int tap = 0; tap < kTaps * kTaps; tap++) load_tap(filter, in, out, tap, k, n, taps[tap]);
    for (int64_t i = 0; i < smaller(kLanes, channels.end - k); i += count) {
      Floats points[count][kPoints];
      for (int64_t j = 0; j < count; j++)
        transform<FilterToPoints>([&](int y, int x) { return taps[y * kTaps + x][i + j]; },
                                  [&](int y, int x, Floats v) { points[j][y * kWindow + x] = v; });
      run(k + i, points);
    }
  }
}

/// One panel of U, `panel` being which of all.
inline void transform_filter(const Filter& filter, int64_t in, int64_t out, int64_t panel, FilterPoints<float> u, const float*) {
  for (int64_t lane = 0; lane < kPanel; lane += kLanes)
    each_channel<1>(filter, in, out, {0, in}, panel * kPanel + lane, [&](int64_t k, auto& points) {
      for (int p = 0; p < kPoints; p++) store(u.at + p * u.point + k * kPanel + lane, points[0][p]);
    });
}

#if defined(IMGCLS_HAS_FIXED)
/// The same, divided by `balance`, channel by channel. The channels that are summed at a time share the steps of a point and output channel.
inline void transform_filter(const Filter& filter, int64_t in, int64_t out, int64_t panel, FilterPoints<Fixed> u, const float* balance) {
  constexpr int64_t kUnit = kDeep<Fixed>, kChannels = FixedTiles::kDepth * kUnit;
  for (int64_t first = 0; first < in; first += kChannels)
    for (int64_t lane = 0; lane < kPanel; lane += kLanes) {
      const int64_t n = panel * kPanel + lane;
      const Range channels = {first, smaller(in, first + kChannels)};
      const auto inverse = [&](int64_t k) { return splat(1 / balance[k]); };
      Floats peaks[kPoints] = {}, inverses[kPoints];
      each_channel<1>(filter, in, out, channels, n, [&](int64_t k, auto& points) {
        for (int p = 0; p < kPoints; p++) peaks[p] = larger_size(peaks[p], points[0][p] * inverse(k));
      });
      for (int p = 0; p < kPoints; p++) {
        const Steps steps(peaks[p], FixedTiles::kMost);
        store(u.scales + (first / kChannels * kPoints + p) * u.scale_row + lane, steps.size);
        inverses[p] = steps.inverse;
      }
      each_channel<kUnit>(filter, in, out, channels, n, [&](int64_t k, auto& points) {
        const Floats firsts = inverse(k), seconds = inverse(k + 1);
        for (int p = 0; p < kPoints; p++)
          store_fixed(u.at + p * u.point + k / kUnit * kPanel + lane, points[0][p] * firsts * inverses[p], points[1][p] * seconds * inverses[p]);
      });
    }
}

/// The largest weights of kLanes input channels from k on.
inline Floats largest_weights(const Filter& filter, int64_t in, int64_t out, int64_t k) {
  Floats peak{};
  if (filter.mirrored) {
    for (int64_t i = 0; i < kTaps * kTaps * out; i++) peak = larger_size(peak, load_some(filter.weight + i * in + k, in - k));
    return peak;
  }
  for (int64_t i = 0; i < smaller(kLanes, in - k); i++) {
    Floats own{};
    for (int64_t tap = 0; tap < kTaps * kTaps; tap++)
      for (int64_t n = 0; n < out; n += kLanes) own = larger_size(own, load_some(filter.weight + (tap * in + k + i) * out + n, out - n));
    peak[i] = largest_size(own)[0];
  }
  return peak;
}

/// The largest weight of each input channel, by which its pixels are multiplied and its weights divided before they are rounded: then all channels have
/// weights of one size, and the largest pixel, which sets the step, is that of the channel that adds most to outputs. `balance`: of whole vectors, and
/// one more.
inline void balance_channels(const Filter& filter, int64_t in, int64_t out, float* balance, Fixed) {
  const int64_t vectors = ceil_div(in, kLanes);
  parallel(static_cast<int>(vectors), [&](int vector, int) {
    const Floats size = Steps(largest_weights(filter, in, out, vector * kLanes), 1).size;
    store(balance + vector * kLanes, select((Ints)(size != size), splat(1), size));
  });
  store(balance + vectors * kLanes, splat(1));
}
#endif

inline void balance_channels(const Filter&, int64_t, int64_t, float*, float) {}

/// All of U, and the block of it that a panel is in. `in` counts units.
template <class Unit>
struct FilterBlocks {
  Unit* at;
  int64_t in, panels;
  float* scales;  // of Fixed

  static int64_t size(int64_t in, int64_t out) { return kPoints * panels_of(out) * in * kPanel; }
  FilterPoints<Unit> block(int64_t first) const {
    const int64_t panel = in * kPanel;
    return {at + kPoints * first * panel, smaller(kBlockPanels, panels - first) * panel, panel, scales ? scales + first * kPanel : nullptr,
            panels * kPanel};
  }
  FilterPoints<Unit> panel(int64_t index) const {
    const int64_t within = index % kBlockPanels;
    return block(index - within).of_panel(within);
  }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
