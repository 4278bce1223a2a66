//===- Remarks.h - What passes tell of their choices ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Remarks of MLIR (mlir/IR/Remarks.h): they cost a look at a pointer where nobody wants them.
// Who does (passes/Driver/Remarks.h) shows them with places of the program.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_REMARKS_H
#define MAD_PASSES_TRANSFORMS_REMARKS_H

#include "mlir/IR/Operation.h"
#include <string>

namespace mad {

/// Of ours, not of MLIR's passes.
inline constexpr llvm::StringLiteral remarkCategory = "mad";
/// The key of an argument that is a line of its own.
inline constexpr llvm::StringLiteral remarkNote = "Note";

/// Whether anybody wants remarks.
bool wantsRemarks(mlir::MLIRContext *context);
/// Work that got the code that is meant for it.
void remarkTaken(mlir::Location loc, const llvm::Twine &text,
                 llvm::ArrayRef<std::string> notes = {});
/// Work that did not.
void remarkMissed(mlir::Location loc, const llvm::Twine &text,
                  llvm::ArrayRef<std::string> notes = {});

/// ` (x86-64-v3)`, behind what was chosen for one level of CPUs.
std::string ofLevel(int level);

/// `copy`, `elementwise`, `contract`, `reduce`, or the name of the op.
std::string kindOf(mlir::Operation *op);
/// Its kind, and the name that the program gives to it.
std::string describe(mlir::Operation *op);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_REMARKS_H
