//===- Reader.cpp - Readers of tensor files on any bytes ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One program a format: inputs that are not of MAD_FUZZ_FORMAT are left to the others.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/TensorFile.h"
#include "test/fuzz/Memory.h"

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <strings.h>

using namespace mad::io;

namespace {

bool ofFormat(std::string_view bytes) {
  const std::string_view format = MAD_FUZZ_FORMAT;
  if (format == "npy")
    return bytes.starts_with("\x93NUMPY");
  if (format == "npz")
    return bytes.starts_with("PK");
  if (format == "gguf")
    return bytes.starts_with("GGUF");
  if (format == "mtx")
    return bytes.size() > 14 && strncasecmp(bytes.data(), "%%MatrixMarket", 14) == 0;
  return bytes.size() > 8 && bytes[8] == '{';
}

void check(bool good, const std::string &error) {
  // A failure has a text, a success has none.
  if (good != error.empty())
    abort();
}

void readTensor(const std::string &path, const std::string &name, std::optional<DType> wanted) {
  Tensor tensor;
  std::string error;
  bool good = read(path, name, tensor, error, wanted);
  check(good, error);
  if (good && tensor.bytes != static_cast<size_t>(tensor.elements()) * size(tensor.dtype))
    abort();
  if (!good)
    return;
  // Every byte is there.
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < tensor.bytes; ++i)
    sum = static_cast<uint8_t>(sum + tensor.as<uint8_t>()[i]);
  if (tensor.bytes < 4096)
    tensor.convert(DType::F32);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!ofFormat({reinterpret_cast<const char *>(data), size}))
    return -1;
  const std::string path = memoryFile(data, size);
  std::string error;
  std::vector<Entry> entries;
  bool listed = list(path, entries, error);
  check(listed, error);
  std::vector<Metadata> metadata;
  error.clear();
  check(readMetadata(path, metadata, error), error);
  readTensor(path, "no such name", {});
  for (size_t i = 0; listed && i < entries.size() && i < 4; ++i) {
    if (!entries[i].readable) {
      Tensor tensor;
      if (read(path, entries[i].name, tensor, error))
        abort();
      continue;
    }
    // What is large on purpose, not by mistake, takes time and finds nothing.
    double elements = 1;
    for (int64_t extent : entries[i].shape)
      elements *= static_cast<double>(extent);
    if (elements > 1e6)
      continue;
    readTensor(path, entries[i].name, {});
    if (std::string_view(MAD_FUZZ_FORMAT) == "mtx")
      for (DType dtype : {DType::F32, DType::I32})
        readTensor(path, "", dtype);
  }
  if (std::string_view(MAD_FUZZ_FORMAT) == "mtx") {
    Coordinates matrix;
    error.clear();
    check(readCoordinates(path, matrix, error), error);
  }
  return 0;
}
