#include "isa.h"

#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__)
#include <sys/sysctl.h>
#endif

namespace imgcls {

#if defined(__x86_64__)

namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}
namespace avx512_bf16 {
extern const Table table;
}
namespace amx {
extern const Table table;
bool amx_is_right();  // see product.h
}  // namespace amx

namespace {

// Bits of CPUID's answers, as Intel's manual names them.
constexpr uint32_t kFma = 1u << 12, kOsxsave = 1u << 27;               // leaf 1, ECX
constexpr uint32_t kAvx2 = 1u << 5, kBmi2 = 1u << 8;                   // leaf 7, EBX
constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 28 | 3u << 30;  // F, DQ, CD, BW and VL: Skylake's servers, and every AVX-512 since
constexpr uint32_t kAvx512Vnni = 1u << 11;                               // leaf 7, ECX
constexpr uint32_t kAvx512Bf16 = 1u << 5;                                // leaf 7.1, EAX
[[maybe_unused]] constexpr uint32_t kAmx = 1u << 22 | 1u << 24;          // leaf 7, EDX: AMX-BF16 and AMX-TILE
// Registers that the system saves between threads, by XGETBV.
constexpr uint32_t kYmm = 0x6, kZmm = 0xe6;
[[maybe_unused]] constexpr uint32_t kTiles = 3u << 17;

bool has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

uint32_t saved_registers() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

#if defined(IMGCLS_EMULATE_AMX)

bool has_amx() { return true; }

#elif defined(__linux__)

/// Linux 5.16 and later saves 8 KB of tiles for a process that asks for it, once for all of its threads. It may refuse: an older one does, and so may
/// a sandbox. Windows and macOS are not asked.
bool has_amx() {
  constexpr long kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;
  uint32_t unused, features = 0;
  __get_cpuid_count(7, 0, &unused, &unused, &unused, &features);
  return has(features, kAmx) && has(saved_registers(), kTiles) && syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
}

#else

bool has_amx() { return false; }

#endif

constexpr const Table* kTables[] = {&avx2::table, &avx512::table, &avx512_bf16::table, &amx::table};

}  // namespace

// The compilers' own __builtin_cpu_supports needs a library that Zig does not have.
int supported_count() {
  uint32_t eax, basic = 0, extended = 0, integers = 0, unused;
  __get_cpuid(1, &eax, &unused, &basic, &unused);
  __get_cpuid_count(7, 0, &eax, &extended, &integers, &unused);
  if (!has(basic, kFma | kOsxsave) || !has(extended, kAvx2 | kBmi2) || !has(saved_registers(), kYmm)) return 0;
  if (!has(extended, kAvx512) || !has(saved_registers(), kZmm)) return 1;
  uint32_t more = 0;
  __get_cpuid_count(7, 1, &more, &unused, &unused, &unused);
  if (!has(more, kAvx512Bf16) || !has(integers, kAvx512Vnni)) return 2;
  return has_amx() && amx::amx_is_right() ? 4 : 3;
}

#elif defined(__aarch64__)

namespace neon {
extern const Table table;
}
namespace neon_bf16 {
extern const Table table;
}

namespace {

constexpr const Table* kTables[] = {&neon::table, &neon_bf16::table};

#if defined(__linux__)

bool has_bf16() {
  constexpr unsigned long kHwcap2Bf16 = 1ul << 14;
  return (getauxval(AT_HWCAP2) & kHwcap2Bf16) != 0;
}

#else

bool has_bf16() {
  int has = 0;
  size_t size = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &has, &size, nullptr, 0) == 0 && has != 0;
}

#endif

}  // namespace

int supported_count() { return has_bf16() ? 2 : 1; }

#else

namespace IMGCLS_ONLY_ISA {
extern const Table table;
}

namespace {
constexpr const Table* kTables[] = {&IMGCLS_ONLY_ISA::table};
}  // namespace

int supported_count() { return 1; }

#endif

const Table* const* supported_tables() { return kTables; }

}  // namespace imgcls
