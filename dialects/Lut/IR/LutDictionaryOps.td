//===- LutDictionaryOps.td - Codes that are words of a dictionary -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Included by LutOps.td.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTDICTIONARYOPS_TD
#define MAD_DIALECTS_LUT_IR_LUTDICTIONARYOPS_TD

def Lut_DictionaryOp : Lut_Op<"dictionary"> {
  let summary = "the entries of the dictionary";
  let description = [{
    `%d = lut.dictionary : tensor<65536x8xui8>`: an entry for each word, as eight bytes of a number, the low one first
    (dialects/Lut/Format/Dictionary.h). Of `tensor<65536x4xui8>` an entry has the places and signs of the elements that are not 0
    (`Dictionary::terms`). It is evaluated when a model is compiled, as `lut.encode` is, and has no lowering.
  }];
  let results = (outs RankedTensorOf<[UI8]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Lut_ExpandOp : Lut_Op<"expand"> {
  let summary = "codes of 2 bits of words of a dictionary";
  let description = [{
    `%codes = lut.expand %words, %starts, %dictionary of 64 : (tensor<40x2xui8>, tensor<9x4xui8>, tensor<65536x8xui8>) -> tensor<16x8xui8>`:
    the part `codes` of `ternary` for a tensor [B..., K, M] of which `%words` and `%starts` are parts as `dictionary`; K is the number
    behind `of`. What is behind the last element of a column is 0.
  }];
  let arguments = (ins RankedTensorOf<[UI8]>:$words, RankedTensorOf<[UI8]>:$starts,
                       RankedTensorOf<[UI8]>:$dictionary, I64Attr:$rows);
  let results = (outs RankedTensorOf<[UI8]>:$result);
  let assemblyFormat = [{
    $words `,` $starts `,` $dictionary `of` $rows attr-dict `:` functional-type(operands, results)
  }];
}

def Lut_ExpandIntoOp : Op<LutDialect, "expand_into", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "`lut.expand` into a tensor or memory";
  let description = [{
    What `init` held is not read. All operands are tensors, or all are memory. Bytes have no sign here.
  }];
  let arguments = (ins AnyShaped:$words, AnyShaped:$starts, AnyShaped:$dictionary, AnyShaped:$init, I64Attr:$rows);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $words `,` $starts `,` $dictionary `to` $init `of` $rows attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

#endif // MAD_DIALECTS_LUT_IR_LUTDICTIONARYOPS_TD
