//===- Passes.h - Passes from one dialect to another ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_PASSES_H
#define MAD_PASSES_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
namespace LLVM {
class LLVMDialect;
} // namespace LLVM
} // namespace mlir

namespace mad {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Conversion/Passes.h.inc"
/// Attribute of a kernel whose threads exchange values by memory of the device: the emulator then
/// looks for races within its blocks there, too.
constexpr llvm::StringLiteral exchangingKernel = "exchanges";
/// Attribute of a kernel whose blocks take up work in turns, as many as the device holds at a time.
/// Launched early they would begin where there is room first, and not as many everywhere.
constexpr llvm::StringLiteral turnsKernel = "in_turns";
/// Attribute of a kernel with long branches at its end, which threads of a warp leave apart.
constexpr llvm::StringLiteral apartKernel = "ends_apart";

} // namespace mad

#endif // MAD_PASSES_CONVERSION_PASSES_H
