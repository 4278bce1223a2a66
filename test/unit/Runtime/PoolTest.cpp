//===- PoolTest.cpp - Threads that share the work of calls --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <atomic>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {
struct Pool {
  explicit Pool(int32_t threads) { EXPECT_EQ(mad_pool_create(threads, &made, nullptr), MAD_OK); }
  ~Pool() { mad_pool_destroy(made); }
  mad_executor executor() { return mad_pool_executor(made); }
  mad_pool *made = nullptr;
};

void runAll(const mad_executor &executor, int64_t count, mad_task task, void *data) {
  executor.parallel_for(executor.user, count, task, data);
}

/// A context of the model, and a call of `square`.
class Square {
public:
  explicit Square(int64_t size = 1000) : x(size_t(size)), y(size_t(size)), n(size) {
    EXPECT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
    EXPECT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = 0.1f * float(i + 1);
  }
  ~Square() {
    mad_context_destroy(context);
    mad_module_destroy(module);
  }
  std::vector<float> call() {
    y.assign(x.size(), -1.0f);
    mad_tensor input = {x.data(), &n, 1, MAD_F32}, output = {y.data(), &n, 1, MAD_F32};
    EXPECT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK);
    return y;
  }
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  std::vector<float> x, y;
  int64_t n;
};
} // namespace

TEST(Pool, EveryTaskRunsOnce) {
  for (int32_t threads : {1, 2, 3, 7}) {
    Pool pool(threads);
    EXPECT_EQ(mad_pool_threads(pool.made), threads);
    for (int64_t count : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(count));
      runAll(
          pool.executor(), count,
          [](void *data, int64_t number) {
            ++(*static_cast<std::vector<std::atomic<int>> *>(data))[size_t(number)];
          },
          &done);
      for (std::atomic<int> &times : done)
        EXPECT_EQ(times, 1);
    }
  }
}

TEST(Pool, DefaultIsOneThreadForEachCpu) {
  Pool pool(0);
  EXPECT_GE(mad_pool_threads(pool.made), 1);
  EXPECT_EQ(mad_pool_threads(nullptr), 0);
}

TEST(Pool, ArgumentsAreChecked) {
  mad_pool *pool = nullptr;
  mad_error error = {};
  EXPECT_EQ(mad_pool_create(-1, &pool, &error), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "cannot use -1 threads, expected from 1 to 1024, or 0 for one a CPU");
  EXPECT_EQ(mad_pool_create(1025, &pool, &error), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_pool_create(1, nullptr, &error), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "the place for the pool is a null pointer");
  mad_pool_destroy(nullptr);
  Square square;
  EXPECT_EQ(mad_context_set_threads(square.context, -2), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(square.context),
               "cannot use -2 threads, expected from 1 to 1024, or 0 for one a CPU");
  EXPECT_EQ(mad_context_set_threads(nullptr, 1), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_context_set_executor(nullptr, nullptr), MAD_INVALID_ARGUMENT);
  const mad_executor none = {nullptr, nullptr};
  EXPECT_EQ(mad_context_set_executor(square.context, &none), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(square.context),
               "`parallel_for` of the executor is a null pointer");
}

/// A task that finds the pool busy runs its own loop alone.
TEST(Pool, LoopsWithinLoopsEnd) {
  Pool pool(3);
  struct State {
    mad_executor executor;
    std::atomic<int> total{0};
  } state{pool.executor()};
  runAll(
      state.executor, 8,
      [](void *data, int64_t) {
        auto *s = static_cast<State *>(data);
        runAll(s->executor, 5, [](void *d, int64_t) { ++static_cast<State *>(d)->total; }, data);
      },
      &state);
  EXPECT_EQ(state.total, 40);
}

TEST(Pool, SeveralCallersShareOne) {
  Pool pool(3);
  const mad_executor executor = pool.executor();
  std::atomic<int> total{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        runAll(
            executor, 10, [](void *data, int64_t) { ++*static_cast<std::atomic<int> *>(data); },
            &total);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(total, 4 * 200 * 10);
}

/// Its threads are not there any more; the child does all tasks itself.
TEST(Pool, ChildOfAForkDoesTheWork) {
  Pool pool(4);
  std::atomic<int> total{0};
  const mad_task count = [](void *data, int64_t) { ++*static_cast<std::atomic<int> *>(data); };
  runAll(pool.executor(), 100, count, &total);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    total = 0;
    runAll(pool.executor(), 100, count, &total);
    _exit(total == 100 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Pool, SignalsStayWithTheHost) {
  Pool pool(4);
  std::atomic<int> open{0};
  static thread_local bool isCaller = false;
  isCaller = true;
  runAll(
      pool.executor(), 200,
      [](void *data, int64_t) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        if (!isCaller && !sigismember(&mask, SIGINT))
          ++*static_cast<std::atomic<int> *>(data);
        usleep(50);
      },
      &open);
  EXPECT_EQ(open, 0);
}

/// Threads that share the caller's processor leave it; the caller may still run anywhere.
TEST(Pool, AffinityOfTheCallerStays) {
  cpu_set_t before, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  Pool pool(0);
  std::atomic<int> total{0};
  for (int i = 0; i < 200; ++i) {
    if (i % 20 == 0)
      usleep(1000); // longer than threads look for work
    runAll(
        pool.executor(), 8, [](void *data, int64_t) { ++*static_cast<std::atomic<int> *>(data); },
        &total);
  }
  EXPECT_EQ(total, 1600);
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

/// Bound to one processor there is no other to go to.
TEST(Pool, OneProcessorDoesAllTheWork) {
  std::thread bound([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
    Pool whole(0), more(3);
    EXPECT_EQ(mad_pool_threads(whole.made), 1);
    for (const Pool *pool : {&whole, &more}) {
      std::atomic<int> total{0};
      for (int i = 0; i < 20; ++i)
        runAll(
            mad_pool_executor(pool->made), 8,
            [](void *data, int64_t) { ++*static_cast<std::atomic<int> *>(data); }, &total);
      EXPECT_EQ(total, 160);
    }
  });
  bound.join();
}

TEST(Threads, ResultsHaveTheSameBits) {
  Square square;
  ASSERT_EQ(mad_context_set_threads(square.context, 1), MAD_OK);
  const std::vector<float> alone = square.call();
  for (int32_t threads : {0, 2, 3, 7}) {
    ASSERT_EQ(mad_context_set_threads(square.context, threads), MAD_OK);
    for (int round = 0; round < 50; ++round)
      EXPECT_EQ(memcmp(square.call().data(), alone.data(), alone.size() * sizeof(float)), 0);
  }
}

TEST(Threads, HostsExecutorRunsTheLoops) {
  Square square;
  const std::vector<float> expected = square.call();
  int64_t tasks = 0;
  const mad_executor backwards = {[](void *user, int64_t count, mad_task task, void *data) {
                                    *static_cast<int64_t *>(user) += count;
                                    for (int64_t i = count; i-- > 0;)
                                      task(data, i);
                                  },
                                  &tasks};
  ASSERT_EQ(mad_context_set_executor(square.context, &backwards), MAD_OK);
  EXPECT_EQ(square.call(), expected);
  EXPECT_EQ(tasks, 16);
  ASSERT_EQ(mad_context_set_executor(square.context, nullptr), MAD_OK);
  EXPECT_EQ(square.call(), expected);
  EXPECT_EQ(tasks, 16);
}

#if defined(__x86_64__)
/// With denormals flushed to zero by the caller, they are on every thread.
TEST(Threads, FloatingPointModesAreTheCallers) {
  Square square(100000);
  ASSERT_EQ(mad_context_set_threads(square.context, 4), MAD_OK);
  const std::vector<float> before = square.call(); // the threads exist from here on
  const unsigned modes = _mm_getcsr();
  _mm_setcsr(modes | 0x8040);
  std::vector<float> flushed, alone;
  for (int round = 0; round < 20; ++round) {
    flushed = square.call();
    EXPECT_EQ(mad_context_set_threads(square.context, 4), MAD_OK);
  }
  EXPECT_EQ(mad_context_set_threads(square.context, 1), MAD_OK);
  alone = square.call();
  _mm_setcsr(modes);
  EXPECT_NE(before, alone);
  EXPECT_EQ(flushed, alone);
}
#endif
