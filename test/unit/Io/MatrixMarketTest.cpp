//===- MatrixMarketTest.cpp - The Matrix Market format --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"
#include <cmath>

using namespace mad::io;
using namespace mad::io::test;
using testing::HasSubstr;

namespace {

class MatrixMarket : public IoTest {
protected:
  static std::string file(const std::string &kind, const std::string &rest) {
    return "%%MatrixMarket matrix " + kind + "\n" + rest;
  }
  template <typename T>
  void expect(const std::string &bytes, DType dtype, std::vector<int64_t> shape,
              const std::vector<T> &numbers, std::optional<DType> wanted = {}) {
    Tensor tensor;
    std::string error;
    ASSERT_TRUE(read(put(bytes), "", tensor, error, wanted)) << error;
    EXPECT_EQ(tensor.dtype, dtype);
    EXPECT_EQ(tensor.shape, shape);
    EXPECT_EQ(values<T>(tensor), numbers) << bytes;
  }
  std::string problem(const std::string &kind, const std::string &rest) {
    return refusal(file(kind, rest));
  }
};

TEST_F(MatrixMarket, ReadsCoordinates) {
  expect<double>(file("coordinate real general", "% about\n\n 2 3 3\n1 1 1.5\n2 3 -1e2\n1 1 .25\n"),
                 DType::F64, {2, 3}, {1.75, 0, 0, 0, 0, -100});
  expect<int64_t>(file("coordinate integer general", "2 2 2\r\n2 1 +7\r\n1 2 -3\r\n"), DType::I64,
                  {2, 2}, {0, -3, 7, 0});
  expect<double>(file("coordinate pattern general", "2 2 1\n2 2"), DType::F64, {2, 2},
                 {0, 0, 0, 1});
  expect<double>(file("coordinate real general", "0 5 0\n"), DType::F64, {0, 5}, {});
}

TEST_F(MatrixMarket, WritesSymmetricEntriesOut) {
  expect<double>(file("coordinate real symmetric", "2 2 2\n1 1 1\n2 1 5\n"), DType::F64, {2, 2},
                 {1, 5, 5, 0});
  expect<double>(file("coordinate real skew-symmetric", "2 2 1\n2 1 5\n"), DType::F64, {2, 2},
                 {0, -5, 5, 0});
  expect<int64_t>(file("array integer symmetric", "2 2\n1\n2\n3\n"), DType::I64, {2, 2},
                  {1, 2, 2, 3});
  expect<double>(file("array real skew-symmetric", "3 3\n1\n2\n3\n"), DType::F64, {3, 3},
                 {0, -1, -2, 1, 0, -3, 2, 3, 0});
}

TEST_F(MatrixMarket, ReadsColumnAfterColumn) {
  expect<double>(file("array real general", "2 3\n1\n2\n3\n4\n5\n6\n"), DType::F64, {2, 3},
                 {1, 3, 5, 2, 4, 6});
  EXPECT_EQ(refusal("%%matrixmarket MATRIX Array Real General\n1 1\n1\n"), "");
}

TEST_F(MatrixMarket, ReadsNoElementsAtOnce) {
  expect<double>(file("array real general", "0 1000000000000\n"), DType::F64, {0, 1000000000000},
                 {});
  expect<double>(file("array real general", "3 0\n"), DType::F64, {3, 0}, {});
}

TEST_F(MatrixMarket, RoundsDecimalsOnce) {
  // Just above the middle of two numbers of f32, by less than f64 can see: rounded
  // to f64 first it would end in the middle, and then on the even number below.
  std::string text = file("array real general", "1 1\n1.00000005960464477540\n");
  expect<float>(text, DType::F32, {1, 1}, {std::nextafter(1.0f, 2.0f)}, DType::F32);
  expect<double>(text, DType::F64, {1, 1}, {1.00000005960464477540});
  expect<double>(file("array real general", "5 1\n1D2\n1e-400\n-1e-400\ninf\n4.9e-324\n"),
                 DType::F64, {5, 1}, {100, 0, -0.0, INFINITY, 4.9e-324});
  expect<float>(file("array real general", "1 1\n1e-60\n"), DType::F32, {1, 1}, {0}, DType::F32);
  expect<int32_t>(file("array integer general", "1 1\n-2147483648\n"), DType::I32, {1, 1},
                  {INT32_MIN}, DType::I32);
  // Real numbers are not read as integers; the caller decides.
  expect<double>(file("array real general", "1 1\n1.5\n"), DType::F64, {1, 1}, {1.5}, DType::I32);
}

TEST_F(MatrixMarket, KeepsCoordinates) {
  Coordinates matrix;
  std::string error;
  std::string bytes = file("coordinate real symmetric", "3 3 3\n1 1 1\n3 1 5\n3 1 6\n");
  ASSERT_TRUE(readCoordinates(put(bytes), matrix, error, DType::F32)) << error;
  EXPECT_EQ(matrix.rows, 3);
  EXPECT_EQ(matrix.row, (std::vector<int64_t>{0, 2, 0, 2, 0}));
  EXPECT_EQ(matrix.column, (std::vector<int64_t>{0, 0, 2, 0, 2}));
  EXPECT_EQ(values<float>(matrix.values), (std::vector<float>{1, 5, 5, 6, 6}));
  // What is too large when dense is not too large here.
  bytes = file("coordinate real general", "3000000000 3000000000 1\n2999999999 1 1\n");
  ASSERT_TRUE(readCoordinates(put(bytes), matrix, error)) << error;
  EXPECT_EQ(matrix.row, (std::vector<int64_t>{2999999998}));
  EXPECT_THAT(refusal(bytes), HasSubstr("too large as a dense tensor"));
  EXPECT_FALSE(readCoordinates(put(smallNpy()), matrix, error));
  EXPECT_THAT(error, HasSubstr("is not a Matrix Market file"));
}

TEST_F(MatrixMarket, RefusesOtherKinds) {
  EXPECT_THAT(refusal("%%MatrixMarket vector array real general\n"),
              HasSubstr("line 1 describes `vector`; expected `matrix`"));
  EXPECT_THAT(problem("list real general", ""), HasSubstr("has the format `list`"));
  EXPECT_THAT(problem("array complex general", ""), HasSubstr("has the field `complex`"));
  EXPECT_THAT(problem("array real hermitian", ""), HasSubstr("has the symmetry `hermitian`"));
  EXPECT_THAT(problem("array pattern general", ""), HasSubstr("says nothing about the values"));
  EXPECT_THAT(problem("array real general more", ""), HasSubstr("goes on with `more`"));
}

TEST_F(MatrixMarket, RefusesBadSizes) {
  const std::string kind = "coordinate real general";
  EXPECT_THAT(problem(kind, ""), HasSubstr("lacks the number of rows"));
  EXPECT_THAT(problem(kind, "2 2\n"), HasSubstr("line 2 lacks the number of entries"));
  EXPECT_THAT(problem(kind, "2 -2 1\n"), HasSubstr("has the number of columns `-2`"));
  EXPECT_THAT(problem(kind, "2 2 1 1\n"), HasSubstr("goes on with `1` after the sizes"));
  EXPECT_THAT(problem(kind, "2 2 9000000000000000000\n"), HasSubstr("cannot hold"));
  EXPECT_THAT(problem("array real general", "9000000000000000000 9000000000000000000\n"),
              HasSubstr("cannot hold"));
  EXPECT_THAT(problem("array real symmetric", "9000000000000000000 9000000000000000000\n"),
              HasSubstr("cannot hold"));
  EXPECT_THAT(problem("coordinate real symmetric", "2 3 1\n"), HasSubstr("expected as many"));
}

TEST_F(MatrixMarket, RefusesBadEntries) {
  const std::string kind = "coordinate real general";
  EXPECT_THAT(problem(kind, "2 2 1\n0 1 5\n"),
              HasSubstr("line 3 has the row `0`; expected 1 to 2"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 3 5\n"), HasSubstr("has the column `3`; expected 1 to 2"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 x 5\n"), HasSubstr("has the column `x`"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1\n"), HasSubstr("lacks the value"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1 5,0\n"),
              HasSubstr("has the value `5,0`; expected a number"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1 1e999\n"), HasSubstr("out of the range of f64"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1 5 6\n"), HasSubstr("goes on with `6` after the entry"));
  EXPECT_THAT(problem(kind, "2 2 2\n1 1 5\n% end\n"), HasSubstr("the end after 1 entries"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1 5\n\n1 1 5\n"), HasSubstr("line 5 follows after the last"));
  EXPECT_THAT(problem(kind, "2 2 1\n1 1 " + std::string(2000, '1')), HasSubstr("more than 1024"));
  EXPECT_THAT(problem("coordinate integer general", "2 2 1\n1 1 1.5\n"),
              HasSubstr("expected an integer"));
  EXPECT_THAT(problem("coordinate integer general", "1 1 2\n1 1 9223372036854775807\n1 1 1\n"),
              HasSubstr("line 4 has an entry at row 1, column 1 that is there twice"));
  EXPECT_THAT(problem("coordinate real symmetric", "2 2 1\n1 2 5\n"),
              HasSubstr("is stored by its lower triangle"));
  EXPECT_THAT(problem("coordinate real skew-symmetric", "2 2 1\n1 1 5\n"),
              HasSubstr("by its entries below the diagonal"));
  EXPECT_THAT(problem("coordinate integer skew-symmetric", "2 2 1\n2 1 -9223372036854775808\n"),
              HasSubstr("whose opposite is out of the range"));
  EXPECT_THAT(problem("array real general", "2 1\n1\n"),
              HasSubstr("is the end; expected 2 values"));
  EXPECT_THAT(problem("array real general", "1 1\n1 2\n"), HasSubstr("after the last value"));
}

} // namespace
