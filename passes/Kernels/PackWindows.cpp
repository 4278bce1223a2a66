//===- PackWindows.cpp - Windows of an image as columns of a matrix ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The columns of the matrix are the places of a window, its rows what the window reads
// there. An element lies at the place's offset plus the row's, so a vector of places is
// one load a row of the image, and nothing but a few panels is ever written.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class WindowPacker {
public:
  WindowPacker(ImplicitLocOpBuilder &b, ValueRange a, TileSizes sizes, Type from, Type to,
               WindowStep step)
      : b(b), i(b), source(a[0]), packed(a[1]), offset(a[2]), first(a[3]), last(a[4]), width(a[5]),
        height(a[6]), rowStride(a[7]), stride(a[8]), extents(a.slice(9, 3)),
        strides(a.slice(12, 3)), sizes(sizes), from(from), to(to), step(step) {}

  void emit();

private:
  /// The rows of the image that a vector of places crosses: lanes [low, high) are in it.
  struct Part {
    Value start; ///< where lane 0 would lie
    Value low, high;
  };
  /// What is loaded for a vector of places, before it becomes one vector.
  using Loaded = SmallVector<Value, 2>;

  void places(Value panel, int64_t lane);
  Part part(Value row, Value lane);
  void rows(Value at, function_ref<Loaded(Value)> load);
  Loaded none();
  Loaded all(Value at);
  Loaded some(Value at, ArrayRef<Value> masks, Loaded passed);
  SmallVector<Value> masks(const Part &part);
  Value join(Loaded loaded);
  VectorType vectorOf(Type element) { return VectorType::get({sizes.lanes}, stored(element)); }
  int64_t loads() const { return step == WindowStep::Two ? 2 : 1; }

  ImplicitLocOpBuilder &b;
  Index i;
  Value source, packed, offset, first, last, width, height, rowStride, stride;
  ValueRange extents, strides;
  TileSizes sizes;
  Type from, to;
  WindowStep step;
  Value flat;
};

/// The source as flat memory from its first element on.
void WindowPacker::emit() {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, source);
  // Nothing reads the size: places are what the caller says.
  Value size = i.constant(INT64_MAX);
  flat = memref::ReinterpretCastOp::create(
      b, KernelLibrary::flat(from), metadata.getBaseBuffer(), OpFoldResult(metadata.getOffset()),
      ArrayRef<OpFoldResult>{size}, ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  forRange(b, first, last, 1, [&](Value panel) {
    for (int64_t lane = 0; lane < sizes.NR; lane += sizes.lanes)
      places(panel, lane);
  });
}

/// The part of a vector that lies in row `row`, whose first place is that of `lane`.
WindowPacker::Part WindowPacker::part(Value row, Value lane) {
  Value start = i.sub(i.mul(row, rowStride), i.mul(lane, stride));
  Value exists = i.less(row, height);
  Value high = arith::SelectOp::create(b, exists, i.add(lane, width), lane);
  return {i.add(offset, start), lane, high};
}

WindowPacker::Loaded WindowPacker::none() {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vectorOf(from)));
  return Loaded(loads(), zero);
}

WindowPacker::Loaded WindowPacker::all(Value at) {
  Loaded loaded;
  if (step == WindowStep::Any) {
    Value one = arith::ConstantOp::create(
        b, DenseElementsAttr::get(vectorOf(b.getI1Type()), b.getBoolAttr(true)));
    return some(at, {one}, none());
  }
  for (int64_t v = 0; v < loads(); ++v)
    loaded.push_back(
        vector::LoadOp::create(b, vectorOf(from), flat, ValueRange{i.add(at, v * sizes.lanes)}));
  return loaded;
}

/// Which elements of the loads belong to a part.
SmallVector<Value> WindowPacker::masks(const Part &part) {
  SmallVector<Value> result;
  VectorType type = vectorOf(b.getIndexType());
  Value low = vector::BroadcastOp::create(b, type, part.low);
  Value high = vector::BroadcastOp::create(b, type, part.high);
  for (int64_t v = 0; v < loads(); ++v) {
    SmallVector<Attribute> lanes;
    // An odd element of pairs is not read: it may be behind the memory.
    for (int64_t lane = 0; lane < sizes.lanes; ++lane) {
      int64_t element = v * sizes.lanes + lane;
      bool odd = loads() == 2 && element % 2;
      lanes.push_back(b.getIndexAttr(odd ? INT64_MIN : element / loads()));
    }
    Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, lanes));
    Value above = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, lane, low);
    Value below = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane, high);
    result.push_back(arith::AndIOp::create(b, above, below));
  }
  return result;
}

WindowPacker::Loaded WindowPacker::some(Value at, ArrayRef<Value> masks, Loaded passed) {
  VectorType type = vectorOf(from);
  if (step == WindowStep::Any) {
    VectorType index = vectorOf(b.getIndexType());
    Value lanes = vector::StepOp::create(b, index);
    Value apart = arith::MulIOp::create(b, lanes, vector::BroadcastOp::create(b, index, stride));
    passed[0] = vector::GatherOp::create(b, type, flat, ValueRange{at}, apart, masks[0], passed[0]);
    return passed;
  }
  for (int64_t v = 0; v < loads(); ++v)
    passed[v] = vector::MaskedLoadOp::create(b, type, flat, ValueRange{i.add(at, v * sizes.lanes)},
                                             masks[v], passed[v]);
  return passed;
}

/// One element of each pair, or what was loaded.
Value WindowPacker::join(Loaded loaded) {
  Value result = loaded[0];
  if (step == WindowStep::Two) {
    SmallVector<int64_t> even;
    for (int64_t lane = 0; lane < sizes.lanes; ++lane)
      even.push_back(2 * lane);
    result = vector::ShuffleOp::create(b, loaded[0], loaded[1], even);
  }
  return widen(b, result, from, to);
}

/// Writes one vector for each row of the matrix; `load` gets the row's offset.
void WindowPacker::rows(Value at, function_ref<Loaded(Value)> load) {
  Value zero = i.constant(0);
  forRange(b, zero, extents[0], 1, [&](Value x) {
    forRange(b, zero, extents[1], 1, [&](Value y) {
      Value row = i.mul(i.add(i.mul(x, extents[1]), y), extents[2]);
      Value moved = i.add(i.mul(x, strides[0]), i.mul(y, strides[1]));
      forRange(b, zero, extents[2], 1, [&](Value z) {
        Value v = join(load(i.add(moved, i.mul(z, strides[2]))));
        Value to = i.add(at, i.mul(i.add(row, z), sizes.NR));
        vector::StoreOp::create(b, v, packed, ValueRange{to});
      });
    });
  });
}

void WindowPacker::places(Value panel, int64_t lane) {
  Value K = i.mul(i.mul(extents[0], extents[1]), extents[2]);
  Value at = i.add(i.mul(i.mul(i.sub(panel, first), K), sizes.NR), lane);
  Value place = i.add(i.mul(panel, sizes.NR), lane);
  Value row = b.createOrFold<arith::DivUIOp>(place, width);
  Value column = b.createOrFold<arith::RemUIOp>(place, width);
  Value left = i.sub(i.constant(0), column);
  // Most vectors lie in one row or in two.
  Value reach = i.add(column, sizes.lanes);
  Value within = i.lessOrEqual(reach, width);
  if (step == WindowStep::Two) // the pair of the last place is read whole
    within = i.less(reach, width);
  within = b.createOrFold<arith::AndIOp>(within, i.less(row, height));
  when(
      b, within,
      [&] {
        Value start = part(row, left).start;
        rows(at, [&](Value moved) { return all(i.add(start, moved)); });
      },
      [&] {
        when(
            b, i.lessOrEqual(reach, i.mul(width, 2)),
            [&] {
              Part one = part(row, left), two = part(i.add(row, 1), i.add(left, width));
              SmallVector<Value> ones = masks(one), twos = masks(two);
              rows(at, [&](Value moved) {
                Loaded loaded = some(i.add(one.start, moved), ones, none());
                return some(i.add(two.start, moved), twos, loaded);
              });
            },
            [&] {
              Value count = i.ceilDiv(reach, width);
              rows(at, [&](Value moved) {
                auto loop = scf::ForOp::create(b, i.constant(0), count, i.constant(1), none());
                OpBuilder::InsertionGuard guard(b);
                b.setInsertionPointToStart(loop.getBody());
                Value number = loop.getInductionVar();
                Part next = part(i.add(row, number), i.add(left, i.mul(number, width)));
                Loaded passed(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
                scf::YieldOp::create(b, some(i.add(next.start, moved), masks(next), passed));
                return Loaded(loop.getResults().begin(), loop.getResults().end());
              });
            });
      });
}

} // namespace

func::FuncOp KernelLibrary::packWindows(Type from, Type to, int64_t rank, WindowStep step) {
  const char *steps[] = {"one", "two", "any"};
  std::string name =
      llvm::formatv("pack_windows.{0}.{1}.{2}.{3}", from, to, rank, steps[int(step)]);
  SmallVector<Type> arguments{strided(from, rank), flat(to)};
  arguments.append(13, IndexType::get(module.getContext()));
  TileSizes sizes = this->sizes(to);
  return find(name, arguments, [&](ImplicitLocOpBuilder &b, ValueRange values) {
    WindowPacker(b, values, sizes, from, to, step).emit();
  });
}

} // namespace mad::kernels
