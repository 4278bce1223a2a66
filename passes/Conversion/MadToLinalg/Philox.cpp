//===- Philox.cpp - Random words to vectors of blocks -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Eight blocks side by side, one word of all in a vector: the multiplications of
// 32 by 32 bits are then instructions of their own. Their 32 words go to memory in
// the order of the blocks. What is left is done block by block, by the same code on
// scalars; it is integer arithmetic, so the bits are the same.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Conversion/MadToLinalg/Memory.h"

using namespace mlir;

namespace mad {
namespace {

constexpr int64_t lanes = 8;

using Words = std::array<Value, 4>;

/// Emits the code of one op.
class Philox {
public:
  Philox(PhiloxOp op, Value key, Value counter, Value memory, OpBuilder &b)
      : memory(memory), b(b), loc(op.getLoc()) {
    for (int64_t i = 0; i < 2; ++i)
      keys[i] = element(key, i);
    low = pair(counter, 0);
    high = pair(counter, 2);
  }

  void run(Value count);

private:
  /// The words of block number `n`, or of the blocks from there on.
  Words blocks(Value n, int64_t width);
  void storeGroup(Words words, Value at);
  void storeBlock(Words words, Value at, Value count);

  Value element(Value tensor, int64_t i) {
    return tensor::ExtractOp::create(b, loc, tensor, indexConstant(b, loc, i));
  }
  /// Two words as one of 64 bits.
  Value pair(Value tensor, int64_t i) {
    Value lower = arith::ExtUIOp::create(b, loc, b.getI64Type(), element(tensor, i));
    Value upper = arith::ExtUIOp::create(b, loc, b.getI64Type(), element(tensor, i + 1));
    Value bits = arith::ConstantIntOp::create(b, loc, 32, 64);
    return arith::OrIOp::create(b, loc, arith::ShLIOp::create(b, loc, upper, bits), lower);
  }
  Type typeOf(unsigned bits, int64_t width) {
    Type element = b.getIntegerType(bits);
    return width == 1 ? element : Type(VectorType::get({width}, element));
  }
  Value number(uint64_t value, Type type) {
    auto attr = b.getIntegerAttr(getElementTypeOrSelf(type),
                                 llvm::APInt(getElementTypeOrSelf(type).getIntOrFloatBitWidth(),
                                             value, /*isSigned=*/false, /*implicitTrunc=*/true));
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, attr));
    return arith::ConstantOp::create(b, loc, attr);
  }
  Value spread(Value value, int64_t width) {
    if (width == 1)
      return value;
    return vector::BroadcastOp::create(b, loc, VectorType::get({width}, value.getType()), value);
  }

  Value memory;
  OpBuilder &b;
  Location loc;
  Value keys[2], low, high;
};

Words Philox::blocks(Value n, int64_t width) {
  Type word = typeOf(32, width), wide = typeOf(64, width);
  Value offset = spread(arith::IndexCastOp::create(b, loc, b.getI64Type(), n), width);
  if (width > 1) {
    auto steps = llvm::to_vector(llvm::seq<int64_t>(0, width));
    auto attr = DenseElementsAttr::get(cast<ShapedType>(wide), ArrayRef<int64_t>(steps));
    offset = arith::AddIOp::create(b, loc, offset, arith::ConstantOp::create(b, loc, attr));
  }
  // The counter has 128 bits.
  Value below = arith::AddIOp::create(b, loc, spread(low, width), offset);
  Value carries = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, below, offset);
  Value carry = arith::ExtUIOp::create(b, loc, wide, carries);
  Value above = arith::AddIOp::create(b, loc, spread(high, width), carry);
  auto halves = [&](Value x) {
    Value upper = arith::ShRUIOp::create(b, loc, x, number(32, wide));
    return std::pair(Value(arith::TruncIOp::create(b, loc, word, x)),
                     Value(arith::TruncIOp::create(b, loc, word, upper)));
  };
  auto [c0, c1] = halves(below);
  auto [c2, c3] = halves(above);
  Words c{c0, c1, c2, c3};
  Value k0 = spread(keys[0], width), k1 = spread(keys[1], width);
  auto multiply = [&](Value x, uint32_t factor) {
    auto product = arith::MulUIExtendedOp::create(b, loc, x, number(factor, word));
    return std::pair(product.getLow(), product.getHigh());
  };
  auto mix = [&](Value x, Value y, Value z) -> Value {
    return arith::XOrIOp::create(b, loc, arith::XOrIOp::create(b, loc, x, y), z);
  };
  for (int round = 0; round < 10; ++round) {
    if (round) {
      k0 = arith::AddIOp::create(b, loc, k0, number(0x9E3779B9, word));
      k1 = arith::AddIOp::create(b, loc, k1, number(0xBB67AE85, word));
    }
    auto [lowA, highA] = multiply(c[0], 0xD2511F53);
    auto [lowB, highB] = multiply(c[2], 0xCD9E8D57);
    c = {mix(highB, c[1], k0), lowB, mix(highA, c[3], k1), lowA};
  }
  return c;
}

void Philox::storeGroup(Words words, Value at) {
  auto zip = [&](Value x, Value y) { return vector::InterleaveOp::create(b, loc, x, y); };
  Value all = zip(zip(words[0], words[2]), zip(words[1], words[3]));
  vector::StoreOp::create(b, loc, all, memory, at);
}

void Philox::storeBlock(Words words, Value at, Value count) {
  for (auto [i, word] : llvm::enumerate(words)) {
    Value to = arith::AddIOp::create(b, loc, at, indexConstant(b, loc, i));
    Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, to, count);
    auto store = scf::IfOp::create(b, loc, inside, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(store.thenBlock());
    memref::StoreOp::create(b, loc, word, memory, to);
  }
}

void Philox::run(Value count) {
  Value zero = indexConstant(b, loc, 0), four = indexConstant(b, loc, 4);
  Value group = indexConstant(b, loc, 4 * lanes);
  auto blockOf = [&](Value at) { return arith::DivUIOp::create(b, loc, at, four); };
  Value rest = arith::RemUIOp::create(b, loc, count, group);
  Value whole = arith::SubIOp::create(b, loc, count, rest);
  scf::ForOp::create(b, loc, zero, whole, group, ValueRange(),
                     [&](OpBuilder &, Location, Value at, ValueRange) {
                       storeGroup(blocks(blockOf(at), lanes), at);
                       scf::YieldOp::create(b, loc);
                     });
  scf::ForOp::create(b, loc, whole, count, four, ValueRange(),
                     [&](OpBuilder &, Location, Value at, ValueRange) {
                       storeBlock(blocks(blockOf(at), 1), at, count);
                       scf::YieldOp::create(b, loc);
                     });
}

struct PhiloxLowering : LoweringPattern<PhiloxOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(PhiloxOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto type = cast<RankedTensorType>(op.getType());
    Value memory = memoryFor(lowering, b, op, type);
    Philox(op, adaptor.getKey(), adaptor.getCounter(), memory, b)
        .run(lowering.extent(b, op, type, 0));
    b.replaceOp(op, contentsOf(b, op.getLoc(), memory));
    return success();
  }
};

} // namespace

void populatePhiloxPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<PhiloxLowering>(lowering, patterns.getContext());
}

} // namespace mad
