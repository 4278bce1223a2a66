//===- Facts.cpp - What is known of the classes of a graph ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Facts.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static Attribute scalarOf(DenseElementsAttr elements) {
  return elements.isSplat() ? elements.getSplatValue<Attribute>() : Attribute();
}

/// The op on operands that are numbers alone.
Attribute Constants::evaluate(const Term &term, ArrayRef<Attribute> operands) {
  Block scratch;
  auto loc = UnknownLoc::get(terms.context);
  SmallVector<RefScalar> scalars;
  OperationState state(loc, term.name);
  for (Attribute operand : operands) {
    auto type = RankedTensorType::get({}, cast<TypedAttr>(operand).getType());
    state.operands.push_back(scratch.addArgument(type, loc));
    scalars.push_back(refTensor(DenseElementsAttr::get(type, operand)).get(0));
  }
  auto type = RankedTensorType::get({}, term.type.getElementType());
  state.addTypes(type);
  if (term.attributes)
    state.propertiesAttr = term.attributes;
  Operation *op = Operation::create(state);
  RefTensor result = RefTensor::zeros(refElement(type.getElementType()), {});
  result.set(0, cast<ElementwiseOpInterface>(op).evaluateScalar(scalars));
  op->destroy();
  RefContext().finish(result);
  return denseElements(result, type).getSplatValue<Attribute>();
}

Attribute Constants::make(EGraph &graph, Id node) {
  OpId op = graph.op(node);
  if (terms.isLeaf(op))
    return {};
  if (terms.isRelaxed(op))
    return of(graph, graph.operands(node)[0]);
  const Term &term = terms.get(op);
  if (term.name.getStringRef() == ConstantOp::getOperationName())
    if (auto elements = term.attributes.getAs<DenseElementsAttr>("value"))
      return scalarOf(elements);
  SmallVector<Attribute> operands;
  for (Id operand : graph.operands(node))
    operands.push_back(of(graph, operand));
  if (operands.empty() || !operands[0])
    return {};
  if (term.name.getStringRef() == ReshapeOp::getOperationName())
    return operands[0];
  if (term.name.getStringRef() == ViewOp::getOperationName())
    return term.attributes.getAs<BoundaryAttr>("boundary").getValue() == Boundary::zero
               ? Attribute()
               : operands[0];
  if (!term.name.hasInterface<ElementwiseOpInterface>() ||
      !llvm::all_of(operands, [](Attribute a) { return bool(a); }))
    return {};
  Attribute value = evaluate(term, operands);
  // What is no number by declaration tells nothing of those that are.
  auto number = dyn_cast<FloatAttr>(value);
  bool mayNot = terms.language.get(op).flags & (Nnan | Ninf);
  return number && mayNot && !number.getValue().isFinite() ? Attribute() : value;
}

/// Whether two numbers cannot be one but for roundings.
static bool contradict(Attribute a, Attribute b) {
  auto x = dyn_cast<FloatAttr>(a), y = dyn_cast<FloatAttr>(b);
  if (!x || !y)
    return a != b;
  double p = x.getValueAsDouble(), q = y.getValueAsDouble();
  if (!std::isfinite(p) || !std::isfinite(q))
    return false;
  // Terms may cancel, and be small beside what they are made of.
  return std::abs(p - q) > 1e-3 * std::max({1.0, std::abs(p), std::abs(q)});
}

bool Constants::join(EGraph &graph, Attribute &into, const Attribute &from) {
  // Sums in another order may differ in the last bits: the first one stays.
  if (into && from && contradict(into, from))
    graph.setConflict("one value is two numbers");
  if (into || !from)
    return false;
  into = from;
  return true;
}

void Constants::modify(EGraph &graph, Id id) {
  Attribute value = of(graph, id);
  if (!value)
    return;
  Id constant = terms.splat(graph, value, terms.typeOf(graph, id));
  graph.unite(id, constant, becauseFolded);
}

//===----------------------------------------------------------------------===//
// Known
//===----------------------------------------------------------------------===//

char Known::make(EGraph &graph, Id node) {
  OpId op = graph.op(node);
  if (terms.isLeaf(op))
    return false;
  if (graph.operands(node).empty())
    return terms.isRelaxed(op) || terms.get(op).name.getStringRef() != DimOp::getOperationName();
  return llvm::all_of(graph.operands(node), [&](Id operand) { return of(graph, operand); });
}

bool Known::join(EGraph &, char &into, const char &from) {
  bool changed = !into && from;
  into |= from;
  return changed;
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

static constexpr double infinity = std::numeric_limits<double>::infinity();

static Range sumOf(const Range &a, const Range &b) {
  Range sum;
  sum.low = a.low == -infinity || b.low == -infinity ? -infinity : a.low + b.low;
  sum.high = a.high == infinity || b.high == infinity ? infinity : a.high + b.high;
  // Of infinities of two signs.
  sum.nan =
      a.nan || b.nan ||
      ((a.low == -infinity || b.low == -infinity) && (a.high == infinity || b.high == infinity));
  return sum;
}

static Range productOf(const Range &a, const Range &b, bool isSquare) {
  Range product;
  product.nan = a.nan || b.nan || (!isSquare && !(a.isFinite() && b.isFinite()));
  if ((isSquare || (a.low >= 0 && b.low >= 0)))
    product.low = 0;
  return product;
}

/// Sums that no number of the type holds are infinite.
static Range within(Range range, Type element) {
  auto type = dyn_cast<FloatType>(element);
  if (!type)
    return range;
  double most = llvm::APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
  if (range.low < -most)
    range.low = -infinity;
  if (range.high > most)
    range.high = infinity;
  return range;
}

Range Ranges::make(EGraph &graph, Id node) {
  OpId op = graph.op(node);
  if (terms.isLeaf(op))
    return {};
  auto operand = [&](unsigned i) -> const Range & { return of(graph, graph.operands(node)[i]); };
  if (terms.isRelaxed(op))
    return {};
  if (!isa<FloatType>(terms.get(op).type.getElementType()))
    return {};
  StringRef name = terms.get(op).name.stripDialect();
  if (name == "constant") {
    auto value = dyn_cast_or_null<FloatAttr>(constants.of(graph, node));
    double number = value ? value.getValueAsDouble() : 0;
    return !value || std::isnan(number) ? Range() : Range{number, number, false, 0};
  }
  if (name == "view")
    return terms.get(op).attributes.getAs<BoundaryAttr>("boundary").getValue() == Boundary::zero
               ? Range()
               : operand(0);
  if (name == "reshape" || name == "relaxed")
    return operand(0);
  if (name == "exp" || name == "exp2")
    return {0, infinity, operand(0).nan, 0};
  if (name == "abs")
    return {0, infinity, operand(0).nan, 0};
  if (name == "sqrt")
    return {0, infinity, operand(0).nan || operand(0).low < 0, 0};
  if (name == "tanh" || name == "erf")
    return {-1, 1, operand(0).nan, 0};
  if (name == "sin" || name == "cos")
    return {-1, 1, !operand(0).isFinite(), 0};
  if (name == "add")
    return within(sumOf(operand(0), operand(1)), terms.get(op).type.getElementType());
  if (name == "mul")
    return productOf(operand(0), operand(1),
                     graph.find(graph.operands(node)[0]) == graph.find(graph.operands(node)[1]));
  // With NaN the result is NaN.
  if (name == "max")
    return {std::max(operand(0).low, operand(1).low), std::max(operand(0).high, operand(1).high),
            operand(0).nan || operand(1).nan, 0};
  if (name == "min")
    return {std::min(operand(0).low, operand(1).low), std::min(operand(0).high, operand(1).high),
            operand(0).nan || operand(1).nan, 0};
  return {};
}

bool Ranges::join(EGraph &, Range &into, const Range &from) {
  // Of a class that is part of itself ranges could become smaller for ever.
  constexpr unsigned mostChanges = 8;
  Range both{std::max(into.low, from.low), std::min(into.high, from.high), into.nan && from.nan,
             into.changes + 1};
  bool changed = both.low != into.low || both.high != into.high || both.nan != into.nan;
  // Both are right, but for roundings: a range of nothing is none.
  if (!changed || into.changes >= mostChanges || both.low > both.high)
    return false;
  into = both;
  return true;
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

double cyclesOf(const EGraph &graph, Id node, const Terms &terms, const Facts &facts) {
  OpId op = graph.op(node);
  if (terms.isLeaf(op) || terms.isRelaxed(op))
    return 0;
  SmallVector<RankedTensorType, 4> operands;
  for (Id operand : graph.operands(node))
    operands.push_back(terms.typeOf(graph, operand));
  // What weights alone decide is computed when compiling: then less to read is better.
  if (facts.known.of(graph, node) && terms.get(op).type.hasStaticShape())
    return 1e-6 * (1 + double(terms.get(op).type.getNumElements()));
  return terms.interfaceOf(op).cycles(terms.get(op), operands);
}

} // namespace mad::rewrite
