//===- EmitRules.cpp - Rewrite rules as ops ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "frontend/Emit/FunctionEmitter.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"
#include <set>

using namespace mlir;

namespace mad {

static ArrayAttr conditions(OpBuilder &b, const hir::Rule &rule) {
  SmallVector<Attribute> all;
  for (const hir::Rule::Condition &condition : rule.conditions) {
    NamedAttrList entries;
    entries.set("argument", b.getI64IntegerAttr(condition.variable));
    entries.set("is", b.getStringAttr(condition.is));
    if (condition.is != "constant" && condition.is != "finite")
      entries.set("value", b.getF64FloatAttr(condition.value));
    all.push_back(entries.getDictionary(b.getContext()));
  }
  return b.getArrayAttr(all);
}

void FunctionEmitter::emit(const hir::Rule &rule) {
  const char *elements = rule.elements == hir::Rule::Float    ? "float"
                         : rule.elements == hir::Rule::Number ? "number"
                                                              : "exact";
  // Where f32 rounds a number, the rule for f64 is another one.
  emit(rule, rule.body, rule.name, rule.inexact ? "exact" : elements);
  if (rule.inexact)
    emit(rule, rule.wide, rule.name + ".f64", "exact");
}

void FunctionEmitter::emit(const hir::Rule &rule, const hir::Region &body, llvm::StringRef name,
                           llvm::StringRef elements) {
  isRule = true;
  auto strings = [&](const std::vector<std::string> &list) {
    return b.getStrArrayAttr(SmallVector<llvm::StringRef>(list.begin(), list.end()));
  };
  Location loc = location(rule.span);
  auto op =
      RuleOp::create(b, loc, b.getStringAttr(name), strings(rule.permissions),
                     b.getStringAttr(elements), rule.both ? b.getUnitAttr() : UnitAttr(),
                     conditions(b, rule), rule.packs.empty() ? ArrayAttr() : strings(rule.packs),
                     rule.constraints.empty() ? ArrayAttr() : checks(rule.constraints));
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&op.getBody());
  for (const hir::Node *parameter : body.parameters)
    values[parameter] = {
        block->addArgument(type(parameter->types[0]), location(parameter->span, parameter->name))};
  for (const hir::Node *n : body.nodes)
    node(*n);
  // What people call a size is no difference between the sides.
  SmallVector<Value> sides[2];
  size_t half = body.results.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    Type shared = type(body.results[i].type());
    for (size_t side : {0, 1})
      sides[side].push_back(relabelled(value(body.results[i + side * half]), shared, loc));
  }
  SidesOp::create(b, loc, sides[0], sides[1]);
}

void FunctionEmitter::emitFunction(const hir::Rule &rule, llvm::StringRef name,
                                   hir::Element element) {
  isRule = true;
  bool hasWide = element == hir::Element::F64 && !rule.wide.results.empty();
  const hir::Region &body = hasWide ? rule.wide : rule.body;
  floats = hasWide ? hir::Element::F32 : element;
  SmallVector<Type> inputs, results;
  std::set<std::string> sizes;
  for (const hir::Node *parameter : body.parameters) {
    inputs.push_back(type(parameter->types[0]));
    for (const hir::Dim &dim : parameter->types[0].shape)
      sizes.merge(dim.size.symbols());
  }
  for (hir::Ref result : body.results)
    results.push_back(type(result.type()));
  Location loc = location(rule.span);
  auto op = func::FuncOp::create(b, loc, name, b.getFunctionType(inputs, results));
  SmallVector<llvm::StringRef> dims(sizes.begin(), sizes.end());
  op->setAttr("mad.dims", b.getStrArrayAttr(dims));
  OpBuilder::InsertionGuard guard(b);
  Block *block = op.addEntryBlock();
  b.setInsertionPointToStart(block);
  for (auto [parameter, argument] : llvm::zip(body.parameters, block->getArguments()))
    values[parameter] = {argument};
  for (const hir::Node *n : body.nodes)
    node(*n);
  SmallVector<Value> returned;
  for (hir::Ref result : body.results)
    returned.push_back(value(result));
  func::ReturnOp::create(b, loc, returned);
}

void emitRules(const hir::Program &program, const Sources &sources, ModuleOp module) {
  llvm::StringSet<> known;
  for (auto rule : module.getOps<RuleOp>())
    known.insert(rule.getSymName());
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  llvm::DenseMap<const hir::Function *, std::string> none;
  for (const hir::Rule &rule : program.rules)
    if (known.insert(rule.name).second)
      FunctionEmitter(program, sources, b, none).emit(rule);
}

void emitRuleFunction(const hir::Rule &rule, const Sources &sources, ModuleOp module,
                      llvm::StringRef name, hir::Element element) {
  hir::Program program;
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  llvm::DenseMap<const hir::Function *, std::string> none;
  FunctionEmitter(program, sources, b, none).emitFunction(rule, name, element);
}

} // namespace mad
