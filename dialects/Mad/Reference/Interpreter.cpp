//===- Interpreter.cpp - Runs a program on reference tensors ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks the ops of a block in order. A value is freed after the last op of its
// block that uses it, itself or in a region, so that memory follows the width of
// a program and not its length.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Reference/Interpreter.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/MadRegionInterface.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Mad/Reference/Binding.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"
#include <memory>

using namespace mlir;
using namespace mad;

/// Elements of one tensor: 16 GiB.
static constexpr int64_t maxElements = int64_t(1) << 31;
/// Calls inside of calls. The language has no recursion, but IR in text may.
static constexpr int maxDepth = 200;

namespace {

using Tensor = std::shared_ptr<const RefTensor>;

class Interpreter {
public:
  Interpreter(ModuleOp module, RefContext &context, const RefObserver &observe,
              const RefOpObserver &observeOp)
      : symbols(module), context(context), observe(observe), observeOp(observeOp) {}

  LogicalResult run(StringRef name, std::vector<RefTensor> inputs, std::vector<RefTensor> &results);

private:
  /// Values of one call, those of nested regions too.
  using Frame = llvm::DenseMap<Value, Tensor>;
  using LastUses = llvm::DenseMap<Operation *, SmallVector<Value, 2>>;

  LogicalResult call(Operation *caller, func::FuncOp function, ArrayRef<Tensor> inputs,
                     SmallVectorImpl<Tensor> &results);
  LogicalResult block(Block &block, ArrayRef<Tensor> arguments, Frame &frame,
                      SmallVectorImpl<Tensor> &results);
  LogicalResult op(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results);
  LogicalResult scan(ScanOp op, Frame &frame, SmallVectorImpl<Tensor> &results);
  LogicalResult iterate(IterateOp op, Frame &frame, SmallVectorImpl<Tensor> &results);
  LogicalResult pure(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results);
  LogicalResult evaluate(Operation *op, ArrayRef<const RefTensor *> operands, Frame &frame,
                         MutableArrayRef<RefTensor> results);
  LogicalResult shape(Operation *op, Type type, SmallVector<int64_t> &sizes);
  const LastUses &lastUses(Block &block);
  void bind(Value value, Tensor tensor, Frame &frame);

  SymbolTable symbols;
  RefContext &context;
  const RefObserver &observe;
  const RefOpObserver &observeOp;
  int depth = 0;
  llvm::DenseMap<Type, SmallVector<int64_t>> shapes;
  llvm::DenseMap<Block *, std::unique_ptr<LastUses>> uses;
};

} // namespace

LogicalResult Interpreter::run(StringRef name, std::vector<RefTensor> inputs,
                               std::vector<RefTensor> &results) {
  auto function = symbols.lookup<func::FuncOp>(name);
  if (!function) {
    context.message = "the module has no function `" + name.str() + "`";
    return failure();
  }
  for (RefTensor &input : inputs)
    context.finish(input);
  if (failed(bindDims(function, inputs, context)))
    return failure();
  SmallVector<Tensor> arguments, returned;
  for (RefTensor &input : inputs)
    arguments.push_back(std::make_shared<const RefTensor>(std::move(input)));
  inputs.clear();
  if (failed(call(function, function, arguments, returned)))
    return failure();
  results.clear();
  for (const Tensor &tensor : returned)
    results.push_back(*tensor);
  return success();
}

LogicalResult Interpreter::call(Operation *caller, func::FuncOp function, ArrayRef<Tensor> inputs,
                                SmallVectorImpl<Tensor> &results) {
  if (depth >= maxDepth)
    return context.fail(caller, "calls are nested too deeply");
  if (!function.getBody().hasOneBlock())
    return context.fail(caller, "`" + function.getName().str() + "` must have one block");
  ++depth;
  Frame frame;
  LogicalResult result = block(function.front(), inputs, frame, results);
  --depth;
  return result;
}

const Interpreter::LastUses &Interpreter::lastUses(Block &block) {
  std::unique_ptr<LastUses> &entry = uses[&block];
  if (entry)
    return *entry;
  entry = std::make_unique<LastUses>();
  auto add = [&](Value value) {
    Operation *last = nullptr;
    for (Operation *user : value.getUsers()) {
      Operation *ancestor = block.findAncestorOpInBlock(*user);
      if (!last || last->isBeforeInBlock(ancestor))
        last = ancestor;
    }
    // Without any user, the op that makes it is the last to need it.
    if (!last)
      last = value.getDefiningOp();
    if (last && !last->hasTrait<OpTrait::IsTerminator>())
      (*entry)[last].push_back(value);
  };
  for (Value argument : block.getArguments())
    add(argument);
  for (Operation &op : block)
    for (Value result : op.getResults())
      add(result);
  return *entry;
}

void Interpreter::bind(Value value, Tensor tensor, Frame &frame) {
  if (observe)
    if (StringRef name = valueName(value.getLoc()); !name.empty())
      observe(name, *tensor);
  frame[value] = std::move(tensor);
}

LogicalResult Interpreter::block(Block &block, ArrayRef<Tensor> arguments, Frame &frame,
                                 SmallVectorImpl<Tensor> &results) {
  const LastUses &last = lastUses(block);
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments))
    bind(argument, tensor, frame);
  for (Operation &current : block) {
    if (current.hasTrait<OpTrait::IsTerminator>())
      break;
    SmallVector<Tensor> made;
    if (failed(op(&current, frame, made)))
      return failure();
    for (auto [value, tensor] : llvm::zip_equal(current.getResults(), made))
      bind(value, std::move(tensor), frame);
    if (auto found = last.find(&current); found != last.end())
      for (Value value : found->second)
        frame.erase(value);
  }
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(frame.lookup(operand));
  // What only the terminator uses must not outlive this block.
  for (Value operand : block.getTerminator()->getOperands())
    if (operand.getParentBlock() == &block)
      frame.erase(operand);
  return success();
}

LogicalResult Interpreter::op(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  if (auto callOp = dyn_cast<func::CallOp>(op)) {
    auto callee = symbols.lookup<func::FuncOp>(callOp.getCallee());
    // Ops may have added derivatives of functions since.
    if (!callee)
      callee = cast<ModuleOp>(symbols.getOp()).lookupSymbol<func::FuncOp>(callOp.getCallee());
    if (!callee)
      return context.fail(op, "the module has no function `" + callOp.getCallee().str() + "`");
    SmallVector<Tensor> inputs;
    for (Value operand : op->getOperands())
      inputs.push_back(frame.lookup(operand));
    if (succeeded(call(op, callee, inputs, results)))
      return success();
    // A place in the standard library alone helps nobody.
    std::string place = placeText(op->getLoc());
    if (StringRef(context.message).starts_with("<std") && !place.empty() &&
        !StringRef(place).starts_with("<std"))
      context.message = place + ": in " + context.message;
    return failure();
  }
  if (auto ifOp = dyn_cast<IfOp>(op)) {
    bool holds = frame.lookup(ifOp.getCondition())->integers[0];
    return block((holds ? ifOp.getThenRegion() : ifOp.getElseRegion()).front(), {}, frame, results);
  }
  if (auto scanOp = dyn_cast<ScanOp>(op))
    return scan(scanOp, frame, results);
  if (auto iterateOp = dyn_cast<IterateOp>(op))
    return iterate(iterateOp, frame, results);
  if (auto weight = dyn_cast<WeightOp>(op)) {
    // Not copied: weights are large and stay alive.
    auto found = context.weights.find(weight.getSource().str());
    SmallVector<int64_t> sizes;
    if (found != context.weights.end() && found->second &&
        succeeded(shape(op, weight.getType(), sizes)) && found->second->shape == sizes) {
      results.push_back(Tensor(Tensor(), found->second));
      return success();
    }
  }
  return pure(op, frame, results);
}

static Tensor counterAt(int64_t step) {
  RefTensor counter = RefTensor::zeros(RefElement::I64, {});
  counter.integers[0] = step;
  return std::make_shared<const RefTensor>(std::move(counter));
}

LogicalResult Interpreter::scan(ScanOp op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  std::optional<int64_t> low = context.dim(op.getLow());
  std::optional<int64_t> high = low ? context.dim(op.getHigh()) : std::nullopt;
  if (!high)
    return context.fail(op, context.message);
  size_t carried = op.getInitial().size();
  SmallVector<RefTensor> collected;
  for (Type type : TypeRange(op.getResultTypes()).drop_front(carried)) {
    SmallVector<int64_t> sizes;
    if (failed(shape(op, type, sizes)))
      return failure();
    Type element = cast<RankedTensorType>(type).getElementType();
    collected.push_back(RefTensor::zeros(refElement(element), sizes));
  }
  for (Value initial : op.getInitial())
    results.push_back(frame.lookup(initial));
  for (int64_t step = *low; step < *high; ++step) {
    SmallVector<Tensor> arguments = {counterAt(step)};
    llvm::append_range(arguments, results);
    results.clear();
    if (failed(block(op.getBody().front(), arguments, frame, results)))
      return failure();
    for (auto [all, part] : llvm::zip_equal(collected, ArrayRef(results).drop_front(carried)))
      for (int64_t i = 0, n = part->elements(); i < n; ++i)
        all.set((step - *low) * n + i, part->get(i));
    results.truncate(carried);
  }
  for (RefTensor &all : collected)
    results.push_back(std::make_shared<const RefTensor>(std::move(all)));
  return success();
}

LogicalResult Interpreter::iterate(IterateOp op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  std::optional<int64_t> limit = context.dim(op.getLimit());
  if (!limit)
    return context.fail(op, context.message);
  for (Value initial : op.getInitial())
    results.push_back(frame.lookup(initial));
  int64_t rounds = 0;
  for (; rounds < *limit; ++rounds) {
    SmallVector<Tensor> arguments = {counterAt(rounds)}, holds;
    llvm::append_range(arguments, results);
    if (failed(block(op.getCondition().front(), arguments, frame, holds)))
      return failure();
    if (!holds[0]->integers[0])
      break;
    results.clear();
    if (failed(block(op.getBody().front(), arguments, frame, results)))
      return failure();
  }
  results.push_back(counterAt(rounds));
  return success();
}

LogicalResult Interpreter::shape(Operation *op, Type type, SmallVector<int64_t> &sizes) {
  if (auto found = shapes.find(type); found != shapes.end()) {
    sizes = found->second;
    return success();
  }
  auto tensor = cast<RankedTensorType>(type);
  int64_t elements = 1;
  for (int64_t dim = 0; dim < tensor.getRank(); ++dim) {
    DimExpr expression = dimExpr(tensor, dim);
    std::optional<int64_t> size = context.dim(expression.str());
    if (!expression.valid() || !size)
      return context.fail(op, expression.valid() ? context.message : "a size is not known");
    if (*size < 0)
      return context.fail(op, "dimension `" + expression.str() + "` is negative: found " +
                                  std::to_string(*size) + ", expected at least 0");
    sizes.push_back(*size);
  }
  // Without zeros it must fit as well, so that no partial product overflows elsewhere.
  bool fits = true;
  for (int64_t size : sizes)
    fits &= size == 0 || !llvm::MulOverflow(elements, size, elements);
  if (!fits || (elements > maxElements && !llvm::is_contained(sizes, 0)))
    return context.fail(op, "a tensor of shape " + shapeText(tensor) + " is too large");
  shapes[type] = sizes;
  return success();
}

LogicalResult Interpreter::evaluate(Operation *op, ArrayRef<const RefTensor *> operands,
                                    Frame &frame, MutableArrayRef<RefTensor> results) {
  if (auto reference = dyn_cast<ReferenceOpInterface>(op))
    return reference.evaluate(operands, results, context);
  auto regions = dyn_cast<ReferenceRegionOpInterface>(op);
  if (!regions)
    return context.fail(op,
                        "`" + op->getName().getStringRef().str() + "` has no reference evaluation");
  auto run = [&](Region &region, std::vector<RefTensor> arguments, std::vector<RefTensor> &made) {
    SmallVector<Tensor> inputs, outputs;
    for (RefTensor &argument : arguments)
      inputs.push_back(std::make_shared<const RefTensor>(std::move(argument)));
    if (failed(block(region.front(), inputs, frame, outputs)))
      return failure();
    for (const Tensor &output : outputs)
      made.push_back(*output);
    return success();
  };
  return regions.evaluateRegions(operands, results, context, run);
}

LogicalResult Interpreter::pure(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  SmallVector<const RefTensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(frame.find(operand)->second.get());
  SmallVector<RefTensor, 1> made;
  for (Type type : op->getResultTypes()) {
    SmallVector<int64_t> sizes;
    if (failed(shape(op, type, sizes)))
      return failure();
    Type element = cast<RankedTensorType>(type).getElementType();
    made.push_back(RefTensor::zeros(refElement(element), sizes));
  }
  if (failed(evaluate(op, operands, frame, made)))
    return failure();
  for (RefTensor &tensor : made) {
    context.finish(tensor);
    results.push_back(std::make_shared<const RefTensor>(std::move(tensor)));
  }
  SmallVector<const RefTensor *> shown;
  for (const Tensor &result : results)
    shown.push_back(result.get());
  if (observeOp && !observeOp(op, operands, shown))
    return context.fail(op, "the run was stopped");
  return success();
}

LogicalResult mad::interpret(ModuleOp module, StringRef function, std::vector<RefTensor> inputs,
                             std::vector<RefTensor> &results, RefContext &context,
                             const RefObserver &observe, const RefOpObserver &observeOp) {
  return Interpreter(module, context, observe, observeOp).run(function, std::move(inputs), results);
}
