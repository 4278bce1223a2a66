//===- Object.h - Machine code and artifacts --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_OBJECT_H
#define MAD_PASSES_TARGET_OBJECT_H

#include "passes/Target/CudaCode.h"
#include "passes/Target/EntryDescription.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class MemoryBuffer;
} // namespace llvm
namespace mad::io {
class AtomicFile;
} // namespace mad::io
namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mad {

/// A CPU variant: `x86-64` (level 0), `x86-64-v3` (3), `x86-64-v4` (4).
struct Variant {
  std::string name;
  int level = 0;
};
Variant variant(int level);
/// The best level of this machine that code is made for.
int hostLevel();

/// What a part of a weight in a format is of.
struct PartOf {
  std::string format; ///< `lut.int(bits = 4, group = 128)`
  mad_dtype dtype = MAD_F32;
  std::vector<int64_t> shape; ///< of the weight; empty: not known
};

/// Elements of a weight, ready for the artifact: row-major, declared type.
struct WeightBytes {
  std::string name; ///< symbol of its `mad.weight_source`
  mad_dtype dtype = MAD_F32;
  std::vector<int64_t> shape;
  std::shared_ptr<const void> data;
  uint64_t bytes = 0;
  std::string source;      ///< its name in the file that the model names, if it is one tensor there
  bool transposed = false; ///< there it has its two dimensions swapped
  int64_t panel = 0;       ///< packed, with so many elements a panel (`mad_weight`); 0: row-major
  int64_t axis = 0;        ///< the dimension that is cut into panels
  int64_t weave = 0;       ///< panels are woven (`mad_weight`)
  int64_t bound = 0;       ///< what other files must keep (`mad_weight`)
  bool computed = false;   ///< by the compiler (`mad_weight`)
  bool widened = false;    ///< when it is loaded for old CPUs (`mad_weight`)
  std::optional<PartOf> part = {};
};
/// What a file says of a weight for people, one JSON object: `shape`, where it lies in panels, and
/// `computed` and `part` as in the manifest. Empty: nothing.
std::string noteOf(const WeightBytes &weight);
/// The extents of the bytes: those of the weight, or of its panels.
std::vector<int64_t> storedShape(const WeightBytes &weight);
/// The weight with a dimension in panels. Nothing when there is no memory.
std::optional<WeightBytes> packPanels(const WeightBytes &weight, int64_t axis, int64_t panel,
                                      int64_t weave = 0);
/// Numbers of weights in the order in which they lie in memory: in that of the list, but parts of a
/// kind, such as all codes, beside each other. A model that reads its layers one after the other
/// reads as many streams as its formats have parts then, and not new ones for each layer, which
/// processors would have to learn again to fetch ahead.
std::vector<size_t> orderInMemory(const std::vector<WeightBytes> &weights);
/// Copies those below 4 MiB into one block in that order, on pages of 2 MiB where there are many.
/// Without memory for it they stay where they are.
void gatherWeights(std::vector<WeightBytes> &weights);
/// runtime/core/checksum.h over the bytes.
uint64_t checksum(const WeightBytes &weight);

/// Translates a module in the LLVM dialect, optimises it and makes an object.
/// `suffix` is appended to the names of its prepare and run functions, so that
/// variants can be linked together. `quick` trades a little speed for less
/// compile time (JIT).
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
compileObject(mlir::ModuleOp module, const std::vector<EntryDescription> &entries, int level,
              llvm::StringRef suffix, bool quick);

/// What the artifact is called and made of.
struct ArtifactOptions {
  std::string name;        ///< a C identifier
  std::vector<int> levels; ///< of the objects for CPUs, ascending; suffix of level n is `.vn`
  /// Name of the file beside the library that holds the weights; empty: the library does.
  std::string weightsFile = {};
  std::vector<std::string> tiles = {}; ///< of each level: how products were cut, for people
  bool emulator = false;               ///< these launch kernels of the emulator
  /// One more variant, for GPUs; the suffix of its object is `.cuda`.
  std::optional<CudaCode> cuda = {};
};
/// The manifest: JSON, keys in Manifest.cpp. Where `offsets` are known, each weight
/// says where it lies in its section or file, and its checksum.
std::string manifest(const ArtifactOptions &options, const std::vector<EntryDescription> &entries,
                     const std::vector<WeightBytes> &weights,
                     const std::vector<uint64_t> &offsets = {});
/// The object that holds the `mad_artifact` (runtime/artifact.h), exported as
/// `mad_artifact_v1` and `<name>_artifact`. Weights are external symbols
/// `mad_weight_<number>` when there is no `weightFile` (the JIT defines them), else
/// a section that includes that file, in which weight i lies at `offsets[i]`. With
/// `options.weightsFile` the artifact holds none of them; `offsets` are of that file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
artifactObject(const ArtifactOptions &options, const std::vector<EntryDescription> &entries,
               const std::vector<WeightBytes> &weights, llvm::StringRef weightFile = {},
               const std::vector<uint64_t> &offsets = {});

/// The text of X.h: typed functions over runtime/mad.h.
std::string header(const ArtifactOptions &options, const std::vector<EntryDescription> &entries);

/// Writes a file of weights (runtime/artifact.h); atomic. `offsets`: where each lies.
llvm::Error writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                             std::vector<uint64_t> &offsets);
/// In two steps: the first takes the room on the disk, so that a full one is told before long work.
/// `file` is new, and the bytes get their name when it is committed.
llvm::Error startWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                             io::AtomicFile &file);
llvm::Error writeWeightsFile(const std::vector<WeightBytes> &weights, const std::string &path,
                             std::vector<uint64_t> &offsets, io::AtomicFile &file);

/// What makes the library: LLD inside of this process, or a C compiler, as `cc` does where LLD
/// was not there when this was built.
struct Linker {
  std::string program; ///< empty: LLD
};
/// Links objects to a shared library; atomic. What is the linker's fault, or that of the objects,
/// is an InternalFailure.
llvm::Error linkSharedLibrary(const std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects,
                              const std::string &path, const Linker &linker = {});
/// As well; `file` is new, and the library gets its name when it is committed.
llvm::Error linkSharedLibrary(const std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects,
                              const std::string &path, io::AtomicFile &file,
                              const Linker &linker = {});

} // namespace mad

#endif // MAD_PASSES_TARGET_OBJECT_H
