//===- CudaModel.h - An artifact for CPUs and GPUs, written by hand -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_CUDA_CUDAMODEL_H
#define MAD_TEST_UNIT_CUDA_CUDAMODEL_H

#include "FakeGpu.h"
#include "runtime/artifact.h"

/// Entries:
///   0 `scale[N](x: f32[N]) -> f32[N]`: 2 * x + w, where w is 10; a kernel that asks for 4 * N
///     bytes of shared memory. N must not be 13 (a check of the run).
///   1 `add[N](state s: f32[N], x: f32[N])`: s + x.
/// Variants: x86-64, and cuda as PTX of sm_80 and machine code of sm_80 and sm_90a.
mad_artifact cuda_model();
/// What the kernels do.
FakeKernel cuda_model_kernel(const char *name);
/// Where the kernel `scale` last had its weight.
const float *cuda_model_weight();

#endif // MAD_TEST_UNIT_CUDA_CUDAMODEL_H
