// Batch norm over matrices [rows][channels] (see batch-norm.h), and sums by channel.
#include "batch-norm.h"
#include "memory.h"
#include "moments.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

template <class T>
const char* statistics(const Columns& columns, Arguments in) {
  const auto* x = in.pointer<const T>();
  Moments moments{in.pointer<float>(), in.pointer<float>(), columns.pieces(), columns.channels, nullptr};
  moments.parts = static_cast<float*>(shared_scratch(moments.size() * sizeof(float)));
  if (!moments.parts || !scratch_for_all(moments_scratch(columns))) return kOutOfMemory;
  parallel(columns.pieces(), [&](int piece, int thread) {
    gather_moments(columns, x + columns.begin_of(piece), columns.rows_of(piece), static_cast<float*>(scratch(thread, 0)), moments, piece);
  });
  moments.combine();
  return nullptr;
}

template <class T>
const char* apply(const Columns& columns, Activation kind, float slope, Arguments in) {
  const auto* x = in.pointer<const T>();
  const Parameters parameters(in);
  const auto* residual = in.pointer<const T>();
  auto* y = in.pointer<T>();
  auto* memory = static_cast<float*>(shared_scratch(Line::size(columns) * sizeof(float)));
  if (!memory) return kOutOfMemory;
  const Line line(columns, parameters, memory);
  const Sink<T> sink(y, columns.size(), columns.width());
  with_activation(kind, slope, [&](auto f) {
    parallel(columns.pieces(), [&](int piece, int) {
      columns.each(piece, [&](int64_t i, int64_t column, int lanes) {
        Floats z = line.normalized(line.centred(load(x + i, lanes), column), column);
        if (residual) z += load(residual + i, lanes);
        sink.put(i, f.value(z), lanes);
      });
      finish_streams();
    });
  });
  return nullptr;
}

/// What comes back through the activation, to z.
template <class T, class F>
struct Incoming {
  const T *dy, *y;  // y null: f's argument is computed again
  const Line& line;
  F f;

  Floats at(int64_t i, int64_t column, int lanes, Floats centred) const {
    const Floats slope = y ? f.slope(load(y + i, lanes)) : slope_at(f, line.normalized(centred, column));
    return load(dy + i, lanes) * slope;
  }
};

/// Sums of dz and of dz·(x - mean) over one piece, [2][channels]; dz goes to d_residual too, unless that is null.
template <class T, class F>
void sum_gradients(const Columns& columns, int piece, const T* x, const Incoming<T, F>& incoming, T* d_residual, float* memory, float* part) {
  const int64_t width = columns.padded_width();
  const Sink<T> sink(d_residual, columns.size(), columns.width());
  float *sums = memory, *products = sums + width, *few = products + width;
  memset(memory, 0, 4 * width * sizeof(float));
  columns.each_few(columns.begin_of(piece), columns.rows_of(piece), [&](int64_t begin, int64_t rows) {
    columns.each(begin, rows, [&](int64_t i, int64_t column, int lanes) {
      const Floats centred = incoming.line.centred(load(x + i, lanes), column);
      const Floats dz = incoming.at(i, column, lanes, centred);
      if (d_residual) sink.put(i, dz, lanes);
      add_to(few + column, dz, lanes);
      add_to(few + width + column, dz * centred, lanes);
    });
    move_sums(few, 2 * width, sums);
  });
  finish_streams();
  columns.add_folds(sums);
  columns.add_folds(products);
  memcpy(part, sums, columns.channels * sizeof(float));
  memcpy(part + columns.channels, products, columns.channels * sizeof(float));
}

template <class T, class F>
void write_gradient(const Columns& columns, const T* x, const Incoming<T, F>& incoming, const Outgoing& outgoing, T* dx) {
  const Line& line = incoming.line;
  const Sink<T> sink(dx, columns.size(), columns.width());
  parallel(columns.pieces(), [&](int piece, int) {
    columns.each(piece, [&](int64_t i, int64_t column, int lanes) {
      const Floats centred = line.centred(load(x + i, lanes), column);
      const Floats dz = incoming.at(i, column, lanes, centred);
      sink.put(i, outgoing.gradient(dz, centred, load(line.scale + column), column), lanes);
    });
    finish_streams();
  });
}

template <class T>
const char* gradient(const Columns& columns, Activation kind, float slope, Arguments in) {
  const auto* x = in.pointer<const T>();
  const Parameters parameters(in);
  const Statistics statistics(in);
  const auto* dy = in.pointer<const T>();
  const auto* y = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  auto* d_residual = in.pointer<T>();
  auto* d_gamma = in.pointer<float>();
  auto* d_beta = in.pointer<float>();
  const auto* given = in.pointer<const float>();

  const int64_t parts_size = columns.pieces() * 2 * columns.channels, sums_size = whole_lines(2 * columns.channels);
  auto* memory = static_cast<float*>(
      shared_scratch((Line::size(columns) + Outgoing::size(columns) + sums_size + parts_size) * sizeof(float)));
  if (!memory || !scratch_for_all(4 * columns.padded_width())) return kOutOfMemory;
  const Line line(columns, parameters, memory);
  float *outgoing_memory = memory + Line::size(columns), *sums = outgoing_memory + Outgoing::size(columns), *parts = sums + sums_size;

  with_activation(kind, slope, [&](auto f) {
    const Incoming<T, decltype(f)> incoming{dy, y, line, f};
    if (given) {
      memcpy(sums, given, 2 * columns.channels * sizeof(float));
    } else {
      parallel(columns.pieces(), [&](int piece, int thread) {
        sum_gradients(columns, piece, x, incoming, d_residual, static_cast<float*>(scratch(thread, 0)), parts + piece * 2 * columns.channels);
      });
      add_parts(parts, columns.pieces(), 2 * columns.channels, sums);
    }
    const Outgoing outgoing(columns, parameters, statistics, sums, outgoing_memory);
    if (d_residual) write_gradient(columns, x, Incoming<T, Identity>{d_residual, nullptr, line, {}}, outgoing, dx);
    else write_gradient(columns, x, incoming, outgoing, dx);
  });
  parameter_gradients(columns, parameters, sums, d_gamma, d_beta);
  return nullptr;
}

template <class T>
const char* sum_channels(const Columns& columns, Arguments in) {
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<float>();
  auto* parts = static_cast<float*>(shared_scratch(columns.pieces() * columns.channels * sizeof(float)));
  if (!parts || !scratch_for_all(2 * columns.padded_width())) return kOutOfMemory;
  const int64_t width = columns.padded_width();
  parallel(columns.pieces(), [&](int piece, int thread) {
    float *sums = static_cast<float*>(scratch(thread, 0)), *few = sums + width;
    memset(sums, 0, 2 * width * sizeof(float));
    columns.each_few(columns.begin_of(piece), columns.rows_of(piece), [&](int64_t begin, int64_t rows) {
      columns.each(begin, rows, [&](int64_t i, int64_t column, int lanes) { add_to(few + column, load(x + i, lanes), lanes); });
      move_sums(few, width, sums);
    });
    columns.add_folds(sums);
    memcpy(parts + piece * columns.channels, sums, columns.channels * sizeof(float));
  });
  add_parts(parts, columns.pieces(), columns.channels, y);
  return nullptr;
}

/// What a convolution's weights and bias become if its outputs are normalised. All in double, so that each is rounded once: an error of a
/// weight is the same for every pixel, so nothing later evens it out.
const char* fold(int64_t rows, int64_t channels, Arguments in) {
  const auto *weights = in.pointer<const float>(), *bias = in.pointer<const float>();
  const Parameters parameters(in);
  auto *to_weights = in.pointer<float>(), *to_bias = in.pointer<float>();
  auto* scale = static_cast<double*>(shared_scratch(channels * sizeof(double)));
  if (!scale) return kOutOfMemory;
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = parameters.gamma[c] * parameters.reciprocal(c);
    const double centred = (bias ? static_cast<double>(bias[c]) : 0) - parameters.mean[c];
    to_bias[c] = static_cast<float>(centred * scale[c] + parameters.beta[c]);
  }
  constexpr int64_t kPieceValues = 1 << 15;
  const int64_t piece_rows = ceil_div(kPieceValues, channels);
  parallel(static_cast<int>(ceil_div(rows, piece_rows)), [&](int piece, int) {
    const int64_t end = smaller(rows, (piece + 1) * piece_rows);
    for (int64_t i = piece * piece_rows * channels; i < end * channels; i += channels)
      for (int64_t c = 0; c < channels; c++) to_weights[i + c] = static_cast<float>(weights[i + c] * scale[c]);
  });
  return nullptr;
}

Columns read_columns(Arguments& in) {
  const int64_t rows = in.integer();
  return Columns(rows, in.integer());
}

}  // namespace

/// batch_norm_statistics(bf16, rows, channels, x, mean, variance)
const char* batch_norm_statistics(Arguments in) {
  const bool bf16 = in.flag();
  const Columns columns = read_columns(in);
  return bf16 ? statistics<Bfloat16>(columns, in) : statistics<float>(columns, in);
}

/// batch_norm_running(channels, kept, momentum, momentum · correction, mean, variance, running_mean, running_variance, batches): running
/// statistics move towards those of a batch, and one more int32 batch is counted. Each number is rounded once.
const char* batch_norm_running(Arguments in) {
  const int64_t channels = in.integer();
  const double kept = in.real(), of_mean = in.real(), of_variance = in.real();
  const auto *mean = in.pointer<const float>(), *variance = in.pointer<const float>();
  auto *running_mean = in.pointer<float>(), *running_variance = in.pointer<float>();
  for (int64_t c = 0; c < channels; c++) {
    running_mean[c] = static_cast<float>(kept * running_mean[c] + of_mean * mean[c]);
    running_variance[c] = static_cast<float>(kept * running_variance[c] + of_variance * variance[c]);
  }
  ++*in.pointer<int32_t>();
  return nullptr;
}

/// batch_norm(bf16, rows, channels, activation, slope, x, mean, variance, gamma, beta, epsilon, residual, y)
const char* batch_norm(Arguments in) {
  const bool bf16 = in.flag();
  const Columns columns = read_columns(in);
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  return bf16 ? apply<Bfloat16>(columns, kind, slope, in) : apply<float>(columns, kind, slope, in);
}

/// batch_norm_fold(rows, channels, weights, bias, mean, variance, gamma, beta, epsilon, to_weights, to_bias)
const char* batch_norm_fold(Arguments in) {
  const int64_t rows = in.integer(), channels = in.integer();
  return fold(rows, channels, in);
}

/// batch_norm_gradient(bf16, rows, channels, activation, slope, x, mean, variance, gamma, beta, epsilon, constant, d_mean, d_variance, dy, y, dx,
/// d_residual, d_gamma, d_beta, sums or null)
const char* batch_norm_gradient(Arguments in) {
  const bool bf16 = in.flag();
  const Columns columns = read_columns(in);
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  return bf16 ? gradient<Bfloat16>(columns, kind, slope, in) : gradient<float>(columns, kind, slope, in);
}

/// channel_sum(bf16, rows, channels, x, y)
const char* channel_sum(Arguments in) {
  const bool bf16 = in.flag();
  const Columns columns = read_columns(in);
  return bf16 ? sum_channels<Bfloat16>(columns, in) : sum_channels<float>(columns, in);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
