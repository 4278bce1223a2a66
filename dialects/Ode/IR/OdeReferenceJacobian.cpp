//===- OdeReferenceJacobian.cpp - Derivatives of a right-hand side ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceJacobian.h"
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

/// A function of this op, which is built once and stays: interpreters know blocks by their place.
/// Either the states have tangents or the time has one: a 0 is not a tangent that is not there
/// where a derivative is infinite.
LogicalResult ReferenceJacobian::prepare(bool ofTime) {
  llvm::StringLiteral functionName =
      ofTime ? llvm::StringLiteral("ode.time_tangents") : llvm::StringLiteral("ode.tangents");
  Operation *&function = functions[ofTime];
  auto module = problem.op->getParentOfType<ModuleOp>();
  if (auto name = problem.op->getAttrOfType<FlatSymbolRefAttr>(functionName))
    if ((function = module.lookupSymbol(name.getAttr())))
      return success();
  Block &body = problem.op.getBody().front();
  size_t varying = 1 + problem.initial.size();
  SmallVector<Type> inputs(body.getArgumentTypes());
  for (size_t i = 0; i < varying; ++i)
    inputs.push_back(inputs[i]);
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = problem.op.getLoc();
  std::string name = functionName.str();
  for (size_t i = 0; module.lookupSymbol(name); ++i)
    name = functionName.str() + "." + std::to_string(i);
  TypeRange results = body.getTerminator()->getOperandTypes();
  auto tangents = func::FuncOp::create(b, loc, name, b.getFunctionType(inputs, results));
  tangents.setPrivate();
  Block *entry = tangents.addEntryBlock();
  b.setInsertionPointToStart(entry);
  SmallVector<Value> seeds(body.getNumArguments());
  for (size_t i = ofTime ? 0 : 1; i < (ofTime ? 1 : varying); ++i)
    seeds[i] = entry->getArgument(body.getNumArguments() + i);
  Differentiator derivatives(module);
  std::string why;
  ScopedDiagnosticHandler handler(problem.op.getContext(), [&](Diagnostic &message) {
    why = message.str();
    return success();
  });
  auto found =
      derivatives.inlined(b, body, entry->getArguments().take_front(body.getNumArguments()), seeds);
  if (failed(found)) {
    tangents.erase();
    return problem.context.fail(problem.op, "the right-hand side has no derivative: " + why);
  }
  for (auto [tangent, type] : llvm::zip_equal(found->tangents, results))
    if (!tangent)
      tangent = filled(b, loc, 0, type);
  func::ReturnOp::create(b, loc, found->tangents);
  problem.op->setAttr(functionName, FlatSymbolRefAttr::get(tangents));
  function = tangents;
  return success();
}

LogicalResult ReferenceJacobian::along(double time, const Vector &at, double timeSeed,
                                       const Vector &seed, Vector &tangent) {
  const bool ofTime = timeSeed != 0;
  if (!functions[ofTime] && failed(prepare(ofTime)))
    return failure();
  std::vector<RefTensor> arguments = problem.arguments(time, at), results;
  std::vector<RefTensor> seeds = problem.arguments(timeSeed, seed);
  seeds.resize(1 + problem.initial.size());
  arguments.insert(arguments.end(), seeds.begin(), seeds.end());
  if (failed(problem.run(cast<func::FuncOp>(functions[ofTime]).getBody(), std::move(arguments),
                         results)))
    return failure();
  tangent.clear();
  for (const RefTensor &result : results)
    tangent.insert(tangent.end(), result.floats.begin(), result.floats.end());
  return success();
}

LogicalResult ReferenceJacobian::evaluate(double time, const Vector &at,
                                          std::vector<Vector> &jacobian, Vector &timeRates) {
  ++problem.jacobians;
  size_t size = at.size();
  jacobian.assign(size, Vector(size, 0.0));
  Vector column;
  for (size_t j = 0; j < size; ++j) {
    Vector seed(size, 0.0);
    seed[j] = 1;
    if (failed(along(time, at, 0, seed, column)))
      return failure();
    for (size_t i = 0; i < size; ++i)
      jacobian[i][j] = column[i];
  }
  return along(time, at, 1, Vector(size, 0.0), timeRates);
}

ReferenceFactors::ReferenceFactors(const std::vector<Vector> &jacobian, double shift)
    : lu(jacobian) {
  size_t size = lu.size();
  for (size_t i = 0; i < size; ++i) {
    for (double &entry : lu[i])
      entry = -entry;
    lu[i][i] += shift;
    rows.push_back(i);
  }
  for (size_t k = 0; k < size; ++k) {
    size_t best = k;
    for (size_t i = k + 1; i < size; ++i)
      if (std::fabs(lu[i][k]) > std::fabs(lu[best][k]))
        best = i;
    std::swap(lu[k], lu[best]);
    std::swap(rows[k], rows[best]);
    // By an infinite one its element would stand still, whatever its derivative is.
    if (std::isinf(lu[k][k]))
      lu[k][k] = std::numeric_limits<double>::quiet_NaN();
    for (size_t i = k + 1; i < size; ++i) {
      lu[i][k] /= lu[k][k];
      for (size_t j = k + 1; j < size; ++j)
        lu[i][j] -= lu[i][k] * lu[k][j];
    }
  }
}

Vector ReferenceFactors::solve(Vector right) const {
  size_t size = lu.size();
  Vector x(size);
  for (size_t i = 0; i < size; ++i) {
    x[i] = right[rows[i]];
    for (size_t j = 0; j < i; ++j)
      x[i] -= lu[i][j] * x[j];
  }
  for (size_t i = size; i-- > 0;) {
    for (size_t j = i + 1; j < size; ++j)
      x[i] -= lu[i][j] * x[j];
    x[i] /= lu[i][i];
  }
  return x;
}
