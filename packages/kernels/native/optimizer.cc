// Updates of all parameters of a model in one call, each value read and written once. What an update needs of one value is in registers by then.
#include "columns.h"
#include "math.h"
#include "memory.h"
#include "threads.h"
#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kPiece = 1 << 14;  // values of a piece of work
constexpr int kChunk = 512;          // values whose squares are added in single precision

Floats root(Floats x) {
  for (int i = 0; i < kLanes; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

/// The parameters of a model: of each its size and so many arrays, cut into pieces of work.
template <int kArrays>
struct Parameters {
  struct Each {
    int64_t size;
    int64_t piece;  // its first
    float* arrays[kArrays];
  };

  int count;
  int pieces = 0;
  Each* each;    // null if there is no memory
  double* sums;  // `sums_per_piece` for each piece

  /// How many, then of each the size and the arrays.
  explicit Parameters(Arguments& in, int sums_per_piece = 0) : count(static_cast<int>(in.integer())) {
    Arguments ahead = in;
    for (int i = 0; i < count; i++) {
      pieces += static_cast<int>(ceil_div(ahead.integer(), kPiece));
      for (int a = 0; a < kArrays; a++) ahead.integer();
    }
    const size_t sums_bytes = static_cast<size_t>(pieces) * static_cast<size_t>(sums_per_piece) * sizeof(double);
    sums = static_cast<double*>(shared_scratch(sums_bytes + static_cast<size_t>(count) * sizeof(Each)));
    each = sums ? reinterpret_cast<Each*>(reinterpret_cast<char*>(sums) + sums_bytes) : nullptr;
    int64_t piece = 0;
    for (int i = 0; each && i < count; i++) {
      each[i].size = in.integer();
      each[i].piece = piece;
      piece += ceil_div(each[i].size, kPiece);
      for (float*& array : each[i].arrays) array = in.pointer<float>();
    }
  }

  /// The parameter that a piece belongs to: the last that begins there or before (those without values have no piece).
  int of_piece(int piece) const {
    int low = 0, high = count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (each[middle].piece <= piece ? low : high) = middle;
    }
    return low;
  }

  /// Calls `run(parameter, arrays, count, piece)` on threads for every piece, the arrays being those from its first value on.
  template <class Run>
  void each_piece(const Run& run) const {
    parallel(pieces, [&](int piece, int) {
      const int parameter = of_piece(piece);
      const Each& it = each[parameter];
      const int64_t start = (piece - it.piece) * kPiece;
      float* arrays[kArrays];
      for (int a = 0; a < kArrays; a++) arrays[a] = it.arrays[a] + start;
      run(parameter, arrays, smaller(kPiece, it.size - start), piece);
    });
  }
};

/// The gradient, which is only read; the parameter is the first array, and what the optimizer remembers comes after these two.
constexpr int kGradient = 1;

/// Calls `rule(x)` for vector after vector, x[a] being that of array a, and keeps what it makes of them.
template <int kArrays, class Rule>
void update_values(float* const arrays[], int64_t count, const Rule& rule) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int lanes = static_cast<int>(smaller(kLanes, count - i));
    Floats x[kArrays];
    for (int a = 0; a < kArrays; a++) x[a] = load(arrays[a] + i, lanes);
    rule(x);
    for (int a = 0; a < kArrays; a++)
      if (a != kGradient) store(arrays[a] + i, x[a], lanes);
  }
}

template <int kArrays, class Rule>
const char* update(Arguments& in, const Rule& rule) {
  const Parameters<kArrays> parameters(in);
  if (!parameters.each) return kOutOfMemory;
  parameters.each_piece([&](int, float* const arrays[], int64_t count, int) { update_values<kArrays>(arrays, count, rule); });
  return nullptr;
}

/// Adam's moments of a gradient, and the step they ask for.
struct Moments {
  const float beta1, beta2, rest1, rest2;  // rest = 1 - beta
  const float unbias1, unbias2;            // 1 / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ)
  const float epsilon;

  explicit Moments(Arguments& in)
      : beta1(in.real()),
        beta2(in.real()),
        rest1(in.real()),
        rest2(in.real()),
        unbias1(in.real()),
        unbias2(in.real()),
        epsilon(in.real()) {}

  void add(Floats g, Floats& first, Floats& second) const {
    first = beta1 * first + rest1 * g;
    second = beta2 * second + rest2 * g * g;
  }
  Floats step(Floats first, Floats second) const { return first * unbias1 / (root(second) * unbias2 + epsilon); }
};

/// The first lanes, and zeros: what was computed from nothing may be 0/0.
Floats only(int lanes, Floats x) {
  if (lanes == kLanes) return x;
  float values[kLanes];
  store(values, x);
  return load(values, lanes);
}

/// Calls `squares(i, lanes, sums)` for vector after vector, which adds to so many sums.
template <int kSums, class Squares>
void add_squares(int64_t count, double sums[kSums], const Squares& squares) {
  for (int s = 0; s < kSums; s++) sums[s] = 0;
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    Floats chunk[kSums] = {};
    const int64_t end = smaller(begin + kChunk, count);
    for (int64_t i = begin; i < end; i += kLanes) squares(i, static_cast<int>(smaller(kLanes, end - i)), chunk);
    for (int s = 0; s < kSums; s++) sums[s] += static_cast<double>(sum(chunk[s]));
  }
}

/// The norm of the last array of each, all of them together.
template <int kArrays>
double norm_of(const Parameters<kArrays>& parameters) {
  parameters.each_piece([&](int, float* const arrays[], int64_t count, int piece) {
    add_squares<1>(count, &parameters.sums[piece], [&](int64_t i, int lanes, Floats chunk[]) {
      const Floats x = load(arrays[kArrays - 1] + i, lanes);
      chunk[0] += x * x;
    });
  });
  double sum = 0;
  for (int piece = 0; piece < parameters.pieces; piece++) sum += parameters.sums[piece];
  return __builtin_sqrt(sum);
}

}  // namespace

/// learning rate, weight decay, momentum, 1 - dampening, nesterov, has velocity; parameters: [parameter, gradient(, velocity)]
const char* sgd_update(Arguments in) {
  const float rate = in.real(), decay = in.real(), momentum = in.real(), fresh = in.real();
  const bool nesterov = in.flag();
  const auto gradient = [=](const Floats x[]) { return decay == 0 ? x[kGradient] : x[kGradient] + decay * x[0]; };
  if (!in.flag()) return update<2>(in, [=](Floats x[]) { x[0] -= rate * gradient(x); });
  return update<3>(in, [=](Floats x[]) {
    const Floats g = gradient(x);
    x[2] = momentum * x[2] + fresh * g;
    x[0] -= rate * (nesterov ? g + momentum * x[2] : x[2]);
  });
}

/// learning rate, weight decay, decoupled, the moments' numbers; parameters: [parameter, gradient, first moment, second moment]
const char* adam_update(Arguments in) {
  const float rate = in.real(), decay = in.real();
  const bool decoupled = in.flag();
  const Moments moments(in);
  return update<4>(in, [=](Floats x[]) {
    if (decoupled) x[0] *= 1 - rate * decay;
    moments.add(decoupled || decay == 0 ? x[kGradient] : x[kGradient] + decay * x[0], x[2], x[3]);
    x[0] -= rate * moments.step(x[2], x[3]);
  });
}

/// learning rate, weight decay, alpha, 1 - alpha, epsilon, momentum, has velocity; parameters: [parameter, gradient, mean square(, velocity)]
const char* rmsprop_update(Arguments in) {
  const float rate = in.real(), decay = in.real(), alpha = in.real(), rest = in.real(), epsilon = in.real(), momentum = in.real();
  const auto step = [=](Floats x[]) {
    const Floats g = decay == 0 ? x[kGradient] : x[kGradient] + decay * x[0];
    x[2] = alpha * x[2] + rest * g * g;
    return g / (root(x[2]) + epsilon);
  };
  if (!in.flag()) return update<3>(in, [=](Floats x[]) { x[0] -= rate * step(x); });
  return update<4>(in, [=](Floats x[]) {
    x[3] = momentum * x[3] + step(x);
    x[0] -= rate * x[3];
  });
}

/// learning rate, weight decay, the moments' numbers; parameters: [parameter, gradient, first moment, second moment]
const char* lamb_update(Arguments in) {
  const float rate = in.real(), decay = in.real();
  const Moments moments(in);
  const Parameters<4> parameters(in, 2);
  if (!parameters.each) return kOutOfMemory;
  const auto step = [=](Floats parameter, Floats first, Floats second) { return moments.step(first, second) + decay * parameter; };
  parameters.each_piece([&](int, float* const arrays[], int64_t count, int piece) {
    add_squares<2>(count, &parameters.sums[2 * piece], [&](int64_t i, int lanes, Floats chunk[]) {
      const Floats parameter = load(arrays[0] + i, lanes);
      Floats first = load(arrays[2] + i, lanes), second = load(arrays[3] + i, lanes);
      moments.add(load(arrays[kGradient] + i, lanes), first, second);
      store(arrays[2] + i, first, lanes);
      store(arrays[3] + i, second, lanes);
      const Floats change = only(lanes, step(parameter, first, second));
      chunk[0] += parameter * parameter;
      chunk[1] += change * change;
    });
  });
  // The norms of a parameter and of its step, from those of its pieces, decide how far it goes.
  for (int i = 0; i < parameters.count; i++) {
    const auto& it = parameters.each[i];
    double* sums = parameters.sums + 2 * it.piece;
    for (int64_t piece = 1; piece < ceil_div(it.size, kPiece); piece++)
      for (int s = 0; s < 2; s++) sums[s] += sums[2 * piece + s];
  }
  parameters.each_piece([&](int parameter, float* const arrays[], int64_t count, int) {
    const double* sums = parameters.sums + 2 * parameters.each[parameter].piece;
    const double trust = sums[0] > 0 && sums[1] > 0 ? __builtin_sqrt(sums[0] / sums[1]) : 1;
    const float scaled_rate = static_cast<float>(static_cast<double>(rate) * trust);
    update_values<4>(arrays, count, [=](Floats x[]) { x[0] -= scaled_rate * step(x[0], x[2], x[3]); });
  });
  return nullptr;
}

/// norm (a float that is written); parameters: [gradient]
const char* global_norm(Arguments in) {
  auto* norm = in.pointer<float>();
  const Parameters<1> gradients(in, 1);
  if (!gradients.each) return kOutOfMemory;
  *norm = static_cast<float>(norm_of(gradients));
  return nullptr;
}

/// most, norm (a float that is written); parameters: [clipped gradient, gradient], which may be the same
const char* clip_by_global_norm(Arguments in) {
  const double most = static_cast<double>(in.real());
  auto* norm = in.pointer<float>();
  const Parameters<2> gradients(in, 1);
  if (!gradients.each) return kOutOfMemory;
  const double all = norm_of(gradients), factor = most / (all + 1e-6);
  *norm = static_cast<float>(all);
  const float scale = factor >= 1 ? 1.0f : static_cast<float>(factor);  // NaN stays
  gradients.each_piece([&](int, float* const arrays[], int64_t count, int) {
    each_vector(count, [&](int64_t i, int lanes) { store(arrays[0] + i, load(arrays[kGradient] + i, lanes) * scale, lanes); });
  });
  return nullptr;
}

/// 1 - decay; parameters: [average, parameter]
const char* average_update(Arguments in) {
  const float rest = in.real();
  return update<2>(in, [=](Floats x[]) { x[0] += rest * (x[1] - x[0]); });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
