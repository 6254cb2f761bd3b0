#include "kernel.h"

namespace imgcls {
namespace IMGCLS_ISA {

#define KERNEL(name) const char* name(Arguments in);
#include "kernels.inc"
#undef KERNEL

namespace {
constexpr Entry kEntries[] = {
#define KERNEL(name) {#name, name},
#include "kernels.inc"
#undef KERNEL
};
}  // namespace

#define STRING_(x) #x
#define STRING(x) STRING_(x)
extern const Table table;
const Table table = {STRING(IMGCLS_ISA), kEntries, sizeof kEntries / sizeof kEntries[0]};

}  // namespace IMGCLS_ISA
}  // namespace imgcls
