//===- Emit.cpp - From a checked program to the mad dialect ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Emit/Emit.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Ode/IR/OdeOps.h"
#include "frontend/Emit/Derivatives.h"
#include "frontend/Emit/FunctionEmitter.h"
#include "frontend/Emit/WeightParts.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace mad {

std::string symbolOf(const hir::Program &program, const hir::Function &function) {
  if (function.kind == hir::Function::Export)
    return function.name;
  for (const hir::Weight &weight : program.weights)
    if (weight.value == &function)
      return "weight." + weight.name;
  size_t number = 0;
  for (const hir::Function &f : program.functions) {
    if (&f == &function)
      break;
    number += f.kind == function.kind;
  }
  if (function.kind == hir::Function::Test)
    return "test." + std::to_string(number);
  return "fn." + std::to_string(number) + "." + function.name;
}

std::string pathBeside(const hir::Weight &weight, const std::string &written,
                       const Sources &sources) {
  if (llvm::sys::path::is_absolute(written))
    return written;
  llvm::SmallString<128> path = llvm::sys::path::parent_path(sources[weight.span.file].path);
  llvm::sys::path::append(path, written);
  return path.str().str();
}

std::string weightPath(const hir::Weight &weight, const Sources &sources) {
  return pathBeside(weight, weight.path, sources);
}

/// The weight that a function of `std.quant` has rounded, where that is one.
static const hir::Weight *unroundedOf(const hir::Program &program, const hir::Weight &weight) {
  if (!weight.rounds || weight.gptq || weight.value->body.results.empty())
    return nullptr;
  const hir::Node *call = weight.value->body.results[0].node;
  if (call->op != hir::Op::Call || call->operands[0].node->op != hir::Op::Weight)
    return nullptr;
  return &program.weights[call->operands[0].node->index];
}

OwningOpRef<ModuleOp> emit(const hir::Program &program, const Sources &sources,
                           MLIRContext &context) {
  context.loadDialect<MadDialect, lut::LutDialect, ode::OdeDialect, func::FuncDialect>();
  OpBuilder b(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getUnknownLoc());
  b.setInsertionPointToEnd(module->getBody());

  auto place = [&](Span span) {
    LineColumn at = sources.position(span);
    return FileLineColLoc::get(&context, sources[span.file].path, at.line, at.column);
  };
  llvm::DenseMap<const hir::Function *, std::string> symbols;
  for (const hir::Function &function : program.functions)
    symbols[&function] = symbolOf(program, function);
  FunctionEmitter types(program, sources, b, symbols);
  SmallVector<func::FuncOp> encoders;
  // In front of what is computed of such weights.
  auto isOfDictionary = [](const hir::Weight &w) { return w.format && w.format->dictionary; };
  if (auto first = llvm::find_if(program.weights, isOfDictionary); first != program.weights.end())
    emitDictionary(b, *first, place(first->span), encoders);
  for (const hir::Weight &weight : program.weights) {
    std::string path = weightPath(weight, sources);
    if (isKept(weight)) {
      emitBlocks(b, weight, path, place(weight.span));
      continue;
    }
    auto source =
        WeightSourceOp::create(b, place(weight.span), sourceName(weight), types.type(weight.type),
                               weight.value ? "" : path, weight.entry, weight.transposed);
    if (weight.value)
      source->setAttr("computed", FlatSymbolRefAttr::get(&context, symbols.lookup(weight.value)));
    if (const hir::Weight *before = unroundedOf(program, weight))
      source->setAttr("unrounded", b.getStringAttr(before->name));
    if (weight.layers >= 0)
      source->setAttr("layers", b.getI64IntegerAttr(weight.layers));
    if (weight.gptq)
      emitGptq(b, weight, pathBeside(weight, weight.gptq->path, sources), place(weight.span),
               types.type(weight.type), encoders);
    if (weight.format)
      emitParts(b, weight, place(weight.span), types.type(weight.type), encoders);
  }
  for (func::FuncOp function : encoders)
    b.insert(function);
  Differentiator derivatives(*module);
  for (const hir::Function &function : program.functions)
    FunctionEmitter(program, sources, b, symbols, &derivatives).emit(function);
  if (derivatives.hasFailed())
    return {};
  emitRules(program, sources, *module);
  return module;
}

} // namespace mad
