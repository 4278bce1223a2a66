//===- PackedWeights.cpp - Weights in panels of columns ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Object.h"
#include "runtime/core/pages.h"
#include "runtime/core/panels.h"
#include "llvm/ADT/STLExtras.h"

using namespace mad;

std::vector<int64_t> mad::storedShape(const WeightBytes &weight) {
  std::vector<int64_t> shape = weight.shape;
  if (!weight.panel)
    return shape;
  int64_t rank = shape.size(), panels = llvm::divideCeil(shape[weight.axis], weight.panel);
  shape.erase(shape.begin() + weight.axis);
  shape.insert(shape.begin() + std::min(weight.axis, rank - 2), panels);
  shape.push_back(weight.panel);
  if (weight.weave) {
    shape[rank - 1] /= 4;
    shape[rank] *= 4;
  }
  return shape;
}

std::optional<WeightBytes> mad::packPanels(const WeightBytes &weight, int64_t axis, int64_t panel,
                                           int64_t weave) {
  WeightBytes packed = weight;
  packed.panel = panel;
  packed.axis = axis;
  packed.weave = weave;
  int transposed = 0;
  mad_panels matrix = mad_panels_of(weight.shape.data(), weight.shape.size(), axis, panel, weave,
                                    mad_dtype_size(weight.dtype), &transposed);
  uint64_t bytes = mad_panels_bytes(&matrix);
  uint64_t whole = uint64_t(matrix.rows) * uint64_t(matrix.columns) * matrix.size;
  uint64_t layers = whole ? weight.bytes / whole : 0;
  if (bytes == UINT64_MAX || __builtin_mul_overflow(bytes, layers, &packed.bytes))
    return {};
  void *memory = mad_pages_take(packed.bytes);
  if (!memory)
    return {};
  packed.data = std::shared_ptr<const void>(
      memory, [size = packed.bytes](void *gone) { mad_pages_give(gone, size); });
  for (uint64_t i = 0; i < layers; ++i)
    mad_panels_pack(&matrix, static_cast<char *>(memory) + i * bytes,
                    static_cast<const char *>(weight.data.get()) + i * whole, transposed);
  return packed;
}
