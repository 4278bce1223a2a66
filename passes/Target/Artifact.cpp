//===- Artifact.cpp - The artifact as constant data ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits the structs of runtime/artifact.h field by field, in the order of that
// file. LLVM lays plain structs out as C does; the sizes are compared all the same.
//
//===----------------------------------------------------------------------===//
#include "runtime/artifact.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "runtime/core/cpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalAlias.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;
using namespace mad;

namespace {
class Builder {
public:
  Builder(Module &module, const ArtifactOptions &options,
          const std::vector<EntryDescription> &entries, const std::vector<WeightBytes> &weights)
      : module(module), context(module.getContext()), options(options), entries(entries),
        weights(weights) {}

  Error build(StringRef weightFile, const std::vector<uint64_t> &offsets);

private:
  Constant *i32(int64_t value) { return ConstantInt::get(Type::getInt32Ty(context), value, true); }
  Constant *i64(uint64_t value) { return ConstantInt::get(Type::getInt64Ty(context), value); }
  Constant *null() { return ConstantPointerNull::get(PointerType::get(context, 0)); }
  GlobalVariable *constant(Constant *value);
  Constant *string(StringRef text);
  /// A pointer to the values one after the other; null when there are none.
  Constant *array(ArrayRef<Constant *> values);
  Constant *strings(const std::vector<std::string> &texts);
  Constant *numbers(const std::vector<int64_t> &values);
  /// A struct of C. Remembers when its size is not that of C.
  Constant *record(ArrayRef<Constant *> fields, size_t size);

  Constant *value(const ValueDescription &value);
  Constant *values(const std::vector<ValueDescription> &values);
  Constant *function(const std::string &symbol, const std::string &suffix);
  Constant *functions(const std::string &symbol);
  Constant *variantFor(int level);
  Constant *variantFor(const CudaCode &code);
  Constant *kernels(const CudaCode &code);
  Constant *image(const ImageDescription &image);
  /// Places of weights of an entry among all.
  Expected<SmallVector<Constant *>> numbersOf(const EntryDescription &entry,
                                              ArrayRef<std::string> names);
  Expected<Constant *> entry(const EntryDescription &entry);
  Constant *weight(size_t number, StringRef weightFile, const std::vector<uint64_t> &offsets);
  void includeWeights(StringRef file);
  Constant *manifestText(const std::vector<uint64_t> &offsets);
  void header();

  Module &module;
  LLVMContext &context;
  const ArtifactOptions &options;
  const std::vector<EntryDescription> &entries;
  const std::vector<WeightBytes> &weights;
  StringMap<Constant *> known;
  bool sizesAgree = true;
};
} // namespace

GlobalVariable *Builder::constant(Constant *value) {
  auto *global = new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                    GlobalValue::PrivateLinkage, value, "mad");
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return global;
}

Constant *Builder::string(StringRef text) {
  Constant *&made = known[text];
  if (!made) {
    auto *global = constant(ConstantDataArray::getString(context, text));
    global->setAlignment(Align(1));
    made = global;
  }
  return made;
}

Constant *Builder::array(ArrayRef<Constant *> values) {
  if (values.empty())
    return null();
  return constant(
      ConstantArray::get(ArrayType::get(values.front()->getType(), values.size()), values));
}

Constant *Builder::strings(const std::vector<std::string> &texts) {
  SmallVector<Constant *> pointers;
  for (const std::string &text : texts)
    pointers.push_back(string(text));
  return array(pointers);
}

Constant *Builder::numbers(const std::vector<int64_t> &values) {
  SmallVector<Constant *> constants;
  for (int64_t value : values)
    constants.push_back(i64(value));
  return array(constants);
}

Constant *Builder::record(ArrayRef<Constant *> fields, size_t size) {
  Constant *made = ConstantStruct::getAnon(context, fields);
  sizesAgree &= module.getDataLayout().getTypeAllocSize(made->getType()) == size;
  return made;
}

Constant *Builder::value(const ValueDescription &value) {
  return record({string(value.name), i32(value.dtype), i32(value.dims.size()), strings(value.dims),
                 i32(value.state)},
                sizeof(mad_value_info));
}

Constant *Builder::values(const std::vector<ValueDescription> &values) {
  SmallVector<Constant *> constants;
  for (const ValueDescription &one : values)
    constants.push_back(value(one));
  return array(constants);
}

/// Defined by the object with this suffix.
Constant *Builder::function(const std::string &symbol, const std::string &suffix) {
  auto *type = FunctionType::get(Type::getInt32Ty(context), /*isVarArg=*/false);
  auto *made = cast<Function>(module.getOrInsertFunction(symbol + suffix, type).getCallee());
  made->setVisibility(GlobalValue::HiddenVisibility);
  made->setDSOLocal(true);
  return made;
}

/// One a variant.
Constant *Builder::functions(const std::string &symbol) {
  SmallVector<Constant *> made;
  for (int level : options.levels)
    made.push_back(function(symbol, ".v" + std::to_string(level)));
  if (options.cuda)
    made.push_back(function(symbol, cudaSuffix));
  return array(made);
}

Constant *Builder::variantFor(int level) {
  int device = options.emulator ? MAD_DEVICE_EMULATOR : MAD_DEVICE_NONE;
  return record({string(variant(level).name), i32(level), i32(device),
                 i64(mad_cpu_features_of_level(level)), i32(0), i32(0), null(), null()},
                sizeof(mad_variant));
}

/// The table of kernels; code for the host knows each by a name of its own.
Constant *Builder::kernels(const CudaCode &code) {
  SmallVector<Constant *> made;
  for (const KernelDescription &kernel : code.kernels)
    made.push_back(
        record({string(kernel.name), string(kernel.place), i32(kernel.chip), i32(kernel.early)},
               sizeof(mad_kernel)));
  if (made.empty())
    return null();
  auto *table = cast<GlobalVariable>(array(made));
  for (auto [i, kernel] : enumerate(code.kernels)) {
    Type *byte = Type::getInt8Ty(context);
    Constant *at = ConstantExpr::getGetElementPtr(byte, table, i64(i * sizeof(mad_kernel)));
    auto *name =
        GlobalAlias::create(byte, 0, GlobalValue::ExternalLinkage, kernel.symbol, at, &module);
    name->setVisibility(GlobalValue::HiddenVisibility);
  }
  return table;
}

Constant *Builder::image(const ImageDescription &image) {
  SmallVector<Constant *> numbers;
  for (int32_t number : image.kernels)
    numbers.push_back(i32(number));
  auto *bytes = constant(ConstantDataArray::getString(context, image.bytes, /*AddNull=*/image.ptx));
  // Else it would be a section of strings, which linkers may merge.
  bytes->setUnnamedAddr(GlobalValue::UnnamedAddr::None);
  bytes->setAlignment(Align(64));
  return record({i32(image.ptx ? MAD_IMAGE_PTX : MAD_IMAGE_CUBIN),
                 i32(image.chip->computeCapability), i32(!image.ptx || !image.chip->portable),
                 i32(numbers.size()), array(numbers), bytes, i64(image.bytes.size() + image.ptx)},
                sizeof(mad_image));
}

Constant *Builder::variantFor(const CudaCode &code) {
  SmallVector<Constant *> images;
  for (const ImageDescription &one : code.images)
    images.push_back(image(one));
  return record({string("cuda"), i32(0), i32(MAD_DEVICE_CUDA), i64(0), i32(code.kernels.size()),
                 i32(images.size()), kernels(code), array(images)},
                sizeof(mad_variant));
}

Expected<SmallVector<Constant *>> Builder::numbersOf(const EntryDescription &entry,
                                                     ArrayRef<std::string> names) {
  SmallVector<Constant *> numbers;
  for (const std::string &name : names) {
    auto found = find_if(weights, [&](const WeightBytes &weight) { return weight.name == name; });
    if (found == weights.end())
      return createStringError("entry `" + entry.name + "` uses weight `" + name +
                               "`, which has no bytes");
    numbers.push_back(i32(found - weights.begin()));
  }
  return numbers;
}

Expected<Constant *> Builder::entry(const EntryDescription &entry) {
  auto used = numbersOf(entry, entry.weights);
  if (!used)
    return used.takeError();
  auto onDevice = numbersOf(entry, entry.deviceWeights.value_or(entry.weights));
  if (!onDevice)
    return onDevice.takeError();
  SmallVector<Constant *> checks;
  for (const CheckDescription &check : entry.checks)
    checks.push_back(
        record({i32(check.kind), string(check.message), string(check.place)}, sizeof(mad_check)));
  Constant *info = record({string(entry.name), string(entry.doc), i32(entry.dims.size()),
                           strings(entry.dims), i32(entry.inputs.size()), values(entry.inputs),
                           i32(entry.outputs.size()), values(entry.outputs)},
                          sizeof(mad_entry_info));
  return record({info, functions(prepareSymbol(entry.name)), functions(runSymbol(entry.name)),
                 i32(used->size()), array(*used), i32(checks.size()), array(checks),
                 i32(entry.prepareChecks), i32(onDevice->size()), array(*onDevice)},
                sizeof(mad_entry));
}

Constant *Builder::weight(size_t number, StringRef weightFile,
                          const std::vector<uint64_t> &offsets) {
  const WeightBytes &weight = weights[number];
  Constant *data = null();
  if (weight.bytes > 0 && options.weightsFile.empty()) {
    Type *byte = Type::getInt8Ty(context);
    std::string name =
        weightFile.empty() ? "mad_weight_" + std::to_string(number) : std::string("mad_weights");
    auto *base = cast<GlobalVariable>(module.getOrInsertGlobal(name, byte));
    base->setVisibility(GlobalValue::HiddenVisibility);
    base->setConstant(true);
    data = base;
    if (!weightFile.empty())
      data = ConstantExpr::getGetElementPtr(byte, base, i64(offsets[number]));
  }
  // What stays in this process is not verified.
  uint64_t sum = offsets.empty() ? 0 : checksum(weight);
  return record({string(weight.name), weight.source.empty() ? null() : string(weight.source),
                 i32(weight.dtype), i32(weight.shape.size()), numbers(weight.shape),
                 i32(weight.transposed), i32(weight.panel), i32(weight.axis), i32(weight.weave),
                 i32(weight.bound), i32(weight.computed), i32(weight.widened), data,
                 i64(weight.bytes), i64(sum)},
                sizeof(mad_weight));
}

/// In a large section: it lies apart, so that the rest keeps its short distances.
void Builder::includeWeights(StringRef file) {
  std::string path;
  for (unsigned char c : file) {
    if (c == '"' || c == '\\' || c < ' ' || c == 127) {
      path += '\\';
      path += (c == '"' || c == '\\')
                  ? std::string(1, c)
                  : std::string{char('0' + c / 64), char('0' + c / 8 % 8), char('0' + c % 8)};
      continue;
    }
    path += c;
  }
  module.appendModuleInlineAsm(".section " MAD_WEIGHTS_SECTION ",\"al\",@progbits\n"
                               ".p2align 6\n"
                               ".globl mad_weights\n"
                               ".hidden mad_weights\n"
                               "mad_weights:\n"
                               ".incbin \"" +
                               path + "\"\n.text\n");
}

Constant *Builder::manifestText(const std::vector<uint64_t> &offsets) {
  auto *global = constant(
      ConstantDataArray::getString(context, mad::manifest(options, entries, weights, offsets)));
  // Else it would be a section of strings, which linkers may merge.
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::None);
  global->setSection(MAD_MANIFEST_SECTION);
  global->setAlignment(Align(1));
  return global;
}

/// The linker step fills in the size and the checksum of the file.
void Builder::header() {
  std::string compiler = compilerVersion(), target = targetTriple();
  compiler.resize(sizeof(mad_file_header::compiler) - 1);
  target.resize(sizeof(mad_file_header::target) - 1);
  int level = options.levels.empty() || options.cuda ? 0 : options.levels.front();
  Constant *made =
      record({i64(MAD_ARTIFACT_MAGIC), i32(MAD_ABI_VERSION), i32(sizeof(mad_file_header)),
              ConstantDataArray::getString(context, compiler), i32(MAD_FORMAT_VERSION), i32(level),
              i64(mad_cpu_features_of_level(level)), ConstantDataArray::getString(context, target),
              i64(0), i64(0), i64(0), i64(0)},
             sizeof(mad_file_header));
  auto *global = constant(made);
  global->setSection(MAD_HEADER_SECTION);
  global->setAlignment(Align(8));
  appendToUsed(module, {global});
}

Error Builder::build(StringRef weightFile, const std::vector<uint64_t> &offsets) {
  SmallVector<Constant *> variants, made, held;
  for (int level : options.levels)
    variants.push_back(variantFor(level));
  if (options.cuda)
    variants.push_back(variantFor(*options.cuda));
  for (const EntryDescription &description : entries) {
    auto one = entry(description);
    if (!one)
      return one.takeError();
    made.push_back(*one);
  }
  for (size_t i = 0; i < weights.size(); ++i)
    held.push_back(weight(i, weightFile, offsets));
  if (!weightFile.empty())
    includeWeights(weightFile);
  header();
  Constant *artifact = record(
      {i64(MAD_ARTIFACT_MAGIC), i32(MAD_ABI_VERSION), i32(sizeof(mad_artifact)),
       string(options.name), string(compilerVersion()), manifestText(offsets),
       options.weightsFile.empty() ? null() : string(options.weightsFile), i32(variants.size()),
       array(variants), i32(made.size()), array(made), i32(held.size()), array(held)},
      sizeof(mad_artifact));
  auto *global = new GlobalVariable(module, artifact->getType(), /*isConstant=*/true,
                                    GlobalValue::ExternalLinkage, artifact, "mad_artifact_v1");
  GlobalAlias::create(options.name + "_artifact", global);
  if (!sizesAgree)
    return createStringError("a struct of the artifact has another size in C");
  return Error::success();
}

static Error check(const ArtifactOptions &options, const std::vector<WeightBytes> &weights,
                   StringRef weightFile, const std::vector<uint64_t> &offsets) {
  const std::string &name = options.name;
  if (name.empty() || isDigit(name.front()) ||
      !all_of(name, [](char c) { return isAlnum(c) || c == '_'; }))
    return createStringError("`" + name + "` cannot name an artifact, it is not a C identifier");
  if (name == "mad" || StringRef(name).starts_with("mad_"))
    return createStringError("`" + name +
                             "` cannot name an artifact, names from `mad_` on are "
                             "those of the runtime; give the file another name");
  if ((options.levels.empty() && !options.cuda) || !is_sorted(options.levels))
    return createStringError("an artifact needs at least one variant, and CPU levels in ascending "
                             "order");
  if ((!weightFile.empty() || !options.weightsFile.empty()) && offsets.size() != weights.size())
    return createStringError("found " + Twine(offsets.size()) + " offsets for " +
                             Twine(weights.size()) + " weights");
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>>
mad::artifactObject(const ArtifactOptions &options, const std::vector<EntryDescription> &entries,
                    const std::vector<WeightBytes> &weights, StringRef weightFile,
                    const std::vector<uint64_t> &offsets) {
  if (Error error = check(options, weights, weightFile, offsets))
    return error;
  return guarded([&](Translation &translation) -> Expected<std::unique_ptr<MemoryBuffer>> {
    auto machine = makeMachine(/*level=*/0, /*quick=*/true);
    if (!machine)
      return machine.takeError();
    translation.module = std::make_unique<Module>("artifact", *translation.context);
    translation.module->setTargetTriple(Triple(targetTriple()));
    translation.module->setDataLayout((*machine)->createDataLayout());
    translation.module->setPICLevel(PICLevel::BigPIC);
    Builder builder(*translation.module, options, entries, weights);
    if (Error error = builder.build(weightFile, offsets))
      return error;
    return emitObject(translation, **machine);
  });
}
