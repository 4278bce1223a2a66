//===- Reactions.cpp - Networks of reactions become odes --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `reactions` become a function as an `ode` does (Equations.cpp): of one state, a vector with
// an element a species. Few reactions are written out, so that a solve can keep them in
// registers. Of many the terms are tables of positions: a few operations on whole tensors,
// whatever their number.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Networks/TermTables.h"
#include "frontend/Diag/Codes.h"
#include "frontend/Parse/Driver.h"
#include <algorithm>
#include <map>
#include <set>

using namespace mad;
using namespace mad::syntax;

namespace {

/// Up to these sizes networks are written out.
constexpr size_t maxWrittenSpecies = 32, maxWrittenTerms = 256;
/// Molecules of one species on a side: each is a factor.
constexpr int64_t maxMolecules = 64;

/// Takes the lines of a network apart and makes the function of them.
class NetworkBuilder {
public:
  NetworkBuilder(Driver &d, ast::File &file, std::string_view source, Span span)
      : d(d), file(file), source(source), span(span) {}

  bool read(const std::vector<Reaction> &lines, Node *params, Span nameSpan);
  Node *body();

  ast::Network network;
  Node *state = nullptr; ///< the parameter

private:
  /// One direction: a constant times factors, or a law.
  struct Flow {
    Span span;
    Node *rate = nullptr;         ///< null of 0 -> 0
    std::vector<int32_t> factors; ///< species, one a molecule
    std::vector<Node *> held;     ///< factors that are parameters
    bool isLaw = false;
    size_t change = 0; ///< number in `network.changes`
    int64_t sign = 1;
  };

  bool header(const std::vector<Reaction> &lines, Node *params, Span nameSpan);
  bool species(const Node *term);
  bool readLine(const Reaction &line);
  bool complaint(Span at, std::string message, std::string help);
  bool missing(Span at, std::string message, std::string help);
  void flow(const Reaction &line, Node *rate, const Nodes &reactants, int64_t sign);

  std::string_view keep(std::string text);
  /// The type of amounts.
  std::string_view element() const { return state->kids[0] ? state->kids[0]->text : "f64"; }
  Node *name(Span at, std::string_view text) { return d.name(at, text); }
  Node *number(std::string text, Span at);
  Node *binary(const char *op, Node *left, Node *right, Span at);
  Node *let(Span at, std::string_view text, Node *value);
  Node *letVector(std::string_view text, Nodes parts);
  Node *call(const char *function, Nodes arguments);
  Node *integers(const std::vector<int32_t> &numbers);
  Node *array(Nodes parts);
  Node *withHeld(const Flow &flow);
  void mentioned(const Node *n, std::set<int32_t> &found) const;
  void bindSpecies(Nodes &lines, bool factorsToo);
  std::vector<std::vector<std::pair<int32_t, int64_t>>> terms() const;
  void writtenOut(Nodes &lines);
  void inTables(Nodes &lines);
  Node *speeds(Nodes &lines);

  Driver &d;
  ast::File &file;
  std::string_view source;
  Span span;
  std::map<std::string_view, int32_t> numbers; ///< of species
  std::set<std::string_view> parameters;
  bool inferred = false; ///< the species are those of the reactions
  std::vector<Flow> flows;
  std::map<std::string, std::string_view> kept;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is written
//===----------------------------------------------------------------------===//

bool NetworkBuilder::complaint(Span at, std::string message, std::string help) {
  d.error(code::E0135, at, std::move(message)).help = std::move(help);
  return false;
}

/// Unless an error inside already says so.
bool NetworkBuilder::missing(Span at, std::string message, std::string help) {
  return d.hasErrors(at) ? false : complaint(at, std::move(message), std::move(help));
}

/// A name that is listed, or the next one where the reactions tell.
bool NetworkBuilder::species(const Node *term) {
  if (parameters.count(term->text))
    return true;
  if (inferred || term->kind == Kind::Name) {
    auto [at, isNew] = numbers.try_emplace(term->text, int32_t(network.species.size()));
    if (isNew)
      network.species.push_back(term->text);
  }
  if (!numbers.count(term->text))
    return complaint(term->nameSpan,
                     "`" + std::string(term->text) + "` is neither a species nor a parameter of `" +
                         std::string(network.name) + "`",
                     "list it in the state, `" + std::string(state->text) + ": f64[..., " +
                         std::string(term->text) + "]`, or declare a parameter");
  for (std::string_view field : {"t", "status", "stats"})
    if (term->text == field)
      return complaint(term->nameSpan,
                       "no species is called `" + std::string(field) +
                           "`: the solution has a field of this name",
                       "rename it");
  if (term->text == state->text)
    return complaint(term->nameSpan,
                     "`" + std::string(term->text) + "` is the state that holds all species",
                     "name the state differently, in front: `(c: f64[...])`");
  return true;
}

bool NetworkBuilder::header(const std::vector<Reaction> &lines, Node *params, Span nameSpan) {
  bool good = true;
  if (params) {
    for (Node *p : params->kids)
      if (p->flags & ast::Unknown) {
        if (state)
          return complaint(p->span, "`reactions` have one state, with all species",
                           "parameters stand behind a `;`");
        state = p;
      } else if (!parameters.insert(p->text).second) {
        return complaint(p->nameSpan, "`" + std::string(p->text) + "` is declared twice", "");
      }
    const Node *type = state->kids[0];
    bool isList = type && type->kind == Kind::TensorType && !type->kids.empty() &&
                  std::all_of(type->kids.begin(), type->kids.end(),
                              [](const Node *kid) { return kid->kind == Kind::Name; });
    if (!isList)
      return missing(state->span, "the state of `reactions` is a list of species",
                     "as in `reactions decay(u: f64[X, Y]; k: f64) { X -> Y, rate = k }`");
    for (const Node *kid : type->kids) {
      if (numbers.count(kid->text))
        good &= complaint(kid->span, "the species `" + std::string(kid->text) + "` is listed twice",
                          "");
      else if (parameters.count(kid->text))
        good &=
            complaint(kid->span, "`" + std::string(kid->text) + "` is a species and a parameter",
                      "what is a parameter stays as it is, and no element of the state");
      else
        good &= species(kid);
    }
    return good;
  }
  inferred = true;
  state = d.make(Kind::Param, nameSpan, nameSpan, "u", {nullptr, nullptr}, ast::Unknown);
  for (const Reaction &line : lines)
    for (const Nodes *side : {&line.left, &line.right})
      for (const Node *term : *side)
        if (term->kind == Kind::Named)
          good &= species(term);
  if (network.species.empty() && good)
    return complaint(nameSpan, "`" + std::string(network.name) + "` has no reactions",
                     "write one a line: `A + B -> C, rate = k`");
  return good;
}

/// One direction of a line.
void NetworkBuilder::flow(const Reaction &line, Node *rate, const Nodes &reactants, int64_t sign) {
  Flow &flow = flows.emplace_back();
  flow.span = line.span;
  flow.rate = rate;
  flow.isLaw = rate == line.law;
  flow.change = network.changes.size() - 1;
  flow.sign = sign;
  for (const Node *term : reactants) {
    if (term->kind != Kind::Named || flow.isLaw)
      continue;
    auto at = numbers.find(term->text);
    int64_t count = term->kids[0] ? std::stoll(std::string(term->kids[0]->text)) : 1;
    for (int64_t i = 0; i < count; ++i)
      if (at == numbers.end())
        flow.held.push_back(name(term->nameSpan, term->text));
      else
        flow.factors.push_back(at->second);
  }
  std::sort(flow.factors.begin(), flow.factors.end());
}

bool NetworkBuilder::readLine(const Reaction &line) {
  std::map<int32_t, int64_t> change;
  bool good = true;
  for (const Nodes *side : {&line.left, &line.right})
    for (const Node *term : *side) {
      const Node *written = term->kind == Kind::Number ? term : term->kids[0];
      std::string text(written ? written->text : "1");
      bool isWhole = text.size() <= 3 && text.find_first_not_of("0123456789") == text.npos;
      int64_t count = isWhole ? std::stoll(text) : -1;
      if (term->kind == Kind::Number) {
        if (count != 0 || side->size() > 1)
          good = complaint(term->span, "found `" + text + "`, expected a species",
                           "`0` alone stands for nothing: `0 -> X, rate = k`");
        continue;
      }
      good &= species(term);
      if (count < 1 || count > maxMolecules)
        good = complaint(written->span,
                         "a species takes part with 1 to " + std::to_string(maxMolecules) +
                             " molecules, found `" + text + "`",
                         "");
      auto at = numbers.find(term->text);
      if (at != numbers.end() && good)
        change[at->second] += side == &line.left ? -count : count;
    }
  if (line.law && (line.rate || line.reverse))
    good = complaint(line.law->span, "a reaction has a `rate` or a `law`",
                     "`rate` is what the reactants are multiplied by, `law` the whole speed");
  else if (!line.law && !line.rate)
    good = missing(line.span, "this reaction has no rate",
                   "write `rate = k` for mass action, or `law = ...` "
                   "for its whole speed");
  else if (!line.law && line.reversible && !line.reverse)
    good = missing(line.span, "this reaction goes both ways, but has one rate",
                   "write `reverse = k` behind "
                   "`rate = k`");
  else if (line.reverse && !line.reversible)
    good = complaint(line.reverse->span, "this reaction goes one way: it has no `reverse`",
                     "write `<->` for both ways");
  if (!good)
    return false;
  auto &changes = network.changes.emplace_back();
  for (auto [at, count] : change)
    if (count != 0)
      changes.emplace_back(at, count);
  flow(line, line.law ? line.law : line.rate, line.left, 1);
  if (line.reverse)
    flow(line, line.reverse, line.right, -1);
  return true;
}

bool NetworkBuilder::read(const std::vector<Reaction> &lines, Node *params, Span nameSpan) {
  if (!header(lines, params, nameSpan))
    return false;
  bool good = true;
  for (const Reaction &line : lines)
    good &= readLine(line);
  return good;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::string_view NetworkBuilder::keep(std::string text) {
  auto [at, isNew] = kept.try_emplace(std::move(text));
  if (isNew) {
    file.strings.push_back(at->first);
    at->second = file.strings.back();
  }
  return at->second;
}

Node *NetworkBuilder::number(std::string text, Span at) {
  return d.make(Kind::Number, at, at, keep(std::move(text)));
}

Node *NetworkBuilder::binary(const char *op, Node *left, Node *right, Span at) {
  return left ? d.binary(at, left, at, op, right) : right;
}

Node *NetworkBuilder::let(Span at, std::string_view text, Node *value) {
  return d.make(Kind::Let, at, at, {}, {name(at, text), nullptr, value});
}

/// A list with the element type of the state, which numbers alone would not have.
Node *NetworkBuilder::letVector(std::string_view text, Nodes parts) {
  Node *type =
      d.make(Kind::TensorType, span, span, element(), {number(std::to_string(parts.size()), span)});
  return d.make(Kind::Let, span, span, {}, {name(span, text), type, array(std::move(parts))});
}

Node *NetworkBuilder::call(const char *function, Nodes arguments) {
  return d.after(Kind::Call, span, span, name(span, function), std::move(arguments));
}

Node *NetworkBuilder::array(Nodes parts) {
  return d.make(Kind::Array, span, span, {}, std::move(parts));
}

Node *NetworkBuilder::integers(const std::vector<int32_t> &numbers) {
  Nodes parts;
  for (int32_t one : numbers)
    parts.push_back(number(std::to_string(one), span));
  return array(std::move(parts));
}

/// The constant of a flow with the factors that are parameters.
Node *NetworkBuilder::withHeld(const Flow &flow) {
  Node *value = flow.rate;
  for (Node *one : flow.held)
    value = binary("*", value, one, flow.rate->span);
  return value;
}

/// The species that an expression names.
void NetworkBuilder::mentioned(const Node *n, std::set<int32_t> &found) const {
  if (n->kind == Kind::Name)
    if (auto at = numbers.find(n->text); at != numbers.end())
      found.insert(at->second);
  ast::eachPart(n, [&](const Node *kid) {
    if (kid)
      mentioned(kid, found);
  });
}

/// `let X = u[3]` for what is used by its name.
void NetworkBuilder::bindSpecies(Nodes &lines, bool factorsToo) {
  std::set<int32_t> used;
  for (const Flow &flow : flows) {
    mentioned(flow.rate, used);
    if (factorsToo)
      used.insert(flow.factors.begin(), flow.factors.end());
  }
  for (int32_t one : used) {
    Nodes parts{name(span, state->text), number(std::to_string(one), span)};
    lines.push_back(let(span, network.species[size_t(one)],
                        d.make(Kind::Index, span, span, {}, std::move(parts))));
  }
}

/// Of each species the flows that change it, and by how many molecules.
std::vector<std::vector<std::pair<int32_t, int64_t>>> NetworkBuilder::terms() const {
  std::vector<std::vector<std::pair<int32_t, int64_t>>> found(network.species.size());
  for (size_t i = 0; i < flows.size(); ++i)
    for (auto [at, count] : network.changes[flows[i].change])
      found[size_t(at)].emplace_back(int32_t(i), count * flows[i].sign);
  return found;
}

void NetworkBuilder::writtenOut(Nodes &lines) {
  bindSpecies(lines, true);
  // No name of a program has a blank.
  auto speed = [&](size_t i) { return keep("flow " + std::to_string(i)); };
  // What is wrong with a rate is said where it stands.
  for (size_t i = 0; i < flows.size(); ++i) {
    Span at = flows[i].rate->span;
    Node *value = withHeld(flows[i]);
    for (int32_t factor : flows[i].factors)
      value = binary("*", value, name(at, network.species[size_t(factor)]), at);
    lines.push_back(let(at, speed(i), value));
    lines.back()->kids[1] = d.make(Kind::TensorType, at, at, element());
  }
  Nodes sums;
  for (const auto &all : terms()) {
    Node *sum = nullptr;
    for (auto [flow, count] : all) {
      Node *term = name(flows[size_t(flow)].rate->span, speed(size_t(flow)));
      int64_t size = count < 0 ? -count : count;
      if (size != 1)
        term = binary("*", number(std::to_string(size) + ".0", span), term, term->span);
      if (!sum && count < 0)
        sum = d.make(Kind::Unary, term->span, term->span, "-", {term});
      else
        sum = binary(count < 0 ? "-" : "+", sum, term, term->span);
    }
    sums.push_back(sum ? sum : number("0.0", span));
  }
  lines.push_back(array(std::move(sums)));
}

/// The speeds of all flows, which are sorted by how many factors they have, and a 0 behind them.
Node *NetworkBuilder::speeds(Nodes &lines) {
  // Equal constants, which large networks have many of, are computed once.
  std::map<std::string, int32_t> known;
  std::vector<int32_t> constants;
  Nodes rates, laws, parts;
  for (const Flow &flow : flows) {
    if (flow.isLaw) {
      laws.push_back(flow.rate);
      continue;
    }
    std::string text(
        source.substr(flow.rate->span.begin, flow.rate->span.end - flow.rate->span.begin));
    for (const Node *one : flow.held)
      text += " * " + std::string(one->text);
    auto [at, isNew] = known.try_emplace(std::move(text), int32_t(rates.size()));
    if (isNew)
      rates.push_back(withHeld(flow));
    constants.push_back(at->second);
  }
  if (!rates.empty())
    lines.push_back(letVector(keep("rate constants"), std::move(rates)));
  for (size_t begin = 0, end; begin < constants.size(); begin = end) {
    size_t count = flows[begin].factors.size();
    end = begin;
    while (end < constants.size() && flows[end].factors.size() == count)
      ++end;
    auto group = [&](auto of) {
      std::vector<int32_t> found;
      for (size_t i = begin; i < end; ++i)
        found.push_back(of(i));
      return integers(found);
    };
    Node *value = call("take", {name(span, keep("rate constants")),
                                group([&](size_t i) { return constants[i]; })});
    for (size_t f = 0; f < count; ++f)
      value = binary("*", value, call("take", {name(span, state->text), group([&](size_t i) {
                                                 return flows[i].factors[f];
                                               })}),
                     span);
    parts.push_back(value);
  }
  if (!laws.empty()) {
    lines.push_back(letVector(keep("laws"), std::move(laws)));
    parts.push_back(name(span, keep("laws")));
  }
  parts.push_back(array({number("0.0", span)}));
  return call("concat", std::move(parts));
}

void NetworkBuilder::inTables(Nodes &lines) {
  bindSpecies(lines, false);
  std::stable_sort(flows.begin(), flows.end(), [](const Flow &x, const Flow &y) {
    return std::pair(x.isLaw, x.factors.size()) < std::pair(y.isLaw, y.factors.size());
  });
  Node *value = speeds(lines);
  lines.push_back(let(span, keep("flows"), value));
  ode::TermTables tables = ode::termTables(terms(), int32_t(flows.size()));
  Nodes sums;
  for (const ode::TermTable &table : tables.tables) {
    Nodes places, factors;
    for (size_t l = 0; l < table.places.size(); ++l) {
      places.push_back(integers(table.places[l]));
      Nodes row;
      for (int64_t factor : table.factors[l])
        row.push_back(number(std::to_string(factor < 0 ? -factor : factor) + ".0", span));
      for (size_t s = 0; s < row.size(); ++s)
        if (table.factors[l][s] < 0)
          row[s] = d.make(Kind::Unary, span, span, "-", {row[s]});
      factors.push_back(array(std::move(row)));
    }
    Node *terms = binary("*", call("take", {name(span, keep("flows")), array(std::move(places))}),
                         array(std::move(factors)), span);
    Node *axis = d.make(Kind::Named, span, span, "axis", {number("0", span)});
    sums.push_back(call("sum", {terms, axis}));
  }
  Node *all = sums.size() == 1 ? sums[0] : call("concat", std::move(sums));
  lines.push_back(call("take", {all, integers(tables.order)}));
}

Node *NetworkBuilder::body() {
  size_t terms = 0;
  for (const Flow &flow : flows)
    terms += network.changes[flow.change].size();
  Nodes lines;
  if (network.species.size() <= maxWrittenSpecies && terms <= maxWrittenTerms)
    writtenOut(lines);
  else
    inTables(lines);
  return d.make(Kind::Block, span, span, {}, std::move(lines));
}

//===----------------------------------------------------------------------===//
// For the grammar
//===----------------------------------------------------------------------===//

void Driver::reaction(Span span, Span arrow, Nodes left, Nodes right, Nodes settings,
                      bool reversible) {
  Reaction line;
  line.span = span;
  line.arrow = arrow;
  line.left = std::move(left);
  line.right = std::move(right);
  line.reversible = reversible;
  for (Node *setting : settings) {
    Node **place = setting->text == "rate"      ? &line.rate
                   : setting->text == "reverse" ? &line.reverse
                   : setting->text == "law"     ? &line.law
                                                : nullptr;
    if (!place)
      error(code::E0135, setting->nameSpan,
            "a reaction has no `" + std::string(setting->text) + "`")
          .help = "it has `rate`, with `<->` also `reverse`, or `law`";
    else if (*place)
      error(code::E0135, setting->nameSpan, "`" + std::string(setting->text) + "` is given twice");
    else
      *place = setting->kids[0];
  }
  network.push_back(std::move(line));
}

Node *Driver::reactions(Node *named, Span span, Node *params, Node *mode, Node *body) {
  std::vector<Reaction> lines = std::move(network);
  network.clear();
  Node *broken = failed(span);
  bool good = (!params || params->kind == Kind::Params) && !hasErrors(body->span);
  NetworkBuilder builder(*this, file, text, body->span);
  builder.network.name = named->text;
  if (!good || !builder.read(lines, params, named->nameSpan))
    return fn(named, span, {broken, broken, nullptr, broken, nullptr, nullptr});
  size_t count = builder.network.species.size();
  file.strings.push_back(std::to_string(count));
  Node *state = builder.state;
  const Node *written = state->kids[0];
  Span at = written ? written->span : named->nameSpan;
  Node *size = make(Kind::Number, at, at, file.strings.back());
  state->kids[0] =
      make(Kind::TensorType, at, at, written ? written->text : std::string_view("f64"), {size});
  if (!params)
    params = make(Kind::Params, named->nameSpan, named->nameSpan, {}, {state});
  Node *block = builder.body();
  file.networks.push_back(std::move(builder.network));
  named->network = &file.networks.back();
  Nodes parts{make(Kind::Generics, named->nameSpan), params, state->kids[0], block, nullptr, mode};
  return fn(named, span, std::move(parts));
}
