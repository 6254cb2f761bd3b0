// Parts of JPEG files, and their way to a network's size: only the blocks that a crop needs are transformed, the others are just read over.
#include <stdint.h>
#include <string.h>

#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

namespace {

/// What `jpeg` answers in `outcome`: it is done, or the file is one for another decoder, which may know what is wrong with it.
enum Outcome : int32_t { kDone = 0, kAnother = 1 };

constexpr uint8_t kNatural[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
                                  41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
                                  30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/// A Huffman code: ITU-T T.81, annex C. Codes of up to `kLook` bits are looked up, longer ones are compared length by length.
struct Huffman {
  static constexpr int kLook = 11;
  uint16_t look[1 << kLook];  // entries; 0 where the code is longer
  int32_t limit[17];          // the first code that is none of this length or a shorter one, at the top of 16 bits
  int32_t offset[17];         // what makes an index of a code of this length
  uint8_t symbols[256];
  bool defined;

  /// From `counts` of lengths 1 to 16, and as many symbols. False if there are more codes than fit, or one of a value of more than `most` bits.
  bool define(const uint8_t* counts, const uint8_t* listed, int most) {
    memset(look, 0, sizeof look);
    int32_t code = 0, index = 0;
    for (int length = 1; length <= 16; length++) {
      offset[length] = index - code;
      for (int i = 0; i < counts[length - 1]; i++, code++, index++) {
        if (index > 255 || code >= 1 << length || (listed[index] & 15) > most) return false;
        symbols[index] = listed[index];
        const int rest = kLook - length;
        for (int j = 0; rest >= 0 && j < 1 << rest; j++) look[(code << rest) + j] = entry(length, listed[index]);
      }
      limit[length] = code << (16 - length);
      code <<= 1;
    }
    return defined = true;
  }

  /// What a code means: how many bits it has together with its value, how many of them are the value's, and by how many coefficients to
  /// go on (at the end of a block, past it).
  static uint16_t entry(int length, int symbol) {
    const int size = symbol & 15, on = size ? (symbol >> 4) + 1 : symbol == 0xf0 ? 16 : 64;
    return static_cast<uint16_t>((length + size) | size << 5 | on << 9);
  }
};

constexpr size_t kPadding = 16;  // zeros behind what `Bits` reads

/// Copies the bytes of a scan up to its next marker, without the zeros that follow 0xFF. Returns where the marker is.
const uint8_t* copy_scan(const uint8_t* at, const uint8_t* end, uint8_t*& to) {
  for (;;) {
    while (end - at >= 8) {
      uint64_t word;
      memcpy(&word, at, 8);
      if ((~word - 0x0101010101010101u) & word & 0x8080808080808080u) break;  // a byte is 0xFF
      memcpy(to, &word, 8);
      at += 8;
      to += 8;
    }
    while (at < end && *at != 0xff) *to++ = *at++;
    if (end - at < 2 || at[1] != 0) return at;
    *to++ = 0xff;
    at += 2;
  }
}

/// The bits of a scan up to a marker; behind them, zeros.
class Bits {
 public:
  /// Of bytes with `kPadding` more behind them.
  Bits(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  /// At least 56 bits lie ready then: two codes of coefficients have 52 at most, with their values.
  void refill() {
    uint64_t word;
    memcpy(&word, at_, 8);
    bits_ |= __builtin_bswap64(word) >> count_;
    at_ += (63 - count_) >> 3;
    at_ = at_ < end_ + 8 ? at_ : end_ + 8;
    count_ |= 56;
  }

  /// Takes a code and the value behind it. Returns the number of coefficients to go on by; 0 if there is no such code.
  int take(const Huffman& code, int32_t& value) {
    const auto ahead = static_cast<int32_t>(bits_ >> 48);
    uint32_t entry = code.look[ahead >> (16 - Huffman::kLook)];
    if (!entry) {
      int length = Huffman::kLook + 1;
      while (length <= 16 && ahead >= code.limit[length]) length++;
      if (length > 16) return 0;
      entry = Huffman::entry(length, code.symbols[(ahead >> (16 - length)) + code.offset[length]]);
    }
    const int all = static_cast<int>(entry & 31), size = static_cast<int>(entry >> 5 & 15);
    // The upper half of the values are positive: T.81, F.2.2.1.
    const uint64_t top = bits_ << (all - size);
    const auto below = static_cast<int32_t>(static_cast<int64_t>(~top) >> 63) & ((1 << size) - 1);
    value = static_cast<int32_t>(top >> 1 >> (63 - size)) - below;
    bits_ <<= all;
    count_ -= all;
    return static_cast<int>(entry >> 9);
  }

  /// How many there are still; fewer than none if some were used that are not there.
  ptrdiff_t left() const { return 8 * (end_ - at_) + count_; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  uint64_t bits_ = 0;
  int count_ = 0;
};

struct Component {
  int h, v;           // blocks of it in a unit
  int table;          // its quantization table
  int dc, ac;         // its codes
  int width, height;  // its samples
  int32_t predicted;
  uint8_t* plane;  // what is decoded of it, [rows, stride]
  int stride;
  int left, top;  // where the plane begins, in samples
};

/// Eight columns of a block.
typedef int32_t Row __attribute__((vector_size(32)));
/// The same in arithmetic that wraps around, as it may where a file is damaged.
typedef uint32_t Wrapping __attribute__((vector_size(32)));

inline void transpose(Row r[8]) {
#define SWAP(distance, A, B)                                         \
  for (int i = 0; i < 8; i++) {                                      \
    if (i & (distance)) continue;                                    \
    const Row a = r[i], b = r[i + (distance)];                       \
    r[i] = __builtin_shufflevector(a, b, A);                         \
    r[i + (distance)] = __builtin_shufflevector(a, b, B);            \
  }
#define L(...) __VA_ARGS__
  SWAP(4, L(0, 1, 2, 3, 8, 9, 10, 11), L(4, 5, 6, 7, 12, 13, 14, 15))
  SWAP(2, L(0, 1, 8, 9, 4, 5, 12, 13), L(2, 3, 10, 11, 6, 7, 14, 15))
  SWAP(1, L(0, 8, 2, 10, 4, 12, 6, 14), L(1, 9, 3, 11, 5, 13, 7, 15))
#undef L
#undef SWAP
}

/// One dimension of the inverse DCT, 13 bits of fraction: Loeffler, Ligtenberg, Moschytz 1989, in the arrangement that libjpeg made
/// the common one ("islow"), so that the results are the same bit for bit.
template <int shift>
inline void transform(Row r[8]) {
  Wrapping x[8];
  memcpy(x, r, sizeof x);
  const Wrapping even = (x[2] + x[6]) * 4433u;
  const Wrapping t2 = even - x[6] * 15137u, t3 = even + x[2] * 6270u;
  const Wrapping t0 = (x[0] + x[4]) << 13u, t1 = (x[0] - x[4]) << 13u;
  const Wrapping a0 = t0 + t3, a3 = t0 - t3, a1 = t1 + t2, a2 = t1 - t2;
  const Wrapping z5 = (x[7] + x[3] + x[5] + x[1]) * 9633u;
  const Wrapping z1 = (x[7] + x[1]) * -7373u, z2 = (x[5] + x[3]) * -20995u;
  const Wrapping z3 = (x[7] + x[3]) * -16069u + z5, z4 = (x[5] + x[1]) * -3196u + z5;
  const Wrapping o0 = x[7] * 2446u + z1 + z3, o1 = x[5] * 16819u + z2 + z4;
  const Wrapping o2 = x[3] * 25172u + z2 + z3, o3 = x[1] * 12299u + z1 + z4;
  const auto scaled = [](Wrapping v) { return reinterpret_cast<Row>(v + (1u << (shift - 1))) >> shift; };
  r[0] = scaled(a0 + o3);
  r[7] = scaled(a0 - o3);
  r[1] = scaled(a1 + o2);
  r[6] = scaled(a1 - o2);
  r[2] = scaled(a2 + o1);
  r[5] = scaled(a2 - o1);
  r[3] = scaled(a3 + o0);
  r[4] = scaled(a3 - o0);
}

inline Row clamped(Row v) {
  v = v < 0 ? Row{} : v;
  const Row most = Row{} + 255;
  return v > most ? most : v;
}

/// The samples of a block of dequantized coefficients.
inline void samples(const int32_t* coefficients, uint8_t* to, int stride) {
  Row r[8];
  memcpy(r, coefficients, sizeof r);
  transform<11>(r);
  transpose(r);
  transform<18>(r);
  transpose(r);
  alignas(64) int32_t levels[64];
  for (int y = 0; y < 8; y++) r[y] = clamped(r[y] + 128);
  memcpy(levels, r, sizeof levels);
  alignas(64) uint8_t bytes[64];
  for (int i = 0; i < 64; i++) bytes[i] = static_cast<uint8_t>(levels[i]);
  for (int y = 0; y < 8; y++) memcpy(to + y * stride, bytes + 8 * y, 8);
}

/// Those of a block that has but a mean.
inline void flat_samples(int32_t mean, uint8_t* to, int stride) {
  const int32_t level = ((mean + 4) >> 3) + 128;
  for (int y = 0; y < 8; y++) memset(to + y * stride, level < 0 ? 0 : level > 255 ? 255 : level, 8);
}

class Decoder {
 public:
  Decoder(const uint8_t* bytes, size_t length) : at_(bytes), end_(bytes + length) {}
  static void* operator new(size_t, void* memory) noexcept { return memory; }

  /// Reads tables up to the scan. False if this is a file for another decoder.
  bool read_header() {
    if (end_ - at_ < 4 || at_[0] != 0xff || at_[1] != 0xd8) return false;
    at_ += 2;
    while (end_ - at_ >= 4) {
      if (at_[0] != 0xff) return false;
      const uint8_t marker = at_[1];
      if (marker == 0xff) {
        at_++;
        continue;
      }
      const int length = at_[2] << 8 | at_[3];
      if (length < 2 || end_ - at_ < 2 + length) return false;
      const uint8_t* const from = at_ + 4;
      at_ += 2 + length;
      switch (marker) {
        case 0xc0:
        case 0xc1:
          if (!read_frame(from, length - 2)) return false;
          break;
        case 0xc4:
          if (!read_codes(from, at_)) return false;
          break;
        case 0xda:
          return read_scan(from, length - 2);
        case 0xdb:
          if (!read_quantization(from, at_)) return false;
          break;
        case 0xdd:
          if (length != 4) return false;
          restart_ = from[0] << 8 | from[1];
          break;
        case 0xee:  // Adobe: T.872, 6.5.3; transform 1 is Y, Cb, Cr
          if (length >= 14 && from[0] == 'A' && from[1] == 'd' && count_ != 1 && from[11] != 1) return false;
          break;
        default:
          if ((marker & 0xf0) == 0xc0 || marker == 0xd9 || marker == 0xdc) return false;  // progressive, arithmetic, lossless…
      }
    }
    return false;
  }

  bool is_gray() const { return count_ == 1; }

  bool holds(int top, int left, int height, int width) const {
    return top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= height_ && left + width <= width_;
  }

  /// Decodes what the part is made of into planes in `work`. False if bits are wrong or missing.
  bool decode(uint8_t* work, size_t room, int top, int left, int height, int width) {
    const int unit_height = 8 * components_[0].v, unit_width = 8 * components_[0].h;
    const int across = (width_ + unit_width - 1) / unit_width;
    // A sample more on each side, for those that lie between samples.
    const int first_x = larger(0, left - 2) / unit_width, end_x = (smaller(width_, left + width + 2) + unit_width - 1) / unit_width;
    const int first_y = larger(0, top - 2) / unit_height, end_y = (smaller(height_, top + height + 2) + unit_height - 1) / unit_height;
    for (int c = 0; c < count_; c++) {
      Component& part = components_[c];
      part.stride = (end_x - first_x) * 8 * part.h;
      part.left = first_x * 8 * part.h;
      part.top = first_y * 8 * part.v;
      part.plane = work;
      const size_t bytes = static_cast<size_t>(part.stride) * static_cast<size_t>((end_y - first_y) * 8 * part.v);
      if (bytes > room) return false;
      work += bytes;
      room -= bytes;
    }
    if (static_cast<size_t>(end_ - at_) + kPadding > room) return false;
    const uint8_t* marker = at_;
    Bits bits = bits_of_scan(marker, work);
    int until_restart = restart_;
    for (int y = 0; y < end_y; y++) {
      for (int x = 0; x < across; x++) {
        if (restart_ && until_restart-- == 0) {
          if (!used_up(bits) || end_ - marker < 2 || (marker[1] & 0xf8) != 0xd0) return false;
          marker += 2;
          bits = bits_of_scan(marker, work);
          until_restart = restart_ - 1;
          for (Component& part : components_) part.predicted = 0;
        }
        if (y < first_y || x < first_x || x >= end_x) {
          if (!unit<false>(bits, 0, 0)) return false;
        } else if (!unit<true>(bits, y - first_y, x - first_x)) {
          return false;
        }
      }
      if (bits.left() < 0) return false;
    }
    const bool all = end_y * unit_height >= height_;
    return !all || (used_up(bits) && end_ - marker >= 2 && marker[1] == 0xd9);
  }

  /// The part as pixels of four bytes: red, green, blue, and nothing. `lines` is room for two lines of samples.
  void pixels(int top, int left, int height, int width, uint8_t* lines, uint32_t* to) const {
    for (int y = top; y < top + height; y++, to += width) {
      const uint8_t* const luma = at(components_[0], y, left);
      if (count_ == 1) {
        for (int x = 0; x < width; x++) to[x] = luma[x] * 0x010101u;
        continue;
      }
      const int room = width + 8;
      const uint8_t* const blue = chroma(components_[1], y, left, width, lines);
      const uint8_t* const red = chroma(components_[2], y, left, width, lines + 4 * room);
      colours(luma, blue, red, width, to);
    }
  }

 private:
  static int smaller(int a, int b) { return a < b ? a : b; }
  static int larger(int a, int b) { return a > b ? a : b; }
  static const uint8_t* at(const Component& part, int y, int x) {
    return part.plane + static_cast<ptrdiff_t>(y - part.top) * part.stride + (x - part.left);
  }

  /// The bits from `at` to the next marker, which `at` is moved to.
  Bits bits_of_scan(const uint8_t*& at, uint8_t* room) const {
    uint8_t* to = room;
    at = copy_scan(at, end_, to);
    memset(to, 0, kPadding);
    return Bits(room, to);
  }

  /// Whether no more is left than what fills the last byte.
  static bool used_up(const Bits& bits) { return bits.left() >= 0 && bits.left() < 8; }

  bool read_frame(const uint8_t* from, int length) {
    if (count_ || length < 6 || from[0] != 8) return false;
    height_ = from[1] << 8 | from[2];
    width_ = from[3] << 8 | from[4];
    count_ = from[5];
    if (height_ == 0 || width_ == 0 || (count_ != 1 && count_ != 3) || length < 6 + 3 * count_) return false;
    for (int c = 0; c < count_; c++) {
      Component& part = components_[c];
      ids_[c] = from[6 + 3 * c];
      part.h = from[7 + 3 * c] >> 4;
      part.v = from[7 + 3 * c] & 15;
      part.table = from[8 + 3 * c];
      if (part.table > 3) return false;
    }
    Component& luma = components_[0];
    if (count_ == 1) luma.h = luma.v = 1;  // a scan of one component has units of one block, whatever it says
    const bool known = (luma.h == 1 && luma.v == 1) || (luma.h == 2 && luma.v <= 2 && luma.v >= 1);
    if (!known) return false;
    for (int c = 0; c < count_; c++) {
      Component& part = components_[c];
      if (c > 0 && (part.h != 1 || part.v != 1)) return false;
      part.width = (width_ * part.h + luma.h - 1) / luma.h;
      part.height = (height_ * part.v + luma.v - 1) / luma.v;
    }
    const bool rgb = count_ == 3 && ids_[0] == 'R' && ids_[1] == 'G' && ids_[2] == 'B';
    return !rgb && (luma.h == 1 || components_[count_ - 1].width > 2);
  }

  bool read_codes(const uint8_t* from, const uint8_t* end) {
    while (end - from >= 17) {
      const int kind = from[0] >> 4, id = from[0] & 15;
      if (kind > 1 || id > 3) return false;
      int total = 0;
      for (int i = 1; i <= 16; i++) total += from[i];
      if (total > 256 || end - from < 17 + total || !codes_[kind][id].define(from + 1, from + 17, kind ? 10 : 11))
        return false;
      from += 17 + total;
    }
    return from == end;
  }

  bool read_quantization(const uint8_t* from, const uint8_t* end) {
    while (end - from >= 65) {
      if (from[0] > 3) return false;  // or 16-bit values
      for (int i = 0; i < 64; i++) quantization_[from[0]][i] = from[1 + i];
      quantized_ |= 1 << from[0];
      from += 65;
    }
    return from == end;
  }

  bool read_scan(const uint8_t* from, int length) {
    if (!count_ || length < 4 + 2 * count_ || from[0] != count_) return false;
    for (int c = 0; c < count_; c++) {
      Component& part = components_[c];
      if (from[1 + 2 * c] != ids_[c]) return false;
      part.dc = from[2 + 2 * c] >> 4;
      part.ac = from[2 + 2 * c] & 15;
      if (part.dc > 3 || part.ac > 3 || !codes_[0][part.dc].defined || !codes_[1][part.ac].defined) return false;
      if (!(quantized_ >> part.table & 1)) return false;
      part.predicted = 0;
    }
    return true;
  }

  /// The blocks of one unit, into the planes if they are to be kept.
  template <bool keep>
  bool unit(Bits& bits, int row, int column) {
    for (int c = 0; c < count_; c++) {
      Component& part = components_[c];
      for (int v = 0; v < part.v; v++) {
        for (int h = 0; h < part.h; h++) {
          uint8_t* const to =
              keep ? part.plane + static_cast<ptrdiff_t>(8 * (row * part.v + v)) * part.stride + 8 * (column * part.h + h) : nullptr;
          if (!block<keep>(bits, part, to)) return false;
        }
      }
    }
    return true;
  }

  template <bool keep>
  bool block(Bits& from, Component& part, uint8_t* to) {
    Bits bits = from;  // in registers
    bits.refill();
    int32_t value;
    if (!bits.take(codes_[0][part.dc], value)) return false;
    part.predicted += value;
    if (part.predicted != static_cast<int16_t>(part.predicted)) return false;
    const uint16_t* const quantization = quantization_[part.table];
    const Huffman& code = codes_[1][part.ac];
    alignas(64) int32_t coefficients[64];
    if (keep) memset(coefficients, 0, sizeof coefficients);
    int k = 0;
    for (int taken = 1; k < 63; taken++) {
      if (taken & 1) bits.refill();  // for two codes
      const int on = bits.take(code, value);
      k += on;
      if (on == 0 || (k > 63 && value != 0)) return false;
      if (keep && k < 64) coefficients[kNatural[k]] = value * quantization[k];
    }
    from = bits;
    if (!keep) return true;
    const int32_t mean = part.predicted * quantization[0];
    if (k == 64) {  // the end of the block came first
      flat_samples(mean, to, part.stride);
    } else {
      coefficients[0] = mean;
      samples(coefficients, to, part.stride);
    }
    return true;
  }

  /// A line of colour differences for `width` pixels from `left` on, from a component of full, half or quarter resolution: what lies
  /// between samples is three quarters of the nearer and a quarter of the farther, in each direction, as libjpeg rounds it.
  const uint8_t* chroma(const Component& part, int y, int left, int width, uint8_t* line) const {
    const Component& luma = components_[0];
    if (luma.h == 1) return at(part, y, left);
    const int first = left >> 1, end = (left + width + 1) >> 1;  // samples
    auto* const sums = reinterpret_cast<uint16_t*>(line + 2 * ((width + 8) / 2 * 2));
    const int before = larger(0, first - 1), after = smaller(part.width, end + 1);
    if (luma.v == 2) {
      const int near = y >> 1, far = y & 1 ? smaller(near + 1, part.height - 1) : larger(near - 1, 0);
      const uint8_t *const a = at(part, near, 0), *const b = at(part, far, 0);
      for (int i = before; i < after; i++) sums[i - before] = static_cast<uint16_t>(3 * a[i] + b[i]);
      between<4>(sums - before, first, end, part.width, line);
    } else {
      const uint8_t* const a = at(part, y, 0);
      for (int i = before; i < after; i++) sums[i - before] = a[i];
      between<2>(sums - before, first, end, part.width, line);
    }
    return line + (left & 1);
  }

  /// Two pixels for each sample; the outermost pixels of the image are its outermost samples.
  template <int shift>
  static void between(const uint16_t* sums, int first, int end, int width, uint8_t* line) {
    constexpr int low = shift == 4 ? 8 : 1, high = shift == 4 ? 7 : 2;
    for (int i = larger(first, 1); i < smaller(end, width - 1); i++) {
      line[2 * (i - first)] = static_cast<uint8_t>((3 * sums[i] + sums[i - 1] + low) >> shift);
      line[2 * (i - first) + 1] = static_cast<uint8_t>((3 * sums[i] + sums[i + 1] + high) >> shift);
    }
    constexpr int edge_low = shift == 4 ? 8 : 0, edge_high = shift == 4 ? 7 : 0;
    if (first == 0) {
      line[0] = static_cast<uint8_t>((4 * sums[0] + edge_low) >> shift);
      line[1] = static_cast<uint8_t>((3 * sums[0] + sums[1] + high) >> shift);
    }
    if (end == width) {
      const int i = width - 1;
      line[2 * (i - first)] = static_cast<uint8_t>((3 * sums[i] + sums[i - 1] + low) >> shift);
      line[2 * (i - first) + 1] = static_cast<uint8_t>((4 * sums[i] + edge_high) >> shift);
    }
  }

  /// ITU-T T.871, 7, with 16 bits of fraction.
  static void colours(const uint8_t* luma, const uint8_t* blue, const uint8_t* red, int width, uint32_t* to) {
    constexpr int32_t half = 1 << 15;
    const auto byte = [](int32_t v) { return static_cast<uint32_t>(v < 0 ? 0 : v > 255 ? 255 : v); };
    for (int x = 0; x < width; x++) {
      const int32_t y = luma[x], cb = blue[x] - 128, cr = red[x] - 128;
      const uint32_t r = byte(y + ((91881 * cr + half) >> 16));
      const uint32_t g = byte(y + ((-22554 * cb - 46802 * cr + half) >> 16));
      const uint32_t b = byte(y + ((116130 * cb + half) >> 16));
      to[x] = r | g << 8 | b << 16;
    }
  }

  const uint8_t* at_;
  const uint8_t* end_;
  int height_ = 0, width_ = 0, count_ = 0, restart_ = 0, quantized_ = 0;
  uint8_t ids_[3] = {};
  Component components_[3] = {};
  uint16_t quantization_[4][64];
  Huffman codes_[2][4] = {};
};

typedef int32_t Pixel __attribute__((vector_size(16)));

/// Brings pixels to other colours: `light` has for each channel and value its part of what the three make, [3, 256, 4], and `encoded`, of
/// `steps` bytes, what is shown of that.
void recolour(uint8_t* pixels, size_t count, const int32_t* light, const uint8_t* encoded, int32_t steps) {
  const auto part = [&](int channel, uint8_t value) {
    Pixel parts;
    memcpy(&parts, light + 4 * (256 * channel + value), sizeof parts);
    return parts;
  };
  for (uint8_t* at = pixels; at < pixels + 4 * count; at += 4) {
    const Pixel sum = part(0, at[0]) + part(1, at[1]) + part(2, at[2]);
    for (int c = 0; c < 3; c++) at[c] = encoded[sum[c] < 0 ? 0 : sum[c] >= steps ? steps - 1 : sum[c]];
  }
}

constexpr int kPrecision = 22;  // bits of fraction of a weight, as Pillow has them

/// For an output pixel: the first input pixel that it sees, how many, and their weights.
struct Filter {
  int32_t* starts;
  int32_t* counts;
  int32_t* weights;
  int taps;
};

/// The triangle of antialiased bilinear resizing. `packages/data/src/resize.ts` has the same, operation by operation.
int32_t* make_filter(int in_size, int out_size, int32_t* room, Filter& filter) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double stretch = scale > 1 ? scale : 1;
  filter.taps = 2 * (static_cast<int>(stretch) + (stretch > static_cast<int>(stretch) ? 1 : 0)) + 1;
  filter.starts = room;
  filter.counts = room + out_size;
  filter.weights = room + 2 * out_size;
  for (int out = 0; out < out_size; out++) {
    const volatile double center = (out + 0.5) * scale;  // rounded here, on every machine
    const auto low = static_cast<int>(center - stretch + 0.5), high = static_cast<int>(center + stretch + 0.5);
    const int first = low > 0 ? low : 0, end = high < in_size ? high : in_size;
    int32_t* const weights = filter.weights + static_cast<ptrdiff_t>(out) * filter.taps;
    const auto weight = [&](int i) {
      const double offset = (first + i - center + 0.5) / stretch;
      const double distance = offset < 0 ? -offset : offset;
      return distance < 1 ? 1 - distance : 0.0;
    };
    double sum = 0;
    for (int i = 0; i < end - first; i++) sum += weight(i);
    for (int i = 0; i < end - first; i++) {
      const volatile double share = (weight(i) / sum) * (1 << kPrecision);
      weights[i] = static_cast<int32_t>(share + 0.5);
    }
    filter.starts[out] = first;
    filter.counts[out] = end - first;
  }
  return filter.weights + static_cast<ptrdiff_t>(out_size) * filter.taps;
}

typedef uint8_t Bytes4 __attribute__((vector_size(4)));

/// Two lines of pixels of four bytes as integers, pixel by pixel: [width, 2, 4].
void widen(const uint8_t* a, const uint8_t* b, int width, int32_t* to) {
  for (int x = 0; x < width; x++) {
    for (int c = 0; c < 4; c++) {
      to[8 * x + c] = a[4 * x + c];
      to[8 * x + 4 + c] = b[4 * x + c];
    }
  }
}

/// What `widen` gives, brought to another width, as two lines of bytes.
void narrow(const int32_t* from, const Filter& filter, int width, uint8_t* to_a, uint8_t* to_b) {
  for (int x = 0; x < width; x++) {
    Row sums = Row{} + (1 << (kPrecision - 1));
    const int32_t* at = from + 8 * static_cast<ptrdiff_t>(filter.starts[x]);
    const int32_t* const weights = filter.weights + static_cast<ptrdiff_t>(x) * filter.taps;
    for (int k = 0; k < filter.counts[x]; k++, at += 8) {
      Row pixels;
      memcpy(&pixels, at, sizeof pixels);
      sums += pixels * weights[k];
    }
    sums >>= kPrecision;
    const Pixel a = __builtin_shufflevector(sums, sums, 0, 1, 2, 3), b = __builtin_shufflevector(sums, sums, 4, 5, 6, 7);
    const Bytes4 bytes_a = __builtin_convertvector(a, Bytes4), bytes_b = __builtin_convertvector(b, Bytes4);
    memcpy(to_a + 4 * x, &bytes_a, 4);
    memcpy(to_b + 4 * x, &bytes_b, 4);
  }
}

/// Lines of `size` bytes, weighed and added up.
void blend(const uint8_t* from, const int32_t* weights, int count, int size, int32_t* sums, uint8_t* to) {
  for (int i = 0; i < size; i++) sums[i] = 1 << (kPrecision - 1);
  for (int k = 0; k < count; k++, from += size) {
    const int32_t weight = weights[k];
    for (int i = 0; i < size; i++) sums[i] += from[i] * weight;
  }
  for (int i = 0; i < size; i++) to[i] = static_cast<uint8_t>(sums[i] >> kPrecision);
}

/// Pixels of four bytes to pixels of three.
void pack(const uint8_t* from, int width, uint8_t* to) {
  for (int x = 0; x + 1 < width; x++, from += 4, to += 3) memcpy(to, from, 4);
  memcpy(to, from, 3);
}

}  // namespace

/// A part of a JPEG file, brought to a size: bytes, their number; the part's top, left, height, width; height, width of the result;
/// where it goes, `[height, width, 3]`; room to work in, its bytes; the tables of other colours (see `recolour`) or null, null, 0; where the
/// outcome goes.
const char* jpeg(Arguments in) {
  const auto* const bytes = in.pointer<const uint8_t>();
  const auto length = static_cast<size_t>(in.integer());
  const auto top = static_cast<int>(in.integer()), left = static_cast<int>(in.integer());
  const auto height = static_cast<int>(in.integer()), width = static_cast<int>(in.integer());
  const auto out_height = static_cast<int>(in.integer()), out_width = static_cast<int>(in.integer());
  auto* to = in.pointer<uint8_t>();
  auto* work = in.pointer<uint8_t>();
  auto room = static_cast<size_t>(in.integer());
  const auto* const light = in.pointer<const int32_t>();
  const auto* const encoded = in.pointer<const uint8_t>();
  const auto steps = static_cast<int32_t>(in.integer());
  auto* const outcome = in.pointer<int32_t>();
  *outcome = kAnother;

  const auto take = [&](size_t size) {
    const size_t whole = (size + 63) / 64 * 64;
    uint8_t* const taken = whole <= room ? work : nullptr;
    if (taken) work += whole, room -= whole;
    return taken;
  };
  const auto area = static_cast<size_t>(height) * static_cast<size_t>(width);
  auto* const memory = take(sizeof(Decoder));
  auto* const pixels = take(4 * area);
  auto* const lines = take(16 * (static_cast<size_t>(width) + 16));
  if (!memory || !pixels || !lines) return nullptr;
  Decoder& decoder = *new (memory) Decoder(bytes, length);
  if (!decoder.read_header() || !decoder.holds(top, left, height, width)) return nullptr;
  if (!decoder.decode(work, room, top, left, height, width)) return nullptr;
  decoder.pixels(top, left, height, width, lines, reinterpret_cast<uint32_t*>(pixels));
  if (light && !decoder.is_gray()) recolour(pixels, area, light, encoded, steps);

  // The planes are done with: their room is that of the filters and of what is half resized.
  const bool narrows = out_width != width, lowers = out_height != height;
  const size_t line = 4 * static_cast<size_t>(out_width);
  Filter across{}, down{};
  uint8_t* const narrowed = narrows ? take(line * static_cast<size_t>(height)) : pixels;
  auto* const wide = reinterpret_cast<int32_t*>(take(narrows ? 32 * static_cast<size_t>(width) : 0));
  auto* const sums = reinterpret_cast<int32_t*>(take(4 * line));
  auto* const row = take(line);
  const auto ints = [](int size, int out) { return static_cast<size_t>(out) * (2 * (static_cast<size_t>(size) / static_cast<size_t>(out) + 2) + 3); };
  auto* const filters = reinterpret_cast<int32_t*>(take(4 * (ints(width, out_width) + ints(height, out_height))));
  if (!narrowed || !wide || !sums || !row || !filters) return nullptr;
  int32_t* const rest = make_filter(width, out_width, filters, across);
  make_filter(height, out_height, rest, down);
  for (int y = 0; narrows && y < height; y += 2) {
    const int second = y + 1 < height ? y + 1 : y;
    const auto in_line = [&](int at) { return pixels + 4 * static_cast<size_t>(at) * static_cast<size_t>(width); };
    const auto out_line = [&](int at) { return narrowed + line * static_cast<size_t>(at); };
    widen(in_line(y), in_line(second), width, wide);
    narrow(wide, across, out_width, out_line(y), out_line(second));
  }
  for (int y = 0; y < out_height; y++, to += 3 * out_width) {
    const uint8_t* from = narrowed + line * static_cast<size_t>(lowers ? down.starts[y] : y);
    if (lowers) {
      blend(from, down.weights + static_cast<ptrdiff_t>(y) * down.taps, down.counts[y], static_cast<int>(line), sums, row);
      from = row;
    }
    pack(from, out_width, to);
  }
  *outcome = kDone;
  return nullptr;
}

}  // namespace IMGCLS_ISA
}  // namespace imgcls
