//===- Catalogue.cpp - One of each kernel -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Catalogue.h"
#include "passes/Kernels/Gpu/Attention.h"
#include "passes/Kernels/Gpu/Digits.h"
#include "passes/Kernels/Gpu/Elementwise.h"
#include "passes/Kernels/Gpu/LutMatmul.h"
#include "passes/Kernels/Gpu/Matmul.h"
#include "passes/Kernels/Gpu/Rows.h"
#include "passes/Kernels/Gpu/Scan.h"
#include "passes/Kernels/Gpu/Scatter.h"
#include "passes/Kernels/Gpu/Sort.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mad::device;

namespace {
/// y = a x + y
ElementwiseSpec scaledSum(Type element) {
  ElementwiseSpec spec;
  spec.inputs = {element, element};
  spec.outputs = {element};
  spec.scalars = {Float32Type::get(element.getContext())};
  spec.inPlace = true;
  spec.body = [element](GpuBuilder &g, ValueRange x, ValueRange scalars, Value) -> Values {
    Type f32 = g.b.getF32Type();
    return {g.convert(g.fma(scalars[0], g.convert(x[0], f32), g.convert(x[1], f32)), element)};
  };
  return spec;
}

/// y = exp(x)
ElementwiseSpec exponential(Type element) {
  ElementwiseSpec spec;
  spec.inputs = {element};
  spec.outputs = {element};
  spec.body = [element](GpuBuilder &g, ValueRange x, ValueRange, Value) -> Values {
    return {g.convert(g.exp(g.convert(x[0], g.b.getF32Type())), element)};
  };
  return spec;
}

CatalogueEntry map(std::string name, ElementwiseSpec spec, std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [spec](gpu::GPUModuleOp module, StringRef name) {
            return makeElementwise(module, name, spec, elementwiseTile(spec));
          }};
}

RowReductionSpec rowMean(Type element) {
  RowReductionSpec spec;
  spec.input = spec.output = element;
  spec.element = [](GpuBuilder &, Value x) { return x; };
  spec.combine = [](GpuBuilder &g, Value x, Value y) -> Value {
    return arith::AddFOp::create(g.b, x, y);
  };
  spec.finish = [](GpuBuilder &g, Value x, Value columns) -> Value {
    Value count = arith::UIToFPOp::create(g.b, g.b.getF32Type(), columns);
    return arith::DivFOp::create(g.b, x, count);
  };
  return spec;
}

using MakeRows = llvm::Expected<Kernel> (*)(gpu::GPUModuleOp, StringRef, Type, const RowTile &);
CatalogueEntry rows(std::string name, Type element, int64_t columns, MakeRows make,
                    std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) {
            return make(module, name, element, rowTile(columns, bytesOf(element)));
          }};
}
llvm::Expected<Kernel> makeRowMean(gpu::GPUModuleOp module, StringRef name, Type element,
                                   const RowTile &tile) {
  return makeRowReduction(module, name, rowMean(element), tile);
}

/// Sizes that allow the widest vectors, or none wider than an element.
MatmulSpec product(Type element, Type output, Order order, bool aligned = true) {
  MatmulSpec spec;
  spec.element = element;
  spec.output = output;
  spec.order = order;
  setVectors(spec, aligned ? 4096 : 4095, aligned ? 4096 : 4095);
  return spec;
}
/// Sums of at most so many k.
MatmulSpec inParts(MatmulSpec spec, int longestSum) {
  spec.longestSum = longestSum;
  return spec;
}
/// A as [K, M].
MatmulSpec ofColumns(MatmulSpec spec) {
  spec.orderA = Order::ColumnMajor;
  return spec;
}
/// With a bias a column, and no negative results.
MatmulSpec withBias(MatmulSpec spec) {
  spec.epilogue.arguments = {globalPointer(spec.element.getContext())};
  spec.epilogue.apply = [](GpuBuilder &g, ValueRange arguments, Value sum, Value,
                           Value column) -> Value {
    Type f32 = g.b.getF32Type();
    Value bias = g.load(f32, g.at(arguments[0], f32, column));
    return arith::MaximumFOp::create(g.b, arith::AddFOp::create(g.b, sum, bias), g.f32(0));
  };
  return spec;
}

/// The same, as if it were more than can be there for each sum.
MatmulSpec longEpilogue(MatmulSpec spec) {
  spec = withBias(std::move(spec));
  spec.epilogue.isLong = true;
  return spec;
}

template <typename Tile>
using MakeMatmul = llvm::Expected<Kernel> (*)(gpu::GPUModuleOp, StringRef, const MatmulSpec &,
                                              const Tile &);
template <typename Tile>
CatalogueEntry matmul(std::string name, MatmulSpec spec, Tile tile, MakeMatmul<Tile> make,
                      std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) { return make(module, name, spec, tile); }};
}

/// x [T, 4096] times a weight [4096, 11008] of few bits; scales are f16.
LutSpec codes(Type element, mad::lut::Family family, int bits, int64_t group = 128,
              bool affine = false) {
  LutSpec spec;
  mad::lut::Format format;
  format.family = family, format.bits = bits, format.group = group;
  format.affine = affine, format.half = true;
  spec.layout = {format, 4096, 11008};
  spec.element = spec.output = element;
  spec.vectorX = 16 / bytesOf(element);
  return spec;
}
LutSpec integers(Type element, int bits, int64_t group = 128, bool affine = false) {
  return codes(element, mad::lut::Family::Int, bits, group, affine);
}

/// `early`: and as large as a chip 9.0 allows.
CatalogueEntry fewCodes(std::string name, LutSpec spec, int rows, bool early = false) {
  LutRowsTile tile = lutRowsTile(rows, spec, early).value_or(LutRowsTile());
  tile.early = early;
  const char *product = tile.digits ? "mma.sync.aligned.m16n8k32" : "mma.sync.aligned.m16n8k16";
  CatalogueEntry entry{std::move(name),
                       early,
                       {"cp.async.cg.shared.global", product},
                       [=](gpu::GPUModuleOp module, StringRef name) {
                         return makeLutRows(module, name, spec, tile);
                       }};
  // Bits with one scale for all of a column are signs, and nothing else; tables have no scales.
  if ((spec.layout.bits() > 1 && !spec.layout.isTable()) || tile.digits)
    entry.instructions.push_back("fma.rn");
  return entry;
}

CatalogueEntry manyCodes(std::string name, LutSpec spec, int columns, int rows, int cluster = 1,
                         bool early = false) {
  std::vector<std::string> instructions = {"cp.async.bulk.shared", "cp.async.bulk.tensor",
                                           "wgmma.mma_async"};
  if (cluster > 1)
    llvm::append_range(
        instructions, std::initializer_list<StringRef>{".reqnctapercluster", "st.shared::cluster"});
  if (early)
    instructions.push_back("griddepcontrol.wait");
  return {std::move(name), true, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) {
            GroupTile tile = lutGroupTile(spec, columns, rows, cluster);
            tile.early = early;
            return makeLutGroup(module, name, spec, tile);
          }};
}

CatalogueEntry attention(std::string name, AttentionForm form,
                         std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) {
            if (form.element.isF32())
              return makePlainAttention(module, name, form, plainAttentionTile(form.width));
            return makeWarpAttention(module, name, form, warpAttentionTile(form.width));
          }};
}

CatalogueEntry withWgmma(CatalogueEntry entry) {
  entry.wgmma = true;
  return entry;
}

CatalogueEntry groupAttention(std::string name, AttentionForm form,
                              std::vector<std::string> instructions, int groups = 2) {
  return {std::move(name), true, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) {
            return makeGroupAttention(module, name, form, groupAttentionTile(groups));
          }};
}

std::string groupProduct(StringRef type, int columns) {
  return llvm::formatv("wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1}", columns, type).str();
}
std::string warpProduct(StringRef type, int steps) {
  return llvm::formatv("mma.sync.aligned.m16n8k{0}.row.col.f32.{1}.{1}.f32", steps, type).str();
}
/// For up to so many rows; columns decide the tile.
CatalogueEntry few(std::string name, Type element, Type output, Order order, int rows,
                   int64_t columns = 4096) {
  MatmulSpec spec = product(element, output, order);
  if (element.isF32())
    return matmul(std::move(name), spec, fewRowsTileF32(rows, 4096), makeFewRowsMatmul,
                  {"fma.rn.f32", "cp.async.cg.shared.global", "ld.shared.v4.b32"});
  const std::string transposed = order == Order::RowMajor ? ".trans" : "";
  return matmul(std::move(name), spec, fewRowsTile(rows, order, columns, 4096), makeFewRowsMatmul,
                {warpProduct(element.isF16() ? "f16" : "bf16", 16), "cp.async.cg.shared.global",
                 "ldmatrix.sync.aligned.m8n8.x4" + transposed});
}
/// The same for launches that overlap.
CatalogueEntry early(Type element, Order order, int rows) {
  FewRowsTile tile = fewRowsTile(rows, order, 4096, 4096);
  tile.early = true;
  std::string name =
      llvm::formatv("matmul_few{0}_f16{1}_early", rows, order == Order::ColumnMajor ? "_nt" : "");
  return withWgmma(matmul(std::move(name), product(element, element, order), tile,
                          makeFewRowsMatmul,
                          {"griddepcontrol.wait", "griddepcontrol.launch_dependents"}));
}

/// By tensor map, of 4096 terms.
CatalogueEntry fewByMap(Type element, Order order, int rows, int64_t columns, StringRef suffix) {
  FewRowsTile tile = *fewRowsMapTile(rows, order, columns, 4096);
  tile.early = true;
  std::string name = llvm::formatv("matmul_few{0}_f16{1}_map{2}", rows,
                                   order == Order::ColumnMajor ? "_nt" : "", suffix);
  std::vector<std::string> instructions = {
      "cp.async.bulk.tensor.2d.shared::cluster.global", "mbarrier.arrive.expect_tx",
      "prefetch.tensormap", "griddepcontrol.wait", "cp.async.bulk.prefetch.tensor.2d.L2.global"};
  if (tile.byGroups)
    instructions.push_back(groupProduct("f16", tile.cluster > 1       ? rows
                                               : tile.boxColumns < 64 ? tile.boxColumns
                                                                      : tile.columns));
  if (tile.cluster > 1)
    llvm::append_range(instructions,
                       std::initializer_list<StringRef>{
                           ".reqnctapercluster 2, 1, 1", "barrier.cluster.wait.aligned",
                           "mapa.shared::cluster",
                           tile.stagesOfA ? "st.async.shared::cluster" : "st.shared::cluster"});
  return withWgmma(matmul(std::move(name), product(element, element, order), tile,
                          makeFewRowsMatmul, std::move(instructions)));
}

CatalogueEntry scan(std::string name, ScanSpec spec, bool blockOfLine, bool aligned,
                    std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) {
            return makeScan(module, name, spec, scanTile(spec.element, blockOfLine, aligned));
          }};
}
CatalogueEntry scanTotals(std::string name, ScanSpec spec) {
  return {std::move(name),
          false,
          {"ld.global.nc.v4.b32"},
          [=](gpu::GPUModuleOp module, StringRef name) {
            return makeScanTotals(module, name, spec, scanTile(spec.element, true, true));
          }};
}
CatalogueEntry scanAcross(std::string name, ScanSpec spec, bool totals) {
  return {std::move(name), false, {}, [=](gpu::GPUModuleOp module, StringRef name) {
            return makeScanAcross(module, name, spec, totals);
          }};
}

/// Of elements, or items, to values and positions, or items.
CatalogueEntry sort(std::string name, Type element, bool fromItems, bool toItems,
                    bool merges = false, bool descending = false) {
  SortSpec spec;
  spec.element = element;
  spec.fromItems = fromItems, spec.toItems = toItems;
  spec.descending = descending;
  return {std::move(name),
          false,
          {"ld.shared.b64", "bar.sync"},
          [=](gpu::GPUModuleOp module, StringRef name) {
            return merges ? makeMergeRuns(module, name, spec, SortTile())
                          : makeSortRuns(module, name, spec, SortTile());
          }};
}

CatalogueEntry digits(std::string name, DigitSpec spec, bool moves) {
  return {std::move(name),
          false,
          {moves ? "vote.sync.ballot.b32" : "atom.shared.add"},
          [=](gpu::GPUModuleOp module, StringRef name) {
            return moves ? makeMoveByDigit(module, name, spec, DigitTile())
                         : makeCountDigits(module, name, spec, DigitTile());
          }};
}
CatalogueEntry scatter(std::string name, ScatterSpec spec, std::vector<std::string> instructions) {
  return {std::move(name), false, std::move(instructions),
          [=](gpu::GPUModuleOp module, StringRef name) { return makeScatter(module, name, spec); }};
}
} // namespace

std::vector<CatalogueEntry> mad::device::catalogue(MLIRContext *context) {
  Type f16 = Float16Type::get(context), bf16 = BFloat16Type::get(context);
  Type f32 = Float32Type::get(context), i64 = IntegerType::get(context, 64);
  constexpr auto rowMajor = Order::RowMajor, columnMajor = Order::ColumnMajor;
  WarpTile narrow; // f32 takes twice the memory
  narrow.blockK = 16;
  GroupTile half;
  half.blockN = 128;
  const std::string copyTensor = "cp.async.bulk.tensor.2d.shared::cluster.global";
  const std::string expect = "mbarrier.arrive.expect_tx";
  const std::string readWide = "ld.global.nc.v4.b32", readPart = "ldmatrix.sync.aligned.m8n8.x4";
  const std::string copyWide = "cp.async.cg.shared.global", copyPart = "cp.async.ca.shared.global";
  return {
      map("scaled_sum_f32", scaledSum(f32), {"ld.global.v4.b32", "st.global.v4.b32", "fma.rn.f32"}),
      map("scaled_sum_f16", scaledSum(f16), {"ld.global.v4.b32", "st.global.v4.b32", "fma.rn.f32"}),
      map("exp_f32", exponential(f32), {readWide, "ex2.approx"}),
      rows("row_mean_f32_1000", f32, 1000, makeRowMean, {readWide, "shfl.sync.bfly"}),
      rows("row_mean_f32_100000", f32, 100000, makeRowMean, {readWide, "bar.sync"}),
      rows("softmax_f32_512", f32, 512, makeSoftmax, {readWide, "st.global.v4.b32", "ex2.approx"}),
      rows("softmax_f32_8192", f32, 8192, makeSoftmax, {readWide, "st.global.v4.b32", "bar.sync"}),
      rows("softmax_f32_100000", f32, 100000, makeSoftmax, {readWide, "st.global.v4.b32"}),
      rows("softmax_f16_999", f16, 999, makeSoftmax, {"shfl.sync.bfly"}),
      rows("layer_norm_f32_768", f32, 768, makeLayerNorm, {readWide, "st.global.v4.b32"}),
      rows("layer_norm_f16_4096", f16, 4096, makeLayerNorm, {readWide, "st.global.v4.b32"}),
      matmul("matmul_f32", product(f32, f32, rowMajor), plainTiles()[0].tile, makePlainMatmul,
             {"fma.rn.f32", readWide, "st.global.v4.b32", "ld.shared.v4.b32"}),
      matmul("matmul_f32_nt", product(f32, f32, columnMajor), plainTiles()[0].tile, makePlainMatmul,
             {"fma.rn.f32", readWide}),
      matmul("matmul_f32_odd", product(f32, f32, rowMajor, false), plainTiles()[0].tile,
             makePlainMatmul, {"fma.rn.f32"}),
      matmul("matmul_f32_bias", withBias(product(f32, f32, rowMajor)), plainTiles()[0].tile,
             makePlainMatmul, {"fma.rn.f32", "max.NaN.f32"}),
      matmul("matmul_f32_turns", longEpilogue(product(f32, f32, rowMajor)), plainTiles()[0].tile,
             makePlainMatmul, {"fma.rn.f32", "max.NaN.f32"}),
      matmul("matmul_f32_tn", ofColumns(product(f32, f32, rowMajor)), plainTiles()[0].tile,
             makePlainMatmul, {"fma.rn.f32", readWide}),
      matmul("matmul_f32_long", inParts(product(f32, f32, rowMajor), 1024), plainTiles()[0].tile,
             makePlainMatmul, {"fma.rn.f32", readWide}),
      matmul("matmul_f32_long_turns",
             inParts(longEpilogue(product(f32, f32, columnMajor, false)), 1024),
             plainTiles()[0].tile, makePlainMatmul, {"fma.rn.f32"}),
      matmul("matmul_f32_64", product(f32, f32, rowMajor), plainTiles()[1].tile, makePlainMatmul,
             {"fma.rn.f32", readWide}),
      matmul("matmul_f32_32", product(f32, f32, rowMajor), plainTiles()[2].tile, makePlainMatmul,
             {"fma.rn.f32", readWide}),
      matmul("matmul_f32_16", product(f32, f32, rowMajor), plainTiles()[3].tile, makePlainMatmul,
             {"fma.rn.f32", copyWide}),
      matmul("matmul_f32_16_long", inParts(product(f32, f32, rowMajor), 1024), plainTiles()[3].tile,
             makePlainMatmul, {"fma.rn.f32", copyWide}),
      matmul("matmul_mma_f16_small", product(f16, f16, rowMajor), smallWarpTile(), makeWarpMatmul,
             {warpProduct("f16", 16), copyWide}),
      matmul("matmul_mma_f16_long", inParts(product(f16, f32, rowMajor), 8192), WarpTile(),
             makeWarpMatmul, {warpProduct("f16", 16), copyWide}),
      matmul("matmul_mma_f16", product(f16, f16, rowMajor), WarpTile(), makeWarpMatmul,
             {warpProduct("f16", 16), copyWide, readPart, readPart + ".trans"}),
      matmul("matmul_mma_f16_turns", longEpilogue(product(f16, f16, rowMajor)), WarpTile(),
             makeWarpMatmul, {warpProduct("f16", 16), copyWide, "max.NaN.f32"}),
      matmul("matmul_mma_f16_nt", product(f16, f32, columnMajor), WarpTile(), makeWarpMatmul,
             {warpProduct("f16", 16), copyWide, readPart}),
      matmul("matmul_mma_bf16", product(bf16, f32, rowMajor), WarpTile(), makeWarpMatmul,
             {warpProduct("bf16", 16), copyWide}),
      matmul("matmul_mma_tf32", product(f32, f32, rowMajor), narrow, makeWarpMatmul,
             {warpProduct("tf32", 8), copyWide}),
      matmul("matmul_mma_tf32_nt", product(f32, f32, columnMajor), narrow, makeWarpMatmul,
             {warpProduct("tf32", 8), copyWide}),
      matmul("matmul_mma_f16_odd", product(f16, f16, rowMajor, false), WarpTile(), makeWarpMatmul,
             {warpProduct("f16", 16), "st.shared.v4.b32"}),
      matmul("matmul_mma_tf32_odd", product(f32, f32, rowMajor, false), narrow, makeWarpMatmul,
             {warpProduct("tf32", 8), copyPart}),
      withWgmma(matmul("matmul_wgmma_f16", product(f16, f16, columnMajor), GroupTile(),
                       makeGroupMatmul, {groupProduct("f16", 256), copyTensor, expect})),
      withWgmma(matmul("matmul_wgmma_bf16", product(bf16, bf16, columnMajor), GroupTile(),
                       makeGroupMatmul, {groupProduct("bf16", 256), copyTensor, expect})),
      withWgmma(matmul("matmul_wgmma_f16_f32", product(f16, f32, columnMajor), half,
                       makeGroupMatmul, {groupProduct("f16", 128), copyTensor, expect})),
      withWgmma(matmul("matmul_wgmma_f16_bias", withBias(product(f16, f16, columnMajor)),
                       GroupTile(), makeGroupMatmul, {groupProduct("f16", 256), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_row", product(f16, f16, rowMajor), GroupTile(),
                       makeGroupMatmul, {groupProduct("f16", 256), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_small", product(f16, f16, rowMajor), smallGroupTile(),
                       makeGroupMatmul, {groupProduct("f16", 64), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_small_nt", product(f16, f16, columnMajor),
                       smallGroupTile(), makeGroupMatmul, {groupProduct("f16", 64), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_tn", longEpilogue(ofColumns(product(f16, f16, rowMajor))),
                       GroupTile(), makeGroupMatmul, {groupProduct("f16", 256), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_192", product(f16, f16, rowMajor), wideGroupTile(),
                       makeGroupMatmul, {groupProduct("f16", 192), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_tt", ofColumns(product(f16, f32, columnMajor)),
                       smallGroupTile(), makeGroupMatmul, {groupProduct("f16", 64), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f16_long", inParts(product(f16, f32, columnMajor), 128),
                       mediumGroupTile(), makeGroupMatmul, {groupProduct("f16", 128), copyTensor})),
      withWgmma(matmul("matmul_wgmma_tf32_nt", product(f32, f32, columnMajor), mediumGroupTile(),
                       makeGroupMatmul,
                       {"wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32", copyTensor})),
      withWgmma(matmul("matmul_wgmma_f32", product(f32, f32, rowMajor), groupTileOfParts(128),
                       makeGroupMatmul, {groupProduct("bf16", 128), copyTensor, "fma.rn.f32"})),
      withWgmma(matmul("matmul_wgmma_f32_nt", product(f32, f32, columnMajor), groupTileOfParts(64),
                       makeGroupMatmul, {groupProduct("bf16", 64), copyTensor, "fma.rn.f32"})),
      withWgmma(matmul("matmul_wgmma_f32_bias", longEpilogue(product(f32, f32, rowMajor, false)),
                       groupTileOfParts(64), makeGroupMatmul,
                       {groupProduct("bf16", 64), copyTensor})),
      withWgmma(matmul("matmul_wgmma_f32_tn", ofColumns(product(f32, f16, rowMajor)),
                       groupTileOfParts(128), makeGroupMatmul, {groupProduct("bf16", 128)})),
      few("matmul_few8_f16_nt", f16, f16, columnMajor, 8),
      few("matmul_few8_f16", f16, f16, rowMajor, 8),
      few("matmul_few8_bf16_nt", bf16, f32, columnMajor, 8),
      few("matmul_few16_f16_nt", f16, f16, columnMajor, 16),
      few("matmul_few16_f16", f16, f16, rowMajor, 16),
      few("matmul_few32_f16_nt", f16, f16, columnMajor, 32),
      few("matmul_few32_f16", f16, f16, rowMajor, 32),
      few("matmul_few64_f16_nt", f16, f16, columnMajor, 64),
      few("matmul_few64_f16", f16, f16, rowMajor, 64),
      few("matmul_few32_f16_nt_wide", f16, f16, columnMajor, 32, 11008),
      few("matmul_few32_f16_wide", f16, f16, rowMajor, 32, 11008),
      few("matmul_few64_f16_nt_wide", f16, f16, columnMajor, 64, 11008),
      few("matmul_few64_f16_wide", f16, f16, rowMajor, 64, 11008),
      few("matmul_few8_f32_nt", f32, f32, columnMajor, 8),
      few("matmul_few8_f32", f32, f32, rowMajor, 8),
      few("matmul_few16_f32_nt", f32, f32, columnMajor, 16),
      few("matmul_few16_f32", f32, f32, rowMajor, 16),
      early(f16, columnMajor, 8),
      early(f16, columnMajor, 16),
      early(f16, rowMajor, 8),
      fewByMap(f16, columnMajor, 8, 4096, ""),
      fewByMap(f16, columnMajor, 32, 4096, ""),
      fewByMap(f16, columnMajor, 64, 1024, "_16"),
      fewByMap(f16, columnMajor, 64, 4096, ""),
      fewByMap(f16, columnMajor, 64, 8192, "_64"),
      fewByMap(f16, columnMajor, 64, 11008, "_88"),
      fewByMap(f16, columnMajor, 64, 14336, "_112"),
      fewByMap(f16, rowMajor, 8, 4096, ""),
      fewByMap(f16, rowMajor, 32, 4096, ""),
      fewByMap(f16, rowMajor, 64, 4096, ""),
      fewByMap(f16, rowMajor, 64, 5120, "_48"),
      fewByMap(f16, rowMajor, 64, 8192, "_64"),
      fewByMap(f16, rowMajor, 64, 11008, "_96"),
      fewByMap(f16, rowMajor, 64, 14336, "_128"),
      fewByMap(f16, rowMajor, 64, 32000, "_256"),
      attention("attention_f32_32", {f32, 32}, {"fma.rn.f32", copyWide, "ld.shared.v4.b32"}),
      attention("attention_f32_64_causal", {f32, 64, true}, {"fma.rn.f32", copyWide}),
      attention("attention_f32_128", {f32, 128}, {"fma.rn.f32", copyWide}),
      attention("attention_f32_37", {f32, 37}, {"fma.rn.f32", copyPart}),
      attention("attention_mma_f16_64", {f16, 64},
                {warpProduct("f16", 16), copyWide, readPart, "ex2.approx.ftz.f32"}),
      attention("attention_mma_f16_64_causal", {f16, 64, true}, {warpProduct("f16", 16), copyWide}),
      attention("attention_mma_f16_128", {f16, 128},
                {warpProduct("f16", 16), copyWide, "cvt.rn.f16x2.f32"}),
      attention("attention_mma_f16_128_causal", {f16, 128, true},
                {warpProduct("f16", 16), copyWide}),
      attention("attention_mma_bf16_32", {bf16, 32},
                {warpProduct("bf16", 16), "cvt.rn.bf16x2.f32"}),
      attention("attention_mma_f16_37", {f16, 37, true}, {warpProduct("f16", 16)}),
      groupAttention("attention_wgmma_f16_64", {f16, 64},
                     {groupProduct("f16", 64), groupProduct("f16", 128), "ex2.approx.ftz.f32"}),
      groupAttention("attention_wgmma_f16_64_causal", {f16, 64, true},
                     {groupProduct("f16", 64), groupProduct("f16", 128)}),
      groupAttention("attention_wgmma_f16_64_wide", {f16, 64},
                     {groupProduct("f16", 64), groupProduct("f16", 128)}, 3),
      groupAttention("attention_wgmma_f16_64_wide_causal", {f16, 64, true},
                     {groupProduct("f16", 64), groupProduct("f16", 128)}, 3),
      groupAttention("attention_wgmma_f16_96", {f16, 96}, {groupProduct("f16", 96)}),
      groupAttention("attention_wgmma_bf16_32_causal", {bf16, 32, true},
                     {groupProduct("bf16", 32), groupProduct("bf16", 128)}),
      groupAttention("attention_wgmma_f16_128", {f16, 128}, {groupProduct("f16", 128)}),
      groupAttention("attention_wgmma_f16_128_causal", {f16, 128, true},
                     {groupProduct("f16", 128)}),
      attention("attention_mma_f16_256", {f16, 256}, {warpProduct("f16", 16), copyWide}),
      fewCodes("lut_int4_f16_8", integers(f16, 4), 8),
      fewCodes("lut_int4_f16_16", integers(f16, 4), 16),
      fewCodes("lut_int4_f16_1_early", integers(f16, 4), 1, true),
      fewCodes("lut_int4_f16_8_early", integers(f16, 4), 8, true),
      fewCodes("lut_int4_f16_16_early", integers(f16, 4), 16, true),
      fewCodes("lut_int4_affine_bf16_8", integers(bf16, 4, 64, true), 8),
      fewCodes("lut_int4_f32_1_early", integers(f32, 4), 1, true),
      fewCodes("lut_int4_f32_4", integers(f32, 4), 4),
      fewCodes("lut_int4_f32_4_early", integers(f32, 4), 4, true),
      fewCodes("lut_int3_f16_1_early", integers(f16, 3), 1, true),
      fewCodes("lut_int3_f16_8_early", integers(f16, 3), 8, true),
      fewCodes("lut_int2_f16_1_early", integers(f16, 2), 1, true),
      fewCodes("lut_int2_f16_8_early", integers(f16, 2), 8, true),
      fewCodes("lut_int1_f16_1_early", integers(f16, 1, 0), 1, true),
      fewCodes("lut_int1_f16_8_early", integers(f16, 1, 0), 8, true),
      fewCodes("lut_codebook4_f32_4", codes(f32, mad::lut::Family::Codebook, 4), 4),
      fewCodes("lut_int8_f32_4", integers(f32, 8), 4),
      fewCodes("lut_int8_f16_8_early", integers(f16, 8), 8, true),
      fewCodes("lut_ternary_f16_8_early", codes(f16, mad::lut::Family::Ternary, 2, -1), 8, true),
      manyCodes("lut_int4_f16_64_64_early", integers(f16, 4), 64, 64, /*cluster=*/2, true),
      manyCodes("lut_int4_f16_64_128", integers(f16, 4), 128, 64),
      manyCodes("lut_int4_f16_32_192_early", integers(f16, 4), 192, 32, /*cluster=*/2, true),
      manyCodes("lut_int4_f16_64_192_early", integers(f16, 4), 192, 64, /*cluster=*/2, true),
      manyCodes("lut_int4_f16_128_192_early", integers(f16, 4), 192, 128, /*cluster=*/2, true),
      manyCodes("lut_int4_f16_256_128", integers(f16, 4), 128, 128),
      manyCodes("lut_int4_f16_256_192", integers(f16, 4), 192, 128),
      manyCodes("lut_int2_f16_256_192", integers(f16, 2), 192, 128),
      scan("scan_f32", {f32}, true, true, {readWide, "st.global.v4.b32", "shfl.sync.up"}),
      scan("scan_f32_odd", {f32}, true, false, {"shfl.sync.up"}),
      scan("scan_f32_lines", {f32}, false, true, {readWide, "shfl.sync.up"}),
      scan("scan_f16", {f16}, true, true, {readWide, "st.global.v4.b32"}),
      scan("scan_i64_largest", {i64, Combination::Largest}, true, true, {"shfl.sync.up"}),
      scanTotals("scan_totals_f32", {f32}),
      scanAcross("scan_across_f32", {f32}, false),
      scanAcross("scan_across_totals_f32", {f32}, true),
      sort("sort_f32", f32, false, false),
      sort("sort_f32_tiles", f32, false, true),
      sort("sort_f32_first", f32, true, false),
      sort("sort_f32_merge", f32, true, true, true),
      sort("sort_f32_merge_last", f32, true, false, true),
      sort("sort_f16_down", f16, false, false, false, true),
      sort("sort_i64", i64, false, false),
      sort("sort_i64_merge", i64, true, true, true),
      digits("count_digits_keys", {true}, false),
      digits("count_digits", {}, false),
      digits("move_by_digit_keys", {true}, true),
      digits("move_by_digit_f32", {true, f32}, true),
      digits("move_by_digit", {}, true),
      scatter("scatter_add_f32", {{f32}}, {"shfl.sync.idx"}),
      scatter("scatter_add_f16", {{f16}}, {"shfl.sync.idx"}),
      scatter("scatter_add_f32_values", {{f32}, false, true, 1, true}, {"shfl.sync.idx"}),
      scatter("scatter_add_f16_values", {{f16}, false, true, 1, true}, {"shfl.sync.idx"}),
      scatter("scatter_max_f32", {{f32, Combination::Largest}}, {"shfl.sync.idx"}),
      scatter("scatter_add_i64", {{i64}}, {"shfl.sync.idx"}),
      scatter("scatter_set_f32", {{f32}, true}, {"st.global"}),
      scatter("scatter_add_f32_rows", {{f32}, false, false, 4}, {"st.global.v4.b32"}),
      scatter("scatter_add_f32_rows_odd", {{f32}, false, false, 1}, {"st.global"}),
      scatter("scatter_set_f16_rows", {{f16}, true, false, 8}, {"st.global.v4.b32"}),
  };
}
