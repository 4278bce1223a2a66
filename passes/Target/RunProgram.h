//===- RunProgram.h - Programs that work for the compiler -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_RUNPROGRAM_H
#define MAD_PASSES_TARGET_RUNPROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace mad {

/// How a program ended.
struct ProgramEnd {
  int code = -1;      ///< its exit status; below 0: it did not end by itself
  std::string reason; ///< then: why
  int signal = 0;     ///< that ended it
};

/// Runs a program without input; what it prints goes into the file `log`. After `seconds` it is
/// killed; 0: it has all the time. Any number of threads may do so, each with limits of its own:
/// unlike LLVM's way there is no alarm, which the process has one of. Its messages are in English,
/// and its own temporary files lie in the folder `temporary`, which the caller removes.
ProgramEnd runProgram(const std::string &program, llvm::ArrayRef<std::string> arguments,
                      const std::string &log, const std::string &temporary, int seconds);

} // namespace mad

#endif // MAD_PASSES_TARGET_RUNPROGRAM_H
