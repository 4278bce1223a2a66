//===- DeviceWide.h - Operands that are accessed 16 bytes at a time ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEWIDE_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEWIDE_H

#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"

namespace mad {

/// How an operand is accessed by a thread that takes neighbours along a loop.
enum class Access { Value, Single, Wide };

/// Nothing where it can not be.
std::optional<Access> wideAccess(const DeviceFunction &f, mlir::linalg::GenericOp op,
                                 mlir::OpOperand &operand, unsigned loop);
/// Where the elements of a wide operand begin; `sizes` of all loops, in the kernel.
mlir::Value wideAddress(DeviceKernel &kernel, device::GpuBuilder &g, mlir::linalg::GenericOp op,
                        mlir::OpOperand &operand, llvm::ArrayRef<mlir::Value> indices,
                        llvm::ArrayRef<mlir::Value> sizes);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEWIDE_H
