//===- RunProgram.cpp - Programs that work for the compiler -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/RunProgram.h"
#include "runtime/io/Files.h"
#include "runtime/io/Temporaries.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace mad;
using Clock = std::chrono::steady_clock;

extern char **environ;

/// As `execve` takes them; the strings stay where they are.
static std::vector<char *> pointersTo(llvm::ArrayRef<std::string> strings) {
  std::vector<char *> pointers;
  for (const std::string &one : strings)
    pointers.push_back(const_cast<char *>(one.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Those of this process but for the language and the place of temporary files.
static std::vector<std::string> variablesOf(const std::string &temporary) {
  std::vector<std::string> made = {"LC_ALL=C", "TMPDIR=" + temporary};
  for (char **one = environ; *one; ++one)
    if (llvm::StringRef text(*one); !text.starts_with("LC_ALL=") && !text.starts_with("TMPDIR="))
      made.push_back(text.str());
  return made;
}

/// 0, or the value of `errno`. The process is noted, so that it ends with this one.
static int start(const std::string &program, llvm::ArrayRef<std::string> arguments,
                 const std::string &log, const std::string &temporary, pid_t &process) {
  const std::vector<std::string> variables = variablesOf(temporary);
  std::vector<char *> words = pointersTo(arguments), environment = pointersTo(variables);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  int code = 0;
  {
    io::TemporaryLock lock(io::temporaries());
    code =
        posix_spawn(&process, program.c_str(), &actions, nullptr, words.data(), environment.data());
    if (code == 0)
      io::noteProcess(process);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

/// The status of a process that has ended. Its number is noted as long as it is its own.
static std::optional<int> collect(pid_t process) {
  io::TemporaryLock lock(io::temporaries());
  int status = 0;
  const pid_t found = waitpid(process, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR))
    return std::nullopt;
  io::forgetProcess(process);
  // A host that ignores SIGCHLD has its children vanish.
  return found == process ? status : -1;
}

static ProgramEnd endOf(int status) {
  if (status == -1)
    return {-1, "how it ended is not known: the process ignores SIGCHLD"};
  if (WIFEXITED(status))
    return {WEXITSTATUS(status), ""};
  const int number = WTERMSIG(status);
  return {-1, "it was ended by signal " + std::to_string(number) + " (" + strsignal(number) + ")",
          number};
}

ProgramEnd mad::runProgram(const std::string &program, llvm::ArrayRef<std::string> arguments,
                           const std::string &log, const std::string &temporary, int seconds) {
  pid_t process = 0;
  if (int code = start(program, arguments, log, temporary, process))
    return {-1, io::systemText(code)};
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  // Soon at first, for programs that end at once.
  constexpr std::chrono::microseconds longest(20'000);
  std::chrono::microseconds pause(500);
  bool killed = false;
  while (true) {
    if (auto status = collect(process))
      return killed ? ProgramEnd{-1, "it has not ended after " + std::to_string(seconds) + " s"}
                    : endOf(*status);
    if (seconds > 0 && !killed && Clock::now() >= end) {
      kill(process, SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, longest);
  }
}
