//===- ParallelizeLoops.cpp - Large loops in pieces -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An op becomes two functions' work: `f.piece(task, number)` computes a range of its
// parallel dimensions, and where the op stood, a record of what it uses is written
// and the pieces are run. The same function computes the whole when that is small,
// so the code is there once and the bits do not depend on who runs it. A loop that an
// earlier pass has cut, scf.parallel, becomes pieces as it is.
//
//===----------------------------------------------------------------------===//
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/ParallelizeLoopsRecord.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Pieces.h"
#include "passes/Transforms/VectorizeLoopsAnalysis.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PARALLELIZELOOPS
#include "passes/Transforms/Passes.h.inc"

namespace {

//===----------------------------------------------------------------------===//
// Where to cut
//===----------------------------------------------------------------------===//

/// A dimension that is cut into ranges of a multiple of `unit`.
struct Cut {
  unsigned dim;
  int64_t unit;
};

/// Where an operand has a dimension: at which position, and how far a step goes.
struct Place {
  unsigned position;
  int64_t slope;
};

/// Nothing if the dimension does not occur; `bad` if it cannot be cut there.
std::optional<Place> placeOf(AffineMap map, unsigned dim, bool &bad) {
  std::optional<Place> place;
  for (auto [i, e] : llvm::enumerate(map.getResults())) {
    if (!e.isFunctionOfDim(dim))
      continue;
    auto slope = vectorize::slopeOf(e, dim);
    bad |= place || !slope || *slope < 1;
    place = Place{unsigned(i), slope.value_or(1)};
  }
  return place;
}

bool isContiguous(GenericOp op, unsigned dim) {
  return llvm::any_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    return map.getNumResults() > 0 && map.getResults().back().isFunctionOfDim(dim);
  });
}

bool canCut(GenericOp op, unsigned dim) {
  if (op.getIteratorTypesArray()[dim] != utils::IteratorType::parallel)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    bool bad = false;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    std::optional<Place> place = placeOf(map, dim, bad);
    // Every piece needs elements of its own in each output.
    if (op.isDpsInit(&operand))
      bad |= !place || !isa<AffineDimExpr>(map.getResult(place->position));
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    bad |= place && (!type || !type.isStrided());
    if (bad)
      return false;
  }
  return true;
}

/// One dimension, or two where the first may turn out to be short.
SmallVector<Cut, 2> chooseCuts(GenericOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> dims;
  for (unsigned d = 0; d < op.getNumLoops() && dims.size() < 2; ++d) {
    if (sizes[d] == 1 || !canCut(op, d))
      continue;
    bool known = !ShapedType::isDynamic(sizes[d]);
    if (!dims.empty() && known && sizes[d] < (isContiguous(op, d) ? 512 : 4))
      break; // better whole: its size is known to the code
    dims.push_back(d);
    if (known && sizes[d] >= 512)
      break;
  }
  SmallVector<Cut, 2> cuts;
  bool reduces = op.getNumReductionLoops() > 0;
  for (auto [i, d] : llvm::enumerate(dims)) {
    // Whole registers and cache lines; rows enough that what they share is worth reading.
    int64_t unit = isContiguous(op, d) ? 64 : !reduces || i > 0 ? 1 : dims.size() > 1 ? 48 : 24;
    cuts.push_back({d, unit});
  }
  return cuts;
}

//===----------------------------------------------------------------------===//
// One op
//===----------------------------------------------------------------------===//

class Loop {
public:
  Loop(GenericOp op, ArrayRef<Cut> cuts, int64_t grain)
      : op(op), cuts(cuts), grain(grain), fills(fillsBefore(op)), values(usedValues()),
        record(op.getContext(), 2 * cuts.size() + 1, values), b(op.getLoc(), op.getContext()),
        ptr(LLVM::LLVMPointerType::get(op.getContext())) {}

  func::FuncOp makePiece(SymbolTable &symbols);
  /// Replaces the op by the run of its pieces.
  void run(func::FuncOp piece, Value executor);

private:
  SmallVector<Value> usedValues();
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  /// The part of an operand that a piece at `low` with `length` uses.
  Value slice(Value memory, AffineMap map, ArrayRef<Value> low, ArrayRef<Value> length);
  Value moveStart(Value memory, Value offset, Value size);
  void cloneInto(Block &block, IRMapping &whole, ArrayRef<Value> low, ArrayRef<Value> length);
  /// Fields of the record: for each cut the extent and the step, then the number of
  /// pieces along the second cut.
  unsigned extentField(unsigned cut) const { return 2 * cut; }
  unsigned stepField(unsigned cut) const { return 2 * cut + 1; }
  unsigned columnsField() const { return 2 * cuts.size(); }

  GenericOp op;
  SmallVector<Cut, 2> cuts;
  int64_t grain;
  SmallVector<linalg::FillOp> fills;
  SmallVector<Operation *> constants;
  SmallVector<Value> values;
  Record record;
  ImplicitLocOpBuilder b;
  Type ptr;
};

/// Operands of the op and its fills, and what the body takes from outside. Constants
/// are repeated in the piece.
SmallVector<Value> Loop::usedValues() {
  llvm::SetVector<Value> all;
  all.insert_range(op->getOperands());
  for (linalg::FillOp fill : fills)
    all.insert_range(fill->getOperands());
  getUsedValuesDefinedAbove(op.getRegion(), op.getRegion(), all);
  SmallVector<Value> used;
  for (Value v : all)
    if (matchPattern(v, m_Constant()))
      constants.push_back(v.getDefiningOp());
    else
      used.push_back(v);
  return used;
}

/// Memory of the same layout that starts `offset` rows later: code sees what it would
/// see of the whole, which a subview would not give.
Value Loop::moveStart(Value memory, Value offset, Value size) {
  auto type = cast<MemRefType>(memory.getType());
  Location loc = b.getLoc();
  Type converted = record.converter.convertType(type);
  MemRefDescriptor from(UnrealizedConversionCastOp::create(b, converted, memory).getResult(0));
  auto word = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  };
  Value elements = arith::MulIOp::create(b, word(offset), from.stride(b, loc, 0));
  Value start = LLVM::GEPOp::create(b, ptr, record.converter.convertType(type.getElementType()),
                                    from.alignedPtr(b, loc), elements);
  MemRefDescriptor to = from;
  to.setAllocatedPtr(b, loc, start);
  to.setAlignedPtr(b, loc, start);
  to.setSize(b, loc, 0, word(size));
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = ShapedType::kDynamic;
  return UnrealizedConversionCastOp::create(b, MemRefType::get(shape, type.getElementType()),
                                            Value(to))
      .getResult(0);
}

Value Loop::slice(Value memory, AffineMap map, ArrayRef<Value> low, ArrayRef<Value> length) {
  auto type = dyn_cast<MemRefType>(memory.getType());
  if (!type)
    return memory;
  bool bad = false;
  SmallVector<std::optional<Place>> places;
  for (const Cut &cut : cuts)
    places.push_back(placeOf(map, cut.dim, bad));
  auto range = [&](unsigned i) -> std::pair<Value, Value> {
    if (isa<AffineDimExpr>(map.getResult(places[i]->position)))
      return {low[i], length[i]};
    // A window: all that is left, of which the op uses the beginning.
    Value offset = arith::MulIOp::create(b, low[i], constant(places[i]->slope));
    Value size = memref::DimOp::create(b, memory, places[i]->position);
    return {offset, arith::SubIOp::create(b, size, offset)};
  };
  for (unsigned i = 0; i < cuts.size(); ++i)
    if (places[i] && places[i]->position == 0 && type.getLayout().isIdentity()) {
      auto [offset, size] = range(i);
      memory = moveStart(memory, offset, size);
      places[i].reset();
      break;
    }
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(b, b.getLoc(), memory);
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  bool moved = false;
  for (unsigned i = 0; i < cuts.size(); ++i)
    if (places[i]) {
      auto [offset, size] = range(i);
      offsets[places[i]->position] = offset;
      sizes[places[i]->position] = size;
      moved = true;
    }
  return moved ? memref::SubViewOp::create(b, memory, offsets, sizes, strides).getResult() : memory;
}

void Loop::cloneInto(Block &block, IRMapping &whole, ArrayRef<Value> low, ArrayRef<Value> length) {
  auto made = cast<GenericOp>(b.clone(*op.getOperation(), whole));
  b.setInsertionPoint(made);
  // What is updated in place stays one value.
  llvm::MapVector<std::pair<Value, AffineMap>, Value> slices;
  for (OpOperand &operand : made->getOpOperands()) {
    AffineMap map = made.getMatchingIndexingMap(&operand);
    Value &part = slices[{operand.get(), map}];
    if (!part)
      part = slice(operand.get(), map, low, length);
    operand.set(part);
  }
  for (linalg::FillOp fill : fills)
    for (auto [before, after] : llvm::zip(op.getDpsInits(), made.getDpsInits()))
      if (before == fill.getDpsInits().front())
        linalg::FillOp::create(b, whole.lookupOrDefault(fill.getDpsInputs().front()), after);
  SmallVector<linalg::IndexOp> indices(made.getBody()->getOps<linalg::IndexOp>());
  for (linalg::IndexOp index : indices)
    for (auto [i, cut] : llvm::enumerate(cuts))
      if (index.getDim() == cut.dim) {
        b.setInsertionPointAfter(index);
        auto sum = arith::AddIOp::create(b, index, low[i]);
        index.getResult().replaceAllUsesExcept(sum, sum);
      }
}

func::FuncOp Loop::makePiece(SymbolTable &symbols) {
  func::FuncOp piece = createPiece(b, op->getParentOfType<func::FuncOp>(), symbols);
  Block &block = piece.front();
  Value task = block.getArgument(0);
  Value number = arith::IndexCastOp::create(b, b.getIndexType(), block.getArgument(1));
  IRMapping whole;
  for (Operation *c : constants)
    b.clone(*c, whole);
  for (auto [i, v] : llvm::enumerate(values))
    whole.map(v, record.load(b, task, record.value(i), v.getType()));
  SmallVector<Value> at{number};
  if (cuts.size() == 2) {
    Value columns = record.load(b, task, columnsField(), b.getIndexType());
    at = {arith::DivUIOp::create(b, number, columns), arith::RemUIOp::create(b, number, columns)};
  }
  SmallVector<Value> low, length;
  for (unsigned i = 0; i < cuts.size(); ++i) {
    Value extent = record.load(b, task, extentField(i), b.getIndexType());
    Value step = record.load(b, task, stepField(i), b.getIndexType());
    low.push_back(arith::MulIOp::create(b, at[i], step));
    Value rest = arith::SubIOp::create(b, extent, low[i]);
    length.push_back(arith::MinSIOp::create(b, step, rest));
  }
  cloneInto(block, whole, low, length);
  b.setInsertionPointToEnd(&block);
  func::ReturnOp::create(b);
  return piece;
}

void Loop::run(func::FuncOp piece, Value executor) {
  Value task = record.create(b, op, values);
  SmallVector<Range> ranges =
      cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, op.getLoc());
  auto sizeOf = [&](unsigned d) {
    return getValueOrCreateConstantIndexOp(b, op.getLoc(), ranges[d].size);
  };
  Value total = constant(timeOf(op));
  for (unsigned d = 0; d < ranges.size(); ++d)
    total = b.createOrFold<arith::MulIOp>(total, sizeOf(d));
  SmallVector<Value> extents;
  for (auto [i, cut] : llvm::enumerate(cuts)) {
    extents.push_back(sizeOf(cut.dim));
    record.store(b, task, extentField(i), extents[i]);
  }
  Value isLarge = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, total, constant(2 * grain));
  auto branch = scf::IfOp::create(b, isLarge, /*withElseRegion=*/true);

  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<CutExtent, 2> dims;
  for (auto [cut, extent] : llvm::zip(cuts, extents))
    dims.push_back({extent, cut.unit});
  PieceGrid grid = gridOf(b, b.getLoc(), piecesOf(b, b.getLoc(), total, grain), dims);
  for (auto [i, value] : llvm::enumerate(grid.steps))
    record.store(b, task, stepField(i), value);
  record.store(b, task, columnsField(), grid.columns);
  callPieces(b, piece, task, executor, grid.count);

  b.setInsertionPointToStart(branch.elseBlock());
  for (unsigned i = 0; i < cuts.size(); ++i)
    record.store(b, task, stepField(i), extents[i]);
  record.store(b, task, columnsField(), constant(1));
  Value first = arith::ConstantIntOp::create(b, 0, 64);
  func::CallOp::create(b, piece, ValueRange{task, first});

  for (linalg::FillOp fill : fills)
    fill.erase();
  op.erase();
}

//===----------------------------------------------------------------------===//
// The executor
//===----------------------------------------------------------------------===//

/// The last argument of functions that run pieces, or call those that do.
class Executors {
public:
  explicit Executors(ModuleOp module) : module(module) {}

  Value of(func::FuncOp function) {
    Value &executor = known[function];
    if (!executor) {
      auto type = LLVM::LLVMPointerType::get(function.getContext());
      unsigned at = function.getNumArguments();
      (void)function.insertArgument(at, type, {}, function.getLoc());
      executor = function.getArgument(at);
    }
    return executor;
  }
  /// Completes the calls.
  void passOn() {
    SmallVector<func::CallOp> calls;
    module.walk([&](func::CallOp call) { calls.push_back(call); });
    for (bool changed = true; changed;) {
      changed = false;
      for (func::CallOp call : calls) {
        auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
        if (!callee || call.getNumOperands() == callee.getNumArguments())
          continue;
        Value executor = of(call->getParentOfType<func::FuncOp>());
        call->insertOperands(call.getNumOperands(), executor);
        changed = true;
      }
    }
  }

private:
  ModuleOp module;
  llvm::MapVector<Operation *, Value> known;
};

struct ParallelizeLoopsPass : impl::ParallelizeLoopsBase<ParallelizeLoopsPass> {
  using ParallelizeLoopsBase::ParallelizeLoopsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    Executors executors(getOperation());
    cutBefore(symbols, executors);
    SmallVector<GenericOp> ops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!whole.contains(function))
        function.walk([&](GenericOp op) {
          if (op.hasPureBufferSemantics() && mayBeLarge(op))
            ops.push_back(op);
        });
    IRRewriter rewriter(&getContext());
    for (GenericOp op : ops) {
      // Rows of an elementwise op are one dimension; fills belong to reductions.
      if (op.getNumReductionLoops() == 0)
        op = collapseDims(rewriter, op);
      SmallVector<Cut, 2> cuts = chooseCuts(op);
      if (cuts.empty())
        continue;
      Loop loop(op, cuts, grain);
      auto function = op->getParentOfType<func::FuncOp>();
      func::FuncOp piece = loop.makePiece(symbols);
      loop.run(piece, executors.of(function));
      ++numCut;
    }
    executors.passOn();
  }

  /// Loops that are cut already. What runs in a piece, also in functions that it
  /// calls, stays whole.
  void cutBefore(SymbolTable &symbols, Executors &executors) {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ParallelOp op) { loops.push_back(op); });
    for (scf::ParallelOp loop : llvm::reverse(loops))
      if (loop.getNumResults() == 0 && !hasPieces(loop))
        runInOrder(loop);
    loops.clear();
    getOperation().walk([&](scf::ParallelOp op) {
      if (hasPieces(op))
        loops.push_back(op);
    });
    SmallVector<func::FuncOp> work;
    for (scf::ParallelOp loop : loops) {
      Value executor = executors.of(loop->getParentOfType<func::FuncOp>());
      work.push_back(runIterations(loop, symbols, executor));
      ++numCut;
    }
    while (!work.empty()) {
      func::FuncOp function = work.pop_back_val();
      if (!whole.insert(function).second)
        continue;
      function.walk([&](func::CallOp call) {
        if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
          work.push_back(callee);
      });
    }
  }

  bool mayBeLarge(GenericOp op) {
    double time = double(timeOf(op));
    for (int64_t size : op.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(size))
        return true;
      time *= double(size);
    }
    return time >= 2.0 * double(grain);
  }

  llvm::DenseSet<Operation *> whole; ///< functions that run in a piece
};

} // namespace
} // namespace mad
