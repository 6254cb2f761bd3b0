#include "kernel.h"

// Where an instruction set adds to others what few kernels want, all other kernels are theirs: see build.mjs.
#ifndef IMGCLS_KERNEL_ISA
#define IMGCLS_KERNEL_ISA IMGCLS_ISA
#endif
#ifndef IMGCLS_BF16_KERNEL_ISA
#define IMGCLS_BF16_KERNEL_ISA IMGCLS_ISA
#endif

namespace imgcls {

#define DECLARE(isa, name)     \
  namespace isa {              \
  const char* name(Arguments); \
  }
#define KERNEL(name) DECLARE(IMGCLS_KERNEL_ISA, name)
#define BF16_KERNEL(name) DECLARE(IMGCLS_BF16_KERNEL_ISA, name)
#define AMX_KERNEL(name) BF16_KERNEL(name) DECLARE(IMGCLS_ISA, name)
#include "kernels.inc"
#undef KERNEL
#undef BF16_KERNEL
#undef AMX_KERNEL

namespace IMGCLS_ISA {

namespace {

/// A kernel that leaves to another what it does not do better.
template <Kernel own, Kernel other>
[[maybe_unused]] const char* either(Arguments in) {
  const char* problem = own(in);
  return problem == kAnothers ? other(in) : problem;
}

constexpr Entry kEntries[] = {
#define KERNEL(name) {#name, IMGCLS_KERNEL_ISA::name},
#define BF16_KERNEL(name) {#name, IMGCLS_BF16_KERNEL_ISA::name},
#if defined(__AMX_BF16__)
#define AMX_KERNEL(name) {#name, either<name, IMGCLS_BF16_KERNEL_ISA::name>},
#else
#define AMX_KERNEL(name) {#name, name},
#endif
#include "kernels.inc"
};

}  // namespace

#define STRING_(x) #x
#define STRING(x) STRING_(x)
extern const Table table;
const Table table = {STRING(IMGCLS_ISA), kEntries, sizeof kEntries / sizeof kEntries[0]};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
