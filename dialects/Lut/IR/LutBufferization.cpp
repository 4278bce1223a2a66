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
struct ProductOnMemory
    : bufferization::DstBufferizableOpInterfaceExternalModel<ProductOnMemory, ProductIntoOp> {
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
    ArrayRef<Value> all = memory;
    ProductIntoOp::create(rewriter, op->getLoc(), TypeRange(), all.front(),
                          all.drop_front().drop_back(), all.back(),
                          cast<ProductIntoOp>(op).getFormat());
    bufferization::replaceOpWithBufferizedValues(rewriter, op, all.back());
    return success();
  }
};
} // namespace

void mad::lut::registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LutDialect *) {
    ProductIntoOp::attachInterface<ProductOnMemory>(*context);
  });
}
