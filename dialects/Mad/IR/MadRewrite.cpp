//===- MadRewrite.cpp - Names and costs of the ops for rewriting ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRewrite.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/RewriteInterface.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace mad {
namespace {

/// f32 numbers that one instruction takes.
constexpr double lanes = 16;
/// What a parameter of an entry is taken for where no size is known.
constexpr int64_t anySize = 64;
/// Multiply-adds and bytes of memory that a cycle does in a product.
constexpr double multiplyAdds = 16, bytesOfProduct = 8;
/// Of a product beside what it multiplies; of a loop that only moves data, and of one for each
/// tensor that is put side by side.
constexpr double launch = 300, loop = 40;
/// Of data that moves through the cache.
constexpr double bytesOfCopy = 32;

/// Cycles of sixteen elements of 32 bits or fewer, and of 64.
struct Cycles {
  double narrow = 20, wide = 40;
};
const llvm::StringMap<Cycles> &cyclesOf() {
  static const llvm::StringMap<Cycles> table = {
#define CYCLES(NAME, COUNT, WIDE) {#NAME, {COUNT, WIDE}},
#include "dialects/Mad/IR/MadCycles.def"
  };
  return table;
}

double bytesOf(RankedTensorType type) {
  return nominalElements(type) * std::max(1u, type.getElementTypeBitWidth() / 8);
}

double elementwise(StringRef name, RankedTensorType type) {
  // Of equal ones the one with fewer loops, whose innermost is longer.
  const double loops = 1 + 1e-4 * double(type.getRank());
  return loops * elementwiseCycles(name, nominalElements(type), type.getElementTypeBitWidth());
}

struct MadRewrite final : RewriteInterface {
  using RewriteInterface::RewriteInterface;

  std::string symbol(const Term &term) const override {
    std::string name = term.name.getStringRef().str();
    // What it gives is not what it takes, so rules must say it.
    if (term.name.getStringRef() == CastOp::getOperationName()) {
      llvm::raw_string_ostream(name) << "." << term.type.getElementType();
      return name;
    }
    if (!term.attributes)
      return name;
    if (auto predicate = term.attributes.getAs<PredicateAttr>("predicate"))
      name += "." + stringifyPredicate(predicate.getValue()).str();
    else if (auto kind = term.attributes.getAs<ReduceKindAttr>("kind"))
      name += "." + stringifyReduceKind(kind.getValue()).str();
    return name;
  }

  bool rounds(const Term &term) const override {
    if (!isa<FloatType>(term.type.getElementType()))
      return false;
    StringRef name = term.name.stripDialect();
    if (term.name.hasInterface<ElementwiseOpInterface>())
      return !llvm::is_contained({"select", "cast", "compare", "isnan", "isinf", "isfinite"}, name);
    return name == "reduce" || name == "contract" || name == "cumulate";
  }

  bool reorders(const Term &term) const override {
    StringRef name = term.name.stripDialect();
    Type element = term.type.getElementType();
    return (name == "reduce" || name == "contract") && (element.isF32() || element.isF64());
  }

  bool commutes(const Term &term) const override {
    return term.name.hasTrait<OpTrait::IsCommutative>();
  }

  double cycles(const Term &term, ArrayRef<RankedTensorType> operands) const override {
    StringRef name = term.name.stripDialect();
    if (name == "constant" || name == "weight" || name == "dim")
      return 0;
    if (name == "contract")
      return product(term, operands);
    if (name == "reduce" || name == "cumulate")
      return elementwise("add", operands[0]);
    if (name == "view")
      return view(term, operands);
    if (name == "reshape")
      return 0.01;
    if (name == "concat")
      return loop * double(operands.size()) + 2 * bytesOf(term.type) / bytesOfCopy;
    // Predicates have no wide results, but wide operands.
    bool reads = name == "compare" || name.starts_with("is");
    return elementwise(name, reads ? operands[0] : term.type);
  }

private:
  static double product(const Term &term, ArrayRef<RankedTensorType> operands) {
    auto map = term.attributes.getAs<AffineMapAttr>("lhsMap").getValue();
    auto other = term.attributes.getAs<AffineMapAttr>("rhsMap").getValue();
    SmallVector<double> extents(map.getNumDims(), 1);
    auto see = [&](AffineMap map, RankedTensorType type) {
      for (auto [dim, result] : llvm::enumerate(map.getResults()))
        extents[cast<AffineDimExpr>(result).getPosition()] = nominalSize(dimExpr(type, dim));
    };
    see(map, operands[0]);
    see(other, operands[1]);
    double steps = 1;
    for (double extent : extents)
      steps *= extent;
    double bytes = bytesOf(operands[0]) + bytesOf(operands[1]) + bytesOf(term.type);
    return productCycles(steps, bytes, term.type.getElementTypeBitWidth());
  }

  static double view(const Term &term, ArrayRef<RankedTensorType> operands) {
    auto map = term.attributes.getAs<AffineMapAttr>("map").getValue();
    // What repeats is read where it is used; the others' elements lie apart.
    bool repeats = true;
    int64_t last = -1;
    for (AffineExpr result : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      repeats &= isa<AffineConstantExpr>(result) || (dim && dim.getPosition() > last);
      last = dim ? dim.getPosition() : last;
    }
    double touched = std::min(nominalElements(operands[0]), nominalElements(term.type));
    return repeats ? 0.01 + 0.01 * touched / lanes : loop + touched / lanes;
  }
};

} // namespace

double nominalSize(const DimExpr &size) {
  std::optional<int64_t> extent =
      size.evaluate([](const std::string &) -> std::optional<int64_t> { return anySize; });
  return double(std::max<int64_t>(extent ? *extent : anySize, 1));
}

double nominalElements(RankedTensorType type) {
  double size = 1;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    size *= nominalSize(dimExpr(type, dim));
  return size;
}

double productCycles(double products, double bytes, unsigned bits) {
  double wide = bits > 32 ? 2 : 1;
  return std::max(products * wide / multiplyAdds, bytes / bytesOfProduct) + launch;
}

// A number alone takes as long as a vector, which eight of 64 bits are.
double elementwiseCycles(StringRef name, double elements, unsigned bits) {
  auto known = cyclesOf().find(name);
  Cycles of = known == cyclesOf().end() ? Cycles() : known->second;
  double sixteens = elements / lanes;
  return bits > 32 ? std::max(0.5, sixteens) * of.wide : std::max(1.0, sixteens) * of.narrow;
}

void addRewriteInterface(MadDialect &dialect) { dialect.addInterfaces<MadRewrite>(); }

} // namespace mad
