//===- Compilation.h - One model from file to code ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the tools and hosts call. Each step returns false on failure; `messages`
// then holds what to tell the user. Nothing here prints or exits.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_COMPILATION_H
#define MAD_PASSES_DRIVER_COMPILATION_H

#include "frontend/Check/Program.h"
#include "passes/Target/Object.h"
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mlir {
class MLIRContext;
class ModuleOp;
} // namespace mlir

namespace mad {
class CacheKey;
class Jit;
class Timeline;
class TraceSink;
struct ExposedContraction;
struct ExposedOp;
struct TraceSite;
namespace ast {
struct File;
}

/// A parameter or result of an entry.
struct SignatureValue {
  std::string name;
  mad_dtype dtype = MAD_F32;
  std::vector<DimExpr> sizes;      ///< over the entry's dimension parameters
  std::vector<std::string> labels; ///< for people: `Pixels`, `H - 2`, `64`
  int32_t state = 0;               ///< as in `mad_value_info`
};
struct Signature {
  std::string name;
  std::string doc;
  std::string title; ///< of a test
  std::vector<std::string> dims;
  std::vector<SignatureValue> inputs, outputs;
  std::vector<std::string> asserts; ///< of a test, one a result
};

/// Where a build puts the weights.
enum class WeightsPlace : uint8_t {
  Auto,    ///< into the library up to 16 MiB
  Library, ///< a section of it
  File,    ///< X.weights beside it, which is mapped when it is loaded, and can be replaced
};

class Compilation {
public:
  Compilation();
  ~Compilation();

  /// Gives the text of the file at `path`, which then need not exist.
  void provide(std::string path, std::string text);
  /// Reads and parses a file.
  bool parse(const std::string &path);
  /// Parses and checks it.
  bool check(const std::string &path);
  /// Parses, checks and emits it, as one module of the mad dialect.
  bool load(const std::string &path);

  const ast::File &tree() const;
  const hir::Program &program() const;
  mlir::ModuleOp module() const;
  /// All entries and tests of the module.
  std::vector<Signature> signatures() const;

  /// Drops all entries and tests but these, and what only they use.
  bool keep(const std::set<std::string> &entries);
  /// Makes the value that `let name` binds in the entry one more result of it.
  bool exposeValue(const std::string &entry, const std::string &name);
  /// Makes more results of all that `let` names in the entry, outside of loops and
  /// branches. Further values of one name are called `name.2` and so on.
  bool exposeNamed(const std::string &entry, std::vector<std::string> &names);
  /// Makes more results of all floats that the entry computes.
  bool exposeComputed(const std::string &entry, std::vector<ExposedOp> &ops);
  /// Makes more results of what the entry contracts with weights. `nested` when some of it
  /// lies in loops or branches, which have no such results: then there are none, and all is
  /// seen by `contractionsByReference`.
  bool exposeContractions(const std::string &entry, std::vector<ExposedContraction> &contractions,
                          bool &nested);

  /// Whether functions are rewritten by rules before code is made; they are by default. The
  /// reference is not: everything is tested against it.
  void useRewriting(bool wanted);
  /// Before `load`: weights that calibration data round are what they are before that, in f32.
  void useCalibration(bool wanted);
  /// Rewrites now, and tells how: for each block that changed the expressions before and after,
  /// the rules that lead from one to the other, and what both cost by estimate.
  bool explainRewrites(std::string &text);

  /// What evaluates weights that are computed.
  enum class Evaluate { Compiled, Reference, Reference64 };
  /// Reads the weights that the module uses, from the files it names or, where
  /// `file` is not empty, all from that one, which must be able to replace some; then computes
  /// those that are expressions. These are weights like others from then on.
  bool loadWeights(const std::string &file = {}, Evaluate evaluate = Evaluate::Compiled);
  const std::vector<WeightBytes> &weights() const;
  /// Loads the weights, and tells of those with a format how small they are and how far their
  /// stored values are from those that were read or computed.
  bool explainFormats(const std::string &file, std::string &text);

  /// Tests the rewrite rules of the file whose names hold a text; says which there are, and what
  /// is wrong with them, nothing for those that hold.
  std::vector<std::pair<std::string, std::string>> testRules(const std::string &filter = {});

  /// Code for one level cuts its products by these parameters, in the form of
  /// kernels::text. Other levels keep those that are built in.
  void useTiles(int level, std::string text);

  /// Compiles for this machine and loads the code. The module stays as it is.
  std::unique_ptr<Jit> jit(const std::string &name);
  /// The same for the emulator of GPUs: calls need a context with a device
  /// (passes/Driver/SimtDevice.h).
  std::unique_ptr<Jit> simt(const std::string &name);
  /// The same for GPUs. PTX alone: the driver makes machine code of it.
  std::unique_ptr<Jit> cuda(const std::string &name);
  /// The code runs on GPUs alone: weights may be stored as these read them. Before `loadWeights`.
  void useDeviceAlone();
  /// Builds from now on have code for GPUs, too.
  void useCuda(CudaOptions options);
  /// A C compiler that links libraries, in the place of LLD.
  void useLinker(std::string program);
  /// Compiles for all levels; writes libX.so, X.h and X.json into a folder, which is
  /// made when missing, and X.weights where the weights do not go into the library.
  bool build(const std::string &name, const std::vector<int> &levels, const std::string &folder,
             WeightsPlace place = WeightsPlace::Auto);
  /// The files that the last build wrote, without the folder.
  const std::vector<std::string> &written() const;
  /// Runs the stages up to and including `stage`; the module as text.
  bool lowerTo(const std::string &stage, int level, std::string &text);

  /// Rendered diagnostics and errors of the steps so far.
  std::string messages(bool color = false) const;
  /// What else should be looked at, a line each: of the last `loadWeights`.
  const std::vector<std::string> &warnings() const;
  /// Where the time went, for `--time` and `--trace`.
  Timeline &timeline() const;
  /// Code that `jit` makes from now on records its kernels.
  void traceKernels();
  const TraceSink *traceSink() const; ///< null when nothing is recorded
  const std::vector<TraceSite> &traceSites() const;
  /// From now on passes tell what they chose for which part of the program. Before `load`.
  void collectRemarks();
  /// What they told so far, as text.
  std::string remarks() const;
  /// Code and computed weights are looked up in this folder first, and kept there;
  /// empty: not.
  void useCache(const std::string &folder);
  /// Every step from now on writes what it made into a folder, one file each; the
  /// folder is made when missing.
  bool dumpTo(const std::string &folder);
  /// True when the last failure was not the user's.
  bool internalError() const;

  struct Impl;

private:
  bool rewrite();
  void dropUnusedWeights();
  bool computeWeights(Evaluate evaluate);
  /// Whether the file replaces anything; warns of what nothing reads.
  bool checkGiven(const std::string &file);
  /// Reads the weights of the module that are in files.
  bool readWeights(const std::string &file);
  /// Encodes the weights whose parts have sizes that depend on their values, and sets their types.
  bool sizeDictionaries(const std::string &file, Evaluate evaluate);
  bool settleComputed();
  std::optional<CacheKey> computedKey(Evaluate evaluate, size_t first) const;
  bool restoreComputed(const CacheKey &key, size_t first);
  void keepComputed(const CacheKey &key, size_t first) const;
  std::unique_ptr<Impl> impl;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_COMPILATION_H
