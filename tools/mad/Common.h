//===- Common.h - What the commands share ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_COMMON_H
#define MAD_TOOLS_MAD_COMMON_H

#include "passes/Driver/Compilation.h"
#include "tools/mad/Options.h"

namespace mad {
class Executable;
}

namespace mad::tool {

/// Prints to standard output.
void print(const std::string &text);
/// Text of a file in one line, without characters that a terminal obeys.
std::string oneLine(const std::string &text);
/// At the very end: `exit`, or after a message UserError when standard output could not be
/// written.
int finishOutput(int exit);
/// Prints `error: text` to standard error; returns UserError.
int fail(const std::string &text);
/// Prints `internal error: text` and how that is reported; returns InternalError.
int failInternally(const std::string &text);
/// Prints the messages of a failed compilation; returns its exit code.
int report(const Compilation &compilation);
/// Prints the warnings of a compilation to standard error.
void printWarnings(const Compilation &compilation);
/// Prints what is wrong with the command line and how it should be.
int usage(const Command &command, const std::string &problem);
/// Flags that every command with a compilation takes: what to tell of it.
std::vector<Flag> recordFlags();
/// The folder of the cache, as `--cache` or the environment say; empty: none.
std::string cacheFolder(const Arguments &arguments);
/// Before the first step: what `--time-passes`, `--dump-dir` and `--trace` need.
bool startRecords(const Arguments &arguments, Compilation &compilation);
/// At the end: prints how long each step took with `--time`, and each pass with
/// `--time-passes`; writes the file of `--trace`. Returns `exit`, or the code of
/// what failed.
int finishRecords(const Arguments &arguments, const Compilation &compilation, int exit);

/// Reads and computes the weights as `--weights` and `--target` say. Prints warnings.
bool loadWeights(const Arguments &arguments, Compilation &compilation);

/// Prints what calls left untested, if anything.
void noteUntested(const Executable &executable);

/// The executable that `--target` asks for: `jit` (default), `ref`, `ref64`. On
/// failure null, after telling; `exit` is the code to end with.
std::unique_ptr<Executable> makeExecutable(const Command &command, const Arguments &arguments,
                                           Compilation &compilation, int &exit);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_COMMON_H
