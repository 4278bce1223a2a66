//===- LutTableOps.td - What kernels precompute of activations -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Included by LutOps.td.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTTABLEOPS_TD
#define MAD_DIALECTS_LUT_IR_LUTTABLEOPS_TD

def Lut_PrecomputeOp : Lut_Op<"precompute"> {
  let summary = "quantised rows as kernels read them: as tables, or in their order";
  let description = [{
    `%t, %sums = lut.precompute %q for <int, bits = 1, group = 128> : (tensor<?x4096xi8>) -> (tensor<?xi8>, tensor<?xi32>)`.
    The bytes of dialects/Lut/Format/Arrangement.h for rows [T..., K] and weights of the format with K rows, and a number for
    each row and group, or of tables several. Of one bit without zero points and for up to 8 rows they are tables of what four activations add to a sum.
    The format is that of `arrangedFormat`, which is the same for all weights that read the same bytes. So products of the same rows,
    whatever their formats and columns, share what they precompute.

    Bytes: those of `Arrangement::bytes`; where the number of rows is known when running only, of tables `(T + 56)` rows of the
    arrangement, which is enough for both. What is behind the last row is anything.

    `mad-precompute-tables` makes it for products that kernels compute on CPUs.
  }];
  let arguments = (ins Lut_ActCodes:$source, Lut_FormatAttr:$format);
  let results = (outs RankedTensorOf<[I8]>:$tables, RankedTensorOf<[I32]>:$sums);
  let assemblyFormat = "$source `for` $format attr-dict `:` functional-type(operands, results)";
}

def Lut_PrecomputeIntoOp : Op<LutDialect, "precompute_into", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "`lut.precompute` into tensors or memory";
  let description = [{
    What `tables` and `sums` held is not read. All operands are tensors, or all are memory.
  }];
  let arguments = (ins AnyShaped:$source, AnyShaped:$tables, AnyShaped:$sums, Lut_FormatAttr:$format);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $source `to` $tables `,` $sums `for` $format attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 1, 2);
    }
  }];
}

#endif // MAD_DIALECTS_LUT_IR_LUTTABLEOPS_TD
