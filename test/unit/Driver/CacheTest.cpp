//===- CacheTest.cpp - Results of earlier compilations -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Cache.h"
#include "passes/Target/Codegen.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <utime.h>

using namespace mad;

namespace {

class CacheTest : public testing::Test {
protected:
  CacheTest() {
    llvm::SmallString<128> path;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("mad-cache-test", path));
    folder = path.str().str();
  }
  ~CacheTest() override { llvm::sys::fs::remove_directories(folder); }

  static CacheKey key(int64_t number) {
    CacheKey made("test");
    made.add(number);
    return made;
  }
  std::string pathOf(int64_t number) const {
    return folder + "/" + key(number).name() + ".madcache";
  }
  /// Sets the time of the last use.
  void use(int64_t number, time_t when) const {
    utimbuf times{when, when};
    ASSERT_EQ(utime(pathOf(number).c_str(), &times), 0);
  }

  std::string folder;
};

TEST_F(CacheTest, KeepsWhatWasPut) {
  Cache cache(folder);
  std::string bytes("a\0b\xff", 4);
  EXPECT_FALSE(cache.get(key(1)));
  cache.put(key(1), bytes);
  cache.put(key(2), "");
  EXPECT_EQ(cache.get(key(1)), bytes);
  EXPECT_EQ(cache.get(key(2)), "");
  EXPECT_FALSE(cache.get(key(3)));
  EXPECT_EQ(cache.stats().entries, 2u);
}

TEST_F(CacheTest, NamesFollowEveryPart) {
  auto name = [](auto... parts) {
    CacheKey made("test");
    (made.add(parts), ...);
    return made.name();
  };
  EXPECT_EQ(name("ab", "c"), name("ab", "c"));
  EXPECT_NE(name("ab", "c"), name("a", "bc"));
  EXPECT_NE(name("ab", "c"), name("abc"));
  EXPECT_NE(name("ab"), CacheKey("other").add("ab").name());
  float x[] = {0.0f, 1.0f}, y[] = {-0.0f, 1.0f};
  EXPECT_NE(CacheKey("t").addBytes(x, 8).name(), CacheKey("t").addBytes(y, 8).name());
  EXPECT_NE(CacheKey("t").addBytes(x, 8).name(), CacheKey("t").addBytes(x, 4).name());
}

TEST_F(CacheTest, AnotherVersionIsAMiss) {
  Cache cache(folder);
  CacheKey ours("test"), same("test", compilerVersion()), other("test", "mad 0.0.1");
  EXPECT_EQ(ours.name(), same.name());
  cache.put(other, "code of another version");
  EXPECT_FALSE(cache.get(ours));
  cache.put(ours, "our code");
  EXPECT_EQ(cache.get(ours), "our code");
  EXPECT_EQ(cache.get(other), "code of another version");
}

TEST_F(CacheTest, DamageIsAMiss) {
  Cache cache(folder);
  cache.put(key(1), "some bytes");
  auto whole = llvm::MemoryBuffer::getFile(pathOf(1));
  ASSERT_TRUE(bool(whole));
  std::string text = (*whole)->getBuffer().str();
  for (size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] ^= 1;
    std::error_code code;
    llvm::raw_fd_ostream(pathOf(1), code) << damaged;
    ASSERT_FALSE(code);
    EXPECT_FALSE(cache.get(key(1))) << "byte " << at;
    EXPECT_FALSE(llvm::sys::fs::exists(pathOf(1)));
  }
  for (size_t length = 0; length < text.size(); ++length) {
    std::error_code code;
    llvm::raw_fd_ostream(pathOf(1), code) << text.substr(0, length);
    ASSERT_FALSE(code);
    EXPECT_FALSE(cache.get(key(1))) << length << " bytes";
  }
}

TEST_F(CacheTest, RemovesWhatWasUsedLeastRecently) {
  // Each takes 44 bytes more than what it holds: five of 444 fit, and a sixth does not.
  Cache cache(folder, 2400);
  std::string bytes(400, 'x');
  for (int64_t i = 1; i <= 5; ++i) {
    cache.put(key(i), bytes);
    use(i, 1000 + i);
  }
  EXPECT_EQ(cache.stats().bytes, 5u * 444u);
  EXPECT_TRUE(cache.get(key(1))); // used now
  cache.put(key(6), bytes);
  // Down to four fifths, 1920 bytes: four stay.
  EXPECT_EQ(cache.stats().entries, 4u);
  EXPECT_TRUE(cache.get(key(1)));
  EXPECT_FALSE(cache.get(key(2)));
  EXPECT_FALSE(cache.get(key(3)));
  EXPECT_TRUE(cache.get(key(6)));
  // What would take most of the room alone is not kept.
  cache.put(key(7), std::string(1300, 'x'));
  EXPECT_FALSE(cache.get(key(7)));
}

TEST_F(CacheTest, LeavesTheFilesOfOthers) {
  std::error_code code;
  llvm::raw_fd_ostream(folder + "/notes.txt", code) << "mine";
  Cache cache(folder);
  cache.put(key(1), "bytes");
  std::string error;
  EXPECT_TRUE(cache.clear(error)) << error;
  EXPECT_EQ(cache.stats().entries, 0u);
  EXPECT_TRUE(llvm::sys::fs::exists(folder + "/notes.txt"));
}

TEST_F(CacheTest, APlaceThatCannotBeWrittenIsNoError) {
  std::error_code code;
  llvm::raw_fd_ostream(folder + "/file", code) << "no folder";
  Cache cache(folder + "/file");
  cache.put(key(1), "bytes");
  EXPECT_FALSE(cache.get(key(1)));
  EXPECT_EQ(cache.stats().entries, 0u);
}

} // namespace
