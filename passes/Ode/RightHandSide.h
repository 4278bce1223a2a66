//===- RightHandSide.h - The body of a solve, stage by stage ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop of steps carries leaves: the states as they are, or each element of them as a
// scalar. What computes with them is the same.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_RIGHTHANDSIDE_H
#define MAD_PASSES_ODE_RIGHTHANDSIDE_H

#include "dialects/Ode/IR/OdeOps.h"
#include "mlir/IR/Builders.h"
#include <memory>
#include <string>

namespace mad {

using Leaves = llvm::SmallVector<mlir::Value>;

class RightHandSide {
public:
  virtual ~RightHandSide() = default;

  /// The leaves of the initial states.
  virtual Leaves initial(mlir::OpBuilder &b) = 0;
  /// The derivatives at a time (f64) and states.
  Leaves evaluate(mlir::OpBuilder &b, mlir::Value time, const Leaves &states) {
    return evaluateIn(b, time, states, op.getBody());
  }
  /// What another region of the op yields there.
  virtual Leaves evaluateIn(mlir::OpBuilder &b, mlir::Value time, const Leaves &states,
                            mlir::Region &region) = 0;
  /// The body as ops on leaves, to be differentiated, and its arguments at a time (f64) and states:
  /// the time, the states, then what does not vary.
  virtual mlir::Block &block() = 0;
  virtual Leaves arguments(mlir::OpBuilder &b, mlir::Value time, const Leaves &states) = 0;
  virtual bool isScalar() const = 0; ///< whether leaves are scalars
  /// The states as tensors.
  virtual Leaves states(mlir::OpBuilder &b, const Leaves &leaves) = 0;
  /// `all` with the states at positions along its first dimensions.
  virtual mlir::Value stored(mlir::OpBuilder &b, mlir::Value all, size_t state,
                             const Leaves &leaves, mlir::ValueRange positions) = 0;

  /// The elements of all states as scalars, in their order, where leaves are scalars or packs.
  virtual Leaves elements(mlir::OpBuilder &b, const Leaves &leaves) {
    (void)b;
    return leaves;
  }
  /// The sum of a leaf that is a pack over its lanes.
  virtual mlir::Value acrossLanes(mlir::OpBuilder &b, mlir::Value sum) {
    (void)b;
    return sum;
  }
  int64_t opCount() const { return ops; } ///< of the body, on scalars

  static std::unique_ptr<RightHandSide> onTensors(ode::SolveOp op);
  /// Element by element. Null, and the reason, where that cannot be or is too much: more than
  /// `maxElements` of all states, or more than `maxOps` in the body.
  static std::unique_ptr<RightHandSide> onScalars(ode::SolveOp op, int64_t maxElements,
                                                  int64_t maxOps, std::string &reason);

  /// With a dimension that all states have in the lanes of vectors (Packs.h). Null where that is
  /// not far less work than `scalars`, which it takes if it is.
  static std::unique_ptr<RightHandSide> onPacks(ode::SolveOp op,
                                                std::unique_ptr<RightHandSide> &scalars);

protected:
  explicit RightHandSide(ode::SolveOp op) : op(op) {}
  ode::SolveOp op;
  int64_t ops = 0;
};

/// The op that joins two terms of a reduction, with the permissions of `like`; null where there is
/// none.
mlir::Value joinedTerms(mlir::OpBuilder &b, mlir::Operation *like, ReduceKind kind, mlir::Value x,
                        mlir::Value y);

} // namespace mad

#endif // MAD_PASSES_ODE_RIGHTHANDSIDE_H
