//===- CompilationImpl.h - State of a compilation ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_COMPILATIONIMPL_H
#define MAD_PASSES_DRIVER_COMPILATIONIMPL_H

#include "frontend/Ast/Ast.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Driver/Compilation.h"
#include <chrono>
#include <optional>

namespace mad {

struct Compilation::Impl {
  Sources sources;
  std::optional<std::pair<std::string, std::string>> provided; ///< path and text
  Diagnostics diagnostics;
  std::unique_ptr<ast::File> tree;
  std::unique_ptr<hir::Program> program;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<WeightBytes> weights;
  std::vector<std::string> errors;
  std::vector<std::pair<std::string, double>> times;
  bool internal = false;

  bool fail(std::string text) {
    errors.push_back(std::move(text));
    return false;
  }
  bool bug(std::string text) {
    internal = true;
    return fail("internal error: " + std::move(text));
  }
  /// Compiles the module for one level; leaves it unchanged.
  std::unique_ptr<llvm::MemoryBuffer> object(int level, bool quick,
                                             std::vector<EntryDescription> &entries);
};

/// Measures one step until it is destroyed.
class StepTimer {
public:
  StepTimer(std::vector<std::pair<std::string, double>> &times, std::string step)
      : times(times), step(std::move(step)), start(std::chrono::steady_clock::now()) {}
  ~StepTimer() {
    std::chrono::duration<double, std::milli> d = std::chrono::steady_clock::now() - start;
    times.push_back({step, d.count()});
  }

private:
  std::vector<std::pair<std::string, double>> &times;
  std::string step;
  std::chrono::steady_clock::time_point start;
};

/// Collects MLIR's diagnostics as text, with notes.
class CollectDiagnostics {
public:
  explicit CollectDiagnostics(mlir::MLIRContext &context);
  std::string text;

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_COMPILATIONIMPL_H
