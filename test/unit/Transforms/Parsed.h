//===- Parsed.h - Functions in text, for tests of analyses ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_TRANSFORMS_PARSED_H
#define MAD_TEST_UNIT_TRANSFORMS_PARSED_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

namespace mad::test {

/// A module, which holds one function or more.
class Parsed {
public:
  explicit Parsed(llvm::StringRef ir) {
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                        mlir::memref::MemRefDialect, mlir::scf::SCFDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(ir, &context);
  }

  explicit operator bool() const { return bool(module); }
  mlir::ModuleOp get() { return *module; }
  llvm::SmallVector<mlir::linalg::GenericOp> generics() {
    llvm::SmallVector<mlir::linalg::GenericOp> ops;
    module->walk([&](mlir::linalg::GenericOp op) { ops.push_back(op); });
    return ops;
  }

  mlir::MLIRContext context;

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace mad::test

#endif // MAD_TEST_UNIT_TRANSFORMS_PARSED_H
