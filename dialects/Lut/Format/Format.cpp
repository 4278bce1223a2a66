//===- Format.cpp - What formats are made of ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Format.h"
#include "dialects/Lut/Format/Dictionary.h"

#include <algorithm>

namespace mad::lut {

int64_t Part::elements() const {
  int64_t n = 1;
  for (int64_t size : shape)
    n *= size;
  return n;
}

int64_t Part::bytes() const {
  return elements() * (element == PartElement::U8 ? 1 : element == PartElement::F16 ? 2 : 4);
}

std::optional<Format> Format::named(const std::string &family) {
  Format format;
  if (family == "int") {
    format.family = Family::Int;
  } else if (family == "ternary") {
    format.family = Family::Ternary;
    format.bits = 2;
    format.group = wholeTensor;
  } else if (family == "dictionary") {
    format.family = Family::Ternary;
    format.bits = 2;
    format.group = wholeTensor;
    format.dictionary = true;
  } else if (family == "codebook") {
    format.family = Family::Codebook;
    format.group = wholeTensor;
  } else if (family == "gguf") {
    format.family = Family::Gguf;
  } else {
    return std::nullopt;
  }
  return format;
}

// ggml's names and numbers; block is a super-block there.
static constexpr BlockType blockTypes[] = {
    {"Q4_1", 4, 32, 32, 0, 0, 1},    {"Q5_1", 5, 32, 32, 0, 0, 1},  {"Q2_K", 2, 16, 256, 0, 0, 3},
    {"Q3_K", 3, 16, 256, 4, 32, 0},  {"Q4_K", 4, 32, 256, 0, 0, 2}, {"Q5_K", 5, 32, 256, 0, 0, 2},
    {"Q6_K", 6, 16, 256, 32, 128, 0}};

const BlockType *Format::blockType() const {
  return family == Family::Gguf && block ? &blockTypes[block - 1] : nullptr;
}

static std::optional<Format> blockFormat(const std::string &type) {
  Format format;
  format.family = Family::Gguf;
  for (const BlockType &known : blockTypes) {
    ++format.block;
    format.bits = known.bits;
    format.group = known.group;
    if (type == known.name)
      return format;
  }
  return std::nullopt;
}

std::optional<Format> Format::ofGguf(const std::string &type) {
  if (auto kept = blockFormat(type))
    return kept;
  Format format;
  format.half = true;
  format.group = 32;
  format.bits = type == "Q4_0" ? 4 : type == "Q5_0" ? 5 : 8;
  if (type == "Q4_0" || type == "Q5_0" || type == "Q8_0")
    return format;
  format.family = Family::Ternary;
  format.group = 256;
  format.bits = type == "TQ1_0" ? 8 : 2;
  if (type == "TQ1_0" || type == "TQ2_0")
    return format;
  return std::nullopt;
}

/// Digits alone, and few enough for an i64; else -1.
static int64_t numberOf(const std::string &text) {
  bool digits = !text.empty() && text.size() < 19 &&
                std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::stoll(text) : -1;
}

static std::string choice(const std::string &name, const std::string &value, bool &to,
                          const char *no, const char *yes) {
  if (value != no && value != yes)
    return "`" + name + "` is `" + no + "` or `" + yes + "`, found `" + value + "`";
  to = value == yes;
  return "";
}

std::string Format::set(const std::string &name, const std::string &value) {
  if (family == Family::Gguf) {
    std::optional<Format> made = name == "type" ? blockFormat(value) : std::nullopt;
    if (!made)
      return "has no arguments: the file says what it holds";
    *this = *made;
    return "";
  }
  int64_t number = numberOf(value);
  if (name == "bits" && family != Family::Ternary) {
    if (number < 1 || number > 8)
      return "a code has 1 to 8 bits, found " + value;
    bits = int(number);
    return "";
  }
  if (name == "group") {
    group = value == "row" ? wholeRow : value == "tensor" ? wholeTensor : number;
    return group == -1 && value != "tensor"
               ? "`group` is a number, `row` or `tensor`, found `" + value + "`"
           : group == 0 && value != "row" ? "a group has at least one element, found 0"
                                          : "";
  }
  if (name == "zero" && family == Family::Int)
    return choice(name, value, affine, "symmetric", "affine");
  if (name == "scale" && family != Family::Codebook)
    return choice(name, value, half, "f32", "f16");
  if (name == "along") {
    last = value == "last";
    return last ? "" : "`along` is `last`, or left out, found `" + value + "`";
  }
  if (name == "packing" && family == Family::Ternary && !dictionary) {
    bool base3 = false;
    std::string error = choice(name, value, base3, "bits", "base3");
    bits = base3 ? 8 : 2;
    return error;
  }
  const char *known = family == Family::Int       ? "`bits`, `group`, `zero`, `scale` and `along`"
                      : dictionary                ? "`group`, `scale` and `along`"
                      : family == Family::Ternary ? "`packing`, `group`, `scale` and `along`"
                                                  : "`bits`, `group` and `along`";
  return "has no argument `" + name + "`: there are " + known;
}

std::string Format::str() const {
  if (family == Family::Gguf)
    return block ? std::string("lut.gguf(type = ") + blockType()->name + ")" : "lut.gguf";
  std::vector<std::string> arguments;
  if (family == Family::Ternary) {
    if (bits == 8)
      arguments.push_back("packing = base3");
  } else {
    arguments.push_back("bits = " + std::to_string(bits));
  }
  int64_t usual = family == Family::Int ? wholeRow : wholeTensor;
  if (group != usual)
    arguments.push_back("group = " + (group == wholeRow      ? "row"
                                      : group == wholeTensor ? "tensor"
                                                             : std::to_string(group)));
  if (affine)
    arguments.push_back("zero = affine");
  if (half)
    arguments.push_back("scale = f16");
  if (last)
    arguments.push_back("along = last");
  std::string text = family == Family::Int       ? "lut.int"
                     : dictionary                ? "lut.dictionary"
                     : family == Family::Ternary ? "lut.ternary"
                                                 : "lut.codebook";
  for (size_t i = 0; i < arguments.size(); ++i)
    text += (i ? ", " : "(") + arguments[i];
  return arguments.empty() ? text : text + ")";
}

std::string Format::check() const {
  if (family == Family::Gguf)
    return "";
  if (family == Family::Ternary && bits != 2 && bits != 8)
    return "a ternary code is packed in 2 bits, or five in a byte";
  if (family != Family::Ternary && bits == 0)
    return "the bits of a code are missing: `bits = 4`";
  if (family != Family::Ternary && (bits < 1 || bits > 8))
    return "a code has 1 to 8 bits, found " + std::to_string(bits);
  if (group < wholeTensor)
    return "a group has at least one element, found " + std::to_string(group);
  if (family == Family::Int && group == wholeTensor)
    return "integers have one scale a group or a row: `group = row`";
  if (family == Family::Codebook && group > 0)
    return "a table belongs to a tensor or to a row: `group = tensor` or `group = row`";
  if (family != Family::Int && affine)
    return "only integers have a zero point";
  if (family == Family::Codebook && half)
    return "a codebook has no scale: its table is f32";
  return "";
}

std::string Format::check(const std::vector<int64_t> &shape) const {
  if (shape.size() < 2)
    return "a format is for matrices [K, M], with dimensions before them or not; found " +
           std::to_string(shape.size()) + (shape.size() == 1 ? " dimension" : " dimensions");
  int64_t k = shape[shape.size() - (last ? 1 : 2)];
  if (const BlockType *type = blockType(); type && k % type->block)
    return "the " + std::to_string(k) +
           " elements along the contracted dimension are no multiple of " +
           std::to_string(type->block) + ", the block of " + type->name;
  int64_t m = shape[shape.size() - (last ? 2 : 1)];
  if (dictionary && k > 0 && m > INT32_MAX / k)
    return "a matrix of a dictionary has less than 2^31 elements, found " + std::to_string(k) +
           " x " + std::to_string(m);
  if (group > std::max<int64_t>(k, 1))
    return "a group of " + std::to_string(group) + " is longer than the " + std::to_string(k) +
           " elements along the contracted dimension: write `group = row`";
  return "";
}

Format Format::turned() const {
  Format other = *this;
  other.last = !last;
  return other;
}

int64_t Format::groupLength(int64_t k) const { return group > 0 ? group : std::max<int64_t>(k, 1); }

int64_t Format::groups(int64_t k) const { return group > 0 ? (k + group - 1) / group : 1; }

std::vector<Field> fields(int bits, int64_t k) {
  std::vector<Field> all;
  Field field;
  for (int width : {8, 4, 2, 1}) {
    if (!(bits & width))
      continue;
    field.width = width;
    field.rows = (k + field.perByte() - 1) / field.perByte();
    all.push_back(field);
    field.shift += width;
    field.row += field.rows;
  }
  return all;
}

int64_t codeRows(const Format &format, int64_t k) {
  if (format.isBase3())
    return (k + 4) / 5;
  Field last = fields(format.bits, k).back();
  return last.row + last.rows;
}

std::vector<Part> Format::parts(const std::vector<int64_t> &shape) const {
  size_t rank = shape.size();
  int64_t k = shape[rank - 2], m = shape[rank - 1];
  if (last)
    std::swap(k, m);
  auto part = [&](const char *name, PartElement element, int64_t rows, int64_t columns) {
    Part made{name, element, shape};
    made.shape[rank - 2] = rows;
    made.shape[rank - 1] = columns;
    return made;
  };
  int64_t columns = group == wholeTensor ? 1 : m;
  std::vector<Part> all = {part("codes", PartElement::U8, codeRows(*this, k), m)};
  if (dictionary)
    all[0] = part("codes", PartElement::U8, words ? words : mostWords(k, m), 2);
  if (const BlockType *type = blockType()) {
    bool two = type->block > type->group;
    all.push_back(part("scales", two ? PartElement::U8 : PartElement::F16, groups(k), m));
    if (type->minima == 1 || type->minima == 2)
      all.push_back(part("mins", two ? PartElement::U8 : PartElement::F16, groups(k), m));
    if (two)
      all.push_back(part("supers", PartElement::F16, k / type->block, m));
    if (two && type->minima)
      all.push_back(part("supermins", PartElement::F16, k / type->block, m));
    return all;
  }
  if (family == Family::Codebook) {
    all.push_back(part("table", PartElement::F32, levels(), columns));
    return all;
  }
  all.push_back(part("scales", half ? PartElement::F16 : PartElement::F32, groups(k), columns));
  if (affine)
    all.push_back(part("zeros", PartElement::U8, groups(k), columns));
  if (dictionary) {
    all.push_back(part("starts", PartElement::U8, m + 1, 4));
    all.push_back({"dictionary", PartElement::U8, {Dictionary::size, 8}, true});
    all.push_back({"terms", PartElement::U8, {Dictionary::size, 4}, true});
  }
  return all;
}

std::vector<Part> Format::ownParts(const std::vector<int64_t> &shape) const {
  std::vector<Part> all = parts(shape);
  std::erase_if(all, [](const Part &part) { return part.shared; });
  return all;
}

Format Format::expanded() const {
  Format other = *this;
  other.dictionary = false;
  other.words = 0;
  return other;
}

double Format::bitsPerWeight(const std::vector<int64_t> &shape) const {
  double bytes = 0, elements = 1;
  for (const Part &part : ownParts(shape))
    bytes += double(part.bytes());
  for (int64_t size : shape)
    elements *= double(size);
  return elements > 0 ? 8 * bytes / elements : 0;
}

//===----------------------------------------------------------------------===//
// Codes in bytes
//===----------------------------------------------------------------------===//

uint8_t packDigits(const uint8_t digits[5]) {
  int value = 0;
  for (int n = 0; n < 5; ++n)
    value = 3 * value + digits[n];
  return uint8_t((256 * value + 242) / 243);
}

static void packBase3(const uint8_t *codes, int64_t k, int64_t m, uint8_t *bytes) {
  for (int64_t row = 0; 5 * row < k; ++row)
    for (int64_t column = 0; column < m; ++column) {
      uint8_t digits[5] = {};
      for (int64_t n = 0; n < std::min<int64_t>(5, k - 5 * row); ++n)
        digits[n] = codes[(5 * row + n) * m + column];
      bytes[row * m + column] = packDigits(digits);
    }
}

void packCodes(const Format &format, const uint8_t *codes, int64_t k, int64_t m, uint8_t *bytes) {
  if (format.isBase3())
    return packBase3(codes, k, m, bytes);
  std::fill(bytes, bytes + codeRows(format, k) * m, uint8_t(0));
  for (const Field &field : fields(format.bits, k)) {
    int mask = (1 << field.width) - 1, each = field.perByte();
    for (int64_t i = 0; i < k; ++i) {
      uint8_t *row = bytes + (field.row + i / each) * m;
      int place = int(i % each) * field.width;
      for (int64_t column = 0; column < m; ++column)
        row[column] |= uint8_t((codes[i * m + column] >> field.shift & mask) << place);
    }
  }
}

void codesOf(const Format &format, const std::vector<const void *> &parts, int64_t k, int64_t m,
             uint8_t *codes) {
  auto bytes = [&](int part) { return static_cast<const uint8_t *>(parts[part]); };
  if (format.dictionary)
    return decodeColumns(bytes(0), bytes(2), k, m, codes);
  unpackCodes(format, bytes(0), k, m, codes);
}

void unpackCodes(const Format &format, const uint8_t *bytes, int64_t k, int64_t m, uint8_t *codes) {
  if (format.isBase3()) {
    for (int64_t i = 0; i < k; ++i)
      for (int64_t column = 0; column < m; ++column)
        codes[i * m + column] = uint8_t(digitOf(bytes[i / 5 * m + column], int(i % 5)));
    return;
  }
  std::fill(codes, codes + k * m, uint8_t(0));
  for (const Field &field : fields(format.bits, k)) {
    int mask = (1 << field.width) - 1, each = field.perByte();
    for (int64_t i = 0; i < k; ++i) {
      const uint8_t *row = bytes + (field.row + i / each) * m;
      int place = int(i % each) * field.width;
      for (int64_t column = 0; column < m; ++column)
        codes[i * m + column] |= uint8_t((row[column] >> place & mask) << field.shift);
    }
  }
}

} // namespace mad::lut
