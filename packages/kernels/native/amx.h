// The tiles of AMX: eight registers of up to 16 rows of 64 bytes, and the instruction that multiplies two of them and adds to a third.
//
// Which sizes they have is a state of the thread. Whoever computes sets it, and clears it at the end, so that no other code meets it and the
// system need not save 8 KB when it takes the thread off its processor. By the convention for calls on x86-64 no function may rely on it beyond a call.
//
// Inline assembly, since GCC's intrinsics do not tell it that memory is read or written. IMGCLS_EMULATE_AMX puts plain C++ in their place, which does the
// same to the last bit, for machines that have no AMX, and for sanitizers, which see nothing of what such instructions read.
#pragma once

#include <stdint.h>
#include <string.h>

#include "vector.h"

namespace imgcls {
namespace IMGCLS_ISA {

constexpr int kAmxTiles = 8;
constexpr int kAmxRows = 16;   // of a tile at most
constexpr int kAmxWords = 16;  // of a row at most: floats, or pairs of bfloat16

/// What sizes tiles have, as the processor reads it.
struct TileSizes {
  uint8_t palette = 1, first_row = 0, unused[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  /// Rows and words of a row, one at least of each.
  void set(int tile, int count, int words) {
    rows[tile] = static_cast<uint8_t>(count);
    row_bytes[tile] = static_cast<uint16_t>(4 * words);
  }
};
static_assert(sizeof(TileSizes) == 64, "as LDTILECFG reads it");

#if !defined(IMGCLS_EMULATE_AMX)

/// All tiles are zero then.
inline void set_tiles(const TileSizes& sizes) { asm volatile("ldtilecfg %0" ::"m"(sizes) : "memory"); }
inline void release_tiles() { asm volatile("tilerelease" ::: "memory"); }

template <int tile>
void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}

/// Rows, `row_bytes` bytes apart.
template <int tile>
void load_tile(const void* from, int64_t row_bytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(row_bytes), "i"(tile) : "memory");
}
template <int tile>
void store_tile(void* to, int64_t row_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(row_bytes), "i"(tile) : "memory");
}

/// sums[m][n] += Σ_k a[m][k] · b[k][n], a and b of pairs of bfloat16.
template <int sums, int a, int b>
void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(a), "i"(b));
}

#else

struct EmulatedTiles {
  TileSizes sizes;
  uint32_t words[kAmxTiles][kAmxRows][kAmxWords];
  bool set;

  int rows(int tile) const { return sizes.rows[tile]; }
  int columns(int tile) const { return sizes.row_bytes[tile] / 4; }
  /// What the processor takes for an invalid instruction.
  static void check(bool valid) {
    if (!valid) __builtin_trap();
  }
};
inline thread_local EmulatedTiles emulated_tiles;

inline void set_tiles(const TileSizes& sizes) {
  emulated_tiles = {sizes, {}, true};
  for (int tile = 0; tile < kAmxTiles; tile++) {
    const int rows = emulated_tiles.rows(tile), columns = emulated_tiles.columns(tile);
    EmulatedTiles::check(rows <= kAmxRows && columns <= kAmxWords && (rows == 0) == (columns == 0));
  }
}

inline void release_tiles() { emulated_tiles = {}; }

template <int tile>
void zero_tile() {
  EmulatedTiles::check(emulated_tiles.set && emulated_tiles.rows(tile) > 0);
  memset(emulated_tiles.words[tile], 0, sizeof emulated_tiles.words[tile]);
}

template <int tile>
void load_tile(const void* from, int64_t row_bytes) {
  zero_tile<tile>();
  for (int i = 0; i < emulated_tiles.rows(tile); i++)
    memcpy(emulated_tiles.words[tile][i], static_cast<const char*>(from) + i * row_bytes, emulated_tiles.sizes.row_bytes[tile]);
}

template <int tile>
void store_tile(void* to, int64_t row_bytes) {
  EmulatedTiles::check(emulated_tiles.set && emulated_tiles.rows(tile) > 0);
  for (int i = 0; i < emulated_tiles.rows(tile); i++)
    memcpy(static_cast<char*>(to) + i * row_bytes, emulated_tiles.words[tile][i], emulated_tiles.sizes.row_bytes[tile]);
}

/// What is no normal number is 0 to AMX, as it comes and as it goes.
inline Floats normal_or_zero(Floats v) {
  const Ints small = ((Ints)v & 0x7f800000) == 0;
  return (Floats)((Ints)v & ~(small & 0x7fffffff));
}

/// The first or the second values of pairs.
inline Floats first_of_pairs(Words pairs) { return normal_or_zero((Floats)(pairs << 16)); }
inline Floats second_of_pairs(Words pairs) { return normal_or_zero((Floats)(pairs & 0xffff0000)); }

/// In the order of Intel's manual: the first values of all pairs are added up, and so are the second, each product being rounded with its addition;
/// then both, then what was there.
template <int sums, int a, int b>
void multiply_tiles() {
  auto& tiles = emulated_tiles;
  EmulatedTiles::check(tiles.set && tiles.rows(sums) > 0 && tiles.rows(sums) == tiles.rows(a) && tiles.columns(sums) == tiles.columns(b) &&
                       tiles.columns(a) == tiles.rows(b));
  for (int i = 0; i < tiles.rows(a); i++) {
    Floats first{}, second{};
    for (int k = 0; k < tiles.columns(a); k++) {
      const Words left = Words{} + tiles.words[a][i][k];
      Words right;
      memcpy(&right, tiles.words[b][k], sizeof right);
      first = normal_or_zero(fma(first_of_pairs(left), first_of_pairs(right), first));
      second = normal_or_zero(fma(second_of_pairs(left), second_of_pairs(right), second));
    }
    Floats sum;
    memcpy(&sum, tiles.words[sums][i], sizeof sum);
    sum = normal_or_zero(normal_or_zero(sum) + normal_or_zero(first + second));
    memcpy(tiles.words[sums][i], &sum, 4 * tiles.columns(sums));
  }
}

#endif

}  // namespace IMGCLS_ISA
}  // namespace imgcls
