// Values from one place to another, whatever they are. Slices, permutations, reversals, repetitions and joins are all one copy by strides.
#include "integers.h"
#include "storage.h"
#include "threads.h"
#include "vector.h"
#include "walk.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPiece = 1 << 14;  // elements of a piece of work
constexpr int64_t kTile = 64;  // of a transposition: as many cache lines as the first-level cache can hold on both sides

/// An axis along which neighbours lie next to each other in an array, or -1.
int unit_axis(const Walk<2>& walk, int array) {
  for (int i = walk.rank - 1; i >= 0; i--)
    if (walk.strides[array][i] == 1) return i;
  return -1;
}

void exchange(Walk<2>& walk, int i, int j) {
  const auto swap = [](int64_t& a, int64_t& b) {
    const int64_t before = a;
    a = b;
    b = before;
  };
  swap(walk.sizes[i], walk.sizes[j]);
  for (auto& strides : walk.strides) swap(strides[i], strides[j]);
}

template <class T>
void copy_row(const T* x, T* y, int64_t count) {
  memcpy(y, x, static_cast<size_t>(count) * sizeof(T));
}

/// Short ones in place of a call.
void copy_row(const float* x, float* y, int64_t count) {
  if (count > 8 * kLanes) return copy_row<float>(x, y, count);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, load(x + i));
  if (i < count) store(y + i, load(x + i, static_cast<int>(count - i)), static_cast<int>(count - i));
}

template <class T>
void copy_rows(const T* x, T* y, const Walk<2>& walk) {
  const int64_t x_stride = walk.column_stride(0), y_stride = walk.column_stride(1);
  walk.each_run([&](const int64_t at[], int64_t count) {
    const T* from = x + at[0];
    T* to = y + at[1];
    if (x_stride == 1 && y_stride == 1)
      copy_row(from, to, count);
    else if (y_stride == 1)
      for (int64_t i = 0; i < count; i++) to[i] = from[i * x_stride];
    else
      for (int64_t i = 0; i < count; i++) to[i * y_stride] = from[i * x_stride];
  });
}

/// y[r · y_row + c] = x[r + c · x_column]
template <class T>
void transpose_tile(const T* x, int64_t x_column, T* y, int64_t y_row, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) y[r * y_row + c] = x[r + c * x_column];
}

void transpose_tile(const float* x, int64_t x_column, float* y, int64_t y_row, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r += kLanes) {
    const int height = static_cast<int>(smaller(kLanes, rows - r));
    for (int64_t c = 0; c < columns; c += kLanes) {
      const int width = static_cast<int>(smaller(kLanes, columns - c));
      Floats block[kLanes];
      for (int i = 0; i < kLanes; i++) block[i] = i < width ? load(x + r + (c + i) * x_column, height) : Floats{};
      transpose(block);
      for (int i = 0; i < height; i++) store(y + (r + i) * y_row + c, block[i], width);
    }
  }
}

/// A walk whose last axis is dense in y, and the one before dense in x.
template <class T>
void copy_transposed(const T* x, T* y, const Walk<2>& walk) {
  const int row_axis = walk.rank - 2, column_axis = walk.rank - 1;
  const int64_t rows = walk.sizes[row_axis], columns = walk.sizes[column_axis];
  const int64_t x_column = walk.strides[0][column_axis], y_row = walk.strides[1][row_axis];
  const int64_t down = ceil_div(rows, kTile), across = ceil_div(columns, kTile);
  const int64_t matrices = walk.rows() / rows, tiles = matrices * down * across;
  const int64_t group = larger(1, kPiece / (smaller(rows, kTile) * smaller(columns, kTile)));
  parallel(static_cast<int>(ceil_div(tiles, group)), [&](int piece, int) {
    for (int64_t tile = piece * group; tile < smaller(tiles, (piece + 1) * group); tile++) {
      const int64_t r = tile % down * kTile, c = tile / down % across * kTile;
      const auto matrix = walk.row(tile / down / across * rows);
      transpose_tile(x + matrix.at[0] + r + c * x_column, x_column, y + matrix.at[1] + r * y_row + c, y_row,
                     smaller(kTile, rows - r), smaller(kTile, columns - c));
    }
  });
}

template <class T>
const char* copy(const T* x, T* y, Walk<2> walk) {
  if (walk.rows() == 0 || walk.columns() == 0) return nullptr;
  if (unit_axis(walk, 1) >= 0) exchange(walk, unit_axis(walk, 1), walk.rank - 1);
  const int dense = unit_axis(walk, 0);
  if (dense >= 0 && dense < walk.rank - 1 && walk.column_stride(1) == 1) {
    exchange(walk, dense, walk.rank - 2);
    copy_transposed(x, y, walk);
  } else {
    copy_rows(x, y, walk);
  }
  return nullptr;
}

}  // namespace

/// x, y, bytes of an element, and the walk over them: y = x
const char* copy(Arguments in) {
  const auto* x = in.pointer<const char>();
  auto* y = in.pointer<char>();
  const int64_t bytes = in.integer();
  const Walk<2> walk(in);
  if (bytes == 4) return copy(reinterpret_cast<const float*>(x), reinterpret_cast<float*>(y), walk);
  if (bytes == 2) return copy(reinterpret_cast<const uint16_t*>(x), reinterpret_cast<uint16_t*>(y), walk);
  return copy(reinterpret_cast<const uint8_t*>(x), reinterpret_cast<uint8_t*>(y), walk);
}

/// x [batch, outer, rows], indices [batch, count], y [batch, outer, count], bytes of a row, batch, outer, rows, count
const char* gather(Arguments in) {
  const auto* x = in.pointer<const char>();
  const auto* indices = in.pointer<const int32_t>();
  auto* y = in.pointer<char>();
  const int64_t bytes = in.integer(), batch = in.integer(), outer = in.integer(), rows = in.integer(), count = in.integer();
  for (int64_t i = 0; i < batch * count; i++)
    if (indices[i] < 0 || indices[i] >= rows) return "an index is out of range";
  const int64_t all = batch * outer * count, group = larger(1, 4 * kPiece / larger(1, bytes));
  parallel(static_cast<int>(ceil_div(all, group)), [&](int piece, int) {
    for (int64_t i = piece * group; i < smaller(all, (piece + 1) * group); i++) {
      const int64_t matrix = i / count, index = indices[matrix / outer * count + i % count];
      memcpy(y + i * bytes, x + (matrix * rows + index) * bytes, static_cast<size_t>(bytes));
    }
  });
  return nullptr;
}

/// x [rows, columns], segments [rows], y [count, columns], rows, columns, count: y[s] = Σ x[r] over the rows of segment s; others are left out
const char* segment_sum(Arguments in) {
  const auto* x = in.pointer<const float>();
  const auto* segments = in.pointer<const int32_t>();
  auto* y = in.pointer<float>();
  const int64_t rows = in.integer(), columns = in.integer(), count = in.integer();
  constexpr int64_t kWidth = 512;
  parallel(static_cast<int>(ceil_div(columns, kWidth)), [&](int piece, int) {
    const int64_t left = piece * kWidth, width = smaller(kWidth, columns - left);
    for (int64_t s = 0; s < count; s++) memset(y + s * columns + left, 0, static_cast<size_t>(width) * sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
      if (segments[r] < 0 || segments[r] >= count) continue;
      const float* from = x + r * columns + left;
      float* to = y + segments[r] * columns + left;
      for (int64_t c = 0; c < width; c++) to[c] += from[c];
    }
  });
  return nullptr;
}

/// indices [count], count, y [count, depth], storage, depth, value: y[i, indices[i]] = value, where there is such a place
const char* one_hot(Arguments in) {
  const auto* indices = in.pointer<const int32_t>();
  const int64_t count = in.integer();
  const Array y(in);
  const int64_t depth = in.integer();
  const float value = in.real();
  for (int64_t i = 0; i < count; i++)
    if (indices[i] >= 0 && indices[i] < depth) write(y, i * depth + indices[i], 1, &value);
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
