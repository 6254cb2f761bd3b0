// Values of any element type, read and written as floats or integers: what is computed need not know how it is stored.
#pragma once

#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

typedef uint8_t Bytes __attribute__((vector_size(kLanes)));

/// How the values of an array lie in memory, numbered as in src/element.ts.
enum class Storage { kFloat32, kBfloat16, kInt32, kBool };

struct Array {
  char* data;
  Storage storage;

  explicit Array(Arguments& in) : data(in.pointer<char>()), storage(static_cast<Storage>(in.integer())) {}
  bool is_integer() const { return storage >= Storage::kInt32; }
  int64_t element_bytes() const { return storage == Storage::kBool ? 1 : storage == Storage::kBfloat16 ? 2 : 4; }
  template <class T>
  T* at(int64_t index) const {
    return reinterpret_cast<T*>(data) + index;
  }
};

inline Ints load(const int32_t* from) {
  Ints v;
  memcpy(&v, from, sizeof v);
  return v;
}

inline Ints load(const int32_t* from, int count) {
  Ints v{};
  memcpy(&v, from, static_cast<size_t>(count) * sizeof(int32_t));
  return v;
}

/// As that of Halves.
inline Ints extend(Bytes b) {
#if defined(__AVX512F__)
  return (Ints)_mm512_maskz_cvtepu8_epi32(0xffff, (__m128i)b);
#elif defined(__AVX__)
  long long bits;
  memcpy(&bits, &b, sizeof bits);
  return (Ints)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bits));
#else
  return __builtin_convertvector(b, Ints);
#endif
}

inline Ints load(const uint8_t* from) {
  Bytes v;
  memcpy(&v, from, sizeof v);
  return extend(v);
}

inline Ints load(const uint8_t* from, int count) {
  Bytes v{};
  memcpy(&v, from, static_cast<size_t>(count));
  return extend(v);
}

inline void store(int32_t* to, Ints v) { memcpy(to, &v, sizeof v); }
inline void store(int32_t* to, Ints v, int count) { memcpy(to, &v, static_cast<size_t>(count) * sizeof(int32_t)); }

/// As JavaScript's `x | 0`: towards zero, modulo 2³², and 0 for what is no number.
inline int32_t to_int32(float value) {
  if (value > -2147483648.0f && value < 2147483648.0f) return static_cast<int32_t>(value);
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const int exponent = static_cast<int>(bits >> 23 & 0xff) - 150;  // the value is mantissa · 2^exponent
  const uint32_t mantissa = (bits & 0x7fffff) | 0x800000;
  const uint32_t size = exponent < 32 ? mantissa << exponent : 0;
  return static_cast<int32_t>(value < 0 ? 0 - size : size);
}

// Runs of values from one type to another. No more than `count` are touched on either side.

template <class From, class To>
void convert(const From* from, int count, To* to) {
  for (int i = 0; i < count; i++) to[i] = static_cast<To>(from[i]);
}

inline void convert(const float* from, int count, int32_t* to) {
  for (int i = 0; i < count; i++) to[i] = to_int32(from[i]);
}

inline void convert(const float* from, int count, uint8_t* to) {
  for (int i = 0; i < count; i++) to[i] = from[i] != 0;
}

inline void convert(const int32_t* from, int count, uint8_t* to) {
  for (int i = 0; i < count; i++) to[i] = from[i] != 0;
}

inline void convert(const Bfloat16* from, int count, float* to) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  if (i < count) store(to + i, load(from + i, count - i), count - i);
}

inline void convert(const float* from, int count, Bfloat16* to) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  if (i < count) store(to + i, load(from + i, count - i), count - i);
}

template <class T>
constexpr Storage storage_of = Storage::kFloat32;
template <>
inline constexpr Storage storage_of<int32_t> = Storage::kInt32;

/// One or more values that lie at `index` and after it, as T (float or int32_t): there itself, or converted into `buffer`.
template <class T>
const T* read(const Array& x, int64_t index, int count, T* buffer) {
  if (count <= 0) __builtin_unreachable();  // so that compilers see that all of it is written
  if (x.storage == storage_of<T>) return x.at<T>(index);
  if (storage_of<T> == Storage::kInt32 || x.storage == Storage::kBool)
    convert(x.at<uint8_t>(index), count, buffer);
  else if (x.storage == Storage::kInt32)
    convert(x.at<int32_t>(index), count, buffer);
  else
    convert(x.at<Bfloat16>(index), count, buffer);
  return buffer;
}

/// Where to compute what will lie at `index` and after it: there itself, or in `buffer`, from where write() takes it.
template <class T>
T* place(const Array& y, int64_t index, T* buffer) {
  return y.storage == storage_of<T> ? y.at<T>(index) : buffer;
}

template <class T>
void write(const Array& y, int64_t index, int count, const T* values) {
  if (y.storage == storage_of<T>) {
    if (values != y.at<T>(index)) memcpy(y.at<T>(index), values, static_cast<size_t>(count) * sizeof(T));
  } else if (storage_of<T> == Storage::kInt32 || y.storage == Storage::kBool) {
    convert(values, count, y.at<uint8_t>(index));
  } else if (y.storage == Storage::kInt32) {
    convert(values, count, y.at<int32_t>(index));
  } else {
    convert(values, count, y.at<Bfloat16>(index));
  }
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
