//===- Digits.cpp - Kernels that bring equal keys together -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorting by digits with counts of tiles (Satish, Harris and Garland, "Designing efficient sorting
// algorithms for manycore GPUs", 2009). A warp has a segment of the tile and takes 32 neighbours at
// a time: lanes with the same digit find each other by a vote on each bit (`match.any` takes as
// long as there are different digits), their rank is that of the lane among them behind what the
// warp has met of the digit before. So equal digits stay in order, and nothing depends on which
// block or warp is first.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Digits.h"

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const DigitTile &tile) {
  if (tile.threads < 32 || tile.threads > 1024 || tile.threads % 32)
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a multiple of 32 from 32 to 1024");
  if (tile.together < 1 || tile.items % tile.together || tile.items > 64)
    return llvm::createStringError("items = " + Twine(tile.items) + ", expected a multiple of " +
                                   Twine(tile.together) + " up to 64");
  if (tile.mostBits < 1 || tile.bytesForMoves() > 48 * 1024)
    return llvm::createStringError("mostBits = " + Twine(tile.mostBits) +
                                   ", expected 1 up to what 48 KB of counts hold");
  return llvm::Error::success();
}

namespace {

class Digits {
public:
  Digits(GpuBuilder &g, const DigitSpec &spec, const DigitTile &tile,
         const DigitArguments &arguments)
      : g(g), spec(spec), tile(tile), a(arguments), i16(g.b.getI16Type()), i32(g.b.getI32Type()),
        i64(g.b.getI64Type()) {
    lane = g.rem(g.thread(), lanesOfWarp);
    warp = g.div(g.thread(), lanesOfWarp);
    digits = g.shiftLeft(g.number(1), a.bits);
  }

  void count() {
    forDigits(digits, [&](Value d) { g.store(g.number(0), slot(d)); });
    g.barrier();
    forItems([&](ArrayRef<Item> items) {
      for (const Item &item : items)
        g.when(item.isThere, [&] { g.addTo(slot(digitOf(item)), g.number(1)); });
    });
    g.barrier();
    forDigits(digits,
              [&](Value d) { g.store(g.load(i32, slot(d)), g.at(a.counts, i32, ofTile(d))); });
  }

  void move() {
    forDigits(g.mul(digits, tile.warps()), [&](Value d) { g.store(g.number(0), slot(d)); });
    g.barrier();
    Value own = g.mul(warp, digits);
    forItems([&](ArrayRef<Item> items) {
      for (auto [item, like] : llvm::zip(items, lanesLike(items))) {
        Value at = slot(g.add(own, digitOf(item))), before = g.load(i32, at);
        Value earlier = g.countBits(g.bitAnd(like, lanesBefore())), all = g.countBits(like);
        g.syncWarp();
        g.when(g.both(item.isThere, g.equal(earlier, 0)), [&] { g.store(g.add(before, all), at); });
        g.syncWarp();
        Value rank = g.add(before, earlier);
        g.store(arith::TruncIOp::create(g.b, i16, rank), rankOf(item));
      }
    });
    g.barrier();
    // Where the first item of each digit of each warp goes.
    forDigits(digits, [&](Value d) {
      Value at = ofTile(d), isNone = g.equal(at, 0);
      Value before = g.load(i32, g.at(a.counts, i32, g.sub(g.select(isNone, g.number(1), at), 1)));
      Value start = g.select(isNone, g.number(0), before);
      for (int w = 0; w < tile.warps(); ++w) {
        Value place = slot(g.add(g.mul(digits, w), d)), number = g.load(i32, place);
        g.store(start, place);
        start = g.add(start, number);
      }
    });
    g.barrier();
    forItems([&](ArrayRef<Item> items) {
      Values values;
      for (const Item &item : items)
        values.push_back(lowOf(item));
      for (auto [item, low] : llvm::zip(items, values)) {
        Value rank = arith::ExtUIOp::create(g.b, i32, g.load(i16, rankOf(item)));
        Value to = g.add(g.load(i32, slot(g.add(own, digitOf(item)))), rank), value = low;
        g.when(item.isThere, [&] {
          Value bits = item.read;
          if (spec.fromKeys)
            bits = g.bitOr(g.shiftLeft(g.extend(bits), g.wide(32)), g.extend(value));
          g.store(bits, g.at(a.to, i64, to));
        });
      }
    });
  }

private:
  struct Item {
    Value read;  ///< a key or an item
    Value slot;  ///< in the tile
    Value place; ///< of all
    Value safe;  ///< that of the last one where there is none
    Value isThere;
  };
  /// What comes with a key: its place, or the bits of a value.
  Value lowOf(const Item &item) {
    if (!spec.fromKeys || !spec.value)
      return item.place;
    Value value = g.load(spec.value, g.at(a.values, spec.value, item.safe));
    value = g.bits(value, g.b.getIntegerType(value.getType().getIntOrFloatBitWidth()));
    return value.getType() == i32 ? value : arith::ExtUIOp::create(g.b, i32, value).getResult();
  }
  /// 0 where there is none.
  Value digitOf(const Item &item) {
    Value key = item.read;
    if (!spec.fromKeys)
      key = arith::TruncIOp::create(g.b, i32, g.shiftRight(key, g.wide(32)));
    Value digit = g.bitAnd(g.shiftRight(key, a.shift), g.sub(digits, 1));
    return g.select(item.isThere, digit, g.number(0));
  }
  /// The lanes that have an item with the same digit, a bit each.
  Values lanesLike(ArrayRef<Item> items) {
    Values start;
    for (const Item &item : items)
      start.push_back(g.lanesWith(item.isThere));
    return g.loop(0, a.bits, 1, start, [&](Value bit, ValueRange carried) -> Values {
      Values next;
      for (auto [item, like] : llvm::zip(items, carried)) {
        Value own = g.bitAnd(g.shiftRight(digitOf(item), bit), 1);
        Value set = g.lanesWith(g.equal(own, 1));
        // All bits where its own is not set.
        next.push_back(g.bitAnd(like, g.bitXor(set, g.sub(own, 1))));
      }
      return next;
    });
  }

  Value slot(Value number) { return g.at(g.shared(), i32, number); }
  Value rankOf(const Item &item) {
    return g.at(g.bytesAt(g.shared(), tile.warps() * tile.bytesForCounts()), i16, item.slot);
  }
  Value ofTile(Value digit) { return g.add(g.mul(digit, a.tiles), g.block()); }
  Value lanesBefore() { return g.sub(g.shiftLeft(g.number(1), lane), 1); }
  void forDigits(Value end, llvm::function_ref<void(Value)> body) {
    g.loop(g.thread(), end, tile.threads, {}, [&](Value d, ValueRange) -> Values {
      body(d);
      return {};
    });
  }
  /// Some are on their way at a time. Registers hold none for long: they are read again to be
  /// moved.
  void forItems(llvm::function_ref<void(ArrayRef<Item>)> body) {
    Value own = g.add(g.mul(warp, tile.items * lanesOfWarp), lane), last = g.sub(a.count, 1);
    Value first = g.mul(g.block(), tile.slots());
    Type type = spec.fromKeys ? i32 : i64;
    g.loop(0, tile.items, tile.together, {}, [&](Value from, ValueRange) -> Values {
      SmallVector<Item> items;
      for (int i = 0; i < tile.together; ++i) {
        Value slot = g.add(own, g.mul(g.add(from, i), lanesOfWarp)), place = g.add(first, slot);
        Value safe = g.min(place, last);
        items.push_back(
            {g.load(type, g.at(a.from, type, safe)), slot, place, safe, g.less(place, a.count)});
      }
      body(items);
      return {};
    });
  }

  GpuBuilder &g;
  const DigitSpec &spec;
  const DigitTile &tile;
  const DigitArguments &a;
  Type i16, i32, i64;
  Value lane, warp, digits;
};

llvm::Expected<Kernel> make(gpu::GPUModuleOp module, StringRef name, const DigitSpec &spec,
                            const DigitTile &tile, bool moves) {
  if (llvm::Error fault = check(tile))
    return std::move(fault);
  MLIRContext *context = module.getContext();
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads;
  signature.sharedBytes = moves ? tile.bytesForMoves() : tile.bytesForCounts();
  const bool values = moves && spec.value;
  signature.arguments.assign(2 + moves + values, globalPointer(context));
  signature.arguments.append(4, IntegerType::get(context, 32));
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    DigitArguments a;
    a.from = arguments[0];
    arguments = arguments.drop_front();
    if (values)
      a.values = arguments[0], arguments = arguments.drop_front();
    if (moves)
      a.to = arguments[0], arguments = arguments.drop_front();
    a.counts = arguments[0], a.count = arguments[1], a.tiles = arguments[2];
    a.shift = arguments[3], a.bits = arguments[4];
    if (moves)
      writeMoveByDigit(g, spec, tile, a);
    else
      writeCountDigits(g, spec, tile, a);
  });
}

} // namespace

void mad::device::writeCountDigits(GpuBuilder &g, const DigitSpec &spec, const DigitTile &tile,
                                   const DigitArguments &arguments) {
  Digits(g, spec, tile, arguments).count();
}
void mad::device::writeMoveByDigit(GpuBuilder &g, const DigitSpec &spec, const DigitTile &tile,
                                   const DigitArguments &arguments) {
  Digits(g, spec, tile, arguments).move();
}
llvm::Expected<Kernel> mad::device::makeCountDigits(gpu::GPUModuleOp module, StringRef name,
                                                    const DigitSpec &spec, const DigitTile &tile) {
  return make(module, name, spec, tile, false);
}
llvm::Expected<Kernel> mad::device::makeMoveByDigit(gpu::GPUModuleOp module, StringRef name,
                                                    const DigitSpec &spec, const DigitTile &tile) {
  return make(module, name, spec, tile, true);
}
