//===- ComputedWeights.cpp - Weights that are expressions -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The expression becomes a function without parameters, which the driver runs
// before the program is compiled. It is checked like the body of a test.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

namespace mad::elab {

using namespace ast;

void Checker::computedWeight(Declaration &decl) {
  if (decl.state == Declaration::Good || decl.state == Declaration::Bad || needsItself(decl))
    return;
  decl.state = Declaration::Busy;
  auto function = std::make_unique<hir::Function>();
  function->kind = hir::Function::WeightValue;
  function->name = decl.module->prefix + decl.name;
  function->span = decl.node->nameSpan;
  Root root;
  root.kind = Root::Test; // all sizes are known, as in a test
  root.number = ++rootCount;
  root.name = decl.name;
  Scope scope;
  Frame own;
  own.module = decl.module;
  own.function = function.get();
  own.root = &root;
  own.scope = &scope;
  own.precision = function->precision = precisionOf(decl.node->kids[2], *decl.module);
  Enter enter(*this, own);
  Into into(*this, function->body.nodes);
  const Node *type = decl.node->kids[0], *expression = decl.node->kids[1];
  std::optional<TypeTree> tree = type ? typeOf(type) : std::nullopt;
  const Node *calibration = calibrationOf(expression);
  hir::Gptq gptq;
  Value value = calibration ? calibratedValue(expression, calibration, gptq)
                            : expr(expression, tree ? Want(*tree) : Want());
  if (tree && !value.poison())
    value = coerce(value, *tree, expression, quoted(decl.name));
  value = settled(value, {}, expression);
  if (!value.poison() && !value.isTensor())
    Report(*this, code::E0410, expression->span,
           "a weight is one tensor, found " + quoted(show(value)));
  decl.state = Declaration::Bad;
  if (!value.isTensor() || (type && !tree))
    return;
  setResults(*function, value);
  Builder::sweep(function->body);

  hir::Weight weight;
  weight.name = decl.module->prefix + decl.name;
  weight.type = function->body.results[0].type();
  weight.span = decl.node->nameSpan;
  weight.value = function.get();
  weight.rounds = isRounding(expression);
  if (calibration) {
    std::vector<int64_t> shape;
    for (const hir::Dim &dim : weight.type.shape)
      shape.push_back(dim.size.constant().value_or(0));
    std::string wrong = gptq.grid.check();
    if (wrong.empty())
      wrong = gptq.grid.check(shape);
    if (!wrong.empty()) {
      Report(*this, code::E0410, expression->span, "`quant.gptq`: " + wrong);
      return;
    }
    weight.gptq = gptq;
  }
  if (!storeAs(decl.node->kids[3], weight))
    return;
  decl.weight = uint32_t(program->weights.size());
  program->weights.push_back(std::move(weight));
  functions.push_back(std::move(function));
  decl.state = Declaration::Good;
}

} // namespace mad::elab
