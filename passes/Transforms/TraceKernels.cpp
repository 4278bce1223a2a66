//===- TraceKernels.cpp - Compiled code that tells what it does -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls a hook before and behind each kernel, and before and behind the loops that
// hold kernels. Nothing of it is in code that is compiled without this pass.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Places.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_TRACEKERNELS
#include "passes/Transforms/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral hook = "mad_trace", sink = "mad_trace_sink";

bool isKernel(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp>(op) && !isa<linalg::FillOp>(op);
}

/// Loops and branches that hold kernels; their time is that of all inside.
bool holdsKernels(Operation *op) {
  if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp, scf::ParallelOp>(op))
    return false;
  return op
      ->walk([](Operation *inner) {
        return isKernel(inner) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

struct TraceKernelsPass : impl::TraceKernelsBase<TraceKernelsPass> {
  using TraceKernelsBase::TraceKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (isEntry(function))
        trace(function);
    OpBuilder b(module.getBodyRegion());
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    Location loc = module.getLoc();
    func::FuncOp::create(b, loc, hook, b.getFunctionType({ptr, b.getI64Type()}, {})).setPrivate();
    LLVM::GlobalOp::create(b, loc, b.getI8Type(), /*isConstant=*/false, LLVM::Linkage::External,
                           sink, Attribute());
    module->setAttr("mad.trace_sites", b.getArrayAttr(sites));
  }

  void trace(func::FuncOp function) {
    SmallVector<Operation *> traced;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<linalg::LinalgOp>(op)) {
        if (isKernel(op))
          traced.push_back(op);
        return WalkResult::skip(); // its region is one element
      }
      if (isKernel(op) || holdsKernels(op))
        traced.push_back(op);
      // Threads that run pieces would all call the hook.
      return isa<scf::ParallelOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    for (Operation *op : traced) {
      call(op, firstOf(op), 2 * sites.size());
      call(op, op->getNextNode(), 2 * sites.size() + 1);
      sites.push_back(site(op, fileOf(function.getLoc())));
    }
  }

  /// The fills that start a kernel belong to it: later passes want them together.
  static Operation *firstOf(Operation *op) {
    auto kernel = dyn_cast<linalg::LinalgOp>(op);
    Operation *first = op;
    for (Operation *o = op->getPrevNode(); kernel && o; o = o->getPrevNode()) {
      auto fill = dyn_cast<linalg::FillOp>(o);
      if (fill && llvm::is_contained(kernel.getDpsInits(), fill.getDpsInits().front()))
        first = o;
      else if (!isMemoryEffectFree(o))
        break;
    }
    return first;
  }

  void call(Operation *op, Operation *before, int64_t number) {
    OpBuilder b(before);
    Location loc = op->getLoc();
    Value where =
        LLVM::AddressOfOp::create(b, loc, LLVM::LLVMPointerType::get(&getContext()), sink);
    Value code = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(number));
    func::CallOp::create(b, loc, hook, TypeRange(), ValueRange{where, code});
  }

  Attribute site(Operation *op, const std::string &file) {
    Builder b(&getContext());
    auto member = [&](StringRef name, const Twine &text) {
      return b.getNamedAttr(name, b.getStringAttr(text));
    };
    return b.getDictionaryAttr({member("kind", kindOf(op)), member("name", valueName(op->getLoc())),
                                member("place", placeIn(op->getLoc(), file))});
  }

  SmallVector<Attribute> sites;
};

} // namespace
} // namespace mad
