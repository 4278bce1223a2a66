//===- Declarations.cpp - Dims, weights, tests, and what is emitted ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Frames.h"
#include "frontend/Check/Rules.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// A frame for what stands outside of functions. Its nodes are dropped.
struct Checker::Outside {
  Outside(Checker &c, Module &module) : enter(c, frame), into(c, nodes) {
    frame.module = &module;
    frame.function = &function;
    frame.root = &root;
    frame.scope = &scope;
  }
  Root root;
  Scope scope;
  hir::Function function;
  std::vector<hir::Node *> nodes;
  Frame frame;
  Enter enter;
  Into into;
};

bool Checker::needsItself(const Declaration &decl) {
  if (decl.state != Declaration::Busy)
    return false;
  Report(*this, code::E0404, decl.node->nameSpan,
         quoted(decl.name) + " is declared in terms of itself");
  return true;
}

void Checker::dimValue(Declaration &decl) {
  if (decl.state == Declaration::Good || decl.state == Declaration::Bad || needsItself(decl))
    return;
  decl.state = Declaration::Busy;
  Outside outside(*this, *decl.module);
  auto dim = dimOf(decl.node->kids[0]);
  decl.state = Declaration::Bad;
  if (!dim)
    return;
  decl.value = Value::integer(dim->size);
  decl.value.dimension = decl.name;
  decl.state = Declaration::Good;
}

/// A string that is known when compiling.
std::optional<std::string> Checker::textOf(const Node *n, const char *what) {
  Value value = expr(n);
  if (value.kind == Value::Text)
    return value.text;
  if (!value.poison())
    Report(*this, code::E0410, n->span,
           std::string(what) + " is a string, found " + quoted(show(value)));
  return std::nullopt;
}

void Checker::weightValue(Declaration &decl) {
  if (decl.node->kind == Kind::WeightValue)
    return computedWeight(decl);
  if (decl.state != Declaration::New)
    return;
  decl.state = Declaration::Bad;
  Outside outside(*this, *decl.module);
  const Node *n = decl.node;
  auto type = typeOf(n->kids[0]);
  hir::Weight weight;
  auto path = textOf(n->kids[1], "the file of a weight");
  std::optional<std::string> entry = "";
  bool group = n->kids[2] && n->kids[2]->kind == Kind::Fields;
  if (n->kids[2] && !group)
    entry = textOf(n->kids[2], "the name of a weight in its file");
  if (!type || !path || !entry)
    return;
  if (type->tuple && !(type->record && group)) {
    Report(*this, code::E0410, n->kids[0]->span,
           type->record ? "a weight that is a record names an entry for each field"
                        : "a weight is one tensor, not a tuple")
        .help(type->record ? "write `{ " + type->record->fields[0] + " : \"...\" }` behind the file"
                           : "");
    return;
  }
  if (group && !type->tuple) {
    Report(*this, code::E0410, n->kids[2]->span,
           quoted(decl.name) + " is " + quoted(show(*type)) + ": only a record has fields");
    return;
  }
  if (path->empty()) {
    Report(*this, code::E0410, n->kids[1]->span, "the file of a weight needs a name");
    return;
  }
  weight.name = decl.module->prefix + decl.name;
  weight.path = *path;
  weight.span = n->nameSpan;
  decl.weight = uint32_t(program->weights.size());
  decl.type = *type;
  if (group) {
    if (recordWeight(decl, *type, std::move(weight)))
      decl.state = Declaration::Good;
    return;
  }
  if ((n->flags & Transposed) && type->type.shape.size() != 2) {
    Report(*this, code::E0410, n->nameSpan,
           "`transposed` is for matrices: " + quoted(decl.name) + " is " +
               quoted(show(type->type)));
    return;
  }
  weight.type = type->type;
  weight.entry = *entry;
  weight.transposed = n->flags & Transposed;
  if (!storeAs(n->kids[3], weight))
    return;
  program->weights.push_back(std::move(weight));
  decl.state = Declaration::Good;
}

void Checker::checkTest(const Node *n, Module &module) {
  if (!testTitles.insert(std::string(n->text)).second) {
    Report(*this, code::E0401, n->nameSpan, "there is another test called " + quoted(n->text));
    return;
  }
  auto function = std::make_unique<hir::Function>();
  function->kind = hir::Function::Test;
  function->name = n->text;
  function->span = n->nameSpan;
  Root root;
  root.kind = Root::Test;
  root.number = ++rootCount;
  root.name = n->text;
  Scope scope;
  Frame own;
  own.module = &module;
  own.function = function.get();
  own.root = &root;
  own.scope = &scope;
  own.precision = function->precision = precisionOf(n->kids[1], module);
  Enter enter(*this, own);
  Into into(*this, function->body.nodes);
  if (n->kids[0]->kind == Kind::Block)
    block(n->kids[0], {});
  for (size_t i = 0; i < function->body.results.size(); ++i)
    function->resultNames.push_back("result" + std::to_string(i));
  Builder::sweep(function->body);
  functions.push_back(std::move(function));
}

void Checker::checkModule(Module &module, bool roots) {
  // Every item, also one whose name is taken.
  for (size_t i = 0; i < declarations.size(); ++i) {
    Declaration &decl = *declarations[i];
    if (decl.module != &module)
      continue;
    Outside outside(*this, module);
    switch (decl.kind) {
    case Declaration::Dim:
      dimValue(decl);
      break;
    case Declaration::Const:
      if (Value value = declarationValue(decl, decl.node, {}); value.kind == Value::Nothing)
        Report(*this, code::E0313, decl.node->span, "a value is expected here");
      break;
    case Declaration::Weight:
      weightValue(decl);
      break;
    case Declaration::Record:
      defineRecord(decl);
      break;
    case Declaration::Fn:
      defineFunction(decl);
      break;
    case Declaration::Use:
      break;
    }
  }
  for (const Node *item : module.file->items)
    if (roots && item->kind == Kind::Test)
      checkTest(item, module);
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

template <typename F> static void eachNode(hir::Region &region, const F &visit) {
  for (hir::Node *node : region.nodes) {
    visit(*node);
    for (hir::Region &inner : node->regions)
      eachNode(inner, visit);
  }
}

/// Moves what exported functions and tests need into the program.
void Checker::finish() {
  std::set<const hir::Function *> needed;
  std::set<uint32_t> weights;
  std::vector<hir::Node *> calls, reads; // of what is needed: looking for them takes long
  for (auto it = functions.rbegin(); it != functions.rend(); ++it) {
    hir::Function &function = **it;
    if (function.kind == hir::Function::Private && !needed.count(&function))
      continue;
    auto computes = [&](uint32_t weight) { return program->weights[weight].value == &function; };
    if (function.kind == hir::Function::WeightValue && std::ranges::none_of(weights, computes))
      continue;
    needed.insert(&function);
    eachNode(function.body, [&](hir::Node &node) {
      if (node.callee) {
        needed.insert(node.callee);
        calls.push_back(&node);
      }
      if (node.op == hir::Op::Weight) {
        weights.insert(node.index);
        reads.push_back(&node);
      }
    });
  }
  functionNames.clear();
  std::map<uint32_t, uint32_t> numbers;
  std::vector<hir::Weight> kept;
  for (uint32_t index : weights) {
    numbers[index] = uint32_t(kept.size());
    kept.push_back(program->weights[index]);
    // Two modules may have the same last name.
    kept.back().name = uniqueName(kept.back().name);
  }
  program->weights = std::move(kept);
  std::map<const hir::Function *, hir::Function *> moved;
  functionNames.clear();
  for (auto &function : functions)
    if (needed.count(function.get()) && function->kind == hir::Function::Export)
      functionNames.insert(function->name);
  for (auto &function : functions) {
    if (!needed.count(function.get()))
      continue;
    if (function->kind == hir::Function::Private)
      function->name = uniqueName(function->name);
    moved[function.get()] = &program->functions.emplace_back(std::move(*function));
  }
  for (hir::Weight &weight : program->weights)
    if (weight.value)
      weight.value = moved[weight.value];
  for (hir::Node *node : calls)
    node->callee = moved[node->callee];
  for (hir::Node *node : reads)
    node->index = numbers[node->index];
}

Checker::Checker(Sources &sources, Diagnostics &diagnostics)
    : sources(sources), diagnostics(diagnostics), program(std::make_unique<hir::Program>()),
      b(*program) {}

std::unique_ptr<hir::Program> Checker::run(const File &file) {
  Module *main = load(file, "", sources[file.source].path);
  // A module that is used is checked as a whole; those of the library have
  // their tests, and are checked where they are called.
  for (size_t i = 0; i < modules.size(); ++i)
    if (modules[i].get() != main && !modules[i]->name.starts_with("std."))
      checkModule(*modules[i], false);
  checkModule(*main, true);
  for (size_t i = 0; i < modules.size(); ++i)
    Rules(*this).check(*modules[i]);
  if (!diagnostics.hasErrors()) {
    if (failures || broken) // an error without a message must not look like success
      Report(*this, code::E0412, Span{0, 0, file.source}, "the program cannot be checked");
    else
      finish();
  }
  return std::move(program);
}

} // namespace mad::elab

std::unique_ptr<mad::hir::Program> mad::check(Sources &sources, const ast::File &file,
                                              Diagnostics &diagnostics) {
  return elab::Checker(sources, diagnostics).run(file);
}
