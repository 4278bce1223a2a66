//===- Guarded.cpp - LLVM's fatal errors as values ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler of fatal errors must not return, else LLVM ends the process. It throws
// here, and only this file catches: the objects that lie between are leaked.
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"
#include <mutex>

using namespace mad;

namespace {
struct Fatal {
  std::string text;
};

void throwFatal(void *, const char *reason, bool) { throw Fatal{reason ? reason : ""}; }

struct Handler {
  Handler() { llvm::install_fatal_error_handler(throwFatal); }
  ~Handler() { llvm::remove_fatal_error_handler(); }
};
} // namespace

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mad::guarded(
    llvm::function_ref<llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>(Translation &)> work) {
  static std::mutex oneAtATime;
  std::lock_guard<std::mutex> lock(oneAtATime);
  Handler handler;
  std::unique_ptr<Translation> translation = makeTranslation();
  try {
    auto result = work(*translation);
    if (!result || translation->errors.empty())
      return result;
  } catch (const Fatal &fatal) {
    std::string text = "LLVM cannot make code for this: " + fatal.text;
    (void)translation.release();
    return llvm::createStringError(text);
  }
  return llvm::createStringError("LLVM cannot make code for this: " + translation->errors);
}
