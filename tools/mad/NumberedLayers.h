//===- NumberedLayers.h - Tensors that are the same in each layer ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_NUMBEREDLAYERS_H
#define MAD_TOOLS_MAD_NUMBEREDLAYERS_H

#include <string>
#include <vector>

namespace mad::tool {

/// A tensor of a file, as far as grouping is concerned.
struct NamedType {
  std::string name;
  std::string type; ///< as it is declared; empty for what cannot be in a group
};

/// One tensor of every layer.
struct LayerField {
  std::string suffix;          ///< behind the number and its dot; may be empty
  std::vector<size_t> entries; ///< one a layer, indices into what was grouped
};

/// `encoder.layer.0.bias`, `encoder.layer.1.bias`, ... and their like.
struct LayerGroup {
  std::string prefix; ///< with its dot, `encoder.layer.`; may be empty
  size_t layers = 0;
  std::vector<LayerField> fields;

  /// The name of a field's tensors, with `{i}` in place of the number.
  std::string entry(const LayerField &field) const;
};

/// Finds tensors whose names differ in one number between dots alone: 0 to N - 1 with N
/// at least 2, all of one type. What a layer has for itself, or with another type, is in
/// no group. Of several numbers in a name the first one counts that groups at least half
/// of the tensors behind the same prefix. Groups and fields are in the order of entries.
std::vector<LayerGroup> findLayers(const std::vector<NamedType> &entries);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_NUMBEREDLAYERS_H
