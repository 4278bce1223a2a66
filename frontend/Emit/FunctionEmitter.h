//===- FunctionEmitter.h - One function of a checked program -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_EMIT_FUNCTIONEMITTER_H
#define MAD_FRONTEND_EMIT_FUNCTIONEMITTER_H

#include "frontend/Emit/Emit.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace mad {

class Differentiator;

/// Emits one function; a new one for each.
class FunctionEmitter {
public:
  FunctionEmitter(const hir::Program &program, const Sources &sources, mlir::OpBuilder &builder,
                  const llvm::DenseMap<const hir::Function *, std::string> &symbols,
                  Differentiator *derivatives = nullptr)
      : program(program), sources(sources), b(builder), symbols(symbols), derivatives(derivatives) {
  }

  void emit(const hir::Function &function);
  void emit(const hir::Rule &rule);
  void emit(const hir::Rule &rule, const hir::Region &body, llvm::StringRef name,
            llvm::StringRef elements);
  void emitFunction(const hir::Rule &rule, llvm::StringRef name, hir::Element element);
  mlir::RankedTensorType type(const hir::Type &type) const;

private:
  mlir::Location location(Span span, llvm::StringRef name = {}) const;
  mlir::Type elementType(hir::Element element) const;
  mlir::Value value(hir::Ref ref) const { return values.lookup(ref.node)[ref.result]; }
  llvm::SmallVector<mlir::Value> operands(const hir::Node &node) const;
  mlir::Value relabelled(mlir::Value value, mlir::Type type, mlir::Location loc);

  void attributes(const hir::Function &function, mlir::func::FuncOp op);
  mlir::ArrayAttr checks(const std::vector<hir::Constraint> &constraints) const;
  void region(const hir::Region &source, mlir::Region &target, mlir::TypeRange results,
              mlir::Location loc);
  void node(const hir::Node &node);
  llvm::SmallVector<mlir::Value> create(const hir::Node &node, mlir::Location loc,
                                        mlir::TypeRange types);
  mlir::Value constant(const hir::Node &node, mlir::Location loc);
  mlir::Value view(const hir::Node &node, mlir::Location loc, mlir::RankedTensorType type);
  mlir::Value contract(const hir::Node &node, mlir::Location loc, mlir::RankedTensorType type);
  mlir::Value quantized(const hir::Node &node, mlir::Location loc, mlir::RankedTensorType type);
  mlir::Value elementwise(const hir::Node &node, mlir::Location loc, mlir::RankedTensorType type);
  llvm::SmallVector<mlir::Value> call(const hir::Node &node, mlir::Location loc,
                                      mlir::TypeRange types);
  llvm::SmallVector<mlir::Value> jvp(const hir::Node &node, mlir::Location loc,
                                     mlir::TypeRange types);
  llvm::SmallVector<mlir::Value> ifOp(const hir::Node &node, mlir::Location loc,
                                      mlir::TypeRange types);
  llvm::SmallVector<mlir::Value> scan(const hir::Node &node, mlir::Location loc,
                                      mlir::TypeRange types);
  llvm::SmallVector<mlir::Value> iterate(const hir::Node &node, mlir::Location loc,
                                         mlir::TypeRange types);
  llvm::SmallVector<mlir::Value> solve(const hir::Node &node, mlir::Location loc,
                                       mlir::TypeRange types);
  mlir::Value linearPart(mlir::Value part, mlir::Value state);
  void solveRegion(const hir::Region &body, mlir::Region &target, mlir::Location loc);
  mlir::AffineMap map(const hir::Node &node, unsigned dims, unsigned scalars);

  const hir::Program &program;
  const Sources &sources;
  mlir::OpBuilder &b;
  const llvm::DenseMap<const hir::Function *, std::string> &symbols;
  Differentiator *derivatives; ///< none where there are no functions
  llvm::DenseMap<const hir::Node *, llvm::SmallVector<mlir::Value, 1>> values;
  bool isRule = false;
  hir::Element floats = hir::Element::F32; ///< what f32 stands for
};

} // namespace mad

#endif // MAD_FRONTEND_EMIT_FUNCTIONEMITTER_H
