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

bool Checker::solveOption(const Node *argument, Problem &problem) {
  std::string name(argument->text);
  const Node *value = argument->kids[0];
  if (name == "steps" || name == "max_steps")
    return solveSteps(argument, problem);
  if (name == "controller") {
    std::string_view word = value->kind == Kind::Name ? value->text : "";
    if (word != "pi" && word != "i") {
      Report(*this, code::E0221, value->span,
             "a controller is `pi` or `i`, found " + quoted(textAt(value)));
      return false;
    }
    if (ode::methodOf(problem.solve.method).controlled) {
      Report(*this, code::E0221, argument->nameSpan,
             quoted(problem.solve.method) + " has a controller of its own")
          .help("leave it out");
      return false;
    }
    problem.solve.controller = word;
    return true;
  }
  bool tolerance = name == "rtol" || name == "atol";
  std::vector<std::string> all = {"rtol",     "atol",     "step",      "steps",     "first",
                                  "min_step", "max_step", "max_steps", "controller"};
  if (std::find(all.begin(), all.end(), name) == all.end()) {
    Report report(*this, code::E0221, argument->nameSpan, "a method has no option " + quoted(name));
    std::string near = suggestion(name, all);
    report.help(near.empty() ? "the options are " + listOf(all)
                             : "did you mean " + quoted(near) + "?");
    return false;
  }
  auto number = solveNumber(value, tolerance ? Element::F64 : problem.time, quoted(name));
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

/// `last`, or the times as a tensor.
bool Checker::solveSave(const Node *value, Problem &problem) {
  if (problem.last || problem.save.isTensor()) {
    Report(*this, code::E0221, value->span, "`save` is set twice");
    return false;
  }
  if (value->kind == Kind::Name && value->text == "last" && !frame->scope->find("last")) {
    problem.last = true;
    return true;
  }
  Value times = settled(expr(value, problem.time), problem.time, value);
  if (times.poison())
    return false;
  bool fits = times.isTensor() && times.rank() == 1 && times.space.empty();
  if (!fits || times.ref.type().element != problem.time) {
    Report(*this, code::E0221, value->span,
           "`save` is `last`, or the times as " +
               quoted(std::string(hir::name(problem.time)) + "[N]") + ", found " +
               quoted(show(times)))
        .help("write `save = linspace(0.0, 1.0, 11)`");
    return false;
  }
  problem.save = times;
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
  problem.last |= !problem.save.isTensor();
  if (!problem.last)
    options["save"] = problem.save;
  return true;
}

} // namespace mad::elab
