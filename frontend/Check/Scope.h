//===- Scope.h - Names and where they come from -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_SCOPE_H
#define MAD_FRONTEND_CHECK_SCOPE_H

#include "frontend/Ast/Ast.h"
#include "frontend/Check/Facts.h"
#include "frontend/Check/Value.h"
#include <memory>
#include <unordered_map>

namespace mad::elab {

struct Module;

/// A name of a file: an item, or what `use` brings in.
struct Declaration {
  enum Kind : uint8_t { Dim, Const, Weight, Record, Fn, Use } kind = Fn;
  enum State : uint8_t { New, Busy, Good, Bad } state = New;
  std::string name;
  const ast::Node *node = nullptr;
  Module *module = nullptr; ///< where it is declared
  Module *used = nullptr;   ///< Use: the module that the name stands for
  Value value;              ///< Dim, and Const that is known when compiling
  uint32_t weight = 0;      ///< in Program::weights: the first, of a record
  TypeTree type;            ///< Weight
  RecordType record;        ///< Record
};

/// One file.
struct Module {
  std::string name;   ///< as `use` names it; empty for the file that is checked
  std::string prefix; ///< of the names of its functions: `nn.`
  std::string path;
  uint32_t source = 0;
  const ast::File *file = nullptr;
  std::unique_ptr<ast::File> owned;
  bool loading = true;
  std::optional<hir::Precision> precision; ///< `fp = ...` at its head
  std::map<std::string, Declaration *, std::less<>> names;
};

/// A name inside a function.
struct Local {
  enum Kind : uint8_t { Value, Index, Element, Pack } kind = Value;
  elab::Value value;
  IndexId index = 0;
  hir::Element element = hir::Element::F32;
  std::vector<hir::Dim> pack;
  Span span;
};

/// A block, a parameter list or the indices of one expression.
struct Scope {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  Scope *outer = nullptr;
  std::unordered_map<std::string, Local, Hash, std::equal_to<>> names;

  /// In the order of their names, so that nothing depends on hashes.
  std::map<std::string_view, const Local *> sorted() const {
    std::map<std::string_view, const Local *> all;
    for (const auto &[name, local] : names)
      all.emplace(name, &local);
    return all;
  }
  Local *find(std::string_view name) {
    for (Scope *scope = this; scope; scope = scope->outer)
      if (auto it = scope->names.find(name); it != scope->names.end())
        return &it->second;
    return nullptr;
  }
};

/// What code is checked for: an exported function, a test, a rule, or the definition of
/// a private function. Its dimension parameters are the symbols of all sizes.
struct Root {
  enum Kind : uint8_t { Export, Test, Definition, Rule } kind = Definition;
  uint32_t number = 0;
  std::string name;
  Facts facts;
  bool unfit = false; ///< Definition: `where` excludes the constants that it is checked for
};

/// The instance of a function that is being checked.
struct Frame {
  const Declaration *fn = nullptr; ///< null in tests and constants
  Module *module = nullptr;
  hir::Function *function = nullptr; ///< takes constraints and assertions
  Root *root = nullptr;
  Scope *scope = nullptr;
  hir::Precision precision = hir::Precision::Default;
  std::map<const ast::Node *, IndexId> binders;              ///< whose range is known
  std::map<const ast::Node *, std::vector<hir::Dim>> peeked; ///< shapes of subscripted things
  std::optional<hir::Boundary> boundary;
  bool quantizes = false;      ///< products with their activations in 8 bits
  bool inlines = false;        ///< calls become part of it
  std::vector<IndexId> active; ///< indices around the expression

  /// The same instance, with the names of another place.
  Frame at(Module *otherModule, Scope *otherScope) const {
    Frame frame;
    frame.fn = fn;
    frame.module = otherModule;
    frame.function = function;
    frame.root = root;
    frame.scope = otherScope;
    frame.precision = precision;
    frame.active = active;
    frame.inlines = inlines;
    return frame;
  }
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_SCOPE_H
