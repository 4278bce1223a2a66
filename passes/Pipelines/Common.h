//===- Common.h - What the pipelines of all targets share -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_COMMON_H
#define MAD_PASSES_PIPELINES_COMMON_H

#include "passes/Target/EntryDescription.h"
#include "llvm/Support/LogicalResult.h"
#include <vector>

namespace mlir {
class ModuleOp;
class OpPassManager;
} // namespace mlir

namespace mad {

struct RewriteExtras;

void simplify(mlir::OpPassManager &pm);
/// On tensors: quicker with many equal ops (mad-merge-equal-ops).
void simplifyValues(mlir::OpPassManager &pm);

/// Which products with quantised activations are of integers: for every target, and the
/// interpreter, in front of all else. One function an entry then, in the mad dialect.
void buildActivations(mlir::OpPassManager &pm);
/// One function an entry, in the mad dialect. `packs`: right-hand sides may use the lanes of
/// vectors.
void buildFold(mlir::OpPassManager &pm, bool packs);
/// Tensor programs into cheaper ones that are equal by rules; those of the module go. `orders`: see
/// `mad-hoist-weights`.
void buildRewrite(mlir::OpPassManager &pm, RewriteExtras extras, bool orders = true);
/// Products that GPUs compute from tiles of codes, with computed weights that hold these: in front
/// of what evaluates them.
void buildTiles(mlir::OpPassManager &pm);
/// Structured ops on tensors, fused where that is simple. `device`: for many threads.
void buildLoops(mlir::OpPassManager &pm, bool device = false);
/// Structured ops on memory: results at the caller's, the rest in buffers.
void buildMemory(mlir::OpPassManager &pm);
/// The LLVM dialect, with C functions for the runtime: code for the CPU. `device`: the
/// functions are given a device instead of an executor.
void buildHostCode(mlir::OpPassManager &pm, int level, bool device);

/// The entries of a module after `buildLoops`: later stages have no types that say what the
/// caller sees.
llvm::LogicalResult describeEntries(mlir::ModuleOp module, std::vector<EntryDescription> &entries);

} // namespace mad

#endif // MAD_PASSES_PIPELINES_COMMON_H
