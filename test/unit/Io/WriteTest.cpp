//===- WriteTest.cpp - Writers and whole files ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Files.h"
#include "test/unit/Io/Support.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace mad::io;
using namespace mad::io::test;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

class Write : public IoTest {
protected:
  static std::vector<NamedTensor> everyType() {
    std::vector<NamedTensor> tensors;
    for (int number = 0; number <= static_cast<int>(DType::Bool); ++number) {
      auto dtype = static_cast<DType>(number);
      Tensor tensor = *Tensor::make(dtype, {3, 2});
      for (size_t i = 0; i < tensor.bytes; ++i)
        tensor.as<char>()[i] = static_cast<char>(dtype == DType::Bool ? i % 2 : i);
      tensors.push_back({std::string("of ") + name(dtype), tensor});
    }
    tensors.push_back({"scalar \"1\" \xc3\xa4\n", tensor<double>(DType::F64, {}, {0.25})});
    tensors.push_back({"empty", *Tensor::make(DType::F32, {0, 4})});
    return tensors;
  }
  void expectSame(const std::string &file, const NamedTensor &wanted) {
    Tensor found;
    std::string error;
    ASSERT_TRUE(read(file, wanted.name, found, error)) << error;
    EXPECT_EQ(found.dtype, wanted.tensor.dtype);
    EXPECT_EQ(found.shape, wanted.tensor.shape);
    EXPECT_EQ(values<char>(found), values<char>(wanted.tensor));
  }
  /// Limits how long a file of this process may become, for one scope.
  struct FileLimit {
    explicit FileLimit(rlim_t bytes) {
      handler = signal(SIGXFSZ, SIG_IGN);
      getrlimit(RLIMIT_FSIZE, &before);
      struct rlimit limit = {bytes, before.rlim_max};
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileLimit() {
      setrlimit(RLIMIT_FSIZE, &before);
      signal(SIGXFSZ, handler);
    }
    struct rlimit before;
    void (*handler)(int);
  };
};

TEST_F(Write, SafetensorsComeBack) {
  std::string error;
  ASSERT_TRUE(writeSafetensors(path("out"), everyType(), error)) << error;
  for (const NamedTensor &wanted : everyType())
    expectSame(path("out"), wanted);
  // Elements start at a multiple of 8, and larger types come first.
  std::string bytes = get("out");
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0);
  std::vector<Entry> entries;
  ASSERT_TRUE(list(path("out"), entries, error)) << error;
  for (size_t i = 1; i < entries.size(); ++i)
    EXPECT_GE(size(entries[i - 1].dtype), size(entries[i].dtype));
}

TEST_F(Write, NpzComesBack) {
  std::vector<NamedTensor> tensors = everyType();
  std::erase_if(tensors, [](const NamedTensor &t) { return t.tensor.dtype == DType::BF16; });
  std::string error;
  ASSERT_TRUE(writeNpz(path("out"), tensors, error)) << error;
  for (const NamedTensor &wanted : tensors)
    expectSame(path("out"), wanted);
}

TEST_F(Write, NpyComesBack) {
  for (const NamedTensor &wanted : everyType()) {
    std::string error;
    if (wanted.tensor.dtype == DType::BF16) {
      EXPECT_FALSE(writeNpy(path("out"), wanted.tensor, error));
      EXPECT_THAT(error, HasSubstr("cannot hold elements of type `bf16`"));
      continue;
    }
    ASSERT_TRUE(writeNpy(path("out"), wanted.tensor, error)) << error;
    expectSame(path("out"), {"", wanted.tensor});
    EXPECT_EQ((get("out").size() - wanted.tensor.bytes) % 64, 0u);
  }
}

TEST_F(Write, NpyIsWhatNumPyWrites) {
  std::string error;
  ASSERT_TRUE(writeNpy(path("out"), tensor<float>(DType::F32, {2, 3}, {0, 1, 2, 3, 4, 5}), error));
  EXPECT_EQ(get("out"), "\x93NUMPY\1\0\x76\0"s +
                            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" +
                            std::string(58, ' ') + "\n" + raw<float>({0, 1, 2, 3, 4, 5}));
}

TEST_F(Write, EqualTensorsMakeEqualFiles) {
  std::string error;
  std::vector<NamedTensor> tensors = {{"b", *Tensor::make(DType::F32, {2})},
                                      {"a", *Tensor::make(DType::F32, {3})}};
  ASSERT_TRUE(writeSafetensors(path("1"), tensors, error));
  ASSERT_TRUE(writeSafetensors(path("2"), {tensors[1], tensors[0]}, error));
  EXPECT_EQ(get("1"), get("2"));
}

TEST_F(Write, RefusesNamesThatTheFormatCannotHold) {
  Tensor any = *Tensor::make(DType::F32, {1});
  std::string error;
  EXPECT_FALSE(writeSafetensors(path("out"), {{"__metadata__", any}}, error));
  EXPECT_THAT(error, HasSubstr("the name is reserved"));
  EXPECT_FALSE(writeSafetensors(path("out"), {{"\xff", any}}, error));
  EXPECT_THAT(error, HasSubstr("its name is not UTF-8"));
  EXPECT_FALSE(writeSafetensors(path("out"), {{"a", any}, {"a", any}}, error));
  EXPECT_THAT(error, HasSubstr("cannot hold two tensors with the name `a`"));
  EXPECT_FALSE(writeNpz(path("out"), {{"a", any}, {"a", any}}, error));
  EXPECT_FALSE(writeNpz(path("out"), {{"", any}}, error));
  EXPECT_FALSE(writeNpz(path("out"), {{std::string(1001, 'a'), any}}, error));
  EXPECT_THAT(error, HasSubstr("a name has from 1 to 1000 bytes"));
  EXPECT_EQ(files(), 0u);
}

TEST_F(Write, ReplacesAFileAsAWhole) {
  put("old", "out");
  std::string error;
  ASSERT_TRUE(writeFile(path("out"), "new text", 8, error)) << error;
  EXPECT_EQ(get("out"), "new text");
  EXPECT_EQ(files(), 1u);
}

TEST_F(Write, FollowsALink) {
  put("old", "real");
  fs::create_symlink("real", path("link"));
  std::string error;
  ASSERT_TRUE(writeFile(path("link"), "new", 3, error)) << error;
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(get("real"), "new");
}

TEST_F(Write, KeepsTheRightsOfTheOldFile) {
  std::string error;
  put("old", "out");
  ASSERT_EQ(chmod(path("out").c_str(), 0751), 0);
  ASSERT_TRUE(writeFile(path("out"), "new", 3, error)) << error;
  EXPECT_EQ(fs::status(path("out")).permissions(), fs::perms(0751));
  ASSERT_EQ(chmod(path("out").c_str(), 0444), 0);
  EXPECT_FALSE(writeFile(path("out"), "newer", 5, error));
  EXPECT_THAT(error, HasSubstr("out` cannot be written: it is read-only"));
  EXPECT_EQ(get("out"), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(Write, AFailureKeepsTheOldFile) {
  std::string error;
  Tensor large = *Tensor::make(DType::F32, {100'000});
  put("old", "out");
  {
    FileLimit limit(4096);
    EXPECT_FALSE(writeNpy(path("out"), large, error));
    EXPECT_THAT(error, HasSubstr("out` cannot be written: File too large (after 4096 bytes)"));
    EXPECT_FALSE(writeNpz(path("out"), {{"a", large}}, error));
    EXPECT_FALSE(writeSafetensors(path("out"), {{"a", large}}, error));
    EXPECT_FALSE(writeFile(path("out"), large.data.get(), large.bytes, error));
    EXPECT_FALSE(writeFile(path("new"), large.data.get(), large.bytes, error));
  }
  EXPECT_EQ(get("out"), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(Write, AFailureAtAnyByteLeavesNothing) {
  std::string error;
  std::vector<NamedTensor> tensors = {{"x", *Tensor::make(DType::F32, {5})},
                                      {"y", *Tensor::make(DType::I64, {2})}};
  ASSERT_TRUE(writeNpz(path("out"), tensors, error));
  size_t size = get("out").size();
  fs::remove(path("out"));
  for (size_t bytes = 0; bytes < size; bytes += 7) {
    FileLimit limit(bytes);
    EXPECT_FALSE(writeNpz(path("out"), tensors, error)) << bytes;
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(Write, SeveralFilesGetTheirNamesTogether) {
  put("old", "a");
  std::string error, text;
  auto several = [&](bool taken) {
    AtomicFile a, b, c;
    for (auto [file, name] : {std::pair(&a, "a"), {&b, "b"}, {&c, "c"}})
      EXPECT_TRUE(file->open(path(name), text) && file->write("new", text)) << text;
    if (taken)
      fs::create_directory(path("c"));
    return commitAll({&a, &b, &c}, error);
  };
  EXPECT_FALSE(several(true));
  EXPECT_THAT(error, HasSubstr("c` cannot be replaced: Is a directory"));
  EXPECT_EQ(get("a"), "old");
  EXPECT_EQ(files(), 2u);
  fs::remove(path("c"));
  EXPECT_TRUE(several(false)) << error;
  EXPECT_EQ(get("a") + get("b") + get("c"), "newnewnew");
  EXPECT_EQ(files(), 3u);
}

TEST_F(Write, RegularFilesAreNoDevicesAndMayBeExecutable) {
  std::string text;
  {
    AtomicFile file;
    ASSERT_TRUE(file.openRegular(path("a.so"), text, 0777) && file.write("new", text)) << text;
    EXPECT_EQ(file.place(), path("a.so"));
    EXPECT_TRUE(file.commit(text)) << text;
  }
  EXPECT_EQ(get("a.so"), "new");
  EXPECT_NE(fs::status(path("a.so")).permissions() & fs::perms::owner_exec, fs::perms::none);
  AtomicFile device;
  EXPECT_FALSE(device.openRegular("/dev/null", text));
  EXPECT_EQ(text, "is not a regular file");
}

TEST_F(Write, RoomIsTakenAheadOrThereIsNone) {
  put("old");
  std::string text;
  {
    FileLimit limit(1 << 16);
    AtomicFile file;
    ASSERT_TRUE(file.open(path("file"), text)) << text;
    EXPECT_FALSE(file.reserve(1 << 20, text));
    EXPECT_EQ(text, "cannot be written: File too large (it takes 1048576 bytes)");
    EXPECT_TRUE(file.reserve(1 << 10, text)) << text;
  }
  EXPECT_EQ(get(), "old");
  AtomicFile file, device;
  ASSERT_TRUE(file.open(path("file"), text)) << text;
  EXPECT_FALSE(file.reserve(uint64_t(1) << 50, text));
  EXPECT_THAT(text, HasSubstr("(it takes 1125899906842624 bytes)"));
  ASSERT_TRUE(file.reserve(1 << 20, text) && file.reserve(0, text)) << text;
  ASSERT_TRUE(file.write("new", text) && device.open("/dev/null", text)) << text;
  EXPECT_TRUE(device.reserve(1 << 20, text)) << text;
}

TEST_F(Write, AFullDeviceIsAnError) {
  std::string error;
  EXPECT_FALSE(writeFile("/dev/full", "text", 4, error));
  EXPECT_THAT(error, HasSubstr("`/dev/full` cannot be written: No space left on device"));
  EXPECT_TRUE(writeFile("/dev/null", "text", 4, error)) << error;
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Write, RefusesPlacesThatCannotBeWritten) {
  std::string error;
  EXPECT_FALSE(writeFile(path("no/such/folder"), "text", 4, error));
  EXPECT_THAT(error, HasSubstr("cannot be written: No such file or directory"));
  EXPECT_FALSE(writeFile(folder.string(), "text", 4, error));
  EXPECT_THAT(error, HasSubstr("is a folder; expected the name of a file"));
}

TEST_F(Write, ReadFileHoldsItsLimit) {
  std::string file = put("text"), text, error;
  ASSERT_TRUE(readFile(file, text, 4, error)) << error;
  EXPECT_EQ(text, "text");
  EXPECT_FALSE(readFile(file, text, 3, error));
  EXPECT_THAT(error, HasSubstr("has 4 bytes; at most 3 are accepted"));
  EXPECT_FALSE(readFile(path("missing"), text, 3, error));
  EXPECT_FALSE(readFile(folder.string(), text, 3, error));
}

} // namespace
