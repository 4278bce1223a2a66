//===- WeightsFile.cpp - Weights in a file of their own -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "runtime/artifact.h"
#include "runtime/core/checksum.h"
#include "runtime/io/Files.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace llvm;
using namespace mad;

static constexpr uint64_t alignment = 64;

template <typename T> static void put(std::string &text, uint64_t at, const T &value) {
  memcpy(text.data() + at, &value, sizeof value);
}

/// Header, records, shapes and names.
static std::string headOf(const std::vector<WeightBytes> &weights, std::vector<uint64_t> &offsets) {
  const uint64_t records = sizeof(mad_weights_header);
  uint64_t shapes = records + weights.size() * sizeof(mad_weights_record), names = shapes;
  for (const WeightBytes &weight : weights)
    names += storedShape(weight).size() * sizeof(int64_t);
  uint64_t end = names;
  for (const WeightBytes &weight : weights)
    end += weight.name.size() + 1;

  std::string head(end, '\0');
  mad_weights_header header = {};
  header.magic = MAD_WEIGHTS_MAGIC;
  header.version = MAD_WEIGHTS_VERSION;
  header.size = sizeof header;
  compilerVersion().copy(header.compiler, sizeof header.compiler - 1);
  header.head_bytes = end;
  header.num_weights = weights.size();
  uint64_t data = end;
  for (size_t i = 0; i < weights.size(); ++i) {
    const WeightBytes &weight = weights[i];
    const std::vector<int64_t> shape = storedShape(weight);
    data = alignTo(data, alignment);
    offsets.push_back(data);
    mad_weights_record record = {names,
                                 shapes,
                                 uint16_t(weight.dtype),
                                 uint8_t(weight.panel ? weight.axis + 1 : 0),
                                 uint8_t(weight.weave),
                                 uint32_t(shape.size()),
                                 data,
                                 weight.bytes,
                                 checksum(weight)};
    put(head, records + i * sizeof record, record);
    for (int64_t extent : shape) {
      put(head, shapes, extent);
      shapes += sizeof extent;
    }
    weight.name.copy(head.data() + names, weight.name.size());
    names += weight.name.size() + 1;
    data += weight.bytes;
  }
  header.file_bytes = data;
  put(head, 0, header);
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, head.data(), head.size());
  header.checksum = mad_checksum_value(&sum);
  put(head, 0, header);
  return head;
}

Error mad::writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                            std::vector<uint64_t> &offsets) {
  io::AtomicFile file;
  if (Error error = writeWeightsFile(weights, path, offsets, file))
    return error;
  std::string text;
  return file.commit(text) ? Error::success() : createStringError(io::ticked(path) + " " + text);
}

Error mad::writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                            std::vector<uint64_t> &offsets, io::AtomicFile &file) {
  offsets.clear();
  const std::string head = headOf(weights, offsets);
  const char zeros[alignment] = {};
  std::string text;
  bool good = file.openRegular(path, text) && file.write(head, text);
  uint64_t at = head.size();
  for (size_t i = 0; good && i < weights.size(); ++i) {
    good = file.write(zeros, offsets[i] - at, text) &&
           file.write(weights[i].data.get(), weights[i].bytes, text);
    at = offsets[i] + weights[i].bytes;
  }
  return good ? Error::success() : createStringError(io::ticked(path) + " " + text);
}
