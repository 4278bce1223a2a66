//===- Passes.td - Passes from one dialect to another --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In alphabetical order.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_PASSES_TD
#define MAD_PASSES_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def MadToLinalg : Pass<"mad-to-linalg", "::mlir::ModuleOp"> {
  let summary = "lowers tensor expressions to linalg on plain tensors";
  let description = [{
    Every entry (`mad.entry`, `mad.test`) gets these arguments, in this order:

    - one `index` a dimension parameter (`mad.dims`),
    - `memref<3xi64>`: the status. An index check that fails stores its number
      (from 1), the value found and the bound; the `cf.assert` behind it ends the
      run (mad-lower-checks),
    - the inputs as before,
    - one tensor a weight that is used, in the order of the first use.

    Sizes are computed from the polynomials in the types, so that no `tensor.dim`
    is left; then encodings are dropped. Bools are stored as i8, because vectors
    of i1 are packed to bits in memory.

    ```mlir
    func.func @f(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
        attributes {mad.dims = ["N"], mad.entry} {
      %0 = mad.neg %x : (...) -> ...
    // becomes
    func.func @f(%N: index, %status: memref<3xi64>, %x: tensor<?xf32>) -> tensor<?xf32> {
      %e = tensor.empty(%N) : tensor<?xf32>
      %0 = linalg.generic ... ins(%x) outs(%e) { arith.negf ... }
    ```

    The function keeps what later passes need in the attribute `entry`, a
    dictionary: `dims`, `checks` and `doc` as they were under `mad.`; `type`, its
    type with encodings; `weights`, the names of its weights; `index_checks`, a
    pair of message and place an index check (and `plain` where no index is shown);
    `sizes`, pairs of a size that may overflow or divide by zero and its place.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

#endif // MAD_PASSES_CONVERSION_PASSES_TD
