//===- InspectAsMad.cpp - A file of tensors as declarations ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/InspectAsMad.h"
#include "frontend/Diag/Lines.h"
#include "frontend/Format/Format.h"
#include "frontend/Lex/Lexer.h"
#include "tools/mad/NumberedLayers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <map>
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

/// A tensor as it is declared.
struct Declared {
  std::string type; ///< with its shape
  std::string note; ///< what is stored, where that is something else
  bool fits;        ///< a type holds it
};

static Declared declared(const io::Entry &entry) {
  Declared made;
  made.type = typeOf(entry.dtype);
  made.fits = entry.readable && !made.type.empty() && entry.shape.size() <= 16;
  if (!entry.storage.empty())
    made.note = entry.storage;
  else if (made.type != io::name(entry.dtype))
    made.note = io::name(entry.dtype);
  for (size_t i = 0; i < entry.shape.size(); ++i)
    made.type += (i ? ", " : "[") + std::to_string(entry.shape[i]);
  made.type += entry.shape.empty() ? "" : "]";
  return made;
}

static bool isWord(const std::string &name) {
  Diagnostics diagnostics;
  std::deque<std::string> strings;
  lex::Lexer lexer(name, 0, diagnostics, strings);
  lex::Token token = lexer.next().token;
  // Names of the language cannot be declared again.
  static const std::set<std::string> known = {"f16", "bf16", "f32",  "f64",  "i8",  "u8",
                                              "i32", "i64",  "bool", "axis", "type"};
  return token != lex::Token::Name || known.count(name);
}

/// A name that is not taken: `encoder.layer.0.weight` becomes `encoder_layer_0_weight`.
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

/// `encoder.layer` becomes `EncoderLayer`.
static std::string recordName(llvm::StringRef prefix) {
  std::string name;
  bool begins = true;
  for (char c : prefix) {
    if (llvm::isAlnum(c))
      name += begins ? llvm::toUpper(c) : c;
    begins = !llvm::isAlnum(c);
  }
  return llvm::isAlpha(name[0]) ? name : "Layer" + name;
}

/// Whether a string of a program can hold it: one is UTF-8.
static bool isText(llvm::StringRef text) {
  for (size_t at = 0, begin = 0; at < text.size(); begin = at)
    if (diag::decode(text, at) == 0xFFFD && at - begin == 1)
      return false;
  return true;
}

/// As a string of a program; what a terminal would obey is written as an escape.
static std::string quoted(llvm::StringRef text) {
  std::string out = "\"";
  for (size_t at = 0, begin = 0; at < text.size(); begin = at) {
    char32_t point = diag::decode(text, at);
    llvm::StringRef piece = text.slice(begin, at);
    if (point == '"' || point == '\\')
      out += "\\" + piece.str();
    else if (point == '\n' || point == '\t' || point == '\r')
      out += point == '\n' ? "\\n" : point == '\t' ? "\\t" : "\\r";
    else if (diag::printable(piece) != piece)
      out += "\\u{" + llvm::utohexstr(point) + "}";
    else
      out += piece;
  }
  return out + "\"";
}

static std::string comment(const std::string &note) {
  return note.empty() ? "\n" : "  // " + note + " in the file\n";
}

/// What the layers of a field have in the file, where that is not what is declared.
static std::string notes(const LayerField &field, const std::vector<Declared> &types) {
  std::set<std::string> seen;
  for (size_t entry : field.entries)
    seen.insert(types[entry].note.empty() ? types[entry].type.substr(0, types[entry].type.find('['))
                                          : types[entry].note);
  bool plain = llvm::all_of(field.entries, [&](size_t entry) { return types[entry].note.empty(); });
  return plain ? "" : llvm::join(seen, ", ");
}

/// A record for one layer, and all layers as a weight.
static std::string groupText(const LayerGroup &group, const std::vector<Declared> &types,
                             std::set<std::string> &taken) {
  llvm::StringRef stem = llvm::StringRef(group.prefix).rtrim("./");
  if (stem.empty())
    stem = "layers";
  std::string record = nameFor(recordName(stem), taken), name = nameFor(stem, taken), type, entries;
  std::set<std::string> fields;
  for (const LayerField &field : group.fields) {
    llvm::StringRef suffix = llvm::StringRef(field.suffix).ltrim("./");
    std::string fieldName = nameFor(suffix.empty() ? "value" : suffix, fields);
    type += "  " + fieldName + ": " + types[field.entries[0]].type + comment(notes(field, types));
    entries += "  " + fieldName + " : " + quoted(group.entry(field)) + "\n";
  }
  return "\nrecord " + record + " {\n" + type + "}\n\nweight " + name + ": " + record + "[" +
         std::to_string(group.layers) + "] from file {\n" + entries + "}\n\n";
}

std::string declarations(const std::string &path, const std::vector<io::Entry> &entries) {
  std::set<std::string> taken = {"file"};
  std::vector<Declared> types;
  std::vector<NamedType> named;
  for (const io::Entry &entry : entries) {
    types.push_back(declared(entry));
    types.back().fits &= isText(entry.name);
    // A group has one more dimension.
    bool fits = types.back().fits && entry.shape.size() < 16;
    named.push_back({entry.name, fits ? types.back().type : ""});
  }
  std::map<size_t, const LayerGroup *> groupAt; // by its first entry
  std::set<size_t> grouped;
  std::vector<LayerGroup> groups = findLayers(named);
  for (const LayerGroup &group : groups) {
    groupAt[group.fields[0].entries[0]] = &group;
    for (const LayerField &field : group.fields)
      grouped.insert(field.entries.begin(), field.entries.end());
  }
  std::string text = "const file = " + quoted(path) + "\n\n";
  for (size_t i = 0; i < entries.size(); ++i) {
    const io::Entry &entry = entries[i];
    if (auto group = groupAt.find(i); group != groupAt.end())
      text += groupText(*group->second, types, taken);
    if (grouped.count(i))
      continue;
    if (!isText(entry.name)) {
      text += "// no string holds the name of this tensor, which is not UTF-8: " +
              diag::printable(entry.name) + "\n";
      continue;
    }
    if (!types[i].fits)
      text += "// no type holds " + (entry.readable ? io::name(entry.dtype) : entry.storage) +
              " of this shape: ";
    text += "weight " + nameFor(entry.name, taken) + ": " + types[i].type + " from file" +
            (entry.name.empty() ? "" : " : " + quoted(entry.name)) + comment(types[i].note);
  }
  Sources sources;
  Diagnostics diagnostics;
  uint32_t file = sources.add("declarations", text);
  return format(sources, file, diagnostics).value_or(text);
}

} // namespace mad::tool
