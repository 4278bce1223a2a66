//===- MadRuleOps.td - Rules that rewrite programs ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADRULEOPS_TD
#define MAD_DIALECTS_MAD_IR_MADRULEOPS_TD

include "dialects/Mad/IR/MadBase.td"

def Mad_RuleOp : Op<MadDialect, "rule", [Symbol, IsolatedFromAbove]> {
  let summary = "two ways to compute the same";
  let description = [{
    The arguments of the block are the variables of the rule; `mad.sides` gives what
    is looked for and what may stand instead, or, with `both`, the one for the other.
    Sizes of the variables' types are parameters: `#mad.dims<"K">` stands for any size, one
    that `packs` names for the sizes of any number of dimensions, also none. A rule moves the
    dimensions of a pack as a whole, in their order. `checks` are relations of sizes that must
    hold, as `mad.checks` of functions.
    `permissions` are those that every matched op on floats must have: `reassoc`,
    `contract`, `afn`, `arcp`, `nsz`, `nnan`, `ninf`. Without any, both sides have the
    same bits. `elements`: the variables' elements are written as f32 and stand for
    `float` (f16, bf16, f32, f64), `number` (integers as well), or are `exact`.
    `conditions` are dictionaries: `argument`, the number of a variable; `is`, one of
    `constant` (known when compiling), `finite`, `eq`, `ne`, `lt`, `le`, `gt`, `ge`; for
    the last six also `value`, what it is compared with.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$permissions, StrAttr:$elements,
                       UnitAttr:$both, DictArrayAttr:$conditions,
                       OptionalAttr<StrArrayAttr>:$packs, OptionalAttr<ArrayAttr>:$checks);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `permits` $permissions `of` $elements (`both` $both^)? `where` $conditions
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Mad_SidesOp : Op<MadDialect, "sides", [Pure, Terminator, SameVariadicOperandSize,
                                           HasParent<"RuleOp">]> {
  let summary = "both sides of a rule";
  let arguments = (ins Variadic<Mad_Tensor>:$left, Variadic<Mad_Tensor>:$right);
  let assemblyFormat = [{
    `(` $left `)` `and` `(` $right `)` `:` type($left) `and` type($right) attr-dict
  }];
}

#endif // MAD_DIALECTS_MAD_IR_MADRULEOPS_TD
