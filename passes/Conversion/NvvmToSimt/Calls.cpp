//===- Calls.cpp - Calls of device functions and of libdevice --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/NvvmToSimt/Lowering.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mad::simt;

/// Functions that libdevice and libm both have, without the `f` of single precision.
static bool inLibm(StringRef name) {
  static constexpr StringRef names[] = {
      "acos",  "acosh", "asin",   "asinh", "atan",    "atan2", "atanh",     "cbrt",  "ceil",
      "cos",   "cosh",  "erf",    "erfc",  "exp",     "exp10", "exp2",      "expm1", "fabs",
      "floor", "fma",   "fmax",   "fmin",  "fmod",    "hypot", "lgamma",    "log",   "log10",
      "log1p", "log2",  "pow",    "rint",  "round",   "sin",   "nearbyint", "sinh",  "sqrt",
      "tan",   "tanh",  "tgamma", "trunc", "copysign"};
  return llvm::is_contained(names, name);
}

/// The name in libm of a function of libdevice; empty if there is none.
static StringRef libmName(StringRef name) {
  if (!name.consume_front("__nv_"))
    return {};
  name.consume_front("fast_"); // an approximation on the device
  if (inLibm(name) || (name.ends_with("f") && inLibm(name.drop_back())))
    return name;
  return {};
}

/// 1 / sqrt, which libm has not.
static bool isRsqrt(StringRef name) { return name == "__nv_rsqrtf" || name == "__nv_rsqrt"; }

/// What an instruction on f32 approximates; null: it is no such.
Value Lowering::approximation(LLVM::CallIntrinsicOp op) {
  Type f32 = b.getF32Type();
  StringRef name = op.getIntrin();
  if (name == "llvm.nvvm.rcp.approx.ftz.f") {
    Value one = LLVM::ConstantOp::create(b, op.getLoc(), f32, b.getF32FloatAttr(1));
    return LLVM::FDivOp::create(b, op.getLoc(), one, op.getArgs()[0]);
  }
  StringRef function = llvm::StringSwitch<StringRef>(name)
                           .Case("llvm.nvvm.ex2.approx.ftz.f", "exp2f")
                           .Case("llvm.nvvm.lg2.approx.ftz.f", "log2f")
                           .Default("");
  if (function.empty())
    return {};
  return LLVM::CallOp::create(b, op.getLoc(), declare(function, f32, {f32}), op.getArgs())
      .getResult();
}

Lowering::Lowered Lowering::lowerCall(Operation *op) {
  Location loc = op->getLoc();
  if (auto intrinsic = dyn_cast<LLVM::CallIntrinsicOp>(op)) {
    if (Value made = approximation(intrinsic)) {
      op->getResult(0).replaceAllUsesWith(made);
      op->erase();
      return success();
    }
    if (intrinsic.getIntrin().starts_with("llvm.nvvm."))
      return op->emitOpError() << "has no emulation: `" << intrinsic.getIntrin() << "`";
    return success();
  }
  auto made = dyn_cast<LLVM::CallOp>(op);
  if (!made)
    return std::nullopt;
  StringRef callee = made.getCallee().value_or("");
  if (callee.empty())
    return op->emitOpError("has no emulation: the callee is not known");
  if (StringRef name = libmName(callee); !name.empty()) {
    declare(name, op->getResult(0).getType(), SmallVector<Type>(op->getOperandTypes()));
    made.setCallee(name);
    return success();
  }
  if (isRsqrt(callee)) {
    Value x = made.getArgOperands()[0];
    Value one = LLVM::ConstantOp::create(b, loc, x.getType(), b.getFloatAttr(x.getType(), 1.0));
    Value root =
        LLVM::CallOp::create(
            b, loc, declare(callee.ends_with("f") ? "sqrtf" : "sqrt", x.getType(), {x.getType()}),
            x)
            .getResult();
    op->getResult(0).replaceAllUsesWith(LLVM::FDivOp::create(b, loc, one, root).getResult());
    op->erase();
    return success();
  }
  auto function = host.lookupSymbol<LLVM::LLVMFuncOp>(callee);
  if (!function || function.isExternal())
    return op->emitOpError() << "has no emulation: `" << callee << "` is not known";
  // Functions of the device get the context as well.
  made.getCalleeOperandsMutable().slice(0, 0).append(thread);
  return success();
}
