//===- Emit.h - From a checked program to the mad dialect --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_EMIT_EMIT_H
#define MAD_FRONTEND_EMIT_EMIT_H

#include "frontend/Check/Program.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class MLIRContext;
class ModuleOp;
} // namespace mlir

namespace mad {

/// The file of a weight: paths are relative to the file of the declaration.
std::string weightPath(const hir::Weight &weight, const Sources &sources);

/// The same of a file that is named where the weight is declared.
std::string pathBeside(const hir::Weight &weight, const std::string &path, const Sources &sources);

/// Writes a program that was checked without errors as one module: a
/// `mad.weight_source` for each weight, a `func.func` for each function, a `mad.rule` for
/// each rewrite rule. Exported
/// functions carry `mad.entry`, tests `mad.test`; dialects/Mad/README.md lists
/// the attributes. Every op has the position of its source, under the name that
/// `let` gave it. Loads the mad and func dialects into the context. Null, after a message, where a
/// derivative does not exist: the checker should have refused it.
mlir::OwningOpRef<mlir::ModuleOp> emit(const hir::Program &program, const Sources &sources,
                                       mlir::MLIRContext &context);

/// Appends the rewrite rules of a program to a module, but those whose names it has.
void emitRules(const hir::Program &program, const Sources &sources, mlir::ModuleOp module);

/// Appends the rewrite rules of the standard library, which are called `std.rules.scalar.NAME` and
/// so on. They are parsed and checked at the first call in a process; `loadStandardRules` is quick.
void emitStandardRules(mlir::ModuleOp module);

/// Appends a function `name` that has the variables of a rule as arguments and the values of both
/// sides as results: those of the side that is matched first. Elements that the rule leaves open
/// are `element`.
void emitRuleFunction(const hir::Rule &rule, const Sources &sources, mlir::ModuleOp module,
                      llvm::StringRef name, hir::Element element);

/// Symbol of a function in the module: exported ones keep their name.
std::string symbolOf(const hir::Program &program, const hir::Function &function);

} // namespace mad

#endif // MAD_FRONTEND_EMIT_EMIT_H
