//===- TensorFile.h - Tensors in files --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readers of .npy, .npz, .safetensors, .gguf and .mtx, writers of the first
// three. Readers take untrusted bytes: every number is checked against the size of the file before
// it is used. Writers are atomic: a temporary file in the same folder, then a rename. Failures are
// texts that name the file, what was found and what was expected.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_TENSORFILE_H
#define MAD_RUNTIME_IO_TENSORFILE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad::io {

enum class DType : uint8_t { F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64, Bool };
size_t size(DType dtype);      ///< bytes of one element
const char *name(DType dtype); ///< `f32`

/// A tensor that owns its elements, row-major, little-endian, 64-byte aligned.
struct Tensor {
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::shared_ptr<void> data;
  size_t bytes = 0;

  int64_t elements() const;
  template <typename T> T *as() { return static_cast<T *>(data.get()); }
  template <typename T> const T *as() const { return static_cast<const T *>(data.get()); }
  /// Zeroed; empty when the size overflows or memory is short.
  static std::optional<Tensor> make(DType dtype, std::vector<int64_t> shape);
  /// The same numbers in another type, rounded to nearest even, saturated;
  /// NaN becomes 0 in integers. Shares the elements when the type is the same.
  std::optional<Tensor> convert(DType to) const;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Name and type of a tensor in a file, without its elements.
struct Entry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::string storage = {}; ///< how the elements are stored, when not as they are: `Q4_K`
  bool readable = true;     ///< false: of the type `storage`, which `read` refuses
};

/// Something that a .gguf file says of its model.
struct Metadata {
  std::string key;  ///< `general.architecture`
  std::string text; ///< `` `llama` ``, `32`, `[32000 x text]`
};

/// A matrix by its entries; an entry may be there several times.
struct Coordinates {
  int64_t rows = 0, columns = 0;
  std::vector<int64_t> row, column; ///< counted from 0
  Tensor values;                    ///< one for each entry
};

/// Lists what is in a .npy or .mtx (one entry, no name), .npz, .safetensors or
/// .gguf file; the kind is taken from the first bytes, not from the name. Arrays of
/// NumPy that are no numbers are left out (a .npy file that holds nothing else is
/// refused).
bool list(const std::string &path, std::vector<Entry> &entries, std::string &error);
/// Reads one tensor. An empty name is allowed when the file holds just one. A
/// wrong name is answered with the nearest ones. Numbers that are stored as
/// decimal text (.mtx) are rounded once, to `wanted` where it fits them.
bool read(const std::string &path, const std::string &name, Tensor &tensor, std::string &error,
          std::optional<DType> wanted = {});
/// The metadata of a .gguf file, in its order; none of others.
bool readMetadata(const std::string &path, std::vector<Metadata> &metadata, std::string &error);
/// Reads a .mtx file without making it dense.
bool readCoordinates(const std::string &path, Coordinates &matrix, std::string &error,
                     std::optional<DType> wanted = {});

bool writeNpy(const std::string &path, const Tensor &tensor, std::string &error);
bool writeNpz(const std::string &path, const std::vector<NamedTensor> &tensors, std::string &error);
bool writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors,
                      std::string &error);

/// Writes bytes to `path` atomically.
bool writeFile(const std::string &path, const void *bytes, size_t size, std::string &error);
/// Reads a whole regular file of at most `limit` bytes.
bool readFile(const std::string &path, std::string &text, size_t limit, std::string &error);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_TENSORFILE_H
