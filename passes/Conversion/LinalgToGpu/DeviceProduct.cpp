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
/// Of few rows, whose warps have parts of k.
constexpr int longestFewRowsSum = 32768, longestFewRowsF32Sum = 16384;
/// Of a factor in f32 that is worth a kernel for few rows.
constexpr int64_t manyElements = 1 << 22;

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
  ArrayRef<int> fewRows();
  void launchFewRows(ArrayRef<int> choices, llvm::function_ref<void()> more);
  void launchSlow();
  using Write = llvm::function_ref<void(device::GpuBuilder &, const device::MatmulArguments &)>;
  void launch(StringRef choice, int blockM, int blockN, int threads, int shared, int blocksAtOnce,
              Write write);
  device::MatmulArguments numbersIn(DeviceKernel &kernel, device::GpuBuilder &g);
  void findMatrices(DeviceKernel &kernel, device::GpuBuilder &g, Value z,
                    device::MatmulArguments &made);
  SmallVector<Value> placeInBatch(DeviceKernel &kernel, Value z);
  Value pointerIn(DeviceKernel &kernel, device::GpuBuilder &g, const Operand &operand, Value memory,
                  Type element, ArrayRef<Value> at);
  std::string textOf(StringRef choice);
  void setEpilogue(DeviceKernel &kernel, Followers &behind,
                   const device::MatmulArguments &arguments, const Value &above,
                   const Followers::Alternatives &alternatives);
  void findSiblings(DeviceKernel &kernel, device::GpuBuilder &g, device::MatmulArguments &made);
  bool isGuarded();

  Value mayGroup();
  Value isAligned(const Operand &operand, unsigned fast);
  unsigned fastA() const { return spec.orderA == Order::ColumnMajor ? *c.m : c.k; }
  unsigned fastB() const { return spec.order == Order::RowMajor ? c.n : c.k; }
  void launchCopied();
  void launchGroups();
  void launchGroup(const device::GroupTile &tile);
  device::GroupBatch::Place mapOf(DeviceKernel &kernel, const Operand &operand, unsigned fast,
                                  unsigned slow, int height, Value &map);

  DeviceFunction &f;
  DeviceWork &work;
  Contraction c;
  Operand a, b, result, output; ///< output: where followers leave it
  device::MatmulSpec spec;
  SmallVector<Value> extents;
  Value m, n, k, batch;
  Value groups;                 ///< on the host: whether groups of warps can do it; null: never
  Value aligned;                ///< whether the copy engine takes both factors
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
  if (sizes[c.n] == 1)
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

/// With siblings there is no batch, and z says which product it is.
void Product::findSiblings(DeviceKernel &kernel, device::GpuBuilder &g,
                           device::MatmulArguments &made) {
  auto choose = [&](Value &own, bool apart, llvm::function_ref<Value(Sibling &)> memory) {
    for (auto [i, sibling] : llvm::enumerate(siblings))
      own = g.select(g.equal(g.block(2), int(i) + 1), kernel.pointer(memory(sibling), apart), own);
  };
  choose(made.b, true, [&](Sibling &s) { return s.memory(c.b); });
  choose(made.c, false, [&](Sibling &s) { return s.output(); });
  if (spec.longestSum)
    choose(made.totals, false, [&](Sibling &s) { return s.memory(c.c()); });
}

/// What the caller sees is not written after a failed check.
bool Product::isGuarded() {
  bool guarded = !f.isScratch(output.memory) || !f.isScratch(result.memory);
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
    if (!now.others.empty())
      now.which = g.block(2);
    return behind.apply(kernel, sum, outer.empty() ? row : g.add(above, row), column, now);
  };
}

void Product::launch(StringRef choice, int blockM, int blockN, int threads, int shared,
                     int blocksAtOnce, Write write) {
  DeviceKernel kernel = f.kernel(textOf(choice), work.refusals, isGuarded());
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
  device::MatmulArguments arguments = numbersIn(kernel, g);
  Value product = outer.empty()
                      ? Value()
                      : gpu::BlockIdOp::create(kernel.builder(), gpu::Dimension::z).getResult();
  SmallVector<Value> at = placeInBatch(kernel, product);
  arguments.a = pointerIn(kernel, g, a, a.memory, spec.element, at);
  arguments.b = pointerIn(kernel, g, b, b.memory, spec.element, at);
  findMatrices(kernel, g, product, arguments);
  findSiblings(kernel, g, arguments);
  Value rows = kernel.get(m);
  Value z = gpu::BlockIdOp::create(kernel.builder(), gpu::Dimension::z);
  Value above = kernel.builder().createOrFold<arith::IndexCastUIOp>(
      kernel.builder().getI32Type(), kernel.builder().createOrFold<arith::MulIOp>(z, rows));
  setEpilogue(kernel, behind, arguments, above, alternatives);
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
  if (choices.size() == 1)
    return take();
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

/// The least number of rows that holds all; `more`: where there are more rows than any.
void Product::launchFewRows(ArrayRef<int> choices, llvm::function_ref<void()> more) {
  if (choices.empty())
    return more();
  const int rows = choices.front();
  auto take = [&] {
    device::FewRowsTile tile =
        spec.element.isF32()
            ? device::fewRowsTileF32(rows, *known(k))
            : device::fewRowsTile(rows, spec.order, known(n).value_or(0), *known(k));
    device::MatmulSpec whole = spec;
    spec.longestSum = 0;
    launch(("product: up to " + llvm::Twine(rows) + " rows").str(), rows, tile.columns,
           tile.threads(), tile.sharedBytes(device::bytesOf(spec.element)), /*blocksAtOnce=*/1,
           [&](device::GpuBuilder &g, const device::MatmulArguments &arguments) {
             device::writeFewRowsMatmul(g, spec, tile, arguments);
           });
    spec = whole;
  };
  branch(f.less(m, constant(rows + 1)), take, [&] { launchFewRows(choices.drop_front(), more); });
}

//===- Groups of warps --------------------------------------------------------===//

/// Costs of a tile with 64, 128, 192 and 256 columns, as they were measured on an H100.
constexpr int64_t costOfTile[] = {100, 138, 202, 250};

/// Whether the copy engine takes a factor: rows, and matrices of a batch, at multiples of 16 bytes.
Value Product::isAligned(const Operand &operand, unsigned fast) {
  auto type = cast<MemRefType>(operand.memory.getType());
  constexpr int64_t unit = 8;
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

/// Whether the chip, the rows and the sizes are those of groups; null: never.
Value Product::mayGroup() {
  constexpr int64_t mostRank = 5, fewRows = 64, fewToCopy = 128;
  const unsigned fastA = this->fastA(), fastB = this->fastB();
  for (auto [operand, fast] : {std::pair(&a, fastA), std::pair(&b, fastB)}) {
    auto at = operand->position(fast);
    const int64_t rank = cast<MemRefType>(operand->memory.getType()).getRank();
    if (!at || *at + 1 != rank || rank > mostRank)
      return work.refuse("no groups of warps: dimensions of a tensor map"), Value();
  }
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
  good = f.b.createOrFold<arith::AndIOp>(good, f.less(constant(fewRows), m));
  return f.b.createOrFold<arith::AndIOp>(f.hasGroups(), good);
}

/// The tensor map of a factor, whose boxes are 64 x `height`, and the coordinates of an element.
device::GroupBatch::Place Product::mapOf(DeviceKernel &kernel, const Operand &operand,
                                         unsigned fast, unsigned slow, int height, Value &map) {
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
      rows = f.mul(rows, extents[loop]);
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
    box.push_back(loop == fast ? 64 : loop == slow ? height : 1);
  map = kernel.tensorMap(memory, box);
  return [=, this, &kernel](Value atFast, Value atSlow, Value z) {
    auto &b = kernel.builder();
    SmallVector<Value> inBatch;
    if (z)
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
    return at;
  };
}

void Product::launchGroup(const device::GroupTile &tile) {
  DeviceKernel kernel = f.groupKernel(
      textOf("product: groups of warps, tiles of 128 x " + std::to_string(tile.blockN)),
      work.refusals, isGuarded());
  kernel.setShared(tile.sharedBytes(), /*blocksAtOnce=*/1, /*alignment=*/1024);
  Followers behind = followers;
  behind.prepare(f, kernel);
  if (initial)
    kernel.get(initial);
  device::KernelSignature signature;
  signature.threads = device::GroupTile::threads;
  device::GpuBuilder g(kernel.builder(), signature);
  // Asked for here, where all of the kernel sees it.
  for (unsigned loop : outer) {
    kernel.get(extents[loop]);
    if (auto at = result.position(loop))
      kernel.get(result.strides[*at]);
  }
  device::MatmulArguments arguments = numbersIn(kernel, g);
  device::GroupBatch batch;
  const bool columnsOfA = spec.orderA == Order::ColumnMajor,
             rowsOfB = spec.order == Order::RowMajor;
  batch.inA = mapOf(kernel, a, columnsOfA ? *c.m : c.k, columnsOfA ? c.k : *c.m,
                    tile.boxOfA(spec.orderA), arguments.a);
  batch.inB = mapOf(kernel, b, rowsOfB ? c.n : c.k, rowsOfB ? c.k : c.n, tile.boxOfB(spec.order),
                    arguments.b);
  auto narrow = [&](Value host) -> Value {
    return g.b.createOrFold<arith::IndexCastUIOp>(g.b.getI32Type(), kernel.get(host));
  };
  if (!outer.empty())
    batch.count = narrow(this->batch);
  Value above;
  arguments.c = kernel.pointer(output.memory, /*apart=*/false);
  if (spec.longestSum)
    arguments.totals = kernel.pointer(result.memory, /*apart=*/false);
  device::MatmulArguments current = arguments;
  batch.enter = [&](Value z, device::MatmulArguments &made) {
    findMatrices(kernel, g, arith::IndexCastUIOp::create(g.b, g.b.getIndexType(), z), made);
    current = made;
    above = g.mul(z, made.m);
  };
  const Followers::Alternatives alone;
  setEpilogue(kernel, behind, current, above, alone);
  device::MatmulSpec own = spec;
  own.vectorA = own.vectorB = 8; // what the map was checked for
  own.epilogue.isLong = behind.isLong();
  device::writeGroupMatmul(g, own, tile, arguments, batch);
  spec.epilogue = device::Epilogue();
  Value tiles = f.mul(f.mul(f.ceilDiv(n, tile.blockN), f.ceilDiv(m, tile.blockM)), this->batch);
  Value blocks = f.b.createOrFold<arith::MinUIOp>(tiles, f.multiprocessors());
  kernel.launch(f.b, blocks, signature.threads);
}

/// The tile that costs least, counted in waves over the multiprocessors of a large device.
void Product::launchGroups() {
  const device::GroupTile tiles[] = {device::smallGroupTile(), device::mediumGroupTile(),
                                     device::wideGroupTile(), device::GroupTile()};
  auto columns = known(n);
  // A tile that is wider than another one which holds all columns is never better.
  size_t count = 1;
  while (count < std::size(tiles) && !(columns && *columns <= tiles[count - 1].blockN))
    ++count;
  auto cost = [&](size_t i) {
    Value all =
        f.mul(f.mul(f.ceilDiv(n, tiles[i].blockN), f.ceilDiv(m, device::GroupTile::blockM)), batch);
    return f.mul(f.ceilDiv(all, manyBlocks), constant(costOfTile[i]));
  };
  std::function<void(size_t)> take = [&](size_t i) {
    if (i == 0)
      return launchGroup(tiles[0]);
    Value best, own = cost(i);
    for (size_t other = 0; other < i; ++other) {
      Value good = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, own, cost(other));
      best = best ? f.b.createOrFold<arith::AndIOp>(best, good) : good;
    }
    branch(best, [&] { launchGroup(tiles[i]); }, [&] { take(i - 1); });
  };
  take(count - 1);
}

/// Behind copies of those factors of which it is not known that they need none.
void Product::launchCopied() {
  const Operand before[] = {a, b};
  for (auto [operand, fast] : {std::pair(&a, fastA()), std::pair(&b, fastB())}) {
    if (known(isAligned(*operand, fast)) == 1)
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
  groups = spec.element.isF32() ? Value() : mayGroup();
  if (!spec.element.isF32() && spec.orderA != Order::RowMajor && !groups)
    return work.refuse("no tensor cores: A is stored by columns");
  const bool isVector =
      known(m) == 1 || (spec.element.isF32() && c.op.getStaticLoopRanges()[*c.m] == 1);
  if (isVector && fewRows().empty())
    return work.refuse("no tiles: a vector");
  return true;
}

void Product::choose() {
  Value good = fits();
  branch(
      good ? good : Value(arith::ConstantIntOp::create(f.b, 1, 1)),
      [&] {
        launchFewRows(fewRows(), [&] {
          if (spec.element.isF32())
            return launchPlain(device::plainTiles());
          branch(
              groups ? groups : Value(arith::ConstantIntOp::create(f.b, 0, 1)),
              [&] { branch(aligned, [&] { launchGroups(); }, [&] { launchCopied(); }); },
              [&] { spec.orderA == Order::RowMajor ? launchWarp() : launchSlow(); });
        });
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
  if (!followers.empty()) {
    output.memory = followers.output();
    // Behind the memory that they write; nothing else happens before.
    f.b.setInsertionPoint(followers.ops().back());
  }
  if (!isChoosable())
    return false;
  // Tensor maps are of one B; sums that are cut have no registers left.
  if (initial && outer.empty() && spec.element.isF32() && !spec.longestSum)
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
