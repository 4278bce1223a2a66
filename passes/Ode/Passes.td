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
                        "the most ops of all stages of a step that are written out">,
                 Option<"packs", "packs", "bool", /*default=*/"false",
                        "a dimension that all states have may go into the lanes of vectors">];
  let dependentDialects = ["::mad::MadDialect"];
}

def VectorizePacks : Pass<"mad-vectorize-packs", "::mlir::func::FuncOp"> {
  let summary = "makes vectors of scalars that have another value in each lane";
  let description = [{
    `ode.pack` becomes a vector, and so does all that is computed with it, through branches and loops; `ode.shuffle` moves
    between lanes. Scalars that are the same in all lanes stay scalars. Takes scalars of arith and math, and scf.
    At level 4 f64 is divided by roots with an instruction for reciprocals of roots and a series.
  }];
  let options = [Option<"level", "level", "int", /*default=*/"3",
                        "x86-64 level of the code: 0 (128-bit), 3 (256-bit) or 4 (512-bit)">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def VectorizeLanes : Pass<"mad-vectorize-lanes", "::mlir::func::FuncOp"> {
  let summary = "runs the rounds of a loop over lanes in the lanes of vectors";
  let description = [{
    Takes `scf.for` with `ode.lanes` on memrefs (passes/Transforms/Lanes.h), whose bodies are scalars, branches and loops:
    scalars become vectors, `scf.while` runs while any lane is in it, and a branch is taken where any lane takes it.
    Lanes that have left keep what they have. Groups of lanes are pieces for threads. A loop that has something
    else stays as it is; remarks say what.
  }];
  let options = [Option<"level", "level", "int", /*default=*/"3",
                        "x86-64 level of the code: 0 (128-bit), 3 (256-bit) or 4 (512-bit)">,
                 Option<"registers", "registers", "int64_t", /*default=*/"2",
                        "how many registers hold the lanes of one value: two take turns while a step waits for itself">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // MAD_PASSES_ODE_PASSES_TD
