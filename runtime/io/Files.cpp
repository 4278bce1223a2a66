//===- Files.cpp - Bytes in files --------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Files.h"
#include "runtime/io/Temporaries.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

using namespace mad::io;

std::string mad::io::systemText(int code) { return std::generic_category().message(code); }

std::string mad::io::ticked(std::string_view name) {
  constexpr size_t longest = 120;
  std::string text = "`";
  for (char c : name.substr(0, longest)) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      text += c;
      continue;
    }
    char escaped[8];
    snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    text += escaped;
  }
  return text + (name.size() > longest ? "...`" : "`");
}

Input::~Input() {
  if (descriptor >= 0)
    close(descriptor);
}

bool Input::open(const std::string &path, std::string &text) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (descriptor < 0 || fstat(descriptor, &info) != 0) {
    text = "cannot be opened: " + systemText(errno);
    return false;
  }
  if (!S_ISREG(info.st_mode)) {
    text = S_ISDIR(info.st_mode) ? "is a folder; expected a file" : "is not a regular file";
    return false;
  }
  length = static_cast<uint64_t>(info.st_size);
  return true;
}

bool Input::read(uint64_t offset, void *bytes, uint64_t count, std::string &text) const {
  char *to = static_cast<char *>(bytes);
  while (count > 0) {
    size_t step = static_cast<size_t>(std::min<uint64_t>(count, 1u << 30));
    ssize_t got = pread(descriptor, to, step, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      text = "cannot be read: " + systemText(errno);
      return false;
    }
    if (got == 0) {
      text = "ends at byte " + std::to_string(offset) + ", but had " + std::to_string(length) +
             " bytes when it was opened";
      return false;
    }
    to += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<uint64_t>(got);
  }
  return true;
}

bool RangeStream::read(void *bytes, uint64_t count, std::string &text) {
  if (count > left) {
    text = "is cut off: " + std::to_string(count) + " more bytes expected, " +
           std::to_string(left) + " left";
    return false;
  }
  if (!input.read(offset, bytes, count, text))
    return false;
  offset += count;
  left -= count;
  return true;
}

AtomicFile::~AtomicFile() {
  if (descriptor >= 0)
    close(descriptor);
  for (const std::string &mine : {temporary, old})
    if (!mine.empty()) {
      unlink(mine.c_str());
      forgetTemporary(mine);
    }
}

bool AtomicFile::fail(const char *what, int code, std::string &text) {
  text = std::string(what) + ": " + systemText(code);
  if (written > 0)
    text += " (after " + std::to_string(written) + " bytes)";
  return false;
}

/// Finds out what is there.
bool AtomicFile::accept(const std::string &path, std::string &text) {
  name = target = path;
  struct stat info;
  isNew = stat(path.c_str(), &info) != 0;
  if (isNew)
    return true;
  mode = info.st_mode;
  if (S_ISDIR(mode)) {
    text = "is a folder; expected the name of a file";
    return false;
  }
  isDevice = !S_ISREG(mode);
  if (isDevice)
    return true;
  // A rename needs the folder only: what keeps the file from being written must say so here.
  if (!(mode & 0222) || access(path.c_str(), W_OK) != 0) {
    text = "cannot be written: it is read-only";
    return false;
  }
  // Follow links: the file they name is replaced, not the link.
  if (char *real = realpath(path.c_str(), nullptr)) {
    target = real;
    free(real);
  }
  return true;
}

bool AtomicFile::openRegular(const std::string &path, std::string &text, uint32_t permissions) {
  if (!accept(path, text))
    return false;
  if (isDevice)
    text = "is not a regular file";
  return !isDevice && create(permissions, text);
}

bool AtomicFile::open(const std::string &path, std::string &text) {
  if (!accept(path, text))
    return false;
  if (isDevice) {
    descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return descriptor >= 0 || fail("cannot be written", errno, text);
  }
  return create(0666, text);
}

/// Who may use the old file may use the new one; a file system without modes is no reason to fail.
void AtomicFile::takeMode() {
  if (!isNew)
    fchmod(descriptor, mode & 0777);
}

/// A temporary file beside the target.
bool AtomicFile::create(uint32_t permissions, std::string &text) {
  {
    TemporaryLock lock(temporaries());
    descriptor = held.create(target, permissions);
    if (descriptor >= 0) {
      temporary = held.path();
      noteTemporary(temporary);
      takeMode();
      return true;
    }
    if (errno != ENOLCK)
      return fail("cannot be written", errno, text);
  }
  return createUnheld(permissions, text);
}

/// Where files cannot be locked it has a name that nobody takes for an abandoned one.
bool AtomicFile::createUnheld(uint32_t permissions, std::string &text) {
  std::string stem = target + ".tmp-" + std::to_string(getpid()) + "-";
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string made = stem + std::to_string(attempt);
    TemporaryLock lock(temporaries());
    // Noted first: a crash does not wait for the lock.
    noteTemporary(made);
    descriptor = ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    if (descriptor >= 0) {
      temporary = made;
      takeMode();
      return true;
    }
    const int code = errno;
    forgetTemporary(made);
    if (code != EEXIST)
      return fail("cannot be written", code, text);
  }
  return fail("cannot be written", EEXIST, text);
}

/// 0, or the value of `errno`. Where a file system takes no room ahead, what is free must do.
static int takeRoom(int descriptor, uint64_t bytes) {
#ifdef __linux__
  // Not posix_fallocate, which then writes into each block.
  int code = 0;
  do
    code = fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  while (code == EINTR);
  if (code != EOPNOTSUPP && code != ENOSYS)
    return code;
#endif
  struct statvfs disk;
  const bool fits = fstatvfs(descriptor, &disk) != 0 || disk.f_frsize == 0 ||
                    bytes / disk.f_frsize < disk.f_bavail;
  return fits ? 0 : ENOSPC;
}

bool AtomicFile::reserve(uint64_t bytes, std::string &text) {
  const int code = isDevice || bytes == 0 ? 0 : takeRoom(descriptor, bytes);
  if (code == 0)
    return true;
  fail("cannot be written", code, text);
  text += " (it takes " + std::to_string(bytes) + " bytes)";
  return false;
}

/// Has the system begin to bring what was written to the disk, for which `finish` waits.
static void startSync(int descriptor) {
#ifdef __linux__
  sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
}

bool AtomicFile::write(const void *bytes, uint64_t count, std::string &text) {
  const char *from = static_cast<const char *>(bytes);
  while (count > 0) {
    size_t step = static_cast<size_t>(std::min<uint64_t>(count, pieceBytes - piece.size()));
    piece.insert(piece.end(), from, from + step);
    from += step;
    count -= step;
    if (piece.size() == pieceBytes && !flush(text))
      return false;
  }
  return !isDevice || flush(text);
}

bool AtomicFile::flush(std::string &text) {
  const bool isMuch = piece.size() == pieceBytes;
  const char *from = piece.data();
  size_t count = piece.size();
  while (count > 0) {
    ssize_t put = ::write(descriptor, from, count);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return fail("cannot be written", errno, text);
    from += put;
    count -= static_cast<size_t>(put);
    written += static_cast<uint64_t>(put);
  }
  piece.clear();
  if (isMuch && !isDevice)
    startSync(descriptor);
  return true;
}

/// Everything is on the disk, but for the name.
bool AtomicFile::finish(std::string &text) {
  if (!flush(text))
    return false;
  piece.shrink_to_fit();
  if (!isDevice && fsync(descriptor) != 0)
    return fail("cannot be written", errno, text);
  int closed = close(descriptor);
  descriptor = -1;
  return closed == 0 || fail("cannot be written", errno, text);
}

bool AtomicFile::rename(std::string &text) {
  if (isDevice)
    return true;
  {
    TemporaryLock lock(temporaries());
    if (::rename(temporary.c_str(), target.c_str()) != 0)
      return fail("cannot be replaced", errno, text);
    forgetTemporary(temporary);
    temporary.clear();
    held.letGo();
  }

  // The name must survive a power cut too; a folder that cannot be synced is no
  // reason to fail, the file is complete.
  size_t slash = target.rfind('/');
  std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle >= 0) {
    fsync(handle);
    close(handle);
  }
  return true;
}

bool AtomicFile::commit(std::string &text) { return finish(text) && rename(text); }

/// A second name for what is there. A file system without such names cannot put it back.
void AtomicFile::keepOld() {
  if (isNew || isDevice)
    return;
  std::string second = temporary + ".old";
  if (link(target.c_str(), second.c_str()) != 0)
    return;
  old = second;
  noteTemporary(old);
}

/// For a file that has its name.
void AtomicFile::undo() {
  if (isDevice)
    return;
  if (isNew)
    unlink(target.c_str());
  else if (!old.empty() && ::rename(old.c_str(), target.c_str()) == 0) {
    forgetTemporary(old);
    old.clear();
  }
}

bool mad::io::commitAll(const std::vector<AtomicFile *> &files, std::string &error) {
  std::string text;
  auto failed = [&](const AtomicFile &file) {
    error = ticked(file.name) + " " + text;
    return false;
  };
  for (AtomicFile *file : files)
    if (!file->finish(text))
      return failed(*file);
  // A signal that ends the process waits until all have their names, or none.
  TemporaryLock lock(temporaries());
  for (size_t i = 0; i < files.size(); ++i) {
    files[i]->keepOld();
    if (files[i]->rename(text))
      continue;
    for (size_t k = i; k > 0; --k)
      files[k - 1]->undo();
    return failed(*files[i]);
  }
  return true;
}
