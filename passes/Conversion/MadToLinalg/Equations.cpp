//===- Equations.cpp - Solves that failed end the call ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/Approximate.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "passes/Conversion/MadToLinalg/SparseSystems.h"
#include "runtime/artifact.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace mad {
namespace {

/// One check a status, as each has a text of its own.
struct CheckLowering : LoweringPattern<ode::CheckOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::CheckOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    // Kernels do nothing behind a check that fails, so a loop there would not come to its end.
    if (lowering.device)
      b.setInsertionPoint(op->getBlock()->getTerminator());
    auto scalar = [&](Value tensor) { return scalarOf(b, loc, tensor, false); };
    auto bits = [&](Value number) -> Value {
      return arith::BitcastOp::create(b, loc, b.getI64Type(), number);
    };
    Value status = scalar(adaptor.getStatus());
    // All is well but for few calls. A device would have to ask the host.
    if (!lowering.device) {
      Value fails =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, status, word(b, loc, 0));
      auto ifFails = scf::IfOp::create(b, loc, fails, /*withElseRegion=*/false);
      b.setInsertionPointToStart(ifFails.thenBlock());
    }
    Value square = scalar(adaptor.getErrorSquared());
    Value root = math::SqrtOp::create(b, loc, square), none = number(b, loc, -1);
    Value hasError =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGE, square, number(b, loc, 0));
    SmallVector<Value> told{bits(scalar(adaptor.getTime())), scalar(adaptor.getSteps()),
                            bits(arith::SelectOp::create(b, loc, hasError, root, none))};
    std::string names;
    if (std::optional<ArrayAttr> elements = op.getComponentNames()) {
      names = lines(*elements);
      told.append({scalar(adaptor.getComponent()), word(b, loc, 0)});
    } else {
      names = lines(op.getStateNames());
      tellElement(op, b, scalar(adaptor.getComponent()), told);
    }
    for (int32_t code = 1; code < ode::statusCount; ++code) {
      Value failed =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, word(b, loc, code));
      std::string text = "`" + op.getName().str() + "` cannot be solved: " +
                         std::string(ode::statusText(static_cast<ode::Status>(code)));
      lowering.check(b, op, failed, told, text + names,
                     op.getTrajectory() ? Lowering::Shown::Trajectory : Lowering::Shown::Step);
    }
    b.eraseOp(op);
    return success();
  }

private:
  static Value word(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  static Value number(OpBuilder &b, Location loc, double value) {
    return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
  }
  /// The runtime chooses among the names.
  static std::string lines(ArrayAttr names) {
    std::string text;
    for (StringAttr name : names.getAsRange<StringAttr>())
      text += "\n" + name.str();
    return text;
  }

  /// Of a number among the elements of all states: which state it is, the rank of that, and its
  /// indices there. Of states with more dimensions than can be told the name alone.
  void tellElement(ode::CheckOp op, OpBuilder &b, Value element, SmallVector<Value> &told) const {
    Location loc = op.getLoc();
    size_t room = MAD_INFO_WORDS - told.size() - 2;
    Value state = word(b, loc, -1), rank = word(b, loc, 0), begin = rank;
    SmallVector<Value> indices;
    for (auto [number, attribute] : llvm::enumerate(op.getStateTypes().getAsRange<TypeAttr>())) {
      auto type = cast<RankedTensorType>(attribute.getValue());
      SmallVector<Value> sizes;
      Value count = word(b, loc, 1);
      for (OpFoldResult size : lowering.sizes(b, op, type)) {
        Value index = getValueOrCreateConstantIndexOp(b, loc, size);
        sizes.push_back(arith::IndexCastOp::create(b, loc, b.getI64Type(), index));
        count = arith::MulIOp::create(b, loc, count, sizes.back());
      }
      // A later state is chosen where the number is not below where it begins.
      Value isHere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, element, begin);
      auto choose = [&](Value here, Value before) -> Value {
        return arith::SelectOp::create(b, loc, isHere, here, before);
      };
      if (sizes.size() > room)
        sizes.clear();
      state = choose(word(b, loc, int64_t(number)), state);
      rank = choose(word(b, loc, int64_t(sizes.size())), rank);
      Value rest = arith::SubIOp::create(b, loc, element, begin);
      while (indices.size() < sizes.size())
        indices.push_back(word(b, loc, 0));
      for (size_t d = sizes.size(); d-- > 0;) {
        // Where this is not the state, the size may be 0.
        Value size = arith::MaxSIOp::create(b, loc, sizes[d], word(b, loc, 1));
        Value index = d ? arith::RemSIOp::create(b, loc, rest, size).getResult() : rest;
        rest = arith::DivSIOp::create(b, loc, rest, size);
        indices[d] = choose(index, indices[d]);
      }
      begin = arith::AddIOp::create(b, loc, begin, count);
    }
    told.append({state, rank});
    llvm::append_range(told, indices);
  }
};

/// a[0] + a[1] x + ..., neighbours first: few steps one after the other.
Value polynomial(OpBuilder &b, Location loc, Value x, ArrayRef<double> coefficients) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(x.getType(), value));
  };
  auto contract = arith::FastMathFlags::contract;
  auto fused = [&](Value sum, Value factor, Value power) -> Value {
    Value product = arith::MulFOp::create(b, loc, factor, power, contract);
    return arith::AddFOp::create(b, loc, sum, product, contract);
  };
  SmallVector<Value> terms;
  for (double coefficient : coefficients)
    terms.push_back(number(coefficient));
  for (Value power = x; terms.size() > 1;
       power = arith::MulFOp::create(b, loc, power, power, contract)) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < terms.size(); i += 2)
      next.push_back(fused(terms[i], terms[i + 1], power));
    if (terms.size() % 2)
      next.push_back(terms.back());
    terms = next;
  }
  return terms[0];
}

/// How the bits of f32 and f64 are divided.
struct Layout {
  explicit Layout(Type type)
      : type(type), bits(type.isF32() ? 32 : 64), fraction(type.isF32() ? 23 : 52),
        bias(type.isF32() ? 127 : 1023) {}
  Value word(OpBuilder &b, Location loc, int64_t value) const {
    return arith::ConstantIntOp::create(b, loc, value, bits);
  }
  Value number(OpBuilder &b, Location loc, double value) const {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }
  Type type;
  unsigned bits;
  int64_t fraction, bias;
};

/// In f32 a device has an instruction that is off by some roundings: mad-gpu-math makes it of a
/// marked op.
bool isInstruction(const Lowering &lowering, Value tensor) {
  return lowering.device && cast<RankedTensorType>(tensor.getType()).getElementType().isF32();
}
template <typename Op> Value marked(OpBuilder &b, Location loc, ValueRange operands) {
  auto op = Op::create(b, loc, operands);
  op->setAttr(approximateAttr, b.getUnitAttr());
  return op.getResult();
}

/// x 0 is NaN where x is no finite number, else it adds nothing.
struct ReciprocalLowering : LoweringPattern<ode::ReciprocalOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::ReciprocalOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = scalarOf(b, loc, adaptor.getX(), false);
    Layout layout(x.getType());
    Value one = layout.number(b, loc, 1), result;
    if (isInstruction(lowering, op.getX())) {
      auto contract = arith::FastMathFlags::contract;
      Value none = arith::MulFOp::create(b, loc, x, layout.number(b, loc, 0), contract);
      result =
          arith::AddFOp::create(b, loc, marked<arith::DivFOp>(b, loc, {one, x}), none, contract);
    } else {
      Value infinity = layout.number(b, loc, std::numeric_limits<double>::infinity());
      Value nan = layout.number(b, loc, std::numeric_limits<double>::quiet_NaN());
      Value finite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, infinity);
      result = arith::SelectOp::create(b, loc, finite, arith::DivFOp::create(b, loc, one, x), nan);
    }
    b.replaceOp(op, tensorOf(b, loc, result));
    return success();
  }
};

/// The exponent, and a polynomial of the mantissa (Chebyshev, off by 8e-9).
struct Log2Lowering : LoweringPattern<ode::Log2Op> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::Log2Op op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = scalarOf(b, loc, adaptor.getX(), false);
    if (isInstruction(lowering, op.getX())) {
      b.replaceOp(op, tensorOf(b, loc, marked<math::Log2Op>(b, loc, x)));
      return success();
    }
    Layout layout(x.getType());
    auto word = [&](int64_t value) { return layout.word(b, loc, value); };
    Value bits = arith::BitcastOp::create(b, loc, b.getIntegerType(layout.bits), x);
    Value exponent = arith::ShRUIOp::create(b, loc, bits, word(layout.fraction));
    exponent = arith::AndIOp::create(b, loc, exponent, word(2 * layout.bias + 1));
    exponent = arith::SubIOp::create(b, loc, exponent, word(layout.bias));
    Value mantissa = arith::AndIOp::create(b, loc, bits, word((int64_t(1) << layout.fraction) - 1));
    mantissa = arith::OrIOp::create(b, loc, mantissa, word(layout.bias << layout.fraction));
    Value m = arith::BitcastOp::create(b, loc, layout.type, mantissa);
    Value one = layout.number(b, loc, 1);
    Value log = polynomial(b, loc, arith::SubFOp::create(b, loc, m, one),
                           {7.558860981582427e-09, 1.4426934691906699, -0.7212930507958468,
                            0.48015549183216627, -0.35541745397008523, 0.2664491607561337,
                            -0.18072152317884044, 0.09595722395531094, -0.0332372121679963,
                            0.005413892337980368});
    Value whole = arith::SIToFPOp::create(b, loc, layout.type, exponent);
    b.replaceOp(op, tensorOf(b, loc, arith::AddFOp::create(b, loc, whole, log)));
    return success();
  }
};

/// The nearest integer goes into the exponent, the rest into a polynomial (Chebyshev, off by 2e-9).
struct Exp2Lowering : LoweringPattern<ode::Exp2Op> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::Exp2Op op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Layout layout(cast<RankedTensorType>(op.getType()).getElementType());
    auto number = [&](double value) { return layout.number(b, loc, value); };
    auto word = [&](int64_t value) { return layout.word(b, loc, value); };
    auto bounded = [&](Value x, Value bound, arith::CmpFPredicate predicate) -> Value {
      Value inside = arith::CmpFOp::create(b, loc, predicate, x, bound);
      return arith::SelectOp::create(b, loc, inside, x, bound);
    };
    Value x = scalarOf(b, loc, adaptor.getX(), false);
    if (isInstruction(lowering, op.getX())) {
      b.replaceOp(op, tensorOf(b, loc, marked<math::Exp2Op>(b, loc, x)));
      return success();
    }
    if (!op.getInside()) {
      x = bounded(x, number(60), arith::CmpFPredicate::OLT);
      x = bounded(x, number(-60), arith::CmpFPredicate::OGT);
    }
    // A sum with this number has no digits behind the point; its last bits are the integer.
    double shift = std::ldexp(1.5, static_cast<int>(layout.fraction));
    Value moved = arith::AddFOp::create(b, loc, x, number(shift));
    Value rest =
        arith::SubFOp::create(b, loc, x, arith::SubFOp::create(b, loc, moved, number(shift)));
    Value power =
        polynomial(b, loc, rest,
                   {0.9999999999595488, 0.69314720671062, 0.24022651213595259, 0.05550327214209535,
                    0.00961802560294165, 0.0013400432165251623, 0.0001546973198244552});
    Value bits = arith::BitcastOp::create(b, loc, b.getIntegerType(layout.bits), moved);
    bits = arith::ShLIOp::create(b, loc, bits, word(layout.fraction));
    bits = arith::AddIOp::create(b, loc, bits, word(layout.bias << layout.fraction));
    Value scale = arith::BitcastOp::create(b, loc, layout.type, bits);
    b.replaceOp(op, tensorOf(b, loc, arith::MulFOp::create(b, loc, power, scale)));
    return success();
  }
};

} // namespace

void populateEquationPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<CheckLowering, Exp2Lowering, Log2Lowering, ReciprocalLowering>(
      lowering, patterns.getContext());
  populateSparsePatterns(patterns, lowering);
}

} // namespace mad
