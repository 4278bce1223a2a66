//===- Cubin.h - From PTX to machine code of a GPU --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptxas of the CUDA toolkit is run as a process. Where there is none, PTX alone goes into
// the artifact, and the driver compiles it when the model is loaded.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_CUBIN_H
#define MAD_PASSES_TARGET_CUBIN_H

#include "passes/Target/Chip.h"
#include <map>
#include <string>
#include <vector>

namespace mad {

/// What ptxas says about one kernel.
struct PtxasKernel {
  int registers = 0;
  int stackBytes = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  int sharedBytes = 0; ///< static ones
  int barriers = 0;
};

struct PtxasReport {
  std::map<std::string, PtxasKernel> kernels;
  /// Where ptxas gave up an optimisation that the kernel was written for.
  std::vector<std::string> losses;
  std::vector<std::string> warnings, errors;
};

/// Reads the output of `ptxas -v`.
PtxasReport readPtxasReport(llvm::StringRef text);

struct PtxasSearch {
  std::string given;   ///< by an option; empty: look for it
  std::string path;    ///< folders with `:` between them
  std::string toolkit; ///< as of findCudaToolkit; empty: none
};
/// With PATH and the toolkit of this process.
PtxasSearch ptxasSearch(llvm::StringRef given = "");
/// The program, or "" where it is not; an error where it was given and is not there.
llvm::Expected<std::string> findPtxas(const PtxasSearch &search);
/// What it calls itself, `13.0.88`; an error where there is none or it says no version.
llvm::Expected<std::string> ptxasVersion(const PtxasSearch &search);

struct CubinOptions {
  PtxasSearch search;
  bool acceptLosses = false; ///< else a loss is an error
  int seconds = 120;         ///< that ptxas may take
};

struct Cubin {
  std::string bytes;   ///< empty where there is no ptxas
  std::string missing; ///< then: what was looked for, and where
  PtxasReport report;
  bool made() const { return missing.empty(); }
};

/// Assembles PTX. Files of its own lie in a folder that it makes and removes.
llvm::Expected<Cubin> makeCubin(llvm::StringRef ptx, const Chip &chip, const CubinOptions &options);

} // namespace mad

#endif // MAD_PASSES_TARGET_CUBIN_H
