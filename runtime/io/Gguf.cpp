//===- Gguf.cpp - The GGUF format ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `GGUF`, version, two counts, metadata, descriptions of tensors, elements.
// Versions 2 and 3, little-endian. Files are read by ranges instead of being
// mapped: a file that another program cuts off meanwhile is an error, not a
// signal, and elements of most formats have to be decoded anyway.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <set>

using namespace mad::io;

namespace {

constexpr uint64_t maxNameBytes = 1024, maxKeyBytes = 65535, maxTextBytes = 1u << 30;
constexpr uint32_t maxRank = 4, maxNesting = 4;
constexpr uint64_t defaultAlignment = 32, maxAlignment = 1u << 20;
// The fewest bytes of a pair of metadata, and of a description.
constexpr uint64_t minPairBytes = 8 + 4 + 1, minTensorBytes = 8 + 4 + 4 + 8;

/// Reads the header from front to end through a window of the file.
class Reader {
public:
  Reader(const Input &input, std::string &text) : input(input), text(text) {}

  uint64_t position() const { return at; }
  uint64_t remaining() const { return input.size() - at; }

  bool fail(const std::string &reason) {
    text = "is not a good GGUF file: " + reason;
    return false;
  }
  template <typename T> bool number(T &value, const char *what) {
    std::array<uint8_t, sizeof(T)> bytes;
    if (!copy(bytes.data(), sizeof(T), what))
      return false;
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(T); ++i)
      bits |= static_cast<uint64_t>(bytes[i]) << 8 * i;
    value = static_cast<T>(bits);
    return true;
  }
  /// A length of 8 bytes and the bytes of a text.
  bool string(std::string &value, uint64_t longest, const char *what) {
    uint64_t length = 0;
    if (!number(length, what))
      return false;
    if (length > longest || length > remaining())
      return fail(std::string(what) + " at byte " + std::to_string(at - 8) + " has " +
                  std::to_string(length) + " bytes; expected at most " +
                  std::to_string(std::min(longest, remaining())));
    value.resize(length);
    return copy(reinterpret_cast<uint8_t *>(value.data()), length, what);
  }
  bool skip(uint64_t count, const char *what) {
    if (count > remaining())
      return cutOff(count, what);
    at += count;
    return true;
  }

private:
  bool cutOff(uint64_t count, const char *what) {
    return fail("it is cut off at byte " + std::to_string(input.size()) + ", in " + what +
                " at byte " + std::to_string(at) + " of " + std::to_string(count) + " bytes");
  }
  bool copy(uint8_t *bytes, uint64_t count, const char *what) {
    if (count > remaining())
      return cutOff(count, what);
    if (count > window.size()) {
      if (!input.read(at, bytes, count, text))
        return false;
      at += count;
      return true;
    }
    if (at < start || at + count > start + filled) {
      start = at;
      filled = std::min<uint64_t>(window.size(), remaining());
      if (!input.read(start, window.data(), filled, text))
        return false;
    }
    memcpy(bytes, window.data() + (at - start), count);
    at += count;
    return true;
  }

  const Input &input;
  std::string &text;
  std::array<uint8_t, 16384> window;
  uint64_t start = 0, filled = 0; ///< the range of the file in `window`
  uint64_t at = 0;
};

enum Kind : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64, Kinds };
constexpr std::array<uint32_t, Kinds> kindBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::array<const char *, Kinds> kindNames = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "text", "list", "u64", "i64", "f64"};

std::string floating(double value) {
  char buffer[32];
  snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

std::string scalarText(Kind kind, uint64_t bits) {
  switch (kind) {
  case I8:
    return std::to_string(static_cast<int8_t>(bits));
  case I16:
    return std::to_string(static_cast<int16_t>(bits));
  case I32:
    return std::to_string(static_cast<int32_t>(bits));
  case I64:
    return std::to_string(static_cast<int64_t>(bits));
  case F32:
    return floating(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  case F64:
    return floating(std::bit_cast<double>(bits));
  case Bool:
    return bits ? "true" : "false";
  default:
    return std::to_string(bits);
  }
}

class HeaderReader {
public:
  HeaderReader(const Input &input, Gguf &file, std::string &text)
      : file(file), reader(input, text) {}
  bool read();

private:
  bool start(uint64_t &tensors, uint64_t &pairs);
  bool pair();
  bool scalar(Kind kind, uint64_t &bits);
  /// Skips the elements of a list; `described` says what it holds.
  bool list(uint32_t depth, std::string &described);
  bool tensor();
  bool shape(GgufTensor &entry);
  bool place();

  Gguf &file;
  Reader reader;
  std::set<std::string> keys, names;
  uint64_t alignment = defaultAlignment;
};

bool HeaderReader::start(uint64_t &tensors, uint64_t &pairs) {
  uint32_t magic = 0, version = 0;
  if (!reader.number(magic, "its first word") || !reader.number(version, "its version"))
    return false;
  if (version == 2u << 24 || version == 3u << 24)
    return reader.fail("it is big-endian; expected little-endian numbers");
  if (version != 2 && version != 3)
    return reader.fail("it has version " + std::to_string(version) + "; expected 2 or 3");
  if (!reader.number(tensors, "the number of tensors") ||
      !reader.number(pairs, "the number of metadata"))
    return false;
  if (pairs > reader.remaining() / minPairBytes)
    return reader.fail("it cannot hold " + std::to_string(pairs) + " metadata in " +
                       std::to_string(reader.remaining()) + " bytes");
  if (tensors > reader.remaining() / minTensorBytes)
    return reader.fail("it cannot hold " + std::to_string(tensors) + " tensors in " +
                       std::to_string(reader.remaining()) + " bytes");
  return true;
}

bool HeaderReader::scalar(Kind kind, uint64_t &bits) {
  uint8_t byte = 0;
  uint16_t word = 0;
  uint32_t wide = 0;
  switch (kindBytes[kind]) {
  case 1:
    if (!reader.number(byte, "a value"))
      return false;
    bits = byte;
    if (kind == Bool && byte > 1)
      return reader.fail("the bool at byte " + std::to_string(reader.position() - 1) + " is " +
                         std::to_string(byte) + "; expected 0 or 1");
    return true;
  case 2:
    if (!reader.number(word, "a value"))
      return false;
    bits = word;
    return true;
  case 4:
    if (!reader.number(wide, "a value"))
      return false;
    bits = wide;
    return true;
  default:
    return reader.number(bits, "a value");
  }
}

bool HeaderReader::list(uint32_t depth, std::string &described) {
  uint32_t kind = 0;
  uint64_t count = 0;
  if (!reader.number(kind, "the type of a list") || !reader.number(count, "the length of a list"))
    return false;
  if (kind >= Kinds)
    return reader.fail("the list at byte " + std::to_string(reader.position() - 12) +
                       " has elements of type " + std::to_string(kind) + "; expected 0 to 12");
  described = "[" + std::to_string(count) + " x " + kindNames[kind] + "]";
  // The fewest bytes of an element: those of a length, or of a type and a length.
  uint64_t least = kind == String ? 8 : kind == Array ? 12 : kindBytes[kind];
  if (count > reader.remaining() / least)
    return reader.fail("the list at byte " + std::to_string(reader.position() - 12) + " has " +
                       std::to_string(count) + " elements, which do not fit into the file");
  if (kind != String && kind != Array)
    return reader.skip(count * least, "a list");
  if (kind == Array && depth == maxNesting)
    return reader.fail("the list at byte " + std::to_string(reader.position() - 12) +
                       " is nested too deep; expected at most " + std::to_string(maxNesting));
  for (uint64_t i = 0; i < count; ++i) {
    std::string inner;
    uint64_t length = 0;
    if (kind == Array ? !list(depth + 1, inner)
                      : !reader.number(length, "a text") || !reader.skip(length, "a text"))
      return false;
  }
  return true;
}

bool HeaderReader::pair() {
  Metadata data;
  uint32_t kind = 0;
  if (!reader.string(data.key, maxKeyBytes, "a key"))
    return false;
  if (!keys.insert(data.key).second)
    return reader.fail("the key " + ticked(data.key) + " is there twice");
  if (!reader.number(kind, "the type of a value"))
    return false;
  if (kind >= Kinds)
    return reader.fail("the value of " + ticked(data.key) + " has type " + std::to_string(kind) +
                       "; expected 0 to 12");
  uint64_t bits = 0;
  if (kind == String) {
    std::string value;
    if (!reader.string(value, maxTextBytes, "a text"))
      return false;
    // In back-ticks, cut, and without control characters: it goes to a terminal.
    data.text = ticked(value);
  } else if (kind == Array) {
    if (!list(1, data.text))
      return false;
  } else {
    if (!scalar(static_cast<Kind>(kind), bits))
      return false;
    data.text = scalarText(static_cast<Kind>(kind), bits);
  }
  if (data.key == "general.alignment") {
    if (kind != U32 || bits == 0 || bits % 8 != 0 || bits > maxAlignment)
      return reader.fail("`general.alignment` is " + data.text + " (" + kindNames[kind] +
                         "); expected a u32, a multiple of 8, at most " +
                         std::to_string(maxAlignment));
    alignment = bits;
  }
  file.metadata.push_back(std::move(data));
  return true;
}

/// Extents are stored innermost first; checks that the bytes can be counted.
bool HeaderReader::shape(GgufTensor &entry) {
  uint32_t rank = 0;
  if (!reader.number(rank, "a number of dimensions"))
    return false;
  if (rank > maxRank)
    return reader.fail("tensor " + ticked(entry.name) + " has " + std::to_string(rank) +
                       " dimensions; expected at most " + std::to_string(maxRank));
  entry.shape.resize(rank);
  uint64_t elements = 1;
  bool overflow = false, empty = false;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t extent = 0;
    if (!reader.number(extent, "an extent"))
      return false;
    overflow |= extent > static_cast<uint64_t>(INT64_MAX);
    empty |= extent == 0;
    if (extent)
      overflow |= __builtin_mul_overflow(elements, extent, &elements);
    entry.shape[rank - 1 - i] = static_cast<int64_t>(extent);
  }
  uint32_t id = 0;
  if (!reader.number(id, "a type"))
    return false;
  entry.type = ggufType(id);
  if (!entry.type)
    return reader.fail("tensor " + ticked(entry.name) + " has type " + std::to_string(id) +
                       ", which is not known");
  uint64_t row = rank ? static_cast<uint64_t>(entry.shape.back()) : 1;
  if (row % entry.type->elements != 0)
    return reader.fail("tensor " + ticked(entry.name) + " has rows of " + std::to_string(row) +
                       " elements; expected a multiple of " + std::to_string(entry.type->elements) +
                       ", the block of " + entry.type->name);
  overflow |=
      __builtin_mul_overflow(elements / entry.type->elements, entry.type->bytes, &entry.bytes);
  if (overflow)
    return reader.fail("tensor " + ticked(entry.name) + " has a shape whose size overflows");
  entry.bytes = empty ? 0 : entry.bytes;
  return true;
}

bool HeaderReader::tensor() {
  GgufTensor entry;
  if (!reader.string(entry.name, maxNameBytes, "the name of a tensor"))
    return false;
  if (!names.insert(entry.name).second)
    return reader.fail("tensor " + ticked(entry.name) + " is there twice");
  if (!shape(entry) || !reader.number(entry.begin, "an offset"))
    return false;
  if (entry.begin % alignment != 0)
    return reader.fail("tensor " + ticked(entry.name) + " starts at byte " +
                       std::to_string(entry.begin) + " of the elements; expected a multiple of " +
                       std::to_string(alignment));
  file.tensors.push_back(std::move(entry));
  return true;
}

/// Every tensor lies in the file, and no two share bytes.
bool HeaderReader::place() {
  uint64_t begin = reader.position(), padding = (alignment - begin % alignment) % alignment;
  // A file without elements need not be padded.
  uint64_t elements = padding < reader.remaining() ? reader.remaining() - padding : 0;
  std::vector<const GgufTensor *> order;
  for (GgufTensor &entry : file.tensors) {
    if (entry.begin > elements || entry.bytes > elements - entry.begin)
      return reader.fail("tensor " + ticked(entry.name) + " has " + std::to_string(entry.bytes) +
                         " bytes at byte " + std::to_string(entry.begin) +
                         " of the elements, but there are " + std::to_string(elements));
    entry.begin += begin + padding;
    if (entry.bytes)
      order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(),
            [](const GgufTensor *a, const GgufTensor *b) { return a->begin < b->begin; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i]->begin < order[i - 1]->begin + order[i - 1]->bytes)
      return reader.fail("tensors " + ticked(order[i - 1]->name) + " and " +
                         ticked(order[i]->name) + " overlap");
  return true;
}

bool HeaderReader::read() {
  uint64_t tensors = 0, pairs = 0;
  if (!start(tensors, pairs))
    return false;
  for (uint64_t i = 0; i < pairs; ++i)
    if (!pair())
      return false;
  for (uint64_t i = 0; i < tensors; ++i)
    if (!tensor())
      return false;
  return place();
}

} // namespace

bool mad::io::readGguf(const Input &input, Gguf &file, std::string &text) {
  return HeaderReader(input, file, text).read();
}

bool mad::io::readGgufTensor(const Input &input, const GgufTensor &entry, Tensor &tensor,
                             std::string &text) {
  const GgufType &type = *entry.type;
  std::optional<Tensor> made = Tensor::make(type.dtype, entry.shape);
  if (!made) {
    text = "has the tensor " + ticked(entry.name) + ", which does not fit into memory";
    return false;
  }
  tensor = std::move(*made);
  if (!type.decode)
    return input.read(entry.begin, tensor.data.get(), tensor.bytes, text);

  uint64_t blocks = entry.bytes / type.bytes, step = std::max<uint64_t>(1, 65536 / type.bytes);
  std::vector<uint8_t> packed(step * type.bytes);
  float *elements = tensor.as<float>();
  for (uint64_t first = 0; first < blocks; first += step) {
    uint64_t count = std::min(step, blocks - first);
    if (!input.read(entry.begin + first * type.bytes, packed.data(), count * type.bytes, text))
      return false;
    for (uint64_t i = 0; i < count; ++i) {
      if (!type.decode(packed.data() + i * type.bytes, elements + (first + i) * type.elements)) {
        text = "has the tensor " + ticked(entry.name) + ", whose block " +
               std::to_string(first + i) + " (" + type.name + ", at byte " +
               std::to_string(entry.begin + (first + i) * type.bytes) +
               ") has a scale that is not a finite number";
        return false;
      }
    }
  }
  return true;
}

bool mad::io::readGgufBlocks(const std::string &path, const std::string &name, GgufTensor &entry,
                             std::vector<uint8_t> &bytes, std::string &text) {
  Input input;
  Gguf file;
  auto fail = [&](const std::string &why) {
    text = ticked(path) + " " + why;
    return false;
  };
  if (!input.open(path, text) || !readGguf(input, file, text))
    return fail(text);
  auto found = std::find_if(file.tensors.begin(), file.tensors.end(),
                            [&](const GgufTensor &tensor) { return tensor.name == name; });
  if (found == file.tensors.end())
    return fail("has no tensor " + ticked(name));
  // Also checks that all scales are finite.
  Tensor numbers;
  if (!readGgufTensor(input, *found, numbers, text))
    return fail(text);
  entry = *found;
  bytes.resize(entry.bytes);
  return input.read(entry.begin, bytes.data(), entry.bytes, text) || fail(text);
}
