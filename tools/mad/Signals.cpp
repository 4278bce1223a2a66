//===- Signals.cpp - How the tool ends when it is told to --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler may do next to nothing, so it wakes a thread. That removes what is temporary, and
// ends the process as the signal would have: shells and scripts see what ended it. After a
// crash it ends with the status of a fault of the compiler.
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Signals.h"
#include "passes/Target/InternalFailure.h"
#include "runtime/io/Temporaries.h"
#include "tools/mad/Options.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <iterator>
#include <string>
#include <thread>
#include <unistd.h>

namespace mad::tool {

/// A pipe from the handler to the thread.
static int ends[2] = {-1, -1};

static void wake(int signal) {
  const int before = errno;
  const char byte = char(signal);
  [[maybe_unused]] ssize_t put = write(ends[1], &byte, 1);
  errno = before;
}

static constexpr int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// What is told of a crash; made before, since nothing can be made then.
static std::string crashText;

/// Of any thread. The program that is run is safe: the compiler made the code that crashed.
static void crash(int signal) {
  [[maybe_unused]] ssize_t put = write(STDERR_FILENO, crashText.data(), crashText.size());
  wake(signal);
  // Should that thread be what crashed, or want what this one holds.
  const struct timespec enough = {2, 0};
  nanosleep(&enough, nullptr);
  _exit(InternalError);
}

static void waitForSignal() {
  char byte = 0;
  while (read(ends[0], &byte, 1) != 1)
    if (errno != EINTR)
      return;
  const bool hasCrashed =
      std::find(std::begin(crashes), std::end(crashes), byte) != std::end(crashes);
  io::abandonTemporaries(hasCrashed);
  if (hasCrashed)
    _exit(InternalError);
  signal(byte, SIG_DFL);
  kill(getpid(), byte);
}

/// Where nothing else handles it: sanitizers do, and `nohup` and the like have it ignored.
static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {};
  if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL)
    return;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigaction(number, &action, nullptr);
}

void cleanUpOnSignals() {
  if (pipe2(ends, O_CLOEXEC) != 0)
    return;
  std::thread(waitForSignal).detach();
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGUSR1, SIGUSR2})
    handle(number, wake);
  // A file that is larger than files may be is an error of what writes it. Programs that are run
  // have the signal as it was.
  handle(SIGXFSZ, [](int) {});
  crashText = "internal error: the compiler, or code that it made, crashed\n" + howToReport();
  // The stack may be what has no more room.
  static char stack[64 << 10];
  stack_t other = {};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  sigaltstack(&other, nullptr);
  for (int number : crashes)
    handle(number, crash);
}

} // namespace mad::tool
