// Batch norm, activation and 2×2 max pooling in one: what lies between is never in memory. See batch-norm.h for the arithmetic.
//
// Backward, which value of a window was the largest is found again from x, once for dx and, where y does not tell them, once for the sums. What an
// odd height or width leaves over is in no window, but takes part in the statistics.
#include "batch-norm.h"
#include "kernel.h"
#include "memory.h"
#include "threads.h"
#include "window.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

struct Shape {
  int64_t batch, height, width, channels;

  explicit Shape(Arguments& in) : batch(in.integer()), height(in.integer()), width(in.integer()), channels(in.integer()) {}
  int64_t line() const { return width * channels; }
  int64_t window_rows() const { return batch * (height / 2); }
  int64_t windows_line() const { return width / 2 * channels; }
  Columns columns() const { return Columns(batch * height * width, channels); }
  /// Where a row of windows begins among the pixels.
  int64_t first_pixel(int64_t row) const { return (row / (height / 2) * height + row % (height / 2) * 2) * line(); }
};

/// Rows of windows in pieces of work.
struct Pieces {
  int64_t rows, rows_each;

  explicit Pieces(const Shape& shape) : rows(shape.window_rows()), rows_each(larger(1, kPieceValues / (2 * shape.line()))) {}
  int count() const { return static_cast<int>(ceil_div(rows, rows_each)); }

  /// Calls `run(row)` for the rows of a piece.
  template <class Run>
  void each(int piece, const Run& run) const {
    for (int64_t row = piece * rows_each; row < smaller((piece + int64_t{1}) * rows_each, rows); row++) run(row);
  }

 private:
  static constexpr int64_t kPieceValues = 1 << 15;
};

/// The four pixels of a window: x - mean, and z.
struct Window {
  Floats centred[4], z[4];

  template <class T>
  Window(const Shape& shape, const Line& line, const T* x, int64_t c, int lanes) {
    for (int i = 0; i < 4; i++) {
      centred[i] = line.centred(load(x + i / 2 * shape.line() + i % 2 * shape.channels + c, lanes), c);
      z[i] = line.normalized(centred[i], c);
    }
  }
};

/// The largest of the activated values, the first if there are several.
struct Largest {
  Floats value, centred, z;
  Ints place;

  template <class F>
  Largest(const Window& window, const F& f) : value(f.value(window.z[0])), centred(window.centred[0]), z(window.z[0]), place{} {
    for (int i = 1; i < 4; i++) {
      const Floats candidate = f.value(window.z[i]);
      const Ints larger = exceeds(candidate, value);
      value = select(larger, candidate, value);
      centred = select(larger, window.centred[i], centred);
      z = select(larger, window.z[i], z);
      place = (larger & i) | (~larger & place);
    }
  }
};

template <class T>
const char* apply(Arguments& in) {
  const Shape shape(in);
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  const auto* x = in.pointer<const T>();
  const Parameters parameters(in);
  auto* y = in.pointer<T>();
  const Columns columns = shape.columns();
  auto* memory = static_cast<float*>(shared_scratch(Line::size(columns) * sizeof(float)));
  if (!memory) return kOutOfMemory;
  const Line line(columns, parameters, memory);
  const Pieces pieces(shape);
  with_activation(kind, slope, [&](auto f) {
    parallel(pieces.count(), [&](int piece, int) {
      pieces.each(piece, [&](int64_t row) {
        const T* from = x + shape.first_pixel(row);
        T* to = y + row * shape.windows_line();
        for (int64_t window = 0; window < shape.width / 2; window++, from += 2 * shape.channels, to += shape.channels)
          each_vector(shape.channels, [&](int64_t c, int lanes) {
            store(to + c, Largest(Window(shape, line, from, c, lanes), f).value, lanes);
          });
      });
    });
  });
  return nullptr;
}

/// Sums of dz and of dz·(x - mean) over a row of windows, added to sums[2][channels].
template <class T, class F>
void add_gradients(const Shape& shape, const Line& line, const F& f, const T* x, const T* dy, float* sums) {
  for (int64_t window = 0; window < shape.width / 2; window++, x += 2 * shape.channels, dy += shape.channels)
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      const Largest largest(Window(shape, line, x, c, lanes), f);
      const Floats dz = load(dy + c, lanes) * slope_at(f, largest.z);
      add_to(sums + c, dz, lanes);
      add_to(sums + shape.channels + c, dz * largest.centred, lanes);
    });
}

/// Whether y tells the sums, a quarter of what x is to read: y must be z wherever the gradient passes, and z - beta not lose the digits of x - mean.
bool tells_sums(Activation kind, const Parameters& p, int64_t channels) {
  constexpr float kLeast = 1e-3f, kMostBetas = 64;
  if (kind != Activation::kNone && kind != Activation::kRelu && kind != Activation::kRelu6) return false;
  for (int64_t c = 0; c < channels; c++) {
    const float gamma = __builtin_fabsf(p.gamma[c]);
    if (!(gamma >= kLeast && __builtin_fabsf(p.beta[c]) <= kMostBetas * gamma)) return false;
  }
  return true;
}

/// Sums of dz and of dz·(z - beta) over a row of windows, added to sums[2][channels].
template <class T, class F>
void add_gradients_of(const Shape& shape, const Line& line, const F& f, const T* y, const T* dy, float* sums) {
  for (int64_t window = 0; window < shape.width / 2; window++, y += shape.channels, dy += shape.channels)
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      const Floats z = load(y + c, lanes), dz = load(dy + c, lanes) * slope_at(f, z);
      add_to(sums + c, dz, lanes);
      add_to(sums + shape.channels + c, dz * (z - load(line.beta + c)), lanes);
    });
}

/// dx of a row of windows, from its pixel `first` on; `rows` is 3 where a row is left over below.
template <class T, class F>
void write_gradients(const Shape& shape, const Line& line, const F& f, const Outgoing& outgoing, const T* x, const T* dy, int64_t rows,
                     const Sink<T>& sink, int64_t first) {
  const auto gradient = [&](Floats dz, Floats centred, int64_t c) { return outgoing.gradient(dz, centred, load(line.scale + c), c); };
  const auto write_left_over = [&](int64_t at) {
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      sink.put(first + at + c, gradient(Floats{}, line.centred(load(x + at + c, lanes), c), c), lanes);
    });
  };
  for (int64_t column = 0; column + 1 < shape.width; column += 2)
    each_vector(shape.channels, [&](int64_t c, int lanes) {
      const int64_t at = column * shape.channels + c;
      const Window window(shape, line, x + column * shape.channels, c, lanes);
      const Largest largest(window, f);
      const Floats dz = load(dy + column / 2 * shape.channels + c, lanes) * slope_at(f, largest.z);
      for (int i = 0; i < 4; i++)
        sink.put(first + at + i / 2 * shape.line() + i % 2 * shape.channels,
                 gradient(select(largest.place == i, dz, Floats{}), window.centred[i], c), lanes);
    });
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = row < 2 ? shape.width / 2 * 2 : 0; column < shape.width; column++)
      write_left_over(row * shape.line() + column * shape.channels);
}

template <class T>
const char* gradient(Arguments& in) {
  const Shape shape(in);
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  const auto* x = in.pointer<const T>();
  const Parameters parameters(in);
  const Statistics statistics(in);
  const auto* dy = in.pointer<const T>();
  const auto* y = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  auto* d_gamma = in.pointer<float>();
  auto* d_beta = in.pointer<float>();

  const Columns columns = shape.columns();
  const Pieces pieces(shape);
  const int64_t width = 2 * shape.channels, sums_size = whole_lines(width);
  auto* memory = static_cast<float*>(
      shared_scratch((Line::size(columns) + Outgoing::size(columns) + sums_size + pieces.count() * width) * sizeof(float)));
  if (!memory) return kOutOfMemory;
  const Line line(columns, parameters, memory);
  float *outgoing_memory = memory + Line::size(columns), *sums = outgoing_memory + Outgoing::size(columns), *parts = sums + sums_size;

  const bool from_y = y && tells_sums(kind, parameters, shape.channels);
  with_activation(kind, slope, [&](auto f) {
    parallel(pieces.count(), [&](int piece, int) {
      float* part = parts + piece * width;
      memset(part, 0, width * sizeof(float));
      pieces.each(piece, [&](int64_t row) {
        const int64_t first = row * shape.windows_line();
        if (from_y) add_gradients_of(shape, line, f, y + first, dy + first, part);
        else add_gradients(shape, line, f, x + shape.first_pixel(row), dy + first, part);
      });
    });
    add_parts(parts, pieces.count(), width, sums);
    for (int64_t c = 0; from_y && c < shape.channels; c++) sums[shape.channels + c] /= line.scale[c];
    const Outgoing outgoing(columns, parameters, statistics, sums, outgoing_memory);
    const Sink<T> sink(dx, columns.size(), shape.channels);
    parallel(pieces.count(), [&](int piece, int) {
      pieces.each(piece, [&](int64_t row) {
        const int64_t first = shape.first_pixel(row), below = row % (shape.height / 2) * 2 + 2;
        const int64_t rows = below + 1 == shape.height ? 3 : 2;
        write_gradients(shape, line, f, outgoing, x + first, dy + row * shape.windows_line(), rows, sink, first);
      });
      finish_streams();
    });
  });
  parameter_gradients(columns, parameters, sums, d_gamma, d_beta);
  return nullptr;
}

}  // namespace

/// batch_norm_max_pool(bf16, batch, height, width, channels, activation, slope, x, mean, variance, gamma, beta, epsilon, y)
const char* batch_norm_max_pool(Arguments in) { return in.flag() ? apply<Bfloat16>(in) : apply<float>(in); }

/// batch_norm_max_pool_gradient(bf16, batch, height, width, channels, activation, slope, x, mean, variance, gamma, beta, epsilon, constant, d_mean,
/// d_variance, dy, y, dx, d_gamma, d_beta): y null where it is rounded
const char* batch_norm_max_pool_gradient(Arguments in) { return in.flag() ? gradient<Bfloat16>(in) : gradient<float>(in); }

}  // namespace IMGCLS_ISA
}  // namespace imgcls
