// A program over the C interface, to be compiled with ThreadSanitizer, or for a processor that is emulated: several threads call
// kernels at once, directly and through queues, and every result must be, bit for bit, what one thread alone computes.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../interface.h"
#include "../queue.h"

namespace {

constexpr int kRows = 67, kInner = 129, kColumns = 75;

int32_t kernel(const char* name) {
  for (int32_t i = 0; i < imgcls_kernel_count(); i++)
    if (!strcmp(imgcls_kernel_name(i), name)) return i;
  fprintf(stderr, "no kernel %s\n", name);
  exit(1);
}

double at(const void* memory) { return static_cast<double>(reinterpret_cast<uintptr_t>(memory)); }

/// Matrices a, b, b as bfloat16, which holds its values too, twice their product y, and the sums of its columns.
struct Work {
  float* a = static_cast<float*>(imgcls_allocate(kRows * kInner * sizeof(float)));
  float* b = static_cast<float*>(imgcls_allocate(kInner * kColumns * sizeof(float)));
  uint16_t* half = static_cast<uint16_t*>(imgcls_allocate(kInner * kColumns * sizeof(uint16_t)));
  float* y = static_cast<float*>(imgcls_allocate(kRows * kColumns * sizeof(float)));
  float* sums = static_cast<float*>(imgcls_allocate(kColumns * sizeof(float)));

  Work() {
    for (int i = 0; i < kRows * kInner; i++) a[i] = static_cast<float>(i % 17 - 8) / 8;
    for (int i = 0; i < kInner * kColumns; i++) {
      b[i] = static_cast<float>(i % 23 - 11) / 16;
      memcpy(&half[i], reinterpret_cast<const char*>(&b[i]) + 2, sizeof half[i]);
    }
  }

  /// Hands all calls to `submit`, in this order.
  template <class Submit>
  void run(int isa, int threads, Submit submit) {
    const double product[] = {double(kernel("matmul")), double(isa), double(threads), 19, 1, kRows, kColumns, kInner,
                              at(a), 0, kRows * kInner, 0, at(b), 0, kInner * kColumns, 0, at(y), 0, 1, 0, 0, 0, 0};
    const double again[] = {double(kernel("matmul")), double(isa), double(threads), 19, 1, kRows, kColumns, kInner,
                            at(a), 0, kRows * kInner, 0, at(half), 1, kInner * kColumns, 0, at(y), 0, 1, 0, at(y), 0, 0};
    const double sum[] = {double(kernel("channel_sum")), double(isa), double(threads), 5, 0, kRows, kColumns, at(y), at(sums)};
    submit(product);
    submit(again);
    submit(sum);
  }

  bool is_right() const {
    for (int j = 0; j < kColumns; j++) {
      double expected = 0;
      for (int i = 0; i < kRows; i++)
        for (int k = 0; k < kInner; k++) expected += 2 * double(a[i * kInner + k]) * b[k * kColumns + j];
      if (fabs(sums[j] - expected) > 1e-3) return false;
    }
    return true;
  }

  bool equals(const Work& other) const { return !memcmp(sums, other.sums, kColumns * sizeof(float)) && !memcmp(y, other.y, kRows * kColumns * sizeof(float)); }
};

struct Case {
  const Work* expected;
  int isa;
  bool good = true;
};

void call(const double* numbers) {
  if (const char* problem = imgcls_call(numbers)) {
    fprintf(stderr, "%s\n", problem);
    exit(1);
  }
}

void* work_off(void* queue) {
  static_cast<imgcls::Queue*>(queue)->run([](void*, double) {}, nullptr);
  return nullptr;
}

/// What one thread of JavaScript does: calls, and calls in a queue.
void* compute(void* argument) {
  auto* const task = static_cast<Case*>(argument);
  imgcls::Queue* const queue = imgcls_queue_open();
  pthread_t dispatcher;
  pthread_create(&dispatcher, nullptr, work_off, queue);
  for (int round = 0; round < 100; round++) {
    Work direct, queued;
    direct.run(task->isa, 1 + round % 4, call);
    queued.run(task->isa, 4, [&](const double* numbers) { imgcls_queue_push(queue, numbers); });
    imgcls_queue_finish(queue);
    task->good = task->good && direct.equals(*task->expected) && queued.equals(*task->expected);
  }
  queue->close();
  pthread_join(dispatcher, nullptr);
  return nullptr;
}

}  // namespace

int main() {
  bool good = true;
  for (int isa = 0; isa < imgcls_isa_count(); isa++) {
    Work expected;
    expected.run(isa, 1, call);
    Case cases[3] = {{&expected, isa}, {&expected, isa}, {&expected, isa}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], nullptr, compute, &cases[i]);
    for (pthread_t thread : threads) pthread_join(thread, nullptr);
    const bool equal = cases[0].good && cases[1].good && cases[2].good;
    printf("%s: %s, %s\n", imgcls_isa_name(isa), expected.is_right() ? "right" : "WRONG", equal ? "the same on any threads" : "NOT THE SAME on some threads");
    good = good && equal && expected.is_right();
  }
  return good ? 0 : 1;
}
