//===- VectorizePacks.cpp - Packs become vectors ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdePackOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Ode/Passes.h"
#include "passes/Ode/ReciprocalRoots.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_VECTORIZEPACKS
#include "passes/Ode/Passes.h.inc"

namespace {

bool isElementwise(Operation *op) {
  return op->getNumRegions() == 0 && OpTrait::hasElementwiseMappableTraits(op);
}

class Vectorizer {
public:
  Vectorizer(func::FuncOp function, int level)
      : function(function), b(function.getContext()), level(level) {}

  /// False, after a message, where something that varies is used as it cannot be.
  bool run() {
    findVarying();
    if (!check())
      return false;
    for (auto [value, width] : varying)
      value.setType(VectorType::get({width}, value.getType()));
    function.walk([&](Operation *op) { spreadOperands(op); });
    SmallVector<Operation *> moves;
    function.walk([&](Operation *op) {
      if (isa<ode::PackOp, ode::ShuffleOp>(op))
        moves.push_back(op);
    });
    for (Operation *op : moves)
      replace(op);
    divideByRoots();
    return true;
  }

private:
  bool varies(Value value) const { return varying.contains(value); }
  int64_t widthOf(ValueRange values) const {
    for (Value value : values)
      if (auto found = varying.find(value); found != varying.end())
        return found->second;
    return 0;
  }
  void mark(Value value, int64_t width) {
    if (width)
      changed |= varying.try_emplace(value, width).second;
  }
  /// What flows from operands of one op into values of another.
  void flow(ValueRange from, ValueRange to) {
    for (auto [source, target] : llvm::zip(from, to))
      mark(target, varying.lookup(source));
  }

  /// The pairs of values that are one, for branches and loops: what goes in, and where it arrives.
  template <typename Visit> static void eachFlow(Operation *op, Visit visit) {
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()})
        if (!region->empty())
          visit(region->front().getTerminator(), 0, branch.getResults());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      visit(op, 0, loop.getBeforeArguments());
      visit(loop.getYieldOp(), 0, loop.getBeforeArguments());
      visit(loop.getConditionOp(), 1, loop.getAfterArguments());
      visit(loop.getConditionOp(), 1, loop.getResults());
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      visit(op, 3, loop.getRegionIterArgs());
      visit(op, 3, loop.getResults());
      visit(loop.getBody()->getTerminator(), 0, loop.getRegionIterArgs());
      visit(loop.getBody()->getTerminator(), 0, loop.getResults());
    }
  }

  void findVarying() {
    do {
      changed = false;
      function.walk([&](Operation *op) {
        if (auto pack = dyn_cast<ode::PackOp>(op))
          return mark(pack, int64_t(pack.getValues().size()));
        if (auto shuffle = dyn_cast<ode::ShuffleOp>(op)) {
          if (!llvm::all_equal(shuffle.getLanes()))
            mark(shuffle, varying.lookup(shuffle.getSource()));
          return;
        }
        if (isElementwise(op))
          for (Value result : op->getResults())
            mark(result, widthOf(op->getOperands()));
        eachFlow(op, [&](Operation *from, unsigned first, ValueRange to) {
          flow(from->getOperands().drop_front(first), to);
        });
      });
    } while (changed);
  }

  bool check() {
    WalkResult result = function.walk([&](Operation *op) {
      bool bad = false;
      if (isa<ode::ShuffleOp>(op) || isElementwise(op) || isa<scf::YieldOp>(op))
        bad = false;
      else if (isa<scf::ConditionOp, scf::IfOp>(op))
        bad = varies(op->getOperand(0));
      else if (isa<scf::ForOp>(op))
        bad = widthOf(op->getOperands().take_front(3)) != 0;
      else if (!isa<scf::WhileOp>(op))
        bad = widthOf(op->getOperands()) != 0;
      if (!bad)
        return WalkResult::advance();
      op->emitOpError("uses a value that differs between lanes");
      return WalkResult::interrupt();
    });
    return !result.wasInterrupted();
  }

  /// A vector whose lanes all are a scalar.
  Value spread(Value scalar, int64_t width, Operation *user) {
    b.setInsertionPoint(user);
    auto type = VectorType::get({width}, scalar.getType());
    if (auto constant = scalar.getDefiningOp<arith::ConstantOp>())
      return arith::ConstantOp::create(b, user->getLoc(),
                                       DenseElementsAttr::get(type, constant.getValue()));
    return vector::BroadcastOp::create(b, user->getLoc(), type, scalar);
  }
  void spread(OpOperand &operand, Type type) {
    auto vector = dyn_cast<VectorType>(type);
    if (vector && !isa<VectorType>(operand.get().getType()))
      operand.set(spread(operand.get(), vector.getDimSize(0), operand.getOwner()));
  }

  void spreadOperands(Operation *op) {
    if (isElementwise(op)) {
      int64_t width = widthOf(op->getOperands());
      for (OpOperand &operand : op->getOpOperands())
        // A condition may be one for all lanes.
        if (width && !(isa<arith::SelectOp>(op) && operand.getOperandNumber() == 0) &&
            !varies(operand.get()))
          operand.set(spread(operand.get(), width, op));
    }
    eachFlow(op, [&](Operation *from, unsigned first, ValueRange to) {
      for (auto [operand, target] : llvm::zip(from->getOpOperands().drop_front(first), to))
        spread(operand, target.getType());
    });
  }

  void replace(Operation *op) {
    b.setInsertionPoint(op);
    Location loc = op->getLoc();
    Value made;
    if (auto pack = dyn_cast<ode::PackOp>(op)) {
      auto type = cast<VectorType>(pack.getType());
      SmallVector<Attribute> numbers;
      for (Value value : pack.getValues())
        if (auto constant = value.getDefiningOp<arith::ConstantOp>())
          numbers.push_back(constant.getValue());
      if (numbers.size() == pack.getValues().size())
        made = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, numbers));
      else
        made = vector::FromElementsOp::create(b, loc, type, pack.getValues());
    } else {
      auto shuffle = cast<ode::ShuffleOp>(op);
      Value source = shuffle.getSource();
      ArrayRef<int64_t> lanes = shuffle.getLanes();
      if (!isa<VectorType>(source.getType()))
        made = source;
      else if (llvm::all_equal(lanes))
        made = vector::ExtractOp::create(b, loc, source, lanes.front());
      else
        made = vector::ShuffleOp::create(b, loc, source, source, lanes);
    }
    op->getResult(0).replaceAllUsesWith(made);
    op->erase();
  }

  /// All lanes are computed here: a loop over elements that may be cut anywhere must give the bits
  /// of scalars.
  void divideByRoots() {
    function.walk([&](arith::DivFOp op) {
      ImplicitLocOpBuilder at(op.getLoc(), op);
      if (Value quotient = varies(op) ? expandDivisionByRoot(at, op, level) : Value())
        op.replaceAllUsesWith(quotient);
    });
  }

  func::FuncOp function;
  OpBuilder b;
  int level;
  llvm::DenseMap<Value, int64_t> varying; ///< and of how many lanes they are
  bool changed = false;
};

struct VectorizePacksPass : impl::VectorizePacksBase<VectorizePacksPass> {
  using VectorizePacksBase::VectorizePacksBase;

  void runOnOperation() override {
    bool any = getOperation()
                   .walk([](Operation *op) {
                     return isa<ode::PackOp, ode::ShuffleOp>(op) ? WalkResult::interrupt()
                                                                 : WalkResult::advance();
                   })
                   .wasInterrupted();
    if (any && !Vectorizer(getOperation(), level).run())
      signalPassFailure();
  }
};

} // namespace
} // namespace mad
