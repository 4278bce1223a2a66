//===- RuleTests.cpp - Whether rewrite rules hold ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/RuleTests.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "frontend/Emit/Emit.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "passes/Driver/RuleSamples.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <cmath>

using namespace mlir;

namespace mad {

namespace {

/// Elements of one run of a rule whose operations are all elementwise.
constexpr int64_t flatElements = 10000;
/// Runs of other rules, with small shapes.
constexpr int tensorRuns = 90, scalarRuns = 1500;

/// One rule for one element type.
class Trial {
public:
  Trial(const hir::Rule &rule, const Sources &sources, MLIRContext &mlir, hir::Element element)
      : rule(rule), sources(sources), mlir(mlir), element(element),
        random(rule.name + hir::name(element)), samples(rule, refType(), random) {}
  std::string run();

private:
  RefElement refType() const {
    return element == hir::Element::F64   ? RefElement::F64
           : element == hir::Element::I32 ? RefElement::I32
           : element == hir::Element::I64 ? RefElement::I64
                                          : RefElement::F32;
  }
  bool permits(llvm::StringRef name) const { return llvm::is_contained(rule.permissions, name); }
  bool isFlat() const;
  bool sizes(std::map<std::string, int64_t> &dims);
  std::string once(bool grid, unsigned special);
  bool observe(Operation *op, ArrayRef<const RefTensor *> operands,
               ArrayRef<const RefTensor *> results);
  void note(const RefTensor &tensor);
  void noteRange(Operation *op, ArrayRef<const RefTensor *> operands, const RefTensor &result);
  bool skips(int64_t position) const;
  std::string compare(ArrayRef<RefTensor> results);
  std::string compareAt(const RefTensor &left, const RefTensor &right, Value a, Value b,
                        int64_t position);
  std::string show(const RefTensor &tensor, int64_t position) const;
  std::string values(int64_t position) const;
  /// For which type of those that the rule leaves open.
  std::string type() const {
    return rule.elements == hir::Rule::Exact ? ""
                                             : "with " + std::string(hir::name(element)) + ", ";
  }

  const hir::Rule &rule;
  const Sources &sources;
  MLIRContext &mlir;
  hir::Element element;
  RuleRandom random;
  RuleSamples samples;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  llvm::SmallPtrSet<Operation *, 16> matched; ///< the operations of the side that is matched
  bool bounded = false;                       ///< other roundings are permitted
  bool flat = false;
  int64_t compared = 0;
  // Of the current run: by element of a flat rule, else of all.
  std::vector<RefTensor> inputs;
  std::vector<uint8_t> hasNan, hasInf, leavesRange;
  RunningErrors errors;
};

bool Trial::isFlat() const {
  std::optional<std::string> size;
  auto fits = [&](const hir::Node *node, bool input) {
    const auto &shape = node->types[0].shape;
    if (shape.empty())
      return !input;
    if (shape.size() > 1)
      return false;
    if (!size)
      size = shape[0].size.str();
    return shape[0].size.str() == *size && shape[0].size.asSymbol();
  };
  for (const hir::Node *parameter : rule.body.parameters)
    if (!fits(parameter, true))
      return false;
  return llvm::all_of(rule.body.nodes, [&](const hir::Node *node) {
    bool moves = node->op == hir::Op::Reduce || node->op == hir::Op::Contract ||
                 node->op == hir::Op::Concat || node->op == hir::Op::Iota;
    return !moves && fits(node, false);
  });
}

/// Small sizes that fulfil what the rule needs of them.
bool Trial::sizes(std::map<std::string, int64_t> &dims) {
  std::set<std::string> names;
  for (const hir::Node *parameter : rule.body.parameters)
    for (const hir::Dim &dim : parameter->types[0].shape)
      names.merge(dim.size.symbols());
  for (int tries = 0; tries < 1000; ++tries) {
    for (const std::string &name : names)
      dims[name] = flat ? flatElements : 1 + int64_t(random.below(6));
    auto value = [&](const std::string &name) -> std::optional<int64_t> { return dims[name]; };
    bool good = true;
    for (const hir::Constraint &c : rule.constraints) {
      auto left = c.left.evaluate(value), right = c.right.evaluate(value);
      good &= left && right &&
              (c.relation == hir::Constraint::Equal ? *left == *right : *left >= *right);
    }
    for (const hir::Node *parameter : rule.body.parameters)
      for (const hir::Dim &dim : parameter->types[0].shape) {
        auto size = dim.size.evaluate(value);
        good &= size && *size >= 0 && *size < 100000;
      }
    if (good)
      return true;
  }
  return false;
}

std::string Trial::run() {
  for (const char *name : {"reassoc", "contract", "afn", "arcp"})
    bounded |= permits(name) && isFloatElement(refType());
  flat = isFlat();
  module = ModuleOp::create(UnknownLoc::get(&mlir));
  emitRuleFunction(rule, sources, *module, "rule", element);
  if (failed(verify(*module)))
    return "internal error: the rule cannot be run";
  function = *module->getOps<func::FuncOp>().begin();
  auto returned = function.getBody().front().getTerminator()->getOperands();
  SmallVector<Value> list(returned.take_front(returned.size() / 2));
  while (!list.empty())
    if (Operation *op = list.pop_back_val().getDefiningOp(); op && matched.insert(op).second)
      llvm::append_range(list, op->getOperands());
  bool scalars = llvm::all_of(rule.body.parameters, [](const hir::Node *parameter) {
    return parameter->types[0].shape.empty();
  });
  int runs = flat ? 1 : scalars ? scalarRuns : tensorRuns;
  for (int i = 0; i < runs; ++i) {
    // Special values everywhere leave little to compare: every third run has some.
    std::string fault = once(flat, flat || scalars ? 64 : i % 3 == 0 ? 32 : 0);
    if (!fault.empty())
      return fault;
  }
  int64_t enough = flat ? 100 : 10;
  if (compared < enough)
    return type() + "only " + std::to_string(compared) +
           " values were left to compare: the conditions, or "
           "what `nnan` and `ninf` exclude, leave too few";
  return "";
}

std::string Trial::once(bool grid, unsigned special) {
  std::map<std::string, int64_t> dims;
  if (!sizes(dims))
    return "no small sizes fulfil the relations of the rule";
  auto value = [&](const std::string &name) -> std::optional<int64_t> { return dims[name]; };
  inputs.clear();
  for (auto [i, parameter] : llvm::enumerate(rule.body.parameters)) {
    SmallVector<int64_t> shape;
    for (const hir::Dim &dim : parameter->types[0].shape)
      shape.push_back(*dim.size.evaluate(value));
    inputs.push_back(RefTensor::zeros(samples.element(i), shape));
  }
  size_t number = 0;
  if (!samples.draw(inputs, grid, special, number))
    return "no value fulfils the conditions of `" + rule.body.parameters[number]->name + "`";
  size_t places = flat ? flatElements : 1;
  for (auto *mask : {&hasNan, &hasInf, &leavesRange})
    mask->assign(places, 0);
  errors = {};
  for (const RefTensor &input : inputs)
    note(input);
  if (bounded && permits("reassoc"))
    leavesRange = hasInf;
  RefContext context;
  context.f64 = bounded;
  std::vector<RefTensor> results;
  auto observer = [&](Operation *op, ArrayRef<const RefTensor *> operands,
                      ArrayRef<const RefTensor *> made) { return observe(op, operands, made); };
  if (failed(interpret(*module, "rule", inputs, results, context, {}, observer)))
    return context.message;
  return compare(results);
}

//===----------------------------------------------------------------------===//
// What happens on the way
//===----------------------------------------------------------------------===//

void Trial::note(const RefTensor &tensor) {
  if (!tensor.isFloat() || (flat && tensor.shape.empty()))
    return;
  for (auto [i, value] : llvm::enumerate(tensor.floats)) {
    hasNan[flat ? i : 0] |= std::isnan(value);
    hasInf[flat ? i : 0] |= std::isinf(value);
  }
}

/// Whether an infinity is that of the function, not of numbers that are too large.
static bool hasPole(Operation *op, ArrayRef<const RefTensor *> operands, int64_t i) {
  if (isa<DivOp>(op))
    return operands[1]->get(i).f == 0;
  if (isa<PowOp>(op))
    return operands[0]->get(i).f == 0;
  return !isa<AddOp, SubOp, MulOp, FmaOp, ExpOp, Exp2Op, Expm1Op, CoshOp, SinhOp, CastOp>(op);
}

/// Notes where a result is too large for its type, or so small that it loses digits. Where that
/// happens to what is matched, the program has lost its value, and no bound holds. To what is
/// built it may only happen where `reassoc` or `arcp` permit it: in sums and products, but in no
/// function, so that `tanh(x)` does not become a quotient of infinities.
void Trial::noteRange(Operation *op, ArrayRef<const RefTensor *> operands,
                      const RefTensor &result) {
  if (!result.isFloat() || (flat && result.shape.empty()))
    return;
  bool elementwise = isa<ElementwiseOpInterface>(op);
  if (!elementwise && !isa<ReduceOp, ContractOp>(op))
    return;
  bool sums = isa<AddOp, SubOp, MulOp, DivOp, FmaOp, ReduceOp, ContractOp>(op);
  if (!matched.contains(op) && !(sums && (permits("reassoc") || permits("arcp"))))
    return;
  bool wholeFinite = true;
  for (const RefTensor *operand : operands)
    for (double value : operand->floats)
      wholeFinite &= elementwise || std::isfinite(value);
  for (auto [i, value] : llvm::enumerate(result.floats)) {
    bool finite = wholeFinite, zero = false;
    for (const RefTensor *operand : operands)
      if (elementwise && operand->isFloat()) {
        finite &= std::isfinite(operand->get(i).f);
        zero |= operand->get(i).f == 0;
      }
    bool over = std::isinf(value) && finite && (!elementwise || !hasPole(op, operands, i));
    bool vanishes = value == 0 && finite && !zero && isa<MulOp, DivOp, ExpOp, Exp2Op, PowOp>(op);
    // Sums in another order are not meant for infinities.
    over |= std::isinf(value) && permits("reassoc") && matched.contains(op);
    bool under = vanishes || (value != 0 && std::fabs(value) < 1e-290);
    leavesRange[flat ? i : 0] |= over || under;
  }
}

bool Trial::observe(Operation *op, ArrayRef<const RefTensor *> operands,
                    ArrayRef<const RefTensor *> results) {
  for (const RefTensor *result : results)
    note(*result);
  if (!bounded)
    return true;
  for (const RefTensor *result : results)
    noteRange(op, operands, *result);
  errors.observe(op, operands, results);
  return true;
}

//===----------------------------------------------------------------------===//
// Both sides
//===----------------------------------------------------------------------===//

bool Trial::skips(int64_t position) const {
  size_t i = flat ? position : 0;
  return (permits("nnan") && hasNan[i]) || (permits("ninf") && hasInf[i]) ||
         (bounded && leavesRange[i]);
}

static std::string number(RefElement element, RefScalar value) {
  if (element == RefElement::Bool)
    return value.i ? "true" : "false";
  if (!isFloatElement(element))
    return std::to_string(value.i);
  if (std::isnan(value.f))
    return "nan";
  char text[40];
  std::snprintf(text, sizeof text, element == RefElement::F64 ? "%.17g" : "%.9g", value.f);
  return text;
}

std::string Trial::show(const RefTensor &tensor, int64_t position) const {
  if (flat || tensor.shape.empty())
    return number(tensor.element, tensor.get(flat ? position : 0));
  std::string text = "[";
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (text.size() > 160)
      return text + ", ...]";
    text += (i ? ", " : "") + number(tensor.element, tensor.get(i));
  }
  text += "]";
  if (tensor.shape.size() == 1)
    return text;
  text += " of shape [";
  for (auto [d, size] : llvm::enumerate(tensor.shape))
    text += (d ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::string Trial::values(int64_t position) const {
  std::string text;
  for (auto [i, parameter] : llvm::enumerate(rule.body.parameters))
    text += (i ? ", " : "") + parameter->name + " = " + show(inputs[i], position);
  return text;
}

std::string Trial::compareAt(const RefTensor &left, const RefTensor &right, Value a, Value b,
                             int64_t position) {
  RefScalar x = left.get(position), y = right.get(position);
  bool same = x.i == y.i;
  double bound = 0;
  if (left.isFloat()) {
    bool nan = std::isnan(x.f) || std::isnan(y.f);
    same = nan ? std::isnan(x.f) && std::isnan(y.f) : x.f == y.f;
    if (!bounded && !nan && !permits("nsz"))
      same &= std::signbit(x.f) == std::signbit(y.f);
  }
  if (!same && bounded) {
    // Both are within their error of one real number; the errors are of first order.
    bound = 2 * (errors.at(a, position) + errors.at(b, position));
    if (std::isinf(bound) || std::isnan(bound))
      return "";
    same = std::fabs(x.f - y.f) <= bound;
  }
  if (same) {
    ++compared;
    return "";
  }
  std::string text = type() + values(position) + ": what is matched is " + number(left.element, x) +
                     ", what is built " + number(right.element, y);
  if (!flat && !left.shape.empty())
    text += ", at element " + std::to_string(position);
  if (bound > 0)
    text += ", and roundings explain at most " + number(RefElement::F32, {bound, 0});
  return text;
}

std::string Trial::compare(ArrayRef<RefTensor> results) {
  size_t half = results.size() / 2;
  auto returned = function.getBody().front().getTerminator()->getOperands();
  for (size_t i = 0; i < half; ++i)
    for (int64_t p = 0, n = results[i].elements(); p < n; ++p) {
      if (skips(p))
        continue;
      std::string fault =
          compareAt(results[i], results[i + half], returned[i], returned[i + half], p);
      if (!fault.empty())
        return fault;
    }
  return "";
}

} // namespace

std::string testRule(const hir::Rule &rule, const Sources &sources, MLIRContext &context) {
  std::vector<hir::Element> elements = {hir::Element::F32};
  bool rounds = llvm::any_of(rule.permissions, [](const std::string &name) {
    return name == "reassoc" || name == "contract" || name == "afn" || name == "arcp";
  });
  if (rule.elements != hir::Rule::Exact)
    elements =
        rounds ? std::vector{hir::Element::F64} : std::vector{hir::Element::F32, hir::Element::F64};
  if (rule.elements == hir::Rule::Number) {
    elements.push_back(hir::Element::I32);
    elements.push_back(hir::Element::I64);
  }
  for (hir::Element element : elements)
    if (std::string fault = Trial(rule, sources, context, element).run(); !fault.empty())
      return fault;
  return "";
}

} // namespace mad
