//===- Records.cpp - Records, groups of them, and their weights -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A record is a tuple whose parts have names. A group `Block[6]` is one whose
// tensors all have one more leading dimension: taking `blocks[i]` is taking that of
// each.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>
#include <set>

namespace mad::elab {

using namespace ast;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Declaration *Checker::recordNamed(const Node *type) {
  const Node *name = type->kind == Kind::GroupType ? type->kids[0] : type;
  if (name->kind != Kind::TensorType || !frame || !frame->module || elementName(name->text))
    return nullptr;
  Declaration *decl = findDeclaration(name->text);
  return decl && decl->kind == Declaration::Record ? decl : nullptr;
}

/// `Block`, `Block[6]`, `Pair[N]` and `Pair[N][6]`.
std::optional<TypeTree> Checker::recordOf(const Node *n) {
  Declaration &decl = *recordNamed(n);
  const Node *generics = decl.node->kids[0];
  bool group = n->kind == Kind::GroupType;
  const Node *name = group ? n->kids[0] : n;
  std::vector<const Node *> first(name->kids.begin(), name->kids.end()), second;
  if (group)
    second.assign(n->kids.begin() + 1, n->kids.end());
  else if (generics->kids.empty())
    std::swap(first, second);
  return recordType(decl, n, first, second);
}

/// The tensors of a group have its dimensions in front.
static void prepend(TypeTree &tree, const std::vector<hir::Dim> &dims) {
  if (tree.tuple)
    tree.lead += uint32_t(dims.size());
  else
    tree.type.shape.insert(tree.type.shape.begin(), dims.begin(), dims.end());
  for (TypeTree &part : tree.parts)
    prepend(part, dims);
}

std::optional<TypeTree> Checker::recordType(Declaration &decl, const Node *at,
                                            const std::vector<const Node *> &arguments,
                                            const std::vector<const Node *> &group) {
  const Node *generics = decl.node->kids[0], *fields = decl.node->kids[1];
  if (generics->kind != Kind::Generics || fields->kind != Kind::Params) {
    ++failures;
    return std::nullopt;
  }
  if (arguments.size() != generics->kids.size()) {
    Report(*this, code::E0309, at->span,
           "the record " + quoted(decl.name) + " takes " + std::to_string(generics->kids.size()) +
               (generics->kids.size() == 1 ? " dimension" : " dimensions") + ", found " +
               std::to_string(arguments.size()))
        .note(quoted(decl.name) + " is declared here", decl.node->nameSpan);
    return std::nullopt;
  }
  if (needsItself(decl))
    return std::nullopt;
  // An error says why.
  if (decl.state == Declaration::Bad) {
    ++failures;
    return std::nullopt;
  }
  Scope scope;
  Dims lead;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto dim = dimOf(arguments[i]);
    if (!dim)
      return std::nullopt;
    Local local;
    local.value = Value::integer(dim->size);
    local.value.dimension = dim->name;
    scope.names.emplace(std::string(generics->kids[i]->text), local);
  }
  for (const Node *kid : group) {
    auto dim = dimOf(kid);
    if (!dim)
      return std::nullopt;
    lead.push_back(*dim);
  }
  TypeTree tree;
  tree.tuple = true;
  tree.record = &decl.record;
  auto state = decl.state;
  decl.state = Declaration::Busy;
  Frame inner = frame->at(decl.module, &scope);
  Enter enter(*this, inner);
  bool good = true;
  decl.record.name = decl.name;
  decl.record.fields.clear();
  for (const Node *field : fields->kids)
    decl.record.fields.push_back(std::string(field->text));
  for (const Node *field : fields->kids) {
    auto type = field->kind == Kind::Param ? typeOf(field->kids[0]) : std::nullopt;
    good &= type.has_value();
    // What is wrong with the rest is said where the record is declared.
    if (!type)
      break;
    tree.parts.push_back(std::move(*type));
  }
  decl.state = state;
  if (good && !fewTensors(tree.leaves(), decl.node->nameSpan, quoted(decl.name))) {
    decl.state = Declaration::Bad;
    return std::nullopt;
  }
  if (!good) {
    ++failures;
    return std::nullopt;
  }
  if (!lead.empty())
    prepend(tree, lead);
  return tree;
}

/// The names in the sizes of all tensors of a type.
static void addSymbols(const TypeTree &tree, std::set<std::string> &names) {
  for (const hir::Dim &dim : tree.type.shape)
    names.merge(dim.size.symbols());
  for (const TypeTree &part : tree.parts)
    addSymbols(part, names);
}

/// Checks a record where it is declared; its dimensions are unknown sizes.
void Checker::defineRecord(Declaration &decl) {
  const Node *generics = decl.node->kids[0], *fields = decl.node->kids[1];
  if (generics->kind != Kind::Generics || fields->kind != Kind::Params) {
    ++failures;
    return;
  }
  if (fields->kids.empty())
    Report(*this, code::E0415, decl.node->nameSpan, quoted(decl.name) + " has no fields");
  Inner inner(*this);
  std::vector<const Node *> names;
  for (const Node *g : generics->kids) {
    if (g->flags & (IsPack | IsType))
      Report(*this, code::E0415, g->span,
             "a record is generic in dimensions only: " + quoted(g->text) +
                 (g->flags & IsPack ? " stands for several dimensions" : " is a type"));
    Local local;
    local.value = Value::integer(DimExpr::symbol(std::string(g->text)));
    local.value.dimension = g->text;
    declareLocal(g, local);
  }
  std::map<std::string_view, const Node *> seen;
  for (const Node *field : fields->kids) {
    if (field->kind != Kind::Param)
      continue;
    auto [it, fresh] = seen.emplace(field->text, field);
    if (!fresh)
      Report(*this, code::E0401, field->nameSpan, quoted(field->text) + " is declared twice")
          .note("the first declaration is here", it->second->nameSpan);
  }
  if (decl.state != Declaration::New)
    return;
  decl.state = Declaration::Busy;
  size_t before = failures;
  std::set<std::string> determined;
  for (const Node *field : fields->kids)
    if (auto type = field->kind == Kind::Param ? typeOf(field->kids[0]) : std::nullopt)
      addSymbols(*type, determined);
  for (const Node *g : generics->kids)
    if (failures == before && !determined.count(std::string(g->text)))
      Report(*this, code::E0415, g->span,
             "no field of " + quoted(decl.name) + " has " + quoted(g->text) +
                 " in its size: nothing determines it")
          .help("leave " + quoted(g->text) + " out, or give a field a dimension of it");
  decl.state = failures == before ? Declaration::Good : Declaration::Bad;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// `Block(q = a, k = b)`: its fields are matched like the parameters of a function.
Value Checker::makeRecord(Declaration &decl, const Node *n) {
  CallMatch match;
  match.fn = &decl;
  match.call = n;
  const Node *generics = decl.node->kids[0], *fields = decl.node->kids[1];
  bool good = generics->kind == Kind::Generics && fields->kind == Kind::Params &&
              decl.state != Declaration::Bad && matchArguments(match);
  if (!good) {
    ++failures;
    for (size_t i = 1; i < n->kids.size(); ++i)
      expr(n->kids[i]->kind == Kind::Named ? n->kids[i]->kids[0] : n->kids[i]);
    return {};
  }
  openGenerics(match);
  if (!evaluateArguments(match) || !solveDims(match) || !checkEquations(match))
    return {};
  decl.record.name = decl.name;
  decl.record.fields.clear();
  for (const Node *field : fields->kids)
    decl.record.fields.push_back(std::string(field->text));
  Value result = Value::of(Value::Tuple);
  result.record = &decl.record;
  result.parts = match.values;
  return result;
}

static void leavesOf(const TypeTree &tree, std::vector<const hir::Type *> &leaves) {
  if (!tree.tuple)
    leaves.push_back(&tree.type);
  for (const TypeTree &part : tree.parts)
    leavesOf(part, leaves);
}

/// Whether the type of a parameter, which is read where that is declared, is a record.
bool Checker::isRecord(const CallMatch &match, const Node *type) {
  Scope scope;
  Frame inner = frame->at(match.fn->module, &scope);
  Enter enter(*this, inner);
  return recordNamed(type);
}

/// An argument for a parameter that is a record.
bool Checker::matchRecord(CallMatch &match, const Node *type, Value &value, size_t i) {
  std::optional<TypeTree> tree;
  {
    Frame inner = frame->at(match.fn->module, &match.scope);
    Enter enter(*this, inner);
    tree = recordOf(type);
  }
  if (!tree)
    return false;
  if (value.kind != Value::Tuple || value.record != tree->record || value.lead != tree->lead) {
    badArgument(match, i, code::E0302, "")
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
    return false;
  }
  std::vector<const hir::Type *> declared;
  std::vector<Value> leaves;
  leavesOf(*tree, declared);
  flatten(value, leaves);
  for (size_t k = 0; k < leaves.size(); ++k) {
    Dims actual = leaves[k].shape();
    for (size_t d = 0; d < actual.size(); ++d)
      match.equations.push_back({declared[k]->shape[d].size, actual[d], i});
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// `blocks[i]`, `blocks[1..3]`.
Value Checker::groupAccess(const Node *n, const Value &object) {
  size_t given = n->kids.size() - 1;
  if (given > object.lead) {
    Report(*this, code::E0206, n->nameSpan,
           quoted(textAt(n->kids[0])) + " is " + quoted(show(object)) + ": " +
               std::to_string(given) + " subscripts are too many")
        .label(n->kids[0]->span);
    return {};
  }
  uint32_t points = uint32_t(std::count_if(n->kids.begin() + 1, n->kids.end(), [](const Node *kid) {
    return kid->kind != Kind::Range && kid->kind != Kind::All;
  }));
  Value result = object;
  result.lead -= points;
  for (Value &part : result.parts) {
    if (part.kind == Value::Tuple) {
      part = groupAccess(n, part);
    } else {
      std::vector<Subscript> subs;
      bool good = subscripts(n, part, subs);
      part = good ? accessOf(n, part, subs) : Value();
    }
    if (part.poison())
      return {};
  }
  return result;
}

/// `[a, b]` of records: a group of two.
Value Checker::groupOf(const Node *n, const std::vector<Value> &parts) {
  std::vector<std::vector<Value>> leaves(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].record != parts[0].record || parts[i].lead != parts[0].lead) {
      Report(*this, code::E0217, n->kids[i]->span,
             "the parts of a list have one type, found " + quoted(show(parts[0])) + " and " +
                 quoted(show(parts[i])))
          .label(n->kids[0]->span);
      return {};
    }
    flatten(parts[i], leaves[i]);
  }
  std::vector<Value> stacked;
  for (size_t k = 0; k < leaves[0].size(); ++k) {
    std::vector<Value> column;
    for (const auto &own : leaves)
      column.push_back(own[k]);
    stacked.push_back(arrayOfParts(n, column, column[0].ref.type().element));
    if (stacked.back().poison())
      return {};
  }
  size_t next = 0;
  return grouped(rebuilt(parts[0], stacked, next));
}

Value Checker::grouped(Value value) {
  if (value.kind == Value::Tuple)
    ++value.lead;
  for (Value &part : value.parts)
    part = grouped(std::move(part));
  return value;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value Checker::weightOf(const TypeTree &type, uint32_t first) {
  if (!type.tuple)
    return Value::tensor(b.weight(first));
  Value result = Value::of(Value::Tuple);
  result.record = type.record;
  result.lead = type.lead;
  for (size_t i = 0; i < type.parts.size(); ++i)
    result.parts.push_back(Value::tensor(b.weight(first + uint32_t(i))));
  return result;
}

/// What `{ field : "..." }` says of a field; null after a message.
const Node *Checker::fieldEntry(Declaration &decl, const std::string &field) {
  const Node *fields = decl.node->kids[2], *found = nullptr;
  for (const Node *entry : fields->kids) {
    if (entry->kind != Kind::Named) {
      ++failures;
      return nullptr;
    }
    if (entry->text != field)
      continue;
    if (found) {
      Report(*this, code::E0410, entry->nameSpan, quoted(field) + " has two entries")
          .label(found->nameSpan);
      return nullptr;
    }
    found = entry;
  }
  if (!found)
    Report(*this, code::E0410, fields->span,
           "the field " + quoted(field) + " of " + quoted(decl.name) + " has no entry")
        .help("write " + quoted(field + " : \"...\""));
  return found;
}

/// One weight a field; `weight` says what they have in common.
bool Checker::recordWeight(Declaration &decl, const TypeTree &type, hir::Weight weight) {
  const std::vector<std::string> &names = type.record->fields;
  const Node *fields = decl.node->kids[2];
  bool good = true;
  if (type.lead > 1) {
    Report(*this, code::E0410, decl.node->kids[0]->span,
           "a group of weights has one leading dimension, found " + std::to_string(type.lead));
    return false;
  }
  for (const Node *entry : fields->kids)
    if (entry->kind == Kind::Named && !std::count(names.begin(), names.end(), entry->text)) {
      Report report(*this, code::E0410, entry->nameSpan,
                    quoted(type.record->name) + " has no field " + quoted(entry->text));
      if (std::string near = suggestion(entry->text, names); !near.empty())
        report.help("did you mean " + quoted(near) + "?");
      good = false;
    }
  for (size_t i = 0; i < names.size(); ++i) {
    const Node *entry = fieldEntry(decl, names[i]);
    auto text = entry ? textOf(entry->kids[0], "the name of a weight in its file") : std::nullopt;
    if (!text || type.parts[i].tuple) {
      if (type.parts[i].tuple)
        Report(*this, code::E0410, decl.node->kids[0]->span,
               "a weight is a record of tensors, but " + quoted(names[i]) + " of " +
                   quoted(type.record->name) + " is none");
      good = false;
      continue;
    }
    hir::Weight one = weight;
    one.name += "." + names[i];
    one.type = type.parts[i].type;
    one.entry = *text;
    one.transposed = entry->flags & Transposed;
    one.span = entry->nameSpan;
    bool numbered = text->find("{i}") != std::string::npos;
    if (numbered != (type.lead == 1)) {
      Report(*this, code::E0410, entry->kids[0]->span,
             numbered
                 ? "`{i}` is the number of a layer, and " + quoted(decl.name) + " is one record"
                 : "the name of the entry is the same for every layer")
          .help(numbered ? "" : "write `{i}` where the number of the layer stands");
      good = false;
      continue;
    }
    if (one.transposed && one.type.shape.size() != 2 + type.lead) {
      Report(*this, code::E0410, entry->nameSpan,
             "`transposed` is for matrices: " + quoted(names[i]) + " is " + quoted(show(one.type)));
      good = false;
    }
    if (type.lead)
      one.layers = one.type.shape[0].size.constant().value_or(-1);
    good &= storeAs(entry->kids[1], one);
    program->weights.push_back(std::move(one));
  }
  return good;
}

} // namespace mad::elab
