//===- Values.cpp - Tensors on the command line ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Values.h"
#include "tools/mad/Options.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <random>

using llvm::StringRef;

namespace mad::tool {

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Whether it looks like the name of a file rather than like a number.
static bool isPath(StringRef word) {
  return word.contains('/') || word.ends_with(".mad") || word.ends_with(".so");
}

/// Reads `[[1, 2], [3, 4]]`: a list of rows of equal length, 32 deep at most. The numbers
/// stay words: an integer of 64 bits is not one of f64.
static bool readNumbers(StringRef &text, size_t depth, std::vector<int64_t> &shape,
                        std::vector<StringRef> &values, std::string &error) {
  text = text.ltrim();
  if (!text.consume_front("[")) {
    StringRef word = text.take_until([](char c) { return c == ',' || c == ']' || c == '['; });
    double value = 0;
    std::string number = word.trim().str();
    if (number != "true" && number != "false" && !parseNumber(number, value)) {
      error = "`" + number + "` is not a number";
      if (isPath(number))
        error += ", nor a file of tensors: .npy, .npz, .safetensors, .gguf or .mtx";
      return false;
    }
    if (depth != shape.size()) {
      error = "the rows of a list must have equal depth";
      return false;
    }
    text = text.drop_front(word.size());
    values.push_back(word.trim());
    return true;
  }
  if (depth > 32) {
    error = "lists may be 32 deep";
    return false;
  }
  bool first = values.empty();
  if (first && depth == shape.size())
    shape.push_back(-1);
  if (depth >= shape.size()) {
    error = "the rows of a list must have equal depth";
    return false;
  }
  int64_t count = 0;
  text = text.ltrim();
  while (!text.consume_front("]")) {
    if (count && !text.consume_front(",")) {
      error = "expected `,` or `]` in a list";
      return false;
    }
    if (!readNumbers(text, depth + 1, shape, values, error))
      return false;
    ++count;
    text = text.ltrim();
    if (text.empty()) {
      error = "a list lacks its `]`";
      return false;
    }
  }
  if (shape[depth] == -1)
    shape[depth] = count;
  if (shape[depth] != count) {
    error = "the rows of a list must have equal length";
    return false;
  }
  return true;
}

static bool isFloat(io::DType dtype) {
  return dtype == io::DType::F32 || dtype == io::DType::F64 || dtype == io::DType::F16 ||
         dtype == io::DType::BF16;
}

/// Every whole number up to it is one of f64.
static constexpr double maxWhole = 0x1p53;

/// `word` as an integer: written as one, or as `2.0`, `1e3`, `true`.
static bool wholeNumber(StringRef word, int64_t &value) {
  if (!word.ltrim('+').getAsInteger(10, value))
    return true;
  double real = word == "true";
  if (word != "true" && word != "false" && !parseNumber(word.str(), real))
    return false;
  if (!(std::fabs(real) <= maxWhole) || real != std::trunc(real))
    return false;
  value = int64_t(real);
  return true;
}

static double realNumber(StringRef word) {
  double real = word == "true";
  if (word != "true" && word != "false")
    parseNumber(word.str(), real);
  return real;
}

/// Whether `inf` stands there, not a number that is too large.
static bool isInfinity(StringRef word) {
  return !word.empty() && word.find_first_of("0123456789") == StringRef::npos;
}

/// Floats round; a finite one that would be infinite, and a whole one that is not in the type,
/// are errors.
static std::optional<io::Tensor> converted(const std::vector<StringRef> &words,
                                           const std::vector<int64_t> &shape, io::DType dtype,
                                           std::string &error) {
  bool real = isFloat(dtype);
  io::DType wide = real ? io::DType::F64 : io::DType::I64;
  auto made = io::Tensor::make(wide, shape);
  auto bad = [&](StringRef word) {
    error =
        "`" + word.str() + "` is no `" + io::name(dtype) + "`" + (real ? ": it is too large" : "");
    return std::nullopt;
  };
  for (size_t i = 0; made && i < words.size(); ++i)
    if (real)
      made->as<double>()[i] = realNumber(words[i]);
    else if (!wholeNumber(words[i], made->as<int64_t>()[i]))
      return bad(words[i]);
  auto narrow = made ? made->convert(dtype) : std::nullopt;
  auto back = narrow ? narrow->convert(wide) : std::nullopt;
  if (!back) {
    error = "no memory";
    return {};
  }
  for (size_t i = 0; i < words.size(); ++i)
    if (real ? std::isinf(back->as<double>()[i]) && !isInfinity(words[i])
             : back->as<int64_t>()[i] != made->as<int64_t>()[i])
      return bad(words[i]);
  return narrow;
}

static std::optional<io::Tensor> fromNumbers(const std::string &text, io::DType dtype,
                                             std::string &error) {
  std::vector<int64_t> shape;
  std::vector<StringRef> words;
  StringRef rest = text;
  if (!readNumbers(rest, 0, shape, words, error))
    return {};
  if (!rest.trim().empty()) {
    error = "`" + rest.trim().str() + "` follows the value";
    return {};
  }
  return converted(words, shape, dtype, error);
}

/// `x.npy`, `x.npz:name`: splits off what follows the last colon after a known suffix.
static bool isFile(const std::string &text, std::string &path, std::string &name) {
  for (StringRef suffix : {".npy", ".npz", ".safetensors", ".gguf", ".mtx"}) {
    size_t at = StringRef(text).find(suffix);
    if (at == StringRef::npos)
      continue;
    size_t end = at + suffix.size();
    if (end != text.size() && text[end] != ':')
      continue;
    path = text.substr(0, end);
    name = end < text.size() ? text.substr(end + 1) : "";
    return true;
  }
  return false;
}

static bool fromFile(const std::string &path, const std::string &name, io::DType dtype,
                     io::Tensor &tensor, std::string &error) {
  if (!io::read(path, name, tensor, error, dtype))
    return false;
  // Integer labels are often stored narrow, images as bytes: exact conversions
  // are made, others are not.
  auto converted = tensor.convert(dtype);
  if (!converted) {
    error = "no memory";
    return false;
  }
  auto back = converted->convert(tensor.dtype);
  if (dtype != tensor.dtype &&
      (!back || memcmp(back->data.get(), tensor.data.get(), tensor.bytes) != 0)) {
    error = "`" + path + "` holds " + io::name(tensor.dtype) + " numbers that " + io::name(dtype) +
            " cannot hold exactly";
    return false;
  }
  tensor = std::move(*converted);
  return true;
}

/// Standard normal floats; integers 0..9; bools.
static void fillRandom(io::Tensor &tensor, uint64_t seed) {
  std::mt19937_64 generator(seed);
  auto uniform = [&] { return double(generator() >> 11) * 0x1p-53; };
  auto normal = [&] {
    return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform());
  };
  for (int64_t i = 0, n = tensor.elements(); i < n; ++i)
    switch (tensor.dtype) {
    case io::DType::F32:
      tensor.as<float>()[i] = float(normal());
      break;
    case io::DType::F64:
      tensor.as<double>()[i] = normal();
      break;
    case io::DType::I32:
      tensor.as<int32_t>()[i] = int32_t(generator() % 10);
      break;
    case io::DType::I64:
      tensor.as<int64_t>()[i] = int64_t(generator() % 10);
      break;
    case io::DType::I8:
    case io::DType::U8:
      tensor.as<uint8_t>()[i] = uint8_t(generator() % 10);
      break;
    default:
      tensor.as<uint8_t>()[i] = generator() & 1;
      break;
    }
}

/// Learns the sizes of dimensions that stand alone in the type of an input. What disagrees with
/// `asked`, the command line, is an error.
static bool bindDims(const SignatureValue &value, const io::Tensor &tensor, const Dims &asked,
                     Dims &dims, std::string &error) {
  for (size_t i = 0; i < value.sizes.size() && i < tensor.shape.size(); ++i) {
    auto symbol = value.sizes[i].asSymbol();
    if (!symbol)
      continue;
    dims.insert({*symbol, tensor.shape[i]});
    auto given = asked.find(*symbol);
    if (given == asked.end() || given->second == tensor.shape[i])
      continue;
    error = "dimension " + std::to_string(i) + " is " + std::to_string(tensor.shape[i]) +
            ", but `--dim` gives `" + *symbol + "` as " + std::to_string(given->second);
    return false;
  }
  return true;
}

/// Whether all of them are dimensions of the entry.
static bool areDimsOf(const Signature &signature, const Dims &dims, std::string &error) {
  std::string names;
  for (const std::string &name : signature.dims)
    names += (names.empty() ? "it has `" : ", `") + name + "`";
  for (const auto &[name, size] : dims)
    if (!llvm::is_contained(signature.dims, name)) {
      error = "`--dim`: `" + signature.name + "` has no dimension `" + name + "`; " +
              (names.empty() ? "it has none" : names);
      return false;
    }
  return true;
}

static bool generated(const SignatureValue &value, const std::string &text, const Dims &dims,
                      io::Tensor &tensor, std::string &error) {
  std::vector<int64_t> shape;
  for (const DimExpr &size : value.sizes) {
    for (const std::string &symbol : size.symbols())
      if (!dims.count(symbol)) {
        error = "the size of `" + symbol + "` is not known; add `--dim " + symbol + "=N`";
        return false;
      }
    auto extent =
        size.evaluate([&](const std::string &s) -> std::optional<int64_t> { return dims.at(s); });
    if (!extent || *extent < 0) {
      error = "dimension `" + size.str() + "` has no size under these `--dim`";
      return false;
    }
    shape.push_back(*extent);
  }
  // Narrow floats are drawn as f32.
  io::DType dtype = ioType(value.dtype);
  bool narrow = dtype == io::DType::F16 || dtype == io::DType::BF16;
  auto made = io::Tensor::make(narrow ? io::DType::F32 : dtype, shape);
  if (!made) {
    error = "no memory for a tensor of shape " + shapeText(shape);
    return false;
  }
  tensor = std::move(*made);
  long long seed = 0;
  if (StringRef(text).starts_with("random:")) {
    if (!parseInteger(text.substr(7), seed)) {
      error = "`random:` needs a whole number as its seed, as in `random:7`";
      return false;
    }
    fillRandom(tensor, uint64_t(seed));
  }
  made = tensor.convert(dtype);
  if (!made) {
    error = "no memory for a tensor of shape " + shapeText(shape);
    return false;
  }
  tensor = std::move(*made);
  return true;
}

static std::string inputList(const Signature &signature) {
  std::string text;
  for (const SignatureValue &v : signature.inputs)
    text += (text.empty() ? "`" : ", `") + v.name + "`";
  return text.empty() ? "it takes none" : "it takes " + text;
}

bool readInputs(const Signature &signature, const std::vector<std::string> &words, Dims dims,
                std::vector<io::Tensor> &inputs, std::string &error) {
  if (!areDimsOf(signature, dims, error))
    return false;
  const Dims asked = dims;
  std::map<std::string, std::string> given;
  for (const std::string &word : words) {
    auto [name, value] = StringRef(word).split('=');
    if (name.size() == word.size()) {
      error = "`" + word + "` is no input: write `name=VALUE`";
      return false;
    }
    bool known = false;
    for (const SignatureValue &v : signature.inputs)
      known |= name == v.name;
    if (!known) {
      error = "`" + signature.name + "` has no input `" + name.str() + "`; " + inputList(signature);
      return false;
    }
    if (!given.insert({name.str(), value.str()}).second) {
      error = "`" + name.str() + "` is given twice";
      return false;
    }
  }
  inputs.assign(signature.inputs.size(), {});
  auto isGenerated = [](const std::string &text) {
    return text == "zero" || StringRef(text).starts_with("random:");
  };
  // What has a shape of its own comes first: it binds dimensions for the rest.
  for (bool generate : {false, true})
    for (size_t i = 0; i < signature.inputs.size(); ++i) {
      const SignatureValue &value = signature.inputs[i];
      auto it = given.find(value.name);
      if (it == given.end()) {
        error = "`" + signature.name + "` needs `" + value.name + "=VALUE`";
        return false;
      }
      const std::string &text = it->second;
      if (isGenerated(text) != generate)
        continue;
      std::string path, name;
      bool good = true;
      if (generate)
        good = generated(value, text, dims, inputs[i], error);
      else if (text == "random") {
        error = "`random` needs a seed, as in `random:1`";
        good = false;
      } else if (isFile(text, path, name))
        good = fromFile(path, name, ioType(value.dtype), inputs[i], error);
      else if (auto tensor = fromNumbers(text, ioType(value.dtype), error))
        inputs[i] = std::move(*tensor);
      else
        good = false;
      if (!good || !bindDims(value, inputs[i], asked, dims, error)) {
        error = "input `" + value.name + "`: " + error;
        return false;
      }
    }
  return true;
}

/// All numbers of a tensor that `mad run` shows or compares, in f64.
static std::optional<io::Tensor> inF64(const io::Tensor &tensor) {
  return tensor.convert(io::DType::F64);
}

/// One element; `digits` are as many as tell the numbers of a float type apart.
static void formatFloat(llvm::raw_ostream &os, io::DType dtype, double value) {
  int digits = dtype == io::DType::F32    ? 7
               : dtype == io::DType::F16  ? 5
               : dtype == io::DType::BF16 ? 4
                                          : 16;
  // The sign of NaN says nothing: it depends on the machine.
  if (std::isnan(value))
    os << "nan";
  else
    os << llvm::format("%.*g", digits, value);
}

static void formatElement(llvm::raw_ostream &os, const io::Tensor &t, int64_t i) {
  io::Tensor one;
  one.dtype = t.dtype;
  one.bytes = io::size(t.dtype);
  one.data =
      std::shared_ptr<void>(t.data, const_cast<char *>(t.as<char>()) + i * int64_t(one.bytes));
  bool floating = isFloat(t.dtype);
  auto wide = one.convert(floating ? io::DType::F64 : io::DType::I64);
  if (!wide)
    os << "?";
  else if (floating)
    formatFloat(os, t.dtype, wide->as<double>()[0]);
  else if (t.dtype == io::DType::Bool)
    os << (wide->as<int64_t>()[0] ? "true" : "false");
  else
    os << wide->as<int64_t>()[0];
}

static void formatDim(llvm::raw_ostream &os, const io::Tensor &t, size_t dim, int64_t offset,
                      bool shorten) {
  if (dim == t.shape.size())
    return formatElement(os, t, offset);
  int64_t stride = 1;
  for (size_t i = dim + 1; i < t.shape.size(); ++i)
    stride *= t.shape[i];
  os << "[";
  for (int64_t i = 0; i < t.shape[dim]; ++i) {
    if (shorten && t.shape[dim] > 6 && i == 3) {
      i = t.shape[dim] - 3;
      os << ", ...";
    }
    if (i)
      os << (dim + 1 < t.shape.size() ? ",\n" + std::string(dim + 1, ' ') : ", ");
    formatDim(os, t, dim + 1, offset + i * stride, shorten);
  }
  os << "]";
}

/// How many brackets and numbers there are to write, about; `i8[N, 0]` has brackets alone.
static bool isLong(const io::Tensor &tensor) {
  int64_t count = 1;
  for (int64_t extent : tensor.shape)
    if (llvm::MulOverflow(count, std::max<int64_t>(extent, 1), count) || count > 1000)
      return true;
  return false;
}

std::string format(const std::string &name, const io::Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << name << ": " << io::name(tensor.dtype);
  if (!tensor.shape.empty())
    os << shapeText(tensor.shape);
  os << " =" << (tensor.shape.size() > 1 ? "\n" : " ");
  formatDim(os, tensor, 0, 0, isLong(tensor));
  return text;
}

std::optional<std::string> difference(const io::Tensor &actual, const io::Tensor &expected,
                                      double rtol, double atol) {
  if (actual.shape != expected.shape)
    return "shape " + shapeText(actual.shape) + ", expected " + shapeText(expected.shape);
  auto wide = inF64(expected), found = inF64(actual);
  if (!wide || !found)
    return "no memory";
  int64_t wrong = 0, worst = -1;
  double most = -1;
  for (int64_t i = 0, n = actual.elements(); i < n; ++i) {
    double a = found->as<double>()[i], e = wide->as<double>()[i];
    if (a == e || (std::isnan(a) && std::isnan(e)))
      continue;
    double error = std::fabs(a - e), over = error - (atol + rtol * std::fabs(e));
    if (over <= 0)
      continue;
    ++wrong;
    if (worst < 0 || over > most || std::isnan(over)) {
      worst = i;
      most = over;
    }
  }
  if (!wrong)
    return {};
  std::string text;
  llvm::raw_string_ostream os(text);
  os << wrong << " of " << actual.elements() << " elements differ; element " << worst << " is ";
  formatElement(os, actual, worst);
  os << ", expected " << llvm::format("%.9g", wide->as<double>()[worst]);
  return text;
}

} // namespace mad::tool
