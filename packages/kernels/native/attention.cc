// Attention, softmax(scale · query · keyᵀ) · value, one block of queries at a time: the products of all queries with all keys are never in
// memory, neither forward nor for the gradient, which computes them again.
#include "memory.h"
#include "product.h"
#include "softmax.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int64_t kBlock = 64;   // queries at a time
constexpr int64_t kPieces = 32;  // enough to balance threads

struct Attention {
  int64_t heads;  // of all examples
  int64_t queries, keys, depth, width;
  float scale;

  explicit Attention(Arguments& in)
      : heads(in.integer()), queries(in.integer()), keys(in.integer()), depth(in.integer()), width(in.integer()), scale(in.real()) {}

  int64_t row() const { return whole_lines(keys); }  // floats from one query's products to the next's
  int64_t block_of(int64_t begin) const { return smaller(kBlock, queries - begin); }
};

/// A thread's memory, cut into parts; an address, so that from 0 on it tells how much is needed.
struct Parts {
  uintptr_t next;
  float* take(int64_t floats) {
    const uintptr_t part = next;
    next += static_cast<size_t>(whole_lines(floats)) * sizeof(float);
    return reinterpret_cast<float*>(part);
  }
};

/// Packs the transposed of a matrix [rows][columns].
void pack_transposed(int64_t rows, int64_t columns, const float* from, float* panels) {
  for (int64_t row = 0; row < rows; row += kPanel)
    pack_panel_transposed(columns, smaller(kPanel, rows - row), from + row * columns, columns, panels + row * columns);
}

void scaled(float scale, int64_t count, const float* from, float* to) {
  each_vector(count, [&](int64_t i, int lanes) { store(to + i, load(from + i, lanes) * scale, lanes); });
}

/// eˣ of the row in place of x, with the largest at 1, and their sum.
float exponentials(float* x, int64_t count) {
  const float largest = row_max(x, count);
  return row_sum(count, [&](int64_t i, int lanes) {
    const Floats e = exp(load(x + i, lanes) - largest);
    store(x + i, e, lanes);
    return e;
  });
}

/// The queries from `begin` on, scaled, times all keys.
void products(const Attention& a, const float* query, int64_t begin, const float* key_panels, float* scaled_query, float* out) {
  const int64_t count = a.block_of(begin);
  scaled(a.scale, count * a.depth, query + begin * a.depth, scaled_query);
  product(static_cast<int>(count), static_cast<int>(a.keys), static_cast<int>(a.depth), scaled_query, a.depth,
          Panels::packed(key_panels, a.depth), out, a.row(), false);
}

/// What a thread needs to attend.
struct Forward {
  float *key_panels, *value_panels, *query, *weights;

  Forward(const Attention& a, Parts parts)
      : key_panels(parts.take(panels_size(a.depth, a.keys))),
        value_panels(parts.take(panels_size(a.keys, a.width))),
        query(parts.take(kBlock * a.depth)),
        weights(parts.take(kBlock * a.row())),
        end(parts.next) {}
  uintptr_t end;

  void pack(const Attention& a, const float* key, const float* value) const {
    pack_transposed(a.keys, a.depth, key, key_panels);
    pack_panels(a.keys, a.width, value, a.width, value_panels, a.keys * kPanel);
  }

  void attend(const Attention& a, const float* all_queries, int64_t begin, float* y) const {
    const int count = static_cast<int>(a.block_of(begin));
    float sums[kBlock];
    products(a, all_queries, begin, key_panels, query, weights);
    for (int i = 0; i < count; i++) sums[i] = exponentials(weights + i * a.row(), a.keys);
    y += begin * a.width;
    product(count, static_cast<int>(a.width), static_cast<int>(a.keys), weights, a.row(), Panels::packed(value_panels, a.keys), y, a.width, false);
    for (int i = 0; i < count; i++) scaled(1 / sums[i], a.width, y + i * a.width, y + i * a.width);
  }
};

/// What a thread needs to go back.
struct Backward {
  float *key_columns, *key_panels, *value_columns, *query, *query_panels, *dy_panels, *weights, *slopes;

  Backward(const Attention& a, Parts parts)
      : key_columns(parts.take(panels_size(a.depth, a.keys))),
        key_panels(parts.take(panels_size(a.keys, a.depth))),
        value_columns(parts.take(panels_size(a.width, a.keys))),
        query(parts.take(kBlock * a.depth)),
        query_panels(parts.take(panels_size(kBlock, a.depth))),
        dy_panels(parts.take(panels_size(kBlock, a.width))),
        weights(parts.take(kBlock * a.row())),
        slopes(parts.take(kBlock * a.row())),
        end(parts.next) {}
  uintptr_t end;

  void pack(const Attention& a, const float* key, const float* value) const {
    pack_transposed(a.keys, a.depth, key, key_columns);
    pack_panels(a.keys, a.depth, key, a.depth, key_panels, a.keys * kPanel);
    pack_transposed(a.keys, a.width, value, value_columns);
  }

  /// With W = softmax(Q·Kᵀ), Q scaled: dV += Wᵀ·dY, dW = dY·Vᵀ, dS = W∘(dW - Σ W∘dW), dQ = scale · dS·K, dK += dSᵀ·Q.
  void pass(const Attention& a, const float* all_queries, const float* all_dy, int64_t begin, float* d_query, float* d_key, float* d_value) const {
    const int count = static_cast<int>(a.block_of(begin)), keys = static_cast<int>(a.keys);
    const int depth = static_cast<int>(a.depth), width = static_cast<int>(a.width);
    const float* dy = all_dy + begin * a.width;
    products(a, all_queries, begin, key_columns, query, weights);
    product(count, keys, width, dy, a.width, Panels::packed(value_columns, a.width), slopes, a.row(), false);
    for (int i = 0; i < count; i++) slope(a, weights + i * a.row(), slopes + i * a.row());

    pack_panels(count, a.width, dy, a.width, dy_panels, count * kPanel);
    product_transposed(keys, width, count, weights, a.row(), Panels::packed(dy_panels, count), d_value, a.width, begin > 0);
    pack_panels(count, a.depth, query, a.depth, query_panels, count * kPanel);
    product_transposed(keys, depth, count, slopes, a.row(), Panels::packed(query_panels, count), d_key, a.depth, begin > 0);
    d_query += begin * a.depth;
    product(count, depth, keys, slopes, a.row(), Panels::packed(key_panels, a.keys), d_query, a.depth, false);
    scaled(a.scale, count * a.depth, d_query, d_query);
  }

 private:
  /// A row of products becomes its softmax, and the softmax's gradient that of the products.
  static void slope(const Attention& a, float* weights, float* slopes) {
    scaled(1 / exponentials(weights, a.keys), a.keys, weights, weights);
    const float common = row_sum(a.keys, [&](int64_t i, int lanes) { return load(weights + i, lanes) * load(slopes + i, lanes); });
    each_vector(a.keys, [&](int64_t i, int lanes) {
      store(slopes + i, (load(slopes + i, lanes) - common) * load(weights + i, lanes), lanes);
    });
  }
};

/// Memory for `Work`, Forward or Backward, on every thread. False if there is none.
template <class Work>
bool memory_for_all(const Attention& a) {
  return scratch_for_all(static_cast<int64_t>(Work(a, Parts{0}).end / sizeof(float)));
}

template <class Work>
Work work_of(const Attention& a, int thread) {
  return Work(a, Parts{reinterpret_cast<uintptr_t>(scratch(thread, Work(a, Parts{0}).end))});
}

}  // namespace

/// attention(heads, queries, keys, depth, width, scale, query [heads][queries][depth], key [heads][keys][depth], value [heads][keys][width],
/// y [heads][queries][width])
const char* attention(Arguments in) {
  const Attention a(in);
  const auto* query = in.pointer<const float>();
  const auto* key = in.pointer<const float>();
  const auto* value = in.pointer<const float>();
  auto* y = in.pointer<float>();
  if (!memory_for_all<Forward>(a)) return kOutOfMemory;
  // Few heads are cut into several runs of blocks, each of which packs keys and values for itself.
  const int64_t blocks = ceil_div(a.queries, kBlock), runs = smaller(blocks, ceil_div(kPieces, larger(1, a.heads)));
  parallel(static_cast<int>(a.heads * runs), [&](int piece, int thread) {
    const int64_t head = piece / runs, run = piece % runs;
    const auto work = work_of<Forward>(a, thread);
    work.pack(a, key + head * a.keys * a.depth, value + head * a.keys * a.width);
    for (int64_t block = blocks * run / runs; block < blocks * (run + 1) / runs; block++)
      work.attend(a, query + head * a.queries * a.depth, block * kBlock, y + head * a.queries * a.width);
  });
  return nullptr;
}

/// attention_gradient(heads, queries, keys, depth, width, scale, dy, query, key, value, d_query, d_key, d_value): shapes as above
const char* attention_gradient(Arguments in) {
  const Attention a(in);
  const auto* dy = in.pointer<const float>();
  const auto* query = in.pointer<const float>();
  const auto* key = in.pointer<const float>();
  const auto* value = in.pointer<const float>();
  auto* d_query = in.pointer<float>();
  auto* d_key = in.pointer<float>();
  auto* d_value = in.pointer<float>();
  if (!memory_for_all<Backward>(a)) return kOutOfMemory;
  // The blocks of a head are added up in their order.
  parallel(static_cast<int>(a.heads), [&](int head, int thread) {
    const int64_t keys = head * a.keys, queries = head * a.queries;
    const auto work = work_of<Backward>(a, thread);
    work.pack(a, key + keys * a.depth, value + keys * a.width);
    for (int64_t begin = 0; begin < a.queries; begin += kBlock)
      work.pass(a, query + queries * a.depth, dy + queries * a.width, begin, d_query + queries * a.depth, d_key + keys * a.depth,
                d_value + keys * a.width);
  });
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
