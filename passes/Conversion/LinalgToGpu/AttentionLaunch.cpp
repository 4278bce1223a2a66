//===- AttentionLaunch.cpp - The kernel of an attention and its launch ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/AttentionBody.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Multiples.h"

using namespace mlir;
using linalg::GenericOp;
using llvm::Twine;
using mad::device::GpuBuilder;

namespace mad::attention {
namespace {

/// What builders count with 32 bits, with room for a tile; and rows that fit into registers.
constexpr int64_t mostExtent = 1 << 30, mostBlocks = 65535, mostWidth = 256;

bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }

/// Equal keys are equal sizes: numbers, and what sizes of an entry's arguments are called.
OpFoldResult keyOf(Value size) {
  if (auto known = getConstantIntValue(size))
    return IntegerAttr::get(size.getType(), *known);
  auto argument = dyn_cast<BlockArgument>(size);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (function && isEntry(function)) {
    ArrayAttr names = entryList(function, "dims");
    return argument.getArgNumber() < names.size() ? OpFoldResult(names[argument.getArgNumber()])
                                                  : size;
  }
  auto dim = size.getDefiningOp<memref::DimOp>();
  auto index = dim ? dim.getConstantIndex() : std::nullopt;
  if (!index)
    return size;
  Value memory = dim.getSource();
  auto type = cast<MemRefType>(memory.getType());
  if (auto alloc = memory.getDefiningOp<memref::AllocOp>())
    return keyOf(alloc.getDynamicSizes()[type.getDynamicDimIndex(*index)]);
  if (auto expand = memory.getDefiningOp<memref::ExpandShapeOp>())
    if (auto value = dyn_cast<Value>(expand.getMixedOutputShape()[*index]))
      return keyOf(value);
  argument = dyn_cast<BlockArgument>(memory);
  function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!function || !isEntry(function))
    return size;
  EntryArguments arguments(function);
  RankedTensorType entry = arguments.typeOf(function, argument.getArgNumber());
  return entry ? OpFoldResult(StringAttr::get(size.getContext(), dimExpr(entry, *index).str()))
               : size;
}
bool isSame(Value x, Value y) { return x == y || keyOf(x) == keyOf(y); }

/// Keys that blocks share where rows are few: each has so many from a multiple of that on.
struct KeyParts {
  Value count, keys; ///< of parts, and of each; on the host
  Value all;         ///< rows of all matrices
  Value scratch;     ///< `words` for each row of each part
  int64_t words = 0;

  void prepare(DeviceKernel &kernel) const {
    for (Value value : {count, keys, all, scratch})
      kernel.get(value);
  }
  Value number(GpuBuilder &g, DeviceKernel &kernel, Value host) const {
    return g.b.createOrFold<arith::IndexCastUIOp>(g.b.getI32Type(), kernel.get(host));
  }
  Value stride(GpuBuilder &g, DeviceKernel &kernel) const {
    return g.mul(number(g, kernel, all), int(words));
  }
  /// Where a part of a row begins; `row`: its number among all.
  Value placeOf(GpuBuilder &g, DeviceKernel &kernel, Value part, Value row) const {
    Value start = kernel.pointer(scratch, /*apart=*/false);
    Value of = g.b.createOrFold<arith::IndexCastUIOp>(g.b.getI32Type(), row);
    return g.at(g.at(start, g.b.getF32Type(), of, g.number(int(words)), 0), g.b.getF32Type(), part,
                stride(g, kernel), 0);
  }
  /// This block's keys, and what it leaves.
  void take(GpuBuilder &g, DeviceKernel &kernel, device::AttentionSpec &spec,
            device::AttentionArguments &arguments) const {
    Value part = g.block(2);
    arguments.begin = g.mul(part, number(g, kernel, keys));
    arguments.keys = g.min(g.add(arguments.begin, number(g, kernel, keys)), arguments.keys);
    device::setPart(spec, [=, this, &kernel](GpuBuilder &g, const device::RowValues &row) {
      return placeOf(g, kernel, part, row[1]);
    });
  }
};

class Launch {
public:
  Launch(DeviceFunction &f, Attention &attention)
      : f(f), attention(attention), s(*attention.scores), w(*attention.values) {}
  bool run();

private:
  bool findPlace(Place &place, Value memory);
  bool findSizes();
  std::optional<SmallVector<Value>> extentsOf(const AttentionFactor &factor);
  int vectorOf(const Place &place, int64_t width);
  Value fits();
  void checkLimit();
  std::string text(StringRef form);
  using Write = llvm::function_ref<void(GpuBuilder &, const device::AttentionSpec &,
                                        const device::AttentionArguments &, Value first)>;
  /// Of a kernel: rows of a block, its threads and shared memory.
  struct Blocks {
    int rows, threads, shared, atOnce;
  };
  void launch(device::AttentionSpec spec, StringRef form, const Blocks &blocks, Write write,
              const KeyParts *parts = nullptr);
  void launchSum(device::AttentionSpec spec, const KeyParts &parts);
  void launchParts(const device::AttentionSpec &spec, StringRef form, const Blocks &blocks,
                   int keysOfTile, Write write);
  Value matrices();
  Value mayShareKeys();
  Value mayGroup();
  Value refuse(StringRef why) {
    refusals.push_back(why.str());
    return {};
  }
  void launchGroups();
  void launchGroups(int groups);
  void launchFast();
  void launchFast(const device::AttentionSpec &spec, bool shared);
  void launchPlain(const device::AttentionSpec &spec, bool shared);
  void launchWarps(const device::AttentionSpec &spec, bool shared);
  void launchSlow();

  DeviceFunction &f;
  Attention &attention;
  const Contraction s, w;
  Sizes sizes;
  SmallVector<Value> batchOfValues; ///< as the second product sees it
  Value rowsOfValues;
  SmallVector<std::string> refusals; ///< why there are no groups of warps
  llvm::DenseMap<Operation *, SmallVector<linalg::FillOp>> fillsOf;
};

bool Launch::findPlace(Place &place, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  place.memory = memory;
  if (f.scalars.isOnDevice(memory) || failed(type.getStridesAndOffset(place.known, place.offset)) ||
      place.known.back() != 1)
    return false;
  memref::ExtractStridedMetadataOp parts;
  if (llvm::any_of(place.known, ShapedType::isDynamic))
    parts = memref::ExtractStridedMetadataOp::create(f.b, memory);
  for (auto [d, stride] : llvm::enumerate(place.known))
    place.strides.push_back(ShapedType::isDynamic(stride) ? parts.getStrides()[d]
                                                          : f.constant(stride));
  return true;
}

/// Of the copy that is not made.
std::optional<SmallVector<Value>> Launch::extentsOf(const AttentionFactor &factor) {
  return factor.copy ? f.extentsOf(factor.copy) : SmallVector<Value>();
}

bool Launch::findSizes() {
  auto first = f.extentsOf(s.op), second = f.extentsOf(w.op);
  if (!first || !second || !findPlace(sizes.q, attention.q.memory) ||
      !findPlace(sizes.k, attention.k.memory) || !findPlace(sizes.v, attention.v.memory) ||
      !findPlace(sizes.output, attention.output))
    return false;
  sizes.rows = (*first)[*s.m], sizes.keys = (*first)[s.n];
  rowsOfValues = (*second)[*w.m];
  for (unsigned d : s.outer)
    sizes.batch.push_back((*first)[d]);
  for (unsigned d : w.outer)
    batchOfValues.push_back((*second)[d]);
  for (const AttentionStep &step : attention.steps) {
    auto extents = f.extentsOf(step.op);
    if (!extents)
      return false;
    sizes.ofSteps.push_back(*extents);
  }
  for (auto [factor, extents] :
       {std::pair(&attention.q, &sizes.ofQ), std::pair(&attention.k, &sizes.ofK),
        std::pair(&attention.v, &sizes.ofV)}) {
    auto found = extentsOf(*factor);
    if (!found)
      return false;
    *extents = *found;
  }
  for (GenericOp op : {s.op, w.op})
    for (Value operand : op->getOperands())
      if (isMemory(operand) && f.scalars.isOnDevice(operand))
        return false;
  int64_t width = GenericOp(s.op).getStaticLoopRanges()[s.k];
  int64_t widthV = GenericOp(w.op).getStaticLoopRanges()[w.n];
  if (ShapedType::isDynamic(width) || ShapedType::isDynamic(widthV) || width < 1 || widthV < 1 ||
      width > mostWidth || widthV > mostWidth)
    return false;
  sizes.width = width, sizes.widthV = widthV;
  return true;
}

/// Elements of a row that lie together on a multiple of their size.
int Launch::vectorOf(const Place &place, int64_t width) {
  int vector = 16 / device::bytesOf(getElementTypeOrSelf(place.memory.getType()));
  SmallVector<int64_t> all{place.offset, width};
  llvm::append_range(all, ArrayRef(place.known).drop_back());
  for (int64_t x : all)
    while (ShapedType::isDynamic(x) ? vector > 1 : x % vector != 0)
      vector /= 2;
  return vector;
}

/// Whether a builder can count this, and both products have the same matrices; null: yes.
Value Launch::fits() {
  auto &h = f.b;
  Value good;
  auto also = [&](Value condition) {
    if (auto known = getConstantIntValue(condition); known && *known)
      return;
    good = good ? h.createOrFold<arith::AndIOp>(good, condition) : condition;
  };
  auto require = [&](Value x, int64_t least, int64_t most) {
    also(f.less(f.constant(least - 1), x));
    also(f.less(x, f.constant(most + 1)));
  };
  auto same = [&](Value x, Value y) {
    if (!isSame(x, y))
      also(h.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y));
  };
  Value batch = f.constant(1);
  for (Value extent : sizes.batch)
    batch = f.mul(batch, extent);
  require(sizes.rows, 0, mostExtent);
  require(sizes.keys, 1, mostExtent);
  require(batch, 0, mostBlocks);
  for (const Place *place : {&sizes.q, &sizes.k, &sizes.v})
    for (Value stride : ArrayRef(place->strides).drop_back())
      require(stride, 0, mostExtent);
  same(sizes.rows, rowsOfValues);
  for (auto [x, y] : llvm::zip(sizes.batch, batchOfValues))
    same(x, y);
  return good;
}

/// The rows that the comparison counts must be those of one matrix.
void Launch::checkLimit() {
  for (auto [step, extents] : llvm::zip(attention.steps, sizes.ofSteps))
    if (step.kind == AttentionStep::Score && extents.size() >= 2) {
      if (!isSame(extents[extents.size() - 2], sizes.rows)) {
        if (attention.limit.compare)
          attention.scale.reset();
        attention.limit = {};
      }
    }
}

std::string Launch::text(StringRef form) {
  std::string text = ("attention: " + form + ", " + Twine(attention.ops.size()) + " ops").str();
  unsigned copies = llvm::count_if(attention.ops, [&](Operation *op) {
    return op == attention.q.copy || op == attention.k.copy || op == attention.v.copy;
  });
  if (copies)
    text += ", " + Twine(copies).str() + (copies == 1 ? " copy" : " copies") + " not made";
  if (attention.limit.compare)
    text += ", up to a key";
  return text;
}

/// A kernel of blocks of so many rows.
void Launch::launch(device::AttentionSpec spec, StringRef form, const Blocks &blocks, Write write,
                    const KeyParts *parts) {
  DeviceKernel kernel = f.kernel(text(form), refusals);
  kernel.setShared(blocks.shared, blocks.atOnce);
  Body body(kernel, attention, sizes);
  body.prepare();
  if (parts)
    parts->prepare(kernel);
  device::KernelSignature signature;
  signature.threads = blocks.threads;
  GpuBuilder g(kernel.builder(), signature);
  device::AttentionArguments arguments = body.arguments();
  body.complete(spec);
  if (parts)
    parts->take(g, kernel, spec, arguments);
  Value number = g.block();
  // Where later rows see more, they begin first.
  if (spec.seen)
    number = g.sub(g.sub(g.ceilDiv(arguments.rows, blocks.rows), 1), number);
  write(g, spec, arguments, g.mul(number, blocks.rows));
  kernel.launch(
      f.b, {f.ceilDiv(sizes.rows, blocks.rows), matrices(), parts ? parts->count : f.constant(1)},
      blocks.threads);
  if (parts)
    launchSum(spec, *parts);
}

/// What blocks with parts of the keys have left.
void Launch::launchSum(device::AttentionSpec spec, const KeyParts &parts) {
  DeviceKernel kernel = f.kernel(text("parts of keys added up"));
  Body body(kernel, attention, sizes);
  body.prepare();
  parts.prepare(kernel);
  device::KernelSignature signature;
  const int threads = signature.threads = (spec.widthV + 31) / 32 * 32;
  GpuBuilder g(kernel.builder(), signature);
  (void)body.arguments();
  body.complete(spec);
  Value row = g.block(), number = spec.row(g, row)[1];
  device::writeAttentionOfParts(g, spec, row, parts.placeOf(g, kernel, g.number(0), number),
                                parts.stride(g, kernel), parts.number(g, kernel, parts.count));
  kernel.launch(f.b, {sizes.rows, matrices(), f.constant(1)}, threads);
}

/// Whether the copy engine takes a factor: rows, and matrices of a batch, at multiples of 16 bytes.
static Value isAligned(DeviceFunction &f, const Place &place) {
  constexpr int64_t unit = 8;
  Value good = arith::ConstantIntOp::create(f.b, 1, 1);
  auto require = [&](int64_t known, llvm::function_ref<Value()> value) {
    if (!ShapedType::isDynamic(known)) {
      if (known % unit)
        good = arith::ConstantIntOp::create(f.b, 0, 1);
      return;
    }
    Value rest = f.b.createOrFold<arith::RemUIOp>(value(), f.constant(unit));
    Value none = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rest, f.constant(0));
    good = f.b.createOrFold<arith::AndIOp>(good, none);
  };
  for (size_t d = 0; d + 1 < place.known.size(); ++d)
    if (strideMultiple(place.memory, d) % unit)
      require(place.known[d], [&] { return place.strides[d]; });
  if (offsetMultiple(place.memory) % unit)
    require(ShapedType::kDynamic, [&] {
      return memref::ExtractStridedMetadataOp::create(f.b, place.memory).getOffset();
    });
  return good;
}

/// Whether the chip, the rows and the sizes are those of groups of warps; null: never.
Value Launch::mayGroup() {
  constexpr int64_t mostRank = 5, fewRows = 64, unit = 16, mostColumns = 128;
  if (sizes.width % unit || sizes.widthV % unit || sizes.width > mostColumns ||
      sizes.widthV > mostColumns)
    return refuse("no groups of warps: heads of other than 16, 32, ... 128 columns");
  for (const Place *place : {&sizes.q, &sizes.k, &sizes.v})
    if (cast<MemRefType>(place->memory.getType()).getRank() > mostRank)
      return refuse("no groups of warps: dimensions of a tensor map");
  if (auto rows = getConstantIntValue(sizes.rows); rows && *rows <= fewRows)
    return refuse("no groups of warps: few rows");
  Value good = f.less(f.constant(fewRows), sizes.rows);
  auto also = [&](Value condition) { good = f.b.createOrFold<arith::AndIOp>(good, condition); };
  for (const Place *place : {&sizes.q, &sizes.k, &sizes.v})
    also(isAligned(f, *place));
  // Rows of Q are one dimension of the memory.
  if (attention.q.copy && !isSame(sizes.ofQ[sizes.ofQ.size() - 2], sizes.rows))
    also(f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, sizes.ofQ[sizes.ofQ.size() - 2],
                                         sizes.rows));
  if (getConstantIntValue(good) == 0)
    return refuse("no groups of warps: rows are no multiples of 16 bytes");
  return f.b.createOrFold<arith::AndIOp>(f.hasGroups(), good);
}

/// Three groups have registers enough for narrow heads without masks, and are faster where rows are
/// many; else their tile of 192 rows is rounded up to.
void Launch::launchGroups() {
  constexpr int64_t manyRows = 2048, narrow = 64;
  if (sizes.width > narrow || sizes.widthV > narrow || !attention.scale)
    return launchGroups(2);
  f.branch(
      f.less(f.constant(manyRows - 1), sizes.rows), [&] { launchGroups(3); },
      [&] { launchGroups(2); });
}

void Launch::launchGroups(int groups) {
  device::AttentionSpec spec;
  spec.element = s.element(s.a);
  spec.width = sizes.width, spec.widthV = sizes.widthV;
  spec.vectorQ = spec.vectorK = spec.vectorV = 8;
  const device::GroupAttentionTile tile = device::groupAttentionTile(groups);
  DeviceKernel kernel = f.groupKernel(text(("groups of warps, " + Twine(tile.rowsOfBlock()) +
                                            " rows, " + Twine(tile.keysOfTile) + " keys at a time")
                                               .str()));
  kernel.setShared(tile.sharedBytes(spec), /*blocksAtOnce=*/1, /*alignment=*/1024);
  Body body(kernel, attention, sizes);
  body.prepare();
  device::KernelSignature signature;
  signature.threads = tile.threads();
  GpuBuilder g(kernel.builder(), signature);
  device::GroupFactors factors = body.factors();
  body.complete(spec);
  auto number = [&](Value host) -> Value {
    return g.b.createOrFold<arith::IndexCastUIOp>(g.b.getI32Type(), kernel.get(host));
  };
  device::writeGroupAttention(g, spec, tile, number(sizes.rows), number(sizes.keys), factors);
  Value work = f.ceilDiv(sizes.rows, tile.rowsOfBlock());
  for (Value extent : sizes.batch)
    work = f.mul(work, extent);
  kernel.launch(f.b, f.b.createOrFold<arith::MinUIOp>(work, f.multiprocessors()), tile.threads());
}

Value Launch::matrices() {
  Value batch = f.constant(1);
  for (Value extent : sizes.batch)
    batch = f.mul(batch, extent);
  return batch;
}

/// Whether rows are few and keys many; null: never.
Value Launch::mayShareKeys() {
  constexpr int64_t fewRows = 64, fewKeys = 256;
  auto rows = getConstantIntValue(sizes.rows);
  if (!rows || *rows > fewRows)
    return {};
  Value many = f.less(f.constant(fewKeys), sizes.keys);
  return getConstantIntValue(many) == 0 ? Value() : many;
}

/// Blocks enough for a large device, with at least a few tiles of keys each.
void Launch::launchParts(const device::AttentionSpec &spec, StringRef form, const Blocks &blocks,
                         int keysOfTile, Write write) {
  constexpr int64_t multiprocessors = 132, mostParts = 64;
  // Of one warp more blocks fit on a multiprocessor.
  const int64_t enoughBlocks = multiprocessors * (blocks.threads == device::lanesOfWarp ? 4 : 2);
  auto &h = f.b;
  auto divide = [&](Value x, Value y) { return h.createOrFold<arith::CeilDivUIOp>(x, y); };
  Value others = f.mul(f.ceilDiv(sizes.rows, blocks.rows), matrices());
  others = h.createOrFold<arith::MaxUIOp>(others, f.constant(1));
  // Not one block more than are there at a time, which would be a second wave.
  Value wanted = h.createOrFold<arith::DivUIOp>(f.constant(enoughBlocks), others);
  wanted = h.createOrFold<arith::MaxUIOp>(wanted, f.constant(1));
  wanted = h.createOrFold<arith::MinUIOp>(wanted, f.constant(mostParts));
  Value tiles = f.ceilDiv(sizes.keys, keysOfTile);
  Value ofPart = h.createOrFold<arith::MaxUIOp>(divide(tiles, wanted), f.constant(2));
  KeyParts parts;
  parts.keys = f.mul(ofPart, f.constant(keysOfTile));
  parts.count = divide(tiles, ofPart);
  parts.words = device::wordsOfPart(spec.widthV);
  parts.all = f.mul(matrices(), sizes.rows);
  Value words = f.mul(f.mul(parts.count, parts.all), f.constant(parts.words));
  parts.scratch = memref::AllocOp::create(
      h, MemRefType::get({ShapedType::kDynamic}, h.getF32Type()), ValueRange{words});
  launch(spec, (form + ", keys in parts").str(), blocks, write, &parts);
}

void Launch::launchFast() {
  device::AttentionSpec spec;
  spec.element = s.element(s.a);
  spec.width = sizes.width, spec.widthV = sizes.widthV;
  spec.vectorQ = vectorOf(sizes.q, spec.width);
  spec.vectorK = vectorOf(sizes.k, spec.width);
  spec.vectorV = vectorOf(sizes.v, spec.widthV);
  if (Value many = mayShareKeys())
    return f.branch(
        many, [&] { launchFast(spec, /*shared=*/true); },
        [&] { launchFast(spec, /*shared=*/false); });
  launchFast(spec, /*shared=*/false);
}

/// `shared`: blocks share the keys.
void Launch::launchFast(const device::AttentionSpec &spec, bool shared) {
  if (spec.element.isF32())
    return launchPlain(spec, shared);
  Value groups = shared ? Value() : mayGroup();
  if (!groups)
    return launchWarps(spec, shared);
  f.branch(groups, [&] { launchGroups(); }, [&] { launchWarps(spec, /*shared=*/false); });
}

void Launch::launchPlain(const device::AttentionSpec &spec, bool shared) {
  device::PlainAttentionTile tile = device::plainAttentionTile(std::max(spec.width, spec.widthV));
  std::string form = ("plain, " + Twine(tile.rowsOfWarp()) + " rows, keys in turn by " +
                      Twine(tile.warps) + " warps")
                         .str();
  const Blocks blocks{tile.rowsOfWarp(), tile.threads(), tile.sharedBytes(spec), 0};
  auto write = [&](GpuBuilder &g, const device::AttentionSpec &spec,
                   const device::AttentionArguments &arguments,
                   Value first) { device::writePlainAttention(g, spec, tile, arguments, first); };
  if (shared)
    return launchParts(spec, form, blocks, tile.warps * tile.keysOfTile, write);
  launch(spec, form, blocks, write);
}

void Launch::launchWarps(const device::AttentionSpec &spec, bool shared) {
  const int width = std::max(spec.width, spec.widthV);
  const int vector = std::min({spec.vectorQ, spec.vectorK, spec.vectorV});
  constexpr int64_t fewRows = 16;
  auto rows = getConstantIntValue(sizes.rows);
  device::WarpAttentionTile tile = shared && rows && *rows <= fewRows
                                       ? device::fewRowsAttentionTile(width, vector)
                                       : device::warpAttentionTile(width, vector);
  std::string form = ("tensor cores by warp, " + Twine(tile.rowsOfBlock()) + " rows, " +
                      Twine(tile.keysOfTile) + " keys at a time")
                         .str();
  const Blocks blocks{tile.rowsOfBlock(), tile.threads(), tile.sharedBytes(spec),
                      tile.blocksAtOnce};
  auto write = [&](GpuBuilder &g, const device::AttentionSpec &spec,
                   const device::AttentionArguments &arguments,
                   Value first) { device::writeWarpAttention(g, spec, tile, arguments, first); };
  if (shared)
    return launchParts(spec, form, blocks, tile.keysOfTile, write);
  launch(spec, form, blocks, write);
}

/// Op by op, a thread an element.
void Launch::launchSlow() {
  for (Operation *op : attention.ops) {
    auto generic = cast<GenericOp>(op);
    DeviceWork work{generic, fillsOf[op], {"for sizes that an attention cannot count"}};
    (void)lowerElements(f, work);
  }
}

bool Launch::run() {
  if (!findSizes())
    return false;
  // Before there are branches between them.
  for (Operation *op : attention.ops)
    fillsOf[op] = fillsBefore(cast<GenericOp>(op));
  checkLimit();
  Value good = fits();
  auto known = good ? getConstantIntValue(good) : 1;
  if (known && !*known)
    return false;
  if (known) {
    launchFast();
  } else {
    auto branch = scf::IfOp::create(f.b, good, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(f.b);
    f.b.setInsertionPointToStart(branch.thenBlock());
    launchFast();
    f.b.setInsertionPointToStart(branch.elseBlock());
    launchSlow();
  }
  f.taken.insert_range(attention.fills);
  f.taken.insert_range(attention.ops);
  return true;
}

} // namespace
} // namespace mad::attention

bool mad::lowerAttention(DeviceFunction &f, Attention &attention) {
  return attention::Launch(f, attention).run();
}
