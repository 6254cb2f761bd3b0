#include "multiply.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// Rows of A up to which packing B costs more than it brings.
constexpr int64_t kFewRows = 8;

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
