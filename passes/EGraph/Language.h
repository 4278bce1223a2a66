//===- Language.h - Operations of an e-graph --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_LANGUAGE_H
#define MAD_PASSES_EGRAPH_LANGUAGE_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <vector>

namespace mad::egraph {

/// A node, and the class that it was made in.
using Id = uint32_t;
/// A kind of operation: what patterns name.
using Symbol = uint32_t;
/// An operation with all that tells it from others but its operands.
using OpId = uint32_t;
constexpr uint32_t none = ~0u;

/// An operation as it is interned. Payload and flags belong to who builds the graph: an
/// attribute, a constant's bits; what floating-point permissions it carries.
struct Op {
  Symbol symbol;
  uint32_t flags;
  uint64_t payload;
  bool operator==(const Op &other) const {
    return symbol == other.symbol && flags == other.flags && payload == other.payload;
  }
};

/// The names and operations of one or several graphs, as numbers.
class Language {
public:
  /// The symbol of a name, made where it is new.
  Symbol symbol(llvm::StringRef name);
  llvm::StringRef name(Symbol symbol) const { return symbols[symbol].name; }
  unsigned numSymbols() const { return unsigned(symbols.size()); }

  /// Both operands of a commutative operation are kept in order of their classes, so that no rule
  /// need turn them; more than two stay as they are. Set it before nodes are made.
  void setCommutative(Symbol symbol) { symbols[symbol].commutative = true; }
  bool isCommutative(Symbol symbol) const { return symbols[symbol].commutative; }

  /// Whether flags of such operations are permissions: a rule that needs some matches only what
  /// carries them, and makes operations with what all that it matched carried.
  void setFlagged(Symbol symbol) { symbols[symbol].flagged = true; }
  bool isFlagged(Symbol symbol) const { return symbols[symbol].flagged; }

  OpId op(Symbol symbol, uint64_t payload = 0, uint32_t flags = 0);
  OpId op(llvm::StringRef name) { return op(symbol(name)); }
  const Op &get(OpId id) const { return ops[id]; }
  unsigned numOps() const { return unsigned(ops.size()); }

private:
  struct Info {
    llvm::StringRef name; ///< of the map's key
    bool commutative = false;
    bool flagged = false;
  };
  llvm::StringMap<Symbol> byName;
  std::vector<Info> symbols;
  std::vector<Op> ops;
  llvm::DenseMap<std::pair<uint64_t, uint64_t>, OpId> byOp;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_LANGUAGE_H
