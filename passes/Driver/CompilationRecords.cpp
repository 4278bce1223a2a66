//===- CompilationRecords.cpp - Dumps and traces of a compilation ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/BuiltinAttributes.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Pipelines/Pipelines.h"
#include "runtime/io/TensorFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace mad {

bool Compilation::dumpTo(const std::string &folder) {
  // With the rights that the umask leaves.
  if (auto code = llvm::sys::fs::create_directories(folder, true, llvm::sys::fs::all_all))
    return impl->fail("error: cannot create the folder `" + folder + "`: " + code.message());
  impl->dumpFolder = folder;
  return true;
}

void Compilation::collectRemarks() { impl->remarks = std::make_unique<RemarkList>(); }
std::string Compilation::remarks() const { return impl->remarks ? impl->remarks->text() : ""; }

void Compilation::useCache(const std::string &folder) {
  impl->cache.reset();
  if (!folder.empty())
    impl->cache.emplace(folder);
}

bool Compilation::Impl::dump(const std::string &name, const std::string &text) {
  std::string error;
  return io::writeFile(dumpFolder + "/" + name, text.data(), text.size(), error) ||
         fail("error: " + error);
}

/// `05-bufferize.x86-64-v3.mlir`: in the order in which they are made.
bool Compilation::Impl::dumpModule(size_t number, const std::string &name, ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  os << "\n";
  return dump((number < 10 ? "0" : "") + std::to_string(number) + "-" + name + ".mlir", text);
}

bool Compilation::Impl::dumpStage(llvm::StringRef stage, int level, ModuleOp module) {
  auto stages = cpuStages();
  size_t number = 3 + (llvm::find(stages, stage) - stages.begin());
  return dumpModule(number, stage.str() + "." + variant(level).name, module);
}

Timeline &Compilation::timeline() const { return impl->times; }

void Compilation::traceKernels() {
  impl->wantsTrace = true;
  impl->sink = std::make_unique<TraceSink>(impl->times);
}

const TraceSink *Compilation::traceSink() const { return impl->sink.get(); }
const std::vector<TraceSite> &Compilation::traceSites() const { return impl->sites; }

void Compilation::Impl::noteTraceSites(ModuleOp module) {
  sites.clear();
  auto list = module->getAttrOfType<ArrayAttr>("mad.trace_sites");
  for (auto site : list.getAsRange<DictionaryAttr>()) {
    auto text = [&](llvm::StringRef key) { return site.getAs<StringAttr>(key).str(); };
    sites.push_back({text("kind"), text("name"), text("place")});
  }
}

std::vector<std::pair<std::string, void *>> Compilation::Impl::hooks() const {
  if (!sink)
    return {};
  return {{"mad_trace", reinterpret_cast<void *>(&TraceSink::hook)},
          {"mad_trace_sink", sink.get()}};
}

} // namespace mad
