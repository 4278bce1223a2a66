//===- Differentiate.h - Programs that compute tangents as well ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward mode: beside each value that depends on what varies stands its tangent, built by what the
// dialect of the op says (DerivativeInterface.h). Values that do not vary have none, and nothing is
// built for them. The values themselves are computed once, as before.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_DERIVATIVES_DIFFERENTIATE_H
#define MAD_DIALECTS_MAD_DERIVATIVES_DIFFERENTIATE_H

#include "dialects/Mad/IR/DimExpr.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include <map>

namespace mad {

class IfOp;
class IterateOp;
class ScanOp;
namespace ode {
class SolveOp;
} // namespace ode

/// Begins a message at an op that has no derivative: an error of the program, not of the compiler.
mlir::InFlightDiagnostic noDerivative(mlir::Operation *op);
/// Whether a message began so. Its notes say what to do instead.
bool isNoDerivative(mlir::Diagnostic &diagnostic);

/// A function beside which another one computes tangents.
struct JvpFunction {
  /// Takes the arguments of the function, then the tangents of those that vary; gives its results,
  /// then the tangents of those that vary.
  mlir::func::FuncOp function;
  llvm::SmallVector<bool> varies; ///< of each result of the function
};

/// Results of a block, and their tangents; null ones do not vary.
struct Differentiated {
  llvm::SmallVector<mlir::Value> values, tangents;
};

/// What was made behind an op to compute its tangents may do to roundings what the op may.
void keepPrecision(mlir::Operation *op);

/// Makes such functions in a module, each once. The module must be valid: what is built is not
/// checked here.
class Differentiator {
public:
  explicit Differentiator(mlir::ModuleOp module) : module(module) {}

  /// The function for arguments of which those of `active` vary: floats, and at least one. With
  /// `directions` tangents have one more dimension in front, as long as this: they are several
  /// tangents, and the function itself is computed once. Fails, after a message at the op, where
  /// an op that depends on what varies has no derivative.
  llvm::FailureOr<JvpFunction> jvp(mlir::func::FuncOp function, llvm::ArrayRef<bool> active,
                                   std::optional<DimExpr> directions = std::nullopt);

  /// The ops of a block, but for its terminator, and their tangents, at the place of the builder.
  /// `arguments` and `tangents` are those of the block; a null tangent does not vary. Values around
  /// the block are constants.
  llvm::FailureOr<Differentiated> inlined(mlir::OpBuilder &builder, mlir::Block &block,
                                          mlir::ValueRange arguments, mlir::ValueRange tangents,
                                          std::optional<DimExpr> directions = std::nullopt);

  /// Whether a function had no derivative.
  bool hasFailed() const { return someFailed; }

private:
  class Body;
  bool someFailed = false;
  mlir::ModuleOp module;
  std::map<std::string, JvpFunction> made;
};

/// One body that is differentiated.
class Differentiator::Body {
public:
  Body(Differentiator &owner, mlir::OpBuilder &b, std::optional<DimExpr> directions)
      : owner(owner), b(b), directions(std::move(directions)) {}

  void bind(mlir::ValueRange from, mlir::ValueRange to, mlir::ValueRange tangentsTo);
  llvm::LogicalResult block(mlir::Block &source);
  /// What the terminator of a block that was done gives.
  Differentiated results(mlir::Block &source) const;

private:
  mlir::Value tangent(mlir::Value original) const { return tangents.lookup(original); }
  llvm::SmallVector<mlir::Value> tangentsOf(mlir::ValueRange originals) const;
  bool varies(mlir::Operation *op) const;
  mlir::Value zero(mlir::Value original, mlir::Location loc);
  /// The tangents of those that vary, zeros for those that have none.
  llvm::SmallVector<mlir::Value> dense(const Differentiated &results, llvm::ArrayRef<bool> varies,
                                       mlir::ValueRange originals, mlir::Location loc);
  void give(mlir::ValueRange originals, mlir::ValueRange values, llvm::ArrayRef<bool> varies,
            mlir::ValueRange tangents);

  llvm::LogicalResult op(mlir::Operation *op);
  llvm::LogicalResult plain(mlir::Operation *op);
  llvm::LogicalResult call(mlir::func::CallOp op);
  // DifferentiateLoops.cpp
  llvm::LogicalResult ifOp(IfOp op);
  llvm::LogicalResult scan(ScanOp op);
  llvm::LogicalResult iterate(IterateOp op);
  llvm::FailureOr<Differentiated> loopBody(mlir::Block &source, mlir::ValueRange initial,
                                           mlir::Region &target, llvm::SmallVector<bool> &varies);
  mlir::Value directionsFirst(mlir::Value steps, mlir::Location loc);
  // DifferentiateSolve.cpp
  llvm::LogicalResult checkSolve(ode::SolveOp op);
  llvm::LogicalResult solve(ode::SolveOp op);
  llvm::LogicalResult solveBody(ode::SolveOp op, llvm::ArrayRef<bool> moving, mlir::Region &target,
                                llvm::SmallVector<bool> &varies);
  llvm::LogicalResult solved(ode::SolveOp op, ode::SolveOp made, llvm::ArrayRef<bool> vary,
                             mlir::ValueRange parameters);

  Differentiator &owner;
  mlir::OpBuilder &b;
  std::optional<DimExpr> directions;
  mlir::IRMapping values;
  llvm::DenseMap<mlir::Value, mlir::Value> tangents; ///< by the original
};

} // namespace mad

#endif // MAD_DIALECTS_MAD_DERIVATIVES_DIFFERENTIATE_H
