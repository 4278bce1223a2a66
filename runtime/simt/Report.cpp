//===- Report.cpp - Findings of a launch -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Report.h"
#include <cstring>

using namespace mad::simt;

const char *simt_kind_name(simt_kind kind) {
  static const char *const names[] = {
#define SIMT_FINDING(name, word, text) word,
#include "runtime/simt/Findings.def"
#undef SIMT_FINDING
  };
  return kind >= 0 && kind < SIMT_KINDS ? names[kind] : "unknown";
}

const char *simt_kind_text(simt_kind kind) {
  static const char *const texts[] = {
#define SIMT_FINDING(name, word, text) text,
#include "runtime/simt/Findings.def"
#undef SIMT_FINDING
  };
  return kind >= 0 && kind < SIMT_KINDS ? texts[kind] : "unknown";
}

void Report::remember(uint32_t serial, const uint32_t *ctaid) {
  if (blocks.size() <= serial)
    blocks.resize(serial + 1);
  memcpy(blocks[serial].data(), ctaid, sizeof blocks[serial]);
}

void Report::tell(simt_finding &finding) {
  ++result.findings;
  if (!finding.at.place)
    finding.at.place = "";
  if (!finding.other.place)
    finding.other.place = "";
  size_t most = launch.max_findings > 0 ? launch.max_findings : 64;
  if (!launch.found || told.size() >= most ||
      !told.emplace(finding.kind, finding.at.place, finding.other.place).second)
    return;
  finding.kernel = kernel.name;
  launch.found(launch.user, &finding);
}

static simt_finding begin(simt_kind kind, const Thread &t, const char *place, uint64_t address,
                          const std::string &detail) {
  simt_finding finding{};
  finding.kind = kind;
  finding.at.thread = int32_t(t.linear);
  memcpy(finding.at.block, t.ctaid, sizeof t.ctaid);
  finding.at.place = place;
  finding.other.thread = -1;
  finding.address = address;
  finding.detail = detail.c_str();
  return finding;
}

void Report::find(simt_kind kind, const Thread &t, const char *place, uint64_t address,
                  const Access *other, const std::string &detail) {
  simt_finding finding = begin(kind, t, place, address, detail);
  if (other && *other) {
    finding.other.place = other->place;
    finding.other.thread = other->thread < Access::agents ? other->thread : -1;
    if (other->block < blocks.size())
      memcpy(finding.other.block, blocks[other->block].data(), sizeof finding.other.block);
  }
  tell(finding);
}

void Report::findAt(simt_kind kind, const Thread &t, const char *place, uint64_t address,
                    const char *otherPlace, const std::string &detail) {
  simt_finding finding = begin(kind, t, place, address, detail);
  finding.other.place = otherPlace;
  memcpy(finding.other.block, t.ctaid, sizeof t.ctaid);
  tell(finding);
}

void Report::find(simt_kind kind, const uint32_t *ctaid, const std::string &detail) {
  simt_finding finding{};
  finding.kind = kind;
  finding.at.thread = finding.other.thread = -1;
  memcpy(finding.at.block, ctaid, sizeof finding.at.block);
  finding.detail = detail.c_str();
  tell(finding);
}
