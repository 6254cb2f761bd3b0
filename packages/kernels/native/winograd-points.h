// From pixels to points: images and their gradients, tile by tile, as floats or as numbers of fixed point.
#pragma once

#include "multiply.h"
#include "winograd-fixed.h"
#include "winograd-tiles.h"

namespace imgcls {
namespace IMGCLS_ISA {

constexpr int64_t kFewTiles = 8;  // or units of them, that are a piece of work where all threads transform together

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

  int64_t tile_rows() const { return ceil_div(out.height, kTile); }
  int64_t tile_columns() const { return ceil_div(out.width, kTile); }
  int64_t tiles() const { return out.batch * tile_rows() * tile_columns(); }

  Tile tile(int64_t index) const {
    const int64_t across = tile_columns(), down = tile_rows();
    const int64_t row = index / across % down * kTile, column = index % across * kTile;
    return {index / across / down, row, column, smaller(kTile, out.height - row), smaller(kTile, out.width - column)};
  }
};

inline Shape read_shape(Arguments& in) {
  const int64_t batch = in.integer(), height = in.integer(), width = in.integer(), channels = in.integer();
  const int64_t out_height = in.integer(), out_width = in.integer(), out_channels = in.integer();
  const int64_t top = in.integer(), left = in.integer();
  return {{batch, height, width, channels}, {batch, out_height, out_width, out_channels}, top, left};
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

/// Where the pixels of some tiles lie, roughly: whose they are exactly matters little, as long as those of all tiles come closer.
inline Traffic::Span share(const Shape& shape, const Values& values, const Images& images, Range tiles) {
  const auto at = [&](int64_t tile) { return images.size() * (values.is_bf16 ? 2 : 4) * smaller(tile, shape.tiles()) / shape.tiles() / 64 * 64; };
  return {static_cast<const char*>(values.at) + at(tiles.begin), at(tiles.end) - at(tiles.begin)};
}

/// What comes closer while so many tiles of products are computed.
inline Traffic::Later soon_after(const Traffic::Span& first, const Traffic::Span& second, int64_t products) {
  Traffic::Later later = {{first, second}};
  for (const Traffic::Span& span : later.spans) later.lines = larger(later.lines, ceil_div(ceil_div(span.bytes, 64), products));
  return later;
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
  // Of Fixed, [depth][tile]; in the weight gradient [group of units][channel]. Rows of them are so far apart.
  float* scales;
  int64_t scale_row;

  Points from_tile(int64_t index) const { return {at + index * row, row, point, panel, scales ? scales + index : nullptr, scale_row}; }
  Unit* of_channel(int64_t channel) const { return at + channel / kPanel * panel + channel % kPanel; }
};

/// Images, of whose pixels each tile sees a square that begins (top, left) before its first output.
template <class T>
struct View {
  const Shape& shape;
  const Images& images;
  int64_t top, left;
  const T* x;
  const T* outside;  // a pixel
};

template <class T>
View<T> view_of(const T* x, const Shape& shape, const Images& images, int64_t top, int64_t left, const float* zeros) {
  return {shape, images, top, left, x, reinterpret_cast<const T*>(zeros)};
}

/// Finds the pixels that a tile sees; behind the last tile, those outside.
template <int size, class T>
void find_tile(const View<T>& view, int64_t index, const T* pixels[]) {
  if (index < view.shape.tiles()) {
    const Tile tile = view.shape.tile(index);
    find_pixels<size>(view.images, view.x, tile.image, tile.row - view.top, tile.column - view.left, view.outside, pixels);
  } else {
    for (int i = 0; i < size * size; i++) pixels[i] = view.outside;
  }
}

/// Calls `run(tile, here, next)` for tiles: with the pixels that each sees, and those of the next.
template <int size, class T, class Run>
void each_tile(const View<T>& view, Range tiles, const Run& run) {
  const T* pixels[2][size * size];
  find_tile<size>(view, tiles.begin, pixels[tiles.begin % 2]);
  for (int64_t tile = tiles.begin; tile < tiles.end; tile++) {
    const auto &here = pixels[tile % 2], &next = pixels[(tile + 1) % 2];
    find_tile<size>(view, smaller(tile + 1, tiles.end - 1), pixels[(tile + 1) % 2]);
    run(tile, here, next);
  }
}

/// Brings a line of pixels closer, where one begins.
template <int count, class T>
inline void fetch_pixels(const T* const (&pixels)[count], int64_t c) {
  if (c * int64_t{sizeof(T)} % 64 == 0)
    for (const T* pixel : pixels) __builtin_prefetch(pixel + c, 0, 2);
}

/// Calls `put(p, value)` for the points of kLanes channels from c on.
template <class Transform, class T, class Put>
inline void transform_channels(const T* const pixels[], int64_t c, int64_t count, const Put& put) {
  transform<Transform>([&](int y, int x) { return load_some(pixels[y * Transform::kFrom + x] + c, count); },
                       [&](int y, int x, Floats v) { put(y * Transform::kTo + x, v); });
}

/// The points of some tiles.
template <class Transform, class T>
void transform_tiles(const View<T>& view, Range tiles, const Points<float>& points, const float* = nullptr) {
  each_tile<Transform::kFrom>(view, tiles, [&](int64_t tile, auto& here, auto& next) {
    for (int64_t c = 0; c < view.images.channels; c += kLanes) {
      fetch_pixels(next, c);
      float* to = points.of_channel(c) + (tile - tiles.begin) * points.row;
      transform_channels<Transform>(here, c, view.images.channels - c, [&](int p, Floats v) { store(to + p * points.point, v); });
    }
  });
}

#if defined(IMGCLS_HAS_FIXED)
/// The same times `balance`, channel by channel. The channels that are summed at a time share a step.
template <class Transform, class T>
void transform_tiles(const View<T>& view, Range tiles, const Points<Fixed>& points, const float* balance) {
  constexpr int64_t kChannels = FixedTiles::kDepth * kDeep<Fixed>;
  const int64_t channels = view.images.channels;
  each_tile<Transform::kFrom>(view, tiles, [&](int64_t tile, auto& here, auto& next) {
    for (int64_t first = 0; first < channels; first += kChannels) {
      Floats values[kChannels / kLanes][kPoints], peak{};
      const int64_t end = smaller(channels, first + kChannels);
      for (int64_t c = first; c < end; c += kLanes) {
        fetch_pixels(next, c);
        Floats own{};
        Floats* to = values[(c - first) / kLanes];
        transform_channels<Transform>(here, c, channels - c, [&](int p, Floats v) {
          to[p] = v;
          own = larger_size(own, v);
        });
        peak = larger_size(peak, own * load(balance + c));
      }
      const Steps steps(largest_size(peak), FixedTiles::kMost);
      points.scales[first / kChannels * points.scale_row + tile - tiles.begin] = steps.size[0];
      for (int64_t c = first; c < end; c += kLanes) {
        auto* to = reinterpret_cast<int16_t*>(points.at + (tile - tiles.begin) * points.row) + c;
        const Floats factor = load(balance + c) * steps.inverse;
        for (int p = 0; p < kPoints; p++) store_fixed(to + kDeep<Fixed> * p * points.point, values[(c - first) / kLanes][p] * factor);
      }
    }
  });
}
#endif

/// The points of some units of tiles, which are summed in the end, as the first units of `points`.
template <class Transform, class T>
void transform_units(const View<T>& view, Range units, const Points<float>& points) {
  transform_tiles<Transform>(view, units, points);
}

#if defined(IMGCLS_HAS_FIXED)
/// The same, a panel of channels after the other, so that what is written lies together. All units share the steps of a channel.
template <class Transform, class T>
void transform_units(const View<T>& view, Range units, const Points<Fixed>& points) {
  constexpr int kTiles = kDeep<Fixed>, kPixels = Transform::kFrom * Transform::kFrom;
  constexpr int64_t kAhead = 4;  // tiles whose pixels are on their way
  const int64_t channels = view.images.channels, tiles = kTiles * units.size();
  const T* pixels[kTiles * FixedTiles::kGroup][kPixels];
  for (int64_t i = 0; i < tiles; i++) find_tile<Transform::kFrom>(view, kTiles * units.begin + i, pixels[i]);
  for (int64_t first = 0; first < channels; first += kPanel) {
    const int64_t end = smaller(channels, first + kPanel);
    const auto points_of = [&](int64_t tile, int64_t c, const auto& put) { transform_channels<Transform>(pixels[tile], c, channels - c, put); };
    Floats peaks[kPanel / kLanes] = {};
    for (int64_t tile = 0; tile < tiles; tile++)
      for (int64_t c = first; c < end; c += kLanes) {
        fetch_pixels(pixels[smaller(tile + kAhead, tiles - 1)], c);
        Floats& peak = peaks[(c - first) / kLanes];
        points_of(tile, c, [&](int, Floats v) { peak = larger_size(peak, v); });
      }
    for (int64_t c = first; c < end; c += kLanes) {
      const Steps steps(peaks[(c - first) / kLanes], FixedTiles::kMostOfGroup);
      store(points.scales + c, steps.size);
      for (int64_t unit = 0; unit < units.size(); unit++) {
        Floats firsts[kPoints];
        points_of(kTiles * unit, c, [&](int p, Floats v) { firsts[p] = v * steps.inverse; });
        Fixed* to = points.of_channel(c) + unit * points.row;
        points_of(kTiles * unit + 1, c, [&](int p, Floats v) { store_fixed(to + p * points.point, firsts[p], v * steps.inverse); });
      }
    }
  }
}
#endif

}  // namespace IMGCLS_ISA
}  // namespace imgcls
