#include "isa.h"

namespace imgcls {

#if defined(__x86_64__)

namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}

namespace {

/// What Haswell brought, as far as compilers make use of it.
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"); }

/// What Skylake's servers brought, and what every AVX-512 since has.
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}

constexpr const Table* kTables[] = {&avx2::table, &avx512::table};

}  // namespace

int supported_count() {
  __builtin_cpu_init();
  return has_avx512() ? 2 : has_avx2() ? 1 : 0;
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
