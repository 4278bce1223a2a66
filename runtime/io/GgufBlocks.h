//===- GgufBlocks.h - Element formats of GGUF files --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block formats store a run of elements as small integers with shared scales.
// `decode` computes the f32 numbers that the format defines, operation for
// operation, so that every reader of the format gets the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_GGUFBLOCKS_H
#define MAD_RUNTIME_IO_GGUFBLOCKS_H

#include "runtime/io/TensorFile.h"

namespace mad::io {

struct GgufType {
  uint32_t id;
  const char *name;  ///< `Q4_K`
  uint32_t elements; ///< of a block
  uint32_t bytes;    ///< of a block
  DType dtype;       ///< of the elements read: F32 for block formats
  /// Writes the elements of a block; false when a scale is not finite. Null:
  /// elements are stored as `dtype`.
  bool (*decode)(const uint8_t *block, float *elements);
};

/// Null when no type has this number.
const GgufType *ggufType(uint32_t id);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_GGUFBLOCKS_H
