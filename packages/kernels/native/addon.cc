// The Node-API carrier: the C interface for JavaScript, and nothing else.
#include <node_api.h>

#include "interface.h"

namespace {

// Only failures of Node itself: JavaScript passes what it has checked.
#define CHECK(call)                                                        \
  if ((call) != napi_ok) {                                                 \
    napi_throw_error(env, nullptr, "imgcls: Node-API call failed: " #call); \
    return nullptr;                                                        \
  }

struct Values {
  napi_value at[2];
};

bool read(napi_env env, napi_callback_info info, double* numbers, size_t expected) {
  Values values;
  size_t count = 2;
  if (napi_get_cb_info(env, info, &count, values.at, nullptr, nullptr) != napi_ok || count < expected) return false;
  for (size_t i = 0; i < expected; i++)
    if (napi_get_value_double(env, values.at[i], &numbers[i]) != napi_ok) return false;
  return true;
}

template <class T>
T* address(double number) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(number));
}

napi_value number(napi_env env, double value) {
  napi_value result;
  CHECK(napi_create_double(env, value, &result));
  return result;
}

napi_value text(napi_env env, const char* value) {
  napi_value result = nullptr;
  if (value) CHECK(napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result));
  return result;
}

/// kernel(name): its index, or -1
napi_value kernel(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  char name[64];
  size_t length;
  CHECK(napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr));
  CHECK(napi_get_value_string_utf8(env, argument, name, sizeof name, &length));
  return number(env, imgcls_kernel(name));
}

/// call(kernel, address of the arguments): undefined, or what went wrong
napi_value call(napi_env env, napi_callback_info info) {
  double in[2];
  if (!read(env, info, in, 2)) return nullptr;
  return text(env, imgcls_call(static_cast<int32_t>(in[0]), address<const double>(in[1])));
}

/// allocate(bytes): an address, 0 if there is no memory
napi_value allocate(napi_env env, napi_callback_info info) {
  double in[1];
  if (!read(env, info, in, 1)) return nullptr;
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(imgcls_allocate(static_cast<size_t>(in[0])))));
}

/// release(address, bytes)
napi_value release(napi_env env, napi_callback_info info) {
  double in[2];
  if (!read(env, info, in, 2)) return nullptr;
  imgcls_release(address<void>(in[0]), static_cast<size_t>(in[1]));
  return nullptr;
}

/// view(address, bytes): an ArrayBuffer over that memory, which does not own it
napi_value view(napi_env env, napi_callback_info info) {
  double in[2];
  if (!read(env, info, in, 2)) return nullptr;
  napi_value result;
  CHECK(napi_create_external_arraybuffer(env, address<void>(in[0]), static_cast<size_t>(in[1]), nullptr, nullptr, &result));
  return result;
}

/// isas(): names, from the plainest to the best
napi_value isas(napi_env env, napi_callback_info) {
  napi_value result;
  CHECK(napi_create_array(env, &result));
  for (int32_t i = 0; i < imgcls_isa_count(); i++) CHECK(napi_set_element(env, result, i, text(env, imgcls_isa_name(i))));
  return result;
}

/// selectIsa(index)
napi_value select_isa(napi_env env, napi_callback_info info) {
  double in[1];
  if (read(env, info, in, 1)) imgcls_select_isa(static_cast<int32_t>(in[0]));
  return nullptr;
}

/// threads(): how many share the work
napi_value threads(napi_env env, napi_callback_info) { return number(env, imgcls_threads()); }

/// setThreads(count)
napi_value set_threads(napi_env env, napi_callback_info info) {
  double in[1];
  if (read(env, info, in, 1)) imgcls_set_threads(static_cast<int32_t>(in[0]));
  return nullptr;
}

napi_value initialize(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"kernel", kernel},  {"call", call}, {"allocate", allocate},       {"release", release},
      {"view", view},      {"isas", isas}, {"selectIsa", select_isa},    {"threads", threads},
      {"setThreads", set_threads},
  };
  for (const auto& [name, function] : functions) {
    napi_value value;
    CHECK(napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value));
    CHECK(napi_set_named_property(env, exports, name, value));
  }
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, initialize)
