//===- Ranges.cpp - Over which values indices run ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before the body of index notation is checked, all subscripts below it are
// collected. A range is, in this order: what is written; the dimension that the
// index stands in alone; the largest one that keeps every subscript inside.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>
#include <utility>

namespace mad::elab {

using namespace ast;

//===----------------------------------------------------------------------===//
// Collecting
//===----------------------------------------------------------------------===//

/// Names of the pattern have no value yet while subscripts are collected.
void Checker::shadow(const Node *pattern) {
  if (pattern->kind == Kind::Name || pattern->kind == Kind::Binder ||
      pattern->kind == Kind::LetIndex) {
    Local local;
    local.value = Value::of(Value::Nothing);
    frame->scope->names[std::string(pattern->text)] = local;
  }
  if (pattern->kind == Kind::TuplePattern || pattern->kind == Kind::Binders)
    for (const Node *kid : pattern->kids)
      shadow(kid);
}

/// The index of a binder, with the range that is written.
IndexId Checker::newIndex(const Node *binder) {
  Index index;
  index.name = binder->text;
  index.span = binder->nameSpan;
  index.low = DimExpr(0);
  index.inBlock = blocks > 0;
  const Node *low = binder->kids[0], *high = binder->kids[1];
  if (low) {
    auto size = sizeOf(low, "a bound of an index");
    index.failed |= !size;
    index.low = size.value_or(DimExpr(0));
  }
  if (high) {
    auto size = sizeOf(high, "a bound of an index");
    index.failed |= !size;
    if (!index.failed) {
      bool named = high->kind == Kind::Name && index.low == DimExpr(0);
      index.extent = {*size - index.low, named ? std::string(high->text) : std::string()};
      index.known = isEmptyProof(index.extent.size, binder->span, index.name);
      index.failed = !index.known;
    }
  }
  indices.push_back(std::move(index));
  return IndexId(indices.size() - 1);
}

void Checker::collectBinders(const Node *binders, std::vector<IndexId> &found) {
  std::vector<IndexId> ids;
  for (const Node *binder : binders->kids) {
    if (binder->kind != Kind::Binder)
      continue;
    auto known = frame->binders.find(binder);
    bool again = known != frame->binders.end();
    Local local;
    local.kind = Local::Index;
    local.index = again ? known->second : newIndex(binder);
    local.span = binder->nameSpan;
    frame->binders[binder] = local.index;
    auto [it, fresh] = frame->scope->names.emplace(std::string(binder->text), local);
    if (!fresh && !again && it->second.kind == Local::Index &&
        std::count(ids.begin(), ids.end(), it->second.index)) {
      indices[local.index].failed = true;
      Report(*this, code::E0401, binder->nameSpan, quoted(binder->text) + " is declared twice")
          .note("the first declaration is here", it->second.span);
    }
    it->second = local;
    ids.push_back(local.index);
    if (!again)
      found.push_back(local.index);
  }
}

/// `own`: the reductions belong to the statement whose ranges are looked for,
/// not to one inside it.
void Checker::collect(const Node *n, std::vector<IndexId> &found, std::vector<Access> &accesses,
                      bool bounded, bool own) {
  switch (n->kind) {
  case Kind::LetIndex: {
    Inner inner(*this);
    shadow(n->kids[0]);
    collect(n->kids[2], found, accesses, bounded, false);
    return;
  }
  case Kind::Reduce: {
    Inner inner(*this);
    if (n->kids[0]->kind == Kind::Binders) {
      if (own)
        collectBinders(n->kids[0], found);
      else
        shadow(n->kids[0]);
    }
    collect(n->kids[1], found, accesses, bounded, own);
    return;
  }
  case Kind::Block: {
    Inner inner(*this);
    ++blocks;
    for (const Node *kid : n->kids)
      if (kid) {
        collect(kid, found, accesses, bounded, own);
        if (kid->kind == Kind::Let)
          shadow(kid->kids[0]);
        if (kid->kind == Kind::LetIndex)
          shadow(kid);
      }
    --blocks;
    return;
  }
  case Kind::Scan:
  case Kind::For: {
    if (n->kids[1])
      collect(n->kids[1], found, accesses, bounded, own);
    for (const Node *over : n->kids[2]->kids)
      if (over->kind == Kind::Over)
        collect(over->kids[1], found, accesses, bounded, own);
    Inner inner(*this);
    if (n->kids[0])
      shadow(n->kids[0]);
    for (const Node *over : n->kids[2]->kids)
      shadow(over->kind == Kind::Over ? over->kids[0] : over);
    collect(n->kids[3], found, accesses, bounded, own);
    return;
  }
  case Kind::Iterate: {
    collect(n->kids[1], found, accesses, bounded, own);
    Inner inner(*this);
    shadow(n->kids[0]);
    if (n->kids[2])
      shadow(n->kids[2]);
    collect(n->kids[3], found, accesses, bounded, own);
    collect(n->kids[5], found, accesses, bounded, own);
    return;
  }
  case Kind::With: {
    bool boundary = std::any_of(n->kids.begin() + 1, n->kids.end(), [](const Node *kid) {
      return kid->kind == Kind::Named && kid->text == "boundary";
    });
    for (const Node *kid : n->kids)
      collect(kid, found, accesses, bounded || boundary, own);
    return;
  }
  case Kind::Update: {
    for (const Node *place = n->kids[0]; place->kind != Kind::Hole; place = place->kids[0])
      for (size_t d = 1; d < place->kids.size(); ++d)
        collect(place->kids[d], found, accesses, bounded, own);
    return collect(n->kids[1], found, accesses, bounded, own);
  }
  case Kind::Index:
    collectAccess(n, accesses, bounded);
    break;
  default:
    break;
  }
  eachPart(n, [&](const Node *part) { collect(part, found, accesses, bounded, own); });
}

void Checker::collectAccess(const Node *n, std::vector<Access> &accesses, bool bounded) {
  bool broken = false;
  const Dims *shape = peek(n->kids[0], broken);
  if (!shape) {
    collectAgain |= !broken;
    // An index whose dimension is not known because of another error is none.
    for (size_t d = 1; broken && d < n->kids.size(); ++d)
      excuse(n->kids[d]);
    return;
  }
  std::vector<hir::Node *> dropped;
  Into into(*this, dropped);
  for (size_t d = 0; d < shape->size() && d + 1 < n->kids.size(); ++d) {
    const Node *subscript = n->kids[d + 1];
    AffineForm form;
    if (subscript->kind != Kind::All && subscript->kind != Kind::Range && affine(subscript, form) &&
        !form.indices.empty())
      accesses.push_back({n, subscript, (*shape)[d], form, bounded});
  }
}

/// Whether an index without a known range, or a name without a value as yet,
/// stands in the expression.
bool Checker::isOpen(const Node *n) {
  if (n->kind == Kind::Name) {
    Local *local = frame->scope->find(n->text);
    if (local && local->kind == Local::Index)
      return !indices[local->index].known;
    return local && local->kind == Local::Value && local->value.kind == Value::Nothing;
  }
  return anyPart(n, [&](const Node *part) { return isOpen(part); });
}

/// No error says that the range of an index in the expression is not known.
void Checker::excuse(const Node *n) {
  if (n->kind == Kind::Name)
    if (Local *local = frame->scope->find(n->text); local && local->kind == Local::Index)
      indices[local->index].excused = true;
  eachPart(n, [&](const Node *part) { excuse(part); });
}

/// The shape of something that is subscripted; null when it is not known yet,
/// or is never, because of an error.
const Checker::Dims *Checker::peek(const Node *n, bool &broken) {
  if (auto it = frame->peeked.find(n); it != frame->peeked.end())
    return &it->second;
  if (isOpen(n))
    return nullptr;
  std::vector<hir::Node *> dropped;
  Into into(*this, dropped);
  Value value = expr(n);
  broken = !value.isTensor();
  if (broken)
    return nullptr;
  // A name may stand for something else elsewhere.
  return &(frame->peeked[n] = value.shape());
}

//===----------------------------------------------------------------------===//
// Solving
//===----------------------------------------------------------------------===//

bool Checker::isEmptyProof(const DimExpr &extent, Span span, const std::string &name) {
  std::string message = "the range of `" + name + "` ends before it begins";
  return requireAtLeast(
      extent, DimExpr(0), span, message, [&](const std::string &, const std::string &help) {
        Report(*this, code::E0216, span, message + ": its length is " + quoted(extent.str()))
            .help(help);
      });
}

/// The least and the greatest value, without the index `except`.
bool Checker::extremes(const AffineForm &form, DimExpr &low, DimExpr &high, IndexId except) const {
  low = high = form.offset;
  auto add = [&](int64_t c, const DimExpr &least, const DimExpr &greatest) {
    low = low + DimExpr(c) * (c > 0 ? least : greatest);
    high = high + DimExpr(c) * (c > 0 ? greatest : least);
  };
  for (auto [id, c] : form.indices) {
    if (id == except)
      continue;
    const Index &index = indices[id];
    if (!index.known)
      return false;
    add(c, index.low, index.low + index.extent.size - DimExpr(1));
  }
  for (const auto &[scalar, c] : form.scalars) {
    auto it = counters.find(scalar.node);
    if (it == counters.end())
      return false;
    add(c, it->second.first, it->second.second - DimExpr(1));
  }
  return true;
}

static bool isBare(const AffineForm &form, IndexId id) {
  return form.scalars.empty() && form.offset == DimExpr(0) && form.indices.size() == 1 &&
         form.indices.begin()->first == id && form.indices.begin()->second == 1;
}

void Checker::bareRange(IndexId id, const std::vector<Access> &accesses) {
  const Access *first = nullptr;
  for (const Access &access : accesses) {
    if (!isBare(access.form, id))
      continue;
    if (!first) {
      first = &access;
      continue;
    }
    std::string message = quoted(indices[id].name) + " runs over " + described(first->extent) +
                          " and over " + described(access.extent);
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report report(*this, code::E0209, access.subscript->span,
                    quoted(indices[id].name) + " runs over two dimensions: " + reason);
      report.label(first->subscript->span)
          .note("here it runs over " + described(first->extent), first->subscript->span)
          .help(help);
    };
    if (!requireEqual(first->extent, access.extent, access.subscript->span, message, complain)) {
      indices[id].failed = true;
      return;
    }
  }
  if (!first)
    return;
  Index &index = indices[id];
  index.extent = first->extent;
  if (index.low != DimExpr(0)) {
    index.extent = {first->extent.size - index.low, ""};
    index.failed = !isEmptyProof(index.extent.size, index.span, index.name);
  }
  index.known = !index.failed;
}

/// How many values the index can take, from its low one, until the subscript
/// leaves its dimension; empty while other indices are unknown.
std::optional<DimExpr> Checker::largestExtent(IndexId id, const Access &access) const {
  DimExpr low, high;
  if (!extremes(access.form, low, high, id))
    return std::nullopt;
  int64_t c = access.form.indices.at(id);
  const DimExpr &from = indices[id].low;
  if (c > 0)
    return DimExpr::floorDiv(access.extent.size - DimExpr(1) - high - DimExpr(c) * from,
                             DimExpr(c)) +
           DimExpr(1);
  return DimExpr::floorDiv(low, DimExpr() - DimExpr(c)) - from + DimExpr(1);
}

bool Checker::affineRange(IndexId id, const std::vector<Access> &accesses, bool partial) {
  std::vector<std::pair<DimExpr, const Access *>> candidates;
  for (const Access &access : accesses) {
    auto it = access.form.indices.find(id);
    if (it == access.form.indices.end() || it->second == 0 || access.bounded)
      continue;
    auto extent = largestExtent(id, access);
    if (!extent && !partial)
      return false;
    if (extent && extent->valid())
      candidates.push_back({*extent, &access});
  }
  const Facts &facts = frame->root->facts;
  for (const auto &[extent, access] : candidates) {
    bool least = std::all_of(candidates.begin(), candidates.end(),
                             [&](const auto &other) { return facts.proves(other.first, extent); });
    if (!least)
      continue;
    Index &index = indices[id];
    bool whole = extent == access->extent.size;
    index.extent = {extent, whole ? access->extent.name : std::string()};
    index.known = isEmptyProof(extent, index.span, index.name);
    index.failed = !index.known;
    return true;
  }
  return false;
}

/// Returns whether other indices can be unknown for another reason.
bool Checker::unknownRange(IndexId id, const std::vector<Access> &accesses) {
  Index &index = indices[id];
  index.failed = true;
  bool used = false, bounded = false;
  for (const Access &access : accesses)
    if (access.form.indices.count(id)) {
      used = true;
      bounded |= access.bounded;
    }
  std::string text = "the range of " + quoted(index.name) + " is not known";
  if (bounded)
    text += ": with a boundary, every value of it is possible";
  else if (used)
    text += ": its subscripts do not decide it";
  else
    text += ": it is no subscript of anything";
  Report(*this, code::E0208, index.span, text)
      .help("write the range: " + quoted(index.name + " in 0..n"));
  ++failures;
  return !used;
}

/// Writes the ranges of a declared type into indices that have none.
void Checker::declaredRanges(const Node *n, const std::vector<IndexId> &found) {
  std::optional<TypeTree> type;
  if (n->kind == Kind::LetIndex && n->kids[1])
    type = typeOf(n->kids[1]);
  for (size_t i = 0; type && !type->tuple && i < found.size(); ++i)
    if (Index &index = indices[found[i]];
        !index.known && !index.failed && i < type->type.shape.size()) {
      index.extent = type->type.shape[i];
      index.known = true;
    }
}

/// A subscript that is neither an index nor a name of anything, outside of what declares names.
/// Indices of reductions inside are known by then.
const ast::Node *Checker::strangerIn(const Node *n, bool outermost,
                                     const std::function<bool(std::string_view)> &isIndex) {
  bool declares = n->kind == Kind::Block || n->kind == Kind::Scan || n->kind == Kind::Iterate ||
                  n->kind == Kind::For || n->kind == Kind::LetIndex;
  if (declares && !outermost)
    return nullptr;
  if (n->kind == Kind::Index)
    for (size_t d = 1; d < n->kids.size(); ++d)
      if (const Node *kid = n->kids[d]; kid && kid->kind == Kind::Name && !isIndex(kid->text) &&
                                        !frame->scope->find(kid->text) &&
                                        !findDeclaration(kid->text))
        return kid;
  const Node *stranger = nullptr;
  eachPart(n, [&](const Node *part) {
    if (!stranger)
      stranger = strangerIn(part, false, isIndex);
  });
  return stranger;
}

/// `n`: a `let` with indices, or a reduction that stands in none.
bool Checker::resolveRanges(const Node *n) {
  std::vector<IndexId> found;
  std::vector<Access> accesses;
  uint32_t outerBlocks = std::exchange(blocks, 0);
  auto open = [&](IndexId id) { return !indices[id].known && !indices[id].failed; };
  auto countOpen = [&] { return std::count_if(found.begin(), found.end(), open); };
  int64_t before = -1;
  // What is subscripted may itself depend on indices: then once more.
  do {
    before = before < 0 ? INT64_MAX : countOpen();
    Inner inner(*this);
    accesses.clear();
    collectAgain = false;
    if (n->kind == Kind::LetIndex) {
      collectBinders(n->kids[0], found);
      declaredRanges(n, found);
      collect(n->kids[2], found, accesses, frame->boundary.has_value(), true);
    } else {
      collect(n, found, accesses, frame->boundary.has_value(), true);
    }
    for (IndexId id : found)
      if (open(id))
        bareRange(id, accesses);
  } while (collectAgain && countOpen() > 0 && countOpen() < before);
  blocks = outerBlocks;
  // A range may depend on others; in the end also on those that are known.
  for (bool partial : {false, true})
    for (bool progress = true; progress;) {
      progress = false;
      for (IndexId id : found)
        if (open(id) && affineRange(id, accesses, partial))
          progress = true;
    }
  // What a block inside declares is known when it is walked: once more then.
  std::erase_if(found, [&](IndexId id) {
    if (!open(id) || !indices[id].inBlock || indices[id].excused)
      return false;
    std::erase_if(frame->binders, [&](const auto &binder) { return binder.second == id; });
    return true;
  });
  // Where a subscript is no name of anything, that is the mistake.
  auto isIndex = [&](std::string_view name) {
    return std::any_of(found.begin(), found.end(),
                       [&](IndexId id) { return indices[id].name == name; });
  };
  if (const Node *name = countOpen() ? strangerIn(n, true, isIndex) : nullptr) {
    unknownName(name, "name");
    for (IndexId id : found)
      indices[id].failed |= open(id);
  }
  // One that hangs on a wrong one, or on text that did not parse, is no further error.
  bool good = !hasErrors(n) && std::none_of(found.begin(), found.end(), [&](IndexId id) {
    return indices[id].failed || indices[id].excused;
  });
  for (IndexId id : found)
    if (open(id)) {
      if (good)
        good = unknownRange(id, accesses);
      indices[id].failed = true;
    }
  return std::all_of(found.begin(), found.end(), [&](IndexId id) { return indices[id].known; });
}

} // namespace mad::elab
