// Numbers of fixed point: how they are made from floats. The largest of those that share a step becomes `most`, so that all fit. Where one of them is
// NaN or infinite the step is NaN, and with it all that comes of them.
#pragma once

#include "product.h"
#include "vector.h"

#if defined(IMGCLS_HAS_FIXED)
namespace imgcls {
namespace IMGCLS_ISA {

/// Lane by lane, the larger in size: infinity above all numbers, NaN above infinity.
inline Floats larger_size(Floats peak, Floats v) {
  const Words size = (Words)v & 0x7fffffffu;
  return (Floats)((Words)peak > size ? (Words)peak : size);
}

template <int distance>
inline Floats exchange_lanes(Floats v) {
#define IMGCLS_PARTNER(lane) ((lane) ^ distance)
  return IMGCLS_SHUFFLE(v, v, IMGCLS_PARTNER);
#undef IMGCLS_PARTNER
}

/// The largest lane of peaks, in all lanes.
inline Floats largest_size(Floats peak) {
  peak = larger_size(peak, exchange_lanes<8>(peak));
  peak = larger_size(peak, exchange_lanes<4>(peak));
  peak = larger_size(peak, exchange_lanes<2>(peak));
  return larger_size(peak, exchange_lanes<1>(peak));
}

/// Steps that numbers of fixed point count, for numbers no larger than a peak.
struct Steps {
  Floats size, inverse;

  Steps(Floats peak, int most) {
    constexpr float kLeast = 1e-30f;
    const Floats finite = at_least(splat(kLeast), peak);
    const Words infinite = Words{} + 0x7f800000u;
    size = select((Ints)((Words)peak >= infinite), splat(__builtin_nanf("")), finite * splat(1 / static_cast<float>(most)));
    inverse = splat(static_cast<float>(most)) / finite;
  }
};

inline Ints to_fixed(Floats v) { return (Ints)_mm512_maskz_cvtps_epi32(0xffff, (__m512)v); }

inline void store_fixed(int16_t* to, Floats v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)to_fixed(v)));
}

inline void store_fixed(Fixed* to, Floats first, Floats second) {
  const Words units = ((Words)to_fixed(first) & 0xffffu) | (Words)to_fixed(second) << 16;
  memcpy(to, &units, sizeof units);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
#endif
