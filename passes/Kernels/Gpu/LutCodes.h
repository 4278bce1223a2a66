//===- LutCodes.h - Codes of few bits become numbers ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_LUTCODES_H
#define MAD_PASSES_KERNELS_GPU_LUTCODES_H

#include "passes/Kernels/Gpu/LutMatmul.h"
#include <map>

namespace mad::device {

/// The codes of a record that a lane has, and how they become numbers without their scale: code -
/// zero, exactly, in f16 or bf16.
///
/// Bits of a code go into the mantissa of a power of two, 1024 in f16 and 128 in bf16, at bit p:
/// that is 1024 + 2^p code. One multiply-add takes the power off, with the zero (Kim, Henry, Fahim
/// and Awadalla, 2022, do so with a subtraction for p = 0).
class LutCodes {
public:
  /// `record`: where it begins, in shared memory or that of the device; `lane` of the warp.
  LutCodes(GpuBuilder &g, const LutSpec &spec, mlir::Value record, mlir::Value lane);
  /// Zeros of the columns g and g + 8 (i32), where they are not those of the format.
  void setZeros(mlir::Value low, mlir::Value high);
  /// The table of a codebook in shared memory (`writeLutTable`).
  void setTable(mlir::Value pointer) { table = pointer; }
  /// Where each column has one: those of a tile, numbers of `factor()`, in shared memory. The next
  /// of the tables of f32 begins `step` bytes later.
  void setColumnTables(mlir::Value pointer, int step);
  /// The four registers of a fragment: pairs, as i32, of one of the tables.
  Values fragment(int f, int table = 0);
  /// The words of a lane as they are stored, plane by plane.
  Values words() const {
    Values all;
    for (const Plane &plane : planes)
      llvm::append_range(all, plane.words);
    return all;
  }
  /// A pair of codes, each in its half of an i32.
  mlir::Value codesOf(int f, int i);

private:
  struct Plane {
    int width, shift; ///< of its bits in a code
    Values words;
  };
  /// A pair in the mantissa, and at which bit.
  std::pair<mlir::Value, int> inMantissa(int f, int i);
  mlir::Value field(const Plane &plane, int f, int i, int to, int64_t power = 0);
  mlir::Value signsOf(int f, int i);
  mlir::Value ofByte(int f, int i);
  mlir::Value fromTable(mlir::Value codes, int i, int number);
  /// What is added to 2^-p times the mantissa.
  mlir::Value offset(int h, int p);
  mlir::Value pair(double value);
  mlir::Value dup(mlir::Value half); ///< an i32 below 2^16 in both halves
  bool isHalf() const { return spec.factor().isF16(); }
  int mantissa() const { return isHalf() ? 10 : 7; }
  uint32_t magic() const { return isHalf() ? 0x64006400u : 0x43004300u; }

  GpuBuilder &g;
  const LutSpec &spec;
  std::vector<Plane> planes;
  mlir::Value zeros[2]; ///< with `setZeros`
  mlir::Value table, lane;
  mlir::Value columnTables[2]; ///< of the columns g and g + 8
  int tableStep = 0;
  std::map<std::pair<int, int>, mlir::Value> offsets; ///< by h and p
};

/// x = x1 + x2 + x3 in bf16: the highest 8 bits of the significand, the next ones, the rest. What
/// is not finite is x1 alone.
std::array<mlir::Value, 3> lutPartsOf(GpuBuilder &g, mlir::Value x);

/// Shared memory for the tables of a codebook that all columns have: of up to 4 bits all pairs of
/// its numbers, else the numbers.
int lutTableBytes(const LutSpec &spec);
/// Fills it, by all threads of the block; `tiles`: those of the weight. Needs a barrier behind it.
void writeLutTable(GpuBuilder &g, const LutSpec &spec, mlir::Value tiles, mlir::Value table,
                   int threads);

/// Scales of the columns g and g + 8 for a group of a record, in f32.
std::pair<mlir::Value, mlir::Value> lutScales(GpuBuilder &g, const LutSpec &spec,
                                              mlir::Value record, int group, mlir::Value lane);
/// The same of zeros, as i32.
std::pair<mlir::Value, mlir::Value> lutZeros(GpuBuilder &g, const LutSpec &spec, mlir::Value record,
                                             int group, mlir::Value lane);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_LUTCODES_H
