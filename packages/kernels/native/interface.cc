#include "interface.h"

#include "isa.h"
#include "kernel.h"
#include "memory.h"
#include "queue.h"
#include "signal.h"
#include "threads.h"

namespace {

// One pool of threads, one set of scratch memory: one call at a time, whichever thread of JavaScript it comes from.
imgcls::Lock calls;

}  // namespace

int32_t imgcls_isa_count() { return imgcls::supported_count(); }
const char* imgcls_isa_name(int32_t isa) { return imgcls::supported_tables()[isa]->isa; }

int32_t imgcls_kernel_count() { return imgcls::supported_tables()[0]->count; }
const char* imgcls_kernel_name(int32_t kernel) { return imgcls::supported_tables()[0]->entries[kernel].name; }

const char* imgcls_call(const double* call) {
  const auto kernel = static_cast<int32_t>(call[0]);
  const auto isa = static_cast<int32_t>(call[1]);
  const auto run = imgcls::supported_tables()[isa]->entries[kernel].kernel;
  const int threads = static_cast<int>(call[2]);
  if (threads == 0) return run(imgcls::Arguments(call + 4));
  const imgcls::Holding holding(calls);
  imgcls::set_threads(threads);
  return run(imgcls::Arguments(call + 4));
}

int32_t imgcls_calls(const double* first, int32_t count) {
  int32_t done = 0;
  for (const double* call = first; done < count && !imgcls_call(call); done++) call += 4 + static_cast<int64_t>(call[3]);
  return done;
}

void* imgcls_allocate(size_t bytes) { return imgcls::allocate(bytes); }
void imgcls_release(void* memory, size_t bytes) { imgcls::release(memory, bytes); }

imgcls::Queue* imgcls_queue_open() { return new imgcls::Queue; }
void imgcls_queue_push(imgcls::Queue* queue, const double* call) { queue->push(call); }
void imgcls_queue_mark(imgcls::Queue* queue, double mark) { queue->mark(mark); }
void imgcls_queue_finish(imgcls::Queue* queue) { queue->finish(); }
const char* imgcls_queue_problem(imgcls::Queue* queue) { return queue->problem(); }
int32_t imgcls_queue_clear_problem(imgcls::Queue* queue) { return queue->clear_problem(); }
