//===- NpyTest.cpp - The .npy format ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One test a rule that a reader must hold, each with a file that breaks it.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"

using namespace mad::io;
using namespace mad::io::test;
using testing::HasSubstr;

namespace {

class Npy : public IoTest {
protected:
  Tensor good(const std::string &bytes) {
    Tensor tensor;
    std::string error;
    EXPECT_TRUE(read(put(bytes), "", tensor, error)) << error;
    return tensor;
  }
};

TEST_F(Npy, ReadsAllVersions) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";
  for (int version : {1, 2, 3})
    EXPECT_EQ(values<int32_t>(good(npy(header, raw<int32_t>({-5, 9}), version))),
              (std::vector<int32_t>{-5, 9}));
}

TEST_F(Npy, ReadsEveryType) {
  struct Case {
    const char *descr;
    DType dtype;
  };
  for (auto [descr, dtype] :
       {Case{"<f2", DType::F16}, Case{"<f4", DType::F32}, Case{"<f8", DType::F64},
        Case{"|i1", DType::I8}, Case{"<i2", DType::I16}, Case{"<i4", DType::I32},
        Case{"<i8", DType::I64}, Case{"|u1", DType::U8}, Case{"<u2", DType::U16},
        Case{"<u4", DType::U32}, Case{"<u8", DType::U64}, Case{"|b1", DType::Bool}}) {
    std::vector<Entry> entries;
    std::string error;
    ASSERT_TRUE(
        list(put(npy(descr, "(3,)", false, std::string(3 * size(dtype), '\1'))), entries, error))
        << error;
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].name, "");
    EXPECT_EQ(entries[0].dtype, dtype);
    EXPECT_EQ(entries[0].shape, (std::vector<int64_t>{3}));
  }
}

TEST_F(Npy, SwapsBigEndian) {
  Tensor tensor = good(npy(">i4", "(2,)", false, "\0\0\1\2\xff\xff\xff\xfe"s));
  EXPECT_EQ(values<int32_t>(tensor), (std::vector<int32_t>{258, -2}));
}

TEST_F(Npy, TransposesFortranOrder) {
  std::vector<int16_t> stored(24), expected(24);
  for (int16_t i = 0, at = 0; i < 2; ++i)
    for (int16_t j = 0; j < 3; ++j)
      for (int16_t k = 0; k < 4; ++k) {
        stored[static_cast<size_t>(i + 2 * j + 6 * k)] = at;
        expected[static_cast<size_t>(at)] = at;
        ++at;
      }
  Tensor tensor = good(npy("<i2", "(2, 3, 4)", true, raw(stored)));
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(values<int16_t>(tensor), expected);
}

TEST_F(Npy, ReadsScalarsAndEmptyTensors) {
  EXPECT_EQ(good(npy("<f4", "()", false, raw<float>({2.5f}))).shape.size(), 0u);
  EXPECT_EQ(good(npy("<f4", "(0, 5)", false, "")).elements(), 0);
  EXPECT_EQ(good(npy("<f4", "(0, 5)", true, "")).elements(), 0);
}

TEST_F(Npy, MakesTruthValuesZeroOrOne) {
  EXPECT_EQ(values<uint8_t>(good(npy("|b1", "(3,)", false, "\0\1\x80"s))),
            (std::vector<uint8_t>{0, 1, 1}));
}

TEST_F(Npy, RefusesANameForTheOnlyTensor) {
  EXPECT_THAT(refusal(smallNpy(), "x"), HasSubstr("holds one tensor without a name"));
}

TEST_F(Npy, RefusesOtherVersions) {
  std::string bytes = smallNpy();
  bytes[6] = 4;
  EXPECT_THAT(refusal(bytes), HasSubstr("has version 4.0; expected 1.0, 2.0 or 3.0"));
  bytes[6] = 1, bytes[7] = 1;
  EXPECT_THAT(refusal(bytes), HasSubstr("has version 1.1"));
}

TEST_F(Npy, RefusesLongHeaders) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}";
  EXPECT_EQ(refusal(npy(header + std::string(65536 - header.size(), ' '), "", 2)), "");
  EXPECT_THAT(refusal(npy(header + std::string(65537 - header.size(), ' '), "", 2)),
              HasSubstr("has a header of 65537 bytes; at most 65536"));
  EXPECT_THAT(refusal("\x93NUMPY\2\0\xff\xff\xff\xff"s), HasSubstr("header of 4294967295 bytes"));
}

TEST_F(Npy, RefusesHeadersThatAreNotTheDict) {
  struct Case {
    const char *header, *message;
  };
  for (auto [header, message] : {
           Case{"", "expected `{`"},
           Case{"[]", "expected `{`"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}",
                "key `x` is unknown"},
           Case{"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
                "key `descr` is twice"},
           Case{"{'descr': '<f4', 'shape': ()}", "key `fortran_order` is missing"},
           Case{"{'fortran_order': False, 'shape': ()}", "key `descr` is missing"},
           Case{"{'descr': '<f4', 'fortran_order': False}", "key `shape` is missing"},
           Case{"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", "expected `True` or `False`"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", "expected `,`"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "expected an extent"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (+3,)}", "expected an extent"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                "expected an extent"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "in parentheses"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "expected an extent"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "nothing after"},
           Case{"{'descr': '<f4', 'fortran_order': False, 'shape': ()", "expected `,` or `}`"},
           Case{"{'descr': '<f4', 'fortran_order' False, 'shape': ()}", "expected `:`"},
           Case{"{'descr': '<f4, }", "closing quote"},
           Case{"{'descr': '\\x3cf4', 'fortran_order': False, 'shape': ()}", "without escapes"},
           Case{"{descr: '<f4', 'fortran_order': False, 'shape': ()}", "a text in quotes"},
       })
    EXPECT_THAT(refusal(npy(header, "abcd")), HasSubstr(message)) << header;
}

TEST_F(Npy, RefusesOtherTypes) {
  for (const char *descr :
       {"<f3", "<c8", "|O", "<U5", "|S3", "|V2", "f4", "|f4", "!f4", "<", "", "<f16", "<M8[ns]"})
    EXPECT_THAT(refusal(npy(descr, "()", false, "abcd")), HasSubstr("has elements of type"))
        << descr;
  EXPECT_THAT(
      refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "abcd")),
      HasSubstr("elements with fields"));
}

TEST_F(Npy, RefusesTooManyDimensions) {
  auto ones = [](int count) {
    std::string shape = "(";
    for (int i = 0; i < count; ++i)
      shape += "1, ";
    return shape + ")";
  };
  EXPECT_EQ(refusal(npy("|i1", ones(32), false, "a")), "");
  EXPECT_THAT(refusal(npy("|i1", ones(33), false, "a")), HasSubstr("more than 32 dimensions"));
}

TEST_F(Npy, RefusesSizesThatDoNotMatch) {
  std::string bytes = smallNpy();
  EXPECT_THAT(refusal(bytes + "x"),
              HasSubstr("has 25 bytes of elements; its shape and type need 24"));
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 1)), HasSubstr("has 23 bytes"));
  EXPECT_THAT(refusal(npy("<f4", "(4611686018427387904, 4)", false, "")),
              HasSubstr("more than 2^64"));
  EXPECT_THAT(refusal(npy("<f4", "(4611686018427387904, 4, 0)", false, "")),
              HasSubstr("more than 2^64"));
  // A size that is far beyond the file is refused before memory is asked for.
  EXPECT_THAT(refusal(npy("<f4", "(1000000000000,)", false, "abcd")),
              HasSubstr("has 4 bytes of elements; its shape and type need 4000000000000"));
}

} // namespace
