//===- CallMatch.h - A call and what its arguments bind ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_CALLMATCH_H
#define MAD_FRONTEND_CHECK_CALLMATCH_H

#include "frontend/Check/Scope.h"
#include <map>
#include <set>

namespace mad::elab {

/// A function call whose arguments are being matched.
struct CallMatch {
  Declaration *fn = nullptr;
  const ast::Node *call = nullptr;
  Want want; ///< of the result
  std::vector<const ast::Node *> params;
  std::vector<const ast::Node *> arguments; ///< one a parameter, null: the default
  std::vector<Value> values;
  Scope scope;                          ///< generics and constant parameters
  std::map<std::string, DimExpr> bound; ///< by placeholder
  std::set<std::string> open;           ///< packs and types that are not known yet
  /// A declared dimension and the one of the argument.
  struct Equation {
    DimExpr declared;
    hir::Dim actual;
    size_t param;
  };
  std::vector<Equation> equations;
  std::map<std::string, std::string> names; ///< what the caller calls a dimension
  /// Of a `solve`: dimensions that arguments have in front of those of their parameters, the
  /// argument that says so first, and how many each has.
  bool ensemble = false;
  std::vector<hir::Dim> lanes;
  size_t lanesFrom = 0;
  std::vector<size_t> lead;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_CALLMATCH_H
