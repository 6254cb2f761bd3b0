// Batch norm, and the sums by channel that it and biases need.
//
// A value x of a channel becomes z = (x - mean)·scale + beta with scale = gamma/√(variance + epsilon), then, in the same walk, y = f(z + residual)
// for an activation f. Backward, dz = dy·f′ is computed again in each of two walks instead of being stored: one sums up dz and dz·(x - mean)
// by channel, the other writes dx = dz·scale + (x - mean)·slope + offset, where slope and offset, by channel, are what goes through the statistics.
#pragma once

#include "activation.h"
#include "columns.h"
#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// What normalises: parameters and statistics, [channels].
struct Parameters {
  const float *mean, *variance, *gamma, *beta;
  float epsilon;

  explicit Parameters(Arguments& in)
      : mean(in.pointer<const float>()),
        variance(in.pointer<const float>()),
        gamma(in.pointer<const float>()),
        beta(in.pointer<const float>()),
        epsilon(in.real()) {}

  double reciprocal(int64_t c) const { return 1 / __builtin_sqrt(static_cast<double>(variance[c]) + epsilon); }
};

/// The same ready for every column of the walk, in memory of its own.
struct Line {
  float *mean, *scale, *beta;

  static int64_t size(const Columns& columns) { return 3 * columns.padded_width(); }

  Line(const Columns& columns, const Parameters& p, float* memory)
      : mean(memory), scale(mean + columns.padded_width()), beta(scale + columns.padded_width()) {
    for (int64_t c = 0; c < columns.channels; c++) {
      mean[c] = p.mean[c];
      scale[c] = static_cast<float>(p.gamma[c] * p.reciprocal(c));
      beta[c] = p.beta[c];
    }
    columns.repeat(mean);
    columns.repeat(scale);
    columns.repeat(beta);
  }

  Floats centred(Floats x, int64_t column) const { return x - load(mean + column); }
  Floats normalized(Floats centred, int64_t column) const { return fma(centred, load(scale + column), load(beta + column)); }
};

/// Where a gradient goes besides through z: to the statistics, which may have gradients of their own (else null), or are constants.
struct Statistics {
  bool constant;
  const float *d_mean, *d_variance;

  explicit Statistics(Arguments& in) : constant(in.flag()), d_mean(in.pointer<const float>()), d_variance(in.pointer<const float>()) {}
};

/// What goes through the statistics, for every column: dx = dz·scale + (x - mean)·slope + offset.
struct Outgoing {
  float *slope, *offset;

  static int64_t size(const Columns& columns) { return 2 * columns.padded_width(); }

  /// `sums`: of dz, and of dz·(x - mean), [2][channels].
  Outgoing(const Columns& columns, const Parameters& p, const Statistics& statistics, const float* sums, float* memory)
      : slope(memory), offset(memory + columns.padded_width()) {
    const double share = 1.0 / static_cast<double>(columns.rows);
    for (int64_t c = 0; c < columns.channels; c++) {
      const double r = p.reciprocal(c), scale = p.gamma[c] * r;
      slope[c] = offset[c] = 0;
      if (statistics.constant) continue;
      slope[c] = static_cast<float>(share * ((statistics.d_variance ? 2 * statistics.d_variance[c] : 0) - scale * r * r * sums[columns.channels + c]));
      offset[c] = static_cast<float>(share * ((statistics.d_mean ? statistics.d_mean[c] : 0) - scale * sums[c]));
    }
    columns.repeat(slope);
    columns.repeat(offset);
  }

  Floats gradient(Floats dz, Floats centred, Floats scale, int64_t column) const {
    return fma(dz, scale, fma(centred, load(slope + column), load(offset + column)));
  }
};

/// The gradients of gamma and beta, from the sums of dz and of dz·(x - mean).
inline void parameter_gradients(const Columns& columns, const Parameters& p, const float* sums, float* d_gamma, float* d_beta) {
  for (int64_t c = 0; c < columns.channels; c++) {
    d_beta[c] = sums[c];
    d_gamma[c] = static_cast<float>(sums[columns.channels + c] * p.reciprocal(c));
  }
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
