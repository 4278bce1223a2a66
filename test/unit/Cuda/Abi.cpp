//===- Abi.cpp - Our view of the CUDA driver against that of its header -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing runs: it compiles, or it does not.
//
//===----------------------------------------------------------------------===//
#include "runtime/cuda/driver.h"
#include <cstddef>
#include <cuda.h>
#include <type_traits>

#define SAME(ours, theirs) static_assert((ours) == (theirs), #ours " is not " #theirs)

SAME(sizeof(mad_cu_launch), sizeof(CUlaunchConfig));
SAME(offsetof(mad_cu_launch, shared_bytes), offsetof(CUlaunchConfig, sharedMemBytes));
SAME(offsetof(mad_cu_launch, stream), offsetof(CUlaunchConfig, hStream));
SAME(offsetof(mad_cu_launch, attributes), offsetof(CUlaunchConfig, attrs));
SAME(offsetof(mad_cu_launch, attribute_count), offsetof(CUlaunchConfig, numAttrs));
SAME(sizeof(mad_cu_attribute), sizeof(CUlaunchAttribute));
SAME(offsetof(mad_cu_attribute, value), offsetof(CUlaunchAttribute, value));
SAME(offsetof(mad_cu_attribute_value, cluster), offsetof(CUlaunchAttributeValue, clusterDim));
SAME(sizeof(mad_cu_tensor_map), sizeof(CUtensorMap));
SAME(alignof(mad_cu_tensor_map), alignof(CUtensorMap));
SAME(sizeof(mad_cu_address), sizeof(CUdeviceptr));
SAME(sizeof(mad_cu_device), sizeof(CUdevice));
SAME(sizeof(mad_cu_result), sizeof(CUresult));

SAME(int(MAD_CU_MULTIPROCESSORS), int(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
SAME(int(MAD_CU_CAPABILITY_MAJOR), int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
SAME(int(MAD_CU_CAPABILITY_MINOR), int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
SAME(int(MAD_CU_MOST_SHARED_BYTES), int(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
SAME(int(MAD_CU_FUNCTION_LOCAL_BYTES), int(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES));
SAME(int(MAD_CU_FUNCTION_REGISTERS), int(CU_FUNC_ATTRIBUTE_NUM_REGS));
SAME(int(MAD_CU_FUNCTION_MOST_DYNAMIC_SHARED_BYTES),
     int(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES));
SAME(int(MAD_CU_STREAM_NON_BLOCKING), int(CU_STREAM_NON_BLOCKING));
SAME(int(MAD_CU_CAPTURE_THREAD_LOCAL), int(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
SAME(int(MAD_CU_POOL_RELEASE_THRESHOLD), int(CU_MEMPOOL_ATTR_RELEASE_THRESHOLD));
SAME(int(MAD_CU_JIT_ERROR_LOG), int(CU_JIT_ERROR_LOG_BUFFER));
SAME(int(MAD_CU_JIT_ERROR_LOG_BYTES), int(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES));
SAME(int(MAD_CU_LAUNCH_COOPERATIVE), int(CU_LAUNCH_ATTRIBUTE_COOPERATIVE));
SAME(int(MAD_CU_LAUNCH_CLUSTER), int(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION));
SAME(int(MAD_CU_LAUNCH_OVERLAPS_BEFORE),
     int(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION));
SAME(int(MAD_CU_TENSOR_F16), int(CU_TENSOR_MAP_DATA_TYPE_FLOAT16));
SAME(int(MAD_CU_TENSOR_BF16), int(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16));
SAME(int(MAD_CU_POINTER_CONTEXT), int(CU_POINTER_ATTRIBUTE_CONTEXT));
SAME(int(MAD_CU_POINTER_MEMORY_TYPE), int(CU_POINTER_ATTRIBUTE_MEMORY_TYPE));
SAME(int(MAD_CU_POINTER_DEVICE), int(CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL));
SAME(int(MAD_CU_MEMORY_OF_DEVICE), int(CU_MEMORYTYPE_DEVICE));
SAME(int(MAD_CU_SWIZZLE_128), int(CU_TENSOR_MAP_SWIZZLE_128B));
SAME(int(MAD_CU_PROMOTE_128), int(CU_TENSOR_MAP_L2_PROMOTION_L2_128B));

namespace {
/// Arguments are passed alike: the same number of them, of the same sizes, and floats where
/// floats are.
template <typename Ours, typename Theirs> struct Alike : std::false_type {};
template <typename... Ours, typename... Theirs>
struct Alike<mad_cu_result (*)(Ours...), CUresult (*)(Theirs...)>
    : std::bool_constant<sizeof...(Ours) == sizeof...(Theirs) &&
                         ((sizeof(Ours) == sizeof(Theirs) &&
                           std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs> &&
                           std::is_pointer_v<Ours> == std::is_pointer_v<Theirs>) &&
                          ...)> {};
} // namespace

// cuda.h makes the plain name the version that it has; those that are in use must be the ones
// that we load.
#define ALIKE(member, function)                                                                    \
  static_assert(Alike<decltype(mad_cu_driver::member), decltype(&function)>::value,                \
                #function " has other arguments")
ALIKE(device_memory, cuDeviceTotalMem);
ALIKE(context_release, cuDevicePrimaryCtxRelease);
ALIKE(module_load, cuModuleLoadDataEx);
ALIKE(module_function, cuModuleGetFunction);
ALIKE(module_global, cuModuleGetGlobal);
ALIKE(function_set, cuFuncSetAttribute);
ALIKE(function_get, cuFuncGetAttribute);
ALIKE(occupancy, cuOccupancyMaxActiveBlocksPerMultiprocessor);
ALIKE(launch, cuLaunchKernelEx);
ALIKE(stream_create, cuStreamCreate);
ALIKE(stream_wait, cuStreamWaitEvent);
ALIKE(event_record, cuEventRecord);
ALIKE(allocate, cuMemAlloc);
ALIKE(free, cuMemFree);
ALIKE(allocate_async, cuMemAllocAsync);
ALIKE(free_async, cuMemFreeAsync);
ALIKE(pool_set, cuMemPoolSetAttribute);
ALIKE(host_allocate, cuMemHostAlloc);
ALIKE(copy, cuMemcpyAsync);
ALIKE(pointer, cuPointerGetAttributes);
ALIKE(context_push, cuCtxPushCurrent);
ALIKE(context_pop, cuCtxPopCurrent);
ALIKE(context_device, cuCtxGetDevice);
ALIKE(fill_bytes, cuMemsetD8Async);
ALIKE(capture_begin, cuStreamBeginCapture);
ALIKE(capture_end, cuStreamEndCapture);
ALIKE(graph_instantiate, cuGraphInstantiateWithFlags);
ALIKE(graph_launch, cuGraphLaunch);
ALIKE(encode_tensor_map, cuTensorMapEncodeTiled);
