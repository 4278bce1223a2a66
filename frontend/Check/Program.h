//===- Program.h - The checked program --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `check` makes of a syntax tree: functions whose names are resolved, whose
// generic calls are instantiated, whose types are known and whose index notation
// has become whole-tensor operations. The operations are those of the `mad`
// dialect (dialects/Mad/IR/MadOps.td holds their exact definitions); `emit`
// writes them one to one. No MLIR here: checking a file stays cheap to build
// and to run.
//
// Tuples end in the checker: a function has several results instead.
// Dimensions of every type are polynomials over the dimension parameters of the
// exported function (or test) that the code is instantiated for.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_PROGRAM_H
#define MAD_FRONTEND_CHECK_PROGRAM_H

#include "dialects/Lut/Format/Format.h"
#include "dialects/Mad/IR/DimExpr.h"
#include "frontend/Diag/Diag.h"
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mad::hir {

enum class Element : uint8_t { F32, F64, I32, I64, Bool, F16, BF16, I8, U8 };
inline constexpr Element elements[] = {Element::F16, Element::BF16, Element::F32,
                                       Element::F64, Element::I8,   Element::U8,
                                       Element::I32, Element::I64,  Element::Bool};
const char *name(Element element); ///< `f32`, `bool`
/// The nearest number of a float type, as `mad.cast` rounds.
double rounded(Element element, double value);
double rounded(Element element, int64_t value);
/// The least and the greatest number of an integer type.
std::pair<int64_t, int64_t> range(Element element);
/// The number modulo the size of an integer type.
int64_t wrapped(Element element, int64_t value);

/// One dimension. `name` is for people: `Pixels` where the size is 64.
struct Dim {
  DimExpr size;
  std::string name;
};

/// Every value is a tensor; a scalar has rank 0.
struct Type {
  Element element = Element::F32;
  std::vector<Dim> shape;
};
std::string str(const Type &type); ///< `f32[Batch, 64]`

/// What an operation may do to the roundings of its floats (docs/language.md).
enum class Precision : uint8_t { Default, Strict, Fast };
const char *name(Precision precision); ///< `strict`

enum class Op : uint8_t {
  Parameter,   ///< of a function or region
  Constant,    ///< values: one number, or as many as the type has elements
  DimValue,    ///< the value of a dimension, i64 scalar: `dim`
  Weight,      ///< number `index` in `Program::weights`
  Iota,        ///< i64 tensor holding the position along dimension `index`
  View,        ///< result[d] = operand0[map(d)]; further operands are the scalars of `map`
  Elementwise, ///< `mnemonic` on operands of one shape: see MadOps.td; a comparison is its
               ///< predicate, `lt`
  Cast,        ///< to the element of the type
  Reduce,      ///< `mnemonic` over `dims` (removed from the shape): sum prod max min argmax all any
  Contract,    ///< sum of products over the iteration space `space`, see below
  Gather,      ///< result[d] = operand0[operand1[d], operand2[d], ...]
  Reshape,     ///< same elements in row-major order
  Concat,      ///< along dimension `index`
  Call,        ///< of `callee`
  If,          ///< operand0: bool scalar; two regions without parameters
  Scan, ///< operands: carried values; region parameters: i64 counter, carried values. `low`, `high`
        ///< bound the counter. Results of the region beyond the carried ones are collected: the
        ///< op's have one more leading dimension
  Scatter,  ///< operand0 updated as `mnemonic` says at operand1, ... by the last operand
  Sort,     ///< values and positions along `index`; `mnemonic`: ascending, descending
  Cumulate, ///< `mnemonic` along `index`: sum prod max min
  Philox,   ///< random words of a key and a counter
  Update,   ///< operand0, but operand1[d] at map(d); further operands are the scalars of `map`
  Iterate,  ///< operands: carried values; regions: condition and body, both with parameters as
            ///< those of Scan. At most `high` rounds; the last result is their number
  Quantize, ///< operand0 with each row, along the last dimension, rounded to 8 bits with a scale
  Solve,    ///< of a differential equation, as `solve` says; one region
  Jvp,      ///< the results of `callee`, then the tangents of those that are floats. Operands: its
       ///< arguments, then the tangents of those that `dims` numbers. With `index` 1 tangents have
       ///< one more dimension in front, of `high`: one direction for each element of an argument
};

/// What a view reads outside of its operand.
enum class Boundary : uint8_t {
  Inside,  ///< proved never to happen
  Checked, ///< the call fails with an error status
  Zero,
  Periodic, ///< index modulo extent
  Clamp,    ///< the nearest element
};

/// One coordinate of a view's operand: sum(coefficient[d] * d) +
/// sum(scalars[s] * operand(1 + s)) + offset.
struct Affine {
  std::vector<int64_t> coefficients; ///< one a dimension of the result
  std::vector<int64_t> scalars;      ///< one a scalar operand
  int64_t offset = 0;
};

struct Node;
struct Function;

/// The solution of an initial value problem. Operands: the initial states, `from`, `to`, one for
/// each of `options`, the parameters. Region parameters: the time, the states, the parameters.
/// Results: the states, with `saveSteps` their times and their number, the time, the status,
/// accepted and rejected steps, evaluations.
struct Solve {
  std::string name, method, controller = "pi";
  std::vector<std::string> states;     ///< their names
  std::vector<std::string> components; ///< names of the elements of the states, if they have any
  std::vector<std::string> options;    ///< key, rtol, atol, step, first, min_step, max_step, save
  std::optional<DimExpr> steps;
  std::vector<double> gains; ///< of the controller `pid`
  std::optional<DimExpr> saveSteps;
  bool isDense = false;    ///< steps are saved as an interpolant
  bool countsWork = false; ///< Jacobians, factorisations, rounds of Newton's iteration
  struct Event {
    std::string name;
    int direction = 0; ///< 1: rising, -1: falling, 0: both
    bool stops = false, resets = false;
  };
  /// With events there are two more regions, which yield the guards and the new states, and
  /// results behind those of `saveSteps`: times, numbers, how many.
  std::vector<Event> events;
  std::optional<DimExpr> maxEvents;
  /// Numbers of the states with a linear part, which one more region yields. For methods that need
  /// it; else empty.
  std::vector<int64_t> linear;
  std::vector<bool> noisy;     ///< whether a state has noise; empty: none has
  std::vector<bool> positions; ///< of symplectic methods: whether a state is one
  int64_t maxSteps = 0;
};

/// A value: result number `result` of a node.
struct Ref {
  Node *node = nullptr;
  uint32_t result = 0;
  const Type &type() const;
};

struct Region {
  std::vector<Node *> parameters;
  std::vector<Node *> nodes; ///< in an order in which they can be evaluated
  std::vector<Ref> results;
};

/// What a program subscripts, for the message of a check that fails.
struct Subject {
  std::string text;  ///< operand0 as it is written
  uint32_t lead = 0; ///< dimensions of operand0 before those that are written
};

struct Node {
  Op op = Op::Constant;
  Precision precision = Precision::Default;
  bool needed = false;  ///< set by Builder::sweep
  std::string mnemonic; ///< Elementwise, Reduce, ...: op name without `mad.`: `add`, `sum`
  std::vector<Ref> operands;
  std::vector<Type> types; ///< of the results
  Span span;
  std::string name;                     ///< of the `let` or parameter that names it, if any
  std::vector<double> values;           ///< Constant of f32, f64
  std::vector<int64_t> integers;        ///< Constant of i32, i64, bool
  DimExpr dim;                          ///< DimValue
  uint32_t index = 0;                   ///< Weight, Iota, Concat, Jvp
  std::vector<uint32_t> dims;           ///< Reduce, Jvp: ascending
  std::vector<Affine> map;              ///< View, Update: one a dimension of operand0
  Boundary boundary = Boundary::Inside; ///< View, Update: Inside or Checked
  Subject subject;                      ///< Gather, Scatter; View, Update: Checked
  /// Contract: result dims come first in the iteration space, in order, then
  /// the summed ones. lhs[i] (rhs[i]) is the space dim that dimension i of
  /// operand0 (operand1) runs over. No space dim occurs twice in one operand.
  std::vector<uint32_t> lhs, rhs;
  uint32_t space = 0;                           ///< Contract: number of space dims
  Function *callee = nullptr;                   ///< Call, Jvp
  DimExpr low, high;                            ///< Scan; Iterate, Jvp: `high`
  std::vector<Region> regions;                  ///< If, Scan, Iterate, Solve
  std::shared_ptr<const mad::hir::Solve> solve; ///< Solve
};
/// Whether a node may round, so that its precision says something.
bool rounds(const Node &node);
inline const Type &Ref::type() const { return node->types[result]; }

/// What must hold between dimensions at a call, when it could not be decided
/// when compiling.
struct Constraint {
  enum Relation : uint8_t { Equal, AtLeast } relation = Equal; ///< left == right, left >= right
  DimExpr left, right;
  std::string message; ///< without the values: they are appended at the call
  Span span;
};

struct Assertion {
  Span span;
  std::string message; ///< of the user, or the text of the condition
};

struct Function {
  enum Kind : uint8_t { Private, Export, Test, WeightValue } kind = Private;
  Precision precision = Precision::Default; ///< of what it does itself
  std::string name; ///< unique in the program; that of the source for Export; the title for Test
  std::string doc;  ///< text without markers
  Span span;
  std::vector<std::string> dims;        ///< dimension parameters, Export only
  std::vector<std::string> resultNames; ///< `result`, or `result0`, `result1`, ...
  /// Of each result the parameter that it is the new value of, or -1. Empty: none is.
  std::vector<int32_t> states;
  Region body;
  std::vector<Constraint> constraints; ///< of this function and all it calls
  std::vector<Assertion> assertions;   ///< Test: result i is the value of assertion i
};

/// How a weight is rounded by what it is multiplied with (`lut.gptq`).
struct Gptq {
  lut::Format grid;
  std::string
      path; ///< of the calibration data, as written: relative to the file of the declaration
  double damp = 0.01;
  bool order = false, search = true;
};

struct Weight {
  std::string name;
  Type type;               ///< constant dimensions
  std::string path;        ///< as written: relative to the file of the declaration
  std::string entry;       ///< tensor in the file; empty: the file holds one
  bool transposed = false; ///< the file holds the transpose (rank 2)
  int64_t layers = -1;     ///< from 0 on: the leading dimension, and `{i}` in `entry` its number
  Span span;
  Function *value = nullptr;         ///< without a file: computes the weight, from nothing
  std::optional<lut::Format> format; ///< what it is stored as
  bool exact = false;                ///< the format must hold the value as it is
  std::optional<Gptq> gptq;          ///< what is read or computed is rounded first
  bool rounds = false;               ///< `value` is a call of a function of `std.quant`
};

/// Two ways to compute the same, for `mad.rule`. No calls: the bodies of functions stand in it.
struct Rule {
  enum Elements : uint8_t { Float, Number, Exact };
  struct Condition {
    uint32_t variable = 0; ///< number of a parameter
    std::string is;        ///< `constant`, `finite`, `lt` and so on, with `value`
    double value = 0;
  };
  std::string name; ///< behind that of its module: `std.rules.scalar.half`
  std::string doc;  ///< text without markers
  Span span;
  std::vector<std::string> permissions;
  std::vector<std::string> packs; ///< symbols that stand for any number of dimensions
  std::vector<Condition> conditions;
  std::vector<Constraint> constraints;
  Elements elements = Float; ///< of the variables, which are f32 here unless Exact
  bool both = false;
  Region body; ///< results: those of the side that is matched, then of the other one
  /// The body for f64. Of a rule for all floats that the library does not hold, or whose numbers
  /// are not all numbers of f32; else empty.
  Region wide;
  bool inexact = false; ///< f32 does not have all of its numbers
};

struct Program {
  std::vector<Weight> weights;
  std::deque<Function> functions; ///< callees before callers
  std::deque<Rule> rules;         ///< of the file and all that it uses
  std::deque<Node> nodes;         ///< owns all nodes
};

} // namespace mad::hir

#endif // MAD_FRONTEND_CHECK_PROGRAM_H
