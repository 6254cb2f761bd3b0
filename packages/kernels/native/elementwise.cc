#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {
constexpr int64_t kPiece = 1 << 14;  // elements that one piece of work has

int pieces(int64_t size) { return static_cast<int>((size + kPiece - 1) / kPiece); }
}  // namespace

/// fill(y, size, value): y[i] = value
const char* fill(Arguments in) {
  auto* y = in.pointer<float>();
  const int64_t size = in.integer();
  const float value = in.real();
  parallel(pieces(size), [&](int piece, int) {
    const int64_t begin = piece * kPiece;
    const int64_t end = begin + kPiece < size ? begin + kPiece : size;
    for (int64_t i = begin; i < end; i++) y[i] = value;
  });
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
