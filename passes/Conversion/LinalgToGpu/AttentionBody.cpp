//===- AttentionBody.cpp - What a program computes in an attention --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/AttentionBody.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::attention {

using device::GpuBuilder;
using device::RowValues;

static bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }
static bool isNarrow(Type type) { return isa<Float16Type, BFloat16Type>(type); }

Value Body::index(int64_t x) { return arith::ConstantIndexOp::create(b, x); }
Value Body::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value Body::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
Value Body::narrow(Value x) { return b.createOrFold<arith::IndexCastUIOp>(b.getI32Type(), x); }
Value Body::asIndex(Value x) { return b.createOrFold<arith::IndexCastUIOp>(b.getIndexType(), x); }

void Body::prepare() {
  auto getMemory = [&](Value memory) {
    if (!isMemory(memory) || !attention.computed.contains(baseOf(memory)))
      kernel.get(memory);
  };
  auto getBody = [&](GenericOp op) {
    op.getBody()->walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        if (value.getParentRegion() != &op.getRegion())
          kernel.get(value);
    });
  };
  auto get = [&](ArrayRef<Value> values) {
    for (Value value : values)
      kernel.get(value);
  };
  for (const AttentionStep &step : attention.steps) {
    GenericOp op = step.op;
    getBody(op);
    for (auto [operand, source] : llvm::zip(op->getOpOperands(), step.sources))
      if (source == AttentionStep::Memory && !op.getMatchingBlockArgument(&operand).use_empty())
        getMemory(operand.get());
  }
  for (auto [base, maker] : attention.computed) {
    GenericOp op = maker;
    getBody(op);
    for (OpOperand *operand : op.getDpsInputOperands())
      if (!op.getMatchingBlockArgument(operand).use_empty())
        getMemory(operand->get());
  }
  for (ArrayRef<Value> extents : sizes.ofSteps)
    get(extents);
  for (const Place *place : {&sizes.q, &sizes.k, &sizes.v, &sizes.output}) {
    get(place->strides);
    kernel.get(place->memory);
  }
  for (const auto *extents : {&sizes.batch, &sizes.ofQ, &sizes.ofK, &sizes.ofV})
    get(*extents);
  get({sizes.rows, sizes.keys});
}

/// The indices of a number that counts through extents.
SmallVector<Value> Body::split(Value number, ArrayRef<Value> extents) {
  SmallVector<Value> at(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    Value size = kernel.get(extents[i]);
    at[i] = i == 0 ? number : b.createOrFold<arith::RemUIOp>(number, size);
    if (i > 0)
      number = b.createOrFold<arith::DivUIOp>(number, size);
  }
  return at;
}

Value Body::pointer(const Place &place, Value offset, bool apart) {
  Type element = getElementTypeOrSelf(place.memory.getType());
  Value start = kernel.pointer(place.memory, apart);
  device::KernelSignature none;
  return GpuBuilder(b, none).at(
      start, element, device::Number(b.createOrFold<arith::IndexCastOp>(b.getI64Type(), offset)));
}

/// The first row of this matrix of the batch.
Value Body::matrixOf(const AttentionFactor &factor, const Place &place, ArrayRef<Value> extents,
                     const Contraction &c, unsigned operand) {
  Value offset = index(0);
  if (!factor.copy) {
    AffineMap map = c.map(operand);
    for (auto [d, loop] : llvm::enumerate(c.outer))
      for (unsigned i = 0; i < map.getNumResults(); ++i)
        if (map.getDimPosition(i) == loop)
          offset = add(offset, mul(matrix[d], stride(place, i)));
    return pointer(place, offset, /*apart=*/true);
  }
  // The dimensions of the copy, without rows and columns.
  SmallVector<Value> at = split(number, extents.drop_back(2));
  GenericOp copy = factor.copy;
  AffineMap map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    if (map.getDimPosition(i) < at.size())
      offset = add(offset, mul(at[map.getDimPosition(i)], stride(place, i)));
  return pointer(place, offset, /*apart=*/true);
}

/// Elements from one row to the next.
Value Body::strideOf(const AttentionFactor &factor, const Place &place, const Contraction &c,
                     unsigned operand, unsigned loop) {
  AffineMap map = c.map(operand);
  if (factor.copy) {
    GenericOp copy = factor.copy;
    map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
    loop = copy.getNumLoops() - 2;
  }
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    if (map.getDimPosition(i) == loop)
      return narrow(stride(place, i));
  return narrow(index(0));
}

void Body::enter(Value matrix32) {
  number = asIndex(matrix32);
  matrix = split(number, sizes.batch);
}

/// A tensor map of a factor with boxes of 64 columns and 64 rows, and the coordinates of an element
/// of the current matrix, the column's first. `row`: the loop of the product that counts rows.
Body::Coordinates Body::mapOf(const AttentionFactor &factor, const Place &place,
                              ArrayRef<Value> extents, const Contraction &c, unsigned operand,
                              unsigned row, Value &map) {
  // What each dimension of the memory is: a column, a row, or one of the batch.
  AffineMap dims = c.map(operand);
  SmallVector<unsigned> batch(c.outer);
  if (factor.copy) {
    GenericOp copy = factor.copy;
    dims = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
    batch.assign(llvm::seq<unsigned>(0, extents.size() - 2).begin(),
                 llvm::seq<unsigned>(0, extents.size() - 2).end());
    row = extents.size() - 2;
  }
  SmallVector<int32_t> box;
  SmallVector<unsigned> loops; // innermost first
  for (unsigned i = dims.getNumResults(); i-- > 0;)
    loops.push_back(dims.getDimPosition(i));
  for (auto [i, loop] : llvm::enumerate(loops))
    box.push_back(i == 0 || loop == row ? device::GroupAttentionTile::sideOfBox : 1);
  map = kernel.tensorMap(place.memory, box);
  return [=, this, extents = SmallVector<Value>(extents),
          copied = bool(factor.copy)](Value column, Value at) -> device::Values {
    SmallVector<Value> ofBatch = copied ? split(number, ArrayRef(extents).drop_back(2)) : matrix;
    device::Values all{column};
    for (unsigned loop : ArrayRef(loops).drop_front())
      all.push_back(loop == row ? at : narrow(ofBatch[llvm::find(batch, loop) - batch.begin()]));
    return all;
  };
}

device::GroupFactors Body::factors() {
  device::GroupFactors made;
  made.inQ = mapOf(attention.q, sizes.q, sizes.ofQ, s, s.a, *s.m, made.q);
  made.inK = mapOf(attention.k, sizes.k, sizes.ofK, s, s.b, s.n, made.k);
  made.inV = mapOf(attention.v, sizes.v, sizes.ofV, w, w.b, w.k, made.v);
  made.enter = [this](Value matrix32) { enter(matrix32); };
  Value count = index(1);
  for (Value extent : sizes.batch)
    count = mul(count, kernel.get(extent));
  made.matrices = narrow(count);
  made.memory = kernel.pointer(sizes.output.memory, /*apart=*/false);
  return made;
}

device::AttentionArguments Body::arguments() {
  number = gpu::BlockIdOp::create(b, gpu::Dimension::y);
  matrix = split(number, sizes.batch);
  device::AttentionArguments made;
  made.k = matrixOf(attention.k, sizes.k, sizes.ofK, s, s.b);
  made.v = matrixOf(attention.v, sizes.v, sizes.ofV, w, w.b);
  made.rowK = strideOf(attention.k, sizes.k, s, s.b, s.n);
  made.rowV = strideOf(attention.v, sizes.v, w, w.b, w.k);
  made.rows = narrow(kernel.get(sizes.rows));
  made.keys = narrow(kernel.get(sizes.keys));
  return made;
}

/// Where a row of Q begins, in its matrix and of all.
Value Body::queryOf(Value row, Value number) {
  Value offset = index(0);
  if (attention.q.copy) {
    SmallVector<Value> at = split(number, ArrayRef(sizes.ofQ).drop_back());
    GenericOp copy = attention.q.copy;
    AffineMap map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (map.getDimPosition(i) < at.size())
        offset = add(offset, mul(at[map.getDimPosition(i)], stride(sizes.q, i)));
    return pointer(sizes.q, offset, /*apart=*/true);
  }
  AffineMap map = s.map(s.a);
  for (unsigned i = 0; i < map.getNumResults(); ++i) {
    unsigned loop = map.getDimPosition(i);
    if (loop == *s.m)
      offset = add(offset, mul(row, stride(sizes.q, i)));
    for (auto [d, outer] : llvm::enumerate(s.outer))
      if (outer == loop)
        offset = add(offset, mul(matrix[d], stride(sizes.q, i)));
  }
  return pointer(sizes.q, offset, /*apart=*/true);
}

/// Where a row of the result begins; `at`: the loops of the op that stores it.
Value Body::outputOf(Value number, ArrayRef<Value> at) {
  Value offset = index(0);
  if (at.empty())
    offset = mul(number, index(sizes.widthV));
  for (auto [d, i] : llvm::enumerate(at))
    offset = add(offset, mul(i, stride(sizes.output, d)));
  return pointer(sizes.output, offset, /*apart=*/false);
}

/// Row, its number among all, where it begins in Q and the result, then for each step the loops
/// that count rows.
RowValues Body::rowValues(Value row32) {
  Value row = asIndex(row32);
  Value all = add(mul(number, kernel.get(sizes.rows)), row);
  RowValues values{row32, all, queryOf(row, all), Value()};
  SmallVector<Value> last;
  for (auto [step, extents] : llvm::zip(attention.steps, sizes.ofSteps)) {
    GenericOp op = step.op;
    // Ops on rows alone have no loop of columns.
    const bool ofRow = step.kind == AttentionStep::OfRow;
    const unsigned count = ofRow ? op.getNumLoops() : op.getNumLoops() - 1;
    SmallVector<Value> at(count);
    SmallVector<unsigned> order(step.order);
    if (order.empty())
      llvm::append_range(order, llvm::seq<unsigned>(0, count));
    SmallVector<Value> ordered;
    for (unsigned loop : order)
      ordered.push_back(extents[loop]);
    for (auto [loop, i] : llvm::zip(order, split(all, ordered)))
      at[loop] = i;
    llvm::append_range(values, at);
    if (step.kind == AttentionStep::Result)
      last = at;
  }
  values[3] = outputOf(all, last);
  return values;
}

/// All loops of a step.
SmallVector<Value> Body::loopsOf(const AttentionStep &step, const RowValues &row, Value column) {
  unsigned start = 4;
  for (const AttentionStep &other : attention.steps) {
    GenericOp op = other.op;
    const bool ofRow = other.kind == AttentionStep::OfRow;
    const unsigned count = ofRow ? op.getNumLoops() : op.getNumLoops() - 1;
    if (&other == &step) {
      SmallVector<Value> at(ArrayRef<Value>(row).slice(start, count));
      if (!ofRow)
        at.push_back(column ? asIndex(column) : index(0));
      return at;
    }
    start += count;
  }
  llvm_unreachable("a step of this attention");
}

Value Body::widened(Value x) {
  if (!isNarrow(x.getType()))
    return x;
  return arith::ExtFOp::create(b, b.getF32Type(), x);
}

/// What an argument of the body is.
Value Body::operandOf(const AttentionStep &step, unsigned number, Value element,
                      ArrayRef<Value> at) {
  GenericOp op = step.op;
  OpOperand &operand = op->getOpOperand(number);
  if (op.getMatchingBlockArgument(&operand).use_empty())
    return {};
  switch (step.sources[number]) {
  case AttentionStep::Element:
    return element;
  case AttentionStep::Row:
    return ofRow.lookup(baseOf(operand.get()));
  case AttentionStep::Memory:
    break;
  }
  return valueAt(operand.get(), op.getMatchingIndexingMap(&operand), at);
}

/// An element of memory, computed where that is made for this attention alone.
Value Body::valueAt(Value memory, AffineMap map, ArrayRef<Value> at) {
  GenericOp maker = isMemory(memory) ? attention.computed.lookup(baseOf(memory)) : GenericOp();
  if (!maker)
    return loadElement(b, kernel.get(memory), map, at);
  SmallVector<Value> inside(*affine::expandAffineMap(b, b.getLoc(), map, at));
  SmallVector<Value> arguments;
  for (OpOperand &operand : maker->getOpOperands())
    arguments.push_back(
        maker.getMatchingBlockArgument(&operand).use_empty()
            ? Value()
            : valueAt(operand.get(), maker.getMatchingIndexingMap(&operand), inside));
  llvm::SmallPtrSet<Operation *, 1> without;
  Operation *compare = attention.limit.compare;
  const bool limits = compare && compare->getBlock() == maker.getBody();
  if (limits) {
    without.insert(compare);
    kernel.mapping().map(compare->getResult(0), arith::ConstantIntOp::create(b, 1, 1).getResult());
  }
  IRMapping body = emitBody(kernel, maker, arguments, inside, without);
  if (limits)
    limit = body.lookupOrDefault(attention.limit.number);
  return body.lookupOrDefault(maker.getBody()->getTerminator()->getOperand(0));
}

/// How many columns a row sees, by the comparison.
Value Body::limitOf(const RowValues &row) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  (void)score(row, zero, Value());
  auto i64 = [&](int64_t x) -> Value { return arith::ConstantIntOp::create(b, x, 64); };
  Value most = arith::SubIOp::create(
      b, arith::IndexCastOp::create(b, b.getI64Type(), kernel.get(sizes.keys)), i64(1));
  // From -1 to keys - 1, then one more.
  Value last =
      attention.limit.including
          ? limit
          : arith::SubIOp::create(b, arith::MaxSIOp::create(b, limit, i64(0)), i64(1)).getResult();
  last = arith::MinSIOp::create(b, arith::MaxSIOp::create(b, last, i64(-1)), most);
  return arith::TruncIOp::create(b, b.getI32Type(), arith::AddIOp::create(b, last, i64(1)));
}

/// What the body yields, with f32 in place of narrow floats.
Value Body::wide(const AttentionStep &step, Value element, ArrayRef<Value> at) {
  GenericOp op = step.op;
  IRMapping body = kernel.mapping();
  for (auto [i, argument] : llvm::enumerate(op.getBody()->getArguments()))
    if (Value value = operandOf(step, i, element, at))
      body.map(argument, widened(value));
  auto lookup = [&](Value v) -> Value { return widened(body.lookupOrDefault(v)); };
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      body.map(index.getResult(), at[index.getDim()]);
    } else if (&inner == attention.limit.compare) {
      // The builder hides what is beyond.
      limit = body.lookupOrDefault(attention.limit.number);
      body.map(inner.getResult(0), arith::ConstantIntOp::create(b, 1, 1).getResult());
    } else if (auto extend = dyn_cast<arith::ExtFOp>(inner)) {
      Value x = lookup(extend.getIn());
      body.map(extend.getResult(), x.getType() == extend.getType()
                                       ? x
                                       : arith::ExtFOp::create(b, extend.getType(), x).getResult());
    } else if (auto trunc = dyn_cast<arith::TruncFOp>(inner); trunc && isNarrow(trunc.getType())) {
      Value x = lookup(trunc.getIn());
      body.map(trunc.getResult(),
               x.getType().isF32() ? x : arith::TruncFOp::create(b, b.getF32Type(), x).getResult());
    } else if (auto select = dyn_cast<arith::SelectOp>(inner)) {
      body.map(select.getResult(),
               arith::SelectOp::create(b, body.lookupOrDefault(select.getCondition()),
                                       lookup(select.getTrueValue()),
                                       lookup(select.getFalseValue()))
                   .getResult());
    } else if (auto compare = dyn_cast<arith::CmpFOp>(inner)) {
      body.map(compare.getResult(),
               arith::CmpFOp::create(b, compare.getPredicate(), lookup(compare.getLhs()),
                                     lookup(compare.getRhs()))
                   .getResult());
    } else {
      b.clone(inner, body);
    }
  }
  return lookup(op.getBody()->getTerminator()->getOperand(0));
}

/// What the body yields, as it is.
Value Body::exact(const AttentionStep &step, Value element, ArrayRef<Value> at) {
  SmallVector<Value> arguments;
  for (unsigned i = 0; i < step.op->getNumOperands(); ++i)
    arguments.push_back(operandOf(step, i, element, at));
  return emitBody(kernel, step.op, arguments, at).front();
}

Value Body::score(const RowValues &row, Value sum, Value column) {
  for (const AttentionStep &step : attention.steps)
    if (step.kind == AttentionStep::Score)
      sum = wide(step, sum, loopsOf(step, row, column));
  return sum;
}

/// The value of the row that a step on elements uses.
Value Body::rowOperand(const AttentionStep &step) {
  for (auto [i, source] : llvm::enumerate(step.sources))
    if (source == AttentionStep::Row)
      return ofRow.lookup(baseOf(step.op->getOperand(i)));
  llvm_unreachable("uses a value of the row");
}

/// What sums are multiplied by: in `ofRow` is then all that is known of the row.
Value Body::factor(const RowValues &row, Value most, Value base, Value total) {
  ofRow.clear();
  Value factor;
  for (const AttentionStep &step : attention.steps) {
    switch (step.kind) {
    case AttentionStep::Most:
      ofRow[outputBase(step)] = most;
      break;
    case AttentionStep::OfRow:
      ofRow[outputBase(step)] = wide(step, Value(), loopsOf(step, row, Value()));
      break;
    case AttentionStep::Power:
      factor = math::ExpOp::create(b, arith::SubFOp::create(b, base, rowOperand(step)));
      break;
    case AttentionStep::Total:
      ofRow[outputBase(step)] = arith::MulFOp::create(b, total, factor);
      break;
    case AttentionStep::Weight:
      factor = step.divides ? arith::DivFOp::create(b, factor, rowOperand(step)).getResult()
                            : arith::MulFOp::create(b, factor, rowOperand(step)).getResult();
      break;
    case AttentionStep::Score:
    case AttentionStep::Result:
      break;
    }
  }
  return factor;
}

void Body::store(GpuBuilder &g, const RowValues &row, Value factor, Value column, ValueRange sums) {
  device::Values values;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value value = arith::MulFOp::create(b, sum, factor);
    for (const AttentionStep &step : attention.steps)
      if (step.kind == AttentionStep::Result)
        value = exact(step, value, loopsOf(step, row, g.add(column, int(i))));
    values.push_back(value);
  }
  Type element = values.front().getType();
  // As many at a time as lie together.
  const int64_t most = 16 / device::bytesOf(element);
  int64_t vector = std::min<int64_t>(most, values.size());
  SmallVector<int64_t> all{sizes.output.offset, sizes.widthV};
  llvm::append_range(all, ArrayRef(sizes.output.known).drop_back());
  for (int64_t x : all)
    while (ShapedType::isDynamic(x) ? vector > 1 : x % vector != 0)
      vector /= 2;
  while (values.size() % vector)
    vector /= 2;
  for (size_t i = 0; i < values.size(); i += vector)
    g.store(vector == 1 ? values[i] : g.pack(ArrayRef<Value>(values).slice(i, vector)),
            g.at(row[3], element, g.add(column, int(i))));
}

void Body::complete(device::AttentionSpec &spec) {
  spec.row = [&](GpuBuilder &, Value row) { return rowValues(row); };
  spec.query = [](GpuBuilder &, const RowValues &row) { return row[2]; };
  if (attention.scale)
    spec.scale = arith::ConstantOp::create(b, b.getF32FloatAttr(*attention.scale));
  else
    spec.score = [&](GpuBuilder &, const RowValues &row, Value sum, Value column) {
      return score(row, sum, column);
    };
  if (attention.limit.compare)
    spec.seen = [&](GpuBuilder &, const RowValues &row) { return limitOf(row); };
  spec.finish = [&](GpuBuilder &, const RowValues &row, Value most, Value base,
                    Value total) -> device::Values { return {factor(row, most, base, total)}; };
  spec.store = [&](GpuBuilder &g, const RowValues &row, ValueRange finished, Value column,
                   ValueRange sums) { store(g, row, finished[0], column, sums); };
}

} // namespace mad::attention
