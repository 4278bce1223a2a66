//===- GpuBuilder.h - Writing kernels for GPUs ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are functions on bare pointers and i32 numbers, with the instructions of the NVVM
// dialect where plain ones do not do. Numbers are not negative and less than 2^31, and so
// are counts of elements along one dimension; an offset of a row is computed in 64 bits.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_GPUBUILDER_H
#define MAD_PASSES_KERNELS_GPU_GPUBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <string>

namespace mad::device {

using Values = llvm::SmallVector<mlir::Value>;
constexpr int lanesOfWarp = 32;

/// A number that is known to the compiler, or only to the kernel.
class Number {
public:
  Number(int value) : constant(value) {}
  Number(int64_t value) : constant(value) {}
  Number(mlir::Value value) : value(value) {}

private:
  friend class GpuBuilder;
  mlir::Value value;
  int64_t constant = 0;
};

/// A kernel, and how it is launched.
struct Kernel {
  mlir::gpu::GPUFuncOp function;
  int threads = 0;     ///< of a block, along x
  int sharedBytes = 0; ///< that the launch must give a block
};

/// What makeKernel needs to know.
struct KernelSignature {
  std::string name;
  llvm::SmallVector<mlir::Type> arguments;
  int threads = 256;
  int sharedBytes = 0;
  int sharedAlignment = 16;
  /// Blocks that are to fit on a multiprocessor at a time; 0: as it comes.
  int blocksAtOnce = 0;
  /// Memory of different arguments overlaps nowhere.
  bool apart = true;
};

class GpuBuilder;
/// Adds a kernel to a module; `write` gets the arguments.
Kernel makeKernel(mlir::gpu::GPUModuleOp module, const KernelSignature &signature,
                  llvm::function_ref<void(GpuBuilder &, mlir::ValueRange)> write);

/// Declares the memory that a launch gives a block: one name for all kernels of a module.
void declareShared(mlir::gpu::GPUModuleOp module, int alignment);

/// `!llvm.ptr<1>`: memory of the device.
mlir::Type globalPointer(mlir::MLIRContext *context);
/// `!llvm.ptr`: the descriptor of a tensor, passed by value.
mlir::Type tensorMap(mlir::MLIRContext *context);
int bytesOf(mlir::Type type);

class GpuBuilder {
public:
  GpuBuilder(mlir::ImplicitLocOpBuilder &b, const KernelSignature &signature)
      : b(b), signature(signature) {}
  mlir::ImplicitLocOpBuilder &b;

  //===- Numbers ------------------------------------------------------------===//
  mlir::Value number(Number x);
  mlir::Value wide(int64_t x); ///< i64
  mlir::Value f32(double x);
  mlir::Value zero(mlir::Type type);
  mlir::Value add(Number x, Number y);
  mlir::Value sub(Number x, Number y);
  mlir::Value mul(Number x, Number y);
  mlir::Value div(Number x, Number y);
  mlir::Value rem(Number x, Number y);
  mlir::Value ceilDiv(Number x, Number y);
  mlir::Value min(Number x, Number y);
  mlir::Value bitAnd(Number x, Number y);
  mlir::Value bitOr(Number x, Number y);
  mlir::Value bitXor(Number x, Number y);
  /// (x & mask) | bits, and (x & mask) ^ bits, as one instruction: ptxas makes two of two
  /// constants.
  mlir::Value maskedOr(mlir::Value x, int64_t mask, int64_t bits);
  mlir::Value maskedXor(mlir::Value x, int64_t mask, int64_t bits);
  mlir::Value shiftLeft(Number x, Number y);
  mlir::Value shiftRight(Number x, Number y);
  mlir::Value less(Number x, Number y); ///< unsigned
  mlir::Value equal(Number x, Number y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value extend(mlir::Value x); ///< i32 to i64, without sign

  //===- Floats and vectors -------------------------------------------------===//
  mlir::Value convert(mlir::Value x, mlir::Type type); ///< between float types, rounding
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value inverseSqrt(mlir::Value x); ///< relative error below 2^-22.9
  mlir::Value exp(mlir::Value x);
  mlir::Value exp2(mlir::Value x);                  ///< relative error below 2^-22; 0 below 2^-126
  mlir::Value bits(mlir::Value x, mlir::Type type); ///< the same bits as another type
  mlir::Value pack(mlir::ValueRange elements);
  Values unpack(mlir::Value vector);
  mlir::VectorType vectorOf(int count, mlir::Type element);

  //===- Threads ------------------------------------------------------------===//
  mlir::Value thread();
  mlir::Value block(int dimension = 0);
  mlir::Value blocks(); ///< of the grid, along x
  void barrier();       ///< of the block
  void syncWarp();      ///< a barrier of the warp
  /// The value of the lane whose number differs in the bits of `mask`.
  mlir::Value shuffleXor(mlir::Value x, int mask);
  /// The value of the lane `distance` before; of the first lanes their own. 32 or 64 bits.
  mlir::Value shuffleUp(mlir::Value x, int distance);
  /// The value of one lane for all. 32 or 64 bits.
  mlir::Value shuffleFrom(mlir::Value x, Number lane);
  /// Of all lanes of the warp, without sign, for all of them. i32.
  mlir::Value largestOfWarp(mlir::Value x);
  mlir::Value smallestOfWarp(mlir::Value x);
  /// In how many lanes of the warp it holds.
  mlir::Value countLanes(mlir::Value condition);
  /// A bit a lane: where it holds, and where an i32 is what this lane has.
  mlir::Value lanesWith(mlir::Value condition);
  mlir::Value lanesLike(mlir::Value x);
  mlir::Value countBits(mlir::Value x);
  mlir::Value firstBit(mlir::Value x); ///< of a number that is not 0
  /// Of all lanes of the warp, in a fixed order, for all of them.
  mlir::Value reduceWarp(mlir::Value x,
                         llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  /// Chips from sm_90 on. The next kernel of the stream may begin, and come as far as its
  /// `waitForBefore`, behind which all is done that was before this kernel's end.
  void letNextStart();
  void waitForBefore();

  //===- Clusters (GpuAsync.cpp) ----------------------------------------------===//
  /// So many blocks along x, up to 8, run at the same time on neighbouring multiprocessors and
  /// reach each other's shared memory. They divide the blocks of every launch. Chips from 9.0 on.
  void runInClusters(int blocks);
  mlir::Value clusterRank(); ///< of the block in its cluster
  /// A barrier of the cluster: what its threads did before the arrival is there behind the wait. No
  /// block may end while another one can still reach its memory, nor be reached before it has
  /// begun.
  void clusterArrive(bool relaxed = false); ///< relaxed: but for memory
  void clusterWait();
  /// The same place in the shared memory of a block of the cluster: for loads, stores and
  /// `barrierArrive`.
  mlir::Value inBlock(mlir::Value shared, Number rank);

  //===- Memory -------------------------------------------------------------===//
  /// The start of the block's shared memory.
  mlir::Value shared();
  /// `pointer` + `index` elements of a type.
  mlir::Value at(mlir::Value pointer, mlir::Type type, Number index);
  /// `pointer` + `row` * `stride` + `column` elements.
  mlir::Value at(mlir::Value pointer, mlir::Type type, mlir::Value row, mlir::Value stride,
                 Number column);
  /// `pointer` + `bytes`.
  mlir::Value bytesAt(mlir::Value pointer, Number bytes);
  /// `alignment` 0: that of the whole value, which must be a power of two.
  mlir::Value load(mlir::Type type, mlir::Value pointer, int alignment = 0);
  void store(mlir::Value value, mlir::Value pointer, int alignment = 0);
  /// Adds an integer, whoever else does.
  void addTo(mlir::Value pointer, mlir::Value value);

  //===- Control ------------------------------------------------------------===//
  /// for (i = from; i < to; i += step), with values from one round to the next.
  Values loop(Number from, Number to, Number step, mlir::ValueRange initial,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> yes,
            llvm::function_ref<void()> no = nullptr);
  /// The values of one of two branches, which threads of a warp may not take differently where it
  /// meets a barrier.
  Values choose(mlir::Value condition, llvm::function_ref<Values()> yes,
                llvm::function_ref<Values()> no);

  //===- Copies in the background (GpuAsync.cpp) ------------------------------===//
  /// Copies 4, 8 or 16 bytes from global to shared memory, and zeros instead of what is
  /// behind the first `valid` bytes.
  void copyAsync(mlir::Value shared, mlir::Value global, int bytes, mlir::Value valid = nullptr);
  void commitCopies();
  /// Until at most the last `left` groups of copies of this thread are on their way.
  void waitCopies(int left);
  void barrierInit(mlir::Value barrier, int arrivals);
  void fenceBarrierInit();
  void barrierArrive(mlir::Value barrier);
  void barrierExpect(mlir::Value barrier, Number bytes); ///< arrives, too
  void barrierWait(mlir::Value barrier, mlir::Value parity);
  /// Starts the copy of a box of a tensor, whose first element is at the coordinates. `blocks`: a
  /// bit for each block of the cluster that gets it, at the same places; each must expect its
  /// bytes. 0: this one alone.
  void copyTensor(mlir::Value shared, mlir::Value map, mlir::Value barrier, mlir::ValueRange at,
                  int blocks = 0);
  /// Starts to fetch a box of a tensor into the second cache.
  void prefetchTensor(mlir::Value map, mlir::ValueRange at);
  /// Starts the copy of a multiple of 16 bytes from memory of the device, at such multiples, to
  /// this block; `barrier` must expect them.
  void copyBulk(mlir::Value shared, mlir::Value global, mlir::Value bytes, mlir::Value barrier);
  /// Stores an i64 in memory of a block of the cluster, whose barrier, which must expect 8 bytes,
  /// says when it is there: without waiting for what this thread has sent to memory before.
  void storeAsync(mlir::Value value, mlir::Value shared, mlir::Value barrier);
  /// What describes a tensor is on its way before its first copy.
  void prefetchMap(mlir::Value map);
  void setRegisters(int count, bool more);
  /// What this thread wrote to shared memory is there for copies by tensor map and for groups of
  /// warps that multiply.
  void fenceShared();

  //===- Tensor cores (GpuMatrix.cpp) ---------------------------------------===//
  /// Four 8 x 8 matrices of 16 bits: four words of this lane. The address is that of row
  /// lane % 8 of matrix lane / 8.
  Values loadMatrices(mlir::Value shared, bool transposed);
  /// c + a b of 16 x 8 sums in f32 over 32 bytes of the reduction: f16, bf16, or f32 rounded
  /// to tf32. `a`: 4 words, `b`: 2 words.
  Values multiply(mlir::Type element, mlir::ValueRange a, mlir::ValueRange b, mlir::ValueRange c);
  /// The same of bytes, those of `a` without sign, with sums of i32: 32 terms.
  Values multiplyBytes(mlir::ValueRange a, mlir::ValueRange b, mlir::ValueRange c);
  /// What describes rows of 128 bytes in shared memory, swizzled as copyTensor does.
  /// `across`: the reduction goes down the rows, and 64 columns further begin 64 rows later.
  mlir::Value matrixDescriptor(mlir::Value shared, bool across = false);
  mlir::Type groupSums(int columns); ///< 64 x columns over a group of four warps
  /// sums + a b over 32 bytes of the reduction, in the background: f16, bf16, or f32 cut to tf32,
  /// which may not be `across`. Operands by descriptor;
  /// `across`: that of b, `acrossA`: that of a.
  mlir::Value multiplyGroup(mlir::Type element, int columns, mlir::Value a, mlir::Value b,
                            mlir::Value sums, bool across = false, bool acrossA = false);
  /// The same of f16 and bf16, b not across, with a in registers: the four words that a lane has of
  /// 16 rows of `multiply`, of the rows of its warp. They may not change before `waitGroup`.
  mlir::Value multiplyGroup(mlir::Type element, int columns, mlir::ValueRange a, mlir::Value b,
                            mlir::Value sums);
  void fenceGroup();
  void commitGroup();
  void waitGroup(int left);
  /// The same sums, which nothing reads before this: plain instructions on them might else be moved
  /// to before the wait that they are for.
  /// A number: it is computed here, not later where it is used.
  mlir::Value settled(mlir::Value sums);

private:
  mlir::Value masked(mlir::Value x, int64_t mask, int64_t bits, llvm::StringRef table);
  mlir::Value shuffle(mlir::Value x, llvm::function_ref<mlir::Value(mlir::Value)> word);

  const KernelSignature &signature;
  mlir::Value sharedStart;
};

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_GPUBUILDER_H
