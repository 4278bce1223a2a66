//===- HostTiles.h - Tile parameters of this machine --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_HOSTTILES_H
#define MAD_PASSES_DRIVER_HOSTTILES_H

#include "passes/Kernels/TileTable.h"
#include <optional>

namespace mad {

/// Where the user's table for this CPU is: `$MAD_TUNE`, else `mad/tune/<cpu>.json` in
/// `$XDG_CONFIG_HOME` or `~/.config`; empty for `off`, and when there is no home.
std::string hostTilesFile();

/// The table of a file; nothing, with an error that names it, when it cannot be read or
/// is for other code than that of `level`.
std::optional<kernels::TileTable> readTiles(const std::string &path, int level, std::string &error);

/// The user's table, or the one that is built in for this CPU.
std::optional<kernels::TileTable> hostTiles(std::string &error);

} // namespace mad

#endif // MAD_PASSES_DRIVER_HOSTTILES_H
