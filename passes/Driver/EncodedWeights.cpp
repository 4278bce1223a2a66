//===- EncodedWeights.cpp - Weights that are parts of a format ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/EncodedWeights.h"
#include "dialects/Lut/Format/Dictionary.h"
#include "dialects/Lut/Format/Gptq.h"
#include "dialects/Lut/Format/Tiles.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Driver/Executable.h"
#include <cstring>

using namespace mlir;

namespace mad {

/// What the function of a computed weight returns; null: it has none of one block.
static Value computedValue(ModuleOp module, WeightSourceOp source) {
  auto symbol = source->getAttrOfType<FlatSymbolRefAttr>("computed");
  auto function = symbol ? module.lookupSymbol<func::FuncOp>(symbol.getAttr()) : func::FuncOp();
  if (!function || !function.getBody().hasOneBlock())
    return {};
  auto result = cast<func::ReturnOp>(function.front().getTerminator());
  return result.getNumOperands() == 1 ? result.getOperand(0) : Value();
}

std::optional<EncodedPart> encodedPart(ModuleOp module, WeightSourceOp source) {
  Value result = computedValue(module, source);
  auto encode = result ? result.getDefiningOp<lut::EncodeOp>() : lut::EncodeOp();
  auto values = encode ? encode.getSource().getDefiningOp<WeightOp>() : WeightOp();
  if (!values)
    return std::nullopt;
  unsigned number = cast<OpResult>(result).getResultNumber();
  return EncodedPart{encode, values.getSource().str(), number};
}

int64_t boundOf(EncodedPart part) {
  const lut::Format &format = part.encode.getFormat().getValue();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(part.encode.getSource().getType()).getShape();
  if (format.dictionary && part.number == 0)
    return format.last ? shape.back() : shape.end()[-2];
  // Other programs may write the number behind the last code; sums are exact with it, too.
  if (format.affine && part.number == 2)
    return std::min(255, 1 << format.bits);
  return 0;
}

std::optional<RoundedWeight> roundedWeight(ModuleOp module, WeightSourceOp source) {
  Value result = computedValue(module, source);
  auto op = result ? result.getDefiningOp<lut::GptqOp>() : lut::GptqOp();
  auto values = op ? op.getSource().getDefiningOp<WeightOp>() : WeightOp();
  auto gram = op ? op.getGram().getDefiningOp<WeightOp>() : WeightOp();
  if (!values || !gram)
    return std::nullopt;
  return RoundedWeight{op, values.getSource().str(), gram.getSource().str()};
}

bool roundWeight(RoundedWeight rounded, const WeightBytes &values, const WeightBytes &gram,
                 WeightBytes &into, std::string &error) {
  lut::GptqOptions options{rounded.op.getDamp().convertToDouble(), rounded.op.getOrdered(),
                           rounded.op.getSearched()};
  return lut::gptq(rounded.op.getFormat().getValue(), options,
                   static_cast<const float *>(values.data.get()), values.shape,
                   static_cast<const float *>(gram.data.get()),
                   static_cast<float *>(const_cast<void *>(into.data.get())), error);
}

static io::Tensor tensorOf(const WeightBytes &weight) {
  io::Tensor tensor;
  tensor.dtype = ioType(weight.dtype);
  tensor.shape = weight.shape;
  tensor.data = std::const_pointer_cast<void>(weight.data);
  tensor.bytes = weight.bytes;
  return tensor;
}

/// Elements in f32; empty, with the reason, where that loses digits that must stay.
static std::optional<io::Tensor> inF32(const WeightBytes &weight, bool exact, std::string &error) {
  auto narrow = tensorOf(weight).convert(io::DType::F32);
  if (!narrow) {
    error = "there is no memory for it";
    return std::nullopt;
  }
  if (!exact || weight.dtype != MAD_F64)
    return narrow;
  const double *wide = static_cast<const double *>(weight.data.get());
  for (int64_t i = 0; i < narrow->elements(); ++i)
    if (double(narrow->as<float>()[i]) != wide[i]) {
      error = "element " + std::to_string(i) + " is no number of f32";
      return std::nullopt;
    }
  return narrow;
}

bool WeightEncoder::encode(EncodedPart part, const WeightBytes &values, WeightBytes &into,
                           std::string &error) {
  std::vector<lut::Bytes> &parts = encoded[values.name];
  if (parts.empty()) {
    bool exact = part.encode.getExact();
    auto elements = inF32(values, exact, error);
    if (!elements ||
        !lut::encode(part.encode.getFormat().getValue(), elements->as<float>(), values.shape,
                     exact ? lut::Mode::Exact : lut::Mode::Round, parts, error))
      return false;
  }
  const lut::Bytes &bytes = parts[part.number];
  if (bytes.size() != into.bytes) {
    error = "a part has another size than its type";
    return false;
  }
  memcpy(const_cast<void *>(into.data.get()), bytes.data(), bytes.size());
  return true;
}

static const WeightBytes *find(const std::vector<WeightBytes> &weights, StringRef name) {
  auto at = llvm::find_if(weights, [&](const WeightBytes &w) { return w.name == name; });
  return at == weights.end() ? nullptr : &*at;
}

/// The weight that another one is a rounding of, if that is known; else itself.
static std::string unrounded(ModuleOp module, const std::string &name) {
  auto source = module.lookupSymbol<WeightSourceOp>(name);
  if (!source)
    return name;
  if (auto rounded = roundedWeight(module, source))
    return rounded->values;
  auto before = source->getAttrOfType<StringAttr>("unrounded");
  return before ? before.getValue().str() : name;
}

std::optional<PackedTiles> packedTiles(ModuleOp module, WeightSourceOp source) {
  Value result = computedValue(module, source);
  auto tiles = result ? result.getDefiningOp<lut::PackOp>() : lut::PackOp();
  if (!tiles)
    return std::nullopt;
  PackedTiles found{tiles, {}};
  for (Value part : tiles.getParts()) {
    auto weight = part.getDefiningOp<WeightOp>();
    if (!weight)
      return std::nullopt;
    found.parts.push_back(weight.getSource().str());
  }
  return found;
}

bool packTiles(PackedTiles tiles, const std::vector<WeightBytes> &weights, WeightBytes &into,
               std::string &error) {
  std::vector<const WeightBytes *> whole;
  for (const std::string &name : tiles.parts) {
    whole.push_back(find(weights, name));
    if (!whole.back()) {
      error = "there is no weight `" + name + "`";
      return false;
    }
  }
  auto codes = cast<RankedTensorType>(tiles.op.getParts().front().getType());
  lut::TileLayout layout{tiles.op.getFormat().getValue(), int64_t(tiles.op.getRows()),
                         codes.getShape().back()};
  const int64_t matrices = ShapedType::getNumElements(codes.getShape().drop_back(2));
  auto *to = static_cast<uint8_t *>(const_cast<void *>(into.data.get()));
  for (int64_t i = 0; i < matrices; ++i) {
    std::vector<const void *> parts;
    for (const WeightBytes *part : whole)
      parts.push_back(static_cast<const char *>(part->data.get()) + i * (part->bytes / matrices));
    lut::packTiles(layout, parts, to + i * layout.bytes());
  }
  return true;
}

bool isDictionary(ModuleOp module, WeightSourceOp source) {
  Value result = computedValue(module, source);
  return result && result.getDefiningOp<lut::DictionaryOp>();
}

void writeDictionary(WeightBytes &into) {
  auto *to = static_cast<uint8_t *>(const_cast<void *>(into.data.get()));
  const lut::Dictionary &dictionary = lut::Dictionary::get();
  auto bytes = int64_t(into.bytes / lut::Dictionary::size);
  for (int64_t i = 0; i < lut::Dictionary::size; ++i) {
    uint64_t entry = bytes == 8 ? dictionary[uint16_t(i)] : dictionary.terms(uint16_t(i));
    for (int64_t n = 0; n < bytes; ++n)
      to[bytes * i + n] = uint8_t(entry >> 8 * n);
  }
}

bool isMadeByCodec(ModuleOp module, WeightSourceOp source) {
  return encodedPart(module, source) || roundedWeight(module, source) ||
         packedTiles(module, source) || isDictionary(module, source);
}

std::vector<StoredWeight> storedWeights(ModuleOp module, const std::vector<WeightBytes> &weights) {
  std::vector<StoredWeight> all;
  std::vector<std::string> stored;                        // the weight that is encoded, of each
  std::map<std::string, std::vector<const void *>> parts; // in their order
  for (auto source : module.getOps<WeightSourceOp>()) {
    if (auto kept = source->getAttrOfType<lut::FormatAttr>("blocks")) {
      // As in the file.
      if (source->getAttrOfType<IntegerAttr>("part").getInt() == 0)
        all.push_back({source.getSymName().rsplit('.').first.str(),
                       kept.getValue(),
                       source->getAttrOfType<DenseI64ArrayAttr>("shape").asArrayRef().vec(),
                       0,
                       {}});
      stored.resize(all.size());
      if (const WeightBytes *bytes = find(weights, source.getSymName()))
        all.back().bytes += bytes->bytes;
      continue;
    }
    auto part = encodedPart(module, source);
    const WeightBytes *bytes = part ? find(weights, source.getSymName()) : nullptr;
    const WeightBytes *values = bytes ? find(weights, part->values) : nullptr;
    if (!values)
      continue;
    if (part->number == 0) {
      // The parts are called as the weight is in the program.
      std::string name = source.getSymName().rsplit('.').first.str();
      all.push_back({name, part->encode.getFormat().getValue(), values->shape, 0, {}});
      stored.push_back(part->values);
    }
    all.back().bytes += bytes->bytes;
    parts[part->values].push_back(bytes->data.get());
  }
  for (auto [one, name] : llvm::zip_equal(all, stored)) {
    if (name.empty())
      continue;
    const WeightBytes *before = find(weights, unrounded(module, name));
    auto exact = tensorOf(before ? *before : *find(weights, name)).convert(io::DType::F32);
    if (!exact || parts[name].size() != one.format.ownParts(one.shape).size() ||
        exact->shape != one.shape)
      continue;
    std::vector<float> values(exact->elements());
    lut::decode(one.format, parts[name], one.shape, values.data());
    one.error = lut::errorOf(exact->as<float>(), values.data(), exact->elements());
  }
  return all;
}

} // namespace mad
