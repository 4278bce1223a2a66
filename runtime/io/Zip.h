//===- Zip.h - The .npz container ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_ZIP_H
#define MAD_RUNTIME_IO_ZIP_H

#include "runtime/io/Files.h"
#include <memory>
#include <vector>

namespace mad::io {

/// One file in an archive. All numbers have been checked against the archive.
struct ZipMember {
  std::string name;
  bool deflated = false;
  uint32_t checksum = 0;
  uint64_t packed = 0;   ///< bytes in the archive
  uint64_t unpacked = 0; ///< bytes of the file
  uint64_t data = 0;     ///< where the packed bytes start
};

/// Lists an archive. Archives that hide bytes are refused: data before the first
/// or after the last record, members that overlap, names that occur twice.
bool readZip(const Input &input, std::vector<ZipMember> &members, std::string &text);

/// The content of a member. The read that reaches its end compares the checksum.
std::unique_ptr<Stream> openMember(const Input &input, const ZipMember &member);

/// Writes an archive of uncompressed members.
class ZipWriter {
public:
  explicit ZipWriter(AtomicFile &file) : file(file) {}
  /// Adds a member that consists of `head` and then `count` bytes at `body`.
  bool add(const std::string &name, std::string_view head, const void *body, uint64_t count,
           std::string &text);
  bool finish(std::string &text);

private:
  AtomicFile &file;
  uint64_t position = 0;
  uint64_t members = 0;
  std::string directory;
};

} // namespace mad::io

#endif // MAD_RUNTIME_IO_ZIP_H
