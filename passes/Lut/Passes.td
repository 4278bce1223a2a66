//===- Passes.td - Passes on weights of few bits ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_PASSES_TD
#define MAD_PASSES_LUT_PASSES_TD

include "mlir/Pass/PassBase.td"

def MatchLutProducts : Pass<"mad-match-lut-products", "::mlir::ModuleOp"> {
  let summary = "finds products that kernels compute from codes of few bits";
  let description = [{
    `mad.contract` of rows and the `lut.dequant` of a matrix [K, M], summed over K, becomes `lut.product` where
    it is in f32 and its precision lets sums have any order. `lut.gemm` is marked as one for kernels, of a batch in a `mad.scan`. In front of
    `mad-lut-to-mad`, which decodes whole what is left. Of a batch of matrices, `x[e] @ w[e]` or `x @ w[e]`, it is one in a `mad.scan`. A
    weight in blocks of a .gguf file is multiplied by its codes with scales that are multiplied out before, and its minima by
    the sums of groups of rows. Remarks say why a product did not become one.
  }];
  let statistics = [Statistic<"numMatched", "num-matched", "products found">];
  let dependentDialects = ["::mad::MadDialect"];
}

def MatchGemms : Pass<"mad-match-gemms", "::mlir::ModuleOp"> {
  let summary = "finds products of quantised activations and weights of integers";
  let description = [{
    `mad.contract` of a `lut.dequant_act` and a `lut.dequant` of `int` or `ternary`, summed over K alone and in f32,
    becomes `lut.gemm`. What lies between them may choose, rename or reorder dimensions; rows that a weight of several matrices shares are
    spread over them. Behind inlining and the slicing of parts, in front of all else: the interpreter and every
    target run it on the same program, because the two ways to compute a product differ in roundings.
    Remarks say why a product stays one of floats.
  }];
  let statistics = [Statistic<"numMatched", "num-matched", "products found">];
}

def MatchTileProducts : Pass<"mad-match-tile-products", "::mlir::ModuleOp"> {
  let summary = "finds products that GPUs compute from tiles of codes";
  let description = [{
    `mad.contract` of rows and the `lut.dequant` of a weight [K, M], summed over K, becomes one of `lut.unpack` of
    a computed weight that holds the codes in the order of tensor cores (dialects/Lut/Format/Tiles.h), where the
    element type is f16, bf16 or f32 and sums may have any order. Of a weight of several matrices the view that chooses one chooses
    its tiles; a product with all of them becomes a `mad.scan` over them. `mad-linalg-to-gpu` finds these two. Before computed
    weights are evaluated, for code of GPUs; where a library has code for CPUs, too, on a copy of the program. Remarks
    say why a product did not become one.
  }];
  let statistics = [Statistic<"numMatched", "num-matched", "products found">];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def PrecomputeTables : Pass<"mad-precompute-tables", "::mlir::ModuleOp"> {
  let summary = "makes what kernels precompute of activations values";
  let description = [{
    Each `lut.gemm` of a kernel gets a `lut.precompute` of its rows: those of the same rows that read the same bytes share one, whatever their formats
    and columns. Of one product it is the same code as without; a loop that changes nothing of the rows has it in front. Behind `mad-match-lut-products`, for
    CPUs.
  }];
  let statistics = [Statistic<"numTables", "num-tables", "values made">];
}

def PackCodes : Pass<"mad-pack-codes", "::mlir::ModuleOp"> {
  let summary = "stores weights of few bits in panels of columns";
  let description = [{
    Codes, scales and zeros that nothing but `lut.product_into` and `lut.gemm_into` reads, in all entries, become weights in panels of 64
    columns, which the driver or the loader packs (as for `mad-pack-weights`). Then a piece reads memory in the
    order in which it lies. Tables of columns do beside codes that something else reads. So do those of a weight of layers, [L, K, M], of which products read one each.
    Codes that `lut.gemm_into` alone reads, in groups of whole blocks and none that are looked up row by row, are woven, too: the bytes
    of four rows lie side by side (runtime/core/panels.h), as kernels multiply them.
  }];
  let statistics = [Statistic<"numPacked", "num-packed", "weights packed">];
}

def MultiplyCodes : Pass<"mad-multiply-codes", "::mlir::ModuleOp"> {
  let summary = "multiplies with weights of few bits";
  let description = [{
    `lut.product_into` of memory becomes calls of the functions that passes/Kernels builds. Few rows are
    multiplied by what reads the codes; for more of them blocks of the weight are decoded into panels, of which
    tiles of the result are computed as `mad-pack-contractions` does. Where the number of rows is known when
    running only, the code decides then. Pieces have columns of their own. `lut.gemm_into` becomes calls of
    kernels on bytes, which read what `lut.precompute_into` makes of the rows; whether there are instructions for their products (VNNI) and look-ups (VBMI) is asked when running. After
    bufferization, before the arena is planned.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">,
    Option<"grain", "grain", "int64_t", /*default=*/"20000000",
           "estimated time of a piece in picoseconds">,
    Option<"vnni", "vnni", "bool", /*default=*/"true",
           "ask the CPU for VNNI and VBMI, and use them">,
    Option<"tiles", "tiles", "std::string", /*default=*/"\"\"",
           "tile parameters, as in f32:MR=6,KC=1024;f64:MR=6; default: those of the level">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // MAD_PASSES_LUT_PASSES_TD
