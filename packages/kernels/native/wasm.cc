// The WebAssembly carrier: what JavaScript needs beside the C interface to let several instances of the module share one memory,
// one for JavaScript's own thread and one in each worker.
#include "interface.h"
#include "queue.h"
#include "threads.h"

extern "C" {

/// Tells JavaScript that the queue has come to a mark.
__attribute__((import_module("env"), import_name("tell"))) void imgcls_tell(double mark);

/// What a worker does once it has its stack: shares the work of calls, or works off a queue. Neither returns.
IMGCLS_EXPORT void imgcls_share_work(int32_t thread) { imgcls::run_worker(thread); }
IMGCLS_EXPORT void imgcls_work_off(imgcls::Queue* queue) {
  queue->run([](void*, double mark) { imgcls_tell(mark); }, nullptr);
}
}
