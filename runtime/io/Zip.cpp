//===- Zip.cpp - The .npz container --------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The directory at the end of an archive is the truth; the record in front of
// each member must agree with it. Sizes above 4 GiB are in "zip64" records.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Zip.h"

#include <algorithm>
#include <zlib.h>

using namespace mad::io;

namespace {

constexpr uint32_t localMagic = 0x04034b50, directoryMagic = 0x02014b50, endMagic = 0x06054b50,
                   end64Magic = 0x06064b50, locatorMagic = 0x07064b50;
constexpr uint64_t endBytes = 22, end64Bytes = 56, locatorBytes = 20, directoryBytes = 46,
                   localBytes = 30;
constexpr uint32_t elsewhere = 0xffffffff; ///< the number is in a zip64 record
constexpr uint16_t zip64Field = 1;
/// No deflate stream grows by more than this factor.
constexpr uint64_t maxGrowth = 1032;

bool fail(std::string &text, std::string reason) {
  text = "is a bad archive: " + std::move(reason);
  return false;
}

struct Directory {
  uint64_t offset = 0, bytes = 0, members = 0;
};

/// Replaces `directory` by the numbers of the zip64 end record, whose locator
/// lies right before the end record at `end`.
bool readEnd64(const Input &input, uint64_t end, Directory &directory, bool &found,
               uint64_t &recordStart, std::string &text) {
  found = false;
  uint8_t buffer[end64Bytes];
  if (end < locatorBytes)
    return true;
  if (!input.read(end - locatorBytes, buffer, locatorBytes, text))
    return false;
  Cursor locator(buffer, locatorBytes);
  uint32_t magic = 0, disk = 0, disks = 0;
  locator.u32(magic);
  if (magic != locatorMagic)
    return true;
  locator.u32(disk);
  locator.u64(recordStart);
  locator.u32(disks);
  if (disk != 0 || disks != 1)
    return fail(text, "it is one of several volumes");
  if (end - locatorBytes < end64Bytes || recordStart != end - locatorBytes - end64Bytes)
    return fail(text, "its zip64 end record is not where the locator says");
  if (!input.read(recordStart, buffer, end64Bytes, text))
    return false;
  Cursor record(buffer, end64Bytes);
  uint64_t length = 0, membersHere = 0, members = 0;
  uint32_t directoryDisk = 0;
  record.u32(magic);
  record.u64(length);
  record.skip(4);
  record.u32(disk);
  record.u32(directoryDisk);
  record.u64(membersHere);
  record.u64(members);
  if (magic != end64Magic || length != end64Bytes - 12 || disk != 0 || directoryDisk != 0 ||
      membersHere != members)
    return fail(text, "its zip64 end record is damaged");
  Directory wide;
  wide.members = members;
  record.u64(wide.bytes);
  record.u64(wide.offset);
  if ((directory.members != 0xffff && directory.members != wide.members) ||
      (directory.bytes != elsewhere && directory.bytes != wide.bytes) ||
      (directory.offset != elsewhere && directory.offset != wide.offset))
    return fail(text, "its two end records disagree");
  directory = wide;
  found = true;
  return true;
}

bool findDirectory(const Input &input, Directory &directory, std::string &text) {
  uint64_t tail = std::min<uint64_t>(input.size(), endBytes + 0xffff);
  std::vector<uint8_t> bytes(tail);
  uint64_t start = input.size() - tail;
  if (!input.read(start, bytes.data(), tail, text))
    return false;
  for (uint64_t at = tail; at-- > 0;) {
    Cursor cursor(bytes.data() + at, tail - at);
    uint32_t magic = 0, size = 0, offset = 0;
    uint16_t disk = 0, directoryDisk = 0, membersHere = 0, members = 0, comment = 0;
    if (!cursor.u32(magic) || magic != endMagic || !cursor.u16(disk) ||
        !cursor.u16(directoryDisk) || !cursor.u16(membersHere) || !cursor.u16(members) ||
        !cursor.u32(size) || !cursor.u32(offset) || !cursor.u16(comment) ||
        comment != cursor.remaining())
      continue;
    if (disk != 0 || directoryDisk != 0 || membersHere != members)
      return fail(text, "it is one of several volumes");
    directory = {offset, size, members};
    uint64_t end = start + at, recordStart = 0;
    bool wide = false;
    if (!readEnd64(input, end, directory, wide, recordStart, text))
      return false;
    uint64_t stop = wide ? recordStart : end;
    if (directory.bytes > stop || directory.offset != stop - directory.bytes)
      return fail(text, "its directory has " + std::to_string(directory.bytes) +
                            " bytes from byte " + std::to_string(directory.offset) +
                            "; expected it to end at byte " + std::to_string(stop));
    if (directory.members > directory.bytes / directoryBytes)
      return fail(text, "its directory of " + std::to_string(directory.bytes) +
                            " bytes cannot hold " + std::to_string(directory.members) + " members");
    return true;
  }
  return fail(text, "its directory is missing; the file may be cut off");
}

/// Takes from the extra fields the numbers that did not fit into 32 bits.
bool widen(std::string_view extra, ZipMember &member, uint64_t &local, uint16_t disk) {
  Cursor fields(reinterpret_cast<const uint8_t *>(extra.data()), extra.size());
  std::string_view wide;
  bool found = false;
  while (fields.remaining() > 0) {
    uint16_t id = 0, length = 0;
    std::string_view content;
    if (!fields.u16(id) || !fields.u16(length) || !fields.bytes(length, content))
      return false;
    if (id != zip64Field)
      continue;
    if (found)
      return false;
    found = true;
    wide = content;
  }
  Cursor numbers(reinterpret_cast<const uint8_t *>(wide.data()), wide.size());
  return (member.unpacked != elsewhere || numbers.u64(member.unpacked)) &&
         (member.packed != elsewhere || numbers.u64(member.packed)) &&
         (local != elsewhere || numbers.u64(local)) && disk == 0;
}

/// Reads the record in front of a member and sets where its bytes start.
bool readLocal(const Input &input, uint64_t local, uint64_t limit, uint16_t method,
               ZipMember &member, std::string &text) {
  std::string where = "member " + ticked(member.name);
  if (local > limit || limit - local < localBytes)
    return fail(text, where + " starts outside of the file");
  uint8_t buffer[localBytes];
  if (!input.read(local, buffer, localBytes, text))
    return false;
  Cursor record(buffer, localBytes);
  uint32_t magic = 0;
  uint16_t localMethod = 0, nameLength = 0, extraLength = 0;
  record.u32(magic);
  record.skip(4);
  record.u16(localMethod);
  record.skip(16);
  record.u16(nameLength);
  record.u16(extraLength);
  if (magic != localMagic || localMethod != method || nameLength != member.name.size())
    return fail(text, where + " does not agree with the directory");
  uint64_t head = localBytes + nameLength + extraLength;
  if (head > limit - local || member.packed > limit - local - head)
    return fail(text, where + " has " + std::to_string(member.packed) +
                          " bytes, which do not fit into the file");
  std::string name(nameLength, '\0');
  if (!input.read(local + localBytes, name.data(), nameLength, text))
    return false;
  if (name != member.name)
    return fail(text, where + " is called " + ticked(name) + " in its own record");
  member.data = local + head;
  return true;
}

/// Reads one record of the directory; `local` is where the member's own record is.
bool readMember(const Input &input, Cursor &cursor, uint64_t limit, ZipMember &member,
                uint64_t &local, std::string &text) {
  uint32_t magic = 0, packed = 0, unpacked = 0, offset = 0;
  uint16_t flags = 0, method = 0, nameLength = 0, extraLength = 0, commentLength = 0, disk = 0;
  std::string_view name, extra;
  bool whole = cursor.u32(magic) && cursor.skip(4) && cursor.u16(flags) && cursor.u16(method) &&
               cursor.skip(4) && cursor.u32(member.checksum) && cursor.u32(packed) &&
               cursor.u32(unpacked) && cursor.u16(nameLength) && cursor.u16(extraLength) &&
               cursor.u16(commentLength) && cursor.u16(disk) && cursor.skip(6) &&
               cursor.u32(offset) && cursor.bytes(nameLength, name) &&
               cursor.bytes(extraLength, extra) && cursor.skip(commentLength);
  if (!whole || magic != directoryMagic)
    return fail(text, "its directory is damaged");
  member.name = name;
  member.packed = packed;
  member.unpacked = unpacked;
  member.deflated = method == 8;
  local = offset;
  std::string where = "member " + ticked(name);
  if (flags & 1)
    return fail(text, where + " is encrypted");
  if (method != 0 && method != 8)
    return fail(text, where + " has compression method " + std::to_string(method) +
                          "; expected 0 (stored) or 8 (deflate)");
  if (!widen(extra, member, local, disk))
    return fail(text, where + " has damaged extra fields");
  if (!readLocal(input, local, limit, method, member, text))
    return false;
  if (!member.deflated && member.packed != member.unpacked)
    return fail(text, where + " is stored in " + std::to_string(member.packed) +
                          " bytes, but has " + std::to_string(member.unpacked));
  if (member.deflated && member.unpacked / maxGrowth > member.packed)
    return fail(text, where + " cannot grow from " + std::to_string(member.packed) + " to " +
                          std::to_string(member.unpacked) + " bytes");
  return true;
}

/// The content of a deflated member.
class InflateStream : public Stream {
public:
  InflateStream(const Input &input, const ZipMember &member)
      : input(input), offset(member.data), left(member.packed), buffer(1 << 16) {
    ready = inflateInit2(&state, -MAX_WBITS) == Z_OK;
  }
  ~InflateStream() override {
    if (ready)
      inflateEnd(&state);
  }
  bool read(void *bytes, uint64_t count, std::string &text) override;
  /// True when the compressed data ends here, with all its bytes used.
  bool atEnd(std::string &text);

private:
  bool fill(std::string &text) {
    if (state.avail_in > 0 || left == 0)
      return true;
    uint64_t step = std::min<uint64_t>(left, buffer.size());
    if (!input.read(offset, buffer.data(), step, text))
      return false;
    offset += step;
    left -= step;
    state.next_in = buffer.data();
    state.avail_in = static_cast<uInt>(step);
    return true;
  }

  const Input &input;
  uint64_t offset, left;
  std::vector<uint8_t> buffer;
  z_stream state = {};
  bool ready = false, ended = false;
};

bool InflateStream::read(void *bytes, uint64_t count, std::string &text) {
  if (!ready)
    return fail(text, "not enough memory to decompress it");
  auto *to = static_cast<uint8_t *>(bytes);
  while (count > 0) {
    if (ended)
      return fail(text, "compressed data ends too early");
    if (!fill(text))
      return false;
    auto step = static_cast<uInt>(std::min<uint64_t>(count, 1u << 30));
    state.next_out = to;
    state.avail_out = step;
    int status = inflate(&state, Z_NO_FLUSH);
    // Z_BUF_ERROR: no progress, so the input ran out.
    if (status != Z_OK && status != Z_STREAM_END)
      return fail(text, "compressed data is damaged");
    ended = status == Z_STREAM_END;
    to += step - state.avail_out;
    count -= step - state.avail_out;
  }
  return true;
}

bool InflateStream::atEnd(std::string &text) {
  while (!ended) {
    if (!fill(text))
      return false;
    uint8_t surplus;
    state.next_out = &surplus;
    state.avail_out = 1;
    int status = inflate(&state, Z_NO_FLUSH);
    if ((status != Z_OK && status != Z_STREAM_END) || state.avail_out == 0)
      return fail(text, "compressed data does not end where it should");
    ended = status == Z_STREAM_END;
  }
  return (left == 0 && state.avail_in == 0) || fail(text, "bytes follow after the compressed data");
}

/// Counts and sums the bytes of a member.
class MemberStream : public Stream {
public:
  MemberStream(const Input &input, const ZipMember &member)
      : member(member), left(member.unpacked), sum(static_cast<uint32_t>(crc32(0, nullptr, 0))) {
    if (member.deflated)
      inflated = std::make_unique<InflateStream>(input, member);
    else
      stored = std::make_unique<RangeStream>(input, member.data, member.packed);
  }
  bool read(void *bytes, uint64_t count, std::string &text) override {
    if (count > left)
      return fail(text, "member " + ticked(member.name) + " is cut off");
    Stream &source = inflated ? static_cast<Stream &>(*inflated) : *stored;
    if (!source.read(bytes, count, text))
      return false;
    sum = static_cast<uint32_t>(crc32_z(sum, static_cast<const Bytef *>(bytes), count));
    left -= count;
    if (left > 0)
      return true;
    if (inflated && !inflated->atEnd(text))
      return false;
    return sum == member.checksum ||
           fail(text, "member " + ticked(member.name) + " does not match its checksum");
  }

private:
  const ZipMember &member;
  std::unique_ptr<InflateStream> inflated;
  std::unique_ptr<RangeStream> stored;
  uint64_t left;
  uint32_t sum;
};

template <typename T> void put(std::string &bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

} // namespace

bool mad::io::readZip(const Input &input, std::vector<ZipMember> &members, std::string &text) {
  Directory directory;
  if (!findDirectory(input, directory, text))
    return false;
  std::vector<uint8_t> bytes(directory.bytes);
  if (!input.read(directory.offset, bytes.data(), directory.bytes, text))
    return false;
  Cursor cursor(bytes.data(), directory.bytes);
  struct Range {
    uint64_t begin, end;
  };
  std::vector<Range> ranges;
  std::vector<std::string> names;
  for (uint64_t i = 0; i < directory.members; ++i) {
    ZipMember member;
    uint64_t local = 0;
    if (!readMember(input, cursor, directory.offset, member, local, text))
      return false;
    ranges.push_back({local, member.data + member.packed});
    names.push_back(member.name);
    members.push_back(std::move(member));
  }
  if (cursor.remaining() > 0)
    return fail(text, "its directory has more records than it says");

  std::sort(ranges.begin(), ranges.end(),
            [](const Range &a, const Range &b) { return a.begin < b.begin; });
  uint64_t previous = 0;
  for (const Range &range : ranges) {
    if (range.begin < previous)
      return fail(text, "two members overlap at byte " + std::to_string(range.begin));
    previous = range.end;
  }
  if (!ranges.empty() && ranges.front().begin != 0)
    return fail(text, "bytes stand before the first member");
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() || fail(text, "member " + ticked(*twice) + " is there twice");
}

std::unique_ptr<Stream> mad::io::openMember(const Input &input, const ZipMember &member) {
  return std::make_unique<MemberStream>(input, member);
}

bool ZipWriter::add(const std::string &name, std::string_view head, const void *body,
                    uint64_t count, std::string &text) {
  uLong sum = crc32_z(0, reinterpret_cast<const Bytef *>(head.data()), head.size());
  // A null body would restart the sum.
  if (count > 0)
    sum = crc32_z(sum, static_cast<const Bytef *>(body), count);
  uint64_t size = head.size() + count;

  // Sizes always stand in zip64 fields, so that there is one way to write and to
  // test; the time is the first one that the format has, so that equal tensors
  // make equal files.
  constexpr uint16_t version = 45, utf8 = 0x800, stored = 0, time = 0, date = 0x21;
  std::string common;
  put<uint16_t>(common, version);
  put<uint16_t>(common, utf8);
  put<uint16_t>(common, stored);
  put<uint16_t>(common, time);
  put<uint16_t>(common, date);
  put<uint32_t>(common, static_cast<uint32_t>(sum));
  put<uint32_t>(common, elsewhere);
  put<uint32_t>(common, elsewhere);
  put<uint16_t>(common, static_cast<uint16_t>(name.size()));

  std::string record;
  put<uint32_t>(record, localMagic);
  record += common;
  put<uint16_t>(record, 20); // bytes of extra fields
  record += name;
  put<uint16_t>(record, zip64Field);
  put<uint16_t>(record, 16);
  put<uint64_t>(record, size);
  put<uint64_t>(record, size);

  put<uint32_t>(directory, directoryMagic);
  put<uint16_t>(directory, version);
  directory += common;
  put<uint16_t>(directory, 28); // bytes of extra fields
  put<uint16_t>(directory, 0);  // of the comment
  put<uint16_t>(directory, 0);  // volume
  put<uint16_t>(directory, 0);  // attributes
  put<uint32_t>(directory, 0);
  put<uint32_t>(directory, elsewhere);
  directory += name;
  put<uint16_t>(directory, zip64Field);
  put<uint16_t>(directory, 24);
  put<uint64_t>(directory, size);
  put<uint64_t>(directory, size);
  put<uint64_t>(directory, position);

  ++members;
  position += record.size() + size;
  return file.write(record, text) && file.write(head, text) && file.write(body, count, text);
}

bool ZipWriter::finish(std::string &text) {
  uint64_t start = position, bytes = directory.size();
  constexpr uint16_t version = 45;
  put<uint32_t>(directory, end64Magic);
  put<uint64_t>(directory, end64Bytes - 12);
  put<uint16_t>(directory, version);
  put<uint16_t>(directory, version);
  put<uint32_t>(directory, 0);
  put<uint32_t>(directory, 0);
  put<uint64_t>(directory, members);
  put<uint64_t>(directory, members);
  put<uint64_t>(directory, bytes);
  put<uint64_t>(directory, start);

  put<uint32_t>(directory, locatorMagic);
  put<uint32_t>(directory, 0);
  put<uint64_t>(directory, start + bytes);
  put<uint32_t>(directory, 1);

  put<uint32_t>(directory, endMagic);
  put<uint16_t>(directory, 0);
  put<uint16_t>(directory, 0);
  put<uint16_t>(directory, 0xffff);
  put<uint16_t>(directory, 0xffff);
  put<uint32_t>(directory, elsewhere);
  put<uint32_t>(directory, elsewhere);
  put<uint16_t>(directory, 0);
  return file.write(directory, text);
}
