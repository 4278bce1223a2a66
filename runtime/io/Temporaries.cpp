//===- Temporaries.cpp - What must not stay when a process ends early -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Temporaries.h"
#include "runtime/io/Files.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
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

/// In names of folders whose makers hold them locked as long as they live: the system lets go of
/// the lock of a process that is killed. Numbers of processes tell less, as others get them again,
/// and those of another container have the same.
static constexpr char heldMark[] = "-held-";

/// With an empty stem, of any that begins with "mad-".
static bool isHeldName(const std::string &name, const std::string &stem) {
  constexpr size_t ofPattern = 6; // `mkdtemp` has made so many letters
  const size_t at = name.rfind(heldMark);
  return at != std::string::npos && at + sizeof heldMark - 1 + ofPattern == name.size() &&
         (stem.empty() ? name.compare(0, 4, "mad-") == 0 : name.compare(0, at, stem) == 0);
}

/// The lock of a folder of this user, which is still there; or -1.
static int lockFolder(const std::string &path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat locked = {}, there = {};
  if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) == 0 && fstat(folder, &locked) == 0 &&
      lstat(path.c_str(), &there) == 0 && locked.st_ino == there.st_ino &&
      locked.st_dev == there.st_dev && locked.st_uid == geteuid())
    return folder;
  if (folder >= 0)
    close(folder);
  return -1;
}

void mad::io::removeAbandoned(const std::string &parent, const std::string &stem) {
  std::error_code code;
  std::filesystem::directory_iterator entry(parent, code), end;
  for (; !code && entry != end; entry.increment(code)) {
    const std::string path = entry->path().string();
    if (!isHeldName(entry->path().filename().string(), stem))
      continue;
    const int lock = lockFolder(path);
    if (lock < 0)
      continue;
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    close(lock);
  }
}

/// Another process may find it before it is locked, and remove it.
bool TemporaryFolder::makeHeld(const std::string &stem) {
  constexpr int mostTries = 3;
  std::string held = stem + heldMark;
  held.pop_back(); // `make` adds the dash
  for (int i = 0, code = 0; i < mostTries && make(held, code); ++i) {
    if ((lock = lockFolder(name)) >= 0)
      return true;
    rmdir(name.c_str());
    forgetTemporary(name);
    name.clear();
  }
  return false;
}

bool TemporaryFolder::makeApart(const std::string &stem, std::string &error) {
  // An empty name means none.
  const char *named = getenv("TMPDIR");
  const std::filesystem::path parent = named && *named ? named : P_tmpdir;
  static std::once_flag once;
  std::call_once(once, [&] { removeAbandoned(parent.string()); });
  const std::string path = (parent / stem).string();
  // Where folders cannot be locked, it has a name that nobody takes for an abandoned one.
  int code = 0;
  if (makeHeld(path) || make(path, code))
    return true;
  error = "cannot create a temporary folder in `" + parent.string() + "`: " + systemText(code) +
          "; TMPDIR names another folder for it";
  return false;
}

bool TemporaryFolder::makeBeside(const std::string &path, int &code) {
  const std::filesystem::path stem = path + ".tmp";
  removeAbandoned(stem.parent_path().string(), stem.filename().string());
  return makeHeld(stem.string()) || make(stem.string(), code);
}

TemporaryFolder::~TemporaryFolder() {
  if (name.empty())
    return;
  std::error_code code;
  std::filesystem::remove_all(name, code);
  forgetTemporary(name);
  if (lock >= 0)
    close(lock);
}
