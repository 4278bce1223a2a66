//===- Functions.cpp - Definitions and instances ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every function is checked once where it is defined: an exported one is then
// done, a private one stands for unknown sizes, f32, and one dimension a pack.
// Calls check the body again for what they pass, once for each kind of call.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// More instances come from programs that only a generator writes.
static constexpr uint32_t maxInstances = 10000;

static std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

static std::string docText(std::string_view doc) {
  std::string text;
  for (size_t at = 0; at < doc.size();) {
    size_t end = std::min(doc.find('\n', at), doc.size());
    std::string_view line = doc.substr(at, end - at);
    at = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.starts_with("///"))
      line.remove_prefix(3);
    if (line.starts_with(" "))
      line.remove_prefix(1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
      line.remove_suffix(1);
    text += (text.empty() ? "" : "\n") + std::string(line);
  }
  return text;
}

std::string Checker::uniqueName(const std::string &name) {
  std::string result = name;
  for (uint32_t i = 1; !functionNames.insert(result).second; ++i)
    result = name + "." + std::to_string(i);
  return result;
}

//===----------------------------------------------------------------------===//
// Generics and parameters
//===----------------------------------------------------------------------===//

void Checker::declareGenerics(Declaration &decl, Scope &scope, bool exported) {
  const Node *generics = decl.node->kids[0];
  if (generics->kind != Kind::Generics) {
    ++failures;
    return;
  }
  for (const Node *g : generics->kids) {
    if (g->kind != Kind::Generic)
      continue;
    std::string name(g->text);
    Local local;
    if (exported && (g->flags & (IsPack | IsType)))
      Report(*this, code::E0405, g->span,
             std::string("an exported function is generic in dimensions only: ") + quoted(name) +
                 (g->flags & IsPack ? " stands for several dimensions" : " is a type"))
          .help("write a private function and export it for the ranks and types that are needed");
    if (g->flags & IsPack) {
      local.kind = Local::Pack;
      local.pack = {{DimExpr::symbol(name + "..."), name + "..."}};
    } else if (g->flags & IsType) {
      local.kind = Local::Element;
      local.element = g->flags & IsInteger ? Element::I64 : Element::F32;
    } else {
      local.value = Value::integer(DimExpr::symbol(name));
      local.value.dimension = name;
      frame->function->dims.push_back(name);
    }
    declareLocal(g, local);
  }
}

/// Parameters of the given type, and their value.
Value Checker::parameter(const TypeTree &type, const std::string &name, Span span,
                         std::vector<hir::Node *> &into) {
  if (type.tuple) {
    Value result = Value::of(Value::Tuple);
    result.record = type.record;
    result.lead = type.lead;
    for (size_t i = 0; i < type.parts.size(); ++i)
      result.parts.push_back(parameter(
          type.parts[i], name + "." + (type.record ? type.record->fields[i] : std::to_string(i)),
          span, into));
    return result;
  }
  Span saved = b.span;
  b.span = span;
  hir::Node *node = b.detached(hir::Op::Parameter, {type.type});
  b.span = saved;
  node->name = name;
  into.push_back(node);
  return Value::tensor({node});
}

/// What a constant parameter is while its function is checked where it is
/// defined: the default, or some value of the type.
Value Checker::sampleConstant(const Node *param) {
  Value value;
  std::optional<TypeTree> type;
  if (param->kids[0])
    type = typeOf(param->kids[0]);
  if (param->kids[1]) {
    value = expr(param->kids[1], type ? Want(*type) : Want());
    if (type)
      value = coerce(value, *type, param->kids[1], quoted(param->text));
  } else if (type && !type->tuple) {
    Element e = type->type.element;
    value = isFloat(e)           ? Value::floating(1)
            : e == Element::Bool ? Value::boolean(true)
                                 : Value::integer(DimExpr(1));
    if (value.isNumber())
      value.element = e;
  }
  bool known = value.isNumber() || value.kind == Value::Truth;
  if (!value.poison() && !known) {
    Report(*this, code::E0311, param->span,
           quoted(param->text) + " is `const`: its default must be a number known when compiling");
    return {};
  }
  return value;
}

static bool hasPack(const Node *type) {
  return std::any_of(type->kids.begin(), type->kids.end(), [](const Node *kid) {
    return kid && (kid->kind == Kind::Pack || hasPack(kid));
  });
}

void Checker::declareParameters(Declaration &decl, bool exported) {
  const Node *params = decl.node->kids[1];
  if (params->kind != Kind::Params) {
    ++failures;
    return;
  }
  // Types may use constants that stand further right.
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & Constant)) {
      Local local;
      local.value = sampleConstant(p);
      declareLocal(p, local);
    }
  Value first;
  for (const Node *p : params->kids) {
    if (p->kind != Kind::Param || (p->flags & (Constant | Axis | IsShape)))
      continue;
    inParameters = true;
    auto type = p->kids[0] ? typeOf(p->kids[0]) : std::nullopt;
    inParameters = false;
    Local local;
    if (type) {
      local.value =
          parameter(*type, std::string(p->text), p->nameSpan, frame->function->body.parameters);
      if (exported && type->tuple && !type->record)
        Report(*this, code::E0414, p->span, "an exported function takes tensors, not tuples");
      if (p->kids[1] && !exported) {
        std::vector<hir::Node *> dropped;
        Into into(*this, dropped);
        Value value = expr(p->kids[1], Want(*type));
        // Of which rank a pack is depends on the call.
        if (!hasPack(p->kids[0]))
          coerce(value, *type, p->kids[1], quoted(p->text));
      }
    } else {
      ++failures;
    }
    if (first.poison() && local.value.isTensor() && local.value.rank() > 0)
      first = local.value;
    declareLocal(p, local);
  }
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & Axis)) {
      Local local;
      local.value = Value::of(Value::Axis);
      local.value.number = DimExpr(first.poison() ? 0 : int64_t(first.rank()) - 1);
      declareLocal(p, local);
    }
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & IsShape)) {
      Local local;
      if (auto shape = declaredShape(p))
        local.value = shapeValue(*shape);
      declareLocal(p, local);
    }
  for (const Node *p : params->kids)
    if (!exported && p->kind == Kind::Param && (p->flags & IsState))
      Report(*this, code::E0416, p->span,
             "a `state` is a parameter of an exported function: " + quoted(decl.name) +
                 " is private")
          .help("leave `state` away: inside a program it is a value like any other");
  for (const Node *p : params->kids)
    if (exported && p->kind == Kind::Param &&
        ((p->flags & (Constant | Axis | IsShape)) || p->kids[1]))
      Report(*this, code::E0414, p->span,
             std::string("an exported function takes tensors alone: ") + quoted(p->text) +
                 (p->flags & Axis       ? " is an axis"
                  : p->flags & Constant ? " is a constant"
                  : p->flags & IsShape  ? " is a shape"
                                        : " has a default"));
}

/// Every dimension parameter of an exported function follows from the shapes of
/// its arguments.
void Checker::bindableDims(Declaration &decl) {
  std::vector<DimExpr> sizes;
  for (const hir::Node *p : frame->function->body.parameters)
    for (const hir::Dim &dim : p->types[0].shape)
      sizes.push_back(dim.size);
  std::set<std::string> known;
  for (bool progress = true; progress;) {
    progress = false;
    for (const DimExpr &size : sizes) {
      std::vector<std::string> open;
      for (const std::string &name : size.symbols())
        if (!known.count(name))
          open.push_back(name);
      if (open.size() != 1)
        continue;
      DimExpr slope =
          size.substitute({{open[0], DimExpr(1)}}) - size.substitute({{open[0], DimExpr(0)}});
      bool linear =
          size == size.substitute({{open[0], DimExpr(0)}}) + slope * DimExpr::symbol(open[0]);
      if (linear && slope.constant().value_or(0) != 0)
        progress |= known.insert(open[0]).second;
    }
  }
  for (const Node *g : decl.node->kids[0]->kids)
    if (g->kind == Kind::Generic && !(g->flags & (IsPack | IsType)) &&
        !known.count(std::string(g->text)))
      Report(*this, code::E0408, g->span,
             "no parameter determines " + quoted(g->text) +
                 ": the size of some argument must depend on it alone")
          .help("take an argument with a dimension " + quoted(g->text));
}

//===----------------------------------------------------------------------===//
// where
//===----------------------------------------------------------------------===//

void Checker::applyWhere(Declaration &decl, bool assume, const Node *call) {
  const Node *where = decl.node->kids.size() > 4 ? decl.node->kids[4] : nullptr;
  if (!where)
    return;
  for (const Node *relation : where->kids)
    whereRelation(decl, relation, assume, call);
}

static bool mentionsConstant(const Node *n, const Node *params) {
  bool here = n->kind == Kind::Name &&
              std::any_of(params->kids.begin(), params->kids.end(), [&](const Node *p) {
                return (p->flags & Constant) && p->text == n->text;
              });
  return here || anyPart(n, [&](const Node *part) { return mentionsConstant(part, params); });
}

void Checker::whereRelation(Declaration &decl, const Node *n, bool assume, const Node *call) {
  std::string_view op = n->kind == Kind::Binary ? n->text : "";
  if (op == "and") {
    std::vector<const Node *> relations;
    for (; n->kind == Kind::Binary && n->text == "and"; n = n->kids[0])
      relations.push_back(n->kids[1]);
    whereRelation(decl, n, assume, call);
    for (; !relations.empty(); relations.pop_back())
      whereRelation(decl, relations.back(), assume, call);
    return;
  }
  if (op != "==" && op != ">=" && op != "<=" && op != ">" && op != "<") {
    if (n->kind != Kind::Error)
      Report(*this, code::E0413, n->span,
             "`where` compares dimensions with `==`, `>=`, `<=`, `>` or `<`");
    ++failures;
    return;
  }
  auto left = sizeOf(n->kids[0], "a side of `where`"),
       right = sizeOf(n->kids[1], "a side of `where`");
  if (!left || !right)
    return;
  if (op == "<=" || op == "<")
    std::swap(left, right);
  if (op == ">" || op == "<")
    right = *right + DimExpr(1);
  std::string message = quoted(decl.name) + " needs " + quoted(textAt(n));
  Facts &facts = frame->root->facts;
  if (assume) {
    Answer answer = op == "==" ? facts.equal(*left, *right) : facts.atLeast(*left, *right);
    // The values of constant parameters are those of calls, not these.
    if (answer == Answer::No && frame->root->kind == Root::Definition &&
        mentionsConstant(n, decl.node->kids[1])) {
      frame->root->unfit = true;
      return;
    }
    if (answer == Answer::No)
      Report(*this, code::E0215, n->span, quoted(textAt(n)) + " can never hold");
    auto relation = op == "==" ? hir::Constraint::Equal : hir::Constraint::AtLeast;
    if (frame->root->kind == Root::Export && answer == Answer::Unknown)
      addConstraint({relation, *left, *right, message, n->span});
    if (op == "==")
      facts.addEqual(*left, *right);
    else
      facts.addAtLeastZero(*left - *right);
    return;
  }
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0215, call->span, message + ": " + reason)
        .note(quoted("where") + " is here", n->span)
        .help(help);
  };
  if (op == "==")
    requireEqual({*left, ""}, {*right, ""}, call->span, message, complain);
  else
    requireAtLeast(*left, *right, call->span, message, complain);
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Whether some of it could not be parsed.
bool Checker::hasErrors(const Node *n) {
  return n->kind == Kind::Error || anyPart(n, [](const Node *part) { return hasErrors(part); });
}

/// Checks the body in the current frame, whose scope holds the parameters.
Value Checker::functionBody(Declaration &decl, const std::function<void()> &parameters) {
  if (parameters)
    parameters();
  if (frame->root->unfit)
    return Value::of(Value::Nothing);
  const Node *result = decl.node->kids[2], *body = decl.node->kids[3];
  std::optional<TypeTree> type;
  if (result) {
    type = typeOf(result);
    if (!type)
      ++failures;
  }
  if (body->kind != Kind::Block) {
    ++failures;
    return {};
  }
  const Node *last = body->kids.empty() || !body->kids.back() ? body : body->kids.back();
  Value value = block(body, type ? Want(*type) : Want());
  if (value.kind == Value::Nothing && hasErrors(body)) {
    ++failures;
    return {};
  }
  if (value.kind == Value::Nothing) {
    Report(*this, code::E0409, decl.node->nameSpan,
           quoted(decl.name) + " has no result: the last line of a function is its value");
    return {};
  }
  if (type)
    value = coerce(value, *type, last, "the result of " + quoted(decl.name));
  return settled(value, type ? Want(*type) : Want(), last);
}

/// `result`, `result.q` of a record, `result0` and so on of a tuple.
static void nameResults(const Value &value, const std::string &name,
                        std::vector<std::string> &names) {
  if (value.kind != Value::Tuple)
    names.push_back(name);
  for (size_t i = 0; i < value.parts.size(); ++i)
    nameResults(value.parts[i],
                value.record       ? name + "." + value.record->fields[i]
                : name == "result" ? name + std::to_string(i)
                                   : name + "." + std::to_string(i),
                names);
}

void Checker::setResults(hir::Function &function, const Value &value) {
  std::vector<Value> leaves;
  flatten(value, leaves);
  for (const Value &leaf : leaves)
    function.body.results.push_back(leaf.ref);
  bool single = value.kind == Value::Tuple && !value.record && leaves.size() == 1;
  nameResults(single ? leaves[0] : value, "result", function.resultNames);
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// The parameter `state kv` of the function around.
const Node *Checker::stateNamed(std::string_view name) {
  if (frame && frame->fn && frame->fn->node->kids.size() > 1)
    for (const Node *p : frame->fn->node->kids[1]->kids)
      if (p->kind == Kind::Param && (p->flags & IsState) && p->text == name)
        return p;
  return nullptr;
}

/// The names of the states among the leaves of a result type; "" for the others.
static void stateLeaves(const Node *type, const Value &value, std::string_view state,
                        std::vector<std::string> &leaves) {
  if (type->kind == Kind::StateType)
    state = type->text;
  if (value.kind != Value::Tuple)
    leaves.push_back(std::string(state));
  // After an error the value may have more parts than the type.
  bool parts = type->kind == Kind::TupleType && type->kids.size() == value.parts.size();
  for (size_t i = 0; i < value.parts.size(); ++i)
    stateLeaves(parts ? type->kids[i] : type, value.parts[i], state, leaves);
}

/// Ties each result that is the new value of a state to its parameter.
void Checker::setStates(Declaration &decl, hir::Function &function, const Value &value) {
  const Node *type = decl.node->kids[2];
  std::vector<std::string> leaves;
  if (type)
    stateLeaves(type, value, "", leaves);
  std::vector<bool> used(function.body.parameters.size());
  function.states.assign(function.body.results.size(), -1);
  size_t others = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].empty()) {
      ++others;
      continue;
    }
    // A record has several parameters, in the order of its fields.
    for (size_t p = 0; p < used.size() && function.states[i] < 0; ++p) {
      const std::string &name = function.body.parameters[p]->name;
      if (!used[p] && (name == leaves[i] || name.starts_with(leaves[i] + "."))) {
        function.states[i] = int32_t(p);
        function.resultNames[i] = name;
        used[p] = true;
      }
    }
    if (function.states[i] < 0)
      Report(*this, code::E0416, type->span,
             "the state " + quoted(leaves[i]) + " stands twice among the results");
  }
  for (const Node *p : decl.node->kids[1]->kids)
    if (p->kind == Kind::Param && (p->flags & IsState) &&
        !std::count(leaves.begin(), leaves.end(), p->text))
      Report(*this, code::E0416, p->span, "the state " + quoted(p->text) + " has no new value")
          .help("write " + quoted("state " + std::string(p->text)) + " among the results");
  if (others == leaves.size())
    function.states.clear();
  if (others == 1 && leaves.size() > 1)
    for (size_t i = 0; i < leaves.size(); ++i)
      if (leaves[i].empty() && function.resultNames[i].starts_with("result"))
        function.resultNames[i] = "result";
}

void Checker::defineFunction(Declaration &decl) {
  if (decl.state != Declaration::New)
    return;
  decl.state = Declaration::Busy;
  size_t before = failures;
  failures = 0;
  bool exported = decl.node->flags & Exported;
  bool emitted = exported && decl.module == modules.front().get();
  Root root;
  root.kind = exported ? Root::Export : Root::Definition;
  root.number = ++rootCount;
  root.name = decl.name;
  auto function = std::make_unique<hir::Function>();
  function->kind = exported ? hir::Function::Export : hir::Function::Private;
  function->name = decl.name;
  function->doc = docText(decl.node->doc);
  function->span = decl.node->nameSpan;

  Scope scope;
  Frame own;
  own.fn = &decl;
  own.module = decl.module;
  own.function = function.get();
  own.root = &root;
  own.scope = &scope;
  own.precision = function->precision = precisionOf(decl, hir::Precision::Default);
  {
    Enter enter(*this, own);
    Into into(*this, function->body.nodes);
    stack.push_back({&decl, nullptr});
    declareGenerics(decl, scope, exported);
    Value value = functionBody(decl, [&] {
      declareParameters(decl, exported);
      if (exported)
        bindableDims(decl);
      applyWhere(decl, true, nullptr);
      if (exported && !decl.node->kids[2])
        Report(*this, code::E0407, decl.node->nameSpan,
               "an exported function states its result type: " + quoted(decl.name) + " has none")
            .help("write `-> type` after the parameters");
    });
    if (root.unfit)
      ; // Only calls know sizes that fit.
    else if (!value.poison())
      setResults(*function, value);
    else
      ++failures;
    if (!value.poison() && exported)
      setStates(decl, *function, value);
    stack.pop_back();
  }
  decl.state = failures ? Declaration::Bad : Declaration::Good;
  failures = before;
  broken |= decl.state == Declaration::Bad;
  if (emitted) {
    Builder::sweep(function->body);
    functions.push_back(std::move(function));
  } else {
    dropped.push_back(std::move(function));
  }
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

/// What an instance depends on, as text.
std::string Checker::signature(const CallMatch &match) {
  std::string key = std::to_string(reinterpret_cast<uintptr_t>(match.fn));
  key += hir::name(precisionOf(*match.fn, frame->precision));
  bool symbolic = false;
  std::function<void(const Value &)> add = [&](const Value &value) {
    key += ";";
    if (value.kind == Value::Tuple) {
      key += "(" + std::to_string(reinterpret_cast<uintptr_t>(value.record)) + "," +
             std::to_string(value.lead) + ":";
      for (const Value &part : value.parts)
        add(part);
      key += ")";
      return;
    }
    if (!value.isTensor())
      return;
    key += hir::name(value.ref.type().element);
    for (const hir::Dim &dim : value.ref.type().shape)
      symbolic |= !dim.size.constant();
  };
  for (const Value &value : match.values)
    add(value);
  for (const auto &[name, local] : match.scope.sorted()) {
    key += ";" + std::string(name) + "=";
    for (const hir::Dim &dim : local->pack)
      key += dim.size.str() + "'" + dim.name + ",";
    const Value &value = local->value;
    if (value.kind == Value::Integer || value.kind == Value::Axis) {
      key += value.number.str();
      symbolic |= !value.number.constant();
    } else if (value.kind == Value::Real) {
      char text[40];
      std::snprintf(text, sizeof text, "%a", value.real);
      key += text;
    } else if (value.kind == Value::Truth) {
      key += value.truth ? "true" : "false";
    }
  }
  for (const CallMatch::Equation &equation : match.equations)
    key += ";" + equation.actual.size.str();
  // What is known about sizes belongs to the exported function around.
  if (symbolic)
    key += ";root" + std::to_string(frame->root->number);
  return key;
}

Instance &Checker::instantiate(CallMatch &match) {
  auto [it, fresh] = instances.try_emplace(signature(match));
  Instance &instance = it->second;
  if (!fresh)
    return instance;
  if (++instanceCount > maxInstances) {
    if (instanceCount == maxInstances + 1)
      Report(*this, code::E0412, match.call->span,
             "the program needs too many instances of functions");
    instance.failed = true;
    return instance;
  }
  Declaration &decl = *match.fn;
  size_t before = failures;
  auto function = std::make_unique<hir::Function>();
  function->name = decl.module->prefix + decl.name;
  function->doc = docText(decl.node->doc);
  function->span = decl.node->nameSpan;

  Frame own;
  own.fn = &decl;
  own.module = decl.module;
  own.function = function.get();
  own.root = frame->root;
  own.scope = &match.scope;
  own.precision = function->precision = precisionOf(decl, frame->precision);
  {
    Enter enter(*this, own);
    Into into(*this, function->body.nodes);
    stack.push_back({&decl, match.call});
    Value value = functionBody(decl, [&] {
      for (size_t i = 0; i < match.params.size(); ++i) {
        const Node *p = match.params[i];
        if (p->flags & (Constant | Axis | IsShape))
          continue;
        Local local;
        if (auto type = typeOf(p->kids[0]))
          local.value =
              parameter(*type, std::string(p->text), p->nameSpan, function->body.parameters);
        declareLocal(p, local);
      }
    });
    stack.pop_back();
    instance.failed = failures != before || value.poison();
    if (!instance.failed)
      setResults(*function, value);
    instance.result = value;
  }
  Builder::sweep(function->body);
  instance.function = function.get();
  (instance.failed ? dropped : functions).push_back(std::move(function));
  return instance;
}

} // namespace mad::elab
