//===- Lowering.h - Functions of a GPU module for the emulator ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_NVVMTOSIMT_LOWERING_H
#define MAD_PASSES_CONVERSION_NVVMTOSIMT_LOWERING_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace mad::simt {

/// Offsets in the context of a thread (runtime/simt/Block.h), in bytes.
enum Words : int32_t {
  Tid = 0,
  Ntid = 12,
  Ctaid = 24,
  Nctaid = 36,
  Lane = 48,
  WarpNumber = 52,
  DynamicShared = 60,
  SharedBase = 64,
  ClusterRank = 72,
  ClusterSize = 76,
  ClusterId = 80,
  Nclusterid = 92,
  ClusterCtaid = 104,
  ClusterNctaid = 116
};

/// Address spaces of NVVM.
enum Space : unsigned { Generic = 0, Global = 1, Shared = 3, Constant = 4, SharedCluster = 7 };

/// What a kernel asks of its launch; see simt.h.
enum Needs : uint32_t {
  Clocks = 1,
  ByteCells = 2,
  HalfWords = 4,
  Fences = 8,
  Exchanges = 16,
  OnlyNew = 32,
  OnlyOld = 64
};

/// Where the variables in shared memory lie. The one without a size, which the launch
/// gives, comes last.
struct SharedLayout {
  llvm::StringMap<uint64_t> offsets;
  uint64_t size = 0;
};

/// Whether an op is a fence, or a part of one, for other blocks than those of the cluster.
bool isFenceOfBlocks(mlir::Operation *op);

/// Turns the functions of one GPU module into functions of the host module.
class Lowering {
public:
  Lowering(mlir::ModuleOp host, mlir::gpu::GPUModuleOp device);
  mlir::LogicalResult run();

private:
  using Value = mlir::Value;
  using Type = mlir::Type;
  using Location = mlir::Location;
  using Operation = mlir::Operation;

  // Functions (NvvmToSimt.cpp).
  mlir::LogicalResult layOutShared();
  mlir::LogicalResult lowerFunction(mlir::LLVM::LLVMFuncOp function);
  mlir::LogicalResult checkStack(mlir::LLVM::LLVMFuncOp function);
  void makeEntry(mlir::LLVM::LLVMFuncOp function, llvm::ArrayRef<bool> byValue,
                 llvm::ArrayRef<uint32_t> sizes, uint32_t flags);

  // Operations. Nothing: the op is not of this kind; else whether it could be lowered.
  using Lowered = std::optional<mlir::LogicalResult>;
  mlir::LogicalResult lower(Operation *op);
  Lowered lowerRegister(Operation *op); // Registers.cpp
  Lowered lowerMemory(Operation *op);   // Memory.cpp
  Lowered lowerCall(Operation *op);     // Calls.cpp
  Value approximation(mlir::LLVM::CallIntrinsicOp op);
  Lowered lowerBarrier(Operation *op);  // Synchronise.cpp
  Lowered lowerCluster(Operation *op);  // Synchronise.cpp
  Lowered lowerWarp(Operation *op);     // Synchronise.cpp
  Lowered lowerMbarrier(Operation *op); // Synchronise.cpp
  Lowered lowerCopy(Operation *op);     // Copies.cpp
  Lowered lowerMatrix(Operation *op);   // Matrices.cpp
  Lowered lowerText(Operation *op);     // InlinePtx.cpp

  // Helpers.
  mlir::LLVM::LLVMFuncOp declare(llvm::StringRef name, Type result, llvm::ArrayRef<Type> arguments);
  /// Calls an operation of the emulator, the context first; null without a result.
  Value call(Location loc, llvm::StringRef name, Type result, llvm::ArrayRef<Value> arguments);
  /// Calls it and lets its result, if any, take the place of the op.
  mlir::LogicalResult replace(Operation *op, llvm::StringRef name, llvm::ArrayRef<Value> arguments);
  Value constant(Location loc, int64_t value, unsigned bits = 32);
  Value at(Location loc, Value base, int64_t bytes);
  /// The text `file:line:col` of the op's location.
  Value place(Operation *op);
  /// `access`: flags of Ops.def.
  void check(Operation *op, Value pointer, Type accessed, uint32_t access);
  void checkOrdered(Operation *op, Value pointer, Type accessed, uint32_t access,
                    mlir::LLVM::AtomicOrdering ordering, std::optional<llvm::StringRef> scope);
  /// Puts the op in a block of its own that is entered where the predicate holds.
  void predicate(Operation *op, Value condition);
  void storeWords(Location loc, mlir::ValueRange values, int32_t byte);
  Value asWord(Location loc, Value value);
  uint64_t bytes(Type type);
  void need(Needs what) { needs |= what; }

  mlir::ModuleOp host;
  mlir::gpu::GPUModuleOp device;
  mlir::MLIRContext *context;
  mlir::OpBuilder b;
  Type pointer, word, wide, nothing;
  SharedLayout shared;
  llvm::StringMap<mlir::LLVM::GlobalOp> places;

  Value thread;    ///< the context, in the current function
  Value fragments; ///< memory for operands and results of matrices, there
  uint32_t needs = 0;
};

/// Bytes of `fragments`: 16 words each of A, B and the sums, then results; behind them the
/// sums of a warpgroup.
enum Fragments : int32_t { A = 0, B = 64, Sums = 128, Results = 192, GroupSums = 256, End = 768 };

} // namespace mad::simt

#endif // MAD_PASSES_CONVERSION_NVVMTOSIMT_LOWERING_H
