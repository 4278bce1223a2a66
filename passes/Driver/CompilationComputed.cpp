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
#include "dialects/Mad/IR/MadLateWeights.h"
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

/// A computed weight, and what the codec makes it of, if it does.
struct ComputedWeight {
  WeightSourceOp source;
  std::string function;
  std::optional<EncodedPart> encoded;
  std::optional<RoundedWeight> rounded;
  std::optional<PackedTiles> packed;
  bool dictionary = false;

  bool byCodec() const { return encoded || rounded || packed || dictionary; }
};

static std::vector<ComputedWeight> computedWeights(ModuleOp module) {
  std::vector<ComputedWeight> found;
  for (WeightSourceOp source : computedSources(module))
    found.push_back({source, functionOf(source), encodedPart(module, source),
                     roundedWeight(module, source), packedTiles(module, source),
                     isDictionary(module, source)});
  return found;
}

/// What formats hold, or round, and what that is computed of: readers come behind what they read.
static std::set<std::string> valuesOfFormats(ModuleOp module, ArrayRef<ComputedWeight> computed) {
  std::set<std::string> values;
  for (const ComputedWeight &weight : computed) {
    if (weight.rounded)
      values.insert(weight.rounded->values);
    if (weight.encoded)
      values.insert(weight.encoded->values);
  }
  for (const ComputedWeight &weight : llvm::reverse(computed))
    if (values.count(WeightSourceOp(weight.source).getSymName().str()))
      module.lookupSymbol<func::FuncOp>(weight.function).walk([&](WeightOp op) {
        values.insert(op.getSource().str());
      });
  return values;
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
static bool isQuick(ModuleOp module, ArrayRef<ComputedWeight> computed) {
  constexpr double most = 4e6;
  double steps = 0;
  for (const ComputedWeight &weight : computed) {
    if (weight.byCodec())
      continue;
    if (!WeightSourceOp(weight.source)->hasAttr("folded"))
      return false;
    module.lookupSymbol<func::FuncOp>(weight.function).walk([&](Operation *op) {
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

void Compilation::keepComputed(const CacheKey &key, size_t first) const {
  std::string bytes;
  for (size_t i = first; i < impl->weights.size(); ++i)
    bytes.append(static_cast<const char *>(impl->weights[i].data.get()), impl->weights[i].bytes);
  impl->cache->put(key, bytes);
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
  bool ofFile = false;
  std::string name = part ? part->values : weight.str();
  for (const hir::Weight &w : program->weights)
    if (w.name == name || (w.gptq && StringRef(name).starts_with(w.name + "."))) {
      span = w.span;
      ofFile = !w.value;
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
    d.help =
        ofFile
            ? "the file has codes that the format has not: without `as lut.gguf` it is read as f32"
            : "a format holds the value of an expression exactly: round it first, as functions of "
              "`std.quant` do";
}

/// While it lives, all steps see the module of the computed weights. Neither traces nor dumps nor
/// remarks are of interest there.
class WeightProgram {
public:
  WeightProgram(Compilation::Impl &impl, const std::set<std::string> &encoded)
      : impl(impl), program(std::move(impl.module)), traced(std::exchange(impl.wantsTrace, false)),
        dumps(std::exchange(impl.dumpFolder, "")) {
    impl.module = weightModule(*program, encoded);
    if (impl.remarks)
      impl.remarks->wanted = false;
  }
  ~WeightProgram() {
    if (impl.remarks)
      impl.remarks->wanted = true;
    impl.module = std::move(program);
    impl.wantsTrace = traced;
    impl.dumpFolder = dumps;
  }
  WeightProgram(const WeightProgram &) = delete;
  WeightProgram &operator=(const WeightProgram &) = delete;

private:
  Compilation::Impl &impl;
  OwningOpRef<ModuleOp> program;
  bool traced;
  std::string dumps;
};

/// What the codec does is part of the key of a cache.
static void noteCodec(Compilation::Impl &impl, ArrayRef<ComputedWeight> computed) {
  impl.codec.clear();
  impl.codecReads.clear();
  llvm::raw_string_ostream codec(impl.codec);
  for (const ComputedWeight &weight : computed) {
    if (!weight.byCodec())
      continue;
    auto function = impl.module->lookupSymbol<func::FuncOp>(weight.function);
    function.print(codec);
    function.walk([&](WeightOp op) { impl.codecReads.insert(op.getSource().str()); });
  }
}

/// Writes the bytes of a weight that the codec makes. False where that fails, with the reason.
static bool makeByCodec(const ComputedWeight &computed, const std::vector<WeightBytes> &weights,
                        WeightEncoder &encoder, WeightBytes &into, std::string &error) {
  auto read = [&](const std::string &name) -> const WeightBytes & {
    return *llvm::find_if(weights, [&](const WeightBytes &w) { return w.name == name; });
  };
  if (computed.encoded)
    return encoder.encode(*computed.encoded, read(computed.encoded->values), into, error);
  if (computed.rounded)
    return roundWeight(*computed.rounded, read(computed.rounded->values),
                       read(computed.rounded->gram), into, error);
  if (computed.packed)
    return packTiles(*computed.packed, weights, into, error);
  writeDictionary(into);
  return true;
}

/// All computed weights, in memory that is set aside before; those of a cache are not made again.
/// Answers which one failed, with the reason.
static std::optional<size_t> computeAll(Compilation &compilation, Compilation::Impl &impl,
                                        Compilation::Evaluate how,
                                        ArrayRef<ComputedWeight> computed,
                                        const std::set<std::string> &encodedValues,
                                        std::string &error) {
  size_t first = impl.weights.size() - computed.size();
  std::unique_ptr<Executable> executable;
  WeightEncoder encoder(impl.dictionaries);
  for (auto [i, each] : llvm::enumerate(computed)) {
    WeightBytes &weight = impl.weights[first + i];
    if (each.byCodec()) {
      if (!makeByCodec(each, impl.weights, encoder, weight, error))
        return i;
      continue;
    }
    // What a format holds are values of the declared type, not those of f64.
    using Evaluate = Compilation::Evaluate;
    Evaluate own = how == Evaluate::Reference64 && encodedValues.count(weight.name)
                       ? Evaluate::Reference
                       : how;
    io::Tensor result;
    if (!evaluate(compilation, own, each.function, executable, result, error))
      return i;
    auto converted = result.convert(ioType(weight.dtype));
    if (!converted || converted->bytes != weight.bytes) {
      error = "there is no memory for it";
      return i;
    }
    memcpy(const_cast<void *>(weight.data.get()), converted->data.get(), weight.bytes);
  }
  if (impl.isSizing)
    impl.dictionaries = encoder.all();
  return std::nullopt;
}

/// What hosts and people are told of it.
static void describe(const ComputedWeight &computed, WeightBytes &weight) {
  weight.computed = true;
  if (std::optional<EncodedPart> part = computed.encoded) {
    weight.bound = boundOf(*part);
    auto type = cast<RankedTensorType>(part->encode.getSource().getType());
    weight.part = {part->encode.getFormat().getValue().str(), dtypeOf(type.getElementType()),
                   type.getShape().vec()};
  } else if (std::optional<PackedTiles> tiles = computed.packed) {
    weight.part = {tiles->op.getFormat().getValue().str(), MAD_F32, {}};
  }
}

/// Memory for all of them. Answers for which there is none.
static std::optional<size_t> reserveAll(std::vector<WeightBytes> &weights,
                                        ArrayRef<ComputedWeight> computed) {
  for (auto [i, each] : llvm::enumerate(computed)) {
    weights.emplace_back();
    if (!reserve(each.source, weights.back()))
      return i;
    describe(each, weights.back());
  }
  return std::nullopt;
}

bool Compilation::computeWeights(Evaluate how) {
  std::vector<ComputedWeight> computed = computedWeights(module());
  if (computed.empty()) {
    if (impl->stored)
      *impl->stored = storedWeights(module(), impl->weights);
    return true;
  }
  StepTimer timer(impl->times, "compute");
  if (how == Evaluate::Compiled && isQuick(module(), computed))
    how = Evaluate::Reference;
  noteCodec(*impl, computed);
  std::set<std::string> values = valuesOfFormats(module(), computed);
  std::string error = "there is no memory for it";
  std::optional<size_t> failed;
  {
    WeightProgram program(*impl, values);
    size_t first = impl->weights.size();
    failed = reserveAll(impl->weights, computed);
    std::optional<CacheKey> key;
    if (!failed)
      key = computedKey(how, first);
    if (!failed && !(key && restoreComputed(*key, first))) {
      failed = computeAll(*this, *impl, how, computed, values, error);
      if (!failed && key)
        keepComputed(*key, first);
    }
  }
  if (!failed)
    return settleComputed();
  if (!impl->internal)
    impl->failedWeight(computed[*failed].source.getSymName(), computed[*failed].encoded, error);
  return false;
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
