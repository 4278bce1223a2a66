//===- InspectAsMad.cpp - A file of tensors as declarations ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/InspectAsMad.h"
#include "frontend/Format/Format.h"
#include "frontend/Lex/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <set>

namespace mad::tool {

/// The type that holds all numbers of a stored one; empty when none does.
static std::string typeOf(io::DType dtype) {
  using D = io::DType;
  switch (dtype) {
  case D::F16:
  case D::BF16:
    return "f32";
  case D::I8:
  case D::U8:
  case D::I16:
  case D::U16:
    return "i32";
  case D::U32:
    return "i64";
  case D::U64:
    return "";
  default:
    return io::name(dtype);
  }
}

static bool isWord(const std::string &name) {
  Diagnostics diagnostics;
  std::deque<std::string> strings;
  lex::Lexer lexer(name, 0, diagnostics, strings);
  lex::Token token = lexer.next().token;
  // Names of element types cannot be declared again.
  static const std::set<std::string> types = {"f16", "bf16", "f32", "f64", "i8",
                                              "u8",  "i32",  "i64", "bool"};
  return token != lex::Token::Name || types.count(name);
}

/// `encoder.layer.0.weight` becomes `encoder_layer_0_weight`.
static std::string nameFor(llvm::StringRef entry, std::set<std::string> &taken) {
  std::string name;
  for (char c : entry)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty())
    name = "tensor";
  if (llvm::isDigit(name[0]))
    name = "w" + name;
  if (isWord(name))
    name += "_";
  std::string unique = name;
  for (int i = 2; !taken.insert(unique).second; ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

static std::string quoted(llvm::StringRef text) {
  std::string out = "\"";
  for (char c : text)
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '\n' || c == '\t' || c == '\r')
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    else
      out += c;
  return out + "\"";
}

std::string declarations(const std::string &path, const std::vector<io::Entry> &entries) {
  std::set<std::string> taken = {"file"};
  std::string text = "const file = " + quoted(path) + "\n\n";
  for (const io::Entry &entry : entries) {
    std::string type = typeOf(entry.dtype), note;
    if (type != io::name(entry.dtype))
      note = std::string(io::name(entry.dtype)) + " in the file";
    if (!entry.storage.empty())
      note = entry.storage + " in the file";
    for (size_t i = 0; i < entry.shape.size(); ++i)
      type += (i ? ", " : "[") + std::to_string(entry.shape[i]);
    type += entry.shape.empty() ? "" : "]";
    bool fits = entry.readable && !typeOf(entry.dtype).empty() && entry.shape.size() <= 16;
    if (!fits)
      text += "// no type holds " + (entry.readable ? io::name(entry.dtype) : entry.storage) +
              " of this shape: ";
    text += "weight " + nameFor(entry.name, taken) + ": " + type + " from file" +
            (entry.name.empty() ? "" : " : " + quoted(entry.name)) +
            (note.empty() ? "" : "  // " + note) + "\n";
  }
  Sources sources;
  Diagnostics diagnostics;
  uint32_t file = sources.add("declarations", text);
  return format(sources, file, diagnostics).value_or(text);
}

} // namespace mad::tool
