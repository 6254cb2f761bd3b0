// Activations over whole tensors, and their gradients.
#include "activation.h"
#include "columns.h"
#include "kernel.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPiece = 1 << 14;  // elements that one piece of work has

/// Calls `run(i, lanes)` for every vector of elements, on threads: `lanes` from the i-th on.
template <class Run>
void each_element(int64_t size, const Run& run) {
  parallel(static_cast<int>(ceil_div(size, kPiece)), [&](int piece, int) {
    const int64_t begin = piece * kPiece;
    each_vector(smaller(kPiece, size - begin), [&](int64_t i, int lanes) { run(begin + i, lanes); });
    finish_streams();
  });
}

template <class T>
void forward(Arguments in, Activation kind, float slope, int64_t size) {
  const auto* x = in.pointer<T>();
  auto* y = in.pointer<T>();
  const Sink<T> sink(y, size, kPiece);
  with_inlined_activation(kind, slope, [&](auto activation) {
    each_element(size, [&](int64_t i, int lanes) { sink.put(i, activation.value(load(x + i, lanes)), lanes); });
  });
}

template <class T>
void gradient(Arguments in, Activation kind, float slope, int64_t size) {
  const auto* dy = in.pointer<T>();
  const auto* saved = in.pointer<T>();
  auto* dx = in.pointer<T>();
  const Sink<T> sink(dx, size, kPiece);
  with_inlined_activation(kind, slope, [&](auto activation) {
    each_element(size, [&](int64_t i, int lanes) { sink.put(i, load(dy + i, lanes) * activation.slope(load(saved + i, lanes)), lanes); });
  });
}

}  // namespace

/// activation(bf16, kind, slope, size, x, y): y may be x
const char* activation(Arguments in) {
  const bool bf16 = in.flag();
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  const int64_t size = in.integer();
  bf16 ? forward<Bfloat16>(in, kind, slope, size) : forward<float>(in, kind, slope, size);
  return nullptr;
}

/// activation_gradient(bf16, kind, slope, size, dy, saved, dx): saved is y for those that are kFromOutput, else x; dx may be dy
const char* activation_gradient(Arguments in) {
  const bool bf16 = in.flag();
  const auto kind = static_cast<Activation>(in.integer());
  const float slope = in.real();
  const int64_t size = in.integer();
  bf16 ? gradient<Bfloat16>(in, kind, slope, size) : gradient<float>(in, kind, slope, size);
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
