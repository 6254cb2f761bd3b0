// Pooling: the largest value or the mean of each window, channel by channel.
//
// Work is cut by rows of what is written. The gradient of max pooling finds the largest value again instead of having stored where it was; the
// rows of pixels that one piece of work owns are gathered in float32 from all windows that see them, those at the border by two pieces each.
#include "columns.h"
#include "kernel.h"
#include "memory.h"
#include "threads.h"
#include "window.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPieceValues = 1 << 15;  // that one piece of work reads

struct Shape {
  int64_t batch, channels;
  Axis y, x;

  explicit Shape(Arguments& in) : batch(in.integer()), channels(in.integer()), y(in), x(in) {}
  int64_t line() const { return x.in * channels; }
};

/// The pixels that a window sees along one axis.
Range seen(const Axis& axis, int64_t place) {
  const int64_t begin = axis.pixel(place, 0);
  return {larger(begin, 0), smaller(begin + axis.taps, axis.in)};
}

/// The places of windows that see any of the pixels [begin, end).
Range seeing(const Axis& axis, int64_t begin, int64_t end) {
  const int64_t first = begin + axis.before - axis.taps + 1;
  return {first <= 0 ? 0 : ceil_div(first, axis.stride), smaller(axis.out, (end - 1 + axis.before) / axis.stride + 1)};
}

/// Rows in pieces of work, none of which goes beyond an image.
struct Pieces {
  int64_t rows, rows_each;

  Pieces(int64_t rows, int64_t rows_each) : rows(rows), rows_each(smaller(rows, larger(1, rows_each))) {}
  int64_t per_image() const { return ceil_div(rows, rows_each); }
  int64_t image(int piece) const { return piece / per_image(); }
  Range range(int piece) const {
    const int64_t begin = piece % per_image() * rows_each;
    return {begin, smaller(begin + rows_each, rows)};
  }
};

/// Calls `run(image, row, column, y)` for every place of the windows, on threads; y is where its first value lies.
template <class Run>
void each_place(const Shape& shape, const Run& run) {
  if (shape.y.out == 0 || shape.x.out == 0) return;
  const int64_t reads = shape.x.out * shape.y.taps * shape.x.taps * shape.channels;
  const Pieces pieces(shape.y.out, kPieceValues / larger(1, reads));
  parallel(static_cast<int>(shape.batch * pieces.per_image()), [&](int piece, int) {
    const int64_t image = pieces.image(piece);
    const Range rows = pieces.range(piece);
    for (int64_t row = rows.begin; row < rows.end; row++)
      for (int64_t column = 0; column < shape.x.out; column++)
        run(image, row, column, ((image * shape.y.out + row) * shape.x.out + column) * shape.channels);
  });
}

template <class T>
const char* max_pool(Arguments& in) {
  const Shape shape(in);
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  each_place(shape, [&](int64_t image, int64_t row, int64_t column, int64_t at) {
    const Range rows = seen(shape.y, row), columns = seen(shape.x, column);
    const T* pixels = x + image * shape.y.in * shape.line();
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      Floats largest = splat(-__builtin_inff());
      for (int64_t r = rows.begin; r < rows.end; r++)
        for (int64_t s = columns.begin; s < columns.end; s++) {
          const Floats value = load(pixels + r * shape.line() + s * shape.channels + c, lanes);
          largest = select(exceeds(value, largest), value, largest);
        }
      store(y + at + c, largest, lanes);
    });
  });
  return nullptr;
}

/// Adds a window's gradient to the pixel it is of, if that lies in the rows `own`, the first of which is `sums`' first.
template <class T>
void add_to_largest(const Shape& shape, Range rows, Range columns, Range own, const T* pixels, const T* dy, float* sums) {
  each_vector(shape.channels, [&](int64_t c, int lanes) {
    Floats largest = splat(-__builtin_inff());
    Ints found{}, tap{};
    for (int64_t r = rows.begin; r < rows.end; r++)
      for (int64_t s = columns.begin; s < columns.end; s++, tap += 1) {
        const Floats value = load(pixels + r * shape.line() + s * shape.channels + c, lanes);
        const Ints larger = exceeds(value, largest);
        largest = select(larger, value, largest);
        found = (larger & tap) | (~larger & found);
      }
    const Floats gradient = load(dy + c, lanes);
    for (int64_t r = larger(rows.begin, own.begin); r < smaller(rows.end, own.end); r++)
      for (int64_t s = columns.begin; s < columns.end; s++) {
        const int32_t tap_here = static_cast<int32_t>((r - rows.begin) * columns.size() + s - columns.begin);
        add_to(sums + (r - own.begin) * shape.line() + s * shape.channels + c, select(found == tap_here, gradient, Floats{}), lanes);
      }
  });
}

template <class T>
const char* max_pool_gradient(Arguments& in) {
  const Shape shape(in);
  const auto* x = in.pointer<const T>();
  const auto* dy = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  const Pieces pieces(shape.y.in, larger(kPieceValues / larger(1, shape.line()), 2 * shape.y.taps));
  if (!scratch_for_all(pieces.rows_each * shape.line())) return kOutOfMemory;
  parallel(static_cast<int>(shape.batch * pieces.per_image()), [&](int piece, int thread) {
    const int64_t image = pieces.image(piece);
    const Range own = pieces.range(piece), places = seeing(shape.y, own.begin, own.end);
    const T* pixels = x + image * shape.y.in * shape.line();
    auto* sums = static_cast<float*>(scratch(thread, 0));
    memset(sums, 0, own.size() * shape.line() * sizeof(float));
    for (int64_t row = places.begin; row < places.end; row++)
      for (int64_t column = 0; column < shape.x.out; column++)
        add_to_largest(shape, seen(shape.y, row), seen(shape.x, column), own, pixels,
                       dy + ((image * shape.y.out + row) * shape.x.out + column) * shape.channels, sums);
    T* to = dx + (image * shape.y.in + own.begin) * shape.line();
    each_vector(own.size() * shape.line(), [&](int64_t i, int lanes) { store(to + i, load(sums + i, lanes), lanes); });
  });
  return nullptr;
}

/// What a window's values are multiplied by: 1 / their number, those outside of the image counted or not.
float share(const Shape& shape, bool count_padding, int64_t row, int64_t column) {
  const int64_t count = count_padding ? shape.y.taps * shape.x.taps : seen(shape.y, row).size() * seen(shape.x, column).size();
  return 1.0f / static_cast<float>(count);
}

/// The sum of `term(begin) … term(end - 1)`: of long sums each half on its own, so that rounding errors grow with the logarithm of the length.
template <class Term>
Floats sum_by_halves(int64_t begin, int64_t end, const Term& term) {
  if (end - begin > 8) {
    const int64_t middle = begin + (end - begin) / 2;
    return sum_by_halves(begin, middle, term) + sum_by_halves(middle, end, term);
  }
  Floats sum{};
  for (int64_t i = begin; i < end; i++) sum += term(i);
  return sum;
}

template <class T>
const char* avg_pool(Arguments& in) {
  const Shape shape(in);
  const bool count_padding = in.flag();
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  each_place(shape, [&](int64_t image, int64_t row, int64_t column, int64_t at) {
    const Range rows = seen(shape.y, row), columns = seen(shape.x, column);
    const T* pixels = x + image * shape.y.in * shape.line();
    const float factor = share(shape, count_padding, row, column);
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      const Floats sum = sum_by_halves(rows.begin, rows.end, [&](int64_t r) {
        return sum_by_halves(columns.begin, columns.end,
                             [&](int64_t s) { return load(pixels + r * shape.line() + s * shape.channels + c, lanes); });
      });
      store(y + at + c, sum * factor, lanes);
    });
  });
  return nullptr;
}

template <class T>
const char* avg_pool_gradient(Arguments& in) {
  const Shape shape(in);
  const bool count_padding = in.flag();
  const auto* dy = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  const Pieces pieces(shape.y.in, kPieceValues / larger(1, shape.line()));
  parallel(static_cast<int>(shape.batch * pieces.per_image()), [&](int piece, int) {
    const int64_t image = pieces.image(piece);
    const Range own = pieces.range(piece);
    const T* windows = dy + image * shape.y.out * shape.x.out * shape.channels;
    for (int64_t row = own.begin; row < own.end; row++)
      for (int64_t column = 0; column < shape.x.in; column++) {
        const Range rows = seeing(shape.y, row, row + 1), columns = seeing(shape.x, column, column + 1);
        T* to = dx + (image * shape.y.in + row) * shape.line() + column * shape.channels;
        each_vector(shape.channels, [&](int64_t c, int lanes) {
          Floats sum{};
          for (int64_t r = rows.begin; r < rows.end; r++)
            for (int64_t s = columns.begin; s < columns.end; s++)
              sum = fma(load(windows + (r * shape.x.out + s) * shape.channels + c, lanes), splat(share(shape, count_padding, r, s)), sum);
          store(to + c, sum, lanes);
        });
      }
  });
  return nullptr;
}

}  // namespace

/// max_pool(bf16, shape, x, y)
const char* max_pool(Arguments in) {
  return in.flag() ? max_pool<Bfloat16>(in) : max_pool<float>(in);
}

/// max_pool_gradient(bf16, shape, x, dy, dx)
const char* max_pool_gradient(Arguments in) {
  return in.flag() ? max_pool_gradient<Bfloat16>(in) : max_pool_gradient<float>(in);
}

/// avg_pool(bf16, shape, count padding, x, y)
const char* avg_pool(Arguments in) {
  return in.flag() ? avg_pool<Bfloat16>(in) : avg_pool<float>(in);
}

/// avg_pool_gradient(bf16, shape, count padding, dy, dx)
const char* avg_pool_gradient(Arguments in) {
  return in.flag() ? avg_pool_gradient<Bfloat16>(in) : avg_pool_gradient<float>(in);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
