//===- ContractionTest.cpp - Which ops are products of matrices -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Contraction.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Verifier.h"
#include "test/unit/Transforms/Parsed.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;
namespace linalg = mlir::linalg;

namespace {

/// What differs between the cases below.
struct Op {
  std::string dims = "m, n, k";
  std::string a = "m, k", b = "k, n", c = "m, n"; ///< maps
  std::string kinds = "ppr";
  std::string typeA = "f32", typeB = "f32", sum = "f32";
  std::string body = "%0 = arith.mulf %x, %y : f32\n%1 = arith.addf %z, %0 : f32\n";
};

std::string memref(const std::string &map, const std::string &element, const std::string &shape) {
  if (!shape.empty())
    return "memref<" + shape + "x" + element + ">";
  std::string type = "memref<";
  for (int64_t i = 0; i <= std::count(map.begin(), map.end(), ','); ++i)
    type += "?x";
  return type + element + ">";
}

std::string write(const Op &op, const std::string &shapeB = "") {
  std::string a = memref(op.a, op.typeA, ""), b = memref(op.b, op.typeB, shapeB),
              c = memref(op.c, op.sum, ""), kinds;
  for (char kind : op.kinds)
    kinds +=
        std::string(kinds.empty() ? "" : ", ") + (kind == 'p' ? "\"parallel\"" : "\"reduction\"");
  auto map = [&](const std::string &results) {
    return "affine_map<(" + op.dims + ") -> (" + results + ")>";
  };
  return "func.func @f(%a: " + a + ", %b: " + b + ", %c: " + c + ") {\n  linalg.generic {" +
         "indexing_maps = [" + map(op.a) + ", " + map(op.b) + ", " + map(op.c) +
         "], iterator_types = [" + kinds + "]} ins(%a, %b : " + a + ", " + b + ") outs(%c : " + c +
         ") {\n  ^bb0(%x: " + op.typeA + ", %y: " + op.typeB + ", %z: " + op.sum + "):\n" +
         op.body + "linalg.yield %1 : " + op.sum + "\n  }\n  return\n}\n";
}

class Match {
public:
  explicit Match(const Op &op, const std::string &shapeB = "") : parsed(write(op, shapeB)) {
    if (!parsed)
      return;
    found = Contraction::match(parsed.generics().front());
  }
  Parsed parsed;
  std::optional<Contraction> found;
};

TEST(Contraction, Matrices) {
  Match match{Op()};
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->a, 0u);
  EXPECT_EQ(match.found->b, 1u);
  EXPECT_EQ(match.found->m, 0u);
  EXPECT_EQ(match.found->n, 1u);
  EXPECT_EQ(match.found->k, 2u);
  EXPECT_EQ(match.found->panel, 0);
  EXPECT_TRUE(match.found->outer.empty());
  EXPECT_FALSE(match.found->mayContract);
}

// The factor that has the columns is the right one, wherever it stands.
TEST(Contraction, FactorsInTheOtherOrder) {
  Op op;
  std::swap(op.a, op.b);
  Match match(op);
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->a, 1u);
  EXPECT_EQ(match.found->b, 0u);
}

TEST(Contraction, TransposedFactors) {
  Op op;
  op.a = "k, m", op.b = "n, k";
  Match match(op);
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->m, 0u);
  EXPECT_EQ(match.found->k, 2u);
}

TEST(Contraction, OuterDimensions) {
  Op op;
  op.dims = "p, q, m, n, k", op.kinds = "ppppr";
  op.a = "p, m, q, k", op.b = "p, n, q, k", op.c = "p, q, m, n";
  Match match(op);
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->m, 2u);
  EXPECT_EQ(match.found->n, 3u);
  EXPECT_EQ(match.found->outer, (llvm::SmallVector<unsigned>{0, 1}));
}

// One matrix on the right of several: the rows are the last dimension that it lacks.
TEST(Contraction, SharedRightFactor) {
  Op op;
  op.dims = "p, m, n, k", op.kinds = "pppr";
  op.a = "p, m, k", op.c = "p, m, n";
  Match match(op);
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->m, 1u);
  EXPECT_EQ(match.found->outer, (llvm::SmallVector<unsigned>{0}));
}

TEST(Contraction, VectorTimesMatrix) {
  Op op;
  op.dims = "n, k", op.kinds = "pr";
  op.a = "k", op.c = "n";
  Match match(op);
  ASSERT_TRUE(match.found);
  EXPECT_FALSE(match.found->m);
}

TEST(Contraction, NarrowFactors) {
  Op op;
  op.typeB = "f16";
  op.body = "%w = arith.extf %y : f16 to f32\n%0 = arith.mulf %x, %w : f32\n"
            "%1 = arith.addf %0, %z : f32\n";
  EXPECT_TRUE(Match(op).found);
  op.typeB = "i8";
  op.body = "%w = arith.sitofp %y : i8 to f32\n%0 = arith.mulf %x, %w : f32\n"
            "%1 = arith.addf %0, %z : f32\n";
  EXPECT_TRUE(Match(op).found);
  // Not each i32 is a float.
  op.typeB = "i32";
  op.body = "%w = arith.sitofp %y : i32 to f32\n%0 = arith.mulf %x, %w : f32\n"
            "%1 = arith.addf %0, %z : f32\n";
  EXPECT_FALSE(Match(op).found);
}

// Both the product and the sum must allow it.
TEST(Contraction, MayContract) {
  Op op;
  op.body = "%0 = arith.mulf %x, %y fastmath<contract> : f32\n"
            "%1 = arith.addf %z, %0 fastmath<contract> : f32\n";
  Match both(op);
  ASSERT_TRUE(both.found);
  EXPECT_TRUE(both.found->mayContract);
  op.body = "%0 = arith.mulf %x, %y : f32\n%1 = arith.addf %z, %0 fastmath<contract> : f32\n";
  Match one(op);
  ASSERT_TRUE(one.found);
  EXPECT_FALSE(one.found->mayContract);
}

TEST(Contraction, PackedPanels) {
  Op op;
  op.b = "n floordiv 16, k, n mod 16";
  Match match(op, "?x?x16");
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.found->panel, 16);
  EXPECT_EQ(match.found->b, 1u);
  EXPECT_EQ(match.found->k, 2u);
  // Panels of another width are of sums of another type.
  op.b = "n floordiv 8, k, n mod 8";
  EXPECT_FALSE(Match(op, "?x?x8").found);
}

TEST(Contraction, OtherOps) {
  Op op;
  op.body = "%0 = arith.mulf %x, %x : f32\n%1 = arith.addf %z, %0 : f32\n";
  EXPECT_FALSE(Match(op).found) << "a square";
  op.body = "%0 = arith.mulf %x, %y : f32\n%1 = arith.subf %z, %0 : f32\n";
  EXPECT_FALSE(Match(op).found) << "a difference";
  op.body = "%0 = arith.mulf %x, %y : f32\n%1 = arith.maximumf %z, %0 : f32\n";
  EXPECT_FALSE(Match(op).found) << "a maximum";
  op = Op();
  op.a = "m, n, k";
  EXPECT_FALSE(Match(op).found) << "both factors have the columns";
  op = Op();
  op.dims = "m, n, k, l", op.kinds = "pprr", op.a = "m, k, l", op.b = "k, l, n";
  EXPECT_FALSE(Match(op).found) << "two dimensions are summed";
  op = Op();
  op.a = "m + k, k";
  EXPECT_FALSE(Match(op).found) << "windows";
  op = Op();
  op.a = "m";
  op.b = "k, n";
  EXPECT_FALSE(Match(op).found) << "the left factor lacks the steps";
}

std::string flatten(const std::string &rows, const std::string &result, const std::string &dims,
                    const std::string &a, const std::string &c, const std::string &kinds) {
  return "func.func @f(%a: " + rows + ", %b: memref<3x64x16xf32>, %c: " + result +
         ") {\n  %zero = arith.constant 0.0 : f32\n"
         "  linalg.fill ins(%zero : f32) outs(%c : " +
         result + ")\n  linalg.generic {indexing_maps = [affine_map<(" + dims + ") -> (" + a +
         ")>, affine_map<(" + dims + ") -> (n floordiv 16, k, n mod 16)>, affine_map<(" + dims +
         ") -> (" + c + ")>], iterator_types = [" + kinds + "]} ins(%a, %b : " + rows +
         ", memref<3x64x16xf32>) outs(%c : " + result +
         ") {\n  ^bb0(%x: f32, %y: f32, %z: f32):\n    %0 = arith.mulf %x, %y : f32\n"
         "    %1 = arith.addf %z, %0 : f32\n    linalg.yield %1 : f32\n  }\n  return\n}\n";
}

linalg::GenericOp flattened(Parsed &parsed) {
  mlir::IRRewriter rewriter(&parsed.context);
  auto product = Contraction::match(parsed.generics().front());
  EXPECT_TRUE(product);
  return product ? flattenRows(rewriter, *product) : linalg::GenericOp();
}

TEST(FlattenRows, BatchBecomesRows) {
  Parsed parsed(flatten("memref<?x5x64xf32>", "memref<?x5x48xf32>", "p, m, n, k", "p, m, k",
                        "p, m, n", R"("parallel", "parallel", "parallel", "reduction")"));
  ASSERT_TRUE(parsed);
  linalg::GenericOp op = flattened(parsed);
  ASSERT_TRUE(op);
  EXPECT_EQ(op.getNumLoops(), 3u);
  auto product = Contraction::match(op);
  ASSERT_TRUE(product);
  EXPECT_TRUE(product->outer.empty());
  EXPECT_EQ(product->panel, 16);
  // The start goes to the same memory.
  parsed.get().walk(
      [&](linalg::FillOp fill) { EXPECT_EQ(fill.getDpsInits()[0], op.getDpsInits()[0]); });
  EXPECT_TRUE(succeeded(mlir::verify(parsed.get())));
}

TEST(FlattenRows, VectorBecomesARow) {
  Parsed parsed(
      flatten("memref<64xf32>", "memref<48xf32>", "n, k", "k", "n", R"("parallel", "reduction")"));
  ASSERT_TRUE(parsed);
  linalg::GenericOp op = flattened(parsed);
  ASSERT_TRUE(op);
  EXPECT_EQ(op.getNumLoops(), 3u);
  EXPECT_EQ(op.getStaticLoopRanges()[0], 1);
  EXPECT_TRUE(succeeded(mlir::verify(parsed.get())));
}

TEST(FlattenRows, MemoryWithGapsStays) {
  Parsed parsed(flatten("memref<4x5x64xf32, strided<[1000, 64, 1]>>", "memref<4x5x48xf32>",
                        "p, m, n, k", "p, m, k", "p, m, n",
                        R"("parallel", "parallel", "parallel", "reduction")"));
  ASSERT_TRUE(parsed);
  linalg::GenericOp op = flattened(parsed);
  ASSERT_TRUE(op);
  EXPECT_EQ(op.getNumLoops(), 4u);
}

} // namespace
