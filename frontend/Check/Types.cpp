//===- Types.cpp - Types as written, and values against them ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <cmath>

namespace mad::elab {

using namespace ast;

/// As many as an artifact can describe with ease; nobody needs more.

/// Of one value. Tuples of tuples of tuples grow fast.
static constexpr size_t maxTensors = 4096;

bool Checker::fewTensors(size_t count, Span span, const std::string &what) {
  if (count <= maxTensors)
    return true;
  Report(*this, code::E0412, span,
         what + " has " + std::to_string(count) + " tensors: a value has at most " +
             std::to_string(maxTensors))
      .help("stack them: one tensor with a dimension more");
  return false;
}

/// `1 dimension, not 2`.
std::string Checker::ranks(size_t found, size_t expected) {
  return std::to_string(found) + (found == 1 ? " dimension, not " : " dimensions, not ") +
         std::to_string(expected);
}

//===----------------------------------------------------------------------===//
// Reading types
//===----------------------------------------------------------------------===//

/// What other languages call a type.
static std::string typeElsewhere(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"float", "f32"}, {"float32", "f32"}, {"double", "f64"}, {"float64", "f64"}, {"int", "i64"},
      {"int64", "i64"}, {"long", "i64"},    {"int32", "i32"},  {"boolean", "bool"}};
  for (auto [elsewhere, here] : names)
    if (name == elsewhere)
      return std::string(here);
  return {};
}

std::optional<TypeTree> Checker::typeOf(const Node *n) {
  TypeTree tree;
  if (n->kind == Kind::TupleType) {
    tree.tuple = true;
    bool good = true;
    for (const Node *kid : n->kids) {
      auto part = typeOf(kid);
      good &= part.has_value();
      if (part)
        tree.parts.push_back(std::move(*part));
    }
    good = good && fewTensors(tree.leaves(), n->span, "this tuple");
    return good ? std::optional(tree) : std::nullopt;
  }
  if (recordNamed(n))
    return recordOf(n);
  if (n->kind == Kind::StateType) {
    if (const Node *state = stateNamed(n->text))
      return typeOf(state->kids[0]);
    Report(*this, code::E0416, n->span, "there is no state " + quoted(n->text))
        .help("a state is a parameter of an exported function: " +
              quoted("state " + std::string(n->text) + ": f32[N]"));
    return std::nullopt;
  }
  if (n->kind != Kind::TensorType) {
    if (n->kind == Kind::GroupType)
      Report(*this, code::E0310, n->nameSpan,
             "there is no record " + quoted(n->kids[0]->text) +
                 ": only a group of them has two "
                 "lists of dimensions");
    ++failures;
    return std::nullopt;
  }
  auto element = elementName(n->text);
  if (!element) {
    Report report(*this, code::E0310, n->nameSpan, "there is no type " + quoted(n->text));
    std::vector<std::string> names;
    for (Element e : hir::elements)
      names.push_back(hir::name(e));
    if (std::string known = typeElsewhere(n->text); !known.empty())
      report.help("write " + quoted(known));
    else if (std::string near = suggestion(n->text, names); !near.empty())
      report.help("did you mean " + quoted(near) + "?");
    return std::nullopt;
  }
  tree.type.element = *element;
  for (const Node *kid : n->kids) {
    if (kid->kind == Kind::Pack) {
      if (!appendPack(kid, tree.type.shape))
        return std::nullopt;
      continue;
    }
    auto dim = dimOf(kid);
    if (!dim)
      return std::nullopt;
    tree.type.shape.push_back(std::move(*dim));
  }
  if (tree.type.shape.size() > maxRank) {
    Report(*this, code::E0219, n->span,
           "a tensor has at most " + std::to_string(maxRank) + " dimensions");
    return std::nullopt;
  }
  if (Builder::isHuge(tree.type)) {
    Report(*this, code::E0212, n->span,
           quoted(show(tree.type)) + " has more elements than a machine can hold");
    return std::nullopt;
  }
  return tree;
}

std::optional<DimExpr> Checker::sizeOf(const Node *n, const char *what) {
  Value value = expr(n);
  if (value.poison())
    return std::nullopt;
  if (value.kind != Value::Integer) {
    Report(*this, code::E0211, n->span,
           std::string(what) + " is an integer known when compiling, found " + quoted(show(value)));
    return std::nullopt;
  }
  if (!validDim(value.number, n->span))
    return std::nullopt;
  return value.number;
}

std::optional<hir::Dim> Checker::dimOf(const Node *n) {
  auto size = sizeOf(n, "a dimension");
  if (!size)
    return std::nullopt;
  if (auto c = size->constant(); c && *c < 0) {
    Report(*this, code::E0212, n->span,
           "a dimension is at least 0, " + quoted(textAt(n)) + " is " + std::to_string(*c));
    return std::nullopt;
  }
  bool named = n->kind == Kind::Name || n->kind == Kind::Member;
  return hir::Dim{*size, named ? std::string(n->text) : std::string()};
}

/// The dimensions that `B...` stands for, behind those of a shape.
bool Checker::appendPack(const Node *pack, Dims &shape) {
  Local *local = frame->scope->find(pack->text);
  if (!local) {
    unknownName(pack, "pack of dimensions");
    return false;
  }
  if (local->kind != Local::Pack) {
    Report(*this, code::E0202, pack->span, quoted(pack->text) + " is one dimension")
        .help("write " + quoted(pack->text));
    return false;
  }
  shape.insert(shape.end(), local->pack.begin(), local->pack.end());
  return true;
}

static bool isMinusOne(const Node *n) {
  return n->kind == Kind::Unary && n->text == "-" && n->kids[0]->kind == Kind::Number &&
         n->kids[0]->text == "1";
}

/// `[B..., 3, Pixels]` as an argument. With `rest`, one dimension may be -1: its
/// position goes there, and its size is 1.
std::optional<Checker::Dims> Checker::shapeArgument(const Node *n, std::optional<size_t> *rest) {
  if (n->kind != Kind::Array) {
    if (n->kind != Kind::Error)
      Report(*this, code::E0309, n->span, "a shape is written as a list: `[3, Pixels]`");
    return std::nullopt;
  }
  Dims shape;
  bool good = true;
  for (const Node *kid : n->kids) {
    if (kid->kind == Kind::Pack) {
      good &= appendPack(kid, shape);
      continue;
    }
    if (rest && isMinusOne(kid)) {
      if (*rest) {
        Report(*this, code::E0212, kid->span,
               "-1 stands here twice: one size follows from the others");
        return std::nullopt;
      }
      *rest = shape.size();
      shape.push_back({DimExpr(1), ""});
      continue;
    }
    auto dim = dimOf(kid);
    good &= dim.has_value();
    if (!dim)
      continue;
    good &= requireAtLeast(dim->size, DimExpr(0), kid->span,
                           quoted(textAt(kid)) + " is a dimension and must not be negative",
                           [&](const std::string &reason, const std::string &help) {
                             Report report(*this, code::E0212, kid->span,
                                           "a dimension is at least 0: " + reason);
                             report.help(help);
                           });
    shape.push_back(std::move(*dim));
  }
  if (shape.size() > maxRank) {
    Report(*this, code::E0219, n->span,
           "a tensor has at most " + std::to_string(maxRank) + " dimensions");
    return std::nullopt;
  }
  return good ? std::optional(shape) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Showing types
//===----------------------------------------------------------------------===//

std::string Checker::show(const hir::Dim &dim) const {
  return dim.name.empty() ? dim.size.str() : dim.name;
}

std::string Checker::show(const hir::Type &type) const {
  std::string text = hir::name(type.element);
  for (size_t d = 0; d < type.shape.size(); ++d)
    text += (d ? ", " : "[") + show(type.shape[d]);
  return type.shape.empty() ? text : text + "]";
}

std::string Checker::show(const TypeTree &type) const {
  if (!type.tuple)
    return show(type.type);
  if (type.record) {
    const TypeTree *leaf = &type;
    while (leaf->tuple && !leaf->parts.empty())
      leaf = &leaf->parts[0];
    std::string text = type.record->name;
    for (size_t d = 0; d < type.lead && d < leaf->type.shape.size(); ++d)
      text += (d ? ", " : "[") + show(leaf->type.shape[d]);
    return type.lead ? text + "]" : text;
  }
  std::string text = "(";
  for (size_t i = 0; i < type.parts.size(); ++i)
    text += (i ? ", " : "") + show(type.parts[i]);
  return text + ")";
}

TypeTree Checker::treeOf(const Value &value) const {
  TypeTree tree;
  if (value.isTensor()) {
    tree.type = {value.ref.type().element, value.shape()};
  } else if (value.kind == Value::Tuple) {
    tree.tuple = true;
    tree.record = value.record;
    tree.lead = value.lead;
    for (const Value &part : value.parts)
      tree.parts.push_back(treeOf(part));
  } else if (value.kind == Value::Integer) {
    tree.type.element = value.element.value_or(Element::I64);
  } else if (value.kind == Value::Truth) {
    tree.type.element = Element::Bool;
  } else {
    tree.type.element = value.element.value_or(Element::F32);
  }
  return tree;
}

std::string Checker::show(const Value &value) const {
  switch (value.kind) {
  case Value::Poison:
    return "?";
  case Value::Nothing:
    return "nothing";
  case Value::Text:
    return "string";
  case Value::Axis:
    return "axis";
  case Value::Tuple: {
    if (value.record)
      return show(treeOf(value));
    std::string text = "(";
    for (size_t i = 0; i < value.parts.size(); ++i)
      text += (i ? ", " : "") + show(value.parts[i]);
    return text + ")";
  }
  case Value::Integer:
  case Value::Real:
  case Value::Truth:
  case Value::Tensor:
    return show(treeOf(value));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Literals
//===----------------------------------------------------------------------===//

/// A number known when compiling as a tensor of the element type.
Value Checker::literal(const Value &value, Element element, const Node *at) {
  if (value.poison() || value.isTensor())
    return value;
  if (value.element && *value.element != element) {
    Report(*this, code::E0302, at->span,
           "found " + quoted(hir::name(*value.element)) + " where " + quoted(hir::name(element)) +
               " is expected")
        .help("write " + quoted(std::string(hir::name(element)) + "(" + textAt(at) + ")"));
    return {};
  }
  auto mismatch = [&](const std::string &kind) -> Report {
    return Report(*this, code::E0304, at->span,
                  "found " + kind + " where " + quoted(hir::name(element)) + " is expected");
  };
  switch (value.kind) {
  case Value::Integer: {
    if (!validDim(value.number, at->span))
      return {};
    if (!isInteger(element)) {
      bool digits = at->kind == Kind::Number;
      std::string fix = digits && isFloat(element)
                            ? std::string(at->text) + ".0"
                            : std::string(hir::name(element)) + "(" + textAt(at) + ")";
      mismatch("an integer").help("write " + quoted(fix));
      return {};
    }
    auto constant = value.number.constant();
    if (!constant)
      return Value::tensor(b.cast(b.dimValue(value.number), element));
    if (hir::wrapped(element, *constant) != *constant) {
      Report(*this, code::E0304, at->span,
             std::to_string(*constant) + " does not fit into " + quoted(hir::name(element)));
      return {};
    }
    return Value::tensor(b.constant(element, *constant));
  }
  case Value::Real:
    if (!isFloat(element)) {
      mismatch("a float").help("write " +
                               quoted(std::string(hir::name(element)) + "(" + textAt(at) + ")"));
      return {};
    }
    if (std::isfinite(value.real) && !std::isfinite(hir::rounded(element, value.real))) {
      Report(*this, code::E0304, at->span,
             quoted(textAt(at)) + " does not fit into " + quoted(hir::name(element)));
      return {};
    }
    return Value::tensor(b.constant(element, value.real));
  case Value::Truth:
    if (element != Element::Bool) {
      mismatch("`bool`").help("write " +
                              quoted(std::string(hir::name(element)) + "(" + textAt(at) + ")"));
      return {};
    }
    return Value::tensor(b.constant(element, int64_t(value.truth)));
  case Value::Nothing:
    Report(*this, code::E0313, at->span, "a value is expected here");
    return {};
  default:
    Report(*this, code::E0302, at->span,
           "found " + quoted(show(value)) + " where " + quoted(hir::name(element)) +
               " is expected");
    return {};
  }
}

/// A tensor, or a tuple of them: what was known when compiling gets the type
/// that is wanted, or its default.
Value Checker::settled(Value value, const Want &want, const Node *at) {
  if (value.kind == Value::Tuple) {
    for (size_t i = 0; i < value.parts.size(); ++i) {
      const Node *part = at->kind == Kind::Tuple ? at->kids[i] : at;
      value.parts[i] = settled(value.parts[i], want.part(i), part);
      if (value.parts[i].poison())
        return {};
    }
    return value;
  }
  if (value.poison() || value.isTensor())
    return value;
  Element element = treeOf(value).type.element;
  return literal(value, value.untyped() && want.element ? *want.element : element, at);
}

//===----------------------------------------------------------------------===//
// Values against types
//===----------------------------------------------------------------------===//

Value Checker::coerce(Value value, const TypeTree &type, const Node *at, const std::string &what) {
  if (value.poison())
    return value;
  auto mismatch = [&](uint16_t kind, const std::string &reason) -> Report {
    return Report(*this, kind, at->span,
                  what + " is " + quoted(show(type)) + ", found " + quoted(show(value)) +
                      (reason.empty() ? "" : ": " + reason));
  };
  if (type.tuple) {
    if (value.kind != Value::Tuple || value.parts.size() != type.parts.size() ||
        value.record != type.record || value.lead != type.lead) {
      mismatch(code::E0308, "");
      return {};
    }
    for (size_t i = 0; i < value.parts.size(); ++i) {
      const Node *part = at->kind == Kind::Tuple ? at->kids[i] : at;
      value.parts[i] = coerce(
          value.parts[i], type.parts[i], part,
          (type.record ? "field " + quoted(type.record->fields[i]) : "part " + std::to_string(i)) +
              " of " + what);
      if (value.parts[i].poison())
        return {};
    }
    return value;
  }
  if (!value.isTensor() && !value.isNumber() && value.kind != Value::Truth) {
    mismatch(value.kind == Value::Tuple ? code::E0308 : code::E0302, "");
    return {};
  }
  if (!value.isTensor()) {
    if (!type.type.shape.empty()) {
      mismatch(code::E0205, "a number has no dimensions").help("write `full([...], ...)`");
      return {};
    }
    // It stays known when compiling.
    if (literal(value, type.type.element, at).poison())
      return {};
    value.element = type.type.element;
    value.real = hir::rounded(*value.element, value.real);
    return value;
  }
  return coerceTensor(std::move(value), type, at, what);
}

Value Checker::coerceTensor(Value value, const TypeTree &type, const Node *at,
                            const std::string &what) {
  auto mismatch = [&](uint16_t kind, const std::string &reason) -> Report {
    return Report(*this, kind, at->span,
                  what + " is " + quoted(show(type)) + ", found " + quoted(show(value)) +
                      (reason.empty() ? "" : ": " + reason));
  };
  if (value.ref.type().element != type.type.element) {
    mismatch(code::E0302, "")
        .help("write " +
              quoted(std::string(hir::name(type.type.element)) + "(" + textAt(at) + ")"));
    return {};
  }
  Dims found = value.shape();
  if (found.size() != type.type.shape.size()) {
    mismatch(code::E0205, ranks(found.size(), type.type.shape.size()));
    return {};
  }
  bool renamed = false;
  for (size_t d = 0; d < found.size(); ++d) {
    std::string message =
        what + " is " + quoted(show(type)) + ": dimension " + std::to_string(d) + " differs";
    bool good = requireEqual(
        found[d], type.type.shape[d], at->span, message,
        [&](const std::string &reason, const std::string &help) {
          bool turned = found.size() == 2 && found[0].size == type.type.shape[1].size &&
                        found[1].size == type.type.shape[0].size;
          mismatch(code::E0205, reason)
              .help(turned ? "write " + quoted("transpose(" + textAt(at) + ")") : help);
        });
    if (!good)
      return {};
    // The declared name is a name for a dimension that has none. A 1 that has one
    // stretches no longer: that needs a value of its own.
    if (found[d].size == DimExpr(1)) {
      renamed |= found[d].name.empty() && !type.type.shape[d].name.empty();
      continue;
    }
    std::string &name = value.ref.node->types[value.ref.result].shape[value.space.size() + d].name;
    if (name.empty())
      name = type.type.shape[d].name;
  }
  if (!renamed)
    return withSizes(value, type.type.shape);
  Dims full = spaceDims(value.space);
  full.insert(full.end(), type.type.shape.begin(), type.type.shape.end());
  return Value::tensor(b.reshape(value.ref, std::move(full)), value.space);
}

} // namespace mad::elab
