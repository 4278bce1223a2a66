//===- DeviceFunction.h - A function whose work becomes kernels -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Families of kernels are tried in order, the fastest first. One that does not take an op
// says why; the choice stands in the attribute `choice` of the kernel.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEFUNCTION_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEFUNCTION_H

#include "dialects/Mad/IR/MadMemoryOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/DeviceKernel.h"
#include "passes/Transforms/FuseRows.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringMap.h"

namespace mad {

struct Attention;

/// An op to find a kernel for, and the fills of what it adds to.
struct DeviceWork {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<mlir::linalg::FillOp> fills;
  llvm::SmallVector<std::string> refusals; ///< why families did not take it

  bool refuse(const llvm::Twine &why) {
    refusals.push_back(why.str());
    return false;
  }
  /// What an output holds before, where that is one number; null where it is to be read.
  mlir::Value initialOf(mlir::Value output) const;
};

/// What families need of the function.
class DeviceFunction {
public:
  DeviceFunction(mlir::func::FuncOp function, mlir::gpu::GPUModuleOp kernels);

  mlir::func::FuncOp function;
  mlir::gpu::GPUModuleOp kernels;
  mlir::ImplicitLocOpBuilder b; ///< on the host
  DeviceScalars scalars;
  mlir::Value status; ///< null where nothing is checked
  /// Ops that kernels have copies of; they go at the end.
  llvm::SetVector<mlir::Operation *> taken;
  /// Groups of rows, by their members.
  llvm::DenseMap<mlir::Operation *, std::shared_ptr<rows::Group>> groups;
  /// Attentions, by their ops.
  llvm::DenseMap<mlir::Operation *, std::shared_ptr<Attention>> attentions;

  /// A kernel of the next name. `guarded`: it does nothing after a failed check. What reads places
  /// that follow from data, or writes memory of the caller, must be.
  DeviceKernel kernel(llvm::StringRef choice, llvm::ArrayRef<std::string> refusals = {},
                      bool guarded = true);
  /// One that needs groups of warps and tensor maps, in a module of its own: launched where
  /// `hasGroups` is true alone.
  DeviceKernel groupKernel(llvm::StringRef choice, llvm::ArrayRef<std::string> refusals = {},
                           bool guarded = true);
  mlir::Value hasGroups();
  mlir::Value multiprocessors();
  /// Whether it is the call's own, which nobody sees after a failed check.
  bool isScratch(mlir::Value memory);
  /// Whether its place follows from data: what reads it must be guarded.
  bool isFoundPlace(mlir::Value memory) const { return scalars.isOnDevice(memory); }
  /// How many there are, and the name of one.
  unsigned numKernels() const { return number; }
  std::string kernelName(unsigned i);
  mlir::Value constant(int64_t value);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value ceilDiv(mlir::Value x, int64_t y);
  mlir::Value less(mlir::Value x, mlir::Value y); ///< signed
  /// A branch of the host; none where the condition is known.
  void branch(mlir::Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no);
  /// A size that the host can compute; null if there is none. Where memory begins may be
  /// the device's to know, or which of two it is.
  mlir::Value knownSize(mlir::Value size);
  mlir::Value sizeOf(mlir::Value memory, int64_t dim);
  /// Of all loops; nothing where only the device knows them.
  std::optional<llvm::SmallVector<mlir::Value>> extentsOf(mlir::linalg::GenericOp op);
  void take(const DeviceWork &work);

private:
  DeviceKernel kernelIn(mlir::gpu::GPUModuleOp module, llvm::StringRef choice,
                        llvm::ArrayRef<std::string> refusals, bool guarded);
  mlir::Value ask(llvm::StringRef name);

  unsigned number = 0;
  llvm::StringMap<mlir::Value> asked; ///< at the start of the function
};

/// Products of matrices, with what follows them element by element (DeviceProduct.cpp).
bool lowerProduct(DeviceFunction &f, DeviceWork &work);
/// Whether a body reads memory that is no operand, or has loops (DeviceWide.cpp).
bool readsElsewhere(mlir::linalg::GenericOp op);
/// Makes dimensions that lie together one; may replace the op (DeviceWide.cpp).
void collapse(DeviceFunction &f, DeviceWork &work);
/// Reductions by many threads each (DeviceRows.cpp). May replace the op.
bool lowerReduction(DeviceFunction &f, DeviceWork &work);
/// Reductions whose results are neighbours along the loop `fast`, 16 bytes a thread
/// (DeviceColumns.cpp); `otherwise` where results are no whole groups of these.
bool lowerColumns(DeviceFunction &f, DeviceWork &work, unsigned fast,
                  llvm::ArrayRef<mlir::Value> extents, llvm::function_ref<void()> otherwise);
/// Elementwise ops, 16 bytes a thread (DeviceWide.cpp). May replace the op.
bool lowerWide(DeviceFunction &f, DeviceWork &work);
/// Elementwise ops of many rows that are no whole groups, with vectors along them; `otherwise`
/// where there turn out to be few (DeviceFlat.cpp).
bool lowerFlat(DeviceFunction &f, DeviceWork &work, llvm::function_ref<void()> otherwise);
/// Elementwise ops with rows that are no whole groups, but lie without gaps (DeviceRows.cpp).
bool lowerRowMap(DeviceFunction &f, DeviceWork &work);
/// A thread for each element of the result (DeviceElementwise.cpp). Only fails where the host
/// does not know sizes.
bool lowerElements(DeviceFunction &f, DeviceWork &work);

/// Loops over lanes (passes/Transforms/Lanes.h) whose rounds are scalar work become parallel ones.
void separateLanes(mlir::func::FuncOp function);
/// Lines of work that has an order, and lanes, a thread each (DeviceLines.cpp).
bool lowerLines(DeviceFunction &f, mlir::scf::ParallelOp op);
/// Whether they are lanes whose rounds work on tensors that a block can do.
bool isSystems(mlir::scf::ForOp op);
/// A block for each (DeviceSystems.cpp).
bool lowerSystems(DeviceFunction &f, mlir::scf::ForOp loop);

/// What is cumulated, sorted and scattered (DeviceScan.cpp, DeviceSort.cpp, DeviceScatter.cpp).
/// Only fail where the host does not know sizes.
bool lowerCumulate(DeviceFunction &f, CumulateMemoryOp op);
bool lowerSort(DeviceFunction &f, SortMemoryOp op);
bool lowerScatter(DeviceFunction &f, ScatterMemoryOp op);

/// Whether a group of ops may be a kernel that computes rows (DeviceRows.cpp).
bool isMemberOfRows(mlir::linalg::GenericOp op, const rows::Signature &loops);
bool lowerGroup(DeviceFunction &f, rows::Group &group);

/// The elementwise op behind a reduction that alone reads its result, an element each; null if
/// there is none (DeviceBehind.cpp).
mlir::linalg::GenericOp opBehind(DeviceFunction &f, mlir::linalg::GenericOp reduction);
/// Asks for what that op uses, if there is one.
void useBehind(DeviceKernel &kernel, mlir::linalg::GenericOp op);
/// Stores a result, or what the op behind makes of it. `at`: of the loops of the reduction.
void storeResult(DeviceKernel &kernel, mlir::linalg::GenericOp reduction,
                 mlir::linalg::GenericOp behind, mlir::Value result,
                 llvm::ArrayRef<mlir::Value> at);

//===- Bodies ---------------------------------------------------------------===//

/// An element of an operand, or the operand itself.
mlir::Value loadElement(mlir::ImplicitLocOpBuilder &b, mlir::Value operand, mlir::AffineMap map,
                        mlir::ValueRange at);
void storeElement(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Value memory,
                  mlir::AffineMap map, mlir::ValueRange at);
/// Asks for what the body and the operands use, so that it is there for all of the kernel.
void getUses(DeviceKernel &kernel, mlir::linalg::GenericOp op);
/// Copies of the ops of a body but those in `without`: what each value became. `arguments` are the
/// elements; null ones are not used.
mlir::IRMapping emitBody(DeviceKernel &kernel, mlir::linalg::GenericOp op,
                         llvm::ArrayRef<mlir::Value> arguments, llvm::ArrayRef<mlir::Value> at,
                         const llvm::SmallPtrSetImpl<mlir::Operation *> &without);
/// What it yields.
llvm::SmallVector<mlir::Value> emitBody(DeviceKernel &kernel, mlir::linalg::GenericOp op,
                                        llvm::ArrayRef<mlir::Value> arguments,
                                        llvm::ArrayRef<mlir::Value> at);

/// How one output takes up elements: combine(output, other).
struct Combiner {
  mlir::Operation *op;
  mlir::Value other;
  mlir::TypedAttr identity;
  bool rounds; ///< sums and products of floats
  mlir::Value identityValue(mlir::ImplicitLocOpBuilder &b) const;
  mlir::Value operator()(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y) const;
};
/// One an output; nothing where elements must be taken in order.
std::optional<llvm::SmallVector<Combiner>> combinersOf(mlir::linalg::GenericOp op);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEFUNCTION_H
