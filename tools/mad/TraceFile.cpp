//===- TraceFile.cpp - Traces for chrome://tracing and Perfetto -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/TraceFile.h"
#include "passes/Driver/Tracing.h"
#include "passes/Pipelines/Timeline.h"
#include "runtime/io/TensorFile.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mad::tool {

using llvm::json::OStream;

/// One row of the viewer.
static void nameThread(OStream &json, int thread, llvm::StringRef name) {
  json.object([&] {
    json.attribute("ph", "M");
    json.attribute("name", "thread_name");
    json.attribute("pid", 1);
    json.attribute("tid", thread);
    json.attributeObject("args", [&] { json.attribute("name", name); });
  });
}

static void complete(OStream &json, int thread, llvm::StringRef name, llvm::StringRef category,
                     double begin, double length, const TraceSite *site = nullptr) {
  json.object([&] {
    json.attribute("ph", "X");
    json.attribute("name", name);
    json.attribute("cat", category);
    json.attribute("pid", 1);
    json.attribute("tid", thread);
    json.attribute("ts", begin);
    json.attribute("dur", length);
    if (!site)
      return;
    json.attributeObject("args", [&] {
      json.attribute("kind", site->kind);
      if (!site->place.empty())
        json.attribute("source", site->place);
    });
  });
}

bool writeTrace(const std::string &path, const Compilation &compilation, std::string &error) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OStream json(os);
  const TraceSink *sink = compilation.traceSink();
  json.object([&] {
    json.attribute("displayTimeUnit", "ms");
    json.attributeArray("traceEvents", [&] {
      nameThread(json, 1, "compile");
      nameThread(json, 2, "run");
      for (const Timeline::Event &e : compilation.timeline().events())
        complete(json, e.category == "call" ? 2 : 1, e.name, e.category, e.begin, e.length);
      for (size_t i = 0; sink && i < sink->events.size(); ++i) {
        const TraceSink::Event &e = sink->events[i];
        const TraceSite &site = compilation.traceSites()[e.site];
        std::string name = site.name.empty() ? site.kind : site.kind + " " + site.name;
        complete(json, 2, name, "kernel", e.begin, e.length, &site);
      }
    });
    if (sink && sink->dropped)
      json.attributeObject("otherData", [&] { json.attribute("droppedEvents", sink->dropped); });
  });
  os << "\n";
  return io::writeFile(path, text.data(), text.size(), error);
}

} // namespace mad::tool
