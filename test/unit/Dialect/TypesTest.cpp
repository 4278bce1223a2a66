//===- TypesTest.cpp - Dimensions of tensor types ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mlir;

namespace {

class Types : public testing::Test {
protected:
  Types() : context(MLIRContext::Threading::DISABLED), builder(&context) {
    context.loadDialect<MadDialect>();
  }
  RankedTensorType make(std::vector<std::string> sizes, std::vector<std::string> names = {}) {
    std::vector<DimExpr> parsed;
    for (const std::string &size : sizes)
      parsed.push_back(*DimExpr::parse(size));
    return tensorType(parsed, names, builder.getF32Type());
  }

  MLIRContext context;
  Builder builder;
};

TEST_F(Types, StaticWithoutNamesHasNoEncoding) {
  RankedTensorType type = make({"2", "3"});
  EXPECT_FALSE(type.getEncoding());
  EXPECT_EQ(type.getShape(), ArrayRef<int64_t>({2, 3}));
}

TEST_F(Types, DynamicCarriesItsPolynomial) {
  RankedTensorType type = make({"H - K + 1", "64", "8"}, {"Rows", "Pixels"});
  EXPECT_TRUE(type.isDynamicDim(0));
  auto dims = cast<DimsAttr>(type.getEncoding());
  EXPECT_EQ(dims.getNames()[0].getValue(), "H - K + 1");
  EXPECT_EQ(dims.getNames()[1].getValue(), "Pixels");
  EXPECT_EQ(dims.getNames()[2].getValue(), "");
  EXPECT_EQ(dimExpr(type, 0), *DimExpr::parse("1 - K + H"));
  EXPECT_EQ(dimExpr(type, 1).constant(), 64);
  EXPECT_EQ(shapeText(type), "[H - K + 1, 64, 8]");
}

TEST_F(Types, DynamicWithoutTextHasNoSize) {
  auto type = RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  EXPECT_FALSE(dimExpr(type, 0).valid());
  EXPECT_FALSE(sameShape(type, type));
}

TEST_F(Types, SameShapeIgnoresNames) {
  EXPECT_TRUE(sameShape(make({"N", "64"}, {"", "Pixels"}), make({"N", "64"}, {"", "Other"})));
  EXPECT_FALSE(sameShape(make({"N"}), make({"M"})));
  EXPECT_FALSE(sameShape(make({"2"}), make({"3"})));
  EXPECT_FALSE(sameShape(make({"2"}), make({"2", "1"})));
}

TEST_F(Types, ShapesMayAgreeUnlessTheyCertainlyDiffer) {
  EXPECT_TRUE(shapesMayAgree(make({"H"}), make({"2 * K"})));
  EXPECT_TRUE(shapesMayAgree(make({"N"}), make({"4"})));
  EXPECT_FALSE(shapesMayAgree(make({"N"}), make({"N + 1"})));
  EXPECT_FALSE(shapesMayAgree(make({"3"}), make({"4"})));
  EXPECT_FALSE(shapesMayAgree(make({"N"}), make({"N", "1"})));
}

TEST_F(Types, LinearForm) {
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  AffineExpr s0 = builder.getAffineSymbolExpr(0);
  auto form = linearForm((d0 + s0 * 3 - 1) * 2 - d1, 2, 1);
  ASSERT_TRUE(form.has_value());
  EXPECT_EQ(ArrayRef<int64_t>(*form), ArrayRef<int64_t>({2, -1, 6, -2}));
  EXPECT_FALSE(linearForm(d0.floorDiv(2), 2, 1));
  EXPECT_FALSE(linearForm(d0 % 2 + d1, 2, 1));
  EXPECT_FALSE(linearForm(d0 * s0, 2, 1));
  EXPECT_FALSE(linearForm((d0 * INT64_MAX + d1) * 3, 2, 1));
}

TEST_F(Types, ConstantsThereAndBack) {
  RankedTensorType type = RankedTensorType::get({3}, builder.getI1Type());
  RefTensor bits = RefTensor::zeros(RefElement::Bool, {3});
  bits.integers = {1, 0, 1};
  EXPECT_EQ(refTensor(denseElements(bits, type)).integers, bits.integers);
  RefTensor ints = RefTensor::zeros(RefElement::I32, {3});
  ints.integers = {-1, INT32_MIN, 7};
  EXPECT_EQ(
      refTensor(denseElements(ints, RankedTensorType::get({3}, builder.getI32Type()))).integers,
      ints.integers);
  RefTensor floats = RefTensor::zeros(RefElement::F32, {3});
  floats.floats = {0.5, -2, 1e30f};
  EXPECT_EQ(
      refTensor(denseElements(floats, RankedTensorType::get({3}, builder.getF32Type()))).floats,
      floats.floats);
}

} // namespace
