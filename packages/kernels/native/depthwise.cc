// Depthwise convolution: every channel has a filter of its own, [kh][kw][channels].
//
// All three passes go over lines of pixels, several pixels and a vector of channels at a time: outputs are sums over the taps of pixels times
// weights; gradients of weights, sums over the pixels of what a tap saw times the output's gradient. The input's gradient is a sum over taps
// too, of the output's gradient; where the window has a stride, only every stride-th of an image's pixels sees the same taps, which makes
// `stride` lines of each.
//
// Images in bfloat16 are converted line by line in cache, once for all taps.
//
// For filters that make several channels of one, src/depthwise.ts has every channel so many times in an image.
#include "activation.h"
#include "columns.h"
#include "kernel.h"
#include "memory.h"
#include "moments.h"
#include "norm-slope.h"
#include "threads.h"
#include "window.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

constexpr int kBlock = 4;                  // pixels at a time
#if defined(__wasm__)
constexpr int kRows = 1;                   // rows at a time: engines have no registers for the sums of two
#else
constexpr int kRows = 2;
#endif
constexpr int64_t kPieceValues = 1 << 16;  // that one piece of work writes,
constexpr int64_t kFewValues = 1 << 13;    // or, of one image, at least
constexpr int64_t kPieces = 8;             // that little work is cut into

struct Shape {
  int64_t batch, channels;
  Axis y, x;

  explicit Shape(Arguments& in) : batch(in.integer()), channels(in.integer()), y(in), x(in) {}
  int64_t weights() const { return y.taps * x.taps * channels; }
};

/// A tap: what it sees at the first of some places, and its weights.
template <class W>
struct Tap {
  const float* x;
  W* w;
};

/// A tap along one axis: at the first place it sees the pixel `at`.
struct Sight {
  int64_t tap, at;
};

/// What the taps of a window see along a line of places: from place to place `step` pixels further, of which there are [0, limit).
struct Sights {
  Sight* taps;
  int64_t places, step, limit;
  int64_t count = 0;

  void add(int64_t tap, int64_t at) { taps[count++] = {tap, at}; }
  int64_t pixel(int64_t tap, int64_t place) const { return taps[tap].at + place * step; }
  bool sees(int64_t tap, int64_t place) const { return pixel(tap, place) >= 0 && pixel(tap, place) < limit; }
  /// Whether the window has three taps that see pixels side by side, from the left to the right.
  bool are_triples() const { return count == 3 && taps[1].at == taps[0].at + 1 && taps[2].at == taps[1].at + 1; }
  /// At how many places from this one on all taps see something; 0 if not even here.
  int64_t all_seen(int64_t place) const {
    int64_t seen = places - place;
    for (int64_t t = 0; t < count; t++) {
      if (!sees(t, place)) return 0;
      seen = smaller(seen, (limit - 1 - pixel(t, place)) / step + 1);
    }
    return seen;
  }
};

/// The lines of pixels that the rows of a window see, with the weights of the first tap in each.
template <class W>
struct Lines {
  Tap<W>* rows;
  int64_t count = 0;

  void add(const float* x, W* w) { rows[count++] = {x, w}; }
};

/// Calls `run(taps, count, place, places)` along a line: so many places from `place` on all have these taps.
template <class W, class Run>
void each_run(const Lines<W>& lines, const Sights& columns, int64_t channels, Tap<W>* taps, const Run& run) {
  for (int64_t place = 0, places; place < columns.places; place += places) {
    const int64_t all = columns.all_seen(place);
    places = larger(all, 1);
    int64_t count = 0;
    for (int64_t row = 0; row < lines.count; row++)
      for (int64_t t = 0; t < columns.count; t++)
        if (all || columns.sees(t, place))
          taps[count++] = {lines.rows[row].x + columns.pixel(t, place) * channels, lines.rows[row].w + columns.taps[t].tap * channels};
    run(taps, count, place, places);
  }
}

/// Memory that will be read next, fetched into the second cache bit by bit: lines of pixels are too many short runs for the processor to see
/// them coming.
struct Ahead {
  const char* at = nullptr;
  const char* end = nullptr;
  int64_t step = 0;  // bytes at a time

  Ahead() = default;
  /// `values` of `bytes` each, in so many times.
  Ahead(const void* values, int64_t bytes, int64_t times)
      : at(static_cast<const char*>(values)), end(at + bytes), step(ceil_div(ceil_div(bytes, kFetched), larger(1, times)) * kFetched) {}

  void fetch() {
    for (const char* until = at + step < end ? at + step : end; at < until; at += kFetched) __builtin_prefetch(at, 0, 2);
  }

 private:
  static constexpr int64_t kFetched = 64;
};

template <int count>
struct AheadOfAll {
  Ahead all[count];

  void fetch() {
    for (Ahead& each : all) each.fetch();
  }
};

/// Where sums go: f(sum + bias).
template <class Y, class F>
struct Output {
  Sink<Y> sink;
  const float* bias;  // null: none
  F f;

  void add_ahead(Range, int64_t, int64_t, AheadOfAll<3>&) const {}
  Floats first(int64_t channel, int lanes) const { return bias ? load(bias + channel, lanes) : Floats{}; }

  /// The sums of some pixels, which lie `step` apart from `at` on.
  template <int kPixels>
  void put(const Floats (&sums)[kPixels], int64_t at, int64_t step, int64_t channel, int lanes) const {
    for (int p = 0; p < kPixels; p++) sink.put(at + p * step + channel, f.value(sums[p]), lanes);
  }
};

/// The same for sums that are gradients and meet a norm.
template <class Y, class F>
struct NormedOutput {
  Sink<Y> sink;
  NormSlope norm;
  F f;

  /// What rows will meet, as they are written in so many times.
  void add_ahead(Range rows, int64_t line, int64_t times, AheadOfAll<3>& ahead) const {
    const int64_t bytes = rows.size() * line * int64_t{sizeof(Y)};
    ahead.all[1] = {static_cast<const Y*>(norm.x) + rows.begin * line, bytes, times};
    if (norm.y) ahead.all[2] = {static_cast<const Y*>(norm.y) + rows.begin * line, bytes, times};
  }

  Floats first(int64_t, int) const { return Floats{}; }

  template <int kPixels>
  void put(const Floats (&sums)[kPixels], int64_t at, int64_t step, int64_t channel, int lanes) const {
    const auto *x = static_cast<const Y*>(norm.x) + at + channel, *y = norm.y ? static_cast<const Y*>(norm.y) + at + channel : nullptr;
    ChannelSlope here(norm, channel, lanes);
    for (int p = 0; p < kPixels; p++)
      sink.put(at + p * step + channel, here.dz(f, sums[p], x + p * step, y ? y + p * step : nullptr, lanes), lanes);
    here.add_to(norm, channel, lanes);
  }
};

/// The sums of pixels times weights over the taps, for kPixels places, the first of which sees `x_offset` behind the taps' pixels.
template <int kPixels, class To, int kAheads>
void sum_taps(const Tap<const float>* taps, int64_t count, int64_t x_offset, int64_t x_step, int64_t channels, const To& y, int64_t at, int64_t y_step,
              AheadOfAll<kAheads>& ahead) {
  each_vector(channels, [&](int64_t c, int lanes) {
    ahead.fetch();
    Floats sum[kPixels];
    for (int p = 0; p < kPixels; p++) sum[p] = y.first(c, lanes);
    for (int64_t t = 0; t < count; t++) {
      const float* x = taps[t].x + x_offset + c;
      const Floats w = load(taps[t].w + c, lanes);
      for (int p = 0; p < kPixels; p++) sum[p] = fma(load(x + p * x_step, lanes), w, sum[p]);
    }
    y.put(sum, at, y_step, c, lanes);
  });
}

/// A line of pixels with the weights of the first tap that each of two rows of places sees in it; null where a row does not see it.
struct SharedLine {
  const float* x;
  const float* weights[2];
};

/// The lines that two rows see, those that both see once, each row's in their order: so its sums do not depend on its being one of two.
int64_t share_lines(const Lines<const float> (&rows)[2], SharedLine* shared) {
  const auto rise = [](const Lines<const float>& lines) { return lines.count > 1 && lines.rows[1].x < lines.rows[0].x; };
  const bool rising = rise(rows[0]) || rise(rows[1]);
  int64_t at[2] = {}, count = 0;
  while (at[0] < rows[0].count || at[1] < rows[1].count) {
    const float* next[2];
    for (int row = 0; row < 2; row++) next[row] = at[row] < rows[row].count ? rows[row].rows[at[row]].x : nullptr;
    const bool second = !next[0] || (next[1] && (next[1] < next[0]) != rising);
    SharedLine& line = shared[count++] = {next[second], {}};
    for (int row = 0; row < 2; row++)
      if (next[row] == line.x) line.weights[row] = rows[row].rows[at[row]++].w;
  }
  return count;
}

/// As sum_taps(), where the window has rows of three taps, side by side, for one row of places or two, the second `y_row` behind the first: each pixel is
/// loaded once for all taps and rows. Places lie side by side too.
template <int kRowsNow, int kPixels, class To, int kAheads>
void sum_triples(const SharedLine* lines, int64_t count, const Sights& columns, int64_t x_offset, int64_t channels, const To& y, int64_t at,
                int64_t y_step, int64_t y_row, AheadOfAll<kAheads>& ahead) {
  const int64_t first_tap = columns.taps[0].tap * channels, tap_step = columns.taps[1].tap * channels - first_tap;
  each_vector(channels, [&](int64_t c, int lanes) {
    ahead.fetch();
    Floats sums[kRowsNow][kPixels];
    for (auto& row : sums)
      for (Floats& sum : row) sum = y.first(c, lanes);
    for (const SharedLine* line = lines; line < lines + count; line++) {
      Floats seen[kPixels + 2];
      const float *x = line->x + x_offset + c, *further = x + 3 * channels;
      for (int i = 0; i < kPixels + 2; i++) seen[i] = load(i < 3 ? x + i * channels : further + (i - 3) * channels, lanes);
#pragma GCC unroll 2
      for (int row = 0; row < kRowsNow; row++) {
        if (kRowsNow > 1 && !line->weights[row]) continue;
        const float* weights = line->weights[row] + first_tap + c;
        for (int t = 0; t < 3; t++) {
          const Floats w = load(weights + t * tap_step, lanes);
          for (int p = 0; p < kPixels; p++) sums[row][p] = fma(seen[p + t], w, sums[row][p]);
        }
      }
    }
    for (int row = 0; row < kRowsNow; row++) y.put(sums[row], at + row * y_row, y_step, c, lanes);
  });
}

/// Each thread's lists, and floats to work in.
template <class W>
struct Workspace {
  Tap<W>*rows[2], *taps;  // of two rows of places
  SharedLine* shared;
  Sight* columns;
  float* floats;

  static int64_t bytes(const Shape& shape, int64_t floats) {
    const int64_t lists = shape.y.taps * ((2 + shape.x.taps) * sizeof(Tap<W>) + 2 * sizeof(SharedLine)) + shape.x.taps * sizeof(Sight);
    return ceil_div(lists, 64) * 64 + floats * sizeof(float);
  }
  static bool for_all(const Shape& shape, int64_t floats) {
    for (int thread = 0; thread < threads(); thread++)
      if (!scratch(thread, bytes(shape, floats))) return false;
    return true;
  }

  Workspace(const Shape& shape, int thread) {
    auto* memory = static_cast<char*>(scratch(thread, 0));
    taps = reinterpret_cast<Tap<W>*>(memory);
    for (int i = 0; i < 2; i++) rows[i] = taps + shape.y.taps * (shape.x.taps + i);
    shared = reinterpret_cast<SharedLine*>(rows[1] + shape.y.taps);
    columns = reinterpret_cast<Sight*>(shared + 2 * shape.y.taps);
    floats = reinterpret_cast<float*>(memory + bytes(shape, 0));
  }
};

/// A line of such sums, from `at` on. `but_blocks`: sum_blocks() has those of whole blocks.
template <class To, int kAheads>
void sum_line(const Lines<const float>& lines, const Sights& columns, int64_t channels, Tap<const float>* taps, const To& y, int64_t at,
              int64_t y_step, bool but_blocks, AheadOfAll<kAheads>& ahead) {
  const int64_t x_step = columns.step * channels;
  each_run(lines, columns, channels, taps, [&](const Tap<const float>* seen, int64_t count, int64_t place, int64_t places) {
    int64_t i = but_blocks ? places / kBlock * kBlock : 0;
    for (; i + kBlock <= places; i += kBlock) sum_taps<kBlock>(seen, count, i * x_step, x_step, channels, y, at + (place + i) * y_step, y_step, ahead);
    for (; i < places; i++) sum_taps<1>(seen, count, i * x_step, x_step, channels, y, at + (place + i) * y_step, y_step, ahead);
  });
}

/// The whole blocks of one line of them or two.
template <int kRowsNow, class To, int kAheads>
void sum_blocks(const SharedLine* lines, int64_t count, const Sights& columns, int64_t channels, const To& y, int64_t at, int64_t y_step, int64_t y_row,
                AheadOfAll<kAheads>& ahead) {
  for (int64_t place = 0, places; place < columns.places; place += larger(1, places)) {
    places = columns.all_seen(place);
    for (int64_t i = place; i + kBlock <= place + places; i += kBlock)
      sum_triples<kRowsNow, kBlock>(lines, count, columns, columns.pixel(0, i) * channels, channels, y, at + i * y_step, y_step, y_row, ahead);
  }
}

/// At most kRows lines, `y_row` apart; `lines_of(row, memory)` is what a row sees.
template <class To, int kAheads, class LinesOf>
void sum_rows(Range rows, const LinesOf& lines_of, const Sights& columns, int64_t channels, const Workspace<const float>& workspace, const To& y, int64_t at,
              int64_t y_step, int64_t y_row, AheadOfAll<kAheads>& ahead) {
  Lines<const float> lines[2] = {{workspace.rows[0]}, {workspace.rows[1]}};
  for (int row = 0; row < rows.size(); row++) lines[row] = lines_of(rows.begin + row, workspace.rows[row]);
  const bool in_blocks = columns.are_triples() && columns.step == 1;
  if (in_blocks) {
    const int64_t count = share_lines(lines, workspace.shared);
    if (kRows == 1 || rows.size() == 1) sum_blocks<1>(workspace.shared, count, columns, channels, y, at, y_step, y_row, ahead);
    else sum_blocks<kRows>(workspace.shared, count, columns, channels, y, at, y_step, y_row, ahead);
  }
  for (int row = 0; row < rows.size(); row++)
    sum_line(lines[row], columns, channels, workspace.taps, y, at + row * y_row, y_step, in_blocks, ahead);
}

/// weights += Σ pixels · dy over so many places, for kTaps taps, whose sums stay in registers meanwhile.
template <int kTaps>
void add_products(const Tap<float>* taps, int64_t x_step, int64_t channels, int64_t places, const float* dy, AheadOfAll<2>& ahead) {
  each_vector(channels, [&](int64_t c, int lanes) {
    const float* x[kTaps];
    Floats sum[kTaps];
    for (int t = 0; t < kTaps; t++) {
      x[t] = taps[t].x + c;
      sum[t] = load(taps[t].w + c, lanes);
    }
    for (int64_t p = 0; p < places; p++) {
      if (p % kBlock == 0) ahead.fetch();
      const Floats d = load(dy + p * channels + c, lanes);
      for (int t = 0; t < kTaps; t++) sum[t] = fma(load(x[t] + p * x_step, lanes), d, sum[t]);
    }
    for (int t = 0; t < kTaps; t++) store(taps[t].w + c, sum[t], lanes);
  });
}

/// Images of so many lines of so many values.
struct Images {
  const void* values;
  bool bf16;
  int64_t lines, line;

  /// Floats of memory in which so many lines are converted.
  int64_t work(int64_t most_lines) const { return bf16 ? whole_lines(most_lines * line) : 0; }

  /// An image, or as many of its lines as are needed, as floats: where they lie, or converted in memory, once for all taps.
  const float* floats(int64_t image, Range needed, float* memory) const {
    const int64_t first = image * lines * line;
    if (!bf16) return static_cast<const float*>(values) + first;
    const auto* from = static_cast<const Bfloat16*>(values) + first + needed.begin * line;
    each_vector(needed.size() * line, [&](int64_t i, int lanes) { store(memory + i, load(from + i, lanes), lanes); });
    return memory - needed.begin * line;
  }
};

/// Rows, of so many in each image, in as many pieces of work as are worth it.
struct Pieces {
  int64_t rows, rows_each, image_rows;

  Pieces(int64_t batch, int64_t image_rows, int64_t row_values)
      : rows(batch * image_rows), image_rows(image_rows) {
    const int64_t values = rows * row_values;
    const int64_t pieces = larger(ceil_div(values, kPieceValues), smaller(kPieces, values / kFewValues));
    rows_each = larger(1, ceil_div(rows, larger(1, pieces)));
  }
  int count() const { return static_cast<int>(ceil_div(rows, rows_each)); }
  int64_t begin(int piece) const { return piece * rows_each; }
  int64_t end(int piece) const { return smaller(begin(piece) + rows_each, rows); }
  /// The rows of an image that its thread most likely comes to after some of a piece, at most as many.
  Range next(int piece, Range some) const {
    const int64_t first = some.end < end(piece) ? some.end : smaller(begin(piece + 1), rows);
    return {first, smaller(first + some.size(), smaller(rows, (first / image_rows + 1) * image_rows))};
  }
  /// The most rows of an image in a piece.
  int64_t most() const { return smaller(rows_each, image_rows); }

  /// Calls `run(image, rows)` for a piece's part of each image.
  template <class Run>
  void each_image(int piece, const Run& run) const {
    for (int64_t row = begin(piece), next; row < end(piece); row = next) {
      const int64_t image = row / image_rows;
      next = smaller((image + 1) * image_rows, end(piece));
      run(image, Range{row - image * image_rows, next - image * image_rows});
    }
  }
};

/// Calls `run` for so many of the rows at a time.
template <class Run>
void each_few(Range rows, int64_t most, const Run& run) {
  for (int64_t row = rows.begin; row < rows.end; row += most) run(Range{row, smaller(row + most, rows.end)});
}

/// The pixels between the first and the last that windows at some places see.
Range seen(const Axis& axis, Range places) {
  const int64_t begin = larger(0, axis.pixel(places.begin, 0)), end = smaller(axis.in, axis.pixel(places.end - 1, axis.taps - 1) + 1);
  return {begin, larger(begin, end)};
}

/// The places between the first and the last from which windows see some pixels.
Range seeing(const Axis& axis, Range pixels) {
  const int64_t first = pixels.begin + axis.before - (axis.taps - 1) * axis.dilation;
  const int64_t begin = first <= 0 ? 0 : ceil_div(first, axis.stride), end = smaller(axis.out, (pixels.end - 1 + axis.before) / axis.stride + 1);
  return {begin, larger(begin, end)};
}

/// What as many rows after some of a piece need of the images, besides what these do; `needs(rows)` are the lines for rows of an image.
template <class Needs>
Ahead ahead_of(const Pieces& pieces, int piece, Range rows, const Images& images, const Needs& needs, int64_t times) {
  const Range next = pieces.next(piece, rows);
  if (images.bf16 || next.size() == 0) return {};
  const auto lines_for = [&](Range some) {
    const int64_t begin = some.begin % pieces.image_rows;
    return needs(Range{begin, begin + some.size()});
  };
  Range lines = lines_for(next);
  if (next.begin == rows.end && next.begin % pieces.image_rows > 0) lines.begin = smaller(lines.end, larger(lines.begin, lines_for(rows).end));
  const int64_t first = next.begin / pieces.image_rows * images.lines + lines.begin;
  return {static_cast<const float*>(images.values) + first * images.line, lines.size() * images.line * int64_t{sizeof(float)}, times};
}

/// How many blocks of pixels and vectors of channels a line of them is.
int64_t blocks_of(int64_t pixels, int64_t channels) { return larger(1, pixels / kBlock) * ceil_div(channels, kLanes); }

/// The most lines of `in` that one piece needs.
int64_t most_seen(const Axis& axis, int64_t places) { return smaller(axis.in, (places - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1); }
int64_t most_seeing(const Axis& axis, int64_t pixels) {
  return smaller(axis.out, (pixels + (axis.taps - 1) * axis.dilation) / axis.stride + 1);
}

/// What a window sees of an image's lines when it lies at a row of places.
template <class W>
Lines<W> lines_under(const Shape& shape, int64_t place, const float* image, W* weights, Tap<W>* memory) {
  Lines<W> lines{memory};
  for (int64_t tap = 0; tap < shape.y.taps; tap++)
    if (shape.y.inside(place, tap))
      lines.add(image + shape.y.pixel(place, tap) * shape.x.in * shape.channels, weights + tap * shape.x.taps * shape.channels);
  return lines;
}

Sights columns_under(const Axis& axis, Sight* memory) {
  Sights columns{memory, axis.out, axis.stride, axis.in};
  for (int64_t tap = 0; tap < axis.taps; tap++) columns.add(tap, axis.pixel(0, tap));
  return columns;
}

/// The rows of one piece of work.
template <class Y, class F>
void convolve_piece(const Shape& shape, const Pieces& pieces, int piece, const Images& x, const float* weights, const Epilogue& epilogue,
                    const Output<Y, F>& output, const Workspace<const float>& workspace, float* line_memory, float* x_memory) {
  const int64_t channels = shape.channels, line = shape.x.out * channels;
  const Sights columns = columns_under(shape.x, workspace.columns);
  const auto needs = [&](Range rows) { return seen(shape.y, rows); };
  pieces.each_image(piece, [&](int64_t image, Range rows) {
    const float* pixels = x.floats(image, needs(rows), x_memory);
    const auto lines_of = [&](int64_t row, Tap<const float>* memory) { return lines_under(shape, row, pixels, weights, memory); };
    each_few(rows, epilogue.residual ? 1 : kRows, [&](Range few) {
      const int64_t first = image * shape.y.out + few.begin, at = first * line;
      AheadOfAll<1> ahead = {{ahead_of(pieces, piece, {first, first + few.size()}, x, needs, blocks_of(shape.x.out, channels))}};
      if (!epilogue.residual) return sum_rows(few, lines_of, columns, channels, workspace, output, at, channels, line, ahead);
      const Output<float, Identity> sums{Sink<float>(line_memory, line, channels), nullptr, {}};
      sum_rows(few, lines_of, columns, channels, workspace, sums, 0, channels, line, ahead);
      for (int64_t i = 0; i < line; i += channels)
        epilogue.write(line_memory + i, channels, epilogue.bias, static_cast<const Y*>(epilogue.residual) + at + i, output.sink.to + at + i);
    });
  });
  finish_streams();
}

template <class Y>
const char* convolve(const Shape& shape, const Images& x, const float* weights, Y* y, const Epilogue& epilogue, Moments moments) {
  const int64_t line = shape.x.out * shape.channels;
  const Pieces pieces(shape.batch, shape.y.out, line);
  const Columns matrix(pieces.rows * shape.x.out, shape.channels);
  moments.blocks = pieces.count();
  moments.parts = static_cast<float*>(shared_scratch(moments.size() * sizeof(float)));
  const int64_t work = larger(whole_lines(line), moments_scratch(matrix));
  const int64_t x_work = x.work(most_seen(shape.y, pieces.most()));
  if ((moments.mean && !moments.parts) || !Workspace<const float>::for_all(shape, work + x_work)) return kOutOfMemory;
  Sink<Y> sink(y, pieces.rows * line, shape.channels);
  sink.streams = sink.streams && !moments.mean;  // whose sums are made of what is in cache yet
  with_activation(epilogue.activation, epilogue.slope, [&](auto f) {
    const Output<Y, decltype(f)> output{sink, epilogue.bias, f};
    parallel(pieces.count(), [&](int piece, int thread) {
      const Workspace<const float> workspace(shape, thread);
      convolve_piece(shape, pieces, piece, x, weights, epilogue, output, workspace, workspace.floats, workspace.floats + work);
      const int64_t begin = pieces.begin(piece), rows = pieces.end(piece) - begin;
      if (moments.mean) gather_moments(matrix, y + begin * line, rows * shape.x.out, workspace.floats, moments, piece);
    });
  });
  moments.combine();
  return nullptr;
}

/// The lines of dy that a line of pixels was seen by.
Lines<const float> lines_over(const Shape& shape, int64_t pixel, const float* dy, const float* weights, Tap<const float>* memory) {
  Lines<const float> lines{memory};
  for (int64_t tap = 0; tap < shape.y.taps; tap++) {
    const int64_t at = pixel + shape.y.before - tap * shape.y.dilation, place = at / shape.y.stride;
    if (at >= 0 && at % shape.y.stride == 0 && place < shape.y.out)
      lines.add(dy + place * shape.x.out * shape.channels, weights + tap * shape.x.taps * shape.channels);
  }
  return lines;
}

/// The taps that every stride-th pixel from `first` on is seen by, and where, from left to right.
Sights columns_over(const Axis& axis, int64_t first, Sight* memory) {
  Sights columns{memory, ceil_div(axis.in - first, axis.stride), 1, axis.out};
  for (int64_t tap = axis.taps - 1; tap >= 0; tap--) {
    const int64_t at = first + axis.before - tap * axis.dilation;
    if (at % axis.stride == 0) columns.add(tap, at / axis.stride);
  }
  return columns;
}

/// The rows of one piece of work. `after_rows()` is called after at most kRows.
template <class To, class AfterRows>
void gradient_piece(const Shape& shape, const Pieces& pieces, int piece, const Images& dy, const float* weights, const To& output,
                    const Workspace<const float>& workspace, float* dy_memory, const AfterRows& after_rows) {
  const int64_t channels = shape.channels, line = shape.x.in * channels, stride = shape.x.stride;
  const auto needs = [&](Range rows) { return seeing(shape.y, rows); };
  pieces.each_image(piece, [&](int64_t image, Range rows) {
    const float* gradients = dy.floats(image, needs(rows), dy_memory);
    const auto lines_of = [&](int64_t row, Tap<const float>* memory) { return lines_over(shape, row, gradients, weights, memory); };
    each_few(rows, kRows, [&](Range few) {
      const int64_t index = image * shape.y.in + few.begin, times = blocks_of(shape.x.in, channels);
      const Range now = {index, index + few.size()};
      AheadOfAll<3> ahead = {{ahead_of(pieces, piece, now, dy, needs, times)}};
      output.add_ahead(pieces.next(piece, now), line, times, ahead);
      for (int64_t first = 0; first < smaller(stride, shape.x.in); first++)
        sum_rows(few, lines_of, columns_over(shape.x, first, workspace.columns), channels, workspace, output, index * line + first * channels,
                 stride * channels, line, ahead);
      after_rows();
    });
  });
  finish_streams();
}

template <class X>
const char* input_gradient(const Shape& shape, const Images& dy, const float* weights, X* dx) {
  const int64_t channels = shape.channels, line = shape.x.in * channels;
  const Pieces pieces(shape.batch, shape.y.in, line);
  if (!Workspace<const float>::for_all(shape, dy.work(most_seeing(shape.y, pieces.most())))) return kOutOfMemory;
  const Output<X, Identity> output{Sink<X>(dx, pieces.rows * line, channels), nullptr, {}};
  parallel(pieces.count(), [&](int piece, int thread) {
    const Workspace<const float> workspace(shape, thread);
    gradient_piece(shape, pieces, piece, dy, weights, output, workspace, workspace.floats, [] {});
  });
  return nullptr;
}

/// The same where the gradient meets a norm. Sums of a row are added to those of its piece, since sums of sums err less.
template <class X>
const char* input_gradient(const Shape& shape, const Images& dy, const float* weights, X* dx, const NormBefore& before) {
  const int64_t channels = shape.channels, line = shape.x.in * channels, sums = 2 * channels;
  const Pieces pieces(shape.batch, shape.y.in, line);
  auto* memory = static_cast<float*>(shared_scratch(before.size(pieces.count(), channels) * sizeof(float)));
  const int64_t work = whole_lines(sums) + dy.work(most_seeing(shape.y, pieces.most()));
  if (!memory || !Workspace<const float>::for_all(shape, work)) return kOutOfMemory;
  before.prepare(channels, memory);
  const Sink<X> sink(dx, pieces.rows * line, channels);
  with_activation(before.activation, before.slope, [&](auto f) {
    parallel(pieces.count(), [&](int piece, int thread) {
      const Workspace<const float> workspace(shape, thread);
      float *of_row = workspace.floats, *of_piece = before.sums_of(piece, channels, memory);
      memset(of_row, 0, sums * sizeof(float));
      memset(of_piece, 0, sums * sizeof(float));
      const NormedOutput<X, decltype(f)> output{sink, before.with_sums(channels, memory, of_row), f};
      gradient_piece(shape, pieces, piece, dy, weights, output, workspace, of_row + whole_lines(sums), [&] { move_sums(of_row, sums, of_piece); });
    });
  });
  before.add_up(pieces.count(), channels, memory);
  return nullptr;
}

/// Adds a line's part to the weights that the lines' taps have.
void add_line(const Lines<float>& lines, const Sights& columns, int64_t channels, Tap<float>* taps, const float* dy, AheadOfAll<2>& ahead) {
  const int64_t x_step = columns.step * channels;
  each_run(lines, columns, channels, taps, [&](const Tap<float>* seen, int64_t count, int64_t place, int64_t places) {
    const float* from = dy + place * channels;
    int64_t t = 0;
    for (; t + 9 <= count; t += 9) add_products<9>(seen + t, x_step, channels, places, from, ahead);
    for (; t + 3 <= count; t += 3) add_products<3>(seen + t, x_step, channels, places, from, ahead);
    for (; t < count; t++) add_products<1>(seen + t, x_step, channels, places, from, ahead);
  });
}

const char* weight_gradient(const Shape& shape, const Images& x, const Images& dy, float* d_weights) {
  const int64_t weights = shape.weights();
  const Pieces pieces(shape.batch, shape.y.out, dy.line);
  auto* parts = static_cast<float*>(shared_scratch(pieces.count() * weights * sizeof(float)));
  const int64_t x_work = x.work(most_seen(shape.y, pieces.most()));
  if (!parts || !Workspace<float>::for_all(shape, x_work + dy.work(pieces.most()))) return kOutOfMemory;
  const auto needs = [&](Range rows) { return seen(shape.y, rows); };
  const auto itself = [](Range rows) { return rows; };
  parallel(pieces.count(), [&](int piece, int thread) {
    const Workspace<float> workspace(shape, thread);
    const Sights columns = columns_under(shape.x, workspace.columns);
    float* part = parts + piece * weights;
    memset(part, 0, weights * sizeof(float));
    pieces.each_image(piece, [&](int64_t image, Range rows) {
      const float* pixels = x.floats(image, seen(shape.y, rows), workspace.floats);
      const float* gradients = dy.floats(image, rows, workspace.floats + x_work);
      for (int64_t row = rows.begin; row < rows.end; row++) {
        const int64_t at = image * shape.y.out + row, times = blocks_of(shape.x.out, shape.channels);
        const Range now = {at, at + 1};
        AheadOfAll<2> ahead = {{ahead_of(pieces, piece, now, x, needs, times), ahead_of(pieces, piece, now, dy, itself, times)}};
        add_line(lines_under(shape, row, pixels, part, workspace.rows[0]), columns, shape.channels, workspace.taps, gradients + row * dy.line, ahead);
      }
    });
  });
  add_parts(parts, pieces.count(), weights, d_weights);
  return nullptr;
}

Images read_x(const Shape& shape, Arguments& in) {
  const auto* values = in.pointer<const void>();
  return {values, in.flag(), shape.y.in, shape.x.in * shape.channels};
}

Images read_dy(const Shape& shape, Arguments& in) {
  const auto* values = in.pointer<const void>();
  return {values, in.flag(), shape.y.out, shape.x.out * shape.channels};
}

/// y[i·times + k] = x[i]
template <class T>
const char* repeat_channels(Arguments& in) {
  const int64_t size = in.integer(), times = in.integer();
  const auto* x = in.pointer<const T>();
  auto* y = in.pointer<T>();
  const Pieces pieces(1, size, times);
  parallel(pieces.count(), [&](int piece, int) {
    for (int64_t i = pieces.begin(piece); i < pieces.end(piece); i++)
      for (int64_t k = 0; k < times; k++) y[i * times + k] = x[i];
  });
  return nullptr;
}

/// y[i] = Σ x[i·times + k]
template <class T>
const char* add_repeated(Arguments& in) {
  const int64_t size = in.integer(), times = in.integer();
  const auto* x = in.pointer<const float>();
  auto* y = in.pointer<T>();
  const Pieces pieces(1, size, times);
  parallel(pieces.count(), [&](int piece, int) {
    for (int64_t i = pieces.begin(piece); i < pieces.end(piece); i++) {
      float sum = 0;
      for (int64_t k = 0; k < times; k++) sum += x[i * times + k];
      store(y + i, splat(sum), 1);
    }
  });
  return nullptr;
}

}  // namespace

/// depthwise(shape, x, bf16, weight, y, bf16, bias, residual, activation, slope, mean, variance)
const char* depthwise(Arguments in) {
  const Shape shape(in);
  const Images x = read_x(shape, in);
  const auto* weights = in.pointer<const float>();
  auto* y = in.pointer<void>();
  const bool bf16 = in.flag();
  const Epilogue epilogue = read_epilogue(in, 1);
  auto* mean = in.pointer<float>();
  const Moments moments{mean, in.pointer<float>(), 0, shape.channels, nullptr};
  return bf16 ? convolve(shape, x, weights, static_cast<Bfloat16*>(y), epilogue, moments)
              : convolve(shape, x, weights, static_cast<float*>(y), epilogue, moments);
}

/// depthwise_input_gradient(shape, dy, bf16, weight, dx, bf16, norm before or null)
const char* depthwise_input_gradient(Arguments in) {
  const Shape shape(in);
  const Images dy = read_dy(shape, in);
  const auto* weights = in.pointer<const float>();
  auto* dx = in.pointer<void>();
  const bool bf16 = in.flag();
  const NormBefore before(in);
  const auto run = [&](auto* to) { return before.x ? input_gradient(shape, dy, weights, to, before) : input_gradient(shape, dy, weights, to); };
  return bf16 ? run(static_cast<Bfloat16*>(dx)) : run(static_cast<float*>(dx));
}

/// depthwise_weight_gradient(shape, x, bf16, dy, bf16, d_weight)
const char* depthwise_weight_gradient(Arguments in) {
  const Shape shape(in);
  const Images x = read_x(shape, in), dy = read_dy(shape, in);
  return weight_gradient(shape, x, dy, in.pointer<float>());
}

/// repeat_channels(bf16, size, times, x, y): x and y stored alike
const char* repeat_channels(Arguments in) { return in.flag() ? repeat_channels<Bfloat16>(in) : repeat_channels<float>(in); }

/// add_repeated(bf16, size, times, x, y): x is float32
const char* add_repeated(Arguments in) { return in.flag() ? add_repeated<Bfloat16>(in) : add_repeated<float>(in); }

}  // namespace IMGCLS_ISA
}  // namespace imgcls
