#include "multiply.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// Rows of A up to which packing B costs more than it brings.
constexpr int64_t kFewRows = 8;

/// sums += a · b, so many rows of b [depth][n], or where it is the first, sums = a · b. The rows behind them are fetched meanwhile.
template <int rows>
void add_rows(const float* a, const float* b, int64_t n, bool first, float* sums) {
  Floats values[rows];
  for (int i = 0; i < rows; i++) values[i] = splat(a[i]);
  for (int64_t c = 0; c < n; c += kLanes) {
    const int lanes = static_cast<int>(smaller(kLanes, n - c));
    Floats sum = first ? Floats{} : load(sums + c, lanes);
    for (int i = 0; i < rows; i++) {
      __builtin_prefetch(b + (rows + i) * n + c, 0, 3);
      sum = fma(values[i], load(b + i * n + c, lanes), sum);
    }
    store(sums + c, sum, lanes);
  }
}

/// One row times a matrix of floats as it lies. Reading that is all that takes time: each thread reads parts of its rows, in the order of memory.
const char* multiply_row(const Values& a, const float* b, int64_t n, int64_t k, const Epilogue& epilogue, const Values& y) {
  constexpr int kRows = 8;
  constexpr int64_t kPartBytes = 1 << 19;
  const int64_t row = spread(n);
  const Cut depth = {k, larger(1, ceil_div(k * n * int64_t{sizeof(float)}, kPartBytes))};
  float* sums = shared_floats(depth.parts * row + k);
  if (!sums) return kOutOfMemory;
  float* values = sums + depth.parts * row;
  a.visit([&](const auto* from) { convert_run(from, k, values); });
  parallel(static_cast<int>(depth.parts), [&](int part, int) {
    const int64_t begin = depth.begin(part), end = begin + depth.size(part);
    float* to = sums + part * row;
    int64_t i = begin;
    for (; i + kRows <= end; i += kRows) add_rows<kRows>(values + i, b + i * n, n, i == begin, to);
    for (; i < end; i++) add_rows<1>(values + i, b + i * n, n, i == begin, to);
  });
  for (int64_t part = 1; part < depth.parts; part++)
    for (int64_t c = 0; c < n; c += kLanes) store(sums + c, load(sums + c) + load(sums + part * row + c));
  y.visit([&](auto* to) { epilogue.write(sums, n, epilogue.bias, static_cast<decltype(to)>(const_cast<void*>(epilogue.residual)), to); });
  return nullptr;
}

}  // namespace

/// matmul(batches, m, n, k, A, B, y, scale, bias, residual, activation, slope), A and B each
/// (values, bf16, batch stride, transposed), y (values, bf16): y[batch] = activation(scale · A[batch] · B[batch] + bias + residual[batch])
const char* matmul(Arguments in) {
  const int64_t batches = in.integer(), m = in.integer(), n = in.integer(), k = in.integer();
  const Values a = read_values(in);
  const int64_t a_batch = in.integer();
  const bool a_transposed = in.flag();
  const Values b = read_values(in);
  const int64_t b_batch = in.integer();
  const bool b_transposed = in.flag();
  const Values y = read_values(in);
  const Epilogue epilogue = read_epilogue(in, in.real());
  if (batches == 0 || m == 0 || n == 0) return nullptr;

  if (batches == 1 && m == 1 && k > 0 && !b.is_bf16 && !b_transposed) return multiply_row(a, b.as<const float>(), n, k, epilogue, y);

  // Pairs are made as B is packed, which for few rows costs more than it brings.
  const bool pairs = (a.is_bf16 || b.is_bf16 || y.is_bf16) && (m > kFewRows || b.is_bf16);
  return with_unit(pairs, [&](auto unit) {
    using Unit = decltype(unit);
    const int64_t depth = ceil_div(k, kDeep<Unit>);
    const Plan plan = Plan::of<Unit>(batches, m, n, depth);
    const MatrixRows rows = {a, a_transposed ? m : k, a_batch, k, a_transposed};
    const MatrixColumns columns = {b, b_transposed ? k : n, b_batch, k, b_transposed, m <= kFewRows};
    const Write write = {y, batches * m * n, Places::rows(n, m * n), epilogue, 0, {}};
    const bool packs_first = plan.rows.parts > 1;
    const int64_t packed_batches = b_batch ? batches : 1;
    const int64_t packed = packs_first ? packed_batches * panels_size(depth, n) : 0;
    float* shared = shared_floats(packed + plan.partials_size());
    if (!shared) return kOutOfMemory;
    if (!packs_first) return multiply<Unit>(plan, rows, columns, write, shared + packed);
    auto* made = reinterpret_cast<Unit*>(shared);
    pack_columns(packed_batches, depth, n, columns, made);
    return multiply<Unit>(plan, rows, PackedColumns<Unit>{made, depth, b_batch ? panels_size(depth, n) : 0}, write, shared + packed);
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
