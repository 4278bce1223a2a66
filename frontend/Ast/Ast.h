//===- Ast.h - The syntax tree of a .mad file -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One node type; the table below says what `text`, `kids` and `flags` hold for
// each kind. An absent optional kid is a null pointer, never left out, unless
// the table says `...`. The parser keeps the tree at most `maxDepth` deep, so
// later phases may recurse on it. A chain of operators, `a + b + c`, nests to
// the left as often as it has terms and counts as one level: it is walked with
// `chainOf`, `eachPart` or `anyPart`. A chain of `else if`, or of `with [..] = ..`, is
// one node.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_AST_AST_H
#define MAD_FRONTEND_AST_AST_H

#include "frontend/Ast/Network.h"
#include "frontend/Diag/Diag.h"
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace mad::ast {

// clang-format off: a table
enum class Kind : uint8_t {
  // Items.            text            kids
  Use,       //        module path     names...                     `use std.nn (relu)`; no kids: the whole module
  Dim,       //        name            value                        one node for each name of a `dim` line
  Const,     //        name            type?, value
  Weight,    //        name            type, file, entry, Format?   flags: transposed. file and entry are expressions; entry may be Fields
  WeightValue, //      name            type?, value, Precision?, Format?   `weight w2 = f(w1)`: computed when compiling
  Record,    //        name            Generics, Params             fields are Params without defaults
  Fn,        //        name            Generics, Params, result type?, Block, where?, Precision?   flags: exported, ode; doc
  Test,      //        title           Block, Precision?
  Precision, //        mode            -                            `fp = strict`, at the head of a file or of an item
  Rule,      //        name            Generics, Params?, Permissions?, Sides, where?   doc
  // Parts of items.
  Generics,  //        -               Generic...
  Generic,   //        name            -                            flags: pack (`B...`), type (`T: type`, `float`, `integer`); neither: a dimension
  Params,    //        -               Param...
  Param,     //        name            type?, default?              flags: constant (`n: const i64 = 1`), axis (`a: axis`, no type), unknown and time (of an ode)
  TensorType,//        element name    dims...                      `f32[B..., K]`; `f32` has no kids. A pack is a Pack kid
  Pack,      //        name            -                            `B...` in a type
  TupleType, //        -               types...
  GroupType, //        -               TensorType, dims...          `Pair[N][6]`: a record with leading dimensions
  StateType, //        name            -                            `state kv` among the results of an exported function
  Permissions, //      -               Name...                      `[reassoc, nsz]` of a rule
  Sides,     //        arrow           left, right                  of a rule: `=>`, `<=` or `<=>`; expressions or Blocks
  Fields,    //        -               Named...                     `{ q : "layer.{i}.q" transposed }`; flags of each: transposed; kids: entry, Format?
  Format,    //        path            arguments...                 `as lut.int(bits = 4)` behind a weight
  // Statements.
  Block,     //        -               statements..., result?       the last kid is the result expression, null if there is none
  Let,       //        -               pattern, type?, value
  LetIndex,  //        name            Binders, type?, value        `let y[i, j in 0..H] = ...`; boundary in a With around the value
  Assert,    //        -               condition, message?
  Der,       //        state           value                        `der(u) = ...` in an ode, `linear(u) = ...` with the flag Linear
  Event,     //        name            guard, direction?, action?   `event hit: x == 0.0 falling => { v = -v }` in an ode; the guard is a difference, the action a Name or Arguments of Named
  // Patterns.
  TuplePattern, //     -               patterns... (Name or TuplePattern)
  Binders,   //        -               Binder...
  Binder,    //        name            low?, high?                  `i`, `i in 0..H` (half open)
  // Expressions.
  Number,    //        digits          -                            as written: `1`, `2.5e-3`, `1_000`
  Bool,      //        true/false      -
  String,    //        value           -                            escapes resolved
  Name,      //        name            -
  Member,    //        member          object                       `nn.relu`, `t.0`
  Call,      //        -               callee, arguments...         an argument is an expression or a Named
  Named,     //        name            value                        `axis = Classes`
  Index,     //        -               object, subscripts...        a subscript is an expression, a Range or an All
  Range,     //        -               low?, high?, step?           `1..n`, `..n by 2`
  All,       //        -               -                            `:`
  Unary,     //        -  not          operand
  Binary,    //        operator        left, right                  + - * / % ^ @ == != < <= > >= and or; `nameSpan` is the operator
  Reduce,    //        operation       Binders, body                sum prod max min argmax all any
  If,        //        -               condition, Block, ElseIf..., Block
  ElseIf,    //        -               condition, Block             `else if c { ... }`; nameSpan is its `if`
  Scan,      //        collect or -    pattern, initial, Overs, Block    `scan u = u0 over i in 0..n { ... }`
  Overs,     //        -               Binder or Over...            what a loop runs over, in step
  Over,      //        -               pattern, value               `w in blocks`
  Iterate,   //        -               pattern, initial, counter Name?, condition, limit, Block   `iterate x = x0 while c max n { ... }`
  For,       //        collect or -    pattern?, initial?, Overs, Block  `for i in 0..3 { ... }`
  Solve,     //        -               callee, Arguments, Arguments?, from, to    `solve f(u0; 1.0) from 0.0 to 1.0`
  Arguments, //        -               arguments...                 as those of a Call
  Tuple,     //        -               elements...
  Array,     //        -               elements...                  `[a, b]`
  With,      //        -               expression, Named, Method or Update...    `... with boundary = periodic`
  Method,    //        path            arguments...                 `... with tsit5(rtol = 1e-8)`
  Update,    //        -               place, value                 `... with [0, :] = row`, `... with .q[0] = row`
  Hole,      //        -               -                            what a place is a part of
  Error,     //        -               -                            what could not be parsed; already reported
};
// clang-format on

struct Node;
using Nodes = std::vector<Node *>;

enum Flags : uint16_t {
  None = 0,
  Exported = 1,    ///< Fn
  Transposed = 2,  ///< Weight, and a Named of its Fields
  IsPack = 4,      ///< Generic
  IsType = 8,      ///< Generic: `T: type`, and one of the next two for a part of them
  IsFloat = 64,    ///< Generic: `T: float`
  IsInteger = 128, ///< Generic: `T: integer`
  Constant = 16,   ///< Param
  Axis = 32,       ///< Param
  IsShape = 256,   ///< Param
  IsState = 512,   ///< Param
  IsOde = 1024,    ///< Fn: its parameters are states, then others, then the time
  Unknown = 2048,  ///< Param: a state of an ode
  Time = 4096,     ///< Param: of an ode
  Linear = 8192,   ///< Der: `linear(u) = ...`
  Noise = 16384,   ///< Der: `noise(u) = ...`
};

struct Node {
  Kind kind = Kind::Error;
  uint16_t flags = None;
  uint16_t depth = 1; ///< of the tree below and including this node; a chain is one level
  Span span;          ///< the whole construct
  Span nameSpan;      ///< the name or operator in it
  std::string_view text;
  Nodes kids;
  std::string_view doc;             ///< `///` lines above an item, with their markers; else empty
  const Network *network = nullptr; ///< of an ode that is declared by `reactions`
};

/// One parsed file. Owns its nodes and the strings that `text` points to.
struct File {
  uint32_t source = 0; ///< number in `Sources`
  Nodes items;
  std::deque<Node> nodes;
  std::deque<std::string> strings; ///< resolved string literals
  std::deque<Network> networks;
};

/// The operations of a chain: `a + b`, then `(a + b) + c`, up to the node itself.
inline std::vector<const Node *> chainOf(const Node *n) {
  std::vector<const Node *> chain;
  for (; n->kind == Kind::Binary; n = n->kids[0])
    chain.push_back(n);
  return {chain.rbegin(), chain.rend()};
}

/// Whether `test` holds for one of the operands of a chain, or of the kids of another node.
template <typename Test> bool anyPart(const Node *n, Test test) {
  for (; n->kind == Kind::Binary; n = n->kids[0]) {
    if (test(n->kids[1]))
      return true;
    if (n->kids[0]->kind != Kind::Binary)
      return test(n->kids[0]);
  }
  for (const Node *kid : n->kids)
    if (kid && test(kid))
      return true;
  return false;
}

/// Calls `visit` for the operands of a chain, from the left, or for the kids of another node.
template <typename Visit> void eachPart(const Node *n, Visit visit) {
  std::vector<const Node *> chain = chainOf(n);
  if (!chain.empty())
    visit(chain[0]->kids[0]);
  for (const Node *operation : chain)
    visit(operation->kids[1]);
  for (const Node *kid : n->kids)
    if (kid && chain.empty())
      visit(kid);
}

/// Deeper trees become an Error node and one diagnostic.
inline constexpr uint32_t maxDepth = 256;

} // namespace mad::ast

#endif // MAD_FRONTEND_AST_AST_H
