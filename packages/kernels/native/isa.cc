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
struct Supported {
  const Table* tables[2];
  int count = 0;
  Supported() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[count++] = &avx2::table;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      tables[count++] = &avx512::table;
  }
};
}  // namespace
#else
namespace generic {
extern const Table table;
}
namespace {
struct Supported {
  const Table* tables[1] = {&generic::table};
  int count = 1;
};
}  // namespace
#endif

namespace {
const Supported& supported() {
  static const Supported value;
  return value;
}
}  // namespace

const Table* const* supported_tables() { return supported().tables; }
int supported_count() { return supported().count; }

}  // namespace imgcls
