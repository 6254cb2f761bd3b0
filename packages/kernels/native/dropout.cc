// Dropout without a mask in memory: where a value lies, and a key, tell whether it is kept, on the way back as on the way forward.
#include "columns.h"
#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPiece = 1 << 14;  // values of a piece of work

/// The finalizer of MurmurHash3, a bijection: every input bit changes every output bit with probability about a half.
Words scramble(Words h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

struct Choice {
  uint32_t key[2];
  uint32_t rate;  // in 2⁻²⁴
  float factor;   // of what is kept

  /// What the values from the i-th on are multiplied by.
  Floats factors(int64_t i) const {
    Words at{};
    for (int lane = 0; lane < kLanes; lane++) at[lane] = static_cast<uint32_t>(i + lane);
    const Words drawn = scramble(scramble(at ^ key[0]) ^ key[1]) >> 8;
    return select(drawn >= rate, splat(factor), Floats{});
  }
};

template <class T>
const char* dropout(Arguments& in, const Choice& choice) {
  const int64_t size = in.integer();
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  parallel(static_cast<int>(ceil_div(size, kPiece)), [&](int piece, int) {
    const int64_t begin = piece * kPiece;
    each_vector(smaller(kPiece, size - begin), [&](int64_t i, int lanes) {
      store(y + begin + i, load(x + begin + i, lanes) * choice.factors(begin + i), lanes);
    });
  });
  return nullptr;
}

}  // namespace

/// dropout(bf16, two words of the key, rate in 2⁻²⁴, factor of what is kept, size, x, y): y may be x
const char* dropout(Arguments in) {
  const bool bf16 = in.flag();
  const auto word = [&] { return static_cast<uint32_t>(in.integer()); };
  const uint32_t first = word(), second = word(), rate = word();
  const Choice choice = {{first, second}, rate, in.real()};
  return bf16 ? dropout<Bfloat16>(in, choice) : dropout<float>(in, choice);
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
