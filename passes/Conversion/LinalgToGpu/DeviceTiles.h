//===- DeviceTiles.h - Weights of few bits on a device -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The matrix of `lut.unpack_into` is made where something reads it that has no kernel for
// tiles, right in front of that.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICETILES_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICETILES_H

#include "dialects/Lut/IR/LutOps.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"

namespace mad {

/// Takes an op. Where it has other readers than `mayRead` says, the matrix is made at once.
void takeTiles(DeviceFunction &f, lut::UnpackIntoOp op,
               llvm::function_ref<bool(mlir::Operation *)> mayRead);
/// What would make the memory, if it is not made yet.
lut::UnpackIntoOp tilesOf(mlir::Value memory);
/// Makes the matrix, where `f.b` is.
void decodeTiles(DeviceFunction &f, lut::UnpackIntoOp op);
/// Makes those that an op reads.
void decodeTilesOf(DeviceFunction &f, mlir::linalg::GenericOp op);

/// Makes codes of the words of a dictionary.
void expandWords(DeviceFunction &f, lut::ExpandIntoOp op);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICETILES_H
