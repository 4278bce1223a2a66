//===- Temporaries.h - What must not stay when a process ends early ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A list of the temporary files and folders of this process. Whoever makes one says so,
// and removes it in the end. Signals are the business of programs: one that handles them
// calls `abandonTemporaries`. A library must not, and keeps the list alone.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_TEMPORARIES_H
#define MAD_RUNTIME_IO_TEMPORARIES_H

#include <cstdint>
#include <mutex>
#include <string>
#include <sys/types.h>

namespace mad::io {

enum class Temporary : uint8_t {
  File,
  Folder,      ///< with all that is in it
  EmptyFolder, ///< it stays where something is in it
};

/// What is made, renamed or removed while one lives is so completely or not at all, as
/// `abandonTemporaries` sees it. One thread may have several.
using TemporaryLock = std::lock_guard<std::recursive_mutex>;
std::recursive_mutex &temporaries();

/// Under a lock that begins before the path is made.
void noteTemporary(const std::string &path, Temporary kind = Temporary::File);
/// The path is removed, or has become a result. Unknown ones are none.
void forgetTemporary(const std::string &path);

/// A process that works for this one, and is to end with it. Under a lock that begins before it is
/// started, and until it has been waited for.
void noteProcess(pid_t process);
void forgetProcess(pid_t process);

/// Kills these, and removes all paths, the newest first. No thread makes, renames or forgets
/// another one after that: they wait forever, so that the process must end now. Not for handlers of
/// signals, but for a thread that one wakes. After a crash, which may have been in a thread with
/// such a lock, it waits for a second at most.
void abandonTemporaries(bool hasCrashed = false);

/// A folder that goes with all that is in it.
class TemporaryFolder {
public:
  TemporaryFolder() = default;
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  /// Makes `stem-XXXXXX`. False with the value of `errno` in `code`.
  bool make(const std::string &stem, int &code);
  /// The same in the folder for temporary files, which TMPDIR names. The first one of a process
  /// removes what killed ones have left there. False with a message for people in `error`.
  bool makeApart(const std::string &stem, std::string &error);
  /// Makes `path.tmp-held-XXXXXX`, and removes what killed processes have left under such names.
  /// False with the value of `errno` in `code`.
  bool makeBeside(const std::string &path, int &code);
  const std::string &path() const { return name; }

private:
  bool makeHeld(const std::string &stem);

  std::string name;
  int lock = -1; ///< of the folder, while this process lives
};

/// Removes the folders in `parent` that `makeApart`, or `makeBeside` with that stem, has made for
/// processes that were killed: those of this user that nobody holds locked.
void removeAbandoned(const std::string &parent, const std::string &stem = "");

} // namespace mad::io

#endif // MAD_RUNTIME_IO_TEMPORARIES_H
