//===- RefTensor.h - Tensors of the reference evaluation --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_REFTENSOR_H
#define MAD_DIALECTS_MAD_IR_REFTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlir {
class Location;
class Operation;
} // namespace mlir

namespace mad {

enum class RefElement : uint8_t { F32, F64, I32, I64, Bool, F16, BF16, I8, U8 };
const char *elementName(RefElement element); ///< `f32`
bool isFloatElement(RefElement element);
/// The nearest number of a float type, ties to even; NaN and infinity stay.
double rounded(RefElement element, double value);
/// The least and the greatest number of an integer type.
std::pair<int64_t, int64_t> integerRange(RefElement element);

/// One element: `f` of float types, `i` of the others.
struct RefScalar {
  double f = 0;
  int64_t i = 0;
};

/// A dense row-major tensor. Floats are held in f64 whatever their type, but are
/// numbers that their type has, unless the program runs in f64.
struct RefTensor {
  RefElement element = RefElement::F32;
  llvm::SmallVector<int64_t> shape;
  std::vector<double> floats;    ///< used when isFloat()
  std::vector<int64_t> integers; ///< else

  static RefTensor zeros(RefElement element, llvm::ArrayRef<int64_t> shape);
  bool isFloat() const { return isFloatElement(element); }
  int64_t elements() const;
  RefScalar get(int64_t position) const;
  void set(int64_t position, RefScalar value);
};

/// The larger of two; NaN if one is; +0 is larger than -0.
double refMaximum(double a, double b);

/// State of one evaluation.
class RefContext {
public:
  bool f64 = false;                    ///< compute everything in f64, whatever is declared
  std::map<std::string, int64_t> dims; ///< dimension parameters
  /// Set by whoever runs the program; elements of a weight by symbol name.
  std::map<std::string, const RefTensor *> weights;
  std::string message; ///< of the failure, with its place

  /// Rounds float results to their declared type, unless in f64; wraps integers.
  void finish(RefTensor &tensor) const;
  /// The value of a dimension text; empty (and a message) when it has none.
  std::optional<int64_t> dim(llvm::StringRef expression);
  /// Records `message` with the place of `op` and returns failure.
  llvm::LogicalResult fail(mlir::Operation *op, std::string text);
};

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_REFTENSOR_H
