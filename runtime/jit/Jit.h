//===- Jit.h - Compiled models in memory ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_JIT_JIT_H
#define MAD_RUNTIME_JIT_JIT_H

#include "passes/Target/Object.h"

struct mad_artifact;

namespace mad {

/// Owns code in memory. Keeps the weights alive.
class Jit {
public:
  virtual ~Jit() = default;
  /// For `mad_module_create`; lives as long as this.
  virtual const mad_artifact *artifact() const = 0;
};

/// Loads the objects (those of `levels`) and the artifact object made for them.
/// `symbols` are further ones that the objects need.
llvm::Expected<std::unique_ptr<Jit>>
makeJit(const ArtifactOptions &options, const std::vector<EntryDescription> &entries,
        std::vector<WeightBytes> weights, std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects,
        const std::vector<std::pair<std::string, void *>> &symbols = {});

} // namespace mad

#endif // MAD_RUNTIME_JIT_JIT_H
