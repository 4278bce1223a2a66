//===- TileTable.h - Tile parameters that were measured for a CPU -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_TILETABLE_H
#define MAD_PASSES_KERNELS_TILETABLE_H

#include "passes/Kernels/TileSizes.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mad::kernels {

/// The parameters of one CPU.
struct TileTable {
  std::string cpu; ///< as LLVM names it: `znver4`, or a level: `x86-64-v3`
  int level = 3;
  TileSizes f32, f64;

  const TileSizes &of(unsigned bits) const { return bits == 64 ? f64 : f32; }
};

/// Those that come with the compiler: of a CPU that it knows, else of the level. Code
/// for a level never depends on the CPU that compiles.
TileTable builtinTiles(int level, llvm::StringRef cpu = {});

/// What is wrong with parameters for floats of so many bits; empty: nothing.
std::string faultOf(const TileSizes &sizes, unsigned bits, int level);

/// `f32:MR=6,panels=4,...;f64:MR=6,...`: for keys, options of passes and manifests.
std::string text(const TileTable &table);
/// Reads that. What is not named stays as in the built-in table of the level.
llvm::Expected<TileTable> readText(llvm::StringRef text, int level);

/// A JSON file: `{"format": "mad tiles 1", "cpu": ..., "level": ..., "f32": {...}, "f64":
/// {...}}`. Reading wants every member; errors do not name the file.
std::string writeJson(const TileTable &table);
llvm::Expected<TileTable> readJson(llvm::StringRef json);

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_TILETABLE_H
