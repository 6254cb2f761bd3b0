// The weight gradient of 3×3 convolutions of stride 1, by Winograd's F(4×4, 3×3): see winograd.cc. What lies between:
//   V[point][panel][unit of tiles][kPanel]   the image's points
//   Z[point][panel][unit of tiles][kPanel]   the points of the output's gradient
//   sums [point][channel][output channel]    Vᵀ·Z
// A unit is a tile of floats, or two tiles of numbers of fixed point, whose steps are those of a channel and a group of units.
#include "winograd-points.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kFewSums = 352 << 10;    // floats of sums at all points that stay in a cache
constexpr int64_t kFewUnits = 96;          // units of tiles that pay for a part where they do
constexpr int64_t kManyPoints = 1 << 20;   // units of V and Z at a time where they do not,
constexpr int64_t kManyUnits = 128;        // of so many tiles at least
constexpr int64_t kMostParts = 16;         // of the tiles that are summed apart
constexpr int64_t kPointsPerSum = 6;       // that pay for a part's sums

/// So many units share scales; all of them where there are no scales.
template <class Tiles>
int64_t group_size(int64_t units) {
  return Tiles::kGroup > 1 ? Tiles::kGroup : units;
}

template <class Tiles, class Run>
void each_group(int64_t units, const Run& run) {
  const int64_t most = group_size<Tiles>(units);
  for (int64_t begin = 0; begin < units; begin += most) run(Range{begin, smaller(begin + most, units)});
}

/// Points from a unit on, which begins a group.
template <class Tiles, class Unit>
Points<Unit> from_unit(const Points<Unit>& points, int64_t unit) {
  Points<Unit> some = points;
  some.at += unit * points.row;
  if constexpr (kIsFixed<Unit>) some.scales += unit / Tiles::kGroup * points.scale_row;
  return some;
}

/// Vᵀ·Z, of some channels and output channels, which begin a panel each, over some units from the first one on.
template <class Tiles, class Unit>
void multiply_units(int channels, int outputs, int64_t units, const Points<Unit>& v, const Points<Unit>& z, int64_t channel, int64_t output, int64_t point,
                    float* sums, int64_t row, bool accumulate, Traffic& traffic) {
  const Unit *from_v = v.of_channel(channel) + point * v.point, *from_z = z.of_channel(output) + point * z.point;
  each_group<Tiles>(units, [&](Range group) {
    Scales scales = {};
    if constexpr (kIsFixed<Unit>) {
      const int64_t at = group.begin / Tiles::kGroup * v.scale_row;
      scales = {v.scales + at + channel, z.scales + at + output};
    }
    product_transposed<Unit>(channels, outputs, static_cast<int>(group.size()), from_v + group.begin * kPanel, kPanel,
                             {from_z + group.begin * kPanel, kPanel, z.panel}, sums, row, accumulate || group.begin > 0, &traffic, scales);
  });
}

/// The weight gradient: Vᵀ·Z, summed over tiles.
template <class Tiles>
struct WeightGradient {
  using Unit = typename Tiles::Unit;
  Shape shape;
  Values x, dy;
  float* gradient;
  const float* zeros = nullptr;

  int64_t units() const { return ceil_div(shape.tiles(), kDeep<Unit>); }
  int64_t in_panels() const { return panels_of(shape.in.channels); }
  int64_t out_panels() const { return panels_of(shape.out.channels); }
  int channels_of(int64_t panel) const { return static_cast<int>(smaller(kPanel, shape.in.channels - panel * kPanel)); }
  int64_t sums() const { return in_panels() * out_panels() * kPanel * kPanel; }  // at a point
  bool has_few_sums() const { return kPoints * sums() <= kFewSums; }

  /// Units of tiles whose points are there together.
  int64_t most() const {
    const int64_t unit = kPoints * (in_panels() + out_panels()) * kPanel;
    const int64_t most = smaller(units(), parts() > 1 ? Tiles::kApart : larger(kManyPoints / unit, kManyUnits));
    return ceil_div(most, Tiles::kGroup) * Tiles::kGroup;
  }

  /// How many parts of the tiles have sums of their own.
  int64_t parts() const {
    if (has_few_sums()) return smaller(ceil_div(units(), kFewUnits), kMostParts);
    const int64_t points = units() * (in_panels() + out_panels()) * kPanel;
    int64_t parts = 1;
    while (2 * parts <= kMostParts && 2 * parts * sums() * kPointsPerSum <= points) parts *= 2;
    return parts;
  }

  // V, Z, and the scales of both
  int64_t panel() const { return most() * kPanel; }
  int64_t v_point() const { return spread(in_panels() * panel()); }
  int64_t z_point() const { return spread(out_panels() * panel()); }
  int64_t scale_row() const { return (in_panels() + out_panels()) * kPanel; }
  int64_t points_size() const { return kPoints * (v_point() + z_point()) + (kIsFixed<Unit> ? most() / Tiles::kGroup * scale_row() : 0); }
  Points<Unit> v_points(Unit* points) const { return {points, kPanel, v_point(), panel(), scales(points), scale_row()}; }
  Points<Unit> z_points(Unit* points) const {
    float* of_v = scales(points);
    return {points + kPoints * v_point(), kPanel, z_point(), panel(), of_v ? of_v + in_panels() * kPanel : nullptr, scale_row()};
  }

  /// The points of some units, which become those from `first` on: of whole groups.
  void make_points(Range some, Unit* points, int64_t first) const {
    each_group<Tiles>(some.size(), [&](Range group) {
      const Range units = {some.begin + group.begin, some.begin + group.end};
      x.visit([&](const auto* from) {
        transform_units<ImageToPoints>(view_of(from, shape, shape.in, shape.top, shape.left, zeros), units, from_unit<Tiles>(v_points(points), first + group.begin));
      });
      dy.visit([&](const auto* from) {
        transform_units<typename Tiles::Slope>(view_of(from, shape, shape.out, 0, 0, zeros), units, from_unit<Tiles>(z_points(points), first + group.begin));
      });
    });
  }

  /// The pixels of some units, which come closer while the points of others are multiplied.
  Traffic::Later later(Range some, int64_t units) const {
    const Range tiles = {some.begin * kDeep<Unit>, some.end * kDeep<Unit>};
    int64_t rows = 0;  // of tiles of a product
    for (int64_t panel = 0; panel < in_panels(); panel++) rows += ceil_div(channels_of(panel), kTileRows);
    return soon_after(share(shape, x, shape.in, tiles), share(shape, dy, shape.out, tiles), kPoints * rows * out_panels() * ceil_div(units, group_size<Tiles>(units)));
  }

  /// The gradient of one channel and some output channels from sums that begin at `sums`: of several parts, `part` apart, or added to what is there.
  void finish(const float* sums, int64_t point, int64_t parts, int64_t part, int64_t channel, Range outputs, bool accumulate) const {
    constexpr int64_t kSoon = 4 * kLanes;
    const int64_t in = shape.in.channels, out = shape.out.channels;
    for (int64_t c = outputs.begin; c < outputs.end; c += kLanes, sums += kLanes)
      transform<typename Tiles::WeightSlope>(
          [&](int i, int j) {
            const float* from = sums + (i * kWindow + j) * point;
            Floats sum{};
            for (int64_t p = 0; p < parts; p++, from += part) {
              __builtin_prefetch(from + kSoon, 0, 3);
              sum += load(from);
            }
            return sum;
          },
          [&](int i, int j, Floats value) {
            float* to = gradient + ((i * kTaps + j) * in + channel) * out + c;
            store_some(to, accumulate ? value + load_some(to, outputs.end - c) : value, outputs.end - c);
          });
  }

 private:
  float* scales(Unit* points) const { return kIsFixed<Unit> ? reinterpret_cast<float*>(points + kPoints * (v_point() + z_point())) : nullptr; }
};

/// Far fewer sums than points, [point][channel][output channel]: parts of the tiles have points and sums of their own, so that no thread reads what another
/// has made.
template <class Tiles>
struct SumsApart {
  using Unit = typename Tiles::Unit;
  const WeightGradient<Tiles>& of;

  Cut parts() const { return {of.units(), of.parts(), Tiles::kGroup}; }
  int64_t row() const { return spread(of.out_panels() * kPanel); }
  int64_t point() const { return spread(of.in_panels() * kPanel * row()); }
  int64_t part() const { return kPoints * point(); }

  int64_t shared_size() const { return parts().parts * part(); }
  int64_t own_size() const { return of.points_size(); }

  void compute(float* sums) const {
    const Cut cut = parts();
    parallel(static_cast<int>(cut.parts), [&](int index, int thread) {
      add(cut.range(index), static_cast<Unit*>(scratch(thread, 0)), sums + index * part());
    });
    parallel(static_cast<int>(of.shape.in.channels), [&](int channel, int) {
      of.finish(sums + channel * row(), point(), cut.parts, part(), channel, {0, of.shape.out.channels}, false);
    });
  }

 private:
  void add(Range units, Unit* points, float* sums) const {
    const Cut chunks{units.size(), ceil_div(units.size(), of.most()), Tiles::kGroup};
    for (int64_t chunk = 0; chunk < chunks.parts; chunk++) {
      of.make_points({units.begin + chunks.begin(chunk), units.begin + chunks.begin(chunk + 1)}, points, 0);
      const Range next = chunk + 1 < chunks.parts ? chunks.range(chunk + 1) : Range{};
      Traffic::Later later = of.later({units.begin + next.begin, units.begin + next.end}, chunks.size(chunk));
      for (int64_t at = 0; at < kPoints; at++)
        for (int64_t p = 0; p < of.in_panels(); p++) add_panel(at, p, chunks.size(chunk), points, sums, chunk > 0, later);
    }
  }

  /// A panel of V times all of Z, at one point.
  void add_panel(int64_t at, int64_t p, int64_t units, Unit* points, float* sums, bool accumulate, Traffic::Later& later) const {
    const Points<Unit> v = of.v_points(points), z = of.z_points(points);
    const Unit *point_v = v.at + at * v.point, *panel_v = point_v + p * v.panel, *point_z = z.at + at * z.point;
    float* to = sums + at * point() + p * kPanel * row();
    Traffic traffic;
    if (p + 1 < of.in_panels()) traffic = {{soon(panel_v + v.panel, v.panel), soon(to + kPanel * row(), kPanel * row())}};
    else if (at + 1 < kPoints) traffic = {{soon(point_v + v.point, v.panel), soon(point_z + z.point, z.point)}};
    traffic.far_result = true;
    traffic.later = later;
    multiply_units<Tiles>(of.channels_of(p), static_cast<int>(of.shape.out.channels), units, v, z, p * kPanel, 0, at, to, row(), accumulate, traffic);
    later = traffic.later;
  }
};

/// More sums than that, which would take longer to read and write than to make: threads share the points, and each piece of work owns a
/// block of channels by output channels, whose sums stay in cache and become the gradient there.
template <class Tiles>
struct SumsInBlocks {
  using Unit = typename Tiles::Unit;
  static constexpr int64_t kChannels = 32, kOutputs = 64;  // of a block
  static constexpr int64_t kRow = kOutputs + kLine, kPoint = kChannels * kRow + kLine;
  const WeightGradient<Tiles>& of;

  int64_t shared_size() const { return of.points_size(); }
  int64_t own_size() const { return kPoints * kPoint; }

  void compute(float* shared) const {
    auto* points = reinterpret_cast<Unit*>(shared);
    const Cut chunks{of.units(), ceil_div(of.units(), of.most()), Tiles::kGroup};
    const Cut in{of.in_panels(), ceil_div(of.in_panels() * kPanel, kChannels)}, out{of.out_panels(), ceil_div(of.out_panels() * kPanel, kOutputs)};
    for (int64_t chunk = 0; chunk < chunks.parts; chunk++) {
      const int64_t first = chunks.begin(chunk), units = chunks.size(chunk);
      const Cut few{units, ceil_div(units, larger(kFewTiles, Tiles::kGroup)), Tiles::kGroup};
      parallel(static_cast<int>(few.parts),
               [&](int part, int) { of.make_points({first + few.begin(part), first + few.begin(part + 1)}, points, few.begin(part)); });
      parallel(static_cast<int>(in.parts * out.parts), [&](int piece, int thread) {
        compute_block(in.range(piece / out.parts), out.range(piece % out.parts), units, points, static_cast<float*>(scratch(thread, 0)), chunk > 0);
      });
    }
  }

 private:
  /// That of some panels of channels and of output channels.
  void compute_block(Range in, Range out, int64_t units, Unit* points, float* sums, bool accumulate) const {
    const Range outputs = {out.begin * kPanel, smaller(out.end * kPanel, of.shape.out.channels)};
    const Points<Unit> all_v = of.v_points(points), all_z = of.z_points(points);
    for (int64_t at = 0; at < kPoints; at++) {
      const Unit *v = all_v.at + at * all_v.point + in.begin * all_v.panel, *z = all_z.at + at * all_z.point + out.begin * all_z.panel;
      Traffic traffic;
      if (at + 1 < kPoints) traffic = {{soon(v + all_v.point, in.size() * all_v.panel), soon(z + all_z.point, out.size() * all_z.panel)}};
      for (int64_t p = 0; p < in.size(); p++)
        multiply_units<Tiles>(of.channels_of(in.begin + p), static_cast<int>(outputs.size()), units, all_v, all_z, (in.begin + p) * kPanel, outputs.begin, at,
                              sums + at * kPoint + p * kPanel * kRow, kRow, false, traffic);
    }
    const int64_t first = in.begin * kPanel, channels = smaller(in.end * kPanel, of.shape.in.channels) - first;
    for (int64_t i = 0; i < channels; i++) of.finish(sums + i * kRow, kPoint, 1, 0, first + i, outputs, accumulate);
  }
};

/// With memory for the sums, or the points, and for zeros in place of pixels outside.
template <class Sums, class Tiles>
const char* compute(WeightGradient<Tiles> work) {
  const int64_t zeros = spread(larger(work.shape.in.channels, work.shape.out.channels));
  const Sums sums{work};
  auto* shared = static_cast<float*>(shared_scratch((zeros + sums.shared_size()) * sizeof(float)));
  if (!shared || !reserve_scratch(sums.own_size())) return kOutOfMemory;
  memset(shared, 0, zeros * sizeof(float));
  work.zeros = shared;
  sums.compute(shared + zeros);
  return nullptr;
}

}  // namespace

/// winograd_weight_gradient(shape…, x, is bf16, dy, is bf16, gradient)
const char* winograd_weight_gradient(Arguments arguments) {
  const Shape shape = read_shape(arguments);
  const Values x = read_values(arguments);
  const Values dy = read_values(arguments);
  auto* gradient = arguments.pointer<float>();
  return with_tiles(x.is_bf16 || dy.is_bf16, [&](auto tiles) {
    using Tiles = decltype(tiles);
    const WeightGradient<Tiles> work{shape, x, dy, gradient};
    return work.parts() > 1 ? compute<SumsApart<Tiles>>(work) : compute<SumsInBlocks<Tiles>>(work);
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
