//===- Checker.h - The elaborator -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk over the tree resolves names, infers types and creates nodes. The
// body of a generic function is walked again for each instance. The methods are
// grouped by the file that defines them.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_CHECKER_H
#define MAD_FRONTEND_CHECK_CHECKER_H

#include "frontend/Check/Builder.h"
#include "frontend/Check/CallMatch.h"
#include "frontend/Check/Check.h"
#include "frontend/Check/Report.h"
#include "frontend/Check/Scope.h"
#include "frontend/Check/Text.h"
#include "frontend/Diag/Codes.h"
#include <functional>
#include <set>

namespace mad::elab {

/// One coordinate of `x[...]`.
struct Subscript {
  enum Kind : uint8_t { All, Range, Point, Computed } kind = All;
  const ast::Node *node = nullptr;
  AffineForm form; ///< Point; Range: of its first element
  DimExpr length;  ///< Range
  int64_t step = 1;
  Value computed; ///< Computed: integers over its space
};

struct Instance {
  hir::Function *function = nullptr;
  Value result; ///< its shape: tuples; tensors with types
  bool failed = false;
};

/// Expressions inside expressions, through calls; keeps the C++ stack small.
inline constexpr uint32_t maxNesting = 500;

class Checker {
public:
  Checker(Sources &sources, Diagnostics &diagnostics);
  std::unique_ptr<hir::Program> run(const ast::File &file);

  // Derivatives.h
  class Derivatives;
  // Rules.h
  class Rules;
  class RuleTypes;

private:
  friend class Report;
  using Node = ast::Node;
  using Kind = ast::Kind;
  using Element = hir::Element;
  using Dims = std::vector<hir::Dim>;

  // Report.cpp
  bool inLibrary(Span span) const;

  // Modules.cpp: files, `use` and the names of items.
  Module *load(const ast::File &file, std::string name, std::string path);
  void declare(Module &module);
  void declareUse(Module &module, const Node *use);
  void declarePrecision(Module &module, const Node *item);
  static hir::Precision precisionOf(const Declaration &fn, hir::Precision caller);
  /// Of a test or a computed weight that says `mode`, which may be null.
  static hir::Precision precisionOf(const Node *mode, const Module &module);
  /// True after a message when the declaration is being worked out: it needs itself.
  bool needsItself(const Declaration &decl);
  Declaration *declareName(Module &module, Declaration::Kind kind, const Node *node,
                           std::string_view name, Span span);
  Module *findModule(Module &from, const Node *use);
  Module *moduleAt(Module &from, const Node *use, std::string name, std::string path,
                   std::string text);

  // Names.cpp: looking names up.
  Declaration *findDeclaration(std::string_view name);
  void unknownName(const Node *at, std::string_view what);
  Value nameValue(const Node *n, const Want &want);
  Value declarationValue(Declaration &decl, const Node *at, const Want &want);
  Value memberValue(const Node *n, const Want &want);
  Declaration *memberDeclaration(const Node *n);
  std::optional<size_t> memberNumber(const Node *n, const Value &value);
  Declaration *callee(const Node *n, std::string &builtin);
  std::optional<Element> elementName(std::string_view name);
  void declareLocal(const Node *name, Local local);
  void bindPattern(const Node *pattern, const Value &value);
  void noteDeclaration(Report &report, const Node *n);
  std::string suggestion(std::string_view name, const std::vector<std::string> &candidates);

  // Declarations.cpp: dims, constants, weights, and what is emitted.
  void checkModule(Module &module, bool roots);
  void dimValue(Declaration &decl);
  void weightValue(Declaration &decl);
  void computedWeight(Declaration &decl);  // ComputedWeights.cpp
  bool isRounding(const Node *expression); // CalibratedWeights.cpp
  bool checkRounding(const CallMatch &match);
  const Node *calibrationOf(const Node *expression);
  Value calibratedValue(const Node *expression, const Node *calibration, hir::Gptq &gptq);
  std::optional<std::string> textOf(const Node *n, const char *what);
  bool storeAs(const Node *format, hir::Weight &weight); // Formats.cpp
  bool calibrate(const Node *argument, hir::Weight &weight);
  std::optional<std::string> formatArgument(const Node *argument);
  void checkTest(const Node *n, Module &module);
  void finish();

  // Functions.cpp: definitions and instances.
  void defineFunction(Declaration &decl);
  void declareGenerics(Declaration &decl, Scope &scope, bool exported);
  void declareParameters(Declaration &decl, bool exported);
  void declareTensors(Declaration &decl, bool exported, Value &first);
  void refuseParameters(const Declaration &decl, bool exported);
  Value sampleConstant(const Node *param);
  void applyWhere(Declaration &decl, bool assume, const Node *call);
  void whereRelation(Declaration &decl, const Node *relation, bool assume, const Node *call);
  void bindableDims(Declaration &decl);
  Value parameter(const TypeTree &type, const std::string &name, Span span,
                  std::vector<hir::Node *> &into);
  static bool hasErrors(const Node *n);
  Value functionBody(Declaration &decl, const std::function<void()> &parameters);
  void setResults(hir::Function &function, const Value &value);
  void setStates(Declaration &decl, hir::Function &function, const Value &value);
  const Node *stateNamed(std::string_view name);
  Instance &instantiate(CallMatch &match);
  std::string uniqueName(const std::string &name);
  void addConstraint(hir::Constraint constraint);

  // Calls.cpp: arguments, inference, the call itself.
  Value call(const Node *n, const Want &want);
  Value callFunction(Declaration &decl, const Node *n, const Want &want);
  bool matchCall(Declaration &decl, const Node *n, const Want &want, CallMatch &match);
  void recursion(Declaration &decl, const Node *n);
  bool matchArguments(CallMatch &match);
  bool namedArgument(CallMatch &match, const Node *argument);
  void openGenerics(CallMatch &match);
  bool evaluateArguments(CallMatch &match);
  bool evaluateDefaults(CallMatch &match);
  bool evaluateConstant(CallMatch &match, size_t i);
  bool evaluateAxis(CallMatch &match, size_t i);
  bool evaluateShape(CallMatch &match, size_t i);
  std::optional<Dims> declaredShape(const Node *param);
  static Value shapeValue(const Dims &shape);
  Value argumentValue(CallMatch &match, size_t i, const Want &want);
  Want wantOf(CallMatch &match, const Node *type);
  bool fitsKind(CallMatch &match, const std::string &name, Element found, size_t i);
  bool matchType(CallMatch &match, const Node *type, Value &value, size_t i);
  bool matchDims(CallMatch &match, const Node *type, const Dims &dims, size_t i);
  bool matchShape(CallMatch &match, const Node *type, const Value &value, size_t i);
  bool bindPack(CallMatch &match, const Node *pack, Dims dims, size_t i);
  Report badArgument(CallMatch &match, size_t i, uint16_t kind, const std::string &reason);
  const Node *argumentAt(const CallMatch &match, size_t i) const;
  bool solveDims(CallMatch &match);
  bool solveOne(CallMatch &match, const CallMatch::Equation &equation, bool plain);
  bool checkEquations(CallMatch &match);
  static bool hasSpace(const Value &value);
  void takeConstraints(const CallMatch &match, const hir::Function &callee);
  std::vector<hir::Ref> operandsOf(const Value &value, const hir::Function &callee, size_t first);
  Value emitCall(CallMatch &match);
  void renameForCaller(hir::Type &type, CallMatch &match);
  Value inlineCall(CallMatch &match);
  std::string signature(const CallMatch &match);

  // Types.cpp: types as written, and values against them.
  std::optional<TypeTree> typeOf(const Node *n);
  std::optional<hir::Dim> dimOf(const Node *n);
  std::optional<DimExpr> sizeOf(const Node *n, const char *what);
  bool appendPack(const Node *pack, Dims &shape);
  std::optional<Dims> shapeArgument(const Node *n, std::optional<size_t> *rest = nullptr);
  Value coerce(Value value, const TypeTree &type, const Node *at, const std::string &what);
  Value coerceTensor(Value value, const TypeTree &type, const Node *at, const std::string &what);
  Value literal(const Value &value, Element element, const Node *at);
  Value settled(Value value, const Want &want, const Node *at);
  std::string show(const hir::Type &type) const;
  std::string show(const Value &value) const;
  std::string show(const TypeTree &type) const;
  std::string show(const hir::Dim &dim) const;
  TypeTree treeOf(const Value &value) const;
  bool fewTensors(size_t count, Span span, const std::string &what);
  static std::string ranks(size_t found, size_t expected);

  // Dims.cpp: equality and order of dimensions.
  /// Calls `report` with the reason when they differ, or may differ.
  using Complain = std::function<void(const std::string &reason, const std::string &help)>;
  bool requireEqual(const hir::Dim &a, const hir::Dim &b, Span span, const std::string &message,
                    const Complain &report);
  bool requireAtLeast(const DimExpr &a, const DimExpr &b, Span span, const std::string &message,
                      const Complain &report);
  std::string described(const hir::Dim &dim) const;
  bool mayDiffer(const DimExpr &a, const DimExpr &b) const;
  bool validDim(const DimExpr &e, Span span);

  // Expressions.cpp
  Value expr(const Node *n, const Want &want = {});
  Value exprKind(const Node *n, const Want &want);
  bool fewDimensions(size_t rank, size_t indices, const Node *at);
  Value number(const Node *n, const Want &want);
  Value block(const Node *n, const Want &want);
  void statement(const Node *n);
  void let(const Node *n);
  void assertion(const Node *n);
  Value with(const Node *n, const Want &want);
  void setting(const Node *n, const Node *setting);
  void boundarySetting(const Node *n, const Node *setting);
  void activationsSetting(const Node *n, const Node *setting);
  Value tuple(const Node *n, const Want &want);
  Value array(const Node *n, const Want &want);
  Value arrayOfParts(const Node *n, std::vector<Value> parts, Element element);

  // Control.cpp
  Value ifExpr(const Node *n, const Want &want);
  struct Branch; ///< a side of an `if`
  using Links = std::vector<const Node *>;
  Branch ofBlock(const Node *block);
  Value nestedIf(const Links &links, size_t i, size_t end,
                 const std::function<Branch(size_t)> &side, const Branch &last, const Want &want);
  Value longIf(const Links &links, const Node *otherwise, const Want &want);
  Value choose(const Node *at, const Value &condition, const Branch &first, const Branch &second,
               const Want &want);
  Value runtimeIf(const Node *at, const Value &condition, const Branch &first, const Branch &second,
                  const Want &want);
  Value selected(const std::vector<const Node *> &nodes, const Node *at, const Value &condition,
                 Value yes, Value no);
  bool sameTypes(Value &a, Value &b, const Node *n, const Node *first, const Node *second,
                 const Want &want);
  /// What kind of tuple a value is, so that a context can be made for another.
  static Want elementsOf(const Value &value);
  void flatten(const Value &value, std::vector<Value> &leaves) const;
  Value rebuilt(const Value &like, const std::vector<Value> &leaves, size_t &next) const;

  // Loops.cpp: `scan`, `iterate` and `for`.
  struct Over; ///< what a loop runs over
  Value scan(const Node *n, const Want &want);
  Value iterate(const Node *n, const Want &want);
  Value forLoop(const Node *n, const Want &want);
  Value initialValue(const Node *n, const Want &want);
  bool overs(const Node *n, const char *word, std::vector<Over> &out);
  bool overRange(const Node *binder, const char *word, Over &over);
  bool overValue(const Node *n, const char *word, Over &over);
  bool stepLength(const Node *n, const std::vector<Over> &overs);
  std::optional<hir::Dim> leadingDim(const Value &value, const Node *at);
  void bindOver(const Over &over, const std::vector<Over> &all, hir::Node *counter);
  Value elementAt(const Value &object, const AffineForm &position, const Node *at);
  Value carried(const Value &initial, const Node *at);
  Value collectedRounds(const Node *n, std::vector<Value> parts);
  bool unrollable(const Node *n, const std::vector<Over> &over);
  std::vector<Value> parametersLike(const Value &start, hir::Region &region, hir::Node *counter);
  Value nextValue(const Node *body, Value end, const Value &start, const char *word);
  Value collectedPart(const Node *body, Value &end, bool collects, const char *word);
  Value collected(hir::Node *node, const hir::Dim &steps, const std::vector<Value> &parts,
                  const Value &like);
  Value conditionValue(const Node *n);

  // Solve.cpp, SolveOptions.cpp: differential equations.
  struct Problem; ///< a `solve` that is being checked
  void derivative(const Node *n);
  Value solve(const Node *n, const std::vector<const Node *> &settings);
  void event(const Node *n);
  void equationPart(const Node *value, const std::string &name, std::optional<TypeTree> type,
                    Span at);
  bool solveEvents(Problem &problem);
  void solveRegion(hir::Node *node, Problem &problem, Instance &instance,
                   const std::vector<hir::Type> &own, size_t first, size_t count);
  void solveRegions(hir::Node *node, Problem &problem, Instance &instance,
                    const std::vector<hir::Type> &own);
  void solveTypes(hir::Node *node, Problem &problem, const std::vector<hir::Type> &own);
  void linearPart(const Node *n);
  bool solveLinear(Problem &problem);
  Declaration *solved(const Node *n);
  bool checkGroups(const Node *n, const Declaration &ode);
  bool matchProblem(const Node *n, Problem &problem);
  bool checkStates(Problem &problem);
  std::optional<Value> solveNumber(const Node *n, Element element, const std::string &what);
  std::optional<Value> solveNumber(const Node *n, Value value, Element element,
                                   const std::string &what);
  bool solveMethod(const Node *setting, Problem &problem);
  bool solveOption(const Node *argument, Problem &problem);
  bool solveController(const Node *value, Problem &problem);
  // SolveTolerances.cpp
  bool solveTolerance(const Node *argument, Value value, Problem &problem);
  std::optional<std::vector<size_t>> toleranceOrder(const Node *at, const Value &value,
                                                    const Problem &problem,
                                                    const std::string &what);
  std::optional<Value> tolerancePart(const Node *at, Value value, const Dims &shape,
                                     const Dims &lanes, const std::string &what);
  bool solveSteps(const Node *argument, Problem &problem);
  bool saveRows(const Node *value, const std::string &word, Problem &problem);
  bool solveSave(const Node *value, Problem &problem);
  bool finishOptions(const Node *n, Problem &problem);
  bool hasDerivative(const Problem &problem, const hir::Function &function);
  Value solveNode(const Node *n, Problem &problem);
  // Separation.cpp: positions and velocities.
  bool separate(Problem &problem, const hir::Function &rates);
  // SolveNoise.cpp: stochastic differential equations.
  bool solveKey(const Node *value, Problem &problem);
  bool solveNoise(const Node *at, Problem &problem);
  void noisePart(const Node *n);
  Value commonNoise(Value value, const TypeTree &type, const Node *n);
  bool commutativeNoise(const Problem &problem, const hir::Function &rates);
  // SolveLanes.cpp: ensembles.
  bool takeLanes(CallMatch &match, const Node *type, Dims &dims, size_t i);
  void ofOneSystem(CallMatch &match);
  std::optional<Value> solveTime(const Node *n, Problem &problem, const std::string &what);
  Value solution(Problem &problem, hir::Node *node);
  // Species.cpp
  const Node *namedSpecies(const Node *states, const Declaration &ode);
  void addSpecies(const Declaration &ode, hir::Ref amounts, RecordType &record, Value &all);
  class Interpolant;
  const Value *denseSolution(const Node *callee);
  bool sameDense(const Value &x, const Value &y, const Node *n);
  Value atTimes(const Value &solution, const Node *n);

  // Records.cpp: records, groups of them, and their weights.
  std::optional<TypeTree> recordType(Declaration &decl, const Node *at,
                                     const std::vector<const Node *> &arguments,
                                     const std::vector<const Node *> &group);
  std::optional<TypeTree> recordOf(const Node *n);
  Declaration *recordNamed(const Node *type);
  void defineRecord(Declaration &decl);
  Value makeRecord(Declaration &decl, const Node *n);
  bool isRecord(const CallMatch &match, const Node *type);
  bool matchRecord(CallMatch &match, const Node *type, Value &value, size_t i);
  Value groupAccess(const Node *n, const Value &object);
  /// Records of stacked tensors are a group.
  static Value grouped(Value value);
  Value groupOf(const Node *n, const std::vector<Value> &parts);
  Value weightOf(const TypeTree &type, uint32_t first);
  bool recordWeight(Declaration &decl, const TypeTree &type, hir::Weight weight);
  const Node *fieldEntry(Declaration &decl, const std::string &field);

  // Update.cpp: `x with [i] = value`.
  using Fresh = std::function<Value(const Value &part)>;
  Value updated(const Node *update, const Value &object);
  Value assign(const Node *place, const Value &object, const Fresh &fresh);
  Value assignSubscripts(const Node *place, const Value &object, const Fresh &fresh);
  Value assignMember(const Node *place, const Value &object, const Fresh &fresh);
  Value newPart(const Node *n, const Value &part);
  std::string placeText(const Node *place) const;

  // Arithmetic.cpp: operators.
  Value unary(const Node *n, const Want &want);
  Value binary(const Node *n, const Want &want);
  Value operation(const Node *n, const Want &want, Value left, bool leftKnown);
  Value folded(const Node *n, const Value &a, const Value &b);
  Value foldedInteger(const Node *n, const Value &a, const Value &b);
  Value compared(const Node *n, const Value &a, const Value &b);
  Value power(const Node *n, const Value &a, const Value &b);
  Value integerPower(const Node *n, const Value &a, const Value &b);
  void operands(const Node *left, const Node *right, const Want &want, Value &a, Value &b,
                bool leftKnown = false);
  bool contextual(const Node *n) const;
  std::optional<Element> commonElement(const Node *at, const std::string &verb,
                                       std::vector<Value> &values,
                                       const std::vector<const Node *> &nodes, const Want &want);
  Value matmul(const Node *n, const Want &want, Value left, bool leftKnown);
  // Activations.cpp
  /// A contraction, with its activations in 8 bits where a setting says so. Empty after an error.
  hir::Ref contraction(const Node *at, hir::Ref left, hir::Ref right, Dims shape,
                       std::vector<uint32_t> leftDims, std::vector<uint32_t> rightDims,
                       uint32_t space);
  bool batchDims(struct Side &a, struct Side &c, Dims &shape,
                 const std::function<bool(const hir::Dim &, const hir::Dim &)> &require);

  // Broadcast.cpp: shapes of elementwise operations.
  Value elementwise(const std::string &mnemonic, std::vector<Value> values, Element result,
                    const Node *at, const std::string &verb,
                    const std::vector<const Node *> &nodes);
  bool align(std::vector<Value> &values, const Node *at, const std::string &verb,
             const std::vector<const Node *> &nodes);
  Value broadcastTo(const Value &value, const std::vector<IndexId> &space, const Dims &shape);
  Dims spaceDims(const std::vector<IndexId> &space) const;
  static std::vector<IndexId> unite(const std::vector<IndexId> &a, const std::vector<IndexId> &b);
  Value withSizes(const Value &value, const Dims &shape);
  Value scalarCast(const Value &value, Element element);

  // Ranges.cpp: over which values indices run.
  struct Access {
    const Node *node, *subscript;
    hir::Dim extent;
    AffineForm form;
    bool bounded; ///< under a `with boundary`
  };
  bool resolveRanges(const Node *n);
  void collect(const Node *n, std::vector<IndexId> &found, std::vector<Access> &accesses,
               bool bounded, bool own);
  IndexId newIndex(const Node *binder);
  void collectBinders(const Node *binders, std::vector<IndexId> &found);
  void declaredRanges(const Node *n, const std::vector<IndexId> &found);
  void collectAccess(const Node *n, std::vector<Access> &accesses, bool bounded);
  void shadow(const Node *pattern);
  const Node *strangerIn(const Node *n, bool outermost,
                         const std::function<bool(std::string_view)> &isIndex);
  const Dims *peek(const Node *n, bool &broken);
  bool isOpen(const Node *n);
  void excuse(const Node *n);
  void bareRange(IndexId id, const std::vector<Access> &accesses);
  bool affineRange(IndexId id, const std::vector<Access> &accesses, bool partial);
  std::optional<DimExpr> largestExtent(IndexId id, const Access &access) const;
  bool unknownRange(IndexId id, const std::vector<Access> &accesses);
  bool extremes(const AffineForm &form, DimExpr &low, DimExpr &high, IndexId except) const;
  bool isEmptyProof(const DimExpr &extent, Span span, const std::string &name);

  // Notation.cpp: `let y[i] = ...` and reductions over indices.
  void letIndex(const Node *n);
  Value reduce(const Node *n, const Want &want);
  Value product(const Node *n, const std::vector<IndexId> &summed, const Want &want);
  void factors(const Node *n, std::vector<const Node *> &out) const;
  bool factorElements(const Node *n, const std::vector<const Node *> &nodes,
                      std::vector<Value> &values, const Want &want);
  Value contractPair(const Node *at, const Value &x, const Value &y,
                     const std::vector<IndexId> &over);
  bool mayQuantize(const Node *at, const std::vector<Value> &values,
                   const std::vector<IndexId> &summed);
  Value contractValues(std::vector<Value> values, std::vector<IndexId> summed, const Node *n);
  Value sumOver(const std::string &op, const Value &value, const std::vector<IndexId> &over);
  bool reducible(const std::string &op, Element element, const Node *n, const std::string &type);
  bool bindIndices(const Node *binders, std::vector<IndexId> &ids);
  Value indexValue(IndexId id);

  // Access.cpp: subscripts and slices.
  bool affine(const Node *n, AffineForm &out);
  bool affineName(const Node *n, AffineForm &out);
  bool affineChain(const Node *n, AffineForm &out);
  Value access(const Node *n, const Want &want);
  bool subscripts(const Node *n, const Value &object, std::vector<Subscript> &subs);
  bool pointSubscript(const Node *n, const hir::Dim &extent, Subscript &sub);
  bool rangeSubscript(const Node *n, const hir::Dim &extent, Subscript &sub);
  bool rangeEnd(const Node *n, const hir::Dim &extent, AffineForm &out);
  Value accessOf(const Node *n, const Value &object, const std::vector<Subscript> &subs);
  Value viewOf(const Node *n, const Value &object, const std::vector<Subscript> &subs,
               const std::string &subject);
  Value gatherOf(const Node *n, const Value &object, const std::vector<Subscript> &subs,
                 const std::string &subject);
  Value affineTensor(const AffineForm &form, const std::vector<IndexId> &space, const Dims &shape);
  std::optional<bool> checkInside(const Node *n, const Subscript &sub, const hir::Dim &extent);
  bool outside(const Node *n, const Subscript &sub, const hir::Dim &extent, const DimExpr &low,
               const DimExpr &high);
  hir::Affine affineMap(const AffineForm &form, const std::vector<IndexId> &space, size_t rank,
                        std::vector<hir::Ref> &scalars);
  std::string textAt(const Node *n) const;

  // Builtins.cpp, Shapes.cpp, Reductions.cpp: functions of the language itself.
  Value builtin(const std::string &name, const Node *n, const Want &want);
  struct Arguments {
    std::vector<const Node *> list;
    std::map<std::string, const Node *, std::less<>> named;
  };
  bool arguments(const Node *n, const std::string &name, size_t low, size_t high,
                 const std::vector<std::string> &named, Arguments &out);
  Value castBuiltin(Element to, const Node *n);
  Value unaryBuiltin(const std::string &name, const Node *n, const Want &want);
  Value functionBuiltin(const std::string &name, const Node *n, const Want &want);
  Value minMaxBuiltin(const std::string &name, const Node *n, const Want &want);
  Value selectBuiltin(const Node *n, const Want &want);
  Value closeBuiltin(const Node *n);
  Value fillBuiltin(const std::string &name, const Node *n, const Want &want);
  Value iotaBuiltin(const Node *n);
  Value linspaceBuiltin(const Node *n, const Want &want);
  Value sizeBuiltin(const Node *n);
  Value reshapeBuiltin(const Node *n, const Want &want);
  Value transposeBuiltin(const Node *n, const Want &want);
  Value concatBuiltin(const Node *n, const Want &want);
  Value broadcastBuiltin(const Node *n, const Want &want);
  Value reductionBuiltin(const std::string &name, const Node *n, const Want &want);
  // DataBuiltins.cpp
  std::optional<Value> dataBuiltin(const std::string &name, const Node *n, const Want &want);
  std::optional<uint32_t> axisArgument(const std::string &name, const Node *n,
                                       const Arguments &args, const Value &value, bool last);
  std::optional<bool> flagArgument(const Arguments &args, const char *name, bool otherwise);
  Value sortBuiltin(const std::string &name, const Node *n, const Want &want);
  Value cumulateBuiltin(const std::string &name, const Node *n, const Want &want);
  Value positionsArgument(const Node *n, const std::string &name);
  Value takeBuiltin(const Node *n, const Want &want);
  Value scatterBuiltin(const std::string &name, const Node *n, const Want &want);
  Value scattered(const std::string &kind, const Node *n, const Value &base,
                  const std::vector<Value> &positions, const Value &updates, const Arguments &args);
  Value philoxBuiltin(const Node *n);
  Value knownBuiltin(const Node *n);
  Value flatOf(const Value &value);
  Value kept(const Value &reduced, const Dims &shape, const std::vector<uint32_t> &axes);
  Value meanOf(const Value &sum, const std::vector<hir::Dim> &dims);
  std::optional<std::vector<uint32_t>> axesOf(const Node *n, const Value &value);
  std::optional<uint32_t> axisOf(const Node *n, const Value &value);
  std::optional<uint32_t> namedAxis(const Node *n, const Value &name, const Value &value);
  std::optional<bool> flag(const Node *n, const char *what);
  Value tensorArgument(const Node *n, const Want &want, const std::string &name);

  // State.
  Sources &sources;
  Diagnostics &diagnostics;
  std::unique_ptr<hir::Program> program;
  Builder b;
  Frame *frame = nullptr;
  std::vector<Index> indices; ///< by IndexId
  /// Bounds [low, high) of the counters of the scans around.
  std::map<const hir::Node *, std::pair<DimExpr, DimExpr>> counters;

  std::vector<std::unique_ptr<Module>> modules;
  std::vector<std::unique_ptr<Declaration>> declarations;
  std::deque<Node> made; ///< types of rules that were inferred, as they would be written
  std::deque<std::string> madeTexts;
  RecordType solveStats{
      "stats",
      {"accepted", "rejected", "evaluations", "jacobians", "factorisations", "iterations"}};
  RecordType solveSavedStats{"stats",
                             {"accepted", "rejected", "evaluations", "jacobians", "factorisations",
                              "iterations", "saved"}};
  RecordType solveEventTimes{"events", {"t", "which", "count"}};
  RecordType solveInterpolant{"interpolant", {}};
  /// Of an ode: a solution that can be called, and what the call gives.
  struct DenseRecords {
    RecordType solution, point;
  };
  std::map<const Declaration *, DenseRecords> denseRecords;
  std::vector<std::unique_ptr<hir::Function>> functions; ///< in the order of their ends
  std::vector<std::unique_ptr<hir::Function>> dropped;   ///< definitions, and what failed
  std::map<std::string, Instance> instances;
  std::map<std::string, hir::Function *> derivatives; ///< that were made, by what they are of
  std::set<std::string> functionNames;
  std::set<std::string> reportedNames;
  std::set<std::string> testTitles;
  /// Functions being checked, and the call inside each that led to the next.
  struct Active {
    const Declaration *fn;
    const Node *call; ///< null: not an instance
  };
  std::vector<Active> stack;
  uint32_t rootCount = 0;
  uint32_t instanceCount = 0;
  uint32_t inlineCount = 0;
  int64_t unrolled = 0;   ///< rounds of the outermost `for` and all inside it, so far
  uint32_t unrolling = 0; ///< how many `for` are around
  uint32_t depth = 0;
  /// What is to be known of errors in the rule that is being checked.
  std::optional<Note> ruleNote;
  bool broken = false;       ///< a definition failed
  bool collectAgain = false; ///< something subscripted has no known shape yet
  bool inParameters = false; ///< reading the parameter types of a function
  uint32_t blocks = 0;       ///< around the part that is being collected
  size_t failures = 0;       ///< errors reported since the definition in progress began

  // Frames.h
  class Enter; ///< makes a frame current for its life
  class Inner; ///< a scope inside the current one for its life
  class Into;  ///< puts nodes into another list for its life
  struct Outside;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_CHECKER_H
