//===- MadMemoryOps.td - Work on memory that devices have kernels for -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `mad-to-linalg` leaves of `mad.cumulate`, `mad.sort` and `mad.scatter` for many threads: the
// whole op on memory, for `mad-linalg-to-gpu`. They have no reference evaluation: there are none
// before that pass.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADMEMORYOPS_TD
#define MAD_DIALECTS_MAD_IR_MADMEMORYOPS_TD

include "dialects/Mad/IR/MadBase.td"

def Mad_CumulateMemoryOp : Op<MadDialect, "cumulate_memory"> {
  let summary = "writes the sums, products, largest or smallest of all first elements";
  let description = [{
    `mad.cumulate_memory sum %x along 1 to %y : memref<?x?xf32>, memref<?x?xf32>`: as
    `mad.cumulate`, with steps in any order. Steps on f16 and bf16 are in f32, and rounded once.
  }];
  let arguments = (ins Mad_ReduceKindAttr:$kind, Arg<AnyMemRef, "", [MemRead]>:$source,
                       Arg<AnyMemRef, "", [MemWrite]>:$result, I64Attr:$axis,
                       UnitAttr:$isUnsigned);
  let assemblyFormat = [{
    `` $kind $source `along` $axis `to` $result (`unsigned` $isUnsigned^)? attr-dict `:`
    type($source) `,` type($result)
  }];
  let hasVerifier = 1;
}

def Mad_SortMemoryOp : Op<MadDialect, "sort_memory", [AttrSizedOperandSegments]> {
  let summary = "writes the first elements along the last dimension, in order";
  let description = [{
    `mad.sort_memory %x to values %y positions %p`: as `mad.sort` along the last dimension, of
    at most 2^30 elements. The results hold as many of the first ones as their types say, with `whole`
    all; either may be absent.
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
                       Arg<Optional<AnyMemRef>, "", [MemWrite]>:$values,
                       Arg<Optional<AnyMemRef>, "", [MemWrite]>:$positions,
                       UnitAttr:$descending, UnitAttr:$isUnsigned, UnitAttr:$whole);
  let assemblyFormat = [{
    $source `to` (`values` $values^ `:` type($values))? (`positions` $positions^ `:` type($positions))?
    (`descending` $descending^)? (`unsigned` $isUnsigned^)? (`whole` $whole^)?
    attr-dict `:` type($source)
  }];
  let hasVerifier = 1;
}

def Mad_ScatterMemoryOp : Op<MadDialect, "scatter_memory"> {
  let summary = "updates rows of memory at computed places";
  let description = [{
    `mad.scatter_memory add %updates at %places to %result : memref<9x5xf32>, memref<9xi32>, memref<4x5xf32>`:
    as `mad.scatter`, of what `result` holds. The last dimensions of `result` make a row, as many
    as `updates` has more than `places`; place p, counted row by row, says which row of those of the other
    dimensions row p of the updates acts on. Places are not checked.
  }];
  let arguments = (ins Mad_ScatterKindAttr:$kind, Arg<AnyMemRef, "", [MemRead]>:$updates,
                       Arg<AnyMemRef, "", [MemRead]>:$places,
                       Arg<AnyMemRef, "", [MemRead, MemWrite]>:$result, UnitAttr:$isUnsigned);
  let assemblyFormat = [{
    `` $kind $updates `at` $places `to` $result (`unsigned` $isUnsigned^)? attr-dict `:`
    type($updates) `,` type($places) `,` type($result)
  }];
  let hasVerifier = 1;
}

#endif // MAD_DIALECTS_MAD_IR_MADMEMORYOPS_TD
