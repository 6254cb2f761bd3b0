// Softmax and its logarithm over rows, and softmax cross-entropy.
#include "kernel.h"
#include "memory.h"
#include "softmax.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

template <class T>
const char* softmax(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const T* from = x + row * columns;
    T* to = y + row * columns;
    const Softmax s(from, columns);
    each_vector(columns, [&](int64_t i, int lanes) { store(to + i, s.probability(load(from + i, lanes)), lanes); });
  });
  return nullptr;
}

template <class T>
const char* log_softmax(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const T* from = x + row * columns;
    T* to = y + row * columns;
    const Softmax s(from, columns);
    const float log_sum = s.log_sum();
    each_vector(columns, [&](int64_t i, int lanes) { store(to + i, s.log_probability(load(from + i, lanes), log_sum), lanes); });
  });
  return nullptr;
}

/// (dy - Σ dy·y)·y
template <class T>
const char* softmax_gradient(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* dy = in.pointer<const T>();
  const auto* y = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const int64_t at = row * columns;
    const float common = row_sum(columns, [&](int64_t i, int lanes) { return load(dy + at + i, lanes) * load(y + at + i, lanes); });
    each_vector(columns, [&](int64_t i, int lanes) {
      store(dx + at + i, (load(dy + at + i, lanes) - common) * load(y + at + i, lanes), lanes);
    });
  });
  return nullptr;
}

/// dy - exp(y)·Σ dy
template <class T>
const char* log_softmax_gradient(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* dy = in.pointer<const T>();
  const auto* y = in.pointer<const T>();
  auto* dx = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const int64_t at = row * columns;
    const float total = row_sum(columns, [&](int64_t i, int lanes) { return load(dy + at + i, lanes); });
    each_vector(columns, [&](int64_t i, int lanes) {
      store(dx + at + i, load(dy + at + i, lanes) - exp(load(y + at + i, lanes)) * total, lanes);
    });
  });
  return nullptr;
}

/// Where a coefficient is 0 a probability does not count, not even that of 0, whose logarithm is infinite.
template <class T>
const char* cross_entropy(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* logits = in.pointer<const T>();
  const auto* coefficients = in.pointer<const float>();
  const bool per_example = in.flag();
  auto* loss = in.pointer<float>();
  auto* losses = per_example ? loss : static_cast<float*>(shared_scratch(rows * sizeof(float)));
  if (rows && !losses) return kOutOfMemory;
  each_row(rows, columns, [&](int64_t row) {
    const T* x = logits + row * columns;
    const float* weights = coefficients + row * columns;
    const Softmax s(x, columns);
    const float log_sum = s.log_sum();
    losses[row] = -row_sum(columns, [&](int64_t i, int lanes) {
      const Floats weight = load(weights + i, lanes);
      return select(weight == 0.0f, Floats{}, weight * s.log_probability(load(x + i, lanes), log_sum));
    });
  });
  if (per_example) return nullptr;
  double total = 0;
  for (int64_t row = 0; row < rows; row++) total += losses[row];
  *loss = static_cast<float>(total);
  return nullptr;
}

/// (softmax · Σ coefficients - coefficients)·dy
template <class T>
const char* cross_entropy_gradient(Arguments& in) {
  const int64_t rows = in.integer(), columns = in.integer();
  const auto* logits = in.pointer<const T>();
  const auto* coefficients = in.pointer<const float>();
  const bool per_example = in.flag();
  const auto* dy = in.pointer<const float>();
  auto* d_logits = in.pointer<T>();
  each_row(rows, columns, [&](int64_t row) {
    const T* x = logits + row * columns;
    const float* weights = coefficients + row * columns;
    const Softmax s(x, columns);
    const float total = row_sum(columns, [&](int64_t i, int lanes) { return load(weights + i, lanes); });
    const float scale = dy[per_example ? row : 0];
    each_vector(columns, [&](int64_t i, int lanes) {
      const Floats slope = s.probability(load(x + i, lanes)) * total - load(weights + i, lanes);
      store(d_logits + row * columns + i, slope * scale, lanes);
    });
  });
  return nullptr;
}

}  // namespace

/// softmax(bf16, rows, columns, x, y)
const char* softmax(Arguments in) { return in.flag() ? softmax<Bfloat16>(in) : softmax<float>(in); }

/// log_softmax(bf16, rows, columns, x, y)
const char* log_softmax(Arguments in) { return in.flag() ? log_softmax<Bfloat16>(in) : log_softmax<float>(in); }

/// softmax_gradient(bf16, rows, columns, dy, y, dx): dx may be dy
const char* softmax_gradient(Arguments in) { return in.flag() ? softmax_gradient<Bfloat16>(in) : softmax_gradient<float>(in); }

/// log_softmax_gradient(bf16, rows, columns, dy, y, dx): dx may be dy
const char* log_softmax_gradient(Arguments in) { return in.flag() ? log_softmax_gradient<Bfloat16>(in) : log_softmax_gradient<float>(in); }

/// cross_entropy(bf16, rows, columns, logits, coefficients, per example, loss): -Σ coefficients · log softmax(logits), over all or for each row
const char* cross_entropy(Arguments in) { return in.flag() ? cross_entropy<Bfloat16>(in) : cross_entropy<float>(in); }

/// cross_entropy_gradient(bf16, rows, columns, logits, coefficients, per example, dy, d_logits)
const char* cross_entropy_gradient(Arguments in) { return in.flag() ? cross_entropy_gradient<Bfloat16>(in) : cross_entropy_gradient<float>(in); }

/// cross_entropy_coefficients(rows, classes, targets, class weights or null, smoothing, mean, coefficients): w[k]·((1 - smoothing)·[k = target] +
/// smoothing / classes), for the mean divided by Σ w[target] over the rows
const char* cross_entropy_coefficients(Arguments in) {
  const int64_t rows = in.integer(), classes = in.integer();
  const auto* targets = in.pointer<const int32_t>();
  const auto* class_weights = in.pointer<const float>();
  const float smoothing = in.real();
  const bool mean = in.flag();
  auto* coefficients = in.pointer<float>();
  const auto weight = [&](int64_t k) { return class_weights ? class_weights[k] : 1.0f; };
  double divisor = 0;
  for (int64_t row = 0; row < rows; row++) {
    if (targets[row] < 0 || targets[row] >= classes) return "a class index lies outside of the classes";
    divisor += weight(targets[row]);
  }
  const float share = mean ? static_cast<float>(1 / divisor) : 1.0f, evenly = smoothing / static_cast<float>(classes);
  each_row(rows, classes, [&](int64_t row) {
    float* to = coefficients + row * classes;
    for (int64_t k = 0; k < classes; k++) to[k] = weight(k) * evenly * share;
    to[targets[row]] = weight(targets[row]) * (1 - smoothing + evenly) * share;
  });
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
