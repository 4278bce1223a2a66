//===- OdeOps.cpp - What makes a solve well formed --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;
using namespace mad::ode;

#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdeOps.cpp.inc"

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Which of step, steps and tolerances a method may have.
static LogicalResult verifyMethod(SolveOp op) {
  if (!isMethod(op.getMethod()))
    return op.emitOpError() << "there is no method `" << op.getMethod() << "`";
  if (op.getStep() && op.getSteps())
    return op.emitOpError("has both a step and a number of steps");
  Method method = methodOf(op.getMethod().str());
  if (!op.isAdaptive() && !method.givenSteps)
    return op.emitOpError() << "`" << op.getMethod()
                            << "` chooses its steps: it has no `step` and no `steps`";
  if (op.isAdaptive() && !method.adaptive)
    return op.emitOpError() << "`" << op.getMethod()
                            << "` has no estimate of its error: it needs `step` or `steps`";
  if (op.isAdaptive() != (op.getRtol() && op.getAtol()) ||
      (!op.isAdaptive() && (op.getRtol() || op.getAtol())))
    return op.emitOpError("has `rtol` and `atol`, or else a step or a number of steps");
  if (op.getController() != "pi" && op.getController() != "i" && op.getController() != "pid")
    return op.emitOpError() << "controller must be `pi`, `i` or `pid`, but is `"
                            << op.getController() << "`";
  if ((op.getController() == "pid") != op.getPid().has_value() ||
      (op.getPid() && op.getPid()->size() != 3))
    return op.emitOpError("has the gains p, i and d where its controller is `pid`");
  bool isStochastic = method.family == Family::Stochastic;
  if (isStochastic != static_cast<bool>(op.getKey()) || isStochastic != op.getNoisy().has_value() ||
      (isStochastic && (tensorTypeOf(op.getKey()).getDimSize(0) != 2 ||
                        op.getNoisy()->size() != op.getInitial().size() || op.getEvents())))
    return op.emitOpError("has a key of 2 words, says of each state whether it has noise, and has "
                          "no events, where its method is stochastic");
  if (static_cast<int64_t>(op.getMaxSteps()) < 1)
    return op.emitOpError("allows no steps");
  bool splits = method.family == Family::Symplectic;
  if (splits != op.getPositions().has_value() ||
      (splits && op.getPositions()->size() != op.getInitial().size()))
    return op.emitOpError("says of each state whether it is a position where its method is "
                          "symplectic");
  if (std::optional<StringRef> steps = op.getSteps())
    return verifyDimension(op, *steps, "number of steps");
  return success();
}

RankedTensorType SolveOp::oneOf(Value value, int64_t own) {
  RankedTensorType type = tensorTypeOf(value);
  SmallVector<DimExpr> dims;
  for (int64_t d = type.getRank() - own; d < type.getRank(); ++d)
    dims.push_back(dimExpr(type, d));
  return tensorType(dims, {}, type.getElementType());
}

SmallVector<bool> SolveOp::positionsOf(bool elements) {
  SmallVector<bool> all;
  for (auto [state, is] : llvm::zip_equal(getInitial(), *getPositions()))
    all.append(elements ? static_cast<size_t>(tensorTypeOf(state).getNumElements()) : 1, is);
  return all;
}

/// Tolerances are numbers, or have one for each element of the states, of all systems or of each.
static LogicalResult verifyTolerances(SolveOp op) {
  DimExpr size(0);
  for (BlockArgument state : op.getBody().front().getArguments().slice(1, op.getInitial().size())) {
    DimExpr elements(1);
    RankedTensorType type = tensorTypeOf(state);
    for (int64_t d = 0; d < type.getRank(); ++d)
      elements = elements * dimExpr(type, d);
    size = size + elements;
  }
  RankedTensorType systems = tensorTypeOf(op.getTime());
  for (Value tolerance : {op.getRtol(), op.getAtol()}) {
    RankedTensorType type = tolerance ? tensorTypeOf(tolerance) : RankedTensorType();
    if (!type || type.getRank() == 0)
      continue;
    int64_t lead = type.getRank() - 1;
    bool fits = (lead == 0 || lead == op.getLaneRank()) && !differ(dimExpr(type, lead), size);
    for (int64_t d = 0; fits && d < lead; ++d)
      fits = !differ(dimExpr(type, d), dimExpr(systems, d));
    if (!fits)
      return op.emitOpError() << "a tolerance of shape " << shapeText(type) << " for states of "
                              << size.str() << " elements";
  }
  return success();
}

/// The body takes the time, the states and the parameters, and yields a derivative a state.
static LogicalResult verifyBody(SolveOp op) {
  Block &body = op.getBody().front();
  size_t states = op.getInitial().size(), expected = states + op.getParameters().size() + 1;
  if (body.getNumArguments() != expected)
    return op.emitOpError() << "the body takes " << body.getNumArguments() << " values, expected "
                            << expected;
  auto time = dyn_cast<RankedTensorType>(body.getArgument(0).getType());
  if (!time || time.getRank() != 0 ||
      !(time.getElementType().isF32() || time.getElementType().isF64()))
    return op.emitOpError("the time of the body must be a scalar of f32 or f64");
  SmallVector<Value> given(op.getInitial());
  llvm::append_range(given, op.getParameters());
  SmallVector<Type> arguments, found(llvm::drop_begin(body.getArgumentTypes()));
  for (auto [value, argument] : llvm::zip_equal(given, found)) {
    auto own = dyn_cast<RankedTensorType>(argument);
    bool isOfLane = own && op.getLaneRank() > 0 &&
                    tensorTypeOf(value).getRank() == own.getRank() + op.getLaneRank();
    arguments.push_back(isOfLane ? Type(SolveOp::oneOf(value, own.getRank())) : value.getType());
  }
  if (failed(verifyValues(op, found, arguments, "the arguments of the body")))
    return failure();
  SmallVector<Type> yielded(ArrayRef(found).take_front(states));
  std::optional<DimExpr> processes;
  OperandRange results = body.getTerminator()->getOperands();
  for (size_t i = 0; i < states; ++i) {
    if (!op.hasNoise(i))
      continue;
    // With one more dimension the processes are common ones.
    auto own = cast<RankedTensorType>(found[i]);
    Value noise = yielded.size() < results.size() ? results[yielded.size()] : Value();
    auto type = noise ? tensorTypeOf(noise) : own;
    if (type.getRank() == own.getRank() + 1) {
      SmallVector<DimExpr> sizes;
      for (int64_t d = 0; d < own.getRank(); ++d)
        sizes.push_back(dimExpr(own, d));
      sizes.push_back(dimExpr(type, own.getRank()));
      own = tensorType(sizes, {}, own.getElementType());
      if (processes && differ(*processes, sizes.back()))
        return op.emitOpError() << "noise of " << processes->str() << " and of "
                                << sizes.back().str() << " common processes";
      processes = sizes.back();
    }
    yielded.push_back(own);
  }
  return verifyValues(op, body.getTerminator()->getOperandTypes(), yielded, "the body");
}

/// The systems of an ensemble are those of all values that have more dimensions than one system.
static LogicalResult verifyLanes(SolveOp op) {
  RankedTensorType lanes = tensorTypeOf(op.getTime());
  int64_t rank = lanes.getRank();
  bool any = rank == 0;
  auto check = [&](Value value, int64_t own, const char *what) -> LogicalResult {
    RankedTensorType type = tensorTypeOf(value);
    if (type.getRank() == own)
      return success();
    bool fits = type.getRank() == own + rank;
    for (int64_t d = 0; fits && d < rank; ++d)
      fits = !differ(dimExpr(type, d), dimExpr(lanes, d));
    any |= fits;
    if (fits)
      return success();
    return op.emitOpError() << what << " of shape " << shapeText(type)
                            << " in an ensemble of shape " << shapeText(lanes);
  };
  Block &body = op.getBody().front();
  SmallVector<Value> given(op.getInitial());
  llvm::append_range(given, op.getParameters());
  for (auto [value, argument] : llvm::zip(given, body.getArguments().drop_front()))
    if (failed(check(value, tensorTypeOf(argument).getRank(), "a value")))
      return failure();
  for (Value time : {op.getFrom(), op.getTo()})
    if (failed(check(time, 0, "a time")))
      return failure();
  for (Value result : op->getResults().drop_front(op.getValues().size() + 1))
    if (tensorTypeOf(result).getShape() != lanes.getShape())
      return op.emitOpError() << "a result of shape " << shapeText(tensorTypeOf(result))
                              << " in an ensemble of shape " << shapeText(lanes);
  return any ? success() : op.emitOpError("nothing differs between the systems of the ensemble");
}

/// Results are the states, behind the dimensions of the ensemble and that of saved times.
static LogicalResult verifyResults(SolveOp op) {
  RankedTensorType lanes = tensorTypeOf(op.getTime());
  Value times = op.getSave();
  if (op.savesStates())
    times = op.getSavedSteps()[0];
  Block &body = op.getBody().front();
  for (auto [argument, result] : llvm::zip(body.getArguments().drop_front(), op.getStates())) {
    RankedTensorType from = tensorTypeOf(argument), to = tensorTypeOf(result);
    int64_t saved = op.getSave() || op.savesStates() ? 1 : 0, lead = lanes.getRank() + saved;
    bool fits =
        to.getRank() == from.getRank() + lead && to.getElementType() == from.getElementType();
    for (int64_t d = 0; fits && d < from.getRank(); ++d)
      fits = !differ(dimExpr(from, d), dimExpr(to, d + lead));
    for (int64_t d = 0; fits && d < lanes.getRank(); ++d)
      fits = !differ(dimExpr(lanes, d), dimExpr(to, d));
    if (fits && saved)
      fits = !differ(dimExpr(tensorTypeOf(times), tensorTypeOf(times).getRank() - 1),
                     dimExpr(to, lead - 1));
    if (!fits)
      return op.emitOpError() << "result of shape " << shapeText(to) << " for a state of shape "
                              << shapeText(from) << (saved ? ", which is saved at " : "")
                              << (saved ? shapeText(tensorTypeOf(times)) + " times" : "");
  }
  return success();
}

/// Whether a result is a list of so many numbers, or one, for each system.
static bool isOfSystems(SolveOp op, Value result, bool isF64, std::optional<StringRef> count,
                        int64_t more = 0) {
  RankedTensorType lanes = tensorTypeOf(op.getTime()), type = tensorTypeOf(result);
  bool fits = type.getRank() == lanes.getRank() + (count ? 1 : 0) &&
              (isF64 ? type.getElementType().isF64() : type.getElementType().isInteger(64));
  for (int64_t d = 0; fits && d < lanes.getRank(); ++d)
    fits = !differ(dimExpr(type, d), dimExpr(lanes, d));
  return fits && (!count ||
                  !differ(dimExpr(type, lanes.getRank()), *DimExpr::parse(*count) + DimExpr(more)));
}

/// Of each state a table of its values in steps.
static LogicalResult verifyDense(SolveOp op) {
  RankedTensorType lanes = tensorTypeOf(op.getTime());
  if (op.getDense() && interpolantDegree(op.getMethod().str()) == 0)
    return op.emitOpError() << "`" << op.getMethod() << "` has no polynomial as its interpolant";
  DimExpr nodes(interpolantDegree(op.getMethod().str()) + 1);
  for (auto [argument, table] :
       llvm::zip(op.getBody().getArguments().drop_front(), op.getDenseTables())) {
    RankedTensorType state = tensorTypeOf(argument), type = tensorTypeOf(table);
    SmallVector<DimExpr> wanted, found;
    for (int64_t d = 0; d < lanes.getRank(); ++d)
      wanted.push_back(dimExpr(lanes, d));
    wanted.append({*DimExpr::parse(*op.getSaveSteps()), nodes});
    for (int64_t d = 0; d < state.getRank(); ++d)
      wanted.push_back(dimExpr(state, d));
    bool fits =
        type.getRank() == int64_t(wanted.size()) && type.getElementType() == state.getElementType();
    for (int64_t d = 0; fits && d < type.getRank(); ++d)
      fits = !differ(dimExpr(type, d), wanted[d]);
    if (!fits)
      return op.emitOpError() << "a table of shape " << shapeText(type) << " for a state of shape "
                              << shapeText(state);
  }
  return success();
}

/// The times of `saveSteps` and their number.
static LogicalResult verifySaved(SolveOp op) {
  if (!op.getSaveSteps())
    return op.getDense() ? op.emitOpError("is dense without a number of steps") : success();
  if (op.getSave())
    return op.emitOpError("saves given times or all steps, not both");
  if (failed(verifyDimension(op, *op.getSaveSteps(), "number of saved steps")))
    return failure();
  if (!isOfSystems(op, op.getSavedSteps()[0], true, *op.getSaveSteps(), op.getDense()) ||
      !isOfSystems(op, op.getSavedSteps()[1], false, std::nullopt))
    return op.emitOpError() << "the times of steps must be " << *op.getSaveSteps()
                            << " numbers of f64, their number one of i64";
  return success();
}

/// Numbers of each system.
static LogicalResult verifyWork(SolveOp op) {
  for (Value count : op.getWork())
    if (!isOfSystems(op, count, false, std::nullopt))
      return op.emitOpError("counts of work must be numbers of i64, one for each system");
  return success();
}

/// Regions, attributes and results of events.
static LogicalResult verifyEvents(SolveOp op) {
  size_t count = op.eventCount(), states = op.getInitial().size();
  size_t regions = (op.getEvents() ? 2 : 0) + (op.getLinear() ? 1 : 0);
  if (op.getMoreRegions().size() != regions)
    return op.emitOpError() << "has " << op.getMoreRegions().size() << " regions more, expected "
                            << regions << ": the guards and new states of events, the linear part";
  if (!op.getEvents())
    return success();
  auto missing = [&](auto list) { return !list || list->size() != count; };
  if (count == 0 || missing(op.getEventDirections()) || missing(op.getEventStops()) ||
      missing(op.getEventResets()) || !op.getMaxEvents())
    return op.emitOpError("has a direction, a stop and a reset for each event, and their maximum");
  if (failed(verifyDimension(op, *op.getMaxEvents(), "number of events")))
    return failure();
  ResultRange found = op.getEventResults();
  if (!isOfSystems(op, found[0], true, *op.getMaxEvents()) ||
      !isOfSystems(op, found[1], false, *op.getMaxEvents()) ||
      !isOfSystems(op, found[2], false, std::nullopt))
    return op.emitOpError() << "the times of events must be " << *op.getMaxEvents()
                            << " numbers of f64, their numbers of i64, and their count one";
  Type element = tensorTypeOf(op.getInitial().front()).getElementType();
  SmallVector<Type> guards(count, RankedTensorType::get({}, element)), resets;
  ArrayRef<bool> which = *op.getEventResets();
  for (bool one : which)
    for (size_t i = 0; one && i < states; ++i)
      resets.push_back(op.getBody().front().getArgument(unsigned(1 + i)).getType());
  for (unsigned number : {0u, 1u}) {
    const SmallVector<Type> &wanted = number ? resets : guards;
    Block &block = op.getEventRegions()[number].front();
    if (block.getArgumentTypes() != op.getBody().front().getArgumentTypes())
      return op.emitOpError("the regions of events take what the body takes");
    if (failed(verifyValues(op, block.getTerminator()->getOperandTypes(), wanted,
                            number ? "the new states" : "the guards")))
      return failure();
  }
  return success();
}

/// The states that `linear` names, and what its region yields of them.
static LogicalResult verifyLinear(SolveOp op) {
  bool needed = methodOf(op.getMethod().str()).linear;
  if (needed != op.getLinear().has_value())
    return op.emitOpError() << "`" << op.getMethod() << "` "
                            << (needed ? "needs a linear part" : "has no use for a linear part");
  if (!needed)
    return success();
  Block &block = op.getLinearRegion().front();
  if (block.getArgumentTypes() != op.getBody().front().getArgumentTypes())
    return op.emitOpError("the region of the linear part takes what the body takes");
  OperandRange parts = block.getTerminator()->getOperands();
  ArrayRef<int64_t> states = *op.getLinear();
  if (parts.size() != states.size() || states.empty())
    return op.emitOpError() << "has linear parts of " << states.size()
                            << " states, but its region yields " << parts.size();
  int64_t last = -1;
  for (auto [state, part] : llvm::zip_equal(states, parts)) {
    if (state <= last || state >= static_cast<int64_t>(op.getInitial().size()))
      return op.emitOpError("the states with a linear part are given by ascending numbers");
    last = state;
    RankedTensorType own = tensorTypeOf(block.getArgument(unsigned(1 + state)));
    RankedTensorType type = tensorTypeOf(part);
    bool isMatrix = own.getRank() == 1 && type.getRank() == 2;
    bool fits = type.getElementType() == own.getElementType() &&
                (type.getRank() == 0 || type.getRank() == own.getRank() || isMatrix);
    for (int64_t d = 0; fits && d < type.getRank(); ++d)
      fits = !differ(dimExpr(type, d), dimExpr(own, isMatrix ? 0 : d));
    if (!fits)
      return op.emitOpError() << "a linear part of shape " << shapeText(type)
                              << " for a state of shape " << shapeText(own);
  }
  return success();
}

LogicalResult SolveOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyMethod(*this)))
    return failure();
  ValueRange initial = getInitial();
  if (initial.empty())
    return emitOpError("has no state");
  if (getStateNames().size() != initial.size())
    return emitOpError() << "has " << initial.size() << " states, but " << getStateNames().size()
                         << " names";
  for (Value state : initial.drop_front())
    if (failed(verifySameElement(*this, state, "a state", initial.front(), "the first one")))
      return failure();
  size_t more = (getDense() ? initial.size() : 0) + (getSaveSteps() ? 2 : 0) +
                (getEvents() ? 3 : 0) + (getCountsWork() ? 3 : 0);
  if (getValues().size() != initial.size() + more)
    return emitOpError() << "has " << initial.size() << " states, but results for "
                         << static_cast<int64_t>(getValues().size()) - static_cast<int64_t>(more);
  if (failed(verifySaved(*this)) || failed(verifyBody(*this)) || failed(verifyTolerances(*this)) ||
      failed(verifyLanes(*this)) || failed(verifyEvents(*this)) || failed(verifyLinear(*this)) ||
      failed(verifyDense(*this)) || failed(verifyWork(*this)))
    return failure();
  return verifyResults(*this);
}
