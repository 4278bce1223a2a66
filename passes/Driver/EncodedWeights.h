//===- EncodedWeights.h - Weights that are parts of a format ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `as lut.int(...)` makes of a weight: computed weights whose functions encode another one.
// The codec does that, on all targets, so that they hold the same bytes.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_ENCODEDWEIGHTS_H
#define MAD_PASSES_DRIVER_ENCODEDWEIGHTS_H

#include "dialects/Lut/Format/Codec.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Target/Object.h"
#include <map>

namespace mad {

/// A computed weight that is a part of another one.
struct EncodedPart {
  lut::EncodeOp encode;
  std::string values; ///< the weight that is encoded
  unsigned number = 0;
};

/// What the function of a computed weight encodes, if it does nothing else.
std::optional<EncodedPart> encodedPart(mlir::ModuleOp module, WeightSourceOp source);

/// What a file that takes the place of the part must keep (`mad_weight`): of the words of a
/// dictionary the elements of a column, of zero points the largest, of other parts 0.
int64_t boundOf(EncodedPart part);

/// A computed weight that is another one, rounded.
struct RoundedWeight {
  lut::GptqOp op;
  std::string values, gram; ///< the weights that it reads
};

/// How the function of a computed weight rounds another one, if it does nothing else.
std::optional<RoundedWeight> roundedWeight(mlir::ModuleOp module, WeightSourceOp source);

/// Writes the elements of a rounded weight. False where that fails, with the reason.
bool roundWeight(RoundedWeight rounded, const WeightBytes &values, const WeightBytes &gram,
                 WeightBytes &into, std::string &error);

/// A computed weight that is the tiles of another one (`lut.pack`).
struct PackedTiles {
  lut::PackOp op;
  std::vector<std::string> parts; ///< the weights that hold them
};

/// What the function of a computed weight packs, if it does nothing else.
std::optional<PackedTiles> packedTiles(mlir::ModuleOp module, WeightSourceOp source);
/// Writes the bytes of the tiles. Parts are among the weights before.
bool packTiles(PackedTiles tiles, const std::vector<WeightBytes> &weights, WeightBytes &into,
               std::string &error);

/// Whether a computed weight is the dictionary that ternary weights share (`lut.dictionary`).
bool isDictionary(mlir::ModuleOp module, WeightSourceOp source);
/// Writes its bytes.
void writeDictionary(WeightBytes &into);

/// Whether the codec makes a computed weight, not code.
bool isMadeByCodec(mlir::ModuleOp module, WeightSourceOp source);

/// The parts of encoded weights, by the names of the weights that hold the values.
using EncodedParts = std::map<std::string, std::vector<lut::Bytes>>;

/// Encodes each weight once.
class WeightEncoder {
public:
  /// With what is known already.
  explicit WeightEncoder(EncodedParts known = {}) : encoded(std::move(known)) {}
  /// Writes the bytes of a part. False where the format does not hold the values, with the reason.
  bool encode(EncodedPart part, const WeightBytes &values, WeightBytes &into, std::string &error);

  const EncodedParts &all() const { return encoded; }

private:
  EncodedParts encoded;
};

/// How a weight came out of its format.
struct StoredWeight {
  std::string name;
  lut::Format format;
  std::vector<int64_t> shape;
  uint64_t bytes = 0; ///< of all parts
  lut::Error error;   ///< of the stored values
};

/// All weights of a module with formats, while their values are there beside their parts.
std::vector<StoredWeight> storedWeights(mlir::ModuleOp module,
                                        const std::vector<WeightBytes> &weights);

} // namespace mad

#endif // MAD_PASSES_DRIVER_ENCODEDWEIGHTS_H
