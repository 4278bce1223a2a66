//===- LoadTest.cpp - Files that must not be loaded ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "runtime/artifact.h"
#include "runtime/core/checksum.h"
#include "llvm/Object/ELFObjectFile.h"
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace mad;
using namespace mad::test;

namespace {
struct Outcome {
  mad_status status = MAD_OK;
  std::string message;
};

Outcome load(const std::string &path) {
  mad_module *module = nullptr;
  mad_error error = {};
  Outcome made{mad_module_load(path.c_str(), &module, &error), ""};
  made.message = error.message;
  EXPECT_EQ(module != nullptr, made.status == MAD_OK);
  mad_module_destroy(module);
  return made;
}

Outcome loadBytes(llvm::StringRef bytes) {
  std::string path = folder() + "/libbroken.so";
  write(path, bytes);
  return load(path);
}

class Load : public testing::Test {
protected:
  static void SetUpTestSuite() {
    auto path = buildAffine("whole", {0}, {2, 3});
    ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
    whole = read(*path);
  }
  /// Where the header lies in the file.
  static size_t headerOffset() {
    auto elf = llvm::cantFail(llvm::object::ELF64LEFile::create(whole));
    for (const auto &section : llvm::cantFail(elf.sections()))
      if (llvm::cantFail(elf.getSectionName(section)) == MAD_HEADER_SECTION)
        return section.sh_offset;
    return 0;
  }
  /// The file with another header and a checksum that fits.
  static std::string withHeader(llvm::function_ref<void(mad_file_header &)> change) {
    std::string bytes = whole;
    auto *header = reinterpret_cast<mad_file_header *>(bytes.data() + headerOffset());
    change(*header);
    header->checksum = 0;
    mad_checksum sum;
    mad_checksum_start(&sum);
    mad_checksum_add(&sum, bytes.data(), bytes.size());
    header->checksum = mad_checksum_value(&sum);
    return bytes;
  }
  static std::string whole;
};
std::string Load::whole;
} // namespace

TEST_F(Load, WholeFileLoads) {
  Outcome made = loadBytes(whole);
  EXPECT_EQ(made.status, MAD_OK) << made.message;
}

TEST_F(Load, TruncatedFilesAreRefused) {
  for (size_t size = 0; size < whole.size(); size += size < 256 ? 1 : 97) {
    Outcome made = loadBytes(llvm::StringRef(whole).take_front(size));
    EXPECT_EQ(made.status, MAD_BAD_FORMAT) << size;
    EXPECT_NE(made.message.find("libbroken.so"), std::string::npos) << size;
  }
  Outcome made = loadBytes(llvm::StringRef(whole).drop_back());
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
}

TEST_F(Load, LongerFilesAreRefused) {
  Outcome made = loadBytes(whole + "x");
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("expected " + std::to_string(whole.size())), std::string::npos)
      << made.message;
}

TEST_F(Load, ChangedBytesAreRefused) {
  for (size_t at = 0; at < whole.size(); at += at < 512 ? 1 : 61) {
    std::string bytes = whole;
    bytes[at] ^= char(1 << at % 8);
    EXPECT_NE(loadBytes(bytes).status, MAD_OK) << at;
  }
}

TEST_F(Load, ChangedBytesOfTheHeaderAreRefused) {
  for (size_t i = 0; i < sizeof(mad_file_header); ++i) {
    std::string bytes = whole;
    bytes[headerOffset() + i] ^= 0x40;
    EXPECT_EQ(loadBytes(bytes).status, MAD_BAD_FORMAT) << i;
  }
}

TEST_F(Load, OtherBinaryInterfaceNamesBothSides) {
  Outcome made = loadBytes(withHeader([](mad_file_header &header) {
    header.abi_version = 77;
    memcpy(header.compiler, "mad 9.9", 8);
  }));
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("binary interface 77, made by mad 9.9; this runtime reads 1"),
            std::string::npos)
      << made.message;
}

TEST_F(Load, CpuThatIsTooOldNamesBothSides) {
  Outcome made = loadBytes(withHeader([](mad_file_header &header) { header.level = 9; }));
  EXPECT_EQ(made.status, MAD_UNSUPPORTED);
  EXPECT_NE(made.message.find("needs a CPU of level x86-64-v9, this one reaches " +
                              variant(hostLevel()).name),
            std::string::npos)
      << made.message;
}

TEST_F(Load, ForeignLibrariesAreRefused) {
  Outcome made = load("/lib/x86_64-linux-gnu/libm.so.6");
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("no compiled model: it has no section .mad.header"),
            std::string::npos)
      << made.message;
}

TEST_F(Load, ObjectFilesAreRefused) {
  auto objects = affineObjects({0}, true);
  ASSERT_TRUE(bool(objects));
  Outcome made = loadBytes(objects->front()->getBuffer());
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("an object file or a program"), std::string::npos) << made.message;
}

TEST_F(Load, OtherProcessorsAndWidthsAreRefused) {
  std::string bytes = whole;
  bytes[4] = 1; // EI_CLASS
  EXPECT_NE(loadBytes(bytes).message.find("not of 64 bits"), std::string::npos);
  bytes = whole;
  bytes[18] = char(183); // e_machine: AArch64
  EXPECT_NE(loadBytes(bytes).message.find("made for another processor"), std::string::npos);
}

TEST_F(Load, FilesThatAreNoLibraries) {
  EXPECT_EQ(loadBytes("").status, MAD_BAD_FORMAT);
  EXPECT_EQ(loadBytes(std::string(5000, 'x')).status, MAD_BAD_FORMAT);
  EXPECT_NE(loadBytes("#!/bin/sh\n" + std::string(100, ' ')).message.find("magic bytes"),
            std::string::npos);
  Outcome made = load(folder() + "/missing.so");
  EXPECT_EQ(made.status, MAD_FILE_ERROR);
  EXPECT_EQ(made.message, "cannot open `" + folder() + "/missing.so`: No such file or directory");
  made = load(folder());
  EXPECT_EQ(made.status, MAD_FILE_ERROR);
  EXPECT_EQ(made.message, "cannot load `" + folder() + "`: it is not a regular file");
  std::string pipe = folder() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(load(pipe).status, MAD_FILE_ERROR);
  EXPECT_EQ(load("").status, MAD_FILE_ERROR);
}

TEST_F(Load, FileThatWasReplacedWhileLoaded) {
  auto path = buildAffine("replaced", {0}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  mad_module *module = nullptr;
  ASSERT_EQ(mad_module_load(path->c_str(), &module, nullptr), MAD_OK);
  ASSERT_TRUE(bool(buildAffine("replaced", {0}, {5})));
  Outcome made = load(*path);
  EXPECT_EQ(made.status, MAD_FILE_ERROR);
  EXPECT_NE(made.message.find("another version"), std::string::npos) << made.message;
  mad_module_destroy(module);
  EXPECT_EQ(load(*path).status, MAD_OK);
}

TEST_F(Load, SameFileTwice) {
  auto path = buildAffine("twice", {0}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  mad_module *first = nullptr, *second = nullptr;
  ASSERT_EQ(mad_module_load(path->c_str(), &first, nullptr), MAD_OK);
  ASSERT_EQ(mad_module_load(path->c_str(), &second, nullptr), MAD_OK);
  mad_module_destroy(first);
  std::vector<float> y;
  std::string message;
  EXPECT_EQ(callAffine(second, {1}, {10, 0, 0, 0}, y, message), MAD_OK) << message;
  EXPECT_EQ(y, (std::vector<float>{12}));
  mad_module_destroy(second);
}
