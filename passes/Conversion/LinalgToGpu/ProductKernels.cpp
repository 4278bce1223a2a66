//===- ProductKernels.cpp - Launches of products of matrices ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/ProductKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Memory.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using linalg::GenericOp;
using mad::device::Order;

namespace mad::product {

/// Of few rows, whose warps have parts of k.
constexpr int longestFewRowsSum = 32768, longestFewRowsF32Sum = 16384;
/// Of a factor in f32 that is worth a kernel for few rows.
constexpr int64_t manyElements = 1 << 22;

device::MatmulArguments Product::numbersIn(DeviceKernel &kernel, device::GpuBuilder &g) {
  auto &k32 = kernel.builder();
  auto narrow = [&](Value host) -> Value {
    return k32.createOrFold<arith::IndexCastUIOp>(k32.getI32Type(), kernel.get(host));
  };
  device::MatmulArguments made;
  made.m = narrow(m), made.n = narrow(n), made.k = narrow(k);
  auto row = [&](const Operand &operand, unsigned loop) {
    auto at = operand.position(loop);
    return at ? narrow(operand.strides[*at]) : g.number(0);
  };
  made.rowA = row(a, spec.orderA == Order::RowMajor ? *c.m : c.k);
  made.rowB = row(b, spec.order == Order::RowMajor ? c.k : c.n);
  made.rowC = made.rowTotals = row(result, *c.m);
  return made;
}

/// Indices of product z along the loops of the batch.
SmallVector<Value> Product::placeInBatch(DeviceKernel &kernel, Value z) {
  auto &k32 = kernel.builder();
  SmallVector<Value> at(outer.size());
  for (size_t i = outer.size(); i-- > 0;) {
    Value size = kernel.get(extents[outer[i]]);
    at[i] = i == 0 ? z : k32.createOrFold<arith::RemUIOp>(z, size);
    if (i > 0)
      z = k32.createOrFold<arith::DivUIOp>(z, size);
  }
  return at;
}

Value Product::pointerIn(DeviceKernel &kernel, device::GpuBuilder &g, const Operand &operand,
                         Value memory, Type element, ArrayRef<Value> at) {
  auto &k32 = kernel.builder();
  Value start = kernel.pointer(memory, /*apart=*/&operand != &result), offset;
  for (auto [d, index] : llvm::zip(outer, at))
    if (auto position = operand.position(d)) {
      Value part = k32.createOrFold<arith::MulIOp>(index, kernel.get(operand.strides[*position]));
      offset = offset ? k32.createOrFold<arith::AddIOp>(offset, part) : part;
    }
  if (!offset)
    return start;
  return g.at(start, element,
              device::Number(Value(arith::IndexCastOp::create(k32, k32.getI64Type(), offset))));
}

/// Where C of product z is, and sums that are cut.
void Product::findMatrices(DeviceKernel &kernel, device::GpuBuilder &g, Value z,
                           device::MatmulArguments &made) {
  SmallVector<Value> at = placeInBatch(kernel, z);
  made.c = pointerIn(kernel, g, result, output.memory, spec.output, at);
  if (spec.longestSum)
    made.totals = pointerIn(kernel, g, result, result.memory, g.b.getF32Type(), at);
}

/// With siblings there is no batch, and `which` product it is.
void Product::findSiblings(DeviceKernel &kernel, device::GpuBuilder &g, Value which,
                           device::MatmulArguments &made) {
  auto choose = [&](Value &own, bool apart, llvm::function_ref<Value(Sibling &)> memory) {
    for (auto [i, sibling] : llvm::enumerate(siblings))
      own = g.select(g.equal(which, int(i) + 1), kernel.pointer(memory(sibling), apart), own);
  };
  choose(made.wholeB ? made.wholeB : made.b, true, [&](Sibling &s) { return s.memory(c.b); });
  choose(made.c, false, [&](Sibling &s) { return s.output(); });
  if (spec.longestSum)
    choose(made.totals, false, [&](Sibling &s) { return s.memory(c.c()); });
}

/// What the caller sees is not written after a failed check, nor is read what is nowhere.
bool Product::isGuarded() {
  bool guarded = !f.isScratch(output.memory) || !f.isScratch(result.memory) ||
                 f.isFoundPlace(tiled ? tiled.getTiles() : b.memory) || f.isFoundPlace(a.memory);
  for (Sibling &sibling : siblings)
    guarded |= !f.isScratch(sibling.output()) || !f.isScratch(sibling.memory(c.c()));
  return guarded;
}

std::string Product::textOf(StringRef choice) {
  std::string text = choice.str();
  if (!outer.empty())
    text += ", a batch";
  if (!followers.empty())
    text += ", then " + llvm::Twine(followers.ops().size()).str() +
            (followers.ops().size() == 1 ? " op" : " ops");
  if (!siblings.empty())
    text += ", " + llvm::Twine(siblings.size() + 1).str() + " products of one factor";
  return text;
}

/// What sums begin with, and what follows them. `arguments` and `above`, the rows of the products
/// before in a batch, are read where a sum is stored.
void Product::setEpilogue(DeviceKernel &kernel, Followers &behind,
                          const device::MatmulArguments &arguments, const Value &above,
                          const Followers::Alternatives &alternatives) {
  Value start = initial && !isZero(initial) ? kernel.get(initial) : Value();
  if (!start && initial && behind.empty()) {
    spec.epilogue.apply = nullptr;
    return;
  }
  spec.epilogue.readsResult = !initial || behind.readsOutput();
  spec.epilogue.isLong = behind.isLong();
  spec.epilogue.apply = [this, start, &kernel, &behind, &arguments, &above,
                         &alternatives](device::GpuBuilder &g, ValueRange, Value sum, Value row,
                                        Value column) -> Value {
    if (start)
      sum = arith::AddFOp::create(g.b, start, sum);
    if (!initial) {
      Value from = g.at(arguments.c, spec.output, row, arguments.rowC, device::Number(column));
      sum = arith::AddFOp::create(g.b, g.load(spec.output, from), sum);
    }
    Followers::Alternatives now = alternatives;
    if (!now.others.empty() && !now.which)
      now.which = g.block(2);
    return behind.apply(kernel, sum, outer.empty() ? row : g.add(above, row), column, now);
  };
}

void Product::launch(StringRef choice, const Launch &how, Write write) {
  DeviceKernel kernel = how.large ? f.groupKernel(textOf(choice), work.refusals, isGuarded())
                                  : f.kernel(textOf(choice), work.refusals, isGuarded());
  if (hasNoGroups)
    kernel.builder().getBlock()->getParentOp()->setAttr(groupless, f.b.getUnitAttr());
  const bool byMaps = how.boxOfA > 0;
  kernel.setShared(how.shared, how.blocksAtOnce, byMaps ? 1024 : 16);
  Followers behind = followers;
  behind.prepare(f, kernel);
  Followers::Alternatives alternatives;
  std::vector<Followers> others;
  for (Sibling &sibling : siblings)
    others.push_back(sibling.followers);
  for (Followers &other : others) {
    other.prepare(f, kernel);
    alternatives.others.push_back(&other);
  }
  if (initial)
    kernel.get(initial);
  device::KernelSignature signature;
  signature.threads = how.threads;
  device::GpuBuilder g(kernel.builder(), signature);
  // Asked for here, where all of the kernel sees it.
  for (unsigned loop : outer)
    kernel.get(extents[loop]);
  device::MatmulArguments arguments = numbersIn(kernel, g);
  Value product = outer.empty()
                      ? Value()
                      : gpu::BlockIdOp::create(kernel.builder(), gpu::Dimension::z).getResult();
  SmallVector<Value> at = placeInBatch(kernel, product);
  device::FewRowsMaps maps;
  if (byMaps) {
    const bool columnsOfA = spec.orderA == Order::ColumnMajor,
               rowsOfB = spec.order == Order::RowMajor;
    maps.inA = mapOf(kernel, a, fastA(), columnsOfA ? c.k : *c.m, how.boxOfA, arguments.a);
    maps.inB = mapOf(kernel, b, fastB(), rowsOfB ? c.k : c.n, how.boxOfB, arguments.b,
                     /*many=*/false, how.boxColumns);
    maps.z = outer.empty() ? Value() : g.block(2);
  } else {
    arguments.a = pointerIn(kernel, g, a, a.memory, spec.element, at);
    arguments.b = pointerIn(kernel, g, b, b.memory, spec.element, at);
  }
  findMatrices(kernel, g, product, arguments);
  findSiblings(kernel, g, siblings.empty() ? Value() : g.block(2), arguments);
  Value rows = kernel.get(m);
  Value z = gpu::BlockIdOp::create(kernel.builder(), gpu::Dimension::z);
  Value above = kernel.builder().createOrFold<arith::IndexCastUIOp>(
      kernel.builder().getI32Type(), kernel.builder().createOrFold<arith::MulIOp>(z, rows));
  setEpilogue(kernel, behind, arguments, above, alternatives);
  write(g, arguments, maps);
  spec.epilogue = device::Epilogue();
  Value across = f.mul(f.ceilDiv(n, how.blockN), constant(how.cluster));
  kernel.launch(f.b, {across, f.ceilDiv(m, how.blockM), batch}, how.threads);
}

/// Whether there are so many blocks of this size.
Value Product::isMany(int blockM, int blockN, int64_t blocks) {
  Value all = f.mul(f.mul(f.ceilDiv(m, blockM), f.ceilDiv(n, blockN)), batch);
  return f.less(constant(blocks - 1), all);
}

/// The largest tile that has blocks enough.
void Product::launchPlain(ArrayRef<device::PlainChoice> choices) {
  const auto &[tile, leastBlocks] = choices.front();
  auto take = [&] {
    // Each part of k is a sum of its own.
    auto steps = known(k);
    const int longest = longestPlainSum * tile.parts;
    spec.longestSum = steps && *steps <= longest ? 0 : longest;
    launch(
        ("product: plain, tiles of " + llvm::Twine(tile.blockM) + " x " + llvm::Twine(tile.blockN))
            .str(),
        {tile.blockM, tile.blockN, tile.threads(), tile.sharedBytes(), tile.blocksAtOnce},
        [&](device::GpuBuilder &g, const device::MatmulArguments &arguments, auto &) {
          device::writePlainMatmul(g, spec, tile, arguments);
        });
  };
  if (choices.size() == 1)
    return take();
  // Half of a tile should be there.
  Value good = f.b.createOrFold<arith::AndIOp>(isMany(tile.blockM, tile.blockN, leastBlocks),
                                               f.less(constant(tile.blockM / 2), m));
  // One of the two largest tiles stays for all chips: some products have no room for parts.
  const bool covered = !hasNoGroups && !known(good) &&
                       choices.size() == device::plainTiles().size() &&
                       groupsCover(choices.front());
  if (covered) {
    Value never = arith::ConstantIntOp::create(f.b, 0, 1);
    good = arith::SelectOp::create(f.b, f.hasGroups(), never, good);
  }
  auto takeThis = [&] {
    llvm::SaveAndRestore kept(hasNoGroups, hasNoGroups || covered);
    take();
  };
  f.branch(good, takeThis, [&] { launchPlain(choices.drop_front()); });
}

void Product::launchWarp() {
  auto take = [&](const device::WarpTile &tile) {
    launch(("product: tensor cores by warp, tiles of " + llvm::Twine(tile.blockM) + " x " +
            llvm::Twine(tile.blockN))
               .str(),
           {tile.blockM, tile.blockN, tile.threads(),
            tile.sharedBytes(device::bytesOf(spec.element)), tile.blocksAtOnce},
           [&](device::GpuBuilder &g, const device::MatmulArguments &arguments, auto &) {
             device::writeWarpMatmul(g, spec, tile, arguments);
           });
  };
  device::WarpTile large;
  f.branch(
      isMany(large.blockM, large.blockN, manyBlocks), [&] { take(large); },
      [&] { take(device::smallWarpTile()); });
}

/// Few rows: reading B is what costs.
ArrayRef<int> Product::fewRows() {
  auto rows = known(m), columns = known(n), steps = known(k);
  const bool single = spec.element.isF32();
  const int chunk = 16 / device::bytesOf(spec.element);
  ArrayRef<int> choices = single ? device::fewRowsF32() : device::fewRows();
  if ((rows && *rows > choices.back()) || !steps ||
      *steps > (single ? longestFewRowsF32Sum : longestFewRowsSum) ||
      spec.orderA != Order::RowMajor || spec.vectorA != chunk || spec.vectorB != chunk)
    return {};
  // Small factors in f32 are a matter of starting, not of reading.
  if (single && (!columns || *columns * *steps < manyElements))
    return {};
  return choices;
}

/// Whether no kernel writes it: it may be read before the kernel in front has ended.
bool Product::isWeight(Value memory) {
  auto argument = dyn_cast_or_null<BlockArgument>(baseOf(memory));
  const EntryArguments entry(f.function);
  return argument && argument.getOwner() == &f.function.front() &&
         argument.getArgNumber() >= entry.weights && argument.getArgNumber() < entry.outputs;
}

void Product::launchFewRows(const device::FewRowsTile &tile) {
  device::MatmulSpec whole = spec;
  spec.longestSum = 0;
  std::string text = ("product: up to " + llvm::Twine(tile.rows) + " rows").str();
  if (tile.cluster > 1)
    text += ", clusters of " + std::to_string(tile.cluster) + " blocks";
  if (tile.maps)
    text += ", by tensor map, " + std::to_string(tile.columns) + " columns";
  Launch how{tile.rows,          tile.columns,
             tile.threads(),     tile.sharedBytes(device::bytesOf(spec.element)),
             /*blocksAtOnce=*/1, tile.maps,
             tile.cluster};
  if (tile.maps)
    how.boxOfA = tile.rows, how.boxOfB = tile.boxOfB(spec.order), how.boxColumns = tile.boxColumns;
  launch(text, how,
         [&](device::GpuBuilder &g, const device::MatmulArguments &arguments, auto &maps) {
           device::writeFewRowsMatmul(g, spec, tile, arguments, maps);
         });
  spec = whole;
}

/// The least number of rows that holds all; `more`: where there are more rows than any.
void Product::launchFewRows(ArrayRef<int> choices, llvm::function_ref<void()> more) {
  if (choices.empty())
    return more();
  const int rows = choices.front();
  auto take = [&] {
    const int64_t columns = known(n).value_or(0), steps = *known(k);
    const bool single = spec.element.isF32(),
               early = isWeight(b.memory) &&
                       llvm::all_of(siblings, [&](Sibling &s) { return isWeight(s.memory(c.b)); });
    device::FewRowsTile any = single ? device::fewRowsTileF32(rows, steps)
                                     : device::fewRowsTile(rows, spec.order, columns, steps);
    auto byMaps = single || hasNoGroups || !mayHaveMaps()
                      ? std::nullopt
                      : device::fewRowsMapTile(rows, spec.order, columns, steps);
    any.early = early;
    if (!byMaps)
      return launchFewRows(any);
    byMaps->early = early;
    f.branch(f.hasGroups(), [&] { launchFewRows(*byMaps); }, [&] { launchFewRows(any); });
  };
  f.branch(f.less(m, constant(rows + 1)), take, [&] { launchFewRows(choices.drop_front(), more); });
}

/// Op by op, a thread an element.
void Product::launchSlow() {
  auto launchOne = [&](const DeviceWork &product, const Followers &behind) {
    DeviceWork slow{product.op, product.fills, {"for sizes that tiles cannot count"}};
    (void)lowerElements(f, slow);
    for (GenericOp op : behind.ops()) {
      DeviceWork next{op, {}, slow.refusals};
      (void)lowerElements(f, next);
    }
  };
  launchOne(work, followers);
  for (Sibling &sibling : siblings)
    launchOne(sibling.work, sibling.followers);
}

} // namespace mad::product
