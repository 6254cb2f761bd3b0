#include "kernel.h"

// Where an instruction set adds to another what few kernels want, all other kernels are the other's: see build.mjs.
#ifndef IMGCLS_OTHER_ISA
#define IMGCLS_OTHER_ISA IMGCLS_ISA
#endif

namespace imgcls {

namespace IMGCLS_OTHER_ISA {
#define KERNEL(name) const char* name(Arguments in);
#define BF16_KERNEL(name)
#include "kernels.inc"
#undef KERNEL
#undef BF16_KERNEL
}  // namespace IMGCLS_OTHER_ISA

namespace IMGCLS_ISA {

#define KERNEL(name)
#define BF16_KERNEL(name) const char* name(Arguments in);
#include "kernels.inc"
#undef KERNEL
#undef BF16_KERNEL

namespace {
constexpr Entry kEntries[] = {
#define KERNEL(name) {#name, IMGCLS_OTHER_ISA::name},
#define BF16_KERNEL(name) {#name, name},
#include "kernels.inc"
#undef KERNEL
#undef BF16_KERNEL
};
}  // namespace

#define STRING_(x) #x
#define STRING(x) STRING_(x)
extern const Table table;
const Table table = {STRING(IMGCLS_ISA), kEntries, sizeof kEntries / sizeof kEntries[0]};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
