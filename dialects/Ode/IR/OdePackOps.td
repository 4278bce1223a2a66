//===- OdePackOps.td - Scalars that differ between lanes -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEPACKOPS_TD
#define MAD_DIALECTS_ODE_IR_ODEPACKOPS_TD

include "dialects/Ode/IR/OdeDialect.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A scalar, as a tensor of rank 0 or as it is: parameters may have any type of element.
def Ode_Lane : AnyTypeOf<[0DTensorOf<[AnyFloat, AnyInteger]>, AnyFloat, AnyInteger]>;

def Ode_PackOp : Op<OdeDialect, "pack", [Pure, SameOperandsAndResultType]> {
  let summary = "a scalar that has another value in each lane";
  let description = [{
    Code on packs is written as for one lane; `mad-vectorize-packs` makes vectors of them and of all that is computed with
    them. `values` are those of the lanes. So the type says nothing of it: between this pass and the op every op on scalars is one
    on each lane, and no branch or address depends on a pack.
  }];
  let arguments = (ins Variadic<Ode_Lane>:$values);
  let results = (outs Ode_Lane:$result);
  let assemblyFormat = "$values attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ode_ShuffleOp : Op<OdeDialect, "shuffle", [Pure, SameOperandsAndResultType]> {
  let summary = "what other lanes have";
  let description = [{
    Lane i has what lane `lanes[i]` of the source has. Where all of them are one lane, the result is no pack but a scalar.
  }];
  let arguments = (ins Ode_Lane:$source, DenseI64ArrayAttr:$lanes);
  let results = (outs Ode_Lane:$result);
  let assemblyFormat = "$source `of` $lanes attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // MAD_DIALECTS_ODE_IR_ODEPACKOPS_TD
