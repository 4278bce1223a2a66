//===- Models.h - Models in the LLVM dialect, written by hand -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_TARGET_MODELS_H
#define MAD_TEST_UNIT_TARGET_MODELS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Target/Object.h"
#include "llvm/Support/MemoryBuffer.h"

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

using Objects = std::vector<std::unique_ptr<llvm::MemoryBuffer>>;
/// Objects of the affine model for these levels.
llvm::Expected<Objects> affineObjects(const std::vector<int> &levels, bool quick);
/// A folder of this test program, removed at its end.
std::string folder();
void write(const std::string &path, llvm::StringRef bytes);
std::string read(const std::string &path);
/// Builds lib<name>.so of the affine model in `folder()`; its path.
llvm::Expected<std::string> buildAffine(const std::string &name, const std::vector<int> &levels,
                                        std::vector<float> weights);

/// Calls `f` of a module: its status; the result in `y`, the message in `message`.
mad_status callAffine(mad_module *module, std::vector<float> x, std::vector<float> k,
                      std::vector<float> &y, std::string &message);

} // namespace mad::test

#endif // MAD_TEST_UNIT_TARGET_MODELS_H
