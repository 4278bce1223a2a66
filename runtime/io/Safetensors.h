//===- Safetensors.h - The .safetensors format ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_SAFETENSORS_H
#define MAD_RUNTIME_IO_SAFETENSORS_H

#include "runtime/io/Files.h"
#include "runtime/io/TensorFile.h"

namespace mad::io {

/// A tensor in the header. `dtype` is empty when DType lacks the type.
struct SafetensorsEntry {
  std::string name;
  std::string type; ///< as written: `F32`
  std::optional<DType> dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0; ///< bytes in the file
};

/// Reads and checks the whole header; entries come in the order of their bytes.
bool readSafetensors(const Input &input, std::vector<SafetensorsEntry> &entries, std::string &text);

/// The bytes before the elements, and the order in which the tensors follow.
bool safetensorsHeader(const std::vector<NamedTensor> &tensors, std::string &header,
                       std::vector<const Tensor *> &order, std::string &text);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_SAFETENSORS_H
