//===- NumberedLayers.cpp - Tensors that are the same in each layer -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/NumberedLayers.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <map>
#include <optional>

using namespace mad::tool;
using llvm::StringRef;

namespace {

/// A name around one of its numbers.
struct Split {
  std::string prefix, suffix;
  size_t number;
};

/// All tensors behind one prefix.
struct Candidate {
  size_t count = 0;
  std::map<std::string, std::map<size_t, size_t>> bySuffix; ///< number to entry
};

} // namespace

/// `7`, but not `07`: that is not how `{i}` is written.
static std::optional<size_t> layerNumber(StringRef part) {
  size_t number = 0;
  bool plain = part.size() <= 6 && llvm::all_of(part, llvm::isDigit) &&
               (part.size() == 1 || !part.starts_with("0"));
  return plain && !part.getAsInteger(10, number) ? std::optional(number) : std::nullopt;
}

/// Cuts a name at its number `which`, counted from 0.
static std::optional<Split> split(StringRef name, size_t which) {
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find_first_of("./", begin), name.size());
    auto number = layerNumber(name.slice(begin, end));
    // The separator is part of the suffix, so that a name is put together again.
    if (number && which-- == 0)
      return Split{name.take_front(begin).str(), name.drop_front(end).str(), *number};
    begin = end + 1;
  }
  return std::nullopt;
}

static LayerGroup makeGroup(const std::string &prefix, const Candidate &candidate,
                            const std::vector<NamedType> &entries) {
  std::vector<LayerField> fields;
  std::map<size_t, size_t> tensors; // number of layers to tensors in such fields
  for (const auto &[suffix, layers] : candidate.bySuffix) {
    const std::string &type = entries[layers.begin()->second].type;
    if (layers.rbegin()->first + 1 != layers.size() || type.empty() ||
        !llvm::all_of(layers, [&](auto &layer) { return entries[layer.second].type == type; }))
      continue;
    LayerField field{suffix, {}};
    for (const auto &[number, entry] : layers)
      field.entries.push_back(entry);
    tensors[layers.size()] += layers.size();
    fields.push_back(std::move(field));
  }
  LayerGroup group;
  group.prefix = prefix;
  for (const auto &[layers, count] : tensors)
    if (count >= tensors[group.layers])
      group.layers = layers;
  for (LayerField &field : fields)
    if (field.entries.size() == group.layers)
      group.fields.push_back(std::move(field));
  llvm::sort(group.fields, [](const LayerField &a, const LayerField &b) {
    return a.entries.front() < b.entries.front();
  });
  return group;
}

std::string LayerGroup::entry(const LayerField &field) const {
  return prefix + "{i}" + field.suffix;
}

std::vector<LayerGroup> mad::tool::findLayers(const std::vector<NamedType> &entries) {
  std::vector<LayerGroup> groups;
  std::vector<bool> taken(entries.size());
  for (size_t which = 0;; ++which) {
    std::map<std::string, Candidate> candidates;
    for (size_t i = 0; i < entries.size(); ++i) {
      // A name that holds `{i}` itself would be read as another one.
      if (taken[i] || StringRef(entries[i].name).contains("{i}"))
        continue;
      if (auto parts = split(entries[i].name, which)) {
        Candidate &candidate = candidates[parts->prefix];
        ++candidate.count;
        candidate.bySuffix[parts->suffix][parts->number] = i;
      }
    }
    if (candidates.empty())
      break;
    for (const auto &[prefix, candidate] : candidates) {
      LayerGroup group = makeGroup(prefix, candidate, entries);
      if (group.layers < 2 || group.fields.size() * group.layers * 2 < candidate.count)
        continue;
      for (const LayerField &field : group.fields)
        for (size_t entry : field.entries)
          taken[entry] = true;
      groups.push_back(std::move(group));
    }
  }
  llvm::sort(groups, [](const LayerGroup &a, const LayerGroup &b) {
    return a.fields.front().entries.front() < b.fields.front().entries.front();
  });
  return groups;
}
