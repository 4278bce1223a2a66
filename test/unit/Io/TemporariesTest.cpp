//===- TemporariesTest.cpp - Files of a process that ends early -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Temporaries.h"
#include "runtime/io/Files.h"
#include "test/unit/Io/Support.h"
#include <csignal>
#include <cstdio>
#include <unistd.h>

namespace mad::io::test {
namespace {

using TemporariesTest = IoTest;

/// In a process of its own, which `work` begins and that is then abandoned.
template <typename Work> void abandoned(Work work) {
  EXPECT_EXIT(
      {
        work();
        abandonTemporaries();
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(TemporariesTest, AFileThatHasNoNameYetGoes) {
  put("old");
  abandoned([&] {
    auto *file = new AtomicFile;
    std::string text;
    if (!file->open(path("file"), text) || !file->write("new", text) || files() != 2)
      _exit(1);
  });
  EXPECT_EQ(get(), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(TemporariesTest, AFileThatHasItsNameStays) {
  put("old");
  abandoned([&] {
    auto *file = new AtomicFile;
    std::string text;
    if (!file->open(path("file"), text) || !file->write("new", text) || !commitAll({file}, text))
      _exit(1);
  });
  EXPECT_EQ(get(), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(TemporariesTest, AFolderGoesWithAllThatIsInIt) {
  abandoned([&] {
    auto *inner = new TemporaryFolder;
    int code = 0;
    if (!inner->make(path("folder"), code))
      _exit(1);
    std::ofstream(inner->path() + "/file") << "text";
    std::filesystem::create_directory(inner->path() + "/more");
  });
  EXPECT_EQ(files(), 0u);
}

TEST_F(TemporariesTest, AFolderOfResultsGoesOnlyWhenItIsEmpty) {
  for (const char *name : {"empty", "full"})
    std::filesystem::create_directory(path(name));
  put("text", "full/result");
  abandoned([&] {
    for (const char *name : {"empty", "full"})
      noteTemporary(path(name), Temporary::EmptyFolder);
  });
  EXPECT_FALSE(std::filesystem::exists(path("empty")));
  EXPECT_EQ(get("full/result"), "text");
}

TEST_F(TemporariesTest, WhatIsForgottenStays) {
  put("text");
  abandoned([&] {
    noteTemporary(path("file"));
    forgetTemporary(path("file"));
    forgetTemporary(path("another"));
  });
  EXPECT_EQ(get(), "text");
}

TEST_F(TemporariesTest, FoldersGoInTheEnd) {
  {
    TemporaryFolder here, there;
    int code = 0;
    std::string error;
    ASSERT_TRUE(here.make(path("folder"), code) && there.makeApart("mad-test", error));
    std::ofstream(here.path() + "/file") << "text";
    EXPECT_EQ(files(), 1u);
    EXPECT_TRUE(std::filesystem::is_directory(there.path()));
  }
  EXPECT_EQ(files(), 0u);
  TemporaryFolder none;
  int code = 0;
  EXPECT_FALSE(none.make(path("none/folder"), code));
  EXPECT_EQ(code, ENOENT);
}

TEST_F(TemporariesTest, FoldersApartAreWhereTmpdirSays) {
  std::string error;
  {
    // An empty name means none.
    setenv("TMPDIR", "", 1);
    TemporaryFolder folder;
    EXPECT_TRUE(folder.makeApart("mad-test", error)) << error;
    EXPECT_EQ(folder.path().find(P_tmpdir "/mad-test-"), 0u);
  }
  setenv("TMPDIR", path("none").c_str(), 1);
  TemporaryFolder none;
  EXPECT_FALSE(none.makeApart("mad-test", error));
  EXPECT_EQ(error, "cannot create a temporary folder in `" + path("none") +
                       "`: No such file or directory; TMPDIR names another folder for it");
  unsetenv("TMPDIR");
}

/// The system ends a process at once, and its folder stays.
TEST_F(TemporariesTest, WhatAKilledProcessLeftIsRemovedByOthers) {
  setenv("TMPDIR", path("").c_str(), 1);
  EXPECT_EXIT(
      {
        auto *folder = new TemporaryFolder;
        std::string error;
        if (folder->makeApart("mad-test", error))
          std::ofstream(folder->path() + "/file") << "text";
        kill(getpid(), SIGKILL);
      },
      testing::KilledBySignal(SIGKILL), "");
  unsetenv("TMPDIR");
  EXPECT_EQ(files(), 1u);
  removeAbandoned(path(""));
  EXPECT_EQ(files(), 0u);
}

TEST_F(TemporariesTest, WhatIsNotOfAKilledProcessStays) {
  setenv("TMPDIR", path("").c_str(), 1);
  // Of a process that lives, of other names, and what only looks like a folder.
  TemporaryFolder mine;
  std::string error;
  ASSERT_TRUE(mine.makeApart("mad-test", error)) << error;
  for (const char *name : {"mad-test-abcdef", "mad-test-held-abcdefg", "mine-held-abcdef"})
    std::filesystem::create_directory(path(name));
  std::filesystem::create_directory_symlink(path("mine-held-abcdef"), path("mad-test-held-abcdef"));
  put("text", "mad-test-held-uvwxyz");
  removeAbandoned(path(""));
  EXPECT_EQ(files(), 6u);
  EXPECT_TRUE(std::filesystem::exists(mine.path()));
  std::filesystem::create_directory(path("mad-test-held-ABCDEF"));
  removeAbandoned(path(""));
  EXPECT_FALSE(std::filesystem::exists(path("mad-test-held-ABCDEF")));
  EXPECT_EQ(files(), 6u);
  removeAbandoned(path("none"));
  unsetenv("TMPDIR");
}

} // namespace
} // namespace mad::io::test
