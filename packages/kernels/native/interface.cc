#include "interface.h"

#include "isa.h"
#include "kernel.h"
#include "memory.h"
#include "threads.h"

namespace {

const imgcls::Table* selected = imgcls::supported_tables()[imgcls::supported_count() - 1];

bool same(const char* a, const char* b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

}  // namespace

int32_t imgcls_kernel(const char* name) {
  for (int32_t i = 0; selected->entries[i].name; i++)
    if (same(selected->entries[i].name, name)) return i;
  return -1;
}

const char* imgcls_call(int32_t kernel, const double* arguments) {
  return selected->entries[kernel].kernel(imgcls::Arguments(arguments));
}

void* imgcls_allocate(size_t bytes) { return imgcls::allocate(bytes); }
void imgcls_release(void* memory, size_t bytes) { imgcls::release(memory, bytes); }

int32_t imgcls_isa_count() { return imgcls::supported_count(); }
const char* imgcls_isa_name(int32_t index) { return imgcls::supported_tables()[index]->isa; }
void imgcls_select_isa(int32_t index) { selected = imgcls::supported_tables()[index]; }

int32_t imgcls_threads() { return imgcls::threads(); }
void imgcls_set_threads(int32_t count) { imgcls::set_threads(count); }
