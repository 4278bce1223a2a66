//===- Remarks.cpp - Remarks of a compilation as text -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Remarks.h"
#include "mlir/IR/Remarks.h"
#include "passes/Transforms/Places.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {

namespace {
/// As other messages are: the place below the text, then the notes.
class Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(RemarkList &list) : list(list) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    if (!list.wanted)
      return;
    std::string text = "remark: ", notes;
    for (const remark::detail::Remark::Arg &part : remark.getArgs())
      if (part.key == remarkNote)
        notes += "note: " + part.val + "\n";
      else
        text += part.val;
    text += "\n";
    if (std::string place = placeIn(remark.getLocation(), list.file); !place.empty())
      text += "  --> " + place + "\n";
    text += notes;
    if (list.known.insert(text).second)
      list.texts.push_back(std::move(text));
  }

private:
  RemarkList &list;
};
} // namespace

std::string RemarkList::text() const {
  std::string all;
  for (const std::string &one : texts)
    all += one;
  return all;
}

void collectRemarks(MLIRContext &context, RemarkList &list) {
  remark::RemarkCategories categories;
  categories.passed = categories.missed = remarkCategory.str();
  // Fails only for an engine that is there already.
  (void)remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(list),
                                          std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                          categories);
}

} // namespace mad
