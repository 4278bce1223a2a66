//===- Options.cpp - Command lines of the tool -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Options.h"
#include "llvm/ADT/StringRef.h"
#include <cstdlib>

namespace mad::tool {

bool Arguments::has(const std::string &flag) const { return !all(flag).empty(); }

std::string Arguments::get(const std::string &flag, const std::string &otherwise) const {
  std::vector<std::string> values = all(flag);
  return values.empty() ? otherwise : values.back();
}

std::vector<std::string> Arguments::all(const std::string &flag) const {
  std::vector<std::string> values;
  for (auto &[name, value] : flags)
    if (name == flag)
      values.push_back(value);
  return values;
}

static const Flag *find(const Command &command, llvm::StringRef name) {
  for (const Flag &flag : command.flags)
    if (name == flag.name)
      return &flag;
  return nullptr;
}

static std::string nearest(const Command &command, llvm::StringRef name) {
  const Flag *best = nullptr;
  unsigned distance = 4;
  for (const Flag &flag : command.flags)
    if (unsigned d = name.edit_distance(flag.name, true, distance); d < distance) {
      distance = d;
      best = &flag;
    }
  return best ? "; did you mean `" + best->name + "`?" : std::string();
}

bool parseArguments(const Command &command, const std::vector<std::string> &words,
                    Arguments &arguments, std::string &error) {
  for (size_t i = 0; i < words.size(); ++i) {
    llvm::StringRef word = words[i];
    if (!word.starts_with("-") || word == "-") {
      arguments.words.push_back(words[i]);
      continue;
    }
    auto [name, value] = word.split('=');
    const Flag *flag = find(command, name);
    if (!flag) {
      error = "unknown flag `" + name.str() + "`" + nearest(command, name);
      return false;
    }
    bool inWord = name.size() != word.size();
    if (flag->value.empty() && inWord) {
      error = "`" + flag->name + "` takes no value";
      return false;
    }
    if (!flag->value.empty() && !inWord) {
      if (i + 1 == words.size()) {
        error = "`" + flag->name + "` needs a value: " + flag->value;
        return false;
      }
      value = words[++i];
    }
    arguments.flags.push_back({flag->name, value.str()});
  }
  return true;
}

std::string helpText(const Command &command) {
  std::string text = "mad " + command.name + " " + command.usage + "\n  " + command.help + "\n";
  for (const Flag &flag : command.flags) {
    std::string left = "  " + flag.name + (flag.value.empty() ? "" : "=" + flag.value);
    left.resize(std::max<size_t>(left.size() + 2, 26), ' ');
    text += left + flag.help + "\n";
  }
  return text;
}

bool parseNumber(const std::string &text, double &value) {
  char *end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && end != text.c_str();
}

bool parseInteger(const std::string &text, long long &value) {
  return !llvm::StringRef(text).getAsInteger(10, value);
}

} // namespace mad::tool
