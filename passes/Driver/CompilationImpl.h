//===- CompilationImpl.h - State of a compilation ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_COMPILATIONIMPL_H
#define MAD_PASSES_DRIVER_COMPILATIONIMPL_H

#include "frontend/Ast/Ast.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Driver/Cache.h"
#include "passes/Driver/Compilation.h"
#include "passes/Driver/EncodedWeights.h"
#include "passes/Driver/Remarks.h"
#include "passes/Driver/Tracing.h"
#include "passes/Pipelines/DevicePipeline.h"
#include "passes/Pipelines/Timeline.h"
#include <optional>
#include <set>

namespace mad {

class CollectDiagnostics;
struct EncodedPart;
struct StoredWeight;
struct RewrittenBlock;

struct Compilation::Impl {
  Sources sources;
  std::optional<std::pair<std::string, std::string>> provided; ///< path and text
  Diagnostics diagnostics;
  std::unique_ptr<ast::File> tree;
  std::unique_ptr<hir::Program> program;
  std::unique_ptr<RemarkList> remarks; ///< null: nobody wants them
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// What code for GPUs is made of where it reads other forms of weights than code for CPUs beside
  /// it; else null, and both are made of `module`. Computed weights are in both.
  mlir::OwningOpRef<mlir::ModuleOp> deviceModule;
  std::vector<WeightBytes> weights;
  std::vector<std::string> written; ///< by the last build
  std::vector<std::string> errors, warnings;
  Timeline times;
  bool wantsTrace = false; ///< code for the JIT has hooks
  std::unique_ptr<TraceSink> sink;
  std::vector<TraceSite> sites;
  std::optional<Cache> cache;
  std::string dumpFolder; ///< empty: nothing is dumped
  bool internal = false;
  bool wantsRewriting = true, isRewritten = false;
  bool wantsCalibration = true;
  /// Looks into .gguf files where a weight is to be stored as it is there.
  bool findFileFormats();
  /// Where there are quantised activations: finds their products with weights of integers.
  bool settleActivations();
  std::string codec;                ///< functions of weights that the codec evaluates, as text
  std::set<std::string> codecReads; ///< the weights that they read
  std::vector<StoredWeight> *stored = nullptr; ///< who wants to know of weights with formats
  /// Weights `as lut.dictionary`, which are encoded before the sizes of their parts are known.
  EncodedParts dictionaries;
  bool isSizing = false; ///< nothing else is wanted of the weights that are computed
  bool isForDevice = false, isTiled = false;
  /// Weights of few bits in the order of tensor cores, for code of GPUs.
  bool matchTiles();
  /// The weights that the device's module computes are computed with those of `module`.
  void shareComputed();
  bool runRewriting(std::vector<RewrittenBlock> *blocks);
  void failedWeight(llvm::StringRef weight, std::optional<EncodedPart> part,
                    const std::string &error);
  std::pair<int, std::string> tiles = {-1, ""}; ///< a level, and its parameters of products

  std::optional<CudaOptions> cudaOptions; ///< of builds
  Linker linker;                          ///< as well

  std::string tilesOf(int level) const { return tiles.first == level ? tiles.second : ""; }

  bool fail(std::string text) {
    errors.push_back(std::move(text));
    return false;
  }
  bool bug(std::string text) {
    internal = true;
    return fail("internal error: " + std::move(text));
  }
  /// A step failed: by an error of the program with its place in the text, or else by a bug.
  bool lost(const std::string &what, const CollectDiagnostics &collected);
  /// Writes one file for `--dump-dir`; true when none are wanted.
  bool dump(const std::string &name, const std::string &text);
  bool dumpModule(size_t number, const std::string &name, mlir::ModuleOp module);
  bool dumpStage(llvm::StringRef stage, int level, mlir::ModuleOp module);
  /// Times and dumps of the stages for a device, whose names end in `.target`. `dumped` becomes
  /// false where a file could not be written.
  DeviceWatch watch(llvm::StringRef target, bool &dumped);
  /// Whether every stage is to run, though the code may be known.
  bool wantsStages() const { return !dumpFolder.empty() || (remarks && remarks->wanted); }
  /// Reads what the pass that adds hooks says of them.
  void noteTraceSites(mlir::ModuleOp module);
  /// What code for the JIT may call.
  std::vector<std::pair<std::string, void *>> hooks() const;
  /// The module as text, with the places that messages name.
  std::string moduleText();
  /// The module on its way to code for one level.
  struct Lowered {
    int level = 0;
    mlir::OwningOpRef<mlir::ModuleOp> module;   ///< null when there is code
    std::optional<CacheKey> key;                ///< where code is kept
    std::unique_ptr<llvm::MemoryBuffer> object; ///< the code
    std::set<std::string> widened;              ///< weights that it reads in f32 (`mad_weight`)
  };
  /// Lowers a copy of the module, or finds its code in the cache; describes the entries.
  std::optional<Lowered> lowered(int level, bool quick, std::vector<EntryDescription> &entries);
  bool generate(std::vector<Lowered> &all, bool quick,
                const std::vector<EntryDescription> &entries);
  bool failedForCuda(const CollectDiagnostics &collected);
  /// Code of the host and kernels, from a copy of the module.
  bool makeCuda(const CudaOptions &options, bool quick, std::vector<EntryDescription> &entries,
                CudaCode &code, std::unique_ptr<llvm::MemoryBuffer> &host);
  /// The variant of a build for GPUs. `entries` are those of code for CPUs, if there is any.
  bool addCuda(std::vector<EntryDescription> &entries, std::optional<CudaCode> &code,
               std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects);
  bool packWeights(const std::vector<EntryDescription> &entries, const std::vector<Lowered> &code,
                   std::vector<WeightBytes> &packed);
  std::unique_ptr<llvm::MemoryBuffer> cachedObject(const CacheKey &key, int level,
                                                   std::vector<EntryDescription> &entries);
};

/// Measures one step until it is destroyed.
class StepTimer {
public:
  StepTimer(Timeline &times, std::string step)
      : times(times), step(std::move(step)), begin(times.now()) {}
  ~StepTimer() { times.add(std::move(step), "step", begin); }

private:
  Timeline &times;
  std::string step;
  double begin;
};

/// Collects MLIR's diagnostics as text, with notes.
/// What a program asks for that does not exist.
struct ProgramError {
  mlir::Location loc;
  std::string text, help;
};

class CollectDiagnostics {
public:
  explicit CollectDiagnostics(mlir::MLIRContext &context);
  std::string text;
  std::optional<ProgramError> ofProgram; ///< the first one

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_COMPILATIONIMPL_H
