//===- Models.h - Models in the LLVM dialect, written by hand -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_TARGET_MODELS_H
#define MAD_TEST_UNIT_TARGET_MODELS_H

#include "passes/Target/Object.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace mad::test {

/// A context that can parse and translate the LLVM dialect.
std::unique_ptr<mlir::MLIRContext> makeContext();
mlir::OwningOpRef<mlir::ModuleOp> parse(mlir::MLIRContext &context, llvm::StringRef text);

/// `f[N](x: f32[N], k: f32[4]) -> f32[N]`: result = x * w[0] + k[0], where `w`
/// is a weight. Calls expf so that libm is needed: result + expf(0) - 1. A
/// negative x[0] fails the check of an index, N < 1 that of a size, and K != 4
/// that of an extent. Needs 64 * N bytes of scratch memory and writes to them.
llvm::StringRef affineModule();
std::vector<EntryDescription> affineEntries();
std::vector<WeightBytes> affineWeights(std::vector<float> values);

} // namespace mad::test

#endif // MAD_TEST_UNIT_TARGET_MODELS_H
