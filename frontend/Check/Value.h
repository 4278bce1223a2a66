//===- Value.h - What an expression is while it is checked ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index notation has no loops here: an expression under `let y[i, j] = ...` is a
// whole tensor whose first dimensions run over the indices that it depends on
// (its `space`, in the order in which the indices were bound). Outside of index
// notation every space is empty. All operations accept both.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_VALUE_H
#define MAD_FRONTEND_CHECK_VALUE_H

#include "frontend/Check/Program.h"
#include <map>
#include <optional>

namespace mad::elab {

/// Dimensions of one tensor: what the runtime takes.
constexpr size_t maxRank = 16;

/// Number of an index; one that is bound later, or further inside, is larger.
using IndexId = uint32_t;

/// An index of index notation: it takes the values low, low + 1, ... and there
/// are `extent.size` of them.
struct Index {
  std::string name;
  Span span;
  DimExpr low;
  hir::Dim extent;
  bool known = false;
  bool failed = false;  ///< an error says why it is not known
  bool excused = false; ///< an error elsewhere is why
  bool inBlock = false; ///< may depend on what a block inside the statement declares
};

/// A record as it is declared. Two records are one type when they are one declaration.
struct RecordType {
  std::string name;
  std::vector<std::string> fields;
};

/// A type with tuples and records, which end in the checker.
struct TypeTree {
  bool tuple = false;
  hir::Type type;
  std::vector<TypeTree> parts;
  const RecordType *record = nullptr; ///< of a tuple: its parts have names
  uint32_t lead = 0; ///< of a tuple: leading dimensions of all parts, for a group of records

  /// How many tensors it has.
  size_t leaves() const {
    size_t count = !tuple;
    for (const TypeTree &part : parts)
      count += part.leaves();
    return count;
  }
};

struct Value {
  enum Kind : uint8_t {
    Poison,  ///< an error was reported where it came from
    Nothing, ///< of a block without a result
    Tensor,  ///< `ref`, whose first dimensions are `space`
    Tuple,   ///< `parts`
    Integer, ///< known when compiling: `number`
    Real,    ///< known when compiling: `real`
    Truth,   ///< known when compiling: `truth`
    Text,    ///< `text`
    Axis,    ///< a position among dimensions: `number`
  };
  Kind kind = Poison;
  hir::Ref ref;
  std::vector<IndexId> space;
  std::vector<Value> parts;
  const RecordType *record = nullptr; ///< Tuple: the record that it is a value of
  uint32_t lead = 0; ///< Tuple: leading dimensions that all parts have, of a group of records
  DimExpr number;
  double real = 0;
  bool truth = false;
  std::string text;
  /// Of an Integer or Real that was declared with a type; one without takes the
  /// type of its context.
  std::optional<hir::Element> element;
  /// Integer: the dimension that it is the value of.
  std::string dimension;

  static Value tensor(hir::Ref ref, std::vector<IndexId> space = {}) {
    Value v;
    v.kind = Tensor;
    v.ref = ref;
    v.space = std::move(space);
    return v;
  }
  static Value integer(DimExpr number) {
    Value v;
    v.kind = Integer;
    v.number = std::move(number);
    return v;
  }
  static Value floating(double real) {
    Value v;
    v.kind = Real;
    v.real = real;
    return v;
  }
  static Value boolean(bool truth) {
    Value v;
    v.kind = Truth;
    v.truth = truth;
    return v;
  }
  static Value of(Kind kind) {
    Value v;
    v.kind = kind;
    return v;
  }

  bool poison() const { return kind == Poison; }
  bool isTensor() const { return kind == Tensor; }
  bool isNumber() const { return kind == Integer || kind == Real; }
  /// Known when compiling and without an element type of its own.
  bool untyped() const { return (isNumber() && !element) || kind == Truth; }
  /// Of a tensor: the dimensions after those of the space.
  std::vector<hir::Dim> shape() const {
    const auto &all = ref.type().shape;
    return {all.begin() + space.size(), all.end()};
  }
  /// How many tensors and numbers it has.
  size_t leaves() const {
    size_t count = kind != Tuple;
    for (const Value &part : parts)
      count += part.leaves();
    return count;
  }
  size_t rank() const { return ref.type().shape.size() - space.size(); }
};

/// The element type that a context asks for, if any; for literals, `zeros`, ...
struct Want {
  std::optional<hir::Element> element;
  std::vector<Want> parts; ///< of a tuple
  Want() = default;
  Want(std::optional<hir::Element> element) : element(element) {}
  Want(hir::Element element) : element(element) {}
  explicit Want(const TypeTree &type) {
    if (!type.tuple)
      element = type.type.element;
    for (const TypeTree &part : type.parts)
      parts.emplace_back(part);
  }
  Want part(size_t i) const { return i < parts.size() ? parts[i] : Want(); }
};

/// sum(coefficient * index) + sum(coefficient * scalar) + offset.
struct AffineForm {
  std::map<IndexId, int64_t> indices;
  std::vector<std::pair<hir::Ref, int64_t>> scalars;
  DimExpr offset;

  bool isConstant() const { return indices.empty() && scalars.empty(); }
};

/// Computed with in f32, and rounded after each operation.
inline bool isNarrowFloat(hir::Element e) {
  return e == hir::Element::F16 || e == hir::Element::BF16;
}
inline bool isFloat(hir::Element e) {
  return e == hir::Element::F32 || e == hir::Element::F64 || isNarrowFloat(e);
}
inline bool isInteger(hir::Element e) { return !isFloat(e) && e != hir::Element::Bool; }

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_VALUE_H
