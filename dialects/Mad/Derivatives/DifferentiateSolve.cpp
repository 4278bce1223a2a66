//===- DifferentiateSolve.cpp - Tangents of solutions ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The forward sensitivities of dy / dt = f(t, y, p): with v the tangent of y and q that of p,
// dv / dt = f_y v + f_p q is solved beside y, as further states (Hairer, Norsett and Wanner, I.14).
// So steps are chosen for both. A later end moves the result by f there; a later beginning moves
// the initial state by -f there. How steps are chosen does not vary.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Ode/IR/OdeOps.h"

using namespace mlir;

namespace mad {

using ode::SolveOp;

namespace {

/// Builds values and tangents around a solve.
class Times {
public:
  Times(OpBuilder &b, Location loc, SolveOp op, const std::optional<DimExpr> &directions)
      : b(b), loc(loc), op(op), directions(directions) {}

  /// What the right-hand side gives.
  SmallVector<Value> rates(Value time, ValueRange states, ValueRange parameters) const {
    Block &body = op.getBody().front();
    IRMapping values;
    Type wanted = body.getArgument(0).getType();
    values.map(body.getArgument(0),
               time.getType() == wanted ? time : Value(CastOp::create(b, loc, wanted, time)));
    SmallVector<Value> arguments(states);
    llvm::append_range(arguments, parameters);
    for (auto [argument, value] : llvm::zip_equal(body.getArguments().drop_front(), arguments))
      values.map(argument, value);
    for (Operation &inner : body.without_terminator())
      b.clone(inner, values);
    return llvm::map_to_vector(body.getTerminator()->getOperands(),
                               [&](Value v) { return values.lookupOrDefault(v); });
  }

  /// The tangent of times of which a rate has one for each of its first `rank` dimensions, times
  /// it.
  Value times(Value tangent, Value rate, int64_t rank) const {
    RankedTensorType type = tangentType(rate.getType(), directions);
    int64_t lead = directions ? 1 : 0;
    SmallVector<AffineExpr> coordinates;
    for (int64_t d = 0; d < rank + lead; ++d)
      coordinates.push_back(b.getAffineDimExpr(unsigned(d)));
    if (tensorTypeOf(tangent).getElementType() != type.getElementType())
      tangent = CastOp::create(b, loc, withElement(tensorTypeOf(tangent), type.getElementType()),
                               tangent);
    auto map = [&](ArrayRef<AffineExpr> results) {
      return AffineMap::get(unsigned(type.getRank()), 0, results, b.getContext());
    };
    Value wide =
        ViewOp::create(b, loc, type, tangent, ValueRange(), map(coordinates), Boundary::inside);
    coordinates.clear();
    for (int64_t d = lead; d < type.getRank(); ++d)
      coordinates.push_back(b.getAffineDimExpr(unsigned(d)));
    if (directions)
      rate = ViewOp::create(b, loc, type, rate, ValueRange(), map(coordinates), Boundary::inside);
    return MulOp::create(b, loc, type, wide, rate);
  }

  /// The rates at all saved times, along a first dimension.
  SmallVector<Value> savedRates(Value save, ValueRange states, ValueRange parameters) const {
    DimExpr count = dimExpr(tensorTypeOf(save), 0);
    SmallVector<Type> types(states.getTypes());
    auto scan = ScanOp::create(b, loc, types, ValueRange(), b.getStringAttr("0"),
                               b.getStringAttr(count.str()));
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&scan.getBody());
    Value step = block->addArgument(RankedTensorType::get({}, b.getI64Type()), loc);
    auto at = [&](Value all, RankedTensorType type) -> Value {
      SmallVector<AffineExpr> coordinates{b.getAffineSymbolExpr(0)};
      for (int64_t d = 0; d < type.getRank(); ++d)
        coordinates.push_back(b.getAffineDimExpr(unsigned(d)));
      return ViewOp::create(
          b, loc, type, all, step,
          AffineMap::get(unsigned(type.getRank()), 1, coordinates, b.getContext()),
          Boundary::inside);
    };
    SmallVector<Value> now;
    for (auto [all, initial] : llvm::zip(states, op.getInitial()))
      now.push_back(at(all, tensorTypeOf(initial)));
    Value time = at(save, RankedTensorType::get({}, b.getF64Type()));
    YieldOp::create(b, loc, rates(time, now, parameters));
    return SmallVector<Value>(scan.getResults());
  }

private:
  OpBuilder &b;
  Location loc;
  mutable SolveOp op; ///< accessors of ops are not const
  const std::optional<DimExpr> &directions;
};

} // namespace

static SmallVector<bool> present(ValueRange values) {
  return llvm::map_to_vector(values, [](Value v) { return bool(v); });
}

static Value total(OpBuilder &b, Location loc, Value x, Value y) {
  return !x ? y : Value(AddOp::create(b, loc, x.getType(), x, y));
}

/// The body with tangents: time, states, their tangents, parameters, their tangents. `varies` grows
/// as in `loopBody`.
LogicalResult Differentiator::Body::solveBody(SolveOp op, ArrayRef<bool> moving, Region &target,
                                              SmallVector<bool> &varies) {
  Block &source = op.getBody().front();
  size_t states = varies.size();
  Location loc = unnamed(op.getLoc());
  for (;;) {
    Block *body = b.createBlock(&target);
    SmallVector<Value> found, incoming(source.getNumArguments());
    auto add = [&](size_t first, ArrayRef<bool> some) {
      for (size_t i = 0; i < some.size(); ++i) {
        BlockArgument argument = source.getArgument(unsigned(first + i));
        found.push_back(body->addArgument(argument.getType(), argument.getLoc()));
      }
      for (size_t i = 0; i < some.size(); ++i)
        if (some[i])
          incoming[first + i] = body->addArgument(
              tangentType(source.getArgument(unsigned(first + i)).getType(), directions), loc);
    };
    add(0, {false});
    add(1, varies);
    add(1 + states, moving);
    bind(source.getArguments(), found, incoming);
    if (failed(block(source)))
      return failure();
    Differentiated rates = results(source);
    bool grown = false;
    for (auto [one, tangent] : llvm::zip(varies, rates.tangents)) {
      grown |= !one && tangent;
      one = one || tangent;
    }
    if (!grown) {
      SmallVector<Value> yielded = rates.values;
      llvm::append_range(yielded,
                         dense(rates, varies, source.getArguments().slice(1, states), loc));
      ode::YieldOp::create(b, loc, yielded);
      return success();
    }
    body->erase();
  }
}

/// Tolerances of one number an element are those of its tangents, too.
static Value tolerances(OpBuilder &b, SolveOp op, Value all, ArrayRef<bool> vary,
                        const std::optional<DimExpr> &directions) {
  if (!all || tensorTypeOf(all).getRank() == 0)
    return all;
  Location loc = op.getLoc();
  Type element = b.getF64Type(), whole = RankedTensorType::get({}, b.getI64Type());
  SmallVector<Value> parts{all};
  // Dimensions of systems stand in front; an ensemble has one direction.
  unsigned lead = unsigned(tensorTypeOf(all).getRank()) - 1;
  SmallVector<DimExpr> sizes;
  SmallVector<AffineExpr> places;
  for (unsigned d = 0; d < lead; ++d) {
    sizes.push_back(dimExpr(tensorTypeOf(all), d));
    places.push_back(b.getAffineDimExpr(d));
  }
  DimExpr offset(0), total = dimExpr(tensorTypeOf(all), lead);
  for (auto [own, state] : llvm::zip(vary, op.getBody().getArguments().drop_front())) {
    DimExpr size(1);
    for (int64_t d = 0; d < tensorTypeOf(state).getRank(); ++d)
      size = size * dimExpr(tensorTypeOf(state), d);
    if (own) {
      AffineExpr place = b.getAffineDimExpr(directions ? 1 : lead);
      SmallVector<Value> begin;
      if (auto known = offset.constant())
        place = place + *known;
      else {
        begin.push_back(DimOp::create(b, loc, whole, offset.str()));
        place = place + b.getAffineSymbolExpr(0);
      }
      SmallVector<DimExpr> shape = sizes;
      if (directions)
        shape.push_back(*directions);
      shape.push_back(size);
      RankedTensorType type = tensorType(shape, {}, element);
      SmallVector<AffineExpr> at = places;
      at.push_back(place);
      auto map =
          AffineMap::get(unsigned(type.getRank()), unsigned(begin.size()), at, b.getContext());
      Value part = ViewOp::create(b, loc, type, all, begin, map, Boundary::clamp);
      DimExpr count = directions ? *directions * size : size;
      if (directions)
        part = ReshapeOp::create(b, loc, tensorType({count}, {}, element), part);
      parts.push_back(part);
      total = total + count;
    }
    offset = offset + size;
  }
  sizes.push_back(total);
  return parts.size() == 1
             ? all
             : Value(ConcatOp::create(b, loc, tensorType(sizes, {}, element), parts, lead));
}

/// Tangents have the linear part of their states: their derivatives are L du and other terms.
static void linearPart(OpBuilder &b, SolveOp op, SolveOp made, ArrayRef<bool> vary,
                       const std::optional<DimExpr> &directions) {
  OpBuilder::InsertionGuard guard(b);
  Block &source = op.getLinearRegion().front(), &body = made.getBody().front();
  Block *block = b.createBlock(&made.getLinearRegion());
  for (BlockArgument argument : body.getArguments())
    block->addArgument(argument.getType(), argument.getLoc());
  IRMapping mapping;
  size_t states = vary.size(), tangents = made.getInitial().size() - states;
  for (BlockArgument argument : source.getArguments()) {
    unsigned number = argument.getArgNumber();
    mapping.map(argument,
                block->getArgument(number > states ? number + unsigned(tangents) : number));
  }
  for (Operation &inner : source.without_terminator())
    b.clone(inner, mapping);
  SmallVector<Value> parts;
  SmallVector<int64_t> numbers(*op.getLinear());
  for (Value part : source.getTerminator()->getOperands())
    parts.push_back(mapping.lookupOrDefault(part));
  size_t next = states;
  for (size_t state = 0; state < states; ++state) {
    auto known = llvm::find(*op.getLinear(), static_cast<int64_t>(state));
    if (vary[state] && known != op.getLinear()->end()) {
      numbers.push_back(static_cast<int64_t>(next));
      Value part = parts[size_t(known - op.getLinear()->begin())];
      auto type = cast<RankedTensorType>(part.getType());
      SmallVector<AffineExpr> map;
      for (int64_t d = 0; d < type.getRank(); ++d)
        map.push_back(b.getAffineDimExpr(unsigned(d + 1)));
      if (directions && type.getRank())
        part = ViewOp::create(b, op.getLoc(), tangentType(type, directions), part, ValueRange(),
                              AffineMap::get(unsigned(type.getRank() + 1), 0, map, b.getContext()),
                              Boundary::inside);
      parts.push_back(part);
    }
    next += vary[state];
  }
  ode::YieldOp::create(b, op.getLoc(), parts);
  made.setLinear(numbers);
}

/// Whether a linear part is a matrix, which the tangents of several directions cannot have.
static bool hasMatrix(SolveOp op) {
  if (!op.getLinear())
    return false;
  Block &block = op.getLinearRegion().front();
  return llvm::any_of(
      llvm::zip_equal(*op.getLinear(), block.getTerminator()->getOperands()), [&](auto pair) {
        auto [state, part] = pair;
        auto own = cast<RankedTensorType>(block.getArgument(unsigned(1 + state)).getType());
        return cast<RankedTensorType>(part.getType()).getRank() > own.getRank();
      });
}

/// Says what of a solve has no derivative, if anything does.
LogicalResult Differentiator::Body::checkSolve(SolveOp op) {
  if (directions && hasMatrix(op))
    return op.emitError()
           << "a linear part that is a matrix is for derivatives along one direction "
              "at a time: use `jvp`, or solve `"
           << op.getName() << "` by another method";
  auto refuse = [&](const llvm::Twine &what, StringRef help) {
    auto message = noDerivative(op) << what;
    message.attachNote() << help;
    return message;
  };
  bool endsMove = tangent(op.getFrom()) || tangent(op.getTo());
  if (op.getLaneRank() && directions)
    return refuse("an ensemble has derivatives along one direction at a time",
                  "use `jvp`, or solve one system");
  if (op.getLaneRank() && endsMove)
    return refuse("an ensemble has no derivative by `from` and `to`",
                  "solve one system, whose ends may vary");
  if (op.getEvents())
    return noDerivative(op) << "a solve with events has no derivative: `" << op.getName() << "`";
  if (op.getDense())
    return refuse("a solve that saves its interpolant has no derivative: `" + op.getName() + "`",
                  "save the times that are needed: `save = times`");
  if (op.getKey())
    return noDerivative(op) << "a solve with noise has no derivative: `" << op.getName() << "`";
  if (op.getSaveSteps() && endsMove)
    return noDerivative(op) << "a solve that saves its steps has no derivative by `from` and `to`";
  return success();
}

/// The types of the states and of those tangents that there are, of what is saved, and of counts.
static SmallVector<Type> typesWithTangents(SolveOp op, ArrayRef<bool> vary, ValueRange tangents) {
  SmallVector<Type> types(op.getStates().getTypes());
  std::optional<DimExpr> saved;
  if (op.getSave())
    saved = dimExpr(tensorTypeOf(op.getSave()), 0);
  else if (op.getSaveSteps())
    saved = dimExpr(tensorTypeOf(op.getSavedSteps()[0]), 0);
  if (op.getLaneRank()) {
    for (auto [state, own] : llvm::zip(op.getStates(), vary))
      if (own)
        types.push_back(state.getType());
  } else {
    for (Value v : tangents)
      types.push_back(tangentType(v.getType(), saved));
  }
  llvm::append_range(types, op.getSavedSteps().getTypes());
  llvm::append_range(types, op.getWork().getTypes());
  return types;
}

/// The names of the states, then those of their tangents: `dx` of `x`.
static ArrayAttr namesWithTangents(OpBuilder &b, SolveOp op, ArrayRef<bool> vary) {
  SmallVector<Attribute> names(op.getStateNames().getValue());
  for (auto [name, own] : llvm::zip(op.getStateNames().getAsRange<StringAttr>(), vary))
    if (own)
      names.push_back(b.getStringAttr("d" + name.getValue()));
  return b.getArrayAttr(names);
}

/// Which states are positions. The tangent of a position is one.
static DenseBoolArrayAttr positionsWithTangents(OpBuilder &b, SolveOp op, ArrayRef<bool> vary) {
  DenseBoolArrayAttr positions = op.getPositionsAttr();
  if (!positions)
    return positions;
  SmallVector<bool> all(positions.asArrayRef());
  for (auto [is, own] : llvm::zip_equal(positions.asArrayRef(), vary))
    if (own)
      all.push_back(is);
  return b.getDenseBoolArrayAttr(all);
}

LogicalResult Differentiator::Body::solve(SolveOp op) {
  if (failed(checkSolve(op)))
    return failure();
  Location loc = unnamed(op.getLoc());
  auto mapped = [&](ValueRange originals) {
    return llvm::map_to_vector(originals, [&](Value v) { return values.lookupOrDefault(v); });
  };
  auto one = [&](Value original) { return original ? values.lookupOrDefault(original) : Value(); };
  SmallVector<Value> initial = mapped(op.getInitial()), parameters = mapped(op.getParameters());
  Differentiated start{initial, tangentsOf(op.getInitial())};
  SmallVector<Value> moving = tangentsOf(op.getParameters());
  Times around(b, loc, op, directions);
  if (Value early = tangent(op.getFrom()))
    for (auto [known, rate] :
         llvm::zip(start.tangents, around.rates(one(op.getFrom()), initial, parameters))) {
      Value back = around.times(early, rate, 0);
      back = NegOp::create(b, loc, back.getType(), back);
      known = total(b, loc, known, back);
    }
  SmallVector<bool> vary = present(start.tangents);
  Region region;
  {
    OpBuilder::InsertionGuard guard(b);
    if (failed(solveBody(op, present(moving), region, vary)))
      return failure();
  }
  SmallVector<Value> tangentsIn = dense(start, vary, op.getInitial(), loc);
  llvm::append_range(initial, tangentsIn);
  SmallVector<Value> allParameters = parameters;
  llvm::copy_if(moving, std::back_inserter(allParameters), [](Value v) { return bool(v); });
  auto made = SolveOp::create(
      b, op.getLoc(), typesWithTangents(op, vary, tangentsIn), op.getTime().getType(),
      op.getStatus().getType(), op.getAccepted().getType(), op.getRejected().getType(),
      op.getEvaluations().getType(), op.getMethodAttr(), op.getNameAttr(),
      namesWithTangents(b, op, vary), initial, one(op.getFrom()), one(op.getTo()),
      tolerances(b, op, one(op.getRtol()), vary, directions),
      tolerances(b, op, one(op.getAtol()), vary, directions), one(op.getStep()), one(op.getFirst()),
      one(op.getMinStep()), one(op.getMaxStep()), one(op.getSave()), Value(), allParameters,
      op.getStepsAttr(), op.getMaxStepsAttr(), op.getControllerAttr(), op.getFailsAttr(),
      op.getPidAttr(), op.getSaveStepsAttr(), op.getDenseAttr(), ArrayAttr(), DenseI64ArrayAttr(),
      DenseBoolArrayAttr(), DenseBoolArrayAttr(), StringAttr(), DenseI64ArrayAttr(),
      positionsWithTangents(b, op, vary), DenseBoolArrayAttr(), op.getCountsWorkAttr(),
      op.getLinear() ? 1u : 0u);
  made.getBody().takeBody(region);
  if (op.getLinear())
    linearPart(b, op, made, vary, directions);
  return solved(op, made, vary, parameters);
}

/// What the results are, and how they move with the times.
LogicalResult Differentiator::Body::solved(SolveOp op, SolveOp made, ArrayRef<bool> vary,
                                           ValueRange parameters) {
  Location loc = unnamed(op.getLoc());
  size_t states = vary.size(), next = states;
  ValueRange results = made.getStates().take_front(states);
  Times around(b, loc, op, directions);
  Value late = tangent(op.getSave() ? op.getSave() : op.getTo());
  SmallVector<Value> rates;
  if (late)
    rates = op.getSave()
                ? around.savedRates(values.lookupOrDefault(op.getSave()), results, parameters)
                : around.rates(made.getTime(), results, parameters);
  for (size_t i = 0; i < states; ++i) {
    Value moved;
    if (vary[i]) {
      moved = made.getStates()[next++];
      if ((op.getSave() || op.getSaveSteps()) && directions)
        moved = directionsFirst(moved, loc);
    }
    if (late)
      moved = total(b, loc, moved, around.times(late, rates[i], op.getSave() ? 1 : 0));
    values.map(op.getStates()[i], results[i]);
    tangents[op.getStates()[i]] = moved;
  }
  tangents[op.getTime()] = tangent(op.getTo());
  for (auto [original, value] : llvm::zip(op->getResults().drop_front(states),
                                          made->getResults().drop_front(made.getStates().size())))
    values.map(original, value);
  return success();
}

} // namespace mad
