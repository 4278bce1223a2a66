//===- Sort.cpp - Kernels that sort -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread sorts its items in registers (Batcher, "Sorting networks and their applications",
// 1968). Then runs of a tile are merged in shared memory, two into one each round: a thread finds
// by halves where its part of the result begins in both (Odeh, Green, Mwassi, Shmueli and Birk,
// "Merge path", 2012), and merges as many items as it has. Runs of tiles are merged in the same
// way, a tile of the result a block: two warps find where it begins and ends, 32 places at a time.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Sort.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mad::device;

/// One slot in 16 is left out: what neighbours have of their runs is in different banks.
static int paddedSlots(int slots) { return slots + slots / 16; }

/// Two words more say where a tile begins and ends.
int SortTile::sharedBytes(const SortSpec &spec) const {
  return paddedSlots(slots()) * (spec.isWide() ? 12 : 8) + 8;
}

llvm::Error mad::device::check(const SortTile &tile, const SortSpec &spec) {
  if (tile.threads < 64 || tile.threads > 1024 || !llvm::isPowerOf2_32(tile.threads))
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a power of two from 64 to 1024");
  if (tile.items < 2 || tile.items > 16 || !llvm::isPowerOf2_32(tile.items))
    return llvm::createStringError("items = " + Twine(tile.items) +
                                   ", expected a power of two from 2 to 16");
  if (!spec.toItems && !spec.values && !spec.positions)
    return llvm::createStringError("a sort without results");
  return llvm::Error::success();
}

namespace {

/// A code and a place, as one number or two.
using Item = Values;

class Sorting {
public:
  Sorting(GpuBuilder &g, const SortSpec &spec, const SortTile &tile, const SortArguments &arguments)
      : g(g), spec(spec), tile(tile), a(arguments), i32(g.b.getI32Type()), i64(g.b.getI64Type()),
        wide(spec.isWide()) {}

  void sortRuns();
  void mergeRuns();

private:
  //===- Items --------------------------------------------------------------===//
  /// Behind all that are there.
  Item none() { return wide ? Item{g.wide(-1), g.number(-1)} : Item{g.wide(-1)}; }
  Value before(const Item &x, const Item &y) {
    Value less = g.less(x[0], y[0]);
    if (!wide)
      return less;
    Value tie = g.both(g.equal(x[0], y[0]), g.less(x[1], y[1]));
    return g.b.createOrFold<arith::OrIOp>(less, tie);
  }
  Item choose(Value condition, const Item &x, const Item &y) {
    Item chosen;
    for (auto [one, other] : llvm::zip(x, y))
      chosen.push_back(g.select(condition, one, other));
    return chosen;
  }
  Value placeOf(const Item &item) {
    return wide ? item[1] : arith::TruncIOp::create(g.b, i32, item[0]).getResult();
  }
  Value ones(Type type) { return arith::ConstantOp::create(g.b, IntegerAttr::get(type, -1)); }
  /// NaN is behind all numbers, both zeros are one.
  Value codeOfFloat(Value x) {
    if (bytesOf(x.getType()) == 2)
      x = g.convert(x, g.b.getF32Type());
    const unsigned width = x.getType().getIntOrFloatBitWidth();
    Type type = g.b.getIntegerType(width);
    auto integer = [&](const APInt &v) -> Value {
      return arith::ConstantOp::create(g.b, IntegerAttr::get(type, v));
    };
    Value isZero = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OEQ, x, g.zero(x.getType()));
    Value isNan = arith::CmpFOp::create(g.b, arith::CmpFPredicate::UNO, x, x);
    Value bits = g.select(isZero, integer(APInt(width, 0)), g.bits(x, type));
    Value signs = arith::ShRSIOp::create(g.b, bits, integer(APInt(width, width - 1)));
    Value mask = arith::OrIOp::create(g.b, signs, integer(APInt::getSignMask(width)));
    return g.select(isNan, ones(type), arith::XOrIOp::create(g.b, bits, mask));
  }
  Value codeOf(Value x) {
    Value code;
    if (isa<FloatType>(x.getType())) {
      code = codeOfFloat(x);
    } else {
      Type type = wide ? i64 : i32;
      code = x;
      if (x.getType() != type)
        code = spec.isUnsigned ? Value(arith::ExtUIOp::create(g.b, type, x))
                               : arith::ExtSIOp::create(g.b, type, x);
      if (!spec.isUnsigned)
        code = arith::XOrIOp::create(
            g.b, code,
            arith::ConstantOp::create(
                g.b, IntegerAttr::get(type, APInt::getSignMask(type.getIntOrFloatBitWidth()))));
    }
    return spec.descending ? arith::XOrIOp::create(g.b, code, ones(code.getType())) : code;
  }
  Item itemOf(Value x, Value place) {
    Value code = codeOf(x);
    if (wide)
      return {code, place};
    return {g.bitOr(g.shiftLeft(g.extend(code), g.wide(32)), g.extend(place))};
  }

  //===- Memory -------------------------------------------------------------===//
  Value pad(Value slot) { return g.add(slot, g.shiftRight(slot, 4)); }
  Value sharedPlaces() { return g.bytesAt(g.shared(), paddedSlots(tile.slots()) * 8); }
  Value bounds() { return g.bytesAt(g.shared(), paddedSlots(tile.slots()) * (wide ? 12 : 8)); }
  Item loadShared(Value slot) {
    Value at = pad(slot);
    Item item{g.load(i64, g.at(g.shared(), i64, at))};
    if (wide)
      item.push_back(g.load(i32, g.at(sharedPlaces(), i32, at)));
    return item;
  }
  void storeShared(const Item &item, Value slot) {
    Value at = pad(slot);
    g.store(item[0], g.at(g.shared(), i64, at));
    if (wide)
      g.store(item[1], g.at(sharedPlaces(), i32, at));
  }
  /// Each thread stores those next to each other.
  void storeOwn(ArrayRef<Item> items) {
    Value first = g.mul(g.thread(), tile.items);
    for (auto [i, item] : llvm::enumerate(items))
      storeShared(item, g.add(first, int(i)));
  }
  Item loadItem(const ItemMemory &memory, Value at) {
    Item item{g.load(i64, g.at(memory.codes, i64, at))};
    if (wide)
      item.push_back(g.load(i32, g.at(memory.places, i32, at)));
    return item;
  }
  /// What is in shared memory, to where it is wanted. Whatever is read is on its way before
  /// anything is stored.
  struct Output {
    Value slot, place, isWanted; ///< place: in the line of the output
  };
  void write(ArrayRef<Output> outputs, Value line) {
    Value start = g.mul(line, g.extend(a.wanted)), own = g.mul(line, g.extend(a.whole));
    SmallVector<Item> items;
    Values elements;
    for (const Output &output : outputs) {
      items.push_back(loadShared(output.slot));
      if (spec.toItems || !spec.values)
        continue;
      // Slots without an element have a place of their own.
      Value from = g.min(placeOf(items.back()), g.sub(a.whole, 1));
      elements.push_back(
          g.load(spec.element, g.at(a.source, spec.element, g.add(own, g.extend(from)))));
    }
    for (auto [i, output] : llvm::enumerate(outputs)) {
      const Item &item = items[i];
      Value to = g.add(start, g.extend(output.place)), element;
      if (!elements.empty())
        element = elements[i];
      g.when(output.isWanted, [&] {
        if (spec.toItems) {
          g.store(item[0], g.at(a.to.codes, i64, to));
          if (wide)
            g.store(item[1], g.at(a.to.places, i32, to));
          return;
        }
        if (spec.positions)
          g.store(g.extend(placeOf(item)), g.at(a.positions, i64, to));
        if (element)
          g.store(element, g.at(a.values, spec.element, to));
      });
    }
  }

  //===- Work ---------------------------------------------------------------===//
  /// Batcher's network, the smaller one of two first.
  void sortOwn(MutableArrayRef<Item> items) {
    const int count = items.size();
    auto order = [&](int i, int j) {
      Value swaps = before(items[j], items[i]);
      Item low = choose(swaps, items[j], items[i]), high = choose(swaps, items[i], items[j]);
      items[i] = low, items[j] = high;
    };
    for (int p = 1; p < count; p *= 2)
      for (int k = p; k >= 1; k /= 2)
        for (int j = k % p; j + k < count; j += 2 * k)
          for (int i = 0; i < k && i + j + k < count; ++i)
            if ((i + j) / (2 * p) == (i + j + k) / (2 * p))
              order(i + j, i + j + k);
  }

  /// A list in shared memory.
  struct List {
    Value begin, end;
  };
  /// Of the first `diagonal` items of two lists together, how many are from the left one.
  Value leftOf(const List &left, const List &right, Value diagonal) {
    Value sizeOfRight = g.sub(right.end, right.begin);
    Value most = g.min(diagonal, g.sub(left.end, left.begin));
    Value least =
        g.select(g.less(sizeOfRight, diagonal), g.sub(diagonal, sizeOfRight), g.number(0));
    auto loop = scf::WhileOp::create(
        g.b, TypeRange{i32, i32}, ValueRange{least, most},
        [&](OpBuilder &, Location, ValueRange v) {
          scf::ConditionOp::create(g.b, g.less(v[0], v[1]), v);
        },
        [&](OpBuilder &, Location, ValueRange v) {
          Value half = g.shiftRight(g.add(v[0], v[1]), 1);
          Value across = g.sub(g.sub(g.add(right.begin, diagonal), 1), half);
          Value first = before(loadShared(g.add(left.begin, half)), loadShared(across));
          scf::YieldOp::create(
              g.b, ValueRange{g.select(first, g.add(half, 1), v[0]), g.select(first, v[1], half)});
        });
    return loop.getResult(0);
  }
  Item loadOf(const List &list, Value slot) {
    Value last = g.sub(g.number(tile.slots()), 1);
    return choose(g.less(slot, list.end), loadShared(g.min(slot, last)), none());
  }
  /// As many items as a thread has, from `diagonal` on.
  SmallVector<Item> mergeOwn(const List &left, const List &right, Value diagonal) {
    Value fromLeft = leftOf(left, right, diagonal);
    Value i = g.add(left.begin, fromLeft), j = g.add(right.begin, g.sub(diagonal, fromLeft));
    Item x = loadOf(left, i), y = loadOf(right, j);
    SmallVector<Item> merged;
    for (int n = 0; n < tile.items; ++n) {
      Value takes = before(y, x);
      merged.push_back(choose(takes, y, x));
      if (n + 1 == tile.items)
        break;
      i = g.select(takes, i, g.add(i, 1)), j = g.select(takes, g.add(j, 1), j);
      Value slot = g.select(takes, j, i), end = g.select(takes, right.end, left.end);
      Item next = loadOf({Value(), end}, slot);
      x = choose(takes, x, next), y = choose(takes, next, y);
    }
    return merged;
  }

  Values flat(ArrayRef<Item> items) {
    Values all;
    for (const Item &item : items)
      llvm::append_range(all, item);
    return all;
  }
  SmallVector<Item> itemsOf(ValueRange flat) {
    const size_t words = wide ? 2 : 1;
    SmallVector<Item> items;
    for (size_t i = 0; i < flat.size(); i += words)
      items.push_back(Item(flat.slice(i, words)));
    return items;
  }

  Value leftOfMemory(Value left, Value sizeOfLeft, Value right, Value sizeOfRight, Value diagonal);

  GpuBuilder &g;
  const SortSpec &spec;
  const SortTile &tile;
  const SortArguments &a;
  Type i32, i64;
  const bool wide;
};

void Sorting::sortRuns() {
  Value thread = g.thread(), run = g.shiftLeft(g.number(tile.items), a.rounds);
  Value threadsOfRun = g.shiftLeft(g.number(1), a.rounds);
  Value local = g.shiftRight(thread, a.rounds);
  Value own = g.bitAnd(thread, g.sub(threadsOfRun, 1));
  Value runsOfBlock = g.div(g.number(tile.threads), threadsOfRun);
  Value line =
      g.add(g.mul(g.extend(g.div(g.block(), a.runs)), g.extend(runsOfBlock)), g.extend(local));
  Value number = g.rem(g.block(), a.runs), start = g.mul(number, run);
  Value isLine = g.less(line, a.lines);
  Value safeLine = g.select(isLine, line, g.wide(0));
  Value first = g.mul(safeLine, g.extend(a.length)), last = g.sub(a.length, 1);

  // Which item of a run a thread begins with does not matter.
  SmallVector<Item> items;
  for (int i = 0; i < tile.items; ++i) {
    Value column = g.add(g.add(start, own), g.mul(threadsOfRun, i));
    Value at = g.add(first, g.extend(g.min(column, last)));
    Item item = spec.fromItems
                    ? loadItem(a.from, at)
                    : itemOf(g.load(spec.element, g.at(a.source, spec.element, at)), column);
    items.push_back(choose(g.both(isLine, g.less(column, a.length)), item, none()));
  }
  sortOwn(items);

  Values carried = flat(items);
  carried.push_back(g.number(tile.items));
  Value slot = g.mul(thread, tile.items);
  Values merged = g.loop(0, a.rounds, 1, carried, [&](Value, ValueRange v) -> Values {
    Value width = v.back();
    g.barrier();
    storeOwn(itemsOf(v.drop_back()));
    g.barrier();
    Value both = g.shiftLeft(width, 1), diagonal = g.bitAnd(slot, g.sub(both, 1));
    Value begin = g.sub(slot, diagonal), middle = g.add(begin, width);
    Values next = flat(mergeOwn({begin, middle}, {middle, g.add(begin, both)}, diagonal));
    next.push_back(both);
    return next;
  });
  g.barrier();
  storeOwn(itemsOf(ValueRange(merged).drop_back()));
  g.barrier();
  Value count = g.min(a.kept, g.sub(a.length, start)), to = g.mul(number, a.kept);
  SmallVector<Output> outputs;
  for (int i = 0; i < tile.items; ++i) {
    Value place = g.add(own, g.mul(threadsOfRun, i));
    outputs.push_back(
        {g.add(g.mul(local, run), place), g.add(to, place), g.both(isLine, g.less(place, count))});
  }
  write(outputs, safeLine);
}

/// By a whole warp, of lists that begin at elements `left` and `right` of the input.
Value Sorting::leftOfMemory(Value left, Value sizeOfLeft, Value right, Value sizeOfRight,
                            Value diagonal) {
  Value lane = g.rem(g.thread(), lanesOfWarp);
  Value most = g.min(diagonal, sizeOfLeft);
  Value least = g.select(g.less(sizeOfRight, diagonal), g.sub(diagonal, sizeOfRight), g.number(0));
  auto loop = scf::WhileOp::create(
      g.b, TypeRange{i32, i32}, ValueRange{least, most},
      [&](OpBuilder &, Location, ValueRange v) {
        scf::ConditionOp::create(g.b, g.less(v[0], v[1]), v);
      },
      [&](OpBuilder &, Location, ValueRange v) {
        Value step = g.ceilDiv(g.sub(v[1], v[0]), lanesOfWarp);
        Value place = g.add(v[0], g.mul(lane, step));
        Value isThere = g.less(place, v[1]), safe = g.min(place, g.sub(v[1], 1));
        Item x = loadItem(a.from, g.add(left, g.extend(safe)));
        Item y = loadItem(a.from, g.add(right, g.extend(g.sub(g.sub(diagonal, 1), safe))));
        Value count = g.countLanes(g.both(isThere, before(x, y)));
        Value isNone = g.equal(count, 0);
        // Lanes below `count` are in the left list's part, and the next one is not.
        Value low = g.add(g.add(v[0], g.mul(g.sub(count, 1), step)), 1);
        Value high = g.min(g.add(v[0], g.mul(count, step)), v[1]);
        scf::YieldOp::create(g.b, ValueRange{g.select(isNone, v[0], low), high});
      });
  return loop.getResult(0);
}

void Sorting::mergeRuns() {
  Value tiles = g.ceilDiv(a.length, tile.slots());
  Value line = g.extend(g.div(g.block(), tiles));
  Value start = g.mul(g.rem(g.block(), tiles), tile.slots());
  Value count = g.min(g.sub(a.length, start), tile.slots());
  Value first = g.mul(line, g.extend(a.length));
  Value diagonal = g.bitAnd(start, g.sub(g.shiftLeft(a.width, 1), 1));
  Value begin = g.sub(start, diagonal);
  Value sizeOfLeft = g.min(a.width, g.sub(a.length, begin));
  Value middle = g.add(begin, sizeOfLeft);
  Value sizeOfRight = g.min(a.width, g.sub(a.length, middle));
  Value left = g.add(first, g.extend(begin)), right = g.add(first, g.extend(middle));

  Value thread = g.thread(), warp = g.div(thread, lanesOfWarp);
  g.when(g.less(warp, 2), [&] {
    Value own = g.add(diagonal, g.mul(warp, count));
    Value found = leftOfMemory(left, sizeOfLeft, right, sizeOfRight, own);
    g.when(g.equal(g.rem(thread, lanesOfWarp), 0),
           [&] { g.store(found, g.at(bounds(), i32, warp)); });
  });
  g.barrier();
  Value low = g.load(i32, bounds()), high = g.load(i32, g.at(bounds(), i32, 1));
  Value fromLeft = g.sub(high, low), last = g.sub(count, 1);
  Value leftStart = g.add(left, g.extend(low));
  Value rightStart = g.add(right, g.extend(g.sub(diagonal, low)));
  for (int i = 0; i < tile.items; ++i) {
    Value slot = g.add(thread, i * tile.threads), safe = g.min(slot, last);
    Value isLeft = g.less(safe, fromLeft);
    Value at = g.select(isLeft, g.add(leftStart, g.extend(safe)),
                        g.add(rightStart, g.extend(g.sub(safe, fromLeft))));
    storeShared(loadItem(a.from, at), slot);
  }
  g.barrier();
  Value own = g.min(g.mul(thread, tile.items), count);
  SmallVector<Item> merged = mergeOwn({g.number(0), fromLeft}, {fromLeft, count}, own);
  g.barrier();
  storeOwn(merged);
  g.barrier();
  SmallVector<Output> outputs;
  for (int i = 0; i < tile.items; ++i) {
    Value slot = g.add(thread, i * tile.threads), place = g.add(start, slot);
    outputs.push_back({slot, place, g.both(g.less(slot, count), g.less(place, a.wanted))});
  }
  write(outputs, line);
}

/// Takes the arguments of a kernel of the catalogue in order.
SortArguments argumentsOf(const SortSpec &spec, bool merges, ValueRange values) {
  SortArguments a;
  auto next = [&] {
    Value value = values.front();
    values = values.drop_front();
    return value;
  };
  auto items = [&](ItemMemory &memory) {
    memory.codes = next();
    if (spec.isWide())
      memory.places = next();
  };
  a.source = next();
  if (spec.fromItems)
    items(a.from);
  if (spec.toItems)
    items(a.to);
  if (!spec.toItems && spec.values)
    a.values = next();
  if (!spec.toItems && spec.positions)
    a.positions = next();
  a.lines = next(), a.length = next(), a.whole = next(), a.wanted = next();
  if (merges)
    a.width = next();
  else
    a.rounds = next(), a.runs = next(), a.kept = next();
  return a;
}

llvm::Expected<Kernel> make(gpu::GPUModuleOp module, StringRef name, const SortSpec &spec,
                            const SortTile &tile, bool merges) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  MLIRContext *context = module.getContext();
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads;
  signature.sharedBytes = tile.sharedBytes(spec);
  const int words = spec.isWide() ? 2 : 1;
  const int pointers = 1 + words * (spec.fromItems + spec.toItems) +
                       (spec.toItems ? 0 : spec.values + spec.positions);
  signature.arguments.assign(pointers, globalPointer(context));
  signature.arguments.push_back(IntegerType::get(context, 64));
  signature.arguments.append(merges ? 4 : 6, IntegerType::get(context, 32));
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    SortArguments arguments = argumentsOf(spec, merges, values);
    if (merges)
      writeMergeRuns(g, spec, tile, arguments);
    else
      writeSortRuns(g, spec, tile, arguments);
  });
}

} // namespace

void mad::device::writeSortRuns(GpuBuilder &g, const SortSpec &spec, const SortTile &tile,
                                const SortArguments &arguments) {
  Sorting(g, spec, tile, arguments).sortRuns();
}
void mad::device::writeMergeRuns(GpuBuilder &g, const SortSpec &spec, const SortTile &tile,
                                 const SortArguments &arguments) {
  Sorting(g, spec, tile, arguments).mergeRuns();
}
llvm::Expected<Kernel> mad::device::makeSortRuns(gpu::GPUModuleOp module, StringRef name,
                                                 const SortSpec &spec, const SortTile &tile) {
  return make(module, name, spec, tile, false);
}
llvm::Expected<Kernel> mad::device::makeMergeRuns(gpu::GPUModuleOp module, StringRef name,
                                                  const SortSpec &spec, const SortTile &tile) {
  return make(module, name, spec, tile, true);
}
