//===- MadDataOps.td - Ops whose course depends on the data ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each has a stated order, so its result is defined to the bit.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADDATAOPS_TD
#define MAD_DIALECTS_MAD_IR_MADDATAOPS_TD

include "dialects/Mad/IR/MadBase.td"

// May fail, so it must not be moved to where it did not run.
def Mad_ScatterOp : Mad_Op<"scatter", [NoMemoryEffect]> {
  let summary = "a tensor with the elements at computed coordinates updated";
  let description = [{
    `mad.scatter add %base[%i, %j] = %updates`. Begins with `base`; then, for every
    position d of `updates` in row-major order, the element at `i[d], j[d], ...`
    becomes `update` (`set`), its sum with the update (`add`), or the larger or the
    smaller of the two (`max`, `min`, as the ops of these names). So coordinates
    that occur again act in the order of their positions, and each step is rounded.
    One index tensor a dimension of `base`, each of the shape of `updates`. A
    coordinate outside of `base` makes the call fail with an index error.
  }];
  let arguments = (ins Mad_ScatterKindAttr:$kind, Mad_Tensor:$base, Variadic<Mad_Index>:$indices,
                       Mad_Tensor:$updates);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $base `[` $indices `]` `=` $updates attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_SortOp : Mad_PureOp<"sort"> {
  let summary = "the first elements along a dimension, in order, and where they were";
  let description = [{
    `mad.sort %x along 1 descending`: elements ascend along dimension 1, or descend.
    The results may have fewer elements along it than the source: the first ones of
    the order. Stable both ways: of equal elements, the one with the smaller position
    comes first. NaN counts as larger than every number and equal to NaN; -0 and +0
    are equal; false is less than true. Elements are moved, never changed.
  }];
  let arguments = (ins Mad_Tensor:$source, I64Attr:$axis, UnitAttr:$descending);
  let results = (outs Mad_Tensor:$values, Mad_Index:$positions);
  let assemblyFormat = [{
    $source `along` $axis (`descending` $descending^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_CumulateOp : Mad_PureOp<"cumulate"> {
  let summary = "the sums, products, largest or smallest of all first elements";
  let description = [{
    `mad.cumulate sum %x along 1`: along dimension 1, `result[0] = x[0]` and
    `result[i] = result[i - 1] + x[i]`, each rounded to the element type. `prod`,
    `max` and `min` (as the ops of these names) likewise.
  }];
  let arguments = (ins Mad_ReduceKindAttr:$kind, Mad_NumberTensor:$source, I64Attr:$axis);
  let results = (outs Mad_NumberTensor:$result);
  let assemblyFormat = "`` $kind $source `along` $axis attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_PhiloxOp : Mad_PureOp<"philox"> {
  let summary = "random words: Philox4x32-10 of a key and a counter";
  let description = [{
    `mad.philox %key at %counter : (tensor<2xi32>, tensor<4xi32>) -> tensor<?xi32>`.
    Word n is word n mod 4 of the block function of `counter + n / 4` under the key,
    where the counter is one number of 128 bits, its first word the lowest, and
    wraps. The block function is that of Salmon, Moraes, Dror and Shaw, "Parallel
    random numbers: as easy as 1, 2, 3" (SC'11), with 10 rounds.
  }];
  let arguments = (ins Mad_Tensor:$key, Mad_Tensor:$counter);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$key `at` $counter attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // MAD_DIALECTS_MAD_IR_MADDATAOPS_TD
