// What a gradient meets on its way back to a batch norm: the activation behind the norm, and the sums by channel that the norm's own gradient is
// made of. Whoever computes the gradient does both before he writes it, which saves batch norm a walk over it.
#pragma once

#include "batch-norm.h"
#include "epilogue.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// What becomes of gradients: dz = gradient · f′, of which the sums of dz and of dz·(x - mean) are added to what is there.
struct NormSlope {
  const void *x, *y;  // laid out and stored as the gradients; y null: f's argument is computed again from x
  const float *mean, *scale, *beta;  // by channel
  float *sums, *products;            // by channel
};

/// A vector of channels of it. All is inlined, or the sums would go through memory with each vector.
struct ChannelSlope {
  Floats mean, scale, beta;
  Floats sum{}, product{};

  [[gnu::always_inline]] ChannelSlope(const NormSlope& of, int64_t channel, int lanes)
      : mean(load(of.mean + channel, lanes)), scale(load(of.scale + channel, lanes)), beta(load(of.beta + channel, lanes)) {}

  /// `y`: null where NormSlope's is.
  template <class F, class T>
  [[gnu::always_inline]] Floats dz(const F& f, Floats gradient, const T* x, const T* y, int lanes) {
    const Floats centred = load(x, lanes) - mean;
    const Floats slope = y ? f.slope(load(y, lanes)) : slope_at(f, fma(centred, scale, beta));
    const Floats value = rounded(gradient * slope, x);
    sum += value;
    product = fma(value, centred, product);
    return value;
  }

  [[gnu::always_inline]] void add_to(const NormSlope& of, int64_t channel, int lanes) const {
    store(of.sums + channel, load(of.sums + channel, lanes) + sum, lanes);
    store(of.products + channel, load(of.products + channel, lanes) + product, lanes);
  }
};

/// The batch norm before a gradient, as a kernel is told of it, whose gradients are computed in pieces.
struct NormBefore {
  const void *x, *y;  // x null: there is none
  Parameters parameters;
  Activation activation;
  float slope;
  float* to;  // [2][channels]: the sums of dz and of dz·(x - mean)

  /// x, y or null, mean, variance, gamma, beta, epsilon, activation, slope, sums
  explicit NormBefore(Arguments& in)
      : x(in.pointer<const void>()), y(in.pointer<const void>()), parameters(in), activation(static_cast<Activation>(in.integer())), slope(in.real()),
        to(in.pointer<float>()) {}

  /// Floats of memory for the scale, and for the sums of so many pieces.
  static int64_t size(int64_t pieces, int64_t channels) { return whole_lines(channels) + 2 * channels * pieces; }

  void prepare(int64_t channels, float* memory) const {
    for (int64_t c = 0; c < channels; c++) memory[c] = static_cast<float>(parameters.gamma[c] * parameters.reciprocal(c));
  }

  static float* sums_of(int64_t piece, int64_t channels, float* memory) { return memory + whole_lines(channels) + 2 * channels * piece; }

  /// What gradients meet, with sums [2][channels] of their own.
  NormSlope with_sums(int64_t channels, const float* memory, float* sums) const {
    return {x, y, parameters.mean, memory, parameters.beta, sums, sums + channels};
  }

  void add_up(int64_t pieces, int64_t channels, float* memory) const { add_parts(sums_of(0, channels, memory), pieces, 2 * channels, to); }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
