//===- CheckCommand.cpp - mad check ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"
#include "frontend/Parse/Parse.h"
#include "tools/mad/Common.h"
#include <algorithm>

namespace mad::tool {

/// Checks one file; the text that was asked for, behind a line with the name of the file if it is
/// one of several.
static int checkFile(const std::string &file, const std::string &what, bool several) {
  Compilation compilation;
  bool good = what == "ast"   ? compilation.parse(file)
              : what == "mad" ? compilation.load(file)
                              : compilation.check(file);
  if (!good)
    return report(compilation);
  std::string text;
  if (what == "ast")
    text = dump(compilation.tree());
  else if (what == "program")
    text = dump(compilation.program());
  else if (what == "mad" && !compilation.lowerTo("mad", 0, text))
    return report(compilation);
  print(several && !what.empty() ? "== " + file + "\n" + text : text);
  return Good;
}

static int run(const Arguments &arguments) {
  if (arguments.words.empty())
    return usage(checkCommand(), "expected a file");
  std::string what = arguments.get("--dump");
  if (!what.empty() && what != "ast" && what != "program" && what != "mad")
    return usage(checkCommand(), "`--dump` takes ast, program or mad, not `" + what + "`");
  int exit = Good;
  for (const std::string &file : arguments.words)
    exit = std::max(exit, checkFile(file, what, arguments.words.size() > 1));
  return exit;
}

Command checkCommand() {
  return {"check",
          "FILE.mad ...",
          "parses and checks models; prints nothing when they are right",
          {{"--dump", "ast|program|mad",
            "prints the syntax tree, checked program or IR; of several files\n"
            "                          behind a line `== FILE` each"}},
          run};
}

} // namespace mad::tool
