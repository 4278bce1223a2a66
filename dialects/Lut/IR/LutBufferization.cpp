//===- LutBufferization.cpp - Products on memory --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mad::lut;
using bufferization::AnalysisState;

namespace {
/// The same op on memory, without a result.
template <typename Op>
struct OnMemory : bufferization::DstBufferizableOpInterfaceExternalModel<OnMemory<Op>, Op> {
  /// What is written to is overwritten.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) const {
    SmallVector<Value> memory;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = bufferization::getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      memory.push_back(*buffer);
    }
    Op::create(rewriter, op->getLoc(), TypeRange(), memory, op->getAttrs());
    // Inits are last.
    unsigned inits = cast<DestinationStyleOpInterface>(op).getNumDpsInits();
    bufferization::replaceOpWithBufferizedValues(rewriter, op, ArrayRef(memory).take_back(inits));
    return success();
  }
};
} // namespace

void mad::lut::registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LutDialect *) {
    ProductIntoOp::attachInterface<OnMemory<ProductIntoOp>>(*context);
    GemmIntoOp::attachInterface<OnMemory<GemmIntoOp>>(*context);
    PrecomputeIntoOp::attachInterface<OnMemory<PrecomputeIntoOp>>(*context);
    ExpandIntoOp::attachInterface<OnMemory<ExpandIntoOp>>(*context);
    UnpackIntoOp::attachInterface<OnMemory<UnpackIntoOp>>(*context);
  });
}
