//===- Passes.td - Passes on differential equations ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_PASSES_TD
#define MAD_PASSES_ODE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandSolves : Pass<"mad-expand-solves", "::mlir::func::FuncOp"> {
  let summary = "makes loops of steps of differential equations";
  let description = [{
    `ode.solve` becomes a `mad.iterate` whose rounds are steps, as dialects/Ode/README.md defines them. The
    right-hand side is copied once a stage, so calls in it must have been inlined.

    States of few elements, all in all at most `scalars`, become scalars where the right-hand side has nothing but
    ops that can be written out element by element: then a whole step is straight-line code on registers. Other
    states stay tensors, and each sum of stages is one pass over them. Remarks say which, and why.

    A status that nobody reads becomes `ode.check`.
  }];
  let options = [Option<"scalars", "scalars", "int64_t", /*default=*/"32",
                        "the most elements of states that become scalars">,
                 Option<"ops", "ops", "int64_t", /*default=*/"12000",
                        "the most ops of all stages of a step that are written out">];
  let dependentDialects = ["::mad::MadDialect"];
}

#endif // MAD_PASSES_ODE_PASSES_TD
