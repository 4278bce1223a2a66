//===- ProductKernels.h - One product of matrices on its way to kernels ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DeviceProduct.cpp finds what it is and chooses, ProductKernels.cpp launches kernels of threads
// and warps, ProductGroups.cpp and ProductPieces.cpp those of groups of warps.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_PRODUCTKERNELS_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_PRODUCTKERNELS_H

#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/LinalgToGpu/DeviceSiblings.h"
#include "passes/Kernels/Gpu/LutMatmul.h"

namespace mad::product {

/// Sums of so many products are added up (docs/language.md, "Precision").
constexpr int longestPlainSum = 1024, longestMmaSum = 8192;
/// Blocks that should be there for each multiprocessor of a large device.
constexpr int64_t manyBlocks = 132;

/// One factor, or the result: distances of its elements along the loops of the product.
struct Operand {
  mlir::Value memory;
  mlir::AffineMap map;
  llvm::SmallVector<int64_t> known;       ///< of the dimensions of the memory
  llvm::SmallVector<mlir::Value> strides; ///< on the host

  std::optional<unsigned> position(unsigned loop) const {
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(e); dim && dim.getPosition() == loop)
        return i;
    return {};
  }
  /// Kept as kDynamic where it is not known; 0 where the operand does not vary.
  int64_t knownStride(unsigned loop) const {
    auto at = position(loop);
    return at ? known[*at] : 0;
  }
  bool isWhole() const {
    return mlir::cast<mlir::MemRefType>(memory.getType()).getLayout().isIdentity();
  }
};

class Product {
public:
  Product(DeviceFunction &f, DeviceWork &work, const Contraction &c) : f(f), work(work), c(c) {}
  bool lower();

private:
  bool isFit();
  bool findStrides();
  void mergeRows();
  bool findSizes();
  int vectorOf(const Operand &operand, unsigned fast, mlir::Type element);
  bool isZero(mlir::Value initial) { return mlir::matchPattern(initial, mlir::m_AnyZeroFloat()); }
  mlir::Value fits();
  mlir::Value constant(int64_t x) { return f.constant(x); }
  std::optional<int64_t> known(mlir::Value v) { return mlir::getConstantIntValue(v); }

  bool isChoosable();
  void choose();
  mlir::Value isMany(int blockM, int blockN, int64_t blocks);
  void launchPlain(llvm::ArrayRef<device::PlainChoice> choices);
  void launchWarp();
  llvm::ArrayRef<int> fewRows();
  bool isWeight(mlir::Value memory);
  bool mayHaveMaps();
  void launchFewRows(llvm::ArrayRef<int> choices, llvm::function_ref<void()> more);
  void launchSlow();
  std::optional<device::LutSpec> lutSpec();
  void chooseDense(int handled = 0);
  void chooseTiled();
  void launchLutRows(const device::LutSpec &lut, llvm::ArrayRef<int> choices, int handled,
                     llvm::function_ref<void(int)> more);
  mlir::Value mayGroupTiled();
  void launchTiledGroups(const device::LutSpec &lut);
  void launchLut(device::LutSpec lut, const device::LutRowsTile &tile);
  using Write = llvm::function_ref<void(device::GpuBuilder &, const device::MatmulArguments &,
                                        const device::FewRowsMaps &)>;
  /// How a kernel of which each block has a tile is launched.
  struct Launch {
    int blockM, blockN, threads, shared, blocksAtOnce;
    bool large = false; ///< for chips that have groups
    int cluster = 1;    ///< blocks that share a tile
    /// Rows of the boxes by which tensor maps copy the factors; 0: it copies by pointers.
    int boxOfA = 0, boxOfB = 0;
    int boxColumns = 64; ///< of B as [K, N]
  };
  void launch(llvm::StringRef choice, const Launch &how, Write write);
  void launchFewRows(const device::FewRowsTile &tile);
  device::MatmulArguments numbersIn(DeviceKernel &kernel, device::GpuBuilder &g);
  void findMatrices(DeviceKernel &kernel, device::GpuBuilder &g, mlir::Value z,
                    device::MatmulArguments &made);
  llvm::SmallVector<mlir::Value> placeInBatch(DeviceKernel &kernel, mlir::Value z);
  mlir::Value pointerIn(DeviceKernel &kernel, device::GpuBuilder &g, const Operand &operand,
                        mlir::Value memory, mlir::Type element, llvm::ArrayRef<mlir::Value> at);
  std::string textOf(llvm::StringRef choice);
  void setEpilogue(DeviceKernel &kernel, Followers &behind,
                   const device::MatmulArguments &arguments, const mlir::Value &above,
                   const Followers::Alternatives &alternatives);
  void findSiblings(DeviceKernel &kernel, device::GpuBuilder &g, mlir::Value which,
                    device::MatmulArguments &made);
  bool isGuarded();

  mlir::Value mayGroup();
  mlir::Value isAligned(const Operand &operand, unsigned fast);
  unsigned fastA() const { return spec.orderA == device::Order::ColumnMajor ? *c.m : c.k; }
  unsigned fastB() const { return spec.order == device::Order::RowMajor ? c.n : c.k; }
  void launchCopied();
  void launchGroups(llvm::ArrayRef<device::GroupTile> tiles, llvm::ArrayRef<int64_t> costs,
                    int64_t microsecond);
  void launchGroups();
  mlir::Value mayUseParts();
  bool groupsCover(const device::PlainChoice &choice);
  void launchParts();
  std::string nameOf(const device::GroupTile &tile);
  void askForBatch(DeviceKernel &kernel, bool inParts);
  device::GroupBatch batchOf(DeviceKernel &kernel, device::GpuBuilder &g,
                             const device::GroupTile &tile, device::MatmulArguments &arguments);
  mlir::Value narrow(DeviceKernel &kernel, device::GpuBuilder &g, mlir::Value host);
  void setParts(DeviceKernel &kernel, device::GpuBuilder &g, device::MatmulArguments &arguments);
  mlir::Value blocksOf(const device::GroupTile &tile, mlir::Value pieces);
  void writeGroup(DeviceKernel &kernel, device::GpuBuilder &g, const device::GroupTile &tile,
                  mlir::Value pieces, device::MatmulArguments arguments, device::GroupBatch batch);
  void launchGroup(const device::GroupTile &tile, mlir::Value pieces = nullptr);
  mlir::Value piecesOfK(int columns);
  void launchPieces(const device::GroupTile &tile, mlir::Value pieces);
  void launchSumOfPieces(mlir::Value pieces);
  mlir::Value isBetterInPieces(mlir::Value pieces, mlir::Value whole, int64_t cost,
                               int64_t microsecond);
  void setPieces(device::GpuBuilder &g, mlir::Value pieces, device::MatmulArguments &arguments,
                 device::GroupBatch &batch);
  device::GroupBatch::Place mapOf(DeviceKernel &kernel, const Operand &operand, unsigned fast,
                                  unsigned slow, int height, mlir::Value &map, bool many = false,
                                  int width = 64);

  DeviceFunction &f;
  DeviceWork &work;
  Contraction c;
  Operand a, b, result, output; ///< output: where followers leave it
  Operand partsA, partsB;       ///< factors of f32 as sums of bf16, where they are made
  mlir::Value sumsOfPieces;     ///< f32 [pieces, M, N] of pieces of k, with rows of whole fours
  device::MatmulSpec spec;
  llvm::SmallVector<mlir::Value> extents;
  mlir::Value m, n, k, batch;
  mlir::Value groups;         ///< on the host: whether groups of warps can do it; null: never
                              ///< (f32: in parts)
  mlir::Value aligned;        ///< whether the copy engine takes both factors
  bool groupsTakeAll = false; ///< on chips that have them
  bool hasNoGroups = false;   ///< in a branch of chips without them
  llvm::SmallVector<unsigned> outer;  ///< loops of the batch
  llvm::SmallVector<unsigned> merged; ///< loops that belong to the rows
  Followers followers;
  lut::UnpackIntoOp tiled; ///< B is a weight of few bits, which is not there as a matrix
  const device::LutSpec *codes = nullptr; ///< groups of warps read its tiles
  std::vector<Sibling> siblings; ///< products of the same A, in the third dimension of the grid
  mlir::Value initial;           ///< one number that sums begin with; null: what memory holds
};

} // namespace mad::product

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_PRODUCTKERNELS_H
