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
#include "llvm/Support/Error.h"
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

/// The levels of code for CPUs, and whether there is to be code for GPUs.
static bool readTargets(const std::string &text, std::vector<int> &levels, bool &cuda) {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(text).split(names, ',');
  for (llvm::StringRef name : names) {
    if (name == "cuda") {
      cuda = true;
      continue;
    }
    if (name == "cpu") {
      levels.insert(levels.end(), {0, 3, 4});
      continue;
    }
    int level = name == "x86-64"      ? 0
                : name == "x86-64-v3" ? 3
                : name == "x86-64-v4" ? 4
                : name == "native"    ? hostLevel()
                                      : -1;
    if (level < 0)
      return false;
    levels.push_back(level);
  }
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  return true;
}

/// What `--ptxas`, `--cuda-toolkit` and `--chips` say; an error otherwise.
static llvm::Expected<CudaOptions> readCuda(const Arguments &arguments, bool cuda) {
  for (const char *flag : {"--ptxas", "--cuda-toolkit", "--chips"})
    if (arguments.has(flag) && !cuda)
      return llvm::createStringError(std::string("`") + flag +
                                     "` is for code of GPUs; add `cuda` to `--target`");
  CudaOptions options{arguments.get("--ptxas"), arguments.get("--cuda-toolkit")};
  llvm::SmallVector<llvm::StringRef> names;
  const std::string text = arguments.get("--chips");
  llvm::StringRef(text).split(names, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef name : names) {
    if (auto chip = chipOf(name); !chip)
      return llvm::createStringError("`--chips`: " + llvm::toString(chip.takeError()));
    options.chips.push_back(name.str());
  }
  return options;
}

/// The tiles that `from` names, the value of `--tiles`; nothing after an error.
static std::optional<kernels::TileTable> tilesFrom(const std::string &from,
                                                   llvm::ArrayRef<int> levels, std::string &error) {
  if (levels.empty()) {
    error = "`--tiles` is for code of CPUs, which `--target` does not name";
    return {};
  }
  auto tiles = from == "host" ? hostTiles(error) : readTiles(from, levels.back(), error);
  if (tiles && !llvm::is_contained(levels, tiles->level)) {
    error = "`--tiles` is for code of " + variant(tiles->level).name +
            ", which `--target` does not name";
    return {};
  }
  return tiles;
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(buildCommand(), "expected one file");
  std::vector<int> levels;
  bool cuda = false;
  std::string target = arguments.get("--target", "cpu");
  if (!readTargets(target, levels, cuda))
    return usage(buildCommand(),
                 "`" + target + "` is no list of x86-64, x86-64-v3, x86-64-v4, native, cpu, cuda");
  WeightsPlace place = WeightsPlace::Auto;
  std::string where = arguments.get("--weights-in", "auto");
  if (where == "library" || where == "file")
    place = where == "file" ? WeightsPlace::File : WeightsPlace::Library;
  else if (where != "auto")
    return usage(buildCommand(), "`--weights-in` takes library, file or auto, not `" + where + "`");
  std::optional<kernels::TileTable> tiles;
  std::string error, from = arguments.get("--tiles");
  if (!from.empty() && !(tiles = tilesFrom(from, levels, error)))
    return fail(error);
  auto cudaOptions = readCuda(arguments, cuda);
  if (!cudaOptions)
    return usage(buildCommand(), llvm::toString(cudaOptions.takeError()));
  std::string stem = llvm::sys::path::stem(arguments.words[0]).str();
  std::string name = arguments.get("--name", identifier(stem));
  if (name != identifier(name))
    return usage(buildCommand(), "`--name` takes a C identifier, not `" + name + "`");

  Compilation compilation;
  if (tiles)
    compilation.useTiles(tiles->level, kernels::text(*tiles));
  compilation.useLinker(arguments.get("--linker"));
  if (cuda)
    compilation.useCuda(std::move(*cudaOptions));
  if (cuda && levels.empty())
    compilation.useDeviceAlone();
  if (!startRecords(arguments, compilation) || !compilation.load(arguments.words[0]))
    return report(compilation);
  std::set<std::string> entries;
  for (const Signature &s : compilation.signatures())
    if (s.title.empty() || arguments.has("--with-tests"))
      entries.insert(s.name);
  if (entries.empty())
    return fail("`" + arguments.words[0] + "` exports no function; write `export fn`");
  if (!compilation.keep(entries))
    return report(compilation);
  if (arguments.has("--stop-after")) {
    std::string text;
    if (!compilation.lowerTo(arguments.get("--stop-after"), levels.empty() ? 0 : levels.back(),
                             text))
      return report(compilation);
    print(text);
    return Good;
  }
  std::string folder = arguments.get("-o", ".");
  const bool loaded = compilation.loadWeights(arguments.get("--weights"));
  printWarnings(compilation);
  if (!loaded || !compilation.build(name, levels, folder, place))
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
        "variants of the code, picked when loaded: x86-64, x86-64-v3,\n"
        "                          x86-64-v4, native (the best that this machine runs), cpu\n"
        "                          (default, all three), cuda for GPUs"},
       {"--ptxas", "PATH|none",
        "makes machine code of GPUs; none: PTX alone (default: it\n"
        "                          is looked for, in the path and the CUDA toolkit)"},
       {"--cuda-toolkit", "FOLDER|none",
        "whose functions kernels call; none: they are built in\n"
        "                          (default: it is looked for)"},
       {"--chips", "LIST",
        "chips of GPUs that get machine code, sm_80 or sm_90a (default: both);\n"
        "                          others get PTX"},
       {"--weights", "FILE", "reads all weights from this file"},
       {"--weights-in", "library|file|auto",
        "puts them into the library or into X.weights beside\n"
        "                          it; auto (default): into the file from 16 MiB on"},
       {"--with-tests", "",
        "also the test blocks, as functions that give the value of each\n"
        "                          assertion"},
       {"--tiles", "host|FILE",
        "cuts products as `mad tune` found best on this machine,\n"
        "                          or as a file of it says (default: as built in)"},
       {"--linker", "PROGRAM",
        "a C compiler that links the library, `cc` for instance\n"
        "                          (default: LLD, which is part of this program)"},
       {"--stop-after", "STAGE",
        "prints the IR after mad, rewrite, fold, linalg, bufferize,\n"
        "                          vector or llvm"}},
      run};
  llvm::append_range(command.flags, recordFlags());
  return command;
}

} // namespace mad::tool
