//===- DeviceProduct.cpp - Products of matrices on a device ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the builder (passes/Kernels/Gpu/Matmul.h) and its tile. Where sizes are known when
// running only, the host chooses between tiles, and takes a thread an element where a size is
// 0 or too large for a builder.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/DeviceTiles.h"
#include "passes/Conversion/LinalgToGpu/ProductKernels.h"
#include "passes/Transforms/Multiples.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using linalg::GenericOp;
using mad::device::Order;

namespace mad::product {

/// Fewer products than this for each element are no matter of a tile.
constexpr int64_t fewSteps = 8;
/// Products that a tile should find, at least.
constexpr int64_t littleWork = 1 << 14;
/// Extents and distances that builders count with 32 bits, with room for a tile.
constexpr int64_t mostExtent = 1 << 30, mostBlocks = 65535, mostRows = (int64_t(1) << 31) - 1;

/// Whether memory is one matrix of several, whose number the device may find.
static bool isMatrixOf(Value memory) {
  auto view = memory.getDefiningOp<memref::SubViewOp>();
  return view && view.getType().getRank() == 2 && view.getSourceType().getRank() > 2 &&
         view.getSourceType().hasStaticShape() && view.getSourceType().getLayout().isIdentity() &&
         view.getType().getShape() == view.getSourceType().getShape().take_back(2);
}

/// What can be said without code.
bool Product::isFit() {
  GenericOp op = c.op;
  if (!c.sum.isF32())
    return work.refuse("no tiles: sums in f64");
  if (c.panel || !c.m)
    return work.refuse("no tiles: a vector");
  Type x = c.element(c.a), y = c.element(c.b);
  if (x != y || !isa<Float32Type, Float16Type, BFloat16Type>(x))
    return work.refuse("no tiles: factors of other types");
  if (!c.mayContract || !mayReorder(op))
    return work.refuse("no tiles: taken in order");
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t total = 1;
  for (int64_t size : sizes)
    total = ShapedType::isDynamic(size) || ShapedType::isDynamic(total)
                ? ShapedType::kDynamic
                : llvm::SaturatingMultiply<uint64_t>(total, size);
  if (sizes[c.n] == 1)
    return work.refuse("no tiles: a vector");
  if ((!ShapedType::isDynamic(sizes[c.k]) && sizes[c.k] < fewSteps) ||
      (!ShapedType::isDynamic(total) && total < littleWork))
    return work.refuse("no tiles: little work");
  SmallVector<Value> bases;
  for (unsigned i : {c.a, c.b, c.c()}) {
    Value memory = op->getOperand(i), base = baseOf(memory);
    const bool isKnown = !f.isFoundPlace(memory) || (i == c.b && isMatrixOf(memory));
    if (!isKnown || !base || base.getDefiningOp<memref::GetGlobalOp>())
      return work.refuse("no tiles: where memory lies is not known");
    bases.push_back(base);
  }
  return (bases[0] != bases[2] && bases[1] != bases[2]) ||
         work.refuse("no tiles: the result lies over a factor");
}

bool Product::findStrides() {
  for (auto [operand, number] :
       {std::pair(&a, c.a), std::pair(&b, c.b), std::pair(&result, c.c())}) {
    operand->memory = c.op->getOperand(number);
    operand->map = c.map(number);
    auto type = cast<MemRefType>(operand->memory.getType());
    int64_t offset;
    if (failed(type.getStridesAndOffset(operand->known, offset)))
      return work.refuse("no tiles: no strides");
    bool dynamic = llvm::any_of(operand->known, ShapedType::isDynamic);
    memref::ExtractStridedMetadataOp parts;
    if (dynamic)
      parts = memref::ExtractStridedMetadataOp::create(f.b, operand->memory);
    for (auto [d, stride] : llvm::enumerate(operand->known))
      operand->strides.push_back(ShapedType::isDynamic(stride) ? parts.getStrides()[d]
                                                               : constant(stride));
  }
  spec.element = c.element(c.a);
  spec.orderA = a.knownStride(c.k) == 1 ? Order::RowMajor : Order::ColumnMajor;
  spec.order = b.knownStride(c.n) == 1 ? Order::RowMajor : Order::ColumnMajor;
  bool good = (spec.orderA == Order::RowMajor || a.knownStride(*c.m) == 1) &&
              (spec.order == Order::RowMajor || b.knownStride(c.k) == 1) &&
              result.knownStride(c.n) == 1;
  return good || work.refuse("no tiles: elements are not neighbours");
}

/// Dimensions right above the rows that B does not have are rows, too, where nothing lies between.
void Product::mergeRows() {
  outer.assign(c.outer.begin(), c.outer.end());
  unsigned row = *c.m;
  while (!outer.empty() && spec.orderA == Order::RowMajor && a.isWhole() && result.isWhole()) {
    unsigned last = outer.back();
    auto inA = a.position(last), inC = result.position(last);
    if (b.position(last) || !inA || !inC || a.position(row) != *inA + 1 ||
        result.position(row) != *inC + 1)
      return;
    merged.push_back(last);
    outer.pop_back();
    row = last;
  }
}

bool Product::findSizes() {
  auto all = f.extentsOf(c.op);
  if (!all)
    return work.refuse("no tiles: sizes of the device");
  extents = *all;
  m = extents[*c.m], n = extents[c.n], k = extents[c.k];
  for (unsigned d : merged)
    m = f.mul(m, extents[d]);
  batch = constant(1);
  for (unsigned d : outer)
    batch = f.mul(batch, extents[d]);
  return true;
}

/// Elements of each row that lie together on a multiple of their size. Memory begins at a multiple
/// of 16 bytes.
int Product::vectorOf(const Operand &operand, unsigned fast, Type element) {
  int vector = 16 / device::bytesOf(element);
  SmallVector<int64_t> all{offsetMultiple(operand.memory)};
  all.push_back(c.op.getStaticLoopRanges()[fast]);
  for (unsigned d = 0; d < c.op.getNumLoops(); ++d)
    if (auto at = operand.position(d); at && d != fast && c.op.getStaticLoopRanges()[d] != 1)
      all.push_back(strideMultiple(operand.memory, *at));
  for (int64_t x : all)
    while (ShapedType::isDynamic(x) ? vector > 1 : x % vector != 0)
      vector /= 2;
  return vector;
}

/// Whether builders can count this, and there is something to count; null: yes.
Value Product::fits() {
  auto &h = f.b;
  Value good;
  auto require = [&](Value x, int64_t least, int64_t most) {
    if (auto value = known(x); value && *value >= least && *value <= most)
      return;
    Value low = f.less(constant(least - 1), x), high = f.less(x, constant(most + 1));
    Value both = h.createOrFold<arith::AndIOp>(low, high);
    good = good ? h.createOrFold<arith::AndIOp>(good, both) : both;
  };
  require(k, 1, mostExtent);
  require(n, 0, mostExtent);
  // Of more rows than 65535 tiles of 16 have, tiles of 64 or more are taken.
  require(m, 0, std::min<int64_t>(mostExtent, mostBlocks * 64));
  require(batch, 0, mostBlocks);
  // What follows counts the rows of all products.
  if (!outer.empty())
    require(f.mul(batch, m), 0, mostRows);
  for (const Operand *operand : {&a, &b, &result})
    for (auto [stride, value] : llvm::zip(operand->known, operand->strides))
      if (ShapedType::isDynamic(stride))
        require(value, 0, mostExtent);
      else if (stride > mostExtent)
        good = arith::ConstantIntOp::create(h, 0, 1);
  return good;
}

/// What a builder is asked for, if there is one.
bool Product::isChoosable() {
  unsigned fastA = spec.orderA == Order::RowMajor ? c.k : *c.m;
  unsigned fastB = spec.order == Order::RowMajor ? c.n : c.k;
  spec.vectorA = vectorOf(a, fastA, spec.element);
  spec.vectorB = vectorOf(b, fastB, spec.element);
  spec.output = cast<MemRefType>(output.memory.getType()).getElementType();
  spec.vectorC = vectorOf(result, c.n, spec.output);
  const int longest = spec.element.isF32() ? longestPlainSum : longestMmaSum;
  auto steps = known(k);
  spec.longestSum = steps && *steps <= longest ? 0 : longest;
  // Sums that are cut begin in memory, which may not hold anything else then.
  if (spec.longestSum && !initial)
    return work.refuse("no tiles: long sums that begin with memory");
  groups = spec.element.isF32() ? mayUseParts() : mayGroup();
  if (!spec.element.isF32() && spec.orderA != Order::RowMajor && !groups)
    return work.refuse("no tensor cores: A is stored by columns");
  const bool isVector =
      known(m) == 1 || (spec.element.isF32() && c.op.getStaticLoopRanges()[*c.m] == 1);
  if (isVector && fewRows().empty() && !tiled)
    return work.refuse("no tiles: a vector");
  return true;
}

/// B is a matrix, and there are more rows than `handled`.
void Product::chooseDense(int handled) {
  ArrayRef<int> few = fewRows();
  while (!few.empty() && few.front() <= handled)
    few = few.drop_front();
  launchFewRows(few, [&] {
    Value good = groups ? groups : Value(arith::ConstantIntOp::create(f.b, 0, 1));
    auto takeOthers = [&] {
      llvm::SaveAndRestore kept(hasNoGroups, hasNoGroups || (groups && groupsTakeAll));
      if (spec.element.isF32())
        launchPlain(device::plainTiles());
      else
        spec.orderA == Order::RowMajor ? launchWarp() : launchSlow();
    };
    if (spec.element.isF32())
      return f.branch(good, [&] { launchParts(); }, takeOthers);
    f.branch(
        good, [&] { f.branch(aligned, [&] { launchGroups(); }, [&] { launchCopied(); }); },
        takeOthers);
  });
}

void Product::choose() {
  Value good = fits();
  f.branch(
      good ? good : Value(arith::ConstantIntOp::create(f.b, 1, 1)),
      [&] { tiled ? chooseTiled() : chooseDense(); },
      [&] {
        if (tiled)
          decodeTiles(f, tiled);
        launchSlow();
      });
}

bool Product::lower() {
  if (!isFit() || !findStrides())
    return false;
  tiled = tilesOf(b.memory);
  if (tilesOf(a.memory))
    return work.refuse("no tiles: codes on the left");
  mergeRows();
  if (!findSizes())
    return false;
  initial = work.initialOf(result.memory);
  output = result;
  if (initial) {
    followers = Followers::behind(f, c, {baseOf(a.memory), baseOf(b.memory)});
    // Rows of followers count through all products.
    SmallVector<unsigned> loops;
    for (AffineExpr e : result.map.getResults())
      loops.push_back(cast<AffineDimExpr>(e).getPosition());
    SmallVector<unsigned> expected(outer);
    expected.append(merged.rbegin(), merged.rend());
    expected.append({*c.m, c.n});
    if (loops != expected)
      followers = Followers();
  }
  if (!followers.empty()) {
    output.memory = followers.output();
    // Behind the memory that they write; nothing else happens before.
    f.b.setInsertionPoint(followers.ops().back());
  }
  if (!isChoosable())
    return false;
  // Tensor maps are of one B; sums that are cut have no registers left.
  if (initial && outer.empty() && spec.element.isF32() && !spec.longestSum && !tiled)
    siblings = siblingsOf(f, c, followers, initial);
  auto isOther = [&](Sibling &s) {
    return tilesOf(s.memory(c.b)) || f.isFoundPlace(s.memory(c.b));
  };
  if (f.isFoundPlace(b.memory) || llvm::any_of(siblings, isOther))
    siblings.clear();
  if (!siblings.empty())
    batch = constant(1 + siblings.size());
  choose();
  auto take = [&](const DeviceWork &product, const Followers &behind) {
    f.take(product);
    for (GenericOp op : behind.ops())
      f.taken.insert(op);
  };
  take(work, followers);
  for (Sibling &sibling : siblings)
    take(sibling.work, sibling.followers);
  return true;
}

} // namespace mad::product

namespace mad {

bool lowerProduct(DeviceFunction &f, DeviceWork &work) {
  bool contract = false;
  if (work.op.getNumDpsInputs() != 2 || work.op.getNumDpsInits() != 1 ||
      !isSumOfProducts(work.op, contract))
    return false;
  std::optional<Contraction> found = Contraction::match(work.op);
  if (!found)
    return work.refuse("no tiles: not a product of two matrices");
  return product::Product(f, work, *found).lower();
}

} // namespace mad
