//===- DimExpr.h - Dimensions as normalised integer polynomials -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A dimension is an integer polynomial over named dimension parameters. Floor
// divisions that do not cancel are atoms of it. Two dimensions are equal when
// their normal forms are. The text form parses back, so that the IR can hold
// dimensions as strings. Depends on the C++ library alone.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_DIMEXPR_H
#define MAD_DIALECTS_MAD_IR_DIMEXPR_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mad {

class DimExpr {
public:
  DimExpr() = default; ///< zero
  DimExpr(int64_t value) : number(value) {}
  static DimExpr symbol(std::string name);
  /// floor(a / b). Cancels constants and common factors where that is exact;
  /// a division by constant zero gives an invalid expression.
  static DimExpr floorDiv(const DimExpr &a, const DimExpr &b);
  /// Reads the form that `str` writes; also any `+ - * /` and parentheses.
  static std::optional<DimExpr> parse(std::string_view text);

  friend DimExpr operator+(const DimExpr &a, const DimExpr &b);
  friend DimExpr operator-(const DimExpr &a, const DimExpr &b);
  friend DimExpr operator*(const DimExpr &a, const DimExpr &b);
  friend bool operator==(const DimExpr &a, const DimExpr &b);
  friend bool operator!=(const DimExpr &a, const DimExpr &b) { return !(a == b); }

  /// False after an overflow of a coefficient or a division by zero.
  bool valid() const { return ok; }
  std::optional<int64_t> constant() const;
  /// The name, when this is a single symbol.
  std::optional<std::string> asSymbol() const;
  std::set<std::string> symbols() const;
  /// Canonical text: `H - K + 1`, `2 * (W / 2)`, `N * M`.
  std::string str() const;
  /// The value under an assignment; empty when a symbol has none, on overflow
  /// and on division by zero.
  std::optional<int64_t>
  evaluate(const std::function<std::optional<int64_t>(const std::string &)> &value) const;
  DimExpr substitute(const std::map<std::string, DimExpr> &by) const;
  /// Solves `this == other` for `name`, which must occur linearly, in this
  /// only and outside of any division, with a coefficient that divides the
  /// rest; else empty.
  std::optional<DimExpr> solve(const std::string &name, const DimExpr &other) const;
  /// A lower bound when every symbol is at least zero (extents are); empty
  /// when none is known.
  std::optional<int64_t> lowerBound() const;

  /// A factor of a monomial: a symbol, or a floor division.
  struct Atom {
    std::string text; ///< the name, or the canonical text of the division
    std::shared_ptr<const std::pair<DimExpr, DimExpr>> division;
    bool operator<(const Atom &o) const { return text < o.text; }
    bool operator==(const Atom &o) const { return text == o.text; }
  };
  /// Sorted factors, repeated for powers. Empty: the constant term.
  using Monomial = std::vector<Atom>;
  using Terms = std::map<Monomial, int64_t>;
  /// Coefficients are never zero. For code that compiles a dimension.
  Terms terms() const;

private:
  friend DimExpr termOf(const Monomial &monomial, int64_t coefficient);
  DimExpr(Terms terms, bool ok);
  bool isZero() const { return !sum && !number; }

  /// All terms; null when there is no term but the constant one, as in most sizes of
  /// a program: these are small and take no memory of their own.
  std::shared_ptr<const Terms> sum;
  int64_t number = 0; ///< the constant, when `sum` is null
  bool ok = true;
};

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_DIMEXPR_H
