//===- NpzTest.cpp - The .npz format ------------------------------------------===//
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

class Npz : public IoTest {};

TEST_F(Npz, ReadsStoredAndDeflated) {
  Tensor tensor;
  std::string error, file = put(smallZip().bytes());
  ASSERT_TRUE(read(file, "x", tensor, error)) << error;
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values<float>(tensor), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  ASSERT_TRUE(read(file, "y", tensor, error)) << error;
  EXPECT_EQ(values<int64_t>(tensor), (std::vector<int64_t>{7}));
}

TEST_F(Npz, InflatesMoreThanOneBuffer) {
  std::vector<float> numbers(300'000);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i * 2654435761u % 1000);
  Zip zip{{{"big.npy", npy("<f4", "(300000,)", false, raw(numbers)), true}}};
  Tensor tensor;
  std::string error;
  ASSERT_TRUE(read(put(zip.bytes()), "", tensor, error)) << error;
  EXPECT_EQ(values<float>(tensor), numbers);
}

TEST_F(Npz, ListsTensorsAndSkipsTheRest) {
  Zip zip = smallZip();
  zip.members.push_back({"notes.txt", "hello"});
  zip.members.push_back({"text.npy", npy("<U5", "()", false, "abcd")});
  std::vector<Entry> entries;
  std::string error;
  ASSERT_TRUE(list(put(zip.bytes()), entries, error)) << error;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "x");
  EXPECT_EQ(entries[0].dtype, DType::F32);
  EXPECT_EQ(entries[1].name, "y");
  EXPECT_THAT(refusal(zip.bytes(), "text"),
              HasSubstr("has a bad member `text.npy`: it has elements of type `<U5`"));
}

TEST_F(Npz, SuggestsNames) {
  Zip zip{{{"layer.weight.npy", smallNpy()}, {"layer.bias.npy", smallNpy()}}};
  EXPECT_EQ(refusal(zip.bytes(), "layer.wieght"),
            "has no tensor `layer.wieght`; did you mean `layer.weight`");
  EXPECT_EQ(refusal(zip.bytes(), "bias"), "has no tensor `bias`; did you mean `layer.bias`");
  EXPECT_EQ(refusal(zip.bytes(), "zzz"),
            "has no tensor `zzz`; it holds `layer.weight`, `layer.bias`");
  EXPECT_EQ(refusal(zip.bytes(), ""),
            "holds 2 tensors (`layer.weight`, `layer.bias`); name one of them");
}

TEST_F(Npz, ReadsAnEmptyArchive) {
  std::vector<Entry> entries;
  std::string error;
  EXPECT_TRUE(list(put(Zip{}.bytes()), entries, error)) << error;
  EXPECT_TRUE(entries.empty());
  EXPECT_THAT(refusal(Zip{}.bytes()), HasSubstr("holds no tensor"));
}

TEST_F(Npz, AllowsAComment) {
  Zip zip = smallZip();
  zip.comment = "made by hand";
  EXPECT_EQ(refusal(zip.bytes(), "x"), "");
}

TEST_F(Npz, RefusesDamagedContent) {
  Zip zip = smallZip();
  zip.members[0].checksum = 1;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("does not match its checksum"));
  zip = smallZip();
  zip.members[1].checksum = 1;
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("does not match its checksum"));
  zip = smallZip();
  zip.members[1].packedTail = "xy";
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("bytes follow after the compressed data"));
  zip = smallZip();
  zip.members[1].content += "longer than the array";
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("bytes of elements; its shape and type need 8"));
  zip = smallZip();
  zip.members[1].unpacked = 60;
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("`y.npy`: it "));
  zip = smallZip();
  // No block of a compressed stream has this kind.
  zip.members[1] = {"y.npy", "\7 and more"};
  zip.members[1].method = 8;
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("compressed data is damaged"));
}

TEST_F(Npz, RefusesDeflatedDataThatEndsElsewhere) {
  std::string content = npy("<i8", "()", false, little(int64_t(7)));
  Zip zip{{{"y.npy", content.substr(0, content.size() - 3), true}}};
  zip.members[0].unpacked = static_cast<uint32_t>(content.size());
  EXPECT_THAT(refusal(zip.bytes()), HasSubstr("compressed data ends too early"));
  zip = {{{"y.npy", content + "more", true}}};
  zip.members[0].unpacked = static_cast<uint32_t>(content.size());
  EXPECT_THAT(refusal(zip.bytes()), HasSubstr("does not end where it should"));
}

TEST_F(Npz, RefusesImpossibleSizes) {
  Zip zip = smallZip();
  zip.members[0].packed = 100'000;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("has 100000 bytes, which do not fit"));
  zip = smallZip();
  zip.members[0].unpacked = 100'000;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("is stored in"));
  zip = smallZip();
  zip.members[1].unpacked = 0x7fffffff;
  EXPECT_THAT(refusal(zip.bytes(), "y"), HasSubstr("cannot grow from"));
  zip = smallZip();
  zip.members[0].offset = 0xfffffff0;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("starts outside of the file"));
}

TEST_F(Npz, RefusesRecordsThatDisagree) {
  Zip zip = smallZip();
  zip.members[0].localName = "z.npy";
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("is called `z.npy` in its own record"));
  zip = smallZip();
  zip.members[0].localName = "longer.npy";
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("does not agree with the directory"));
  zip = smallZip();
  zip.members[0].localMethod = 8;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("does not agree with the directory"));
}

TEST_F(Npz, RefusesOtherMethodsAndEncryption) {
  Zip zip = smallZip();
  zip.members[0].method = 12;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("has compression method 12"));
  zip = smallZip();
  zip.members[0].flags = 1;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("is encrypted"));
}

TEST_F(Npz, RefusesHiddenBytes) {
  Zip zip = smallZip();
  zip.front = "PK\3\4 something else";
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("bytes stand before the first member"));
  zip = smallZip();
  EXPECT_THAT(refusal(zip.bytes() + "x", "x"), HasSubstr("its directory is missing"));
  zip.directoryOffset = 3;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("expected it to end at byte"));
  zip = smallZip();
  zip.directoryBytes = 0x7fffffff;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("its directory has 2147483647 bytes"));
}

TEST_F(Npz, RefusesOverlapAndRepetition) {
  Zip zip{{{"x.npy", smallNpy()}, {"x.npy", smallNpy()}}};
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("member `x.npy` is there twice"));
  zip.members[1].offset = 0;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("two members overlap"));
}

TEST_F(Npz, RefusesWrongCounts) {
  Zip zip = smallZip();
  zip.count = 1;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("more records than it says"));
  zip.count = 3;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("cannot hold 3 members"));
  zip.count = {};
  zip.disk = 1;
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("one of several volumes"));
}

TEST_F(Npz, ChecksWideFields) {
  Zip zip = smallZip();
  std::string content = zip.members[0].content;
  zip.members[0].packed = zip.members[0].unpacked = 0xffffffff;
  uint64_t size = content.size();
  zip.members[0].extra = "\1\0\20\0"s + little(size) + little(size);
  EXPECT_EQ(refusal(zip.bytes(), "x"), "");
  zip.members[0].extra = "\1\0\20\0"s + little(size) + little(~uint64_t(0));
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("which do not fit into the file"));
  zip.members[0].extra = "\1\0\10\0"s + little(size);
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("damaged extra fields"));
  zip.members[0].extra = "\1\0\xff\0"s + little(size);
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("damaged extra fields"));
  zip.members[0].extra = "";
  EXPECT_THAT(refusal(zip.bytes(), "x"), HasSubstr("damaged extra fields"));
}

} // namespace
