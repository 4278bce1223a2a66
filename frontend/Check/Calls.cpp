//===- Calls.cpp - Arguments and the call itself ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Derivatives.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// Calls under an index become part of the caller, each anew.
static constexpr uint32_t maxInlined = 1 << 16;

Value Checker::call(const Node *n, const Want &want) {
  if (Derivatives::isDerivative(*this, n->kids[0]))
    return Derivatives(*this).call(n);
  if (const Value *solution = denseSolution(n->kids[0]))
    return atTimes(*solution, n);
  std::string name;
  Declaration *decl = callee(n->kids[0], name);
  if (decl && decl->kind == Declaration::Fn && (decl->node->flags & IsOde)) {
    Report(*this, code::E0202, n->span, quoted(decl->name) + " is an ode, not a function")
        .note(quoted(decl->name) + " is declared here", decl->node->nameSpan)
        .help("write " + quoted("solve " + decl->name + "(...) from 0.0 to 1.0"));
    return {};
  }
  if (decl)
    return decl->kind == Declaration::Record ? makeRecord(*decl, n) : callFunction(*decl, n, want);
  if (!name.empty())
    return builtin(name, n, want);
  // Errors in the arguments are errors all the same.
  for (size_t i = 1; i < n->kids.size(); ++i)
    expr(n->kids[i]->kind == Kind::Named ? n->kids[i]->kids[0] : n->kids[i]);
  return {};
}

void Checker::recursion(Declaration &decl, const Node *n) {
  auto first = std::find_if(stack.begin(), stack.end(),
                            [&](const Active &active) { return active.fn == &decl; });
  bool direct = first != stack.end() && first + 1 == stack.end();
  Report report(*this, code::E0406, n->span,
                quoted(decl.name) + (direct ? " calls itself" : " calls itself by way of others") +
                    ": there is no recursion");
  for (auto it = first; !direct && it != stack.end() && it - first < 6; ++it)
    report.note(quoted(it->fn->name) + " is declared here", it->fn->node->nameSpan);
  report.help("repeat with `scan`");
}

bool Checker::hasSpace(const Value &value) {
  return !value.space.empty() || std::any_of(value.parts.begin(), value.parts.end(), hasSpace);
}

Value Checker::callFunction(Declaration &decl, const Node *n, const Want &want) {
  CallMatch match;
  if (!matchCall(decl, n, want, match))
    return {};
  bool indexed = std::any_of(match.values.begin(), match.values.end(), hasSpace);
  return indexed || frame->inlines ? inlineCall(match) : emitCall(match);
}

/// Matches the arguments with the parameters and checks what the function asks of them.
bool Checker::matchCall(Declaration &decl, const Node *n, const Want &want, CallMatch &match) {
  defineFunction(decl);
  if (decl.state == Declaration::Busy) {
    recursion(decl, n);
    return false;
  }
  match.fn = &decl;
  match.call = n;
  match.want = want;
  bool good = decl.state == Declaration::Good && matchArguments(match);
  if (!good) {
    for (size_t i = 1; i < n->kids.size(); ++i) {
      const Node *argument = n->kids[i]->kind == Kind::Named ? n->kids[i]->kids[0] : n->kids[i];
      if (argument->kind != Kind::Array) // it may be a shape
        expr(argument);
    }
    return false;
  }
  openGenerics(match);
  if (!evaluateArguments(match) || !solveDims(match) || !checkEquations(match) ||
      !evaluateDefaults(match) || !checkRounding(match))
    return false;
  size_t before = failures;
  // `where` is read in the scope of the function, its sizes are ours.
  Frame inner = frame->at(decl.module, &match.scope);
  Enter enter(*this, inner);
  applyWhere(decl, false, n);
  return failures == before;
}

//===----------------------------------------------------------------------===//
// Which argument is which parameter's
//===----------------------------------------------------------------------===//

const ast::Node *Checker::argumentAt(const CallMatch &match, size_t i) const {
  return match.arguments[i] ? match.arguments[i] : match.call;
}

bool Checker::namedArgument(CallMatch &match, const Node *argument) {
  std::vector<std::string> names;
  for (size_t i = 0; i < match.params.size(); ++i) {
    names.push_back(std::string(match.params[i]->text));
    if (match.params[i]->text != argument->text)
      continue;
    if (match.arguments[i]) {
      Report(*this, code::E0309, argument->nameSpan,
             quoted(match.fn->name) + " gets " + quoted(argument->text) + " twice")
          .label(match.arguments[i]->span);
      return false;
    }
    match.arguments[i] = argument->kids[0];
    return true;
  }
  Report report(*this, code::E0309, argument->nameSpan,
                quoted(match.fn->name) + " has no parameter " + quoted(argument->text));
  report.note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
  if (argument->text == "calibration" && match.fn->name == "gptq")
    report.help("data are those of a weight: write `weight w = quant.gptq(base, 4, calibration = "
                "\"FILE\")`");
  else if (std::string near = suggestion(argument->text, names); !near.empty())
    report.help("did you mean " + quoted(near) + "?");
  return false;
}

bool Checker::matchArguments(CallMatch &match) {
  for (const Node *p : match.fn->node->kids[1]->kids)
    if (p->kind == Kind::Param)
      match.params.push_back(p);
  match.arguments.assign(match.params.size(), nullptr);
  match.values.assign(match.params.size(), Value());
  size_t position = 0;
  bool good = true;
  for (size_t i = 1; i < match.call->kids.size(); ++i) {
    const Node *argument = match.call->kids[i];
    if (argument->kind == Kind::Named) {
      good &= namedArgument(match, argument);
      continue;
    }
    if (position < match.params.size()) {
      match.arguments[position++] = argument;
      continue;
    }
    Report(
        *this, code::E0309, argument->span,
        quoted(match.fn->name) + " takes " + std::to_string(match.params.size()) +
            (match.params.size() == 1 ? " argument" : " arguments") + ", found " +
            std::to_string(std::count_if(match.call->kids.begin() + 1, match.call->kids.end(),
                                         [](const Node *kid) { return kid->kind != Kind::Named; })))
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
    return false;
  }
  for (size_t i = 0; good && i < match.params.size(); ++i)
    if (!match.arguments[i] && !match.params[i]->kids[1] && !(match.params[i]->flags & Time)) {
      Report(*this, code::E0309, match.call->span,
             quoted(match.fn->name) + " is called without " + quoted(match.params[i]->text))
          .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
      return false;
    }
  return good;
}

//===----------------------------------------------------------------------===//
// Values of arguments
//===----------------------------------------------------------------------===//

static std::string placeholder(std::string_view name) { return "?" + std::string(name); }

/// Until they are inferred, dimensions are placeholders that no size contains.
void Checker::openGenerics(CallMatch &match) {
  for (const Node *g : match.fn->node->kids[0]->kids) {
    std::string name(g->text);
    Local local;
    local.span = g->nameSpan;
    if (g->flags & IsPack) {
      local.kind = Local::Pack;
      match.open.insert(name);
    } else if (g->flags & IsType) {
      local.kind = Local::Element;
      match.open.insert(name);
    } else {
      local.value = Value::integer(DimExpr::symbol(placeholder(name)));
      local.value.dimension = name;
    }
    match.scope.names.emplace(name, local);
  }
}

/// The argument, or the default, which is read where the function is declared.
Value Checker::argumentValue(CallMatch &match, size_t i, const Want &want) {
  if (match.arguments[i])
    return expr(match.arguments[i], want);
  Frame inner = frame->at(match.fn->module, &match.scope);
  Enter enter(*this, inner);
  return expr(match.params[i]->kids[1], want);
}

bool Checker::evaluateConstant(CallMatch &match, size_t i) {
  const Node *p = match.params[i], *at = argumentAt(match, i);
  std::optional<TypeTree> type;
  {
    Frame inner = frame->at(match.fn->module, &match.scope);
    Enter enter(*this, inner);
    type = typeOf(p->kids[0]);
  }
  Value value = argumentValue(match, i, type ? Want(*type) : Want());
  if (type)
    value =
        coerce(value, *type, at, "argument " + quoted(p->text) + " of " + quoted(match.fn->name));
  if (value.poison())
    return false;
  if (!value.isNumber() && value.kind != Value::Truth) {
    Report(*this, code::E0311, at->span,
           quoted(p->text) + " of " + quoted(match.fn->name) +
               " is `const`: it must be known when compiling, found " + quoted(show(value)));
    return false;
  }
  match.values[i] = value;
  Local local;
  local.value = value;
  local.span = p->nameSpan;
  match.scope.names.insert_or_assign(std::string(p->text), local);
  return true;
}

/// What `shape: shape[N, M]` declares.
std::optional<Checker::Dims> Checker::declaredShape(const Node *param) {
  Dims shape;
  for (const Node *kid : param->kids[0]->kids) {
    if (kid->kind == Kind::Pack) {
      if (!appendPack(kid, shape))
        return std::nullopt;
      continue;
    }
    auto dim = dimOf(kid);
    if (!dim)
      return std::nullopt;
    shape.push_back(std::move(*dim));
  }
  return shape;
}

/// Inside of the function the name of a shape is the tuple of its sizes.
Value Checker::shapeValue(const Dims &shape) {
  Value value = Value::of(Value::Tuple);
  for (const hir::Dim &dim : shape) {
    value.parts.push_back(Value::integer(dim.size));
    value.parts.back().dimension = dim.name;
  }
  return value;
}

/// A shape gives sizes to dimensions that no tensor determines.
bool Checker::evaluateShape(CallMatch &match, size_t i) {
  const Node *p = match.params[i], *type = p->kids[0];
  std::optional<Dims> dims;
  if (match.arguments[i]) {
    dims = shapeArgument(match.arguments[i]);
  } else {
    Frame inner = frame->at(match.fn->module, &match.scope);
    Enter enter(*this, inner);
    dims = shapeArgument(p->kids[1]);
  }
  if (!dims)
    return false;
  match.values[i] = shapeValue(*dims);
  Local local;
  local.value = match.values[i];
  local.span = p->nameSpan;
  match.scope.names.insert_or_assign(std::string(p->text), local);
  return matchDims(match, type, *dims, i);
}

/// An axis is a position in the first tensor among the parameters.
bool Checker::evaluateAxis(CallMatch &match, size_t i) {
  const Value *first = nullptr;
  for (const Value &value : match.values)
    if (!first && value.isTensor() && value.rank() > 0)
      first = &value;
  if (!first) {
    Report(*this, code::E0210, argumentAt(match, i)->span,
           quoted(match.fn->name) + " gets an axis, but no tensor that has one");
    return false;
  }
  std::optional<uint32_t> axis;
  if (match.arguments[i]) {
    axis = axisOf(match.arguments[i], *first);
  } else {
    Frame inner = frame->at(match.fn->module, &match.scope);
    Enter enter(*this, inner);
    axis = axisOf(match.params[i]->kids[1], *first);
  }
  if (!axis)
    return false;
  Local local;
  local.value = Value::of(Value::Axis);
  local.value.number = DimExpr(int64_t(*axis));
  local.span = match.params[i]->nameSpan;
  match.values[i] = local.value;
  match.scope.names.insert_or_assign(std::string(match.params[i]->text), local);
  return true;
}

/// What the context of a call says about an element type that its result has.
static Want contextOf(const Node *result, std::string_view name, const Want &want) {
  if (result && result->kind == Kind::TensorType && result->text == name)
    return want.element;
  if (result && result->kind == Kind::TupleType)
    for (size_t i = 0; i < result->kids.size(); ++i)
      if (Want part = contextOf(result->kids[i], name, want.part(i)); part.element)
        return part;
  return {};
}

/// The element types that a parameter is known to ask for, or that its literals
/// should have.
Want Checker::wantOf(CallMatch &match, const Node *type) {
  Want want;
  if (type->kind == Kind::TupleType)
    for (const Node *part : type->kids)
      want.parts.push_back(wantOf(match, part));
  if (type->kind != Kind::TensorType)
    return want;
  if (match.open.count(std::string(type->text)))
    return contextOf(match.fn->node->kids[2], type->text, match.want);
  if (auto it = match.scope.names.find(type->text);
      it != match.scope.names.end() && it->second.kind == Local::Element)
    return Want(it->second.element);
  for (Element e : hir::elements)
    if (type->text == hir::name(e))
      return Want(e);
  return want;
}

/// Whether an expression depends on dimensions that a call infers.
static bool mentionsDims(const Node *n, Scope &generics) {
  if (!n)
    return false;
  if (n->kind == Kind::Name || n->kind == Kind::Pack)
    if (auto it = generics.names.find(n->text); it != generics.names.end())
      return it->second.kind == Local::Pack || !it->second.value.dimension.empty();
  return std::any_of(n->kids.begin(), n->kids.end(),
                     [&](const Node *kid) { return mentionsDims(kid, generics); });
}

/// The defaults that had to wait for the dimensions: `b: T[M] = zeros([M])`.
bool Checker::evaluateDefaults(CallMatch &match) {
  for (size_t i = 0; i < match.params.size(); ++i) {
    const Node *p = match.params[i];
    if (match.arguments[i] || !match.values[i].poison() || (p->flags & (IsShape | Time)))
      continue;
    Frame inner = frame->at(match.fn->module, &match.scope);
    Enter enter(*this, inner);
    auto type = typeOf(p->kids[0]);
    if (!type)
      return false;
    Value value = expr(p->kids[1], Want(*type));
    match.values[i] = coerce(value, *type, p->kids[1], "the default of " + quoted(p->text));
    if (match.values[i].poison())
      return false;
  }
  return true;
}

bool Checker::evaluateArguments(CallMatch &match) {
  bool good = true;
  auto special = [&](size_t i, uint16_t flag) { return match.params[i]->flags & flag; };
  for (size_t i = 0; i < match.params.size(); ++i)
    if (special(i, Constant))
      good &= evaluateConstant(match, i);
  for (size_t i = 0; i < match.params.size(); ++i)
    if (special(i, IsShape))
      good &= evaluateShape(match, i);
  // What has a type of its own decides for the literals.
  for (bool literals : {false, true})
    for (size_t i = 0; i < match.params.size(); ++i) {
      bool isLiteral = !match.arguments[i] || contextual(match.arguments[i]);
      if (special(i, Constant | Axis | IsShape | Time) || isLiteral != literals)
        continue;
      const Node *type = match.params[i]->kids[0];
      if (!match.arguments[i] && mentionsDims(match.params[i]->kids[1], match.scope))
        continue;
      Value value = argumentValue(match, i, wantOf(match, type));
      good &= !value.poison() && matchType(match, type, value, i);
      match.values[i] = value;
    }
  for (size_t i = 0; good && i < match.params.size(); ++i)
    if (special(i, Axis))
      good &= evaluateAxis(match, i);
  return good;
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// Dimensions get the names that they have for the caller. A name that the body gave to a size of
/// its own, as `let height = ...`, means nothing there.
void Checker::renameForCaller(hir::Type &type, CallMatch &match) {
  std::set<std::string> known;
  auto add = [&](const Dims &dims) {
    for (const hir::Dim &dim : dims)
      known.insert(dim.name);
  };
  for (const Value &value : match.values) {
    std::vector<Value> leaves;
    flatten(value, leaves);
    for (const Value &leaf : leaves)
      if (leaf.isTensor())
        add(leaf.shape());
  }
  for (const auto &[name, local] : match.scope.names)
    if (local.kind == Local::Pack)
      add(local.pack);
  Frame inner = frame->at(match.fn->module, &match.scope);
  Enter enter(*this, inner);
  for (hir::Dim &dim : type.shape)
    if (auto it = match.names.find(dim.name); it != match.names.end())
      dim.name = it->second;
    else if (!known.count(dim.name) && !findDeclaration(dim.name))
      dim.name.clear();
}

/// What a callee asks of sizes, its callers ask as well.
void Checker::takeConstraints(const CallMatch &match, const hir::Function &callee) {
  bool library = match.fn->module->name.starts_with("std.");
  for (hir::Constraint constraint : callee.constraints) {
    // The place of a failure is in the program, not in the library.
    if (library && !frame->module->name.starts_with("std."))
      constraint.span = match.call->span;
    addConstraint(std::move(constraint));
  }
}

/// The tensors of an argument, for the parameters of a function from number `first` on.
std::vector<hir::Ref> Checker::operandsOf(const Value &value, const hir::Function &callee,
                                          size_t first) {
  std::vector<Value> leaves;
  flatten(value, leaves);
  std::vector<hir::Ref> operands;
  for (const Value &leaf : leaves)
    if (leaf.isTensor()) {
      const hir::Node *parameter = callee.body.parameters[first + operands.size()];
      operands.push_back(withSizes(leaf, parameter->types[0].shape).ref);
    }
  return operands;
}

Value Checker::emitCall(CallMatch &match) {
  Instance &instance = instantiate(match);
  if (instance.failed || !instance.function) {
    ++failures;
    return {};
  }
  takeConstraints(match, *instance.function);
  hir::Node *node = b.detached(hir::Op::Call, {});
  node->callee = instance.function;
  for (const Value &value : match.values)
    for (hir::Ref operand : operandsOf(value, *instance.function, node->operands.size()))
      node->operands.push_back(operand);
  std::vector<Value> results;
  for (hir::Ref ref : instance.function->body.results) {
    hir::Type type = ref.type();
    renameForCaller(type, match);
    node->types.push_back(std::move(type));
    results.push_back(Value::tensor({node, uint32_t(results.size())}));
  }
  b.block->push_back(node);
  size_t next = 0;
  return rebuilt(instance.result, results, next);
}

/// In index notation the body becomes part of the caller: its values run over
/// the indices as any others do.
Value Checker::inlineCall(CallMatch &match) {
  if (++inlineCount > maxInlined) {
    if (inlineCount == maxInlined + 1)
      Report(*this, code::E0412, match.call->span,
             "the program needs too many instances of functions: one for each call under an index");
    ++failures;
    return {};
  }
  Frame own = frame->at(match.fn->module, &match.scope);
  own.fn = match.fn;
  own.precision = precisionOf(*match.fn, frame->precision);
  Enter enter(*this, own);
  stack.push_back({match.fn, match.call});
  Value value = functionBody(*match.fn, [&] {
    for (size_t i = 0; i < match.params.size(); ++i) {
      if (match.params[i]->flags & (Constant | Axis | IsShape))
        continue;
      Local local;
      local.value = match.values[i];
      declareLocal(match.params[i], local);
    }
  });
  stack.pop_back();
  return value;
}

} // namespace mad::elab
