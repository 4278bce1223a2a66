//===- Support.h - What the tests of tensor files share -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_IO_SUPPORT_H
#define MAD_TEST_UNIT_IO_SUPPORT_H

#include "runtime/io/TensorFile.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <string_view>
#include <unistd.h>
#include <zlib.h>

namespace mad::io::test {

using namespace std::string_literals;
using namespace std::string_view_literals;

/// A folder that lives as long as a test.
class IoTest : public testing::Test {
protected:
  void SetUp() override {
    // Thousands of small files: in memory where the system has such a folder.
    std::filesystem::path parent = "/dev/shm";
    if (access(parent.c_str(), W_OK) != 0)
      parent = std::filesystem::temp_directory_path();
    std::string pattern = (parent / "mad-io-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string &name) const { return (folder / name).string(); }
  std::string put(std::string_view bytes, const std::string &name = "file") const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  std::string get(const std::string &name = "file") const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }
  /// The message that reading `bytes` is refused with, after the name of the
  /// file; "" when it is not refused.
  std::string refusal(std::string_view bytes, const std::string &name = "") const {
    Tensor tensor;
    std::string error, file = put(bytes);
    if (read(file, name, tensor, error))
      return "";
    std::string prefix = "`" + file + "` ";
    EXPECT_EQ(error.substr(0, prefix.size()), prefix);
    return error.substr(std::min(error.size(), prefix.size()));
  }

  std::filesystem::path folder;
};

template <typename T> std::string little(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i)
    bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  return bytes;
}

template <typename T> std::string raw(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
Tensor tensor(DType dtype, std::vector<int64_t> shape, const std::vector<T> &values) {
  std::optional<Tensor> result = Tensor::make(dtype, std::move(shape));
  EXPECT_EQ(result->bytes, values.size() * sizeof(T));
  std::copy(values.begin(), values.end(), result->as<T>());
  return *result;
}

template <typename T> std::vector<T> values(const Tensor &tensor) {
  EXPECT_EQ(tensor.bytes % sizeof(T), 0u);
  return {tensor.as<T>(), tensor.as<T>() + tensor.bytes / sizeof(T)};
}

inline std::string npy(const std::string &header, const std::string &data = "", int version = 1) {
  std::string bytes = "\x93NUMPY"s + static_cast<char>(version) + '\0';
  bytes += version == 1 ? little(static_cast<uint16_t>(header.size()))
                        : little(static_cast<uint32_t>(header.size()));
  return bytes + header + data;
}
inline std::string npy(const std::string &descr, const std::string &shape, bool fortran,
                       const std::string &data) {
  return npy("{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
                 ", 'shape': " + shape + ", }\n",
             data);
}
/// [[0, 1, 2], [3, 4, 5]] in f32.
inline std::string smallNpy() {
  return npy("<f4", "(2, 3)", false, raw<float>({0, 1, 2, 3, 4, 5}));
}

inline std::string safetensors(std::string header, const std::string &data = "") {
  return little(static_cast<uint64_t>(header.size())) + header + data;
}

/// Makes GGUF files, right and wrong ones.
struct GgufFile {
  struct Entry {
    std::string name;
    std::vector<uint64_t> extents; ///< innermost first
    uint32_t type;
    std::string content;
    std::optional<uint64_t> offset = {};
  };
  std::vector<Entry> entries;
  std::string metadata = {}; ///< encoded pairs
  uint64_t pairs = 0;
  uint32_t version = 3;
  uint64_t alignment = 32;
  std::optional<uint64_t> count = {};

  static std::string text(const std::string &value) {
    return little(uint64_t(value.size())) + value;
  }
  void pair(const std::string &key, uint32_t kind, const std::string &value) {
    metadata += text(key) + little(kind) + value;
    ++pairs;
  }
  std::string bytes() const {
    std::string head = "GGUF" + little(version) + little(count.value_or(entries.size())) +
                       little(pairs) + metadata;
    std::string data;
    for (const Entry &e : entries) {
      data.resize((data.size() + alignment - 1) / alignment * alignment);
      head += text(e.name) + little(static_cast<uint32_t>(e.extents.size()));
      for (uint64_t extent : e.extents)
        head += little(extent);
      head += little(e.type) + little(e.offset.value_or(data.size()));
      data += e.content;
    }
    head.resize((head.size() + alignment - 1) / alignment * alignment);
    return head + data;
  }
};

/// `q`: one block of Q4_0 with the codes 0 and 1, scale 1; `x`: [[0, 1, 2], [3, 4, 5]].
inline std::string smallGguf() {
  GgufFile file;
  file.pair("general.name", 8, GgufFile::text("small"));
  file.pair("list", 9, little(uint32_t(5)) + little(uint64_t(2)) + little(uint64_t(7)));
  file.entries.push_back({"q", {32}, 2, "\0\x3c"s + std::string(16, '\x98')});
  file.entries.push_back({"x", {3, 2}, 0, raw<float>({0, 1, 2, 3, 4, 5})});
  return file.bytes();
}

/// Makes archives, right and wrong ones.
struct Zip {
  struct Member {
    std::string name, content;
    bool deflate = false;
    // What the records say instead of the truth, when set.
    std::optional<std::string> localName = {};
    std::optional<uint16_t> method = {}, localMethod = {}, flags = {};
    std::optional<uint32_t> checksum = {}, packed = {}, unpacked = {}, offset = {};
    std::string extra = {}, packedTail = {};
  };
  std::vector<Member> members;
  std::string front = {}, comment = {};
  std::optional<uint16_t> count = {}, disk = {};
  std::optional<uint32_t> directoryBytes = {}, directoryOffset = {};

  static std::string deflated(const std::string &content) {
    std::string packed(compressBound(content.size()) + 16, '\0');
    z_stream stream = {};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef *>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
  }

  std::string bytes() const {
    std::string file = front, directory;
    for (const Member &m : members) {
      std::string packed = (m.deflate ? deflated(m.content) : m.content) + m.packedTail;
      auto sum = static_cast<uint32_t>(
          crc32(0, reinterpret_cast<const Bytef *>(m.content.data()), m.content.size()));
      uint16_t method = m.method.value_or(m.deflate ? 8 : 0);
      auto common = [&](uint16_t method) {
        return little(uint16_t(20)) + little(m.flags.value_or(0)) + little(method) +
               little(uint32_t(0)) + little(m.checksum.value_or(sum)) +
               little(m.packed.value_or(static_cast<uint32_t>(packed.size()))) +
               little(m.unpacked.value_or(static_cast<uint32_t>(m.content.size())));
      };
      std::string localName = m.localName.value_or(m.name);
      uint32_t offset = m.offset.value_or(static_cast<uint32_t>(file.size()));
      file += "PK\3\4" + common(m.localMethod.value_or(method)) +
              little(static_cast<uint16_t>(localName.size())) + little(uint16_t(0)) + localName +
              packed;
      directory += "PK\1\2" + little(uint16_t(20)) + common(method) +
                   little(static_cast<uint16_t>(m.name.size())) +
                   little(static_cast<uint16_t>(m.extra.size())) + little(uint16_t(0)) +
                   little(uint16_t(0)) + little(uint16_t(0)) + little(uint32_t(0)) +
                   little(offset) + m.name + m.extra;
    }
    auto start = static_cast<uint32_t>(file.size());
    uint16_t number = count.value_or(static_cast<uint16_t>(members.size()));
    file += directory + "PK\5\6" + little(disk.value_or(0)) + little(disk.value_or(0)) +
            little(number) + little(number) +
            little(directoryBytes.value_or(static_cast<uint32_t>(directory.size()))) +
            little(directoryOffset.value_or(start)) +
            little(static_cast<uint16_t>(comment.size())) + comment;
    return file;
  }
};

/// Two tensors, the second one compressed.
inline Zip smallZip() {
  return {{{"x.npy", smallNpy()}, {"y.npy", npy("<i8", "()", false, little(int64_t(7))), true}}};
}

} // namespace mad::io::test

#endif // MAD_TEST_UNIT_IO_SUPPORT_H
