//===- Temporaries.cpp - What must not stay when a process ends early -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Temporaries.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace mad::io;

namespace {
struct List {
  std::recursive_mutex mutex;
  std::vector<std::pair<std::string, Temporary>> paths;
  std::vector<pid_t> processes;
};
} // namespace

/// Never destroyed: a signal may come while the process ends.
static List &list() {
  static List *all = new List;
  return *all;
}

std::recursive_mutex &mad::io::temporaries() { return list().mutex; }

void mad::io::noteTemporary(const std::string &path, Temporary kind) {
  TemporaryLock lock(temporaries());
  list().paths.emplace_back(path, kind);
}

void mad::io::forgetTemporary(const std::string &path) {
  TemporaryLock lock(temporaries());
  auto &paths = list().paths;
  paths.erase(std::remove_if(paths.begin(), paths.end(),
                             [&](const auto &one) { return one.first == path; }),
              paths.end());
}

void mad::io::noteProcess(pid_t process) {
  TemporaryLock lock(temporaries());
  list().processes.push_back(process);
}

void mad::io::forgetProcess(pid_t process) {
  TemporaryLock lock(temporaries());
  auto &all = list().processes;
  all.erase(std::remove(all.begin(), all.end(), process), all.end());
}

/// Another thread may just put a file there, and can no more when the folder is gone.
static void removeFolder(const std::string &path) {
  constexpr int mostTries = 1000;
  std::error_code code;
  for (int i = 0; i < mostTries && std::filesystem::exists(path, code); ++i)
    std::filesystem::remove_all(path, code);
}

/// For good.
static void lockTemporaries(bool hasCrashed) {
  if (!hasCrashed)
    return temporaries().lock();
  for (int i = 0; i < 1000 && !temporaries().try_lock(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void mad::io::abandonTemporaries(bool hasCrashed) {
  lockTemporaries(hasCrashed);
  for (pid_t process : list().processes)
    kill(process, SIGKILL);
  auto &paths = list().paths;
  for (auto one = paths.rbegin(); one != paths.rend(); ++one)
    switch (one->second) {
    case Temporary::File:
      unlink(one->first.c_str());
      break;
    case Temporary::Folder:
      removeFolder(one->first);
      break;
    case Temporary::EmptyFolder:
      rmdir(one->first.c_str());
      break;
    }
}

bool TemporaryFolder::make(const std::string &stem, int &code) {
  std::string pattern = stem + "-XXXXXX";
  TemporaryLock lock(temporaries());
  if (!mkdtemp(pattern.data())) {
    code = errno;
    return false;
  }
  name = pattern;
  noteTemporary(name, Temporary::Folder);
  return true;
}

bool TemporaryFolder::makeApart(const std::string &stem, int &code) {
  std::error_code failed;
  const auto parent = std::filesystem::temp_directory_path(failed);
  code = failed.value();
  return !failed && make((parent / stem).string(), code);
}

TemporaryFolder::~TemporaryFolder() {
  if (name.empty())
    return;
  std::error_code code;
  std::filesystem::remove_all(name, code);
  forgetTemporary(name);
}
