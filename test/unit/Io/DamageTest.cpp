//===- DamageTest.cpp - Files that were cut off or changed ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"

#include <sys/stat.h>

using namespace mad::io;
using namespace mad::io::test;
using testing::HasSubstr;

namespace {

class Damage : public IoTest {
protected:
  struct Sample {
    std::string bytes, name;
  };
  std::vector<Sample> samples() {
    std::string error;
    Tensor a = tensor<float>(DType::F32, {2, 3}, {0, 1, 2, 3, 4, 5});
    Tensor b = tensor<int64_t>(DType::I64, {}, {7});
    EXPECT_TRUE(writeSafetensors(path("s"), {{"x", a}, {"layer.y", b}}, error)) << error;
    EXPECT_TRUE(writeNpz(path("z"), {{"x", a}, {"y", b}}, error)) << error;
    return {{smallNpy(), ""},          {npy(">f8", "(2, 1)", true, std::string(16, 'x')), ""},
            {smallZip().bytes(), "x"}, {smallZip().bytes(), "y"},
            {get("z"), "x"},           {get("s"), "layer.y"},
            {smallGguf(), "q"},        {smallGguf(), "x"}};
  }
};

TEST_F(Damage, EveryPrefixIsRefused) {
  for (const Sample &sample : samples()) {
    ASSERT_EQ(refusal(sample.bytes, sample.name), "");
    for (size_t length = 0; length < sample.bytes.size(); ++length) {
      EXPECT_NE(refusal(sample.bytes.substr(0, length), sample.name), "") << length;
      std::vector<Entry> entries;
      std::string error;
      EXPECT_FALSE(list(path("file"), entries, error)) << length;
    }
  }
}

TEST_F(Damage, EveryChangedBitIsSurvived) {
  for (const Sample &sample : samples()) {
    for (size_t bit = 0; bit < 8 * sample.bytes.size(); ++bit) {
      std::string bytes = sample.bytes;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      std::string error, file = put(bytes);
      std::vector<Entry> entries;
      list(file, entries, error);
      Tensor tensor;
      if (read(file, sample.name, tensor, error))
        EXPECT_EQ(tensor.bytes, static_cast<size_t>(tensor.elements()) * size(tensor.dtype));
      else
        EXPECT_FALSE(error.empty());
    }
  }
}

TEST_F(Damage, EveryByteBecomesExtreme) {
  for (const Sample &sample : samples()) {
    for (size_t at = 0; at < sample.bytes.size(); ++at) {
      for (const char *pattern : {"\0\0\0\0\0\0\0\0", "\xff\xff\xff\xff\xff\xff\xff\xff",
                                  "\xff\xff\xff\xff\xff\xff\xff\x7f"}) {
        std::string bytes = sample.bytes;
        bytes.replace(at, std::min<size_t>(8, bytes.size() - at), pattern, 8);
        std::string error, file = put(bytes);
        std::vector<Entry> entries;
        list(file, entries, error);
        Tensor tensor;
        if (!read(file, sample.name, tensor, error))
          EXPECT_FALSE(error.empty());
      }
    }
  }
}

TEST_F(Damage, OtherThingsThanFilesAreRefused) {
  Tensor tensor;
  std::string error;
  EXPECT_FALSE(read(path("missing"), "", tensor, error));
  EXPECT_THAT(error, HasSubstr("missing` cannot be opened: No such file"));
  EXPECT_FALSE(read(folder.string(), "", tensor, error));
  EXPECT_THAT(error, HasSubstr("is a folder; expected a file"));
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read(path("pipe"), "", tensor, error));
  EXPECT_THAT(error, HasSubstr("is not a regular file"));
  EXPECT_FALSE(read("/dev/zero", "", tensor, error));
  EXPECT_THAT(error, HasSubstr("is not a regular file"));
  EXPECT_EQ(refusal(""), "is not a tensor file: it starts with nothing; expected "
                         "`\\x93NUMPY` (.npy), `PK` (.npz), `GGUF` (.gguf), `%%MatrixMarket` "
                         "(.mtx), or a length of 8 bytes and `{` (.safetensors)");
  EXPECT_THAT(refusal("\x7f"
                      "ELF and more"),
              HasSubstr("it starts with `\\x7fELF and `"));
}

} // namespace
