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

namespace {
/// Where the parts of a file begin.
struct Layout {
  explicit Layout(const std::vector<WeightBytes> &weights);

  uint64_t records = sizeof(mad_weights_header), shapes = 0, names = 0;
  std::vector<std::string> notes;
  uint64_t head = 0; ///< bytes of header, records, shapes, names and notes
  std::vector<size_t> order;
  std::vector<uint64_t> data;
  uint64_t end = 0;
};
} // namespace

Layout::Layout(const std::vector<WeightBytes> &weights) : order(orderInMemory(weights)) {
  shapes = records + weights.size() * sizeof(mad_weights_record);
  names = shapes;
  for (const WeightBytes &weight : weights)
    names += storedShape(weight).size() * sizeof(int64_t);
  head = names;
  for (const WeightBytes &weight : weights) {
    notes.push_back(noteOf(weight));
    head += weight.name.size() + 1 + notes.back().size() + 1;
  }
  end = head;
  data.resize(weights.size());
  for (size_t i : order) {
    data[i] = alignTo(end, alignment);
    end = data[i] + weights[i].bytes;
  }
}

/// All but the data.
static std::string headOf(const std::vector<WeightBytes> &weights, const Layout &layout) {
  uint64_t shapes = layout.shapes, names = layout.names;
  std::string head(layout.head, '\0');
  mad_weights_header header = {};
  header.magic = MAD_WEIGHTS_MAGIC;
  header.version = MAD_WEIGHTS_VERSION;
  header.size = sizeof header;
  compilerVersion().copy(header.compiler, sizeof header.compiler - 1);
  header.file_bytes = layout.end;
  header.head_bytes = layout.head;
  header.num_weights = weights.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    const WeightBytes &weight = weights[i];
    const std::vector<int64_t> shape = storedShape(weight);
    mad_weights_record record = {names,
                                 shapes,
                                 uint16_t(weight.dtype),
                                 uint8_t(weight.panel ? weight.axis + 1 : 0),
                                 uint8_t(weight.weave),
                                 uint32_t(shape.size()),
                                 layout.data[i],
                                 weight.bytes,
                                 checksum(weight)};
    put(head, layout.records + i * sizeof record, record);
    for (int64_t extent : shape) {
      put(head, shapes, extent);
      shapes += sizeof extent;
    }
    weight.name.copy(head.data() + names, weight.name.size());
    names += weight.name.size() + 1;
    layout.notes[i].copy(head.data() + names, layout.notes[i].size());
    names += layout.notes[i].size() + 1;
  }
  put(head, 0, header);
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, head.data(), head.size());
  header.checksum = mad_checksum_value(&sum);
  put(head, 0, header);
  return head;
}

static Error failed(const std::string &path, const std::string &text) {
  return createStringError(io::ticked(path) + " " + text);
}

Error mad::writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                            std::vector<uint64_t> &offsets) {
  io::AtomicFile file;
  if (Error error = startWeightsFile(weights, path, file))
    return error;
  if (Error error = writeWeightsFile(weights, path, offsets, file))
    return error;
  std::string text;
  return file.commit(text) ? Error::success() : failed(path, text);
}

Error mad::startWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                            io::AtomicFile &file) {
  std::string text;
  return file.openRegular(path, text) && file.reserve(Layout(weights).end, text)
             ? Error::success()
             : failed(path, text);
}

Error mad::writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                            std::vector<uint64_t> &offsets, io::AtomicFile &file) {
  const Layout layout(weights);
  const std::string head = headOf(weights, layout);
  const char zeros[alignment] = {};
  std::string text;
  bool good = file.write(head, text);
  uint64_t at = layout.head;
  for (size_t i : layout.order) {
    good = good && file.write(zeros, layout.data[i] - at, text) &&
           file.write(weights[i].data.get(), weights[i].bytes, text);
    at = layout.data[i] + weights[i].bytes;
  }
  offsets = layout.data;
  return good ? Error::success() : failed(path, text);
}
