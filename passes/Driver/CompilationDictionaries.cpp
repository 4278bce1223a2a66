//===- CompilationDictionaries.cpp - Parts whose sizes depend on values ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many words a weight `as lut.dictionary` has is known when it is encoded, but types are needed
// before. So such weights, and what they are computed of, are made first, with room for any values;
// then the program gets the types of what came out.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Driver/CompilationImpl.h"
#include <utility>

using namespace mlir;

namespace mad {

/// The weights that a function, or one that it calls, reads.
static void addReads(ModuleOp module, func::FuncOp function, std::set<std::string> &reads) {
  function.walk([&](Operation *op) {
    if (auto weight = dyn_cast<WeightOp>(op))
      reads.insert(weight.getSource().str());
    if (auto call = dyn_cast<func::CallOp>(op))
      addReads(module, module.lookupSymbol<func::FuncOp>(call.getCallee()), reads);
  });
}

static func::FuncOp functionOf(ModuleOp module, WeightSourceOp source) {
  auto symbol = source->getAttrOfType<FlatSymbolRefAttr>("computed");
  return symbol ? module.lookupSymbol<func::FuncOp>(symbol.getAttr()) : func::FuncOp();
}

/// The encoding that makes a part of unknown size, or one beside it.
static lut::EncodeOp unsizedEncode(ModuleOp module, WeightSourceOp source) {
  auto part = encodedPart(module, source);
  if (!part)
    return {};
  const lut::Format &format = part->encode.getFormat().getValue();
  return format.dictionary && format.words == 0 ? part->encode : lut::EncodeOp();
}

/// A copy with nothing but the weights of unknown sizes and what those need. Null: there are none.
static OwningOpRef<ModuleOp> unsizedWeights(ModuleOp program) {
  std::set<std::string> needed;
  SmallVector<std::string> waiting;
  for (auto source : program.getOps<WeightSourceOp>())
    if (unsizedEncode(program, source))
      waiting.push_back(source.getSymName().str());
  if (waiting.empty())
    return {};
  while (!waiting.empty()) {
    std::string name = waiting.pop_back_val();
    if (!needed.insert(name).second)
      continue;
    std::set<std::string> reads;
    if (func::FuncOp function = functionOf(program, program.lookupSymbol<WeightSourceOp>(name)))
      addReads(program, function, reads);
    waiting.append(reads.begin(), reads.end());
  }
  OwningOpRef<ModuleOp> made = cast<ModuleOp>(program->clone());
  for (auto f : llvm::make_early_inc_range(made->getOps<func::FuncOp>()))
    if (f->hasAttr("mad.entry") || f->hasAttr("mad.test"))
      f.erase();
  for (auto source : llvm::make_early_inc_range(made->getOps<WeightSourceOp>()))
    if (!needed.count(source.getSymName().str()))
      source.erase();
  PassManager manager(made->getContext());
  manager.addPass(createSymbolDCEPass());
  return succeeded(manager.run(*made)) ? std::move(made) : nullptr;
}

/// Keeps of words what the longest matrix has; how many that is.
static int64_t trim(lut::EncodeOp encode, std::vector<lut::Bytes> &parts) {
  auto type = cast<RankedTensorType>(encode.getSource().getType());
  std::vector<int64_t> shape = type.getShape().vec();
  lut::Format format = encode.getFormat().getValue();
  std::vector<lut::Part> before = format.ownParts(shape);
  int64_t columns = before[2].shape.end()[-2] - 1;
  int64_t count = columns ? before[2].elements() / 4 / (columns + 1) : 0;
  int64_t words = lut::wordsOf(reinterpret_cast<const uint8_t *>(parts[2].data()), count, columns);
  int64_t room = before[0].shape.end()[-2];
  for (int64_t i = 1; i < count; ++i)
    std::copy_n(parts[0].data() + 2 * room * i, 2 * words, parts[0].data() + 2 * words * i);
  parts[0].resize(2 * words * count);
  return words;
}

static RankedTensorType sized(Type type, int64_t words) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.end()[-2] = words;
  return RankedTensorType::get(shape, tensor.getElementType());
}

template <typename Op> static void setWords(Op op, int64_t words) {
  lut::Format format = op.getFormat().getValue();
  format.words = words;
  op.setFormatAttr(lut::FormatAttr::get(op.getContext(), format));
}

/// Gives words, and what is made of them, the size that they have. False: something reads them that
/// is not known here.
static bool setType(Value value, int64_t words) {
  value.setType(sized(value.getType(), words));
  for (Operation *user : value.getUsers()) {
    if (auto dequant = dyn_cast<lut::DequantOp>(user))
      setWords(dequant, words);
    else if (auto gemm = dyn_cast<lut::GemmOp>(user))
      setWords(gemm, words);
    else if (!isa<ViewOp>(user) || !setType(user->getResult(0), words))
      return false;
  }
  return true;
}

/// The same in a program. `sizes`: the words of each weight, by the name of its values.
static bool setTypes(ModuleOp program, const std::map<std::string, int64_t> &sizes) {
  std::map<std::string, int64_t> words; // of the weights that hold them
  for (auto source : program.getOps<WeightSourceOp>()) {
    lut::EncodeOp encode = unsizedEncode(program, source);
    if (!encode)
      continue;
    auto part = encodedPart(program, source);
    int64_t number = sizes.at(part->values);
    setWords(encode, number);
    encode.getParts()[0].setType(sized(encode.getParts()[0].getType(), number));
    if (part->number != 0)
      continue;
    words[source.getSymName().str()] = number;
    Type type = encode.getParts()[0].getType();
    source.setType(type);
    functionOf(program, source).setType(FunctionType::get(program.getContext(), {}, {type}));
  }
  bool good = true;
  program.walk([&](WeightOp op) {
    auto found = words.find(op.getSource().str());
    if (found != words.end())
      good &= setType(op.getResult(), found->second);
  });
  return good;
}

bool Compilation::sizeDictionaries(const std::string &file, Evaluate evaluate) {
  OwningOpRef<ModuleOp> unsized = unsizedWeights(module());
  if (!unsized)
    return true;
  std::map<std::string, lut::EncodeOp> encodes;
  for (auto source : module().getOps<WeightSourceOp>())
    if (lut::EncodeOp encode = unsizedEncode(module(), source))
      encodes[encodedPart(module(), source)->values] = encode;
  // Neither the report nor the cache is for weights with too much room.
  std::swap(impl->module, unsized);
  auto stored = std::exchange(impl->stored, nullptr);
  std::optional<Cache> cache = std::exchange(impl->cache, std::nullopt);
  impl->isSizing = true;
  bool good = readWeights(file) && computeWeights(evaluate);
  impl->isSizing = false;
  impl->cache = std::move(cache);
  impl->stored = stored;
  std::swap(impl->module, unsized);
  impl->weights.clear();
  if (!good)
    return false;
  std::erase_if(impl->dictionaries, [&](auto &known) { return !encodes.count(known.first); });
  std::map<std::string, int64_t> sizes;
  for (auto &[name, encode] : encodes)
    sizes[name] = trim(encode, impl->dictionaries[name]);
  return setTypes(module(), sizes) || impl->bug("words of a dictionary have an unknown reader");
}

} // namespace mad
