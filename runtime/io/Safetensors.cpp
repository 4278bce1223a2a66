//===- Safetensors.cpp - The .safetensors format ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Length of the header, the header as JSON, elements. The tensors must cover
// the elements without hole or overlap, so that a file cannot be two things.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

using namespace mad::io;
using nlohmann::json;

namespace {

constexpr uint64_t maxHeader = 100'000'000;
constexpr size_t maxRank = 64;
constexpr std::string_view metadataKey = "__metadata__";

struct Kind {
  std::string_view code;
  std::optional<DType> dtype;
  uint64_t bytes;
};
/// In the order of the format's own writer, which places larger types first.
constexpr Kind kinds[] = {
    {"BOOL", DType::Bool, 1},     {"U8", DType::U8, 1},         {"I8", DType::I8, 1},
    {"F8_E5M2", std::nullopt, 1}, {"F8_E4M3", std::nullopt, 1}, {"I16", DType::I16, 2},
    {"U16", DType::U16, 2},       {"F16", DType::F16, 2},       {"BF16", DType::BF16, 2},
    {"I32", DType::I32, 4},       {"U32", DType::U32, 4},       {"F32", DType::F32, 4},
    {"F64", DType::F64, 8},       {"I64", DType::I64, 8},       {"U64", DType::U64, 8}};

/// Receives the tokens of the header and accepts the one structure it may have:
/// an object of tensors (objects of three known keys) and of `__metadata__` (an
/// object of texts). Anything nested deeper is refused at its bracket, so the
/// depth never exceeds 3.
class HeaderReader : public nlohmann::json_sax<json> {
public:
  HeaderReader(std::vector<SafetensorsEntry> &entries, std::string &text)
      : entries(entries), text(text) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t &digits) override {
    return unexpected("the number " + ticked(digits));
  }
  bool binary(binary_t &) override { return unexpected("binary data"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t &value) override;
  bool start_object(size_t) override;
  bool key(string_t &name) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string &, const json::exception &) override {
    return fail("is not valid JSON at byte " + std::to_string(position));
  }

private:
  enum class Place : uint8_t { Start, Top, Metadata, Tensor, Shape, Offsets };
  enum Field : uint8_t { None = 0, Type = 1, Shape = 2, Offsets = 4, All = 7 };

  bool fail(const std::string &reason) {
    text = "has a bad header: " + reason;
    return false;
  }
  /// Where the reader is, for messages.
  std::string where() const {
    if (place == Place::Start || place == Place::Top)
      return pending.empty() ? "the header" : ticked(pending);
    if (place == Place::Metadata)
      return "`__metadata__`";
    return "tensor " + ticked(entries.back().name);
  }
  const char *expected() const;
  bool unexpected(const std::string &found) {
    return fail(where() + " has " + found + "; expected " + expected());
  }
  bool tensorKey(const std::string &name);

  std::vector<SafetensorsEntry> &entries;
  std::string &text;
  std::set<std::string> names, metadata;
  std::string pending; ///< the key whose value comes next, at the top
  Place place = Place::Start;
  uint8_t seen = None;
  Field field = None;
  std::vector<uint64_t> offsets;
};

const char *HeaderReader::expected() const {
  switch (place) {
  case Place::Start:
  case Place::Top:
    return "an object";
  case Place::Metadata:
    return "texts only";
  case Place::Tensor:
    return field == Type ? "a text for `dtype`" : "a list of integers";
  case Place::Shape:
  case Place::Offsets:
    return "integers from 0 up, written with digits only";
  }
  return "";
}

bool HeaderReader::number_unsigned(number_unsigned_t value) {
  if (place == Place::Shape) {
    std::vector<int64_t> &shape = entries.back().shape;
    if (shape.size() == maxRank)
      return fail(where() + " has more than " + std::to_string(maxRank) + " dimensions");
    if (value > static_cast<uint64_t>(INT64_MAX))
      return fail(where() + " has the extent " + std::to_string(value) + ", which is too large");
    shape.push_back(static_cast<int64_t>(value));
    return true;
  }
  if (place != Place::Offsets)
    return unexpected("a number");
  offsets.push_back(value);
  return offsets.size() <= 2 || fail(where() + " has more than two `data_offsets`");
}

bool HeaderReader::string(string_t &value) {
  if (place == Place::Metadata)
    return true;
  if (place != Place::Tensor || field != Type)
    return unexpected("a text");
  const Kind *kind = std::find_if(std::begin(kinds), std::end(kinds),
                                  [&](const Kind &kind) { return kind.code == value; });
  if (kind == std::end(kinds))
    return fail(where() + " has the type " + ticked(value) + ", which is not known");
  entries.back().type = value;
  entries.back().dtype = kind->dtype;
  return true;
}

bool HeaderReader::start_object(size_t) {
  if (place == Place::Start) {
    place = Place::Top;
    return true;
  }
  if (place != Place::Top)
    return unexpected("an object");
  if (pending == metadataKey) {
    place = Place::Metadata;
    return true;
  }
  place = Place::Tensor;
  entries.emplace_back();
  entries.back().name = pending;
  seen = field = None;
  return true;
}

bool HeaderReader::tensorKey(const std::string &name) {
  field = name == "dtype"          ? Type
          : name == "shape"        ? Shape
          : name == "data_offsets" ? Offsets
                                   : None;
  if (field == None)
    return fail(where() + " has the key " + ticked(name) +
                "; expected `dtype`, `shape` and `data_offsets`");
  if (seen & field)
    return fail(where() + " has the key " + ticked(name) + " twice");
  seen |= field;
  return true;
}

bool HeaderReader::key(string_t &name) {
  if (place == Place::Tensor)
    return tensorKey(name);
  std::set<std::string> &keys = place == Place::Metadata ? metadata : names;
  if (!keys.insert(name).second)
    return fail(where() + " has the key " + ticked(name) + " twice");
  if (place == Place::Top)
    pending = name;
  return true;
}

bool HeaderReader::end_object() {
  if (place == Place::Tensor && seen != All)
    return fail(where() + " lacks `" +
                (!(seen & Type)    ? "dtype"
                 : !(seen & Shape) ? "shape"
                                   : "data_offsets") +
                "`");
  place = place == Place::Top ? Place::Start : Place::Top;
  pending.clear();
  return true;
}

bool HeaderReader::start_array(size_t) {
  if (place != Place::Tensor || field == Type)
    return unexpected("a list");
  place = field == Shape ? Place::Shape : Place::Offsets;
  return true;
}

bool HeaderReader::end_array() {
  if (place == Place::Offsets) {
    if (offsets.size() != 2)
      return fail(where() + " has " + std::to_string(offsets.size()) +
                  " `data_offsets`; expected two");
    entries.back().begin = offsets[0];
    entries.back().end = offsets[1];
    offsets.clear();
  }
  place = Place::Tensor;
  field = None;
  return true;
}

bool parseHeader(std::string_view header, std::vector<SafetensorsEntry> &entries,
                 std::string &text) {
  auto fail = [&text](const std::string &reason) {
    text = "has a bad header: " + reason;
    return false;
  };
  if (header.empty() || header.front() != '{')
    return fail("it does not start with `{`");
  size_t last = header.find_last_not_of(' ');
  if (header[last] != '}')
    return fail("it does not end with `}` and spaces");
  // The JSON library takes a zero byte for the end of the text.
  if (memchr(header.data(), 0, header.size()))
    return fail("it has a zero byte");
  HeaderReader reader(entries, text);
  return json::sax_parse(header.begin(), header.begin() + static_cast<ptrdiff_t>(last) + 1,
                         &reader);
}

/// Every tensor has the bytes that its shape needs, and together they tile.
bool checkOffsets(std::vector<SafetensorsEntry> &entries, uint64_t dataStart, uint64_t dataBytes,
                  std::string &text) {
  auto fail = [&text](const SafetensorsEntry &entry, const std::string &reason) {
    text = "has a bad header: tensor " + ticked(entry.name) + " " + reason;
    return false;
  };
  for (const SafetensorsEntry &entry : entries) {
    uint64_t bytes = std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind &kind) {
                       return kind.code == entry.type;
                     })->bytes;
    bool empty = false;
    for (int64_t extent : entry.shape) {
      empty |= extent == 0;
      if (extent > 0 && __builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes))
        return fail(entry, "has a shape whose size overflows");
    }
    bytes = empty ? 0 : bytes;
    if (entry.end < entry.begin || entry.end - entry.begin != bytes)
      return fail(entry, "lies at bytes " + std::to_string(entry.begin) + " to " +
                             std::to_string(entry.end) + ", but its shape and type need " +
                             std::to_string(bytes) + " bytes");
  }
  std::sort(entries.begin(), entries.end(),
            [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  uint64_t previous = 0;
  for (SafetensorsEntry &entry : entries) {
    if (entry.begin != previous)
      return fail(entry, "starts at byte " + std::to_string(entry.begin) +
                             " of the elements; expected " + std::to_string(previous) +
                             ", where the one before it ends");
    previous = entry.end;
    entry.begin += dataStart;
    entry.end += dataStart;
  }
  if (previous != dataBytes) {
    text = "has " + std::to_string(dataBytes) + " bytes of elements; its header describes " +
           std::to_string(previous);
    return false;
  }
  return true;
}

} // namespace

bool mad::io::readSafetensors(const Input &input, std::vector<SafetensorsEntry> &entries,
                              std::string &text) {
  uint8_t prefix[8];
  if (input.size() < sizeof prefix) {
    text = "is cut off: " + std::to_string(input.size()) + " bytes; expected at least 8";
    return false;
  }
  if (!input.read(0, prefix, sizeof prefix, text))
    return false;
  uint64_t length = 0;
  Cursor(prefix, sizeof prefix).u64(length);
  if (length > maxHeader) {
    text = "has a header of " + std::to_string(length) + " bytes; at most " +
           std::to_string(maxHeader) + " are accepted";
    return false;
  }
  uint64_t rest = input.size() - sizeof prefix;
  if (length > rest) {
    text = "is cut off: its header has " + std::to_string(length) + " bytes, but " +
           std::to_string(rest) + " follow";
    return false;
  }
  std::string header(length, '\0');
  return input.read(sizeof prefix, header.data(), length, text) &&
         parseHeader(header, entries, text) &&
         checkOffsets(entries, sizeof prefix + length, rest - length, text);
}

bool mad::io::safetensorsHeader(const std::vector<NamedTensor> &tensors, std::string &header,
                                std::vector<const Tensor *> &order, std::string &text) {
  auto rank = [](DType dtype) {
    return std::find_if(std::begin(kinds), std::end(kinds),
                        [&](const Kind &kind) { return kind.dtype == dtype; });
  };
  std::vector<const NamedTensor *> sorted;
  for (const NamedTensor &named : tensors)
    sorted.push_back(&named);
  // Larger types first, so that every tensor is aligned to its element.
  std::sort(sorted.begin(), sorted.end(), [&](const NamedTensor *a, const NamedTensor *b) {
    return std::make_tuple(rank(b->tensor.dtype), std::string_view(a->name)) <
           std::make_tuple(rank(a->tensor.dtype), std::string_view(b->name));
  });
  uint64_t position = 0;
  std::string dict = "{";
  for (const NamedTensor *named : sorted) {
    const Tensor &tensor = named->tensor;
    if (named->name == metadataKey || tensor.shape.size() > maxRank) {
      text = "cannot hold the tensor " + ticked(named->name) +
             (named->name == metadataKey ? ": the name is reserved"
                                         : ": it has more than 64 dimensions");
      return false;
    }
    // The library refuses names that are not UTF-8 by an exception.
    std::string name;
    try {
      name = json(named->name).dump();
    } catch (const json::exception &) {
      text = "cannot hold the tensor " + ticked(named->name) + ": its name is not UTF-8";
      return false;
    }
    dict += (dict.size() > 1 ? "," : "") + name + ":{\"dtype\":\"" +
            std::string(rank(tensor.dtype)->code) + "\",\"shape\":[";
    for (size_t d = 0; d < tensor.shape.size(); ++d)
      dict += (d ? "," : "") + std::to_string(tensor.shape[d]);
    dict += "],\"data_offsets\":[" + std::to_string(position) + "," +
            std::to_string(position + tensor.bytes) + "]}";
    position += tensor.bytes;
    order.push_back(&tensor);
  }
  dict += "}";
  dict.resize((dict.size() + 7) / 8 * 8, ' ');
  if (dict.size() > maxHeader) {
    text = "cannot hold these tensors: their header is too long";
    return false;
  }
  header.clear();
  for (int i = 0; i < 8; ++i)
    header += static_cast<char>(dict.size() >> (8 * i));
  header += dict;
  return true;
}
