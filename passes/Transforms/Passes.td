//===- Passes.td - Passes across dialects -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorted by name.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PASSES_TD
#define MAD_PASSES_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"mad-expand-math", "mlir::func::FuncOp"> {
  let summary = "replaces math functions by polynomials";
  let description = [{
    f32 functions, scalar or vector, become arithmetic written in place; see
    docs/performance.md for their errors. The scalar and the vector form of a
    function give the same bits, so that a result does not depend on where a loop
    is split. Everything without an expansion here (all of f64) is taken apart into
    scalar calls, which later conversions turn into calls of libm.

    From level 3 on the polynomials use fused multiply-add, and a product that
    only feeds sums is fused with them where both carry `contract`.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def VectorizeLoops : Pass<"mad-vectorize-loops", "mlir::func::FuncOp"> {
  let summary = "turns structured ops on memrefs into loops over vectors";
  let description = [{
    Takes linalg ops and memref.copy on memrefs, of static or dynamic shape, and
    writes scf.for loops over vectors of one register (1-D). Must run after
    bufferization; what it does not know is left for convert-linalg-to-loops.

    - Without a reduction: the last dimension of the output is vectorised.
      Conditions on an index are decided for the inside of that dimension, so that
      stencils with a boundary rule run as vectors there.
    - With reductions: a tile of accumulators is carried through the reduction
      loops, along a parallel dimension (matmul, convolution) or, where the
      combiner allows another order, along the innermost reduction dimension.

    ```mlir
    linalg.generic {... ["parallel"]} ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {...}
    // becomes
    scf.for %i = %c0 to %main step %c8 {
      %0 = vector.load %x[%i] : memref<?xf32>, vector<8xf32>
      ...
    }
    scf.for %i = %main to %n step %c1 { ... }
    ```
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0 (128-bit), 3 (256-bit) or 4 (512-bit)">];
  let statistics = [
    Statistic<"vectorized", "num-vectorized", "ops turned into vector loops">,
    Statistic<"left", "num-left", "ops left for scalar loops">];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

#endif // MAD_PASSES_TRANSFORMS_PASSES_TD
