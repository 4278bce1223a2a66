//===- Arithmetic.cpp - Operators -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>
#include <cmath>

namespace mad::elab {

using namespace ast;

namespace {
struct Operator {
  std::string_view text;
  const char *mnemonic, *verb;
  enum : uint8_t { Number, Comparison, Logic } kind;
};
} // namespace

static const Operator *findOperator(std::string_view text) {
  static constexpr Operator operators[] = {
      {"+", "add", "add", Operator::Number},
      {"-", "sub", "subtract", Operator::Number},
      {"*", "mul", "multiply", Operator::Number},
      {"/", "div", "divide", Operator::Number},
      {"%", "rem", "take the remainder of", Operator::Number},
      {"^", "pow", "raise", Operator::Number},
      {"==", "eq", "compare", Operator::Comparison},
      {"!=", "ne", "compare", Operator::Comparison},
      {"<", "lt", "compare", Operator::Comparison},
      {"<=", "le", "compare", Operator::Comparison},
      {">", "gt", "compare", Operator::Comparison},
      {">=", "ge", "compare", Operator::Comparison},
      {"and", "and", "combine", Operator::Logic},
      {"or", "or", "combine", Operator::Logic},
  };
  for (const Operator &op : operators)
    if (op.text == text)
      return &op;
  return nullptr;
}

static std::optional<hir::Element> elementOf(const Value &value) {
  return value.isTensor() ? std::optional(value.ref.type().element) : value.element;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Whether the expression takes its element type from its context.
bool Checker::contextual(const Node *n) const {
  switch (n->kind) {
  case Kind::Number:
  case Kind::Bool:
    return true;
  case Kind::Unary:
    return contextual(n->kids[0]);
  case Kind::Array:
    return std::all_of(n->kids.begin(), n->kids.end(),
                       [&](const Node *kid) { return contextual(kid); });
  case Kind::Call: {
    const Node *callee = n->kids[0];
    if (callee->kind != Kind::Name ||
        (callee->text != "zeros" && callee->text != "ones" && callee->text != "full"))
      return false;
    for (const Node *kid : n->kids)
      if (kid->kind == Kind::Named && kid->text == "type")
        return false;
    return callee->text != "full" || n->kids.size() < 3 || contextual(n->kids[2]);
  }
  default:
    return false;
  }
}

/// Both operands; the one that has a type decides for the other. The left one
/// may have its value.
void Checker::operands(const Node *left, const Node *right, const Want &want, Value &a, Value &b,
                       bool leftKnown) {
  bool swap = !leftKnown && contextual(left) && !contextual(right);
  const Node *first = swap ? right : left, *second = swap ? left : right;
  Value &one = swap ? b : a, &other = swap ? a : b;
  if (!leftKnown)
    one = expr(first, want);
  auto element = elementOf(one);
  other = expr(second, element ? Want(*element) : want);
}

/// Makes tensors of one element type of all values; reports and returns none
/// when they have several.
std::optional<hir::Element> Checker::commonElement(const Node *at, const std::string &verb,
                                                   std::vector<Value> &values,
                                                   const std::vector<const Node *> &nodes,
                                                   const Want &want) {
  size_t first = values.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const Value &value = values[i];
    if (value.poison())
      return std::nullopt;
    if (!value.isTensor() && !value.isNumber() && value.kind != Value::Truth) {
      Report(*this, code::E0303, at->kind == Kind::Binary ? at->nameSpan : at->span,
             "cannot " + verb + " " + quoted(show(value)))
          .label(nodes[i]->span);
      return std::nullopt;
    }
    if (first == values.size() && elementOf(value))
      first = i;
  }
  std::optional<Element> element;
  if (first < values.size())
    element = elementOf(values[first]);
  for (size_t i = 0; i < values.size() && first < values.size(); ++i) {
    auto own = elementOf(values[i]);
    if (!own || own == element)
      continue;
    // The suggestion never loses a number: to f64 rather than to f32.
    auto width = [](Element e) {
      static constexpr Element order[] = {Element::Bool, Element::U8,  Element::I8,
                                          Element::I32,  Element::I64, Element::BF16,
                                          Element::F16,  Element::F32, Element::F64};
      return std::find(std::begin(order), std::end(order), e) - std::begin(order);
    };
    bool convertFirst = width(*element) < width(*own);
    // Neither holds all numbers of the other.
    bool bytes = std::min(width(*element), width(*own)) == width(Element::U8) &&
                 std::max(width(*element), width(*own)) == width(Element::I8);
    bool narrow = isNarrowFloat(*element) && isNarrowFloat(*own);
    const Node *converted = nodes[convertFirst ? first : i];
    Report report(*this, code::E0301, at->kind == Kind::Binary ? at->nameSpan : at->span,
                  "cannot " + verb + " " + quoted(show(values[first])) + " and " +
                      quoted(show(values[i])) + ": there is no implicit conversion");
    report.label(nodes[first]->span).label(nodes[i]->span);
    std::string to = hir::name(convertFirst ? *own : *element);
    if (bytes || narrow) {
      to = bytes ? "i32" : "f32";
      report.help("write " + quoted(to + "(" + textAt(nodes[first]) + ")") + " and " +
                  quoted(to + "(" + textAt(nodes[i]) + ")"));
      return std::nullopt;
    }
    report.help("write " + quoted(to + "(" + textAt(converted) + ")"));
    return std::nullopt;
  }
  if (!element) {
    element = want.element;
    // Without any context a float among the literals makes all of them wrong
    // that are integers, rather than itself.
    for (const Value &value : values)
      if (!want.element && (!element || value.kind == Value::Real))
        element = treeOf(value).type.element;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = literal(values[i], *element, nodes[i]);
    if (values[i].poison())
      return std::nullopt;
  }
  return element;
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

Value Checker::foldedInteger(const Node *n, const Value &a, const Value &b) {
  const DimExpr &x = a.number, &y = b.number;
  DimExpr r;
  if ((n->text == "/" || n->text == "%") && y == DimExpr(0)) {
    Report(*this, code::E0212, n->nameSpan, "this divides by 0");
    return {};
  }
  if (n->text == "+")
    r = x + y;
  else if (n->text == "-")
    r = x - y;
  else if (n->text == "*")
    r = x * y;
  else if (n->text == "/")
    r = DimExpr::floorDiv(x, y);
  else
    r = x - DimExpr::floorDiv(x, y) * y;
  if (!validDim(r, n->nameSpan))
    return {};
  return Value::integer(r);
}

/// An operation on two numbers that are known when compiling.
Value Checker::folded(const Node *n, const Value &a, const Value &b) {
  Value result;
  if (a.kind == Value::Integer && b.kind == Value::Integer) {
    result = foldedInteger(n, a, b);
  } else {
    double x = a.real, y = b.real;
    double r = n->text == "+"   ? x + y
               : n->text == "-" ? x - y
               : n->text == "*" ? x * y
               : n->text == "/" ? x / y
                                : x - std::floor(x / y) * y;
    result = Value::floating(r);
  }
  if (!result.poison())
    result.element = a.element ? a.element : b.element;
  if (result.element)
    result.real = hir::rounded(*result.element, result.real);
  return result;
}

Value Checker::compared(const Node *n, const Value &a, const Value &b) {
  auto ordered = [&](auto x, auto y) {
    return n->text == "=="   ? x == y
           : n->text == "!=" ? x != y
           : n->text == "<"  ? x < y
           : n->text == "<=" ? x <= y
           : n->text == ">"  ? x > y
                             : x >= y;
  };
  if (a.kind == Value::Real && b.kind == Value::Real)
    return Value::boolean(ordered(a.real, b.real));
  if (a.kind != Value::Integer || b.kind != Value::Integer)
    return {};
  const Facts &facts = frame->root->facts;
  bool strict = n->text == "<" || n->text == ">", flip = n->text == "<" || n->text == "<=";
  const DimExpr &x = flip ? b.number : a.number, &y = flip ? a.number : b.number;
  bool equality = n->text == "==" || n->text == "!=";
  Answer answer = equality ? facts.equal(x, y) : facts.atLeast(x, strict ? y + DimExpr(1) : y);
  if (answer == Answer::Unknown)
    return {};
  return Value::boolean((answer == Answer::Yes) != (n->text == "!="));
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// The least integer has no positive counterpart, so its digits alone are none.
static bool isLeastInteger(const Node *n) {
  std::string digits(n->kids[0]->text);
  std::erase(digits, '_');
  return n->text == "-" && n->kids[0]->kind == Kind::Number && digits == "9223372036854775808";
}

Value Checker::unary(const Node *n, const Want &want) {
  if (isLeastInteger(n))
    return Value::integer(DimExpr(INT64_MIN));
  Value value = expr(n->kids[0], want);
  if (value.poison())
    return value;
  if (n->text == "not") {
    if (value.kind == Value::Truth)
      return Value::boolean(!value.truth);
    if (value.isTensor() && value.ref.type().element == Element::Bool)
      return Value::tensor(b.elementwise("not", {value.ref}, Element::Bool), value.space);
    Report(*this, code::E0303, n->nameSpan, "`not` takes `bool`, found " + quoted(show(value)))
        .label(n->kids[0]->span);
    return {};
  }
  if (value.kind == Value::Integer) {
    value.number = DimExpr() - value.number;
    value.dimension.clear();
    return validDim(value.number, n->span) ? value : Value();
  }
  if (value.kind == Value::Real) {
    value.real = -value.real;
    return value;
  }
  if (value.isTensor() && value.ref.type().element != Element::Bool)
    return Value::tensor(b.elementwise("neg", {value.ref}, value.ref.type().element), value.space);
  Report(*this, code::E0303, n->nameSpan, "cannot negate " + quoted(show(value)))
      .label(n->kids[0]->span);
  return {};
}

/// A chain, `a + b + c`, from its first operation on: it may have very many.
Value Checker::binary(const Node *n, const Want &want) {
  std::vector<const Node *> chain = chainOf(n);
  // What is compared does not take the type of the result.
  size_t compared = 0;
  for (size_t i = 0; i < chain.size(); ++i)
    if (const Operator *op = findOperator(chain[i]->text); op && op->kind == Operator::Comparison)
      compared = i + 1;
  Value value;
  Span saved = b.span;
  for (size_t i = 0; i < chain.size(); ++i) {
    b.span = chain[i]->span;
    value = operation(chain[i], i < compared ? Want() : want, value, i > 0);
  }
  b.span = saved;
  return value;
}

/// One operation; `x` is the left operand when its value is known.
Value Checker::operation(const Node *n, const Want &want, Value x, bool leftKnown) {
  if (n->text == "@")
    return matmul(n, want, std::move(x), leftKnown);
  const Operator *op = findOperator(n->text);
  if (!op)
    return {};
  const Node *left = n->kids[0], *right = n->kids[1];
  Value y;
  if (n->text == "^") {
    // An exponent does not take the type of the base: `x ^ 2`.
    if (!leftKnown)
      x = expr(left, want);
    y = expr(right, elementOf(x) && right->kind != Kind::Number ? Want(*elementOf(x)) : Want());
    return x.poison() || y.poison() ? Value() : power(n, x, y);
  }
  operands(left, right, want, x, y, leftKnown);
  if (x.poison() || y.poison())
    return {};

  bool sameKind = x.kind == y.kind && (!x.element || !y.element || x.element == y.element);
  if (sameKind && x.isNumber() && op->kind == Operator::Number)
    return folded(n, x, y);
  if (sameKind && op->kind == Operator::Comparison)
    if (Value known = compared(n, x, y); !known.poison())
      return known;
  if (sameKind && x.kind == Value::Truth && op->kind != Operator::Number) {
    bool equal = n->text == "==" || n->text == "!=";
    if (op->kind == Operator::Logic)
      return Value::boolean(n->text == "and" ? x.truth && y.truth : x.truth || y.truth);
    if (equal)
      return Value::boolean((x.truth == y.truth) == (n->text == "=="));
  }
  std::vector<Value> values = {x, y};
  auto element = commonElement(n, op->verb, values, {left, right}, {});
  if (!element)
    return {};
  bool fits = op->kind == Operator::Logic    ? *element == Element::Bool
              : op->kind == Operator::Number ? *element != Element::Bool
                                             : true;
  if (!fits) {
    Report(*this, code::E0303, n->nameSpan,
           "cannot " + std::string(op->verb) + " " + quoted(show(values[0])) + " and " +
               quoted(show(values[1])) + ": " + quoted(n->text) + " takes " +
               (op->kind == Operator::Logic ? "`bool`" : "numbers"))
        .label(left->span)
        .label(right->span);
    return {};
  }
  return elementwise(op->mnemonic, values, op->kind == Operator::Number ? *element : Element::Bool,
                     n, op->verb, {left, right});
}

Value Checker::integerPower(const Node *n, const Value &x, const Value &y) {
  auto exponent = y.number.constant();
  if (!exponent || *exponent < 0 || *exponent > 64) {
    Report(*this, code::E0304, n->nameSpan,
           "the exponent of an integer known when compiling is a constant from 0 to 64")
        .label(n->kids[1]->span);
    return {};
  }
  Value result = Value::integer(DimExpr(1));
  for (int64_t i = 0; i < *exponent; ++i)
    result.number = result.number * x.number;
  result.element = x.element;
  return validDim(result.number, n->nameSpan) ? result : Value();
}

Value Checker::power(const Node *n, const Value &x, const Value &y) {
  const Node *left = n->kids[0], *right = n->kids[1];
  if (x.kind == Value::Integer && y.kind == Value::Integer)
    return integerPower(n, x, y);
  auto whole = y.kind == Value::Integer ? y.number.constant() : std::nullopt;
  if (x.kind == Value::Real && (y.kind == Value::Real || whole)) {
    Value result = x;
    result.real = std::pow(x.real, whole ? double(*whole) : y.real);
    if (result.element)
      result.real = hir::rounded(*result.element, result.real);
    return result;
  }
  Value exponent = y;
  if (x.isTensor() && whole && !y.element) {
    // Products are exact where `pow` need not be.
    if (*whole >= 1 && *whole <= 3 && x.ref.type().element != Element::Bool) {
      hir::Ref result = x.ref;
      for (int64_t i = 1; i < *whole; ++i)
        result = b.elementwise("mul", {result, x.ref}, x.ref.type().element);
      return Value::tensor(result, x.space);
    }
    if (isFloat(x.ref.type().element))
      exponent = Value::floating(double(*whole));
  }
  std::vector<Value> values = {x, exponent};
  auto element = commonElement(n, "raise", values, {left, right}, {});
  if (!element)
    return {};
  if (*element == Element::Bool) {
    Report(*this, code::E0303, n->nameSpan, "cannot raise `bool`: `^` takes numbers")
        .label(left->span)
        .label(right->span);
    return {};
  }
  return elementwise("pow", values, *element, n, "raise", {left, right});
}

} // namespace mad::elab
