//===- CompilationWeights.cpp - Elements of the weights ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "frontend/Diag/Codes.h"
#include "passes/Driver/CompilationImpl.h"
#include "runtime/io/TensorFile.h"

using namespace mlir;

namespace mad {

namespace {
struct Wanted {
  io::DType dtype;
  mad_dtype runtime;
};
} // namespace

static Wanted wanted(Type element) {
  if (element.isF32())
    return {io::DType::F32, MAD_F32};
  if (element.isF64())
    return {io::DType::F64, MAD_F64};
  if (element.isInteger(32))
    return {io::DType::I32, MAD_I32};
  if (element.isInteger(64))
    return {io::DType::I64, MAD_I64};
  return {io::DType::Bool, MAD_BOOL};
}

/// True when each number of `from` is a number of `to`.
static bool widens(io::DType from, io::DType to) {
  using D = io::DType;
  if (from == to)
    return true;
  switch (to) {
  case D::F32:
    return from == D::F16 || from == D::BF16 || from == D::I8 || from == D::U8 || from == D::I16 ||
           from == D::U16;
  case D::F64:
    return from != D::I64 && from != D::U64 && from != D::Bool;
  case D::I32:
    return from == D::I8 || from == D::U8 || from == D::I16 || from == D::U16;
  case D::I64:
    return from != D::U64 && from != D::F32 && from != D::F64 && from != D::F16 &&
           from != D::BF16 && from != D::Bool;
  default:
    return false;
  }
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, n] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(n);
  return text + "]";
}

static bool transpose(const io::Tensor &from, io::Tensor &to) {
  int64_t rows = from.shape[0], columns = from.shape[1];
  auto made = io::Tensor::make(from.dtype, {columns, rows});
  if (!made)
    return false;
  size_t size = io::size(from.dtype);
  const char *source = from.as<char>();
  char *target = made->as<char>();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      memcpy(target + (j * rows + i) * size, source + (i * columns + j) * size, size);
  to = std::move(*made);
  return true;
}

/// Reads one weight as it is declared; on failure `error` says what differs.
static bool readWeight(WeightSourceOp source, const std::string &path, io::Tensor &tensor,
                       std::string &error) {
  auto type = cast<RankedTensorType>(source.getType());
  Wanted want = wanted(type.getElementType());
  if (!io::read(path, source.getEntry().str(), tensor, error, want.dtype))
    return false;
  SmallVector<int64_t> declared(type.getShape());
  if (source.getTransposed())
    std::reverse(declared.begin(), declared.end());
  if (ArrayRef<int64_t>(declared) != ArrayRef<int64_t>(tensor.shape)) {
    error = "`" + path + "` holds `" + source.getEntry().str() + "` with shape " +
            shapeText(tensor.shape) + ", expected " + shapeText(declared) +
            (source.getTransposed() ? " (the declared one transposed)" : "");
    SmallVector<int64_t> reversed(llvm::reverse(declared));
    if (ArrayRef<int64_t>(reversed) == ArrayRef<int64_t>(tensor.shape) && declared.size() == 2)
      error += source.getTransposed() ? "; remove `transposed`" : "; add `transposed`";
    return false;
  }
  if (!widens(tensor.dtype, want.dtype)) {
    error = "`" + path + "` holds `" + source.getEntry().str() + "` as " + io::name(tensor.dtype) +
            ", which does not fit the declared " + io::name(want.dtype) + " exactly";
    return false;
  }
  auto converted = tensor.convert(want.dtype);
  if (!converted) {
    error = "no memory for weight `" + source.getSymName().str() + "`";
    return false;
  }
  tensor = std::move(*converted);
  if (source.getTransposed() && !transpose(io::Tensor(tensor), tensor)) {
    error = "no memory for weight `" + source.getSymName().str() + "`";
    return false;
  }
  return true;
}

bool Compilation::loadWeights(const std::string &file, Evaluate evaluate) {
  StepTimer timer(impl->times, "weights");
  impl->weights.clear();
  bool good = true;
  for (auto source : module().getOps<WeightSourceOp>()) {
    if (source->hasAttr("computed"))
      continue;
    io::Tensor tensor;
    std::string error;
    std::string path = file.empty() ? source.getPath().str() : file;
    if (!readWeight(source, path, tensor, error)) {
      Span span;
      for (const hir::Weight &w : program().weights)
        if (w.name == source.getSymName())
          span = w.span;
      impl->diagnostics.error(code::E0501, span, error);
      good = false;
      continue;
    }
    WeightBytes bytes;
    bytes.name = source.getSymName().str();
    bytes.dtype = wanted(cast<RankedTensorType>(source.getType()).getElementType()).runtime;
    bytes.shape = tensor.shape;
    bytes.data = tensor.data;
    bytes.bytes = tensor.bytes;
    bytes.source = source.getEntry().str();
    bytes.transposed = source.getTransposed();
    impl->weights.push_back(std::move(bytes));
  }
  return good && computeWeights(evaluate);
}

} // namespace mad
