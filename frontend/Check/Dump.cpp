//===- Dump.cpp - The checked program as text -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"

#include <map>
#include <sstream>

namespace mad {

using namespace hir;

std::string hir::str(const Type &type) {
  std::string text = name(type.element);
  for (size_t d = 0; d < type.shape.size(); ++d)
    text += (d ? ", " : "[") + type.shape[d].size.str();
  return type.shape.empty() ? text : text + "]";
}

namespace {

class Dumper {
public:
  explicit Dumper(const Program &program) : program(program) {}

  std::string run() {
    for (const Weight &weight : program.weights)
      if (weight.value)
        out << "weight " << weight.name << ": " << str(weight.type) << " computed"
            << (weight.format ? " as " + weight.format->str() : "") << "\n";
      else
        out << "weight " << weight.name << ": " << str(weight.type) << " from \"" << weight.path
            << "\" : \"" << weight.entry << "\"" << (weight.transposed ? " transposed" : "")
            << (weight.format ? " as " + weight.format->str() : "") << "\n";
    for (const Function &f : program.functions)
      function(f);
    for (const Rule &r : program.rules)
      rule(r);
    return out.str();
  }

private:
  void function(const Function &f) {
    if (out.tellp() > 0)
      out << "\n";
    numbers.clear();
    next = 0;
    out << (f.kind == Function::Export        ? "export fn "
            : f.kind == Function::Test        ? "test "
            : f.kind == Function::WeightValue ? "weight "
                                              : "fn ");
    out << (f.kind == Function::Test ? "\"" + f.name + "\"" : f.name);
    for (size_t i = 0; f.kind == Function::Export && i < f.dims.size(); ++i)
      out << (i ? ", " : "[") << f.dims[i] << (i + 1 == f.dims.size() ? "]" : "");
    parameters(f.body);
    precision = f.precision;
    if (precision != Precision::Default)
      out << " with fp = " << hir::name(precision);
    out << " {\n";
    constraints(f.constraints);
    region(f.body, "  ");
    for (const Assertion &a : f.assertions)
      out << "  // assert " << a.message << "\n";
    out << "}\n";
  }

  void rule(const Rule &r) {
    if (out.tellp() > 0)
      out << "\n";
    numbers.clear();
    next = 0;
    precision = Precision::Default;
    out << "rule " << r.name << (r.both ? " both ways" : "");
    for (const std::string &permission : r.permissions)
      out << " " << permission;
    out << " of "
        << (r.elements == Rule::Float    ? "floats"
            : r.elements == Rule::Number ? "numbers"
                                         : "these types");
    for (const std::string &pack : r.packs)
      out << " " << pack << "...";
    parameters(r.body);
    out << " {\n";
    for (const Rule::Condition &c : r.conditions) {
      out << "  where " << use({r.body.parameters[c.variable]}) << " " << c.is;
      if (c.is != "constant" && c.is != "finite")
        out << " " << c.value;
      out << "\n";
    }
    constraints(r.constraints);
    region(r.body, "  ");
    out << "}\n";
  }

  void constraints(const std::vector<Constraint> &all) {
    for (const Constraint &c : all)
      out << "  require " << c.left.str() << (c.relation == Constraint::Equal ? " == " : " >= ")
          << c.right.str() << " else \"" << c.message << "\"\n";
  }

  void parameters(const Region &region) {
    out << "(";
    for (size_t i = 0; i < region.parameters.size(); ++i) {
      const Node *p = region.parameters[i];
      out << (i ? ", " : "") << define(p) << ": " << str(p->types[0]);
    }
    out << ")";
  }

  void region(const Region &region, const std::string &indent) {
    for (const Node *node : region.nodes)
      line(*node, indent);
    out << indent << "return";
    for (size_t i = 0; i < region.results.size(); ++i)
      out << (i ? ", " : " ") << use(region.results[i]);
    out << "\n";
  }

  std::string define(const Node *node) {
    return numbers[node] =
               "%" + std::to_string(next++) + (node->name.empty() ? "" : "_") + node->name;
  }

  std::string use(Ref ref) {
    std::string text = numbers.count(ref.node) ? numbers[ref.node] : "%?";
    return ref.node->types.size() > 1 ? text + "#" + std::to_string(ref.result) : text;
  }

  template <typename List> void list(const List &items) {
    out << " [";
    for (size_t i = 0; i < items.size(); ++i)
      out << (i ? ", " : "") << items[i];
    out << "]";
  }

  void line(const Node &node, const std::string &indent) {
    std::string name = define(&node);
    out << indent << name << " = ";
    head(node);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      out << (i ? ", " : " ") << use(node.operands[i]);
      if (node.op == Op::Contract)
        list(i ? node.rhs : node.lhs);
    }
    tail(node);
    if (node.precision != precision && rounds(node))
      out << " fp " << hir::name(node.precision);
    for (size_t i = 0; i < node.types.size(); ++i)
      out << (i ? ", " : " : ") << str(node.types[i]);
    out << "\n";
    for (size_t i = 0; i < node.regions.size(); ++i) {
      out << indent << (i ? "else {" : "{");
      if (!node.regions[i].parameters.empty()) {
        out << " ";
        parameters(node.regions[i]);
      }
      out << "\n";
      region(node.regions[i], indent + "  ");
      out << indent << "}\n";
    }
  }

  void head(const Node &node) {
    static const char *const names[] = {"parameter", "constant", "dim",      "weight",   "iota",
                                        "view",      "",         "cast",     "reduce",   "contract",
                                        "gather",    "reshape",  "concat",   "call",     "if",
                                        "scan",      "scatter",  "sort",     "cumulate", "philox",
                                        "update",    "iterate",  "quantize", "solve",    "jvp"};
    if (node.op == Op::Elementwise)
      out << node.mnemonic;
    else
      out << names[static_cast<int>(node.op)];
    if (node.op == Op::Reduce || node.op == Op::Scatter || node.op == Op::Sort ||
        node.op == Op::Cumulate)
      out << " " << node.mnemonic;
    if (node.op == Op::Call || node.op == Op::Jvp)
      out << " " << node.callee->name;
    if (node.op == Op::Jvp)
      list(node.dims);
    if (node.op == Op::Jvp && node.index)
      out << " directions " << node.high.str();
    if (node.op == Op::Weight)
      out << " " << program.weights[node.index].name;
    if (node.op == Op::DimValue)
      out << " " << node.dim.str();
    if (node.op == Op::Scan)
      out << " " << node.low.str() << " to " << node.high.str();
    if (node.op == Op::Iterate)
      out << " max " << node.high.str();
    if (node.op == Op::Solve)
      solve(*node.solve);
    if (node.op == Op::Constant) {
      if (node.values.empty())
        list(node.integers);
      else
        list(node.values);
    }
  }

  void solve(const Solve &solve) {
    out << " " << solve.name << " with " << solve.method;
    list(solve.options);
    if (solve.steps)
      out << " steps " << solve.steps->str();
    else
      out << " max " << solve.maxSteps << " " << solve.controller;
    if (!solve.gains.empty())
      list(solve.gains);
    if (solve.saveSteps)
      out << (solve.isDense ? " dense " : " save ") << solve.saveSteps->str();
    for (const Solve::Event &event : solve.events)
      out << " event " << event.name;
    for (int64_t state : solve.linear)
      out << " linear " << solve.states[size_t(state)];
  }

  void tail(const Node &node) {
    if (node.op == Op::Reduce)
      list(node.dims);
    if (node.op == Op::Iota || node.op == Op::Concat || node.op == Op::Sort ||
        node.op == Op::Cumulate)
      out << " along " << node.index;
    if (node.op == Op::Contract)
      out << " space " << node.space;
    if (node.op != Op::View && node.op != Op::Update)
      return;
    static const char *const boundaries[] = {"inside", "checked", "zero", "periodic", "clamp"};
    out << " (";
    for (size_t i = 0; i < node.map.size(); ++i)
      out << (i ? ", " : "") << affine(node.map[i]);
    out << ") " << boundaries[static_cast<int>(node.boundary)];
  }

  static std::string affine(const Affine &a) {
    std::string text;
    auto add = [&](int64_t c, const std::string &what) {
      if (!c)
        return;
      std::string size = std::to_string(c < 0 ? -uint64_t(c) : uint64_t(c));
      std::string part = what.empty() ? size : size == "1" ? what : size + "*" + what;
      text += (text.empty() ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ") + part;
    };
    for (size_t d = 0; d < a.coefficients.size(); ++d)
      add(a.coefficients[d], "d" + std::to_string(d));
    for (size_t s = 0; s < a.scalars.size(); ++s)
      add(a.scalars[s], "s" + std::to_string(s));
    add(a.offset, "");
    return text.empty() ? "0" : text;
  }

  const Program &program;
  Precision precision = Precision::Default;
  std::ostringstream out;
  std::map<const Node *, std::string> numbers;
  int next = 0;
};

} // namespace

std::string dump(const Program &program) { return Dumper(program).run(); }

} // namespace mad
