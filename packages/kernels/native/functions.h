// Elementary functions of one number, in double arithmetic: right to a float's last bit for every float. Where speed matters, math.h has vectors.
#pragma once

#include <stdint.h>
#include <string.h>

#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {
namespace scalar {

/// Called rather than copied into each of a vector's lanes.
#define IMGCLS_FUNCTION [[gnu::noinline]] inline

constexpr double kInfinity = __builtin_inf();
constexpr double kNan = __builtin_nan("");
constexpr double kPi = 3.14159265358979323846;

inline double abs(double x) { return __builtin_fabs(x); }
inline double sqrt(double x) { return __builtin_sqrt(x); }
inline double truncated(double x) { return static_cast<double>(static_cast<int64_t>(x)); }
inline double nearest(double x) { return truncated(x + (x < 0 ? -0.5 : 0.5)); }
inline bool is_finite(double x) { return abs(x) < kInfinity; }

inline double power_of_two(int64_t exponent) {
  const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Σ xⁱ/i! from i = `first` on, divided by x^first: for |x| ≤ 0.35.
inline double exponential_series(double x, int first) {
  double factorial = 1;
  for (int i = 2; i <= first; i++) factorial *= i;
  double sum = 1;
  for (int i = 13; i > first; i--) sum = 1 + sum * x / i;
  return sum / factorial;
}

IMGCLS_FUNCTION double exp(double x) {
  if (x != x) return x;
  if (x > 700) return kInfinity;
  if (x < -700) return 0;
  constexpr double kLn2High = 0x1.62e42fee00000p-1, kLn2Low = 0x1.a39ef35793c76p-33, kLog2E = 1.44269504088896340736;
  const double k = nearest(x * kLog2E);
  return exponential_series((x - k * kLn2High) - k * kLn2Low, 0) * power_of_two(static_cast<int64_t>(k));
}

/// exp(x) - 1
IMGCLS_FUNCTION double expm1(double x) { return abs(x) < 0.35 ? x * exponential_series(x, 1) : exp(x) - 1; }

/// Of numbers that a float could be the cause of: none is subnormal.
IMGCLS_FUNCTION double log(double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity : kNan;
  if (x == kInfinity) return x;
  constexpr double kLn2 = 0.69314718055994530942, kSqrt2 = 1.41421356237309504880;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t exponent = static_cast<int64_t>(bits >> 52) - 1023;
  double mantissa = x * power_of_two(-exponent);
  if (mantissa > kSqrt2) {
    mantissa /= 2;
    exponent++;
  }
  const double s = (mantissa - 1) / (mantissa + 1), s2 = s * s;  // log(mantissa) = 2 artanh(s)
  double sum = 0;
  for (int i = 19; i >= 1; i -= 2) sum = sum * s2 + 1.0 / i;
  return static_cast<double>(exponent) * kLn2 + 2 * s * sum;
}

/// log(1 + x)
IMGCLS_FUNCTION double log1p(double x) { return abs(x) < 1e-4 ? x * (1 - x * (1.0 / 2 - x * (1.0 / 3 - x / 4))) : log(1 + x); }

/// log(1 + exp(x))
IMGCLS_FUNCTION double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/// An angle as a number of quarter turns and what is left, at most an eighth of a turn.
struct Angle {
  int quarters;
  double rest;
};

/// For large angles: the bits of x/(2π) that matter, from whole numbers (Payne and Hanek 1983).
inline Angle reduced_large(float x) {
  constexpr uint32_t kInverse[] = {0,          0x28be60db, 0x9391054a, 0x7f09d5f4,
                                   0x7d4d3770, 0x36d8a566, 0x4f10e410, 0x7f9458ea};  // 1/(2π), the point after the first
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint64_t mantissa = (bits & 0x7fffff) | 0x800000;       // |x| = mantissa · 2^exponent
  const int exponent = static_cast<int>(bits >> 23 & 0xff) - 150;
  // The 96 bits of 1/(2π) from which `mantissa` makes the 64 bits after the point: those before them make whole turns.
  const int skip = exponent + 32, word = skip >> 5, shift = skip & 31;
  uint64_t window[3];
  for (int i = 0; i < 3; i++)
    window[i] = static_cast<uint32_t>(((uint64_t{kInverse[word + i]} << 32 | kInverse[word + i + 1]) << shift) >> 32);
  const uint64_t turn = (mantissa * window[0] << 32) + mantissa * window[1] + (mantissa * window[2] >> 32);
  const uint64_t rounded = turn + (uint64_t{1} << 61);
  const double rest = static_cast<double>(static_cast<int64_t>(turn - (rounded & (uint64_t{3} << 62)))) * (2 * kPi / 0x1p64);
  const int quarters = static_cast<int>(rounded >> 62);
  return x < 0 ? Angle{-quarters, -rest} : Angle{quarters, rest};
}

inline Angle reduced(float x) {
  if (abs(x) >= 0x1p20) return reduced_large(x);
  const double quarters = nearest(x * (2 / kPi));
  const double rest = ((x - quarters * 0x1.921fb54400000p+0) - quarters * 0x1.0b4611a600000p-34) - quarters * 0x1.3198a2e037073p-69;
  return {static_cast<int>(quarters), rest};
}

/// Of at most an eighth of a turn.
inline double sin_near_zero(double x) {
  double sum = 1;
  for (int i = 16; i >= 2; i -= 2) sum = 1 - sum * x * x / (i * (i + 1));
  return x * sum;
}

inline double cos_near_zero(double x) {
  double sum = 1;
  for (int i = 17; i >= 1; i -= 2) sum = 1 - sum * x * x / (i * (i + 1));
  return sum;
}

/// sin(x + quarters · π/2)
IMGCLS_FUNCTION double sin(float x, int quarters = 0) {
  if (!is_finite(x)) return kNan;
  const Angle angle = reduced(x);
  const int turn = (angle.quarters + quarters) & 3;
  const double value = turn & 1 ? cos_near_zero(angle.rest) : sin_near_zero(angle.rest);
  return turn & 2 ? -value : value;
}

inline double cos(float x) { return sin(x, 1); }
inline double tan(float x) { return sin(x) / cos(x); }

IMGCLS_FUNCTION double atan(double x) {
  if (x < 0) return -atan(-x);
  if (x > 1) return kPi / 2 - atan(1 / x);
  if (x > 0.414213562373095) return kPi / 4 + atan((x - 1) / (x + 1));
  double sum = 0;
  for (int i = 41; i >= 1; i -= 2) sum = 1.0 / i - sum * x * x;
  return x * sum;
}

/// The angle of the point (x, y).
IMGCLS_FUNCTION double atan2(double y, double x) {
  if (x != x || y != y) return kNan;
  const bool left = __builtin_signbit(x), below = __builtin_signbit(y);
  const double across = abs(x), up = abs(y);
  const double first = up == across ? (up == 0 ? 0 : kPi / 4) : up > across ? kPi / 2 - atan(across / up) : atan(up / across);
  const double upper = left ? kPi - first : first;
  return below ? -upper : upper;
}

inline double asin(double x) { return atan2(x, sqrt((1 - x) * (1 + x))); }
inline double acos(double x) { return atan2(sqrt((1 - x) * (1 + x)), x); }

IMGCLS_FUNCTION double sinh(double x) {
  if (abs(x) < 0.35) return (expm1(x) - expm1(-x)) / 2;
  return (exp(x) - exp(-x)) / 2;
}
IMGCLS_FUNCTION double cosh(double x) { return (exp(x) + exp(-x)) / 2; }

IMGCLS_FUNCTION double asinh(double x) {
  if (!is_finite(x) || x == 0) return x;
  const double size = abs(x);
  const double value = log1p(size + size * size / (1 + sqrt(1 + size * size)));
  return x < 0 ? -value : value;
}
IMGCLS_FUNCTION double acosh(double x) { return x < 1 ? kNan : log1p((x - 1) + sqrt((x - 1) * (x + 1))); }
IMGCLS_FUNCTION double atanh(double x) { return (log1p(x) - log1p(-x)) / 2; }

/// As JavaScript's `a ** b`.
IMGCLS_FUNCTION double pow(double a, double b) {
  if (b == 0) return 1;
  if (b != b) return b;
  const bool integer = abs(b) >= 0x1p53 || truncated(b) == b;
  const bool odd = integer && abs(b) < 0x1p53 && (static_cast<int64_t>(b) & 1);
  if (a < 0 && is_finite(a) && is_finite(b) && !integer) return kNan;
  const double size = exp(b * log(abs(a)));
  return odd && __builtin_signbit(a) ? -size : size;
}

/// What is left of a division of floats, with the sign of `a`.
IMGCLS_FUNCTION double remainder(double a, double b) {
  if (!is_finite(a) || b != b || b == 0) return kNan;
  const double divisor = abs(b);
  double rest = abs(a);
  while (rest >= divisor) {
    double step = divisor;
    while (step * 0x1p28 <= rest) step *= 0x1p28;  // so that the quotient's product below is exact
    rest -= truncated(rest / step) * step;
    if (rest < 0) rest += step;
  }
  return __builtin_signbit(a) ? -rest : rest;
}

/// What is left of a division of floats, with the sign of `b`.
IMGCLS_FUNCTION double modulus(double a, double b) {
  const double rest = remainder(a, b);
  if ((a < 0 && b < 0) || (a >= 0 && b >= 0)) return rest;
  const double sum = rest + b;
  return !is_finite(sum) ? kNan : sum == b ? 0 : sum;
}

}  // namespace scalar
}  // namespace IMGCLS_ISA
}  // namespace imgcls
