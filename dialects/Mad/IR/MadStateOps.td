//===- MadStateOps.td - Functional update and bounded iteration ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADSTATEOPS_TD
#define MAD_DIALECTS_MAD_IR_MADSTATEOPS_TD

include "dialects/Mad/IR/MadBase.td"

def Mad_UpdateOp : Mad_Op<"update", [NoMemoryEffect,
                                     DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "a tensor with some of its elements replaced";
  let description = [{
    `result[map(d...)] = value[d...]`, and `result[p] = dest[p]` everywhere else.
    The dims of `map` are those of `value`, its symbols the `scalars`; each dim
    stands in one coordinate alone, times a constant of at least 1, so no position
    is written twice. `boundary` is `inside` (proved) or `checked` (the call fails
    when a position lies outside of `dest`).
  }];
  let arguments = (ins Mad_Tensor:$dest, Mad_Tensor:$value, Variadic<Mad_IndexScalar>:$scalars,
                       AffineMapAttr:$map, Mad_BoundaryAttr:$boundary);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = [{
    $dest (`[` $scalars^ `]`)? `by` $map `` $boundary `with` $value attr-dict `:`
    functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_IterateOp : Mad_Op<"iterate", [RecursiveMemoryEffects,
                                       SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "repeats a computation while a condition holds, a limited number of times";
  let description = [{
    Both regions take the number of rounds that have run (i64 scalar) and the
    carried values. `condition` yields one bool; while it holds and fewer than
    `limit` rounds have run, `body` yields the next carried values. The results are
    the carried values and, last, the number of rounds. The condition is not
    evaluated after the last of `limit` rounds. Not speculatable: how long it runs
    depends on values.
  }];
  let arguments = (ins Variadic<Mad_Tensor>:$initial, StrAttr:$limit);
  let results = (outs Variadic<Mad_Tensor>:$results);
  let regions = (region SizedRegion<1>:$condition, SizedRegion<1>:$body);
  let assemblyFormat = [{
    `max` $limit (`carry` $initial^)? `:` functional-type($initial, results)
    `while` $condition `do` $body attr-dict
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // MAD_DIALECTS_MAD_IR_MADSTATEOPS_TD
