//===- SparseTangents.cpp - Jacobians entry by entry ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward mode on the sets of Dependences: an elementwise op is differentiated on lines of its
// operands and their entries, one place for each entry of the result, by what its dialect says.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/SparseTangents.h"
#include "dialects/Mad/Derivatives/Dependences.h"
#include "dialects/Mad/IR/DerivativeInterface.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include <algorithm>

using namespace mlir;

namespace mad {
namespace {

using Positions = std::vector<int64_t>;

class SparseTangents : public Dependences {
public:
  SparseTangents(OpBuilder &b, Location loc) : b(b), loc(loc) {}
  bool build(Block &block, ValueRange values, ArrayRef<unsigned> by, EntryJacobian &result);

private:
  /// The entries of a value that varies: of element e those from starts[e] to starts[e + 1].
  struct Entries {
    std::shared_ptr<const Sets> sets;
    Positions starts;
    Value line;
    int64_t count() const { return starts.back(); }
  };

  const Entries *entriesOf(Value value) const {
    auto found = entries.find(value);
    return found == entries.end() ? nullptr : &found->second;
  }
  Entries &place(Value value);
  bool op(Operation *op, EntryJacobian &result);
  bool move(Operation *op);
  bool elementwise(Operation *op);
  bool sum(ReduceOp op);

  RankedTensorType lineType(Value like, int64_t size) {
    return RankedTensorType::get({size}, tensorTypeOf(like).getElementType());
  }
  Value constant(RankedTensorType type, ArrayRef<double> numbers);
  Value positions(ArrayRef<int64_t> numbers);
  Value flat(Value value);
  Value taken(Value line, ArrayRef<int64_t> from);

  OpBuilder &b;
  Location loc;
  IRMapping mapping;
  llvm::DenseMap<Value, Entries> entries; ///< by the original
  int64_t steps = 0;
};

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

Value SparseTangents::constant(RankedTensorType type, ArrayRef<double> numbers) {
  if (type.getElementType().isF64())
    return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, numbers));
  SmallVector<Attribute> all;
  for (double number : numbers)
    all.push_back(b.getFloatAttr(type.getElementType(), number));
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, all));
}

Value SparseTangents::positions(ArrayRef<int64_t> numbers) {
  auto type = RankedTensorType::get({int64_t(numbers.size())}, b.getI64Type());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, numbers));
}

Value SparseTangents::flat(Value value) {
  auto type = RankedTensorType::get({tensorTypeOf(value).getNumElements()},
                                    tensorTypeOf(value).getElementType());
  return value.getType() == type ? value : Value(ReshapeOp::create(b, loc, type, value));
}

/// Numbers of a line; -1 gives 0. Those of constants are constants.
Value SparseTangents::taken(Value line, ArrayRef<int64_t> from) {
  const auto size = int64_t(from.size());
  const int64_t own = tensorTypeOf(line).getNumElements();
  if (size == own && llvm::all_of(llvm::enumerate(from),
                                  [](auto at) { return at.value() == int64_t(at.index()); }))
    return line;
  RankedTensorType type = lineType(line, size);
  const bool outside = llvm::is_contained(from, -1);
  auto made = line.getDefiningOp<ConstantOp>();
  auto dense = made ? dyn_cast<DenseElementsAttr>(made.getValue()) : DenseElementsAttr();
  if (dense && dense.isSplat() && !outside)
    return ConstantOp::create(b, loc, type, dense.resizeSplat(type));
  if (dense && isa<FloatType>(type.getElementType())) {
    auto numbers = dense.getValues<APFloat>();
    std::vector<double> all;
    for (int64_t at : from)
      all.push_back(at < 0 ? 0 : numbers[at].convertToDouble());
    return constant(type, all);
  }
  steps += size;
  if (!outside)
    return GatherOp::create(b, loc, type, line, ValueRange{positions(from)});
  // A zero behind all others.
  Value zero = filled(b, loc, 0, lineType(line, 1));
  Value longer = ConcatOp::create(b, loc, lineType(line, own + 1), ValueRange{line, zero}, 0);
  Positions known(from);
  std::replace(known.begin(), known.end(), int64_t(-1), own);
  return GatherOp::create(b, loc, type, longer, ValueRange{positions(known)});
}

/// Places for the entries of a value that varies.
SparseTangents::Entries &SparseTangents::place(Value value) {
  Entries &own = entries[value];
  own.sets = sets.lookup(value);
  own.starts = {0};
  for (const Columns &columns : *own.sets)
    own.starts.push_back(own.starts.back() + (columns ? int64_t(columns->size()) : 0));
  return own;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Entries go with their elements.
bool SparseTangents::move(Operation *op) {
  auto from = origins(op);
  if (!from)
    return false;
  // Of each element of all operands that may be moved its first entry among those of all, or -1.
  SmallVector<Value> parts;
  Positions first{-1};
  int64_t before = 0;
  Type element = tensorTypeOf(op->getResult(0)).getElementType();
  for (Value operand : op->getOperands()) {
    if (tensorTypeOf(operand).getElementType() != element)
      continue;
    const Entries *own = entriesOf(operand);
    for (int64_t e = 0; e < tensorTypeOf(operand).getNumElements(); ++e)
      first.push_back(own ? before + own->starts[size_t(e)] : -1);
    if (own) {
      parts.push_back(own->line);
      before += own->count();
    }
  }
  Entries &result = place(op->getResult(0));
  Positions wanted;
  for (size_t e = 0; e < from->size(); ++e)
    for (int64_t i = 0; i < result.starts[e + 1] - result.starts[e]; ++i)
      wanted.push_back(first[size_t((*from)[e])] + i);
  Value all = parts.size() == 1
                  ? parts[0]
                  : Value(ConcatOp::create(b, loc, lineType(parts[0], before), parts, 0));
  result.line = taken(all, wanted);
  return true;
}

bool SparseTangents::elementwise(Operation *op) {
  Entries &result = place(op->getResult(0));
  Positions elements;
  for (size_t e = 0; e + 1 < result.starts.size(); ++e)
    elements.insert(elements.end(), size_t(result.starts[e + 1] - result.starts[e]), int64_t(e));
  OperationState state(op->getLoc(), op->getName());
  SmallVector<Value> tangents;
  for (Value operand : op->getOperands()) {
    state.addOperands(taken(flat(mapping.lookup(operand)), elements));
    const Entries *own = entriesOf(operand);
    if (!own) {
      tangents.push_back(Value());
      continue;
    }
    Positions wanted;
    for (size_t e = 0; e + 1 < result.starts.size(); ++e) {
      if (result.starts[e] == result.starts[e + 1])
        continue;
      const Columns &there = (*own->sets)[e];
      for (int32_t column : *(*result.sets)[e]) {
        int64_t at = -1;
        if (there) {
          auto found = std::lower_bound(there->begin(), there->end(), column);
          if (found != there->end() && *found == column)
            at = own->starts[e] + (found - there->begin());
        }
        wanted.push_back(at);
      }
    }
    tangents.push_back(taken(own->line, wanted));
  }
  state.addTypes(lineType(op->getResult(0), result.count()));
  state.addAttributes(op->getAttrs());
  Operation *made = b.create(state);
  auto *dialect = op->getDialect()->getRegisteredInterface<DerivativeInterface>();
  FailureOr<SmallVector<Value>> found = failure();
  if (dialect)
    found = dialect->jvp(made, b, tangents);
  if (failed(found) || !(*found)[0])
    return false;
  keepPrecision(made);
  steps += result.count();
  result.line = (*found)[0];
  return true;
}

/// Each entry is added where its element and its column go.
bool SparseTangents::sum(ReduceOp op) {
  if (op.getKind() != ReduceKind::sum || op->hasAttr("mad.fp"))
    return false;
  const Entries &own = *entriesOf(op.getSource());
  Entries &result = place(op.getResult());
  RankedTensorType from = tensorTypeOf(op.getSource());
  SmallVector<int64_t> strides = rowMajorStrides(tensorTypeOf(op.getResult()).getShape());
  SmallVector<int64_t> at(from.getRank(), 0);
  Positions wanted;
  for (const Columns &columns : *own.sets) {
    int64_t to = 0;
    for (int64_t d = 0, kept = 0; d < from.getRank(); ++d)
      if (!llvm::is_contained(op.getDims(), d))
        to += at[size_t(d)] * strides[size_t(kept++)];
    if (columns)
      for (int32_t column : *columns) {
        const std::vector<int32_t> &all = *(*result.sets)[size_t(to)];
        wanted.push_back(result.starts[size_t(to)] +
                         (std::lower_bound(all.begin(), all.end(), column) - all.begin()));
      }
    next(at, from.getShape());
  }
  RankedTensorType type = lineType(op.getResult(), result.count());
  steps += 2 * own.count();
  result.line = ScatterOp::create(b, loc, type, ScatterKind::add, filled(b, loc, 0, type),
                                  ValueRange{positions(wanted)}, own.line);
  return true;
}

bool SparseTangents::op(Operation *op, EntryJacobian &result) {
  if (op->getNumRegions() || op->getNumResults() != 1)
    return false;
  b.clone(*op, mapping);
  Value value = op->getResult(0);
  if (!setsOf(value))
    return true;
  result.elements += tensorTypeOf(value).getNumElements();
  if (isa<ViewOp, GatherOp, ConcatOp, ReshapeOp>(op))
    return move(op);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return sum(reduce);
  return isa<ElementwiseOpInterface>(op) && elementwise(op);
}

bool SparseTangents::build(Block &block, ValueRange values, ArrayRef<unsigned> by,
                           EntryJacobian &result) {
  // Of each value its sets, and constants.
  if (!pattern(block, by))
    return false;
  mapping.map(block.getArguments(), values);
  for (unsigned argument : by) {
    if (!setsOf(block.getArgument(argument)))
      continue; // it has no elements
    Entries &own = place(block.getArgument(argument));
    own.line = filled(b, loc, 1, lineType(block.getArgument(argument), own.count()));
  }
  for (Operation &current : block.without_terminator())
    if (!op(&current, result))
      return false;
  SmallVector<Value> parts;
  int64_t total = 0;
  for (Value operand : block.getTerminator()->getOperands()) {
    result.results.push_back(mapping.lookupOrDefault(operand));
    if (const Entries *own = entriesOf(operand)) {
      parts.push_back(own->line);
      total += own->count();
    }
  }
  if (parts.empty())
    return false;
  result.entries = parts.size() == 1
                       ? parts[0]
                       : Value(ConcatOp::create(b, loc, lineType(parts[0], total), parts, 0));
  result.work = steps;
  return true;
}

} // namespace

std::optional<EntryJacobian> entryJacobian(OpBuilder &b, Location loc, Block &block,
                                           ValueRange values, ArrayRef<unsigned> by) {
  EntryJacobian result;
  if (!SparseTangents(b, loc).build(block, values, by, result))
    return std::nullopt;
  return result;
}

} // namespace mad
