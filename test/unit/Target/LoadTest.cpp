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
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace mad;
using namespace mad::test;

namespace {
struct Outcome {
  mad_status status = MAD_OK;
  std::string message;
};

Outcome load(const std::string &path, mad_verify verify = MAD_VERIFY_CODE) {
  mad_module *module = nullptr;
  mad_error error = {};
  const mad_load_options options = {sizeof options, nullptr, verify};
  Outcome made{mad_module_load_with(path.c_str(), &options, &module, &error), ""};
  made.message = error.message;
  EXPECT_EQ(module != nullptr, made.status == MAD_OK);
  mad_module_destroy(module);
  return made;
}

/// As the runtime names it.
std::string realFolder() {
  char *path = realpath(folder().c_str(), nullptr);
  std::string made = path ? path : "";
  free(path);
  return made;
}

Outcome loadBytes(llvm::StringRef bytes, mad_verify verify = MAD_VERIFY_CODE) {
  std::string path = folder() + "/libbroken.so";
  write(path, bytes);
  return load(path, verify);
}

class Load : public testing::Test {
protected:
  static void SetUpTestSuite() {
    auto path = buildAffine("whole", {0}, {2, 3});
    ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
    whole = read(*path);
  }
  /// Where a section lies in the file.
  static size_t offsetOf(llvm::StringRef name) {
    auto elf = llvm::cantFail(llvm::object::ELF64LEFile::create(whole));
    for (const auto &section : llvm::cantFail(elf.sections()))
      if (llvm::cantFail(elf.getSectionName(section)) == name)
        return section.sh_offset;
    return 0;
  }
  static size_t weightsOffset() { return offsetOf(MAD_WEIGHTS_SECTION); }
  static constexpr size_t weightsSize = 64 + 2 * sizeof(float); ///< padding first
  static size_t headerOffset() { return offsetOf(MAD_HEADER_SECTION); }
  /// The file with another header and a checksum that fits.
  static std::string withHeader(llvm::function_ref<void(mad_file_header &)> change) {
    std::string bytes = whole;
    auto *header = reinterpret_cast<mad_file_header *>(bytes.data() + headerOffset());
    change(*header);
    header->checksum = 0;
    mad_checksum sum;
    mad_checksum_start(&sum);
    const size_t weights = header->weights_offset, end = weights + header->weights_bytes;
    mad_checksum_add(&sum, bytes.data(), weights);
    mad_checksum_add(&sum, bytes.data() + end, bytes.size() - end);
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
    if (at < weightsOffset() || at >= weightsOffset() + weightsSize)
      EXPECT_NE(loadBytes(bytes).status, MAD_OK) << at;
  }
}

/// Bytes of weights are read only when that is asked for.
TEST_F(Load, ChangedWeightsAreRefusedWhenAllIsVerified) {
  EXPECT_EQ(loadBytes(whole, MAD_VERIFY_ALL).status, MAD_OK);
  for (size_t at = 64; at < weightsSize; ++at) {
    std::string bytes = whole;
    bytes[weightsOffset() + at] ^= char(1 << at % 8);
    EXPECT_EQ(loadBytes(bytes).status, MAD_OK) << at;
    Outcome made = loadBytes(bytes, MAD_VERIFY_ALL);
    EXPECT_EQ(made.status, MAD_BAD_FORMAT) << at;
    EXPECT_NE(made.message.find("weight `scale.weight` in `whole` is damaged"), std::string::npos)
        << made.message;
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
  EXPECT_NE(made.message.find("binary interface 77, made by mad 9.9; this runtime reads " +
                              std::to_string(MAD_ABI_VERSION)),
            std::string::npos)
      << made.message;
}

TEST_F(Load, OtherFormatNamesBothSides) {
  Outcome made = loadBytes(withHeader([](mad_file_header &header) {
    header.format_version = 9;
    memcpy(header.compiler, "mad 9.9", 8);
  }));
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("has format 9, made by mad 9.9; this runtime reads 2; compile the"),
            std::string::npos)
      << made.message;
}

/// Its header had another size and no text at the place of today.
TEST_F(Load, FirstVersionIsNamed) {
  Outcome made = loadBytes(withHeader([](mad_file_header &header) {
    header.abi_version = 1;
    header.size = 104;
  }));
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("binary interface 1, made by an older compiler; this runtime reads " +
                              std::to_string(MAD_ABI_VERSION)),
            std::string::npos)
      << made.message;
}

TEST_F(Load, OtherTargetNamesBothSides) {
  Outcome made = loadBytes(withHeader(
      [](mad_file_header &header) { memcpy(header.target, "aarch64-unknown-linux-gnu", 26); }));
  EXPECT_EQ(made.status, MAD_UNSUPPORTED);
  EXPECT_NE(made.message.find("is made for aarch64-unknown-linux-gnu, this runtime is of "
                              "x86_64-unknown-linux-gnu; compile the model for this machine"),
            std::string::npos)
      << made.message;
}

TEST_F(Load, WeightsOutsideOfTheFile) {
  std::string bytes = withHeader([](mad_file_header &) {});
  auto *header = reinterpret_cast<mad_file_header *>(bytes.data() + headerOffset());
  header->weights_bytes = UINT64_MAX / 2;
  Outcome made = loadBytes(bytes);
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("is truncated or damaged: the section of weights ends at byte"),
            std::string::npos)
      << made.message;
}

TEST_F(Load, CpuThatIsTooOldNamesBothSides) {
  Outcome made = loadBytes(
      withHeader([](mad_file_header &header) { header.level = 9, header.features = 1ull << 63; }));
  EXPECT_EQ(made.status, MAD_UNSUPPORTED);
  EXPECT_NE(made.message.find("needs a CPU of level x86-64-v9, this one reaches " +
                              variant(hostLevel()).name + " (no bit 63); compile the model for "),
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
  EXPECT_EQ(loadBytes("").message,
            "`" + realFolder() +
                "/libbroken.so` has 0 bytes, too few for a shared library; is it complete?");
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

/// The name of a symbol, everywhere in the file; both have one length.
static void rename(std::string &bytes, llvm::StringRef from, llvm::StringRef to) {
  ASSERT_EQ(from.size(), to.size());
  const std::string old = from.str() + '\0';
  size_t found = 0;
  for (size_t at = 0; (at = bytes.find(old, at)) != std::string::npos; ++found)
    bytes.replace(at, to.size(), to.str());
  ASSERT_GT(found, 0u);
}

TEST_F(Load, LibraryWithoutItsSymbol) {
  const std::string before = whole;
  rename(whole, "mad_artifact_v1", "mad_artifact_v0");
  const std::string bytes = withHeader([](mad_file_header &) {});
  whole = before;
  Outcome made = loadBytes(bytes);
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_EQ(made.message,
            "`" + realFolder() + "/libbroken.so` is damaged: it does not export mad_artifact_v1");
}

TEST_F(Load, HeaderOfAnotherSize) {
  std::string bytes = whole;
  auto elf = llvm::cantFail(llvm::object::ELF64LEFile::create(whole));
  size_t at = elf.getHeader().e_shoff;
  for (const auto &section : llvm::cantFail(elf.sections())) {
    if (llvm::cantFail(elf.getSectionName(section)) == MAD_HEADER_SECTION)
      break;
    at += elf.getHeader().e_shentsize;
  }
  reinterpret_cast<llvm::ELF::Elf64_Shdr *>(bytes.data() + at)->sh_size = 64;
  Outcome made = loadBytes(bytes);
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("is damaged: its section .mad.header has 64 bytes, expected 176"),
            std::string::npos)
      << made.message;
}

TEST_F(Load, ChangedCodeNamesBothChecksums) {
  std::string bytes = whole;
  bytes[headerOffset() + offsetof(mad_file_header, compiler)] ^= 1;
  Outcome made = loadBytes(bytes);
  EXPECT_EQ(made.status, MAD_BAD_FORMAT);
  EXPECT_NE(made.message.find("is damaged or was changed after its build: checksum "),
            std::string::npos)
      << made.message;
}

/// What the loader of the system says goes to the host.
TEST_F(Load, LibraryThatTheSystemDoesNotLoad) {
  const std::string before = whole;
  auto *head = reinterpret_cast<llvm::ELF::Elf64_Ehdr *>(whole.data());
  auto *segment = reinterpret_cast<llvm::ELF::Elf64_Phdr *>(whole.data() + head->e_phoff);
  while (segment->p_type != llvm::ELF::PT_DYNAMIC)
    ++segment;
  segment->p_type = llvm::ELF::PT_NULL;
  const std::string bytes = withHeader([](mad_file_header &) {});
  whole = before;
  Outcome made = loadBytes(bytes);
  EXPECT_EQ(made.status, MAD_FILE_ERROR);
  EXPECT_NE(made.message.find("cannot load `" + realFolder() + "/libbroken.so`: "),
            std::string::npos)
      << made.message;
  EXPECT_NE(made.message.find("object file has no dynamic section"), std::string::npos)
      << made.message;
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

//===----------------------------------------------------------------------===//
// Weights in a file of their own
//===----------------------------------------------------------------------===//

namespace {
class SideFile : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(bool(writeWeightsFile(affineWeights({2, 3}), weights, offsets)));
    auto objects = affineObjects({0}, true);
    ASSERT_TRUE(bool(objects));
    auto artifact = artifactObject({"side", {0}, "side.weights"}, affineEntries(),
                                   affineWeights({2, 3}), "", offsets);
    ASSERT_TRUE(bool(artifact)) << llvm::toString(artifact.takeError());
    objects->push_back(std::move(*artifact));
    ASSERT_FALSE(bool(linkSharedLibrary(*objects, library)));
  }
  /// y[0] of the model for x[0] = 1: w[0] + 10.
  float result(const mad_load_options *options, mad_status expected, std::string &message) {
    mad_module *module = nullptr;
    mad_error error = {};
    EXPECT_EQ(mad_module_load_with(library.c_str(), options, &module, &error), expected)
        << error.message;
    message = error.message;
    std::vector<float> y = {0};
    if (module)
      EXPECT_EQ(callAffine(module, {1}, {10, 0, 0, 0}, y, message), MAD_OK) << message;
    mad_module_destroy(module);
    return y[0];
  }
  const std::string library = folder() + "/libside.so", weights = folder() + "/side.weights";
  std::vector<uint64_t> offsets;
  std::string message;
};
} // namespace

TEST_F(SideFile, IsFoundBesideTheLibrary) {
  EXPECT_EQ(result(nullptr, MAD_OK, message), 12) << message;
  const mad_load_options all = {sizeof all, nullptr, MAD_VERIFY_ALL};
  EXPECT_EQ(result(&all, MAD_OK, message), 12) << message;
  EXPECT_EQ(offsets[0] % 64, 0u);
}

TEST_F(SideFile, Missing) {
  ASSERT_EQ(rename(weights.c_str(), (weights + ".away").c_str()), 0);
  result(nullptr, MAD_FILE_ERROR, message);
  EXPECT_EQ(message, "cannot open `" + weights +
                         "`, the weights of `side`: No such file or directory; put the file beside "
                         "the library, or name it in the load options");
  const std::string away = weights + ".away";
  const mad_load_options named = {sizeof named, away.c_str(), MAD_VERIFY_ALL};
  EXPECT_EQ(result(&named, MAD_OK, message), 12);
}

TEST_F(SideFile, OfAnotherBuild) {
  ASSERT_FALSE(bool(writeWeightsFile(affineWeights({5, 3}), weights, offsets)));
  result(nullptr, MAD_BAD_FORMAT, message);
  EXPECT_EQ(message, "`" + weights +
                         "` holds other numbers for weight `scale.weight` than the library was "
                         "built with; put back the file of the build, or name this one in the "
                         "load options to replace the weights");
  const mad_load_options named = {sizeof named, weights.c_str(), MAD_VERIFY_CODE};
  EXPECT_EQ(result(&named, MAD_OK, message), 15);
}

TEST_F(SideFile, Truncated) {
  const std::string bytes = read(weights);
  write(weights, llvm::StringRef(bytes).drop_back());
  result(nullptr, MAD_BAD_FORMAT, message);
  EXPECT_NE(message.find("is truncated or was changed: it has " + std::to_string(bytes.size() - 1) +
                         " bytes, expected " + std::to_string(bytes.size())),
            std::string::npos)
      << message;
}

/// The weights inside of a library can be replaced, too.
TEST_F(SideFile, ReplacesThoseOfTheLibrary) {
  auto path = buildAffine("inside", {0}, {2, 3});
  ASSERT_TRUE(bool(path));
  ASSERT_FALSE(bool(writeWeightsFile(affineWeights({7, 3}), weights, offsets)));
  const mad_load_options named = {sizeof named, weights.c_str(), MAD_VERIFY_ALL};
  mad_module *module = nullptr;
  mad_error error = {};
  ASSERT_EQ(mad_module_load_with(path->c_str(), &named, &module, &error), MAD_OK) << error.message;
  std::vector<float> y;
  EXPECT_EQ(callAffine(module, {1}, {10, 0, 0, 0}, y, message), MAD_OK) << message;
  EXPECT_EQ(y, (std::vector<float>{17}));
  mad_module_destroy(module);
}

TEST(WeightsFile, DiskThatIsFull) {
  std::vector<uint64_t> offsets;
  const std::string path = folder() + "/limited.weights";
  auto handler = signal(SIGXFSZ, SIG_IGN);
  struct rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit limit = {64, before.rlim_max};
  ASSERT_FALSE(bool(writeWeightsFile(affineWeights({1}), path, offsets)));
  struct stat fits;
  ASSERT_EQ(stat(path.c_str(), &fits), 0);
  const std::string size = std::to_string(fits.st_size);
  remove(path.c_str());
  setrlimit(RLIMIT_FSIZE, &limit);
  auto error = writeWeightsFile(affineWeights({1}), path, offsets);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(llvm::toString(std::move(error)),
            "`" + path + "` cannot be written: File too large (it takes " + size + " bytes)");
  struct stat none;
  EXPECT_NE(stat(path.c_str(), &none), 0);
}

TEST(WeightsFile, PlacesThatAreNone) {
  std::vector<uint64_t> offsets;
  auto error = writeWeightsFile(affineWeights({1}), "/dev/full", offsets);
  EXPECT_EQ(llvm::toString(std::move(error)), "`/dev/full` is not a regular file");
  error = writeWeightsFile(affineWeights({1}), folder() + "/no/x.weights", offsets);
  EXPECT_NE(llvm::toString(std::move(error)).find("No such file"), std::string::npos);
}
