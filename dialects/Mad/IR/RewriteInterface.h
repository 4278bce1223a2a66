//===- RewriteInterface.h - What rewriting asks of a dialect ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_REWRITEINTERFACE_H
#define MAD_DIALECTS_MAD_IR_REWRITEINTERFACE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectInterface.h"

namespace mad {

/// An op without its operands: what tells its value from that of others.
struct Term {
  mlir::OperationName name;
  mlir::DictionaryAttr attributes; ///< inherent ones; null: none
  mlir::RankedTensorType type;     ///< of its one result
};

/// What a dialect tells about its ops that have one tensor as result and no effect. Ops of
/// dialects without this interface stay where they are.
class RewriteInterface : public mlir::DialectInterface::Base<RewriteInterface> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RewriteInterface)
  explicit RewriteInterface(mlir::Dialect *dialect) : Base(dialect) {}

  /// Names the op in rules: `mad.add`, `mad.reduce.sum`, `mad.compare.lt`.
  virtual std::string symbol(const Term &term) const = 0;
  /// Whether the precision of an op (`mad.fp`) matters to it: it computes floats.
  virtual bool rounds(const Term &term) const = 0;
  /// Whether its sums may be formed in any order when nothing else is declared.
  virtual bool reorders(const Term &term) const = 0;
  /// Whether rules may take its operands in any order.
  virtual bool commutes(const Term &term) const = 0;
  /// Cycles of one core that it takes, 0 or more; fusion with what is around it is assumed.
  virtual double cycles(const Term &term,
                        llvm::ArrayRef<mlir::RankedTensorType> operands) const = 0;
};

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_REWRITEINTERFACE_H
