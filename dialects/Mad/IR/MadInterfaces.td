//===- MadInterfaces.td - What every op of the dialect can do ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADINTERFACES_TD
#define MAD_DIALECTS_MAD_IR_MADINTERFACES_TD

include "mlir/IR/OpBase.td"

def ReferenceOpInterface : OpInterface<"ReferenceOpInterface"> {
  let cppNamespace = "::mad";
  let description = [{
    Computes the op on concrete tensors, for obviousness and not for speed: the
    oracle that every other target is tested against. Sums and products are
    accumulated in f64 in index order and rounded once. Float results are rounded
    to the declared element type by the caller (`RefContext::finish`), or stay in
    f64 when the program is run in that mode.
  }];
  let methods = [
    InterfaceMethod<"Evaluates the op. `results` have their types and shapes set "
                    "and are zero. On failure the context holds the message.",
      "::llvm::LogicalResult", "evaluate",
      (ins "::llvm::ArrayRef<const ::mad::RefTensor *>":$operands,
           "::llvm::MutableArrayRef<::mad::RefTensor>":$results,
           "::mad::RefContext &":$context)>];
}

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::mad";
  let description = [{
    Applies one scalar function to each position. All operands and the result
    have one shape. `evaluate` of such an op is derived from this.
  }];
  let methods = [
    InterfaceMethod<"The scalar function: floats as f64, integers and bools as i64.",
      "::mad::RefScalar", "evaluateScalar", (ins "::llvm::ArrayRef<::mad::RefScalar>":$operands)>];
}

#endif // MAD_DIALECTS_MAD_IR_MADINTERFACES_TD
