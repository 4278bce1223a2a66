//===- EpilogueTest.cpp - What may run behind each block of a product -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Epilogue.h"
#include "mlir/IR/Verifier.h"
#include "test/unit/Transforms/Parsed.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;
using mlir::linalg::GenericOp;

namespace {

constexpr llvm::StringLiteral matrix = "memref<?x48xf32>";

/// Elementwise: `out = in + out`, with the map of each.
std::string add(const std::string &in, const std::string &inType, const std::string &inMap,
                const std::string &out, const std::string &outType = matrix.str()) {
  return "linalg.generic {indexing_maps = [affine_map<(m, n) -> (" + inMap +
         ")>, affine_map<(m, n) -> (m, n)>], iterator_types = [\"parallel\", \"parallel\"]} ins(" +
         in + " : " + inType + ") outs(" + out + " : " + outType +
         ") {\n^bb0(%p: f32, %q: f32):\n  %r = arith.addf %p, %q : f32\n"
         "  linalg.yield %r : f32\n}\n";
}

/// x @ w into y, and what follows. z is other memory.
std::string write(const std::string &after) {
  return R"(
func.func @f(%x: memref<?x64xf32>, %w: memref<64x48xf32>, %y: memref<?x48xf32>, %z: memref<?x48xf32>,
             %bias: memref<48xf32>, %scale: memref<?xf32>, %one: memref<f32>, %square: memref<48x48xf32>) {
  %c0 = arith.constant 0 : index
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                   affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x64xf32>, memref<64x48xf32>) outs(%y : memref<?x48xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
)" + after +
         "return\n}\n";
}

/// How many ops behind the product are its epilogue.
size_t count(const std::string &after) {
  Parsed parsed(write(after));
  EXPECT_TRUE(parsed);
  if (!parsed)
    return size_t(-1);
  auto product = Contraction::match(parsed.generics().front());
  EXPECT_TRUE(product);
  return product ? Epilogue::behind(*product).ops().size() : size_t(-1);
}

TEST(Epilogue, BiasScaleAndResidual) {
  EXPECT_EQ(count(add("%bias", "memref<48xf32>", "n", "%y")), 1u);
  EXPECT_EQ(count(add("%scale", "memref<?xf32>", "m", "%y")), 1u);
  EXPECT_EQ(count(add("%one", "memref<f32>", "", "%y")), 1u);
  EXPECT_EQ(count(add("%z", matrix.str(), "m, n", "%y")), 1u);
  EXPECT_EQ(
      count(add("%bias", "memref<48xf32>", "n", "%y") + add("%z", matrix.str(), "m, n", "%y")), 2u);
}

// The result goes on to other memory.
TEST(Epilogue, OtherOutput) { EXPECT_EQ(count(add("%y", matrix.str(), "m, n", "%z")), 1u); }

// Behind that only the result is followed, not what was made of it.
TEST(Epilogue, Chain) {
  EXPECT_EQ(count(add("%y", matrix.str(), "m, n", "%z") + add("%z", matrix.str(), "m, n", "%y")),
            1u);
}

TEST(Epilogue, SubviewsAndConstantsBetween) {
  EXPECT_EQ(
      count("%five = arith.constant 5.0 : f32\n%rows = memref.dim %y, %c0 : memref<?x48xf32>\n" +
            add("%bias", "memref<48xf32>", "n", "%y")),
      1u);
}

// It needs other elements of the result than its own.
TEST(Epilogue, OtherPlaces) {
  EXPECT_EQ(count(R"(
linalg.generic {indexing_maps = [affine_map<(m, n) -> (n, m)>, affine_map<(m, n) -> (m, n)>],
                iterator_types = ["parallel", "parallel"]}
    ins(%y : memref<?x48xf32>) outs(%square : memref<48x48xf32>) {
^bb0(%p: f32, %q: f32):
  linalg.yield %p : f32
}
)"),
            0u);
}

// A sum over the row waits for all panels.
TEST(Epilogue, Reductions) {
  EXPECT_EQ(count(R"(
linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>],
                iterator_types = ["parallel", "reduction"]}
    ins(%y : memref<?x48xf32>) outs(%scale : memref<?xf32>) {
^bb0(%p: f32, %q: f32):
  %r = arith.addf %p, %q : f32
  linalg.yield %r : f32
}
)"),
            0u);
}

// The columns are read as long as there are blocks.
TEST(Epilogue, WritesTheRightFactor) {
  EXPECT_EQ(count(R"(
%y48 = memref.cast %y : memref<?x48xf32> to memref<64x48xf32>
linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
                iterator_types = ["parallel", "parallel"]}
    ins(%y48 : memref<64x48xf32>) outs(%w : memref<64x48xf32>) {
^bb0(%p: f32, %q: f32):
  linalg.yield %p : f32
}
)"),
            0u);
}

// A row is added to all rows, and one of them is of the result.
TEST(Epilogue, ReadsTheResultElsewhere) {
  EXPECT_EQ(
      count("%row = memref.collapse_shape %y [[0, 1]] : memref<?x48xf32> into memref<?xf32>\n" +
            add("%row", "memref<?xf32>", "n", "%y")),
      0u);
}

// So is a slice of it, wherever it goes.
TEST(Epilogue, ReadsASliceOfTheResult) {
  EXPECT_EQ(
      count("%row = memref.subview %y[%c0, 0] [1, 48] [1, 1] : memref<?x48xf32> to "
            "memref<48xf32, strided<[1], offset: ?>>\n"
            "linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) "
            "-> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = [\"parallel\", "
            "\"parallel\"]} ins(%y, %row : memref<?x48xf32>, memref<48xf32, strided<[1], "
            "offset: ?>>) outs(%z : memref<?x48xf32>) {\n^bb0(%p: f32, %q: f32, %r: f32):\n"
            "  %s = arith.subf %p, %q : f32\n  linalg.yield %s : f32\n}\n"),
      0u);
}

TEST(Epilogue, DoesNotReadTheResult) {
  EXPECT_EQ(count(add("%bias", "memref<48xf32>", "n", "%z")), 0u);
}

// What follows an op that does not belong to it stays behind that.
TEST(Epilogue, EndsAtTheFirstOther) {
  EXPECT_EQ(
      count(add("%bias", "memref<48xf32>", "n", "%z") + add("%bias", "memref<48xf32>", "n", "%y")),
      0u);
  EXPECT_EQ(count("memref.copy %z, %y : memref<?x48xf32> to memref<?x48xf32>\n" +
                  add("%bias", "memref<48xf32>", "n", "%y")),
            0u);
}

TEST(Epilogue, PlacesInTheBodyAreOfTheWhole) {
  EXPECT_EQ(count(R"(
linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
    outs(%y : memref<?x48xf32>) {
^bb0(%q: f32):
  %i = linalg.index 0 : index
  %j = arith.index_cast %i : index to i32
  %k = arith.sitofp %j : i32 to f32
  %r = arith.addf %q, %k : f32
  linalg.yield %r : f32
}
)"),
            0u);
}

// A copy for a block is on parts of what the op is on.
TEST(Epilogue, Blocks) {
  Parsed parsed(write(add("%bias", "memref<48xf32>", "n", "%y")));
  ASSERT_TRUE(parsed);
  auto product = Contraction::match(parsed.generics().front());
  ASSERT_TRUE(product);
  Epilogue epilogue = Epilogue::behind(*product);
  ASSERT_EQ(epilogue.ops().size(), 1u);
  GenericOp op = epilogue.ops().front();
  mlir::ImplicitLocOpBuilder b(op.getLoc(), op);
  auto constant = [&](int64_t n) -> mlir::Value {
    return mlir::arith::ConstantIndexOp::create(b, n);
  };
  epilogue.emit(b, Block{constant(6), constant(12), constant(16), constant(32)});
  EXPECT_TRUE(succeeded(mlir::verify(parsed.get())));
  GenericOp made = parsed.generics()[1];
  auto part = [&](unsigned operand) {
    return made->getOperand(operand).getDefiningOp<mlir::memref::SubViewOp>();
  };
  ASSERT_TRUE(part(0) && part(1));
  auto is = [](mlir::OpFoldResult value, int64_t n) {
    return mlir::getConstantIntValue(value) == std::optional<int64_t>(n);
  };
  EXPECT_TRUE(is(part(0).getMixedOffsets()[0], 16) && is(part(0).getMixedSizes()[0], 32));
  EXPECT_TRUE(is(part(1).getMixedOffsets()[0], 6) && is(part(1).getMixedSizes()[0], 12));
  EXPECT_TRUE(is(part(1).getMixedOffsets()[1], 16) && is(part(1).getMixedSizes()[1], 32));
  EXPECT_EQ(made.getBody()->getOperations().size(), op.getBody()->getOperations().size());
}

} // namespace
