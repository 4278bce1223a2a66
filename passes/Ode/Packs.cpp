//===- Packs.cpp - A right-hand side with one dimension in lanes ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/Packs.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Ode/IR/OdePackOps.h"
#include "passes/Ode/RightHandSide.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mad {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

constexpr int64_t maxWritten = 4096; ///< elements of one tensor

bool isSmall(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getNumElements() <= maxWritten;
}

/// The shape without the dimension in lanes, which has the extent 1.
SmallVector<int64_t> restOf(RankedTensorType type, int axis) {
  SmallVector<int64_t> shape(type.getShape());
  if (axis != Packs::none)
    shape[size_t(axis)] = 1;
  return shape;
}

int64_t placeIn(ArrayRef<int64_t> position, ArrayRef<int64_t> shape) {
  int64_t place = 0;
  for (auto [p, extent] : llvm::zip_equal(position, shape))
    place = place * extent + p;
  return place;
}

int64_t elementsOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// Where the coordinates of a view are; no value: outside, where there is 0.
std::optional<SmallVector<int64_t>> sourceOf(ArrayRef<SmallVector<int64_t>> forms,
                                             ArrayRef<int64_t> position, Boundary boundary,
                                             ArrayRef<int64_t> shape) {
  SmallVector<int64_t> found;
  for (auto [form, extent] : llvm::zip_equal(forms, shape)) {
    int64_t index = form.back();
    for (size_t d = 0; d < position.size(); ++d)
      index += form[d] * position[d];
    if (boundary == Boundary::periodic && extent)
      index = (index % extent + extent) % extent;
    else if (boundary == Boundary::clamp && extent)
      index = std::clamp<int64_t>(index, 0, extent - 1);
    if (index < 0 || index >= extent)
      return std::nullopt;
    found.push_back(index);
  }
  return found;
}

} // namespace

Packs::Packs(OpBuilder &b, Location loc, int64_t extent)
    : b(b), loc(loc), extent(extent), width(int64_t(llvm::PowerOf2Ceil(uint64_t(extent)))) {}

int Packs::axisOf(RankedTensorType type) const {
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.getDimSize(d) == extent)
      return int(d);
  return none;
}

//===----------------------------------------------------------------------===//
// Packs and scalars
//===----------------------------------------------------------------------===//

Value Packs::number(Attribute value) {
  auto type = RankedTensorType::get({}, cast<TypedAttr>(value).getType());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, value));
}

/// One value a lane that counts.
Value Packs::pack(ArrayRef<Value> lanes) {
  if (llvm::all_equal(lanes))
    return lanes.front();
  SmallVector<Value> all(lanes);
  all.resize(size_t(width), lanes.back());
  bool isConstant = llvm::all_of(lanes, [](Value v) { return v.getDefiningOp<ConstantOp>(); });
  made += isConstant ? 0 : width;
  return ode::PackOp::create(b, loc, lanes.front().getType(), all);
}

/// As many lanes as count, or all of them.
Value Packs::shuffled(Value source, ArrayRef<int64_t> lanes) {
  SmallVector<int64_t> all(lanes);
  all.resize(size_t(width), lanes.back());
  bool same = true;
  for (int64_t i = 0; i < width; ++i)
    same &= std::min(all[size_t(i)], extent - 1) == std::min(i, extent - 1);
  if (same)
    return source;
  ++made;
  return ode::ShuffleOp::create(b, loc, source.getType(), source, all);
}

/// 0 in the other lanes.
Value Packs::only(Value pack, ArrayRef<bool> inside) {
  SmallVector<Value> flags;
  Value yes = number(b.getBoolAttr(true)), no = number(b.getBoolAttr(false));
  for (bool is : inside)
    flags.push_back(is ? yes : no);
  Value zero = number(b.getZeroAttr(tensorOf(pack).getElementType()));
  Value flag = ode::PackOp::create(b, loc, flags.front().getType(), flags);
  ++made;
  return SelectOp::create(b, loc, pack.getType(), flag, pack, zero);
}

Packs::Leaves Packs::packed(ArrayRef<Value> elements, RankedTensorType type, int axis) {
  SmallVector<int64_t> rest = restOf(type, axis), position(rest.size(), 0);
  Leaves leaves;
  do {
    Leaves lanes;
    for (int64_t l = 0; l < extent; ++l) {
      position[size_t(axis)] = l;
      lanes.push_back(elements[size_t(placeIn(position, type.getShape()))]);
    }
    position[size_t(axis)] = 0;
    leaves.push_back(pack(lanes));
  } while (next(position, rest));
  return leaves;
}

Packs::Leaves Packs::elements(ArrayRef<Value> leaves, RankedTensorType type, int axis) {
  SmallVector<int64_t> rest = restOf(type, axis), position(size_t(type.getRank()), 0);
  Leaves all;
  do {
    SmallVector<int64_t> at = position;
    at[size_t(axis)] = 0;
    SmallVector<int64_t> lanes(size_t(width), position[size_t(axis)]);
    all.push_back(shuffled(leaves[size_t(placeIn(at, rest))], lanes));
  } while (next(position, type.getShape()));
  return all;
}

/// Halves are joined until one lane has all.
Value Packs::across(Operation *like, ReduceKind kind, Value pack) {
  if (extent < width && (kind == ReduceKind::sum || kind == ReduceKind::prod)) {
    if (kind == ReduceKind::prod)
      return {};
    SmallVector<bool> inside(size_t(extent), true);
    inside.resize(size_t(width), false);
    pack = only(pack, inside);
  }
  for (int64_t half = width / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> lanes;
    for (int64_t i = 0; i < width; ++i)
      lanes.push_back((i + half) % width);
    Value other = ode::ShuffleOp::create(b, loc, pack.getType(), pack, lanes);
    pack = joinedTerms(b, like, kind, pack, other);
    made += 2;
    if (!pack)
      return {};
  }
  return ode::ShuffleOp::create(b, loc, pack.getType(), pack,
                                SmallVector<int64_t>(size_t(width), 0));
}

//===----------------------------------------------------------------------===//
// What is asked for
//===----------------------------------------------------------------------===//

std::optional<Packs::Leaves> Packs::get(Value tensor, int axis) {
  if (auto found = known.find({tensor, axis}); found != known.end())
    return found->second;
  if (unknown.contains({tensor, axis}))
    return std::nullopt;
  Form leaves = find(tensor, axis);
  if (!leaves)
    unknown.insert({tensor, axis});
  return leaves;
}

Packs::Form Packs::find(Value tensor, int axis) {
  RankedTensorType type = tensorOf(tensor);
  auto remembered = [&](Leaves leaves) {
    set(tensor, axis, leaves);
    return leaves;
  };
  if (axis == none) {
    // Along an axis it is computed once for all lanes.
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (auto found = known.find({tensor, int(d)}); found != known.end())
        return remembered(elements(Leaves(found->second), type, int(d)));
    int first = axisOf(type);
    if (Form leaves = first == none || !tensor.getDefiningOp() ? Form() : compute(tensor, first)) {
      set(tensor, first, *leaves);
      return remembered(elements(*leaves, type, first));
    }
  }
  if (Form leaves = tensor.getDefiningOp() ? compute(tensor, axis) : Form())
    return remembered(*leaves);
  if (axis == none)
    return std::nullopt;
  if (Form all = get(tensor, none))
    return remembered(packed(*all, type, axis));
  return std::nullopt;
}

Packs::Form Packs::compute(Value tensor, int axis) {
  Operation &op = *tensor.getDefiningOp();
  if (op.getNumRegions() || !llvm::all_of(op.getResultTypes(), isSmall) ||
      !llvm::all_of(op.getOperandTypes(), isSmall) || elementsOf(tensorOf(tensor).getShape()) == 0)
    return std::nullopt;
  if (auto constantOp = dyn_cast<ConstantOp>(op))
    return constant(constantOp, axis);
  if (auto iotaOp = dyn_cast<IotaOp>(op))
    return iota(iotaOp, axis);
  if (auto viewOp = dyn_cast<ViewOp>(op))
    return view(viewOp, axis);
  if (auto concatOp = dyn_cast<ConcatOp>(op))
    return concat(concatOp, axis);
  if (auto reshapeOp = dyn_cast<ReshapeOp>(op))
    return reshape(reshapeOp, axis);
  if (auto reduceOp = dyn_cast<ReduceOp>(op))
    return reduce(reduceOp, axis);
  if (auto contractOp = dyn_cast<ContractOp>(op))
    return contract(contractOp, axis);
  return isa<ElementwiseOpInterface>(op) ? elementwise(op, axis) : Form();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Packs::Form Packs::constant(ConstantOp op, int axis) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return std::nullopt;
  Leaves all;
  for (Attribute value : dense.getValues<Attribute>())
    all.push_back(dense.isSplat() && !all.empty() ? all.front() : number(value));
  return axis == none ? all : packed(all, tensorOf(op), axis);
}

Packs::Form Packs::iota(IotaOp op, int axis) {
  ArrayRef<int64_t> shape = tensorOf(op).getShape();
  Leaves numbers, all;
  for (int64_t i = 0; i < shape[op.getAxis()]; ++i)
    numbers.push_back(number(b.getI64IntegerAttr(i)));
  SmallVector<int64_t> position(shape.size(), 0);
  do
    all.push_back(numbers[size_t(position[op.getAxis()])]);
  while (next(position, shape));
  return axis == none ? all : packed(all, tensorOf(op), axis);
}

Packs::Form Packs::elementwise(Operation &op, int axis) {
  RankedTensorType type = tensorOf(op.getResult(0));
  SmallVector<Leaves> operands;
  for (Value operand : op.getOperands()) {
    Form leaves = get(operand, axis);
    if (!leaves)
      return std::nullopt;
    operands.push_back(*leaves);
  }
  Leaves result;
  for (int64_t i = 0; i < elementsOf(restOf(type, axis)); ++i) {
    OperationState state(loc, op.getName());
    for (const Leaves &operand : operands)
      state.addOperands(operand[size_t(i)]);
    state.addTypes(RankedTensorType::get({}, type.getElementType()));
    state.addAttributes(op.getAttrs());
    result.push_back(b.create(state)->getResult(0));
    made += !llvm::all_of(state.operands, [](Value v) { return v.getDefiningOp<ConstantOp>(); });
  }
  return result;
}

Packs::Form Packs::view(ViewOp op, int axis) {
  if (!op.getScalars().empty() || op.getBoundary() == Boundary::checked)
    return std::nullopt;
  RankedTensorType type = tensorOf(op), from = tensorOf(op.getSource());
  SmallVector<SmallVector<int64_t>> forms;
  for (AffineExpr coordinate : op.getMap().getResults()) {
    auto form = linearForm(coordinate, type.getRank(), 0);
    if (!form)
      return std::nullopt;
    forms.emplace_back(form->begin(), form->end());
  }
  // The dimension of the source that goes along with the lanes, or none.
  int along = none;
  for (auto [k, form] : llvm::enumerate(forms))
    if (axis != none && form[size_t(axis)] != 0) {
      if (along != none || from.getDimSize(int64_t(k)) != extent)
        return std::nullopt;
      along = int(k);
    }
  Form source = get(op.getSource(), along);
  if (!source)
    return std::nullopt;
  Value zero;
  SmallVector<int64_t> rest = restOf(type, axis), position(rest.size(), 0);
  SmallVector<int64_t> restOfSource = restOf(from, along);
  Leaves result;
  do {
    SmallVector<int64_t> lanes;
    SmallVector<bool> inside;
    int64_t leaf = -1;
    for (int64_t l = 0; l < (axis == none ? 1 : extent); ++l) {
      SmallVector<int64_t> at = position;
      if (axis != none)
        at[size_t(axis)] = l;
      auto place = sourceOf(forms, at, op.getBoundary(), from.getShape());
      if (!place && op.getBoundary() != Boundary::zero)
        return std::nullopt;
      inside.push_back(place.has_value());
      lanes.push_back(place && along != none ? (*place)[size_t(along)] : 0);
      if (!place)
        continue;
      if (along != none)
        (*place)[size_t(along)] = 0;
      leaf = placeIn(*place, restOfSource);
    }
    if (leaf < 0) {
      zero = zero ? zero : number(b.getZeroAttr(type.getElementType()));
      result.push_back(zero);
      continue;
    }
    Value value = (*source)[size_t(leaf)];
    if (along != none)
      value = shuffled(value, lanes);
    bool isWhole = !llvm::is_contained(inside, false);
    inside.resize(axis == none ? 1 : size_t(width), inside.back());
    result.push_back(isWhole ? value : only(value, inside));
  } while (next(position, rest));
  return result;
}

Packs::Form Packs::concat(ConcatOp op, int axis) {
  auto along = int64_t(op.getAxis());
  if (axis == along)
    return std::nullopt;
  RankedTensorType type = tensorOf(op);
  int64_t outer = 1;
  for (int64_t d = 0; d < along; ++d)
    outer *= restOf(type, axis)[size_t(d)];
  SmallVector<Leaves> parts;
  for (Value part : op.getParts()) {
    Form leaves = get(part, axis);
    if (!leaves)
      return std::nullopt;
    parts.push_back(*leaves);
  }
  Leaves result;
  for (int64_t i = 0; i < outer; ++i)
    for (const Leaves &part : parts) {
      int64_t size = int64_t(part.size()) / outer;
      result.append(part.begin() + i * size, part.begin() + (i + 1) * size);
    }
  return result;
}

/// A dimension in lanes must stay one.
Packs::Form Packs::reshape(ReshapeOp op, int axis) {
  if (axis == none)
    return get(op.getSource(), none);
  RankedTensorType type = tensorOf(op), from = tensorOf(op.getSource());
  int64_t stride = rowMajorStrides(type.getShape())[axis];
  for (auto [s, other] : llvm::enumerate(rowMajorStrides(from.getShape())))
    // Equal strides and extents: what is in front and behind has as many elements, too.
    if (other == stride && from.getDimSize(int64_t(s)) == extent)
      return get(op.getSource(), int(s));
  return std::nullopt;
}

Packs::Form Packs::reduce(ReduceOp op, int axis) {
  RankedTensorType from = tensorOf(op.getSource()), type = tensorOf(op);
  // Narrow floats have wide sums, strict ones too.
  bool wide = type.getElementType().isF16() || type.getElementType().isBF16();
  if (wide || op->hasAttr("mad.fp") || from.getNumElements() == 0)
    return std::nullopt;
  // The dimension in lanes, of those that stay or of those that go.
  int along = none, kept = 0;
  bool goes = false;
  for (int64_t d = 0; d < from.getRank(); ++d) {
    bool reduced = llvm::is_contained(op.getDims(), d);
    if (axis == none ? reduced && along == none && from.getDimSize(d) == extent
                     : !reduced && kept == axis)
      along = int(d), goes = reduced;
    kept += !reduced;
  }
  Form source = get(op.getSource(), along);
  if (!source)
    return std::nullopt;
  SmallVector<int64_t> rest = restOf(from, along), position(rest.size(), 0),
                       restOfResult = restOf(type, axis);
  Leaves result(size_t(elementsOf(restOfResult)));
  size_t i = 0;
  do {
    SmallVector<int64_t> at;
    for (int64_t d = 0; d < from.getRank(); ++d)
      if (!llvm::is_contained(op.getDims(), d))
        at.push_back(position[size_t(d)]);
    Value &value = result[size_t(placeIn(at, restOfResult))], term = (*source)[i++];
    value = value ? joinedTerms(b, op, op.getKind(), value, term) : term;
    ++made;
    if (!value)
      return std::nullopt;
  } while (next(position, rest));
  for (Value &value : result)
    if (goes && !(value = across(op, op.getKind(), value)))
      return std::nullopt;
  return result;
}

Packs::Form Packs::contract(ContractOp op, int axis) {
  RankedTensorType lhs = tensorOf(op.getLhs()), rhs = tensorOf(op.getRhs()), type = tensorOf(op);
  if (op->hasAttr("mad.fp") || type.getElementType().isF16() || type.getElementType().isBF16())
    return std::nullopt;
  unsigned dims = op.getLhsMap().getNumDims();
  SmallVector<int64_t> space(dims, 1), position(dims, 0);
  auto dimOf = [](AffineMap map, unsigned i) {
    return cast<AffineDimExpr>(map.getResult(i)).getPosition();
  };
  auto axisIn = [&](AffineMap map, int dim) {
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (int(dimOf(map, i)) == dim)
        return int(i);
    return none;
  };
  auto extents = [&](AffineMap map, RankedTensorType of) {
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      space[dimOf(map, i)] = of.getDimSize(i);
  };
  extents(op.getLhsMap(), lhs);
  extents(op.getRhsMap(), rhs);
  // The dimension in lanes: the first ones are those of the result.
  int lane = axis;
  for (auto d = unsigned(type.getRank()); d < dims && lane == none; ++d)
    lane = space[d] == extent ? int(d) : none;
  int inLhs = axisIn(op.getLhsMap(), lane), inRhs = axisIn(op.getRhsMap(), lane);
  Form left = get(op.getLhs(), inLhs), right = get(op.getRhs(), inRhs);
  if (!left || !right)
    return std::nullopt;
  if (lane != none)
    space[size_t(lane)] = 1;
  if (elementsOf(space) == 0 || elementsOf(space) > maxWritten)
    return std::nullopt;
  auto leafOf = [&](AffineMap map, RankedTensorType of, int along) {
    SmallVector<int64_t> at;
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      at.push_back(position[dimOf(map, i)]);
    return size_t(placeIn(at, restOf(of, along)));
  };
  SmallVector<int64_t> restOfResult = restOf(type, axis);
  Leaves result(size_t(elementsOf(restOfResult)));
  do {
    Value x = (*left)[leafOf(op.getLhsMap(), lhs, inLhs)];
    Value y = (*right)[leafOf(op.getRhsMap(), rhs, inRhs)];
    Value product = MulOp::create(b, loc, x.getType(), x, y);
    Value &value =
        result[size_t(placeIn(ArrayRef(position).take_front(type.getRank()), restOfResult))];
    value = value ? joinedTerms(b, op, ReduceKind::sum, value, product) : product;
    made += 2;
  } while (next(position, space));
  for (Value &value : result)
    if (lane != axis && !(value = across(op, ReduceKind::sum, value)))
      return std::nullopt;
  return result;
}

} // namespace mad
