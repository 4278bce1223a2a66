//===- HostTiles.cpp - Tile parameters of this machine -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/HostTiles.h"
#include "passes/Target/Object.h"
#include "runtime/io/TensorFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/TargetParser/Host.h"
#include <cstdlib>

namespace mad {

/// A table is some hundred bytes.
static constexpr size_t mostBytes = 1 << 16;

std::string hostTilesFile() {
  auto variable = [](const char *name) -> std::string {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  if (std::string set = variable("MAD_TUNE"); !set.empty())
    return set == "off" ? "" : set;
  std::string base = variable("XDG_CONFIG_HOME"), home = variable("HOME");
  if (base.empty() && home.empty())
    return "";
  base = base.empty() ? home + "/.config" : base;
  return base + "/mad/tune/" + llvm::sys::getHostCPUName().str() + ".json";
}

std::optional<kernels::TileTable> readTiles(const std::string &path, int level,
                                            std::string &error) {
  std::string text;
  if (!io::readFile(path, text, mostBytes, error))
    return {};
  auto table = kernels::readJson(text);
  if (!table) {
    error =
        "`" + path + "`: " + llvm::toString(table.takeError()) + "; write it anew with `mad tune`";
    return {};
  }
  if (table->level != level) {
    error = "`" + path + "`: it is for code of " + variant(table->level).name + ", not of " +
            variant(level).name;
    return {};
  }
  return std::move(*table);
}

std::optional<kernels::TileTable> hostTiles(std::string &error) {
  const std::string path = hostTilesFile(), cpu = llvm::sys::getHostCPUName().str();
  if (path.empty() || !llvm::sys::fs::exists(path))
    return kernels::builtinTiles(hostLevel(), cpu);
  auto table = readTiles(path, hostLevel(), error);
  if (!table || table->cpu == cpu)
    return table;
  error = "`" + path + "`: it is of a " + table->cpu + ", this machine is a " + cpu +
          "; write one with `mad tune`, or set MAD_TUNE=off";
  return {};
}

} // namespace mad
