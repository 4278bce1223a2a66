//===- Scatter.cpp - Kernels that write to computed places -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Few updates of a place are a thread's. Of many a warp reads 128 at a time, the next ones while it
// adds these: each lane computes the same sum of what it gets by shuffles, in order.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Scatter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/Gpu/Combining.h"

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const ScatterSpec &spec) {
  if (spec.vector < 1 || !llvm::isPowerOf2_32(spec.vector) ||
      spec.vector * bytesOf(spec.step.element) > 16 || (spec.elements && spec.vector != 1))
    return llvm::createStringError("vector = " + Twine(spec.vector) +
                                   ", expected a power of two of at most 16 bytes of a row");
  if (spec.values && (!spec.elements || bytesOf(spec.step.element) > 4))
    return llvm::createStringError("items hold single elements of up to 4 bytes");
  return llvm::Error::success();
}

namespace {

class Scattering : Combining {
public:
  Scattering(GpuBuilder &g, const ScatterSpec &spec, const ScatterArguments &arguments)
      : Combining(g, spec.step), spec(spec), a(arguments), element(spec.step.element),
        i32(g.b.getI32Type()), i64(g.b.getI64Type()), last(g.sub(arguments.count, 1)) {}

  void run() {
    Value thread = g.thread(), number, own = g.number(0);
    if (spec.elements) {
      number = g.add(g.mul(g.block(), scatterThreads), thread);
    } else {
      Value rowsOfBlock = g.shiftRight(g.number(scatterThreads), a.shift);
      number = g.add(g.mul(g.block(), rowsOfBlock), g.shiftRight(thread, a.shift));
      own = g.bitAnd(thread, g.sub(g.shiftLeft(g.number(1), a.shift), 1));
    }
    Value isThere = g.less(number, a.count);
    Item item = itemAt(number), next = itemAt(g.add(number, 1));
    Value isLast =
        g.b.createOrFold<arith::OrIOp>(g.equal(number, last), differ(next.row, item.row));
    if (spec.set) {
      g.when(g.both(isThere, isLast), [&] {
        forColumns(own, [&](Value column) {
          g.store(updateAt(item.update, column), pointer(a.result, item.row, column));
        });
      });
      return;
    }
    Value isNone = g.equal(number, 0);
    Item before = itemAt(g.sub(g.select(isNone, g.number(1), number), 1));
    Value isFirst =
        g.both(isThere, g.b.createOrFold<arith::OrIOp>(isNone, differ(before.row, item.row)));
    if (!spec.elements) {
      g.when(isFirst, [&] {
        forColumns(own, [&](Value column) { takeAll(number, item, isLast, column); });
      });
      return;
    }
    Value far = g.add(number, manyOfPlace);
    Value isLong =
        g.both(g.both(isFirst, g.less(far, a.count)), g.equal(itemAt(far).row, item.row));
    g.when(g.both(isFirst, isNot(isLong)), [&] { takeAll(number, item, isLast, g.number(0)); });
    takeLong(number, item, g.lanesWith(isLong));
  }

private:
  struct Item {
    Value row, update;
  };
  Value isNot(Value x) {
    return arith::XOrIOp::create(g.b, x, arith::ConstantOp::create(g.b, g.b.getBoolAttr(true)));
  }
  Value differ(Value x, Value y) {
    return arith::CmpIOp::create(g.b, arith::CmpIPredicate::ne, x, y);
  }
  /// The one at a place, or the last one.
  Item itemAt(Value place) { return split(load64(place)); }
  Value load64(Value place) { return g.load(i64, g.at(a.items, i64, g.min(place, last))); }
  Item split(Value bits) {
    Value high = g.shiftRight(bits, g.wide(32));
    return {arith::TruncIOp::create(g.b, i32, high), arith::TruncIOp::create(g.b, i32, bits)};
  }
  Type group() { return spec.vector == 1 ? element : Type(g.vectorOf(spec.vector, element)); }
  Value pointer(Value memory, Value row, Value column) {
    if (spec.elements)
      return g.at(memory, element, row);
    return g.at(memory, element, row, a.columns, column);
  }
  Value load(Value memory, Value row, Value column) {
    return g.load(group(), pointer(memory, row, column));
  }
  /// An update: `which` is its place, or what it is.
  Value updateAt(Value which, Value column) {
    if (!spec.values)
      return load(a.updates, which, column);
    Type bits = g.b.getIntegerType(element.getIntOrFloatBitWidth());
    if (bits != i32)
      which = arith::TruncIOp::create(g.b, bits, which);
    return g.bits(which, element);
  }
  Values wide(Value loaded) {
    Values elements = g.unpack(loaded);
    for (Value &x : elements)
      x = widen(x);
    return elements;
  }
  void storeRow(ValueRange sums, Value row, Value column) {
    Values elements;
    for (Value x : sums)
      elements.push_back(narrow(x));
    g.store(spec.vector == 1 ? elements[0] : g.pack(elements), pointer(a.result, row, column));
  }
  /// Narrow floats are rounded in each step; of narrow integers the lower bits are the same.
  Value step(Value all, Value x) {
    Value next = combine(all, x);
    return isa<FloatType>(element) ? widen(narrow(next)) : next;
  }
  void forColumns(Value own, llvm::function_ref<void(Value)> body) {
    if (spec.elements)
      return body(own);
    Value lanes = g.shiftLeft(g.number(spec.vector), a.shift);
    g.loop(g.mul(own, spec.vector), a.columns, lanes, {}, [&](Value column, ValueRange) -> Values {
      body(column);
      return {};
    });
  }

  /// All updates of a row from its first item on, four on their way at a time.
  void takeAll(Value number, const Item &first, Value isOnly, Value column) {
    constexpr int unroll = 4;
    Values carried;
    Values old = wide(load(a.result, first.row, column));
    for (auto [all, x] : llvm::zip(old, wide(updateAt(first.update, column))))
      carried.push_back(step(all, x));
    carried.push_back(g.add(number, 1));
    carried.push_back(isNot(isOnly));
    SmallVector<Type> types(ValueRange(carried).getTypes());
    auto loop = scf::WhileOp::create(
        g.b, types, carried,
        [&](OpBuilder &, Location, ValueRange v) { scf::ConditionOp::create(g.b, v.back(), v); },
        [&](OpBuilder &, Location, ValueRange v) {
          Value at = v[v.size() - 2];
          Values sums(v.drop_back(2)), holds;
          SmallVector<Values> updates;
          for (int i = 0; i < unroll; ++i) {
            Value place = g.add(at, i);
            Item item = itemAt(place);
            holds.push_back(g.both(g.less(place, a.count), g.equal(item.row, first.row)));
            // What belongs to another row is not read.
            Value update = g.select(holds.back(), item.update, first.update);
            updates.push_back(wide(updateAt(update, column)));
          }
          for (auto [update, isPart] : llvm::zip(updates, holds))
            for (auto [all, x] : llvm::zip(sums, update))
              all = g.select(isPart, step(all, x), all);
          sums.push_back(g.add(at, unroll));
          sums.push_back(holds.back());
          scf::YieldOp::create(g.b, sums);
        });
    storeRow(loop.getResults().drop_back(2), first.row, column);
  }

  static constexpr int groups = 4, together = groups * lanesOfWarp;
  Value lane() { return g.rem(g.thread(), lanesOfWarp); }
  Values itemsFrom(Value at) {
    Values items;
    for (int i = 0; i < groups; ++i)
      items.push_back(load64(g.add(g.add(at, i * lanesOfWarp), lane())));
    return items;
  }
  /// The updates of such items, and of how many of them, which are the first ones, the row is this.
  Values updatesOf(ValueRange items, Value at, Value row) {
    Values updates;
    Value count = g.number(0);
    for (auto [i, bits] : llvm::enumerate(items)) {
      Item item = split(bits);
      Value place = g.add(g.add(at, int(i) * lanesOfWarp), lane());
      Value isPart = g.both(g.less(place, a.count), g.equal(item.row, row));
      count = g.add(count, g.countLanes(isPart));
      updates.push_back(widen(updateAt(item.update, g.number(0))));
    }
    updates.push_back(count);
    return updates;
  }
  /// sums, each lane's update of each group in turn.
  Value addUp(Value all, ValueRange updates, Value count) {
    for (int i = 0; i < groups; ++i) {
      Value before = g.min(count, i * lanesOfWarp);
      Value here = g.min(g.sub(count, before), lanesOfWarp), x = updates[i];
      constexpr int unroll = 8;
      Value many = g.bitAnd(here, 64 - unroll);
      auto steps = [&](int number) {
        return [&, number](Value from, ValueRange carried) -> Values {
          Values parts;
          for (int e = 0; e < number; ++e)
            parts.push_back(g.shuffleFrom(x, g.add(from, e)));
          Value sum = carried[0];
          for (Value part : parts)
            sum = step(sum, part);
          return {sum};
        };
      };
      all = g.loop(0, many, unroll, {all}, steps(unroll))[0];
      all = g.loop(many, here, 1, {all}, steps(1))[0];
    }
    return all;
  }
  /// Rows of many updates whose first items lanes have.
  void takeLong(Value number, const Item &own, Value lanes) {
    auto rows = scf::WhileOp::create(
        g.b, TypeRange{i32}, ValueRange{lanes},
        [&](OpBuilder &, Location, ValueRange v) {
          scf::ConditionOp::create(g.b, differ(v[0], g.number(0)), v);
        },
        [&](OpBuilder &, Location, ValueRange v) {
          Value which = g.firstBit(v[0]);
          takeTogether(g.shuffleFrom(number, which), g.shuffleFrom(own.row, which));
          scf::YieldOp::create(g.b, g.bitAnd(v[0], g.sub(v[0], 1)));
        });
    (void)rows;
  }
  void takeTogether(Value start, Value row) {
    const Values updates = updatesOf(itemsFrom(start), start, row);
    Values carried{widen(load(a.result, row, g.number(0))), start};
    llvm::append_range(carried, updates);
    llvm::append_range(carried, itemsFrom(g.add(start, together)));
    SmallVector<Type> types(ValueRange(carried).getTypes());
    auto loop = scf::WhileOp::create(
        g.b, types, carried,
        [&](OpBuilder &, Location, ValueRange v) {
          scf::ConditionOp::create(g.b, differ(v[2 + groups], g.number(0)), v);
        },
        [&](OpBuilder &, Location, ValueRange v) {
          Value next = g.add(v[1], together);
          Values later = itemsFrom(g.add(next, together));
          Values coming = updatesOf(v.take_back(groups), next, row);
          Values carried{addUp(v[0], v.slice(2, groups), v[2 + groups]), next};
          llvm::append_range(carried, coming);
          llvm::append_range(carried, later);
          scf::YieldOp::create(g.b, carried);
        });
    g.syncWarp();
    g.when(g.equal(lane(), 0), [&] { storeRow(loop.getResult(0), row, g.number(0)); });
  }

  const ScatterSpec &spec;
  const ScatterArguments &a;
  Type element, i32, i64;
  Value last;
};

} // namespace

void mad::device::writeScatter(GpuBuilder &g, const ScatterSpec &spec,
                               const ScatterArguments &arguments) {
  Scattering(g, spec, arguments).run();
}

llvm::Expected<Kernel> mad::device::makeScatter(gpu::GPUModuleOp module, StringRef name,
                                                const ScatterSpec &spec) {
  if (llvm::Error fault = check(spec))
    return std::move(fault);
  MLIRContext *context = module.getContext();
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = scatterThreads;
  signature.arguments.assign(spec.values ? 2 : 3, globalPointer(context));
  signature.arguments.append(spec.elements ? 1 : 3, IntegerType::get(context, 32));
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    ScatterArguments a;
    a.items = values[0];
    if (!spec.values)
      a.updates = values[1];
    values = values.drop_front(spec.values ? 1 : 2);
    a.result = values[0], a.count = values[1];
    if (!spec.elements)
      a.columns = values[2], a.shift = values[3];
    writeScatter(g, spec, a);
  });
}
