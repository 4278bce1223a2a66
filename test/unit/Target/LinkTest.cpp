//===- LinkTest.cpp - Shared libraries ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "passes/Target/InternalFailure.h"
#include "runtime/artifact.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include <csignal>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>
#include <unistd.h>

using namespace mad;
using namespace mad::test;

/// Loads `path`; null and the message in `text` when that fails.
static mad_module *load(const std::string &path, std::string &text) {
  mad_module *module = nullptr;
  mad_error error = {};
  if (mad_module_load(path.c_str(), &module, &error) != MAD_OK)
    text = error.message;
  return module;
}

TEST(Link, LibraryRuns) {
  std::vector<int> levels = {0, 3, 4};
  auto path = buildAffine("affine", levels, {2, 3});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  std::string message;
  mad_module *module = load(*path, message);
  ASSERT_TRUE(module) << message;
  EXPECT_STREQ(mad_module_variant(module), variant(hostLevel()).name.c_str());
  std::vector<float> y;
  EXPECT_EQ(callAffine(module, {1, 2, 3}, {10, 0, 0, 0}, y, message), MAD_OK) << message;
  EXPECT_EQ(y, (std::vector<float>{12, 14, 16}));
  EXPECT_NE(std::string(mad_module_manifest(module)).find("\"offset\": 64"), std::string::npos);
  mad_module_destroy(module);
}

TEST(Link, WeightsAreAligned) {
  auto path = buildAffine("aligned", {0}, {2, 3, 4});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  std::string bytes = read(*path);
  auto elf = llvm::object::ELF64LEFile::create(bytes);
  ASSERT_TRUE(bool(elf));
  bool found = false;
  for (const auto &section : llvm::cantFail(elf->sections())) {
    if (llvm::cantFail(elf->getSectionName(section)) != MAD_WEIGHTS_SECTION)
      continue;
    found = true;
    EXPECT_EQ(section.sh_addr % 64, 0u);
    EXPECT_EQ(section.sh_size, 64 + 12u);
  }
  EXPECT_TRUE(found);
}

TEST(Link, ExportsTheArtifactAlone) {
  auto path = buildAffine("exports", {0}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  std::string bytes = read(*path);
  auto elf = llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(
      llvm::MemoryBufferRef(bytes, "exports"));
  ASSERT_TRUE(bool(elf));
  std::set<std::string> names;
  for (const auto &symbol : elf->getDynamicSymbolIterators())
    if (!(llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined))
      names.insert(llvm::cantFail(symbol.getName()).str());
  EXPECT_EQ(names, (std::set<std::string>{"exports_artifact", "mad_artifact_v1"}));
}

TEST(Link, EqualInputGivesEqualFilesWithoutPaths) {
  auto path = buildAffine("equal", {0, 3}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  std::string first = read(*path);
  ASSERT_TRUE(bool(buildAffine("equal", {0, 3}, {2})));
  EXPECT_TRUE(first == read(*path));
  EXPECT_EQ(first.find(folder()), std::string::npos);
  EXPECT_EQ(first.find(".tmp"), std::string::npos);
}

/// Everything in the folder whose name starts with `prefix`.
static int filesThatStartWith(const std::string &prefix) {
  std::error_code code;
  int count = 0;
  for (llvm::sys::fs::directory_iterator at(folder(), code), end; at != end; at.increment(code))
    count += llvm::StringRef(at->path()).starts_with(folder() + "/" + prefix);
  return count;
}

TEST(LinkFailure, LeavesTheOldFileAndNothingElse) {
  auto path = buildAffine("kept", {0}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  std::string before = read(*path);
  Objects objects;
  objects.push_back(llvm::MemoryBuffer::getMemBuffer("not an object"));
  llvm::Error error = linkSharedLibrary(objects, *path);
  ASSERT_TRUE(bool(error));
  EXPECT_TRUE(error.isA<InternalFailure>());
  EXPECT_NE(llvm::toString(std::move(error)).find("cannot link `libkept.so`"), std::string::npos);
  EXPECT_TRUE(before == read(*path));
  EXPECT_EQ(filesThatStartWith("libkept"), 1);
}

TEST(LinkFailure, UndefinedFunction) {
  auto objects = affineObjects({0}, true);
  ASSERT_TRUE(bool(objects));
  auto artifact = artifactObject({"undefined", {0, 3}}, affineEntries(), affineWeights({}));
  ASSERT_TRUE(bool(artifact)) << llvm::toString(artifact.takeError());
  objects->push_back(std::move(*artifact));
  llvm::Error error = linkSharedLibrary(*objects, folder() + "/libundefined.so");
  ASSERT_TRUE(bool(error));
  std::string text = llvm::toString(std::move(error));
  EXPECT_NE(text.find("mad_run_f.v3"), std::string::npos) << text;
  EXPECT_EQ(filesThatStartWith("libundefined"), 0);
}

TEST(LinkFailure, NoArtifactAmongTheObjects) {
  auto objects = affineObjects({0}, true);
  ASSERT_TRUE(bool(objects));
  llvm::Error error = linkSharedLibrary(*objects, folder() + "/libnone.so");
  ASSERT_TRUE(bool(error));
  std::string text = llvm::toString(std::move(error));
  EXPECT_NE(text.find("artifact"), std::string::npos) << text;
}

TEST(LinkFailure, FolderThatIsNotThere) {
  auto objects = affineObjects({0}, true);
  ASSERT_TRUE(bool(objects));
  std::string path = folder() + "/no/such/folder/libx.so";
  llvm::Error error = linkSharedLibrary(*objects, path);
  ASSERT_TRUE(bool(error));
  EXPECT_EQ(llvm::toString(std::move(error)),
            "`" + path + "` cannot be written: No such file or directory");
}

TEST(LinkFailure, PathThatIsAFolder) {
  auto path = buildAffine("source", {0}, {2});
  ASSERT_TRUE(bool(path));
  ASSERT_FALSE(bool(llvm::sys::fs::create_directory(folder() + "/libtaken.so")));
  auto again = buildAffine("taken", {0}, {2});
  ASSERT_FALSE(bool(again));
  std::string text = llvm::toString(again.takeError());
  EXPECT_EQ(text, "`" + folder() + "/libtaken.so` is a folder; expected the name of a file");
  EXPECT_EQ(filesThatStartWith("libtaken"), 1);
}

/// Objects of a library with much in it.
static Objects largeObjects(const std::string &name) {
  auto objects = affineObjects({0}, true);
  EXPECT_TRUE(bool(objects));
  std::vector<float> large(1 << 16, 1.0f);
  std::string weights = folder() + "/" + name + ".weights";
  write(weights, llvm::StringRef(reinterpret_cast<const char *>(large.data()), large.size() * 4));
  auto artifact = artifactObject({name, {0}}, affineEntries(), affineWeights(large), weights, {0});
  EXPECT_TRUE(bool(artifact)) << llvm::toString(artifact.takeError());
  objects->push_back(std::move(*artifact));
  return std::move(*objects);
}

/// Stands for a full disk: no file may grow past a limit.
static std::string errorOnFullDisk(const Objects &objects, const std::string &path, rlim_t limit,
                                   const Linker &linker) {
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = {limit, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  llvm::Error error = linkSharedLibrary(objects, path, linker);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const bool isInternal = error.isA<InternalFailure>();
  std::string text = error ? llvm::toString(std::move(error)) : "";
  EXPECT_FALSE(isInternal) << text;
  return text;
}

TEST(LinkFailure, DiskThatIsFull) {
  Objects objects = largeObjects("full");
  std::string path = folder() + "/libfull.so";
  std::string text = errorOnFullDisk(objects, path, 1 << 15, Linker());
  EXPECT_EQ(text, "cannot write `" + path + "`: File too large");
  EXPECT_EQ(filesThatStartWith("libfull"), 0);
}

/// The objects fit, the library does not: what the linker says is about the library.
TEST(LinkFailure, DiskThatIsFullForTheLibrary) {
  for (const Linker &linker : {Linker(), Linker{"cc"}}) {
    auto made = affineObjects({0}, true);
    ASSERT_TRUE(bool(made));
    const std::vector<float> few = {2, 3};
    std::string weights = folder() + "/close.weights";
    write(weights, llvm::StringRef(reinterpret_cast<const char *>(few.data()), few.size() * 4));
    auto artifact =
        artifactObject({"close", {0}}, affineEntries(), affineWeights(few), weights, {0});
    ASSERT_TRUE(bool(artifact)) << llvm::toString(artifact.takeError());
    made->push_back(std::move(*artifact));
    size_t largest = 0;
    for (const auto &object : *made)
      largest = std::max(largest, object->getBufferSize());
    std::string path = folder() + "/libclose.so";
    std::string text = errorOnFullDisk(*made, path, largest, linker);
    EXPECT_TRUE(llvm::StringRef(text).starts_with("cannot link `libclose.so`: ")) << text;
    EXPECT_NE(text.find("File too large"), std::string::npos) << text;
    EXPECT_EQ(text.find(".tmp"), std::string::npos) << text;
    EXPECT_EQ(text.find(".o"), std::string::npos) << text;
    EXPECT_EQ(filesThatStartWith("libclose"), 0);
  }
}

/// `cc` makes the same library where there is no LLD.
TEST(Link, ByTheCompiler) {
  Objects objects = largeObjects("compiled");
  std::string path = folder() + "/libcompiled.so";
  llvm::Error error = linkSharedLibrary(objects, path, Linker{"cc"});
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(filesThatStartWith("libcompiled"), 1);
  std::string message;
  mad_module *module = load(path, message);
  ASSERT_TRUE(module) << message;
  mad_module_destroy(module);

  auto undefined = affineObjects({0}, true);
  ASSERT_TRUE(bool(undefined));
  auto artifact = artifactObject({"undefined", {0, 3}}, affineEntries(), affineWeights({}));
  ASSERT_TRUE(bool(artifact));
  undefined->push_back(std::move(*artifact));
  error = linkSharedLibrary(*undefined, folder() + "/libundefined.so", Linker{"cc"});
  std::string text = llvm::toString(std::move(error));
  EXPECT_NE(text.find("mad_run_f.v3"), std::string::npos) << text;
  EXPECT_EQ(text.find(".tmp"), std::string::npos) << text;
  EXPECT_EQ(filesThatStartWith("libundefined"), 0);
}
