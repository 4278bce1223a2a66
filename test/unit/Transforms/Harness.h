//===- Harness.h - Runs lowered functions -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_TRANSFORMS_HARNESS_H
#define MAD_TEST_UNIT_TRANSFORMS_HARNESS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mad::test {

/// Levels of x86-64 that this machine runs.
std::vector<int> levels();

/// A row-major array, passed as a memref of its rank.
template <typename T> struct Array {
  std::vector<int64_t> shape;
  std::vector<T> data;

  explicit Array(std::vector<int64_t> sizes, T value = T())
      : shape(std::move(sizes)),
        data(std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>()), value) {}

  /// Pointer, pointer, offset, sizes, strides.
  std::vector<int64_t> descriptor() {
    std::vector<int64_t> words{reinterpret_cast<int64_t>(data.data()),
                               reinterpret_cast<int64_t>(data.data()), 0};
    words.insert(words.end(), shape.begin(), shape.end());
    int64_t stride = 1;
    std::vector<int64_t> strides(shape.size());
    for (size_t i = shape.size(); i-- > 0; stride *= shape[i])
      strides[i] = stride;
    words.insert(words.end(), strides.begin(), strides.end());
    return words;
  }
};

/// What IR may hold; more is added before the first is compiled.
mlir::DialectRegistry &registry();

/// Machine code of functions on memrefs.
class Code {
public:
  /// Runs `whole` (passes on the module), `passes` (a pipeline of passes on func.func), then the
  /// lowering to LLVM. Null after an error, which was printed.
  static std::unique_ptr<Code> compile(const std::string &ir, const std::string &passes, int level,
                                       const std::string &whole = "");
  virtual ~Code() = default;

  template <typename... Arrays> void call(llvm::StringRef name, Arrays &...arrays) {
    std::vector<std::vector<int64_t>> descriptors{arrays.descriptor()...};
    std::vector<void *> arguments;
    for (auto &d : descriptors)
      arguments.push_back(d.data());
    callWith(name, arguments);
  }

private:
  virtual void callWith(llvm::StringRef name, llvm::ArrayRef<void *> arguments) = 0;
};

} // namespace mad::test

#endif // MAD_TEST_UNIT_TRANSFORMS_HARNESS_H
