//===- Terms.cpp - Ops of MLIR as operations of an e-graph ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Terms.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

std::optional<uint32_t> permissionOf(StringRef name) {
  uint32_t bit = llvm::StringSwitch<uint32_t>(name)
                     .Case("reassoc", Reassoc)
                     .Case("contract", Contract)
                     .Case("afn", Afn)
                     .Case("arcp", Arcp)
                     .Case("nsz", Nsz)
                     .Case("nnan", Nnan)
                     .Case("ninf", Ninf)
                     .Default(0);
  return bit ? std::optional(bit) : std::nullopt;
}

Terms::Terms(MLIRContext *context)
    : context(context), leafSymbol(language.symbol("leaf")),
      relaxedSymbol(language.symbol("relaxed")) {
  for (Dialect *dialect : context->getLoadedDialects())
    if (auto *interface = dialect->getRegisteredInterface<RewriteInterface>())
      interfaces[dialect] = interface;
}

/// A product with a factor that another dialect makes, a weight of few bits that is decoded: what
/// merges it with others would have to store the decoded elements.
static bool decodesFactor(Operation *op,
                          const llvm::DenseMap<Dialect *, const RewriteInterface *> &interfaces) {
  if (!isa<ContractOp>(op))
    return false;
  return llvm::any_of(op->getOperands(), [&](Value factor) {
    Operation *maker = factor.getDefiningOp();
    while (maker && isa<ViewOp, ReshapeOp>(maker))
      maker = maker->getOperand(0).getDefiningOp();
    return maker && !interfaces.contains(maker->getDialect());
  });
}

bool Terms::isTerm(Operation *op) const {
  return !decodesFactor(op, interfaces) && op->getNumResults() == 1 && op->getNumRegions() == 0 &&
         op->getNumSuccessors() == 0 && isa<RankedTensorType>(op->getResult(0).getType()) &&
         interfaces.contains(op->getDialect()) && isPure(op);
}

static RankedTensorType withoutNames(RankedTensorType type) {
  auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  if (!dims)
    return type;
  if (type.hasStaticShape())
    return RankedTensorType::get(type.getShape(), type.getElementType());
  SmallVector<StringAttr> names;
  auto none = StringAttr::get(type.getContext());
  for (auto [size, name] : llvm::zip(type.getShape(), dims.getNames()))
    names.push_back(ShapedType::isDynamic(size) ? name : none);
  return RankedTensorType::get(type.getShape(), type.getElementType(),
                               DimsAttr::get(type.getContext(), names));
}

RankedTensorType Terms::canonical(RankedTensorType type) {
  if (!type.getEncoding())
    return type;
  RankedTensorType &plain = plainTypes[type];
  if (!plain)
    plain = withoutNames(type);
  return plain;
}

Symbol Terms::makeSymbol(const Term &term) {
  const RewriteInterface &interface = *interfaces.lookup(term.name.getDialect());
  Symbol symbol = language.symbol(interface.symbol(term));
  if (interface.commutes(term))
    language.setCommutative(symbol);
  // Of integers the same symbol has all permissions.
  Term floats = term;
  floats.type = RankedTensorType::get({}, Float32Type::get(context));
  if (interface.rounds(floats))
    language.setFlagged(symbol);
  return symbol;
}

uint64_t Terms::intern(const Term &term) {
  auto key = std::make_tuple(term.name.getAsOpaquePointer(),
                             static_cast<const void *>(term.attributes.getAsOpaquePointer()),
                             static_cast<const void *>(term.type.getAsOpaquePointer()));
  auto [at, isNew] = numbers.try_emplace(key, terms.size());
  if (!isNew)
    return at->second;
  const uint64_t number = at->second;
  const RewriteInterface &interface = *interfaces.lookup(term.name.getDialect());
  Known what;
  what.symbol = makeSymbol(term);
  what.flagged = language.isFlagged(what.symbol);
  what.rounds = interface.rounds(term);
  what.byDefault = Contract | Afn | (interface.reorders(term) ? Reassoc : 0);
  terms.push_back(term);
  known.push_back(what);
  return number;
}

Symbol Terms::symbolOf(const Term &term) { return known[intern(term)].symbol; }

OpId Terms::of(Term term, uint32_t flags) {
  term.type = canonical(term.type);
  const uint64_t number = intern(term);
  const Known &what = known[number];
  // Integers wrap: the laws of rings hold, and there is neither NaN nor infinity. Flags in between
  // are those of the next lower precision, so that an op can say them.
  if (!what.rounds || flags == AllPermissions)
    flags = AllPermissions;
  else
    flags = (flags & what.byDefault) == what.byDefault ? what.byDefault : 0;
  return language.op(what.symbol, number, what.flagged ? flags : 0);
}

Term termOf(Operation *op) {
  auto attributes = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  if (attributes && attributes.empty())
    attributes = {};
  return {op->getName(), attributes, cast<RankedTensorType>(op->getResult(0).getType())};
}

OpId Terms::of(Operation *op) {
  Term term = termOf(op);
  term.type = canonical(term.type);
  switch (mad::precisionOf(op)) {
  case Precision::Fast:
    return of(term, AllPermissions);
  case Precision::Strict:
    return of(term, 0);
  case Precision::Default:
    break;
  }
  return of(term, known[intern(term)].byDefault);
}

OpId Terms::leaf(Value value) {
  auto [at, isNew] = leafNumbers.try_emplace(value, leaves.size());
  if (isNew) {
    leaves.push_back(value);
    leafTypes.push_back(canonical(cast<RankedTensorType>(value.getType())));
  }
  return language.op(leafSymbol, at->second);
}

OpId Terms::relaxed(RankedTensorType type) {
  return language.op(relaxedSymbol, reinterpret_cast<uintptr_t>(type.getAsOpaquePointer()));
}

OpId Terms::constant(Attribute value) {
  auto type = RankedTensorType::get({}, cast<TypedAttr>(value).getType());
  Builder b(context);
  auto attributes =
      b.getDictionaryAttr(b.getNamedAttr("value", DenseElementsAttr::get(type, value)));
  return of({OperationName(ConstantOp::getOperationName(), context), attributes, type}, 0);
}

Id Terms::splat(EGraph &graph, Attribute value, RankedTensorType type) {
  auto [at, isNew] = splats.try_emplace({value, type});
  if (isNew) {
    Builder b(context);
    auto attributes = b.getDictionaryAttr(
        {b.getNamedAttr("boundary", BoundaryAttr::get(context, Boundary::inside)),
         b.getNamedAttr("map", AffineMapAttr::get(AffineMap::get(type.getRank(), 0, context)))});
    OpId view = type.getRank() == 0
                    ? none
                    : of({OperationName(ViewOp::getOperationName(), context), attributes, type}, 0);
    at->second = {constant(value), view};
  }
  auto [scalar, view] = at->second;
  Id number = graph.add(scalar);
  return view == none ? number : graph.add(view, number);
}

RankedTensorType Terms::typeOf(OpId op) const {
  if (isRelaxed(op))
    return cast<RankedTensorType>(
        Type::getFromOpaquePointer(reinterpret_cast<void *>(language.get(op).payload)));
  if (!isLeaf(op))
    return get(op).type;
  return leafTypes[language.get(op).payload];
}

Precision Terms::precisionOf(OpId op) const {
  const Term &term = get(op);
  if (!interfaceOf(op).rounds(term))
    return Precision::Default;
  uint32_t flags = language.get(op).flags;
  return flags == AllPermissions ? Precision::Fast
         : flags == 0            ? Precision::Strict
                                 : Precision::Default;
}

} // namespace mad::rewrite
