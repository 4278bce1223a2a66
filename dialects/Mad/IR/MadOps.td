//===- MadOps.td - The ops of the tensor dialect -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADOPS_TD
#define MAD_DIALECTS_MAD_IR_MADOPS_TD

include "dialects/Mad/IR/MadElementwise.td"

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def Mad_ConstantOp : Mad_PureOp<"constant", [ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "numbers known when compiling";
  let description = [{ `mad.constant dense<1.0> : tensor<2x3xf32>`. The type is static. }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_WeightOp : Mad_PureOp<"weight", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a tensor from a weight file";
  let description = [{
    `mad.weight @fc1 : tensor<64x128xf32, ...>`. `@fc1` names a `mad.weight_source`
    of the module. The bytes never enter the IR.
  }];
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

def Mad_WeightSourceOp : Op<MadDialect, "weight_source", [Symbol]> {
  let summary = "where the elements of a weight come from";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, StrAttr:$path, StrAttr:$entry,
                       UnitAttr:$transposed);
  let assemblyFormat = "$sym_name `from` $path `:` $entry (`transposed` $transposed^)? attr-dict `:` $type";
  let hasVerifier = 1;
}

def Mad_DimOp : Mad_PureOp<"dim"> {
  let summary = "the value of a dimension, as an i64 scalar";
  let description = [{ `mad.dim "H - 2" : tensor<i64>`: the polynomial over the entry's dimension parameters. }];
  let arguments = (ins StrAttr:$expression);
  let results = (outs Mad_IndexScalar:$result);
  let assemblyFormat = "$expression attr-dict `:` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_IotaOp : Mad_PureOp<"iota"> {
  let summary = "each position holds its own index along one dimension";
  let arguments = (ins I64Attr:$axis);
  let results = (outs Mad_Index:$result);
  let assemblyFormat = "$axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

def Mad_ViewOp : Mad_Op<"view", [NoMemoryEffect,
                                 DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "reads a tensor through an affine map";
  let description = [{
    `result[d...] = source[map(d...)]`. The dims of `map` are those of the result,
    its symbols the `scalars`; its results are the coordinates in `source`.
    Broadcast, transpose, slice, window, diagonal and reversal are all views.
    `boundary` says what is read outside of `source`: `inside` (never happens,
    proved), `checked` (the call fails), `zero`, `periodic`, `clamp`.
  }];
  let arguments = (ins Mad_Tensor:$source, Variadic<Mad_IndexScalar>:$scalars, AffineMapAttr:$map,
                       Mad_BoundaryAttr:$boundary);
  let results = (outs Mad_Tensor:$result);
  // An enum prints a space before itself, here and below: `` takes one away.
  let assemblyFormat = [{
    $source (`[` $scalars^ `]`)? `by` $map `` $boundary attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

// May fail, so it must not be moved to where it did not run.
def Mad_GatherOp : Mad_Op<"gather", [NoMemoryEffect]> {
  let summary = "reads a tensor at computed coordinates";
  let description = [{
    `result[d] = source[indices0[d], indices1[d], ...]`: one index tensor a
    dimension of `source`, each of the shape of the result. A coordinate outside
    of `source` makes the call fail with an index error.
  }];
  let arguments = (ins Mad_Tensor:$source, Variadic<Mad_Index>:$indices);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$source `[` $indices `]` attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_ReshapeOp : Mad_PureOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let arguments = (ins Mad_Tensor:$source);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_ConcatOp : Mad_PureOp<"concat"> {
  let summary = "joins tensors along one dimension";
  let arguments = (ins Variadic<Mad_Tensor>:$parts, I64Attr:$axis);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$axis `of` $parts attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

def Mad_NegOp   : Mad_UnaryOp<"neg", Mad_NumberTensor, "-x; wraps for integers">;
def Mad_AbsOp   : Mad_UnaryOp<"abs", Mad_NumberTensor, "|x|; wraps for the least integer">;
def Mad_SignOp  : Mad_UnaryOp<"sign", Mad_NumberTensor, "-1, 0 or 1; keeps -0 and NaN">;
def Mad_NotOp   : Mad_UnaryOp<"not", Mad_BoolTensor, "logical negation">;
def Mad_ExpOp   : Mad_UnaryOp<"exp", Mad_FloatTensor, "e^x">;
def Mad_Expm1Op : Mad_UnaryOp<"expm1", Mad_FloatTensor, "e^x - 1, accurate near 0">;
def Mad_LogOp   : Mad_UnaryOp<"log", Mad_FloatTensor, "natural logarithm; NaN below 0, -inf at 0">;
def Mad_Log1pOp : Mad_UnaryOp<"log1p", Mad_FloatTensor, "log(1 + x), accurate near 0">;
def Mad_SqrtOp  : Mad_UnaryOp<"sqrt", Mad_FloatTensor, "square root, correctly rounded">;
def Mad_RsqrtOp : Mad_UnaryOp<"rsqrt", Mad_FloatTensor, "1 / sqrt(x)">;
def Mad_SinOp   : Mad_UnaryOp<"sin", Mad_FloatTensor, "sine of radians">;
def Mad_CosOp   : Mad_UnaryOp<"cos", Mad_FloatTensor, "cosine of radians">;
def Mad_TanOp   : Mad_UnaryOp<"tan", Mad_FloatTensor, "tangent of radians">;
def Mad_TanhOp  : Mad_UnaryOp<"tanh", Mad_FloatTensor, "hyperbolic tangent">;
def Mad_ErfOp   : Mad_UnaryOp<"erf", Mad_FloatTensor, "error function">;
def Mad_FloorOp : Mad_UnaryOp<"floor", Mad_FloatTensor, "largest integer not above x">;
def Mad_CeilOp  : Mad_UnaryOp<"ceil", Mad_FloatTensor, "smallest integer not below x">;
def Mad_RoundOp : Mad_UnaryOp<"round", Mad_FloatTensor, "nearest integer, halves to even">;

def Mad_AddOp : Mad_BinaryOp<"add", Mad_NumberTensor, "x + y; wraps for integers", [Commutative]>;
def Mad_SubOp : Mad_BinaryOp<"sub", Mad_NumberTensor, "x - y; wraps for integers">;
def Mad_MulOp : Mad_BinaryOp<"mul", Mad_NumberTensor, "x * y; wraps for integers", [Commutative]>;
def Mad_DivOp : Mad_BinaryOp<"div", Mad_NumberTensor,
    "x / y; integers: floor(x / y), and 0 for y = 0">;
def Mad_RemOp : Mad_BinaryOp<"rem", Mad_NumberTensor,
    "x - floor(x / y) * y: the sign of y; integers: 0 for y = 0">;
def Mad_PowOp : Mad_BinaryOp<"pow", Mad_NumberTensor,
    "x^y as C's pow; integers: wraps, and 0 for y < 0 unless |x| = 1"> {
  let hasCanonicalizer = 1;
}
def Mad_MinOp : Mad_BinaryOp<"min", Mad_NumberTensor, "the smaller; NaN if one is", [Commutative]>;
def Mad_MaxOp : Mad_BinaryOp<"max", Mad_NumberTensor, "the larger; NaN if one is", [Commutative]>;
def Mad_AndOp : Mad_BinaryOp<"and", Mad_BoolTensor, "both", [Commutative]>;
def Mad_OrOp  : Mad_BinaryOp<"or", Mad_BoolTensor, "one or both", [Commutative]>;

def Mad_CompareOp : Mad_ElementwiseOp<"compare"> {
  let summary = "a comparison; with NaN only `ne` holds";
  let arguments = (ins Mad_PredicateAttr:$predicate, Mad_Tensor:$lhs, Mad_Tensor:$rhs);
  let results = (outs Mad_BoolTensor:$result);
  let assemblyFormat = "`` $predicate $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}
def Mad_SelectOp : Mad_ElementwiseOp<"select"> {
  let summary = "the second operand where the condition holds, else the third";
  let arguments = (ins Mad_BoolTensor:$condition, Mad_Tensor:$then, Mad_Tensor:$otherwise);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$condition `,` $then `,` $otherwise attr-dict `:` functional-type(operands, results)";
}
def Mad_CastOp : Mad_ElementwiseOp<"cast"> {
  let summary = "the same number in another element type";
  let description = [{
    To a float: the nearest one, ties to even; one rounding, whatever the operand
    is. Float to integer rounds towards zero and saturates, NaN gives 0. Integer
    to integer wraps. To bool: unequal to 0. With one element type on both sides it
    only renames static dimensions.
  }];
  let arguments = (ins Mad_Tensor:$operand);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

def Mad_ReduceOp : Mad_PureOp<"reduce"> {
  let summary = "combines the elements along some dimensions";
  let description = [{
    `mad.reduce sum %x over [1] : ...` removes dimension 1. `argmax` takes one
    dimension, gives i64 and the first of equal elements; NaN counts as largest.
    `max` and `min` give NaN when there is one. Of no elements: sum 0, prod 1,
    max -inf or the least integer, min +inf or the greatest, argmax 0, all true,
    any false. Order is free but fixed for a build. f16 and bf16 accumulate in f32
    and round once; sums and products of integers wrap in the element type.
  }];
  let arguments = (ins Mad_ReduceKindAttr:$kind, Mad_Tensor:$source, DenseI64ArrayAttr:$dims);
  let results = (outs Mad_Tensor:$result);
  let assemblyFormat = "`` $kind $source `over` $dims attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Mad_ContractOp : Mad_PureOp<"contract"> {
  let summary = "sums the products of two tensors";
  let description = [{
    `result[p] = sum over r of lhs[l(p, r)] * rhs[r(p, r)]`. The maps take the
    iteration space, result dimensions first, to the operands; each map result is
    a plain dimension and none occurs twice in a map. Accumulates in the element
    type, f16 and bf16 in f32 with one rounding at the end, in a fixed order that
    is not stated. Integers wrap. The sum of nothing is 0.
  }];
  let arguments = (ins Mad_NumberTensor:$lhs, Mad_NumberTensor:$rhs, AffineMapAttr:$lhsMap,
                       AffineMapAttr:$rhsMap);
  let results = (outs Mad_NumberTensor:$result);
  let assemblyFormat = [{
    $lhs `by` $lhsMap `,` $rhs `by` $rhsMap attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

def Mad_YieldOp : Op<MadDialect, "yield", [Pure, Terminator, ParentOneOf<["IfOp", "ScanOp", "IterateOp"]>]> {
  let summary = "ends a region with its values";
  let arguments = (ins Variadic<Mad_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Mad_IfOp : Mad_Op<"if", [RecursiveMemoryEffects, RecursivelySpeculatable,
                             SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "one of two computations; only the chosen one is run";
  let arguments = (ins Mad_BoolScalar:$condition);
  let results = (outs Variadic<Mad_Tensor>:$results);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = "$condition `:` type($condition) (`->` type($results)^)? $thenRegion `else` $elseRegion attr-dict";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Mad_ScanOp : Mad_Op<"scan", [RecursiveMemoryEffects, RecursivelySpeculatable,
                                 SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "repeats a computation on carried values";
  let description = [{
    Runs the region for the counter from `low` up to but without `high` (both
    dimension expressions). The region takes the counter (i64 scalar) and the
    carried values and yields the next ones, of the same types. What it yields
    beyond them is collected: the results after the carried ones hold it for each
    step, along a new leading dimension of `high - low`.
  }];
  let arguments = (ins Variadic<Mad_Tensor>:$initial, StrAttr:$low, StrAttr:$high);
  let results = (outs Variadic<Mad_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $low `to` $high (`carry` $initial^)? `:` functional-type($initial, results) $body attr-dict
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // MAD_DIALECTS_MAD_IR_MADOPS_TD
