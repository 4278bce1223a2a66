//===- Formats.cpp - `as lut.int(bits = 4)` behind a weight ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static const std::vector<std::string> families = {"lut.int", "lut.ternary", "lut.dictionary",
                                                  "lut.codebook", "lut.gguf"};

/// The words that arguments of formats are; they are no names of the program.
static bool isOption(std::string_view word) {
  static constexpr std::string_view options[] = {"row", "tensor", "symmetric", "affine", "f32",
                                                 "f16", "bits",   "base3",     "last"};
  return std::find(std::begin(options), std::end(options), word) != std::end(options);
}

/// Arguments that are one of a few words, whatever else these may be.
static bool takesWords(std::string_view name) {
  return name == "zero" || name == "scale" || name == "packing" || name == "along";
}

/// An argument as text: a word, or a number that is known when compiling.
std::optional<std::string> Checker::formatArgument(const Node *argument) {
  const Node *value = argument->kids[0];
  if (value->kind == Kind::Name && (isOption(value->text) || takesWords(argument->text)))
    return std::string(value->text);
  auto dim = dimOf(value);
  if (!dim)
    return std::nullopt;
  if (auto number = dim->size.constant())
    return std::to_string(*number);
  Report(*this, code::E0423, value->span,
         quoted(argument->text) + " must be known when compiling, found " +
             quoted(dim->size.str()));
  return std::nullopt;
}

/// `lut.int(bits = 4, calibration = "FILE")`: how a weight from a file is rounded.
bool Checker::calibrate(const Node *argument, hir::Weight &weight) {
  auto path = textOf(argument->kids[0], "the file of calibration data");
  if (!path)
    return false;
  std::string wrong;
  if (weight.value)
    wrong = "the value of an expression is stored as it is: write `= quant.gptq(..., calibration = "
            "\"FILE\")` there";
  else if (weight.type.element != hir::Element::F32)
    wrong = "weights that are rounded by calibration data are `f32`, but " + quoted(weight.name) +
            " is " + quoted(show(weight.type));
  else if (path->empty())
    wrong = "the file of calibration data needs a name";
  if (!wrong.empty()) {
    Report(*this, code::E0423, argument->span, wrong);
    return false;
  }
  weight.gptq = hir::Gptq{};
  weight.gptq->path = *path;
  return true;
}

/// Sets how a weight is stored; `format` may be null. False after a message.
bool Checker::storeAs(const Node *format, hir::Weight &weight) {
  if (!format)
    return true;
  std::string path(format->text);
  auto made = path.starts_with("lut.") ? lut::Format::named(path.substr(4)) : std::nullopt;
  if (!made) {
    Report report(*this, code::E0423, format->nameSpan,
                  quoted(path) + " is no format: expected `lut.int`, `lut.ternary`, "
                                 "`lut.dictionary`, `lut.codebook` or `lut.gguf`");
    if (std::string near = suggestion(path, families); !near.empty())
      report.help("did you mean " + quoted(near) + "?");
    return false;
  }
  if (!isFloat(weight.type.element)) {
    Report(*this, code::E0423, format->span,
           quoted(path) + " stores floats, but " + quoted(weight.name) + " is " +
               quoted(show(weight.type)));
    return false;
  }
  std::vector<std::string_view> seen;
  for (const Node *argument : format->kids) {
    if (argument->kind != Kind::Named) {
      Report(*this, code::E0423, argument->span,
             "the arguments of a format have names, as in `lut.int(bits = 4, group = 128)`");
      return false;
    }
    if (std::find(seen.begin(), seen.end(), argument->text) != seen.end()) {
      Report(*this, code::E0423, argument->nameSpan,
             quoted(argument->text) + " is given twice to " + quoted(path));
      return false;
    }
    seen.push_back(argument->text);
    if (argument->text == "calibration" && made->family == lut::Family::Int) {
      if (!calibrate(argument, weight))
        return false;
      continue;
    }
    auto text = argument->text == "calibration" ? "" : formatArgument(argument);
    if (!text)
      return false;
    bool file = made->family == lut::Family::Gguf;
    std::string wrong = made->set(file ? "" : std::string(argument->text), *text);
    if (!wrong.empty()) {
      Report(*this, code::E0423, argument->span, quoted(path) + ": " + wrong);
      return false;
    }
  }
  std::string wrong = made->check();
  std::vector<int64_t> shape;
  for (const hir::Dim &dim : weight.type.shape)
    shape.push_back(dim.size.constant().value_or(0));
  if (wrong.empty())
    wrong = made->check(shape);
  if (!wrong.empty()) {
    Report(*this, code::E0423, format->span, quoted(path) + ": " + wrong);
    return false;
  }
  if (made->family == lut::Family::Gguf && (weight.value || !weight.transposed)) {
    Report(*this, code::E0423, format->span,
           weight.value ? "`lut.gguf` keeps what a file holds: it is for weights `from` one"
                        : "blocks of `lut.gguf` lie along the last dimension in the file, which "
                          "must be the contracted one here: declare the weight `transposed`");
    return false;
  }
  if (made->last && weight.gptq && weight.value) {
    Report(*this, code::E0423, format->span,
           quoted(path) +
               ": `quant.gptq` is for weights `x @ w`, [K, M]: leave out `along = last`");
    return false;
  }
  weight.format = made;
  if (weight.gptq && !weight.value)
    weight.gptq->grid = *made;
  weight.exact = weight.value || made->family == lut::Family::Gguf;
  return true;
}

} // namespace mad::elab
