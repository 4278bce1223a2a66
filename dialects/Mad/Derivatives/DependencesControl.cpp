//===- DependencesControl.cpp - Dependences through branches and loops -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops of a known length run step by step; of others, sets grow until a further round adds
// nothing. A condition itself does not vary: only what it chooses counts.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Dependences.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace mad {

bool Dependences::call(func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  if (!callee || callee.isExternal())
    return false;
  for (auto [argument, operand] : llvm::zip(callee.getArguments(), op.getOperands()))
    copy(operand, argument);
  if (!block(callee.front()))
    return false;
  for (auto [result, returned] :
       llvm::zip(op.getResults(), callee.front().getTerminator()->getOperands()))
    copy(returned, result);
  return true;
}

bool Dependences::region(Operation *op) {
  if (auto branch = dyn_cast<IfOp>(op))
    return ifOp(branch);
  if (auto loop = dyn_cast<ScanOp>(op))
    return scan(loop);
  if (auto loop = dyn_cast<IterateOp>(op))
    return iterate(loop);
  return false;
}

bool Dependences::ifOp(IfOp op) {
  const RefTensor *condition = knownValue(op.getCondition());
  bool takes[] = {!condition || condition->integers[0], !condition || !condition->integers[0]};
  Region *sides[] = {&op.getThenRegion(), &op.getElseRegion()};
  for (size_t side : {0, 1})
    if (takes[side] && !block(sides[side]->front()))
      return false;
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    Value values[] = {sides[0]->front().getTerminator()->getOperand(i),
                      sides[1]->front().getTerminator()->getOperand(i)};
    copy(values[takes[0] ? 0 : 1], result);
    if (takes[0] && takes[1]) {
      grow(result, values[1]);
      known.erase(result);
    }
  }
  return true;
}

/// Adds the columns of another value; true where there are new ones.
bool Dependences::grow(Value value, Value by) {
  const Sets *more = setsOf(by);
  if (!more)
    return false;
  const Sets *own = setsOf(value);
  Sets found = own ? *own : Sets(more->size());
  bool grown = false;
  for (auto [columns, added] : llvm::zip(found, *more)) {
    Columns both = united({columns, added});
    grown |= (both ? both->size() : 0) != (columns ? columns->size() : 0);
    columns = both;
  }
  give(value, std::move(found));
  return grown;
}

bool Dependences::scan(ScanOp op) {
  auto low = DimExpr::parse(op.getLow().str()), high = DimExpr::parse(op.getHigh().str());
  if (!low || !high || !low->constant() || !high->constant())
    return false;
  Block &body = op.getBody().front();
  size_t count = op.getInitial().size();
  for (auto [initial, argument] : llvm::zip(op.getInitial(), body.getArguments().drop_front()))
    copy(initial, argument);
  std::vector<Sets> collected(op.getNumResults() - count);
  for (int64_t step = *low->constant(); step < *high->constant(); ++step) {
    RefTensor counter = RefTensor::zeros(RefElement::I64, {});
    counter.integers[0] = step;
    forget(body.getArgument(0));
    known[body.getArgument(0)] = std::move(counter);
    if (!block(body))
      return false;
    OperandRange next = body.getTerminator()->getOperands();
    for (auto [part, all] : llvm::zip(next.drop_front(count), collected)) {
      const Sets *own = setsOf(part);
      size_t elements = size_t(tensorTypeOf(part).getNumElements());
      all.resize(all.size() + elements);
      if (own)
        std::copy(own->begin(), own->end(), all.end() - elements);
    }
    // All are read before one is overwritten: `a, b` may become `b, a`.
    SmallVector<std::pair<std::shared_ptr<const Sets>, std::optional<RefTensor>>> values;
    for (Value value : next.take_front(count)) {
      auto own = sets.find(value);
      const RefTensor *number = knownValue(value);
      values.emplace_back(own == sets.end() ? nullptr : own->second,
                          number ? std::optional<RefTensor>(*number) : std::nullopt);
    }
    for (auto [value, argument] : llvm::zip(values, body.getArguments().drop_front())) {
      forget(argument);
      if (value.first)
        sets[argument] = value.first;
      if (value.second)
        known[argument] = std::move(*value.second);
    }
  }
  for (auto [i, result] : llvm::enumerate(op.getResults()))
    if (i < count)
      copy(body.getArgument(unsigned(i) + 1), result);
    else
      give(result, std::move(collected[i - count]));
  return true;
}

bool Dependences::iterate(IterateOp op) {
  Block &body = op.getBody().front();
  for (auto [initial, argument] : llvm::zip(op.getInitial(), body.getArguments().drop_front())) {
    copy(initial, argument);
    known.erase(argument);
  }
  forget(body.getArgument(0));
  for (bool grown = true; grown;) {
    if (!block(body))
      return false;
    grown = false;
    for (auto [next, argument] :
         llvm::zip(body.getTerminator()->getOperands(), body.getArguments().drop_front()))
      grown |= grow(argument, next);
  }
  for (auto [argument, result] : llvm::zip(body.getArguments().drop_front(), op.getResults()))
    copy(argument, result);
  forget(op.getResults().back());
  return true;
}

} // namespace mad
