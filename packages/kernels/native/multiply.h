// Large products, block by block. Each block of the result is one piece of work: its rows of A and columns of B are brought into cache,
// some depth at a time, and multiplied there; then it is finished (bias, activation, …) on the way into memory.
//
// What A, B and the result are is up to three small types, so that matrices, patches of images and gradients are all multiplied here:
//   Rows     `Operand<Unit> load(batch, m0, m, k0, k, into)`: those rows, packed into `into` or where they lie; `transposed`: as [k][m]
//   Columns  `PanelsOf<Unit> load(batch, k0, k, n0, n, into)`: the same for columns; n0 is a multiple of kPanel
//            both: `Traffic::Span ahead<Unit>(block, k0, k)`: the memory that load() will read for it, roughly
//   Finish   `float* place(block, &row)`: where the results may be written at once, `last(block)` applied, or null; `is_rounded_at_once<Unit>()`:
//            whether last(block) takes them as bfloat16; `finish(block, c, c_row)`: takes the sums otherwise
#pragma once

#include "epilogue.h"
#include "integers.h"
#include "kernel.h"
#include "memory.h"
#include "product.h"
#include "threads.h"

namespace imgcls {
namespace IMGCLS_ISA {

/// Values as they are stored.
struct Values {
  void* at;
  bool is_bf16;

  template <class T>
  T* as() const {
    return static_cast<T*>(at);
  }
  Traffic::Span span(int64_t first, int64_t count) const {
    const int64_t bytes = is_bf16 ? 2 : 4;
    return {static_cast<const char*>(at) + first * bytes, count * bytes};
  }
  /// Calls `run` with a pointer of their type.
  template <class Run>
  void visit(const Run& run) const {
    if (is_bf16) run(as<Bfloat16>());
    else run(as<float>());
  }
};

inline Values read_values(Arguments& in) {
  void* at = in.pointer<void>();
  return {at, in.flag()};
}

template <class Unit>
struct Operand {
  const Unit* at;
  int64_t row;
};

/// Values of the depth, of which there are `depth`, that `k` units from k0 on hold.
struct Depth {
  int64_t begin, count;

  template <class Unit>
  static Depth of(int64_t k0, int64_t k, int64_t depth) {
    const int64_t begin = k0 * kDeep<Unit>;
    return {begin, smaller(k * kDeep<Unit>, depth - begin)};
  }
};

/// A block of the result.
struct Block {
  int64_t batch, part;  // part: which one of the cuts of the rows
  int64_t row, rows;
  int64_t column, columns;
};

constexpr int64_t kMostDepth = 128;         // a panel of this depth, and a tile's rows, stay in the first cache
constexpr int64_t kMostPieces = 32;         // that large work is cut into where its size alone would give fewer
constexpr int64_t kLeastWork = 2 << 20;     // operations of a piece, about 20 µs
constexpr int64_t kLine = 16;               // floats
constexpr int64_t kAliasing = 1024;         // floats: rows at multiples of this share a place in the first cache
constexpr int64_t kStagedRows = 16;         // patches that lie as bfloat16 while pairs are made of them

/// Floats between rows that are packed: an odd number of cache lines, so that a column of them spreads over the cache.
inline int64_t spread(int64_t floats) { return (ceil_div(floats, kLine) | 1) * kLine; }

/// Whether every thread has so many floats of its own to work in.
inline bool reserve_scratch(int64_t floats) {
  for (int thread = 0; thread < threads(); thread++)
    if (!scratch(thread, floats * sizeof(float))) return false;
  return true;
}

/// Floats that all threads see; null only where there are none left.
inline float* shared_floats(int64_t floats) { return static_cast<float*>(shared_scratch(larger(kLine, floats) * sizeof(float))); }

/// What the cutting of a product depends on besides its shape, by what multiplies its units.
struct Tiling {
  int64_t rows;                    // of a tile
  int64_t row_grain, depth_grain;  // that cuts keep to
  int64_t most_elements;           // of a block; that and its rows of A stay in the second cache
  int64_t speed;                   // how many units take the time of a float: what is packed and written costs the same for all
};
template <class Unit>
constexpr Tiling kTiling = {kTileRows, 1, 1, 1 << 16, 1};
#if defined(__AMX_BF16__)
template <>
inline constexpr Tiling kTiling<Pair> = {32, 32, 16, 1 << 17, 8};  // second caches have 2 MB where there is AMX
#endif

/// How a product [m][k] · [k][n] is cut, by its shape alone; k counts units.
struct Plan {
  int64_t batches;
  Cut rows, panels, depth;
  int64_t n;

  template <class Unit>
  static Plan of(int64_t batches, int64_t m, int64_t n, int64_t k) {
    return Plan(kTiling<Unit>, batches, m, n, k);
  }

  /// How a part of the depth is cut, so that it fits into cache.
  Cut depth_of(int64_t part) const { return {depth.size(part), larger(1, ceil_div(depth.size(part), kMostDepth)), depth.grain}; }

  int64_t blocks() const { return batches * rows.parts * panels.parts; }
  Block block(int64_t index) const;

  // Floats that the rows of A, the columns of B, and the sums of one block take at most.
  int64_t rows_size() const { return spread(rows.most()) * (spread(depth_most()) + kStagedRows / 2); }
  int64_t columns_size() const { return panels.most() * kPanel * depth_most(); }
  int64_t sums_row() const { return spread(panels.most() * kPanel); }
  int64_t sums_size() const { return rows.most() * sums_row(); }

  /// Floats between rows of the sums that are kept for all parts of the depth.
  int64_t partial_row() const { return panels.length * kPanel; }
  /// Floats that all of them take; 0 where the depth is not cut.
  int64_t partials_size() const { return depth.parts > 1 ? depth.parts * batches * rows.length * partial_row() : 0; }

  int64_t depth_most() const { return smaller(depth.most(), kMostDepth); }

 private:
  Plan(const Tiling& tiling, int64_t batches, int64_t m, int64_t n, int64_t k);
};

inline Plan::Plan(const Tiling& tiling, int64_t batches, int64_t m, int64_t n, int64_t k)
    : batches(batches), rows{m, 1, tiling.row_grain}, panels{panels_of(n), 1}, depth{k, 1, tiling.depth_grain}, n(n) {
  const auto refine = [](Cut& cut, int64_t times, int64_t least) {
    cut.parts = larger(cut.parts, smaller(cut.parts * times, cut.length / least));
  };
  panels.parts = ceil_div(n, kMostColumns);
  const int64_t most_rows = smaller(tiling.most_elements / (panels.most() * kPanel), tiling.most_elements / larger(1, smaller(k, kMostDepth)));
  rows.parts = ceil_div(m, most_rows);
  const int64_t work = batches * (2 * m * n * k / tiling.speed + 16 * (m * n + m * k + n * k));
  const int64_t wanted = larger(1, smaller(work / kLeastWork, kMostPieces));
  const auto missing = [&] { return ceil_div(wanted, blocks() * depth.parts); };
  refine(rows, missing(), 9 * tiling.rows);
  refine(panels, missing(), 4);
  refine(depth, missing(), 4 * kMostDepth);
  refine(panels, missing(), 2);
  refine(rows, missing(), 3 * tiling.rows);
  refine(depth, missing(), 2 * kMostDepth);
  refine(rows, missing(), 3 * tiling.rows / 2);
}

inline Block Plan::block(int64_t index) const {
  const int64_t panel = index % panels.parts, part = index / panels.parts % rows.parts;
  const int64_t column = panels.begin(panel) * kPanel;
  return {index / panels.parts / rows.parts,
          part,
          rows.begin(part),
          rows.size(part),
          column,
          smaller(panels.size(panel) * kPanel, n - column)};
}

/// Multiplies the block, a part of the depth of it, into sums. `next`: what will be multiplied after it. `finish`: null if the sums are not yet the result.
template <class Unit, class Rows, class Columns>
void multiply_block(const Plan& plan, const Block& block, int64_t part, const Block& next, int64_t next_part, const Rows& rows,
                    const Columns& columns, Unit* a, Unit* b, float* sums, int64_t sums_row, bool streams, const Last* finish) {
  const Cut depth = plan.depth_of(part);
  const int m = static_cast<int>(block.rows), n = static_cast<int>(block.columns);
  for (int64_t i = 0; i < depth.parts; i++) {
    const int64_t begin = plan.depth.begin(part) + depth.begin(i), size = depth.size(i);
    const Operand<Unit> left = rows.load(block.batch, block.row, block.rows, begin, size, a);
    const PanelsOf<Unit> right = columns.load(block.batch, begin, size, block.column, block.columns, b);
    const bool last = i + 1 == depth.parts;
    const int64_t k0 = last ? plan.depth.begin(next_part) : begin + size;
    const Block& then = last ? next : block;
    Traffic traffic = {{rows.template ahead<Unit>(then, k0, size), columns.template ahead<Unit>(then, k0, size)}, streams && depth.parts == 1,
                       Columns::kFar, finish != nullptr};
    const int k = static_cast<int>(size);
    if (rows.transposed) product_transposed(m, n, k, left.at, left.row, right, sums, sums_row, i > 0, &traffic);
    else product(m, n, k, left.at, left.row, right, sums, sums_row, i > 0, &traffic, last ? finish : nullptr);
  }
}

/// Adds up the parts of the depth, into the first, in their order.
inline void add_partials(const Plan& plan, const Block& block, float* sums) {
  const int64_t row = plan.partial_row(), part = plan.batches * plan.rows.length * row;
  for (int64_t i = 0; i < block.rows; i++, sums += row)
    for (int64_t d = 1; d < plan.depth.parts; d++)
      for (int64_t c = 0; c < block.columns; c += kLanes) store(sums + c, load(sums + c) + load(sums + d * part + c));
}

/// Multiplies. `partials`: plan.partials_size() floats. Null, or what went wrong.
template <class Unit, class Rows, class Columns, class Finish>
const char* multiply(const Plan& plan, const Rows& rows, const Columns& columns, const Finish& finish, float* partials) {
  const int64_t size = plan.rows_size() + plan.columns_size() + plan.sums_size();
  if (!reserve_scratch(size)) return kOutOfMemory;
  const int64_t row = plan.partial_row();
  const auto partial = [&](const Block& block, int64_t part) {
    return partials + ((part * plan.batches + block.batch) * plan.rows.length + block.row) * row + block.column;
  };
  const bool whole = plan.depth.parts == 1;
  const int pieces = static_cast<int>(plan.blocks() * plan.depth.parts);
  parallel(pieces, [&](int piece, int thread) {
    const int next = piece + 1 < pieces ? piece + 1 : piece;
    const Block block = plan.block(piece / plan.depth.parts);
    const int64_t part = piece % plan.depth.parts;
    float* own = static_cast<float*>(scratch(thread, size * sizeof(float)));
    auto* a = reinterpret_cast<Unit*>(own + plan.sums_size());
    Unit* b = a + plan.rows_size();
    int64_t sums_row = whole ? plan.sums_row() : row;
    float* place = whole ? finish.place(block, &sums_row) : partial(block, part);
    float* sums = place ? place : own;
    const bool at_once = whole && (place || (!rows.transposed && finish.template is_rounded_at_once<Unit>()));
    const Last last = finish.last(block);
    multiply_block(plan, block, part, plan.block(next / plan.depth.parts), next % plan.depth.parts, rows, columns, a, b, sums, sums_row,
                   whole && place && finish.streams(), at_once ? &last : nullptr);
    finish_streams();
    if (whole && !at_once) finish.finish(block, sums, sums_row);
  });
  if (whole) return nullptr;
  parallel(static_cast<int>(plan.blocks()), [&](int piece, int) {
    const Block block = plan.block(piece);
    add_partials(plan, block, partial(block, 0));
    finish.finish(block, partial(block, 0), row);
  });
  return nullptr;
}

template <class From, class To>
void convert_run(const From* from, int64_t count, To* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  if (i == count) return;
  if (count > kLanes) store(to + count - kLanes, load(from + count - kLanes));
  else store(to, load(from, static_cast<int>(count)), static_cast<int>(count));
}

/// A row of units from `count` values.
template <class T>
void pack_along(const T* from, int64_t count, float* to) {
  convert_run(from, count, to);
}

/// A row of units of transposed rows, from two rows of values or one, `second` being null where there is none.
template <class T>
void pack_across(const T* first, const T*, int64_t count, float* to) {
  convert_run(first, count, to);
}

#if defined(IMGCLS_HAS_PAIRS)
inline void convert_run(const Bfloat16* from, int64_t count, Bfloat16* to) {
#if defined(__AVX512BW__)
  for (int64_t i = 0; i < count; i += 2 * kLanes) {
    const auto some = static_cast<__mmask32>(count - i >= 2 * kLanes ? ~0u : (1u << (count - i)) - 1);
    _mm512_mask_storeu_epi16(to + i, some, _mm512_maskz_loadu_epi16(some, from + i));
  }
#else
  memcpy(to, from, static_cast<size_t>(count) * sizeof(uint16_t));
#endif
}

template <class T>
void pack_along(const T* from, int64_t count, Pair* to) {
  auto* halves = reinterpret_cast<Bfloat16*>(to);
  convert_run(from, count, halves);
  if (count % 2 != 0) halves[count] = Bfloat16{};
}

template <class T>
void pack_across(const T* first, const T* second, int64_t count, Pair* to) {
  int64_t i = 0;
  for (; second && i + kPanel <= count; i += kPanel) store_panel_row(to + i, first + i, second + i);
  for (; i < count; i += kLanes)
    store_pairs(to + i, load_halves(first + i, count - i), second ? load_halves(second + i, count - i) : Halves{});
}
#endif

/// Rows of a matrix [m][k], or transposed [k][m], `row` values apart.
struct MatrixRows {
  Values a;
  int64_t row, batch, depth;
  bool transposed;

  template <class Unit>
  Operand<Unit> load(int64_t batch_index, int64_t m0, int64_t m, int64_t k0, int64_t k, Unit* into) const {
    const Depth values = Depth::of<Unit>(k0, k, depth);
    const int64_t at = batch_index * batch + (transposed ? values.begin * row + m0 : m0 * row + values.begin);
    if (lie_as<Unit>(at)) return {a.as<Unit>() + at / kDeep<Unit>, row / kDeep<Unit>};
    const int64_t to = spread(transposed ? m : k);
    a.visit([&](const auto* all) {
      const auto* from = all + at;
      if (!transposed) {
        for (int64_t i = 0; i < m; i++) pack_along(from + i * row, values.count, into + i * to);
      } else {
        for (int64_t i = 0; i < values.count; i += kDeep<Unit>, into += to)
          pack_across(from + i * row, i + 1 < values.count ? from + (i + 1) * row : nullptr, m, into);
        into -= k * to;
      }
    });
    return {into, to};
  }

  template <class Unit>
  Traffic::Span ahead(const Block& block, int64_t k0, int64_t k) const {
    const int64_t first = transposed ? k0 * kDeep<Unit> : block.row, lines = transposed ? k * kDeep<Unit> : block.rows;
    return a.span(block.batch * batch + first * row, lines * row);
  }

 private:
  /// Whether what begins there can be multiplied as it lies.
  template <class Unit>
  bool lie_as(int64_t at) const {
    constexpr bool pairs = kDeep<Unit> == 2;
    const auto whole = [](int64_t count) { return count % kDeep<Unit> == 0; };
    return a.is_bf16 == pairs && !transposed && whole(at) && whole(row) && whole(depth) && row / kDeep<Unit> % kAliasing != 0;
  }
};

/// Columns that were packed before, each batch by itself.
template <class Unit>
struct PackedColumns {
  static constexpr bool kFar = true;
  const Unit* at;
  int64_t k, batch;  // in units

  PanelsOf<Unit> load(int64_t batch_index, int64_t k0, int64_t, int64_t n0, int64_t, Unit*) const {
    const auto all = PanelsOf<Unit>::packed(at + batch_index * batch, k);
    return {all.at + n0 / kPanel * all.panel + k0 * kPanel, all.row, all.panel};
  }
  template <class>
  Traffic::Span ahead(const Block& block, int64_t k0, int64_t size) const {
    const Unit* from = at + block.batch * batch + block.column * k + k0 * kPanel;
    return {reinterpret_cast<const char*>(from), size * int64_t{kPanel * sizeof(Unit)}};
  }
};

/// Columns of a matrix [k][n], or transposed [n][k], packed as they are needed, or read where they lie.
struct MatrixColumns {
  static constexpr bool kFar = false;
  Values b;
  int64_t row, batch, depth;
  bool transposed, in_place;

  template <class Unit>
  PanelsOf<Unit> load(int64_t batch_index, int64_t k0, int64_t k, int64_t n0, int64_t n, Unit* into) const {
    if constexpr (kDeep<Unit> == 1)
      if (in_place && !transposed && !b.is_bf16 && n % kLanes == 0)
        return {b.as<float>() + batch_index * batch + k0 * row + n0, row, kPanel};
    pack(batch_index, k0, k, n0, n, into, k * kPanel);
    return PanelsOf<Unit>::packed(into, k);
  }

  /// Into panels that are `panel` units apart.
  template <class Unit>
  void pack(int64_t batch_index, int64_t k0, int64_t k, int64_t n0, int64_t n, Unit* into, int64_t panel) const {
    const Depth values = Depth::of<Unit>(k0, k, depth);
    const int64_t at = batch_index * batch + (transposed ? n0 * row + values.begin : values.begin * row + n0);
    b.visit([&](const auto* all) {
      if (!transposed) return pack_panels(values.count, n, all + at, row, into, panel);
      for (int64_t column = 0; column < n; column += kPanel, into += panel)
        pack_panel_transposed(values.count, smaller(kPanel, n - column), all + at + column * row, row, into);
    });
  }

  template <class Unit>
  Traffic::Span ahead(const Block& block, int64_t k0, int64_t k) const {
    const int64_t first = k0 * kDeep<Unit>;
    return transposed ? Traffic::Span{} : b.span(block.batch * batch + first * row + block.column, k * kDeep<Unit> * row);
  }
};

/// Packs all columns of all batches at once: panels_size(k, n) units for each batch.
template <class Columns, class Unit>
void pack_columns(int64_t batches, int64_t k, int64_t n, const Columns& columns, Unit* into) {
  const Cut depth = {k, larger(1, smaller(k, k * n / kTiling<float>.most_elements))};
  parallel(static_cast<int>(batches * depth.parts), [&](int piece, int) {
    const int64_t batch = piece / depth.parts, begin = depth.begin(piece % depth.parts), size = depth.size(piece % depth.parts);
    columns.pack(batch, begin, size, 0, n, into + batch * panels_size(k, n) + begin * kPanel, k * kPanel);
  });
}

/// Where the rows of a result lie: one after the other, or, as pixels of a grid, in lines and images.
struct Places {
  int64_t row, batch;
  int64_t width, height;  // of the grid; 0: no grid
  int64_t line, image;

  static Places rows(int64_t row, int64_t batch) { return {row, batch, 0, 0, 0, 0}; }
  int64_t at(int64_t m) const {
    return width == 0 ? m * row : m % width * row + m / width % height * line + m / width / height * image;
  }
};

/// Finishes the sums, and writes them.
struct Write {
  Values y;
  int64_t size;  // of y
  Places places;
  Epilogue epilogue;
  int64_t bias_batch;
  Moments moments;

  float* place(const Block& block, int64_t* row) const {
    const bool holds_residual = epilogue.residual == y.at;  // which is needed once all sums are there
    if (y.is_bf16 || places.width > 0 || !epilogue.is_clamp() || holds_residual || !tiles_gather_moments()) return nullptr;
    *row = places.row;
    return y.as<float>() + block.batch * places.batch + block.row * places.row + block.column;
  }

  /// Whether a tile can write the results as bfloat16, with their moments, which are those of sums + bias.
  template <class Unit>
  bool is_rounded_at_once() const {
    return kWritesBfloat16<Unit> && y.is_bf16 && places.width == 0 && epilogue.is_clamp() && tiles_gather_moments();
  }

  /// Whether tiles can tell the moments, if these are wanted: of what they write.
  bool tiles_gather_moments() const {
    return !moments.mean || (!epilogue.residual && epilogue.activation == Activation::kNone);
  }

  /// What is done to what is written to place(), or as bfloat16.
  Last last(const Block& block) const {
    const int64_t channel = block.batch * bias_batch + block.column;
    const int64_t at = block.batch * places.batch + block.row * places.row + block.column;
    Last last = {epilogue.bias ? epilogue.bias + channel : nullptr, nullptr, places.row, epilogue.low(), epilogue.high()};
    if (!y.is_bf16) {
      if (epilogue.residual) last.residual = static_cast<const float*>(epilogue.residual) + at;
    } else {
      last.to = y.as<Bfloat16>() + at;
      if (epilogue.residual) last.to_residual = static_cast<const Bfloat16*>(epilogue.residual) + at;
    }
    if (!moments.mean) return last;
    last.means = moments.means(block.part) + channel;
    last.squares = moments.squares(block.part) + channel;
    moments.set_count(block.part, block.rows);
    return last;
  }

  /// Whether what is written to place() should go past the caches.
  bool streams() const {
    constexpr int64_t kMuch = 30 << 20;
    const auto whole = [](int64_t floats) { return floats % kLanes == 0; };
    return size * 4 >= kMuch && whole(reinterpret_cast<intptr_t>(y.at) / 4) && whole(places.row) && whole(places.batch);
  }

  void finish(const Block& block, const float* sums, int64_t sums_row) const {
    const int64_t channel = block.batch * bias_batch + block.column;
    const float* bias = epilogue.bias ? epilogue.bias + channel : nullptr;
    y.visit([&](auto* values) {
      if (moments.mean) moments.gather(block.part, channel, block.columns, sums, sums_row, block.rows, bias, values);
      const auto* residual = static_cast<decltype(values)>(const_cast<void*>(epilogue.residual));
      for (int64_t i = 0; i < block.rows; i++) {
        const int64_t at = block.batch * places.batch + places.at(block.row + i) + block.column;
        epilogue.write(sums + i * sums_row, block.columns, bias, residual ? residual + at : nullptr, values + at);
      }
    });
  }
};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
