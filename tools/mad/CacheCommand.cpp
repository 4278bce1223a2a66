//===- CacheCommand.cpp - mad cache ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Cache.h"
#include "tools/mad/Common.h"

namespace mad::tool {

static int run(const Arguments &arguments) {
  std::string what = arguments.words.empty() ? "stats" : arguments.words[0];
  if (arguments.words.size() > 1 || (what != "stats" && what != "clear"))
    return usage(cacheCommand(), "expected `stats` or `clear`");
  std::string folder = cacheFolder(arguments), error;
  if (folder.empty())
    return fail("there is no cache: it is off, or no folder is known");
  Cache cache(folder);
  if (what == "clear" && !cache.clear(error))
    return fail(error);
  Cache::Stats stats = cache.stats();
  print(folder + ": " + std::to_string(stats.entries) + " entries, " + std::to_string(stats.bytes) +
        " bytes\n");
  return Good;
}

Command cacheCommand() {
  return {"cache",
          "[stats|clear]",
          "tells how much code and weights are kept for the next time, or removes them",
          {{"--cache", "FOLDER",
            "the folder (default: $MAD_CACHE, or mad in $XDG_CACHE_HOME or ~/.cache)"}},
          run};
}

} // namespace mad::tool
