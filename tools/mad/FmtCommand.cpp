//===- FmtCommand.cpp - mad fmt ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Format.h"
#include "runtime/io/TensorFile.h"
#include "tools/mad/Common.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace mad::tool {

static constexpr size_t maxBytes = size_t(128) << 20;

static bool readText(const std::string &path, std::string &text, std::string &error) {
  if (path != "-")
    return io::readFile(path, text, maxBytes, error);
  auto buffer = llvm::MemoryBuffer::getSTDIN();
  if (!buffer) {
    error = "standard input cannot be read: " + buffer.getError().message();
    return false;
  }
  text = (*buffer)->getBuffer().str();
  return true;
}

/// Formats one file; the exit code.
static int one(const std::string &path, bool check) {
  std::string text, error;
  if (!readText(path, text, error))
    return fail(error);
  Sources sources;
  Diagnostics diagnostics;
  uint32_t file = sources.add(path == "-" ? "<stdin>" : path, text);
  std::optional<std::string> made = format(sources, file, diagnostics);
  if (!made && diagnostics.hasErrors()) {
    llvm::errs() << render(sources, diagnostics);
    return UserError;
  }
  if (!made)
    return failInternally("formatting `" + path + "` would change its meaning; it stays as it is");
  if (check) {
    if (*made != text)
      print(path + "\n");
    return *made == text ? Good : UserError;
  }
  if (path == "-") {
    print(*made);
    return Good;
  }
  if (*made != text && !io::writeFile(path, made->data(), made->size(), error))
    return fail(error);
  return Good;
}

static int run(const Arguments &arguments) {
  if (arguments.words.empty())
    return usage(fmtCommand(), "expected files");
  int exit = Good;
  for (const std::string &path : arguments.words)
    exit = std::max(exit, one(path, arguments.has("--check")));
  return exit;
}

Command fmtCommand() {
  return {"fmt",
          "FILE.mad ...",
          "writes files in the common style; `-` formats standard input",
          {{"--check", "", "only names the files that would change, and fails if there are any"}},
          run};
}

} // namespace mad::tool
