//===- FakeGpu.cpp - A CUDA driver over memory of the host --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work is done at once, in the order of the calls. Handles are checked, addresses of the device
// must lie in memory that was allocated. Functions that the runtime does not call answer 801,
// not supported.
//
//===----------------------------------------------------------------------===//
#include "FakeGpu.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace {
enum { invalidValue = 1, notSupported = 801, notFound = 500 };

/// What was captured of a stream: kernels, with copies of their parameters.
struct Captured {
  mad_cu_launch how;
  FakeKernel kernel;
  std::vector<mad_cu_tensor_map> values; ///< or the first 8 bytes
  std::vector<bool> given;
  void run() {
    std::vector<void *> params;
    for (size_t i = 0; i < values.size(); ++i)
      params.push_back(given[i] ? &values[i] : nullptr);
    kernel(&how, params.data());
  }
};
using Graph = std::vector<Captured>;

struct State {
  FakeGpu gpu;
  std::map<void *, Graph> graphs;   ///< also those made ready
  std::map<void *, Graph> captures; ///< under way, by their streams
  std::mutex lock;
  std::map<uintptr_t, size_t> memory; ///< of the device
  std::set<void *> streams, modules, events, reached;
  std::map<void *, std::string> functions;
  std::set<void *> maps; ///< memory of the host that holds tensor maps
  std::vector<void *> current;
  uintptr_t handles = 0x1000;

  void *handle() { return reinterpret_cast<void *>(handles += 16); }
  void forget() {
    for (auto &[address, bytes] : memory)
      free(reinterpret_cast<void *>(address));
    memory.clear();
    streams.clear();
    events.clear();
    reached.clear();
    modules.clear();
    functions.clear();
    current.clear();
    maps.clear();
    graphs.clear();
    captures.clear();
    gpu = FakeGpu();
  }
  ~State() { forget(); }
};
State *state() {
  static State only;
  return &only;
}

int context, driverContext; // their addresses are the contexts: the primary one, a host's

int wrong(const char *what) {
  FakeGpu &gpu = state()->gpu;
  ++gpu.wrongs;
  snprintf(gpu.wrong, sizeof gpu.wrong, "%s", what);
  return invalidValue;
}

/// Whether a range lies in one piece of memory of the device.
bool onDevice(uintptr_t address, size_t bytes) {
  auto after = state()->memory.upper_bound(address);
  if (after == state()->memory.begin())
    return false;
  auto [start, size] = *std::prev(after);
  return address + bytes <= start + size;
}

using Words = const uintptr_t *;
template <typename T> T *to(uintptr_t word) { return reinterpret_cast<T *>(word); }

int allocate(uintptr_t *result, size_t bytes) {
  State &s = *state();
  if (bytes == 0)
    return invalidValue;
  void *made = aligned_alloc(256, (bytes + 255) / 256 * 256);
  memset(made, 0xcb, bytes);
  *result = reinterpret_cast<uintptr_t>(made);
  s.memory[*result] = bytes;
  ++s.gpu.allocations;
  ++s.gpu.held;
  s.gpu.heldBytes += long(bytes);
  return 0;
}

int release(uintptr_t address) {
  State &s = *state();
  auto found = s.memory.find(address);
  if (found == s.memory.end())
    return wrong("memory is freed that was not allocated");
  s.gpu.heldBytes -= long(found->second);
  --s.gpu.held;
  s.memory.erase(found);
  free(to<void>(address));
  return 0;
}

int copy(uintptr_t toAddress, uintptr_t from, size_t bytes, void *stream) {
  if (state()->captures.count(stream))
    return wrong("a copy while a stream is captured");
  if (!onDevice(toAddress, bytes) && !onDevice(from, bytes))
    return wrong("a copy has no end on the device");
  ++state()->gpu.copies;
  memmove(to<void>(toAddress), to<void>(from), bytes);
  return 0;
}

int loadModule(Words w) {
  FakeGpu &gpu = state()->gpu;
  snprintf(gpu.loaded, sizeof gpu.loaded, "%s", to<const char>(w[1]));
  if (gpu.refuseImage) {
    auto **values = to<void *>(w[4]);
    snprintf(static_cast<char *>(values[0]), reinterpret_cast<size_t>(values[1]), "%s", gpu.log);
    return gpu.refuseImage;
  }
  void *made = state()->handle();
  state()->modules.insert(made);
  ++gpu.modules;
  *to<void *>(w[0]) = made;
  return 0;
}

int findFunction(Words w) {
  if (!state()->modules.count(to<void>(w[1])))
    return wrong("a module that is not loaded");
  const char *name = to<const char>(w[2]);
  if (!state()->gpu.kernelOf || !state()->gpu.kernelOf(name))
    return notFound;
  void *made = reinterpret_cast<void *>(state()->gpu.kernelOf(name));
  state()->functions[made] = name;
  *to<void *>(w[0]) = made;
  return 0;
}

int launch(Words w) {
  auto *how = to<const mad_cu_launch>(w[0]);
  if (!state()->functions.count(to<void>(w[1])))
    return wrong("a kernel that was not found");
  State &s = *state();
  s.gpu.lastStream = how->stream;
  for (unsigned i = 0; i < how->attribute_count; ++i) {
    if (how->attributes[i].id != MAD_CU_LAUNCH_OVERLAPS_BEFORE)
      return wrong("an attribute of a launch that no driver was asked for");
    s.gpu.overlaps += how->attributes[i].value.overlaps_before == 1;
  }
  if (auto capture = s.captures.find(how->stream); capture != s.captures.end()) {
    Captured one{*how, reinterpret_cast<FakeKernel>(w[1]), {}, {}};
    for (int i = 0; i < s.gpu.params; ++i) {
      void *value = to<void *>(w[2])[i];
      one.given.push_back(value != nullptr);
      one.values.push_back({});
      if (value)
        memcpy(&one.values.back(), value, s.maps.count(value) ? sizeof(mad_cu_tensor_map) : 8);
    }
    capture->second.push_back(one);
    return 0;
  }
  ++s.gpu.launches;
  reinterpret_cast<FakeKernel>(w[1])(how, to<void *>(w[2]));
  return 0;
}

/// What it is made of follows the address, type and rank: sizes, bytes between, the box.
int encodeMap(Words w) {
  auto *map = to<mad_cu_tensor_map>(w[0]);
  const uintptr_t rank = w[2], address = w[3];
  const uint64_t *sizes = to<const uint64_t>(w[4]), *strides = to<const uint64_t>(w[5]);
  const uint32_t *box = to<const uint32_t>(w[6]);
  if (w[0] % 64 || rank < 1 || rank > 4 || address % 16)
    return invalidValue;
  uint64_t bytes = 2 * sizes[0];
  mad_cu_tensor_map made = {{address, w[1], rank}};
  for (uintptr_t i = 0; i < rank; ++i) {
    if (sizes[i] == 0 || box[i] == 0 || box[i] > 256 || (i > 0 && strides[i - 1] % 16))
      return invalidValue;
    made.opaque[3 + i] = sizes[i];
    made.opaque[7 + i] = i > 0 ? strides[i - 1] : 0;
    made.opaque[11 + i] = box[i];
    bytes += i > 0 ? (sizes[i] - 1) * strides[i - 1] : 0;
  }
  if (!onDevice(address, bytes))
    return wrong("a tensor map leaves its memory");
  *map = made;
  state()->maps.insert(map);
  return 0;
}

int pointerAttributes(Words w) {
  bool device = onDevice(w[3], 1);
  for (unsigned i = 0; i < unsigned(w[0]); ++i) {
    int name = to<int>(w[1])[i];
    void *value = to<void *>(w[2])[i];
    if (name == MAD_CU_POINTER_CONTEXT)
      *static_cast<void **>(value) = device ? &context : nullptr;
    else if (name == MAD_CU_POINTER_MEMORY_TYPE)
      *static_cast<int *>(value) = device ? MAD_CU_MEMORY_OF_DEVICE : 0;
    else
      *static_cast<int *>(value) = device ? 0 : -2;
  }
  return 0;
}

int graphs(std::string_view symbol, Words w) {
  State &s = *state();
  if (symbol == "cuStreamBeginCapture_v2") {
    if (s.captures.count(to<void>(w[0])) || s.gpu.params == 0)
      return notSupported;
    s.captures[to<void>(w[0])];
    return 0;
  }
  if (symbol == "cuStreamEndCapture") {
    auto capture = s.captures.find(to<void>(w[0]));
    if (capture == s.captures.end())
      return wrong("a capture ends that has not begun");
    void *made = s.handle();
    s.graphs[made] = std::move(capture->second);
    s.captures.erase(capture);
    ++s.gpu.graphs;
    *to<void *>(w[1]) = made;
    return 0;
  }
  if (symbol == "cuGraphInstantiateWithFlags") {
    if (!s.graphs.count(to<void>(w[1])))
      return wrong("a graph that is not there");
    void *made = s.handle();
    s.graphs[made] = s.graphs[to<void>(w[1])];
    ++s.gpu.graphs;
    *to<void *>(w[0]) = made;
    return 0;
  }
  auto found = s.graphs.find(to<void>(w[0]));
  if (found == s.graphs.end())
    return wrong("a graph that is not there");
  if (symbol == "cuGraphLaunch") {
    ++s.gpu.graphLaunches;
    for (Captured &one : found->second)
      one.run();
    return 0;
  }
  --s.gpu.graphs;
  s.graphs.erase(found);
  return 0;
}

int describe(int result, const char **text, bool name) {
  static const std::map<int, std::pair<const char *, const char *>> known = {
      {1, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
      {2, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
      {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
      {209, {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available"}},
      {218, {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}},
      {500, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
      {700, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
      {701, {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"}},
  };
  auto found = known.find(result);
  *text = found == known.end() ? nullptr : name ? found->second.first : found->second.second;
  return *text ? 0 : 1;
}

int attribute(int *value, int name) {
  const int chip = state()->gpu.chip;
  *value = name == MAD_CU_CAPABILITY_MAJOR   ? chip / 10
           : name == MAD_CU_CAPABILITY_MINOR ? chip % 10
           : name == MAD_CU_MULTIPROCESSORS  ? 132
                                             : 0;
  return 0;
}

int synchronize() {
  FakeGpu &gpu = state()->gpu;
  ++gpu.waits;
  if (int result = gpu.atSynchronize) {
    gpu.sticky = true;
    gpu.failWith = result;
    gpu.failAt = gpu.calls;
    return result;
  }
  return 0;
}

int contexts(std::string_view symbol, Words w) {
  State &s = *state();
  if (symbol == "cuDevicePrimaryCtxRetain") {
    ++s.gpu.retained;
    *to<void *>(w[0]) = &context;
  } else if (symbol == "cuDevicePrimaryCtxRelease_v2") {
    --s.gpu.retained;
  } else if (symbol == "cuCtxPushCurrent_v2") {
    if (to<void>(w[0]) != &context && to<void>(w[0]) != &driverContext)
      return wrong("no context");
    s.current.push_back(to<void>(w[0]));
    ++s.gpu.pushed;
  } else if (symbol == "cuCtxPopCurrent_v2") {
    if (s.current.empty())
      return wrong("no context is left");
    s.current.pop_back();
    --s.gpu.pushed;
  } else {
    *to<int>(w[0]) = 0;
  }
  return 0;
}

int streams(std::string_view symbol, Words w) {
  State &s = *state();
  if (symbol == "cuStreamCreate") {
    void *made = s.handle();
    s.streams.insert(made);
    ++s.gpu.streams;
    *to<void *>(w[0]) = made;
    return 0;
  }
  if (symbol == "cuStreamSynchronize")
    return synchronize();
  if (!s.streams.erase(to<void>(w[0])))
    return wrong("a stream that we did not make");
  --s.gpu.streams;
  return 0;
}

int events(std::string_view symbol, Words w) {
  State &s = *state();
  if (symbol == "cuEventCreate") {
    void *made = s.handle();
    s.events.insert(made);
    ++s.gpu.events;
    *to<void *>(w[0]) = made;
    return 0;
  }
  void *event = to<void>(symbol == "cuStreamWaitEvent" ? w[1] : w[0]);
  if (!s.events.contains(event))
    return wrong("an event that we did not make");
  if (symbol == "cuEventRecord") {
    s.gpu.recorded = to<void>(w[1]);
    s.reached.insert(event);
  } else if (symbol == "cuStreamWaitEvent") {
    if (!s.reached.contains(event))
      return wrong("an event that nothing reaches");
    s.gpu.waited = to<void>(w[0]);
  } else {
    s.events.erase(event);
    s.reached.erase(event);
    --s.gpu.events;
  }
  return 0;
}

int devices(std::string_view symbol, Words w) {
  FakeGpu &gpu = state()->gpu;
  if (symbol == "cuInit")
    return gpu.init;
  if (symbol == "cuDriverGetVersion")
    *to<int>(w[0]) = gpu.version;
  else if (symbol == "cuDeviceGetCount")
    *to<int>(w[0]) = gpu.devices;
  else if (symbol == "cuDeviceGet")
    *to<int>(w[0]) = int(w[1]);
  else if (symbol == "cuDeviceGetAttribute")
    return attribute(to<int>(w[0]), int(w[1]));
  else
    return notSupported;
  return 0;
}

int act(std::string_view symbol, Words w) {
  const bool needsContext = symbol.starts_with("cuMem") || symbol.starts_with("cuLaunch") ||
                            symbol.starts_with("cuModule") || symbol.starts_with("cuStream") ||
                            symbol.starts_with("cuEvent");
  if (needsContext && state()->current.empty())
    return wrong("no context is current");
  if (symbol.starts_with("cuCtx") || symbol.starts_with("cuDevicePrimary"))
    return contexts(symbol, w);
  if (symbol == "cuStreamBeginCapture_v2" || symbol == "cuStreamEndCapture" ||
      symbol.starts_with("cuGraph"))
    return graphs(symbol, w);
  if (symbol == "cuStreamCreate" || symbol == "cuStreamDestroy_v2" ||
      symbol == "cuStreamSynchronize")
    return streams(symbol, w);
  if (symbol == "cuEventCreate" || symbol == "cuEventRecord" || symbol == "cuStreamWaitEvent" ||
      symbol == "cuEventDestroy_v2")
    return events(symbol, w);
  if (symbol == "cuModuleLoadDataEx")
    return loadModule(w);
  if (symbol == "cuModuleGetFunction")
    return findFunction(w);
  if (symbol == "cuModuleUnload") {
    --state()->gpu.modules;
    return state()->modules.erase(to<void>(w[0])) ? 0 : wrong("a module that is not loaded");
  }
  if (symbol == "cuFuncSetAttribute") {
    state()->gpu.sharedBytes = int(w[2]);
    return 0;
  }
  if (symbol == "cuMemAlloc_v2")
    return allocate(to<uintptr_t>(w[0]), w[1]);
  if (symbol == "cuMemFree_v2")
    return release(w[0]);
  if (symbol == "cuMemcpyAsync")
    return copy(w[0], w[1], w[2], to<void>(w[3]));
  if (symbol == "cuMemsetD8Async") {
    if (!onDevice(w[0], w[2]))
      return wrong("memory is cleared that is not the device's");
    memset(to<void>(w[0]), int(w[1]), w[2]);
    return 0;
  }
  if (symbol == "cuPointerGetAttributes")
    return pointerAttributes(w);
  if (symbol == "cuLaunchKernelEx")
    return launch(w);
  if (symbol == "cuTensorMapEncodeTiled")
    return encodeMap(w);
  return devices(symbol, w);
}

int call(const char *symbol, Words w) {
  State &s = *state();
  std::lock_guard<std::mutex> lock(s.lock);
  std::string_view name = symbol;
  if (name == "cuGetErrorName" || name == "cuGetErrorString")
    return describe(int(w[0]), to<const char *>(w[1]), name == "cuGetErrorName");
  const int number = s.gpu.calls++;
  const bool fails =
      s.gpu.failAt >= 0 && (s.gpu.sticky ? number >= s.gpu.failAt : number == s.gpu.failAt);
  // These only give back; what they answer helps nobody.
  const bool gives = name == "cuCtxPopCurrent_v2" || name == "cuDevicePrimaryCtxRelease_v2";
  if (fails && !gives) {
    snprintf(s.gpu.failedCall, sizeof s.gpu.failedCall, "%s", symbol);
    // Even then what is given back is gone.
    if (name == "cuMemFree_v2" || name == "cuModuleUnload" || name == "cuStreamDestroy_v2" ||
        name == "cuGraphExecDestroy" || name == "cuGraphDestroy" || name == "cuEventDestroy_v2")
      act(name, w);
    // A capture that fails has ended.
    if (name == "cuStreamEndCapture")
      s.captures.erase(to<void>(w[0]));
    return s.gpu.failWith;
  }
  return act(name, w);
}
} // namespace

extern "C" FakeGpu *fake_gpu() { return &state()->gpu; }
extern "C" void fake_gpu_reset() { state()->forget(); }
extern "C" void *fake_gpu_memory(long bytes) {
  uintptr_t made = 0;
  allocate(&made, size_t(bytes));
  return to<void>(made);
}
extern "C" void fake_gpu_free(void *memory) { release(reinterpret_cast<uintptr_t>(memory)); }
extern "C" void fake_gpu_accept() {
  state()->gpu.kernelOf = [](const char *) -> FakeKernel {
    return [](const mad_cu_launch *, void **) {};
  };
}
extern "C" long fake_gpu_waits() { return state()->gpu.waits; }
extern "C" void *fake_gpu_context() { return &driverContext; }

#define DEFINE(name, symbol, arguments)                                                            \
  extern "C" int fake_cu_##name(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,  \
                                uintptr_t) __asm__(symbol);                                        \
  int fake_cu_##name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f, \
                     uintptr_t g) {                                                                \
    const uintptr_t all[] = {a, b, c, d, e, f, g};                                                 \
    return call(symbol, all);                                                                      \
  }
MAD_CU_FUNCTIONS(DEFINE)
