//===- OdeReferenceProblem.h - What a solve is given, in plain numbers ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEREFERENCEPROBLEM_H
#define MAD_DIALECTS_ODE_IR_ODEREFERENCEPROBLEM_H

#include "dialects/Ode/IR/OdeOps.h"
#include <vector>

namespace mad::ode {

using Vector = std::vector<double>;

/// The right-hand side and the tolerances of one solve.
struct ReferenceProblem {
  ReferenceProblem(SolveOp op, llvm::ArrayRef<const RefTensor *> operands, RefContext &context,
                   RunRegion run);

  double option(mlir::Value value, double otherwise);
  /// All numbers of one.
  Vector numbersOf(mlir::MutableOperandRange optional);
  /// The arguments of the body at a time and states.
  std::vector<RefTensor> arguments(double time, const Vector &at);
  llvm::LogicalResult rhs(double time, const Vector &at, Vector &f);
  /// x in units of the tolerance between two states. Of no error it is 0, whatever the unit is.
  double scaled(double x, size_t i, const Vector &a, const Vector &b) const;
  double rms(const Vector &x, const Vector &at) const;
  /// The one that roundings are compared with: of several the least that is positive.
  double leastRtol() const;

  SolveOp op;
  llvm::ArrayRef<const RefTensor *> operands;
  RefContext &context;
  RunRegion run;
  llvm::SmallVector<const RefTensor *> initial, parameters;
  Vector rtol, atol; ///< one number, or one for each element of the states
  int64_t evaluations = 0;
  int64_t jacobians = 0, factorisations = 0, iterations = 0;
  int64_t system = 0; ///< its number in an ensemble
};

/// A step from (t, y).
struct ReferenceTrial {
  double t = 0;
  Vector y;
  double h = 0, next = 0; ///< with its direction; t + h
  Vector end;             ///< y'
  Vector errors;          ///< of chosen steps, in units of the tolerance
  double errorSquared = 0;
  /// What the method makes of the size of the step; 0: it leaves that to the controller.
  double ratioAccepted = 0, ratioRejected = 0;
};

/// What one step of a method computes. It keeps what it carries from step to step.
class ReferenceMethod {
public:
  virtual ~ReferenceMethod() = default;
  static std::unique_ptr<ReferenceMethod> of(ReferenceProblem &problem);

  virtual int order() const = 0;
  virtual int firstOrder() const { return order(); }
  /// Whether given steps need f in front of the first one.
  virtual bool needsRates() const { return true; }
  /// In front of the first step; f is the derivative there.
  virtual void begin(const Vector &y, const Vector &f) = 0;
  /// Fills what follows `next`.
  virtual llvm::LogicalResult attempt(ReferenceTrial &trial) = 0;
  /// The step was accepted; whether anything needs f(next, y').
  virtual llvm::LogicalResult accepted(const ReferenceTrial &trial, bool isNeeded) = 0;
  virtual void rejected(const ReferenceTrial &) {}
  /// Further stages of an accepted step that has times to save.
  virtual llvm::LogicalResult complete(const ReferenceTrial &) { return llvm::success(); }
  virtual Vector interpolated(const ReferenceTrial &trial, double time) = 0;
  /// Behind all that reads an accepted step.
  virtual void done() {}
};

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEREFERENCEPROBLEM_H
