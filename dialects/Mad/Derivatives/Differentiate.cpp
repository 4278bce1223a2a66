//===- Differentiate.cpp - Programs that compute tangents as well ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/DerivativeInterface.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Ode/IR/OdeOps.h"

using namespace mlir;

namespace mad {

static constexpr llvm::StringLiteral noDerivativeMark = "mad.no-derivative";

InFlightDiagnostic noDerivative(Operation *op) {
  InFlightDiagnostic message = op->emitError();
  message.getUnderlyingDiagnostic()->getMetadata().push_back(
      DiagnosticArgument(StringRef(noDerivativeMark)));
  return message;
}

bool isNoDerivative(Diagnostic &diagnostic) {
  return llvm::any_of(diagnostic.getMetadata(), [](const DiagnosticArgument &argument) {
    return argument.getKind() == DiagnosticArgument::DiagnosticArgumentKind::String &&
           argument.getAsString() == noDerivativeMark;
  });
}

//===----------------------------------------------------------------------===//
// Values and their tangents
//===----------------------------------------------------------------------===//

void Differentiator::Body::bind(ValueRange from, ValueRange to, ValueRange tangentsTo) {
  for (auto [original, value, tangent] : llvm::zip_equal(from, to, tangentsTo)) {
    values.map(original, value);
    tangents[original] = tangent;
  }
}

SmallVector<Value> Differentiator::Body::tangentsOf(ValueRange originals) const {
  return llvm::map_to_vector(originals, [&](Value original) { return tangent(original); });
}

/// Whether an op, or one inside of it, reads a value that varies.
bool Differentiator::Body::varies(Operation *op) const {
  return op
      ->walk([&](Operation *inner) {
        return llvm::any_of(inner->getOperands(), [&](Value v) { return bool(tangent(v)); })
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

Value Differentiator::Body::zero(Value original, Location loc) {
  return filled(b, loc, 0, tangentType(original.getType(), directions));
}

Differentiated Differentiator::Body::results(Block &source) const {
  Differentiated found;
  for (Value operand : source.getTerminator()->getOperands()) {
    found.values.push_back(values.lookupOrDefault(operand));
    found.tangents.push_back(tangent(operand));
  }
  return found;
}

SmallVector<Value> Differentiator::Body::dense(const Differentiated &results, ArrayRef<bool> varies,
                                               ValueRange originals, Location loc) {
  SmallVector<Value> found;
  for (auto [tangent, one, original] : llvm::zip(results.tangents, varies, originals))
    if (one)
      found.push_back(tangent ? tangent : zero(original, loc));
  return found;
}

void Differentiator::Body::give(ValueRange originals, ValueRange made, ArrayRef<bool> varies,
                                ValueRange tangentsMade) {
  size_t next = 0;
  for (auto [original, value, one] : llvm::zip_equal(originals, made, varies)) {
    values.map(original, value);
    tangents[original] = one ? tangentsMade[next++] : Value();
  }
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void keepPrecision(Operation *op) {
  Precision precision = precisionOf(op);
  if (precision == Precision::Default)
    return;
  auto keep = [&](Operation *made) {
    if (made->getNumResults() == 1 &&
        isa<ElementwiseOpInterface, ReduceOp, ContractOp, CumulateOp>(made) &&
        isa<FloatType>(tensorTypeOf(made->getResult(0)).getElementType()))
      setPrecision(made, precision);
  };
  for (Operation *made = op->getNextNode(); made; made = made->getNextNode())
    made->walk(keep);
}

LogicalResult Differentiator::Body::plain(Operation *op) {
  SmallVector<Value> incoming = tangentsOf(op->getOperands());
  Operation *clone = b.clone(*op, values);
  if (llvm::none_of(incoming, [](Value v) { return bool(v); }))
    return success();
  auto *dialect =
      op->getDialect() ? op->getDialect()->getRegisteredInterface<DerivativeInterface>() : nullptr;
  FailureOr<SmallVector<Value>> made = failure();
  if (dialect)
    made = dialect->jvp(clone, b, incoming);
  if (failed(made))
    return noDerivative(op) << "`" << op->getName() << "` has no derivative";
  keepPrecision(clone);
  for (auto [original, tangent] : llvm::zip_equal(op->getResults(), *made))
    tangents[original] = tangent;
  return success();
}

LogicalResult Differentiator::Body::call(func::CallOp op) {
  auto callee = owner.module.lookupSymbol<func::FuncOp>(op.getCallee());
  if (!callee || callee.isExternal())
    return op.emitError() << "`" << op.getCallee() << "` has no body to differentiate";
  SmallVector<bool> active;
  SmallVector<Value> arguments, incoming;
  for (Value operand : op.getOperands()) {
    arguments.push_back(values.lookupOrDefault(operand));
    active.push_back(bool(tangent(operand)));
    if (active.back())
      incoming.push_back(tangent(operand));
  }
  FailureOr<JvpFunction> jvp = owner.jvp(callee, active, directions);
  if (failed(jvp))
    return failure();
  llvm::append_range(arguments, incoming);
  auto made = func::CallOp::create(b, op.getLoc(), jvp->function, arguments);
  size_t count = op.getNumResults();
  give(op.getResults(), made.getResults().take_front(count), jvp->varies,
       made.getResults().drop_front(count));
  return success();
}

LogicalResult Differentiator::Body::op(Operation *op) {
  if (op->getNumRegions() == 0) {
    auto callOp = dyn_cast<func::CallOp>(op);
    return callOp && varies(op) ? call(callOp) : plain(op);
  }
  if (!varies(op)) {
    b.clone(*op, values);
    return success();
  }
  if (auto branch = dyn_cast<IfOp>(op))
    return ifOp(branch);
  if (auto loop = dyn_cast<ScanOp>(op))
    return scan(loop);
  if (auto loop = dyn_cast<IterateOp>(op))
    return iterate(loop);
  if (auto equation = dyn_cast<ode::SolveOp>(op))
    return solve(equation);
  return noDerivative(op) << "`" << op->getName() << "` has no derivative";
}

LogicalResult Differentiator::Body::block(Block &source) {
  for (Operation &current : source.without_terminator())
    if (failed(op(&current)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

FailureOr<Differentiated> Differentiator::inlined(OpBuilder &builder, Block &block,
                                                  ValueRange arguments, ValueRange tangents,
                                                  std::optional<DimExpr> directions) {
  Body body(*this, builder, std::move(directions));
  body.bind(block.getArguments(), arguments, tangents);
  if (failed(body.block(block)))
    return failure();
  return body.results(block);
}

static std::string freshName(ModuleOp module, StringRef function) {
  std::string name = (function + ".jvp").str(), fresh = name;
  for (size_t i = 1; module.lookupSymbol(fresh); ++i)
    fresh = name + "." + std::to_string(i);
  return fresh;
}

FailureOr<JvpFunction> Differentiator::jvp(func::FuncOp function, ArrayRef<bool> active,
                                           std::optional<DimExpr> directions) {
  std::string key = function.getName().str() + "(";
  for (bool one : active)
    key += one ? '1' : '0';
  key += directions ? directions->str() : "";
  if (auto found = made.find(key); found != made.end())
    return found->second;

  SmallVector<Type> inputs(function.getArgumentTypes());
  for (auto [type, one] : llvm::zip_equal(function.getArgumentTypes(), active))
    if (one)
      inputs.push_back(tangentType(type, directions));
  OpBuilder b(module.getContext());
  b.setInsertionPointAfter(function);
  Location loc = unnamed(function.getLoc());
  JvpFunction result;
  result.function = func::FuncOp::create(b, loc, freshName(module, function.getName()),
                                         b.getFunctionType(inputs, {}));
  result.function.setPrivate();
  setPrecision(result.function, precisionOf(function));
  Block *entry = result.function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  size_t count = active.size(), next = count;
  SmallVector<Value> tangents;
  for (size_t i = 0; i < count; ++i) {
    entry->getArgument(i).setLoc(function.getArgument(i).getLoc());
    tangents.push_back(active[i] ? entry->getArgument(next++) : Value());
  }
  FailureOr<Differentiated> body =
      inlined(b, function.front(), entry->getArguments().take_front(count), tangents, directions);
  if (failed(body)) {
    someFailed = true;
    result.function.erase();
    return failure();
  }
  SmallVector<Value> returned = body->values;
  for (Value tangent : body->tangents) {
    result.varies.push_back(bool(tangent));
    if (tangent)
      returned.push_back(tangent);
  }
  func::ReturnOp::create(b, loc, returned);
  result.function.setFunctionType(
      b.getFunctionType(inputs, SmallVector<Type>(ValueRange(returned).getTypes())));
  made.emplace(key, result);
  return result;
}

} // namespace mad
