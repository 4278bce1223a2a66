//===- RuleTypes.cpp - Types of variables that are not declared -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes are rows of sizes, read from the last one, with an unknown number of
// further ones in front: `[S..., K]`. Operands of elementwise operations have one
// shape, those of `@` are `[S..., K]` and `[K, N]`. Unification as for records
// with row variables; the result is written as a rule would declare it.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Rules.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;
using Types = Checker::RuleTypes;

//===----------------------------------------------------------------------===//
// Unification
//===----------------------------------------------------------------------===//

uint32_t Types::row(Row::Kind kind, uint32_t rest, uint32_t last) {
  rows.push_back({kind, rest, last});
  return uint32_t(rows.size() - 1);
}

uint32_t Types::size() {
  sizes.push_back({false, 0, uint32_t(sizes.size())});
  return uint32_t(sizes.size() - 1);
}

uint32_t Types::size(int64_t value) {
  sizes.push_back({true, value, uint32_t(sizes.size())});
  return uint32_t(sizes.size() - 1);
}

uint32_t Types::find(uint32_t row) {
  while (rows[row].kind == Row::Same)
    row = rows[row].rest;
  return row;
}

uint32_t Types::findSize(uint32_t size) {
  while (sizes[size].same != size)
    size = sizes[size].same;
  return size;
}

uint32_t Types::findElement(uint32_t element) {
  while (kinds[element].second != element)
    element = kinds[element].second;
  return element;
}

Types::Type Types::tensor(uint32_t row, Elements elements) {
  Type type;
  type.kind = Type::Tensor;
  type.row = row;
  type.element = uint32_t(kinds.size());
  kinds.push_back({elements, type.element});
  return type;
}

Types::Type Types::fresh() { return tensor(row()); }

bool Types::occurs(uint32_t row, uint32_t in) {
  for (in = find(in); rows[in].kind == Row::Cons; in = find(rows[in].rest))
    if (in == row)
      return true;
  return in == row;
}

bool Types::equalSizes(uint32_t a, uint32_t b) {
  a = findSize(a);
  b = findSize(b);
  if (sizes[a].known && sizes[b].known)
    return sizes[a].value == sizes[b].value;
  if (sizes[a].known)
    std::swap(a, b);
  sizes[a].same = b;
  return true;
}

bool Types::equalRows(uint32_t a, uint32_t b) {
  for (;;) {
    a = find(a);
    b = find(b);
    if (a == b)
      return true;
    if (rows[b].kind == Row::Unknown)
      std::swap(a, b);
    if (rows[a].kind == Row::Unknown) {
      if (occurs(a, b))
        return false;
      rows[a] = {Row::Same, b, 0};
      return true;
    }
    if (rows[a].kind != rows[b].kind)
      return false;
    if (!equalSizes(rows[a].last, rows[b].last))
      return false;
    a = rows[a].rest;
    b = rows[b].rest;
  }
}

bool Types::equalElements(uint32_t a, uint32_t b) {
  a = findElement(a);
  b = findElement(b);
  if (kinds[a].first != Open && kinds[b].first != Open && kinds[a].first != kinds[b].first)
    return false;
  if (kinds[a].first != Open)
    std::swap(a, b);
  kinds[a].second = b;
  return true;
}

/// The shape that both stretch to. Only scalars and sizes of 1 do: what is unknown is the same.
std::optional<uint32_t> Types::joined(uint32_t a, uint32_t b) {
  a = find(a);
  b = find(b);
  if (a == b || rows[b].kind == Row::Nil)
    return a;
  if (rows[a].kind == Row::Nil)
    return b;
  if (rows[a].kind == Row::Unknown || rows[b].kind == Row::Unknown)
    return equalRows(a, b) ? std::optional(a) : std::nullopt;
  auto isOne = [&](uint32_t row) {
    const Size &size = sizes[findSize(rows[row].last)];
    return size.known && size.value == 1;
  };
  uint32_t last = isOne(a) ? rows[b].last : rows[a].last;
  if (!isOne(a) && !isOne(b) && !equalSizes(rows[a].last, rows[b].last))
    return std::nullopt;
  auto rest = joined(rows[a].rest, rows[b].rest);
  return rest ? std::optional(row(Row::Cons, *rest, last)) : std::nullopt;
}

bool Types::elements(const Type &type, Elements elements) {
  if (type.kind != Type::Tensor)
    return true;
  auto &own = kinds[findElement(type.element)].first;
  if (own != Open && own != elements)
    return false;
  own = elements;
  return true;
}

bool Types::equal(const Type &a, const Type &b) {
  if (a.kind == Type::Tuple && b.kind == Type::Tuple) {
    bool good = a.parts.size() == b.parts.size();
    for (size_t i = 0; good && i < a.parts.size(); ++i)
      good = equal(a.parts[i], b.parts[i]);
    return good;
  }
  if (a.kind != Type::Tensor || b.kind != Type::Tensor)
    return a.kind != Type::Tuple && b.kind != Type::Tuple;
  return equalRows(a.row, b.row) && equalElements(a.element, b.element);
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

std::string Types::example() const {
  std::string name = order.empty() ? "x" : order[0].first;
  return "rule " + std::string(rule->text) + "[N, T: float](" + name + ": T[N]" +
         (order.size() > 1 ? ", ...): ..." : "): ...");
}

std::nullopt_t Types::refuse(const Node *at, const std::string &reason) {
  std::string name;
  std::function<bool(const Node *)> find = [&](const Node *n) {
    if (n->kind == Kind::Name && variables.count(n->text))
      name = n->text;
    return !name.empty() || anyPart(n, find);
  };
  find(at);
  Report(c, code::E0422, at->span,
         (name.empty() ? "the types of the variables of " + quoted(rule->text)
                       : "the type of " + quoted(name)) +
             " cannot be inferred: " + reason)
      .help("declare the variables: " + quoted(example()));
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

std::optional<Types::Type> Types::name(const Node *n) {
  for (auto scope = locals.rbegin(); scope != locals.rend(); ++scope)
    if (auto it = scope->find(n->text); it != scope->end())
      return it->second;
  if (auto it = variables.find(n->text); it != variables.end())
    return it->second;
  Type literal;
  literal.kind = Type::Literal;
  // Numbers with a name; what else the file declares is hidden, as by parameters.
  if (auto it = module.names.find(n->text); it != module.names.end())
    if (it->second->kind == Declaration::Const || it->second->kind == Declaration::Dim)
      return literal;
  Type type = fresh();
  variables.emplace(n->text, type);
  order.emplace_back(n->text, n->span);
  return type;
}

/// So that a message can name a variable.
void Types::declareNames(const Node *n) {
  eachPart(n, [&](const Node *kid) {
    bool callee = n->kind == Kind::Call && kid == n->kids[0];
    if (kid->kind == Kind::Name && !callee)
      name(kid);
    else if (!callee)
      declareNames(kid);
  });
}

std::optional<Types::Type> Types::block(const Node *n) {
  locals.emplace_back();
  std::optional<Type> result;
  for (const Node *line : n->kids) {
    if (!line)
      continue;
    bool let = line->kind == Kind::Let && line->kids[0]->kind == Kind::Name;
    if (!let && line != n->kids.back()) {
      refuse(line, "this kind of statement is not followed");
      break;
    }
    auto value = expr(let ? line->kids[2] : line);
    if (!value)
      break;
    if (let)
      locals.back()[std::string(line->kids[0]->text)] = *value;
    else
      result = value;
  }
  locals.pop_back();
  return result;
}

/// The result of an elementwise operation, whose elements are `result`: Open, those of the
/// operands.
std::optional<Types::Type> Types::together(const Node *n, std::vector<Type> parts,
                                           Elements result) {
  std::optional<Type> all;
  for (const Type &part : parts) {
    if (part.kind == Type::Literal)
      continue;
    if (part.kind != Type::Tensor)
      return refuse(n, "a tuple has no elements");
    if (!all) {
      all = part;
      continue;
    }
    auto shape = joined(all->row, part.row);
    if (!shape)
      return refuse(n, "the operands have different shapes");
    if (!equalElements(all->element, part.element))
      return refuse(n, "one operand is `bool`, another one a number");
    all->row = *shape;
  }
  Type literal;
  literal.kind = Type::Literal;
  if (!all)
    return literal;
  return result == Open ? all : tensor(all->row, result);
}

std::optional<Types::Type> Types::product(const Node *n, const Type &left, const Type &right) {
  if (left.kind != Type::Tensor || right.kind != Type::Tensor)
    return refuse(n, "`@` takes matrices");
  uint32_t summed = size(), column = size(), lead = row();
  Type a = tensor(row(Row::Cons, lead, summed), Float);
  Type b = tensor(row(Row::Cons, row(Row::Cons, row(Row::Nil), summed), column), Float);
  if (!equal(left, a) || !equal(right, b))
    return refuse(n, "`@` is read as `[B..., K] @ [K, N]`, which does not fit");
  Type result = tensor(row(Row::Cons, lead, column), Float);
  return equalElements(result.element, left.element) ? std::optional(result) : std::nullopt;
}

std::optional<Types::Type> Types::binary(const Node *n) {
  std::vector<const Node *> chain = chainOf(n);
  std::optional<Type> left = expr(chain[0]->kids[0]);
  for (const Node *operation : chain) {
    if (!left)
      return left;
    auto right = expr(operation->kids[1]);
    if (!right)
      return right;
    std::string_view op = operation->text;
    if (op == "@") {
      left = product(operation, *left, *right);
      continue;
    }
    bool logic = op == "and" || op == "or";
    bool compares = op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=";
    if (!compares || (op != "==" && op != "!="))
      for (const Type &side : {*left, *right})
        if (!elements(side, logic ? Bool : Float))
          return refuse(operation, logic ? "`" + std::string(op) + "` takes `bool`"
                                         : "`" + std::string(op) + "` takes numbers");
    left = together(operation, {*left, *right}, compares ? Bool : Open);
  }
  return left;
}

std::optional<Types::Type> Types::expr(const Node *n) {
  Type literal;
  literal.kind = Type::Literal;
  switch (n->kind) {
  case Kind::Number:
  case Kind::Bool:
    return literal;
  case Kind::Name:
    return name(n);
  case Kind::Block:
    return block(n);
  case Kind::Binary:
    return binary(n);
  case Kind::Call:
    return call(n);
  case Kind::Unary: {
    auto value = expr(n->kids[0]);
    if (value && !elements(*value, n->text == "not" ? Bool : Float))
      return refuse(n, n->text == "not" ? "`not` takes `bool`" : "`-` takes numbers");
    return value;
  }
  case Kind::Tuple: {
    Type type;
    type.kind = Type::Tuple;
    for (const Node *kid : n->kids) {
      auto part = expr(kid);
      if (!part)
        return part;
      type.parts.push_back(*part);
    }
    return type;
  }
  case Kind::Member: {
    const Node *object = n->kids[0];
    auto used = object->kind == Kind::Name ? module.names.find(object->text) : module.names.end();
    if (used != module.names.end() && used->second->kind == Declaration::Use &&
        !variables.count(object->text))
      return literal;
    return refuse(n, "parts of values are not followed");
  }
  default:
    declareNames(n);
    return refuse(n, "what stands here can have several types");
  }
}

//===----------------------------------------------------------------------===//
// The result, as it would be declared
//===----------------------------------------------------------------------===//

std::string_view Types::keep(std::string text) { return c.madeTexts.emplace_back(std::move(text)); }

ast::Node *Types::node(Kind kind, Span span, std::string_view text, Nodes kids, uint16_t flags) {
  Node &made = c.made.emplace_back();
  made.kind = kind;
  made.span = made.nameSpan = span;
  made.text = text;
  made.kids = std::move(kids);
  made.flags = flags;
  return &made;
}

bool Types::taken(const std::string &name) const {
  auto has = [&](const auto &map) {
    return std::any_of(map.begin(), map.end(), [&](const auto &e) { return e.second == name; });
  };
  return variables.count(name) || module.names.count(name) || has(packNames) || has(sizeNames) ||
         std::any_of(locals.begin(), locals.end(),
                     [&](const Locals &scope) { return scope.count(name) > 0; });
}

/// A type in the words of the language; its generics are added to `generics`.
ast::Node *Types::typeNode(const Type &type, Span span, Node &generics) {
  auto nameFor = [&](std::map<uint32_t, std::string> &names, uint32_t number,
                     std::string_view letters, uint16_t flags) {
    auto [it, fresh] = names.try_emplace(number);
    if (!fresh)
      return keep(it->second);
    for (size_t i = 0; it->second.empty(); ++i) {
      std::string name(1, letters[i % letters.size()]);
      if (i >= letters.size())
        name += std::to_string(i / letters.size());
      if (!taken(name))
        it->second = name;
    }
    std::string_view text = keep(it->second);
    generics.kids.push_back(node(Kind::Generic, span, text, {}, flags));
    return text;
  };
  std::vector<uint32_t> dims;
  uint32_t at = find(type.row);
  for (; rows[at].kind == Row::Cons; at = find(rows[at].rest))
    dims.push_back(findSize(rows[at].last));
  Nodes kids;
  if (rows[at].kind == Row::Unknown)
    kids.push_back(node(Kind::Pack, span, nameFor(packNames, at, "SBC", IsPack)));
  for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim)
    kids.push_back(sizes[*dim].known
                       ? node(Kind::Number, span, keep(std::to_string(sizes[*dim].value)))
                       : node(Kind::Name, span, nameFor(sizeNames, *dim, "KNMPQR", 0)));
  if (kinds[findElement(type.element)].first == Bool)
    return node(Kind::TensorType, span, "bool", std::move(kids));
  for (size_t i = 0; typeName.empty(); ++i) {
    std::string name = i ? "T" + std::to_string(i) : "T";
    if (!taken(name)) {
      typeName = name;
      generics.kids.push_back(node(Kind::Generic, span, keep(typeName), {}, IsType | IsFloat));
    }
  }
  return node(Kind::TensorType, span, keep(typeName), std::move(kids));
}

bool Types::infer(Node &completed) {
  tensor(row(Row::Nil)); // number 0 of each
  size();
  locals.emplace_back();
  for (const Node *relation : relationsOf(rule->kids[4]))
    if (const Node *value = definition(relation, nullptr)) {
      auto type = expr(value);
      if (!type)
        return false;
      locals.back()[std::string(relation->kids[0]->text)] = *type;
    }
  auto left = expr(matched);
  auto right = left ? expr(built) : std::nullopt;
  if (!left || !right)
    return false;
  // Where that cannot be, the check says so.
  (void)equal(*left, *right);
  Node *generics = node(Kind::Generics, rule->nameSpan, {});
  Node *params = node(Kind::Params, rule->nameSpan, {});
  for (const auto &[name, span] : order) {
    Node *type = typeNode(variables.find(name)->second, span, *generics);
    params->kids.push_back(node(Kind::Param, span, keep(name), {type, nullptr}));
  }
  completed.kids[0] = generics;
  completed.kids[1] = params;
  return true;
}

} // namespace mad::elab
