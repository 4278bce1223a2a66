//===- DeviceKernel.h - A function for the device and its launch ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEKERNEL_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::memref {
class GetGlobalOp;
class SubViewOp;
} // namespace mlir::memref

namespace mad {

/// Scalars that exist in memory of the device only, each with the cell that holds it.
/// What is computed of them without memory is computed again where it is used.
class DeviceScalars {
public:
  void setCell(mlir::Value scalar, mlir::Value cell) { cells[scalar] = cell; }
  mlir::Value cellOf(mlir::Value scalar) const { return cells.lookup(scalar); }
  /// The result of an op without side effects that uses device scalars.
  void setDerived(mlir::Operation *op) { derived.insert(op); }
  bool isDerived(mlir::Operation *op) const { return derived.contains(op); }
  /// Whether the host does not know the value.
  bool isOnDevice(mlir::Value value) const {
    return cells.contains(value) || derived.contains(value.getDefiningOp());
  }
  llvm::ArrayRef<mlir::Operation *> derivedOps() const { return derived.getArrayRef(); }

private:
  llvm::DenseMap<mlir::Value, mlir::Value> cells;
  llvm::SetVector<mlir::Operation *> derived;
};

/// Of an argument that overlaps with nothing that the kernel writes.
constexpr llvm::StringLiteral apartAttribute = "llvm.noalias";

/// Builds one kernel. Values of the host that its body asks for become arguments.
class DeviceKernel {
public:
  /// `status`: the memory that holds the number of a failed check; nothing runs after
  /// one. Null where the program has no checks.
  DeviceKernel(mlir::gpu::GPUModuleOp module, llvm::StringRef name, mlir::Location loc,
               const DeviceScalars &scalars, mlir::Value status);

  /// At the body.
  mlir::ImplicitLocOpBuilder &builder() { return b; }
  /// The value in the kernel that stands for one outside of it.
  mlir::Value get(mlir::Value outside);
  /// Values that the body itself defines, for `clone`.
  mlir::IRMapping &mapping() { return inside; }
  /// A copy of an op of the host, with what it uses.
  mlir::Operation *clone(mlir::Operation *op);
  /// A pointer to the first element of memory of the host's function, for builders of kernels
  /// (passes/Kernels/Gpu); of a view at a place that the device finds, too. `apart`: what the
  /// kernel writes overlaps with none of it.
  mlir::Value pointer(mlir::Value memory, bool apart);
  /// Says so of memory that `get` has asked for.
  void setApart(mlir::Value memory);
  /// A tensor map of memory of the host's function whose last dimension has neighbours, with boxes
  /// of so many elements, innermost dimension first.
  mlir::Value tensorMap(mlir::Value memory, llvm::ArrayRef<int32_t> box);
  /// What was chosen, and why nothing faster.
  void setChoice(llvm::StringRef text);
  /// What the launch gives a block; `blocksAtOnce` are to fit on a multiprocessor.
  void setShared(int64_t bytes, int blocksAtOnce = 0, int alignment = 16);
  /// Blocks along x that run at the same time and reach each other's shared memory.
  void setCluster(int blocks);
  /// Threads of a block read what others wrote to memory of the device.
  void setExchanges();
  /// As many blocks as the device holds take up the work in turns (mad-overlap-launches).
  void setInTurns();
  /// Threads of a warp end in branches of their own (mad-overlap-launches).
  void setEndsApart();
  /// The kernel in front lets it start at once (mad-overlap-launches): of few blocks, which wait.
  void setEarly();
  mlir::gpu::GPUModuleOp gpuModule() { return module; }

  /// Ends the body and launches the kernel at `at`, if there are any blocks.
  void launch(mlir::OpBuilder &at, mlir::Value blocks, int64_t threads);
  void launch(mlir::OpBuilder &at, llvm::ArrayRef<mlir::Value> grid, int64_t threads);

private:
  mlir::Value elementsBefore(mlir::memref::SubViewOp view);
  mlir::Value addArgument(mlir::Value outside);
  void dropUnused();
  /// Copies a table of constants to the module of kernels.
  void takeTable(mlir::memref::GetGlobalOp use);

  mlir::gpu::GPUModuleOp module;
  const DeviceScalars &scalars;
  mlir::gpu::GPUFuncOp function;
  mlir::ImplicitLocOpBuilder b;
  mlir::Block *entry;
  mlir::Block *body; ///< begins with constants and with what cells hold
  mlir::IRMapping inside;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallSetVector<unsigned, 4> noAlias;                 ///< arguments
  llvm::DenseMap<mlir::Value, mlir::DenseI32ArrayAttr> maps; ///< arguments that are tensor maps
  int64_t sharedBytes = 0;
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEKERNEL_H
