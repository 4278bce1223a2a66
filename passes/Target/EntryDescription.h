//===- EntryDescription.h - What a host sees of a compiled entry ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made by the lowering, written by the target into the artifact, its manifest
// and the C header. No MLIR here.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_ENTRYDESCRIPTION_H
#define MAD_PASSES_TARGET_ENTRYDESCRIPTION_H

#include "runtime/mad.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mad {

struct ValueDescription {
  std::string name;
  mad_dtype dtype = MAD_F32;
  /// Text of each dimension for people and the manifest: `Batch`, `Pixels`,
  /// `H - 2`, `64`.
  std::vector<std::string> dims;
  /// Sizes where they are known, else -1.
  std::vector<int64_t> sizes;
  /// See `state` of `mad_value_info`.
  int32_t state = 0;
};

/// See `mad_check` in runtime/artifact.h.
struct CheckDescription {
  int32_t kind = 0;
  std::string message;
  std::string place;
};

struct EntryDescription {
  std::string name;
  std::string doc;
  std::string precision;         ///< of its own code: `strict`, `fast`, else empty
  std::vector<std::string> dims; ///< dimension parameters, in the order of `dims[]` at a call
  std::vector<ValueDescription> inputs, outputs;
  std::vector<std::string> weights; ///< symbol names, in the order of `data[]` at a call
  /// The same for code of GPUs where code for CPUs is beside it; else it is `weights`.
  std::optional<std::vector<std::string>> deviceWeights;
  /// Of each weight the elements of a panel and the dimension that is cut, where the code wants
  /// it packed, and how rows are woven, else 0; see `mad_weight`.
  std::vector<int64_t> panels, axes, weaves;
  /// Not 0: code of this level reads it in f32 (`mad_weight`).
  std::vector<int64_t> widened;
  std::vector<CheckDescription> checks;
  int32_t prepareChecks = 0; ///< how many of them, the first ones, `prepare` makes
};

/// Symbols of the two functions of an entry in the lowered module; their
/// signatures are `mad_prepare_fn` and `mad_run_fn` of runtime/artifact.h.
inline std::string prepareSymbol(const std::string &entry) { return "mad_prepare_" + entry; }
inline std::string runSymbol(const std::string &entry) { return "mad_run_" + entry; }
/// The symbol by which code for the host knows a kernel: a `mad_kernel`, or what the emulator
/// runs.
inline std::string kernelSymbol(const std::string &kernel) { return kernel + ".kernel"; }
/// Behind the names of the functions above in the object of the variant for CUDA.
inline constexpr char cudaSuffix[] = ".cuda";

} // namespace mad

#endif // MAD_PASSES_TARGET_ENTRYDESCRIPTION_H
