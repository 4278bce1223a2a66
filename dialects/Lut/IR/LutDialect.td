//===- LutDialect.td - Weights of few bits -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTDIALECT_TD
#define MAD_DIALECTS_LUT_IR_LUTDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"

def LutDialect : Dialect {
  let name = "lut";
  let cppNamespace = "::mad::lut";
  let summary = "how weights are stored in few bits";
  let description = [{
    Formats as attributes, and the two ways between a tensor and what a format stores of it.
    dialects/Lut/README.md defines the formats.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasCanonicalizer = 1;
}

/// `#lut.format<int, bits = 4, group = 32>`
def Lut_FormatAttr : AttrDef<LutDialect, "Format"> {
  let mnemonic = "format";
  let summary = "a way to store a tensor in few bits";
  let description = [{
    The family, `int`, `ternary`, `dictionary` or `codebook`, then its arguments as programs write them. What
    has its usual value is not printed. Of `dictionary`, `words` is how many a matrix has, when that is known. `<gguf, type = Q4_K>` is a block format of .gguf files.
  }];
  let parameters = (ins "::mad::lut::Format":$value);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // MAD_DIALECTS_LUT_IR_LUTDIALECT_TD
