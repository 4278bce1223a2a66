//===- Gguf.h - The GGUF format ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_GGUF_H
#define MAD_RUNTIME_IO_GGUF_H

#include "runtime/io/Files.h"
#include "runtime/io/GgufBlocks.h"
#include "runtime/io/TensorFile.h"

namespace mad::io {

struct GgufTensor {
  std::string name;
  const GgufType *type = nullptr;
  std::vector<int64_t> shape;    ///< row-major: the contracted dimension last
  uint64_t begin = 0, bytes = 0; ///< in the file
};

/// What stands before the elements.
struct Gguf {
  std::vector<GgufTensor> tensors;
  std::vector<Metadata> metadata;
};

/// Reads and checks all of the header.
bool readGguf(const Input &input, Gguf &file, std::string &text);
/// Reads the elements; those of block formats become f32.
bool readGgufTensor(const Input &input, const GgufTensor &entry, Tensor &tensor, std::string &text);
/// Reads the blocks of the tensor `name` of a file as they are. `text` names the file.
bool readGgufBlocks(const std::string &path, const std::string &name, GgufTensor &entry,
                    std::vector<uint8_t> &bytes, std::string &text);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_GGUF_H
