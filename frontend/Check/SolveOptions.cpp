//===- SolveOptions.cpp - Methods of a `solve`, and their options -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Solve.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static std::string listOf(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

/// One float, as a tensor.
std::optional<Value> Checker::solveNumber(const Node *n, Element element, const std::string &what) {
  return solveNumber(n, expr(n, element), element, what);
}

std::optional<Value> Checker::solveNumber(const Node *n, Value value, Element element,
                                          const std::string &what) {
  if (value.isTensor() && !value.space.empty()) {
    Report(*this, code::E0221, n->span, what + " does not depend on an index")
        .help("solve before, over all elements at once");
    return std::nullopt;
  }
  value = coerce(value, TypeTree{false, {element, {}}, {}}, n, what);
  value = settled(value, element, n);
  return value.poison() ? std::nullopt : std::optional<Value>(value);
}

bool Checker::solveMethod(const Node *setting, Problem &problem) {
  std::string name(setting->text);
  if (problem.method) {
    Report(*this, code::E0221, setting->span, "a `solve` has one method")
        .note("the first one is here", problem.method->span);
    return false;
  }
  problem.method = setting;
  if (!ode::isMethod(name)) {
    Report report(*this, code::E0221, setting->nameSpan, "there is no method " + quoted(name));
    std::string near = suggestion(name, ode::methodNames());
    report.help(near.empty() ? "the methods are " + listOf(ode::methodNames())
                             : "did you mean " + quoted(near) + "?");
    return false;
  }
  problem.solve.method = name;
  if (ode::methodOf(name).family != ode::Family::Explicit)
    problem.solve.controller = "i";
  bool good = true;
  std::vector<std::string> seen;
  for (const Node *argument : setting->kids) {
    if (argument->kind != Kind::Named) {
      Report(*this, code::E0221, argument->span, "the options of a method have names")
          .help("write " +
                quoted(name + (ode::methodOf(name).adaptive ? "(rtol = 1e-8)" : "(step = 0.01)")));
      good = false;
    } else if (std::count(seen.begin(), seen.end(), argument->text)) {
      Report(*this, code::E0221, argument->nameSpan, quoted(argument->text) + " is set twice");
      good = false;
    } else {
      seen.emplace_back(argument->text);
      good &= solveOption(argument, problem);
    }
  }
  return good;
}

/// `pi`, `i`, or `pid` with its gains p, i and d.
bool Checker::solveController(const Node *value, Problem &problem) {
  hir::Solve &solve = problem.solve;
  const Node *head = value->kind == Kind::Call ? value->kids[0] : value;
  std::string_view word = head->kind == Kind::Name ? head->text : "";
  bool isPid = value->kind == Kind::Call && word == "pid" && value->kids.size() == 4;
  if (!isPid && (value->kind != Kind::Name || (word != "pi" && word != "i"))) {
    Report(*this, code::E0221, value->span,
           "a controller is `pi`, `i` or `pid(p, i, d)`, found " + quoted(textAt(value)));
    return false;
  }
  solve.controller = word;
  solve.gains.clear();
  for (size_t k = 1; isPid && k < 4; ++k) {
    auto gain = solveNumber(value->kids[k], Element::F64, "a gain of `pid`");
    if (!gain)
      return false;
    const hir::Node *node = gain->ref.node;
    bool known = node->op == hir::Op::Constant && node->values.size() == 1;
    if (!known || !(node->values[0] >= 0) || (k == 2 && node->values[0] == 0)) {
      Report(*this, code::E0221, value->kids[k]->span,
             "the gains of `pid` are numbers known when compiling, not negative, and the second "
             "is not 0, found " +
                 textAt(value->kids[k]))
          .help("write `controller = pid(0.4, 0.3, 0.0)`");
      return false;
    }
    solve.gains.push_back(node->values[0]);
  }
  return true;
}

bool Checker::solveOption(const Node *argument, Problem &problem) {
  std::string name(argument->text);
  const Node *value = argument->kids[0];
  if (name == "steps" || name == "max_steps" || name == "max_events")
    return solveSteps(argument, problem);
  if (name == "controller") {
    if (ode::methodOf(problem.solve.method).controlled) {
      Report(*this, code::E0221, argument->nameSpan,
             quoted(problem.solve.method) + " has a controller of its own")
          .help("leave it out");
      return false;
    }
    return solveController(value, problem);
  }
  if (name == "key")
    return solveKey(value, problem);
  bool tolerance = name == "rtol" || name == "atol";
  std::vector<std::string> all = {"rtol",       "atol",       "step",     "steps",
                                  "first",      "min_step",   "max_step", "max_steps",
                                  "max_events", "controller", "key"};
  if (std::find(all.begin(), all.end(), name) == all.end()) {
    Report report(*this, code::E0221, argument->nameSpan, "a method has no option " + quoted(name));
    std::string near = suggestion(name, all);
    report.help(near.empty() ? "the options are " + listOf(all)
                             : "did you mean " + quoted(near) + "?");
    return false;
  }
  Want want(tolerance ? Element::F64 : problem.time);
  want.parts.assign(tolerance ? problem.states : 0, Want(*want.element));
  Value given = expr(value, want);
  if (tolerance && (given.kind == Value::Tuple || (given.isTensor() && given.rank() > 0)))
    return solveTolerance(argument, given, problem);
  auto number = solveNumber(value, given, *want.element, quoted(name));
  if (!number)
    return false;
  // What is known when compiling is checked now, the rest at the call.
  const hir::Node *node = number->ref.node;
  if (node->op == hir::Op::Constant && node->values.size() == 1) {
    double x = node->values[0];
    bool zero = tolerance || name == "min_step";
    if (!(zero ? x >= 0 : x > 0)) {
      Report(*this, code::E0221, value->span,
             quoted(name) + (zero ? " must not be negative" : " must be positive") + ", found " +
                 textAt(value));
      return false;
    }
  }
  problem.options[name] = *number;
  return true;
}

bool Checker::solveSteps(const Node *argument, Problem &problem) {
  std::string name(argument->text), what = "`" + name + "` of a method";
  const Node *value = argument->kids[0];
  auto size = sizeOf(value, what.c_str());
  if (!size)
    return false;
  auto complain = [&](const std::string &, const std::string &) {
    Report(*this, code::E0221, value->span,
           quoted(name) + " is at least 1, found " + quoted(size->str()));
  };
  if (!requireAtLeast(*size, DimExpr(1), value->span, what + " is at least 1", complain))
    return false;
  if (name == "max_events") {
    problem.solve.maxEvents = *size;
    return true;
  }
  if (name == "steps") {
    problem.solve.steps = *size;
    return true;
  }
  if (!size->constant()) {
    Report(*this, code::E0221, value->span,
           "`max_steps` is a number known when compiling, found " + quoted(size->str()));
    return false;
  }
  problem.solve.maxSteps = *size->constant();
  return true;
}

/// `steps(N)` or `dense(N)`
bool Checker::saveRows(const Node *value, const std::string &word, Problem &problem) {
  const char *what = word == "steps" ? "state" : "step";
  if (value->kids.size() != 2 || value->kids[1]->kind == Kind::Named) {
    Report(*this, code::E0221, value->span,
           quoted(word) + " takes how many " + what + "s there is room for")
        .help("write `save = " + word + "(1000)`");
    return false;
  }
  std::string name = quoted(word) + " of `save`";
  auto size = sizeOf(value->kids[1], name.c_str());
  auto complain = [&](const std::string &, const std::string &) {
    Report(*this, code::E0221, value->kids[1]->span,
           std::string("there must be room for at least 1 ") + what + ", found " +
               quoted(size->str()));
  };
  if (!size ||
      !requireAtLeast(*size, DimExpr(1), value->kids[1]->span, name + " is at least 1", complain))
    return false;
  const std::string &method = problem.solve.method;
  if (word == "dense" && !method.empty() && ode::interpolantDegree(method) == 0) {
    Report(*this, code::E0221, value->span,
           "the interpolant of " + quoted(method) + " is no polynomial: it is not kept")
        .help("save the times that are needed: `save = linspace(0.0, 1.0, 11)`");
    return false;
  }
  problem.solve.saveSteps = *size;
  problem.solve.isDense = word == "dense";
  return true;
}

/// `last`, or the times as a tensor.
bool Checker::solveSave(const Node *value, Problem &problem) {
  if (problem.last || problem.save.isTensor() || problem.solve.saveSteps) {
    Report(*this, code::E0221, value->span, "`save` is set twice");
    return false;
  }
  if (value->kind == Kind::Name && value->text == "last" && !frame->scope->find("last")) {
    problem.last = true;
    return true;
  }
  const Node *head = value->kind == Kind::Call ? value->kids[0] : nullptr;
  if (head && head->kind == Kind::Name && (head->text == "steps" || head->text == "dense"))
    return saveRows(value, std::string(head->text), problem);
  Value times = settled(expr(value, problem.time), problem.time, value);
  if (times.poison())
    return false;
  bool fits = times.isTensor() && times.rank() == 1 && times.space.empty();
  if (!fits || times.ref.type().element != problem.time) {
    bool isOther = fits && times.ref.type().element != Element::Bool;
    Report(*this, code::E0221, value->span,
           "`save` is `last`, `steps(N)`, `dense(N)`, or the times as " +
               quoted(std::string(hir::name(problem.time)) + "[N]") + ", found " +
               quoted(show(times)))
        .help(isOther ? "write `save = " + std::string(hir::name(problem.time)) + "(" +
                            textAt(value) + ")`"
                      : "write `save = linspace(0.0, 1.0, 11)`");
    return false;
  }
  problem.save = times;
  return true;
}

/// The events of the ode.
bool Checker::solveEvents(Problem &problem) {
  hir::Solve &solve = problem.solve;
  const Declaration &ode = *problem.match.fn;
  for (const Node *line : ode.node->kids[3]->kids) {
    if (!line || line->kind != Kind::Event)
      continue;
    hir::Solve::Event event;
    event.name = line->text;
    if (const Node *direction = line->kids[1])
      event.direction = direction->text == "rising" ? 1 : -1;
    if (const Node *action = line->kids[2])
      (action->kind == Kind::Name ? event.stops : event.resets) = true;
    solve.events.push_back(std::move(event));
  }
  if (solve.events.empty() && solve.maxEvents) {
    Report(*this, code::E0221, problem.method->span,
           quoted(ode.name) + " has no events, but `max_events` is given")
        .note(quoted(ode.name) + " is declared here", ode.node->nameSpan)
        .help("leave it out");
    return false;
  }
  if (!solve.events.empty() && !solve.maxEvents)
    solve.maxEvents = DimExpr(ode::defaultMaxEvents);
  return true;
}

/// What is not set, and what does not go together.
bool Checker::finishOptions(const Node *n, Problem &problem) {
  hir::Solve &solve = problem.solve;
  if (solve.method.empty())
    solve.method = "tsit5";
  const Node *at = problem.method ? problem.method : n;
  auto &options = problem.options;
  bool fixed = options.count("step") || solve.steps;
  auto refuse = [&](const std::string &text, const std::string &help) {
    Report(*this, code::E0221, at->span, text).help(help);
    return false;
  };
  if (!solveNoise(at, problem))
    return false;
  if (options.count("step") && solve.steps)
    return refuse("a method has `step` or `steps`, not both", "leave one of them out");
  if (!fixed && !ode::methodOf(solve.method).adaptive)
    return refuse(quoted(solve.method) + " has no estimate of its error, so its steps are given",
                  "write `step = 0.01`, or `steps = 100` for their number");
  if (fixed && !ode::methodOf(solve.method).givenSteps)
    return refuse(quoted(solve.method) +
                      " iterates to its tolerances and chooses its steps by them",
                  "write " + quoted(solve.method + "(rtol = 1e-6)") +
                      ", or take a method whose steps may be given: " + quoted("rodas5p"));
  for (const char *name : {"rtol", "atol", "first", "min_step", "max_step"})
    if (fixed && options.count(name))
      return refuse(quoted(name) + " is for steps that are chosen by the error, but " +
                        (solve.steps ? "`steps`" : "`step`") + " is given",
                    "leave one of them out");
  if (solve.steps && solve.maxSteps)
    return refuse("`max_steps` and `steps` are both given", "leave one of them out");
  if (!solve.maxSteps)
    solve.maxSteps = ode::defaultMaxSteps;
  if (!solveEvents(problem) || !solveLinear(problem))
    return false;
  if (!fixed) {
    auto known = [&](const char *name) -> std::optional<double> {
      const hir::Node *node = options[name].ref.node;
      return node->op == hir::Op::Constant && node->values.size() == 1
                 ? std::optional<double>(node->values[0])
                 : std::nullopt;
    };
    if (!options.count("rtol"))
      options["rtol"] = Value::tensor(b.constant(Element::F64, ode::defaultRtol));
    if (!options.count("atol"))
      options["atol"] = Value::tensor(b.constant(Element::F64, ode::defaultAtol));
    if (known("rtol") == 0.0 && known("atol") == 0.0)
      return refuse("`rtol` and `atol` are both 0: no step is exact",
                    "write `rtol = 1e-8, atol = 1e-10`");
  }
  problem.last |= !problem.save.isTensor() && !solve.saveSteps;
  if (problem.save.isTensor())
    options["save"] = problem.save;
  return true;
}

} // namespace mad::elab
