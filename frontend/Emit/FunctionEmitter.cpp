//===- FunctionEmitter.cpp - Ops of a checked function -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Emit/FunctionEmitter.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "dialects/Ode/IR/OdeOps.h"
#include "frontend/Emit/Derivatives.h"
#include "frontend/Emit/WeightParts.h"

using namespace mlir;

namespace mad {

Location FunctionEmitter::location(Span span, llvm::StringRef name) const {
  LineColumn at = sources.position(span);
  Location loc = FileLineColLoc::get(b.getContext(), sources[span.file].path, at.line, at.column);
  return name.empty() ? loc : Location(NameLoc::get(b.getStringAttr(name), loc));
}

Type FunctionEmitter::elementType(hir::Element element) const {
  if (element == hir::Element::F32)
    element = floats;
  switch (element) {
  case hir::Element::F32:
    return b.getF32Type();
  case hir::Element::F64:
    return b.getF64Type();
  case hir::Element::I32:
    return b.getI32Type();
  case hir::Element::I64:
    return b.getI64Type();
  case hir::Element::Bool:
    return b.getI1Type();
  case hir::Element::F16:
    return b.getF16Type();
  case hir::Element::BF16:
    return b.getBF16Type();
  case hir::Element::I8:
    return b.getI8Type();
  case hir::Element::U8:
    return b.getIntegerType(8, /*isSigned=*/false);
  }
  return {};
}

RankedTensorType FunctionEmitter::type(const hir::Type &type) const {
  SmallVector<DimExpr> sizes;
  SmallVector<std::string> names;
  for (const hir::Dim &dim : type.shape) {
    sizes.push_back(dim.size);
    names.push_back(dim.name);
  }
  return tensorType(sizes, names, elementType(type.element));
}

SmallVector<Value> FunctionEmitter::operands(const hir::Node &node) const {
  SmallVector<Value> result;
  for (hir::Ref ref : node.operands)
    result.push_back(value(ref));
  return result;
}

/// Callers and callees may call a constant dimension by different names; the
/// types then differ in that alone. A reshape to the same shape renames.
Value FunctionEmitter::relabelled(Value value, Type type, Location loc) {
  return value.getType() == type ? value : Value(ReshapeOp::create(b, loc, type, value));
}

/// The result of an op that knows what the program calls the tensor that it subscripts.
static Value written(const hir::Node &node, Operation *op) {
  setSubject(op, node.subject.text, node.subject.lead);
  return op->getResult(0);
}

static Precision precision(hir::Precision precision) {
  return precision == hir::Precision::Strict ? Precision::Strict
         : precision == hir::Precision::Fast ? Precision::Fast
                                             : Precision::Default;
}

/// A solve whose status nobody reads ends the call where it fails.
static void letSolvesFail(func::FuncOp function) {
  function.walk([](ode::SolveOp op) { op.setFails(op.getStatus().use_empty()); });
}

void FunctionEmitter::emit(const hir::Function &function) {
  SmallVector<Type> inputs, results;
  for (const hir::Node *parameter : function.body.parameters)
    inputs.push_back(type(parameter->types[0]));
  for (hir::Ref result : function.body.results)
    results.push_back(type(result.type()));
  auto op = func::FuncOp::create(b, location(function.span), symbols.lookup(&function),
                                 b.getFunctionType(inputs, results));
  attributes(function, op);
  setPrecision(op, precision(function.precision));

  OpBuilder::InsertionGuard guard(b);
  Block *block = op.addEntryBlock();
  b.setInsertionPointToStart(block);
  for (auto [parameter, argument] : llvm::zip(function.body.parameters, block->getArguments())) {
    argument.setLoc(location(parameter->span, parameter->name));
    values[parameter] = {argument};
  }
  for (const hir::Node *n : function.body.nodes)
    node(*n);
  SmallVector<Value> returned;
  for (hir::Ref result : function.body.results)
    returned.push_back(value(result));
  func::ReturnOp::create(b, location(function.span), returned);
  letSolvesFail(op);
}

void FunctionEmitter::attributes(const hir::Function &function, func::FuncOp op) {
  if (function.kind == hir::Function::Private || function.kind == hir::Function::WeightValue) {
    op.setPrivate();
    return;
  }
  SmallVector<llvm::StringRef> dims(function.dims.begin(), function.dims.end());
  op->setAttr("mad.dims", b.getStrArrayAttr(dims));
  if (function.kind == hir::Function::Export)
    op->setAttr("mad.entry", b.getUnitAttr());
  else
    op->setAttr("mad.test", b.getStringAttr(function.name));
  if (!function.doc.empty())
    op->setAttr("mad.doc", b.getStringAttr(function.doc));
  for (auto [i, parameter] : llvm::enumerate(function.body.parameters))
    op.setArgAttr(i, "mad.name", b.getStringAttr(parameter->name));
  for (auto [i, name] : llvm::enumerate(function.resultNames))
    op.setResultAttr(i, "mad.name", b.getStringAttr(name));
  for (auto [i, state] : llvm::enumerate(function.states))
    if (state >= 0)
      op.setResultAttr(i, "mad.state", b.getI64IntegerAttr(state));

  if (!function.constraints.empty())
    op->setAttr("mad.checks", checks(function.constraints));
  SmallVector<Attribute> asserts;
  for (const hir::Assertion &a : function.assertions)
    asserts.push_back(b.getStringAttr(sources.place(a.span) + ": assertion failed: " + a.message));
  if (!asserts.empty())
    op->setAttr("mad.asserts", b.getArrayAttr(asserts));
}

ArrayAttr FunctionEmitter::checks(const std::vector<hir::Constraint> &constraints) const {
  SmallVector<Attribute> checks;
  for (const hir::Constraint &c : constraints)
    checks.push_back(
        CheckAttr::get(b.getContext(), b.getStringAttr(c.left.str()),
                       c.relation == hir::Constraint::Equal ? CheckRelation::eq : CheckRelation::ge,
                       b.getStringAttr(c.right.str()), b.getStringAttr(c.message),
                       b.getStringAttr(sources.place(c.span))));
  return b.getArrayAttr(checks);
}

void FunctionEmitter::region(const hir::Region &source, Region &target, TypeRange results,
                             Location loc) {
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&target);
  for (const hir::Node *parameter : source.parameters)
    values[parameter] = {
        block->addArgument(type(parameter->types[0]), location(parameter->span, parameter->name))};
  for (const hir::Node *n : source.nodes)
    node(*n);
  SmallVector<Value> yielded;
  for (auto [result, type] : llvm::zip(source.results, results))
    yielded.push_back(relabelled(value(result), type, loc));
  YieldOp::create(b, loc, yielded);
}

void FunctionEmitter::node(const hir::Node &node) {
  SmallVector<Type> types;
  for (const hir::Type &t : node.types)
    types.push_back(type(t));
  SmallVector<Value> results = create(node, location(node.span, node.name), types);
  // What a rule permits, the rule says.
  if (node.precision != hir::Precision::Default && hir::rounds(node) && !isRule)
    setPrecision(results.front().getDefiningOp(), precision(node.precision));
  values[&node] = SmallVector<Value, 1>(results.begin(), results.end());
}

SmallVector<Value> FunctionEmitter::create(const hir::Node &node, Location loc, TypeRange types) {
  auto tensor = types.empty() ? RankedTensorType() : cast<RankedTensorType>(types.front());
  switch (node.op) {
  case hir::Op::Parameter:
    return {}; // bound by the function or region
  case hir::Op::Constant:
    return {constant(node, loc)};
  case hir::Op::DimValue: {
    Value dim = DimOp::create(b, loc, RankedTensorType::get({}, b.getI64Type()), node.dim.str());
    if (tensor.getElementType().isInteger(64))
      return {dim};
    return {CastOp::create(b, loc, tensor, dim)};
  }
  case hir::Op::Weight:
    return {weightValue(b, program.weights[node.index], loc, tensor)};
  case hir::Op::Iota:
    return {IotaOp::create(b, loc, tensor, node.index)};
  case hir::Op::View:
    return {view(node, loc, tensor)};
  case hir::Op::Elementwise:
    return {elementwise(node, loc, tensor)};
  case hir::Op::Cast:
    return {CastOp::create(b, loc, tensor, value(node.operands[0]))};
  case hir::Op::Reduce: {
    SmallVector<int64_t> dims(node.dims.begin(), node.dims.end());
    return {ReduceOp::create(b, loc, tensor, *symbolizeReduceKind(node.mnemonic),
                             value(node.operands[0]), dims)};
  }
  case hir::Op::Contract:
    return {contract(node, loc, tensor)};
  case hir::Op::Gather: {
    SmallVector<Value> all = operands(node);
    return {written(node, GatherOp::create(b, loc, tensor, all[0], ArrayRef(all).drop_front()))};
  }
  case hir::Op::Reshape:
    return {ReshapeOp::create(b, loc, tensor, value(node.operands[0]))};
  case hir::Op::Concat:
    return {ConcatOp::create(b, loc, tensor, operands(node), node.index)};
  case hir::Op::Call:
    return call(node, loc, types);
  case hir::Op::If:
    return ifOp(node, loc, types);
  case hir::Op::Scan:
    return scan(node, loc, types);
  case hir::Op::Scatter: {
    SmallVector<Value> all = operands(node);
    return {written(node, ScatterOp::create(b, loc, tensor, *symbolizeScatterKind(node.mnemonic),
                                            all.front(), ArrayRef(all).drop_front().drop_back(),
                                            all.back()))};
  }
  case hir::Op::Sort:
    return SortOp::create(b, loc, types, value(node.operands[0]), node.index,
                          node.mnemonic == "descending")
        .getResults();
  case hir::Op::Cumulate:
    return {CumulateOp::create(b, loc, tensor, *symbolizeReduceKind(node.mnemonic),
                               value(node.operands[0]), node.index)};
  case hir::Op::Philox:
    return {PhiloxOp::create(b, loc, tensor, value(node.operands[0]), value(node.operands[1]))};
  case hir::Op::Update: {
    SmallVector<Value> all = operands(node);
    auto value = cast<RankedTensorType>(all[1].getType());
    return {
        written(node, UpdateOp::create(b, loc, tensor, all[0], all[1], ArrayRef(all).drop_front(2),
                                       map(node, value.getRank(), all.size() - 2),
                                       static_cast<Boundary>(node.boundary)))};
  }
  case hir::Op::Iterate:
    return iterate(node, loc, types);
  case hir::Op::Quantize:
    return {quantized(node, loc, tensor)};
  case hir::Op::Solve:
    return solve(node, loc, types);
  case hir::Op::Jvp:
    return jvp(node, loc, types);
  }
  return {};
}

Value FunctionEmitter::constant(const hir::Node &node, Location loc) {
  RankedTensorType full = type(node.types[0]);
  bool splat = node.values.size() + node.integers.size() == 1;
  // A number under a dynamic shape is a scalar that is broadcast.
  RankedTensorType type =
      full.hasStaticShape() ? full : RankedTensorType::get({}, full.getElementType());
  SmallVector<Attribute> elements;
  for (double v : node.values)
    elements.push_back(isa<FloatType>(type.getElementType())
                           ? Attribute(b.getFloatAttr(type.getElementType(), v))
                           : Attribute(b.getIntegerAttr(type.getElementType(), int64_t(v))));
  for (int64_t v : node.integers)
    elements.push_back(type.getElementType().isInteger(1)
                           ? Attribute(b.getBoolAttr(v))
                           : Attribute(b.getIntegerAttr(type.getElementType(), v)));
  auto attr = splat ? DenseElementsAttr::get(type, elements.front())
                    : DenseElementsAttr::get(type, elements);
  Value scalar = ConstantOp::create(b, loc, type, attr);
  if (type == full)
    return scalar;
  return ViewOp::create(b, loc, full, scalar, ValueRange(),
                        AffineMap::get(full.getRank(), 0, b.getContext()), Boundary::inside);
}

AffineMap FunctionEmitter::map(const hir::Node &node, unsigned dims, unsigned scalars) {
  SmallVector<AffineExpr> exprs;
  for (const hir::Affine &a : node.map) {
    AffineExpr e = b.getAffineConstantExpr(a.offset);
    for (auto [i, c] : llvm::enumerate(a.coefficients))
      if (c)
        e = e + b.getAffineDimExpr(i) * c;
    for (auto [i, c] : llvm::enumerate(a.scalars))
      if (c)
        e = e + b.getAffineSymbolExpr(i) * c;
    exprs.push_back(e);
  }
  return AffineMap::get(dims, scalars, exprs, b.getContext());
}

Value FunctionEmitter::view(const hir::Node &node, Location loc, RankedTensorType type) {
  // The two enums list the same cases in the same order.
  auto boundary = static_cast<Boundary>(node.boundary);
  SmallVector<Value> all = operands(node);
  return written(node, ViewOp::create(b, loc, type, all[0], ArrayRef(all).drop_front(),
                                      map(node, type.getRank(), all.size() - 1), boundary));
}

Value FunctionEmitter::contract(const hir::Node &node, Location loc, RankedTensorType type) {
  auto map = [&](const std::vector<uint32_t> &dims) {
    SmallVector<AffineExpr> exprs;
    for (uint32_t d : dims)
      exprs.push_back(b.getAffineDimExpr(d));
    return AffineMap::get(node.space, 0, exprs, b.getContext());
  };
  return ContractOp::create(b, loc, type, value(node.operands[0]), value(node.operands[1]),
                            map(node.lhs), map(node.rhs));
}

Value FunctionEmitter::quantized(const hir::Node &node, Location loc, RankedTensorType type) {
  hir::Type codes = node.types[0], scales = node.types[0];
  codes.element = hir::Element::I8;
  scales.element = hir::Element::F32;
  scales.shape.pop_back();
  auto op = lut::QuantizeActOp::create(b, loc, this->type(codes), this->type(scales),
                                       value(node.operands[0]));
  return lut::DequantActOp::create(b, loc, type, op.getCodes(), op.getScales());
}

Value FunctionEmitter::elementwise(const hir::Node &node, Location loc, RankedTensorType type) {
  if (auto predicate = symbolizePredicate(node.mnemonic))
    return CompareOp::create(b, loc, type, *predicate, value(node.operands[0]),
                             value(node.operands[1]));
  OperationState state(loc, "mad." + node.mnemonic);
  state.addOperands(operands(node));
  state.addTypes(type);
  return b.create(state)->getResult(0);
}

SmallVector<Value> FunctionEmitter::call(const hir::Node &node, Location loc, TypeRange types) {
  SmallVector<Value> arguments;
  for (auto [operand, parameter] : llvm::zip(node.operands, node.callee->body.parameters))
    arguments.push_back(relabelled(value(operand), type(parameter->types[0]), loc));
  SmallVector<Type> results;
  for (hir::Ref result : node.callee->body.results)
    results.push_back(type(result.type()));
  auto op = func::CallOp::create(b, loc, symbols.lookup(node.callee), results, arguments);
  SmallVector<Value> values;
  for (auto [result, type] : llvm::zip(op.getResults(), types))
    values.push_back(relabelled(result, type, loc));
  return values;
}

SmallVector<Value> FunctionEmitter::jvp(const hir::Node &node, Location loc, TypeRange types) {
  Operation *scope = b.getInsertionBlock()->getParentOp();
  auto function = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      scope, b.getStringAttr(symbols.lookup(node.callee)));
  SmallVector<Value> all = operands(node);
  SmallVector<Value> made =
      node.index ? emitJacobian(b, loc, *derivatives, function, all, node.dims[0], node.high)
                 : emitJvp(b, loc, *derivatives, function, all, node.dims, std::nullopt);
  // After a message, for the program that is dropped then.
  while (made.size() < types.size())
    made.push_back(filled(b, loc, 0, types[made.size()]));
  for (auto [value, type] : llvm::zip_equal(made, types))
    value = relabelled(value, type, loc);
  return made;
}

SmallVector<Value> FunctionEmitter::ifOp(const hir::Node &node, Location loc, TypeRange types) {
  auto op = IfOp::create(b, loc, types, value(node.operands[0]));
  region(node.regions[0], op.getThenRegion(), types, loc);
  region(node.regions[1], op.getElseRegion(), types, loc);
  return op.getResults();
}

SmallVector<Value> FunctionEmitter::scan(const hir::Node &node, Location loc, TypeRange types) {
  SmallVector<Value> initial;
  for (auto [operand, type] : llvm::zip(node.operands, types))
    initial.push_back(relabelled(value(operand), type, loc));
  auto op = ScanOp::create(b, loc, types, initial, node.low.str(), node.high.str());
  SmallVector<Type> yielded(types.take_front(initial.size()));
  for (size_t i = initial.size(); i < node.regions[0].results.size(); ++i)
    yielded.push_back(type(node.regions[0].results[i].type()));
  region(node.regions[0], op.getBody(), yielded, loc);
  return op.getResults();
}

SmallVector<Value> FunctionEmitter::iterate(const hir::Node &node, Location loc, TypeRange types) {
  SmallVector<Value> initial;
  for (auto [operand, type] : llvm::zip(node.operands, types))
    initial.push_back(relabelled(value(operand), type, loc));
  auto op = IterateOp::create(b, loc, types, initial, node.high.str());
  region(node.regions[0], op.getCondition(), type({hir::Element::Bool, {}}), loc);
  region(node.regions[1], op.getBody(), types.drop_back(), loc);
  return op.getResults();
}

} // namespace mad
