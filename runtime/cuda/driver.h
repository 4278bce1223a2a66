/*===- driver.h - What is used of the CUDA driver -------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The types, constants and functions of the driver that the runtime needs, declared here
 * so that neither building nor running needs the toolkit. The library is loaded when
 * it is asked for. Where a function has several versions, the exported name with its
 * number is taken: the plain names are older functions with other arguments.
 * test/unit/Cuda/Abi.cpp compares all of it with cuda.h where that is found.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CUDA_DRIVER_H
#define MAD_RUNTIME_CUDA_DRIVER_H

#include "runtime/mad.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int mad_cu_result; /* 0: no error */
typedef int mad_cu_device;
typedef uint64_t mad_cu_address; /* of memory of the device */
typedef struct mad_cu_context_s *mad_cu_context;
typedef struct mad_cu_module_s *mad_cu_module;
typedef struct mad_cu_function_s *mad_cu_function;
typedef struct mad_cu_stream_s *mad_cu_stream;
typedef struct mad_cu_event_s *mad_cu_event;
typedef struct mad_cu_graph_s *mad_cu_graph;
typedef struct mad_cu_graph_exec_s *mad_cu_graph_exec;
typedef struct mad_cu_pool_s *mad_cu_pool;

typedef union mad_cu_attribute_value {
  char pad[64];
  int cooperative;
  struct {
    unsigned x, y, z;
  } cluster;
  int overlaps_before; /* may start before the kernel ahead of it has ended */
} mad_cu_attribute_value;

typedef struct mad_cu_attribute {
  int id; /* MAD_CU_LAUNCH_... */
  char pad[4];
  mad_cu_attribute_value value;
} mad_cu_attribute;

typedef struct mad_cu_launch {
  unsigned grid_x, grid_y, grid_z;
  unsigned block_x, block_y, block_z;
  unsigned shared_bytes;
  mad_cu_stream stream;
  mad_cu_attribute *attributes;
  unsigned attribute_count;
} mad_cu_launch;

/* Describes a tensor to the copy engine; passed to kernels by value. */
typedef struct mad_cu_tensor_map {
  uint64_t opaque[16] __attribute__((aligned(128)));
} mad_cu_tensor_map;

enum {
  MAD_CU_MULTIPROCESSORS = 16, /* attributes of a device */
  MAD_CU_CAPABILITY_MAJOR = 75,
  MAD_CU_CAPABILITY_MINOR = 76,
  MAD_CU_MOST_SHARED_BYTES = 97,
  MAD_CU_FUNCTION_LOCAL_BYTES = 3, /* attributes of a function */
  MAD_CU_FUNCTION_REGISTERS = 4,
  MAD_CU_FUNCTION_MOST_DYNAMIC_SHARED_BYTES = 8,
  MAD_CU_STREAM_NON_BLOCKING = 1,
  MAD_CU_EVENT_NO_TIMES = 2,
  MAD_CU_CAPTURE_THREAD_LOCAL = 1,
  MAD_CU_POOL_RELEASE_THRESHOLD = 4,
  MAD_CU_JIT_ERROR_LOG = 5,
  MAD_CU_JIT_ERROR_LOG_BYTES = 6,
  MAD_CU_LAUNCH_COOPERATIVE = 2,
  MAD_CU_LAUNCH_CLUSTER = 4,
  MAD_CU_LAUNCH_OVERLAPS_BEFORE = 6,
  MAD_CU_TENSOR_F16 = 6, /* of tensor maps */
  MAD_CU_TENSOR_BF16 = 9,
  MAD_CU_POINTER_CONTEXT = 1, /* attributes of an address */
  MAD_CU_POINTER_MEMORY_TYPE = 2,
  MAD_CU_POINTER_DEVICE = 9,
  MAD_CU_MEMORY_OF_DEVICE = 2, /* a memory type */
  MAD_CU_SWIZZLE_128 = 3,
  MAD_CU_PROMOTE_128 = 2
};

/* Our name, the exported one, the arguments. */
#define MAD_CU_FUNCTIONS(F)                                                                        \
  F(init, "cuInit", (unsigned))                                                                    \
  F(driver_version, "cuDriverGetVersion", (int *))                                                 \
  F(error_name, "cuGetErrorName", (mad_cu_result, const char **))                                  \
  F(error_text, "cuGetErrorString", (mad_cu_result, const char **))                                \
  F(device_count, "cuDeviceGetCount", (int *))                                                     \
  F(device, "cuDeviceGet", (mad_cu_device *, int))                                                 \
  F(device_name, "cuDeviceGetName", (char *, int, mad_cu_device))                                  \
  F(device_attribute, "cuDeviceGetAttribute", (int *, int, mad_cu_device))                         \
  F(device_memory, "cuDeviceTotalMem_v2", (size_t *, mad_cu_device))                               \
  F(context_retain, "cuDevicePrimaryCtxRetain", (mad_cu_context *, mad_cu_device))                 \
  F(context_release, "cuDevicePrimaryCtxRelease_v2", (mad_cu_device))                              \
  F(context_push, "cuCtxPushCurrent_v2", (mad_cu_context))                                         \
  F(context_pop, "cuCtxPopCurrent_v2", (mad_cu_context *))                                         \
  F(context_device, "cuCtxGetDevice", (mad_cu_device *))                                           \
  F(module_load, "cuModuleLoadDataEx", (mad_cu_module *, const void *, unsigned, int *, void **))  \
  F(module_unload, "cuModuleUnload", (mad_cu_module))                                              \
  F(module_function, "cuModuleGetFunction", (mad_cu_function *, mad_cu_module, const char *))      \
  F(module_global, "cuModuleGetGlobal_v2",                                                         \
    (mad_cu_address *, size_t *, mad_cu_module, const char *))                                     \
  F(function_set, "cuFuncSetAttribute", (mad_cu_function, int, int))                               \
  F(function_get, "cuFuncGetAttribute", (int *, int, mad_cu_function))                             \
  F(occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor",                                      \
    (int *, mad_cu_function, int, size_t))                                                         \
  F(launch, "cuLaunchKernelEx", (const mad_cu_launch *, mad_cu_function, void **, void **))        \
  F(stream_create, "cuStreamCreate", (mad_cu_stream *, unsigned))                                  \
  F(stream_destroy, "cuStreamDestroy_v2", (mad_cu_stream))                                         \
  F(stream_synchronize, "cuStreamSynchronize", (mad_cu_stream))                                    \
  F(stream_wait, "cuStreamWaitEvent", (mad_cu_stream, mad_cu_event, unsigned))                     \
  F(event_create, "cuEventCreate", (mad_cu_event *, unsigned))                                     \
  F(event_record, "cuEventRecord", (mad_cu_event, mad_cu_stream))                                  \
  F(event_synchronize, "cuEventSynchronize", (mad_cu_event))                                       \
  F(event_elapsed, "cuEventElapsedTime", (float *, mad_cu_event, mad_cu_event))                    \
  F(event_destroy, "cuEventDestroy_v2", (mad_cu_event))                                            \
  F(allocate, "cuMemAlloc_v2", (mad_cu_address *, size_t))                                         \
  F(free, "cuMemFree_v2", (mad_cu_address))                                                        \
  F(allocate_async, "cuMemAllocAsync", (mad_cu_address *, size_t, mad_cu_stream))                  \
  F(free_async, "cuMemFreeAsync", (mad_cu_address, mad_cu_stream))                                 \
  F(device_pool, "cuDeviceGetDefaultMemPool", (mad_cu_pool *, mad_cu_device))                      \
  F(pool_set, "cuMemPoolSetAttribute", (mad_cu_pool, int, void *))                                 \
  F(host_allocate, "cuMemHostAlloc", (void **, size_t, unsigned))                                  \
  F(host_free, "cuMemFreeHost", (void *))                                                          \
  F(copy, "cuMemcpyAsync", (mad_cu_address, mad_cu_address, size_t, mad_cu_stream))                \
  F(pointer, "cuPointerGetAttributes", (unsigned, int *, void **, mad_cu_address))                 \
  F(fill_bytes, "cuMemsetD8Async", (mad_cu_address, unsigned char, size_t, mad_cu_stream))         \
  F(memory_info, "cuMemGetInfo_v2", (size_t *, size_t *))                                          \
  F(capture_begin, "cuStreamBeginCapture_v2", (mad_cu_stream, int))                                \
  F(capture_end, "cuStreamEndCapture", (mad_cu_stream, mad_cu_graph *))                            \
  F(graph_instantiate, "cuGraphInstantiateWithFlags",                                              \
    (mad_cu_graph_exec *, mad_cu_graph, unsigned long long))                                       \
  F(graph_launch, "cuGraphLaunch", (mad_cu_graph_exec, mad_cu_stream))                             \
  F(graph_exec_destroy, "cuGraphExecDestroy", (mad_cu_graph_exec))                                 \
  F(graph_destroy, "cuGraphDestroy", (mad_cu_graph))                                               \
  F(encode_tensor_map, "cuTensorMapEncodeTiled",                                                   \
    (mad_cu_tensor_map *, int, uint32_t, void *, const uint64_t *, const uint64_t *,               \
     const uint32_t *, const uint32_t *, int, int, int, int))

/* Of CUDA, as the driver tells it: 12.0, the first one that knows PTX 8.0. */
#define MAD_CU_LEAST_VERSION 12000

/* From here on graphs hold kernels that begin before the one in front has ended (12.3). */
#define MAD_CU_OVERLAPS_VERSION 12030

/* The functions, once they are found. */
typedef struct mad_cu_driver {
#define MAD_CU_MEMBER(name, symbol, arguments) mad_cu_result(*name) arguments;
  MAD_CU_FUNCTIONS(MAD_CU_MEMBER)
#undef MAD_CU_MEMBER
  void *library;
  int version; /* 1000 * major + 10 * minor */
} mad_cu_driver;

/* Loads the driver from `path`, or `libcuda.so.1` where that is null, and initialises it. One
 * that is older than MAD_CU_LEAST_VERSION is refused.
 * On failure nothing stays loaded, and the message says what to do. */
mad_status mad_cu_driver_load(const char *path, mad_cu_driver *driver, mad_error *error);
void mad_cu_driver_unload(mad_cu_driver *driver);

/* MAD_OK for 0. Else the status of such a failure; the message names `what` was tried and
 * the driver's name and text of the error. */
mad_status mad_cu_check(const mad_cu_driver *driver, mad_cu_result result, const char *what,
                        mad_error *error);

/* Loads machine code or PTX; `name` is for messages, which hold what the driver's compiler
 * says. */
mad_status mad_cu_load_code(const mad_cu_driver *driver, const void *code, const char *name,
                            mad_cu_module *module, mad_error *error);
/* The kernel of that name, allowed to ask for `shared_bytes` when it is launched. */
mad_status mad_cu_find_kernel(const mad_cu_driver *driver, mad_cu_module module, const char *name,
                              int shared_bytes, mad_cu_function *kernel, mad_error *error);

#ifdef __cplusplus
}
#endif

#endif /* MAD_RUNTIME_CUDA_DRIVER_H */
