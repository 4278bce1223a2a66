//===- Access.cpp - Subscripts and slices -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `x[...]` is a view where every subscript is affine in indices, sizes and
// scalars, and a gather where one is computed.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// The source of a node on one line, cut when it is long.
std::string Checker::textAt(const Node *n) const {
  std::string text;
  for (char c : sources.text(n->span)) {
    if (text.size() > 48)
      break;
    if (c == '\n' || c == '\t')
      c = ' ';
    if (c != ' ' || text.empty() || text.back() != ' ')
      text += c;
  }
  if (text.size() <= 48)
    return text;
  size_t cut = 45;
  while (cut && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
    --cut;
  return text.substr(0, cut) + "...";
}

//===----------------------------------------------------------------------===//
// Affine forms
//===----------------------------------------------------------------------===//

static bool addScaled(AffineForm &to, const AffineForm &from, int64_t factor) {
  bool overflow = false;
  auto add = [&](int64_t &slot, int64_t value) {
    int64_t part = 0;
    overflow |= __builtin_mul_overflow(value, factor, &part);
    overflow |= __builtin_add_overflow(slot, part, &slot);
  };
  for (auto [id, c] : from.indices) {
    add(to.indices[id], c);
    if (to.indices[id] == 0)
      to.indices.erase(id);
  }
  for (const auto &[scalar, c] : from.scalars) {
    auto it = std::find_if(to.scalars.begin(), to.scalars.end(),
                           [&](const auto &s) { return s.first.node == scalar.node; });
    if (it == to.scalars.end())
      it = to.scalars.insert(to.scalars.end(), {scalar, 0});
    add(it->second, c);
    if (it->second == 0)
      to.scalars.erase(it);
  }
  to.offset = to.offset + from.offset * DimExpr(factor);
  return !overflow && to.offset.valid();
}

bool Checker::affineName(const Node *n, AffineForm &out) {
  Value value;
  if (Local *local = frame->scope->find(n->text)) {
    if (local->kind == Local::Index) {
      out.indices[local->index] = 1;
      return true;
    }
    if (local->kind != Local::Value)
      return false;
    value = local->value;
  } else {
    Declaration *decl = findDeclaration(n->text);
    if (!decl || (decl->kind != Declaration::Dim && decl->kind != Declaration::Const))
      return false;
    value = declarationValue(*decl, n, {});
  }
  if (value.kind == Value::Integer) {
    out.offset = value.number;
    return true;
  }
  if (!value.isTensor() || !value.ref.type().shape.empty() || !isInteger(value.ref.type().element))
    return false;
  out.scalars.push_back({b.cast(value.ref, Element::I64), 1});
  return true;
}

/// to = to `op` from, where that is an affine form again.
static bool addOperation(std::string_view op, AffineForm &to, AffineForm from) {
  if (op == "+" || op == "-")
    return addScaled(to, from, op == "+" ? 1 : -1);
  if (to.isConstant() && from.isConstant()) {
    DimExpr quotient = DimExpr::floorDiv(to.offset, from.offset);
    to.offset = op == "*"   ? to.offset * from.offset
                : op == "/" ? quotient
                            : to.offset - quotient * from.offset;
    return to.offset.valid();
  }
  if (op != "*")
    return false;
  if (!to.isConstant())
    std::swap(to, from);
  auto factor = to.isConstant() ? to.offset.constant() : std::nullopt;
  to = {};
  return factor && addScaled(to, from, *factor);
}

/// Whether the expression is an affine form; reports nothing when it is not.
bool Checker::affine(const Node *n, AffineForm &out) {
  out = {};
  switch (n->kind) {
  case Kind::Number: {
    if (n->text.find_first_of(".eE") != std::string_view::npos)
      return false;
    Value value = number(n, {});
    out.offset = value.number;
    return value.kind == Value::Integer;
  }
  case Kind::Name:
    return affineName(n, out);
  case Kind::Unary: {
    AffineForm operand;
    return n->text == "-" && affine(n->kids[0], operand) && addScaled(out, operand, -1);
  }
  case Kind::Binary:
    return affineChain(n, out);
  default:
    return false;
  }
}

bool Checker::affineChain(const Node *n, AffineForm &out) {
  std::vector<const Node *> chain = chainOf(n);
  auto fits = [](const Node *operation) {
    return std::string_view("+-*/%").find(operation->text) != std::string_view::npos;
  };
  return std::all_of(chain.begin(), chain.end(), fits) && affine(chain[0]->kids[0], out) &&
         std::all_of(chain.begin(), chain.end(), [&](const Node *operation) {
           AffineForm right;
           return affine(operation->kids[1], right) &&
                  addOperation(operation->text, out, std::move(right));
         });
}

//===----------------------------------------------------------------------===//
// Reading subscripts
//===----------------------------------------------------------------------===//

/// `-1` as it is written.
static bool isNegativeLiteral(const Node *n) {
  return n->kind == Kind::Unary && n->text == "-" && n->kids[0]->kind == Kind::Number;
}

bool Checker::pointSubscript(const Node *n, const hir::Dim &extent, Subscript &sub) {
  sub.kind = Subscript::Point;
  if (affine(n, sub.form)) {
    if (isNegativeLiteral(n))
      sub.form.offset = sub.form.offset + extent.size;
    return true;
  }
  Value value = expr(n, Element::I64);
  if (value.poison())
    return false;
  sub.form = {};
  if (value.kind == Value::Integer) {
    sub.form.offset = value.number;
    return true;
  }
  if (!value.isTensor() || !isInteger(value.ref.type().element) || value.rank() > 0) {
    Report report(*this, code::E0312, n->span,
                  "a subscript is one integer, found " + quoted(show(value)));
    if (value.isTensor() && value.rank() > 0)
      report.help("read with index notation: `let y[i] = table[index[i]]`");
    return false;
  }
  value = scalarCast(value, Element::I64);
  if (value.space.empty()) {
    sub.form.scalars.push_back({value.ref, 1});
    return true;
  }
  sub.kind = Subscript::Computed;
  sub.computed = value;
  return true;
}

bool Checker::rangeEnd(const Node *n, const hir::Dim &extent, AffineForm &out) {
  Subscript end;
  if (!pointSubscript(n, extent, end))
    return false;
  if (end.kind == Subscript::Computed) {
    Report(*this, code::E0211, n->span, "the length of a slice must be known when compiling");
    return false;
  }
  out = end.form;
  return true;
}

bool Checker::rangeSubscript(const Node *n, const hir::Dim &extent, Subscript &sub) {
  sub.kind = Subscript::Range;
  AffineForm high;
  high.offset = extent.size;
  if (n->kids[0] && !rangeEnd(n->kids[0], extent, sub.form))
    return false;
  if (n->kids[1] && !rangeEnd(n->kids[1], extent, high))
    return false;
  if (n->kids[2]) {
    auto step = sizeOf(n->kids[2], "the step of a slice");
    if (!step)
      return false;
    auto constant = step->constant();
    if (!constant || *constant < 1) {
      Report(*this, code::E0216, n->kids[2]->span,
             "the step of a slice is a constant of at least 1, found " + quoted(step->str()));
      return false;
    }
    sub.step = *constant;
  }
  AffineForm length = high;
  if (!addScaled(length, sub.form, -1) || !length.isConstant()) {
    Report(*this, code::E0211, n->span, "the length of a slice must be known when compiling");
    return false;
  }
  auto complain = [&](const std::string &, const std::string &help) {
    Report(*this, code::E0216, n->span,
           "the slice ends before it begins: its length is " + quoted(length.offset.str()))
        .help(help);
  };
  sub.length = DimExpr::floorDiv(length.offset + DimExpr(sub.step - 1), DimExpr(sub.step));
  return requireAtLeast(length.offset, DimExpr(0), n->span,
                        "the slice " + quoted(textAt(n)) + " ends before it begins", complain);
}

bool Checker::subscripts(const Node *n, const Value &object, std::vector<Subscript> &subs) {
  Dims shape = object.shape();
  size_t given = n->kids.size() - 1;
  if (given > shape.size()) {
    Report(*this, code::E0206, n->nameSpan,
           quoted(textAt(n->kids[0])) + " is " + quoted(show(object)) + ": " +
               std::to_string(given) + " subscripts are too many")
        .label(n->kids[0]->span);
    return false;
  }
  bool good = true, indexed = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    Subscript sub;
    sub.node = d < given ? n->kids[d + 1] : nullptr;
    sub.length = shape[d].size;
    if (sub.node && sub.node->kind == Kind::Range)
      good &= rangeSubscript(sub.node, shape[d], sub);
    else if (sub.node && sub.node->kind != Kind::All)
      good &= pointSubscript(sub.node, shape[d], sub);
    indexed |= sub.kind == Subscript::Computed || !sub.form.indices.empty();
    subs.push_back(std::move(sub));
  }
  if (good && indexed && given < shape.size()) {
    Report(*this, code::E0206, n->nameSpan,
           quoted(textAt(n->kids[0])) + " is " + quoted(show(object)) + ": index notation needs " +
               std::to_string(shape.size()) + " subscripts, found " + std::to_string(given))
        .label(n->kids[0]->span)
        .help("write `:` for a whole dimension");
    return false;
  }
  return good;
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Reports a subscript that leaves, or may leave, its dimension. Returns true
/// when it is left to a check at the call.
bool Checker::outside(const Node *n, const Subscript &sub, const hir::Dim &extent,
                      const DimExpr &low, const DimExpr &high) {
  bool below = !frame->root->facts.proves(low, DimExpr(0));
  const DimExpr a = below ? low : extent.size, c = below ? DimExpr(0) : high + DimExpr(1);
  // `1 - K >= 0` could only hold for the smallest sizes: nobody means that.
  DimExpr room = a - c;
  bool hopeless = true;
  for (const auto &[monomial, coefficient] : room.terms())
    hopeless &= monomial.empty() || coefficient < 0;
  bool indexed = !sub.form.indices.empty();
  bool plain = extent.name.empty() && extent.size.constant();
  std::string where = quoted(textAt(n)) + " leaves " +
                      (plain ? "the dimension of " + extent.size.str() : described(extent));
  auto complain = [&](const std::string &, const std::string &help) {
    std::string reached = (below ? low : high).str(), written = textAt(sub.node);
    Report report(
        *this, code::E0207, sub.node->span,
        where + ": " +
            (written == reached ? "" : quoted(written) + " reaches " + quoted(reached) + ", ") +
            "the " + (below ? "first" : "last") + " element is " +
            quoted(below ? "0" : (extent.size - DimExpr(1)).str()));
    if (!help.empty())
      report.help(help);
    else if (indexed)
      report.help("say what is there: `with boundary = zero`, `periodic` or `clamp`; or give the "
                  "index a smaller range");
  };
  if (hopeless) {
    complain("", "");
    return false;
  }
  return requireAtLeast(a, c, sub.node->span, quoted(textAt(n)) + " leaves its dimension",
                        complain) &&
         (!below || !sub.node || frame->root->facts.proves(extent.size, high + DimExpr(1)) ||
          outside(n, sub, extent, DimExpr(0), high));
}

/// True: inside for sure. False: only known when the model runs. Empty: an error.
std::optional<bool> Checker::checkInside(const Node *n, const Subscript &sub,
                                         const hir::Dim &extent) {
  if (sub.kind == Subscript::All)
    return true;
  DimExpr low, high;
  constexpr IndexId none = UINT32_MAX;
  if (!extremes(sub.form, low, high, none))
    return false;
  if (sub.kind == Subscript::Range)
    high = high + DimExpr(sub.step) * (sub.length - DimExpr(1));
  const Facts &facts = frame->root->facts;
  if (facts.proves(low, DimExpr(0)) && facts.proves(extent.size, high + DimExpr(1)))
    return true;
  if (frame->boundary || !sub.form.scalars.empty())
    return false;
  if (outside(n, sub, extent, low, high))
    return true;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Views and gathers
//===----------------------------------------------------------------------===//

Value Checker::access(const Node *n, const Want &want) {
  Value object = expr(n->kids[0]);
  if (object.poison())
    return {};
  if (object.kind == Value::Tuple && object.lead)
    return groupAccess(n, object);
  if (!object.isTensor() || object.rank() == 0) {
    Report(*this, code::E0206, n->nameSpan,
           quoted(textAt(n->kids[0])) + " is " + quoted(show(object)) +
               " and has no dimensions: it cannot be subscripted")
        .label(n->kids[0]->span);
    return {};
  }
  std::vector<Subscript> subs;
  if (!subscripts(n, object, subs))
    return {};
  return accessOf(n, object, subs);
}

Value Checker::accessOf(const Node *n, const Value &object, const std::vector<Subscript> &subs) {
  bool computed = std::any_of(subs.begin(), subs.end(),
                              [](const Subscript &sub) { return sub.kind == Subscript::Computed; });
  std::string subject = textAt(n->kids[0]);
  return computed ? gatherOf(n, object, subs, subject) : viewOf(n, object, subs, subject);
}

static std::vector<IndexId> spaceOf(const Value &object, const std::vector<Subscript> &subs) {
  std::set<IndexId> ids(object.space.begin(), object.space.end());
  for (const Subscript &sub : subs) {
    for (auto [id, _] : sub.form.indices)
      ids.insert(id);
    ids.insert(sub.computed.space.begin(), sub.computed.space.end());
  }
  return {ids.begin(), ids.end()};
}

/// The dimensions that stay, after those of the space.
static std::vector<hir::Dim> keptDims(const std::vector<hir::Dim> &shape,
                                      const std::vector<Subscript> &subs) {
  std::vector<hir::Dim> kept;
  for (size_t d = 0; d < subs.size(); ++d) {
    if (subs[d].kind == Subscript::All)
      kept.push_back(shape[d]);
    if (subs[d].kind == Subscript::Range)
      kept.push_back(
          {subs[d].length, subs[d].length == shape[d].size ? shape[d].name : std::string()});
  }
  return kept;
}

hir::Affine Checker::affineMap(const AffineForm &form, const std::vector<IndexId> &space,
                               size_t rank, std::vector<hir::Ref> &scalars) {
  hir::Affine map;
  map.coefficients.assign(rank, 0);
  DimExpr offset = form.offset;
  for (auto [id, c] : form.indices) {
    map.coefficients[std::lower_bound(space.begin(), space.end(), id) - space.begin()] = c;
    offset = offset + DimExpr(c) * indices[id].low;
  }
  auto add = [&](hir::Ref scalar, int64_t c) {
    size_t at = 0;
    while (at < scalars.size() && scalars[at].node != scalar.node)
      ++at;
    if (at == scalars.size())
      scalars.push_back(scalar);
    map.scalars.resize(scalars.size(), 0);
    map.scalars[at] += c;
  };
  for (const auto &[scalar, c] : form.scalars)
    add(scalar, c);
  // The constant part is the offset, the rest a scalar.
  DimExpr::Terms terms = offset.terms();
  if (auto it = terms.find(DimExpr::Monomial()); it != terms.end())
    map.offset = it->second;
  DimExpr rest = offset - DimExpr(map.offset);
  if (rest != DimExpr(0))
    add(b.dimValue(rest), 1);
  return map;
}

Value Checker::viewOf(const Node *n, const Value &object, const std::vector<Subscript> &subs,
                      const std::string &subject) {
  std::vector<IndexId> space = spaceOf(object, subs);
  Dims own = object.shape(), shape = spaceDims(space), kept = keptDims(own, subs);
  shape.insert(shape.end(), kept.begin(), kept.end());
  std::vector<hir::Affine> map;
  std::vector<hir::Ref> scalars;
  for (IndexId id : object.space) {
    hir::Affine a;
    a.coefficients.assign(shape.size(), 0);
    a.coefficients[std::lower_bound(space.begin(), space.end(), id) - space.begin()] = 1;
    map.push_back(std::move(a));
  }
  bool inside = true;
  size_t next = space.size();
  for (size_t d = 0; d < subs.size(); ++d) {
    auto proved = checkInside(n, subs[d], own[d]);
    if (!proved)
      return {};
    inside &= *proved;
    hir::Affine a = affineMap(subs[d].form, space, shape.size(), scalars);
    if (subs[d].kind == Subscript::All || subs[d].kind == Subscript::Range)
      a.coefficients[next++] = subs[d].step;
    map.push_back(std::move(a));
  }
  hir::Boundary boundary = inside            ? hir::Boundary::Inside
                           : frame->boundary ? *frame->boundary
                                             : hir::Boundary::Checked;
  hir::Subject written{subject, uint32_t(object.space.size())};
  return Value::tensor(b.view(object.ref, shape, std::move(map), scalars, boundary, written),
                       space);
}

/// The values of an affine form over a space and further dimensions.
Value Checker::affineTensor(const AffineForm &form, const std::vector<IndexId> &space,
                            const Dims &shape) {
  Value sum;
  if (form.offset != DimExpr(0) || form.isConstant())
    sum = broadcastTo(Value::tensor(b.dimValue(form.offset)), space, shape);
  auto add = [&](const Value &value, int64_t c) {
    hir::Ref term = broadcastTo(value, space, shape).ref;
    if (c != 1) {
      Value factor = Value::tensor(b.constant(Element::I64, c));
      term = b.elementwise("mul", {term, broadcastTo(factor, space, shape).ref}, Element::I64);
    }
    sum = Value::tensor(sum.poison() ? term : b.elementwise("add", {sum.ref, term}, Element::I64),
                        space);
  };
  for (auto [id, c] : form.indices)
    add(indexValue(id), c);
  for (const auto &[scalar, c] : form.scalars)
    add(Value::tensor(scalar), c);
  return sum;
}

Value Checker::gatherOf(const Node *n, const Value &object, const std::vector<Subscript> &subs,
                        const std::string &subject) {
  std::vector<IndexId> space = spaceOf(object, subs);
  Dims own = object.shape(), kept = keptDims(own, subs), full = spaceDims(space);
  full.insert(full.end(), kept.begin(), kept.end());
  auto scalar = [&](const DimExpr &e) {
    return broadcastTo(Value::tensor(b.dimValue(e)), space, kept).ref;
  };
  std::vector<hir::Ref> coordinates;
  for (IndexId id : object.space)
    coordinates.push_back(
        b.iota(full, uint32_t(std::lower_bound(space.begin(), space.end(), id) - space.begin())));
  hir::Ref inside; // where no boundary is used
  uint32_t next = uint32_t(space.size());
  for (size_t d = 0; d < subs.size(); ++d) {
    const Subscript &sub = subs[d];
    auto proved =
        sub.kind == Subscript::Computed ? std::optional(false) : checkInside(n, sub, own[d]);
    if (!proved)
      return {};
    hir::Ref at;
    if (sub.kind == Subscript::Computed) {
      at = broadcastTo(sub.computed, space, kept).ref;
    } else {
      at = affineTensor(sub.form, space, kept).ref;
      if (sub.kind != Subscript::Point) {
        hir::Ref along = b.iota(full, next++);
        if (sub.step != 1)
          along = b.elementwise("mul", {along, scalar(DimExpr(sub.step))}, Element::I64);
        at = b.elementwise("add", {at, along}, Element::I64);
      }
    }
    if (frame->boundary && !*proved) {
      hir::Ref zero = scalar(DimExpr(0)), last = scalar(own[d].size - DimExpr(1));
      hir::Ref clamped = b.elementwise(
          "max", {b.elementwise("min", {at, last}, Element::I64), zero}, Element::I64);
      if (*frame->boundary == hir::Boundary::Zero) {
        hir::Ref same = b.elementwise("eq", {at, clamped}, Element::Bool);
        inside = inside.node ? b.elementwise("and", {inside, same}, Element::Bool) : same;
      }
      at = *frame->boundary == hir::Boundary::Periodic
               ? b.elementwise("rem", {at, scalar(own[d].size)}, Element::I64)
               : clamped;
    }
    coordinates.push_back(at);
  }
  hir::Subject written{subject, uint32_t(object.space.size())};
  hir::Ref result = b.gather(object.ref, std::move(coordinates), written);
  if (inside.node) {
    Element element = result.type().element;
    hir::Ref zero = isFloat(element) ? b.constant(element, 0.0) : b.constant(element, int64_t(0));
    result = b.elementwise(
        "select", {inside, result, broadcastTo(Value::tensor(zero), space, kept).ref}, element);
  }
  return Value::tensor(result, space);
}

} // namespace mad::elab
