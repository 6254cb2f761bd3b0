// Layer norm: every row normalised by its own mean and variance, then scaled and offset by column.
//
// Backward, with the normalised values n and g = dy·gamma: dx = r·(g - mean of g - n·mean of g·n), where r = 1/√(variance + epsilon). A row is
// small enough to stay in cache for several walks.
#include "kernel.h"
#include "memory.h"
#include "row.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// Mean, and 1/√(variance + epsilon), of a row.
struct Spread {
  float mean, r;

  template <class T>
  Spread(const T* x, int64_t columns, float epsilon) {
    const float share = 1.0f / static_cast<float>(columns), first = load(x, 1)[0];  // sums about one of the values lose nothing to a large mean
    mean = first + share * row_sum(columns, [&](int64_t i, int lanes) { return load(x + i, lanes) - first; });
    const float squares = row_sum(columns, [&](int64_t i, int lanes) {
      const Floats centred = load(x + i, lanes) - mean;
      return centred * centred;
    });
    r = 1.0f / __builtin_sqrtf(squares * share + epsilon);
  }

  Floats normalized(Floats x) const { return (x - mean) * r; }
};

template <class T>
const char* layer_norm(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* x = in.pointer<const T>();
  const auto* gamma = in.pointer<const float>();
  const auto* beta = in.pointer<const float>();
  const float epsilon = in.real();
  auto* y = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const T* from = x + row * columns;
    const Spread spread(from, columns, epsilon);
    each_vector(columns, [&](int64_t i, int lanes) {
      const Floats value = fma(spread.normalized(load(from + i, lanes)), load(gamma + i, lanes), load(beta + i, lanes));
      store(y + row * columns + i, value, lanes);
    });
  });
  return nullptr;
}

template <class T>
const char* layer_norm_gradient(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* x = in.pointer<const T>();
  const auto* gamma = in.pointer<const float>();
  const float epsilon = in.real();
  const auto* dy = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  auto* d_gamma = in.pointer<float>();
  auto* d_beta = in.pointer<float>();

  constexpr int64_t kPieceValues = 1 << 15;
  const int64_t rows_each = larger(1, kPieceValues / larger(1, columns)), pieces = ceil_div(rows, rows_each);
  auto* parts = static_cast<float*>(shared_scratch((pieces + 1) * 2 * columns * sizeof(float)));
  if (!parts) return kOutOfMemory;
  parallel(static_cast<int>(pieces), [&](int piece, int) {
    float *products = parts + piece * 2 * columns, *sums = products + columns;
    memset(products, 0, 2 * columns * sizeof(float));
    for (int64_t row = piece * rows_each; row < smaller((piece + int64_t{1}) * rows_each, rows); row++) {
      const T *x_row = x + row * columns, *dy_row = dy + row * columns;
      const Spread spread(x_row, columns, epsilon);
      const float share = 1.0f / static_cast<float>(columns);
      const float mean = share * row_sum(columns, [&](int64_t i, int lanes) { return load(dy_row + i, lanes) * load(gamma + i, lanes); });
      const float slope = share * row_sum(columns, [&](int64_t i, int lanes) {
        return load(dy_row + i, lanes) * load(gamma + i, lanes) * spread.normalized(load(x_row + i, lanes));
      });
      each_vector(columns, [&](int64_t i, int lanes) {
        const Floats gradient = load(dy_row + i, lanes), normalized = spread.normalized(load(x_row + i, lanes));
        add_to(products + i, gradient * normalized, lanes);
        add_to(sums + i, gradient, lanes);
        store(dx + row * columns + i, spread.r * (gradient * load(gamma + i, lanes) - mean - normalized * slope), lanes);
      });
    }
  });
  float* both = parts + pieces * 2 * columns;
  add_parts(parts, pieces, 2 * columns, both);
  memcpy(d_gamma, both, columns * sizeof(float));
  memcpy(d_beta, both + columns, columns * sizeof(float));
  return nullptr;
}

}  // namespace

/// layer_norm(bf16, rows, columns, x, gamma, beta, epsilon, y)
const char* layer_norm(Arguments in) { return in.flag() ? layer_norm<Bfloat16>(in) : layer_norm<float>(in); }

/// layer_norm_gradient(bf16, rows, columns, x, gamma, epsilon, dy, dx, d_gamma, d_beta): dx may be dy
const char* layer_norm_gradient(Arguments in) { return in.flag() ? layer_norm_gradient<Bfloat16>(in) : layer_norm_gradient<float>(in); }

}  // namespace IMGCLS_ISA
}  // namespace imgcls
