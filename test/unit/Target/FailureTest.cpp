//===- FailureTest.cpp - The system that gives nothing ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The linker sends what the runtime asks of the system through the functions below,
// which fail at the n-th time, for all n. The answer must be a status with a message,
// and nothing may be left: no memory, no open file, no mapping.
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "runtime/artifact.h"
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>

using namespace mad;
using namespace mad::test;

namespace {
/// Written by the thread of the test alone: the workers of a pool allocate nothing.
struct System {
  bool watching = false;
  long until = 0; ///< calls that succeed before one fails
  bool failed = false;
  bool shortens = false; ///< a read that fails finds the end of the file
  std::set<const void *> blocks, maps;
  std::set<int> files;

  bool fails(int code) {
    if (!watching || until-- > 0 || failed)
      return false;
    failed = true;
    errno = code;
    return true;
  }
  void *note(void *block) {
    if (watching && block)
      blocks.insert(block);
    return block;
  }
} sys;
} // namespace

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
int __real_open(const char *path, int flags, ...);
int __real_close(int file);
ssize_t __real_pread(int file, void *bytes, size_t size, off_t offset);
int __real_fstat(int file, struct stat *info);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *at, size_t size);
char *__real_realpath(const char *path, char *resolved);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

void *__wrap_malloc(size_t size) {
  return sys.fails(ENOMEM) ? nullptr : sys.note(__real_malloc(size));
}
void *__wrap_calloc(size_t count, size_t size) {
  return sys.fails(ENOMEM) ? nullptr : sys.note(__real_calloc(count, size));
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return sys.fails(ENOMEM) ? nullptr : sys.note(__real_aligned_alloc(alignment, size));
}
void __wrap_free(void *block) {
  if (sys.watching)
    sys.blocks.erase(block);
  __real_free(block);
}
int __wrap_open(const char *path, int flags, ...) {
  if (sys.fails(EMFILE))
    return -1;
  va_list more;
  va_start(more, flags);
  const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  const int file = __real_open(path, flags, mode);
  if (sys.watching && file >= 0)
    sys.files.insert(file);
  return file;
}
int __wrap_close(int file) {
  sys.files.erase(file);
  return __real_close(file);
}
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t offset) {
  return sys.fails(EIO) ? (sys.shortens ? 0 : -1) : __real_pread(file, bytes, size, offset);
}
int __wrap_fstat(int file, struct stat *info) {
  return sys.fails(EIO) ? -1 : __real_fstat(file, info);
}
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  if (sys.fails(ENOMEM))
    return MAP_FAILED;
  void *made = __real_mmap(at, size, protection, flags, file, offset);
  if (sys.watching && made != MAP_FAILED)
    sys.maps.insert(made);
  return made;
}
int __wrap_munmap(void *at, size_t size) {
  sys.maps.erase(at);
  return __real_munmap(at, size);
}
char *__wrap_realpath(const char *path, char *resolved) {
  if (sys.fails(ENOMEM))
    return nullptr;
  char *made = __real_realpath(path, resolved);
  sys.note(made);
  return made;
}
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument) {
  return sys.fails(EAGAIN) ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}
}

namespace {
/// Runs `scenario`, which says how it ended, with failures at every place. All messages,
/// one a line.
template <typename Scenario>
std::string atEveryPlace(Scenario scenario, int least, bool shortens = false) {
  int places = 0;
  std::string messages;
  for (long n = 0; n < 1000; ++n) {
    mad_error error = {};
    sys = System();
    sys.until = n;
    sys.shortens = shortens;
    sys.watching = true;
    const mad_status status = scenario(&error);
    sys.watching = false;
    EXPECT_TRUE(sys.blocks.empty()) << "memory is left after failure " << n;
    EXPECT_TRUE(sys.files.empty()) << "a file is open after failure " << n;
    EXPECT_TRUE(sys.maps.empty()) << "a mapping is left after failure " << n;
    if (!sys.failed) {
      EXPECT_EQ(status, MAD_OK) << error.message;
      break;
    }
    ++places;
    if (status != MAD_OK) {
      EXPECT_TRUE(status == MAD_OUT_OF_MEMORY || status == MAD_FILE_ERROR)
          << n << ": " << mad_status_name(status) << ": " << error.message;
      EXPECT_NE(error.message[0], 0) << n;
      messages += error.message + std::string("\n");
    }
  }
  EXPECT_GE(places, least);
  return messages;
}

void expectMessage(const std::string &messages, const std::string &text) {
  EXPECT_NE(messages.find(text), std::string::npos) << text << " is not in\n" << messages;
}

/// Loads, makes a context, calls; `y` must be right when that succeeds.
mad_status useModel(const char *path, const mad_load_options *options, mad_error *error) {
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  mad_status status = mad_module_load_with(path, options, &module, error);
  EXPECT_EQ(status == MAD_OK, module != nullptr);
  if (status == MAD_OK)
    status = mad_context_create(module, &context, error);
  const int64_t one = 1, four = 4;
  float x = 1, y = 0, k[4] = {10, 0, 0, 0};
  mad_tensor inputs[] = {{&x, &one, 1, MAD_F32}, {k, &four, 1, MAD_F32}};
  mad_tensor output = {&y, &one, 1, MAD_F32};
  for (int round = 0; round < 2 && context; ++round) {
    const mad_status called = mad_entry_call(context, 0, inputs, 2, &output, 1);
    // What failed once works when the system gives again.
    EXPECT_TRUE(called == MAD_OK || round == 0) << mad_context_message(context);
    EXPECT_TRUE(called != MAD_OK || y == 12) << y;
    if (called != MAD_OK) {
      status = called;
      snprintf(error->message, sizeof error->message, "%s", mad_context_message(context));
    }
  }
  mad_context_destroy(context);
  mad_module_destroy(module);
  return status;
}

struct Count {
  std::atomic<int> total{0};
};
} // namespace

TEST(Failure, LoadingALibrary) {
  auto path = buildAffine("failing", {0}, {2});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  atEveryPlace([&](mad_error *error) { return useModel(path->c_str(), nullptr, error); }, 8);
}

TEST(Failure, LoadingAFileOfWeights) {
  auto path = buildAffine("weighty", {0}, {5});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  const std::string weights = folder() + "/weighty.file";
  std::vector<uint64_t> offsets;
  ASSERT_FALSE(bool(writeWeightsFile(affineWeights({2}), weights, offsets)));
  const mad_load_options options = {sizeof options, weights.c_str(), MAD_VERIFY_ALL};
  auto use = [&](mad_error *error) { return useModel(path->c_str(), &options, error); };
  std::string messages = atEveryPlace(use, 14);
  expectMessage(messages, "cannot open `" + weights + "`: Too many open files");
  expectMessage(messages, "cannot read `" + weights + "`: Input/output error");
  expectMessage(messages, "cannot map `" + weights + "` into memory: Cannot allocate memory");
  messages = atEveryPlace(use, 14, /*shortens=*/true);
  expectMessage(messages, "cannot read `" + weights + "`: it became shorter meanwhile");
}

TEST(Failure, LoadingSafetensors) {
  auto path = buildAffine("safely", {0}, {5});
  ASSERT_TRUE(bool(path)) << llvm::toString(path.takeError());
  const std::string json = R"({"scale.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const uint64_t length = json.size();
  const float two = 2;
  const std::string weights = folder() + "/safely.safetensors";
  write(weights, std::string(reinterpret_cast<const char *>(&length), 8) + json +
                     std::string(reinterpret_cast<const char *>(&two), 4));
  const mad_load_options options = {sizeof options, weights.c_str(), MAD_VERIFY_CODE};
  atEveryPlace([&](mad_error *error) { return useModel(path->c_str(), &options, error); }, 14);
}

/// Threads that do not start are done without; the work is done all the same.
TEST(Failure, StartingThreads) {
  atEveryPlace(
      [](mad_error *error) {
        mad_pool *pool = nullptr;
        const mad_status status = mad_pool_create(4, &pool, error);
        if (status != MAD_OK)
          return status;
        Count count;
        const mad_executor executor = mad_pool_executor(pool);
        executor.parallel_for(
            executor.user, 100, [](void *data, int64_t) { ++static_cast<Count *>(data)->total; },
            &count);
        EXPECT_EQ(count.total, 100);
        mad_pool_destroy(pool);
        return MAD_OK;
      },
      4);
}
