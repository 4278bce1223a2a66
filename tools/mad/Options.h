//===- Options.h - Command lines of the tool ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_OPTIONS_H
#define MAD_TOOLS_MAD_OPTIONS_H

#include <map>
#include <string>
#include <vector>

namespace mad::tool {

/// Exit codes of the tool.
enum Exit { Good = 0, UserError = 1, UsageError = 2, InternalError = 70 };

/// A flag that a command takes.
struct Flag {
  std::string name;  ///< `--dim`
  std::string value; ///< placeholder; empty: takes none
  std::string help;
};

/// `mad COMMAND ...` taken apart: positional words and flags. A flag's value is
/// the next word or follows `=`.
struct Arguments {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> flags;

  bool has(const std::string &flag) const;
  /// The last one wins.
  std::string get(const std::string &flag, const std::string &otherwise = {}) const;
  std::vector<std::string> all(const std::string &flag) const;
};

struct Command {
  std::string name;
  std::string usage; ///< after the name
  std::string help;
  std::vector<Flag> flags;
  int (*run)(const Arguments &arguments);
};

/// False, with a message, when a flag is unknown or lacks its value.
bool parseArguments(const Command &command, const std::vector<std::string> &words,
                    Arguments &arguments, std::string &error);
std::string helpText(const Command &command);

/// Reads a whole decimal number.
bool parseNumber(const std::string &text, double &value);
bool parseInteger(const std::string &text, long long &value);

// The commands, one a file.
Command checkCommand();
Command runCommand();
Command buildCommand();
Command testCommand();
Command inspectCommand();
Command explainCommand();
Command fmtCommand();
Command cacheCommand();
Command calibrateCommand();
Command tuneCommand();

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_OPTIONS_H
