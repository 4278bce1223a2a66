//===- Modules.cpp - Files, `use` and the names of items --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Parse/Parse.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mad::elab {

using namespace ast;

/// More is no program that somebody wrote.
static constexpr size_t maxModules = 1000;

Module *Checker::load(const File &file, std::string name, std::string path) {
  auto module = std::make_unique<Module>();
  module->name = name;
  if (!name.empty())
    module->prefix = name.substr(name.rfind('.') + 1) + ".";
  module->path = std::move(path);
  module->source = file.source;
  module->file = &file;
  Module *result = module.get();
  modules.push_back(std::move(module));
  declare(*result);
  result->loading = false;
  return result;
}

void Checker::declare(Module &module) {
  // First what is declared here, so that it wins over what `use` brings.
  for (const Node *item : module.file->items) {
    Declaration::Kind kind = item->kind == Kind::Dim           ? Declaration::Dim
                             : item->kind == Kind::Const       ? Declaration::Const
                             : item->kind == Kind::Weight      ? Declaration::Weight
                             : item->kind == Kind::WeightValue ? Declaration::Weight
                             : item->kind == Kind::Record      ? Declaration::Record
                                                               : Declaration::Fn;
    if (item->kind == Kind::Dim || item->kind == Kind::Const || item->kind == Kind::Weight ||
        item->kind == Kind::WeightValue || item->kind == Kind::Record || item->kind == Kind::Fn)
      declareName(module, kind, item, item->text, item->nameSpan);
  }
  for (const Node *item : module.file->items)
    if (item->kind == Kind::Use)
      declareUse(module, item);
    else if (item->kind == Kind::Precision)
      declarePrecision(module, item);
}

static std::optional<hir::Precision> precisionNamed(const Node *mode) {
  for (auto precision : {hir::Precision::Default, hir::Precision::Strict, hir::Precision::Fast})
    if (mode && mode->text == hir::name(precision))
      return precision;
  return std::nullopt;
}

/// Stands before everything else: what it holds for is then clear.
void Checker::declarePrecision(Module &module, const Node *item) {
  std::optional<hir::Precision> mode = precisionNamed(item);
  if (mode && item != module.file->items.front())
    Report(*this, code::E0417, item->span,
           "`fp = " + std::string(item->text) + "` is for the whole file: it stands at its head")
        .note("this stands before it", module.file->items.front()->nameSpan)
        .help("of one function it stands behind the result, of a test behind its name, of a "
              "weight behind its value: `with fp = " +
              std::string(item->text) + "`");
  else
    module.precision = mode;
}

/// A function's own, else that of its file, else that of whoever calls it.
hir::Precision Checker::precisionOf(const Declaration &fn, hir::Precision caller) {
  const auto &kids = fn.node->kids;
  if (auto own = precisionNamed(kids.size() > 5 ? kids[5] : nullptr))
    return *own;
  return fn.module->precision.value_or(caller);
}

hir::Precision Checker::precisionOf(const Node *mode, const Module &module) {
  if (auto own = precisionNamed(mode))
    return *own;
  return module.precision.value_or(hir::Precision::Default);
}

Declaration *Checker::declareName(Module &module, Declaration::Kind kind, const Node *node,
                                  std::string_view name, Span span) {
  auto decl = std::make_unique<Declaration>();
  decl->kind = kind;
  decl->name = name;
  decl->node = node;
  decl->module = &module;
  Declaration *result = decl.get();
  declarations.push_back(std::move(decl));
  auto [it, fresh] = module.names.emplace(name, result);
  if (!fresh)
    Report(*this, code::E0401, span, "`" + std::string(name) + "` is declared twice")
        .note("the first declaration is here", it->second->node->nameSpan);
  else if (elementName(name) || name == "axis" || name == "type")
    Report(*this, code::E0401, span, "`" + std::string(name) + "` is a name of the language")
        .help("choose another name");
  return result;
}

void Checker::declareUse(Module &module, const Node *use) {
  Module *used = findModule(module, use);
  std::string path(use->text);
  // A name that cannot be had is declared all the same: its uses are no further errors.
  if (use->kids.empty()) {
    Declaration *decl =
        declareName(module, Declaration::Use, use, path.substr(path.rfind('.') + 1), use->nameSpan);
    decl->used = used;
    return;
  }
  for (const Node *name : use->kids) {
    if (name->kind != Kind::Name)
      continue;
    auto it = used ? used->names.find(name->text) : decltype(used->names.find(name->text))();
    bool found = used && it != used->names.end() && it->second->kind != Declaration::Use;
    // Names that begin with `_` are for their module, and as `module._name` for tests.
    bool shared = !name->text.starts_with('_');
    if (!found || !shared) {
      Declaration *decl = declareName(module, Declaration::Use, name, name->text, name->nameSpan);
      decl->state = Declaration::Bad;
      if (!used)
        continue;
      if (found) {
        Report(*this, code::E0201, name->span,
               "`" + std::string(name->text) + "` is for `" + path +
                   "` alone, as its name begins with `_`")
            .note("`" + std::string(name->text) + "` is declared here", it->second->node->nameSpan);
        continue;
      }
      std::vector<std::string> candidates;
      for (const auto &[candidate, _] : used->names)
        if (!candidate.starts_with('_'))
          candidates.push_back(candidate);
      Report report(*this, code::E0201, name->span,
                    "`" + path + "` has no `" + std::string(name->text) + "`");
      if (std::string near = suggestion(name->text, candidates); !near.empty())
        report.help("did you mean `" + near + "`?");
      continue;
    }
    auto [own, fresh] = module.names.emplace(name->text, it->second);
    if (!fresh && own->second != it->second)
      Report(*this, code::E0401, name->span, "`" + std::string(name->text) + "` is declared twice")
          .note("the first declaration is here", own->second->node->nameSpan);
  }
}

Module *Checker::findModule(Module &from, const Node *use) {
  std::string name(use->text);
  if (const char *text = standardModule(name))
    return moduleAt(from, use, name, "<" + name + ">", text);
  auto missing = [&](std::string text) -> Report {
    return Report(*this, code::E0402, use->nameSpan, std::move(text));
  };
  if (name == "std") {
    missing("`std` is the standard library: use its modules one by one").help("write `use std.nn`");
    return nullptr;
  }
  if (name.starts_with("std.")) {
    missing("there is no module `" + name + "` in the standard library");
    return nullptr;
  }
  std::string file = name;
  std::replace(file.begin(), file.end(), '.', '/');
  namespace fs = std::filesystem;
  std::string path = (fs::path(from.path).parent_path() / (file + ".mad")).string();
  std::ifstream in(path, std::ios::binary);
  std::error_code failed;
  if (!in || fs::is_directory(path, failed)) {
    missing("there is no module `" + name + "`: `" + path + "` cannot be read");
    return nullptr;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return moduleAt(from, use, name, path, text.str());
}

Module *Checker::moduleAt(Module &from, const Node *use, std::string name, std::string path,
                          std::string text) {
  std::error_code failed;
  auto canonical = [&](const std::string &p) {
    return std::filesystem::weakly_canonical(p, failed).string();
  };
  for (const auto &module : modules) {
    bool same = module->path == path ||
                (path[0] != '<' && !module->path.empty() && module->path[0] != '<' &&
                 canonical(module->path) == canonical(path));
    if (!same)
      continue;
    if (module->loading) {
      Report(*this, code::E0403, use->nameSpan,
             &from == module.get() ? "this file uses itself"
                                   : "`" + name +
                                         "` uses this file, directly or by others: modules "
                                         "cannot use each other");
      return nullptr;
    }
    return module.get();
  }
  if (modules.size() >= maxModules) {
    Report(*this, code::E0412, use->nameSpan, "the program has too many modules");
    return nullptr;
  }
  uint32_t source = sources.add(path, std::move(text));
  auto parsed = parse(sources, source, diagnostics);
  const File &file = *parsed;
  Module *module = load(file, std::move(name), std::move(path));
  module->owned = std::move(parsed);
  return module;
}

} // namespace mad::elab
