// 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3), all three passes: see winograd-transform.h for the transforms.
//
// Images are cut into tiles of 4×4 outputs. The 6×6 pixels that a tile sees become 36 points per channel; for each point, tiles × channels
// times channels × output channels is a product; and its 36 points become 4×4 outputs. Where pixels are bfloat16 and the processor multiplies
// pairs of them, it is F(2×2, 3×3): see winograd-pairs.h. What lies between:
//   V[point][tile][channel]            the image's points; for the weight gradient V[point][panel][tile][kPanel]
//   U[block][point][panel][channel][kPanel]   the filter's points, a block being some panels of output channels
//   M[point][tile][output channel]     the products
//   Z[point][panel][tile][kPanel]      the points of the output's gradient, for the weight gradient, which is Vᵀ·Z
// In V, U and Z of pairs, two channels that are summed, or in V and Z of the weight gradient two tiles, are one unit. Otherwise all that lies
// between is float32, however pixels are stored.
#include "multiply.h"
#include "winograd-pairs.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kChunk = 64 / kTileRows * kTileRows;  // Winograd's tiles that are transformed and multiplied together, in cache
constexpr int64_t kBlockPanels = 2;  // panels of output channels between two transforms of outputs
constexpr int64_t kDepth = 64;       // units of channels that are summed at a time: sums of sums err less
constexpr int64_t kFewTiles = 8;     // or units of them, that are a piece of work where all threads transform together
constexpr int64_t kMuch = 30 << 20;  // bytes of output, that no cache will keep

// Of the weight gradient
constexpr int64_t kFewSums = 352 << 10;    // floats of sums at all points that stay in a cache
constexpr int64_t kFewUnits = 96;          // units of tiles at a time where they do
constexpr int64_t kManyPoints = 1 << 20;   // units of V and Z at a time where they do not,
constexpr int64_t kManyUnits = 128;        // of so many tiles at least
constexpr int64_t kMostParts = 16;         // of the tiles that are summed apart
constexpr int64_t kPointsPerSum = 6;       // that pay for a part's sums

/// Images [batch][height][width][channels].
struct Images {
  int64_t batch, height, width, channels;

  int64_t size() const { return batch * height * width * channels; }
  int64_t pixel(int64_t image, int64_t row, int64_t column) const { return ((image * height + row) * width + column) * channels; }
};

/// Where a tile's outputs are: its image, its first row and column, and how many there are of them.
struct Tile {
  int64_t image, row, column, rows, columns;
};

/// A convolution from one to the other. Padding below 0 crops.
struct Shape {
  Images in, out;
  int64_t top, left;
  int64_t edge;  // of a tile

  int64_t tile_rows() const { return ceil_div(out.height, edge); }
  int64_t tile_columns() const { return ceil_div(out.width, edge); }
  int64_t tiles() const { return out.batch * tile_rows() * tile_columns(); }

  Tile tile(int64_t index) const {
    const int64_t across = tile_columns(), down = tile_rows();
    const int64_t row = index / across % down * edge, column = index % across * edge;
    return {index / across / down, row, column, smaller(edge, out.height - row), smaller(edge, out.width - column)};
  }
};

/// How many chunks tiles are cut into: where there are several, a multiple of four, so that threads get as many each.
int64_t chunks_of(int64_t tiles) {
  const int64_t chunks = ceil_div(tiles, kChunk);
  return chunks > 2 ? (chunks + 2) / 4 * 4 : chunks;
}

Shape read_shape(Arguments& in) {
  const int64_t batch = in.integer(), height = in.integer(), width = in.integer(), channels = in.integer();
  const int64_t out_height = in.integer(), out_width = in.integer(), out_channels = in.integer();
  const int64_t top = in.integer(), left = in.integer();
  return {{batch, height, width, channels}, {batch, out_height, out_width, out_channels}, top, left, kTile};
}

/// The pixels of a square of an image, those outside of it being `outside`.
template <int size, class T>
void find_pixels(const Images& images, const T* x, int64_t image, int64_t top, int64_t left, const T* outside, const T* pixels[]) {
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = 0; j < size; j++) {
      const int64_t row = top + i, column = left + j;
      const bool inside = row >= 0 && row < images.height && column >= 0 && column < images.width;
      pixels[i * size + j] = inside ? x + images.pixel(image, row, column) : outside;
    }
}

/// What a product brings closer, for the next.
template <class Unit>
Traffic::Span soon(const Unit* at, int64_t units) {
  return {reinterpret_cast<const char*>(at), static_cast<int64_t>(units * sizeof(Unit))};
}

/// Where points go: tile by tile, or unit of tiles, `row` units apart, point by point `point` units, and each kPanel channels `panel` units.
template <class Unit>
struct Points {
  Unit* at;
  int64_t row, point, panel;

  Points from(int64_t index) const { return {at + index * row, row, point, panel}; }
  Unit* of_channel(int64_t channel) const { return at + channel / kPanel * panel + channel % kPanel; }
};

/// Units of channels, tile by tile.
struct ByChannels {
  template <class>
  static constexpr int64_t kTiles = 1;

  template <class Transform, class T>
  static void transform_channels(const T* const pixels[], int64_t c, int64_t count, const Points<float>& points) {
    float* to = points.of_channel(c);
    transform<Transform>([&](int y, int x) { return load_some(pixels[y * Transform::kFrom + x] + c, count); },
                         [&](int y, int x, Floats v) { store(to + (y * Transform::kTo + x) * points.point, v); });
  }

#if defined(IMGCLS_HAS_PAIRS)
  template <class Transform, class T>
  static void transform_channels(const T* const pixels[], int64_t c, int64_t count, const Points<Pair>& points) {
    auto* to = reinterpret_cast<Bfloat16*>(points.at) + c;
    transform<Transform>([&](int y, int x) { return load_some(pixels[y * Transform::kFrom + x] + c, count); },
                         [&](int y, int x, Floats v) { store(to + 2 * (y * Transform::kTo + x) * points.point, v); });
  }
#endif
};

/// Units of tiles, channel by channel.
struct ByTiles {
  template <class Unit>
  static constexpr int64_t kTiles = kDeep<Unit>;

  template <class Transform, class T>
  static void transform_channels(const T* const pixels[], int64_t c, int64_t count, const Points<float>& points) {
    ByChannels::transform_channels<Transform>(pixels, c, count, points);
  }

#if defined(IMGCLS_HAS_PAIRS)
  template <class Transform, class T>
  static void transform_channels(const T* const pixels[], int64_t c, int64_t count, const Points<Pair>& points) {
    constexpr int kPixels = Transform::kFrom * Transform::kFrom;
    Floats firsts[Transform::kTo][Transform::kTo];
    transform<Transform>([&](int y, int x) { return load_some(pixels[y * Transform::kFrom + x] + c, count); },
                         [&](int y, int x, Floats v) { firsts[y][x] = v; });
    Pair* to = points.of_channel(c);
    transform<Transform>([&](int y, int x) { return load_some(pixels[kPixels + y * Transform::kFrom + x] + c, count); },
                         [&](int y, int x, Floats v) { store_pairs(to + (y * Transform::kTo + x) * points.point, firsts[y][x], v); });
  }
#endif
};

/// The points of the tiles, or units of them, [begin, end) of x, each seeing a square that begins (top, left) before its first output. The pixels
/// of the next are brought closer meanwhile.
template <class Units, class Transform, class T, class Unit>
void transform_tiles(const Shape& shape, const Images& images, int64_t top, int64_t left, const T* x, const float* zeros, int64_t begin,
                     int64_t end, const Points<Unit>& points) {
  constexpr int kTiles = Units::template kTiles<Unit>, kPixels = Transform::kFrom * Transform::kFrom;
  const T* outside = reinterpret_cast<const T*>(zeros);
  const T* pixels[2][kTiles * kPixels];
  const auto find = [&](int64_t unit) {
    for (int64_t i = 0; i < kTiles; i++) {
      const T** found = pixels[unit % 2] + i * kPixels;
      if (unit * kTiles + i < shape.tiles()) {
        const Tile tile = shape.tile(unit * kTiles + i);
        find_pixels<Transform::kFrom>(images, x, tile.image, tile.row - top, tile.column - left, outside, found);
      } else {
        for (int j = 0; j < kPixels; j++) found[j] = outside;
      }
    }
  };
  find(begin);
  for (int64_t unit = begin; unit < end; unit++) {
    find(smaller(unit + 1, end - 1));
    const auto &here = pixels[unit % 2], &next = pixels[(unit + 1) % 2];
    for (int64_t c = 0; c < images.channels; c += kLanes) {
      if (c * int64_t{sizeof(T)} % 64 == 0)
        for (const T* pixel : next) __builtin_prefetch(pixel + c, 0, 2);
      Units::template transform_channels<Transform>(here, c, images.channels - c, points.from(unit - begin));
    }
  }
}

/// V
template <class Units, class Tiles>
void transform_image(const Shape& shape, const Values& x, const float* zeros, int64_t begin, int64_t end, const Points<typename Tiles::Unit>& points) {
  x.visit([&](auto* from) {
    transform_tiles<Units, typename Tiles::Image>(shape, shape.in, shape.top, shape.left, from, zeros, begin, end, points);
  });
}

/// Z
template <class Tiles>
void transform_gradient(const Shape& shape, const Values& dy, const float* zeros, int64_t begin, int64_t end,
                        const Points<typename Tiles::Unit>& points) {
  dy.visit([&](auto* from) { transform_tiles<ByTiles, typename Tiles::Slope>(shape, shape.out, 0, 0, from, zeros, begin, end, points); });
}

/// A filter [3][3][in][out], or its U. Mirrored, for the input's gradient: turned around, in and out exchanged.
struct Filter {
  const float* weight;
  bool mirrored;
  const float* u;  // null: make it
};

/// U of a block of panels, point by point `point` units apart, each panel `panel` units.
template <class Unit>
struct FilterPoints {
  Unit* at;
  int64_t point, panel;

  FilterPoints of_panel(int64_t index) const { return {at + index * panel, point, panel}; }
};

/// kLanes × kLanes of one tap: rows are input channels from k on, lanes output channels from n on; zeros where there are none.
void load_tap(const Filter& filter, int64_t in, int64_t out, int tap, int64_t k, int64_t n, Floats rows[kLanes]) {
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

/// One panel of U, `panel` being which of all.
template <class Tiles>
void transform_filter(const Filter& filter, int64_t in, int64_t out, int64_t panel, FilterPoints<typename Tiles::Unit> u) {
  using Unit = typename Tiles::Unit;
  constexpr int64_t kUnit = kDeep<Unit>;
  Floats taps[kTaps * kTaps][kLanes];
  for (int64_t lane = 0; lane < kPanel; lane += kLanes)
    for (int64_t k = 0; k < in; k += kLanes) {
      for (int tap = 0; tap < kTaps * kTaps; tap++) load_tap(filter, in, out, tap, k, panel * kPanel + lane, taps[tap]);
      for (int64_t i = 0; i < smaller(kLanes, in - k); i += kUnit) {
        Unit* to = u.at + (k + i) / kUnit * kPanel + lane;
        Floats points[kUnit][Tiles::kPoints];
        for (int64_t j = 0; j < kUnit; j++)
          transform<typename Tiles::Weights>([&](int y, int x) { return taps[y * kTaps + x][i + j]; },
                                             [&](int y, int x, Floats v) { points[j][y * Tiles::kSquare + x] = v; });
        for (int p = 0; p < Tiles::kPoints; p++) {
          if constexpr (kUnit == 1) store(to + p * u.point, points[0][p]);
          else store_pairs(to + p * u.point, points[0][p], points[1][p]);
        }
      }
    }
}

/// All of U, and the block of it that a panel is in. `in` counts units.
template <class Tiles, class Unit = typename Tiles::Unit>
struct FilterBlocks {
  Unit* at;
  int64_t in, panels;

  static int64_t size(int64_t in, int64_t out) { return Tiles::kPoints * panels_of(out) * in * kPanel; }
  FilterPoints<Unit> block(int64_t first) const {
    const int64_t panel = in * kPanel;
    return {at + Tiles::kPoints * first * panel, smaller(kBlockPanels, panels - first) * panel, panel};
  }
  FilterPoints<Unit> panel(int64_t index) const {
    const int64_t within = index % kBlockPanels;
    return block(index - within).of_panel(within);
  }
};

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

  int64_t in() const { return shape.in.channels; }
  int64_t in_units() const { return ceil_div(in(), kDeep<Unit>); }
  int64_t out() const { return shape.out.channels; }
  bool has_many_tiles() const { return shape.tiles() >= out(); }
  /// Whether outputs should go past the caches: it pays where a vector is a whole line, for lines must not be written in parts.
  bool streams() const {
    constexpr int64_t kVector = kLanes * sizeof(float);
    return kVector == 64 && !y.is_bf16 && shape.out.size() * 4 >= kMuch && out() % kLanes == 0 && reinterpret_cast<uintptr_t>(y.at) % kVector == 0;
  }

  // Units that V takes, and floats that M takes.
  int64_t v_point(int64_t tiles) const { return spread(tiles * spread(in_units())); }
  int64_t v_size(int64_t tiles) const { return Tiles::kPoints * v_point(tiles); }
  int64_t m_size() const { return Tiles::kPoints * m_point(); }
  int64_t m_point() const { return spread(chunks.most() * kBlockPanels * kPanel); }
  Points<Unit> v_points(Unit* v, int64_t tiles) const { return {v, spread(in_units()), v_point(tiles), kPanel}; }

  /// A chunk's share of some images, in the order of memory: whose it is exactly matters little, as long as all of them come closer.
  Traffic::Span share(const Values& values, const Images& images, int64_t chunk) const {
    if (chunk >= chunks.parts) return {};
    const auto at = [&](int64_t tile) { return images.size() * (values.is_bf16 ? 2 : 4) * tile / shape.tiles() / 64 * 64; };
    const int64_t begin = at(chunks.begin(chunk));
    return {static_cast<const char*>(values.at) + begin, at(chunks.begin(chunk + 1)) - begin};
  }

  /// What comes closer while a chunk is multiplied: the pixels that its thread will most likely transform next, and where its outputs go.
  Traffic::Later later(int64_t chunk) const {
    const int64_t products = Tiles::kPoints * ceil_div(in_units(), kDepth) * panels_of(out()) * ceil_div(chunks.most(), kTileRows);
    Traffic::Later later = {{share(x, shape.in, chunk + 1), streams() ? Traffic::Span{} : share(y, shape.out, chunk)}};
    for (const Traffic::Span& span : later.spans) later.lines = larger(later.lines, ceil_div(ceil_div(span.bytes, 64), products));
    return later;
  }
};

/// Calls `run(i, j)` for the outputs that a tile has: in most tiles all, which are then known when this is compiled.
template <int edge, class Run>
inline void each_output(const Tile& tile, const Run& run) {
  if (tile.rows == edge && tile.columns == edge) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < edge; i++)
#pragma GCC unroll 4
      for (int64_t j = 0; j < edge; j++) run(i, j);
  } else {
    for (int64_t i = 0; i < tile.rows; i++)
      for (int64_t j = 0; j < tile.columns; j++) run(i, j);
  }
}

/// Sums by channel over the outputs of one chunk of tiles, about the mean of the first tile so that nothing cancels.
struct Tally {
  float first[kBlockPanels * kPanel], sum[kBlockPanels * kPanel], squares[kBlockPanels * kPanel];
  int64_t count = 0;

  template <int edge, class T>
  void add(const Tile& tile, int64_t c, const Floats (&values)[edge][edge], const T* stored) {
    const auto sum_up = [&](const auto& term) {
      Floats total{};
      each_output<edge>(tile, [&](int64_t i, int64_t j) { total += term(rounded(values[i][j], stored)); });
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
    Floats values[Tiles::kEdge][Tiles::kEdge];
    const Floats bias = epilogue.bias ? load_some(epilogue.bias + channel + c, n - c) : Floats{};
    transform<typename Tiles::Output>([&](int i, int j) { return load(m + (i * Tiles::kSquare + j) * point + c); },
                                      [&](int i, int j, Floats value) { values[i][j] = value + bias; });
    if (work.moments.mean) tally.add(tile, c, values, y);
    with_activation(epilogue.activation, epilogue.slope, [&](auto f) {
      each_output<Tiles::kEdge>(tile, [&](int64_t i, int64_t j) {
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
void compute_outputs(const Convolution<Tiles>& work, int64_t chunk, const Points<typename Tiles::Unit>& v,
                     FilterPoints<const typename Tiles::Unit> u, int64_t first, int64_t panels, float* m, Traffic::Later& later) {
  constexpr int kPoints = Tiles::kPoints;
  const int64_t in = work.in_units(), channel = first * kPanel, channels = smaller(panels * kPanel, work.out() - channel);
  const int64_t tiles = work.chunks.size(chunk), row = panels * kPanel;
  for (int64_t point = 0; point < kPoints; point++) {
    const auto* v_point = v.at + point * v.point;
    const auto* u_point = u.at + point * u.point;
    Traffic traffic;
    if (point + 1 < kPoints) traffic = {{soon(v_point + v.point, tiles * v.row), soon(u_point + u.point, panels * u.panel)}};
    traffic.later = later;
    for (int64_t k = 0; k < in; k += kDepth)
      product<typename Tiles::Unit>(static_cast<int>(tiles), static_cast<int>(channels), static_cast<int>(smaller(kDepth, in - k)), v_point + k, v.row,
              {u_point + k * kPanel, kPanel, u.panel}, m + point * work.m_point(), row, k > 0, &traffic);
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

/// Many tiles: U once for all in `shared`, then each piece of work owns a chunk of tiles.
template <class Tiles>
bool convolve_by_tiles(const Convolution<Tiles>& work, const float* zeros, float* shared) {
  using Unit = typename Tiles::Unit;
  const int64_t most = work.chunks.most(), panels = panels_of(work.out());
  if (!reserve_scratch(work.v_size(most) + work.m_size())) return false;
  const FilterBlocks<Tiles> made = {reinterpret_cast<Unit*>(shared), work.in_units(), panels};
  if (!work.filter.u)
    parallel(static_cast<int>(panels), [&](int panel, int) { transform_filter<Tiles>(work.filter, work.in(), work.out(), panel, made.panel(panel)); });
  const FilterBlocks<Tiles, const Unit> u = {reinterpret_cast<const Unit*>(work.filter.u ? work.filter.u : shared), work.in_units(), panels};
  parallel(static_cast<int>(work.chunks.parts), [&](int chunk, int thread) {
    auto* own = static_cast<float*>(scratch(thread, 0));
    const Points<Unit> v = work.v_points(reinterpret_cast<Unit*>(own), most);
    const int64_t begin = work.chunks.begin(chunk);
    Traffic::Later later = work.later(chunk);
    transform_image<ByChannels, Tiles>(work.shape, work.x, zeros, begin, begin + work.chunks.size(chunk), v);
    for (int64_t panel = 0; panel < panels; panel += kBlockPanels)
      compute_outputs(work, chunk, v, u.block(panel), panel, smaller(kBlockPanels, panels - panel), own + work.v_size(most), later);
  });
  return true;
}

/// Many channels: V once for all in `shared`, then each piece of work owns a panel of output channels, and makes its U just before use.
template <class Tiles>
bool convolve_by_channels(const Convolution<Tiles>& work, const float* zeros, float* shared) {
  using Unit = typename Tiles::Unit;
  const int64_t tiles = work.shape.tiles(), panels = panels_of(work.out()), panel_size = work.in_units() * kPanel;
  const int64_t point = spread(panel_size);
  if (!reserve_scratch(Tiles::kPoints * point + work.m_size())) return false;
  const Points<Unit> v = work.v_points(reinterpret_cast<Unit*>(shared), tiles);
  const Cut few{tiles, ceil_div(tiles, kFewTiles)};
  parallel(static_cast<int>(few.parts), [&](int part, int) {
    const int64_t begin = few.begin(part);
    transform_image<ByChannels, Tiles>(work.shape, work.x, zeros, begin, begin + few.size(part), v.from(begin));
  });
  const FilterBlocks<Tiles, const Unit> given = {reinterpret_cast<const Unit*>(work.filter.u), work.in_units(), panels};
  parallel(static_cast<int>(panels), [&](int panel, int thread) {
    auto* own = static_cast<float*>(scratch(thread, 0));
    auto* made = reinterpret_cast<Unit*>(own);
    if (!work.filter.u) transform_filter<Tiles>(work.filter, work.in(), work.out(), panel, {made, point, panel_size});
    const FilterPoints<const Unit> u = work.filter.u ? given.panel(panel) : FilterPoints<const Unit>{made, point, panel_size};
    Traffic::Later none;
    for (int64_t chunk = 0; chunk < work.chunks.parts; chunk++)
      compute_outputs(work, chunk, v.from(work.chunks.begin(chunk)), u, panel, 1, own + Tiles::kPoints * point, none);
  });
  return true;
}

/// The weight gradient: Vᵀ·Z, summed over tiles.
template <class Tiles>
struct WeightGradient {
  using Unit = typename Tiles::Unit;
  static constexpr int kPoints = Tiles::kPoints;
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
    return smaller(units(), has_few_sums() ? kFewUnits : larger(kManyPoints / unit, kManyUnits));
  }

  /// How many parts of the tiles have sums of their own.
  int64_t parts() const {
    if (has_few_sums()) return smaller(ceil_div(units(), most()), kMostParts);
    const int64_t points = units() * (in_panels() + out_panels()) * kPanel;
    int64_t parts = 1;
    while (2 * parts <= kMostParts && 2 * parts * sums() * kPointsPerSum <= points) parts *= 2;
    return parts;
  }

  // V, and Z behind it
  int64_t panel() const { return most() * kPanel; }
  int64_t v_point() const { return spread(in_panels() * panel()); }
  int64_t z_point() const { return spread(out_panels() * panel()); }
  int64_t points_size() const { return kPoints * (v_point() + z_point()); }
  Points<Unit> v_points(Unit* points) const { return {points, kPanel, v_point(), panel()}; }
  Points<Unit> z_points(Unit* points) const { return {points + kPoints * v_point(), kPanel, z_point(), panel()}; }

  /// The points of some units, which become those from `first` on.
  void transform_units(Range some, Unit* points, int64_t first) const {
    transform_image<ByTiles, Tiles>(shape, x, zeros, some.begin, some.end, v_points(points).from(first));
    transform_gradient<Tiles>(shape, dy, zeros, some.begin, some.end, z_points(points).from(first));
  }

  /// The gradient of one channel and some output channels from sums that begin at `sums`: of several parts, `part` apart, or added to what is there.
  void finish(const float* sums, int64_t point, int64_t parts, int64_t part, int64_t channel, Range outputs, bool accumulate) const {
    constexpr int64_t kSoon = 4 * kLanes;
    const int64_t in = shape.in.channels, out = shape.out.channels;
    for (int64_t c = outputs.begin; c < outputs.end; c += kLanes, sums += kLanes)
      transform<typename Tiles::WeightSlope>(
          [&](int i, int j) {
            const float* from = sums + (i * Tiles::kSquare + j) * point;
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
};

/// Far fewer sums than points, [point][channel][output channel]: parts of the tiles have points and sums of their own, so that no thread reads what another
/// has made.
template <class Tiles>
struct SumsApart {
  using Unit = typename Tiles::Unit;
  const WeightGradient<Tiles>& of;

  Cut parts() const { return {of.units(), of.parts()}; }
  int64_t row() const { return spread(of.out_panels() * kPanel); }
  int64_t point() const { return spread(of.in_panels() * kPanel * row()); }
  int64_t part() const { return Tiles::kPoints * point(); }

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
    const Cut chunks{units.size(), ceil_div(units.size(), of.most())};
    for (int64_t chunk = 0; chunk < chunks.parts; chunk++) {
      of.transform_units({units.begin + chunks.begin(chunk), units.begin + chunks.begin(chunk + 1)}, points, 0);
      for (int64_t at = 0; at < Tiles::kPoints; at++)
        for (int64_t p = 0; p < of.in_panels(); p++) add_panel(at, p, chunks.size(chunk), points, sums, chunk > 0);
    }
  }

  /// A panel of V times all of Z, at one point.
  void add_panel(int64_t at, int64_t p, int64_t units, Unit* points, float* sums, bool accumulate) const {
    const Points<Unit> v = of.v_points(points), z = of.z_points(points);
    const Unit *point_v = v.at + at * v.point, *panel_v = point_v + p * v.panel, *point_z = z.at + at * z.point;
    float* to = sums + at * point() + p * kPanel * row();
    Traffic traffic;
    if (p + 1 < of.in_panels()) traffic = {{soon(panel_v + v.panel, v.panel), soon(to + kPanel * row(), kPanel * row())}};
    else if (at + 1 < Tiles::kPoints) traffic = {{soon(point_v + v.point, v.panel), soon(point_z + z.point, z.point)}};
    traffic.far_result = true;
    product_transposed<Unit>(of.channels_of(p), static_cast<int>(of.shape.out.channels), static_cast<int>(units), panel_v, kPanel,
                             {point_z, kPanel, z.panel}, to, row(), accumulate, &traffic);
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
  int64_t own_size() const { return Tiles::kPoints * kPoint; }

  void compute(float* shared) const {
    auto* points = reinterpret_cast<Unit*>(shared);
    const Cut chunks{of.units(), ceil_div(of.units(), of.most())};
    const Cut in{of.in_panels(), ceil_div(of.in_panels() * kPanel, kChannels)}, out{of.out_panels(), ceil_div(of.out_panels() * kPanel, kOutputs)};
    for (int64_t chunk = 0; chunk < chunks.parts; chunk++) {
      const int64_t first = chunks.begin(chunk), units = chunks.size(chunk);
      const Cut few{units, ceil_div(units, kFewTiles)};
      parallel(static_cast<int>(few.parts),
               [&](int part, int) { of.transform_units({first + few.begin(part), first + few.begin(part + 1)}, points, few.begin(part)); });
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
    for (int64_t at = 0; at < Tiles::kPoints; at++) {
      const Unit *v = all_v.at + at * all_v.point + in.begin * all_v.panel, *z = all_z.at + at * all_z.point + out.begin * all_z.panel;
      Traffic traffic;
      if (at + 1 < Tiles::kPoints) traffic = {{soon(v + all_v.point, in.size() * all_v.panel), soon(z + all_z.point, out.size() * all_z.panel)}};
      for (int64_t p = 0; p < in.size(); p++)
        product_transposed<Unit>(of.channels_of(in.begin + p), static_cast<int>(outputs.size()), static_cast<int>(units), v + p * all_v.panel, kPanel,
                                 {z, kPanel, all_z.panel}, sums + at * kPoint + p * kPanel * kRow, kRow, false, &traffic);
    }
    const int64_t first = in.begin * kPanel, channels = smaller(in.end * kPanel, of.shape.in.channels) - first;
    for (int64_t i = 0; i < channels; i++) of.finish(sums + i * kRow, kPoint, 1, 0, first + i, outputs, accumulate);
  }
};

template <class Tiles>
const char* convolve(Convolution<Tiles> work) {
  const bool by_tiles = work.has_many_tiles();
  const int64_t zeros = spread(work.in()), moments = spread(work.moments.size());
  const int64_t points = by_tiles ? FilterBlocks<Tiles>::size(work.in_units(), work.out()) : work.v_size(work.shape.tiles());
  auto* shared = static_cast<float*>(shared_scratch((zeros + moments + points) * sizeof(float)));
  if (!shared) return kOutOfMemory;
  memset(shared, 0, zeros * sizeof(float));
  work.moments.parts = shared + zeros;
  if (!(by_tiles ? convolve_by_tiles<Tiles> : convolve_by_channels<Tiles>)(work, shared, shared + zeros + moments)) return kOutOfMemory;
  work.moments.combine();
  return nullptr;
}

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

/// winograd_filter(in, out, weight, u): U of a filter, for winograd to use again and again.
const char* winograd_filter(Arguments arguments) {
  const int64_t in = arguments.integer(), out = arguments.integer();
  const Filter filter = {arguments.pointer<const float>(), false, nullptr};
  const FilterBlocks<FloatTiles> blocks = {arguments.pointer<float>(), in, panels_of(out)};
  parallel(panels_of(out), [&](int panel, int) { transform_filter<FloatTiles>(filter, in, out, panel, blocks.panel(panel)); });
  return nullptr;
}

/// winograd(shape…, x, is bf16, weight, mirrored, u, y, is bf16, bias, residual, activation, slope, mean, variance)
const char* winograd(Arguments arguments) {
  Shape shape = read_shape(arguments);
  const Values x = read_values(arguments);
  const auto* weight = arguments.pointer<const float>();
  const bool mirrored = arguments.flag();
  const Filter filter = {weight, mirrored, arguments.pointer<const float>()};
  const Values y = read_values(arguments);
  const Epilogue epilogue = read_epilogue(arguments, 1);
  auto* mean = arguments.pointer<float>();
  auto* variance = arguments.pointer<float>();
  return with_tiles(!filter.u && (x.is_bf16 || y.is_bf16), [&](auto tiles) {
    using Tiles = decltype(tiles);
    shape.edge = Tiles::kEdge;
    const Cut chunks{shape.tiles(), chunks_of(shape.tiles())};
    return convolve(Convolution<Tiles>{shape, x, filter, y, epilogue, {mean, variance, chunks.parts, shape.out.channels, nullptr}, chunks});
  });
}

/// winograd_weight_gradient(shape…, x, is bf16, dy, is bf16, gradient)
const char* winograd_weight_gradient(Arguments arguments) {
  Shape shape = read_shape(arguments);
  const Values x = read_values(arguments);
  const Values dy = read_values(arguments);
  auto* gradient = arguments.pointer<float>();
  return with_tiles(x.is_bf16 || dy.is_bf16, [&](auto tiles) {
    using Tiles = decltype(tiles);
    shape.edge = Tiles::kEdge;
    const WeightGradient<Tiles> work{shape, x, dy, gradient};
    return work.parts() > 1 ? compute<SumsApart<Tiles>>(work) : compute<SumsInBlocks<Tiles>>(work);
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
