//===- Functions.cpp - Definitions of functions ---------------------------===//
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
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

std::string docText(std::string_view doc) {
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

} // namespace mad::elab
