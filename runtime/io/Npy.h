//===- Npy.h - The .npy format -------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_NPY_H
#define MAD_RUNTIME_IO_NPY_H

#include "runtime/io/Files.h"
#include "runtime/io/TensorFile.h"

namespace mad::io {

/// Outcome of reading one array. Unsupported: well formed as far as was looked,
/// of an element type that DType lacks.
enum class NpyStatus : uint8_t { Ok, Unsupported, Bad };

/// Reads an array of `total` bytes, header included, from `stream`. Fills dtype
/// and shape of `entry`, and `tensor` unless it is null.
NpyStatus readNpy(Stream &stream, uint64_t total, Entry &entry, Tensor *tensor, std::string &text);

/// The bytes before the elements; false when the format cannot hold the tensor.
bool npyHeader(const Tensor &tensor, std::string &header, std::string &text);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_NPY_H
