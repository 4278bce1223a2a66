//===- Builtins.cpp - The functions of the language itself ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of names, and those that work on elements.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Builtins.h"
#include "frontend/Check/Checker.h"

#include <algorithm>
#include <cmath>

namespace mad::elab {

using namespace ast;

const std::vector<std::string> &builtinNames() {
  static const std::vector<std::string> names = {
      "abs",         "acos",        "acosh",    "all",        "any",         "argmax",
      "argsort",     "asin",        "asinh",    "atan",       "atan2",       "atanh",
      "bf16",        "bit_and",     "bit_not",  "bit_or",     "bit_xor",     "bool",
      "broadcast",   "cbrt",        "ceil",     "close",      "concat",      "cos",
      "cosh",        "cummax",      "cummin",   "cumprod",    "cumsum",      "erf",
      "erfc",        "exp",         "exp2",     "expm1",      "f16",         "f32",
      "f64",         "floor",       "fma",      "full",       "i32",         "i64",
      "i8",          "iota",        "isfinite", "isinf",      "isnan",       "jacobian",
      "jvp",         "known",       "linspace", "log",        "log10",       "log1p",
      "log2",        "max",         "mean",     "min",        "ones",        "philox",
      "prod",        "reshape",     "round",    "rsqrt",      "scatter_add", "scatter_max",
      "scatter_min", "scatter_set", "select",   "shift_left", "shift_right", "sign",
      "sin",         "sinh",        "size",     "sort",       "sqrt",        "sum",
      "take",        "tan",         "tanh",     "top_k",      "transpose",   "trunc",
      "u8",          "zeros"};
  return names;
}

bool isBuiltin(std::string_view name) {
  return std::binary_search(builtinNames().begin(), builtinNames().end(), name);
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Sorts the arguments of a builtin: `low` to `high` without a name, and some
/// of `named`.
bool Checker::arguments(const Node *n, const std::string &name, size_t low, size_t high,
                        const std::vector<std::string> &named, Arguments &out) {
  for (size_t i = 1; i < n->kids.size(); ++i) {
    const Node *argument = n->kids[i];
    if (argument->kind != Kind::Named) {
      out.list.push_back(argument);
      continue;
    }
    if (std::find(named.begin(), named.end(), argument->text) == named.end()) {
      Report report(*this, code::E0309, argument->nameSpan,
                    quoted(name) + " has no parameter " + quoted(argument->text));
      // What NumPy calls it.
      std::string near = argument->text == "keepdims" || argument->text == "keepdim" ? "keep"
                         : argument->text == "dtype" ? "type"
                                                     : suggestion(argument->text, named);
      if (std::find(named.begin(), named.end(), near) != named.end())
        report.help("did you mean " + quoted(near) + "?");
      return false;
    }
    if (!out.named.emplace(argument->text, argument->kids[0]).second) {
      Report(*this, code::E0309, argument->nameSpan,
             quoted(name) + " gets " + quoted(argument->text) + " twice");
      return false;
    }
  }
  size_t count = out.list.size();
  if (count >= low && count <= high)
    return true;
  std::string range = low == high        ? std::to_string(low)
                      : high == SIZE_MAX ? "at least " + std::to_string(low)
                                         : std::to_string(low) + " to " + std::to_string(high);
  Report report(*this, code::E0309, n->span,
                quoted(name) + " takes " + range +
                    (low == 1 && (high == 1 || high == SIZE_MAX) ? " argument" : " arguments") +
                    ", found " + std::to_string(count));
  // An axis without its name.
  if (count > high && count - high == 1 &&
      std::find(named.begin(), named.end(), "axis") != named.end())
    report.help("write " + quoted("axis = " + textAt(out.list.back())));
  return false;
}

/// An argument that is a tensor, whatever its element type.
Value Checker::tensorArgument(const Node *n, const Want &want, const std::string &name) {
  Value value = settled(expr(n, want), want, n);
  if (value.kind == Value::Tuple) {
    Report(*this, code::E0303, n->span,
           quoted(name) + " takes a tensor, found " + quoted(show(value)));
    return {};
  }
  return value;
}

std::optional<bool> Checker::flag(const Node *n, const char *what) {
  Value value = expr(n, Element::Bool);
  if (value.kind == Value::Truth)
    return value.truth;
  if (!value.poison())
    Report(*this, code::E0311, n->span,
           quoted(what) + " is `true` or `false`, found " + quoted(show(value)));
  return std::nullopt;
}

/// Functions of the bits of integers.
static bool isBitFunction(const std::string &name) {
  return name.compare(0, 4, "bit_") == 0 || name.compare(0, 6, "shift_") == 0;
}

Value Checker::builtin(const std::string &name, const Node *n, const Want &want) {
  if (auto element = elementName(name))
    return castBuiltin(*element, n);
  if (auto data = dataBuiltin(name, n, want))
    return *data;
  bool two = std::count_if(n->kids.begin() + 1, n->kids.end(),
                           [](const Node *kid) { return kid->kind != Kind::Named; }) == 2;
  if ((name == "min" || name == "max") && two)
    return minMaxBuiltin(name, n, want);
  if (name == "sum" || name == "prod" || name == "max" || name == "min" || name == "argmax" ||
      name == "all" || name == "any" || name == "mean")
    return reductionBuiltin(name, n, want);
  if (name == "zeros" || name == "ones" || name == "full")
    return fillBuiltin(name, n, want);
  if (name == "jvp" || name == "jacobian") {
    std::string what = name + "(" + (n->kids.size() > 1 ? textAt(n->kids[1]) : "f") + ")";
    Report(*this, code::E0202, n->span, quoted(what) + " is a function, not a value")
        .help("call it: " + quoted(what + (name == "jvp" ? "(x, dx)" : "(x)")));
    return {};
  }
  if (name == "select")
    return selectBuiltin(n, want);
  if (name == "close")
    return closeBuiltin(n);
  if (name == "iota")
    return iotaBuiltin(n);
  if (name == "linspace")
    return linspaceBuiltin(n, want);
  if (name == "size")
    return sizeBuiltin(n);
  if (name == "reshape")
    return reshapeBuiltin(n, want);
  if (name == "transpose")
    return transposeBuiltin(n, want);
  if (name == "concat")
    return concatBuiltin(n, want);
  if (name == "broadcast")
    return broadcastBuiltin(n, want);
  if (name == "atan2" || name == "fma" || isBitFunction(name))
    return functionBuiltin(name, n, want);
  return unaryBuiltin(name, n, want);
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static int64_t saturated(double x, hir::Element to) {
  auto [least, greatest] = hir::range(to);
  if (std::isnan(x))
    return 0;
  // Both bounds are exact, or round to a power of two just above the greatest.
  if (x >= static_cast<double>(greatest))
    return greatest;
  if (x <= static_cast<double>(least))
    return least;
  return static_cast<int64_t>(x);
}

/// A constant in another type, as `mad.cast` computes it.
static Value castConstant(const Value &value, hir::Element to) {
  Value result;
  auto integer = value.kind == Value::Integer ? value.number.constant()
                 : value.kind == Value::Truth ? std::optional(int64_t(value.truth))
                                              : std::nullopt;
  if (value.kind != Value::Real && !integer)
    return result;
  if (isFloat(to)) {
    result = Value::floating(integer ? hir::rounded(to, *integer) : hir::rounded(to, value.real));
  } else if (to == hir::Element::Bool) {
    return Value::boolean(integer ? *integer != 0 : value.real != 0);
  } else {
    int64_t whole = integer ? hir::wrapped(to, *integer) : saturated(value.real, to);
    result = Value::integer(DimExpr(whole));
  }
  result.element = to;
  return result;
}

Value Checker::castBuiltin(Element to, const Node *n) {
  Arguments args;
  if (!arguments(n, hir::name(to), 1, 1, {}, args))
    return {};
  Value value = expr(args.list[0]);
  if (value.poison())
    return {};
  if (Value constant = castConstant(value, to); !constant.poison())
    return constant;
  if (value.kind == Value::Integer && to == Element::I64) {
    value.element = to;
    return value;
  }
  value = settled(value, {}, args.list[0]);
  if (value.poison())
    return {};
  if (!value.isTensor()) {
    Report(*this, code::E0303, n->span,
           "cannot convert " + quoted(show(value)) + " to " + quoted(hir::name(to)));
    return {};
  }
  return scalarCast(value, to);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value Checker::unaryBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, name, 1, 1, {}, args))
    return {};
  bool numbers = name == "abs" || name == "sign";
  bool predicate = name == "isfinite" || name == "isinf" || name == "isnan";
  Value value = tensorArgument(args.list[0], predicate ? Want() : want, name);
  if (value.poison())
    return {};
  Element element = value.ref.type().element;
  if (isFloat(element) || (numbers && isInteger(element)))
    return Value::tensor(b.elementwise(name, {value.ref}, predicate ? Element::Bool : element),
                         value.space);
  Report(*this, code::E0303, n->span,
         quoted(name) + " takes " + (numbers ? "numbers" : "floats") + ", found " +
             quoted(show(value)))
      .label(args.list[0]->span)
      .help(isInteger(element) ? "write " + quoted("f32(" + textAt(args.list[0]) + ")") : "");
  return {};
}

/// A function of several operands of one type, or of bits.
Value Checker::functionBuiltin(const std::string &name, const Node *n, const Want &want) {
  size_t count = name == "bit_not" ? 1 : name == "fma" ? 3 : 2;
  bool bits = isBitFunction(name);
  Arguments args;
  if (!arguments(n, name, count, count, {}, args))
    return {};
  std::vector<Value> values(count);
  if (count == 2) {
    operands(args.list[0], args.list[1], want, values[0], values[1]);
  } else {
    // What has a type of its own decides for the literals.
    Want inner = want;
    for (bool literals : {false, true})
      for (size_t i = 0; i < count; ++i) {
        if (contextual(args.list[i]) != literals)
          continue;
        values[i] = expr(args.list[i], inner);
        if (!literals && values[i].isTensor())
          inner = Want(values[i].ref.type().element);
      }
  }
  auto element = commonElement(n, "combine", values, args.list, want);
  if (!element)
    return {};
  if (bits ? isInteger(*element) : isFloat(*element))
    return elementwise(name, values, *element, n, "combine", args.list);
  Report(*this, code::E0303, n->span,
         quoted(name) + " takes " + (bits ? "integers" : "floats") + ", found " +
             quoted(show(values[0])))
      .label(args.list[0]->span);
  return {};
}

Value Checker::minMaxBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, name, 2, 2, {}, args))
    return {};
  std::vector<Value> values(2);
  operands(args.list[0], args.list[1], want, values[0], values[1]);
  if (values[0].kind == Value::Integer && values[1].kind == Value::Integer) {
    const Facts &facts = frame->root->facts;
    bool first = facts.proves(values[0].number, values[1].number);
    if (first || facts.proves(values[1].number, values[0].number))
      return values[first == (name == "max") ? 0 : 1];
  }
  auto element = commonElement(n, "compare", values, args.list, want);
  if (!element)
    return {};
  if (*element == Element::Bool) {
    Report(*this, code::E0303, n->span, quoted(name) + " takes numbers, found `bool`");
    return {};
  }
  return elementwise(name, values, *element, n, "compare", args.list);
}

Value Checker::selectBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "select", 3, 3, {}, args))
    return {};
  Value condition = settled(expr(args.list[0], Element::Bool), {}, args.list[0]);
  std::vector<Value> values(2);
  operands(args.list[1], args.list[2], want, values[0], values[1]);
  auto element = commonElement(n, "choose between", values, {args.list[1], args.list[2]}, want);
  if (!element || condition.poison())
    return {};
  if (!condition.isTensor() || condition.ref.type().element != Element::Bool) {
    Report(*this, code::E0305, args.list[0]->span,
           "the condition of `select` is `bool`, found " + quoted(show(condition)));
    return {};
  }
  return elementwise("select", {condition, values[0], values[1]}, *element, n, "choose between",
                     args.list);
}

/// all(|a - b| <= atol + rtol * |b|), which does not hold with NaN.
Value Checker::closeBuiltin(const Node *n) {
  Arguments args;
  if (!arguments(n, "close", 2, 2, {"atol", "rtol"}, args))
    return {};
  std::vector<Value> values(2);
  operands(args.list[0], args.list[1], {}, values[0], values[1]);
  auto element = commonElement(n, "compare", values, args.list, {});
  if (!element)
    return {};
  if (!isFloat(*element)) {
    Report(*this, code::E0303, n->span, "`close` takes floats, found " + quoted(show(values[0])))
        .help("compare with `==`");
    return {};
  }
  auto tolerance = [&](const char *name, double otherwise) {
    auto it = args.named.find(name);
    if (it == args.named.end())
      return literal(Value::floating(otherwise), *element, n);
    Value value = expr(it->second, *element);
    if (value.isTensor() && value.ref.type().element != *element) {
      Report(*this, code::E0302, it->second->span,
             quoted(name) + " is " + quoted(hir::name(*element)) + ", found " +
                 quoted(show(value)));
      return Value();
    }
    return literal(value, *element, it->second);
  };
  Value atol = tolerance("atol", 1e-6), rtol = tolerance("rtol", 0.0);
  const std::vector<const Node *> nodes = args.list;
  if (!align(values, n, "compare", nodes) || atol.poison() || rtol.poison())
    return {};
  auto apply = [&](const char *op, std::vector<Value> operands, Element result) {
    return elementwise(op, std::move(operands), result, n, "compare", {n, n});
  };
  Value distance = apply("abs", {apply("sub", {values[0], values[1]}, *element)}, *element);
  Value scale = apply("mul", {rtol, apply("abs", {values[1]}, *element)}, *element);
  Value near = apply("le", {distance, apply("add", {atol, scale}, *element)}, Element::Bool);
  if (near.poison())
    return {};
  std::vector<uint32_t> dims;
  for (size_t d = near.space.size(); d < near.ref.type().shape.size(); ++d)
    dims.push_back(uint32_t(d));
  return Value::tensor(b.reduce("all", near.ref, dims), near.space);
}

} // namespace mad::elab
