//===- FakeGpu.h - A CUDA driver over memory of the host ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the library libfake_gpu.so exports besides the functions of the driver: a test says what
// GPU there is, which call is to fail, and what kernels do, and looks at what was called.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_CUDA_FAKEGPU_H
#define MAD_TEST_UNIT_CUDA_FAKEGPU_H

#include "runtime/cuda/driver.h"

/// What a kernel does: a function of its parameters and of how it was launched.
using FakeKernel = void (*)(const mad_cu_launch *how, void **params);

struct FakeGpu {
  int devices = 1, version = 13000, chip = 90;
  /// Fails the call of that number, from 0 on; -1: none. After a `sticky` failure all fail.
  int failAt = -1, failWith = 2;
  bool sticky = false;
  int init = 0;          ///< what cuInit answers
  int atSynchronize = 0; ///< what the next cuStreamSynchronize answers: an error of a kernel
  int refuseImage = 0;   ///< what loading code answers
  const char *log = "";  ///< what the compiler of the driver says then
  FakeKernel (*kernelOf)(const char *name) = nullptr;

  // What happened.
  int calls = 0;
  int allocations = 0, held = 0; ///< of memory: so many calls, so much that was not given back
  long heldBytes = 0;
  int overlaps = 0; ///< launches that may begin before the kernel in front has ended
  int copies = 0, launches = 0, streams = 0, modules = 0, pushed = 0, retained = 0;
  int waits = 0;
  int params = 0; ///< of every kernel, null or of 8 bytes; known, a stream can be captured
  int graphs = 0, graphLaunches = 0;
  int events = 0;                 ///< that are there
  const void *recorded = nullptr; ///< the stream of the last one
  const void *waited = nullptr;   ///< the stream that waits for one that was recorded
  int sharedBytes = 0;            ///< that a kernel was last allowed
  int wrongs = 0;                 ///< uses of memory or handles that a driver would not survive
  char loaded[64] = "", failedCall[64] = "", wrong[128] = "";
  const void *lastStream = nullptr;
};

/// Of the library; also what tests look up in it.
extern "C" FakeGpu *fake_gpu();
/// Begins anew: all memory and handles are forgotten.
extern "C" void fake_gpu_reset();
/// Memory of the device, as another library would have allocated it.
extern "C" void *fake_gpu_memory(long bytes);
extern "C" void fake_gpu_free(void *memory);
/// From now on all kernels are there, and do nothing.
extern "C" void fake_gpu_accept();
/// How often a stream was waited for.
extern "C" long fake_gpu_waits();
/// A context that is not the primary one.
extern "C" void *fake_gpu_context();

#endif // MAD_TEST_UNIT_CUDA_FAKEGPU_H
