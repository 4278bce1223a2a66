//===- Passes.td - Passes on derivatives ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DERIVATIVES_PASSES_TD
#define MAD_PASSES_DERIVATIVES_PASSES_TD

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"mad-differentiate", "::mlir::ModuleOp"> {
  let summary = "adds a function that computes tangents beside another one";
  let description = [{
    `@f` gets a companion `@f.jvp` behind it, which takes the arguments of `@f` and the tangents of those that
    vary, and gives the results of `@f` and their tangents (dialects/Mad/Derivatives/Differentiate.h). A result that
    does not vary has none. Functions that `@f` calls get companions as they are needed.

    ```mlir
    func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
      %y = mad.sin %x : (tensor<3xf32>) -> tensor<3xf32>
      return %y : tensor<3xf32>
    }
    // becomes
    func.func private @f.jvp(%x: tensor<3xf32>, %v: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
      %y = mad.sin %x : (tensor<3xf32>) -> tensor<3xf32>
      %s = mad.cos %x : (tensor<3xf32>) -> tensor<3xf32>
      %w = mad.mul %v, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
      return %y, %w : tensor<3xf32>, tensor<3xf32>
    }
    ```
  }];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"main\"", "the function">,
    ListOption<"arguments", "arguments", "unsigned", "those that vary; otherwise all floats">,
    Option<"directions", "directions", "std::string", /*default=*/"\"\"",
           "a size: tangents are this many, along a first dimension">];
  let dependentDialects = ["::mad::MadDialect"];
}

#endif // MAD_PASSES_DERIVATIVES_PASSES_TD
