//===- GgufTest.cpp - The GGUF format -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One test a rule that a reader must hold, each with a file that breaks it.
// test/Tools/gguf.test compares the numbers of all formats with encoders in NumPy.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"

using namespace mad::io;
using namespace mad::io::test;
using testing::HasSubstr;

namespace {

class GgufTest : public IoTest {
protected:
  std::vector<float> elements(const std::string &bytes, const std::string &name) {
    Tensor tensor;
    std::string error;
    EXPECT_TRUE(read(put(bytes), name, tensor, error)) << error;
    EXPECT_EQ(tensor.dtype, DType::F32);
    return values<float>(tensor);
  }
  static std::string one(uint32_t type, std::vector<uint64_t> extents, const std::string &content) {
    GgufFile file;
    file.entries.push_back({"t", std::move(extents), type, content});
    return file.bytes();
  }
};

TEST_F(GgufTest, ReadsTensorsAndMetadata) {
  std::vector<float> q = elements(smallGguf(), "q");
  ASSERT_EQ(q.size(), 32u);
  // The low half of 0x98 is 8, which stands for 0, the high half 9, for 1.
  for (size_t i = 0; i < 32; ++i)
    EXPECT_EQ(q[i], i < 16 ? 0 : 1);
  Tensor x;
  std::string error;
  ASSERT_TRUE(read(path("file"), "x", x, error)) << error;
  EXPECT_EQ(x.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values<float>(x), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  std::vector<Entry> entries;
  ASSERT_TRUE(list(path("file"), entries, error)) << error;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].storage, "Q4_0");
  EXPECT_EQ(entries[1].storage, "");
  std::vector<Metadata> metadata;
  ASSERT_TRUE(readMetadata(path("file"), metadata, error)) << error;
  ASSERT_EQ(metadata.size(), 2u);
  EXPECT_EQ(metadata[0].key + " = " + metadata[0].text, "general.name = `small`");
  EXPECT_EQ(metadata[1].text, "[2 x i32]");
}

TEST_F(GgufTest, ShowsValuesOfAllKinds) {
  GgufFile file;
  file.pair("u8", 0, "\xff");
  file.pair("i8", 1, "\xff");
  file.pair("i16", 3, "\xfe\xff");
  file.pair("f32", 6, raw<float>({0.5f}));
  file.pair("bool", 7, "\1");
  file.pair("i64", 11, little(int64_t(-3)));
  file.pair("f64", 12, raw<double>({1e300}));
  file.pair("nested", 9,
            little(uint32_t(9)) + little(uint64_t(1)) + little(uint32_t(8)) + little(uint64_t(1)) +
                GgufFile::text("x"));
  std::vector<Metadata> metadata;
  std::string error, all;
  ASSERT_TRUE(readMetadata(put(file.bytes()), metadata, error)) << error;
  for (const Metadata &data : metadata)
    all += data.key + "=" + data.text + " ";
  EXPECT_EQ(all, "u8=255 i8=-1 i16=-2 f32=0.5 bool=true i64=-3 f64=1e+300 nested=[1 x list] ");
}

TEST_F(GgufTest, RefusesOtherVersionsAndByteOrder) {
  GgufFile file;
  file.version = 1;
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("it has version 1; expected 2 or 3"));
  file.version = 3u << 24;
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("it is big-endian"));
  file.version = 2;
  EXPECT_EQ(refusal(file.bytes()), "holds no tensor");
}

TEST_F(GgufTest, RefusesImpossibleCounts) {
  GgufFile file;
  file.count = uint64_t(1) << 60;
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("it cannot hold 1152921504606846976 tensors"));
  file.count = {};
  file.pairs = uint64_t(1) << 63;
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("it cannot hold 9223372036854775808 metadata"));
  file = {};
  file.pair("list", 9, little(uint32_t(10)) + little(uint64_t(1) << 61));
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("elements, which do not fit into the file"));
  file = {};
  file.pair("text", 8, little(~uint64_t(0)));
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("a text at byte 40 has 18446744073709551615 bytes"));
}

TEST_F(GgufTest, RefusesBadMetadata) {
  GgufFile file;
  file.pair("a", 13, "");
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("the value of `a` has type 13; expected 0 to 12"));
  file = {};
  file.pair("a", 0, "x");
  file.pair("a", 0, "x");
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("the key `a` is there twice"));
  file = {};
  file.pair("a", 7, "\2");
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("is 2; expected 0 or 1"));
  for (uint32_t alignment : {0u, 12u, 1u << 24}) {
    file = {};
    file.pair("general.alignment", 4, little(alignment));
    EXPECT_THAT(refusal(file.bytes()), HasSubstr("expected a u32, a multiple of 8"));
  }
  file = {};
  std::string nested;
  for (int i = 0; i < 5; ++i)
    nested += little(uint32_t(9)) + little(uint64_t(1));
  file.pair("a", 9, nested + std::string(64, '\0'));
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("is nested too deep"));
}

TEST_F(GgufTest, RefusesBadTensors) {
  EXPECT_THAT(refusal(one(0, {1, 1, 1, 1, 1}, "1234")), HasSubstr("has 5 dimensions"));
  EXPECT_THAT(refusal(one(4, {1}, "1234")), HasSubstr("has type 4, which is not known"));
  EXPECT_THAT(refusal(one(2, {48}, std::string(27, 'x'))),
              HasSubstr("rows of 48 elements; expected a multiple of 32, the block of Q4_0"));
  uint64_t half = uint64_t(1) << 32;
  EXPECT_THAT(refusal(one(0, {half, half}, "1234")), HasSubstr("whose size overflows"));
  EXPECT_THAT(refusal(one(0, {~uint64_t(0)}, "1234")), HasSubstr("whose size overflows"));
  EXPECT_THAT(refusal(one(0, {uint64_t(1) << 62}, "1234")), HasSubstr("whose size overflows"));
  EXPECT_THAT(refusal(one(0, {2}, "1234")),
              HasSubstr("has 8 bytes at byte 0 of the elements, but there are 4"));
  GgufFile file;
  file.entries.push_back({"a", {2}, 0, "12345678"});
  file.entries.push_back({"b", {2}, 0, "12345678", 0});
  EXPECT_THAT(refusal(file.bytes(), "a"), HasSubstr("tensors `a` and `b` overlap"));
  file.entries[1].offset = 8;
  EXPECT_THAT(refusal(file.bytes(), "a"), HasSubstr("expected a multiple of 32"));
  file.entries[1].offset = ~uint64_t(31);
  EXPECT_THAT(refusal(file.bytes(), "a"), HasSubstr("at byte 18446744073709551584"));
  file.entries[1].name = "a";
  EXPECT_THAT(refusal(file.bytes(), "a"), HasSubstr("tensor `a` is there twice"));
}

TEST_F(GgufTest, RefusesScalesThatAreNotFinite) {
  std::string good(18, '\0'), bad = good;
  bad[0] = 0;
  bad[1] = 0x7c; // infinity
  EXPECT_THAT(refusal(one(2, {32, 2}, good + bad)),
              HasSubstr("whose block 1 (Q4_0, at byte 114) has a scale that is not a finite"));
  bad[1] = 0x7e; // NaN
  EXPECT_THAT(refusal(one(2, {32, 2}, good + bad)), HasSubstr("has a scale that is not a finite"));
  EXPECT_THAT(refusal(one(39, {32}, "\xff" + std::string(16, '\0'))), HasSubstr("(MXFP4"));
}

TEST_F(GgufTest, ReadsScalarsAndEmptyTensors) {
  EXPECT_EQ(elements(one(0, {}, raw<float>({3})), "t"), (std::vector<float>{3}));
  EXPECT_EQ(elements(one(12, {256, 0}, ""), "t"), (std::vector<float>{}));
}

// The formats IQ2 number eight elements by an entry of a table: entry 1 of each is
// 2, the digits 2 0 0 0 ..., and so 43, 8, 8, ....
TEST_F(GgufTest, ReadsEntriesOfTables) {
  std::vector<float> first = {43, 8, 8, 8, 8, 8, 8, 8};
  auto check = [&](const std::vector<float> &actual, size_t at, float scale, int signs) {
    for (size_t j = 0; j < 8; ++j)
      EXPECT_EQ(actual[at + j], (signs >> j & 1 ? -scale : scale) * first[j]) << at << " " << j;
  };
  // d = 2; in run 1, group 1: entry 1, signs 1 (made even by the eighth), scale 3.
  std::string block = "\0\x40"s + std::string(64, '\0');
  block[2 + 8 + 1] = 1;
  block.replace(2 + 8 + 4, 4, little(uint32_t(1u << 7 | 3u << 28)));
  check(elements(one(16, {256}, block), "t"), 40, 2 * 3.5f / 4, 0x81);
  // Group 5 with scale 3: the low half of the nibbles of its run.
  block = "\0\x40"s + std::string(72, '\0');
  block.replace(2 + 2 * 5, 2, little(uint16_t(1 | 1 << 9)));
  block[66 + 1] = 3;
  check(elements(one(17, {256}, block), "t"), 40, 2 * 3.5f / 4, 0x81);
  // Group 7, in the high half; signs as they are.
  block = "\0\x40"s + std::string(80, '\0');
  block[2 + 7] = 1;
  block[34 + 7] = 0x05;
  block[74 + 1] = 0x30;
  check(elements(one(22, {256}, block), "t"), 56, 2 * 3.5f / 4, 0x05);
  // The last entry of the table of 1024 has all of its index bits: 6560 is 2 2 2 ....
  block[2 + 7] = static_cast<char>(0xff);
  block[66 + 1] = static_cast<char>(0xc0);
  first.assign(8, 43);
  check(elements(one(22, {256}, block), "t"), 56, 2 * 3.5f / 4, 0x05);
}

// The formats IQ3 number four elements: entry 1 is 2 0 0 0 in the one and 1 0 0 0 in the
// other. test/Tools/gguf-iq3.test has all entries.
TEST_F(GgufTest, ReadsEntriesOfFour) {
  // d = 2; in run 1, groups 2 and 3: entry 1, eight signs for both, scale 3.
  std::string block = "\0\x40"s + std::string(96, '\0');
  block[2 + 8 + 2] = 1;
  block.replace(66 + 4, 4, little(uint32_t(0x11u << 7 | 3u << 28)));
  std::vector<float> actual = elements(one(18, {256}, block), "t");
  float scale = 2 * 3.5f / 2;
  EXPECT_EQ(std::vector<float>(actual.begin() + 40, actual.begin() + 48),
            (std::vector<float>{-20 * scale, 4 * scale, 4 * scale, 4 * scale, -4 * scale, 4 * scale,
                                4 * scale, 4 * scale}));
  // Group 13 of run 1: entry 257 by the ninth bit, scale 3 in the high half.
  block = "\0\x40"s + std::string(108, '\0');
  block[2 + 13] = 1;
  block[66 + 1] = 1 << 5;
  block[74 + 6] = 0x20;
  block[106] = 0x30;
  actual = elements(one(21, {256}, block), "t");
  scale = 2 * 7;
  EXPECT_EQ(std::vector<float>(actual.begin() + 52, actual.begin() + 56),
            (std::vector<float>{5 * scale, -7 * scale, 9 * scale, 5 * scale}));
}

} // namespace
