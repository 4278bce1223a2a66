//===- DeviceGather.h - Rows that are read at computed places ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEGATHER_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEGATHER_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"

namespace mad {

/// An element that a body reads along a row: its last index is that of the last loop, which the
/// others do not depend on.
struct RowRead {
  mlir::memref::LoadOp load;
  llvm::SmallVector<mlir::Operation *> row; ///< ops of the body that compute the other indices
  llvm::SmallVector<mlir::Value> sizes;     ///< of the memory, on the host; null for the first one
};

/// All reads of memory in a body; nothing if one of them is of another kind.
std::optional<llvm::SmallVector<RowRead>> rowReads(DeviceFunction &f, mlir::linalg::GenericOp op);
/// Whether rows of the last loop, and of all that is read, are whole groups of `vector`.
mlir::Value wholeRows(DeviceFunction &f, mlir::linalg::GenericOp op, llvm::ArrayRef<RowRead> reads,
                      int64_t vector);
/// What `vector` neighbours read from `at` on. `arguments`: elements of the operands, of those that
/// do not vary along the last loop at least.
device::Values readRow(DeviceKernel &kernel, device::GpuBuilder &g, mlir::linalg::GenericOp op,
                       RowRead &read, llvm::ArrayRef<mlir::Value> arguments,
                       llvm::ArrayRef<mlir::Value> at, int64_t vector);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEGATHER_H
