//===- Executable.h - A model that can be called, on any target --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_EXECUTABLE_H
#define MAD_PASSES_DRIVER_EXECUTABLE_H

#include "passes/Driver/Compilation.h"
#include "runtime/io/TensorFile.h"
#include "llvm/ADT/ArrayRef.h"
#include <functional>

namespace mlir {
class Operation;
} // namespace mlir

namespace mad {

struct RefTensor;

/// Calls entries with tensors of the host. One thread at a time.
class Executable {
public:
  virtual ~Executable() = default;
  virtual const std::vector<Signature> &signatures() const = 0;
  /// How many threads calls may use; 0, the default, is one for each CPU. The reference
  /// interpreter always uses one.
  virtual bool setThreads(int32_t threads, std::string &error) { return true; }
  /// What calls so far left untested, for the user; "" if nothing.
  virtual std::string untested() const { return ""; }
  /// Inputs have the declared element types. False and a message on failure.
  virtual bool call(const std::string &entry, const std::vector<io::Tensor> &inputs,
                    std::vector<io::Tensor> &outputs, std::string &error) = 0;
};

/// Compiled for this machine. Null: see the compilation's messages.
std::unique_ptr<Executable> makeJitExecutable(Compilation &compilation);
/// Compiled for a GPU, on the emulator. `seed`: of the order of its threads.
std::unique_ptr<Executable> makeSimtExecutable(Compilation &compilation, uint64_t seed,
                                               int32_t chip);
/// Compiled for a GPU of this machine, "cuda" or "cuda:1". Null: `error`, or where that is empty
/// see the compilation's messages.
std::unique_ptr<Executable> makeCudaExecutable(Compilation &compilation, const std::string &device,
                                               std::string &error);
/// The reference interpreter; in f64 when asked. The compilation must outlive it.
/// `observe` is shown each operation (RefOpObserver of the interpreter).
std::unique_ptr<Executable> makeReferenceExecutable(
    Compilation &compilation, bool f64,
    std::function<bool(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                       llvm::ArrayRef<const RefTensor *> results)>
        observe = {});
/// An artifact, `libX.so`. `weights`: a file that replaces its weights, or empty; `device`: as
/// in mad_context_options, or empty.
std::unique_ptr<Executable> loadExecutable(const std::string &path, std::string &error,
                                           const std::string &weights = {},
                                           const std::string &device = {});

io::DType ioType(mad_dtype dtype);

} // namespace mad

#endif // MAD_PASSES_DRIVER_EXECUTABLE_H
