//===- MadMathOps.td - Further functions of numbers and bits -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of floats are those of C of the same name, with the special values of
// its Annex F.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADMATHOPS_TD
#define MAD_DIALECTS_MAD_IR_MADMATHOPS_TD

include "dialects/Mad/IR/MadElementwise.td"

def Mad_IntegerTensor : RankedTensorOf<[I8, UI8, I32, I64]>;

//===----------------------------------------------------------------------===//
// Of floats
//===----------------------------------------------------------------------===//

def Mad_AcosOp  : Mad_UnaryOp<"acos", Mad_FloatTensor, "arc cosine in [0, pi]; NaN outside of [-1, 1]">;
def Mad_AcoshOp : Mad_UnaryOp<"acosh", Mad_FloatTensor, "area hyperbolic cosine; NaN below 1">;
def Mad_AsinOp  : Mad_UnaryOp<"asin", Mad_FloatTensor, "arc sine in [-pi/2, pi/2]; NaN outside of [-1, 1]">;
def Mad_AsinhOp : Mad_UnaryOp<"asinh", Mad_FloatTensor, "area hyperbolic sine">;
def Mad_AtanOp  : Mad_UnaryOp<"atan", Mad_FloatTensor, "arc tangent in [-pi/2, pi/2]">;
def Mad_AtanhOp : Mad_UnaryOp<"atanh", Mad_FloatTensor, "area hyperbolic tangent; inf at 1, NaN outside of [-1, 1]">;
def Mad_CbrtOp  : Mad_UnaryOp<"cbrt", Mad_FloatTensor, "cube root, of negative numbers too">;
def Mad_CoshOp  : Mad_UnaryOp<"cosh", Mad_FloatTensor, "hyperbolic cosine">;
def Mad_ErfcOp  : Mad_UnaryOp<"erfc", Mad_FloatTensor, "1 - erf(x), accurate where that is near 0">;
def Mad_Exp2Op  : Mad_UnaryOp<"exp2", Mad_FloatTensor, "2^x">;
def Mad_Log10Op : Mad_UnaryOp<"log10", Mad_FloatTensor, "decimal logarithm; NaN below 0, -inf at 0">;
def Mad_Log2Op  : Mad_UnaryOp<"log2", Mad_FloatTensor, "binary logarithm; NaN below 0, -inf at 0">;
def Mad_SinhOp  : Mad_UnaryOp<"sinh", Mad_FloatTensor, "hyperbolic sine">;
def Mad_TruncOp : Mad_UnaryOp<"trunc", Mad_FloatTensor, "the integer towards zero">;

def Mad_Atan2Op : Mad_BinaryOp<"atan2", Mad_FloatTensor,
    "the angle of the point (y, x) in [-pi, pi], y first; signed zeros choose the side">;

def Mad_FmaOp : Mad_ElementwiseOp<"fma", [SameOperandsAndResultElementType]> {
  let summary = "x * y + z with one rounding; f16 and bf16: one of f32, then their own";
  let arguments = (ins Mad_FloatTensor:$x, Mad_FloatTensor:$y, Mad_FloatTensor:$z);
  let results = (outs Mad_FloatTensor:$result);
  let assemblyFormat = "$x `,` $y `,` $z attr-dict `:` functional-type(operands, results)";
}

class Mad_FloatPredicateOp<string name, string what> : Mad_ElementwiseOp<name> {
  let summary = what;
  let arguments = (ins Mad_FloatTensor:$operand);
  let results = (outs Mad_BoolTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
}
def Mad_IsFiniteOp : Mad_FloatPredicateOp<"isfinite", "i1: neither infinite nor NaN">;
def Mad_IsInfOp : Mad_FloatPredicateOp<"isinf", "i1: +inf or -inf">;
def Mad_IsNanOp : Mad_FloatPredicateOp<"isnan", "i1: not a number">;

//===----------------------------------------------------------------------===//
// Of the bits of integers
//===----------------------------------------------------------------------===//

def Mad_BitAndOp : Mad_BinaryOp<"bit_and", Mad_IntegerTensor, "bits that both have", [Commutative]>;
def Mad_BitOrOp  : Mad_BinaryOp<"bit_or", Mad_IntegerTensor, "bits that one or both have", [Commutative]>;
def Mad_BitXorOp : Mad_BinaryOp<"bit_xor", Mad_IntegerTensor, "bits that one alone has", [Commutative]>;
def Mad_BitNotOp : Mad_UnaryOp<"bit_not", Mad_IntegerTensor, "all bits inverted">;
def Mad_ShiftLeftOp : Mad_BinaryOp<"shift_left", Mad_IntegerTensor,
    "x * 2^y, wrapping; 0 for y < 0 or y of the width or more">;
def Mad_ShiftRightOp : Mad_BinaryOp<"shift_right", Mad_IntegerTensor,
    "floor(x / 2^y), which keeps the sign; -1 or 0 for y < 0 or y of the width or more">;

#endif // MAD_DIALECTS_MAD_IR_MADMATHOPS_TD
