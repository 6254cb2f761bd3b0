// Activations, each with its derivative, to be put into whatever loop writes or reads a tensor.
#pragma once

#include "math.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// In the order of `activations` in src/activation.ts.
enum class Activation { kNone, kRelu, kRelu6, kLeakyRelu, kElu, kGelu, kSilu, kSigmoid, kTanh, kHardSigmoid, kHardSwish };

/// 1 where x is positive, else 0; NaN stays.
inline Floats step(Floats x) { return select(x > 0.0f, splat(1.0f), select(x == x, Floats{}, x)); }
/// 1 where low < x < high, else 0; NaN stays.
inline Floats between(Floats x, float low, float high) { return step(x - low) * step(high - x); }

// Each has value(x), and slope(v), its derivative, where v is what it gave if kFromOutput, else x.

struct Identity {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return x; }
  Floats slope(Floats) const { return splat(1.0f); }
};

struct Relu {
  static constexpr bool kFromOutput = true;
  Floats value(Floats x) const { return at_least(Floats{}, x); }
  Floats slope(Floats y) const { return step(y); }
};

struct Relu6 {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return at_most(splat(6.0f), at_least(Floats{}, x)); }
  Floats slope(Floats x) const { return between(x, 0.0f, 6.0f); }
};

struct LeakyRelu {
  static constexpr bool kFromOutput = false;
  float below;
  Floats value(Floats x) const { return select(x < 0.0f, below * x, x); }
  Floats slope(Floats x) const { return select(x > 0.0f, splat(1.0f), select(x == x, splat(below), x)); }
};

struct Elu {
  static constexpr bool kFromOutput = true;
  Floats value(Floats x) const { return select(x < 0.0f, expm1(x), x); }
  Floats slope(Floats y) const { return at_most(Floats{}, y) + 1.0f; }
};

/// x·Φ(x) with the normal distribution Φ.
struct Gelu {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return x * normal(x).below; }
  Floats slope(Floats x) const {
    const Normal n = normal(x);
    return fma(x, n.density, n.below);
  }
};

struct Silu {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return x * sigmoid(x); }
  Floats slope(Floats x) const {
    const Floats s = sigmoid(x);
    return s * fma(x, 1.0f - s, splat(1.0f));
  }
};

struct Sigmoid {
  static constexpr bool kFromOutput = true;
  Floats value(Floats x) const { return sigmoid(x); }
  Floats slope(Floats y) const { return y * (1.0f - y); }
};

struct Tanh {
  static constexpr bool kFromOutput = true;
  Floats value(Floats x) const { return tanh(x); }
  Floats slope(Floats y) const { return 1.0f - y * y; }
};

struct HardSigmoid {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return at_most(splat(1.0f), at_least(Floats{}, fma(x, splat(1.0f / 6), splat(0.5f)))); }
  Floats slope(Floats x) const { return between(x, -3.0f, 3.0f) * (1.0f / 6); }
};

struct HardSwish {
  static constexpr bool kFromOutput = false;
  Floats value(Floats x) const { return x * HardSigmoid{}.value(x); }
  Floats slope(Floats x) const { return fma(x, HardSigmoid{}.slope(x), HardSigmoid{}.value(x)); }
};

/// The derivative at x, whatever it is told from.
template <class A>
inline Floats slope_at(const A& activation, Floats x) {
  if constexpr (A::kFromOutput) return activation.slope(activation.value(x));
  return activation.slope(x);
}

/// Any of them behind pointers, for loops that wait for memory anyway: its code is there once, not in each of them.
struct Called {
  Floats (*value_)(Floats x, float below);
  Floats (*slope_)(Floats v, float below);
  Floats (*slope_at_)(Floats x, float below);
  float below;

  Floats value(Floats x) const { return value_(x, below); }
  Floats slope(Floats v) const { return slope_(v, below); }
};

inline Floats slope_at(const Called& activation, Floats x) { return activation.slope_at_(x, activation.below); }

template <class A>
A make_activation(float) {
  return {};
}
template <>
inline LeakyRelu make_activation<LeakyRelu>(float below) {
  return {below};
}

template <class A>
inline Called called(float below) {
  return {[](Floats x, float below) { return make_activation<A>(below).value(x); },
          [](Floats v, float below) { return make_activation<A>(below).slope(v); },
          [](Floats x, float below) { return slope_at(make_activation<A>(below), x); }, below};
}

/// `with_inlined_activation(kind, slope, [&](auto activation) { … })`: the loop inside is compiled for each. `slope` is LeakyRelu's below 0.
template <class Work>
inline auto with_inlined_activation(Activation kind, float slope, const Work& work) {
  switch (kind) {
    case Activation::kRelu: return work(Relu{});
    case Activation::kRelu6: return work(Relu6{});
    case Activation::kLeakyRelu: return work(LeakyRelu{slope});
    case Activation::kElu: return work(Elu{});
    case Activation::kGelu: return work(Gelu{});
    case Activation::kSilu: return work(Silu{});
    case Activation::kSigmoid: return work(Sigmoid{});
    case Activation::kTanh: return work(Tanh{});
    case Activation::kHardSigmoid: return work(HardSigmoid{});
    case Activation::kHardSwish: return work(HardSwish{});
    default: return work(Identity{});
  }
}

/// The same for loops that do something else besides: compiled for the cheapest, and once for those behind pointers.
template <class Work>
inline auto with_activation(Activation kind, float slope, const Work& work) {
  switch (kind) {
    case Activation::kNone: return work(Identity{});
    case Activation::kRelu: return work(Relu{});
    case Activation::kRelu6: return work(Relu6{});
    default: return work(with_inlined_activation(kind, slope, [&](auto activation) { return called<decltype(activation)>(slope); }));
  }
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
