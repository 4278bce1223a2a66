//===- BuildCommand.cpp - mad build ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/HostTiles.h"
#include "passes/Target/Object.h"
#include "tools/mad/Common.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Path.h"
#include <algorithm>

namespace mad::tool {

/// A C identifier from the name of a file.
static std::string identifier(llvm::StringRef stem) {
  std::string name;
  for (char c : stem)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name.insert(0, "m");
  return name;
}

static bool readLevels(const std::string &text, std::vector<int> &levels) {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(text).split(names, ',');
  for (llvm::StringRef name : names) {
    int level = name == "x86-64" ? 0 : name == "x86-64-v3" ? 3 : name == "x86-64-v4" ? 4 : -1;
    if (level < 0)
      return false;
    levels.push_back(level);
  }
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  return true;
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(buildCommand(), "expected one file");
  std::vector<int> levels;
  std::string target = arguments.get("--target", "x86-64,x86-64-v3,x86-64-v4");
  if (!readLevels(target, levels))
    return usage(buildCommand(), "`" + target + "` is no list of x86-64, x86-64-v3, x86-64-v4");
  WeightsPlace place = WeightsPlace::Auto;
  std::string where = arguments.get("--weights-in", "auto");
  if (where == "library" || where == "file")
    place = where == "file" ? WeightsPlace::File : WeightsPlace::Library;
  else if (where != "auto")
    return usage(buildCommand(), "`--weights-in` takes library, file or auto, not `" + where + "`");
  std::optional<kernels::TileTable> tiles;
  std::string error, from = arguments.get("--tiles");
  if (!from.empty()) {
    tiles = from == "host" ? hostTiles(error) : readTiles(from, levels.back(), error);
    if (!tiles)
      return fail(error);
    if (!llvm::is_contained(levels, tiles->level))
      return fail("`--tiles` is for code of " + variant(tiles->level).name +
                  ", which `--target` does not name");
  }
  std::string stem = llvm::sys::path::stem(arguments.words[0]).str();
  std::string name = arguments.get("--name", identifier(stem));
  if (name != identifier(name))
    return usage(buildCommand(), "`--name` takes a C identifier, not `" + name + "`");

  Compilation compilation;
  if (tiles)
    compilation.useTiles(tiles->level, kernels::text(*tiles));
  if (!startRecords(arguments, compilation) || !compilation.load(arguments.words[0]))
    return report(compilation);
  std::set<std::string> entries;
  for (const Signature &s : compilation.signatures())
    if (s.title.empty())
      entries.insert(s.name);
  if (entries.empty())
    return fail("`" + arguments.words[0] + "` exports no function; write `export fn`");
  if (!compilation.keep(entries))
    return report(compilation);
  if (arguments.has("--stop-after")) {
    std::string text;
    if (!compilation.lowerTo(arguments.get("--stop-after"), levels.back(), text))
      return report(compilation);
    print(text);
    return Good;
  }
  std::string folder = arguments.get("-o", ".");
  if (!compilation.loadWeights(arguments.get("--weights")) ||
      !compilation.build(name, levels, folder, place))
    return report(compilation);
  print("wrote " + folder + "/" + llvm::join(compilation.written(), ", ") + "\n");
  return finishRecords(arguments, compilation, Good);
}

Command buildCommand() {
  Command command = {
      "build",
      "FILE.mad",
      "compiles a model ahead of time to libX.so, X.h and X.json",
      {{"-o", "FOLDER", "where to write; made when missing (default: here)"},
       {"--name", "X", "name of the artifact (default: that of the file)"},
       {"--target", "LIST",
        "variants of the code, picked when loaded (default: all: x86-64,x86-64-v3,x86-64-v4)"},
       {"--weights", "FILE", "reads all weights from this file"},
       {"--weights-in", "library|file|auto",
        "puts them into the library or into X.weights beside\n"
        "                          it; auto (default): into the file from 16 MiB on"},
       {"--tiles", "host|FILE",
        "cuts products as `mad tune` found best on this machine,\n"
        "                          or as a file of it says (default: as built in)"},
       {"--stop-after", "STAGE",
        "prints the IR after mad, fold, linalg, bufferize, vector or llvm"}},
      run};
  llvm::append_range(command.flags, recordFlags());
  return command;
}

} // namespace mad::tool
