//===- Sparsity.cpp - Which derivatives are zero ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a program on sets instead of numbers: each element of a value has the columns that it
// depends on. Values that are known when compiling are evaluated beside them, so that positions
// are. What moves numbers is evaluated on the numbers of elements, which tell where each element
// comes from.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Dependences.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;

namespace mad {

/// Columns that are written, and elements that are looked at.
static constexpr int64_t maxWork = int64_t(1) << 25;
/// Elements of a value that is evaluated.
static constexpr int64_t maxKnown = int64_t(1) << 20;

static bool isFloat(Value value) { return isa<FloatType>(tensorTypeOf(value).getElementType()); }

//===----------------------------------------------------------------------===//
// Sets
//===----------------------------------------------------------------------===//

Columns Dependences::united(ArrayRef<Columns> parts) {
  SmallVector<const std::vector<int32_t> *> distinct;
  const Columns *one = nullptr;
  for (const Columns &part : parts)
    if (part && (distinct.empty() || distinct.back() != part.get())) {
      distinct.push_back(part.get());
      one = &part;
    }
  work += int64_t(parts.size());
  // Within one op, too: nobody reads what is found behind the limit.
  if (work > maxWork)
    return {};
  if (distinct.size() <= 1)
    return one ? *one : Columns();
  llvm::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() == 1)
    return *one;
  std::vector<int32_t> all;
  for (const std::vector<int32_t> *part : distinct)
    all.insert(all.end(), part->begin(), part->end());
  work += int64_t(all.size());
  llvm::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return std::make_shared<const std::vector<int32_t>>(std::move(all));
}

/// All columns of a value, for each element of another.
Columns Dependences::all(Value value) {
  const Sets *sets = setsOf(value);
  return sets ? united(*sets) : Columns();
}

const Sets *Dependences::setsOf(Value value) const {
  auto found = sets.find(value);
  return found == sets.end() ? nullptr : found->second.get();
}

const RefTensor *Dependences::knownValue(Value value) const {
  auto found = known.find(value);
  return found == known.end() ? nullptr : &found->second;
}

void Dependences::give(Value value, Sets found) {
  known.erase(value);
  bool varies = isFloat(value) && llvm::any_of(found, [](const Columns &c) { return bool(c); });
  if (varies)
    sets[value] = std::make_shared<const Sets>(std::move(found));
  else
    sets.erase(value);
}

void Dependences::copy(Value from, Value to) {
  auto found = sets.find(from);
  auto shared = found == sets.end() ? nullptr : found->second;
  auto number = known.find(from);
  std::optional<RefTensor> tensor;
  if (number != known.end())
    tensor = number->second;
  forget(to);
  if (shared)
    sets[to] = shared;
  if (tensor)
    known[to] = std::move(*tensor);
}

void Dependences::forget(Value value) {
  sets.erase(value);
  known.erase(value);
}

static int64_t elementsOf(Value value) { return tensorTypeOf(value).getNumElements(); }

//===----------------------------------------------------------------------===//
// Values that are known
//===----------------------------------------------------------------------===//

void Dependences::evaluate(Operation *op) {
  auto reference = dyn_cast<ReferenceOpInterface>(op);
  if (!reference || op->getNumRegions() || isa<WeightOp>(op))
    return;
  SmallVector<const RefTensor *> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(knownValue(operand));
    if (!operands.back())
      return;
  }
  std::vector<RefTensor> results;
  for (Value result : op->getResults()) {
    RankedTensorType type = tensorTypeOf(result);
    if (type.getNumElements() > maxKnown)
      return;
    results.push_back(RefTensor::zeros(refElement(type.getElementType()), type.getShape()));
    work += type.getNumElements();
  }
  RefContext context;
  if (failed(reference.evaluate(operands, results, context)))
    return;
  for (auto [result, tensor] : llvm::zip(op->getResults(), results)) {
    context.finish(tensor);
    known[result] = std::move(tensor);
  }
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// By evaluating the op on the numbers of elements.
std::optional<std::vector<int64_t>> Dependences::origins(Operation *op) {
  std::vector<RefTensor> numbered(op->getNumOperands());
  SmallVector<const RefTensor *> operands;
  int64_t last = 0;
  Type element = tensorTypeOf(op->getResult(0)).getElementType();
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (tensorTypeOf(operand).getElementType() != element) {
      operands.push_back(knownValue(operand));
      if (!operands.back())
        return std::nullopt;
      continue;
    }
    numbered[i] = RefTensor::zeros(refElement(element), tensorTypeOf(operand).getShape());
    for (double &number : numbered[i].floats)
      number = double(++last);
    operands.push_back(&numbered[i]);
  }
  RankedTensorType type = tensorTypeOf(op->getResult(0));
  std::vector<RefTensor> results{RefTensor::zeros(refElement(element), type.getShape())};
  RefContext context;
  context.f64 = true;
  if (failed(cast<ReferenceOpInterface>(op).evaluate(operands, results, context)))
    return std::nullopt;
  work += last + type.getNumElements();
  return std::vector<int64_t>(results[0].floats.begin(), results[0].floats.end());
}

bool Dependences::moved(Operation *op) {
  auto from = origins(op);
  if (!from)
    return false;
  SmallVector<Columns> sources{Columns()};
  for (Value operand : op->getOperands()) {
    if (tensorTypeOf(operand).getElementType() != tensorTypeOf(op->getResult(0)).getElementType())
      continue;
    const Sets *own = setsOf(operand);
    for (int64_t at = 0; at < elementsOf(operand); ++at)
      sources.push_back(own ? (*own)[size_t(at)] : Columns());
  }
  Sets found;
  for (int64_t number : *from)
    found.push_back(sources[size_t(number)]);
  give(op->getResult(0), std::move(found));
  return true;
}

/// Each element of the results may depend on all that the op reads.
void Dependences::anything(Operation *op) {
  SmallVector<Columns> parts;
  for (Value operand : op->getOperands())
    parts.push_back(all(operand));
  Columns every = united(parts);
  for (Value result : op->getResults())
    give(result, Sets(size_t(elementsOf(result)), every));
}

/// Which operands an element of an elementwise op depends on.
void Dependences::elementwise(Operation *op) {
  Value result = op->getResult(0);
  if (isa<SignOp, FloorOp, CeilOp, RoundOp, TruncOp>(op))
    return give(result, {});
  Sets found(static_cast<size_t>(elementsOf(result)));
  SmallVector<const Sets *> own;
  SmallVector<const RefTensor *> numbers;
  for (Value operand : op->getOperands()) {
    own.push_back(setsOf(operand));
    numbers.push_back(knownValue(operand));
  }
  auto isZero = [&](size_t operand, size_t at) {
    return numbers[operand] && numbers[operand]->get(int64_t(at)).f == 0;
  };
  SmallVector<Columns, 3> parts;
  for (size_t at = 0; at < found.size(); ++at) {
    parts.assign(own.size(), Columns());
    for (auto [operand, sets] : llvm::enumerate(own))
      if (sets)
        parts[operand] = (*sets)[at];
    // Of a product with zero, and of what a condition leaves out, nothing counts.
    if (isa<MulOp, FmaOp>(op) && (isZero(0, at) || isZero(1, at)))
      parts[0] = parts[1] = nullptr;
    if (isa<DivOp>(op) && isZero(0, at))
      parts[1] = nullptr;
    if (isa<SelectOp>(op) && numbers[0])
      parts[numbers[0]->get(int64_t(at)).i ? 2 : 1] = nullptr;
    found[at] = united(parts);
  }
  give(result, std::move(found));
}

/// The union along some dimensions; with `running`, of the elements up to each.
void Dependences::reduce(Operation *op, ArrayRef<int64_t> dims, bool running) {
  Value source = op->getOperand(0), result = op->getResult(0);
  const Sets &own = *setsOf(source);
  RankedTensorType from = tensorTypeOf(source);
  SmallVector<int64_t> strides = rowMajorStrides(tensorTypeOf(result).getShape());
  std::vector<SmallVector<Columns>> parts(static_cast<size_t>(elementsOf(result)));
  SmallVector<int64_t> at(from.getRank(), 0);
  for (const Columns &columns : own) {
    int64_t place = 0;
    for (int64_t d = 0, kept = 0; d < from.getRank(); ++d)
      if (running || !llvm::is_contained(dims, d))
        place += at[d] * strides[kept++];
    parts[place].push_back(columns);
    if (running && at[dims[0]] > 0)
      parts[place].push_back(parts[place - strides[dims[0]]].front());
    if (running)
      parts[place] = {united(parts[place])};
    next(at, from.getShape());
  }
  Sets found;
  for (const SmallVector<Columns> &part : parts)
    found.push_back(united(part));
  give(result, std::move(found));
}

void Dependences::contract(ContractOp op) {
  Value factors[] = {op.getLhs(), op.getRhs()};
  AffineMap maps[] = {op.getLhsMap(), op.getRhsMap()};
  RankedTensorType result = tensorTypeOf(op.getResult());
  SmallVector<int64_t> extents(maps[0].getNumDims(), 1), strides[2];
  for (size_t f : {0, 1}) {
    strides[f].assign(extents.size(), 0);
    SmallVector<int64_t> own = rowMajorStrides(tensorTypeOf(factors[f]).getShape());
    for (auto [d, coordinate] : llvm::enumerate(maps[f].getResults())) {
      unsigned along = cast<AffineDimExpr>(coordinate).getPosition();
      extents[along] = tensorTypeOf(factors[f]).getDimSize(d);
      strides[f][along] = own[d];
    }
  }
  for (int64_t d = 0; d < result.getRank(); ++d)
    extents[d] = result.getDimSize(d);
  int64_t steps = 1, summed = 1;
  for (auto [d, extent] : llvm::enumerate(extents)) {
    steps *= extent;
    summed *= int64_t(d) < result.getRank() ? 1 : extent;
  }
  work += steps;
  if (steps == 0 || work > maxWork)
    return give(op.getResult(), {});
  Sets found;
  SmallVector<Columns> parts;
  SmallVector<int64_t> at(extents.size(), 0);
  for (int64_t step = 0; step < steps; ++step) {
    int64_t place[2] = {0, 0};
    for (size_t f : {0, 1})
      for (size_t d = 0; d < extents.size(); ++d)
        place[f] += at[d] * strides[f][d];
    bool zero = false;
    for (size_t f : {0, 1})
      if (const RefTensor *number = knownValue(factors[f]))
        zero |= number->get(place[f]).f == 0;
    for (size_t f : {0, 1})
      if (const Sets *own = setsOf(factors[f]); own && !zero)
        parts.push_back((*own)[place[f]]);
    if ((step + 1) % summed == 0) {
      found.push_back(united(parts));
      parts.clear();
    }
    next(at, extents);
  }
  give(op.getResult(), std::move(found));
}

/// Sorted elements come from anywhere in their line.
void Dependences::sort(SortOp op) {
  int64_t axis = int64_t(op.getAxis());
  RankedTensorType from = tensorTypeOf(op.getSource()), to = tensorTypeOf(op.getValues());
  const Sets &own = *setsOf(op.getSource());
  SmallVector<int64_t> strides = rowMajorStrides(from.getShape());
  Sets found;
  SmallVector<int64_t> at(to.getRank(), 0);
  for (int64_t i = 0, n = to.getNumElements(); i < n; ++i) {
    int64_t place = 0;
    for (int64_t d = 0; d < to.getRank(); ++d)
      place += d == axis ? 0 : at[d] * strides[d];
    SmallVector<Columns> line;
    for (int64_t k = 0; k < from.getDimSize(axis); ++k)
      line.push_back(own[place + k * strides[axis]]);
    found.push_back(united(line));
    next(at, to.getShape());
  }
  give(op.getValues(), std::move(found));
}

/// A scatter other than `set`, or an update at positions that are not known: each element keeps its
/// own columns, and may get those of all that is written.
void Dependences::written(Operation *op, Value base, Value updates) {
  Columns more = all(updates);
  const Sets *own = setsOf(base);
  Sets found(static_cast<size_t>(elementsOf(op->getResult(0))));
  for (size_t at = 0; at < found.size(); ++at)
    found[at] = united({own ? (*own)[at] : Columns(), more});
  give(op->getResult(0), std::move(found));
}

void Dependences::scatter(ScatterOp op) {
  if (op.getKind() == ScatterKind::set && moved(op))
    return;
  SmallVector<const RefTensor *> indices;
  for (Value index : op.getIndices())
    indices.push_back(knownValue(index));
  if (llvm::is_contained(indices, nullptr) || op.getKind() == ScatterKind::set)
    return written(op, op.getBase(), op.getUpdates());
  const Sets *base = setsOf(op.getBase()), *more = setsOf(op.getUpdates());
  RankedTensorType type = tensorTypeOf(op.getResult());
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  Sets found(static_cast<size_t>(type.getNumElements()));
  if (base)
    found = *base;
  for (int64_t u = 0, n = more ? int64_t(more->size()) : 0; u < n; ++u) {
    int64_t place = 0;
    for (auto [d, index] : llvm::enumerate(indices)) {
      int64_t at = index->integers[u];
      if (at < 0 || at >= type.getDimSize(d))
        return written(op, op.getBase(), op.getUpdates());
      place += at * strides[d];
    }
    found[place] = united({found[place], (*more)[u]});
  }
  give(op.getResult(), std::move(found));
}

void Dependences::op(Operation *op) {
  for (Value result : op->getResults())
    forget(result);
  bool varies = llvm::any_of(op->getOperands(), [&](Value v) { return setsOf(v); });
  if (!varies)
    return evaluate(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ReshapeOp) { moved(op); })
      .Case<ViewOp, GatherOp, ConcatOp>([&](auto) {
        if (!moved(op))
          anything(op);
      })
      .Case([&](UpdateOp update) {
        if (!moved(op))
          written(op, update.getDest(), update.getValue());
      })
      .Case([&](ScatterOp o) { scatter(o); })
      .Case([&](SortOp o) { sort(o); })
      .Case([&](ReduceOp o) {
        if (isFloat(o.getResult()))
          reduce(op, o.getDims(), false);
      })
      .Case([&](CumulateOp o) { reduce(op, {int64_t(o.getAxis())}, true); })
      .Case([&](ContractOp o) { contract(o); })
      .Default([&](Operation *) {
        if (isa<ElementwiseOpInterface>(op) && isFloat(op->getResult(0)))
          elementwise(op);
        else
          anything(op);
      });
}

bool Dependences::hasStaticSizes(Operation *op) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  return llvm::all_of(op->getOperandTypes(), isStatic) &&
         llvm::all_of(op->getResultTypes(), isStatic);
}

bool Dependences::block(Block &block) {
  for (Operation &current : block.without_terminator()) {
    if (work > maxWork || !hasStaticSizes(&current))
      return false;
    ++work;
    if (auto call = dyn_cast<func::CallOp>(current)) {
      if (!this->call(call))
        return false;
    } else if (current.getNumRegions()) {
      if (!region(&current))
        return false;
    } else {
      op(&current);
    }
  }
  return work <= maxWork;
}

//===----------------------------------------------------------------------===//
// The pattern
//===----------------------------------------------------------------------===//

std::optional<Sparsity> Dependences::pattern(Block &source, ArrayRef<unsigned> arguments) {
  for (BlockArgument one : source.getArguments())
    if (!cast<RankedTensorType>(one.getType()).hasStaticShape())
      return std::nullopt;
  Sparsity sparsity;
  for (unsigned argument : arguments) {
    Value by = source.getArgument(argument);
    int64_t first = sparsity.columns;
    sparsity.columns += elementsOf(by);
    if (!isFloat(by) || sparsity.columns > maxKnown)
      return std::nullopt;
    Sets own;
    for (int64_t column = first; column < sparsity.columns; ++column)
      own.push_back(std::make_shared<const std::vector<int32_t>>(1, int32_t(column)));
    give(by, std::move(own));
  }
  if (!block(source))
    return std::nullopt;
  for (Value result : source.getTerminator()->getOperands()) {
    if (!isFloat(result))
      continue;
    const Sets *found = setsOf(result);
    for (int64_t at = 0; at < elementsOf(result); ++at) {
      Columns columns = found ? (*found)[at] : Columns();
      work += columns ? int64_t(columns->size()) : 0;
      if (work > maxWork)
        return std::nullopt;
      sparsity.rows.push_back(columns ? *columns : std::vector<int32_t>());
    }
  }
  return sparsity;
}

std::optional<Sparsity> jacobianSparsity(Block &block, ArrayRef<unsigned> arguments) {
  return Dependences().pattern(block, arguments);
}

std::optional<Sparsity> jacobianSparsity(func::FuncOp function, ArrayRef<unsigned> arguments) {
  if (function.isExternal())
    return std::nullopt;
  return jacobianSparsity(function.front(), arguments);
}

} // namespace mad
