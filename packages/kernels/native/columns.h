// Matrices [rows][channels] of which every column has something of its own: a mean, a scale, a sum.
#pragma once

#include "integers.h"
#include "memory.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Floats in a cache line: what several threads write lies in lines of their own.
constexpr int64_t kLine = 16;
inline int64_t whole_lines(int64_t floats) { return ceil_div(floats, kLine) * kLine; }

/// Each thread's scratch memory, asked for before the work is handed out. False if there is none.
inline bool scratch_for_all(int64_t floats) {
  for (int thread = 0; thread < threads(); thread++)
    if (!scratch(thread, static_cast<size_t>(floats) * sizeof(float))) return false;
  return true;
}

/// Calls `run(i, lanes)` for the vectors of so many values.
template <class Run>
void each_vector(int64_t count, const Run& run) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) run(i, kLanes);
  if (i < count) run(i, static_cast<int>(count - i));
}

/// How such a matrix is walked: few channels as rows of several rows side by side, so that they fill whole vectors; and in pieces that
/// stay in cache from one walk to the next.
struct Columns {
  int64_t rows, channels;
  int64_t fold = 1;  // rows side by side

  Columns(int64_t rows, int64_t channels) : rows(rows), channels(channels) {
    constexpr int64_t kFew = 128, kEnough = 64;
    if (channels <= kFew)
      while (fold * channels % kLanes != 0 || fold * channels < kEnough) fold++;
  }

  int64_t size() const { return rows * channels; }
  int64_t width() const { return fold * channels; }
  /// Memory for a value per column, whole vectors of them.
  int64_t padded_width() const { return whole_lines(width()); }

  int64_t piece_rows() const { return larger(1, kPieceValues / width()) * fold; }
  int pieces() const { return static_cast<int>(ceil_div(rows, piece_rows())); }
  int64_t rows_of(int piece) const { return smaller(piece_rows(), rows - piece * piece_rows()); }
  int64_t begin_of(int piece) const { return piece * piece_rows() * channels; }

  /// Calls `run(i, column, lanes)` for the vectors of a piece, in the order of memory: `lanes` values from the i-th on, of the columns from
  /// `column` on.
  template <class Run>
  void each(int piece, const Run& run) const {
    each(begin_of(piece), rows_of(piece), run);
  }

  /// The same for so many rows, the first of which begins at the value `begin`.
  template <class Run>
  void each(int64_t begin, int64_t rows, const Run& run) const {
    const int64_t end = begin + rows * channels;
    for (int64_t i = begin; i < end; i += width()) {
      const int64_t count = smaller(width(), end - i);
      each_vector(count, [&](int64_t column, int lanes) { run(i + column, column, lanes); });
    }
  }

  /// Calls `run(begin, rows)` for few rows at a time: what is summed up in such parts errs less than in one long sum.
  template <class Run>
  void each_few(int64_t begin, int64_t rows, const Run& run) const {
    const int64_t few = kFew * fold;
    for (int64_t row = 0; row < rows; row += few) run(begin + row * channels, smaller(few, rows - row));
  }

  /// In place: what each channel has, for every column.
  void repeat(float* values) const {
    for (int64_t i = channels; i < width(); i++) values[i] = values[i - channels];
  }

  /// In place: the sums of the columns, added up by channel.
  void add_folds(float* sums) const {
    for (int64_t k = 1; k < fold; k++)
      for (int64_t c = 0; c < channels; c++) sums[c] += sums[k * channels + c];
  }

 private:
  static constexpr int64_t kPieceValues = 1 << 15, kFew = 32;
};

/// Where results go. Many go past the caches, which they would only empty, if each vector lies on a boundary of its own; whoever wrote some calls
/// finish_streams().
template <class T>
struct Sink {
  T* to;
  bool streams;

  /// Vectors begin at multiples of `row`.
  Sink(T* to, int64_t size, int64_t row)
      : to(to), streams(size * int64_t{sizeof(T)} >= kMany && row % kLanes == 0 && reinterpret_cast<uintptr_t>(to) % 64 == 0) {}

  void put(int64_t i, Floats v, int lanes) const {
    if (streams && lanes == kLanes) stream(to + i, v);
    else store(to + i, v, lanes);
  }

 private:
  static constexpr int64_t kMany = 16 << 20;  // bytes
};

/// Adds to the sums of a piece's columns. The lanes beyond belong to others.
inline void add_to(float* sums, Floats v, int lanes) { store(sums, load(sums, lanes) + v, lanes); }

/// Adds sums to others, and sets them back to 0.
inline void move_sums(float* sums, int64_t count, float* to) {
  each_vector(count, [&](int64_t i, int lanes) {
    add_to(to + i, load(sums + i, lanes), lanes);
    store(sums + i, Floats{}, lanes);
  });
}

/// Adds up parts [count][width] in their order.
inline void add_parts(const float* parts, int64_t count, int64_t width, float* to) {
  parallel(static_cast<int>(ceil_div(width, kLine)), [&](int piece, int) {
    const int64_t begin = piece * kLine, some = smaller(kLine, width - begin);
    double sum[kLine] = {};
    for (int64_t part = 0; part < count; part++)
      for (int64_t i = 0; i < some; i++) sum[i] += parts[part * width + begin + i];
    for (int64_t i = 0; i < some; i++) to[begin + i] = static_cast<float>(sum[i]);
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
