//===- OdeOps.cpp - What makes a solve well formed --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;
using namespace mad::ode;

#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdeOps.cpp.inc"

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Which of step, steps and tolerances a method may have.
static LogicalResult verifyMethod(SolveOp op) {
  if (!isMethod(op.getMethod()))
    return op.emitOpError() << "there is no method `" << op.getMethod() << "`";
  if (op.getStep() && op.getSteps())
    return op.emitOpError("has both a step and a number of steps");
  if (op.isAdaptive() && !tableauOf(op.getMethod().str()).adaptive())
    return op.emitOpError() << "`" << op.getMethod()
                            << "` has no estimate of its error: it needs `step` or `steps`";
  if (op.isAdaptive() != (op.getRtol() && op.getAtol()) ||
      (!op.isAdaptive() && (op.getRtol() || op.getAtol())))
    return op.emitOpError("has `rtol` and `atol`, or else a step or a number of steps");
  if (op.getController() != "pi" && op.getController() != "i")
    return op.emitOpError() << "controller must be `pi` or `i`, but is `" << op.getController()
                            << "`";
  if (static_cast<int64_t>(op.getMaxSteps()) < 1)
    return op.emitOpError("allows no steps");
  if (std::optional<StringRef> steps = op.getSteps())
    return verifyDimension(op, *steps, "number of steps");
  return success();
}

/// The body takes the time, the states and the parameters, and yields a derivative a state.
static LogicalResult verifyBody(SolveOp op) {
  Block &body = op.getBody().front();
  ValueRange initial = op.getInitial();
  SmallVector<Type> arguments(initial.getTypes());
  llvm::append_range(arguments, op.getParameters().getTypes());
  SmallVector<Type> found(
      llvm::drop_begin(body.getArgumentTypes(), body.getNumArguments() ? 1 : 0));
  if (body.getNumArguments() != arguments.size() + 1)
    return op.emitOpError() << "the body takes " << body.getNumArguments() << " values, expected "
                            << arguments.size() + 1;
  auto time = dyn_cast<RankedTensorType>(body.getArgument(0).getType());
  if (!time || time.getRank() != 0 ||
      !(time.getElementType().isF32() || time.getElementType().isF64()))
    return op.emitOpError("the time of the body must be a scalar of f32 or f64");
  if (failed(verifyValues(op, found, arguments, "the arguments of the body")))
    return failure();
  return verifyValues(op, body.getTerminator()->getOperandTypes(), initial.getTypes(), "the body");
}

LogicalResult SolveOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyMethod(*this)))
    return failure();
  ValueRange initial = getInitial();
  if (initial.empty())
    return emitOpError("has no state");
  if (getStateNames().size() != initial.size())
    return emitOpError() << "has " << initial.size() << " states, but " << getStateNames().size()
                         << " names";
  for (Value state : initial.drop_front())
    if (failed(verifySameElement(*this, state, "a state", initial.front(), "the first one")))
      return failure();
  if (getStates().size() != initial.size())
    return emitOpError() << "has " << initial.size() << " states, but results for "
                         << getStates().size();
  for (auto [state, result] : llvm::zip_equal(initial, getStates())) {
    RankedTensorType from = tensorTypeOf(state), to = tensorTypeOf(result);
    int64_t lead = getSave() ? 1 : 0;
    bool fits =
        to.getRank() == from.getRank() + lead && to.getElementType() == from.getElementType();
    for (int64_t d = 0; fits && d < from.getRank(); ++d)
      fits = !differ(dimExpr(from, d), dimExpr(to, d + lead));
    if (fits && lead)
      fits = !differ(dimExpr(tensorTypeOf(getSave()), 0), dimExpr(to, 0));
    if (!fits)
      return emitOpError() << "result of shape " << shapeText(to) << " for a state of shape "
                           << shapeText(from) << (lead ? ", which is saved at " : "")
                           << (lead ? shapeText(tensorTypeOf(getSave())) + " times" : "");
  }
  return verifyBody(*this);
}
