// Portable vectors: one source for AVX2, AVX-512, NEON and WebAssembly.
#pragma once

#include <stdint.h>
#include <string.h>
#if defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>
#elif defined(__AVX__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#include <arm_neon.h>
#endif

/// Whether the instruction set multiplies pairs of bfloat16.
#if defined(__AVX512BF16__) || defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define IMGCLS_HAS_PAIRS
#endif

/// Whether it multiplies pairs of integers of 16 bits, and adds them up in 32.
#if defined(__AVX512VNNI__)
#define IMGCLS_HAS_FIXED
#endif

#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4)));
typedef uint32_t Words __attribute__((vector_size(kLanes * 4)));

/// A bfloat16 as it lies in memory: the upper half of a float.
enum class Bfloat16 : uint16_t {};

/// Minus zero, which changes nothing: the compiler leaves it out (plus zero would turn -0 into 0).
inline Floats splat(float value) { return value - Floats{}; }

inline Floats load(const float* from) {
  Floats v;
  memcpy(&v, from, sizeof v);
  return v;
}

inline void store(float* to, Floats v) { memcpy(to, &v, sizeof v); }

/// Past the caches where that is possible, for much that will not be read soon; `to` on a boundary of a vector.
inline void stream(float* to, Floats v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)v);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)v);
#else
  store(to, v);
#endif
}

/// Before others read what was streamed.
inline void finish_streams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

#if defined(__AVX512F__)
/// The first `count` lanes.
inline __mmask16 first(int count) { return static_cast<__mmask16>((1u << count) - 1); }
#elif defined(__AVX__)
inline __m256i first(int count) { return (__m256i)(Ints{0, 1, 2, 3, 4, 5, 6, 7} < count); }
#endif

/// The first `count` lanes from memory, zeros in the others.
inline Floats load(const float* from, int count) {
  if (count == kLanes) return load(from);  // known where `count` is a constant
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_loadu_ps(first(count), from);
#elif defined(__AVX__)
  return (Floats)_mm256_maskload_ps(from, first(count));
#else
  Floats v{};
  memcpy(&v, from, static_cast<size_t>(count) * sizeof(float));
  return v;
#endif
}

inline void store(float* to, Floats v, int count) {
  if (count == kLanes) return store(to, v);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, first(count), (__m512)v);
#elif defined(__AVX__)
  _mm256_maskstore_ps(to, first(count), (__m256)v);
#else
  memcpy(to, &v, static_cast<size_t>(count) * sizeof(float));
#endif
}

typedef uint16_t Halves __attribute__((vector_size(kLanes * 2)));

/// One instruction, of which GCC makes four if it is not told.
inline Words extend(Halves h) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)h);
#elif defined(__AVX__)
  return (Words)_mm256_cvtepu16_epi32((__m128i)h);
#else
  return __builtin_convertvector(h, Words);
#endif
}

inline Floats widen(Halves h) { return (Floats)(extend(h) << 16); }

/// Rounds to the nearest, ties to even; NaN stays NaN. AVX512-BF16 takes what is no normal float, below 1.2e-38, for 0.
inline Halves narrow(Floats v) {
#if defined(__AVX512BF16__)
  return (Halves)_mm512_cvtneps_pbh((__m512)v);
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
  return (Halves)vcvt_bf16_f32((float32x4_t)v);
#else
  const Words bits = (Words)v;
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Words quiet = (bits >> 16) | 0x40u;
  const Ints nan = v != v;
  return __builtin_convertvector((rounded & ~(Words)nan) | (quiet & (Words)nan), Halves);
#endif
}

inline Floats load(const Bfloat16* from) {
  Halves h;
  memcpy(&h, from, sizeof h);
  return widen(h);
}

inline void store(Bfloat16* to, Floats v) {
  const Halves h = narrow(v);
  memcpy(to, &h, sizeof h);
}

inline void stream(Bfloat16* to, Floats v) {
  const Halves h = narrow(v);
#if defined(__AVX512F__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), (__m256i)h);
#elif defined(__AVX__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), (__m128i)h);
#else
  memcpy(to, &h, sizeof h);
#endif
}

/// The first `count` lanes as they lie in memory, zeros in the others.
inline Halves load_bits(const Bfloat16* from, int count) {
#if defined(__AVX512BW__)
  return (Halves)_mm256_maskz_loadu_epi16(first(count), from);
#else
  Halves h{};
  memcpy(&h, from, static_cast<size_t>(count) * sizeof(uint16_t));
  return h;
#endif
}

inline Floats load(const Bfloat16* from, int count) {
  if (count == kLanes) return load(from);
  return widen(load_bits(from, count));
}

inline void store(Bfloat16* to, Floats v, int count) {
  const Halves h = narrow(v);
  if (count == kLanes) return static_cast<void>(memcpy(to, &h, sizeof h));
#if defined(__AVX512BW__)
  _mm256_mask_storeu_epi16(to, first(count), (__m256i)h);
#else
  memcpy(to, &h, static_cast<size_t>(count) * sizeof(uint16_t));
#endif
}

/// a · b + c, rounded once where the machine can.
inline Floats fma(Floats a, Floats b, Floats c) {
#if defined(__wasm_relaxed_simd__)
  return (Floats)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
  return a * b + c;  // contracted: see the flags in build.mjs
#endif
}

/// Lane by lane: mask (all ones or zeros) chooses a, else b.
inline Floats select(Ints mask, Floats a, Floats b) { return (Floats)((mask & (Ints)a) | (~mask & (Ints)b)); }
/// As IEEE's comparison chooses: NaN in a stays NaN, NaN in b too.
inline Floats max(Floats a, Floats b) { return select((a >= b) | (a != a), a, b); }
inline Floats min(Floats a, Floats b) { return select((a <= b) | (a != a), a, b); }
/// The same where the bound is no NaN: one instruction instead of four.
inline Floats at_least(Floats low, Floats x) { return x < low ? low : x; }
inline Floats at_most(Floats high, Floats x) { return x > high ? high : x; }

/// The sum of all lanes, in a fixed order.
inline float sum(Floats v) {
  float lanes[kLanes];
  memcpy(lanes, &v, sizeof v);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
}

// Lane by lane from a vector of 2·kLanes lanes, a's then b's: `at(lane)` says which. The only shuffle that GCC and Clang both take.
#define IMGCLS_AT4(at, i) at(i), at(i + 1), at(i + 2), at(i + 3)
#define IMGCLS_AT8(at, i) IMGCLS_AT4(at, i), IMGCLS_AT4(at, i + 4)
#define IMGCLS_AT16(at, i) IMGCLS_AT8(at, i), IMGCLS_AT8(at, i + 8)
#if defined(__AVX512F__)
#define IMGCLS_SHUFFLE(a, b, at) __builtin_shufflevector(a, b, IMGCLS_AT16(at, 0))
#elif defined(__AVX__)
#define IMGCLS_SHUFFLE(a, b, at) __builtin_shufflevector(a, b, IMGCLS_AT8(at, 0))
#else
#define IMGCLS_SHUFFLE(a, b, at) __builtin_shufflevector(a, b, IMGCLS_AT4(at, 0))
#endif

/// Exchanges rows and lanes, in blocks of `distance`.
template <int distance>
inline void transpose_blocks(Floats rows[kLanes]) {
#define IMGCLS_UPPER(lane) ((lane)&distance ? kLanes + (lane)-distance : (lane))
#define IMGCLS_LOWER(lane) ((lane)&distance ? kLanes + (lane) : (lane) + distance)
  for (int i = 0; i < kLanes; i++) {
    if (i & distance) continue;
    const Floats a = rows[i], b = rows[i + distance];
    rows[i] = IMGCLS_SHUFFLE(a, b, IMGCLS_UPPER);
    rows[i + distance] = IMGCLS_SHUFFLE(a, b, IMGCLS_LOWER);
  }
#undef IMGCLS_UPPER
#undef IMGCLS_LOWER
}

/// Exchanges rows and lanes.
inline void transpose(Floats rows[kLanes]) {
#if defined(__AVX512F__)
  transpose_blocks<8>(rows);
#endif
#if defined(__AVX__)
  transpose_blocks<4>(rows);
#endif
  transpose_blocks<2>(rows);
  transpose_blocks<1>(rows);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
