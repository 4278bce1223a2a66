//===- RightHandSide.cpp - The body of a solve, stage by stage --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/RightHandSide.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Ode/Algebra.h"

using namespace mlir;

namespace mad {

Value joinedTerms(OpBuilder &b, Operation *op, ReduceKind kind, Value x, Value y) {
  Location loc = op->getLoc();
  Operation *made = nullptr;
  switch (kind) {
  case ReduceKind::sum:
    made = AddOp::create(b, loc, x.getType(), x, y);
    break;
  case ReduceKind::prod:
    made = MulOp::create(b, loc, x.getType(), x, y);
    break;
  case ReduceKind::min:
    made = MinOp::create(b, loc, x.getType(), x, y);
    break;
  case ReduceKind::max:
    made = MaxOp::create(b, loc, x.getType(), x, y);
    break;
  case ReduceKind::all:
    made = AndOp::create(b, loc, x.getType(), x, y);
    break;
  case ReduceKind::any:
    made = OrOp::create(b, loc, x.getType(), x, y);
    break;
  default:
    return {};
  }
  if (Attribute precision = op->getAttr("mad.fp"))
    made->setAttr("mad.fp", precision);
  return made->getResult(0);
}

namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// `all` with a tensor at positions of its first dimensions, and constants for the rest of the map.
Value storedAt(OpBuilder &b, Location loc, Value all, Value value, ValueRange positions,
               ArrayRef<AffineExpr> rest) {
  SmallVector<AffineExpr> map;
  for (unsigned i = 0; i < positions.size(); ++i)
    map.push_back(b.getAffineSymbolExpr(i));
  llvm::append_range(map, rest);
  auto affine = AffineMap::get(tensorOf(value).getRank(), positions.size(), map, b.getContext());
  return UpdateOp::create(b, loc, all.getType(), all, value, positions, affine, Boundary::inside);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

class OnTensors : public RightHandSide {
public:
  explicit OnTensors(ode::SolveOp op) : RightHandSide(op) {}

  Leaves initial(OpBuilder &) override { return Leaves(op.getInitial()); }
  Leaves states(OpBuilder &, const Leaves &leaves) override { return leaves; }
  Block &block() override { return op.getBody().front(); }
  bool isScalar() const override { return false; }

  Leaves arguments(OpBuilder &b, Value time, const Leaves &states) override {
    Type element = tensorOf(block().getArgument(0)).getElementType();
    Leaves all = {Algebra(b, op.getLoc()).cast(time, element)};
    all.append(states);
    all.append(op.getParameters().begin(), op.getParameters().end());
    return all;
  }

  Leaves evaluateIn(OpBuilder &b, Value time, const Leaves &states, Region &region) override {
    Block &body = region.front();
    IRMapping mapping;
    mapping.map(body.getArguments(), arguments(b, time, states));
    for (Operation &inner : body.without_terminator())
      b.clone(inner, mapping);
    Leaves result;
    for (Value value : body.getTerminator()->getOperands())
      result.push_back(mapping.lookupOrDefault(value));
    return result;
  }

  Value stored(OpBuilder &b, Value all, size_t state, const Leaves &leaves,
               ValueRange positions) override {
    SmallVector<AffineExpr> rest;
    for (int64_t d = 0; d < tensorOf(leaves[state]).getRank(); ++d)
      rest.push_back(b.getAffineDimExpr(d));
    return storedAt(b, op.getLoc(), all, leaves[state], positions, rest);
  }
};

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

/// Elements of static tensors, in row-major order, as scalars.
class Elements {
public:
  explicit Elements(OpBuilder &b) : b(b) {}

  Leaves of(Value tensor) const { return elements.lookup(tensor); }
  void set(Value tensor, Leaves values) { elements[tensor] = std::move(values); }
  bool compute(Operation &op);
  int64_t made = 0; ///< ops

private:
  bool constant(ConstantOp op);
  bool iota(IotaOp op);
  bool view(ViewOp op);
  bool concat(ConcatOp op);
  bool elementwise(Operation &op);
  bool reduce(ReduceOp op);
  bool contract(ContractOp op);
  Value number(Attribute value, Location loc);
  Value squareOf(MulOp op, Value x);

  OpBuilder &b;
  /// Squares of differences x - y that there are, by x and y.
  llvm::DenseMap<std::pair<Value, Value>, Value> squares;
  llvm::DenseMap<Value, Leaves> elements;
};

constexpr int64_t maxWritten = 4096; ///< elements of one tensor

bool isSmall(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getNumElements() <= maxWritten;
}

bool Elements::compute(Operation &op) {
  if (op.getNumRegions() || !llvm::all_of(op.getResultTypes(), isSmall) ||
      !llvm::all_of(op.getOperandTypes(), isSmall))
    return false;
  if (auto constantOp = dyn_cast<ConstantOp>(op))
    return constant(constantOp);
  if (auto iotaOp = dyn_cast<IotaOp>(op))
    return iota(iotaOp);
  if (auto viewOp = dyn_cast<ViewOp>(op))
    return view(viewOp);
  if (auto concatOp = dyn_cast<ConcatOp>(op))
    return concat(concatOp);
  if (auto reduceOp = dyn_cast<ReduceOp>(op))
    return reduce(reduceOp);
  if (auto contractOp = dyn_cast<ContractOp>(op))
    return contract(contractOp);
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    set(reshape, of(reshape.getSource()));
    return true;
  }
  return isa<ElementwiseOpInterface>(op) && elementwise(op);
}

Value Elements::number(Attribute value, Location loc) {
  auto type = RankedTensorType::get({}, cast<TypedAttr>(value).getType());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, value));
}

bool Elements::constant(ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return false;
  Leaves values;
  for (Attribute value : dense.getValues<Attribute>())
    values.push_back(dense.isSplat() && !values.empty() ? values.front()
                                                        : number(value, op.getLoc()));
  set(op, values);
  return true;
}

bool Elements::iota(IotaOp op) {
  ArrayRef<int64_t> shape = tensorOf(op).getShape();
  int64_t stride = rowMajorStrides(shape)[op.getAxis()];
  Leaves values;
  for (int64_t i = 0; i < tensorOf(op).getNumElements(); ++i)
    values.push_back(number(b.getI64IntegerAttr(i / stride % shape[op.getAxis()]), op.getLoc()));
  set(op, values);
  return true;
}

bool Elements::view(ViewOp op) {
  if (!op.getScalars().empty() || op.getBoundary() == Boundary::checked)
    return false;
  RankedTensorType type = tensorOf(op), from = tensorOf(op.getSource());
  Leaves source = of(op.getSource()), values;
  SmallVector<int64_t> strides = rowMajorStrides(from.getShape()), position(type.getRank(), 0);
  Value zero;
  if (type.getNumElements() > 0)
    do {
      int64_t place = 0;
      bool outside = false;
      for (auto [k, coordinate] : llvm::enumerate(op.getMap().getResults())) {
        auto form = linearForm(coordinate, type.getRank(), 0);
        if (!form)
          return false;
        int64_t index = form->back(), extent = from.getDimSize(k);
        for (int64_t d = 0; d < type.getRank(); ++d)
          index += (*form)[d] * position[d];
        if (op.getBoundary() == Boundary::periodic && extent)
          index = (index % extent + extent) % extent;
        else if (op.getBoundary() == Boundary::clamp && extent)
          index = std::clamp<int64_t>(index, 0, extent - 1);
        outside |= index < 0 || index >= extent;
        place += index * strides[k];
      }
      if (outside && op.getBoundary() != Boundary::zero)
        return false;
      if (outside && !zero)
        zero = number(b.getZeroAttr(type.getElementType()), op.getLoc());
      values.push_back(outside ? zero : source[place]);
    } while (next(position, type.getShape()));
  set(op, values);
  return true;
}

bool Elements::concat(ConcatOp op) {
  int64_t outer = 1;
  for (int64_t d = 0; d < static_cast<int64_t>(op.getAxis()); ++d)
    outer *= tensorOf(op).getDimSize(d);
  Leaves values;
  for (int64_t i = 0; i < outer; ++i)
    for (Value part : op.getParts()) {
      Leaves all = of(part);
      int64_t size = static_cast<int64_t>(all.size()) / outer;
      values.append(all.begin() + i * size, all.begin() + (i + 1) * size);
    }
  set(op, values);
  return true;
}

/// The square of -x, if x is a difference whose square there is: distances between all pairs need
/// one root a pair. Null where there is none.
Value Elements::squareOf(MulOp op, Value x) {
  auto difference = x.getDefiningOp<SubOp>();
  if (!difference)
    return {};
  Value known = squares.lookup({difference.getRhs(), difference.getLhs()});
  return known && known.getDefiningOp()->getAttrs() == op->getAttrs() ? known : Value();
}

static bool isConstant(Value value) { return value.getDefiningOp<ConstantOp>() != nullptr; }

bool Elements::elementwise(Operation &op) {
  auto type = tensorOf(op.getResult(0));
  Type scalar = RankedTensorType::get({}, type.getElementType());
  Leaves values;
  auto square = dyn_cast<MulOp>(op);
  if (square && square.getLhs() != square.getRhs())
    square = {};
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    Value x = square ? of(square.getLhs())[i] : Value();
    if (Value known = square ? squareOf(square, x) : Value()) {
      values.push_back(known);
      continue;
    }
    OperationState state(op.getLoc(), op.getName());
    for (Value operand : op.getOperands())
      state.addOperands(of(operand)[i]);
    state.addTypes(scalar);
    state.addAttributes(op.getAttrs());
    values.push_back(b.create(state)->getResult(0));
    if (auto difference = x ? x.getDefiningOp<SubOp>() : SubOp())
      squares[{difference.getLhs(), difference.getRhs()}] = values.back();
    // What is folded is not counted.
    made += !llvm::all_of(state.operands, isConstant);
  }
  set(op.getResult(0), values);
  return true;
}

bool Elements::reduce(ReduceOp op) {
  RankedTensorType from = tensorOf(op.getSource()), type = tensorOf(op);
  // Narrow floats have wide sums, strict ones too.
  bool wide = type.getElementType().isF16() || type.getElementType().isBF16();
  if (wide || op->hasAttr("mad.fp") || from.getNumElements() == 0)
    return false;
  Leaves source = of(op.getSource()), values(type.getNumElements());
  SmallVector<int64_t> position(from.getRank(), 0), strides = rowMajorStrides(type.getShape());
  int64_t i = 0;
  do {
    int64_t place = 0;
    size_t kept = 0;
    for (int64_t d = 0; d < from.getRank(); ++d)
      if (!llvm::is_contained(op.getDims(), d))
        place += position[d] * strides[kept++];
    Value &value = values[place];
    value = value ? joinedTerms(b, op, op.getKind(), value, source[i]) : source[i];
    if (!value)
      return false;
    ++i;
    ++made;
  } while (next(position, from.getShape()));
  set(op, values);
  return true;
}

bool Elements::contract(ContractOp op) {
  RankedTensorType lhs = tensorOf(op.getLhs()), rhs = tensorOf(op.getRhs()), type = tensorOf(op);
  if (op->hasAttr("mad.fp") || type.getElementType().isF16() || type.getElementType().isBF16())
    return false;
  unsigned dims = op.getLhsMap().getNumDims();
  SmallVector<int64_t> space(dims, 1), position(dims, 0);
  auto extents = [&](AffineMap map, RankedTensorType of) {
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      space[cast<AffineDimExpr>(e).getPosition()] = of.getDimSize(i);
  };
  extents(op.getLhsMap(), lhs);
  extents(op.getRhsMap(), rhs);
  int64_t terms = 1;
  for (int64_t extent : space)
    terms *= extent;
  if (terms == 0 || terms > maxWritten)
    return false;
  auto placeIn = [&](AffineMap map, RankedTensorType of) {
    SmallVector<int64_t> strides = rowMajorStrides(of.getShape());
    int64_t place = 0;
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      place += strides[i] * position[cast<AffineDimExpr>(e).getPosition()];
    return place;
  };
  Leaves left = of(op.getLhs()), right = of(op.getRhs()), values(type.getNumElements());
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  do {
    int64_t to = 0;
    for (int64_t d = 0; d < type.getRank(); ++d)
      to += strides[d] * position[d];
    Value x = left[placeIn(op.getLhsMap(), lhs)], y = right[placeIn(op.getRhsMap(), rhs)];
    Value product = MulOp::create(b, op.getLoc(), x.getType(), x, y);
    Value &value = values[to];
    value = value ? joinedTerms(b, op, ReduceKind::sum, value, product) : product;
    made += 2;
  } while (next(position, space));
  set(op, values);
  return true;
}

class OnScalars : public RightHandSide {
public:
  explicit OnScalars(ode::SolveOp op) : RightHandSide(op) {}

  Leaves initial(OpBuilder &b) override {
    // Those of parameters, too: in front of the loop.
    for (Value parameter : op.getParameters())
      parameters.push_back(apart(b, parameter));
    Leaves leaves;
    for (Value state : op.getInitial())
      leaves.append(apart(b, state));
    return leaves;
  }

  Leaves evaluateIn(OpBuilder &b, Value time, const Leaves &states, Region &region) override {
    int64_t ops = 0;
    return *tryEvaluate(b, time, states, parameters, ops, region);
  }

  Block &block() override { return *aside; }
  bool isScalar() const override { return true; }

  Leaves arguments(OpBuilder &, Value time, const Leaves &states) override {
    Leaves all = {time};
    all.append(states);
    for (const Leaves &parameter : parameters)
      all.append(parameter);
    return all;
  }

  /// Empty where the body has something else.
  std::optional<Leaves> tryEvaluate(OpBuilder &b, Value time, const Leaves &states,
                                    ArrayRef<Leaves> parameters, int64_t &ops, Region &region) {
    Block &body = region.front();
    Elements elements(b);
    Type element = tensorOf(body.getArgument(0)).getElementType();
    elements.set(body.getArgument(0), {Algebra(b, op.getLoc()).cast(time, element)});
    size_t begin = 0, number = 1;
    for (Value state : op.getInitial()) {
      size_t size = tensorOf(state).getNumElements();
      elements.set(body.getArgument(number++), Leaves(ArrayRef(states).slice(begin, size)));
      begin += size;
    }
    for (const Leaves &parameter : parameters)
      elements.set(body.getArgument(number++), parameter);
    for (Operation &inner : body.without_terminator())
      if (!elements.compute(inner)) {
        failed = &inner;
        return std::nullopt;
      }
    ops = elements.made;
    Leaves result;
    for (Value value : body.getTerminator()->getOperands())
      result.append(elements.of(value));
    return result;
  }

  Leaves states(OpBuilder &b, const Leaves &leaves) override {
    Leaves result;
    size_t begin = 0;
    Location loc = op.getLoc();
    for (Value state : op.getInitial()) {
      RankedTensorType type = tensorOf(state);
      auto one = RankedTensorType::get({1}, type.getElementType());
      Leaves parts;
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        parts.push_back(ReshapeOp::create(b, loc, one, leaves[begin + i]));
      begin += parts.size();
      Value all = parts.size() == 1
                      ? parts[0]
                      : ConcatOp::create(b, loc,
                                         RankedTensorType::get({static_cast<int64_t>(parts.size())},
                                                               type.getElementType()),
                                         parts, 0);
      if (all.getType() != type)
        all = ReshapeOp::create(b, loc, type, all);
      result.push_back(all);
    }
    return result;
  }

  Value stored(OpBuilder &b, Value all, size_t state, const Leaves &leaves,
               ValueRange positions) override {
    size_t begin = 0;
    for (size_t i = 0; i < state; ++i)
      begin += tensorOf(op.getInitial()[i]).getNumElements();
    RankedTensorType type = tensorOf(op.getInitial()[state]);
    SmallVector<int64_t> place(type.getRank(), 0);
    do {
      SmallVector<AffineExpr> rest;
      for (int64_t p : place)
        rest.push_back(b.getAffineConstantExpr(p));
      all = storedAt(b, op.getLoc(), all, leaves[begin++], positions, rest);
    } while (next(place, type.getShape()));
    return all;
  }

  /// Writes the body out once on the side, for a look at it. False as above.
  bool lookAt(int64_t &ops) {
    aside = std::make_unique<Block>();
    OpBuilder b(op.getContext());
    b.setInsertionPointToEnd(aside.get());
    auto fresh = [&](Type element) {
      return aside->addArgument(RankedTensorType::get({}, element), op.getLoc());
    };
    auto freshOf = [&](Value tensor) {
      Leaves all;
      for (int64_t i = 0; i < tensorOf(tensor).getNumElements(); ++i)
        all.push_back(fresh(tensorOf(tensor).getElementType()));
      return all;
    };
    Value time = fresh(b.getF64Type());
    Leaves states;
    for (Value state : op.getInitial())
      states.append(freshOf(state));
    SmallVector<Leaves> all;
    for (Value parameter : op.getParameters())
      all.push_back(freshOf(parameter));
    // Others are only looked at.
    Block other;
    OpBuilder apart(op.getContext());
    apart.setInsertionPointToEnd(&other);
    for (Region &region : op.getMoreRegions())
      if (!tryEvaluate(apart, time, states, all, ops, region))
        return false;
    std::optional<Leaves> rates = tryEvaluate(b, time, states, all, ops, op.getBody());
    if (rates)
      YieldOp::create(b, op.getLoc(), *rates);
    return rates.has_value();
  }

  void counted(int64_t made) { ops = made; }
  Operation *failed = nullptr;

private:
  Leaves apart(OpBuilder &b, Value tensor) {
    RankedTensorType type = tensorOf(tensor);
    SmallVector<int64_t> place(type.getRank(), 0);
    Leaves leaves;
    do
      leaves.push_back(Algebra(b, op.getLoc()).element(tensor, place));
    while (next(place, type.getShape()));
    return leaves;
  }

  SmallVector<Leaves> parameters;
  std::unique_ptr<Block> aside;
};

} // namespace

std::unique_ptr<RightHandSide> RightHandSide::onTensors(ode::SolveOp op) {
  return std::make_unique<OnTensors>(op);
}

std::unique_ptr<RightHandSide> RightHandSide::onScalars(ode::SolveOp op, int64_t maxElements,
                                                        int64_t maxOps, std::string &reason) {
  int64_t elements = 0;
  bool isEmpty = false;
  for (Value state : op.getInitial()) {
    RankedTensorType type = tensorOf(state);
    if (!type.hasStaticShape()) {
      reason = "the size of a state is not known when compiling";
      return nullptr;
    }
    elements += type.getNumElements();
    isEmpty |= type.getNumElements() == 0;
  }
  if (elements == 0 || elements > maxElements) {
    reason = "the states have " + std::to_string(elements) + " elements";
    return nullptr;
  }
  // Others beside it have leaves, and it has no place to be read from or stored to.
  if (isEmpty) {
    reason = "a state has no elements";
    return nullptr;
  }
  for (Value parameter : op.getParameters())
    if (!isSmall(parameter.getType()) || tensorOf(parameter).getNumElements() == 0) {
      reason = "a parameter is not small";
      return nullptr;
    }
  auto scalars = std::make_unique<OnScalars>(op);
  int64_t ops = 0;
  bool can = scalars->lookAt(ops);
  if (!can)
    reason = "`" + scalars->failed->getName().getStringRef().str() + "` is not written out";
  else if (ops > maxOps)
    reason = "its right-hand side has " + std::to_string(ops) + " operations";
  else
    return scalars->counted(ops), std::move(scalars);
  return nullptr;
}

} // namespace mad
