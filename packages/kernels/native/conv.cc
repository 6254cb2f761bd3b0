// Convolutions of any kernel size, stride, padding, dilation and number of groups, all three passes, as products of patches.
//
// A patch is what one output pixel sees: taps × channels values. Patches are packed into cache, block by block, while they are multiplied;
// they never exist as a whole. The same patches serve all passes:
//   forward          y = patches of x · weight
//   input gradient   dx = patches of dy · weight turned around; with strides, pixels of dx fall into phases, each of which sees its own taps
//                    only, so that each phase is a convolution of stride 1 by itself
//   weight gradient  dWeight = (patches of x)ᵀ · dy
#include "multiply.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// Along one axis, output i sees inputs `i · step + first + t · skip` for taps t; those outside of [0, size) are 0.
struct Axis {
  int64_t size, outputs;
  int64_t taps, step, skip, first;
};

/// The taps of a kernel that one phase of a strided convolution's input sees, from the last to the first.
struct Phase {
  Axis axis;
  int64_t last_tap, tap_step;  // tap t of the axis is tap `last_tap - t · tap_step` of the kernel
};

/// What inputs phase, phase + stride, … see of the outputs: output o and tap t meet at input `o · step + first + t · skip`.
Phase phase_of(const Axis& forward, int64_t phase) {
  Phase result = {{forward.outputs, ceil_div(forward.size - phase, forward.step), 0, 1, 1, 0}, 0, 1};
  for (int64_t tap = forward.taps - 1; tap >= 0; tap--) {
    const int64_t distance = phase - forward.first - tap * forward.skip;
    if (distance % forward.step != 0) continue;
    const int64_t output = distance / forward.step;
    if (result.axis.taps == 0) {
      result.last_tap = tap;
      result.axis.first = output;
    } else if (result.axis.taps == 1) {
      result.tap_step = result.last_tap - tap;
      result.axis.skip = output - result.axis.first;
    }
    result.axis.taps++;
  }
  return result;
}

/// The patches of all images, as rows [image, output row, output column] of a matrix with columns [tap row, tap column, channel]; or, for the
/// weight gradient, transposed. Each group (the batch of the product) has its own channels.
struct Patches {
  Values x;
  Axis y_axis, x_axis;
  int64_t pixel, channels;  // channels of a pixel, and of a group
  int64_t depth;            // of the product: columns, or where they are transposed, patches
  bool transposed;

  bool are_pixels() const {
    const auto whole = [](const Axis& axis) { return axis.taps == 1 && axis.step == 1 && axis.first == 0 && axis.outputs == axis.size; };
    return whole(y_axis) && whole(x_axis);
  }

  template <class Unit>
  Operand<Unit> load(int64_t group, int64_t m0, int64_t m, int64_t k0, int64_t k, Unit* into) const {
    if (are_pixels()) return MatrixRows{x, pixel, channels, depth, transposed}.load(group, m0, m, k0, k, into);
    const int64_t row = spread(transposed ? m : k);
    if (k == 0) return {into, row};  // a phase that no tap meets
    const Depth deep = Depth::of<Unit>(k0, k, depth);
    x.visit([&](const auto* all) {
      const auto* values = all + group * channels;
      if (transposed) pack_transposed(values, deep.begin, deep.count, m0, m, into, row);
      else pack_rows(values, m0, m, deep.begin, deep.count, into, row);
    });
    return {into, row};
  }

  template <class Unit>
  Traffic::Span ahead(const Block& block, int64_t k0, int64_t k) const {
    const int64_t line = y_axis.size * x_axis.size * pixel, outputs = y_axis.outputs * x_axis.outputs;  // of an image
    const int64_t patch = transposed ? k0 * kDeep<Unit> : block.row, patches = transposed ? k * kDeep<Unit> : block.rows;
    return x.span(patch * line / outputs, patches * line / outputs);
  }

 private:
  template <class T>
  void pack_rows(const T* values, int64_t patch, int64_t patches, int64_t begin, int64_t count, float* into, int64_t row) const {
    pack(values, patch, patches, begin, count, into, row);
  }

  template <class T>
  void pack_transposed(const T* values, int64_t patch, int64_t patches, int64_t begin, int64_t count, float* into, int64_t row) const {
    pack(values, patch, patches, begin, count, into, row);
  }

#if defined(IMGCLS_HAS_PAIRS)
  template <class T>
  void pack_rows(const T* values, int64_t patch, int64_t patches, int64_t begin, int64_t count, Pair* into, int64_t row) const {
    auto* halves = reinterpret_cast<Bfloat16*>(into);
    pack(values, patch, patches, begin, count, halves, 2 * row);
    if (count % 2 != 0)
      for (int64_t i = 0; i < patches; i++) halves[2 * i * row + count] = Bfloat16{};
  }

  /// Pairs of patches: some lie as bfloat16 behind what is packed, until two of them become one row.
  template <class T>
  void pack_transposed(const T* values, int64_t patch, int64_t patches, int64_t begin, int64_t count, Pair* into, int64_t row) const {
    auto* staged = reinterpret_cast<Bfloat16*>(into + ceil_div(patches, 2) * row);
    for (int64_t i = 0; i < patches; i += kStagedRows) {
      const int64_t few = smaller(kStagedRows, patches - i);
      pack(values, patch + i, few, begin, count, staged, row);
      for (int64_t j = 0; j < few; j += 2, into += row)
        pack_across(staged + j * row, j + 1 < few ? staged + (j + 1) * row : nullptr, count, into);
    }
  }
#endif

  /// Columns [begin, begin + count) of the patches, line by line of the outputs.
  template <class T, class To>
  void pack(const T* values, int64_t patch, int64_t patches, int64_t begin, int64_t count, To* into, int64_t row) const {
    for (const int64_t end = patch + patches; patch < end;) {
      const int64_t column = patch % x_axis.outputs, line = patch / x_axis.outputs;
      const T* image = values + line / y_axis.outputs * y_axis.size * x_axis.size * pixel;
      const Range columns = {column, smaller(x_axis.outputs, column + end - patch)};
      pack_line(image, line % y_axis.outputs * y_axis.step + y_axis.first, columns, begin, count, into, row);
      patch += columns.size();
      into += columns.size() * row;
    }
  }

  /// Those of the outputs of a line, which see the image from row `top` on, run by run: what lies together in the image.
  template <class T, class To>
  void pack_line(const T* image, int64_t top, const Range& columns, int64_t begin, int64_t count, To* into, int64_t row) const {
    const bool wide = x_axis.skip == 1 && channels == pixel;  // a row of taps is one run
    const int64_t across = wide ? 1 : x_axis.taps, taps = x_axis.taps / across, run = taps * channels;
    int64_t y = begin / run / across, x = begin / run % across, at = begin % run;
    for (const To* end = into + count; into < end; at = 0) {
      const int64_t size = smaller(end - into, run - at);
      pack_runs(image, top + y * y_axis.skip, x_axis.first + x * x_axis.skip, taps, columns, at, size, into, row);
      into += size;
      if (++x == across) x = 0, y++;
    }
  }

  /// Of each output's run of `taps` pixels, which begins at pixel `first` + output · step of row y, `size` values from the one numbered `at` on.
  template <class T, class To>
  void pack_runs(const T* image, int64_t y, int64_t first, int64_t taps, const Range& columns, int64_t at, int64_t size, To* to, int64_t row) const {
    const int64_t step = x_axis.step, space = x_axis.size - taps - first;
    const auto pack_each = [&](const Range& some) {
      for (int64_t column = some.begin; column < some.end; column++, to += row) pack_run(image, y, column * step + first, at, size, to);
    };
    const bool inside = y >= 0 && y < y_axis.size && space >= 0;
    const int64_t begin = inside ? smaller(columns.end, larger(columns.begin, ceil_div(-first, step))) : columns.end;
    const int64_t end = inside ? smaller(columns.end, larger(begin, space / step + 1)) : columns.end;
    pack_each({columns.begin, begin});
    for (int64_t column = begin; column < end; column++, to += row)
      convert_run(image + (y * x_axis.size + column * step + first) * pixel + at, size, to);
    pack_each({end, columns.end});
  }

  /// `size` values of the run that begins at a pixel, from the one numbered `at` on; zeros where it leaves the image.
  template <class T, class To>
  void pack_run(const T* image, int64_t y, int64_t x, int64_t at, int64_t size, To* to) const {
    if (y < 0 || y >= y_axis.size) return fill_zeros(to, size);
    const int64_t before = larger(0, smaller(size, -x * channels - at));
    const int64_t inside = larger(0, smaller(size, (x_axis.size - x) * channels - at) - before);
    if (before > 0) fill_zeros(to, before);
    convert_run(image + (y * x_axis.size + x) * pixel + at + before, inside, to + before);
    if (before + inside < size) fill_zeros(to + before + inside, size - before - inside);
  }

  template <class To>
  static void fill_zeros(To* to, int64_t count) {
    for (int64_t i = 0; i < count; i += kLanes) store_some(to + i, Floats{}, count - i);
  }
};

struct Shape {
  int64_t batch, in_channels, out_channels, groups;
  Axis y, x;  // of the forward pass

  int64_t in_group() const { return in_channels / groups; }
  int64_t out_group() const { return out_channels / groups; }
  int64_t outputs() const { return batch * y.outputs * x.outputs; }
  int64_t depth() const { return y.taps * x.taps * in_group(); }
  Patches patches(const Values& of, bool transposed) const {
    return {of, y, x, in_channels, in_group(), transposed ? outputs() : depth(), transposed};
  }
};

/// inputs, outputs, kernel, stride, dilation, padding before
Axis read_axis(Arguments& in) {
  const int64_t size = in.integer(), outputs = in.integer(), taps = in.integer(), step = in.integer(), skip = in.integer();
  return {size, outputs, taps, step, skip, -in.integer()};
}

/// batch, inChannels, outChannels, groups, then the axis of rows and that of columns
Shape read_shape(Arguments& in) {
  const int64_t batch = in.integer(), in_channels = in.integer(), out_channels = in.integer(), groups = in.integer();
  const Axis y = read_axis(in);
  return {batch, in_channels, out_channels, groups, y, read_axis(in)};
}

/// The weight [tap, channel of the group][output channel], each group's columns.
MatrixColumns weight_columns(const Shape& shape, const float* weight) {
  return {{const_cast<float*>(weight), false}, shape.out_channels, shape.out_group(), shape.depth(), false, false};
}

/// The weight turned around: rows [tap, output channel of the group] in the order of the phases' taps, columns channels of the group's input.
struct TurnedColumns {
  const float* weight;
  const Shape& shape;
  Phase y, x;

  int64_t depth() const { return y.axis.taps * x.axis.taps * shape.out_group(); }

  /// For pack_columns(). A group's channels are whole units.
  template <class Unit>
  void pack(int64_t group, int64_t k0, int64_t k, int64_t n0, int64_t n, Unit* into, int64_t panel) const {
    const int64_t out = shape.out_group() / kDeep<Unit>;
    for (int64_t tap = k0 / out, begin = k0 % out; k > 0; tap++, begin = 0) {
      const int64_t size = smaller(k, out - begin);
      const int64_t row = y.last_tap - tap / x.axis.taps * y.tap_step, column = x.last_tap - tap % x.axis.taps * x.tap_step;
      const int64_t first = group * shape.out_group() + begin * kDeep<Unit>;
      const float* from = weight + ((row * shape.x.taps + column) * shape.in_group() + n0) * shape.out_channels + first;
      const MatrixColumns turned = {{const_cast<float*>(from), false}, shape.out_channels, 0, size * kDeep<Unit>, true, false};
      turned.pack(0, 0, size, 0, n, into, panel);
      into += size * kPanel;
      k -= size;
    }
  }
};

/// The pixels of dx that lie in one phase, which begins at `first`, with the same of `residual` added, if there is one.
template <class Unit>
const char* input_gradient_of_phase(const TurnedColumns& turned, const Values& dy, const void* residual, const Values& dx, int64_t first) {
  const Shape& shape = turned.shape;
  const Axis &y = turned.y.axis, &x = turned.x.axis;
  const int64_t line = shape.x.size * shape.in_channels, rows = shape.batch * y.outputs * x.outputs;
  if (rows == 0) return nullptr;
  const Patches patches = {dy, y, x, shape.out_channels, shape.out_group(), turned.depth(), false};
  const int64_t depth = turned.depth() / kDeep<Unit>;
  const Plan plan = Plan::of<Unit>(shape.groups, rows, shape.in_group(), depth);
  const int64_t group_size = panels_size(depth, shape.in_group()), packed_size = shape.groups * group_size;
  float* shared = shared_floats(packed_size + plan.partials_size());
  if (!shared) return kOutOfMemory;
  auto* packed = reinterpret_cast<Unit*>(shared);
  pack_columns(shape.groups, depth, shape.in_group(), turned, packed);
  const int64_t skipped = first * (dx.is_bf16 ? 2 : 4);
  const Values to = {static_cast<char*>(dx.at) + skipped, dx.is_bf16};
  const void* added = residual ? static_cast<const char*>(residual) + skipped : nullptr;
  Places places = Places::rows(shape.in_channels, shape.in_group());
  if (shape.y.step > 1 || shape.x.step > 1)
    places = {shape.x.step * shape.in_channels, shape.in_group(), x.outputs, y.outputs, shape.y.step * line, shape.y.size * line};
  const Write write = {to, shape.batch * shape.y.size * line, places, {1, nullptr, added, Activation::kNone, 0}, 0, {}};
  return multiply<Unit>(plan, patches, PackedColumns<Unit>{packed, depth, group_size}, write, shared + packed_size);
}

}  // namespace

#if !defined(__AMX_BF16__)
/// conv_pack(shape, weight, packed): packs the weight for conv()
const char* conv_pack(Arguments in) {
  const Shape shape = read_shape(in);
  const auto* weight = in.pointer<const float>();
  pack_columns(shape.groups, shape.depth(), shape.out_group(), weight_columns(shape, weight), in.pointer<float>());
  return nullptr;
}
#endif

/// conv(shape, x, bf16, weight, packed weight or null, y, bf16, bias, residual, activation, slope, mean, variance)
const char* conv(Arguments in) {
  const Shape shape = read_shape(in);
  const Values x = read_values(in);
  const auto* weight = in.pointer<const float>();
  const auto* packed = in.pointer<const float>();
  const Values y = read_values(in);
  const Epilogue epilogue = read_epilogue(in, 1);
  float* mean = in.pointer<float>();
  float* variance = in.pointer<float>();
  if (shape.outputs() == 0) return nullptr;

  return with_unit(!packed && (x.is_bf16 || y.is_bf16), [&](auto unit) {
    using Unit = decltype(unit);
    const int64_t depth = ceil_div(shape.depth(), kDeep<Unit>);
    const Plan plan = Plan::of<Unit>(shape.groups, shape.outputs(), shape.out_group(), depth);
    const int64_t group_size = panels_size(depth, shape.out_group());
    const int64_t packed_size = packed ? 0 : shape.groups * group_size;
    Moments moments = {mean, variance, plan.rows.parts, shape.out_channels, nullptr};
    float* shared = shared_floats(packed_size + plan.partials_size() + moments.size());
    if (!shared) return kOutOfMemory;
    float* partials = shared + packed_size;
    moments.parts = shared + packed_size + plan.partials_size();
    auto* made = reinterpret_cast<Unit*>(shared);
    if (!packed) pack_columns(shape.groups, depth, shape.out_group(), weight_columns(shape, weight), made);
    const PackedColumns<Unit> columns = {packed ? reinterpret_cast<const Unit*>(packed) : made, depth, group_size};
    const Places places = Places::rows(shape.out_channels, shape.out_group());
    const Write write = {y, shape.outputs() * shape.out_channels, places, epilogue, shape.out_group(), moments};
    const char* problem = multiply<Unit>(plan, shape.patches(x, false), columns, write, partials);
    if (!problem) moments.combine();
    return problem;
  });
}

/// conv_input_gradient(shape, dy, bf16, weight, residual or null, dx, bf16): dx = the gradient + residual
const char* conv_input_gradient(Arguments in) {
  const Shape shape = read_shape(in);
  const Values dy = read_values(in);
  const auto* weight = in.pointer<const float>();
  const auto* residual = in.pointer<const void>();
  const Values dx = read_values(in);
  for (int64_t top = 0; top < smaller(shape.y.step, shape.y.size); top++)
    for (int64_t left = 0; left < smaller(shape.x.step, shape.x.size); left++) {
      const TurnedColumns turned = {weight, shape, phase_of(shape.y, top), phase_of(shape.x, left)};
      const bool pairs = (dy.is_bf16 || dx.is_bf16) && shape.out_group() % 2 == 0;
      const char* problem = with_unit(pairs, [&](auto unit) {
        return input_gradient_of_phase<decltype(unit)>(turned, dy, residual, dx, top * shape.x.size * shape.in_channels + left * shape.in_channels);
      });
      if (problem) return problem;
    }
  return nullptr;
}

/// conv_weight_gradient(shape, x, bf16, dy, bf16, dWeight)
const char* conv_weight_gradient(Arguments in) {
  const Shape shape = read_shape(in);
  const Values x = read_values(in);
  const Values dy = read_values(in);
  const Values d_weight = {in.pointer<void>(), false};
  return with_unit(x.is_bf16 || dy.is_bf16, [&](auto unit) {
    using Unit = decltype(unit);
    const Plan plan = Plan::of<Unit>(shape.groups, shape.depth(), shape.out_group(), ceil_div(shape.outputs(), kDeep<Unit>));
    float* partials = shared_floats(plan.partials_size());
    if (!partials) return kOutOfMemory;
    const MatrixColumns columns = {dy, shape.out_channels, shape.out_group(), shape.outputs(), false, false};
    const Places places = Places::rows(shape.out_channels, shape.out_group());
    const Write write = {d_weight, shape.depth() * shape.out_channels, places, {1, nullptr, nullptr, Activation::kNone, 0}, 0, {}};
    return multiply<Unit>(plan, shape.patches(x, true), columns, write, partials);
  });
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
