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

/// A process of its own that is killed at the end of `work`.
template <typename Work> void killed(Work work) {
  EXPECT_EXIT(
      {
        work();
        kill(getpid(), SIGKILL);
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST_F(TemporariesTest, WhatAKilledWriterLeftGoesWithTheNextOne) {
  put("old");
  // Two that write the same file, and one that writes another.
  killed([&] {
    for (const char *name : {"file", "file", "other"})
      if (std::string text; !(new AtomicFile)->open(path(name), text))
        _exit(1);
  });
  EXPECT_EQ(files(), 4u);
  {
    AtomicFile next;
    std::string text;
    ASSERT_TRUE(next.open(path("file"), text) && next.write("new", text));
    EXPECT_EQ(files(), 3u);
    EXPECT_EQ(get(), "old");
    EXPECT_TRUE(next.commit(text)) << text;
  }
  EXPECT_EQ(get(), "new");
  EXPECT_EQ(files(), 2u);
  EXPECT_TRUE(std::filesystem::exists(path("other.tmp-held-0")));
}

TEST_F(TemporariesTest, WhatAWriterHoldsStays) {
  AtomicFile one, two;
  std::string text;
  ASSERT_TRUE(one.open(path("file"), text) && one.write("one", text));
  ASSERT_TRUE(two.open(path("file"), text) && two.write("two", text));
  EXPECT_EQ(files(), 2u);
  // Complete, but without its name.
  std::string error;
  AtomicFile none;
  ASSERT_TRUE(none.open(path("folder"), text));
  std::filesystem::create_directory(path("folder"));
  EXPECT_FALSE(commitAll({&two, &none}, error));
  AtomicFile three;
  ASSERT_TRUE(three.open(path("file"), text) && three.write("three", text));
  EXPECT_TRUE(one.commit(text)) << text;
  EXPECT_EQ(get(), "one");
  EXPECT_TRUE(three.commit(text)) << text;
  EXPECT_EQ(get(), "three");
}

TEST_F(TemporariesTest, WhatIsNoneOfAKilledWriterStays) {
  put("old");
  put("mine", "mine");
  std::filesystem::create_symlink("mine", path("file.tmp-held-0"));
  std::filesystem::create_directory(path("file.tmp-held-1"));
  std::filesystem::create_hard_link(path("mine"), path("file.tmp-held-2"));
  for (const char *name :
       {"file.tmp-held-", "file.tmp-held-x", "file.tmp-17-0", "file.tmp-held-0x"})
    put("text", name);
  // All that is left of a file that was replaced.
  put("before", "file.tmp-held-3.old");
  {
    AtomicFile next;
    std::string text;
    ASSERT_TRUE(next.open(path("file"), text) && next.write("new", text));
    EXPECT_TRUE(std::filesystem::exists(path("file.tmp-held-4")));
    EXPECT_TRUE(next.commit(text)) << text;
  }
  EXPECT_EQ(get(), "new");
  EXPECT_EQ(get("file.tmp-held-3.old"), "before");
  EXPECT_EQ(files(), 10u);
}

TEST_F(TemporariesTest, ASecondNameOfWhatIsThereGoes) {
  put("old");
  std::filesystem::create_hard_link(path("file"), path("file.tmp-held-0.old"));
  AtomicFile next;
  std::string text;
  ASSERT_TRUE(next.open(path("file"), text));
  EXPECT_TRUE(std::filesystem::exists(path("file.tmp-held-0")));
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(get(), "old");
}

TEST_F(TemporariesTest, AFolderBesideGoesWithTheNextOne) {
  killed([&] {
    auto *folder = new TemporaryFolder;
    int code = 0;
    if (!folder->makeBeside(path("file"), code))
      _exit(1);
    std::ofstream(folder->path() + "/text") << "text";
  });
  EXPECT_EQ(files(), 1u);
  for (const char *name : {"file.tmp-abcdef", "mad-held-abcdef", "file.tmp-x-held-abcdef"})
    std::filesystem::create_directory(path(name));
  TemporaryFolder next, another;
  int code = 0;
  ASSERT_TRUE(next.makeBeside(path("file"), code));
  EXPECT_EQ(files(), 4u);
  ASSERT_TRUE(another.makeBeside(path("file"), code));
  EXPECT_EQ(files(), 5u);
}

} // namespace
} // namespace mad::io::test
