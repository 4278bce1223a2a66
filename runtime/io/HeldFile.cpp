//===- HeldFile.cpp - A new file that others know to be in use --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/HeldFile.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mad::io;

static bool isSame(const struct stat &x, const struct stat &y) {
  return x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/// Whether a descriptor is still of the file with this name.
static bool isThere(int descriptor, const std::string &path, struct stat &info) {
  struct stat there = {};
  return fstat(descriptor, &info) == 0 && lstat(path.c_str(), &there) == 0 && isSame(info, there);
}

/// Removes a file of this user that nobody holds.
static bool removeAbandonedFile(const std::string &path) {
  const int file = open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return false;
  struct stat info = {};
  const bool isGone = flock(file, LOCK_EX | LOCK_NB) == 0 && isThere(file, path, info) &&
                      S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1 &&
                      unlink(path.c_str()) == 0;
  close(file);
  return isGone;
}

/// A second name of the target, which a process that was killed while it replaced several files has
/// left (AtomicFile::keepOld). False where it is all that is left of the old file, or is in use.
static bool removeSecondName(const std::string &target, const std::string &second) {
  struct stat file = {}, other = {};
  if (lstat(second.c_str(), &other) != 0)
    return true;
  return stat(target.c_str(), &file) == 0 && isSame(file, other) && unlink(second.c_str()) == 0;
}

/// False with `errno` where there are no locks, and else because it is gone.
bool HeldFile::hold(int descriptor) {
  struct stat info = {};
  errno = 0;
  // Another process may have found it before it was locked.
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 || !isThere(descriptor, name, info))
    return false;
  // Closing the file may fail, and must be seen: the lock lives longer.
  lock = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return lock >= 0;
}

int HeldFile::create(const std::string &target, uint32_t permissions) {
  constexpr int mostNames = 1000;
  auto numbered = [&](int n) { return target + ".tmp-held-" + std::to_string(n); };
  for (int n = 0; n < mostNames; ++n) {
    name = numbered(n);
    auto make = [&] {
      return open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    };
    int made = make();
    if (made < 0 && errno == EEXIST) {
      if (!removeAbandonedFile(name))
        continue;
      made = make();
    }
    if (made < 0 && errno == EEXIST)
      continue;
    if (made < 0)
      return -1;
    if (hold(made)) {
      if (removeSecondName(target, name + ".old")) {
        while (++n < mostNames && removeAbandonedFile(numbered(n)))
          ;
        return made;
      }
      unlink(name.c_str());
      letGo();
    } else if (errno && errno != EWOULDBLOCK && errno != ENOENT) {
      unlink(name.c_str());
      close(made);
      errno = ENOLCK;
      return -1;
    }
    close(made);
  }
  errno = EEXIST;
  return -1;
}

void HeldFile::letGo() {
  if (lock >= 0)
    close(lock);
  lock = -1;
}
