//===- MadOps.cpp - What makes an op well formed ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types and ranks that stand in the op definitions are checked there.
// Sizes are polynomials: only what is certainly wrong is an error here, since a
// check of the entry may say that two different polynomials are equal.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadOps.cpp.inc"

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

LogicalResult mad::verifySizes(Operation *op) {
  auto verify = [&](Value value, const Twine &what) -> LogicalResult {
    RankedTensorType type = tensorTypeOf(value);
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!dimExpr(type, dim).valid())
        return op->emitOpError() << "dimension " << dim << " of " << what
                                 << " is dynamic without a text in #mad.dims";
    return success();
  };
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (failed(verify(operand, "operand " + Twine(i))))
      return failure();
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    if (failed(verify(result, "result " + Twine(i))))
      return failure();
  return success();
}

LogicalResult mad::verifySameElement(Operation *op, Value a, const Twine &what, Value b,
                                     const Twine &other) {
  Type left = tensorTypeOf(a).getElementType(), right = tensorTypeOf(b).getElementType();
  if (left == right)
    return success();
  return op->emitOpError() << what << " has elements of type " << left << ", " << other << " of "
                           << right;
}

bool mad::differ(const DimExpr &a, const DimExpr &b) {
  std::optional<int64_t> difference = (a - b).constant();
  return difference && *difference != 0;
}

LogicalResult mad::verifyDimension(Operation *op, StringRef text, StringRef what) {
  std::optional<DimExpr> parsed = DimExpr::parse(text);
  if (!parsed || !parsed->valid())
    return op->emitOpError() << "cannot read the " << what << " \"" << text << "\" as a dimension";
  return success();
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::verify() {
  if (!isa<DenseElementsAttr>(getValue()))
    return emitOpError("needs dense elements");
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto source = symbols.lookupNearestSymbolFrom<WeightSourceOp>(*this, getSourceAttr());
  if (!source)
    return emitOpError() << getSourceAttr() << " is not a mad.weight_source";
  auto declared = dyn_cast<RankedTensorType>(source.getType());
  if (declared && declared.getElementType() == tensorTypeOf(getResult()).getElementType() &&
      sameShape(declared, tensorTypeOf(getResult())))
    return success();
  InFlightDiagnostic error = emitOpError() << "has type " << getResult().getType() << ", but "
                                           << getSourceAttr() << " holds " << source.getType();
  error.attachNote(source.getLoc()) << getSourceAttr() << " is declared here";
  return error;
}

LogicalResult WeightSourceOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError() << "needs a static tensor type, but has " << getType();
  Type element = type.getElementType();
  bool isFloat = isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element);
  bool isInteger = element.isSignlessInteger(1) || element.isSignlessInteger(8) ||
                   element.isSignlessInteger(32) || element.isSignlessInteger(64) ||
                   element.isUnsignedInteger(8);
  if (!isFloat && !isInteger)
    return emitOpError() << "cannot hold elements of type " << element
                         << ", expected f16, bf16, f32, f64, i8, ui8, i32, i64 or i1";
  int64_t rank = type.getRank();
  // `layers`: the leading dimension is read from as many entries, whose names have the
  // number of each in the place of `{i}`.
  if (auto layers = (*this)->getAttrOfType<IntegerAttr>("layers")) {
    if (rank == 0 || type.getDimSize(0) != layers.getInt())
      return emitOpError() << "has " << layers.getInt() << " layers, but type " << type;
    if (!getEntry().contains("{i}"))
      return emitOpError("has layers, but its entry does not hold `{i}`");
    --rank;
  }
  if (getTransposed() && rank != 2)
    return emitOpError() << "is transposed, which needs two dimensions, but has " << rank;
  return success();
}

LogicalResult DimOp::verify() { return verifyDimension(*this, getExpression(), "expression"); }

LogicalResult IotaOp::verify() {
  int64_t rank = tensorTypeOf(getResult()).getRank();
  if (getAxis() >= static_cast<uint64_t>(rank))
    return emitOpError() << "axis " << static_cast<int64_t>(getAxis())
                         << " is not a dimension of the result, which has " << rank;
  return verifySizes(*this);
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

std::optional<SmallVector<int64_t>> mad::linearForm(AffineExpr expression, unsigned dims,
                                                    unsigned symbols) {
  SmallVector<int64_t> form(dims + symbols + 1, 0);
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    form[dim.getPosition()] = 1;
    return form;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression)) {
    form[dims + symbol.getPosition()] = 1;
    return form;
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    form.back() = constant.getValue();
    return form;
  }
  auto binary = cast<AffineBinaryOpExpr>(expression);
  auto left = linearForm(binary.getLHS(), dims, symbols);
  auto right = linearForm(binary.getRHS(), dims, symbols);
  if (!left || !right)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add) {
    for (auto [sum, l, r] : llvm::zip_equal(form, *left, *right))
      if (llvm::AddOverflow(l, r, sum))
        return std::nullopt;
    return form;
  }
  // Constants are simplified to the right of a product.
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getKind() != AffineExprKind::Mul || !factor)
    return std::nullopt;
  for (auto [product, l] : llvm::zip_equal(form, *left))
    if (llvm::MulOverflow(l, factor.getValue(), product))
      return std::nullopt;
  return form;
}

/// Where nothing is dynamic, `inside` can be proved again.
static LogicalResult verifyInside(ViewOp view) {
  RankedTensorType source = tensorTypeOf(view.getSource()), result = tensorTypeOf(view.getResult());
  if (!source.hasStaticShape() || !result.hasStaticShape() || !view.getScalars().empty() ||
      result.getNumElements() == 0)
    return success();
  for (auto [dim, coordinate] : llvm::enumerate(view.getMap().getResults())) {
    SmallVector<int64_t> flat = *linearForm(coordinate, result.getRank(), 0);
    int64_t low = flat.back(), high = flat.back();
    for (int64_t d = 0; d < result.getRank(); ++d)
      (flat[d] < 0 ? low : high) += flat[d] * (result.getDimSize(d) - 1);
    if (low < 0 || high >= source.getDimSize(dim))
      return view.emitOpError() << "reads [" << low << ", " << high << "] along dimension " << dim
                                << " of extent " << source.getDimSize(dim)
                                << ", so it is not `inside`";
  }
  return success();
}

LogicalResult ViewOp::verify() {
  AffineMap map = getMap();
  RankedTensorType source = tensorTypeOf(getSource()), result = tensorTypeOf(getResult());
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getSource(), "source", getResult(), "the result")))
    return failure();
  if (map.getNumDims() != static_cast<unsigned>(result.getRank()))
    return emitOpError() << "map takes " << map.getNumDims() << " dimensions, but the result has "
                         << result.getRank();
  if (map.getNumSymbols() != getScalars().size())
    return emitOpError() << "map takes " << map.getNumSymbols() << " symbols, but there are "
                         << getScalars().size() << " scalars";
  if (map.getNumResults() != static_cast<unsigned>(source.getRank()))
    return emitOpError() << "map gives " << map.getNumResults()
                         << " coordinates, but the source has " << source.getRank()
                         << " dimensions";
  for (auto [dim, coordinate] : llvm::enumerate(map.getResults()))
    if (!linearForm(coordinate, map.getNumDims(), map.getNumSymbols()))
      return emitOpError() << "coordinate " << dim
                           << " of the map must be a sum of dimensions and scalars times constants";
  return getBoundary() == Boundary::inside ? verifyInside(*this) : success();
}

Speculation::Speculatability ViewOp::getSpeculatability() {
  return getBoundary() == Boundary::checked ? Speculation::NotSpeculatable
                                            : Speculation::Speculatable;
}

LogicalResult GatherOp::verify() {
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getSource(), "source", getResult(), "the result")))
    return failure();
  int64_t rank = tensorTypeOf(getSource()).getRank();
  if (static_cast<int64_t>(getIndices().size()) != rank)
    return emitOpError() << "needs one index tensor a dimension of the source, which has " << rank
                         << ", but has " << getIndices().size();
  for (auto [i, index] : llvm::enumerate(getIndices()))
    if (!shapesMayAgree(tensorTypeOf(index), tensorTypeOf(getResult())))
      return emitOpError() << "index " << i << " has shape " << shapeText(tensorTypeOf(index))
                           << ", the result " << shapeText(tensorTypeOf(getResult()));
  return success();
}

static DimExpr elementCount(RankedTensorType type) {
  DimExpr count(1);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    count = count * dimExpr(type, dim);
  return count;
}

LogicalResult ReshapeOp::verify() {
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getSource(), "source", getResult(), "the result")))
    return failure();
  DimExpr from = elementCount(tensorTypeOf(getSource())),
          to = elementCount(tensorTypeOf(getResult()));
  if (differ(from, to))
    return emitOpError() << "source has " << from.str() << " elements, the result " << to.str();
  return success();
}

LogicalResult ConcatOp::verify() {
  if (failed(verifySizes(*this)))
    return failure();
  RankedTensorType result = tensorTypeOf(getResult());
  int64_t rank = result.getRank(), axis = static_cast<int64_t>(getAxis());
  if (getParts().empty())
    return emitOpError("needs at least one part");
  if (axis < 0 || axis >= rank)
    return emitOpError() << "axis " << axis << " is not a dimension of the result, which has "
                         << rank;
  DimExpr sum;
  for (auto [i, part] : llvm::enumerate(getParts())) {
    if (failed(verifySameElement(*this, part, "part " + Twine(i), getResult(), "the result")))
      return failure();
    if (tensorTypeOf(part).getRank() != rank)
      return emitOpError() << "part " << i << " has " << tensorTypeOf(part).getRank()
                           << " dimensions, the result " << rank;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != axis && differ(dimExpr(tensorTypeOf(part), dim), dimExpr(result, dim)))
        return emitOpError() << "part " << i << " has " << dimExpr(tensorTypeOf(part), dim).str()
                             << " along dimension " << dim << ", the result "
                             << dimExpr(result, dim).str();
    sum = sum + dimExpr(tensorTypeOf(part), axis);
  }
  if (differ(sum, dimExpr(result, axis)))
    return emitOpError() << "parts have " << sum.str() << " along the axis in all, the result "
                         << dimExpr(result, axis).str();
  return success();
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

LogicalResult mad::verifyElementwise(Operation *op) {
  if (failed(verifySizes(op)))
    return failure();
  Value result = op->getResult(0);
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (!shapesMayAgree(tensorTypeOf(operand), tensorTypeOf(result)))
      return op->emitOpError() << "operand " << i << " has shape "
                               << shapeText(tensorTypeOf(operand)) << ", the result "
                               << shapeText(tensorTypeOf(result)) << "; mad.view broadcasts";
  if (auto compare = dyn_cast<CompareOp>(op))
    return verifySameElement(op, compare.getLhs(), "operand 0", compare.getRhs(), "operand 1");
  if (auto select = dyn_cast<SelectOp>(op)) {
    if (failed(verifySameElement(op, select.getThen(), "operand 1", result, "the result")))
      return failure();
    return verifySameElement(op, select.getOtherwise(), "operand 2", result, "the result");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static LogicalResult verifyReduceElement(ReduceOp op) {
  ReduceKind kind = op.getKind();
  Type element = tensorTypeOf(op.getSource()).getElementType();
  bool logical = kind == ReduceKind::all || kind == ReduceKind::any;
  if (logical != element.isInteger(1))
    return op.emitOpError() << stringifyReduceKind(kind) << " takes "
                            << (logical ? "i1" : "numbers") << ", but the source has elements of "
                            << "type " << element;
  if (kind != ReduceKind::argmax)
    return verifySameElement(op, op.getSource(), "source", op.getResult(), "the result");
  if (op.getDims().size() != 1)
    return op.emitOpError() << "argmax takes one dimension, but got " << op.getDims().size();
  if (!tensorTypeOf(op.getResult()).getElementType().isInteger(64))
    return op.emitOpError("argmax gives i64");
  return success();
}

LogicalResult ReduceOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyReduceElement(*this)))
    return failure();
  RankedTensorType source = tensorTypeOf(getSource()), result = tensorTypeOf(getResult());
  int64_t previous = -1;
  for (int64_t dim : getDims()) {
    if (dim < 0 || dim >= source.getRank())
      return emitOpError() << "dimension " << dim << " is not one of the source, which has "
                           << source.getRank();
    if (dim <= previous)
      return emitOpError("dimensions must ascend");
    previous = dim;
  }
  SmallVector<DimExpr> kept;
  for (int64_t dim = 0; dim < source.getRank(); ++dim)
    if (!llvm::is_contained(getDims(), dim))
      kept.push_back(dimExpr(source, dim));
  RankedTensorType expected = tensorType(kept, {}, result.getElementType());
  if (!shapesMayAgree(expected, result))
    return emitOpError() << "keeps " << shapeText(expected) << ", but the result has "
                         << shapeText(result);
  return success();
}

/// Records the extents that an operand gives to the iteration space.
static LogicalResult verifyContractMap(ContractOp op, AffineMap map, Value operand, StringRef side,
                                       SmallVectorImpl<std::optional<DimExpr>> &extents,
                                       llvm::SmallBitVector &used) {
  RankedTensorType type = tensorTypeOf(operand);
  if (map.getNumSymbols() != 0)
    return op.emitOpError() << "map of the " << side << " operand must have no symbols";
  if (map.getNumResults() != static_cast<unsigned>(type.getRank()))
    return op.emitOpError() << "map of the " << side << " operand gives " << map.getNumResults()
                            << " coordinates, but the operand has " << type.getRank()
                            << " dimensions";
  llvm::SmallBitVector seen(extents.size());
  for (auto [dim, coordinate] : llvm::enumerate(map.getResults())) {
    auto plain = dyn_cast<AffineDimExpr>(coordinate);
    if (!plain)
      return op.emitOpError() << "coordinate " << dim << " of the " << side
                              << " operand must be a plain dimension";
    unsigned position = plain.getPosition();
    if (seen.test(position))
      return op.emitOpError() << "dimension d" << position << " occurs twice in the map of the "
                              << side << " operand";
    seen.set(position);
    DimExpr size = dimExpr(type, dim);
    if (extents[position] && differ(*extents[position], size))
      return op.emitOpError() << "dimension d" << position << " is " << extents[position]->str()
                              << ", but " << size.str() << " in the " << side << " operand";
    if (!extents[position])
      extents[position] = size;
  }
  used |= seen;
  return success();
}

LogicalResult ContractOp::verify() {
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getLhs(), "left operand", getRhs(), "right operand")) ||
      failed(verifySameElement(*this, getLhs(), "left operand", getResult(), "the result")))
    return failure();
  RankedTensorType result = tensorTypeOf(getResult());
  unsigned space = getLhsMap().getNumDims();
  if (getRhsMap().getNumDims() != space)
    return emitOpError() << "maps take " << space << " and " << getRhsMap().getNumDims()
                         << " dimensions, expected the same number";
  if (space < static_cast<unsigned>(result.getRank()))
    return emitOpError() << "maps take " << space << " dimensions, fewer than the result has";
  SmallVector<std::optional<DimExpr>> extents(space);
  for (int64_t dim = 0; dim < result.getRank(); ++dim)
    extents[dim] = dimExpr(result, dim);
  llvm::SmallBitVector used(space);
  if (failed(verifyContractMap(*this, getLhsMap(), getLhs(), "left", extents, used)) ||
      failed(verifyContractMap(*this, getRhsMap(), getRhs(), "right", extents, used)))
    return failure();
  for (unsigned dim = 0; dim < space; ++dim)
    if (!used.test(dim))
      return emitOpError() << "dimension d" << dim << " is in neither operand";
  return success();
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

LogicalResult mad::verifyValues(Operation *op, TypeRange found, TypeRange expected,
                                StringRef what) {
  if (found.size() != expected.size())
    return op->emitOpError() << what << ": found " << found.size() << " values, expected "
                             << expected.size();
  for (auto [i, left, right] : llvm::enumerate(found, expected)) {
    // Ops of a region are verified after the op that holds it.
    auto a = dyn_cast<RankedTensorType>(left);
    auto b = cast<RankedTensorType>(right);
    if (!a || a.getElementType() != b.getElementType() || !shapesMayAgree(a, b))
      return op->emitOpError() << "value " << i << " of " << what << " has type " << left
                               << ", expected " << right;
  }
  return success();
}

LogicalResult IfOp::verify() {
  if (failed(verifySizes(*this)))
    return failure();
  for (auto [region, name] : {std::pair(&getThenRegion(), "the first region"),
                              std::pair(&getElseRegion(), "the second region")}) {
    if (region->getNumArguments() != 0)
      return emitOpError() << name << " must have no arguments";
    if (failed(verifyValues(*this, region->front().getTerminator()->getOperandTypes(),
                            getResultTypes(), name)))
      return failure();
  }
  return success();
}

/// What the region yields beyond the carried values, stacked along a new leading
/// dimension of one element a step.
static LogicalResult verifyCollected(ScanOp op) {
  size_t carried = op.getInitial().size();
  Operation *yield = op.getBody().front().getTerminator();
  if (op.getNumResults() < carried || yield->getNumOperands() != op.getNumResults())
    return op.emitOpError() << "has " << op.getNumResults() << " results and yields "
                            << yield->getNumOperands() << " values, expected at least the "
                            << carried << " carried ones in both";
  DimExpr steps = *DimExpr::parse(op.getHigh()) - *DimExpr::parse(op.getLow());
  for (size_t i = carried; i < op.getNumResults(); ++i) {
    auto part = dyn_cast<RankedTensorType>(yield->getOperand(i).getType());
    RankedTensorType all = tensorTypeOf(op.getResult(i));
    SmallVector<DimExpr> sizes = {steps};
    for (int64_t d = 0; part && d < part.getRank(); ++d)
      sizes.push_back(dimExpr(part, d));
    if (!part || part.getElementType() != all.getElementType() ||
        !shapesMayAgree(tensorType(sizes, {}, all.getElementType()), all))
      return op.emitOpError() << "result " << i << " has type " << all << ", but collects "
                              << yield->getOperand(i).getType() << " in " << steps.str()
                              << " steps";
  }
  return success();
}

LogicalResult ScanOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyDimension(*this, getLow(), "lower bound")) ||
      failed(verifyDimension(*this, getHigh(), "upper bound")))
    return failure();
  SmallVector<Type> arguments = {RankedTensorType::get({}, IntegerType::get(getContext(), 64))};
  llvm::append_range(arguments, getInitial().getTypes());
  if (failed(verifyValues(*this, getBody().getArgumentTypes(), arguments,
                          "the arguments of the body")) ||
      failed(verifyCollected(*this)))
    return failure();
  size_t carried = getInitial().size();
  TypeRange yielded = getBody().front().getTerminator()->getOperandTypes();
  if (failed(verifyValues(*this, yielded.take_front(carried), getInitial().getTypes(), "the body")))
    return failure();
  return verifyValues(*this, TypeRange(getResultTypes()).take_front(carried),
                      getInitial().getTypes(), "the op");
}
