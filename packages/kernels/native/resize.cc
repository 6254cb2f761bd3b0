// Images in another size, and what comes back through that: tfjs's two ways, with their two conventions of where pixels are.
#include "integers.h"
#include "memory.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// Along one edge, the two pixels that a pixel of the result lies between, and how far it is from the first to the second.
struct Between {
  int64_t low, high;
  float fraction;
};

/// How many pixels an edge has before and after.
struct Edge {
  int64_t from, to;
};

struct Convention {
  bool align_corners, half_pixel_centers;

  double ratio(Edge edge) const {
    const int64_t less = align_corners && edge.to > 1 ? 1 : 0;
    return static_cast<double>(edge.from - less) / static_cast<double>(edge.to - less);
  }

  Between linear(Edge edge, int64_t place) const {
    const auto at = static_cast<double>(place);
    const double source = half_pixel_centers ? ratio(edge) * (at + 0.5) - 0.5 : ratio(edge) * at;
    const double low = __builtin_floor(source) < 0 ? 0 : __builtin_floor(source);
    const int64_t high = smaller(edge.from - 1, static_cast<int64_t>(__builtin_ceil(source)));
    return {smaller(edge.from - 1, static_cast<int64_t>(low)), high, static_cast<float>(source - low)};
  }

  Between nearest(Edge edge, int64_t place) const {
    const double source = ratio(edge) * (static_cast<double>(place) + (half_pixel_centers ? 0.5 : 0));
    const auto pixel = smaller(edge.from - 1, static_cast<int64_t>(__builtin_floor(align_corners ? source + 0.5 : source)));
    return {pixel, pixel, 0};
  }
};

/// images, channels, height before and after, width before and after, align corners, half pixel centers, whether linear (or nearest)
struct Resize {
  int64_t images, channels;
  Edge height, width;
  const Between *rows, *columns;  // null if there is no memory

  explicit Resize(Arguments& in) : images(in.integer()), channels(in.integer()) {
    height = {in.integer(), in.integer()};
    width = {in.integer(), in.integer()};
    Convention convention;
    convention.align_corners = in.flag();
    convention.half_pixel_centers = in.flag();
    const bool linear = in.flag();
    auto* table = static_cast<Between*>(shared_scratch(static_cast<size_t>(height.to + width.to) * sizeof(Between)));
    rows = columns = table;
    if (!table) return;
    const auto append = [&](Edge edge) {
      for (int64_t i = 0; i < edge.to; i++) *table++ = linear ? convention.linear(edge, i) : convention.nearest(edge, i);
    };
    append(height);
    columns = table;
    append(width);
  }

  int64_t row_size() const { return width.from * channels; }
  int64_t image_size() const { return height.from * row_size(); }
};

/// Calls `run(c, count)` for vectors of channels.
template <class Run>
void each_channels(int64_t channels, const Run& run) {
  for (int64_t c = 0; c < channels; c += kLanes) run(c, static_cast<int>(smaller(kLanes, channels - c)));
}

}  // namespace

/// x, y, resize
const char* resize(Arguments in) {
  const auto* x = in.pointer<const float>();
  auto* y = in.pointer<float>();
  const Resize resize(in);
  if (!resize.rows) return kOutOfMemory;
  parallel(static_cast<int>(resize.images * resize.height.to), [&](int piece, int) {
    const Between row = resize.rows[piece % resize.height.to];
    const float* image = x + piece / resize.height.to * resize.image_size();
    const float *top = image + row.low * resize.row_size(), *bottom = image + row.high * resize.row_size();
    float* to = y + piece * resize.width.to * resize.channels;
    for (int64_t i = 0; i < resize.width.to; i++, to += resize.channels) {
      const Between column = resize.columns[i];
      const int64_t left = column.low * resize.channels, right = column.high * resize.channels;
      each_channels(resize.channels, [&](int64_t c, int n) {
        const auto along = [&](const float* from) {
          const Floats start = load(from + left + c, n);
          return start + (load(from + right + c, n) - start) * column.fraction;
        };
        const Floats above = along(top);
        store(to + c, above + (along(bottom) - above) * row.fraction, n);
      });
    }
  });
  return nullptr;
}

/// dy, dx, resize: each gradient goes back to the four pixels its value came from.
const char* resize_gradient(Arguments in) {
  const auto* dy = in.pointer<const float>();
  auto* dx = in.pointer<float>();
  const Resize resize(in);
  if (!resize.rows) return kOutOfMemory;
  parallel(static_cast<int>(resize.images), [&](int piece, int) {
    float* image = dx + piece * resize.image_size();
    memset(image, 0, static_cast<size_t>(resize.image_size()) * sizeof(float));
    const float* from = dy + piece * resize.height.to * resize.width.to * resize.channels;
    for (int64_t r = 0; r < resize.height.to; r++) {
      const Between row = resize.rows[r];
      for (int64_t i = 0; i < resize.width.to; i++, from += resize.channels) {
        const Between column = resize.columns[i];
        const auto add = [&](int64_t y, int64_t x, float share) {
          float* to = image + y * resize.row_size() + x * resize.channels;
          if (share != 0) each_channels(resize.channels, [&](int64_t c, int n) { store(to + c, load(to + c, n) + load(from + c, n) * share, n); });
        };
        add(row.low, column.low, (1 - row.fraction) * (1 - column.fraction));
        add(row.low, column.high, (1 - row.fraction) * column.fraction);
        add(row.high, column.low, row.fraction * (1 - column.fraction));
        add(row.high, column.high, row.fraction * column.fraction);
      }
    }
  });
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
