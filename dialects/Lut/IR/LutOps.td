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
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Lut_Values : RankedTensorOf<[F16, BF16, F32, F64]>;
def Lut_Part : RankedTensorOf<[UI8, F16, F32]>;

class Lut_Op<string name, list<Trait> traits = []>
    : Op<LutDialect, name, !listconcat([Pure, DeclareOpInterfaceMethods<ReferenceOpInterface>], traits)> {
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
    `table[code]`. Then rounded to the element type of the result. The last part of `dictionary` is the `lut.dictionary`.

    Nothing moves through it: what weights alone decide becomes a weight of its own only up to here,
    and no rule of rewriting sees its parts, so that a weight stays as small as its format says.
    Kernels that read codes match `mad.contract` of it.
  }];
  let arguments = (ins Variadic<Lut_Part>:$parts, Lut_FormatAttr:$format);
  let results = (outs Lut_Values:$result);
  let assemblyFormat = "$parts `as` $format attr-dict `:` functional-type(operands, results)";
}

def Lut_GptqOp : Lut_Op<"gptq"> {
  let summary = "a weight rounded so that its products with activations stay near";
  let description = [{
    `%q = lut.gptq %w, %gram as <int, bits = 3, group = 128> : (tensor<64x8xf32>, tensor<64x64xf32>) -> tensor<64x8xf32>`
    by GPTQ (Frantar et al., 2022), as dialects/Lut/README.md says. The weight is [B..., K, M] (`along = last`: [B..., M, K]), `%gram` the X^T X of its
    activations, [B..., K, K]. `lut.encode exact` of the result never fails. Like that it is evaluated when a
    model is compiled, and has no lowering. `damp`: what is added to the diagonal of X^T X, as a part of its mean.
    `ordered`: rows with more energy come first. `searched`: scales are those of the part of the range with the least error.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$source, RankedTensorOf<[F32]>:$gram, Lut_FormatAttr:$format,
                       DefaultValuedAttr<F64Attr, "0.01">:$damp, UnitAttr:$ordered,
                       UnitAttr:$searched);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $source `,` $gram `as` $format attr-dict `:` functional-type(operands, results)
  }];
}

def Lut_ProductOp : Lut_Op<"product"> {
  let summary = "rows times a matrix of few bits";
  let description = [{
    `%y = lut.product %x, %codes, %scales as <int, bits = 4> : (tensor<?x64xf32>, tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<?x8xf32>`:
    `y[t..., m] = sum over k of x[t..., k] * w[k, m]`, w the `lut.dequant` of the parts. Sums are in f32, in
    any order, and the scale of a group may multiply the sum of its products, and a zero point that
    of its elements. So a sum can overflow where x is within a factor of 2^bits of what f32 holds, and with zero
    points an infinite element can give NaN. So it is with minima of
    blocks of .gguf files, which are multiplied by sums of groups.

    `integers`: elements of x are integers from -127 to 127.

    `mad-match-lut-products` makes it where there is a kernel that reads codes.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$source, Variadic<Lut_Part>:$parts, Lut_FormatAttr:$format,
                       UnitAttr:$integers);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $source `,` $parts `as` $format (`of` `integers` $integers^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Lut_ProductIntoOp : Op<LutDialect, "product_into", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "`lut.product` into a tensor or memory";
  let description = [{
    `lut.product_into %x, %codes, %scales to %y as <int, bits = 4> : (memref<?x64xf32>, memref<32x8xi8>, memref<1x8xf32>, memref<?x8xf32>) -> ()`:
    what `%y` held is not read. All operands are tensors, or all are memory. Bytes have no sign here. Parts may lie in panels of 64
    columns, [panels, rows, 64], filled up with zeros (`mad-pack-codes`).
  }];
  let arguments = (ins AnyShaped:$source, Variadic<AnyShaped>:$parts, AnyShaped:$init,
                       Lut_FormatAttr:$format, UnitAttr:$integers);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $source `,` $parts `to` $init `as` $format (`of` `integers` $integers^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Lut_ActCodes : RankedTensorOf<[I8]>;
def Lut_ActScales : RankedTensorOf<[F32]>;

def Lut_QuantizeActOp : Lut_Op<"quantize_act"> {
  let summary = "rows as integers from -127 to 127, each row with a scale";
  let description = [{
    `%q, %s = lut.quantize_act %x : (tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?xf32>)`. A row is what the last
    dimension of the source goes along; its elements count as f32 (f64: rounded). All in f32:

      s = max(0, max over k of |x[k]|) / 127
      q[k] = clamp(rint(x[k] / s), -127, 127), halves to even; all 0 where s is 0

    A row with a NaN has a scale of NaN, one with an infinity of infinity, and in both all codes are 0:
    what is computed of them is NaN. An element is off by at most `s / 2 (1 + 2^-15)`, where s is a normal number.
  }];
  let arguments = (ins Lut_Values:$source);
  let results = (outs Lut_ActCodes:$codes, Lut_ActScales:$scales);
  let assemblyFormat = "$source attr-dict `:` functional-type(operands, results)";
}

def Lut_DequantActOp : Lut_Op<"dequant_act"> {
  let summary = "the rows that codes and scales stand for";
  let description = [{
    `%x = lut.dequant_act %q, %s : (tensor<?x64xi8>, tensor<?xf32>) -> tensor<?x64xf32>`:
    `x[t..., k] = q[t..., k] * s[t...]`, rounded to f32 once, then to the element type of the result.

    `mad.contract` of it and a factor is a product with quantised activations. Of an integer weight
    `mad-match-gemms` makes `lut.gemm`; with all others it stays an ordinary product.
  }];
  let arguments = (ins Lut_ActCodes:$codes, Lut_ActScales:$scales);
  let results = (outs Lut_Values:$result);
  let assemblyFormat = "$codes `,` $scales attr-dict `:` functional-type(operands, results)";
}

def Lut_GemmOp : Lut_Op<"gemm", [AttrSizedOperandSegments]> {
  let summary = "quantised rows times a matrix of integers";
  let description = [{
    `%y = lut.gemm %q, %s, %codes, %scales as <int, bits = 4> : (tensor<?x64xi8>, tensor<?xf32>, tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<?x8xf32>`.
    The format is `int` or `ternary`: a weight is `scale * v` with v an integer (dialects/Lut/README.md). With g the
    groups along K, ascending, each cut into pieces of 65536 elements where it is longer:

      acc = 0;  acc = acc + f32(sum over k of g of q[t..., k] * v[k, m]) * scale[g, m];  y[t..., m] = acc * s[t...]

    The sums are exact: a piece is at most 65536 * 127 * 255 < 2^31. Each conversion, product and sum of floats is
    rounded once, so no target gives other bits. A weight [B..., K, M] is for rows [B..., T..., K].

    `kernel` says that a kernel reads the codes; without it `mad-lut-to-mad` writes the sums as tensor expressions.
    `of %t, %sums` behind it: the `lut.precompute` of the rows, which the kernel reads.
  }];
  let arguments = (ins Lut_ActCodes:$source, Lut_ActScales:$sourceScales, Variadic<Lut_Part>:$parts,
                       Variadic<RankedTensorOf<[I8, I32]>>:$precomputed, Lut_FormatAttr:$format,
                       UnitAttr:$kernel);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $source `,` $sourceScales `,` $parts `as` $format (`kernel` $kernel^)?
    (`of` $precomputed^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Lut_GemmIntoOp : Op<LutDialect, "gemm_into", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "`lut.gemm` into a tensor or memory";
  let description = [{
    `lut.gemm_into %q, %s, %codes, %scales to %y as <int, bits = 4> : (memref<?x64xi8>, memref<?xf32>, memref<32x8xi8>, memref<1x8xf32>, memref<?x8xf32>) -> ()`:
    of a single matrix [K, M]. What `%y` held is not read. All operands are tensors, or all are memory. Bytes have no
    sign here. Parts may lie in panels as for `lut.product_into`. Without a `lut.precompute` of the rows the kernel makes its own.
  }];
  let arguments = (ins AnyShaped:$source, AnyShaped:$sourceScales, Variadic<AnyShaped>:$parts,
                       Variadic<AnyShaped>:$precomputed, AnyShaped:$init, Lut_FormatAttr:$format);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $source `,` $sourceScales `,` $parts `to` $init `as` $format (`of` $precomputed^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

include "dialects/Lut/IR/LutDictionaryOps.td"
include "dialects/Lut/IR/LutTableOps.td"
include "dialects/Lut/IR/LutPackOps.td"

#endif // MAD_DIALECTS_LUT_IR_LUTOPS_TD
