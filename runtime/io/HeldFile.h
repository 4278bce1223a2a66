//===- HeldFile.h - A new file that others know to be in use ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nobody removes the temporary file of a process that is killed (SIGKILL). So it
// has a name that the next one that writes the same file looks for, and a lock,
// which the system lets go of when its process ends.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_HELDFILE_H
#define MAD_RUNTIME_IO_HELDFILE_H

#include <cstdint>
#include <string>

namespace mad::io {

class HeldFile {
public:
  HeldFile() = default;
  ~HeldFile() { letGo(); }
  HeldFile(const HeldFile &) = delete;
  HeldFile &operator=(const HeldFile &) = delete;

  /// Makes `target.tmp-held-N` with the first N that no process holds, and removes what killed ones
  /// have left under such names. A descriptor for writing, which others may close: or -1 with
  /// `errno`, ENOLCK where the file system has no locks. Under a `TemporaryLock`.
  int create(const std::string &target, uint32_t permissions);
  const std::string &path() const { return name; }
  /// When it has another name, or is removed.
  void letGo();

private:
  bool hold(int descriptor);

  std::string name;
  int lock = -1;
};

} // namespace mad::io

#endif // MAD_RUNTIME_IO_HELDFILE_H
