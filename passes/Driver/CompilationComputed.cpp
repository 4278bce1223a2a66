//===- CompilationComputed.cpp - Weights that are expressions -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each is a function without parameters. They become the entries of a module of
// their own, which is compiled and called like any other; its weights are those of
// the files and, in memory that is set aside before, the computed ones, in an order
// in which each finds what it needs.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "frontend/Diag/Codes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/EncodedWeights.h"
#include "passes/Driver/Executable.h"
#include "passes/Transforms/Entries.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace mlir;

namespace mad {

static std::vector<WeightSourceOp> computedSources(ModuleOp module) {
  std::vector<WeightSourceOp> sources;
  for (auto source : module.getOps<WeightSourceOp>())
    if (source->hasAttr("computed"))
      sources.push_back(source);
  return sources;
}

static std::string functionOf(WeightSourceOp source) {
  return source->getAttrOfType<FlatSymbolRefAttr>("computed").getValue().str();
}

/// Gives the function, and those that it calls, the bits of the interpreter, but where they are
/// declared to be fast.
static void computeStrictly(ModuleOp module, func::FuncOp function, std::set<std::string> &done) {
  if (!function || !done.insert(function.getName().str()).second)
    return;
  function.walk([&](Operation *op) {
    if (auto call = dyn_cast<func::CallOp>(op))
      computeStrictly(module, module.lookupSymbol<func::FuncOp>(call.getCallee()), done);
    else if (isa<MadDialect>(op->getDialect()) && precisionOf(op) == Precision::Default)
      setPrecision(op, Precision::Strict);
  });
}

/// A module whose only entries compute the weights, without those that the codec makes. `encoded`:
/// those that formats hold, or that these are computed of. An ulp may decide between two codes, so
/// they have the same bits on all targets.
static OwningOpRef<ModuleOp> weightModule(ModuleOp module, const std::set<std::string> &encoded) {
  OwningOpRef<ModuleOp> made = cast<ModuleOp>(module->clone());
  for (auto f : llvm::make_early_inc_range(made->getOps<func::FuncOp>()))
    if (f->hasAttr("mad.entry") || f->hasAttr("mad.test"))
      f.erase();
  Builder b(made->getContext());
  // Entries and tests are gone, and what only they call should not count.
  PassManager manager(made->getContext());
  manager.addPass(createSymbolDCEPass());
  (void)manager.run(*made);
  SmallVector<Attribute> names;
  std::set<std::string> strict;
  for (WeightSourceOp source : computedSources(*made)) {
    names.push_back(source.getSymNameAttr());
    bool isEncoded = isMadeByCodec(*made, source);
    auto f = made->lookupSymbol<func::FuncOp>(functionOf(source));
    if (encoded.count(source.getSymName().str()))
      computeStrictly(*made, f, strict);
    source->removeAttr("computed");
    if (isEncoded) {
      f.erase();
      continue;
    }
    f.setPublic();
    f->setAttr("mad.entry", b.getUnitAttr());
    f->setAttr("mad.dims", b.getArrayAttr({}));
    f.setResultAttr(0, "mad.name", b.getStringAttr("result"));
  }
  (*made)->setAttr(lateWeightsAttr, b.getArrayAttr(names));
  return made;
}

static bool evaluate(Compilation &compilation, Compilation::Evaluate how, const std::string &entry,
                     std::unique_ptr<Executable> &executable, io::Tensor &result,
                     std::string &error) {
  // The interpreter takes its weights when it is made.
  if (!executable || how != Compilation::Evaluate::Compiled)
    executable =
        how == Compilation::Evaluate::Compiled
            ? makeJitExecutable(compilation)
            : makeReferenceExecutable(compilation, how == Compilation::Evaluate::Reference64);
  std::vector<io::Tensor> outputs;
  if (!executable || !executable->call(entry, {}, outputs, error))
    return false;
  result = std::move(outputs[0]);
  return true;
}

/// Whether the interpreter is done sooner than code is made: weights of rewriting alone, and few
/// elements.
static bool isQuick(ModuleOp module, ArrayRef<WeightSourceOp> sources) {
  constexpr double most = 4e6;
  double steps = 0;
  for (WeightSourceOp source : sources) {
    if (isMadeByCodec(module, source))
      continue;
    if (!source->hasAttr("folded"))
      return false;
    module.lookupSymbol<func::FuncOp>(functionOf(source)).walk([&](Operation *op) {
      for (Value result : op->getResults())
        steps += double(cast<RankedTensorType>(result.getType()).getNumElements());
      if (auto contract = dyn_cast<ContractOp>(op)) {
        double space = double(cast<RankedTensorType>(contract.getLhs().getType()).getNumElements());
        auto rhs = cast<RankedTensorType>(contract.getRhs().getType());
        steps += space * double(rhs.getNumElements());
      }
    });
  }
  return steps <= most;
}

/// Memory that the code is bound to before the weight is computed.
static bool reserve(WeightSourceOp source, WeightBytes &weight) {
  auto type = cast<RankedTensorType>(source.getType());
  mad_dtype dtype = dtypeOf(type.getElementType());
  auto made = io::Tensor::make(ioType(dtype), {type.getShape().begin(), type.getShape().end()});
  if (!made)
    return false;
  weight.name = source.getSymName().str();
  weight.dtype = dtype;
  weight.shape = made->shape;
  weight.data = made->data;
  weight.bytes = made->bytes;
  return true;
}

/// What the computed weights depend on: the program that computes them, and the
/// elements of the weights that it reads, also those that only the codec reads, whose functions are
/// no longer in the module. Nothing without a cache.
std::optional<CacheKey> Compilation::computedKey(Evaluate how, size_t first) const {
  if (!impl->cache)
    return std::nullopt;
  CacheKey key("computed weights");
  key.add(int64_t(how)).add(hostLevel()).add(impl->moduleText()).add(impl->codec);
  std::set<std::string> read = impl->codecReads;
  module().walk([&](WeightOp op) { read.insert(op.getSource().str()); });
  for (size_t i = 0; i < first; ++i)
    if (const WeightBytes &w = impl->weights[i]; read.count(w.name))
      key.add(w.name).addBytes(w.data.get(), w.bytes);
  return key;
}

bool Compilation::restoreComputed(const CacheKey &key, size_t first) {
  auto found = impl->cache->get(key);
  uint64_t bytes = 0;
  for (size_t i = first; i < impl->weights.size(); ++i)
    bytes += impl->weights[i].bytes;
  if (!found || found->size() != bytes)
    return false;
  const char *from = found->data();
  for (size_t i = first; i < impl->weights.size(); from += impl->weights[i++].bytes)
    memcpy(const_cast<void *>(impl->weights[i].data.get()), from, impl->weights[i].bytes);
  return true;
}

/// Says why a weight, or the format of one, could not be made.
void Compilation::Impl::failedWeight(StringRef weight, std::optional<EncodedPart> part,
                                     const std::string &error) {
  Span span;
  std::string name = part ? part->values : weight.str();
  for (const hir::Weight &w : program->weights)
    if (w.name == name || (w.gptq && StringRef(name).starts_with(w.name + "."))) {
      span = w.span;
      name = w.name;
    }
  if (!part) {
    diagnostics.error(code::E0502, span, "`" + name + "` cannot be computed: " + error);
    return;
  }
  Diagnostic &d = diagnostics.error(code::E0503, span,
                                    "`" + name + "` cannot be stored as `" +
                                        part->encode.getFormat().getValue().str() + "`: " + error);
  if (part->encode.getExact() && !StringRef(error).starts_with("element "))
    d.help = "a format holds the value of an expression exactly: round it first, as functions of "
             "`std.quant` do";
}

bool Compilation::computeWeights(Evaluate how) {
  std::vector<WeightSourceOp> sources = computedSources(module());
  if (sources.empty()) {
    if (impl->stored)
      *impl->stored = storedWeights(module(), impl->weights);
    return true;
  }
  StepTimer timer(impl->times, "compute");
  if (how == Evaluate::Compiled && isQuick(module(), sources))
    how = Evaluate::Reference;
  std::vector<std::string> functions;
  std::vector<std::optional<EncodedPart>> encoded;
  std::vector<std::optional<RoundedWeight>> rounded;
  std::vector<std::optional<PackedTiles>> packed;
  std::set<std::string> encodedValues;
  impl->codec.clear();
  impl->codecReads.clear();
  llvm::raw_string_ostream codec(impl->codec);
  for (WeightSourceOp source : sources) {
    functions.push_back(functionOf(source));
    encoded.push_back(encodedPart(module(), source));
    rounded.push_back(roundedWeight(module(), source));
    if (rounded.back())
      encodedValues.insert(rounded.back()->values);
    packed.push_back(packedTiles(module(), source));
    if (encoded.back())
      encodedValues.insert(encoded.back()->values);
    if (!isMadeByCodec(module(), source))
      continue;
    auto function = module().lookupSymbol<func::FuncOp>(functions.back());
    function.print(codec);
    function.walk([&](WeightOp op) { impl->codecReads.insert(op.getSource().str()); });
  }

  // What they are computed from, too: readers come behind what they read.
  for (auto [source, function] : llvm::reverse(llvm::zip_equal(sources, functions)))
    if (encodedValues.count(source.getSymName().str()))
      module().lookupSymbol<func::FuncOp>(function).walk(
          [&](WeightOp op) { encodedValues.insert(op.getSource().str()); });

  // Everything below sees the module of the weights; neither traces nor dumps nor
  // remarks are of interest there.
  OwningOpRef<ModuleOp> program = std::move(impl->module);
  impl->module = weightModule(*program, encodedValues);
  bool traced = std::exchange(impl->wantsTrace, false);
  std::string dumps = std::exchange(impl->dumpFolder, "");
  if (impl->remarks)
    impl->remarks->wanted = false;
  auto restore = [&] {
    if (impl->remarks)
      impl->remarks->wanted = true;
    impl->module = std::move(program);
    impl->wantsTrace = traced;
    impl->dumpFolder = dumps;
  };
  auto fail = [&](size_t i, const std::string &error) {
    restore();
    if (!impl->internal)
      impl->failedWeight(sources[i].getSymName(), encoded[i], error);
    return false;
  };
  size_t first = impl->weights.size();
  for (size_t i = 0; i < sources.size(); ++i) {
    impl->weights.emplace_back();
    if (!reserve(sources[i], impl->weights.back()))
      return fail(i, "there is no memory for it");
    if (encoded[i])
      impl->weights.back().bound = boundOf(*encoded[i]);
  }
  std::optional<CacheKey> key = computedKey(how, first);
  if (key && restoreComputed(*key, first)) {
    restore();
    return settleComputed();
  }
  std::unique_ptr<Executable> executable;
  WeightEncoder encoder(impl->dictionaries);
  SmallVector<bool> dictionaries;
  for (WeightSourceOp source : sources)
    dictionaries.push_back(isDictionary(*program, source));
  for (size_t i = 0; i < sources.size(); ++i) {
    WeightBytes &weight = impl->weights[first + i];
    io::Tensor result;
    std::string error;
    auto read = [&](const std::string &name) -> const WeightBytes & {
      return *llvm::find_if(impl->weights, [&](const WeightBytes &w) { return w.name == name; });
    };
    if (encoded[i] || rounded[i]) {
      if (encoded[i] ? !encoder.encode(*encoded[i], read(encoded[i]->values), weight, error)
                     : !roundWeight(*rounded[i], read(rounded[i]->values), read(rounded[i]->gram),
                                    weight, error))
        return fail(i, error);
      continue;
    }
    if (dictionaries[i]) {
      writeDictionary(weight);
      continue;
    }
    if (packed[i]) {
      if (!packTiles(*packed[i], impl->weights, weight, error))
        return fail(i, error);
      continue;
    }
    // What a format holds are values of the declared type, not those of f64.
    Evaluate own = how == Evaluate::Reference64 && encodedValues.count(weight.name)
                       ? Evaluate::Reference
                       : how;
    if (!evaluate(*this, own, functions[i], executable, result, error))
      return fail(i, error);
    auto converted = result.convert(ioType(weight.dtype));
    if (!converted || converted->bytes != weight.bytes)
      return fail(i, "there is no memory for it");
    memcpy(const_cast<void *>(weight.data.get()), converted->data.get(), weight.bytes);
  }
  executable.reset();
  if (impl->isSizing)
    impl->dictionaries = encoder.all();
  if (key) {
    std::string bytes;
    for (size_t i = first; i < impl->weights.size(); ++i)
      bytes.append(static_cast<const char *>(impl->weights[i].data.get()), impl->weights[i].bytes);
    impl->cache->put(*key, bytes);
  }
  restore();
  return settleComputed();
}

/// From here on the computed weights of a module are weights like others.
static LogicalResult settle(ModuleOp module) {
  for (WeightSourceOp source : computedSources(module)) {
    module.lookupSymbol<func::FuncOp>(functionOf(source)).erase();
    source->removeAttr("computed");
    source->removeAttr("unrounded");
  }
  PassManager manager(module.getContext());
  manager.addPass(createSymbolDCEPass());
  return manager.run(module);
}

/// What only computed weights needed goes.
bool Compilation::settleComputed() {
  if (impl->stored)
    *impl->stored = storedWeights(module(), impl->weights);
  ModuleOp device = impl->deviceModule ? *impl->deviceModule : ModuleOp();
  CollectDiagnostics collected(*impl->context);
  if (failed(settle(module())) || (device && failed(settle(device))))
    return impl->bug("dropping unused functions failed\n" + collected.text);
  dropUnusedWeights();
  auto holds = [](ModuleOp module, const std::string &name) {
    return module && module.lookupSymbol<WeightSourceOp>(name);
  };
  llvm::erase_if(impl->weights, [&](const WeightBytes &w) {
    return !holds(module(), w.name) && !holds(device, w.name);
  });
  return true;
}

} // namespace mad
