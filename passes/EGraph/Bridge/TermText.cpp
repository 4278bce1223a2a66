//===- TermText.cpp - Terms of a graph as the language writes them --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/TermText.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

constexpr unsigned maxDepth = 8;

/// A text and how tightly its outermost operator binds.
struct Piece {
  std::string text;
  unsigned tightness = 9;
};

std::string in(const Piece &piece, unsigned tightness) {
  return piece.tightness < tightness ? "(" + piece.text + ")" : piece.text;
}

std::string numberText(Attribute value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto number = dyn_cast<FloatAttr>(value)) {
    SmallString<16> digits;
    number.getValue().toString(digits);
    os << digits;
  } else if (auto number = dyn_cast<IntegerAttr>(value)) {
    os << number.getValue().getSExtValue();
  } else {
    os << "constant";
  }
  return text;
}

/// An op as text of its operands; `name` is that of the dialect, `attributes` as in `Term`.
Piece pieceOf(StringRef name, DictionaryAttr attributes, ArrayRef<Piece> operands) {
  auto binary = [&](StringRef op, unsigned tightness, bool right = true) -> Piece {
    return {in(operands[0], tightness) + " " + op.str() + " " + in(operands[1], tightness + right),
            tightness};
  };
  StringRef sign = llvm::StringSwitch<StringRef>(name)
                       .Case("add", "+")
                       .Case("sub", "-")
                       .Case("mul", "*")
                       .Case("div", "/")
                       .Case("rem", "%")
                       .Case("and", "and")
                       .Case("or", "or")
                       .Case("pow", "^")
                       .Case("contract", "@")
                       .Default("");
  if (!sign.empty() && operands.size() == 2) {
    unsigned tightness = sign == "+" || sign == "-"                  ? 4
                         : sign == "*" || sign == "/" || sign == "%" ? 5
                         : sign == "@"                               ? 6
                         : sign == "^"                               ? 8
                         : sign == "and"                             ? 2
                                                                     : 1;
    return binary(sign, tightness, sign != "+");
  }
  if (name == "neg" && operands.size() == 1)
    return {"-" + in(operands[0], 7), 7};
  if (name == "compare" && operands.size() == 2) {
    StringRef is = llvm::StringSwitch<StringRef>(
                       stringifyPredicate(attributes.getAs<PredicateAttr>("predicate").getValue()))
                       .Case("eq", "==")
                       .Case("ne", "!=")
                       .Case("lt", "<")
                       .Case("le", "<=")
                       .Case("gt", ">")
                       .Default(">=");
    return binary(is, 3);
  }
  // Of what only permutes and repeats no one asks.
  if (name == "view" || name == "relaxed") {
    bool plain = name == "relaxed" ||
                 llvm::all_of(attributes.getAs<AffineMapAttr>("map").getValue().getResults(),
                              llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
    if (plain)
      return operands[0];
  }
  std::string call = name.str();
  if (name == "reduce")
    call = stringifyReduceKind(attributes.getAs<ReduceKindAttr>("kind").getValue()).str();
  call += "(";
  for (auto [i, operand] : llvm::enumerate(operands))
    call += (i ? ", " : "") + operand.text;
  return {call + ")", 9};
}

Piece leafText(Value value) {
  std::string name = valueName(value);
  if (!name.empty())
    return {name};
  if (Operation *op = value.getDefiningOp())
    return {op->getName().stripDialect().str() + "(...)"};
  return {"argument"};
}

Piece constantText(DictionaryAttr attributes) {
  auto elements = attributes.getAs<DenseElementsAttr>("value");
  return {elements && elements.isSplat() ? numberText(elements.getSplatValue<Attribute>())
                                         : std::string("constant")};
}

Piece textOf(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumResults() != 1 || op->getNumRegions() != 0 || isa<WeightOp>(op))
    return leafText(value);
  auto attributes = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  if (isa<ConstantOp>(op))
    return constantText(attributes);
  // What has a name is known by it.
  if (std::string name = valueName(value); !name.empty() && depth > 0)
    return {name};
  if (depth >= maxDepth)
    return {"..."};
  SmallVector<Piece> operands;
  for (Value operand : op->getOperands())
    operands.push_back(textOf(operand, depth + 1));
  return pieceOf(op->getName().stripDialect(), attributes, operands);
}

} // namespace

std::string TermText::of(Value value) const { return textOf(value, 0).text; }

std::string TermText::of(const Extraction &extraction, Id root) const {
  auto text = [&](auto &&self, Id id, unsigned depth) -> Piece {
    Id node = extraction.nodeOf(graph, id);
    OpId op = graph.op(node);
    if (terms.isLeaf(op))
      return leafText(terms.valueOf(op));
    if (depth >= maxDepth)
      return {"..."};
    SmallVector<Piece> operands;
    for (Id operand : graph.operands(node))
      operands.push_back(self(self, operand, depth + 1));
    if (terms.isRelaxed(op))
      return operands[0];
    const Term &term = terms.get(op);
    StringRef name = term.name.stripDialect();
    if (name == "constant")
      return constantText(term.attributes);
    if (name == "weight")
      return {term.attributes.getAs<FlatSymbolRefAttr>("source").getValue().str()};
    return pieceOf(name, term.attributes, operands);
  };
  return text(text, root, 0).text;
}

} // namespace mad::rewrite
