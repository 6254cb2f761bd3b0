// The Node-API carrier: the C interface for JavaScript, and what belongs to one environment: Node's main thread or a worker_thread,
// which may come and go while others compute.
#include <node_api.h>
#include <pthread.h>
#include <stdlib.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "interface.h"
#include "queue.h"
#include "threads.h"

namespace {

// Only failures of Node itself: JavaScript passes what it has checked.
#define CHECK(call)                                                         \
  if ((call) != napi_ok) {                                                  \
    napi_throw_error(env, nullptr, "imgcls: Node-API call failed: " #call); \
    return nullptr;                                                         \
  }

/// Numbers that a function was called with; an address is a number too.
class Numbers {
 public:
  Numbers(napi_env env, napi_callback_info info) {
    size_t count = kMost;
    napi_value values[kMost];
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
    for (size_t i = 0; i < count && i < kMost; i++) napi_get_value_double(env, values[i], &at_[i]);
  }

  double operator[](size_t i) const { return at_[i]; }
  template <class T>
  T* pointer(size_t i) const {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(at_[i]));
  }

 private:
  static constexpr size_t kMost = 3;
  double at_[kMost] = {0, 0, 0};
};

napi_value number(napi_env env, double value) {
  napi_value result;
  CHECK(napi_create_double(env, value, &result));
  return result;
}

napi_value address(napi_env env, const void* value) {
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(value)));
}

napi_value text(napi_env env, const char* value) {
  napi_value result = nullptr;
  if (value) CHECK(napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result));
  return result;
}

/// Memory that an environment has allocated, to be released when it ends.
class Blocks {
 public:
  void* allocate(size_t bytes) {
    if (count_ == room_ && !grow()) return nullptr;
    void* const memory = imgcls_allocate(bytes);
    if (memory) at_[count_++] = {memory, bytes};
    return memory;
  }

  void release(void* memory) {
    size_t i = 0;
    while (at_[i].memory != memory) i++;
    imgcls_release(memory, at_[i].bytes);
    at_[i] = at_[--count_];
  }

  void release_all() {
    for (size_t i = 0; i < count_; i++) imgcls_release(at_[i].memory, at_[i].bytes);
    free(at_);
  }

 private:
  struct Block {
    void* memory;
    size_t bytes;
  };

  bool grow() {
    const size_t room = room_ ? 2 * room_ : 256;
    void* const moved = realloc(at_, room * sizeof(Block));
    if (!moved) return false;
    at_ = static_cast<Block*>(moved);
    room_ = room;
    return true;
  }

  Block* at_;
  size_t count_;
  size_t room_;
};

Blocks* blocks_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Blocks*>(data);
}

/// A queue, the thread that works it off, and the way from there back to JavaScript.
struct Dispatcher {
  imgcls::Queue* queue;
  pthread_t thread;
  napi_threadsafe_function tell;
  int marks;  // that are still to be told: Node lives on for these alone
};

void* work_off(void* argument) {
  auto* const dispatcher = static_cast<Dispatcher*>(argument);
  const auto tell = [](void* function, double mark) {
    void* const data = reinterpret_cast<void*>(static_cast<uintptr_t>(mark));
    napi_call_threadsafe_function(static_cast<napi_threadsafe_function>(function), data, napi_tsfn_blocking);
  };
  dispatcher->queue->run(tell, dispatcher->tell);
  return nullptr;
}

/// On JavaScript's thread; without an environment when that is ending.
void tell(napi_env env, napi_value function, void* context, void* mark) {
  auto* const dispatcher = static_cast<Dispatcher*>(context);
  if (!env) return;
  if (--dispatcher->marks == 0) napi_unref_threadsafe_function(env, dispatcher->tell);
  napi_value receiver;
  napi_value argument = address(env, mark);
  napi_get_undefined(env, &receiver);
  napi_call_function(env, receiver, function, 1, &argument, nullptr);
}

void end_dispatcher(void* argument) {
  auto* const dispatcher = static_cast<Dispatcher*>(argument);
  dispatcher->queue->close();
  pthread_join(dispatcher->thread, nullptr);
  napi_release_threadsafe_function(dispatcher->tell, napi_tsfn_abort);
  delete dispatcher->queue;
  free(dispatcher);
}

/// call(address): undefined, or what went wrong
napi_value call(napi_env env, napi_callback_info info) {
  return text(env, imgcls_call(Numbers(env, info).pointer<const double>(0)));
}

/// calls(address, count): how many of them went well before one did not
napi_value calls(napi_env env, napi_callback_info info) {
  const Numbers in(env, info);
  return number(env, imgcls_calls(in.pointer<const double>(0), static_cast<int32_t>(in[1])));
}

/// allocate(bytes): an address, 0 if there is no memory
napi_value allocate(napi_env env, napi_callback_info info) {
  return address(env, blocks_of(env)->allocate(static_cast<size_t>(Numbers(env, info)[0])));
}

/// release(address)
napi_value release(napi_env env, napi_callback_info info) {
  blocks_of(env)->release(Numbers(env, info).pointer<void>(0));
  return nullptr;
}

#if defined(__SANITIZE_ADDRESS__)
/// guard(address, used, bytes): of this block so many bytes may be touched
napi_value guard(napi_env env, napi_callback_info info) {
  const Numbers in(env, info);
  const auto used = static_cast<size_t>(in[1]);
  __asan_unpoison_memory_region(in.pointer<void>(0), used);
  __asan_poison_memory_region(in.pointer<char>(0) + used, static_cast<size_t>(in[2]) - used);
  return nullptr;
}
#endif

/// view(address, bytes): an ArrayBuffer over that memory, which does not own it
napi_value view(napi_env env, napi_callback_info info) {
  const Numbers in(env, info);
  napi_value result;
  CHECK(napi_create_external_arraybuffer(env, in.pointer<void>(0), static_cast<size_t>(in[1]), nullptr, nullptr, &result));
  return result;
}

napi_value list(napi_env env, int32_t count, const char* (*name)(int32_t)) {
  napi_value result;
  CHECK(napi_create_array(env, &result));
  for (int32_t i = 0; i < count; i++) CHECK(napi_set_element(env, result, static_cast<uint32_t>(i), text(env, name(i))));
  return result;
}

/// isas(): names, from the plainest to the best
napi_value isas(napi_env env, napi_callback_info) { return list(env, imgcls_isa_count(), imgcls_isa_name); }

/// kernels(): names
napi_value kernels(napi_env env, napi_callback_info) { return list(env, imgcls_kernel_count(), imgcls_kernel_name); }

/// openQueue(told): a queue, or 0 if there is no memory or no thread; `told` is called with every mark
napi_value open_queue(napi_env env, napi_callback_info info) {
  napi_value told;
  napi_value name;
  size_t count = 1;
  CHECK(napi_get_cb_info(env, info, &count, &told, nullptr, nullptr));
  CHECK(napi_create_string_utf8(env, "imgcls", NAPI_AUTO_LENGTH, &name));
  imgcls::Queue* const queue = imgcls_queue_open();
  if (!queue) return number(env, 0);
  auto* const dispatcher = static_cast<Dispatcher*>(calloc(1, sizeof(Dispatcher)));
  dispatcher->queue = queue;
  CHECK(napi_create_threadsafe_function(env, told, nullptr, name, 0, 1, nullptr, nullptr, dispatcher, tell, &dispatcher->tell));
  CHECK(napi_unref_threadsafe_function(env, dispatcher->tell));
  if (!imgcls::start_thread(work_off, dispatcher, &dispatcher->thread)) return number(env, 0);
  CHECK(napi_add_env_cleanup_hook(env, end_dispatcher, dispatcher));  // comes before the function's own: last in, first out
  return address(env, dispatcher);
}

imgcls::Queue* queue_of(const Numbers& in) { return in.pointer<Dispatcher>(0)->queue; }

/// push(queue, address of a call)
napi_value push(napi_env env, napi_callback_info info) {
  const Numbers in(env, info);
  imgcls_queue_push(queue_of(in), in.pointer<const double>(1));
  return nullptr;
}

/// mark(queue, number)
napi_value mark(napi_env env, napi_callback_info info) {
  const Numbers in(env, info);
  auto* const dispatcher = in.pointer<Dispatcher>(0);
  if (dispatcher->marks++ == 0) CHECK(napi_ref_threadsafe_function(env, dispatcher->tell));
  imgcls_queue_mark(dispatcher->queue, in[1]);
  return nullptr;
}

/// finish(queue)
napi_value finish(napi_env env, napi_callback_info info) {
  imgcls_queue_finish(queue_of(Numbers(env, info)));
  return nullptr;
}

/// problem(queue): undefined, or what went wrong first
napi_value problem(napi_env env, napi_callback_info info) {
  return text(env, imgcls_queue_problem(queue_of(Numbers(env, info))));
}

/// clearProblem(queue): the number of the kernel that had it
napi_value clear_problem(napi_env env, napi_callback_info info) {
  return number(env, imgcls_queue_clear_problem(queue_of(Numbers(env, info))));
}

/// Keeps this library in memory when the environment that loaded it ends: its threads don't.
void stay() {
#if defined(_WIN32)
  HMODULE library;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, reinterpret_cast<LPCWSTR>(&stay), &library);
#else
  Dl_info library;
  if (dladdr(reinterpret_cast<void*>(&stay), &library)) dlopen(library.dli_fname, RTLD_LAZY | RTLD_NODELETE);
#endif
}

void end_environment(napi_env, void* blocks, void*) {
  static_cast<Blocks*>(blocks)->release_all();
  free(blocks);
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"kernels", kernels}, {"call", call},   {"allocate", allocate},     {"release", release},
      {"view", view},     {"isas", isas},   {"openQueue", open_queue},  {"push", push},
#if defined(__SANITIZE_ADDRESS__)
      {"guard", guard},
#endif
      {"calls", calls},   {"mark", mark},   {"finish", finish}, {"problem", problem},     {"clearProblem", clear_problem},
  };
  stay();
  CHECK(napi_set_instance_data(env, calloc(1, sizeof(Blocks)), end_environment, nullptr));
  for (const auto& [name, function] : functions) {
    napi_value value;
    CHECK(napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value));
    CHECK(napi_set_named_property(env, exports, name, value));
  }
  return exports;
}
