//===- RowWaiting.cpp - Columns that are computed where they are read -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/RowKernel.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

bool RowKernel::isElementwise(const RowMember &member) {
  GenericOp op = member.work.op;
  return op.getNumReductionLoops() == 0 && op.getNumDpsInits() == 1;
}

bool RowKernel::isWritten(Value base, size_t from) {
  return llvm::any_of(llvm::drop_begin(plan.members, from), [&](const RowMember &other) {
    GenericOp writer = other.work.op;
    return llvm::any_of(writer.getDpsInits(), [&](Value v) { return baseOf(v) == base; });
  });
}

/// Whether a member need not be in memory: what reads it does so in order, and can compute it again
/// from what is still there then. Long rows are read again rather than written and read.
bool RowKernel::mayWait(size_t number) {
  constexpr int64_t mostOps = 16, mostUses = 3;
  const RowMember &member = plan.members[number];
  GenericOp op = member.work.op;
  if (threads.held || pieces || !isElementwise(member) ||
      !op.getRegionOutputArgs().front().use_empty())
    return false;
  Value output = op.getDpsInits().front(), base = baseOf(output), root = rootOf(output);
  Columns columns = columnsOf(member, extents[number]);
  int64_t cost = op.getBody()->getOperations().size();
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value memory = input->get();
    if (!isa<MemRefType>(memory.getType()) || rowValues.count(baseOf(memory)))
      continue;
    auto found = waiting.find(rootOf(memory));
    // What waits itself is still the same later, unless another member takes its place.
    if (found != waiting.end() && isInOrder(member, *input) &&
        !isWritten(baseOf(memory), number + 1))
      cost += found->second.cost;
    else if (isWritten(baseOf(memory)))
      return false;
  }
  if (columns.loops.empty() || cost > mostOps)
    return false;
  int64_t uses = 0;
  for (size_t i = number + 1; i < plan.members.size(); ++i) {
    const RowMember &next = plan.members[i];
    GenericOp reader = next.work.op;
    bool overwrites = false;
    for (OpOperand &operand : reader->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()) || baseOf(operand.get()) != base)
        continue;
      if (rootOf(operand.get()) != root || !isInOrder(next, operand) ||
          !columns.areThose(columnsOf(next, extents[i])))
        return false;
      uses += !reader.getMatchingBlockArgument(&operand).use_empty();
      if (reader.isDpsInit(&operand)) {
        if (!isElementwise(next))
          return false;
        overwrites = true;
      }
    }
    if (overwrites)
      return uses > 0 && uses <= mostUses;
  }
  return uses <= mostUses && plan.hidden.contains(base);
}

Value RowKernel::valueOf(const Waiting &entry) {
  Waiting one = entry; // reading may move the others
  std::swap(rowValues, one.rowValues);
  Values at = placeOf(*one.member, one.columns, one.sizes);
  Value value = emitBody(kernel, one.member->work.op, arguments(*one.member, at), at).front();
  std::swap(rowValues, one.rowValues);
  return value;
}

} // namespace mad
