//===- Derivatives.h - `jvp(f)` and `jacobian(f)` ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both make a function of a function. Each one that a program calls becomes a function of the
// checked program, around one node `Jvp`; `emit` differentiates what that node names.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_DERIVATIVES_H
#define MAD_FRONTEND_CHECK_DERIVATIVES_H

#include "frontend/Check/Checker.h"

namespace mad::elab {

/// What a function computes that has no derivative, whatever varies; null: nothing.
const hir::Node *nodeWithoutDerivative(const hir::Function &function);

class Checker::Derivatives {
public:
  explicit Derivatives(Checker &c) : c(c) {}

  /// Whether a callee is `jvp(...)` or `jacobian(...)`.
  static bool isDerivative(Checker &c, const Node *callee);
  /// A call of such a callee.
  Value call(const Node *n);

private:
  /// What a function gets for one of its parameters.
  struct Parameter {
    std::string name;
    Value value;
    std::vector<hir::Ref> leaves; ///< that the function takes: of a tangent the floats alone
  };
  /// A function with its arguments.
  struct Applied {
    hir::Function *function = nullptr;
    CallMatch match; ///< of the function of the program inside
    std::vector<Parameter> parameters;
    Value result; ///< the tuples of its results
  };

  /// The function that a callee stands for, with the arguments that are its own. Takes them away
  /// from those that are left.
  std::optional<Applied> applied(const Node *callee);
  std::optional<Applied> plain(const Node *callee);
  std::optional<Applied> jvp(const Node *callee);
  std::optional<Applied> jacobian(const Node *callee);

  const Node *synthetic(const Node *callee, const Declaration &decl);
  bool takeTangents(const Node *callee, const std::vector<Parameter> &parameters,
                    std::vector<Value> &tangents);
  Value tangentOf(const Node *callee, const Parameter &parameter, const Node *argument);
  bool differentiable(const Node *callee, const hir::Function &function);
  bool nothingLeft(const Applied &found);

  /// A function with the parameters of another one, and how its body begins.
  hir::Function *begin(const hir::Function &inner, const char *what);
  hir::Node *node(hir::Function &inner, const std::vector<uint32_t> &active,
                  std::vector<hir::Ref> operands, const std::optional<hir::Dim> &directions);
  hir::Function *jvpFunction(hir::Function &inner, const std::vector<uint32_t> &active);
  hir::Function *jacobianFunction(hir::Function &inner);
  hir::Ref identity(const hir::Type &type, const hir::Dim &directions);
  static hir::Dim elementsOf(const hir::Type &type);
  std::string text(const Node *callee) const { return "`" + c.textAt(callee) + "`"; }

  Checker &c;
  const Node *n = nullptr; ///< the call
  std::vector<const Node *> positional, named;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_DERIVATIVES_H
