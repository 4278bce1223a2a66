//===- DenseCorner.h - The full part of sparse factors ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last rows and columns of an SparseLu, from `dense` on, all of whose places there are. Each
// element is computed in the order of the definition, by columns from left to right, so that
// blocks of vectors change no bit of it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_DENSECORNER_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_DENSECORNER_H

#include "dialects/Ode/Sparse/SparseLu.h"
#include "passes/Conversion/MadToLinalg/MemoryLoops.h"

namespace mad {

class DenseCorner : public MemoryLoops {
public:
  DenseCorner(const MemoryLoops &loops, const ode::SparseLu &lu, Value factors, Value starts)
      : MemoryLoops(loops), lu(lu), factors(factors), starts(starts) {}

  /// The factors of the corner, in place. `bad` is the first row whose pivot is of no use,
  /// `worse(bad, pivot, row)` the same with one more. Returns it.
  Value factor(Value bad, llvm::function_ref<Value(Value, Value, Value)> worse);
  /// The rows of the corner of y, of which everything left of it is subtracted.
  void solveLower(Value y);
  void solveUpper(Value y);

private:
  static constexpr int64_t block = ode::SparseLu::denseUnit;
  static constexpr int64_t tileRows = 6;

  /// Where row i would have column 0.
  Value line(Value i) { return minus(loadIndex(starts, next(i)), index(lu.size())); }
  Value size() { return index(lu.size()); }
  Value upperRows(Value from, Value to, Value bad,
                  llvm::function_ref<Value(Value, Value, Value)> worse);
  void multiples(Value from, Value line);
  void multiplesOfEight(Value columns, Value line);
  void rest(Value from, Value to);

  const ode::SparseLu &lu;
  Value factors, starts;
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_DENSECORNER_H
