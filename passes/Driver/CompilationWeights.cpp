//===- CompilationWeights.cpp - Elements of the weights ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Codec.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "frontend/Diag/Codes.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/Executable.h"
#include "passes/Transforms/Entries.h"
#include "runtime/io/Gguf.h"
#include "runtime/io/TensorFile.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mad {

/// True when each number of `from` is a number of `to`.
static bool widens(io::DType from, io::DType to) {
  using D = io::DType;
  if (from == to)
    return true;
  switch (to) {
  case D::F16:
  case D::BF16:
    return from == D::I8 || from == D::U8;
  case D::F32:
    return from == D::F16 || from == D::BF16 || from == D::I8 || from == D::U8 || from == D::I16 ||
           from == D::U16;
  case D::F64:
    return from != D::I64 && from != D::U64 && from != D::Bool;
  case D::I32:
    return from == D::I8 || from == D::U8 || from == D::I16 || from == D::U16;
  case D::I64:
    return from != D::U64 && from != D::F32 && from != D::F64 && from != D::F16 &&
           from != D::BF16 && from != D::Bool;
  default:
    return false;
  }
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, n] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(n);
  return text + "]";
}

static bool transpose(const io::Tensor &from, io::Tensor &to) {
  int64_t rows = from.shape[0], columns = from.shape[1];
  auto made = io::Tensor::make(from.dtype, {columns, rows});
  if (!made)
    return false;
  size_t size = io::size(from.dtype);
  const char *source = from.as<char>();
  char *target = made->as<char>();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      memcpy(target + (j * rows + i) * size, source + (i * columns + j) * size, size);
  to = std::move(*made);
  return true;
}

/// Reads one entry as it is declared; on failure `error` says what differs.
static bool readEntry(WeightSourceOp source, const std::string &path, const std::string &entry,
                      ArrayRef<int64_t> shape, io::Tensor &tensor, std::string &error) {
  io::DType want = ioType(dtypeOf(cast<RankedTensorType>(source.getType()).getElementType()));
  if (!io::read(path, entry, tensor, error, want))
    return false;
  SmallVector<int64_t> declared(shape);
  if (source.getTransposed())
    std::reverse(declared.begin(), declared.end());
  if (ArrayRef<int64_t>(declared) != ArrayRef<int64_t>(tensor.shape)) {
    error = "`" + path + "` holds `" + entry + "` with shape " + shapeText(tensor.shape) +
            ", expected " + shapeText(declared) +
            (source.getTransposed() ? " (the declared one transposed)" : "");
    SmallVector<int64_t> reversed(llvm::reverse(declared));
    if (ArrayRef<int64_t>(reversed) == ArrayRef<int64_t>(tensor.shape) && declared.size() == 2)
      error += source.getTransposed() ? "; remove `transposed`" : "; add `transposed`";
    return false;
  }
  if (!widens(tensor.dtype, want)) {
    error = "`" + path + "` holds `" + entry + "` as " + io::name(tensor.dtype) +
            ", which does not fit the declared " + io::name(want) + " exactly";
    return false;
  }
  auto converted = tensor.convert(want);
  if (!converted || (source.getTransposed() && !transpose(io::Tensor(*converted), *converted))) {
    error = "no memory for weight `" + source.getSymName().str() + "`";
    return false;
  }
  tensor = std::move(*converted);
  return true;
}

/// Reads one weight: one entry, or one for each layer.
static bool readWeight(WeightSourceOp source, const std::string &path, io::Tensor &tensor,
                       std::string &error) {
  auto type = cast<RankedTensorType>(source.getType());
  std::string entry = source.getEntry().str();
  auto number = source->getAttrOfType<IntegerAttr>("layers");
  if (!number)
    return readEntry(source, path, entry, type.getShape(), tensor, error);
  int64_t layers = number.getInt();
  auto readLayer = [&](int64_t i, io::Tensor &layer) {
    std::string name = entry;
    for (size_t at = 0; (at = name.find("{i}", at)) != std::string::npos;)
      name.replace(at, 3, std::to_string(i));
    if (readEntry(source, path, name, type.getShape().drop_front(), layer, error))
      return true;
    error = "layer " + std::to_string(i) + " of `" + source.getSymName().str() + "`: " + error;
    return false;
  };
  auto made = io::Tensor::make(ioType(dtypeOf(type.getElementType())), type.getShape().vec());
  for (int64_t i = 0; i < layers; ++i) {
    // Without memory for all, a layer that is not there is the better reason.
    io::Tensor layer;
    if (!readLayer(i, layer))
      return false;
    if (made)
      memcpy(made->as<char>() + i * layer.bytes, layer.as<char>(), layer.bytes);
  }
  if (!made) {
    error = "no memory for weight `" + source.getSymName().str() + "`";
    return false;
  }
  tensor = std::move(*made);
  return true;
}

static std::string layerName(WeightSourceOp source, int64_t layer) {
  std::string name = source.getEntry().str();
  for (size_t at = 0;
       source->hasAttr("layers") && (at = name.find("{i}", at)) != std::string::npos;)
    name.replace(at, 3, std::to_string(layer));
  return name;
}

/// The parts of the weight that was read last: those of one follow each other, and its blocks hold
/// all of them.
struct KeptBlocks {
  std::string path, entry;
  std::vector<std::vector<lut::Bytes>> layers;

  bool read(WeightSourceOp source, const std::string &from, std::string &error);
};

bool KeptBlocks::read(WeightSourceOp source, const std::string &from, std::string &error) {
  auto format = source->getAttrOfType<lut::FormatAttr>("blocks").getValue();
  auto shape = source->getAttrOfType<DenseI64ArrayAttr>("shape").asArrayRef();
  int64_t k = shape[shape.size() - 2], m = shape.back();
  auto number = source->getAttrOfType<IntegerAttr>("layers");
  layers.clear();
  for (int64_t i = 0; i < (number ? number.getInt() : 1); ++i) {
    std::string name = layerName(source, i);
    io::GgufTensor tensor;
    std::vector<uint8_t> bytes;
    if (!io::readGgufBlocks(from, name, tensor, bytes, error))
      return false;
    if (tensor.type->name != StringRef(format.blockType()->name) ||
        tensor.shape != std::vector<int64_t>{m, k}) {
      error = "`" + from + "` holds `" + name + "` as " + tensor.type->name + " with shape " +
              shapeText(tensor.shape) + ", expected " + format.blockType()->name + " with shape " +
              shapeText({m, k});
      return false;
    }
    lut::fromBlocks(format, bytes.data(), k, m, layers.emplace_back());
  }
  path = from;
  entry = source.getEntry().str();
  return true;
}

/// Reads a part of a weight that stays in the blocks of its file, of one entry or of one for each
/// layer.
static bool readBlocks(WeightSourceOp source, const std::string &path, KeptBlocks &kept,
                       io::Tensor &tensor, std::string &error) {
  auto part = source->getAttrOfType<IntegerAttr>("part").getInt();
  bool same = part > 0 && kept.path == path && kept.entry == source.getEntry() &&
              !kept.layers.empty() && !kept.layers[0][part].empty();
  if (!same && !kept.read(source, path, error)) {
    kept = {};
    return false;
  }
  auto type = cast<RankedTensorType>(source.getType());
  auto made = io::Tensor::make(ioType(dtypeOf(type.getElementType())), type.getShape().vec());
  if (!made) {
    error = "there is no memory for `" + source.getSymName().str() + "`";
    return false;
  }
  tensor = std::move(*made);
  char *to = tensor.as<char>();
  for (std::vector<lut::Bytes> &layer : kept.layers) {
    llvm::copy(layer[part], to);
    to += layer[part].size();
    layer[part] = {};
  }
  return true;
}

bool Compilation::loadWeights(const std::string &file, Evaluate evaluate) {
  if ((!file.empty() && !checkGiven(file)) || !sizeDictionaries(file, evaluate))
    return false;
  if (evaluate == Evaluate::Compiled && (!rewrite() || !impl->matchTiles()))
    return false;
  return readWeights(file) && computeWeights(evaluate);
}

bool Compilation::readWeights(const std::string &file) {
  StepTimer timer(impl->times, "weights");
  impl->weights.clear();
  bool good = true;
  llvm::StringSet<> unreadable;
  KeptBlocks kept;
  for (auto source : module().getOps<WeightSourceOp>()) {
    if (source->hasAttr("computed"))
      continue;
    io::Tensor tensor;
    std::string error;
    bool calibration = source->hasAttr("calibration");
    std::string path = file.empty() || calibration ? source.getPath().str() : file;
    if (source->hasAttr("blocks") ? !readBlocks(source, path, kept, tensor, error)
                                  : !readWeight(source, path, tensor, error)) {
      good = false;
      // What is wrong with a whole file is said once, not for each weight of it.
      std::vector<io::Entry> entries;
      if (!io::list(path, entries, error) && !unreadable.insert(path).second)
        continue;
      Span span;
      for (const hir::Weight &w : program().weights)
        if (w.name == source.getSymName() ||
            (StringRef(w.name + ".gram") == source.getSymName() && calibration) ||
            (source->hasAttr("blocks") && source.getSymName().rsplit('.').first == w.name))
          span = w.span;
      Diagnostic &d = impl->diagnostics.error(code::E0501, span, error);
      if (calibration)
        d.help = "`mad calibrate FILE ENTRY name=VALUE ... --gram -o " + path + "` records it";
      continue;
    }
    WeightBytes bytes;
    bytes.name = source.getSymName().str();
    bytes.dtype = dtypeOf(cast<RankedTensorType>(source.getType()).getElementType());
    bytes.shape = tensor.shape;
    bytes.data = tensor.data;
    bytes.bytes = tensor.bytes;
    bytes.source = source->hasAttr("blocks") ? "" : source.getEntry().str();
    bytes.transposed = source.getTransposed();
    auto format = source->getAttrOfType<lut::FormatAttr>("blocks");
    bytes.computed = bool(format);
    if (format)
      bytes.part = {format.getValue().str(), MAD_F32,
                    source->getAttrOfType<DenseI64ArrayAttr>("shape").asArrayRef().vec()};
    impl->weights.push_back(std::move(bytes));
  }
  return good;
}

} // namespace mad
