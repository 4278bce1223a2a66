//===- LutOps.td - Between tensors and formats ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTOPS_TD
#define MAD_DIALECTS_LUT_IR_LUTOPS_TD

include "dialects/Lut/IR/LutDialect.td"
include "dialects/Mad/IR/MadInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Lut_Values : RankedTensorOf<[F16, BF16, F32, F64]>;
def Lut_Part : RankedTensorOf<[UI8, F16, F32]>;

class Lut_Op<string name>
    : Op<LutDialect, name, [Pure, DeclareOpInterfaceMethods<ReferenceOpInterface>,
                            DifferentiableOpInterface]> {
  let hasVerifier = 1;
}

def Lut_EncodeOp : Lut_Op<"encode"> {
  let summary = "the parts that a format stores a tensor as";
  let description = [{
    `%codes, %scales = lut.encode %w as <int, bits = 4> : (tensor<64x8xf32>) -> (tensor<32x8xui8>, tensor<1x8xf32>)`.
    The source has a static shape [B..., K, M]; its elements count as f32 (f64: rounded). Each becomes
    the nearest value of the format's grid, halves to even. With `exact` the grid is one that has
    all elements. Fails where an element is NaN or infinite, where a scale is beyond its type, and,
    with `exact`, where there is no such grid.

    It is evaluated when a model is compiled (passes/Driver/EncodedWeights.cpp), so that all targets
    get the same bytes, and has no lowering.
  }];
  let arguments = (ins Lut_Values:$source, Lut_FormatAttr:$format, UnitAttr:$exact);
  let results = (outs Variadic<Lut_Part>:$parts);
  let assemblyFormat = [{
    $source `as` $format (`exact` $exact^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Lut_DequantOp : Lut_Op<"dequant"> {
  let summary = "the tensor that the parts of a format stand for";
  let description = [{
    `%w = lut.dequant %codes, %scales as <int, bits = 4> : (tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<64x8xf32>`.
    Integers: `scale * (code - zero)`, rounded to f32 once; ternary: `scale * (code - 1)`; codebook:
    `table[code]`. Then rounded to the element type of the result.

    Nothing moves through it: what weights alone decide becomes a weight of its own only up to here,
    and no rule of rewriting sees its parts, so that a weight stays as small as its format says.
    Kernels that read codes match `mad.contract` of it.
  }];
  let arguments = (ins Variadic<Lut_Part>:$parts, Lut_FormatAttr:$format);
  let results = (outs Lut_Values:$result);
  let assemblyFormat = "$parts `as` $format attr-dict `:` functional-type(operands, results)";
}

#endif // MAD_DIALECTS_LUT_IR_LUTOPS_TD
