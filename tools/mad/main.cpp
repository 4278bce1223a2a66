//===- main.cpp - The mad tool -----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "runtime/io/Temporaries.h"
#include "tools/mad/Common.h"
#include "tools/mad/Signals.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Config/llvm-config.h"
#include <exception>
#include <malloc.h>
#include <new>
#include <unistd.h>

using namespace mad::tool;

static std::vector<Command> commands() {
  return {runCommand(),     buildCommand(), testCommand(),  checkCommand(),     inspectCommand(),
          explainCommand(), fmtCommand(),   cacheCommand(), calibrateCommand(), tuneCommand()};
}

static std::string overview() {
  std::string text = "mad COMMAND ...\n";
  for (const Command &c : commands())
    text += "  mad " + c.name + " " + c.usage + "\n      " + c.help + "\n";
  return text +
         "mad COMMAND --help shows the flags; mad --version the version\n"
         "exit status: 0 good; 1 a fault of the program or its input; 2 a wrong command line;\n"
         "  70 a fault of the compiler, which should be reported\n";
}

/// A question, where a command is nearly it.
static std::string nearest(llvm::StringRef word) {
  constexpr unsigned most = 2;
  for (const Command &command : commands())
    if (word.edit_distance(command.name, /*AllowReplacements=*/true, most) <= most)
      return "did you mean `" + command.name + "`? ";
  return "";
}

static int run(const std::vector<std::string> &words) {
  if (words.empty() || words[0] == "--help" || words[0] == "help") {
    print(overview());
    return words.empty() ? UsageError : Good;
  }
  if (words[0] == "--version") {
    print("mad " MAD_VERSION " (LLVM " LLVM_VERSION_STRING ")\n");
    return Good;
  }
  for (const Command &command : commands()) {
    if (command.name != words[0])
      continue;
    if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
      print(helpText(command));
      return Good;
    }
    Arguments arguments;
    std::string error;
    if (!parseArguments(command, {words.begin() + 1, words.end()}, arguments, error))
      return usage(command, error);
    return command.run(arguments);
  }
  fail("there is no command `" + words[0] + "`; " + nearest(words[0]) + "see `mad --help`");
  return UsageError;
}

/// LLVM would end with the status of a fault of the program.
static void endByFatalError(void *, const char *reason, bool) {
  const int exit = failInternally(std::string("LLVM gives up: ") + (reason ? reason : ""));
  mad::io::abandonTemporaries();
  _exit(exit);
}

int main(int argc, char **argv) {
#ifdef M_MXFAST
  // For the C library's allocator: small pieces join their neighbours when they are freed. It
  // would keep them apart in lists, and later walk through all of a large heap in no order of
  // its memory.
  mallopt(M_MXFAST, 0);
#endif
  cleanUpOnSignals();
  mad::onFatalError(endByFatalError);
  int exit = UserError;
  try {
    exit = run({argv + 1, argv + argc});
  } catch (const std::bad_alloc &) {
    // What was written beside a file is removed on the way here.
    fail("there is not enough memory");
  } catch (const std::exception &exception) {
    exit = failInternally(exception.what());
  }
  exit = finishOutput(exit);
  // Where a signal came, that is what ends the process, not an error that followed from it.
  mad::io::TemporaryLock lock(mad::io::temporaries());
  return exit;
}
