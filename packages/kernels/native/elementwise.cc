// Value by value: one array, two that are broadcast, a choice between two, a sum of many. Whatever the element types, the arithmetic is that of
// floats or of 32-bit integers, on runs short enough to stay in the first-level cache on their way there and back.
#include "functions.h"
#include "integers.h"
#include "math.h"
#include "storage.h"
#include "vector.h"
#include "walk.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int kChunk = 512;

template <class V>
struct ElementOf;
template <>
struct ElementOf<Floats> {
  typedef float Type;
};
template <>
struct ElementOf<Ints> {
  typedef int32_t Type;
};
template <class V>
using Element = typename ElementOf<V>::Type;

/// Calls `run(first, count)` for chunk after chunk of so many values.
template <class Run>
void each_chunk(int64_t count, int chunk, const Run& run) {
  for (int64_t i = 0; i < count; i += chunk) run(i, static_cast<int>(smaller(chunk, count - i)));
}

/// The same for chunks all over an array, on threads.
template <class Run>
void each_chunk_of(int64_t size, const Run& run) {
  const int64_t piece_length = piece_size(size);
  parallel(static_cast<int>(ceil_div(size, piece_length)), [&](int piece, int) {
    const int64_t start = piece * piece_length;
    each_chunk(smaller(piece_length, size - start), kChunk, [&](int64_t i, int n) { run(start + i, n); });
  });
}

/// y[i] = function(x[i]…), vector by vector.
template <class Function, class Y, class... X>
void apply(const Function& function, int count, Y* y, const X*... x) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, function(load(x + i)...));
  if (const int rest = count - i) store(y + i, function(load(x + i, rest)...), rest);
}

/// What is done to values: compiled once for each function, and called for each chunk, so that all that leads there is compiled but once.
template <class Y, class... X>
struct Operation {
  const void* function;
  void (*run)(const void* function, int count, Y* y, const X*... x);

  void operator()(int count, Y* y, const X*... x) const { run(function, count, y, x...); }
};

template <class Y, class... X, class Function>
Operation<Y, X...> operation(const Function& function) {
  return {&function, [](const void* f, int count, Y* y, const X*... x) { apply(*static_cast<const Function*>(f), count, y, x...); }};
}

// --- One array ------------------------------------------------------------------------------------------------------------------------------

/// x, storage, y, storage, size; then what the operation needs
struct Unary {
  const Array x, y;
  const int64_t size;

  [[gnu::noinline]] explicit Unary(Arguments& in) : x(in), y(in), size(in.integer()) {}

  /// y = function(x), computed by vectors V.
  template <class V, class Function>
  const char* map(const Function& function) const {
    run(operation<Element<decltype(function(V{}))>, Element<V>>(function));
    return nullptr;
  }

  template <class Result, class Value>
  void run(const Operation<Result, Value>& function) const {
    each_chunk_of(size, [&](int64_t i, int n) {
      Value values[kChunk];
      Result results[kChunk];
      Result* to = place(y, i, results);
      function(n, to, read(x, i, n, values));
      write(y, i, n, to);
    });
  }
};

template <class Function>
const char* real(Arguments& in, const Function& function) {
  return Unary(in).map<Floats>(function);
}

template <class Function>
const char* number(Arguments& in, const Function& function) {
  const Unary unary(in);
  return unary.x.is_integer() ? unary.map<Ints>(function) : unary.map<Floats>(function);
}

// --- Two arrays -----------------------------------------------------------------------------------------------------------------------------

/// Where an array's values along a run come from: one after the other, or so many from `start` on, the first being that at `phase`, again and again.
struct Source {
  int64_t start;
  int64_t phase;
  int period;  // 0: they don't repeat
};

template <class T>
class Input {
 public:
  Input(const Array& array, Source source, int64_t count) : array_(array), source_(source) {
    if (source.period == 0) return;
    T once[kChunk];
    const T* values = read(array, source.start, source.period, once);
    int64_t from = source.phase;
    int i = 0;
    do {
      buffer_[i++] = values[from++];
      if (from == source.period) from = 0;
    } while (i < smaller(kChunk, count));
  }

  /// `count` values from the run's element `i` on, a multiple of the period.
  const T* at(int64_t i, int count) { return source_.period ? buffer_ : read(array_, source_.start + i, count, buffer_); }

 private:
  const Array& array_;
  const Source source_;
  T buffer_[kChunk];
};

/// a, storage, b, storage, y, storage, and the walk over them
struct Binary {
  const Array a, b, y;
  Walk<3> walk;
  int repeated = -1;  // which of the two repeats over and over along a walk that has become one run, if one does
  int period = 1;

  [[gnu::noinline]] explicit Binary(Arguments& in) : a(in), b(in), y(in), walk(in) {
    for (int array = 0; array < 2; array++) flatten(array);
  }

  /// Rows of a few columns, with the same row for each of them, are one run.
  void flatten(int array) {
    const int64_t columns = walk.columns();
    if (walk.rank != 2 || 2 * columns > kChunk || walk.strides[array][0] != 0 || walk.strides[1 - array][0] != columns) return;
    repeated = array;
    period = static_cast<int>(columns);
    walk.sizes[0] *= columns;
    walk.rank = 1;
    for (auto& strides : walk.strides) strides[0] = 1;
  }

  Source source(int array, const int64_t at[]) const {
    if (array == repeated) return {0, at[array] % period, period};
    return {at[array], 0, walk.column_stride(array) == 0 ? 1 : 0};
  }

  bool is_dense_bf16() const {
    const Array* const arrays[] = {&a, &b, &y};
    for (int i = 0; i < 3; i++)
      if (arrays[i]->storage != Storage::kBfloat16 || walk.column_stride(i) == 0 || i == repeated) return false;
    return true;
  }

  /// y = function(a, b), computed by vectors V.
  template <class V, class Function>
  const char* map(const Function& function) const {
    typedef Element<V> Value;
    typedef Element<decltype(function(V{}, V{}))> Result;
    if constexpr (storage_of<Value> == Storage::kFloat32 && storage_of<Result> == Storage::kFloat32) {
      if (is_dense_bf16()) {
        run_bf16(operation<Bfloat16, Bfloat16, Bfloat16>(function));
        return nullptr;
      }
    }
    run(operation<Result, Value, Value>(function));
    return nullptr;
  }

  template <class Result, class Value>
  void run(const Operation<Result, Value, Value>& function) const {
    walk.each_run([&](const int64_t at[], int64_t count) {
      Input<Value> left(a, source(0, at), count), right(b, source(1, at), count);
      Result results[kChunk];
      each_chunk(count, kChunk / period * period, [&](int64_t i, int n) {
        Result* to = place(y, at[2] + i, results);
        function(n, to, left.at(i, n), right.at(i, n));
        write(y, at[2] + i, n, to);
      });
    });
  }

  /// Without a detour through buffers.
  void run_bf16(const Operation<Bfloat16, Bfloat16, Bfloat16>& function) const {
    walk.each_run([&](const int64_t at[], int64_t count) {
      function(static_cast<int>(count), y.at<Bfloat16>(at[2]), a.at<Bfloat16>(at[0]), b.at<Bfloat16>(at[1]));
    });
  }
};

template <class Function>
const char* reals(Arguments& in, const Function& function) {
  return Binary(in).map<Floats>(function);
}

template <class Function>
const char* integers(Arguments& in, const Function& function) {
  return Binary(in).map<Ints>(function);
}

template <class Function>
const char* numbers(Arguments& in, const Function& function) {
  const Binary binary(in);
  return binary.a.is_integer() ? binary.map<Ints>(function) : binary.map<Floats>(function);
}

// --- Lanes ----------------------------------------------------------------------------------------------------------------------------------

// Where only some machines have a vector instruction, and the compiler knows which.

template <class V, class Function>
inline V each_lane(const Function& function, V x) {
  for (int i = 0; i < kLanes; i++) x[i] = function(x[i]);
  return x;
}

template <class V, class Function>
inline V each_lane(const Function& function, V a, V b) {
  for (int i = 0; i < kLanes; i++) a[i] = function(a[i], b[i]);
  return a;
}

inline Floats one_if(Ints mask, Floats) { return (Floats)(mask & (Ints)splat(1)); }
inline Ints one_if(Ints mask, Ints) { return mask & 1; }
inline Ints truth(Ints mask) { return mask & 1; }

// Integers overflow as JavaScript's do after `| 0`.

inline Floats plus(Floats a, Floats b) { return a + b; }
inline Ints plus(Ints a, Ints b) { return (Ints)((Words)a + (Words)b); }
inline Floats minus(Floats a, Floats b) { return a - b; }
inline Ints minus(Ints a, Ints b) { return (Ints)((Words)a - (Words)b); }
inline Floats negative(Floats x) { return -x; }
inline Ints negative(Ints x) { return (Ints)(-(Words)x); }
inline Floats times(Floats a, Floats b) { return a * b; }
inline Ints times(Ints a, Ints b) { return (Ints)((Words)a * (Words)b); }
inline Ints choose(Ints mask, Ints a, Ints b) { return (mask & a) | (~mask & b); }
inline Floats choose(Ints mask, Floats a, Floats b) { return select(mask, a, b); }

/// Towards minus infinity; 0 for a division by 0.
inline int32_t floor_quotient(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t quotient = int64_t{a} / b, remainder = int64_t{a} % b;
  return static_cast<int32_t>(quotient - (remainder != 0 && (remainder < 0) != (b < 0)));
}

/// With the divisor's sign; 0 for a division by 0.
inline int32_t floor_remainder(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t remainder = int64_t{a} % b;
  return static_cast<int32_t>(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder);
}

template <class T>
void fill_with(const Array& y, int64_t size, T value) {
  T values[kChunk];
  for (T& each : values) each = value;
  each_chunk_of(size, [&](int64_t i, int n) { write(y, i, n, values); });
}

template <class V>
const char* sum_of(const Array& y, int64_t size, int count, const Arguments& addends) {
  typedef Element<V> T;
  each_chunk_of(size, [&](int64_t i, int n) {
    T sums[kChunk], values[kChunk];
    Arguments in = addends;
    const T* sum = read(Array(in), i, n, sums);
    for (int addend = 1; addend < count; addend++) {
      apply([](V a, V b) { return plus(a, b); }, n, sums, sum, read(Array(in), i, n, values));
      sum = sums;
    }
    write(y, i, n, sum);
  });
  return nullptr;
}

template <class T>
const char* pick(const uint8_t* condition, const T* a, const T* b, T* y, const Walk<4>& walk) {
  const int64_t stride = walk.column_stride(0), a_stride = walk.column_stride(1), b_stride = walk.column_stride(2);
  walk.each_run([&](const int64_t at[], int64_t count) {
    const uint8_t* c = condition + at[0];
    const T *left = a + at[1], *right = b + at[2];
    T* to = y + at[3];
    if (stride == 1 && a_stride == 1 && b_stride == 1)
      for (int64_t i = 0; i < count; i++) to[i] = c[i] ? left[i] : right[i];
    else
      for (int64_t i = 0; i < count; i++) to[i] = c[i * stride] ? left[i * a_stride] : right[i * b_stride];
  });
  return nullptr;
}

/// A function of doubles, for each lane.
#define IMGCLS_EACH(function) [](auto... x) { return each_lane([](auto... lane) { return static_cast<float>(function(lane...)); }, x...); }

}  // namespace

// --- y = f(x): (x, storage, y, storage, size) ------------------------------------------------------------------------------------------------

const char* cast(Arguments in) {
  const Unary unary(in);
  const auto same = [](auto x) { return x; };
  return unary.x.is_integer() && unary.y.is_integer() ? unary.map<Ints>(same) : unary.map<Floats>(same);
}
const char* neg(Arguments in) {
  return number(in, [](auto x) { return negative(x); });
}
const char* abs(Arguments in) {
  return number(in, [](auto x) { return choose(x < 0, negative(x), x + 0); });
}
const char* square(Arguments in) {
  return number(in, [](auto x) { return times(x, x); });
}
/// 0 of NaN.
const char* sign(Arguments in) {
  return number(in, [](auto x) { return one_if(x > 0, x) - one_if(x < 0, x); });
}
const char* sqrt(Arguments in) {
  return real(in, IMGCLS_EACH(__builtin_sqrtf));
}
const char* rsqrt(Arguments in) {
  return real(in, [](Floats x) { return 1 / each_lane([](float lane) { return __builtin_sqrtf(lane); }, x); });
}
const char* reciprocal(Arguments in) {
  return real(in, [](Floats x) { return 1 / x; });
}
const char* floor(Arguments in) {
  return real(in, IMGCLS_EACH(__builtin_floorf));
}
const char* ceil(Arguments in) {
  return real(in, IMGCLS_EACH(__builtin_ceilf));
}
/// Halves to even.
const char* round(Arguments in) {
  return real(in, IMGCLS_EACH(__builtin_rintf));
}
const char* exp(Arguments in) {
  return real(in, [](Floats x) { return exp(x); });
}
const char* expm1(Arguments in) {
  return real(in, [](Floats x) { return expm1(x); });
}
const char* log(Arguments in) {
  return real(in, [](Floats x) { return log(x); });
}
const char* erf(Arguments in) {
  return real(in, [](Floats x) { return erf(x); });
}
/// log(1 + exp(x))
const char* softplus(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::softplus));
}
const char* log1p(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::log1p));
}
const char* sin(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::sin));
}
const char* cos(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::cos));
}
const char* tan(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::tan));
}
const char* asin(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::asin));
}
const char* acos(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::acos));
}
const char* atan(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::atan));
}
const char* sinh(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::sinh));
}
const char* cosh(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::cosh));
}
const char* asinh(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::asinh));
}
const char* acosh(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::acosh));
}
const char* atanh(Arguments in) {
  return real(in, IMGCLS_EACH(scalar::atanh));
}
const char* is_nan(Arguments in) {
  return real(in, [](Floats x) { return truth(x != x); });
}
const char* is_inf(Arguments in) {
  return real(in, [](Floats x) { return truth((x == __builtin_inff()) | (x == -__builtin_inff())); });
}
const char* is_finite(Arguments in) {
  return real(in, [](Floats x) { return truth(x - x == 0); });
}
const char* logical_not(Arguments in) {
  return number(in, [](auto x) { return truth(x == 0); });
}
/// …, alpha: 1 where x > 0, else alpha; NaN stays
const char* step(Arguments in) {
  const Unary unary(in);
  const Floats alpha = splat(in.real());
  return unary.map<Floats>([=](Floats x) { return choose(x != x, x, choose(x > 0, splat(1), alpha)); });
}
/// …, least, most: NaN stays
const char* clip(Arguments in) {
  const Unary unary(in);
  const Floats least = splat(in.real()), most = splat(in.real());
  return unary.map<Floats>([=](Floats x) { return choose(x > most, most, choose(x < least, least, x)); });
}

// --- y = f(a, b), broadcast: (a, storage, b, storage, y, storage, walk) ----------------------------------------------------------------------

const char* add(Arguments in) {
  return numbers(in, [](auto a, auto b) { return plus(a, b); });
}
const char* sub(Arguments in) {
  return numbers(in, [](auto a, auto b) { return minus(a, b); });
}
const char* mul(Arguments in) {
  return numbers(in, [](auto a, auto b) { return times(a, b); });
}
const char* div(Arguments in) {
  return reals(in, [](Floats a, Floats b) { return a / b; });
}
/// NaN if one is.
const char* maximum(Arguments in) {
  return numbers(in, [](auto a, auto b) { return choose((a >= b) | (a != a), a, b); });
}
const char* minimum(Arguments in) {
  return numbers(in, [](auto a, auto b) { return choose((a <= b) | (a != a), a, b); });
}
const char* squared_difference(Arguments in) {
  return numbers(in, [](auto a, auto b) { return times(minus(a, b), minus(a, b)); });
}
const char* pow(Arguments in) {
  return reals(in, IMGCLS_EACH(scalar::pow));
}
const char* atan2(Arguments in) {
  return reals(in, IMGCLS_EACH(scalar::atan2));
}
/// a where it is not negative, else a · b
const char* prelu(Arguments in) {
  return reals(in, [](Floats a, Floats b) { return choose(a < 0, a * b, a); });
}
const char* floor_div(Arguments in) {
  return integers(in, [](Ints a, Ints b) { return each_lane(floor_quotient, a, b); });
}
/// What is left of a division, with the divisor's sign.
const char* mod(Arguments in) {
  const Binary binary(in);
  if (binary.a.is_integer()) return binary.map<Ints>([](Ints a, Ints b) { return each_lane(floor_remainder, a, b); });
  return binary.map<Floats>(IMGCLS_EACH(scalar::modulus));
}
const char* bitwise_and(Arguments in) {
  return integers(in, [](Ints a, Ints b) { return a & b; });
}
const char* equal(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a == b); });
}
const char* not_equal(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a != b); });
}
const char* less(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a < b); });
}
const char* less_equal(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a <= b); });
}
const char* greater(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a > b); });
}
const char* greater_equal(Arguments in) {
  return numbers(in, [](auto a, auto b) { return truth(a >= b); });
}
const char* logical_and(Arguments in) {
  return integers(in, [](Ints a, Ints b) { return truth((a != 0) & (b != 0)); });
}
const char* logical_or(Arguments in) {
  return integers(in, [](Ints a, Ints b) { return truth((a | b) != 0); });
}

// --- More ---------------------------------------------------------------------------------------------------------------------------------

/// y, storage, size, value: y[i] = value
const char* fill(Arguments in) {
  const Array y(in);
  const int64_t size = in.integer();
  if (y.is_integer()) {
    const auto value = static_cast<int32_t>(in.integer());
    fill_with(y, size, value);
  } else {
    fill_with(y, size, in.real());
  }
  return nullptr;
}

/// y, storage, size, how many, and of each x, storage: y[i] = Σ x[i], from the first to the last
const char* add_n(Arguments in) {
  const Array y(in);
  const int64_t size = in.integer();
  const int count = static_cast<int>(in.integer());
  return y.is_integer() ? sum_of<Ints>(y, size, count, in) : sum_of<Floats>(y, size, count, in);
}

/// condition (bool), a, b, y, bytes of an element, and the walk over them: y = condition ? a : b
const char* where(Arguments in) {
  const auto *condition = in.pointer<const uint8_t>();
  const auto *a = in.pointer<const char>(), *b = in.pointer<const char>();
  auto* y = in.pointer<char>();
  const int64_t bytes = in.integer();
  const Walk<4> walk(in);
  if (bytes == 4) return pick(condition, (const uint32_t*)a, (const uint32_t*)b, (uint32_t*)y, walk);
  if (bytes == 2) return pick(condition, (const uint16_t*)a, (const uint16_t*)b, (uint16_t*)y, walk);
  return pick(condition, (const uint8_t*)a, (const uint8_t*)b, (uint8_t*)y, walk);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
