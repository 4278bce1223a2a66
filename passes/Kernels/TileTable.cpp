//===- TileTable.cpp - Tile parameters that were measured for a CPU ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/TileTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace mad::kernels {
namespace {

/// The parameters that can be chosen, by name.
struct Member {
  StringLiteral name;
  int64_t TileSizes::*value;
};
constexpr Member members[] = {{"MR", &TileSizes::MR},
                              {"panels", &TileSizes::panels},
                              {"KC", &TileSizes::KC},
                              {"MC", &TileSizes::MC},
                              {"NC", &TileSizes::NC},
                              {"unroll", &TileSizes::unroll},
                              {"plainColumns", &TileSizes::plainColumns},
                              {"plainRows", &TileSizes::plainRows}};

const Member *memberOf(StringRef name) {
  const Member *found = find_if(members, [&](const Member &m) { return m.name == name; });
  return found == std::end(members) ? nullptr : found;
}

constexpr StringLiteral format = "mad tiles 1";

std::string textOf(const TileSizes &sizes) {
  std::string text;
  for (const Member &m : members)
    text += (text.empty() ? "" : ",") + m.name.str() + "=" + std::to_string(sizes.*m.value);
  return text;
}

Error readSizes(StringRef text, TileSizes &sizes) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    auto [name, number] = part.split('=');
    const Member *member = memberOf(name);
    if (!member || number.getAsInteger(10, sizes.*member->value))
      return createStringError("`" + part + "` is no parameter and its number");
  }
  return Error::success();
}

Error check(const TileTable &table) {
  for (unsigned bits : {32u, 64u})
    if (std::string fault = faultOf(table.of(bits), bits, table.level); !fault.empty())
      return createStringError("f" + Twine(bits) + ": " + fault);
  return Error::success();
}

json::Object jsonOf(const TileSizes &sizes) {
  json::Object made;
  for (const Member &m : members)
    made[m.name] = sizes.*m.value;
  return made;
}

Error readObject(const json::Object *object, StringRef type, TileSizes &sizes) {
  if (!object)
    return createStringError("it has no object `" + type + "`");
  for (const Member &m : members) {
    auto number = object->getInteger(m.name);
    if (!number)
      return createStringError("`" + type + "` has no integer `" + m.name + "`");
    sizes.*m.value = *number;
  }
  for (const auto &[key, value] : *object)
    if (!memberOf(key))
      return createStringError("`" + type + "` has a member `" + StringRef(key) +
                               "` that this compiler does not know");
  return Error::success();
}

} // namespace

std::string faultOf(const TileSizes &sizes, unsigned bits, int level) {
  const int64_t bytes = bits / 8, registers = level >= 4 ? 32 : 16;
  auto among = [](const char *name, int64_t value, int64_t low, int64_t high) {
    return value >= low && value <= high
               ? std::string()
               : formatv("{0} is {1}, not from {2} to {3}", name, value, low, high).str();
  };
  // Arithmetic on addresses must not overflow.
  const int64_t most = int64_t(1) << 40;
  for (std::string fault :
       {among("MR", sizes.MR, 1, mostRows), among("panels", sizes.panels, 1, 8),
        among("KC", sizes.KC, 1, panelBytes), among("MC", sizes.MC, 1, 1 << 20),
        among("NC", sizes.NC, 1, panelBytes), among("unroll", sizes.unroll, 1, 8),
        among("plainColumns", sizes.plainColumns, 0, most),
        among("plainRows", sizes.plainRows, 0, most)})
    if (!fault.empty())
      return fault;
  if (pieceRows % sizes.MR)
    return formatv("MR is {0}, which does not divide {1}", sizes.MR, pieceRows);
  if (sizes.MC % sizes.MR)
    return formatv("MC is {0}, no multiple of MR, {1}", sizes.MC, sizes.MR);
  if (sizes.NC % sizes.NR)
    return formatv("NC is {0}, no multiple of a panel, {1}", sizes.NC, sizes.NR);
  if (sizes.KC * sizes.NC * bytes > panelBytes)
    return formatv("KC x NC takes {0} bytes, more than {1}", sizes.KC * sizes.NC * bytes,
                   panelBytes);
  // Where a panel is wider than two registers, a tile takes two of them.
  const int64_t wide = sizes.panels * std::min<int64_t>(sizes.NR / sizes.lanes, 2);
  if (sizes.panels > 1 && sizes.NR / sizes.lanes > 2)
    return formatv("panels is {0}, and registers hold no whole one", sizes.panels);
  if ((sizes.MR + 1) * wide + 1 > registers)
    return formatv("a tile of {0} x {1} registers does not fit {2}", sizes.MR, wide, registers);
  return {};
}

std::string text(const TileTable &table) {
  return "f32:" + textOf(table.f32) + ";f64:" + textOf(table.f64);
}

Expected<TileTable> readText(StringRef text, int level) {
  TileTable table = builtinTiles(level);
  SmallVector<StringRef> types;
  text.split(types, ';', -1, /*KeepEmpty=*/false);
  for (StringRef type : types) {
    auto [name, sizes] = type.split(':');
    if (name != "f32" && name != "f64")
      return createStringError("`" + name + "` is neither f32 nor f64");
    if (Error error = readSizes(sizes, name == "f32" ? table.f32 : table.f64))
      return error;
  }
  if (Error error = check(table))
    return error;
  return table;
}

std::string writeJson(const TileTable &table) {
  json::Object all{{"format", format},
                   {"cpu", table.cpu},
                   {"level", table.level},
                   {"f32", jsonOf(table.f32)},
                   {"f64", jsonOf(table.f64)}};
  return formatv("{0:2}\n", json::Value(std::move(all))).str();
}

Expected<TileTable> readJson(StringRef text) {
  auto parsed = json::parse(text);
  if (!parsed)
    return createStringError("it is no JSON: " + toString(parsed.takeError()));
  const json::Object *all = parsed->getAsObject();
  if (!all || all->getString("format") != StringRef(format))
    return createStringError("it is no table of tiles: its `format` is not `" + format + "`");
  auto cpu = all->getString("cpu");
  auto level = all->getInteger("level");
  if (!cpu || cpu->empty() || !level || (*level != 0 && *level != 3 && *level != 4))
    return createStringError("it needs `cpu`, a name, and `level`, which is 0, 3 or 4");
  TileTable table = builtinTiles(int(*level));
  table.cpu = cpu->str();
  for (auto [type, sizes] : {std::pair("f32", &table.f32), std::pair("f64", &table.f64)})
    if (Error error = readObject(all->getObject(type), type, *sizes))
      return error;
  if (Error error = check(table))
    return error;
  return table;
}

} // namespace mad::kernels
