//===- MadRegionInterface.td - Reference semantics of ops with regions ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_TD
#define MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_TD

include "mlir/IR/OpBase.td"

def ReferenceRegionOpInterface : OpInterface<"ReferenceRegionOpInterface"> {
  let cppNamespace = "::mad";
  let description = [{
    What `ReferenceOpInterface` is for ops that evaluate regions of their own.
  }];
  let methods = [
    InterfaceMethod<"Evaluates the op; `run` evaluates one of its regions, of one block, on "
                    "arguments. Otherwise as `ReferenceOpInterface`.",
      "::llvm::LogicalResult", "evaluateRegions",
      (ins "::llvm::ArrayRef<const ::mad::RefTensor *>":$operands,
           "::llvm::MutableArrayRef<::mad::RefTensor>":$results,
           "::mad::RefContext &":$context, "::mad::RunRegion":$run)>];
}

#endif // MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_TD
