//===- LutPackOps.td - Weights of few bits for tensor cores ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Included by LutOps.td.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTPACKOPS_TD
#define MAD_DIALECTS_LUT_IR_LUTPACKOPS_TD

def Lut_PackOp : Op<LutDialect, "pack", [Pure]> {
  let summary = "the parts of matrices as tiles";
  let description = [{
    `%tiles = lut.pack %codes, %scales as <int, bits = 4> to 64 : (tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<608xui8>`:
    the bytes of dialects/Lut/Format/Tiles.h, of a matrix of `rows` rows, or [batch..., bytes] of several. It is evaluated when a model is compiled
    (passes/Driver/EncodedWeights.cpp), as `lut.encode` is, and has no lowering.
  }];
  let arguments = (ins Variadic<Lut_Part>:$parts, Lut_FormatAttr:$format, I64Attr:$rows);
  let results = (outs RankedTensorOf<[UI8]>:$result);
  let assemblyFormat = [{
    $parts `as` $format `to` $rows attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Lut_UnpackOp : Op<LutDialect, "unpack", [Pure]> {
  let summary = "the matrix that tiles stand for, transposed";
  let description = [{
    `%w = lut.unpack %tiles as <int, bits = 4> : (tensor<608xui8>) -> tensor<8x64xf16>`: the `lut.dequant` of the parts that
    `lut.pack` was given, [M, K] instead of [K, M].

    `mad-match-tile-products` makes it in programs for GPUs, where a product with it reads the tiles. Such a product may
    multiply the sum of a group by its scale, so that the weight is not rounded to the element type before (at most half a
    unit in its last place).
  }];
  let arguments = (ins RankedTensorOf<[UI8]>:$tiles, Lut_FormatAttr:$format);
  let results = (outs RankedTensorOf<[F16, BF16, F32]>:$result);
  let assemblyFormat = "$tiles `as` $format attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Lut_UnpackIntoOp : Op<LutDialect, "unpack_into", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "`lut.unpack` into a tensor or memory";
  let description = [{
    What `init` held is not read. Both operands are tensors, or both are memory.
  }];
  let arguments = (ins AnyShaped:$tiles, AnyShaped:$init, Lut_FormatAttr:$format);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $tiles `to` $init `as` $format attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

#endif // MAD_DIALECTS_LUT_IR_LUTPACKOPS_TD
