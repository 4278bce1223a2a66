//===- OdeOps.td - Solutions of differential equations -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEOPS_TD
#define MAD_DIALECTS_ODE_IR_ODEOPS_TD

include "dialects/Mad/IR/MadRegionInterface.td"
include "dialects/Ode/IR/OdeDialect.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ode_State : RankedTensorOf<[F32, F64]>;
def Ode_Time : 0DTensorOf<[F64]>;
// One number, or one for each element of all states of one system, in their order; in an ensemble
// these may have the dimensions of its systems in front.
def Ode_Tolerance : RankedTensorOf<[F64]>;
def Ode_Error : 0DTensorOf<[F32, F64]>;
def Ode_Times : 1DTensorOf<[F64]>;
def Ode_Key : 1DTensorOf<[I32]>;
def Ode_Count : 0DTensorOf<[I64]>;
def Ode_Status : 0DTensorOf<[I32]>;
// Of each system of an ensemble.
def Ode_LaneTime : RankedTensorOf<[F64]>;
def Ode_LaneCount : RankedTensorOf<[I64]>;
def Ode_LaneStatus : RankedTensorOf<[I32]>;

def Ode_SolveOp : Op<OdeDialect, "solve", [AttrSizedOperandSegments, IsolatedFromAbove,
                                           RecursiveMemoryEffects,
                                           SingleBlockImplicitTerminator<"YieldOp">,
                                           DeclareOpInterfaceMethods<ReferenceRegionOpInterface>]> {
  let summary = "the solution of an initial value problem";
  let description = [{
    Follows `d state / dt = body(t, states, parameters)` from `from` to `to` by the method of that
    name (dialects/Ode/Tableaus). The states have one element type; `t` of the body is f32 or f64.
    The results are the states, the time that was reached, the status (README.md), and how
    many steps were accepted and rejected and how often the body was evaluated.

    With `save` the results are the states at these times, along a new leading dimension; a time that
    was not reached has zeros. Without it they are the states at the time that was reached.

    With `saveSteps`, a dimension N, they are the states at `from` and behind each accepted step, N at most; behind them
    their times and how many there are. The rest is NaN.

    With `dense`, too, N is the number of steps that there is room for, and the states are those at the time that was reached.
    Behind them each state has a table of N rows: its values at the `interpolantNodes` of each step, along one more
    dimension. Times are N + 1, and their number is that of steps.

    `events` are names. Two more regions take what the body takes: one yields a guard for each, a number of the
    element type of the states; the other one all new states for each event that `eventResets` names. An event is where
    its guard becomes zero or changes its sign; `eventDirections` are 1, -1 or 0: from less to more, from more to
    less, both. `eventStops` end the solve there. Results behind those of `saveSteps` are the times of the first `maxEvents`
    events, their numbers, and how many there were; a solve with more of them has status 7.

    With `countsWork` three numbers follow, for each system: how many Jacobians were evaluated, how many matrices were
    factored, and how many rounds Newton's iteration had.

    `linear` are numbers of states. One more region takes what the body takes and yields the linear part L of their derivatives,
    for each: a number, the diagonal in the shape of the state, or for a state [n] a matrix [n, n]. It does not
    depend on the time and the states. For exponential methods; other states have L = 0.

    `pid` are the gains p, i and d of the controller of that name.

    Symplectic methods have `positions`, which says of each state whether it is one; the others are velocities. The
    derivative of a position does not depend on positions, that of a velocity does not depend on velocities.

    Steps are chosen so that the estimate of the error meets `rtol` and `atol`, numbers or one for each element of all states
    of one system, one state behind the other, in an ensemble also with the dimensions of its systems in front; or are given: `step`, or the
    dimension `steps`, their number. `first` is the step to begin with, `min_step` and `max_step` are bounds of
    those that are chosen. At most `max_steps` steps are taken.

    `fails` says that a status other than 0 ends the call with a message, which names `name`.

    Stochastic methods have a `key` of two words. `noisy` says of each state whether it has noise; the body yields an
    amplitude for each of these states behind the derivatives: `d state = derivative dt + amplitude dW`, in the sense of Ito. In the
    shape of the state it has a Wiener process for each element; with one more dimension M behind it the M processes are
    common to all such states, and their sum counts.

    The results may have further dimensions in front of all others: then it is an ensemble, which has one system for
    each position in them. States, `from`, `to` and parameters have these dimensions, too, or are those of every system; the
    body is that of one system. Each goes its own way: a system that fails does not touch the others.
    Not speculatable: how long it runs depends on values.
  }];
  let arguments = (ins StrAttr:$method, StrAttr:$name, StrArrayAttr:$stateNames,
                       Variadic<Ode_State>:$initial, Ode_LaneTime:$from, Ode_LaneTime:$to,
                       Optional<Ode_Tolerance>:$rtol, Optional<Ode_Tolerance>:$atol,
                       Optional<Ode_Time>:$step, Optional<Ode_Time>:$first,
                       Optional<Ode_Time>:$minStep, Optional<Ode_Time>:$maxStep,
                       Optional<Ode_Times>:$save, Optional<Ode_Key>:$key, Variadic<AnyRankedTensor>:$parameters,
                       OptionalAttr<StrAttr>:$steps, DefaultValuedAttr<I64Attr, "100000">:$maxSteps,
                       DefaultValuedAttr<StrAttr, "\"pi\"">:$controller, UnitAttr:$fails,
                       OptionalAttr<DenseF64ArrayAttr>:$pid, OptionalAttr<StrAttr>:$saveSteps, UnitAttr:$dense,
                       OptionalAttr<StrArrayAttr>:$events,
                       OptionalAttr<DenseI64ArrayAttr>:$eventDirections,
                       OptionalAttr<DenseBoolArrayAttr>:$eventStops,
                       OptionalAttr<DenseBoolArrayAttr>:$eventResets,
                       OptionalAttr<StrAttr>:$maxEvents,
                       OptionalAttr<DenseI64ArrayAttr>:$linear,
                       OptionalAttr<DenseBoolArrayAttr>:$positions,
                       OptionalAttr<DenseBoolArrayAttr>:$noisy,
                       UnitAttr:$countsWork);
  let results = (outs Variadic<AnyRankedTensor>:$values, Ode_LaneTime:$time, Ode_LaneStatus:$status,
                      Ode_LaneCount:$accepted, Ode_LaneCount:$rejected,
                      Ode_LaneCount:$evaluations);
  let regions = (region SizedRegion<1>:$body, VariadicRegion<SizedRegion<1>>:$moreRegions);
  let assemblyFormat = [{
    $method `of` $name $stateNames `(` $initial `)` `from` $from `to` $to
    (`rtol` $rtol^)? (`atol` $atol^)? (`step` $step^)? (`steps` $steps^)? (`first` $first^)?
    (`min` $minStep^)? (`max` $maxStep^)? (`save` $save^)? (`key` $key^)? (`with` $parameters^)? attr-dict
    `:` functional-type(operands, results) $body (`and` $moreRegions^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether steps are chosen by the error.
    bool isAdaptive() { return !getStep() && !getSteps(); }
    /// How many dimensions the results have for the systems of an ensemble; 0: it is one system.
    int64_t getLaneRank() {
      return ::llvm::cast<::mlir::RankedTensorType>(getTime().getType()).getRank();
    }
    /// The type of a value of one system, whose dimensions of the ensemble are left out if it has
    /// them: `own` is its rank without them.
    static ::mlir::RankedTensorType oneOf(::mlir::Value value, int64_t own);
    /// The first of `values`, one a state.
    ::mlir::ResultRange getStates() { return getValues().take_front(getInitial().size()); }
    /// With `dense`: a table a state.
    ::mlir::ResultRange getDenseTables() {
      return getValues().slice(getInitial().size(), getDense() ? getInitial().size() : 0);
    }
    /// With `saveSteps`: the times and their number.
    ::mlir::ResultRange getSavedSteps() {
      return getValues().slice(getInitial().size() + getDenseTables().size(),
                               getSaveSteps() ? 2 : 0);
    }
    /// With events: their times, their numbers, and how many there were.
    ::mlir::ResultRange getEventResults() {
      return getValues().slice(getInitial().size() + getDenseTables().size() + (getSaveSteps() ? 2 : 0),
                               getEvents() ? 3 : 0);
    }
    /// With `countsWork`: Jacobians, factorisations, rounds of Newton's iteration.
    ::mlir::ResultRange getWork() { return getValues().take_back(getCountsWork() ? 3 : 0); }
    /// Whether the states are tables of those at each step.
    bool savesStates() { return getSaveSteps() && !getDense(); }
    bool hasNoise(size_t state) { return getNoisy() && (*getNoisy())[state]; }
    size_t eventCount() { return getEvents() ? getEvents()->size() : 0; }
    /// The guards of events and the new states.
    ::mlir::MutableArrayRef<::mlir::Region> getEventRegions() {
      return getMoreRegions().take_front(getEvents() ? 2 : 0);
    }
    /// Of `linear`.
    ::mlir::Region &getLinearRegion() { return getMoreRegions().back(); }
    /// Of each element that all states have together, or of each state: whether it is a position.
    ::llvm::SmallVector<bool> positionsOf(bool elements);
    /// The gains p, i, d of the controller `pid`, else null.
    const double *getGains() { return getPid() ? getPid()->data() : nullptr; }
  }];
}

def Ode_CheckOp : Op<OdeDialect, "check", [MemoryEffects<[MemWrite]>]> {
  let summary = "ends the call where a solve failed";
  let description = [{
    `ode.check %status at %t step %steps component %c error %e of "lorenz" ["u"] [tensor<3xf64>]`: where the status is not 0
    the call fails with a message that names the time, the number of steps so far, the element of the states that is to
    blame, if one is, and the error of the last step in units of its tolerance, if there was one. `%c` counts through the
    elements of all states, whose names and types for one system are given; -1 is none. `%e` is the square of
    that error, less than 0 where there was no such step. `componentNames` are names of the elements themselves. With `trajectory`, `%steps` is the
    number of the system.
  }];
  let arguments = (ins Ode_Count:$status, Ode_Time:$time, Ode_Count:$steps, Ode_Count:$component,
                       Ode_Time:$errorSquared, StrAttr:$name, StrArrayAttr:$stateNames,
                       TypeArrayAttr:$stateTypes, OptionalAttr<StrArrayAttr>:$componentNames,
                       UnitAttr:$trajectory);
  let assemblyFormat = [{
    $status `at` $time (`trajectory` $trajectory^)? `step` $steps `component` $component `error` $errorSquared
    `of` $name $stateNames $stateTypes attr-dict `:` type(operands)
  }];
}

def Ode_Log2Op : Op<OdeDialect, "log2", [Pure]> {
  let summary = "the binary logarithm of an error, for the control of steps";
  let description = [{
    Within 1e-8 of it for positive normal numbers of f64, within a few roundings for those of f32; about -1023 (-127) for 0, at least
    1024 (128) for infinity, that or NaN for NaN. On devices f32 has -inf for 0, and infinity for itself. Shorter than `mad.log2`, as the next step waits for it.
  }];
  let arguments = (ins Ode_Error:$x);
  let results = (outs Ode_Error:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}

def Ode_ReciprocalOp : Op<OdeDialect, "reciprocal", [Pure]> {
  let summary = "1 / x of a positive number, for the control of steps";
  let description = [{
    Within a rounding of it, of f64 the nearest number; NaN for infinity and NaN. Not for numbers that are not normal.
  }];
  let arguments = (ins Ode_Error:$x);
  let results = (outs Ode_Error:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}

def Ode_Exp2Op : Op<OdeDialect, "exp2", [Pure]> {
  let summary = "a power of 2, for the control of steps";
  let description = [{
    Within 2e-9 of it, relatively, for numbers of at most 60 in size (in f32 within a few roundings); for others at most
    2^-60 and at least 2^60. Of NaN any number or NaN. With `inside` others are any number or NaN, too.
  }];
  let arguments = (ins Ode_Error:$x, UnitAttr:$inside);
  let results = (outs Ode_Error:$result);
  let assemblyFormat = "(`inside` $inside^)? $x attr-dict `:` functional-type(operands, results)";
}

def Ode_YieldOp : Op<OdeDialect, "yield", [Pure, Terminator, HasParent<"SolveOp">]> {
  let summary = "ends a right-hand side with the derivative of each state";
  let arguments = (ins Variadic<Ode_State>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // MAD_DIALECTS_ODE_IR_ODEOPS_TD
