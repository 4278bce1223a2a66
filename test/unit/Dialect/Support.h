//===- Support.h - Programs in text, run by the reference interpreter -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_DIALECT_SUPPORT_H
#define MAD_TEST_UNIT_DIALECT_SUPPORT_H

#include "dialects/Mad/Reference/Interpreter.h"
#include <gtest/gtest.h>

namespace mad::test {

using Shape = llvm::SmallVector<int64_t>;

RefTensor f32(Shape shape, std::vector<double> values);
RefTensor f64(Shape shape, std::vector<double> values);
RefTensor i32(Shape shape, std::vector<int64_t> values);
RefTensor i64(Shape shape, std::vector<int64_t> values);
RefTensor f16(Shape shape, std::vector<double> values);
RefTensor bf16(Shape shape, std::vector<double> values);
RefTensor i8(Shape shape, std::vector<int64_t> values);
RefTensor u8(Shape shape, std::vector<int64_t> values);
RefTensor boolean(Shape shape, std::vector<int64_t> values);

struct Outcome {
  std::string message; ///< empty: success
  std::vector<RefTensor> results;
  std::vector<std::string> seen; ///< names that the observer was shown

  /// Elements of a result, after a check of its shape.
  std::vector<double> floats(Shape shape, size_t result = 0) const;
  std::vector<int64_t> integers(Shape shape, size_t result = 0) const;
};

enum class Mode { Declared, F64 };

/// Parses a module and runs its function `main`.
Outcome run(llvm::StringRef module, std::vector<RefTensor> inputs, Mode mode = Mode::Declared,
            const std::map<std::string, const RefTensor *> &weights = {});

/// Applies one op to inputs: `op("mad.add", {x, y}, "tensor<2xf32>")`. `before`
/// is what stands between the name and the operands, `after` what follows them.
Outcome op(const std::string &name, std::vector<RefTensor> inputs, const std::string &type,
           const std::string &before = "", const std::string &after = "",
           Mode mode = Mode::Declared);

/// Equal, or both NaN; zeros by sign too.
void expectSame(const std::vector<double> &found, const std::vector<double> &expected);

} // namespace mad::test

#endif // MAD_TEST_UNIT_DIALECT_SUPPORT_H
