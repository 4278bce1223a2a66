//===- Calls.cpp - What commands that call an entry share -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Calls.h"
#include "llvm/ADT/StringRef.h"

namespace mad::tool {

const Signature *findEntry(const std::vector<Signature> &all, const std::string &name,
                           std::string &error) {
  std::string names;
  for (const Signature &s : all) {
    if (s.name == name)
      return &s;
    if (s.title.empty())
      names += (names.empty() ? "`" : ", `") + s.name + "`";
  }
  error = "there is no exported function `" + name + "`; " +
          (names.empty() ? "the file exports none" : "there are " + names);
  return nullptr;
}

bool readDims(const Arguments &arguments, Dims &dims, std::string &error) {
  for (const std::string &text : arguments.all("--dim")) {
    auto [name, number] = llvm::StringRef(text).split('=');
    long long value = 0;
    if (name.empty() || !parseInteger(number.str(), value) || value < 0) {
      error = "`--dim` takes NAME=SIZE, as in `--dim Batch=4`, not `" + text + "`";
      return false;
    }
    if (!dims.insert({name.str(), value}).second) {
      error = "`--dim` gives `" + name.str() + "` twice";
      return false;
    }
  }
  return true;
}

bool save(const std::string &path, const std::vector<io::NamedTensor> &results,
          std::string &error) {
  llvm::StringRef name = path;
  if (name.ends_with(".npz"))
    return io::writeNpz(path, results, error);
  if (name.ends_with(".safetensors"))
    return io::writeSafetensors(path, results, error);
  if (!name.ends_with(".npy"))
    error = "`" + path + "` should end in .npy, .npz or .safetensors";
  else if (results.size() != 1)
    error = "there are " + std::to_string(results.size()) + " results: write them to a .npz file";
  else
    return io::writeNpy(path, results[0].tensor, error);
  return false;
}

} // namespace mad::tool
