//===- MatrixMarket.cpp - The Matrix Market format ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `%%MatrixMarket matrix FORMAT FIELD SYMMETRY`, comments, sizes, one entry a
// line. Decimal numbers are rounded once, to the type they are read in.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/MatrixMarket.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>
#include <type_traits>

using namespace mad::io;

namespace {

constexpr uint64_t maxLine = 1024, maxDenseBytes = uint64_t(1) << 30;

/// Lines of a file, with their numbers.
class Lines {
public:
  Lines(const Input &input, std::string &text) : input(input), text(text) {}

  uint64_t number() const { return line; }
  bool fail(const std::string &reason) {
    text = "is not a good Matrix Market file: line " + std::to_string(line) + " " + reason;
    return false;
  }
  bool end() { return position == filled && at == input.size(); }
  /// The next line, without its end; false at a failure.
  bool next(std::string &content) {
    content.clear();
    ++line;
    for (;;) {
      if (position == filled && !fill())
        return false;
      if (position == filled)
        return true;
      const char *begin = buffer.data() + position;
      const char *stop = static_cast<const char *>(memchr(begin, '\n', filled - position));
      size_t count = stop ? static_cast<size_t>(stop - begin) : filled - position;
      if (content.size() + count > maxLine)
        return fail("has more than " + std::to_string(maxLine) + " bytes");
      content.append(begin, count);
      position += count + (stop ? 1 : 0);
      if (stop)
        return true;
    }
  }
  /// The next line that is neither empty nor a comment; empty at the end.
  bool nextContent(std::string &content) {
    do {
      if (!next(content))
        return false;
    } while (!end() && (content.find_first_not_of(" \t\r") == std::string::npos ||
                        content[content.find_first_not_of(" \t\r")] == '%'));
    size_t first = content.find_first_not_of(" \t\r");
    if (first == std::string::npos || content[first] == '%')
      content.clear();
    return true;
  }

private:
  bool fill() {
    position = 0;
    filled = static_cast<size_t>(std::min<uint64_t>(buffer.size(), input.size() - at));
    if (!input.read(at, buffer.data(), filled, text))
      return false;
    at += filled;
    return true;
  }

  const Input &input;
  std::string &text;
  std::array<char, 65536> buffer;
  size_t position = 0, filled = 0;
  uint64_t at = 0, line = 0;
};

/// The words of a line.
class Words {
public:
  explicit Words(std::string_view rest) : rest(rest) {}
  std::string_view next() {
    size_t begin = rest.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) {
      rest = {};
      return {};
    }
    rest.remove_prefix(begin);
    std::string_view word = rest.substr(0, rest.find_first_of(" \t\r"));
    rest.remove_prefix(word.size());
    return word;
  }

private:
  std::string_view rest;
};

enum class Field : uint8_t { Real, Integer, Pattern };
enum class Symmetry : uint8_t { General, Symmetric, Skew };

/// A number in the type that the file is read in.
struct Number {
  double real = 0;
  int64_t integer = 0;
};

class MatrixReader {
public:
  MatrixReader(const Input &input, std::string &text) : input(input), lines(input, text) {}

  bool header(std::optional<DType> wanted);
  /// Calls `add(row, column, number)` for every entry; it may return false.
  template <typename Add> bool entries(Add add);

  bool dense = false;
  Field field = Field::Real;
  Symmetry symmetry = Symmetry::General;
  DType dtype = DType::F64;
  int64_t rows = 0, columns = 0;
  uint64_t stored = 0; ///< entries in the file
  uint64_t upper() const { return symmetry == Symmetry::General ? stored : 2 * stored; }

private:
  bool banner();
  bool sizes();
  bool countDense();
  bool index(std::string_view word, const char *what, int64_t bound, int64_t &value);
  bool number(std::string_view word, Number &value);
  template <typename T> bool decimal(std::string_view word, T &value);
  template <typename Add> bool mirrored(int64_t row, int64_t column, Number value, Add add);
  template <typename Add> bool denseEntries(Add add);
  template <typename Add> bool coordinates(Add add);
  bool finish();

  const Input &input;
  Lines lines;
};

std::string lower(std::string_view word) {
  std::string result(word);
  for (char &c : result)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool MatrixReader::banner() {
  std::string line;
  if (!lines.next(line))
    return false;
  Words words(line);
  std::string first = lower(words.next()), object = lower(words.next()),
              format = lower(words.next()), kind = lower(words.next()), shape = lower(words.next());
  if (first != "%%matrixmarket")
    return lines.fail("starts with " + ticked(first) + "; expected `%%MatrixMarket`");
  if (object != "matrix")
    return lines.fail("describes " + ticked(object) + "; expected `matrix`");
  if (format != "coordinate" && format != "array")
    return lines.fail("has the format " + ticked(format) + "; expected `coordinate` or `array`");
  dense = format == "array";
  if (kind != "real" && kind != "double" && kind != "integer" && kind != "pattern")
    return lines.fail("has the field " + ticked(kind) +
                      "; expected `real`, `integer` or `pattern`");
  field = kind == "integer" ? Field::Integer : kind == "pattern" ? Field::Pattern : Field::Real;
  if (shape != "general" && shape != "symmetric" && shape != "skew-symmetric")
    return lines.fail("has the symmetry " + ticked(shape) +
                      "; expected `general`, `symmetric` or `skew-symmetric`");
  symmetry = shape == "symmetric"        ? Symmetry::Symmetric
             : shape == "skew-symmetric" ? Symmetry::Skew
                                         : Symmetry::General;
  if (field == Field::Pattern && (dense || symmetry == Symmetry::Skew))
    return lines.fail("has the field `pattern` with " +
                      std::string(dense ? "`array`" : "`skew-symmetric`") +
                      ", which says nothing about the values");
  if (std::string_view extra = words.next(); !extra.empty())
    return lines.fail("goes on with " + ticked(extra) + " after the symmetry");
  return true;
}

/// How many entries a dense file has; false when it cannot have as many.
bool MatrixReader::countDense() {
  auto n = static_cast<uint64_t>(rows);
  if (symmetry == Symmetry::General
          ? __builtin_mul_overflow(n, static_cast<uint64_t>(columns), &stored)
          : n > UINT32_MAX)
    return false;
  if (symmetry == Symmetry::Symmetric)
    stored = n * (n + 1) / 2;
  else if (symmetry == Symmetry::Skew)
    stored = n ? n * (n - 1) / 2 : 0;
  return true;
}

bool MatrixReader::sizes() {
  std::string line;
  if (!lines.nextContent(line))
    return false;
  Words words(line);
  int64_t count = 0;
  if (!index(words.next(), "number of rows", INT64_MAX, rows) ||
      !index(words.next(), "number of columns", INT64_MAX, columns) ||
      (!dense && !index(words.next(), "number of entries", INT64_MAX, count)))
    return false;
  if (std::string_view extra = words.next(); !extra.empty())
    return lines.fail("goes on with " + ticked(extra) + " after the sizes");
  stored = static_cast<uint64_t>(count);
  if (symmetry != Symmetry::General && rows != columns)
    return lines.fail("says " + std::to_string(rows) + " rows and " + std::to_string(columns) +
                      " columns; expected as many of both, because of the symmetry");
  // The shortest entry is `1` or `1 1` or `1 1 1`, and the end of the line.
  uint64_t shortest = dense ? 2 : field == Field::Pattern ? 4 : 6;
  if ((dense && !countDense()) || stored > (input.size() + 1) / shortest)
    return lines.fail(
        "says " +
        (dense ? "a dense matrix of " + std::to_string(rows) + " x " + std::to_string(columns)
               : std::to_string(stored) + " entries") +
        ", which a file of " + std::to_string(input.size()) + " bytes cannot hold");
  return true;
}

bool MatrixReader::header(std::optional<DType> wanted) {
  if (!banner() || !sizes())
    return false;
  bool floating = wanted == DType::F32 || wanted == DType::F64;
  bool integer = wanted == DType::I32 || wanted == DType::I64;
  dtype = field == Field::Integer ? DType::I64 : DType::F64;
  if (floating || (integer && field != Field::Real))
    dtype = *wanted;
  return true;
}

/// A size (`bound` INT64_MAX) from 0, or an index from 1 to `bound`.
bool MatrixReader::index(std::string_view word, const char *what, int64_t bound, int64_t &value) {
  if (word.empty())
    return lines.fail(std::string("lacks the ") + what);
  auto [stop, status] = std::from_chars(word.data(), word.data() + word.size(), value);
  int64_t least = bound == INT64_MAX ? 0 : 1;
  if (status != std::errc() || stop != word.data() + word.size() || value < least || value > bound)
    return lines.fail("has the " + std::string(what) + " " + ticked(word) + "; expected " +
                      std::to_string(least) + " to " + std::to_string(bound));
  return true;
}

/// Rounds to nearest, ties to even; numbers too small for the type become 0.
template <typename T> bool MatrixReader::decimal(std::string_view word, T &value) {
  char copy[maxLine];
  size_t count = word.size() - (word.starts_with("+") ? 1 : 0);
  std::copy_n(word.data() + (word.size() - count), count, copy);
  char *end = copy + count;
  std::from_chars_result result{};
  if constexpr (std::is_floating_point_v<T>) {
    // Fortran writes `1.0D+02`.
    std::replace_if(copy, end, [](char c) { return c == 'D' || c == 'd'; }, 'e');
    result = std::from_chars(copy, end, value);
    long double wide = 0;
    if (result.ec == std::errc::result_out_of_range &&
        std::from_chars(copy, end, wide).ec == std::errc() && std::fabs(wide) < 1) {
      value = std::copysign(T(0), static_cast<T>(wide));
      result.ec = std::errc();
    }
  } else {
    result = std::from_chars(copy, end, value);
  }
  if (count && result.ec == std::errc::result_out_of_range)
    return lines.fail("has the value " + ticked(word) + ", which is out of the range of " +
                      name(dtype));
  return (count && result.ec == std::errc() && result.ptr == end) ||
         lines.fail("has the value " + ticked(word) + "; expected " +
                    (std::is_floating_point_v<T> ? "a number" : "an integer"));
}

bool MatrixReader::number(std::string_view word, Number &value) {
  if (word.empty())
    return lines.fail("lacks the value");
  float narrow = 0;
  int32_t small = 0;
  switch (dtype) {
  case DType::F32: {
    bool good = decimal(word, narrow);
    value.real = static_cast<double>(narrow);
    return good;
  }
  case DType::I32: {
    bool good = decimal(word, small);
    value.integer = small;
    return good;
  }
  case DType::I64:
    return decimal(word, value.integer);
  default:
    return decimal(word, value.real);
  }
}

template <typename Add>
bool MatrixReader::mirrored(int64_t row, int64_t column, Number value, Add add) {
  if (!add(row, column, value))
    return false;
  if (symmetry == Symmetry::General || row == column)
    return true;
  if (symmetry == Symmetry::Skew) {
    if (value.integer == INT64_MIN || (dtype == DType::I32 && value.integer == INT32_MIN))
      return lines.fail("has the value " + std::to_string(value.integer) +
                        ", whose opposite is out of the range of " + name(dtype));
    value = {-value.real, -value.integer};
  }
  return add(column, row, value);
}

/// Column after column; of symmetric ones only the rows from the diagonal on.
template <typename Add> bool MatrixReader::denseEntries(Add add) {
  std::string line;
  Words words("");
  // Columns without rows may be as many as a number can say.
  for (int64_t column = 0, end = stored ? columns : 0; column < end; ++column) {
    int64_t first = symmetry == Symmetry::General ? 0
                    : symmetry == Symmetry::Skew  ? column + 1
                                                  : column;
    for (int64_t row = first; row < rows; ++row) {
      // Several values may share a line.
      std::string_view word = words.next();
      if (word.empty()) {
        if (!lines.nextContent(line))
          return false;
        if (line.empty())
          return lines.fail("is the end; expected " + std::to_string(stored) + " values");
        words = Words(line);
        word = words.next();
      }
      Number value;
      if (!number(word, value) || !mirrored(row, column, value, add))
        return false;
    }
  }
  std::string_view extra = words.next();
  return extra.empty() || lines.fail("goes on with " + ticked(extra) + " after the last value");
}

template <typename Add> bool MatrixReader::coordinates(Add add) {
  std::string line;
  for (uint64_t i = 0; i < stored; ++i) {
    if (!lines.nextContent(line))
      return false;
    if (line.empty())
      return lines.fail("is the end after " + std::to_string(i) + " entries; expected " +
                        std::to_string(stored));
    Words words(line);
    int64_t row = 0, column = 0;
    Number value{1, 1};
    if (!index(words.next(), "row", std::min(rows, INT64_MAX - 1), row) ||
        !index(words.next(), "column", std::min(columns, INT64_MAX - 1), column) ||
        (field != Field::Pattern && !number(words.next(), value)))
      return false;
    if (std::string_view extra = words.next(); !extra.empty())
      return lines.fail("goes on with " + ticked(extra) + " after the entry");
    if (symmetry != Symmetry::General && row < column + (symmetry == Symmetry::Skew ? 1 : 0))
      return lines.fail("has an entry at row " + std::to_string(row) + ", column " +
                        std::to_string(column) + "; a " +
                        (symmetry == Symmetry::Skew
                             ? "skew-symmetric matrix is stored by its entries below the diagonal"
                             : "symmetric matrix is stored by its lower triangle"));
    if (!mirrored(row - 1, column - 1, value, add))
      return false;
  }
  return true;
}

bool MatrixReader::finish() {
  std::string line;
  while (!lines.end()) {
    if (!lines.nextContent(line))
      return false;
    if (!line.empty())
      return lines.fail("follows after the last of " + std::to_string(stored) + " entries");
  }
  return true;
}

template <typename Add> bool MatrixReader::entries(Add add) {
  auto checked = [&](int64_t row, int64_t column, Number value) {
    return add(row, column, value) || lines.fail("has an entry at row " + std::to_string(row + 1) +
                                                 ", column " + std::to_string(column + 1) +
                                                 " that is there twice, and the sum is out of "
                                                 "the range of " +
                                                 name(dtype));
  };
  return (dense ? denseEntries(checked) : coordinates(checked)) && finish();
}

template <typename T> bool addTo(T &sum, Number value) {
  if constexpr (std::is_floating_point_v<T>) {
    sum += static_cast<T>(value.real);
    return true;
  } else {
    return !__builtin_add_overflow(sum, static_cast<T>(value.integer), &sum);
  }
}

template <typename T> bool fillDense(MatrixReader &reader, Tensor &tensor) {
  T *elements = tensor.as<T>();
  return reader.entries([&](int64_t row, int64_t column, Number value) {
    return addTo(elements[row * reader.columns + column], value);
  });
}

template <typename T> bool fillValues(MatrixReader &reader, Coordinates &matrix) {
  std::vector<T> values;
  values.reserve(reader.upper());
  bool good = reader.entries([&](int64_t row, int64_t column, Number value) {
    matrix.row.push_back(row);
    matrix.column.push_back(column);
    values.push_back(T(0));
    return addTo(values.back(), value);
  });
  std::optional<Tensor> made =
      good ? Tensor::make(reader.dtype, {static_cast<int64_t>(values.size())}) : std::nullopt;
  if (!made) {
    if (good)
      throw std::bad_alloc();
    return false;
  }
  std::copy(values.begin(), values.end(), made->as<T>());
  matrix.values = std::move(*made);
  return true;
}

} // namespace

bool mad::io::matrixMarketEntry(const Input &input, std::optional<DType> wanted, Entry &entry,
                                std::string &text) {
  MatrixReader reader(input, text);
  if (!reader.header(wanted))
    return false;
  entry.dtype = reader.dtype;
  entry.shape = {reader.rows, reader.columns};
  entry.storage = reader.dense ? "array" : std::to_string(reader.stored) + " entries";
  return true;
}

bool mad::io::readMatrixMarket(const Input &input, std::optional<DType> wanted, Tensor &tensor,
                               std::string &text) {
  MatrixReader reader(input, text);
  if (!reader.header(wanted))
    return false;
  uint64_t bytes = 0;
  std::optional<Tensor> made;
  if (!__builtin_mul_overflow(static_cast<uint64_t>(reader.rows),
                              static_cast<uint64_t>(reader.columns), &bytes) &&
      bytes <= maxDenseBytes / size(reader.dtype))
    made = Tensor::make(reader.dtype, {reader.rows, reader.columns});
  if (!made) {
    text = "holds a matrix of " + std::to_string(reader.rows) + " x " +
           std::to_string(reader.columns) + ", which is too large as a dense tensor; at most " +
           std::to_string(maxDenseBytes) + " bytes are accepted";
    return false;
  }
  tensor = std::move(*made);
  switch (reader.dtype) {
  case DType::F32:
    return fillDense<float>(reader, tensor);
  case DType::I32:
    return fillDense<int32_t>(reader, tensor);
  case DType::I64:
    return fillDense<int64_t>(reader, tensor);
  default:
    return fillDense<double>(reader, tensor);
  }
}

bool mad::io::readMatrixMarket(const Input &input, std::optional<DType> wanted, Coordinates &matrix,
                               std::string &text) {
  MatrixReader reader(input, text);
  if (!reader.header(wanted))
    return false;
  matrix = {};
  matrix.rows = reader.rows;
  matrix.columns = reader.columns;
  switch (reader.dtype) {
  case DType::F32:
    return fillValues<float>(reader, matrix);
  case DType::I32:
    return fillValues<int32_t>(reader, matrix);
  case DType::I64:
    return fillValues<int64_t>(reader, matrix);
  default:
    return fillValues<double>(reader, matrix);
  }
}
