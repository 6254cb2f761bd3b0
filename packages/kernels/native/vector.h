// Portable vectors: one source for AVX2, AVX-512, NEON and WebAssembly.
#pragma once

#include <stdint.h>
#include <string.h>
#if defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>
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

inline Floats splat(float value) { return Floats{} + value; }

inline Floats load(const float* from) {
  Floats v;
  memcpy(&v, from, sizeof v);
  return v;
}

inline void store(float* to, Floats v) { memcpy(to, &v, sizeof v); }

/// The first `count` lanes from memory, zeros in the others.
inline Floats load(const float* from, int count) {
  Floats v{};
  memcpy(&v, from, static_cast<size_t>(count) * sizeof(float));
  return v;
}

inline void store(float* to, Floats v, int count) { memcpy(to, &v, static_cast<size_t>(count) * sizeof(float)); }

typedef uint16_t Halves __attribute__((vector_size(kLanes * 2)));

inline Floats widen(Halves h) { return (Floats)(__builtin_convertvector(h, Words) << 16); }

/// Rounds to the nearest, ties to even; NaN stays NaN.
inline Halves narrow(Floats v) {
  const Words bits = (Words)v;
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Words quiet = (bits >> 16) | 0x40u;
  const Ints nan = v != v;
  return __builtin_convertvector((rounded & ~(Words)nan) | (quiet & (Words)nan), Halves);
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

inline Floats load(const Bfloat16* from, int count) {
  Halves h{};
  memcpy(&h, from, static_cast<size_t>(count) * sizeof(uint16_t));
  return widen(h);
}

inline void store(Bfloat16* to, Floats v, int count) {
  const Halves h = narrow(v);
  memcpy(to, &h, static_cast<size_t>(count) * sizeof(uint16_t));
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

/// The sum of all lanes, in a fixed order.
inline float sum(Floats v) {
  float lanes[kLanes];
  memcpy(lanes, &v, sizeof v);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
