//===- DifferentiateLoops.cpp - Tangents through branches and loops --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A branch gives the tangents of its side, a loop carries those of what it carries. How many rounds
// `mad.iterate` runs does not vary.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadStateOps.h"

using namespace mlir;

namespace mad {

static SmallVector<bool> present(ValueRange values) {
  return llvm::map_to_vector(values, [](Value v) { return bool(v); });
}

LogicalResult Differentiator::Body::ifOp(IfOp op) {
  Region sides[2];
  Region *sources[] = {&op.getThenRegion(), &op.getElseRegion()};
  Differentiated found[2];
  for (size_t side : {0, 1}) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&sides[side]);
    if (failed(block(sources[side]->front())))
      return failure();
    found[side] = results(sources[side]->front());
  }
  SmallVector<bool> vary = present(found[0].tangents);
  for (auto [i, one] : llvm::enumerate(vary))
    one = one || found[1].tangents[i];
  Location loc = unnamed(op.getLoc());
  for (size_t side : {0, 1}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&sides[side].front());
    SmallVector<Value> yielded = found[side].values;
    llvm::append_range(yielded, dense(found[side], vary, op.getResults(), loc));
    YieldOp::create(b, loc, yielded);
  }
  SmallVector<Type> types(op.getResultTypes());
  for (auto [result, one] : llvm::zip(op.getResults(), vary))
    if (one)
      types.push_back(tangentType(result.getType(), directions));
  auto made = IfOp::create(b, op.getLoc(), types, values.lookupOrDefault(op.getCondition()));
  made.getThenRegion().takeBody(sides[0]);
  made.getElseRegion().takeBody(sides[1]);
  size_t count = op.getNumResults();
  give(op.getResults(), made.getResults().take_front(count), vary,
       made.getResults().drop_front(count));
  return success();
}

/// The body of a loop, in `target`: its arguments are the counter, what is carried, and the
/// tangents of what varies. `varies` is of the initial values, and becomes what varies after any
/// number of rounds. The builder is left at the end of the body.
FailureOr<Differentiated> Differentiator::Body::loopBody(Block &source, ValueRange initial,
                                                         Region &target,
                                                         SmallVector<bool> &varies) {
  for (;;) {
    Block *body = b.createBlock(&target);
    SmallVector<Value> carried, incoming;
    for (BlockArgument argument : source.getArguments())
      carried.push_back(body->addArgument(argument.getType(), argument.getLoc()));
    incoming.push_back({}); // the counter
    for (auto [value, one] : llvm::zip_equal(initial, varies))
      incoming.push_back(
          one ? body->addArgument(tangentType(value.getType(), directions), unnamed(value.getLoc()))
              : Value());
    bind(source.getArguments(), carried, incoming);
    if (failed(block(source)))
      return failure();
    Differentiated found = results(source);
    bool grown = false;
    for (auto [one, tangent] : llvm::zip(varies, found.tangents)) {
      grown |= !one && tangent;
      one = one || tangent;
    }
    if (!grown)
      return found;
    body->erase();
  }
}

/// What was collected in steps, [steps, directions, ...], with the first two dimensions exchanged.
Value Differentiator::Body::directionsFirst(Value steps, Location loc) {
  RankedTensorType from = tensorTypeOf(steps);
  SmallVector<AffineExpr> at{b.getAffineDimExpr(1), b.getAffineDimExpr(0)};
  SmallVector<DimExpr> sizes{dimExpr(from, 1), dimExpr(from, 0)};
  for (int64_t d = 2; d < from.getRank(); ++d) {
    at.push_back(b.getAffineDimExpr(unsigned(d)));
    sizes.push_back(dimExpr(from, d));
  }
  return ViewOp::create(b, loc, tensorType(sizes, {}, from.getElementType()), steps, ValueRange(),
                        AffineMap::get(unsigned(from.getRank()), 0, at, b.getContext()),
                        Boundary::inside);
}

LogicalResult Differentiator::Body::scan(ScanOp op) {
  size_t count = op.getInitial().size();
  SmallVector<Value> initial =
      llvm::map_to_vector(op.getInitial(), [&](Value v) { return values.lookupOrDefault(v); });
  Differentiated start{initial, tangentsOf(op.getInitial())};
  SmallVector<bool> vary = present(start.tangents);
  Block &source = op.getBody().front();
  Location loc = unnamed(op.getLoc());
  Region region;
  SmallVector<bool> all;
  SmallVector<Type> collected;
  {
    OpBuilder::InsertionGuard guard(b);
    FailureOr<Differentiated> found = loopBody(source, op.getInitial(), region, vary);
    if (failed(found))
      return failure();
    ValueRange originals = source.getTerminator()->getOperands();
    all = vary;
    llvm::append_range(all, present(ArrayRef(found->tangents).drop_front(count)));
    // Carried values, their tangents, then what is collected and its tangents.
    SmallVector<Value> next = dense(*found, all, originals, loc), yielded;
    size_t carriedTangents = llvm::count(vary, true);
    llvm::append_range(yielded, ArrayRef(found->values).take_front(count));
    llvm::append_range(yielded, ArrayRef(next).take_front(carriedTangents));
    llvm::append_range(yielded, ArrayRef(found->values).drop_front(count));
    llvm::append_range(yielded, ArrayRef(next).drop_front(carriedTangents));
    YieldOp::create(b, loc, yielded);
    for (Value part : ArrayRef(next).drop_front(carriedTangents))
      collected.push_back(part.getType());
  }
  SmallVector<Value> tangentsIn = dense(start, vary, op.getInitial(), loc);
  std::optional<DimExpr> high = DimExpr::parse(op.getHigh().str()),
                         low = DimExpr::parse(op.getLow().str());
  DimExpr steps = *high - *low;
  SmallVector<Type> types(op.getInitial().getTypes());
  llvm::append_range(types, ValueRange(tangentsIn).getTypes());
  llvm::append_range(types, TypeRange(op.getResultTypes()).drop_front(count));
  for (Type part : collected)
    types.push_back(tangentType(part, steps));
  llvm::append_range(initial, tangentsIn);
  auto made = ScanOp::create(b, op.getLoc(), types, initial, op.getLowAttr(), op.getHighAttr());
  made.getBody().takeBody(region);

  ResultRange results = made.getResults();
  size_t carriedTangents = tangentsIn.size(), parts = op.getNumResults() - count;
  give(op.getResults().take_front(count), results.take_front(count), vary,
       results.slice(count, carriedTangents));
  SmallVector<Value> collectedTangents(results.drop_front(count + carriedTangents + parts));
  // Directions come before the steps.
  for (Value &value : collectedTangents)
    if (directions)
      value = directionsFirst(value, loc);
  give(op.getResults().drop_front(count), results.slice(count + carriedTangents, parts),
       ArrayRef(all).drop_front(count), collectedTangents);
  return success();
}

LogicalResult Differentiator::Body::iterate(IterateOp op) {
  size_t count = op.getInitial().size();
  SmallVector<Value> initial =
      llvm::map_to_vector(op.getInitial(), [&](Value v) { return values.lookupOrDefault(v); });
  Differentiated start{initial, tangentsOf(op.getInitial())};
  SmallVector<bool> vary = present(start.tangents);
  Block &source = op.getBody().front(), &test = op.getCondition().front();
  Location loc = unnamed(op.getLoc());
  Region body, condition;
  {
    OpBuilder::InsertionGuard guard(b);
    FailureOr<Differentiated> found = loopBody(source, op.getInitial(), body, vary);
    if (failed(found))
      return failure();
    SmallVector<Value> yielded = found->values;
    llvm::append_range(yielded, dense(*found, vary, op.getInitial(), loc));
    YieldOp::create(b, loc, yielded);

    Block *block = b.createBlock(&condition);
    for (BlockArgument argument : body.front().getArguments())
      block->addArgument(argument.getType(), argument.getLoc());
    for (auto [from, to] : llvm::zip(test.getArguments(), block->getArguments()))
      values.map(from, to);
    for (Operation &inner : test)
      b.clone(inner, values);
  }
  SmallVector<Value> tangentsIn = dense(start, vary, op.getInitial(), loc);
  SmallVector<Type> types(op.getInitial().getTypes());
  llvm::append_range(types, ValueRange(tangentsIn).getTypes());
  types.push_back(op.getResults().back().getType());
  llvm::append_range(initial, tangentsIn);
  auto made = IterateOp::create(b, op.getLoc(), types, initial, op.getLimitAttr());
  made.getCondition().takeBody(condition);
  made.getBody().takeBody(body);
  vary.push_back(false);
  SmallVector<Value> kept(made.getResults().take_front(count));
  kept.push_back(made.getResults().back());
  give(op.getResults(), kept, vary, made.getResults().slice(count, tangentsIn.size()));
  return success();
}

} // namespace mad
