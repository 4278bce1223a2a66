//===- MadDialect.cpp - Dialect, attributes and types -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Also checks the attributes that the dialect puts on functions and modules:
// README.md of dialects/Mad lists them.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DerivativeInterface.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadLateWeights.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadMemoryOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/MadRewrite.h"
#include "dialects/Mad/IR/MadRuleOps.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad;

#include "dialects/Mad/IR/MadDialect.cpp.inc"
#include "dialects/Mad/IR/MadEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mad/IR/MadAttrs.cpp.inc"
#include "dialects/Mad/IR/MadInterfaces.cpp.inc"

namespace {
/// Ops are values without effects on anything else: each may be copied anywhere.
/// `mad.yield` stays inside its region, so no terminator is ever replaced.
struct MadInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void MadDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Mad/IR/MadAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadDataOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadMathOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadMemoryOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadRuleOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mad/IR/MadStateOps.cpp.inc"
      >();
  addInterfaces<MadInlinerInterface>();
  addRewriteInterface(*this);
  addDerivativeInterface(*this);
}

Operation *MadDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                           Location loc) {
  auto elements = dyn_cast<DenseElementsAttr>(value);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!elements || !tensor || !tensor.hasStaticShape() ||
      elements.getElementType() != tensor.getElementType() ||
      elements.getType().getShape() != tensor.getShape())
    return nullptr;
  // The encoding of a type only names dimensions: take the one that is wanted.
  return ConstantOp::create(builder, loc, type, elements.reshape(tensor));
}

//===----------------------------------------------------------------------===//
// Dimensions of types
//===----------------------------------------------------------------------===//

LogicalResult DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  ArrayRef<StringAttr> names = getNames();
  if (names.size() != shape.size())
    return emitError() << "#mad.dims has " << names.size() << " texts for " << shape.size()
                       << " dimensions";
  for (auto [dim, size, name] : llvm::enumerate(shape, names)) {
    if (!ShapedType::isDynamic(size))
      continue;
    std::optional<DimExpr> parsed = DimExpr::parse(name.getValue());
    if (!parsed || !parsed->valid())
      return emitError() << "text \"" << name.getValue() << "\" of dimension " << dim
                         << " is not a polynomial over dimension parameters";
    if (parsed->constant())
      return emitError() << "dimension " << dim << " is dynamic, but its text \"" << name.getValue()
                         << "\" is a constant";
    if (parsed->str() != name.getValue())
      return emitError() << "text \"" << name.getValue() << "\" of dimension " << dim
                         << " is not in normal form, expected \"" << parsed->str() << "\"";
  }
  return success();
}

static DimExpr invalidDim() { return DimExpr::floorDiv(DimExpr(1), DimExpr(0)); }

DimExpr mad::dimExpr(RankedTensorType type, int64_t dim) {
  if (!type.isDynamicDim(dim))
    return DimExpr(type.getDimSize(dim));
  auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  if (!dims)
    return invalidDim();
  std::optional<DimExpr> parsed = DimExpr::parse(dims.getNames()[dim].getValue());
  return parsed ? *parsed : invalidDim();
}

RankedTensorType mad::tensorType(ArrayRef<DimExpr> sizes, ArrayRef<std::string> names,
                                 Type element) {
  MLIRContext *context = element.getContext();
  SmallVector<int64_t> shape;
  SmallVector<StringAttr> texts;
  bool needed = false;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    std::optional<int64_t> constant = size.constant();
    shape.push_back(constant ? *constant : ShapedType::kDynamic);
    std::string text = !constant ? size.str() : dim < names.size() ? names[dim] : "";
    needed |= !text.empty();
    texts.push_back(StringAttr::get(context, text));
  }
  return RankedTensorType::get(shape, element, needed ? DimsAttr::get(context, texts) : DimsAttr());
}

bool mad::sameShape(RankedTensorType a, RankedTensorType b) {
  if (a.getRank() != b.getRank())
    return false;
  for (int64_t dim = 0; dim < a.getRank(); ++dim) {
    DimExpr left = dimExpr(a, dim), right = dimExpr(b, dim);
    if (!left.valid() || !right.valid() || left != right)
      return false;
  }
  return true;
}

bool mad::shapesMayAgree(RankedTensorType a, RankedTensorType b) {
  if (a.getRank() != b.getRank())
    return false;
  for (int64_t dim = 0; dim < a.getRank(); ++dim) {
    DimExpr difference = dimExpr(a, dim) - dimExpr(b, dim);
    std::optional<int64_t> constant = difference.constant();
    if (!difference.valid() || (constant && *constant != 0))
      return false;
  }
  return true;
}

std::string mad::shapeText(RankedTensorType type) {
  std::string text = "[";
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    DimExpr size = dimExpr(type, dim);
    text += (dim ? ", " : "") + (size.valid() ? size.str() : std::string("?"));
  }
  return text + "]";
}

RefElement mad::refElement(Type element) {
  if (element.isF32())
    return RefElement::F32;
  if (element.isF64())
    return RefElement::F64;
  if (element.isF16())
    return RefElement::F16;
  if (element.isBF16())
    return RefElement::BF16;
  if (element.isInteger(1))
    return RefElement::Bool;
  if (element.isInteger(8))
    return element.isUnsignedInteger() ? RefElement::U8 : RefElement::I8;
  return element.isInteger(32) ? RefElement::I32 : RefElement::I64;
}

StringRef mad::valueName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return valueName(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringRef name = valueName(part); !name.empty())
        return name;
  return {};
}

std::string mad::valueName(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto function = dyn_cast_or_null<FunctionOpInterface>(argument.getOwner()->getParentOp()))
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "mad.name"))
        return name.str();
  if (auto weight = value.getDefiningOp<WeightOp>())
    return weight.getSource().str();
  return valueName(value.getLoc()).str();
}

//===----------------------------------------------------------------------===//
// Attributes of functions and modules
//===----------------------------------------------------------------------===//

static bool isTextArray(Attribute attribute) {
  auto array = dyn_cast<ArrayAttr>(attribute);
  return array && llvm::all_of(array, llvm::IsaPred<StringAttr>);
}

/// The dimension parameters of a function; empty when it declares none.
static std::set<std::string> dimParameters(Operation *op) {
  std::set<std::string> names;
  if (auto dims = op->getAttrOfType<ArrayAttr>("mad.dims"))
    for (auto name : dims.getAsRange<StringAttr>())
      names.insert(name.str());
  return names;
}

static LogicalResult verifyKnown(Operation *op, const DimExpr &size, const Twine &where) {
  std::set<std::string> known = dimParameters(op);
  for (const std::string &name : size.symbols())
    if (!known.count(name))
      return op->emitOpError() << where << " uses \"" << name << "\", which is not in `mad.dims`";
  return success();
}

/// A host calls an entry: its types must be ours, and sized by its parameters.
static LogicalResult verifyHostType(Operation *op, Type type, const Twine &what) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return op->emitOpError() << what << " of an entry must be a ranked tensor, but is " << type;
  for (int64_t dim = 0; dim < tensor.getRank(); ++dim) {
    DimExpr size = dimExpr(tensor, dim);
    if (!size.valid())
      return op->emitOpError() << "dimension " << dim << " of " << what
                               << " is dynamic without a text in #mad.dims";
    if (failed(verifyKnown(op, size, what)))
      return failure();
  }
  return success();
}

/// A result that is the new value of an argument has its type, and no other does.
static LogicalResult verifyStates(FunctionOpInterface function) {
  std::set<int64_t> seen;
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto state = function.getResultAttrOfType<IntegerAttr>(i, "mad.state");
    if (!state)
      continue;
    int64_t argument = state.getInt();
    if (argument < 0 || argument >= static_cast<int64_t>(function.getNumArguments()))
      return function.emitOpError() << "result " << i << " is the state of argument " << argument
                                    << ", which is not there";
    auto a = cast<RankedTensorType>(function.getArgumentTypes()[argument]);
    auto b = cast<RankedTensorType>(type);
    if (a.getElementType() != b.getElementType() || !sameShape(a, b))
      return function.emitOpError()
             << "result " << i << " has type " << type << ", but its state has " << a;
    if (!seen.insert(argument).second)
      return function.emitOpError() << "argument " << argument << " is the state of two results";
  }
  return success();
}

static LogicalResult verifyEntry(FunctionOpInterface function) {
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(verifyHostType(function, type, "argument " + Twine(i))))
      return failure();
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(verifyHostType(function, type, "result " + Twine(i))))
      return failure();
  return verifyStates(function);
}

static LogicalResult verifyDims(Operation *op, Attribute value) {
  if (!isTextArray(value))
    return op->emitOpError("`mad.dims` must be an array of strings");
  std::set<std::string> seen;
  for (auto name : cast<ArrayAttr>(value).getAsRange<StringAttr>()) {
    std::optional<DimExpr> parsed = DimExpr::parse(name.getValue());
    if (!parsed || !parsed->asSymbol())
      return op->emitOpError() << "\"" << name.getValue() << "\" in `mad.dims` is not a name";
    if (!seen.insert(name.str()).second)
      return op->emitOpError() << "\"" << name.getValue() << "\" occurs twice in `mad.dims`";
  }
  return success();
}

static LogicalResult verifyChecks(Operation *op, Attribute value) {
  auto checks = dyn_cast<ArrayAttr>(value);
  if (!checks || !llvm::all_of(checks, llvm::IsaPred<CheckAttr>))
    return op->emitOpError("`mad.checks` must be an array of #mad.check");
  for (auto check : checks.getAsRange<CheckAttr>())
    for (StringAttr side : {check.getLeft(), check.getRight()}) {
      std::optional<DimExpr> parsed = DimExpr::parse(side.getValue());
      if (!parsed || !parsed->valid())
        return op->emitOpError() << "\"" << side.getValue()
                                 << "\" in `mad.checks` is not a dimension";
      if (op->hasAttr("mad.entry") && failed(verifyKnown(op, *parsed, "`mad.checks`")))
        return failure();
    }
  return success();
}

static LogicalResult verifyAsserts(FunctionOpInterface function, Attribute value) {
  if (!isTextArray(value))
    return function.emitOpError("`mad.asserts` must be an array of strings");
  if (cast<ArrayAttr>(value).size() != function.getNumResults())
    return function.emitOpError() << "`mad.asserts` has " << cast<ArrayAttr>(value).size()
                                  << " messages for " << function.getNumResults() << " results";
  auto truth = RankedTensorType::get({}, IntegerType::get(function.getContext(), 1));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (type != truth)
      return function.emitOpError()
             << "result " << i << " of a test must be " << truth << ", but is " << type;
  return success();
}

static LogicalResult verifyTest(FunctionOpInterface function, Attribute value) {
  if (!isa<StringAttr>(value))
    return function.emitOpError("`mad.test` must be a string, the title");
  if (function.getNumArguments() != 0)
    return function.emitOpError("a test takes no arguments");
  return success();
}

static LogicalResult verifyLateWeights(Operation *op, Attribute value) {
  if (!isa<ModuleOp>(op))
    return op->emitOpError() << "`" << lateWeightsAttr << "` belongs on a module";
  if (!isTextArray(value))
    return op->emitOpError() << "`" << lateWeightsAttr << "` must be an array of strings";
  llvm::SmallDenseSet<Attribute> seen;
  for (auto name : cast<ArrayAttr>(value).getAsRange<StringAttr>())
    if (!seen.insert(name).second)
      return op->emitOpError() << "\"" << name.getValue() << "\" occurs twice in `"
                               << lateWeightsAttr << "`";
  return success();
}

LogicalResult MadDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == precisionAttr) {
    auto mode = dyn_cast<StringAttr>(value);
    return mode && (mode == "strict" || mode == "fast")
               ? success()
               : op->emitOpError("`mad.fp` must be \"strict\" or \"fast\"");
  }
  if (name == subjectAttr || name == subjectDimsAttr)
    return verifySubject(op, attribute);
  if (name == lateWeightsAttr)
    return verifyLateWeights(op, value);
  if (!function)
    return op->emitOpError() << "`" << name << "` belongs on a function";
  if (name == "mad.entry") {
    if (!isa<UnitAttr>(value))
      return op->emitOpError("`mad.entry` has no value");
    return verifyEntry(function);
  }
  if (name == "mad.doc")
    return isa<StringAttr>(value) ? success() : op->emitOpError("`mad.doc` must be a string");
  if (name == "mad.test")
    return verifyTest(function, value);
  if (name == "mad.dims")
    return verifyDims(op, value);
  if (name == "mad.checks")
    return verifyChecks(op, value);
  if (name == "mad.asserts")
    return verifyAsserts(function, value);
  return op->emitOpError() << "`" << name << "` is not an attribute of the mad dialect";
}

static LogicalResult verifyName(Operation *op, NamedAttribute attribute, StringRef what) {
  if (attribute.getName() != "mad.name")
    return op->emitOpError() << "`" << attribute.getName().getValue() << "` is not an attribute of "
                             << what;
  if (!isa<StringAttr>(attribute.getValue()))
    return op->emitOpError("`mad.name` must be a string");
  return success();
}

LogicalResult MadDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned,
                                                   NamedAttribute attribute) {
  // Of a kernel: a tensor map of the memory (passes/Conversion/GpuToRuntime/DeviceNames.h).
  if (attribute.getName() == "mad.boxes" && isa<DenseI32ArrayAttr>(attribute.getValue()))
    return success();
  return verifyName(op, attribute, "an argument");
}

LogicalResult MadDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                                      NamedAttribute attribute) {
  if (attribute.getName() == "mad.state" && isa<IntegerAttr>(attribute.getValue()))
    return success();
  return verifyName(op, attribute, "a result");
}
