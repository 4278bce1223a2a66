//===- Signals.cpp - How the tool ends when it is told to --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler may do next to nothing, so it wakes a thread. That removes what is temporary, and
// ends the process as the signal would have: shells and scripts see what ended it.
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Signals.h"
#include "runtime/io/Temporaries.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
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

static void waitForSignal() {
  char byte = 0;
  while (read(ends[0], &byte, 1) != 1)
    if (errno != EINTR)
      return;
  io::abandonTemporaries();
  signal(byte, SIG_DFL);
  kill(getpid(), byte);
}

void cleanUpOnSignals() {
  if (pipe2(ends, O_CLOEXEC) != 0)
    return;
  std::thread(waitForSignal).detach();
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    // `nohup` and the like have it ignored, and so it stays.
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_IGN)
      continue;
    action = {};
    action.sa_handler = wake;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, nullptr);
  }
}

} // namespace mad::tool
