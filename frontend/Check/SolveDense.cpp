//===- SolveDense.cpp - Solutions at any time -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A solution with `save = dense(N)` is called like a function of the time, `sol(t)`. Of each step
// there are the values at Chebyshev's points, as many as tell the interpolant of the method, which
// is a polynomial: it is evaluated as Lagrange wrote it. Of so few points that is as good as any
// form (Berrut and Trefethen, Barycentric Lagrange interpolation, 2004).
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Solve.h"

#include <algorithm>
#include <limits>

namespace mad::elab {

using namespace ast;

/// A solution that is evaluated at times: one value for each system and each time.
class Checker::Interpolant {
public:
  using Ref = hir::Ref;
  Interpolant(Checker &c, const Value &solution, Ref at);
  /// State number i.
  Value state(size_t i);

private:
  const Value &part(const char *field) const;
  Ref real(double value) { return c.b.constant(Element::F64, value); }
  Ref f64(const char *mnemonic, std::vector<Ref> operands) {
    return op(mnemonic, std::move(operands), Element::F64);
  }
  Ref op(const char *mnemonic, std::vector<Ref> operands, Element element);
  /// Of each system, or of each of these and each time, in a shape that begins with both.
  Ref wide(Ref value, const Dims &shape);
  Ref ofTimes(Ref value, const Dims &shape);
  Ref rowOf();
  Ref timeOf(Ref row);
  void weigh();

  Checker &c;
  const Value &solution;
  Ref at, times, count, direction, row, inside;
  std::vector<Ref> weights; ///< of the values of a step, f64
  Dims lanes, shape, all;   ///< of the systems; of the times; of both
};

const Value &Checker::Interpolant::part(const char *field) const {
  const auto &fields = solution.record->fields;
  return solution.parts[size_t(std::find(fields.begin(), fields.end(), field) - fields.begin())];
}

/// Scalars are spread.
hir::Ref Checker::Interpolant::op(const char *mnemonic, std::vector<Ref> operands,
                                  Element element) {
  Dims most;
  for (Ref operand : operands)
    if (operand.type().shape.size() > most.size())
      most = operand.type().shape;
  for (Ref &operand : operands)
    if (operand.type().shape.empty())
      operand = c.b.spread(operand, most, {});
  return c.b.elementwise(mnemonic, std::move(operands), element);
}

hir::Ref Checker::Interpolant::wide(Ref value, const Dims &shape) {
  std::vector<int64_t> from;
  for (size_t d = 0; d < lanes.size(); ++d)
    from.push_back(int64_t(d));
  return c.b.spread(value, shape, from);
}

hir::Ref Checker::Interpolant::ofTimes(Ref value, const Dims &shape) {
  std::vector<int64_t> from;
  for (size_t d = 0; d < all.size(); ++d)
    from.push_back(int64_t(d));
  return c.b.spread(value, shape, from);
}

Checker::Interpolant::Interpolant(Checker &c, const Value &solution, Ref at)
    : c(c), solution(solution), at(c.b.cast(at, Element::F64)), shape(at.type().shape) {
  times = part(denseField).parts.back().ref;
  count = part("stats").parts.back().ref;
  lanes = count.type().shape;
  all = lanes;
  all.insert(all.end(), shape.begin(), shape.end());
  std::vector<int64_t> from;
  for (size_t d = 0; d < shape.size(); ++d)
    from.push_back(int64_t(lanes.size() + d));
  this->at = c.b.spread(this->at, all, from);

  std::vector<hir::Affine> first(lanes.size() + 1);
  for (size_t d = 0; d < lanes.size(); ++d) {
    first[d].coefficients.assign(lanes.size(), 0);
    first[d].coefficients[d] = 1;
  }
  Ref begin = c.b.view(times, lanes, first), end = c.b.cast(part("t").ref, Element::F64);
  Ref way = f64("sub", {end, begin});
  direction = f64("select", {op("lt", {way, real(0)}, Element::Bool), real(-1), real(1)});
  row = rowOf();
  // As of saved times, ends have some slack.
  Ref slack = wide(f64("mul", {f64("mul", {way, direction}), real(-ode::saveSlack)}), all);
  auto isBehind = [&](Ref time, Ref other) {
    Ref since = f64("mul", {wide(direction, all), f64("sub", {time, other})});
    return op("lt", {since, slack}, Element::Bool);
  };
  inside = op("or", {isBehind(this->at, wide(begin, all)), isBehind(wide(end, all), this->at)},
              Element::Bool);
  inside = op("not", {inside}, Element::Bool);
  weigh();
}

/// The step that holds each time: so many have ended before it. Times at the end of one belong to
/// it, as those that are saved; behind the last one there is none.
hir::Ref Checker::Interpolant::rowOf() {
  Dims ends = lanes, each = all;
  hir::Dim room = times.type().shape.back();
  room.size = room.size - DimExpr(1);
  room.name = "";
  ends.push_back(room);
  each.push_back(room);
  std::vector<hir::Affine> next(ends.size());
  std::vector<int64_t> from;
  for (size_t d = 0; d < ends.size(); ++d) {
    next[d].coefficients.assign(ends.size(), 0);
    next[d].coefficients[d] = 1;
    from.push_back(int64_t(d + 1 == ends.size() ? each.size() - 1 : d));
  }
  next.back().offset = 1;
  Ref ended = c.b.spread(c.b.view(times, ends, next), each, from);
  Ref since = f64("mul", {wide(direction, each), f64("sub", {ended, ofTimes(at, each)})});
  Ref isBefore = op("lt", {since, real(0)}, Element::Bool);
  Ref found = c.b.reduce("sum", c.b.cast(isBefore, Element::I64), {uint32_t(all.size())});
  auto whole = [&](int64_t value) { return c.b.constant(Element::I64, value); };
  Ref last = op("max", {op("sub", {count, whole(1)}, Element::I64), whole(0)}, Element::I64);
  return op("min", {found, wide(last, all)}, Element::I64);
}

hir::Ref Checker::Interpolant::timeOf(Ref row) {
  std::vector<Ref> coordinates;
  for (size_t d = 0; d < lanes.size(); ++d)
    coordinates.push_back(c.b.iota(all, uint32_t(d)));
  coordinates.push_back(row);
  return c.b.gather(times, std::move(coordinates), {"the steps of a solution", 0});
}

/// Lagrange's polynomials of the time in its step.
void Checker::Interpolant::weigh() {
  Ref from = timeOf(row), one = c.b.constant(Element::I64, int64_t(1));
  Ref to = timeOf(op("add", {row, one}, Element::I64));
  Ref x = f64("div", {f64("sub", {at, from}), f64("sub", {to, from})});
  x = f64("min", {f64("max", {x, real(0)}), real(1)});
  const Dims &table = part(denseField).parts[0].ref.type().shape;
  std::vector<double> nodes =
      ode::interpolantNodes(int(*table[lanes.size() + 1].size.constant()) - 1);
  for (size_t j = 0; j < nodes.size(); ++j) {
    Ref product;
    for (size_t k = 0; k < nodes.size(); ++k) {
      if (k == j)
        continue;
      Ref factor = f64("mul", {f64("sub", {x, real(nodes[k])}), real(1 / (nodes[j] - nodes[k]))});
      product = product.node ? f64("mul", {product, factor}) : factor;
    }
    weights.push_back(product);
  }
}

Value Checker::Interpolant::state(size_t i) {
  Ref table = part(denseField).parts[i].ref, reached = solution.parts[i].ref;
  const Dims &from = table.type().shape;
  Element element = table.type().element;
  Dims full = all;
  full.insert(full.end(), from.begin() + lanes.size() + 2, from.end());
  std::vector<Ref> coordinates;
  for (size_t d = 0; d < lanes.size(); ++d)
    coordinates.push_back(c.b.iota(full, uint32_t(d)));
  coordinates.push_back(ofTimes(row, full));
  coordinates.emplace_back();
  for (size_t d = all.size(); d < full.size(); ++d)
    coordinates.push_back(c.b.iota(full, uint32_t(d)));
  Ref sum;
  for (size_t j = 0; j < weights.size(); ++j) {
    coordinates[lanes.size() + 1] = c.b.spread(c.b.constant(Element::I64, int64_t(j)), full, {});
    Ref value = c.b.gather(table, coordinates, {"the steps of a solution", 0});
    Ref term = op("mul", {ofTimes(c.b.cast(weights[j], element), full), value}, element);
    sum = sum.node ? op("add", {sum, term}, element) : term;
  }
  // Without a step there are the initial states.
  std::vector<int64_t> along;
  for (size_t d = 0; d < reached.type().shape.size(); ++d)
    along.push_back(int64_t(d < lanes.size() ? d : d + shape.size()));
  Ref none = op("lt", {count, c.b.constant(Element::I64, int64_t(1))}, Element::Bool);
  sum = op("select", {wide(none, full), c.b.spread(reached, full, along), sum}, element);
  Ref nan = c.b.constant(element, std::numeric_limits<double>::quiet_NaN());
  return Value::tensor(op("select", {ofTimes(inside, full), sum, nan}, element));
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// The solution that a callee names, if it can be called.
const Value *Checker::denseSolution(const Node *callee) {
  Local *local = callee->kind == Kind::Name ? frame->scope->find(callee->text) : nullptr;
  if (!local || local->kind != Local::Value || !local->value.record)
    return nullptr;
  for (const auto &[ode, records] : denseRecords)
    if (local->value.record == &records.solution)
      return &local->value;
  return nullptr;
}

/// Whether two values of one type are not solutions of different room, or with interpolants of
/// different degrees; reports it of the branches of an `if`.
bool Checker::sameDense(const Value &x, const Value &y, const Node *n) {
  const auto &fields = x.record ? x.record->fields : std::vector<std::string>();
  auto number = [&](const char *name) {
    return size_t(std::find(fields.begin(), fields.end(), name) - fields.begin());
  };
  if (number(denseField) == fields.size())
    return true;
  Dims a = x.parts[number(denseField)].parts[0].shape();
  Dims c = y.parts[number(denseField)].parts[0].shape();
  const size_t lanes = x.parts[number("status")].rank();
  if (a.size() != c.size())
    return true; // as the states differ
  auto shown = [&](const Dims &table) {
    return quoted("dense(" + show(table[lanes]) + ")") + " of degree " +
           std::to_string(*table[lanes + 1].size.constant() - 1);
  };
  const std::string message =
      "the branches of an `if` are solutions of one room and degree, found " + shown(a) + " and " +
      shown(c);
  auto complain = [&](const std::string &reason, const std::string &) {
    Report(*this, code::E0306, n->nameSpan, message + (reason.empty() ? "" : ": " + reason))
        .help(
            "solve with one method and one `save = dense(N)` in both, or evaluate the solutions in "
            "the branches");
    return false;
  };
  if (*a[lanes + 1].size.constant() != *c[lanes + 1].size.constant())
    return complain("", "");
  return requireEqual(a[lanes], c[lanes], n->nameSpan, message, complain);
}

/// `sol(t)`: the states at one time, or at each of a list, in a record.
Value Checker::atTimes(const Value &solution, const Node *n) {
  auto refuse = [&](const Node *at, const std::string &text) {
    Report(*this, code::E0309, at->span, text)
        .help("write " + quoted(textAt(n->kids[0]) + "(0.5)") + ", or a list of times");
    return Value();
  };
  if (n->kids.size() != 2 || n->kids[1]->kind == Kind::Named)
    return refuse(n, quoted(textAt(n->kids[0])) + " is a solution: it is called with its time");
  const auto &fields = solution.record->fields;
  size_t t = size_t(std::find(fields.begin(), fields.end(), "t") - fields.begin());
  Element element = solution.parts[t].ref.type().element;
  Value at = settled(expr(n->kids[1], element), element, n->kids[1]);
  if (at.poison())
    return {};
  if (!at.isTensor() || !at.space.empty() || at.rank() > 1 || at.ref.type().element != element)
    return refuse(n->kids[1], "a solution is evaluated at " + quoted(hir::name(element)) + " or " +
                                  quoted(std::string(hir::name(element)) + "[N]") + ", found " +
                                  quoted(show(at)));
  auto found = std::find_if(denseRecords.begin(), denseRecords.end(), [&](const auto &one) {
    return solution.record == &one.second.solution;
  });
  DenseRecords &records = found->second;
  records.point.name = records.solution.name;
  if (records.point.fields.empty())
    records.point.fields.assign(fields.begin(), fields.begin() + t);
  Interpolant interpolant(*this, solution, at.ref);
  Value all = Value::of(Value::Tuple);
  all.record = &records.point;
  for (size_t i = 0; i < t; ++i)
    all.parts.push_back(interpolant.state(i));
  addSpecies(*found->first, all.parts[0].ref, records.point, all);
  return all;
}

} // namespace mad::elab
