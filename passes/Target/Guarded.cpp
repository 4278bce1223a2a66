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
#include "passes/Target/InternalFailure.h"
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

/// The handler is one for the process, the thread that throws that which failed.
class Handler {
public:
  Handler() {
    std::lock_guard<std::mutex> lock(mutex);
    if (users++ == 0)
      set(throwFatal);
  }
  ~Handler() {
    std::lock_guard<std::mutex> lock(mutex);
    if (--users == 0)
      set(otherwise);
  }
  static void setOtherwise(llvm::fatal_error_handler_t handler) {
    std::lock_guard<std::mutex> lock(mutex);
    otherwise = handler;
    if (users == 0)
      set(handler);
  }

private:
  static void set(llvm::fatal_error_handler_t handler) {
    llvm::remove_fatal_error_handler();
    if (handler)
      llvm::install_fatal_error_handler(handler);
  }
  static llvm::fatal_error_handler_t otherwise; ///< null: that of LLVM
  static std::mutex mutex;
  static int users;
};
std::mutex Handler::mutex;
int Handler::users = 0;
llvm::fatal_error_handler_t Handler::otherwise = nullptr;
} // namespace

void mad::onFatalError(llvm::fatal_error_handler_t handler) { Handler::setOtherwise(handler); }

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mad::guarded(
    llvm::function_ref<llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>(Translation &)> work) {
  Handler handler;
  std::unique_ptr<Translation> translation = makeTranslation();
  try {
    auto result = work(*translation);
    if (!result || translation->errors.empty())
      return result;
  } catch (const Fatal &fatal) {
    std::string text = "LLVM cannot make code for this: " + fatal.text;
    (void)translation.release();
    return internalFailure(text);
  }
  return internalFailure("LLVM cannot make code for this: " + translation->errors);
}
