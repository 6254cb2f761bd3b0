// Elementary functions over vectors: float32 within 2 units in the last place, NaN and infinities as IEEE says, denormals kept.
//
// Each brings its argument to a small interval exactly and evaluates a polynomial there. The coefficients are minimax fits (Lawson's
// weighted least squares on Chebyshev nodes, rounded to float32 one after the other), below 8e-9 relative.
#pragma once

#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

inline Floats abs(Floats x) { return (Floats)((Words)x & 0x7fffffffu); }
/// The magnitude of one with the sign of the other.
inline Floats copy_sign(Floats magnitude, Floats sign) { return (Floats)(((Words)magnitude & 0x7fffffffu) | ((Words)sign & 0x80000000u)); }

/// c[0] + c[1]·x + c[2]·x² …
template <int kCount>
inline Floats polynomial(Floats x, const float (&c)[kCount]) {
  Floats sum = splat(c[kCount - 1]);
  for (int i = kCount - 2; i >= 0; i--) sum = fma(sum, x, splat(c[i]));
  return sum;
}

/// 2ⁿ for n in [-126, 127].
inline Floats power_of_two(Ints n) { return (Floats)((n + 127) << 23); }

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2.
struct Reduced {
  Ints n;
  Floats r;
};

inline Reduced reduce(Floats x) {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // the high part times n is exact
  constexpr float kRound = 12582912.0f;                                // 1.5 · 2²³: what is added to it is rounded to an integer
  const Floats shifted = fma(x, splat(kLog2e), splat(kRound));
  const Floats n = shifted - kRound;
  const Ints whole = (Ints)shifted - (Ints)splat(kRound);
  return {whole, fma(n, splat(-kLn2Low), fma(n, splat(-kLn2High), x))};
}

/// e^r - 1 for the reduced r.
inline Floats expm1_reduced(Floats r) {
  constexpr float kC[] = {0.5f, 0.166665152f, 0.0416663736f, 0.00836939365f, 0.0013943254f};
  return fma(r * r, polynomial(r, kC), r);
}

/// eˣ
inline Floats exp(Floats x) {
  const Reduced to = reduce(at_most(splat(89.0f), at_least(splat(-104.0f), x)));
  const Ints half = to.n >> 1;  // in two steps, since 2ⁿ alone may be no normal number
  return (expm1_reduced(to.r) + 1.0f) * power_of_two(half) * power_of_two(to.n - half);
}

/// eˣ - 1, without cancellation near 0.
inline Floats expm1(Floats x) {
  const Reduced to = reduce(at_most(splat(89.0f), at_least(splat(-80.0f), x)));
  const Floats half = power_of_two(to.n - 1);  // half of 2ⁿ, which may be infinite
  return 2.0f * fma(half, expm1_reduced(to.r), half - 0.5f);
}

/// ln x
inline Floats log(Floats x) {
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr float kSmallest = 1.17549435e-38f;  // normal number
  constexpr float kC[] = {0.333333135f,  -0.250000089f, 0.20002073f,   -0.166679963f, 0.142203271f,
                          -0.124060318f, 0.11883568f,   -0.116714492f, 0.0675095618f};
  const Ints denormal = x < kSmallest;
  const Floats normal = select(denormal, x * 8388608.0f, x);  // 2²³
  const Words root_half = (Words)splat(0.70710678f);
  const Ints exponent = (Ints)((Words)normal - root_half) >> 23;
  const Floats f = (Floats)((Words)normal - ((Words)exponent << 23)) - 1.0f;  // in [√½ - 1, √2 - 1)
  const Floats e = __builtin_convertvector(exponent - (denormal & 23), Floats);
  const Floats series = fma(f * f, fma(f, polynomial(f, kC), splat(-0.5f)), e * kLn2Low) + f;
  const Floats result = fma(e, splat(kLn2High), series);
  const Floats infinity = splat(__builtin_inff());
  const Floats at_zero = select(x == 0.0f, -infinity, splat(__builtin_nanf("")));
  return select(x > 0.0f, select(x == infinity, x, result), select(x != x, x, at_zero));
}

/// 1 / (1 + e⁻ˣ)
inline Floats sigmoid(Floats x) {
  const Floats e = exp(-abs(x));
  return select(x < 0.0f, e, splat(1.0f)) / (1.0f + e);
}

inline Floats tanh(Floats x) {
  const Floats e = expm1(2.0f * at_most(splat(10.0f), abs(x)));
  return copy_sign(e / (e + 2.0f), x);
}

/// e^(t²)·(1 - erf t) for t ≥ 0: falls slowly, from 1 towards 1 / (t√π). Holds as far as e^(-t²) is not 0.
inline Floats scaled_erfc(Floats t) {
  constexpr float kC[] = {0.197482288f,  0.197165594f,  0.187688604f, 0.152133122f,  0.143430382f,
                          0.0916785002f, -0.033092618f, 0.185359508f, -0.160533458f, 0.038688086f};
  const Floats u = 1.0f / fma(t, splat(0.35f), splat(1.0f));
  return u * polynomial(u, kC);
}

/// erf x for |x| < 1
inline Floats erf_near_zero(Floats x) {
  constexpr float kC[] = {0.128379166f, -0.37612626f, 0.112835787f, -0.0268533472f, 0.0051871622f, -0.00079978531f, 7.80690316e-05f};
  return fma(x, polynomial(x * x, kC), x);
}

/// (2/√π)·∫₀ˣ e^(-t²) dt
inline Floats erf(Floats x) {
  const Floats far = 1.0f - exp(-x * x) * scaled_erfc(at_most(splat(10.0f), abs(x)));
  return select(abs(x) < 1.0f, erf_near_zero(x), copy_sign(far, x));
}

/// The normal distribution at x: its density, and the probability of a smaller value. Far from 0 their errors are those of x² in e^(-x²/2).
struct Normal {
  Floats density, below;
};

inline Normal normal(Floats x) {
  constexpr float kRootHalf = 0.707106781f, kScale = 0.398942280f;  // 1 / √(2π)
  const Floats e = exp(-0.5f * x * x);
  const Floats t = kRootHalf * x;
  const Floats tail = 0.5f * e * scaled_erfc(at_most(splat(10.5f), abs(t)));
  const Floats far = select(x < 0.0f, tail, 1.0f - tail);
  return {kScale * e, select(abs(t) < 1.0f, fma(splat(0.5f), erf_near_zero(t), splat(0.5f)), far)};
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
