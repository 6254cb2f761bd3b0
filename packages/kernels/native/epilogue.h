// What happens to the sums of a product or convolution on their way into memory, and the moments that batch norm wants of them.
#pragma once

#include "activation.h"
#include "integers.h"
#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// As many lanes as there are, zeros in the others.
template <class T>
Floats load_some(const T* from, int64_t count) {
  return count >= kLanes ? load(from) : load(from, static_cast<int>(count));
}

template <class T>
void store_some(T* to, Floats v, int64_t count) {
  if (count >= kLanes) store(to, v);
  else store(to, v, static_cast<int>(count));
}

/// As it will be read again.
inline Floats rounded(Floats v, const float*) { return v; }
inline Floats rounded(Floats v, const Bfloat16*) { return widen(narrow(v)); }

/// y = activation(scale · sum + bias + residual)
struct Epilogue {
  float scale;
  const float* bias;     // by channel; null: none
  const void* residual;  // laid out and stored as y; null: none; y itself: the sums are added to what was there
  Activation activation;
  float slope;           // of a leaky activation

  /// Whether y = min(max(sum + bias + residual, low()), high()).
  bool is_clamp() const {
    return scale == 1 && (activation == Activation::kNone || activation == Activation::kRelu || activation == Activation::kRelu6);
  }
  float low() const { return activation == Activation::kNone ? -__builtin_inff() : 0; }
  float high() const { return activation == Activation::kRelu6 ? 6 : __builtin_inff(); }

  /// One row. `bias` and `residual` begin at its first column.
  template <class T>
  void write(const float* sums, int64_t n, const float* bias, const T* residual, T* y) const {
    with_activation(activation, slope, [&](auto f) {
      for (int64_t i = 0; i < n; i += kLanes) {
        Floats value = scale * load_some(sums + i, n - i);
        if (bias) value += load_some(bias + i, n - i);
        if (residual) value += load_some(residual + i, n - i);
        store_some(y + i, f.value(value), n - i);
      }
    });
  }
};

/// bias, residual, activation, slope
inline Epilogue read_epilogue(Arguments& in, float scale) {
  const auto* bias = in.pointer<const float>();
  const auto* residual = in.pointer<const void>();
  const auto activation = static_cast<Activation>(in.integer());
  return {scale, bias, residual, activation, in.real()};
}

/// Σ value(i), as sums of few that are then added: that errs less than one long sum.
template <class Value>
Floats sum_of_sums(int64_t count, const Value& value) {
  constexpr int64_t kFew = 16;
  Floats total{};
  for (int64_t i = 0; i < count;) {
    Floats sum{};
    for (const int64_t end = smaller(count, i + kFew); i < end; i++) sum += value(i);
    total += sum;
  }
  return total;
}

/// Means and biased variances by channel, gathered by blocks of pixels: each block's own, then put together in the order of the blocks.
/// Their errors are the same for all pixels of a channel, so that no later mean evens them out: they must be right to the last bits.
struct Moments {
  float* mean;      // null: not wanted
  float* variance;
  int64_t blocks, channels;
  float* parts;     // size() floats

  int64_t size() const { return mean ? (2 * channels + 1) * blocks : 0; }
  float* means(int64_t block) const { return parts + 2 * block * channels; }
  /// Sums of the squares of what differs from the mean.
  float* squares(int64_t block) const { return means(block) + channels; }
  /// Each block's number of pixels; whoever writes channels of a block writes the same.
  void set_count(int64_t block, int64_t count) const {
    __atomic_store_n(reinterpret_cast<int32_t*>(parts + 2 * blocks * channels) + block, static_cast<int32_t>(count), __ATOMIC_RELAXED);
  }
  int32_t count(int64_t block) const { return reinterpret_cast<const int32_t*>(parts + 2 * blocks * channels)[block]; }

  /// The moments of a block's channels [channel, channel + n), of sums + bias as they are rounded when stored; `row` is padded to whole vectors.
  template <class T>
  void gather(int64_t block, int64_t channel, int64_t n, const float* sums, int64_t row, int64_t rows, const float* bias, const T* stored) const {
    for (int64_t c = 0; c < n; c += kLanes) {
      const Floats offset = bias ? load_some(bias + c, n - c) : Floats{};
      const auto value = [&](int64_t i) { return rounded(load(sums + i * row + c) + offset, stored); };
      const Floats first = value(0), share = splat(1 / static_cast<float>(rows));
      const Floats mean = fma(sum_of_sums(rows, [&](int64_t i) { return value(i) - first; }), share, first);
      const Floats squares_sum = sum_of_sums(rows, [&](int64_t i) {
        const Floats off = value(i) - mean;
        return off * off;
      });
      store_some(means(block) + channel + c, mean, n - c);
      store_some(squares(block) + channel + c, squares_sum, n - c);
    }
    set_count(block, rows);
  }

  void combine() const {
    if (mean)
      parallel(static_cast<int>(ceil_div(channels, kLanes)), [&](int piece, int) {
        const int64_t begin = piece * kLanes;
        combine(begin, static_cast<int>(smaller(kLanes, channels - begin)));
      });
  }

 private:
  void combine(int64_t channel, int n) const {
    double total = 0, sum[kLanes] = {}, squares_sum[kLanes] = {};
    for (int64_t b = 0; b < blocks; b++) {
      total += count(b);
      for (int i = 0; i < n; i++) sum[i] += count(b) * static_cast<double>(means(b)[channel + i]);
    }
    for (int i = 0; i < n; i++) sum[i] /= total;
    for (int64_t b = 0; b < blocks; b++)
      for (int i = 0; i < n; i++) {
        const double off = means(b)[channel + i] - sum[i];
        squares_sum[i] += squares(b)[channel + i] + count(b) * off * off;
      }
    for (int i = 0; i < n; i++) {
      mean[channel + i] = static_cast<float>(sum[i]);
      variance[channel + i] = static_cast<float>(squares_sum[i] / total);
    }
  }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
