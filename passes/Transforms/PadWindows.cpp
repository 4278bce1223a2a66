//===- PadWindows.cpp - Windows across a boundary read a padded copy --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A window, as of a convolution, reads each element of its source many times. What
// stands outside of the source is decided once an element, in a copy with a margin,
// rather than at each read; the window itself then lies inside and fuses with what
// reads it.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_PADWINDOWS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// The lowest and highest value of a coordinate, without its scalars.
struct Reach {
  int64_t low; ///< its constant term
  DimExpr high;
};

class Window {
public:
  explicit Window(ViewOp op)
      : op(op), source(op.getSource().getType()), result(op.getType()), map(op.getMap()) {}

  /// False when a coordinate is not linear, runs backwards or has no known size.
  bool read();
  /// Some coordinate that may leave the source has several dims.
  bool pays() const { return windows; }
  void split();

private:
  bool readCoordinate(unsigned k);
  bool hasScalars(ArrayRef<int64_t> form) const;

  ViewOp op;
  RankedTensorType source, result;
  AffineMap map;
  /// Coordinates that keep their dimension of the source have none.
  SmallVector<std::optional<Reach>> reaches;
  SmallVector<DimExpr> sizes; ///< of the copy
  bool windows = false;
};

bool Window::hasScalars(ArrayRef<int64_t> form) const {
  return llvm::any_of(form.slice(map.getNumDims(), map.getNumSymbols()),
                      [](int64_t factor) { return factor != 0; });
}

bool Window::readCoordinate(unsigned k) {
  unsigned dims = map.getNumDims();
  auto form = linearForm(map.getResult(k), dims, map.getNumSymbols());
  if (!form)
    return false;
  Reach reach{form->back(), DimExpr(form->back())};
  unsigned moving = 0;
  for (unsigned d = 0; d < dims; ++d) {
    int64_t factor = (*form)[d];
    if (factor < 0)
      return false;
    moving += factor != 0;
    reach.high = reach.high + (dimExpr(result, d) - 1) * DimExpr(factor);
  }
  DimExpr extent = dimExpr(source, k);
  auto inside = (extent - reach.high - 1).lowerBound();
  if (!hasScalars(*form) && reach.low >= 0 && inside && *inside >= 0) {
    reaches.push_back(std::nullopt);
    sizes.push_back(extent);
    return true;
  }
  windows |= moving > 1;
  DimExpr size = reach.high - DimExpr(reach.low) + 1;
  auto least = size.lowerBound();
  reaches.push_back(reach);
  sizes.push_back(size);
  return size.valid() && least && *least >= 0;
}

bool Window::read() {
  for (unsigned k = 0; k < map.getNumResults(); ++k)
    if (!readCoordinate(k))
      return false;
  return true;
}

/// source -> copy, at its margin by the boundary -> window of the copy.
void Window::split() {
  OpBuilder b(op);
  unsigned rank = sizes.size(), dims = map.getNumDims(), symbols = map.getNumSymbols();
  SmallVector<AffineExpr> shifts, inner;
  for (unsigned k = 0; k < rank; ++k) {
    if (!reaches[k]) {
      shifts.push_back(b.getAffineDimExpr(k));
      inner.push_back(map.getResult(k));
      continue;
    }
    auto form = *linearForm(map.getResult(k), dims, symbols);
    AffineExpr shift = b.getAffineDimExpr(k) + reaches[k]->low;
    for (unsigned s = 0; s < symbols; ++s)
      shift = shift + b.getAffineSymbolExpr(s) * form[dims + s];
    AffineExpr window = b.getAffineConstantExpr(0);
    for (unsigned d = 0; d < dims; ++d)
      window = window + b.getAffineDimExpr(d) * form[d];
    shifts.push_back(shift);
    inner.push_back(window);
  }
  RankedTensorType padded = tensorType(sizes, {}, source.getElementType());
  Value copy =
      ViewOp::create(b, op.getLoc(), padded, op.getSource(), op.getScalars(),
                     AffineMap::get(rank, symbols, shifts, b.getContext()), op.getBoundary());
  Value window = ViewOp::create(b, op.getLoc(), result, copy, ValueRange(),
                                AffineMap::get(dims, 0, inner, b.getContext()), Boundary::inside);
  op.getResult().replaceAllUsesWith(window);
  op.erase();
}

struct PadWindowsPass : impl::PadWindowsBase<PadWindowsPass> {
  using PadWindowsBase::PadWindowsBase;

  void runOnOperation() override {
    SmallVector<ViewOp> views;
    getOperation().walk([&](ViewOp op) {
      bool reads = op.getBoundary() == Boundary::zero || op.getBoundary() == Boundary::periodic ||
                   op.getBoundary() == Boundary::clamp;
      if (reads)
        views.push_back(op);
    });
    for (ViewOp op : views) {
      Window window(op);
      if (!window.read() || !window.pays())
        continue;
      window.split();
      ++numCopies;
    }
  }
};

} // namespace
} // namespace mad
