//===- Expressions.cpp - Statements, literals, tuples and arrays ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

namespace mad::elab {

using namespace ast;

/// Also in index notation, where a value has a dimension for each index that it depends on.
bool Checker::fewDimensions(size_t rank, size_t indices, const Node *at) {
  if (rank <= maxRank)
    return true;
  Report(*this, code::E0219, at->span,
         "a tensor has at most " + std::to_string(maxRank) + " dimensions, found " +
             std::to_string(rank) + (indices ? " with those of the indices" : ""));
  return false;
}

Value Checker::expr(const Node *n, const Want &want) {
  if (depth >= maxNesting) {
    Report(*this, code::E0412, n->span, "calls and expressions are nested too deeply");
    return {};
  }
  Span saved = b.span;
  b.span = n->span;
  ++depth;
  Value value = exprKind(n, want);
  --depth;
  if (b.huge) {
    Report(*this, code::E0212, n->span,
           quoted(show(*std::exchange(b.huge, std::nullopt))) +
               " has more elements than a machine can hold");
    value = {};
  }
  if (value.isTensor() && !fewDimensions(value.ref.type().shape.size(), value.space.size(), n))
    value = {};
  b.span = saved;
  return value;
}

Value Checker::exprKind(const Node *n, const Want &want) {
  switch (n->kind) {
  case Kind::Number:
    return number(n, want);
  case Kind::Bool:
    return Value::boolean(n->text == "true");
  case Kind::String: {
    Value value = Value::of(Value::Text);
    value.text = n->text;
    return value;
  }
  case Kind::Name:
    return nameValue(n, want);
  case Kind::Member:
    return memberValue(n, want);
  case Kind::Call:
    return call(n, want);
  case Kind::Index:
    return access(n, want);
  case Kind::Unary:
    return unary(n, want);
  case Kind::Binary:
    return binary(n, want);
  case Kind::Reduce:
    return reduce(n, want);
  case Kind::If:
    return ifExpr(n, want);
  case Kind::Scan:
    return scan(n, want);
  case Kind::Iterate:
    return iterate(n, want);
  case Kind::For:
    return forLoop(n, want);
  case Kind::Solve:
    return solve(n, {});
  case Kind::Tuple:
    return tuple(n, want);
  case Kind::Array:
    return array(n, want);
  case Kind::With:
    return with(n, want);
  case Kind::Block:
    return block(n, want);
  default: // what could not be parsed is reported
    ++failures;
    return {};
  }
}

/// What is shown of a number: of one with very many digits its beginning.
static std::string shownNumber(std::string_view text) {
  static constexpr size_t maxShown = 40;
  return text.size() <= maxShown ? quoted(text)
                                 : quoted(std::string(text.substr(0, maxShown)) + "...");
}

/// Of a number that no f64 holds: whether it is too close to 0, not too large.
static bool isTiny(const std::string &digits) {
  size_t e = std::min(digits.find_first_of("eE"), digits.size());
  size_t point = std::min(digits.find('.'), e), first = digits.find_first_of("123456789");
  if (first >= e)
    return true;
  if (e < digits.size())
    return digits[e + 1] == '-';
  return first > point;
}

Value Checker::number(const Node *n, const Want &want) {
  std::string digits;
  for (char c : n->text)
    if (c != '_')
      digits += c;
  const char *begin = digits.data(), *end = begin + digits.size();
  if (digits.find_first_of(".eE") == std::string::npos) {
    int64_t value = 0;
    auto [at, failed] = std::from_chars(begin, end, value);
    if (failed != std::errc() || at != end) {
      Report(*this, code::E0304, n->span, shownNumber(n->text) + " does not fit into `i64`");
      return {};
    }
    return Value::integer(DimExpr(value));
  }
  double value = 0;
  auto [at, failed] = std::from_chars(begin, end, value);
  if (at != end || (failed == std::errc::result_out_of_range && !isTiny(digits))) {
    Element wide = want.element && isFloat(*want.element) ? *want.element : Element::F64;
    Report(*this, code::E0304, n->span,
           shownNumber(n->text) + " does not fit into " + quoted(hir::name(wide)));
    return {};
  }
  return Value::floating(value);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

Value Checker::block(const Node *n, const Want &want) {
  if (n->kind != Kind::Block)
    return expr(n, want);
  Inner inner(*this);
  for (size_t i = 0; i + 1 < n->kids.size(); ++i)
    statement(n->kids[i]);
  const Node *result = n->kids.empty() ? nullptr : n->kids.back();
  return result ? expr(result, want) : Value::of(Value::Nothing);
}

void Checker::statement(const Node *n) {
  switch (n->kind) {
  case Kind::Let:
    return let(n);
  case Kind::LetIndex:
    return letIndex(n);
  case Kind::Assert:
    return assertion(n);
  case Kind::Der:
    return n->flags & Linear ? linearPart(n) : n->flags & Noise ? noisePart(n) : derivative(n);
  case Kind::Event:
    return event(n);
  default:
    expr(n);
  }
}

void Checker::let(const Node *n) {
  std::optional<TypeTree> type;
  if (n->kids[1])
    type = typeOf(n->kids[1]);
  Value value = expr(n->kids[2], type ? Want(*type) : Want());
  if (value.kind == Value::Nothing) {
    Report(*this, code::E0313, n->kids[2]->span, "a value is expected here");
    value = {};
  }
  if (type)
    value = coerce(value, *type, n->kids[2], quoted(textAt(n->kids[0])));
  else if (n->kids[1])
    value = {};
  bindPattern(n->kids[0], value);
}

void Checker::assertion(const Node *n) {
  Span saved = b.span;
  b.span = n->span;
  Value condition = settled(expr(n->kids[0], Element::Bool), {}, n->kids[0]);
  std::string message = textAt(n->kids[0]);
  if (n->kids[1]) {
    Value text = expr(n->kids[1]);
    if (text.kind == Value::Text)
      message = text.text;
    else if (!text.poison())
      Report(*this, code::E0302, n->kids[1]->span, "the message of an `assert` is a string");
  }
  b.span = saved;
  bool inTest = frame->function->kind == hir::Function::Test && !frame->fn;
  if (!inTest || b.block != &frame->function->body.nodes) {
    Report(*this, code::E0411, n->nameSpan,
           inTest ? "`assert` stands in the block of the `test`, not in one inside it"
                  : "`assert` stands only in a `test`");
    return;
  }
  if (condition.poison())
    return;
  if (!condition.isTensor() || condition.ref.type().element != Element::Bool ||
      !condition.ref.type().shape.empty()) {
    Report report(*this, code::E0305, n->kids[0]->span,
                  "the condition of an `assert` is one `bool`, found " + quoted(show(condition)));
    if (condition.isTensor() && condition.ref.type().element == Element::Bool)
      report.help("write " + quoted("all(" + textAt(n->kids[0]) + ")"));
    return;
  }
  frame->function->body.results.push_back(condition.ref);
  frame->function->assertions.push_back({n->kids[0]->span, message});
}

//===----------------------------------------------------------------------===//
// `with`
//===----------------------------------------------------------------------===//

/// Whether something in the expression can reach over a boundary, or could not be parsed.
static bool readsSubscript(const Node *n) {
  if (n->kind == Kind::Index)
    return n->kids[0]->kind != Kind::Hole || anyPart(n, readsSubscript);
  return n->kind == Kind::Error || anyPart(n, readsSubscript);
}

/// Whether something in the expression is a sum of products, or could not be parsed.
static bool multiplies(const Node *n) {
  auto has = [](const Node *chain, std::string_view operation) {
    std::vector<const Node *> all = chainOf(chain);
    return std::any_of(all.begin(), all.end(),
                       [&](const Node *one) { return one->text == operation; });
  };
  bool sum = n->kind == Kind::Reduce && n->text == "sum" && has(n->kids[1], "*");
  return sum || has(n, "@") || n->kind == Kind::Error || anyPart(n, multiplies);
}

static std::string_view wordOf(const Node *n) {
  return n->kind == Kind::Name ? n->text : std::string_view();
}

void Checker::boundarySetting(const Node *n, const Node *setting) {
  const Node *value = setting->kids[0];
  std::string_view text = wordOf(value);
  if (text == "zero")
    frame->boundary = hir::Boundary::Zero;
  else if (text == "periodic")
    frame->boundary = hir::Boundary::Periodic;
  else if (text == "clamp")
    frame->boundary = hir::Boundary::Clamp;
  else {
    Report(*this, code::E0218, value->span,
           "a boundary is `zero`, `periodic` or `clamp`, found " + quoted(textAt(value)));
    // No errors about subscripts because of this one.
    frame->boundary = hir::Boundary::Zero;
  }
  if (!readsSubscript(n))
    Report(*this, code::E0218, setting->nameSpan,
           "nothing in " + quoted(textAt(n->kids[0])) + " has a boundary: it reads no subscript")
        .help("leave the setting out; it is for index notation that reaches outside, as in "
              "`let y[i in 0..4] = x[i - 1]  with boundary = zero`");
}

void Checker::activationsSetting(const Node *n, const Node *setting) {
  const Node *value = setting->kids[0];
  std::string_view text = wordOf(value);
  if (text != "i8" && text != "exact") {
    Report(*this, code::E0218, value->span,
           "activations are `i8` or `exact`, found " + quoted(textAt(value)));
    return;
  }
  frame->quantizes = text == "i8";
  if (!multiplies(n->kids[0]))
    Report(*this, code::E0218, setting->nameSpan,
           "nothing in " + quoted(textAt(n->kids[0])) +
               " has activations: it is no product of matrices")
        .help("write it where the product is: `x @ w  with activations = i8`; it does not reach "
              "into functions that are called");
}

void Checker::setting(const Node *n, const Node *setting) {
  if (setting->text == "boundary")
    boundarySetting(n, setting);
  else if (setting->text == "activations")
    activationsSetting(n, setting);
  else
    Report(*this, code::E0218, setting->nameSpan, "there is no setting " + quoted(setting->text))
        .help("the settings are `boundary`: `zero`, `periodic` or `clamp`, and `activations`: "
              "`i8` or `exact`");
}

/// All settings that stand behind an expression, which is a `solve` or another one.
static std::vector<const Node *> settingsOf(const Node *n, const Node *&expression) {
  std::vector<const Node *> settings;
  for (; n->kind == Kind::With; n = n->kids[0])
    settings.insert(settings.begin(), n->kids.begin() + 1, n->kids.end());
  expression = n;
  return settings;
}

Value Checker::with(const Node *n, const Want &want) {
  const Node *expression = nullptr;
  auto settings = settingsOf(n, expression);
  if (expression->kind == Kind::Solve)
    return solve(expression, settings);
  // It was said what is wrong; settings of a `solve` would be no better.
  if (expression->kind == Kind::Error)
    return expr(expression, want);
  auto saved = frame->boundary;
  bool quantizes = frame->quantizes;
  std::set<std::string_view> set;
  for (size_t i = 1; i < n->kids.size(); ++i)
    if (const Node *one = n->kids[i]; one->kind == Kind::Method) {
      Report(*this, code::E0218, one->span, "a setting has a value, found " + quoted(textAt(one)))
          .help("write `with boundary = zero`; a method is for a `solve`");
    } else if (one->kind == Kind::Named) {
      if (set.insert(one->text).second)
        setting(n, one);
      else
        Report(*this, code::E0218, one->nameSpan, quoted(one->text) + " is set twice")
            .help("leave one of them out");
    }
  Value value = expr(n->kids[0], want);
  for (size_t i = 1; i < n->kids.size(); ++i)
    if (n->kids[i]->kind == Kind::Update)
      value = updated(n->kids[i], value);
  frame->boundary = saved;
  frame->quantizes = quantizes;
  return value;
}

//===----------------------------------------------------------------------===//
// Tuples and arrays
//===----------------------------------------------------------------------===//

Value Checker::tuple(const Node *n, const Want &want) {
  Value result = Value::of(Value::Tuple);
  bool poison = false;
  for (size_t i = 0; i < n->kids.size(); ++i) {
    Value part = expr(n->kids[i], want.part(i));
    if (part.kind == Value::Nothing || part.kind == Value::Text) {
      Report(*this, code::E0313, n->kids[i]->span, "a number or tensor is expected here");
      part = {};
    }
    poison |= part.poison();
    result.parts.push_back(std::move(part));
  }
  return poison || !fewTensors(result.leaves(), n->span, "this tuple") ? Value() : result;
}

Value Checker::array(const Node *n, const Want &want) {
  if (n->kids.empty()) {
    Report(*this, code::E0217, n->span, "an empty list has no type")
        .help("write `zeros([0], type = f32)`");
    return {};
  }
  for (const Node *kid : n->kids)
    if (kid->kind == Kind::Pack) {
      Report(*this, code::E0202, kid->span,
             "`" + std::string(kid->text) +
                 "...` stands for dimensions: it may be part of a shape, "
                 "not of a tensor");
      return {};
    }
  std::vector<Value> parts(n->kids.size());
  Want inner(want.element);
  // What has a type of its own decides for the literals.
  for (bool literals : {false, true})
    for (size_t i = 0; i < parts.size(); ++i) {
      if (contextual(n->kids[i]) != literals)
        continue;
      parts[i] = expr(n->kids[i], inner);
      if (!literals && parts[i].isTensor())
        inner = Want(parts[i].ref.type().element);
      else if (!literals && parts[i].element)
        inner = Want(*parts[i].element);
    }
  if (std::all_of(parts.begin(), parts.end(), [](const Value &part) { return part.record; }))
    return groupOf(n, parts);
  std::vector<const Node *> nodes(n->kids.begin(), n->kids.end());
  auto element = commonElement(n, "put into one list", parts, nodes, inner);
  return element ? arrayOfParts(n, std::move(parts), *element) : Value();
}

/// Constants of one shape become one constant. What has a name may stand in many lists: then few
/// numbers alone, so that a program cannot be longer than its text by much.
static bool joinConstants(const Node *n, const std::vector<Value> &parts, hir::Node &into) {
  constexpr size_t maxNamed = 4096;
  bool written = std::all_of(n->kids.begin(), n->kids.end(), [](const Node *kid) {
    return kid->kind == Kind::Number || kid->kind == Kind::Bool || kid->kind == Kind::Array ||
           kid->kind == Kind::Unary;
  });
  size_t total = 0;
  for (const Value &part : parts)
    total += part.ref.node->values.size() + part.ref.node->integers.size();
  if (!written && total > maxNamed)
    return false;
  for (const Value &part : parts) {
    const hir::Node *node = part.ref.node;
    if (node->op != hir::Op::Constant)
      return false;
    into.values.insert(into.values.end(), node->values.begin(), node->values.end());
    into.integers.insert(into.integers.end(), node->integers.begin(), node->integers.end());
  }
  return true;
}

Value Checker::arrayOfParts(const Node *n, std::vector<Value> parts, Element element) {
  std::vector<IndexId> space;
  Dims shape = parts[0].shape();
  for (size_t i = 0; i < parts.size(); ++i) {
    space = unite(space, parts[i].space);
    Dims own = parts[i].shape();
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0217, n->kids[i]->span,
             "the parts of a list have one shape: " + quoted(show(parts[0])) + " and " +
                 quoted(show(parts[i])) + ": " + reason)
          .label(n->kids[0]->span)
          .help(help);
    };
    if (own.size() != shape.size()) {
      complain(ranks(own.size(), shape.size()), "");
      return {};
    }
    for (size_t d = 0; d < own.size(); ++d)
      if (!requireEqual(shape[d], own[d], n->kids[i]->span, "the parts of a list have one shape",
                        complain))
        return {};
  }
  hir::Dim count{DimExpr(int64_t(parts.size())), ""};
  Dims full = shape;
  full.insert(full.begin(), count);
  if (!fewDimensions(space.size() + full.size(), space.size(), n))
    return {};
  hir::Node joined;
  if (space.empty() && joinConstants(n, parts, joined)) {
    hir::Node *node = b.append(hir::Op::Constant, {hir::Type{element, full}});
    node->values = std::move(joined.values);
    node->integers = std::move(joined.integers);
    return Value::tensor({node});
  }
  std::vector<hir::Ref> refs;
  Dims one = spaceDims(space);
  one.push_back({DimExpr(1), ""});
  one.insert(one.end(), shape.begin(), shape.end());
  for (const Value &part : parts)
    refs.push_back(b.reshape(broadcastTo(part, space, shape).ref, one));
  if (refs.size() == 1)
    return Value::tensor(refs[0], space);
  return Value::tensor(b.concat(std::move(refs), uint32_t(space.size()), count), space);
}

} // namespace mad::elab
