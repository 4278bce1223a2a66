//===- Remarks.cpp - What passes tell of their choices ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Remarks.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace mad {

bool wantsRemarks(MLIRContext *context) { return context->getRemarkEngine() != nullptr; }

static void fill(remark::detail::InFlightRemark remark, const llvm::Twine &text,
                 llvm::ArrayRef<std::string> notes) {
  if (!remark)
    return;
  remark << remark::detail::Remark::Arg("Text", text.str());
  for (const std::string &note : notes)
    remark << remark::detail::Remark::Arg(remarkNote, note);
}

static constexpr remark::RemarkOpts options() {
  return remark::RemarkOpts::name("code").category(remarkCategory);
}

void remarkTaken(Location loc, const llvm::Twine &text, llvm::ArrayRef<std::string> notes) {
  fill(remark::passed(loc, options()), text, notes);
}

void remarkMissed(Location loc, const llvm::Twine &text, llvm::ArrayRef<std::string> notes) {
  fill(remark::missed(loc, options()), text, notes);
}

std::string ofLevel(int level) {
  return level == 0 ? " (x86-64)" : " (x86-64-v" + std::to_string(level) + ")";
}

std::string kindOf(Operation *op) {
  if (isa<memref::CopyOp>(op))
    return "copy";
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return op->getName().stripDialect().str();
  if (generic.getNumReductionLoops() == 0)
    return "elementwise";
  return generic.getNumDpsInputs() > 1 ? "contract" : "reduce";
}

std::string describe(Operation *op) {
  StringRef name = valueName(op->getLoc());
  return kindOf(op) + (name.empty() ? "" : " `" + name.str() + "`");
}

} // namespace mad
