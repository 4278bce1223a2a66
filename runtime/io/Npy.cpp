//===- Npy.cpp - The .npy format -----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `\x93NUMPY`, version, length of the header, a Python dict as text, elements.
// Only what NumPy itself writes is accepted.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>

using namespace mad::io;

namespace {

constexpr uint64_t maxHeader = 64 * 1024;
constexpr size_t maxRank = 32;
constexpr std::string_view magic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;
};

/// Scans exactly `{'descr': text, 'fortran_order': bool, 'shape': tuple}`.
class Scanner {
public:
  Scanner(std::string_view source, std::string &text) : source(source), text(text) {}
  NpyStatus dict(Header &header);

private:
  NpyStatus value(std::string_view key, Header &header);
  bool string(std::string &value);
  bool boolean(bool &value);
  bool tuple(std::vector<int64_t> &shape);

  void space() {
    while (position < source.size() &&
           (source[position] == ' ' || source[position] == '\n' || source[position] == '\t'))
      ++position;
  }
  bool take(std::string_view word) {
    space();
    if (source.substr(position, word.size()) != word)
      return false;
    position += word.size();
    return true;
  }
  bool fail(const char *expected) {
    space();
    std::string found = position < source.size() ? ticked(source.substr(position, 12)) : "the end";
    text = "has a bad header: found " + found + " at byte " + std::to_string(position) +
           " of the header; expected " + expected;
    return false;
  }

  std::string_view source;
  std::string &text;
  size_t position = 0;
};

bool Scanner::string(std::string &value) {
  space();
  char quote = position < source.size() ? source[position] : 0;
  if (quote != '\'' && quote != '"')
    return fail("a text in quotes");
  size_t end = source.find(quote, position + 1);
  if (end == std::string_view::npos)
    return fail("a text with a closing quote");
  std::string_view content = source.substr(position + 1, end - position - 1);
  if (content.find('\\') != std::string_view::npos)
    return fail("a text without escapes");
  value = content;
  position = end + 1;
  return true;
}

bool Scanner::boolean(bool &value) {
  if (take("True")) {
    value = true;
    return true;
  }
  value = false;
  return take("False") || fail("`True` or `False`");
}

bool Scanner::tuple(std::vector<int64_t> &shape) {
  if (!take("("))
    return fail("the shape in parentheses");
  while (!take(")")) {
    space();
    const char *begin = source.data() + position, *end = source.data() + source.size();
    int64_t extent = 0;
    auto [stop, status] = std::from_chars(begin, end, extent);
    if (status != std::errc() || extent < 0 || *begin == '-')
      return fail("an extent from 0 to 9223372036854775807");
    position += static_cast<size_t>(stop - begin);
    if (shape.size() == maxRank) {
      text = "has more than " + std::to_string(maxRank) + " dimensions";
      return false;
    }
    shape.push_back(extent);
    if (take(","))
      continue;
    // `(3)` would be a number, not a tuple.
    if (shape.size() == 1 || !take(")"))
      return fail("`,` or the end of the shape");
    return true;
  }
  return true;
}

NpyStatus Scanner::value(std::string_view key, Header &header) {
  if (key == "descr") {
    if (take("[")) {
      text = "has elements with fields; expected numbers";
      return NpyStatus::Unsupported;
    }
    return string(header.descr) ? NpyStatus::Ok : NpyStatus::Bad;
  }
  bool good = key == "shape" ? tuple(header.shape) : boolean(header.fortran);
  return good ? NpyStatus::Ok : NpyStatus::Bad;
}

NpyStatus Scanner::dict(Header &header) {
  static constexpr std::string_view keys[] = {"descr", "fortran_order", "shape"};
  bool seen[3] = {};
  auto bad = [this](const char *expected) {
    fail(expected);
    return NpyStatus::Bad;
  };
  if (!take("{"))
    return bad("`{`");
  while (!take("}")) {
    std::string key;
    if (!string(key))
      return NpyStatus::Bad;
    size_t index = static_cast<size_t>(std::find(keys, keys + 3, key) - keys);
    if (index == 3 || seen[index]) {
      text = "has a bad header: key " + ticked(key) + (index == 3 ? " is unknown" : " is twice") +
             "; expected `descr`, `fortran_order` and `shape`";
      return NpyStatus::Bad;
    }
    seen[index] = true;
    if (!take(":"))
      return bad("`:`");
    if (NpyStatus status = value(key, header); status != NpyStatus::Ok)
      return status;
    if (take(","))
      continue;
    if (!take("}"))
      return bad("`,` or `}`");
    break;
  }
  space();
  if (position != source.size())
    return bad("nothing after `}`");
  for (size_t i = 0; i < 3; ++i) {
    if (!seen[i]) {
      text = "has a bad header: key `" + std::string(keys[i]) + "` is missing";
      return NpyStatus::Bad;
    }
  }
  return NpyStatus::Ok;
}

struct Kind {
  std::string_view code;
  DType dtype;
};
constexpr Kind kinds[] = {{"f2", DType::F16}, {"f4", DType::F32}, {"f8", DType::F64},
                          {"i1", DType::I8},  {"i2", DType::I16}, {"i4", DType::I32},
                          {"i8", DType::I64}, {"u1", DType::U8},  {"u2", DType::U16},
                          {"u4", DType::U32}, {"u8", DType::U64}, {"b1", DType::Bool}};

bool elementType(const std::string &descr, DType &dtype, bool &swapped) {
  if (descr.empty())
    return false;
  const Kind *kind = std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind &kind) {
    return kind.code == std::string_view(descr).substr(1);
  });
  if (kind == std::end(kinds))
    return false;
  dtype = kind->dtype;
  char order = descr[0];
  swapped = order == '>';
  if (order == '|')
    return size(dtype) == 1;
  return order == '<' || order == '=' || order == '>';
}

void swapBytes(Tensor &tensor) {
  size_t width = size(tensor.dtype);
  char *bytes = tensor.as<char>();
  for (size_t at = 0; width > 1 && at < tensor.bytes; at += width)
    std::reverse(bytes + at, bytes + at + width);
}

/// From first index fastest to last index fastest.
bool transpose(Tensor &tensor) {
  size_t rank = tensor.shape.size();
  if (rank < 2 || tensor.bytes == 0)
    return true;
  std::optional<Tensor> result = Tensor::make(tensor.dtype, tensor.shape);
  if (!result)
    return false;
  size_t width = size(tensor.dtype);
  std::vector<size_t> strides(rank, width), index(rank, 0);
  for (size_t d = 1; d < rank; ++d)
    strides[d] = strides[d - 1] * static_cast<size_t>(tensor.shape[d - 1]);
  const char *from = tensor.as<char>();
  char *to = result->as<char>();
  for (size_t at = 0; at < tensor.bytes; at += width) {
    memcpy(to + at, from, width);
    for (size_t d = rank; d-- > 0;) {
      from += strides[d];
      if (++index[d] < static_cast<size_t>(tensor.shape[d]))
        break;
      from -= strides[d] * index[d];
      index[d] = 0;
    }
  }
  tensor = std::move(*result);
  return true;
}

bool readElements(Stream &stream, Tensor &tensor, const Header &header, bool swapped,
                  std::string &text) {
  if (!stream.read(tensor.data.get(), tensor.bytes, text))
    return false;
  if (swapped)
    swapBytes(tensor);
  if (tensor.dtype == DType::Bool)
    std::for_each_n(tensor.as<uint8_t>(), tensor.bytes, [](uint8_t &byte) { byte = byte != 0; });
  if (header.fortran && !transpose(tensor)) {
    text = "does not fit into memory";
    return false;
  }
  return true;
}

/// Reads up to the elements; `used` counts the bytes.
NpyStatus readHeader(Stream &stream, uint64_t total, Header &header, uint64_t &used,
                     std::string &text) {
  auto bad = [&text](std::string reason) {
    text = std::move(reason);
    return NpyStatus::Bad;
  };
  uint8_t prelude[12];
  if (total < 10)
    return bad("is cut off: " + std::to_string(total) + " bytes; an array has at least 10");
  if (!stream.read(prelude, 10, text))
    return NpyStatus::Bad;
  if (std::string_view(reinterpret_cast<char *>(prelude), 6) != magic)
    return bad("does not start with `\\x93NUMPY`");
  unsigned major = prelude[6], minor = prelude[7];
  if (major < 1 || major > 3 || minor != 0)
    return bad("has version " + std::to_string(major) + "." + std::to_string(minor) +
               "; expected 1.0, 2.0 or 3.0");
  used = major == 1 ? 10 : 12;
  if (total < used)
    return bad("is cut off in its first " + std::to_string(used) + " bytes");
  if (major > 1 && !stream.read(prelude + 10, 2, text))
    return NpyStatus::Bad;
  uint32_t length = prelude[8] | uint32_t(prelude[9]) << 8;
  if (major > 1)
    length |= uint32_t(prelude[10]) << 16 | uint32_t(prelude[11]) << 24;
  if (length > maxHeader)
    return bad("has a header of " + std::to_string(length) + " bytes; at most " +
               std::to_string(maxHeader) + " are accepted");
  if (length > total - used)
    return bad("is cut off: its header has " + std::to_string(length) + " bytes, but " +
               std::to_string(total - used) + " follow");
  std::string source(length, '\0');
  if (!stream.read(source.data(), length, text))
    return NpyStatus::Bad;
  used += length;
  return Scanner(source, text).dict(header);
}

} // namespace

NpyStatus mad::io::readNpy(Stream &stream, uint64_t total, Entry &entry, Tensor *tensor,
                           std::string &text) {
  Header header;
  uint64_t used = 0;
  if (NpyStatus status = readHeader(stream, total, header, used, text); status != NpyStatus::Ok)
    return status;
  bool swapped = false;
  if (!elementType(header.descr, entry.dtype, swapped)) {
    text = "has elements of type " + ticked(header.descr) +
           "; expected f2, f4, f8, i1 to i8, u1 to u8 or b1 with a byte order";
    return NpyStatus::Unsupported;
  }
  uint64_t bytes = size(entry.dtype);
  bool overflow = false, empty = false;
  for (int64_t extent : header.shape) {
    empty |= extent == 0;
    if (extent > 0)
      overflow |= __builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes);
  }
  if (empty && !overflow)
    bytes = 0;
  if (overflow || bytes != total - used) {
    text = "has " + std::to_string(total - used) + " bytes of elements; its shape and type need " +
           (overflow ? "more than 2^64" : std::to_string(bytes));
    return NpyStatus::Bad;
  }
  entry.shape = header.shape;
  if (!tensor)
    return NpyStatus::Ok;
  std::optional<Tensor> made = Tensor::make(entry.dtype, header.shape);
  if (!made) {
    text = "does not fit into memory: " + std::to_string(bytes) + " bytes";
    return NpyStatus::Bad;
  }
  *tensor = std::move(*made);
  return readElements(stream, *tensor, header, swapped, text) ? NpyStatus::Ok : NpyStatus::Bad;
}

bool mad::io::npyHeader(const Tensor &tensor, std::string &header, std::string &text) {
  const Kind *kind = std::find_if(std::begin(kinds), std::end(kinds),
                                  [&](const Kind &kind) { return kind.dtype == tensor.dtype; });
  if (kind == std::end(kinds)) {
    text = std::string("cannot hold elements of type `") + name(tensor.dtype) +
           "`; convert them to f32, or write a .safetensors file";
    return false;
  }
  if (tensor.shape.size() > maxRank) {
    text = "cannot hold a tensor of " + std::to_string(tensor.shape.size()) +
           " dimensions; at most " + std::to_string(maxRank);
    return false;
  }
  std::string dict = "{'descr': '";
  dict += size(tensor.dtype) == 1 ? '|' : '<';
  dict += std::string(kind->code) + "', 'fortran_order': False, 'shape': (";
  for (size_t d = 0; d < tensor.shape.size(); ++d)
    dict += (d ? ", " : "") + std::to_string(tensor.shape[d]);
  dict += tensor.shape.size() == 1 ? ",), }" : "), }";

  // Elements start at a multiple of 64; the header ends with a newline.
  size_t length = (10 + dict.size() + 1 + 63) / 64 * 64 - 10;
  dict.resize(length - 1, ' ');
  header = magic;
  header += {'\1', '\0', static_cast<char>(length & 255), static_cast<char>(length >> 8)};
  header += dict + "\n";
  return true;
}
