//===- CheckCommand.cpp - mad check ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"
#include "frontend/Parse/Parse.h"
#include "tools/mad/Common.h"

namespace mad::tool {

static int run(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(checkCommand(), "expected one file");
  Compilation compilation;
  std::string what = arguments.get("--dump");
  if (!what.empty() && what != "ast" && what != "program" && what != "mad")
    return usage(checkCommand(), "`--dump` takes ast, program or mad, not `" + what + "`");
  const std::string &file = arguments.words[0];
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
  print(text);
  return Good;
}

Command checkCommand() {
  return {"check",
          "FILE.mad",
          "parses and checks a model; prints nothing when it is right",
          {{"--dump", "ast|program|mad", "prints the syntax tree, checked program or IR"}},
          run};
}

} // namespace mad::tool
