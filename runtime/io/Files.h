//===- Files.h - Bytes in files ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the readers and writers of this folder share: a file that is read by
// ranges, a cursor over bytes in memory, a stream, and a file that replaces
// another one only when it is complete. Texts of failures do not name the file
// here; TensorFile.cpp puts the name in front.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_FILES_H
#define MAD_RUNTIME_IO_FILES_H

#include "runtime/io/HeldFile.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mad::io {

/// Text of an `errno` value.
std::string systemText(int code);
/// A name from a file, fit for a message: in back-ticks, control characters
/// escaped, long ones cut.
std::string ticked(std::string_view name);

/// Reads little-endian numbers from bytes in memory. Every read says whether it
/// fits; nothing else moves the position.
class Cursor {
public:
  Cursor(const uint8_t *base, uint64_t size) : base(base), size(size) {}
  uint64_t remaining() const { return size - position; }
  bool u16(uint16_t &value) { return number(value); }
  bool u32(uint32_t &value) { return number(value); }
  bool u64(uint64_t &value) { return number(value); }
  bool skip(uint64_t count) {
    if (count > remaining())
      return false;
    position += count;
    return true;
  }
  bool bytes(uint64_t count, std::string_view &view) {
    if (count > remaining())
      return false;
    view = {reinterpret_cast<const char *>(base + position), static_cast<size_t>(count)};
    position += count;
    return true;
  }

private:
  template <typename T> bool number(T &value) {
    if (sizeof(T) > remaining())
      return false;
    value = 0;
    for (size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(base[position + i]) << (8 * i));
    position += sizeof(T);
    return true;
  }

  const uint8_t *base;
  uint64_t size;
  uint64_t position = 0;
};

/// A regular file, open for reading.
class Input {
public:
  Input() = default;
  ~Input();
  Input(const Input &) = delete;
  Input &operator=(const Input &) = delete;

  bool open(const std::string &path, std::string &text);
  uint64_t size() const { return length; }
  /// Reads exactly `count` bytes. The range must lie in the file.
  bool read(uint64_t offset, void *bytes, uint64_t count, std::string &text) const;

private:
  int descriptor = -1;
  uint64_t length = 0;
};

/// Bytes that come one after the other.
class Stream {
public:
  virtual ~Stream() = default;
  /// Reads exactly `count` bytes.
  virtual bool read(void *bytes, uint64_t count, std::string &text) = 0;
};

/// A range of a file as a stream.
class RangeStream : public Stream {
public:
  RangeStream(const Input &input, uint64_t offset, uint64_t count)
      : input(input), offset(offset), left(count) {}
  bool read(void *bytes, uint64_t count, std::string &text) override;

private:
  const Input &input;
  uint64_t offset;
  uint64_t left;
};

/// A file that appears under its name when `commit` succeeds; until then, and
/// after any failure, what was there before stays. What a process that was killed has
/// left beside it goes with the next one that writes it. A device or pipe is written to
/// directly.
class AtomicFile {
public:
  AtomicFile() = default;
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  bool open(const std::string &path, std::string &text);
  bool write(const void *bytes, uint64_t count, std::string &text);
  bool write(std::string_view bytes, std::string &text) {
    return write(bytes.data(), bytes.size(), text);
  }
  /// The same, but no device or pipe. `permissions`: of a file that is new, less the umask.
  bool openRegular(const std::string &path, std::string &text, uint32_t permissions = 0666);
  /// Takes room on the disk for a file of that size, before anything is written: what does not fit
  /// is told now.
  bool reserve(uint64_t bytes, std::string &text);
  /// Where the file will be.
  const std::string &place() const { return target; }

  bool commit(std::string &text);

private:
  friend bool commitAll(const std::vector<AtomicFile *> &files, std::string &error);
  bool fail(const char *what, int code, std::string &text);
  bool accept(const std::string &path, std::string &text);
  bool create(uint32_t permissions, std::string &text);
  bool createUnheld(uint32_t permissions, std::string &text);
  void takeMode();
  bool flush(std::string &text);
  bool finish(std::string &text);
  bool rename(std::string &text);
  void keepOld();
  void undo();

  /// What is written is collected, and goes out in pieces that begin at multiples of this: of such
  /// pieces the system makes large pages of memory where it can, and scattered ones of 4 KiB of
  /// others. Weights that are mapped are read up to 1.6 times as fast from these
  /// (docs/performance/low-bit.md).
  static constexpr size_t pieceBytes = size_t(8) << 20;

  std::vector<char> piece;
  int descriptor = -1;
  HeldFile held;
  std::string name;      ///< as it was given
  std::string target;    ///< what that leads to
  std::string temporary; ///< empty when written directly
  std::string old;       ///< another name of what `target` was, until this is destroyed
  bool isNew = false;    ///< there was nothing
  bool isDevice = false;
  uint32_t mode = 0; ///< of the file that is there
  uint64_t written = 0;
};

/// Gives all of them their names, or none: bytes are on the disk before the first file is
/// replaced, and when one cannot be, those before it are put back. `error` names the file.
bool commitAll(const std::vector<AtomicFile *> &files, std::string &error);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_FILES_H
