//===- SafetensorsTest.cpp - The .safetensors format ---------------------------===//
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

class Safetensors : public IoTest {
protected:
  /// One tensor `t` with these fields, and 8 bytes of elements.
  std::string one(const std::string &dtype, const std::string &shape, const std::string &offsets,
                  const std::string &more = "") {
    return safetensors("{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                           ",\"data_offsets\":" + offsets + more + "}}",
                       "abcdefgh");
  }
  std::string tensorText(const std::string &name, int begin, int end) {
    return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[" + std::to_string(end - begin) +
           "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  }
};

TEST_F(Safetensors, ReadsTensorsAndMetadata) {
  std::string file = put(safetensors(
      R"({"__metadata__":{"format":"pt"},"b":{"shape":[2],"dtype":"F32","data_offsets":[3,11]},)"
      R"("a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
      R"("e":{"dtype":"F64","shape":[4,0],"data_offsets":[3,3]},)"
      R"("s":{"dtype":"BF16","shape":[],"data_offsets":[11,13]}}  )",
      "\1\2\3"s + raw<float>({1.5f, -2}) + "\x80\x3f"));
  std::vector<Entry> entries;
  std::string error;
  ASSERT_TRUE(list(file, entries, error)) << error;
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "e");
  EXPECT_EQ(entries[1].shape, (std::vector<int64_t>{4, 0}));
  EXPECT_EQ(entries[3].dtype, DType::BF16);
  Tensor tensor;
  ASSERT_TRUE(read(file, "b", tensor, error)) << error;
  EXPECT_EQ(values<float>(tensor), (std::vector<float>{1.5f, -2}));
  ASSERT_TRUE(read(file, "s", tensor, error)) << error;
  EXPECT_EQ(values<float>(*tensor.convert(DType::F32)), (std::vector<float>{1}));
}

TEST_F(Safetensors, TheSmallestFile) {
  std::vector<Entry> entries;
  std::string error;
  EXPECT_TRUE(list(put(safetensors("{}      ")), entries, error)) << error;
  EXPECT_TRUE(entries.empty());
}

TEST_F(Safetensors, KnowsTypesThatItCannotRead) {
  std::string file = safetensors(R"({"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)" +
                                     tensorText("y", 2, 3) + "}",
                                 "abc");
  std::vector<Entry> entries;
  std::string error;
  ASSERT_TRUE(list(put(file), entries, error)) << error;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_TRUE(!entries[0].readable && entries[0].storage == "F8_E4M3" && entries[1].readable);
  EXPECT_EQ(refusal(file, "y"), "");
  EXPECT_THAT(refusal(file, "x"), HasSubstr("tensor `x` in type `F8_E4M3`, which cannot be read"));
}

TEST_F(Safetensors, RefusesBadLengths) {
  EXPECT_THAT(refusal(little(uint64_t(100'000'001)) + "{}"),
              HasSubstr("has a header of 100000001 bytes; at most 100000000"));
  EXPECT_THAT(refusal(little(uint64_t(100'000'000)) + "{}"),
              HasSubstr("its header has 100000000 bytes, but 2 follow"));
  EXPECT_THAT(refusal(little(~uint64_t(0)) + "{}"), HasSubstr("18446744073709551615 bytes"));
  EXPECT_THAT(refusal(little(uint64_t(0)) + "{}"), HasSubstr("does not start with `{`"));
}

TEST_F(Safetensors, RefusesWhatIsAroundTheHeader) {
  EXPECT_THAT(refusal(safetensors(" {}")), HasSubstr("is not a tensor file"));
  EXPECT_THAT(refusal(safetensors("{} \n")), HasSubstr("does not end with `}` and spaces"));
  EXPECT_THAT(refusal(safetensors("{}{}")), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(safetensors("{} }")), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(safetensors("{}\0{\"hidden\":1}"s)), HasSubstr("has a zero byte"));
  EXPECT_THAT(refusal(safetensors("{/**/}")), HasSubstr("not valid JSON"));
}

TEST_F(Safetensors, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(refusal(safetensors("{\"\xff\":{}}")), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(safetensors("{\"\xed\xa0\x80\":{}}")), HasSubstr("not valid JSON"));
}

TEST_F(Safetensors, RefusesNesting) {
  EXPECT_THAT(refusal(one("\"U8\"", "[[8]]", "[0,8]")), HasSubstr("tensor `t` has a list"));
  EXPECT_THAT(refusal(one("\"U8\"", "[{}]", "[0,8]")), HasSubstr("tensor `t` has an object"));
  std::string deep(1'000'000, '[');
  EXPECT_THAT(refusal(safetensors("{\"t\":" + deep + "}")), HasSubstr("`t` has a list"));
  EXPECT_THAT(refusal(one("\"U8\"", deep, "[0,8]}")), HasSubstr("has a list"));
  EXPECT_THAT(refusal(safetensors("{\"__metadata__\":{\"a\":{}}}")),
              HasSubstr("`__metadata__` has an object; expected texts only"));
}

TEST_F(Safetensors, RefusesRepeatedKeys) {
  EXPECT_THAT(
      refusal(safetensors("{" + tensorText("a", 0, 1) + "," + tensorText("a", 1, 2) + "}", "xy"),
              "a"),
      HasSubstr("has the key `a` twice"));
  EXPECT_THAT(refusal(one("\"U8\"", "[8]", "[0,8]", ",\"dtype\":\"U8\"")),
              HasSubstr("tensor `t` has the key `dtype` twice"));
  EXPECT_THAT(refusal(safetensors(R"({"__metadata__":{"a":"1","a":"2"}})")),
              HasSubstr("`__metadata__` has the key `a` twice"));
  EXPECT_THAT(refusal(safetensors(R"({"__metadata__":{},"__metadata__":{}})")),
              HasSubstr("has the key `__metadata__` twice"));
}

TEST_F(Safetensors, RefusesOtherKeysAndMissingOnes) {
  EXPECT_THAT(refusal(one("\"U8\"", "[8]", "[0,8]", ",\"x\":1")), HasSubstr("has the key `x`"));
  EXPECT_THAT(refusal(safetensors(R"({"t":{"dtype":"U8","shape":[0]}})")),
              HasSubstr("tensor `t` lacks `data_offsets`"));
  EXPECT_THAT(refusal(safetensors(R"({"t":{"shape":[0],"data_offsets":[0,0]}})")),
              HasSubstr("tensor `t` lacks `dtype`"));
  EXPECT_THAT(refusal(safetensors(R"({"t":{"dtype":"U8","data_offsets":[0,0]}})")),
              HasSubstr("tensor `t` lacks `shape`"));
}

TEST_F(Safetensors, RefusesOtherValues) {
  for (const char *value : {"1", "null", "true", "\"x\"", "[]", "-1", "1.5"})
    EXPECT_THAT(refusal(safetensors("{\"t\":"s + value + "}")), HasSubstr("`t` has ")) << value;
  EXPECT_THAT(refusal(safetensors(R"({"__metadata__":{"a":1}})")),
              HasSubstr("`__metadata__` has a number; expected texts only"));
  EXPECT_THAT(refusal(safetensors(R"({"__metadata__":"a"})")), HasSubstr("expected an object"));
  EXPECT_THAT(refusal(one("8", "[8]", "[0,8]")), HasSubstr("expected a text for `dtype`"));
  EXPECT_THAT(refusal(one("[]", "[8]", "[0,8]")), HasSubstr("expected a text for `dtype`"));
  EXPECT_THAT(refusal(one("\"U8\"", "\"8\"", "[0,8]")), HasSubstr("expected a list of integers"));
}

TEST_F(Safetensors, RefusesOtherTypes) {
  for (const char *dtype : {"F4", "u8", "C64", "", "I8 "})
    EXPECT_THAT(refusal(one("\""s + dtype + "\"", "[8]", "[0,8]")), HasSubstr("is not known"))
        << dtype;
}

TEST_F(Safetensors, RefusesOtherIntegers) {
  for (const char *extent : {"-8", "-0", "8.0", "8e0", "18446744073709551616"})
    EXPECT_THAT(refusal(one("\"U8\"", "["s + extent + "]", "[0,8]")),
                HasSubstr("written with digits only"))
        << extent;
  EXPECT_THAT(refusal(one("\"U8\"", "[08]", "[0,8]")), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(one("\"U8\"", "[+8]", "[0,8]")), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(one("\"U8\"", "[9223372036854775808]", "[0,8]")),
              HasSubstr("which is too large"));
}

TEST_F(Safetensors, RefusesTooManyDimensions) {
  std::string ones = "1";
  for (int i = 1; i < 64; ++i)
    ones += ",1";
  EXPECT_EQ(refusal(one("\"F64\"", "[" + ones + "]", "[0,8]")), "");
  EXPECT_THAT(refusal(one("\"F64\"", "[" + ones + ",1]", "[0,8]")),
              HasSubstr("more than 64 dimensions"));
}

TEST_F(Safetensors, RefusesSizesThatDoNotMatch) {
  EXPECT_THAT(refusal(one("\"U8\"", "[7]", "[0,8]")), HasSubstr("its shape and type need 7 bytes"));
  EXPECT_THAT(refusal(one("\"F32\"", "[8]", "[0,8]")), HasSubstr("need 32 bytes"));
  EXPECT_THAT(refusal(one("\"U8\"", "[0]", "[8,0]")), HasSubstr("lies at bytes 8 to 0"));
  EXPECT_THAT(refusal(one("\"F32\"", "[4611686018427387904,2]", "[0,8]")),
              HasSubstr("size overflows"));
  EXPECT_THAT(refusal(one("\"U8\"", "[8]", "[0]")), HasSubstr("has 1 `data_offsets`"));
  EXPECT_THAT(refusal(one("\"U8\"", "[8]", "[0,8,9]")), HasSubstr("more than two"));
}

TEST_F(Safetensors, RefusesHolesAndOverlap) {
  auto two = [&](int begin, int end, int begin2, int end2) {
    return refusal(
        safetensors("{" + tensorText("a", begin, end) + "," + tensorText("b", begin2, end2) + "}",
                    "abcdefgh"),
        "a");
  };
  EXPECT_EQ(two(0, 4, 4, 8), "");
  EXPECT_EQ(two(4, 8, 0, 4), "");
  EXPECT_THAT(two(0, 4, 5, 8),
              HasSubstr("tensor `b` starts at byte 5 of the elements; expected 4"));
  EXPECT_THAT(two(0, 5, 4, 8),
              HasSubstr("tensor `b` starts at byte 4 of the elements; expected 5"));
  EXPECT_THAT(two(1, 4, 4, 8), HasSubstr("tensor `a` starts at byte 1"));
  EXPECT_THAT(two(0, 8, 0, 8), HasSubstr("starts at byte 0 of the elements; expected 8"));
  EXPECT_THAT(two(0, 4, 4, 7), HasSubstr("has 8 bytes of elements; its header describes 7"));
  EXPECT_THAT(two(0, 4, 4, 9), HasSubstr("has 8 bytes of elements; its header describes 9"));
}

TEST_F(Safetensors, ShowsNamesWithoutControlCharacters) {
  EXPECT_THAT(refusal(safetensors("{\"a\\u001b[2J\":1}")), HasSubstr("`a\\x1b[2J` has a number"));
}

} // namespace
