//===- Compilation.cpp - Front end steps and the module ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "frontend/Check/Check.h"
#include "frontend/Diag/Codes.h"
#include "frontend/Emit/Emit.h"
#include "frontend/Parse/Parse.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/RuleTests.h"
#include "passes/Pipelines/Common.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Target/InternalFailure.h"
#include "passes/Transforms/Entries.h"
#include "runtime/io/TensorFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace mad {

/// The parser refuses less, and says so with a place.
static constexpr size_t maxSourceBytes = size_t(128) << 20;

Compilation::Compilation() : impl(std::make_unique<Impl>()) {}
Compilation::~Compilation() = default;

void Compilation::provide(std::string path, std::string text) {
  impl->provided.emplace(std::move(path), std::move(text));
}

bool Compilation::parse(const std::string &path) {
  StepTimer timer(impl->times, "parse");
  std::string text, error;
  if (impl->provided && impl->provided->first == path)
    text = impl->provided->second;
  else if (!io::readFile(path, text, maxSourceBytes, error))
    return impl->fail("error: " + error);
  uint32_t file = impl->sources.add(path, std::move(text));
  impl->tree = mad::parse(impl->sources, file, impl->diagnostics);
  if (impl->diagnostics.hasErrors())
    return false;
  return impl->dumpFolder.empty() || impl->dump("00-ast.txt", mad::dump(*impl->tree));
}

/// Whether the parser knew where items and blocks end, so that what it kept is
/// what was written.
static bool keptItsPlace(const Diagnostics &diagnostics) {
  return llvm::none_of(diagnostics.all(), [](const Diagnostic &d) {
    return d.code <= code::E0103 || (d.code >= code::E0107 && d.code <= code::E0112);
  });
}

bool Compilation::check(const std::string &path) {
  // What parsed around an error is checked too: one run, all independent errors.
  if (!parse(path) && (!impl->tree || !keptItsPlace(impl->diagnostics)))
    return false;
  StepTimer timer(impl->times, "check");
  impl->program = mad::check(impl->sources, *impl->tree, impl->diagnostics);
  if (impl->diagnostics.hasErrors())
    return false;
  return impl->dumpFolder.empty() || impl->dump("01-program.txt", mad::dump(*impl->program));
}

bool Compilation::load(const std::string &path) {
  if (!check(path))
    return false;
  StepTimer timer(impl->times, "emit");
  DialectRegistry registry;
  registerCpuDialects(registry);
  impl->context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  // Messages name a place and a cause; whole functions in them help nobody.
  impl->context->printOpOnDiagnostic(false);
  if (impl->remarks) {
    impl->remarks->file = path;
    mad::collectRemarks(*impl->context, *impl->remarks);
  }
  if (!impl->findFileFormats())
    return false;
  CollectDiagnostics collected(*impl->context);
  impl->module = emit(*impl->program, impl->sources, *impl->context);
  if (!impl->module)
    return impl->lost("the program cannot be emitted", collected);
  if (failed(verify(*impl->module)))
    return impl->bug("the emitted program does not verify\n" + collected.text);
  return (impl->dumpFolder.empty() || impl->dumpModule(2, "mad", *impl->module)) &&
         (!impl->wantsCalibration || impl->settleActivations());
}

bool Compilation::Impl::settleActivations() {
  auto found = module->walk([](lut::QuantizeActOp) { return WalkResult::interrupt(); });
  if (!found.wasInterrupted())
    return true;
  CollectDiagnostics collected(*context);
  PassManager manager(context.get());
  buildActivations(manager);
  return succeeded(manager.run(*module)) ||
         bug("matching products of integers failed\n" + collected.text);
}

const ast::File &Compilation::tree() const { return *impl->tree; }
const hir::Program &Compilation::program() const { return *impl->program; }
ModuleOp Compilation::module() const { return *impl->module; }
const std::vector<WeightBytes> &Compilation::weights() const { return impl->weights; }
bool Compilation::internalError() const { return impl->internal; }

std::string Compilation::messages(bool color) const {
  std::string text = render(impl->sources, impl->diagnostics, color);
  for (const std::string &error : impl->errors)
    text += error + "\n";
  return impl->internal ? text + howToReport() : text;
}

static SignatureValue signatureValue(Type type, Attribute name) {
  auto tensor = cast<RankedTensorType>(type);
  auto dims = dyn_cast_or_null<DimsAttr>(tensor.getEncoding());
  SignatureValue value;
  if (auto text = dyn_cast_or_null<StringAttr>(name))
    value.name = text.str();
  value.dtype = dtypeOf(tensor.getElementType());
  for (int64_t i = 0; i < tensor.getRank(); ++i) {
    value.sizes.push_back(dimExpr(tensor, i));
    std::string label = dims ? dims.getNames()[i].str() : "";
    value.labels.push_back(label.empty() ? value.sizes.back().str() : label);
  }
  return value;
}

std::vector<Signature> Compilation::signatures() const {
  std::vector<Signature> all;
  for (auto f : module().getOps<func::FuncOp>()) {
    if (!f->hasAttr("mad.entry") && !f->hasAttr("mad.test"))
      continue;
    Signature s;
    s.name = f.getName().str();
    if (auto doc = f->getAttrOfType<StringAttr>("mad.doc"))
      s.doc = doc.str();
    if (auto title = f->getAttrOfType<StringAttr>("mad.test"))
      s.title = title.str();
    auto strings = [&](StringRef name, std::vector<std::string> &to) {
      if (auto array = f->getAttrOfType<ArrayAttr>(name))
        for (auto text : array.getAsRange<StringAttr>())
          to.push_back(text.str());
    };
    strings("mad.dims", s.dims);
    strings("mad.asserts", s.asserts);
    for (unsigned i = 0; i < f.getNumArguments(); ++i)
      s.inputs.push_back(signatureValue(f.getArgumentTypes()[i], f.getArgAttr(i, "mad.name")));
    for (unsigned i = 0; i < f.getNumResults(); ++i) {
      s.outputs.push_back(signatureValue(f.getResultTypes()[i], f.getResultAttr(i, "mad.name")));
      if (auto state = f.getResultAttrOfType<IntegerAttr>(i, "mad.state")) {
        s.outputs.back().state = int32_t(state.getInt()) + 1;
        s.inputs[state.getInt()].state = int32_t(i) + 1;
      }
    }
    all.push_back(std::move(s));
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> Compilation::testRules(const std::string &filter) {
  std::vector<std::pair<std::string, std::string>> outcomes;
  for (const hir::Rule &rule : impl->program->rules)
    if (rule.span.file == impl->tree->source && rule.name.find(filter) != std::string::npos)
      outcomes.emplace_back(rule.name, testRule(rule, impl->sources, *impl->context));
  return outcomes;
}

static void dropUnused(ModuleOp module) {
  // Weights that nothing reads any more need not be in the file system. One may
  // have been read for another that is computed, so this goes on until it ends.
  for (bool changed = true; changed;) {
    changed = false;
    std::set<std::string> used;
    module.walk([&](WeightOp op) { used.insert(op.getSource().str()); });
    for (auto source : llvm::make_early_inc_range(module.getOps<WeightSourceOp>())) {
      if (used.count(source.getSymName().str()))
        continue;
      if (auto value = source->getAttrOfType<FlatSymbolRefAttr>("computed"))
        module.lookupSymbol<func::FuncOp>(value.getAttr()).erase();
      source.erase();
      changed = true;
    }
  }
}

void Compilation::dropUnusedWeights() {
  dropUnused(module());
  if (impl->deviceModule)
    dropUnused(*impl->deviceModule);
}

bool Compilation::keep(const std::set<std::string> &entries) {
  for (auto f : llvm::make_early_inc_range(module().getOps<func::FuncOp>()))
    if ((f->hasAttr("mad.entry") || f->hasAttr("mad.test")) && !entries.count(f.getName().str()))
      f.erase();
  PassManager manager(impl->context.get());
  manager.addPass(createSymbolDCEPass());
  CollectDiagnostics collected(*impl->context);
  if (failed(manager.run(module())))
    return impl->bug("dropping unused functions failed\n" + collected.text);
  dropUnusedWeights();
  return true;
}

} // namespace mad
