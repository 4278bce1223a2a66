//===- LutDialect.cpp - Formats as attributes -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad::lut;

#include "dialects/Lut/IR/LutDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Lut/IR/LutAttrs.cpp.inc"

namespace mad::lut {
void addDerivatives(LutDialect &dialect); // LutDerivatives.cpp
} // namespace mad::lut

namespace {
struct LutInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void LutDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Lut/IR/LutAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Lut/IR/LutOps.cpp.inc"
      >();
  addInterfaces<LutInliner>();
  addDerivatives(*this);
}

/// `lut.int(bits = 4)` is `<int, bits = 4>` here.
void FormatAttr::print(AsmPrinter &printer) const {
  std::string text = getValue().str();
  auto [family, arguments] = StringRef(text).drop_front(4).split('(');
  printer << "<" << family;
  if (getValue().words)
    printer << ", words = " << getValue().words;
  if (!arguments.empty())
    printer << ", " << arguments.drop_back();
  printer << ">";
}

static ParseResult parseArgument(AsmParser &parser, Format &format) {
  StringRef name;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseKeyword(&name) || parser.parseEqual())
    return failure();
  int64_t number;
  std::string value;
  OptionalParseResult parsed = parser.parseOptionalInteger(number);
  if (parsed.has_value()) {
    if (failed(*parsed))
      return failure();
    // No argument that programs write: the driver knows it when it has encoded the weight.
    if (name == "words" && format.dictionary && number > 0) {
      format.words = number;
      return success();
    }
    value = std::to_string(number);
  } else {
    StringRef word;
    if (parser.parseKeyword(&word))
      return failure();
    value = word.str();
  }
  if (std::string wrong = format.set(name.str(), value); !wrong.empty())
    return parser.emitError(place) << wrong;
  return success();
}

Attribute FormatAttr::parse(AsmParser &parser, Type) {
  StringRef family;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&family))
    return {};
  std::optional<Format> format = Format::named(family.str());
  if (!format) {
    parser.emitError(place) << "`" << family
                            << "` is no format: expected `int`, `ternary`, `dictionary`, "
                               "`codebook` or `gguf`";
    return {};
  }
  while (succeeded(parser.parseOptionalComma()))
    if (parseArgument(parser, *format))
      return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<FormatAttr>(place, parser.getContext(), *format);
}

LogicalResult FormatAttr::verify(function_ref<InFlightDiagnostic()> emitError, Format value) {
  if (value.family == Family::Gguf && !value.block)
    return emitError() << "`gguf` is a format of files: it is another one here";
  if (std::string wrong = value.check(); !wrong.empty())
    return emitError() << wrong;
  return success();
}

RankedTensorType mad::lut::partType(MLIRContext *context, const Part &part) {
  Builder b(context);
  Type element = part.element == PartElement::U8    ? Type(b.getIntegerType(8, /*isSigned=*/false))
                 : part.element == PartElement::F16 ? Type(b.getF16Type())
                                                    : Type(b.getF32Type());
  return RankedTensorType::get(part.shape, element);
}
