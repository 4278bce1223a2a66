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
#include "passes/Conversion/LinalgToGpu/DeviceProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/LinalgToGpu/DeviceSiblings.h"
#include "passes/Transforms/Multiples.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

using device::Order;

/// Fewer products than this for each element are no matter of a tile.
constexpr int64_t fewSteps = 8;
/// Products that a tile should find, at least.
constexpr int64_t littleWork = 1 << 14;
/// Extents and distances that builders count with 32 bits, with room for a tile.
constexpr int64_t mostExtent = 1 << 30, mostBlocks = 65535;
/// Blocks that should be there for each multiprocessor of a large device.
constexpr int64_t manyBlocks = 132;
/// Sums of so many products are added up (docs/language.md, "Precision").
constexpr int longestPlainSum = 1024, longestMmaSum = 8192;

/// One factor, or the result: distances of its elements along the loops of the product.
struct Operand {
  Value memory;
  AffineMap map;
  SmallVector<int64_t> known; ///< of the dimensions of the memory
  SmallVector<Value> strides; ///< on the host

  std::optional<unsigned> position(unsigned loop) const {
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(e); dim && dim.getPosition() == loop)
        return i;
    return {};
  }
  /// Kept as kDynamic where it is not known; 0 where the operand does not vary.
  int64_t knownStride(unsigned loop) const {
    auto at = position(loop);
    return at ? known[*at] : 0;
  }
  bool isWhole() const { return cast<MemRefType>(memory.getType()).getLayout().isIdentity(); }
};

class Product {
public:
  Product(DeviceFunction &f, DeviceWork &work, const Contraction &c) : f(f), work(work), c(c) {}
  bool lower();

private:
  bool isFit();
  bool findStrides();
  void mergeRows();
  bool findSizes();
  int vectorOf(const Operand &operand, unsigned fast, Type element);
  bool isZero(Value initial) { return matchPattern(initial, m_AnyZeroFloat()); }
  Value fits();
  Value constant(int64_t x) { return f.constant(x); }
  std::optional<int64_t> known(Value v) { return getConstantIntValue(v); }

  bool isChoosable();
  void choose();
  Value isMany(int blockM, int blockN, int64_t blocks);
  void branch(Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no);
  void launchPlain(ArrayRef<device::PlainChoice> choices);
  void launchWarp();
  bool isSkinny();
  bool launchSkinny();
  void launchSlow();
  using Write = llvm::function_ref<void(device::GpuBuilder &, const device::MatmulArguments &)>;
  void launch(StringRef choice, int blockM, int blockN, int threads, int shared, int blocksAtOnce,
              Write write);
  device::MatmulArguments argumentsIn(DeviceKernel &kernel, device::GpuBuilder &g);

  DeviceFunction &f;
  DeviceWork &work;
  Contraction c;
  Operand a, b, result, output; ///< output: where followers leave it
  device::MatmulSpec spec;
  SmallVector<Value> extents;
  Value m, n, k, batch;
  SmallVector<unsigned> outer;  ///< loops of the batch
  SmallVector<unsigned> merged; ///< loops that belong to the rows
  Followers followers;
  std::vector<Sibling> siblings; ///< products of the same A, in the third dimension of the grid
  Value initial;                 ///< one number that sums begin with; null: what memory holds
};

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
  if (sizes[c.n] == 1 || (sizes[*c.m] == 1 && x.isF32()))
    return work.refuse("no tiles: a vector");
  if ((!ShapedType::isDynamic(sizes[c.k]) && sizes[c.k] < fewSteps) ||
      (!ShapedType::isDynamic(total) && total < littleWork))
    return work.refuse("no tiles: little work");
  SmallVector<Value> bases;
  for (unsigned i : {c.a, c.b, c.c()}) {
    Value memory = op->getOperand(i), base = baseOf(memory);
    if (f.scalars.isOnDevice(memory) || !base || base.getDefiningOp<memref::GetGlobalOp>())
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
  // 16 is the least tile.
  require(m, 0, std::min<int64_t>(mostExtent, mostBlocks * 16));
  require(batch, 0, mostBlocks);
  for (const Operand *operand : {&a, &b, &result})
    for (auto [stride, value] : llvm::zip(operand->known, operand->strides))
      if (ShapedType::isDynamic(stride))
        require(value, 0, mostExtent);
      else if (stride > mostExtent)
        good = arith::ConstantIntOp::create(h, 0, 1);
  return good;
}

device::MatmulArguments Product::argumentsIn(DeviceKernel &kernel, device::GpuBuilder &g) {
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
  // The place in the batch.
  Value z = outer.empty() ? Value() : gpu::BlockIdOp::create(k32, gpu::Dimension::z).getResult();
  SmallVector<Value> at(outer.size());
  for (size_t i = outer.size(); i-- > 0;) {
    Value size = kernel.get(extents[outer[i]]);
    at[i] = i == 0 ? z : k32.createOrFold<arith::RemUIOp>(z, size);
    if (i > 0)
      z = k32.createOrFold<arith::DivUIOp>(z, size);
  }
  auto pointer = [&](const Operand &operand, Value memory, Type element) -> Value {
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
  };
  // With siblings there is no batch, and z says which product it is.
  auto ofSiblings = [&](Value own, bool apart, llvm::function_ref<Value(Sibling &)> memory) {
    for (auto [i, sibling] : llvm::enumerate(siblings))
      own = g.select(g.equal(g.block(2), int(i) + 1), kernel.pointer(memory(sibling), apart), own);
    return own;
  };
  made.a = pointer(a, a.memory, spec.element);
  made.b = ofSiblings(pointer(b, b.memory, spec.element), true,
                      [&](Sibling &s) { return s.memory(c.b); });
  made.c = ofSiblings(pointer(result, output.memory, spec.output), false,
                      [&](Sibling &s) { return s.output(); });
  if (spec.longestSum)
    made.totals = ofSiblings(pointer(result, result.memory, k32.getF32Type()), false,
                             [&](Sibling &s) { return s.memory(c.c()); });
  return made;
}

void Product::launch(StringRef choice, int blockM, int blockN, int threads, int shared,
                     int blocksAtOnce, Write write) {
  std::string text = choice.str();
  if (!outer.empty())
    text += ", a batch";
  if (!followers.empty())
    text += ", then " + llvm::Twine(followers.ops().size()).str() +
            (followers.ops().size() == 1 ? " op" : " ops");
  if (!siblings.empty())
    text += ", " + llvm::Twine(siblings.size() + 1).str() + " products of one factor";
  bool guarded = !f.isScratch(output.memory) || !f.isScratch(result.memory);
  for (Sibling &sibling : siblings)
    guarded |= !f.isScratch(sibling.output()) || !f.isScratch(sibling.memory(c.c()));
  DeviceKernel kernel = f.kernel(text, work.refusals, guarded);
  kernel.setShared(shared, blocksAtOnce);
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
  signature.threads = threads;
  device::GpuBuilder g(kernel.builder(), signature);
  device::MatmulArguments arguments = argumentsIn(kernel, g);
  Value start = initial && !isZero(initial) ? kernel.get(initial) : Value();
  Value rows = kernel.get(m);
  Value z = gpu::BlockIdOp::create(kernel.builder(), gpu::Dimension::z);
  Value above = kernel.builder().createOrFold<arith::IndexCastUIOp>(
      kernel.builder().getI32Type(), kernel.builder().createOrFold<arith::MulIOp>(z, rows));
  spec.epilogue.apply = [&](device::GpuBuilder &g, ValueRange, Value sum, Value row,
                            Value column) -> Value {
    if (start)
      sum = arith::AddFOp::create(g.b, start, sum);
    if (!initial) {
      Value from = g.at(arguments.c, spec.output, row, arguments.rowC, device::Number(column));
      sum = arith::AddFOp::create(g.b, g.load(spec.output, from), sum);
    }
    alternatives.which = siblings.empty() ? Value() : g.block(2);
    return behind.apply(kernel, sum, outer.empty() ? row : g.add(above, row), column, alternatives);
  };
  spec.epilogue.readsResult = !initial || behind.readsOutput();
  write(g, arguments);
  spec.epilogue = device::Epilogue();
  kernel.launch(f.b, {f.ceilDiv(n, blockN), f.ceilDiv(m, blockM), batch}, threads);
}

/// Whether there are so many blocks of this size.
Value Product::isMany(int blockM, int blockN, int64_t blocks) {
  Value all = f.mul(f.mul(f.ceilDiv(m, blockM), f.ceilDiv(n, blockN)), batch);
  return f.less(constant(blocks - 1), all);
}

void Product::branch(Value condition, llvm::function_ref<void()> yes,
                     llvm::function_ref<void()> no) {
  if (auto value = known(condition))
    return *value ? yes() : no();
  auto made = scf::IfOp::create(f.b, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(f.b);
  f.b.setInsertionPointToStart(made.thenBlock());
  yes();
  f.b.setInsertionPointToStart(made.elseBlock());
  no();
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
        tile.blockM, tile.blockN, tile.threads(), tile.sharedBytes(), tile.blocksAtOnce,
        [&](device::GpuBuilder &g, const device::MatmulArguments &arguments) {
          device::writePlainMatmul(g, spec, tile, arguments);
        });
  };
  if (choices.size() == 1) {
    take();
    return;
  }
  // Half of a tile should be there.
  Value good = f.b.createOrFold<arith::AndIOp>(isMany(tile.blockM, tile.blockN, leastBlocks),
                                               f.less(constant(tile.blockM / 2), m));
  branch(good, take, [&] { launchPlain(choices.drop_front()); });
}

void Product::launchWarp() {
  auto take = [&](const device::WarpTile &tile) {
    launch(("product: tensor cores by warp, tiles of " + llvm::Twine(tile.blockM) + " x " +
            llvm::Twine(tile.blockN))
               .str(),
           tile.blockM, tile.blockN, tile.threads(),
           tile.sharedBytes(device::bytesOf(spec.element)), tile.blocksAtOnce,
           [&](device::GpuBuilder &g, const device::MatmulArguments &arguments) {
             device::writeWarpMatmul(g, spec, tile, arguments);
           });
  };
  device::WarpTile large;
  branch(
      isMany(large.blockM, large.blockN, manyBlocks), [&] { take(large); },
      [&] { take(device::smallWarpTile()); });
}

/// Few rows: reading B is what costs.
bool Product::isSkinny() {
  auto rows = known(m), steps = known(k);
  return rows && *rows <= 64 && steps && *steps <= 65536 && spec.orderA == Order::RowMajor &&
         spec.vectorA == 8 && spec.vectorB == 8;
}

bool Product::launchSkinny() {
  if (!isSkinny())
    return false;
  device::SkinnyTile tile;
  tile.rows = llvm::alignTo(*known(m), 8);
  if (tile.rows > 16)
    tile.warps = 4, tile.unroll = 1;
  device::MatmulSpec whole = spec;
  spec.longestSum = 0;
  launch(("product: up to " + llvm::Twine(tile.rows) + " rows").str(), /*blockM=*/64,
         tile.columnsOfBlock(spec.order), tile.threads(), tile.sharedBytes(spec.order), 0,
         [&](device::GpuBuilder &g, const device::MatmulArguments &arguments) {
           device::writeSkinnyMatmul(g, spec, tile, arguments);
         });
  spec = whole;
  return true;
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
  if (!spec.element.isF32() && spec.orderA != Order::RowMajor)
    return work.refuse("no tensor cores: A is stored by columns");
  if (known(m) == 1 && !isSkinny())
    return work.refuse("no tiles: a vector");
  return true;
}

void Product::choose() {
  Value good = fits();
  branch(
      good ? good : Value(arith::ConstantIntOp::create(f.b, 1, 1)),
      [&] {
        if (spec.element.isF32())
          launchPlain(device::plainTiles());
        else if (!launchSkinny())
          launchWarp();
      },
      [&] { launchSlow(); });
}

bool Product::lower() {
  if (!isFit() || !findStrides())
    return false;
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
  if (!followers.empty())
    output.memory = followers.output();
  if (!isChoosable())
    return false;
  if (initial && outer.empty())
    siblings = siblingsOf(f, c, followers, initial);
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

} // namespace

bool lowerProduct(DeviceFunction &f, DeviceWork &work) {
  bool contract = false;
  if (work.op.getNumDpsInputs() != 2 || work.op.getNumDpsInits() != 1 ||
      !isSumOfProducts(work.op, contract))
    return false;
  std::optional<Contraction> product = Contraction::match(work.op);
  if (!product)
    return work.refuse("no tiles: not a product of two matrices");
  return Product(f, work, *product).lower();
}

} // namespace mad
