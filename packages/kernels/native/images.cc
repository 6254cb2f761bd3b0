// The way of images into a network: bytes to normalised floats, cut out and mirrored, in one pass.
#include "integers.h"
#include "memory.h"
#include "storage.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPiece = 1 << 14;  // values of a piece of work

Floats floats(const uint8_t* from) { return __builtin_convertvector(load(from), Floats); }
Floats floats(const uint8_t* from, int count) { return __builtin_convertvector(load(from, count), Floats); }

/// What lies beyond an edge, numbered as in src/images.ts.
enum class Beyond { kZero, kEdge, kReflect };

/// Where the value at a place along an edge comes from, or -1 for zero.
int64_t source(int64_t place, int64_t length, Beyond beyond) {
  if (place >= 0 && place < length) return place;
  if (beyond == Beyond::kZero) return -1;
  if (beyond == Beyond::kReflect) place = place < 0 ? -place : 2 * length - 2 - place;
  return larger(0, smaller(length - 1, place));
}

struct Images {
  int64_t count, height, width, channels;
  int64_t crop_height, crop_width;
  const uint8_t* pixels;
  const int32_t* crops;   // of each image the row and the column where its part begins, or null
  const uint8_t* flipped;  // whether it is mirrored, or null
  Beyond beyond;

  explicit Images(Arguments& in)
      : count(in.integer()),
        height(in.integer()),
        width(in.integer()),
        channels(in.integer()),
        crop_height(in.integer()),
        crop_width(in.integer()),
        pixels(in.pointer<const uint8_t>()),
        crops(in.pointer<const int32_t>()),
        flipped(in.pointer<const uint8_t>()),
        beyond(static_cast<Beyond>(in.integer())) {}

  int64_t row_size() const { return crop_width * channels; }

  /// A row of an image's part: where it lies, or in `buffer`.
  const uint8_t* row(int64_t image, int64_t y, uint8_t* buffer) const {
    const int64_t top = crops ? crops[2 * image] : 0, left = crops ? crops[2 * image + 1] : 0;
    const bool flip = flipped && flipped[image];
    const int64_t from_row = source(top + y, height, beyond);
    if (from_row < 0) return static_cast<uint8_t*>(memset(buffer, 0, static_cast<size_t>(row_size())));
    const uint8_t* from = pixels + (image * height + from_row) * width * channels;
    if (!flip && left >= 0 && left + crop_width <= width) return from + left * channels;
    const int64_t first = flip ? left + crop_width - 1 : left, step = flip ? -1 : 1;
    if (channels == 3) return gather<3>(from, first, step, buffer);
    if (channels == 1) return gather<1>(from, first, step, buffer);
    return gather<0>(from, first, step, buffer);
  }

 private:
  /// Pixels of a row, from a place on, one after the other or backwards; kChannels where it is known.
  template <int kChannels>
  const uint8_t* gather(const uint8_t* from, int64_t place, int64_t step, uint8_t* buffer) const {
    const int64_t size = kChannels ? kChannels : channels;
    uint8_t* to = buffer;
    for (int64_t x = 0; x < crop_width; x++, place += step, to += size) {
      const int64_t column = source(place, width, beyond);
      for (int64_t c = 0; c < size; c++) to[c] = column < 0 ? 0 : from[column * size + c];
    }
    return buffer;
  }
};

/// y[i] = factors[i] · x[i] + offsets[i], both repeating after `period` values, whole vectors.
template <class T>
void normalize_row(const uint8_t* x, T* y, int64_t count, const float* factors, const float* offsets, int64_t period) {
  int64_t i = 0;
  for (; i + period <= count; i += period)
    for (int64_t v = 0; v < period; v += kLanes) store(y + i + v, fma(floats(x + i + v), load(factors + v), load(offsets + v)));
  for (int64_t v = 0; i < count; i += kLanes, v += kLanes) {
    const int rest = static_cast<int>(smaller(kLanes, count - i));
    store(y + i, fma(floats(x + i, rest), load(factors + v), load(offsets + v)), rest);
  }
}

template <class T>
const char* normalize(const Images& images, T* y, Arguments& in) {
  const int64_t period = images.channels * kLanes, row_size = images.row_size();
  const size_t pattern_bytes = 2 * static_cast<size_t>(period) * sizeof(float);
  auto* memory = static_cast<char*>(shared_scratch(pattern_bytes + static_cast<size_t>(threads() * row_size)));
  if (!memory) return kOutOfMemory;
  auto *factors = reinterpret_cast<float*>(memory), *offsets = factors + period;
  auto* buffers = reinterpret_cast<uint8_t*>(memory + pattern_bytes);
  float* const patterns[] = {factors, offsets};
  for (float* pattern : patterns) {
    for (int64_t c = 0; c < images.channels; c++) pattern[c] = in.real();
    for (int64_t i = images.channels; i < period; i++) pattern[i] = pattern[i - images.channels];
  }
  const int64_t rows = images.count * images.crop_height, group = larger(1, kPiece / larger(1, row_size));
  parallel(static_cast<int>(ceil_div(rows, group)), [&](int piece, int thread) {
    for (int64_t r = piece * group; r < smaller(rows, (piece + 1) * group); r++) {
      const uint8_t* row = images.row(r / images.crop_height, r % images.crop_height, buffers + thread * row_size);
      normalize_row(row, y + r * row_size, row_size, factors, offsets, period);
    }
  });
  return nullptr;
}

}  // namespace

/// count, height, width, channels, height and width of the parts, pixels, crops, flipped, what is beyond edges; y, storage; of each channel the
/// factor, then of each the offset
const char* normalize_images(Arguments in) {
  const Images images(in);
  const Array y(in);
  if (y.storage == Storage::kBfloat16) return normalize(images, y.at<Bfloat16>(0), in);
  return normalize(images, y.at<float>(0), in);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
