#include "isa.h"

#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
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

namespace {

// Bits of CPUID's answers, as Intel's manual names them.
constexpr uint32_t kFma = 1u << 12, kOsxsave = 1u << 27;               // leaf 1, ECX
constexpr uint32_t kAvx2 = 1u << 5, kBmi2 = 1u << 8;                   // leaf 7, EBX
constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 28 | 3u << 30;  // F, DQ, CD, BW and VL: Skylake's servers, and every AVX-512 since
constexpr uint32_t kAvx512Bf16 = 1u << 5;                                // leaf 7.1, EAX
// Registers that the system saves between threads, by XGETBV.
constexpr uint32_t kYmm = 0x6, kZmm = 0xe6;

bool has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

uint32_t saved_registers() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr const Table* kTables[] = {&avx2::table, &avx512::table, &avx512_bf16::table};

}  // namespace

// The compilers' own __builtin_cpu_supports needs a library that Zig does not have.
int supported_count() {
  uint32_t eax, basic = 0, extended = 0, unused;
  __get_cpuid(1, &eax, &unused, &basic, &unused);
  __get_cpuid_count(7, 0, &eax, &extended, &unused, &unused);
  if (!has(basic, kFma | kOsxsave) || !has(extended, kAvx2 | kBmi2) || !has(saved_registers(), kYmm)) return 0;
  if (!has(extended, kAvx512) || !has(saved_registers(), kZmm)) return 1;
  uint32_t more = 0;
  __get_cpuid_count(7, 1, &more, &unused, &unused, &unused);
  return has(more, kAvx512Bf16) ? 3 : 2;
}

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
