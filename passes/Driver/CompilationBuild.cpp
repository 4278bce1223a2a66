//===- CompilationBuild.cpp - Ahead of time: a library and what goes with it -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All files are complete, beside their places, before the first gets its name: a
// build that fails leaves what was there, and nothing else.
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/CompilationImpl.h"
#include "passes/Kernels/TileTable.h"
#include "passes/Target/InternalFailure.h"
#include "passes/Target/Object.h"
#include "runtime/io/Files.h"
#include "runtime/io/Temporaries.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <future>

namespace mad {

/// Concatenates the weights, each 64-byte aligned, in a file of a new temporary folder.
static bool writeWeightSection(const std::vector<WeightBytes> &weights, io::TemporaryFolder &folder,
                               std::string &path, std::vector<uint64_t> &offsets,
                               std::string &error) {
  if (!folder.makeApart("mad-weights", error))
    return false;
  path = folder.path() + "/section";
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code) {
    error = "cannot create the temporary file `" + path + "`: " + code.message();
    return false;
  }
  uint64_t at = 0;
  offsets.resize(weights.size());
  for (size_t number : orderInMemory(weights)) {
    const WeightBytes &w = weights[number];
    os.write_zeros(llvm::alignTo(at, 64) - at);
    at = llvm::alignTo(at, 64);
    offsets[number] = at;
    os.write(static_cast<const char *>(w.data.get()), w.bytes);
    at += w.bytes;
  }
  os.flush();
  if (!os.has_error())
    return true;
  error = "cannot write the temporary file `" + path + "`: " + os.error().message() +
          "; TMPDIR names another folder for it";
  os.clear_error();
  return false;
}

/// Weights up to this size go into the library, unless the caller says where.
static constexpr uint64_t mostInLibrary = uint64_t(16) << 20;

static bool goIntoFile(const std::vector<WeightBytes> &weights, WeightsPlace place) {
  uint64_t bytes = 0;
  for (const WeightBytes &weight : weights)
    bytes += weight.bytes;
  return !weights.empty() &&
         (place == WeightsPlace::File || (place == WeightsPlace::Auto && bytes > mostInLibrary));
}

namespace {
/// The files of a build.
class Outputs {
public:
  Outputs(const std::string &folder, const std::string &name)
      : folder(folder.empty() ? "." : folder), name(name) {}
  ~Outputs() {
    if (writing.valid())
      writing.wait();
    waiting.clear(); // what was not committed goes first
    for (const std::string &one : made) {
      llvm::sys::fs::remove(one); // where it is empty
      io::forgetTemporary(one);
    }
  }

  bool makeFolder(std::string &error);
  /// Writes the file of weights, which stay where they are, while the caller does other work. A
  /// disk that has no room for it is told at once.
  bool startWeights(const std::vector<WeightBytes> &weights, std::string &error);
  bool weights(std::vector<uint64_t> &offsets, std::string &error);
  llvm::Error library(const std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects,
                      const Linker &linker);
  bool text(const char *extension, const std::string &text, std::string &error);
  bool commit(std::string &error);

private:
  std::string add(const std::string &file) {
    waiting.push_back(std::make_unique<io::AtomicFile>());
    return folder + "/" + file;
  }

  std::string folder, name;
  std::vector<std::string> made; ///< folders, by us, each in front of the one it is in
  std::vector<std::unique_ptr<io::AtomicFile>> waiting;
  std::vector<uint64_t> offsetsOfWeights;
  std::string errorOfWeights;
  std::future<bool> writing;
};
} // namespace

bool Outputs::makeFolder(std::string &error) {
  for (llvm::StringRef one = folder; !one.empty() && !llvm::sys::fs::exists(one);
       one = llvm::sys::path::parent_path(one))
    made.push_back(one.str());
  io::TemporaryLock lock(io::temporaries());
  for (const std::string &one : llvm::reverse(made))
    io::noteTemporary(one, io::Temporary::EmptyFolder);
  // With the rights that the umask leaves.
  auto code = llvm::sys::fs::create_directories(folder, true, llvm::sys::fs::all_all);
  if (code)
    error = "cannot create the folder `" + folder + "`: " + code.message();
  return !code;
}

static bool succeeded(llvm::Error made, std::string &error) {
  if (!made)
    return true;
  error = llvm::toString(std::move(made));
  return false;
}

bool Outputs::startWeights(const std::vector<WeightBytes> &weights, std::string &error) {
  std::string path = add(name + ".weights");
  if (!succeeded(startWeightsFile(weights, path, *waiting.back()), error))
    return false;
  writing = std::async(std::launch::async, [this, path, &weights, &file = *waiting.back()] {
    return succeeded(writeWeightsFile(weights, path, offsetsOfWeights, file), errorOfWeights);
  });
  return true;
}

bool Outputs::weights(std::vector<uint64_t> &offsets, std::string &error) {
  const bool good = writing.get();
  offsets = std::move(offsetsOfWeights);
  error = std::move(errorOfWeights);
  return good;
}

llvm::Error Outputs::library(const std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects,
                             const Linker &linker) {
  std::string path = add("lib" + name + ".so");
  return linkSharedLibrary(objects, path, *waiting.back(), linker);
}

bool Outputs::text(const char *extension, const std::string &text, std::string &error) {
  std::string path = add(name + extension), reason;
  if (waiting.back()->open(path, reason) && waiting.back()->write(text, reason))
    return true;
  error = io::ticked(path) + " " + reason;
  return false;
}

bool Outputs::commit(std::string &error) {
  std::vector<io::AtomicFile *> all;
  for (const auto &file : waiting)
    all.push_back(file.get());
  if (!io::commitAll(all, error))
    return false;
  for (const std::string &one : made)
    io::forgetTemporary(one);
  made.clear();
  return true;
}

const std::vector<std::string> &Compilation::written() const { return impl->written; }

/// A library says `model.mad:3:4`, wherever it was built.
static void shortenPlaces(std::vector<EntryDescription> &entries) {
  for (EntryDescription &entry : entries)
    for (CheckDescription &check : entry.checks)
      check.place = llvm::sys::path::filename(check.place).str();
}

/// The header and the manifest; then all files get their names.
static bool writeRest(Outputs &outputs, const ArtifactOptions &options,
                      const std::vector<EntryDescription> &entries,
                      const std::vector<WeightBytes> &weights, const std::vector<uint64_t> &offsets,
                      std::string &error) {
  return outputs.text(".h", header(options, entries), error) &&
         outputs.text(".json", manifest(options, entries, weights, offsets), error) &&
         outputs.commit(error);
}

bool Compilation::build(const std::string &name, const std::vector<int> &levels,
                        const std::string &folder, WeightsPlace place) {
  std::vector<EntryDescription> entries;
  std::vector<Impl::Lowered> all;
  for (int level : levels) {
    auto lowered = impl->lowered(level, /*quick=*/false, entries);
    if (!lowered)
      return false;
    all.push_back(std::move(*lowered));
  }
  // Code for CUDA reads weights as they are.
  std::vector<WeightBytes> weights;
  if (!impl->packWeights(entries, all, weights))
    return false;
  ArtifactOptions options{name, levels, "", {}};
  if (goIntoFile(weights, place))
    options.weightsFile = name + ".weights";
  Outputs outputs(folder, name);
  std::string error;
  if (!outputs.makeFolder(error) ||
      (!options.weightsFile.empty() && !outputs.startWeights(weights, error)))
    return impl->fail("error: " + error);
  if (!impl->generate(all, /*quick=*/false, entries))
    return false;
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  for (Impl::Lowered &one : all)
    objects.push_back(std::move(one.object));
  if (impl->cudaOptions && !impl->addCuda(entries, options.cuda, objects))
    return false;
  shortenPlaces(entries);
  StepTimer timer(impl->times, "link");
  for (int level : levels) {
    std::string tiles = impl->tilesOf(level);
    options.tiles.push_back(tiles.empty() ? kernels::text(kernels::builtinTiles(level)) : tiles);
  }
  io::TemporaryFolder folderOfSection;
  std::string section;
  std::vector<uint64_t> offsets;
  const bool apart = !options.weightsFile.empty();
  if (apart ? !outputs.weights(offsets, error)
            : !weights.empty() &&
                  !writeWeightSection(weights, folderOfSection, section, offsets, error))
    return impl->fail("error: " + error);
  auto object = artifactObject(options, entries, weights, section, offsets);
  if (!object)
    return impl->bug(llvm::toString(object.takeError()));
  objects.push_back(std::move(*object));
  if (llvm::Error failure = outputs.library(objects, impl->linker)) {
    const bool isInternal = failure.isA<InternalFailure>();
    error = llvm::toString(std::move(failure));
    return isInternal ? impl->bug(error) : impl->fail("error: " + error);
  }
  if (!writeRest(outputs, options, entries, weights, offsets, error))
    return impl->fail("error: " + error);
  impl->written = {"lib" + name + ".so", name + ".h", name + ".json"};
  if (apart)
    impl->written.push_back(options.weightsFile);
  return true;
}

} // namespace mad
