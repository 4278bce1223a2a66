//===- PackedRightHandSide.cpp - Steps on packs -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Leaves are packs, those of each state along one of its dimensions. All of a step is computed
// with them; what leaves the loop is taken apart.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Packs.h"
#include "passes/Ode/RightHandSide.h"

using namespace mlir;

namespace mad {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

constexpr int64_t fewest = 3, most = 64; ///< lanes
/// So much less work it has to be: on the smallest vectors of x86-64 a pack of 8 is four.
constexpr int64_t gain = 3;
/// Sums of stages that a step has for each stage, about.
constexpr int64_t sumsOfStage = 6;
/// Forms are found by recursion.
constexpr int64_t mostOps = 2000;

class OnPacks : public RightHandSide {
public:
  OnPacks(ode::SolveOp op, int64_t extent) : RightHandSide(op), extent(extent) {
    Location loc = op.getLoc();
    OpBuilder b(op.getContext());
    for (Value state : op.getInitial())
      axes.push_back(Packs(b, loc, extent).axisOf(tensorOf(state)));
  }

  void take(std::unique_ptr<RightHandSide> &other) { scalars = std::move(other); }

  Leaves initial(OpBuilder &b) override {
    Leaves all = scalars->initial(b);
    parameters = scalars->arguments(b, all.front(), {});
    parameters.erase(parameters.begin());
    return packed(b, all);
  }

  Leaves evaluateIn(OpBuilder &b, Value time, const Leaves &states, Region &region) override {
    int64_t made = 0;
    return *tryEvaluate(b, time, states, parameters, region, made);
  }

  /// Empty where the body has something else.
  std::optional<Leaves> tryEvaluate(OpBuilder &b, Value time, const Leaves &states,
                                    ArrayRef<Value> parameters, Region &region, int64_t &made) {
    Block &body = region.front();
    Packs packs(b, op.getLoc(), extent);
    Type element = tensorOf(body.getArgument(0)).getElementType();
    packs.set(body.getArgument(0), Packs::none, {Algebra(b, op.getLoc()).cast(time, element)});
    ArrayRef<Value> rest = states;
    unsigned number = 0;
    for (int axis : axes) {
      BlockArgument state = body.getArgument(++number);
      size_t count = leavesOf(tensorOf(state));
      packs.set(state, axis, Leaves(rest.take_front(count)));
      rest = rest.drop_front(count);
    }
    rest = parameters;
    while (++number < body.getNumArguments()) {
      BlockArgument parameter = body.getArgument(number);
      auto count = size_t(tensorOf(parameter).getNumElements());
      packs.set(parameter, Packs::none, Leaves(rest.take_front(count)));
      rest = rest.drop_front(count);
    }
    Leaves result;
    for (auto [value, axis] : llvm::zip_equal(body.getTerminator()->getOperands(), axes)) {
      std::optional<Leaves> leaves = packs.get(value, axis);
      if (!leaves)
        return std::nullopt;
      result.append(*leaves);
    }
    made = packs.made;
    return result;
  }

  Block &block() override { return scalars->block(); }
  Leaves arguments(OpBuilder &b, Value time, const Leaves &states) override {
    return scalars->arguments(b, time, elements(b, states));
  }
  bool isScalar() const override { return true; }

  Leaves elements(OpBuilder &b, const Leaves &leaves) override {
    Packs packs(b, op.getLoc(), extent);
    ArrayRef<Value> rest = leaves;
    Leaves all;
    for (auto [state, axis] : llvm::zip_equal(op.getInitial(), axes)) {
      size_t count = leavesOf(tensorOf(state));
      all.append(packs.elements(rest.take_front(count), tensorOf(state), axis));
      rest = rest.drop_front(count);
    }
    return all;
  }

  Value acrossLanes(OpBuilder &b, Value sum) override {
    return Packs(b, op.getLoc(), extent).across(op, ReduceKind::sum, sum);
  }

  Leaves states(OpBuilder &b, const Leaves &leaves) override {
    return scalars->states(b, elements(b, leaves));
  }
  Value stored(OpBuilder &b, Value all, size_t state, const Leaves &leaves,
               ValueRange positions) override {
    return scalars->stored(b, all, state, elements(b, leaves), positions);
  }

  /// Writes the body out once on the side. How many ops it has with what a stage is summed up by;
  /// no number where it cannot be.
  std::optional<int64_t> lookAt() {
    Block aside;
    OpBuilder b(op.getContext());
    b.setInsertionPointToEnd(&aside);
    auto fresh = [&](Type element) {
      return Value(aside.addArgument(RankedTensorType::get({}, element), op.getLoc()));
    };
    Leaves states, all;
    for (Value state : op.getInitial())
      for (size_t i = 0; i < leavesOf(tensorOf(state)); ++i)
        states.push_back(fresh(tensorOf(state).getElementType()));
    for (Value parameter : op.getParameters())
      for (int64_t i = 0; i < tensorOf(parameter).getNumElements(); ++i)
        all.push_back(fresh(tensorOf(parameter).getElementType()));
    int64_t made = 0;
    if (!tryEvaluate(b, fresh(b.getF64Type()), states, all, op.getBody(), made))
      return std::nullopt;
    return made + sumsOfStage * int64_t(states.size());
  }

private:
  size_t leavesOf(RankedTensorType type) const { return size_t(type.getNumElements() / extent); }

  Leaves packed(OpBuilder &b, ArrayRef<Value> all) {
    Packs packs(b, op.getLoc(), extent);
    Leaves leaves;
    for (auto [state, axis] : llvm::zip_equal(op.getInitial(), axes)) {
      RankedTensorType type = tensorOf(state);
      auto count = size_t(type.getNumElements());
      leaves.append(packs.packed(all.take_front(count), type, axis));
      all = all.drop_front(count);
    }
    return leaves;
  }

  std::unique_ptr<RightHandSide> scalars;
  int64_t extent;
  SmallVector<int> axes; ///< of the states
  Leaves parameters;     ///< their elements
};

/// Dimensions that all states have.
SmallVector<int64_t> commonExtents(ode::SolveOp op) {
  SmallVector<int64_t> found;
  for (int64_t extent : tensorOf(op.getInitial().front()).getShape())
    if (extent >= fewest && extent <= most && !llvm::is_contained(found, extent) &&
        llvm::all_of(op.getInitial(), [&](Value state) {
          return llvm::is_contained(tensorOf(state).getShape(), extent);
        }))
      found.push_back(extent);
  return found;
}

} // namespace

std::unique_ptr<RightHandSide> RightHandSide::onPacks(ode::SolveOp op,
                                                      std::unique_ptr<RightHandSide> &scalars) {
  bool isExplicit = ode::methodOf(op.getMethod().str()).family == ode::Family::Explicit;
  int64_t inBody = 0, elements = 0;
  op.getBody().walk([&](Operation *) { ++inBody; });
  if (!isExplicit || op.eventCount() || inBody > mostOps)
    return nullptr;
  for (Value state : op.getInitial())
    elements += tensorOf(state).getNumElements();
  std::unique_ptr<OnPacks> best;
  int64_t least = (scalars->opCount() + sumsOfStage * elements) / gain;
  for (int64_t extent : commonExtents(op)) {
    auto packs = std::make_unique<OnPacks>(op, extent);
    std::optional<int64_t> work = packs->lookAt();
    if (!work || *work > least)
      continue;
    least = *work;
    best = std::move(packs);
  }
  if (best)
    best->take(scalars);
  return best;
}

} // namespace mad
