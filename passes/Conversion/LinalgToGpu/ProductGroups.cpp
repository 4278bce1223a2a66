//===- ProductGroups.cpp - Products by groups of warps ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/ProductKernels.h"
#include "passes/Transforms/Multiples.h"

using namespace mlir;
using linalg::GenericOp;
using mad::device::Order;

namespace mad::product {

/// Costs of a tile with 64, 128, 192 and 256 columns, as they were measured on an H100.
constexpr int64_t costOfTile[] = {100, 138, 202, 250};
/// Rows of a tile with codes where there are no more.
constexpr int fewTiled = 64;
/// Records of k from which on two blocks share them.
constexpr int64_t leastOfCluster = 8;
/// Of f32 in parts, with 64 and 128 columns.
constexpr int64_t costOfPartsTile[] = {100, 165};
/// What a microsecond is in costs times k.
constexpr int64_t microsecondOfGroups = 20000, microsecondOfParts = 3500;
/// Products that are worth making parts of the factors, rows and columns that fill a tile, and what
/// m n / (m + n) must be: how often an element is used, against what it takes to make its parts.
constexpr int64_t workOfParts = 5 << 25, fewOfParts = 64, leastUse = 190;
/// Elements of factors whose parts, of 6 bytes, there should be memory for.
constexpr int64_t mostInParts = int64_t(1) << 31;

/// Whether the copy engine takes a factor: rows, and matrices of a batch, at multiples of 16 bytes.
Value Product::isAligned(const Operand &operand, unsigned fast) {
  auto type = cast<MemRefType>(operand.memory.getType());
  constexpr int64_t unit = 8;
  if (f.isFoundPlace(operand.memory)) // a matrix begins at a multiple of its rows
    return arith::ConstantIntOp::create(f.b, operand.known.front() % unit == 0, 1);
  Value good = arith::ConstantIntOp::create(f.b, 1, 1);
  auto require = [&](int64_t known, llvm::function_ref<Value()> value) {
    if (!ShapedType::isDynamic(known)) {
      if (known % unit)
        good = arith::ConstantIntOp::create(f.b, 0, 1);
      return;
    }
    Value rest = f.b.createOrFold<arith::RemUIOp>(value(), constant(unit));
    Value none = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rest, constant(0));
    good = f.b.createOrFold<arith::AndIOp>(good, none);
  };
  for (unsigned d = 0; d < type.getRank(); ++d)
    if (d != *operand.position(fast) && strideMultiple(operand.memory, d) % unit)
      require(operand.known[d], [&] { return operand.strides[d]; });
  if (offsetMultiple(operand.memory) % unit)
    require(ShapedType::kDynamic, [&] {
      return memref::ExtractStridedMetadataOp::create(f.b, operand.memory).getOffset();
    });
  return good;
}

/// Whether tensor maps have the dimensions of both factors.
bool Product::mayHaveMaps() {
  constexpr int64_t mostRank = 5;
  return llvm::all_of(std::array{std::pair(&a, fastA()), std::pair(&b, fastB())}, [&](auto factor) {
    auto [operand, fast] = factor;
    auto at = operand->position(fast);
    int64_t rank = cast<MemRefType>(operand->memory.getType()).getRank();
    if (auto view = operand->memory.template getDefiningOp<memref::SubViewOp>();
        view && f.isFoundPlace(view))
      rank = view.getSourceType().getRank();
    return at && *at + 1 == operand->map.getNumResults() && rank <= mostRank;
  });
}

/// Whether the chip, the rows and the sizes are those of groups; null: never.
Value Product::mayGroup() {
  constexpr int64_t fewRows = 64, fewToCopy = 128;
  const unsigned fastA = this->fastA(), fastB = this->fastB();
  if (!mayHaveMaps())
    return work.refuse("no groups of warps: dimensions of a tensor map"), Value();
  if (auto rows = known(m); rows && *rows <= fewRows)
    return {};
  Value good = f.b.createOrFold<arith::AndIOp>(isAligned(a, fastA), isAligned(b, fastB));
  aligned = good;
  // Else they are copied first, for products that are much more than the copies.
  Value large = f.b.createOrFold<arith::AndIOp>(f.less(constant(fewToCopy - 1), m),
                                                f.less(constant(fewToCopy - 1), n));
  good = f.b.createOrFold<arith::OrIOp>(good, large);
  if (known(good) == 0)
    return work.refuse("no groups of warps: rows are no multiples of 16 bytes"), Value();
  // What kernels for few rows take does not come here.
  auto few = this->fewRows();
  const bool many = known(m) || (!few.empty() && few.back() >= fewRows);
  groupsTakeAll = many && known(good).value_or(0) != 0;
  good = f.b.createOrFold<arith::AndIOp>(good, f.less(constant(fewRows), m));
  return f.b.createOrFold<arith::AndIOp>(f.hasGroups(), good);
}

static Value number32(DeviceKernel &kernel, OpFoldResult number) {
  ImplicitLocOpBuilder &b = kernel.builder();
  if (auto value = dyn_cast<Value>(number))
    return b.createOrFold<arith::IndexCastOp>(b.getI32Type(), kernel.get(value));
  return arith::ConstantIntOp::create(b, *getConstantIntValue(number), 32);
}

/// The tensor map of a factor, whose boxes are `width` x `height`, and the coordinates of an
/// element. `many`: of several factors behind each other, of which the product's number says which.
device::GroupBatch::Place Product::mapOf(DeviceKernel &kernel, const Operand &operand,
                                         unsigned fast, unsigned slow, int height, Value &map,
                                         bool many, int width) {
  Value memory = operand.memory;
  SmallVector<unsigned> loops; // of each dimension
  for (AffineExpr e : operand.map.getResults())
    loops.push_back(cast<AffineDimExpr>(e).getPosition());
  if (slow == *c.m && !merged.empty()) {
    // What became rows is one dimension, whose elements are the rows of the last one.
    SmallVector<OpFoldResult> sizes, strides;
    SmallVector<unsigned> kept;
    Value rows = constant(1);
    for (auto [d, loop] : llvm::enumerate(loops)) {
      // A row may be longer than the loop: of parts.
      rows = loop == fast ? f.sizeOf(memory, d) : f.mul(rows, extents[loop]);
      if (llvm::is_contained(merged, loop))
        continue;
      kept.push_back(loop);
      sizes.push_back(getAsOpFoldResult(rows));
      strides.push_back(getAsOpFoldResult(operand.strides[d]));
      rows = constant(1);
    }
    memory = memref::ReinterpretCastOp::create(f.b, memory, f.b.getIndexAttr(0), sizes, strides);
    loops = kept;
  }
  SmallVector<int32_t> box;
  for (unsigned loop : llvm::reverse(loops))
    box.push_back(loop == fast ? width : loop == slow ? height : 1);
  // A matrix whose number the device finds has it as coordinates of the whole.
  device::Values found;
  if (f.isFoundPlace(memory)) {
    auto view = memory.getDefiningOp<memref::SubViewOp>();
    memory = view.getSource();
    SmallVector<OpFoldResult> offsets = view.getMixedOffsets();
    for (OpFoldResult at : llvm::reverse(ArrayRef(offsets).drop_back(2)))
      found.push_back(number32(kernel, at));
  }
  box.append(found.size() + many, 1);
  map = kernel.tensorMap(memory, box);
  return [=, this, &kernel](Value atFast, Value atSlow, Value z) {
    auto &b = kernel.builder();
    SmallVector<Value> inBatch;
    if (z && !outer.empty())
      inBatch = placeInBatch(kernel, arith::IndexCastUIOp::create(b, b.getIndexType(), z));
    device::Values at;
    for (unsigned loop : llvm::reverse(loops)) {
      if (loop == fast || loop == slow) {
        at.push_back(loop == fast ? atFast : atSlow);
        continue;
      }
      Value index = inBatch[llvm::find(outer, loop) - outer.begin()];
      at.push_back(b.createOrFold<arith::IndexCastUIOp>(b.getI32Type(), index));
    }
    at.append(found);
    if (many)
      at.push_back(z);
    return at;
  };
}

/// What the kernel of a tile is called.
std::string Product::nameOf(const device::GroupTile &tile) {
  return std::string("product: groups of warps, ") + (tile.parts > 1 ? "f32 in parts, " : "") +
         (codes ? "codes of " + codes->layout.format.str() + ", " : "") + "tiles of " +
         std::to_string(tile.rows()) + " x " + std::to_string(tile.blockN) +
         (tile.cluster > 1 ? ", clusters of " + std::to_string(tile.cluster) + " blocks" : "");
}

/// Asks for the sizes of the batch where all of the kernel sees them.
void Product::askForBatch(DeviceKernel &kernel, bool inParts) {
  for (unsigned loop : outer) {
    kernel.get(extents[loop]);
    if (auto at = result.position(loop))
      kernel.get(result.strides[*at]);
    for (const Operand *factor : {&a, &b})
      if (auto at = factor->position(loop); at && inParts)
        kernel.get(factor->strides[*at]);
  }
}

/// The maps of both factors, and how many matrices there are.
device::GroupBatch Product::batchOf(DeviceKernel &kernel, device::GpuBuilder &g,
                                    const device::GroupTile &tile,
                                    device::MatmulArguments &arguments) {
  const bool inParts = tile.parts > 1;
  const bool columnsOfA = spec.orderA == Order::ColumnMajor,
             rowsOfB = spec.order == Order::RowMajor;
  device::GroupBatch batch;
  batch.inA = mapOf(kernel, inParts ? partsA : a, columnsOfA ? *c.m : c.k, columnsOfA ? c.k : *c.m,
                    tile.boxOfA(spec.orderA), arguments.a);
  if (!codes)
    batch.inB = mapOf(kernel, inParts ? partsB : b, rowsOfB ? c.n : c.k, rowsOfB ? c.k : c.n,
                      tile.boxOfB(spec.order), arguments.b, !siblings.empty());
  if (!outer.empty() || !siblings.empty())
    batch.count = narrow(kernel, g, this->batch);
  return batch;
}

/// A number of the host in 32 bits.
Value Product::narrow(DeviceKernel &kernel, device::GpuBuilder &g, Value host) {
  return g.b.createOrFold<arith::IndexCastUIOp>(g.b.getI32Type(), kernel.get(host));
}

/// Where the parts of factors in f32 begin, and these themselves.
void Product::setParts(DeviceKernel &kernel, device::GpuBuilder &g,
                       device::MatmulArguments &arguments) {
  auto padded = [&](unsigned loop) {
    return g.mul(g.ceilDiv(narrow(kernel, g, extents[loop]), device::multipleOfParts),
                 device::multipleOfParts);
  };
  arguments.partA = padded(fastA()), arguments.partB = padded(fastB());
  arguments.wholeA = kernel.pointer(a.memory, /*apart=*/true);
  arguments.wholeB = kernel.pointer(b.memory, /*apart=*/true);
}

/// Blocks of a launch: as many as tiles, or as run at once and take one after the other.
Value Product::blocksOf(const device::GroupTile &tile, Value pieces) {
  Value tiles = f.mul(f.mul(f.ceilDiv(n, tile.blockN), f.ceilDiv(m, tile.rows())), this->batch);
  if (pieces)
    tiles = f.mul(tiles, pieces);
  return tile.cluster > 1 ? f.mul(tiles, constant(tile.cluster))
                          : f.b.createOrFold<arith::MinUIOp>(tiles, f.multiprocessors());
}

/// The code of a kernel of groups, whose arguments and batch are set.
void Product::writeGroup(DeviceKernel &kernel, device::GpuBuilder &g, const device::GroupTile &tile,
                         Value pieces, device::MatmulArguments arguments,
                         device::GroupBatch batch) {
  const bool inParts = tile.parts > 1;
  device::MatmulSpec own = spec;
  if (pieces) {
    setPieces(g, narrow(kernel, g, pieces), arguments, batch);
    own.output = g.b.getF32Type();
    own.vectorC = 4, own.longestSum = 0;
  }
  if (inParts)
    own.longestSum = 0;
  else
    own.vectorA = own.vectorB = 8; // what the map was checked for
  if (codes)
    device::writeLutGroup(g, *codes, own, tile, arguments,
                          kernel.pointer(tiled.getTiles(), /*apart=*/true), batch);
  else
    device::writeGroupMatmul(g, own, tile, arguments, batch);
}

/// `pieces`: of k, whose sums go to `sumsOfPieces`.
void Product::launchGroup(const device::GroupTile &tile, Value pieces) {
  const bool inParts = tile.parts > 1;
  const std::string choice = nameOf(tile);
  DeviceKernel kernel = f.groupKernel(pieces ? choice + ", in pieces of k" : textOf(choice),
                                      work.refusals, !pieces && isGuarded());
  kernel.setShared(tile.sharedBytes(), /*blocksAtOnce=*/1, /*alignment=*/1024);
  Followers behind = pieces ? Followers() : followers;
  behind.prepare(f, kernel);
  Followers::Alternatives alternatives;
  std::vector<Followers> others;
  for (Sibling &sibling : siblings)
    others.push_back(sibling.followers);
  for (Followers &other : others) {
    other.prepare(f, kernel);
    alternatives.others.push_back(&other);
  }
  if (initial && !pieces)
    kernel.get(initial);
  device::KernelSignature signature;
  signature.threads = tile.threads();
  device::GpuBuilder g(kernel.builder(), signature);
  askForBatch(kernel, inParts);
  device::MatmulArguments arguments = numbersIn(kernel, g);
  device::GroupBatch batch = batchOf(kernel, g, tile, arguments);
  if (inParts)
    setParts(kernel, g, arguments);
  arguments.c = kernel.pointer(pieces ? sumsOfPieces : output.memory, /*apart=*/false);
  if (spec.longestSum)
    arguments.totals = kernel.pointer(result.memory, /*apart=*/false);
  Value above;
  device::MatmulArguments current = arguments;
  batch.enter = [&](Value z, device::MatmulArguments &made) {
    Value number = arith::IndexCastUIOp::create(g.b, g.b.getIndexType(), z);
    findMatrices(kernel, g, number, made);
    if (inParts) {
      SmallVector<Value> at = placeInBatch(kernel, number);
      made.wholeA = pointerIn(kernel, g, a, a.memory, spec.element, at);
      made.wholeB = pointerIn(kernel, g, b, b.memory, spec.element, at);
      findSiblings(kernel, g, z, made);
      alternatives.which = z;
    }
    current = made;
    above = g.mul(z, made.m);
  };
  if (!pieces)
    setEpilogue(kernel, behind, current, above, alternatives);
  writeGroup(kernel, g, tile, pieces, arguments, batch);
  spec.epilogue = device::Epilogue();
  kernel.launch(f.b, blocksOf(tile, pieces), signature.threads);
}

/// The tile that costs least, counted in waves over the multiprocessors of a large device.
void Product::launchGroups(ArrayRef<device::GroupTile> tiles, ArrayRef<int64_t> costs,
                           int64_t microsecond) {
  auto columns = known(n);
  // A tile that is wider than another one which holds all columns is never better.
  size_t count = 1;
  while (count < tiles.size() && !(columns && *columns <= tiles[count - 1].blockN))
    ++count;
  auto cost = [&](size_t i) {
    Value all = f.mul(f.mul(f.ceilDiv(n, tiles[i].blockN), f.ceilDiv(m, tiles[i].rows())), batch);
    all = f.mul(all, constant(tiles[i].cluster));
    return f.mul(f.ceilDiv(all, manyBlocks), constant(costs[i]));
  };
  std::function<void(size_t)> take = [&](size_t i) {
    if (i == 0)
      return launchGroup(tiles[0]);
    Value best, own = cost(i);
    for (size_t other = 0; other < i; ++other) {
      Value good = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, own, cost(other));
      best = best ? f.b.createOrFold<arith::AndIOp>(best, good) : good;
    }
    f.branch(best, [&] { launchGroup(tiles[i]); }, [&] { take(i - 1); });
  };
  Value pieces = piecesOfK(tiles[1].blockN);
  if (!pieces)
    return take(count - 1);
  Value whole = cost(0);
  for (size_t i = 1; i < count; ++i)
    whole = f.b.createOrFold<arith::MinSIOp>(whole, cost(i));
  f.branch(
      isBetterInPieces(pieces, whole, costs[1], microsecond),
      [&] { launchPieces(tiles[1], pieces); }, [&] { take(count - 1); });
}

void Product::launchGroups() {
  launchGroups({device::smallGroupTile(), device::mediumGroupTile(), device::wideGroupTile(),
                device::GroupTile()},
               costOfTile, microsecondOfGroups);
}

/// Whether groups of warps can read the tiles of B; null: never.
Value Product::mayGroupTiled() {
  constexpr int64_t mostRank = 5;
  auto at = a.position(c.k);
  const int64_t rank = cast<MemRefType>(a.memory.getType()).getRank();
  if (!at || *at + 1 != rank || rank > mostRank)
    return work.refuse("no groups of warps: dimensions of a tensor map"), Value();
  Value good = isAligned(a, c.k);
  if (known(good) == 0)
    return work.refuse("no groups of warps: rows are no multiples of 16 bytes"), Value();
  return f.b.createOrFold<arith::AndIOp>(f.hasGroups(), good);
}

/// Two blocks share the k of a tile where that fills more multiprocessors, unless sums are cut,
/// which lie in memory then.
void Product::launchTiledGroups(const device::LutSpec &lut) {
  codes = &lut;
  auto launch = [&](int rows) {
    const bool few = rows <= fewTiled;
    SmallVector<device::GroupTile> tiles;
    SmallVector<int64_t> costs;
    auto add = [&](int columns, int64_t cost, int cluster = 1) {
      device::GroupTile tile = device::lutGroupTile(lut, columns, rows, cluster);
      tile.early = isWeight(tiled.getTiles()) && !lut.layout.isTable();
      tiles.push_back(tile);
      costs.push_back(cost);
    };
    const bool shares = !spec.longestSum && lut.layout.records() >= leastOfCluster &&
                        !llvm::errorToBool(device::checkLutGroup(
                            device::lutGroupTile(lut, 192, rows, /*cluster=*/2), lut));
    if (few && shares) {
      add(64, 50, /*cluster=*/2), add(128, 99), add(192, 78, /*cluster=*/2);
    } else if (few) {
      add(64, 85), add(128, 99), add(192, 121);
    } else {
      add(64, 100), add(128, 138), add(192, 198);
      if (shares)
        add(192, 131, /*cluster=*/2);
    }
    launchGroups(tiles, costs, microsecondOfGroups);
  };
  auto launchMany = [&] {
    f.branch(f.less(m, constant(fewTiled + 1)), [&] { launch(fewTiled); }, [&] { launch(128); });
  };
  f.branch(f.less(m, constant(fewTiled / 2 + 1)), [&] { launch(fewTiled / 2); }, launchMany);
  codes = nullptr;
}

/// Whether tensor cores multiply f32 as sums of bf16: much more work than making those.
Value Product::mayUseParts() {
  constexpr int64_t mostRank = 4;
  Value all = f.mul(f.mul(m, n), f.mul(k, batch)), good = f.less(constant(workOfParts - 1), all);
  auto require = [&](Value condition) { good = f.b.createOrFold<arith::AndIOp>(good, condition); };
  for (Value extent : {m, n, k})
    require(f.less(constant(fewOfParts - 1), extent));
  require(f.less(k, constant(device::longestSumOfParts + 1)));
  Value sum = f.b.createOrFold<arith::AddIOp>(m, n);
  require(f.less(f.mul(sum, constant(leastUse)), f.mul(m, n)));
  require(f.less(f.mul(f.mul(sum, k), batch), constant(mostInParts)));
  if (known(good) == 0)
    return {};
  for (auto [operand, fast] : {std::pair(&a, fastA()), std::pair(&b, fastB())}) {
    auto at = operand->position(fast);
    const int64_t rank = cast<MemRefType>(operand->memory.getType()).getRank();
    if (!at || *at + 1 != rank || rank > mostRank || operand->knownStride(fast) != 1)
      return work.refuse("no groups of warps: dimensions of a tensor map"), Value();
  }
  groupsTakeAll = known(good).value_or(0) != 0;
  return f.b.createOrFold<arith::AndIOp>(f.hasGroups(), good);
}

/// Whether the least product that has blocks enough for a tile is work enough for groups of warps,
/// so that a chip that has these leaves nothing to it, but factors whose parts there is no room
/// for.
bool Product::groupsCover(const device::PlainChoice &choice) {
  auto columns = known(n), steps = known(k), products = known(batch);
  if (!groups || !columns || !steps || !products || *products < 1 || *columns < fewOfParts ||
      *steps < fewOfParts || *steps > device::longestSumOfParts)
    return false;
  const auto &[tile, leastBlocks] = choice;
  const int64_t across = *products * llvm::divideCeil(*columns, tile.blockN),
                down = llvm::divideCeil(leastBlocks, across),
                rows = std::max<int64_t>((down - 1) * tile.blockM + 1, tile.blockM / 2 + 1);
  // Siblings were not known when groups were asked for.
  const int64_t own = *products / int64_t(1 + siblings.size());
  return rows >= fewOfParts && rows * *columns * *steps * own >= workOfParts &&
         (rows + *columns) * leastUse < rows * *columns;
}

void Product::launchParts() {
  auto describe = [&](const Operand &whole, unsigned fast) {
    WholeFactor made{{whole.memory}, whole.strides, 4};
    if (&whole == &b)
      for (Sibling &sibling : siblings)
        made.memories.push_back(sibling.memory(c.b));
    for (Value memory : made.memories) {
      Operand one = whole;
      one.memory = memory;
      made.vector = std::min(made.vector, vectorOf(one, fast, spec.element));
    }
    return made;
  };
  partsA = a, partsB = b;
  SmallVector<Value> made = splitToParts(f, {describe(a, fastA()), describe(b, fastB())});
  Operand *operands[] = {&partsA, &partsB};
  for (auto [memory, operand] : llvm::zip(made, operands)) {
    operand->memory = memory;
    auto parts = memref::ExtractStridedMetadataOp::create(f.b, memory);
    operand->strides.assign(parts.getStrides().begin(), parts.getStrides().end());
  }
  launchGroups({device::groupTileOfParts(64), device::groupTileOfParts(128)}, costOfPartsTile,
               microsecondOfParts);
}

/// Behind copies of those factors of which it is not known that they need none.
void Product::launchCopied() {
  const Operand before[] = {a, b};
  for (auto [operand, fast] : {std::pair(&a, fastA()), std::pair(&b, fastB())}) {
    if (known(isAligned(*operand, fast)).value_or(0) != 0) // a true i1 is -1
      continue;
    operand->memory = alignedCopy(f, operand->memory, operand->strides);
    auto type = cast<MemRefType>(operand->memory.getType());
    operand->known.clear();
    int64_t offset;
    (void)type.getStridesAndOffset(operand->known, offset);
    auto parts = memref::ExtractStridedMetadataOp::create(f.b, operand->memory);
    for (auto [d, stride] : llvm::enumerate(operand->known))
      operand->strides[d] =
          ShapedType::isDynamic(stride) ? parts.getStrides()[d] : constant(stride);
  }
  launchGroups();
  a = before[0], b = before[1];
}

} // namespace mad::product
