// Reductions of [outer, rows, columns] to [outer, columns].
//
// Rows are added to rows, vector by vector, eight at a time as a tree; after a few of these the sums go on in double precision, so that the
// result is right to a float's last bits whatever the length. Narrow rows are read as wider ones of a power of two of them, and the halves added
// in the end. Long reductions are cut into segments by shape, and their totals joined in order: the same for any number of
// threads.
#include "integers.h"
#include "memory.h"
#include "storage.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int kWidest = 512;           // columns that are added at a time: their sums stay in the first-level cache
constexpr int kNarrow = 128;           // up to here, several rows are read as one
constexpr int kFolded = 256;           // how wide that one is at least, where there is enough
constexpr int64_t kSegment = 1 << 16;  // elements of a segment
constexpr int64_t kPiece = 1 << 14;    // elements of a piece of work, at least

// What a reduction does: `join` two values, starting from `kStart`, in vectors for up to `kRows` rows and in doubles from there on.

struct Sum {
  static constexpr double kStart = 0;
  static constexpr int kRows = 32;
  static Floats join(Floats a, Floats b) { return a + b; }
  static Ints join(Ints a, Ints b) { return (Ints)((Words)a + (Words)b); }
  static double join(double a, double b) { return a + b; }
};

struct Product {
  static constexpr double kStart = 1;
  static constexpr int kRows = 1;
  static Floats join(Floats a, Floats b) { return a * b; }
  static Ints join(Ints a, Ints b) { return (Ints)((Words)a * (Words)b); }
  static double join(double a, double b) { return a * b; }
};

/// NaN if one is.
struct Max {
  static constexpr double kStart = -__builtin_inf();
  static constexpr int kRows = 1 << 16;
  static Floats join(Floats a, Floats b) { return max(a, b); }
  static Ints join(Ints a, Ints b) { return ((a > b) & a) | (~(a > b) & b); }
  static double join(double a, double b) { return a >= b || a != a ? a : b; }
};

struct Min {
  static constexpr double kStart = __builtin_inf();
  static constexpr int kRows = 1 << 16;
  static Floats join(Floats a, Floats b) { return min(a, b); }
  static Ints join(Ints a, Ints b) { return ((a < b) & a) | (~(a < b) & b); }
  static double join(double a, double b) { return a <= b || a != a ? a : b; }
};

template <class Operation, class T>
auto join_of_8(const T* x, int64_t stride) {
  const auto pair = [=](int row) { return Operation::join(load(x + row * stride), load(x + (row + 1) * stride)); };
  return Operation::join(Operation::join(pair(0), pair(2)), Operation::join(pair(4), pair(6)));
}

/// sums[c] = the join of so many rows, at least one; `sums` has room for whole vectors.
template <class Operation, class T, class Value>
void join_rows(const T* x, int64_t stride, int64_t rows, int columns, Value* sums) {
  const int whole = columns / kLanes * kLanes, rest = columns - whole;
  const auto each = [&](const T* row, const auto& function) {
    for (int c = 0; c < whole; c += kLanes) store(sums + c, function(load(sums + c), row + c));
  };
  for (int c = 0; c < whole; c += kLanes) store(sums + c, load(x + c));
  int64_t r = 1;
  for (; r + 8 <= rows; r += 8) each(x + r * stride, [=](auto sum, const T* at) { return Operation::join(sum, join_of_8<Operation>(at, stride)); });
  for (; r < rows; r++) each(x + r * stride, [](auto sum, const T* at) { return Operation::join(sum, load(at)); });
  if (rest == 0) return;
  auto sum = load(x + whole, rest);
  for (r = 1; r < rows; r++) sum = Operation::join(sum, load(x + whole + r * stride, rest));
  store(sums + whole, sum);
}

/// totals[c] = join(totals[c], all rows)
template <class Operation, class T>
void add_rows(const T* x, int64_t stride, int64_t rows, int columns, double* totals) {
  decltype(load(x)[0] + 0) sums[kWidest];
  for (int64_t r = 0; r < rows; r += Operation::kRows) {
    join_rows<Operation>(x + r * stride, stride, smaller(Operation::kRows, rows - r), columns, sums);
    for (int c = 0; c < columns; c++) totals[c] = Operation::join(totals[c], static_cast<double>(sums[c]));
  }
}

inline double number(const float* x) { return static_cast<double>(*x); }
inline double number(const int32_t* x) { return *x; }
inline double number(const Bfloat16* x) { return static_cast<double>(load(x, 1)[0]); }

/// The join of a few numbers.
template <class Operation, class T>
double join_few(const T* x, int64_t count) {
  double totals[] = {Operation::kStart, Operation::kStart};
  for (int64_t i = 0; i < count; i++) totals[i % 2] = Operation::join(totals[i % 2], number(x + i));
  return Operation::join(totals[0], totals[1]);
}

/// The join of numbers one behind the other.
template <class Operation, class T>
double join_numbers(const T* x, int64_t count) {
  if (count < kLanes) return join_few<Operation>(x, count);
  double totals[kLanes];
  for (double& total : totals) total = Operation::kStart;
  int64_t i = 0;
  if constexpr (Operation::kRows > 1) {
    while (count - i >= kLanes) {
      const int64_t end = i + smaller((count - i) / kLanes, 8 * Operation::kRows) * kLanes;
      auto sum = load(x + i);
      for (i += kLanes; i + 8 * kLanes <= end; i += 8 * kLanes) sum = Operation::join(sum, join_of_8<Operation>(x + i, kLanes));
      for (; i < end; i += kLanes) sum = Operation::join(sum, load(x + i));
      for (int lane = 0; lane < kLanes; lane++) totals[lane] = Operation::join(totals[lane], static_cast<double>(sum[lane]));
    }
  }
  totals[0] = Operation::join(totals[0], join_few<Operation>(x + i, count - i));
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) totals[lane] = Operation::join(totals[lane], totals[lane + half]);
  return totals[0];
}

/// The same for rows that lie one behind the other, few columns wide: read as rows of `fold` rows.
template <class Operation, class T>
void add_narrow_rows(const T* x, int64_t rows, int columns, double* totals) {
  const auto is_wider_better = [=](int fold) {
    return 2 * fold <= rows && (fold * columns < 2 * kLanes || (fold * columns < kFolded && 16 * fold <= rows));
  };
  int fold = 1;
  while (is_wider_better(fold)) fold *= 2;
  double wide[kWidest];
  for (int c = 0; c < fold * columns; c++) wide[c] = Operation::kStart;
  const int64_t folded = rows / fold, rest = rows % fold;
  add_rows<Operation>(x, fold * columns, folded, fold * columns, wide);
  if (rest) add_rows<Operation>(x + folded * fold * columns, 0, 1, static_cast<int>(rest) * columns, wide);
  for (int half = fold / 2 * columns; half >= columns; half /= 2)
    for (int c = 0; c < half; c++) wide[c] = Operation::join(wide[c], wide[c + half]);
  for (int c = 0; c < columns; c++) totals[c] = Operation::join(totals[c], wide[c]);
}

/// Modulo 2³²; the largest integer for what was the least of nothing.
int32_t to_int32(double value) {
  if (value >= 0x1p63) return INT32_MAX;
  if (value <= -0x1p63) return INT32_MIN;
  return static_cast<int32_t>(static_cast<int64_t>(value));
}

void write_totals(const Array& y, int64_t index, int count, const double* totals, double divisor) {
  if (y.is_integer()) {
    int32_t values[kWidest];
    for (int i = 0; i < count; i++) values[i] = to_int32(totals[i]);
    write(y, index, count, values);
  } else {
    float values[kWidest];
    for (int i = 0; i < count; i++) values[i] = static_cast<float>(totals[i] / divisor);
    write(y, index, count, values);
  }
}

/// How a reduction is cut: each of `outer` into segments of rows and blocks of columns.
struct Shape {
  int64_t outer, rows, columns;
  int64_t width, blocks;      // columns of a block
  int64_t height, segments;   // rows of a segment

  explicit Shape(Arguments& in) : outer(in.integer()), rows(in.integer()), columns(in.integer()) {
    width = columns <= kNarrow ? columns : smaller(columns, kWidest);
    blocks = ceil_div(columns, larger(1, width));
    height = larger(1, smaller(rows, kSegment / larger(1, width)));
    segments = larger(1, ceil_div(rows, height));
  }
};

/// totals[c] = the join of a segment's rows, for a block's columns.
template <class Operation, class T>
void join_segment(const T* x, const Shape& s, int64_t rows, int columns, double* totals) {
  if (s.columns == 1) {
    totals[0] = join_numbers<Operation>(x, rows);
    return;
  }
  for (int c = 0; c < columns; c++) totals[c] = Operation::kStart;
  if (s.columns <= kNarrow)
    add_narrow_rows<Operation>(x, rows, columns, totals);
  else
    add_rows<Operation>(x, s.columns, rows, columns, totals);
}

/// Where every result comes from one segment.
template <class Operation, class T>
void reduce_whole(const T* x, const Array& y, const Shape& s, double divisor) {
  const int64_t together = kWidest / s.width;  // results that are written at once
  const int64_t items = ceil_div(s.outer, together) * s.blocks, group = larger(1, kPiece / (together * s.height * s.width));
  parallel(static_cast<int>(ceil_div(items, group)), [&](int piece, int) {
    double totals[kWidest];
    for (int64_t item = piece * group; item < smaller(items, (piece + 1) * group); item++) {
      const int64_t left = item % s.blocks * s.width, first = item / s.blocks * together;
      const int count = static_cast<int>(smaller(together, s.outer - first)), columns = static_cast<int>(smaller(s.width, s.columns - left));
      for (int o = 0; o < count; o++)
        join_segment<Operation>(x + (first + o) * s.rows * s.columns + left, s, s.rows, columns, totals + o * columns);
      write_totals(y, first * s.columns + left, count * columns, totals, divisor);
    }
  });
}

/// Where segments have totals of their own, which are joined afterwards.
template <class Operation, class T>
const char* reduce_segments(const T* x, const Array& y, const Shape& s, double divisor) {
  auto* partial = static_cast<double*>(shared_scratch(static_cast<size_t>(s.outer * s.segments * s.columns) * sizeof(double)));
  if (!partial) return kOutOfMemory;
  parallel(static_cast<int>(s.outer * s.segments * s.blocks), [&](int piece, int) {
    const int64_t left = piece % s.blocks * s.width, segment = piece / s.blocks % s.segments, o = piece / s.blocks / s.segments;
    const int64_t top = segment * s.height, rows = smaller(s.height, s.rows - top);
    const int columns = static_cast<int>(smaller(s.width, s.columns - left));
    join_segment<Operation>(x + (o * s.rows + top) * s.columns + left, s, rows, columns,
                            partial + (o * s.segments + segment) * s.columns + left);
  });
  parallel(static_cast<int>(s.outer * s.blocks), [&](int piece, int) {
    const int64_t left = piece % s.blocks * s.width, o = piece / s.blocks;
    const int columns = static_cast<int>(smaller(s.width, s.columns - left));
    double totals[kWidest];
    for (int c = 0; c < columns; c++) totals[c] = Operation::kStart;
    for (int64_t segment = 0; segment < s.segments; segment++) {
      const double* part = partial + (o * s.segments + segment) * s.columns + left;
      for (int c = 0; c < columns; c++) totals[c] = Operation::join(totals[c], part[c]);
    }
    write_totals(y, o * s.columns + left, columns, totals, divisor);
  });
  return nullptr;
}

template <class Operation, class T>
const char* reduce(const T* x, const Array& y, const Shape& s, double divisor) {
  if (s.segments > 1) return reduce_segments<Operation>(x, y, s, divisor);
  reduce_whole<Operation>(x, y, s, divisor);
  return nullptr;
}

/// x, storage (no truth values), y, storage, outer, rows, columns; divisor for sums
template <class Operation>
const char* reduce(Arguments& in) {
  const Array x(in), y(in);
  const Shape shape(in);
  const auto divisor = static_cast<double>(in.integer());
  if (shape.outer == 0 || shape.columns == 0) return nullptr;
  switch (x.storage) {
    case Storage::kFloat32:
      return reduce<Operation>(x.at<float>(0), y, shape, divisor);
    case Storage::kBfloat16:
      return reduce<Operation>(x.at<Bfloat16>(0), y, shape, divisor);
    default:
      return reduce<Operation>(x.at<int32_t>(0), y, shape, divisor);
  }
}

// Where the largest (or, negated, the smallest) value is: the first of equals. NaN is it only as the very first.

template <class T, bool kLeast>
struct Extreme {
  typedef decltype(load(static_cast<const T*>(nullptr))) Vector;

  template <class V>
  static auto better(V a, V b) {
    return kLeast ? a < b : a > b;
  }

  static int32_t of_row(const T* x, int64_t rows) {
    Ints place{}, now = iota();
    Vector best = load(x, 1);
    for (int lane = 1; lane < kLanes; lane++) best[lane] = best[0];
    int64_t i = 0;
    for (; i + kLanes <= rows; i += kLanes, now += kLanes) update(load(x + i), now, best, place);
    int32_t result = 0;
    auto value = load(x, 1)[0];
    for (int lane = 0; lane < kLanes; lane++) {
      if (!better(best[lane], value) && !(best[lane] == value && place[lane] < result)) continue;
      value = best[lane];
      result = place[lane];
    }
    for (; i < rows; i++) {
      const auto next = load(x + i, 1)[0];
      if (!better(next, value)) continue;
      value = next;
      result = static_cast<int32_t>(i);
    }
    return result;
  }

  /// The same for up to kLanes columns.
  static Ints of_columns(const T* x, int64_t rows, int64_t stride, int count) {
    Ints place{}, now{};
    Vector best = load(x, count);
    for (int64_t r = 0; r < rows; r++, now += 1) update(load(x + r * stride, count), now, best, place);
    return place;
  }

 private:
  static void update(Vector next, Ints now, Vector& best, Ints& place) {
    const Ints wins = better(next, best);
    best = (Vector)((wins & (Ints)next) | (~wins & (Ints)best));
    place = (wins & now) | (~wins & place);
  }

  static Ints iota() {
    Ints lanes;
    for (int lane = 0; lane < kLanes; lane++) lanes[lane] = lane;
    return lanes;
  }
};

template <class T, bool kLeast>
const char* arg_reduce(const T* x, int32_t* y, int64_t outer, int64_t rows, int64_t columns) {
  typedef Extreme<T, kLeast> Extreme;
  const int64_t group = larger(1, kPiece / larger(1, rows * columns));
  parallel(static_cast<int>(ceil_div(outer, group)), [&](int piece, int) {
    for (int64_t o = piece * group; o < smaller(outer, (piece + 1) * group); o++) {
      const T* from = x + o * rows * columns;
      if (columns == 1) {
        y[o] = Extreme::of_row(from, rows);
        continue;
      }
      for (int64_t c = 0; c < columns; c += kLanes) {
        const int count = static_cast<int>(smaller(kLanes, columns - c));
        store(y + o * columns + c, Extreme::of_columns(from + c, rows, columns, count), count);
      }
    }
  });
  return nullptr;
}

/// x, storage (no truth values), y (int32), outer, rows, columns
template <bool kLeast>
const char* arg_reduce(Arguments& in) {
  const Array x(in);
  auto* y = in.pointer<int32_t>();
  const int64_t outer = in.integer(), rows = in.integer(), columns = in.integer();
  switch (x.storage) {
    case Storage::kFloat32:
      return arg_reduce<float, kLeast>(x.at<float>(0), y, outer, rows, columns);
    case Storage::kBfloat16:
      return arg_reduce<Bfloat16, kLeast>(x.at<Bfloat16>(0), y, outer, rows, columns);
    default:
      return arg_reduce<int32_t, kLeast>(x.at<int32_t>(0), y, outer, rows, columns);
  }
}

}  // namespace

const char* sum(Arguments in) { return reduce<Sum>(in); }
const char* prod(Arguments in) { return reduce<Product>(in); }
const char* max(Arguments in) { return reduce<Max>(in); }
const char* min(Arguments in) { return reduce<Min>(in); }

const char* arg_max(Arguments in) { return arg_reduce<false>(in); }
const char* arg_min(Arguments in) { return arg_reduce<true>(in); }

}  // namespace IMGCLS_ISA
}  // namespace imgcls
