//===- Rules.h - Rewrite rules ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rule is checked as a function: its variables are the parameters, its sides the
// results. Types that are not declared are inferred first, and then read like
// declared ones.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_RULES_H
#define MAD_FRONTEND_CHECK_RULES_H

#include "frontend/Check/Checker.h"

namespace mad::elab {

/// The `n` of `c == n` where it defines `c`: a name that is no parameter, and no
/// number on the other side. Else null.
const ast::Node *definition(const ast::Node *relation, const ast::Node *params);
/// A number, perhaps with a sign.
bool isNumberLiteral(const ast::Node *n);
/// The relations of a `where`, those between `and` one by one.
std::vector<const ast::Node *> relationsOf(const ast::Node *where);

class Checker::Rules {
public:
  explicit Rules(Checker &c) : c(c) {}
  /// Checks all rules of a file.
  void check(Module &module);

private:
  /// A rule that is being checked.
  struct Work {
    Declaration decl;
    const Node *source = nullptr; ///< as it is written
    hir::Rule rule;
    const Node *matched = nullptr, *built = nullptr;
    std::string type;    ///< the element type in brackets, if any
    ast::Node completed; ///< with the types that were inferred
  };

  void rule(Module &module, const Node *n);
  bool permissions(Work &work);
  bool sides(Work &work);
  bool variables(Work &work);
  bool elements(Work &work);
  bool body(Work &work, Element element, hir::Rule &out);
  bool inFrame(Work &work, Element element, hir::Rule &out, hir::Function &function);
  bool conditions(Work &work, hir::Rule &out);
  bool condition(Work &work, const Node *n, hir::Rule &out);
  bool callCondition(Work &work, const Node *n, hir::Rule &out);
  bool comparison(Work &work, const Node *n, bool swapped, hir::Rule &out);
  bool badCondition(const Node *n);
  std::optional<uint32_t> variable(const Node *n, const hir::Rule &out);
  bool results(Work &work, hir::Rule &out);
  bool sameType(Work &work, const std::vector<Value> &matched, const std::vector<Value> &built,
                const Value &left, const Value &right);
  Value filled(Value value, const Value &like, const Node *at);
  /// RulePatterns.cpp: what may be matched.
  bool patterns(Work &work, const hir::Rule &rule);
  bool pattern(Work &work, const hir::Rule &rule, bool second);
  bool operation(const hir::Rule &rule, const hir::Node &node);
  bool known(Work &work, const hir::Rule &rule, bool second);

  Checker &c;
};

/// Finds the types of variables that a rule does not declare.
class Checker::RuleTypes {
public:
  RuleTypes(Checker &c, Module &module, const Node *rule, const Node *matched, const Node *built)
      : c(c), module(module), rule(rule), matched(matched), built(built) {}
  /// Sets the Generics and the Params of a rule, or reports and returns false.
  bool infer(Node &rule);

private:
  /// A shape, from its last dimension on: `last` behind `rest`; or nothing; or unknown.
  struct Row {
    enum Kind : uint8_t { Unknown, Nil, Cons, Same } kind = Unknown;
    uint32_t rest = 0; ///< Cons; Same: the row that it was found to be
    uint32_t last = 0; ///< Cons: a dimension
  };
  struct Size {
    bool known = false;
    int64_t value = 0;
    uint32_t same = 0; ///< its own number, or the one that it was found to be
  };
  enum Elements : uint8_t { Open, Float, Bool };
  struct Type {
    enum Kind : uint8_t { None, Literal, Tensor, Tuple } kind = None;
    uint32_t row = 0, element = 0;
    std::vector<Type> parts;
  };
  using Locals = std::map<std::string, Type, std::less<>>;

  uint32_t row(Row::Kind kind = Row::Unknown, uint32_t rest = 0, uint32_t last = 0);
  uint32_t size();
  uint32_t size(int64_t value);
  uint32_t find(uint32_t row);
  uint32_t findSize(uint32_t size);
  uint32_t findElement(uint32_t element);
  Type tensor(uint32_t row, Elements elements = Open);
  Type fresh();
  bool occurs(uint32_t row, uint32_t in);
  bool equalRows(uint32_t a, uint32_t b);
  bool equalSizes(uint32_t a, uint32_t b);
  bool equalElements(uint32_t a, uint32_t b);
  std::optional<uint32_t> joined(uint32_t a, uint32_t b);
  bool elements(const Type &type, Elements elements);
  bool equal(const Type &a, const Type &b);

  std::optional<Type> expr(const Node *n);
  std::optional<Type> name(const Node *n);
  void declareNames(const Node *n);
  std::optional<Type> block(const Node *n);
  std::optional<Type> binary(const Node *n);
  std::optional<Type> product(const Node *n, const Type &left, const Type &right);
  std::optional<Type> together(const Node *n, std::vector<Type> parts, Elements result);
  std::optional<Type> call(const Node *n);
  std::optional<Type> builtin(const Node *n, const std::string &name);
  bool hasAxis(const Type &type, const Node *axis);
  std::optional<Type> reduction(const Node *n, const std::string &name);
  std::optional<Type> function(const Node *n, Declaration &decl);
  std::optional<Type> declared(const Node *type, std::map<std::string, uint32_t> &rows,
                               std::map<std::string, uint32_t> &sizes,
                               std::map<std::string, uint32_t> &elements);
  std::nullopt_t refuse(const Node *at, const std::string &reason);
  std::string example() const;

  Node *node(ast::Kind kind, Span span, std::string_view text, ast::Nodes kids = {},
             uint16_t flags = 0);
  std::string_view keep(std::string text);
  Node *typeNode(const Type &type, Span span, Node &generics);
  bool taken(const std::string &name) const;

  Checker &c;
  Module &module;
  const Node *rule, *matched, *built;
  std::vector<Row> rows;
  std::vector<Size> sizes;
  std::vector<std::pair<Elements, uint32_t>> kinds; ///< and the one that it was found to be
  Locals variables;
  std::vector<std::pair<std::string, Span>> order; ///< of the variables
  std::vector<Locals> locals;                      ///< of blocks and definitions
  // Names of what is in the result.
  std::map<uint32_t, std::string> packNames, sizeNames;
  std::string typeName;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_RULES_H
