// 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3), forward and of the input's gradient; winograd-transform.h has the transforms.
//
// Images are cut into tiles of 4×4 outputs. The 6×6 pixels that a tile sees become 36 points per channel (winograd-points.h), and so do filters
// (winograd-filter.h); for each point, tiles × channels times channels × output channels is a product; and its 36 points become 4×4 outputs. What
// lies between:
//   V[point][tile][channel]            the image's points
//   U[block][point][panel][channel][kPanel]   the filter's points, a block being some panels of output channels
//   M[point][tile][output channel]     the products
// V and U are of floats, however pixels are stored, or where pixels are bfloat16 and the processor multiplies them of numbers of fixed point, two
// channels in one unit (winograd-tiles.h).
#include "winograd-filter.h"
#include "winograd-points.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kChunk = 64 / kTileRows * kTileRows;  // Winograd's tiles that are transformed and multiplied together, in cache
constexpr int64_t kMuch = 30 << 20;  // bytes of output, that no cache will keep

/// How many chunks tiles are cut into: where there are several, a multiple of four, so that threads get as many each.
int64_t chunks_of(int64_t tiles) {
  const int64_t chunks = ceil_div(tiles, kChunk);
  return chunks > 2 ? (chunks + 2) / 4 * 4 : chunks;
}

template <class Tiles>
struct Convolution {
  using Unit = typename Tiles::Unit;
  Shape shape;
  Values x;
  Filter filter;
  Values y;
  Epilogue epilogue;
  Moments moments;
  Cut chunks;  // of the tiles
  float* balance = nullptr;  // by input channel, of Fixed

  int64_t in() const { return shape.in.channels; }
  int64_t in_units() const { return ceil_div(in(), kDeep<Unit>); }
  int64_t out() const { return shape.out.channels; }
  /// How many sums have scales of their own.
  int64_t depths() const { return kIsFixed<Unit> ? ceil_div(in_units(), Tiles::kDepth) : 0; }
  bool has_many_tiles() const { return shape.tiles() >= out(); }
  /// Whether outputs should go past the caches: it pays where a vector is a whole line, for lines must not be written in parts.
  bool streams() const {
    constexpr int64_t kVector = kLanes * sizeof(float);
    return kVector == 64 && !y.is_bf16 && shape.out.size() * 4 >= kMuch && out() % kLanes == 0 && reinterpret_cast<uintptr_t>(y.at) % kVector == 0;
  }

  // Units that V takes, scales behind it, and floats that scales of U, `balance` and M take.
  int64_t v_row() const { return spread(in_units()); }
  int64_t v_point(int64_t tiles) const { return spread(tiles * v_row()); }
  int64_t v_size(int64_t tiles) const { return kPoints * v_point(tiles) + depths() * spread(tiles); }
  int64_t u_scales(int64_t panels) const { return depths() * kPoints * panels * kPanel; }
  int64_t balance_size() const { return kIsFixed<Unit> ? spread(in()) + kLanes : 0; }
  int64_t u_size() const { return FilterBlocks<Unit>::size(in_units(), out()) + u_scales(panels_of(out())); }
  FilterBlocks<Unit> filter_blocks(float* u) const {
    return {reinterpret_cast<Unit*>(u), in_units(), panels_of(out()), kIsFixed<Unit> ? u + FilterBlocks<Unit>::size(in_units(), out()) : nullptr};
  }
  int64_t m_size() const { return kPoints * m_point(); }
  int64_t m_point() const { return spread(chunks.most() * kBlockPanels * kPanel); }
  Points<Unit> v_points(Unit* v, int64_t tiles) const {
    return {v, v_row(), v_point(tiles), kPanel, kIsFixed<Unit> ? reinterpret_cast<float*>(v + kPoints * v_point(tiles)) : nullptr, spread(tiles)};
  }

  /// What comes closer while a chunk is multiplied: the pixels that its thread will most likely transform next, and where its outputs go.
  Traffic::Later later(int64_t chunk) const {
    const int64_t products = kPoints * ceil_div(in_units(), Tiles::kDepth) * panels_of(out()) * ceil_div(chunks.most(), kTileRows);
    const Range next = chunk + 1 < chunks.parts ? chunks.range(chunk + 1) : Range{};
    return soon_after(share(shape, x, shape.in, next), streams() ? Traffic::Span{} : share(shape, y, shape.out, chunks.range(chunk)), products);
  }
};

/// Calls `run(i, j)` for the outputs that a tile has: in most tiles all, which are then known when this is compiled.
template <class Run>
inline void each_output(const Tile& tile, const Run& run) {
  if (tile.rows == kTile && tile.columns == kTile) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; i++)
#pragma GCC unroll 4
      for (int64_t j = 0; j < kTile; j++) run(i, j);
  } else {
    for (int64_t i = 0; i < tile.rows; i++)
      for (int64_t j = 0; j < tile.columns; j++) run(i, j);
  }
}

/// Sums by channel over the outputs of one chunk of tiles, about the mean of the first tile so that nothing cancels.
struct Tally {
  float first[kBlockPanels * kPanel], sum[kBlockPanels * kPanel], squares[kBlockPanels * kPanel];
  int64_t count = 0;

  template <class T>
  void add(const Tile& tile, int64_t c, const Floats (&values)[kTile][kTile], const T* stored) {
    const auto sum_up = [&](const auto& term) {
      Floats total{};
      each_output(tile, [&](int64_t i, int64_t j) { total += term(rounded(values[i][j], stored)); });
      return total;
    };
    if (count == 0) {
      store(first + c, sum_up([](Floats v) { return v; }) * splat(1 / static_cast<float>(tile.rows * tile.columns)));
      store(sum + c, Floats{});
      store(squares + c, Floats{});
    }
    const Floats about = load(first + c);
    store(sum + c, load(sum + c) + sum_up([&](Floats v) { return v - about; }));
    store(squares + c, load(squares + c) + sum_up([&](Floats v) { return (v - about) * (v - about); }));
  }

  void write(const Moments& moments, int64_t chunk, int64_t channel, int64_t n) const {
    const Floats share = splat(1 / static_cast<float>(count));
    for (int64_t c = 0; c < n; c += kLanes) {
      const Floats total = load(sum + c);
      store_some(moments.means(chunk) + channel + c, load(first + c) + total * share, n - c);
      store_some(moments.squares(chunk) + channel + c, load(squares + c) - total * total * share, n - c);
    }
    moments.set_count(chunk, count);
  }
};

/// Channels [channel, channel + n) of one tile of outputs, from M.
template <class Tiles, class T>
void transform_output(const Convolution<Tiles>& work, const Tile& tile, const float* m, int64_t channel, int64_t n, Tally& tally, T* y) {
  const Epilogue& epilogue = work.epilogue;
  const Images& images = work.shape.out;
  const int64_t point = work.m_point(), first = images.pixel(tile.image, tile.row, tile.column) + channel;
  const T* residual = static_cast<const T*>(epilogue.residual);
  const bool streams = work.streams();
  for (int64_t c = 0; c < n; c += kLanes) {
    Floats values[kTile][kTile];
    const Floats bias = epilogue.bias ? load_some(epilogue.bias + channel + c, n - c) : Floats{};
    transform<PointsToOutput>([&](int i, int j) { return load(m + (i * kWindow + j) * point + c); },
                                      [&](int i, int j, Floats value) { values[i][j] = value + bias; });
    if (work.moments.mean) tally.add(tile, c, values, y);
    with_activation(epilogue.activation, epilogue.slope, [&](auto f) {
      each_output(tile, [&](int64_t i, int64_t j) {
        const int64_t at = first + (i * images.width + j) * images.channels + c;
        const Floats value = residual ? values[i][j] + load_some(residual + at, n - c) : values[i][j];
        if (streams) stream(y + at, f.value(value));
        else store_some(y + at, f.value(value), n - c);
      });
    });
  }
  tally.count += tile.rows * tile.columns;
}

/// The outputs of a chunk of tiles, for some panels: products, and their transforms.
template <class Tiles>
void compute_outputs(const Convolution<Tiles>& work, int64_t chunk, const Points<typename Tiles::Unit>& v, const FilterPoints<typename Tiles::Unit>& u,
                     int64_t first, int64_t panels, float* m, Traffic::Later& later) {
  using Unit = typename Tiles::Unit;
  const int64_t in = work.in_units(), channel = first * kPanel, channels = smaller(panels * kPanel, work.out() - channel);
  const int64_t tiles = work.chunks.size(chunk), row = panels * kPanel;
  for (int64_t point = 0; point < kPoints; point++) {
    const auto* v_point = v.at + point * v.point;
    const auto* u_point = u.at + point * u.point;
    Traffic traffic;
    if (point + 1 < kPoints) traffic = {{soon(v_point + v.point, tiles * v.row), soon(u_point + u.point, panels * u.panel)}};
    traffic.later = later;
    for (int64_t k = 0; k < in; k += Tiles::kDepth) {
      const int64_t depth = k / Tiles::kDepth;
      Scales scales = {};
      if (v.scales) scales = {v.scales + depth * v.scale_row, u.scales + (depth * kPoints + point) * u.scale_row};
      product<Unit>(static_cast<int>(tiles), static_cast<int>(channels), static_cast<int>(smaller(Tiles::kDepth, in - k)), v_point + k, v.row,
                    {u_point + k * kPanel, kPanel, u.panel}, m + point * work.m_point(), row, k > 0, &traffic, nullptr, scales);
    }
    later = traffic.later;
  }
  Tally tally;
  work.y.visit([&](auto* y) {
    for (int64_t t = 0; t < tiles; t++)
      transform_output(work, work.shape.tile(work.chunks.begin(chunk) + t), m + t * row, channel, channels, tally, y);
  });
  finish_streams();
  if (work.moments.mean) tally.write(work.moments, chunk, channel, channels);
}

/// V of some tiles, as the first of `points`.
template <class Tiles>
void transform_image(const Convolution<Tiles>& work, const float* zeros, Range tiles, const Points<typename Tiles::Unit>& points) {
  const Shape& shape = work.shape;
  work.x.visit([&](const auto* x) {
    transform_tiles<ImageToPoints>(view_of(x, shape, shape.in, shape.top, shape.left, zeros), tiles, points, work.balance);
  });
}

/// Many tiles: U once for all in `shared`, then each piece of work owns a chunk of tiles.
template <class Tiles>
bool convolve_by_tiles(const Convolution<Tiles>& work, const float* zeros, float* shared) {
  using Unit = typename Tiles::Unit;
  const int64_t most = work.chunks.most(), panels = panels_of(work.out());
  if (!reserve_scratch(work.v_size(most) + work.m_size())) return false;
  const FilterBlocks<Unit> u = work.filter_blocks(work.filter.u ? work.filter.u : shared);
  if (!work.filter.u)
    parallel(static_cast<int>(panels), [&](int panel, int) { transform_filter(work.filter, work.in(), work.out(), panel, u.panel(panel), work.balance); });
  parallel(static_cast<int>(work.chunks.parts), [&](int chunk, int thread) {
    auto* own = static_cast<float*>(scratch(thread, 0));
    const Points<Unit> v = work.v_points(reinterpret_cast<Unit*>(own), most);
    Traffic::Later later = work.later(chunk);
    transform_image(work, zeros, work.chunks.range(chunk), v);
    for (int64_t panel = 0; panel < panels; panel += kBlockPanels)
      compute_outputs(work, chunk, v, u.block(panel), panel, smaller(kBlockPanels, panels - panel), own + work.v_size(most), later);
  });
  return true;
}

/// Many channels: V once for all in `shared`, then each piece of work owns a panel of output channels, and makes its U just before use.
template <class Tiles>
bool convolve_by_channels(const Convolution<Tiles>& work, const float* zeros, float* shared) {
  using Unit = typename Tiles::Unit;
  const int64_t tiles = work.shape.tiles(), panel_size = work.in_units() * kPanel, point = spread(panel_size);
  const int64_t u_size = kPoints * point + work.u_scales(1);
  if (!reserve_scratch(u_size + work.m_size())) return false;
  const Points<Unit> v = work.v_points(reinterpret_cast<Unit*>(shared), tiles);
  const Cut few{tiles, ceil_div(tiles, kFewTiles)};
  parallel(static_cast<int>(few.parts), [&](int part, int) { transform_image(work, zeros, few.range(part), v.from_tile(few.begin(part))); });
  parallel(panels_of(work.out()), [&](int panel, int thread) {
    auto* own = static_cast<float*>(scratch(thread, 0));
    FilterPoints<Unit> u = {reinterpret_cast<Unit*>(own), point, panel_size, kIsFixed<Unit> ? own + kPoints * point : nullptr, kPanel};
    if (work.filter.u) u = work.filter_blocks(work.filter.u).panel(panel);
    else transform_filter(work.filter, work.in(), work.out(), panel, u, work.balance);
    Traffic::Later none;
    for (int64_t chunk = 0; chunk < work.chunks.parts; chunk++)
      compute_outputs(work, chunk, v.from_tile(work.chunks.begin(chunk)), u, panel, 1, own + u_size, none);
  });
  return true;
}

template <class Tiles>
const char* convolve(Convolution<Tiles> work) {
  const bool by_tiles = work.has_many_tiles();
  const int64_t zeros = spread(work.in()), moments = spread(work.moments.size()), balance = work.balance_size();
  const int64_t points = by_tiles ? work.u_size() : work.v_size(work.shape.tiles());
  auto* shared = static_cast<float*>(shared_scratch((zeros + moments + balance + points) * sizeof(float)));
  if (!shared) return kOutOfMemory;
  memset(shared, 0, zeros * sizeof(float));
  work.moments.parts = shared + zeros;
  work.balance = work.moments.parts + moments;
  balance_channels(work.filter, work.in(), work.out(), work.balance, typename Tiles::Unit{});
  if (!(by_tiles ? convolve_by_tiles<Tiles> : convolve_by_channels<Tiles>)(work, shared, work.balance + balance)) return kOutOfMemory;
  work.moments.combine();
  return nullptr;
}

}  // namespace

/// winograd_filter(in, out, weight, u): U of a filter, as floats, for winograd to use again and again.
const char* winograd_filter(Arguments arguments) {
  const int64_t in = arguments.integer(), out = arguments.integer();
  const Filter filter = {arguments.pointer<float>(), false, nullptr};
  const FilterBlocks<float> blocks = {arguments.pointer<float>(), in, panels_of(out), nullptr};
  parallel(panels_of(out), [&](int panel, int) { transform_filter(filter, in, out, panel, blocks.panel(panel), nullptr); });
  return nullptr;
}

/// winograd(shape…, x, is bf16, weight, mirrored, u, y, is bf16, bias, residual, activation, slope, mean, variance)
const char* winograd(Arguments arguments) {
  const Shape shape = read_shape(arguments);
  const Values x = read_values(arguments);
  const auto* weight = arguments.pointer<const float>();
  const bool mirrored = arguments.flag();
  const Filter filter = {weight, mirrored, arguments.pointer<float>()};
  const Values y = read_values(arguments);
  const Epilogue epilogue = read_epilogue(arguments, 1);
  auto* mean = arguments.pointer<float>();
  auto* variance = arguments.pointer<float>();
  return with_tiles(!filter.u && (x.is_bf16 || y.is_bf16), [&](auto tiles) {
    using Tiles = decltype(tiles);
    const Cut chunks{shape.tiles(), chunks_of(shape.tiles())};
    return convolve(Convolution<Tiles>{shape, x, filter, y, epilogue, {mean, variance, chunks.parts, shape.out.channels, nullptr}, chunks});
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
