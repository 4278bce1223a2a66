//===- Solve.cpp - Differential equations and their solutions ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An ode is a function (frontend/Parse/Equations.cpp); what a `solve` needs of it is an
// instance, as of any call. The time alone has no argument.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Solve.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Derivatives.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// A value that only the result of the ode knows, by its name there.
void Checker::equationPart(const Node *n, const std::string &name, std::optional<TypeTree> type,
                           Span at) {
  Value value = expr(n, type ? Want(*type) : Want());
  if (value.kind == Value::Nothing) {
    Report(*this, code::E0313, n->span, "a value is expected here");
    value = {};
  }
  if (type)
    value = settled(coerce(value, *type, n, quoted(name)), Want(*type), n);
  Local local;
  local.value = type ? value : Value();
  local.span = at;
  frame->scope->names.emplace(name, local);
}

/// `der(u) = value`
void Checker::derivative(const Node *n) {
  std::optional<TypeTree> type;
  for (const Node *p : frame->fn->node->kids[1]->kids)
    if (p->text == n->text)
      type = typeOf(p->kids[0]);
  equationPart(n->kids[0], "der(" + std::string(n->text) + ")", type, n->nameSpan);
}

/// The guard of an event, and the states behind it.
void Checker::event(const Node *n) {
  std::string name = "event(" + std::string(n->text) + ")";
  const Node *action = n->kids[2];
  bool first = true;
  for (const Node *p : frame->fn->node->kids[1]->kids) {
    if (!(p->flags & Unknown))
      continue;
    auto type = typeOf(p->kids[0]);
    if (first) {
      auto guard = type;
      if (guard)
        guard->type.shape.clear();
      equationPart(n->kids[0], name, guard, n->nameSpan);
      first = false;
    }
    if (!action || action->kind != Kind::Arguments)
      continue;
    const Node *value = nullptr;
    for (const Node *reset : action->kids)
      if (reset->text == p->text)
        value = reset->kids[0];
    if (!value) {
      Node kept = *n;
      kept.kind = Kind::Name;
      kept.text = p->text;
      kept.kids = {};
      made.push_back(kept);
      value = &made.back();
    }
    equationPart(value, name + "." + std::string(p->text), type, n->nameSpan);
  }
}

/// The ode that a `solve` names.
Declaration *Checker::solved(const Node *n) {
  Declaration *decl = n->kind == Kind::Member ? memberDeclaration(n) : findDeclaration(n->text);
  if (!decl) {
    if (n->kind == Kind::Member)
      memberValue(n, {});
    else
      unknownName(n, "ode");
    return nullptr;
  }
  if (decl->kind == Declaration::Fn && (decl->node->flags & IsOde))
    return decl;
  Report(*this, code::E0202, n->span, quoted(decl->name) + " is not an ode")
      .note(quoted(decl->name) + " is declared here", decl->node->nameSpan)
      .help("declare it with `ode`: " +
            quoted("ode " + decl->name + "(u: f64[2]; k: f64) { der(u) = ... }"));
  return nullptr;
}

/// Matches the arguments of both groups, as those of a call.
/// Names stand in their group: those of states in front of the `;`.
bool Checker::checkGroups(const Node *n, const Declaration &ode) {
  bool good = true;
  for (const Node *group : {n->kids[1], n->kids[2]}) {
    const bool isStates = group == n->kids[1];
    for (const Node *argument : group ? group->kids : decltype(group->kids)())
      for (const Node *p : ode.node->kids[1]->kids) {
        if (argument->kind != Kind::Named || argument->text != p->text || (p->flags & Time) ||
            ((p->flags & Unknown) != 0) == isStates)
          continue;
        good = false;
        Report(*this, code::E0309, argument->nameSpan,
               quoted(p->text) + (isStates ? " is a parameter of " : " is a state of ") +
                   quoted(ode.name))
            .note(quoted(ode.name) + " is declared here", ode.node->nameSpan)
            .help("the initial states stand first, parameters behind a `;`");
      }
  }
  return good;
}

bool Checker::matchProblem(const Node *n, Problem &problem) {
  CallMatch &match = problem.match;
  const Node *states = namedSpecies(n->kids[1], *match.fn), *others = n->kids[2];
  if (!states || !checkGroups(n, *match.fn))
    return false;
  for (const Node *p : match.fn->node->kids[1]->kids) {
    problem.states += (p->flags & Unknown) != 0;
    problem.timed |= (p->flags & Time) != 0;
  }
  if (states->kids.size() != problem.states) {
    Report(*this, code::E0309, states->span,
           quoted(match.fn->name) + " has " + std::to_string(problem.states) +
               (problem.states == 1 ? " state" : " states") + ", found " +
               std::to_string(states->kids.size()))
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan)
        .help("the initial states stand first, parameters behind a `;`");
    return false;
  }
  Node call = *n;
  call.kind = Kind::Call;
  call.kids = {n->kids[0]};
  call.kids.insert(call.kids.end(), states->kids.begin(), states->kids.end());
  if (others)
    call.kids.insert(call.kids.end(), others->kids.begin(), others->kids.end());
  size_t most = match.fn->node->kids[1]->kids.size() - problem.timed;
  if (call.kids.size() - 1 > most) {
    Report(*this, code::E0309, call.kids[most + 1]->span,
           quoted(match.fn->name) + " takes " + std::to_string(most - problem.states) +
               (most - problem.states == 1 ? " parameter" : " parameters") + ", found " +
               std::to_string(call.kids.size() - 1 - problem.states))
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
    return false;
  }
  made.push_back(call);
  match.call = &made.back();
  if (!matchArguments(match))
    return false;
  openGenerics(match);
  match.ensemble = true;
  return evaluateArguments(match) && solveDims(match) && checkEquations(match) &&
         evaluateDefaults(match);
}

static bool dependsOnIndex(const Value &value) {
  return !value.space.empty() ||
         std::any_of(value.parts.begin(), value.parts.end(), dependsOnIndex);
}

/// States are tensors of one type, f32 or f64; so is the time.
bool Checker::checkStates(Problem &problem) {
  CallMatch &match = problem.match;
  for (size_t i = 0; i < match.values.size(); ++i)
    if (dependsOnIndex(match.values[i])) {
      Report(*this, code::E0221, argumentAt(match, i)->span,
             "this depends on an index, but a `solve` computes one solution")
          .help("solve before, over all elements at once");
      return false;
    }
  for (size_t i = 0; i < problem.states; ++i) {
    const Value &state = match.values[i];
    Element element = state.isTensor() ? state.ref.type().element : Element::Bool;
    bool first = i == 0 || element == problem.element;
    if ((element != Element::F32 && element != Element::F64) || !first) {
      Report(*this, code::E0302, argumentAt(match, i)->span,
             first ? "a state is a tensor of f32 or f64, found " + quoted(show(state))
                   : "all states have one element type: " + quoted(hir::name(problem.element)) +
                         " and " + quoted(hir::name(element)))
          .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
      return false;
    }
    problem.element = element;
    problem.solve.states.emplace_back(match.params[i]->text);
  }
  if (!problem.timed)
    return true;
  Frame inner = frame->at(match.fn->module, &match.scope);
  Enter enter(*this, inner);
  auto type = typeOf(match.params.back()->kids[0]);
  if (!type)
    return false;
  problem.time = type->type.element;
  if (type->tuple || (problem.time != Element::F32 && problem.time != Element::F64)) {
    Report(*this, code::E0302, match.params.back()->span,
           "the time of an ode is f32 or f64, found " + quoted(show(*type)));
    return false;
  }
  return true;
}

Value Checker::solve(const Node *n, const std::vector<const Node *> &settings) {
  Problem problem;
  CallMatch &match = problem.match;
  match.fn = solved(n->kids[0]);
  if (match.fn)
    defineFunction(*match.fn);
  if (match.fn && match.fn->state == Declaration::Busy)
    recursion(*match.fn, n);
  if (frame->inlines) {
    Report(*this, code::E0420, n->span, "a rule cannot hold a `solve`");
    return {};
  }
  if (!match.fn || match.fn->state != Declaration::Good || !matchProblem(n, problem) ||
      !checkStates(problem)) {
    ++failures;
    return {};
  }
  auto from = solveTime(n->kids[3], problem, "the beginning of a `solve`");
  auto to = solveTime(n->kids[4], problem, "the end of a `solve`");
  bool good = from && to;
  for (const Node *setting : settings)
    if (setting->kind == Kind::Method)
      good &= solveMethod(setting, problem);
  for (const Node *setting : settings)
    if (setting->kind == Kind::Named && setting->text == "save") {
      good &= solveSave(setting->kids[0], problem);
    } else if (setting->kind != Kind::Method) {
      good = false;
      Report(*this, code::E0221, setting->kind == Kind::Named ? setting->nameSpan : setting->span,
             "a `solve` has a method and `save`, found " +
                 (setting->kind == Kind::Named ? quoted(setting->text) : "an update"))
          .help("options of the method stand in its brackets: `with tsit5(rtol = 1e-8)`");
    }
  if (!good || !finishOptions(n, problem))
    return {};
  problem.from = *from;
  problem.to = *to;
  return solveNode(n, problem);
}

/// The tensors of an argument; none for what is known when compiling.
static void tensorsOf(const Value &value, std::vector<hir::Ref> &out) {
  if (value.isTensor())
    out.push_back(value.ref);
  for (const Value &part : value.parts)
    tensorsOf(part, out);
}

/// Adds a region that calls the ode and yields `count` of its results.
void Checker::solveRegion(hir::Node *node, Problem &problem, Instance &instance,
                          const std::vector<hir::Type> &own, size_t first, size_t count) {
  const auto &inner = instance.function->body.parameters;
  hir::Region region;
  hir::Node *time = b.detached(hir::Op::Parameter, {{problem.time, {}}});
  time->name = problem.timed ? inner.back()->name : "t";
  region.parameters.push_back(time);
  hir::Node *call = b.detached(hir::Op::Call, {});
  call->callee = instance.function;
  for (size_t i = 0; i < own.size(); ++i) {
    hir::Node *parameter = b.detached(hir::Op::Parameter, {own[i]});
    parameter->name = inner[i]->name;
    region.parameters.push_back(parameter);
    call->operands.push_back({parameter});
  }
  if (problem.timed)
    call->operands.push_back({time});
  auto addStates = [&] {
    for (size_t i = 0; i < problem.states; ++i)
      call->types.push_back(own[i]);
  };
  addStates();
  // Of noise only the body knows whether its processes are common ones.
  const auto &results = instance.function->body.results;
  for (size_t i = 0; i < problem.solve.noisy.size(); ++i)
    if (problem.solve.noisy[i]) {
      const auto &shape = results[call->types.size()].type().shape;
      call->types.push_back(own[i]);
      if (shape.size() > own[i].shape.size())
        call->types.back().shape.push_back(shape.back());
    }
  for (size_t i = 0; i < problem.solve.events.size(); ++i)
    call->types.push_back({problem.element, {}});
  for (const hir::Solve::Event &event : problem.solve.events)
    if (event.resets)
      addStates();
  // Behind them linear parts, which only the body knows the types of.
  for (size_t i = call->types.size(); i < results.size(); ++i)
    call->types.push_back(results[i].type());
  for (size_t i = first; i < first + count; ++i)
    region.results.push_back({call, uint32_t(i)});
  region.nodes.push_back(call);
  node->regions.push_back(std::move(region));
}

/// The regions of a solve: rates with noise, then what events look for, what they set, and the
/// linear part.
void Checker::solveRegions(hir::Node *node, Problem &problem, Instance &instance,
                           const std::vector<hir::Type> &own) {
  size_t states = problem.states, guards = problem.solve.events.size(), resets = 0;
  for (const hir::Solve::Event &event : problem.solve.events)
    resets += event.resets ? states : 0;
  size_t noise = std::count(problem.solve.noisy.begin(), problem.solve.noisy.end(), true);
  solveRegion(node, problem, instance, own, 0, states + noise);
  if (guards) {
    solveRegion(node, problem, instance, own, states, guards);
    solveRegion(node, problem, instance, own, states + guards, resets);
  }
  if (!problem.solve.linear.empty())
    solveRegion(node, problem, instance, own, states + noise + guards + resets,
                problem.solve.linear.size());
}

/// The types of a solve: states, then what is saved, events, counts of work, and how it ended.
/// `own` has those of the states of one system.
void Checker::solveTypes(hir::Node *node, Problem &problem, const std::vector<hir::Type> &own) {
  CallMatch &match = problem.match;
  for (size_t i = 0; i < problem.states; ++i) {
    hir::Type type = own[i];
    renameForCaller(type, match);
    if (problem.solve.saveSteps && !problem.solve.isDense)
      type.shape.insert(type.shape.begin(), hir::Dim{*problem.solve.saveSteps, {}});
    else if (problem.save.isTensor())
      type.shape.insert(type.shape.begin(), problem.save.ref.type().shape[0]);
    type.shape.insert(type.shape.begin(), match.lanes.begin(), match.lanes.end());
    node->types.push_back(std::move(type));
  }
  auto ofSystems = [&](Element element, const DimExpr &count) {
    hir::Type type{element, match.lanes};
    type.shape.push_back({count, {}});
    return type;
  };
  // Of each state the values in each step.
  for (size_t i = 0; problem.solve.isDense && i < problem.states; ++i) {
    hir::Type type = ofSystems(problem.element, *problem.solve.saveSteps);
    type.shape.push_back({DimExpr(ode::interpolantDegree(problem.solve.method) + 1), {}});
    const auto &shape = node->types[i].shape;
    type.shape.insert(type.shape.end(), shape.begin() + match.lanes.size(), shape.end());
    node->types.push_back(std::move(type));
  }
  if (problem.solve.saveSteps) {
    DimExpr times = *problem.solve.saveSteps + DimExpr(problem.solve.isDense ? 1 : 0);
    node->types.push_back(ofSystems(Element::F64, times));
    node->types.push_back({Element::I64, match.lanes});
  }
  if (!problem.solve.events.empty()) {
    node->types.push_back(ofSystems(Element::F64, *problem.solve.maxEvents));
    node->types.push_back(ofSystems(Element::I64, *problem.solve.maxEvents));
    node->types.push_back({Element::I64, match.lanes});
  }
  for (int i = 0; problem.solve.countsWork && i < 3; ++i)
    node->types.push_back({Element::I64, match.lanes});
  for (Element element : {Element::F64, Element::I32, Element::I64, Element::I64, Element::I64})
    node->types.push_back({element, match.lanes});
}

/// Stiff methods differentiate what they solve.
bool Checker::hasDerivative(const Problem &problem, const hir::Function &function) {
  const std::string &method = problem.solve.method;
  const ode::Method known = ode::methodOf(method);
  if (known.family == ode::Family::Explicit || known.family == ode::Family::Symplectic ||
      known.linear || method == ode::eulerMaruyama)
    return true;
  const hir::Node *found = nodeWithoutDerivative(function);
  if (!found)
    return true;
  Report(*this, code::E0430, problem.method->span,
         quoted(method) + " differentiates " + quoted(problem.match.fn->name) +
             ", but what is rounded to 8 bits has no derivative")
      .note("a product with quantised activations is here", found->span)
      .help("take a method that only evaluates it: `tsit5`");
  return false;
}

Value Checker::solveNode(const Node *n, Problem &problem) {
  CallMatch &match = problem.match;
  // What an instance knows of the time is its type.
  if (problem.timed)
    match.values.back() = Value::tensor({b.detached(hir::Op::Parameter, {{problem.time, {}}})});
  std::vector<hir::Ref> arguments;
  std::vector<size_t> lead; // of each
  for (size_t i = 0; i + problem.timed < match.values.size(); ++i) {
    tensorsOf(match.values[i], arguments);
    lead.resize(arguments.size(), i < match.lead.size() ? match.lead[i] : 0);
  }
  ofOneSystem(match);
  Instance &instance = instantiate(match);
  if (instance.failed || !instance.function) {
    ++failures;
    return {};
  }
  if (!hasDerivative(problem, *instance.function))
    return {};
  if (!separate(problem, *instance.function) || !commutativeNoise(problem, *instance.function)) {
    ++failures;
    return {};
  }
  for (hir::Constraint constraint : instance.function->constraints)
    addConstraint(std::move(constraint));
  const auto &inner = instance.function->body.parameters;
  std::vector<hir::Type> own; // of one system
  for (size_t i = 0; i < arguments.size(); ++i) {
    own.push_back({arguments[i].type().element, inner[i]->types[0].shape});
    std::vector<hir::Dim> shape = own[i].shape;
    if (lead[i])
      shape.insert(shape.begin(), match.lanes.begin(), match.lanes.end());
    arguments[i] = withSizes(Value::tensor(arguments[i]), shape).ref;
  }

  hir::Node *node = b.detached(hir::Op::Solve, {});
  solveRegions(node, problem, instance, own);
  problem.solve.countsWork = ode::methodOf(problem.solve.method).hasJacobian();
  solveTypes(node, problem, own);
  auto states = arguments.begin() + ptrdiff_t(problem.states);
  node->operands.assign(arguments.begin(), states);
  node->operands.push_back(b.cast(problem.from.ref, Element::F64));
  node->operands.push_back(b.cast(problem.to.ref, Element::F64));
  for (const auto &[name, value] : problem.options) {
    problem.solve.options.push_back(name);
    node->operands.push_back(name == "key" ? value.ref : b.cast(value.ref, Element::F64));
  }
  node->operands.insert(node->operands.end(), states, arguments.end());
  problem.solve.name = match.fn->name;
  if (const Network *network = match.fn->node->network)
    problem.solve.components.assign(network->species.begin(), network->species.end());
  node->solve = std::make_shared<const hir::Solve>(problem.solve);
  b.block->push_back(node);
  return solution(problem, node);
}

/// The states by their names, `t`, `status` and `stats`.
Value Checker::solution(Problem &problem, hir::Node *node) {
  const bool isDense = problem.solve.isDense;
  RecordType &record = isDense ? denseRecords[problem.match.fn].solution : problem.match.fn->record;
  if (record.fields.empty()) {
    record.name = "solve " + problem.match.fn->name;
    record.fields = problem.solve.states;
    for (const char *field : {"t", "status", "stats"})
      record.fields.emplace_back(field);
    if (!problem.solve.events.empty())
      record.fields.emplace_back("events");
    if (isDense)
      record.fields.emplace_back(denseField);
  }
  auto result = [&](size_t i) { return Value::tensor({node, uint32_t(i)}); };
  size_t states = problem.states;
  Value all = Value::of(Value::Tuple);
  all.record = &record;
  for (size_t i = 0; i < states; ++i)
    all.parts.push_back(result(i));
  Value saved, interpolant = Value::of(Value::Tuple);
  interpolant.record = &solveInterpolant;
  for (size_t i = 0; isDense && i <= problem.states; ++i) {
    interpolant.parts.push_back(result(problem.states + i));
    // All interpolants share their record: it has a name for each part of the largest one.
    if (solveInterpolant.fields.size() <= i)
      solveInterpolant.fields.push_back(std::to_string(i));
  }
  states += isDense ? problem.states : 0;
  std::optional<size_t> firstEvent;
  if (!problem.solve.events.empty())
    firstEvent = states + (problem.solve.saveSteps ? 2 : 0);
  if (problem.solve.saveSteps) {
    if (!isDense)
      all.parts.push_back(Value::tensor(b.cast(result(states).ref, problem.time)));
    saved = result(states + 1);
    states += 2;
  }
  states += firstEvent ? 3 : 0;
  Value none =
      Value::tensor(b.spread(b.constant(Element::I64, int64_t(0)), problem.match.lanes, {}));
  std::vector<Value> work(3, none);
  for (Value &count : work)
    if (problem.solve.countsWork)
      count = result(states++);
  if (!problem.solve.saveSteps || isDense)
    all.parts.push_back(problem.last || isDense ? scalarCast(result(states), problem.time)
                                                : problem.save);
  all.parts.push_back(result(states + 1));
  Value stats = Value::of(Value::Tuple);
  stats.record = problem.solve.saveSteps ? &solveSavedStats : &solveStats;
  for (size_t i = 2; i < 5; ++i)
    stats.parts.push_back(result(states + i));
  stats.parts.insert(stats.parts.end(), work.begin(), work.end());
  if (problem.solve.saveSteps)
    stats.parts.push_back(saved);
  all.parts.push_back(std::move(stats));
  if (firstEvent) {
    Value events = Value::of(Value::Tuple);
    events.record = &solveEventTimes;
    events.parts = {Value::tensor(b.cast(result(*firstEvent).ref, problem.time)),
                    result(*firstEvent + 1), result(*firstEvent + 2)};
    all.parts.push_back(std::move(events));
  }
  if (isDense)
    all.parts.push_back(std::move(interpolant));
  addSpecies(*problem.match.fn, {node, 0}, record, all);
  return all;
}

} // namespace mad::elab
