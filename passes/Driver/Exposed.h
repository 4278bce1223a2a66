//===- Exposed.h - Values inside of an entry, made visible ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_EXPOSED_H
#define MAD_PASSES_DRIVER_EXPOSED_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class Operation;
} // namespace mlir

namespace mad {

/// Where an operand has its elements from, past ops that only move them.
struct ExposedOperand {
  enum Kind { Input, Weight, Result, Constant, Other } kind = Other;
  size_t number = 0;        ///< Input: of the entry; Result: of the exposed values
  std::string name;         ///< as the program calls it, if it does; Weight: its symbol
  double low = 0, high = 0; ///< Constant: least and greatest element
};

/// The result of an operation of an entry, which became one more result of it.
struct ExposedOp {
  std::string name;      ///< of the `let`, if any
  std::string op;        ///< `log`
  std::string place;     ///< `model.mad:3:4`
  bool holdsOps = false; ///< a loop or branch: the operation proper is inside
  std::vector<ExposedOperand> operands;
};

/// The activations that a weight is contracted with.
struct ExposedContraction {
  std::string weight; ///< symbol
  std::string place;
  std::vector<size_t> channels; ///< dimensions of the activations that are summed over
  std::optional<int64_t> layer; ///< the subscript of its leading dimension, when it is cut there
  int64_t layers = 0;           ///< the size of that dimension
  /// Where in the weight the channels lie, in their order: equal for equal channels.
  std::string axes;
};

/// True for ops whose results hold no number that their operands do not.
bool movesOnly(mlir::Operation *op);

} // namespace mad

#endif // MAD_PASSES_DRIVER_EXPOSED_H
