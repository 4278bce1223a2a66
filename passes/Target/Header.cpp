//===- Header.cpp - The C header of an artifact -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One typed function an entry over runtime/mad.h, for C99 and C++. Dimensions come
// first, as numbers; from them the function writes the shapes that the runtime then
// checks. Names of the model stay, but for those that C or C++ would not take.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DimExpr.h"
#include "passes/Target/Object.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <set>

using namespace llvm;
using namespace mad;

namespace {
/// Gives each name of the model one that is free in C and C++.
class Names {
public:
  Names() = default;
  explicit Names(std::set<std::string> taken) : taken(std::move(taken)) {}
  std::string free(StringRef wanted) {
    std::string name;
    for (char c : wanted)
      name += isAlnum(c) || c == '_' ? c : '_';
    // `mad_...` are names of mad.h.
    if (name.empty() || isDigit(name.front()) || name.front() == '_' ||
        StringRef(name).starts_with_insensitive("mad_"))
      name = "v" + name;
    while (reserved(name) || !taken.insert(name).second)
      name += '_';
    return name;
  }

private:
  static bool reserved(const std::string &name);
  std::set<std::string> taken;
};

/// How an entry is spelled in C.
struct Signature {
  std::string function;
  int32_t number = 0;
  std::vector<std::string> dims;              ///< those that shapes depend on
  std::map<std::string, std::string> dimName; ///< in C
  std::vector<std::string> inputs, outputs;
};

class Writer {
public:
  Writer(const ArtifactOptions &options, const std::vector<EntryDescription> &entries)
      : options(options), entries(entries), names({options.name + "_artifact"}) {}
  std::string write();

private:
  Signature signature(const EntryDescription &entry, int32_t number);
  void comment(const EntryDescription &entry, const Signature &as);
  void sizeFunction(const ValueDescription &output, const Signature &as, size_t number);
  void shape(const ValueDescription &value, const Signature &as, size_t number);
  std::string tensor(const ValueDescription &value, const std::string &data, size_t shape);
  void function(const EntryDescription &entry, const Signature &as);
  std::string extent(const ValueDescription &value, size_t dim, const Signature &as);
  std::string expression(const DimExpr &dim, const Signature &as);

  const ArtifactOptions &options;
  const std::vector<EntryDescription> &entries;
  Names names; ///< at file scope
  std::string text;
  bool divides = false;
};
} // namespace

/// Keywords of C and C++, and names that common headers define as macros.
bool Names::reserved(const std::string &name) {
  static const char words[] =
      " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
      "char16_t char32_t class co_await co_return co_yield compl concept const const_cast "
      "consteval "
      "constexpr constinit continue decltype default delete do double dynamic_cast else enum "
      "explicit export extern false float for friend goto if inline int long mutable namespace new "
      "noexcept not not_eq nullptr operator or or_eq private protected public register "
      "reinterpret_cast requires restrict return short signed sizeof static static_assert "
      "static_cast struct switch template this thread_local throw true try typedef typeid typename "
      "typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq "
      "linux unix NULL EOF NAN INFINITY TRUE FALSE BUFSIZ RAND_MAX errno stdin stdout stderr "
      "complex I assert "
      "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t uintptr_t ";
  return StringRef(words).contains(" " + name + " ");
}

static const char *elementType(mad_dtype dtype) {
  switch (dtype) {
  case MAD_F32:
    return "float";
  case MAD_F64:
    return "double";
  case MAD_I32:
    return "int32_t";
  case MAD_I64:
    return "int64_t";
  case MAD_BOOL:
  case MAD_U8:
    return "uint8_t";
  case MAD_I8:
    return "int8_t";
  case MAD_F16:
  case MAD_BF16:
    return "uint16_t";
  }
  return "void";
}

static const char *enumerator(mad_dtype dtype) {
  static const char *const list[] = {"MAD_F32", "MAD_F64",  "MAD_I32", "MAD_I64", "MAD_BOOL",
                                     "MAD_F16", "MAD_BF16", "MAD_I8",  "MAD_U8"};
  return list[dtype];
}

static std::set<std::string> symbolsOf(const ValueDescription &value) {
  std::set<std::string> symbols;
  for (size_t i = 0; i < value.dims.size(); ++i)
    if (value.sizes[i] < 0)
      if (auto dim = DimExpr::parse(value.dims[i]))
        symbols.merge(dim->symbols());
  return symbols;
}

Signature Writer::signature(const EntryDescription &entry, int32_t number) {
  Signature made;
  made.number = number;
  made.function = names.free(options.name + "_" + entry.name);
  std::set<std::string> used;
  for (const auto *values : {&entry.inputs, &entry.outputs})
    for (const ValueDescription &value : *values)
      used.merge(symbolsOf(value));
  for (const std::string &dim : entry.dims)
    if (used.erase(dim))
      made.dims.push_back(dim);
  made.dims.insert(made.dims.end(), used.begin(), used.end());

  std::set<std::string> locals = {"context", "inputs_", "outputs_"};
  for (size_t i = 0; i < entry.inputs.size() + entry.outputs.size(); ++i)
    locals.insert("shape" + std::to_string(i) + "_");
  Names local(std::move(locals));
  for (const std::string &dim : made.dims)
    made.dimName[dim] = local.free(dim);
  for (const ValueDescription &input : entry.inputs)
    made.inputs.push_back(local.free(input.name));
  for (const ValueDescription &output : entry.outputs)
    made.outputs.push_back(local.free(output.name));
  return made;
}

std::string Writer::expression(const DimExpr &dim, const Signature &as) {
  std::string sum;
  // The constant comes last, as people write it: `H - 2`.
  DimExpr::Terms sorted = dim.terms();
  SmallVector<std::pair<DimExpr::Monomial, int64_t>> terms(sorted.begin(), sorted.end());
  if (!terms.empty() && terms.front().first.empty())
    std::rotate(terms.begin(), terms.begin() + 1, terms.end());
  for (const auto &[factors, coefficient] : terms) {
    std::string term;
    for (const DimExpr::Atom &atom : factors) {
      term += term.empty() ? "" : " * ";
      if (!atom.division) {
        term += as.dimName.at(atom.text);
        continue;
      }
      divides = true;
      term += "mad_floor_div(" + expression(atom.division->first, as) + ", " +
              expression(atom.division->second, as) + ")";
    }
    std::string size = std::to_string(coefficient);
    bool negative = size.front() == '-';
    if (negative)
      size.erase(0, 1);
    if (term.empty() || size != "1")
      term = term.empty() ? size : size + " * " + term;
    if (sum.empty())
      sum = (negative ? "-" : "") + term;
    else
      sum += (negative ? " - " : " + ") + term;
  }
  return sum.empty() ? "0" : sum;
}

std::string Writer::extent(const ValueDescription &value, size_t dim, const Signature &as) {
  if (value.sizes[dim] >= 0)
    return std::to_string(value.sizes[dim]);
  auto parsed = DimExpr::parse(value.dims[dim]);
  return parsed ? expression(*parsed, as) : "-1";
}

static std::string typeText(const ValueDescription &value) {
  std::string text = mad_dtype_name(value.dtype);
  return value.dims.empty() ? text : text + "[" + join(value.dims, ", ") + "]";
}

/// What would end the comment, or start another, is pulled apart.
static std::string harmless(StringRef text) {
  std::string made;
  for (char c : text) {
    if (!made.empty() && ((made.back() == '*' && c == '/') || (made.back() == '/' && c == '*')))
      made += ' ';
    made += c;
  }
  return made;
}

void Writer::comment(const EntryDescription &entry, const Signature &as) {
  text += "/**\n";
  SmallVector<StringRef> lines;
  StringRef(entry.doc).trim().split(lines, '\n');
  if (!entry.doc.empty()) {
    for (StringRef line : lines)
      text += (" * " + harmless(line.trim("\r"))).substr(0, line.empty() ? 2 : std::string::npos) +
              "\n";
    text += " *\n";
  }
  for (const std::string &dim : as.dims)
    text += " * " + as.dimName.at(dim) + ": a dimension\n";
  for (auto [value, name] : zip(entry.inputs, as.inputs))
    text += " * " + name + ": " + harmless(typeText(value)) +
            (value.state > 0 ? ", updated in place\n" : "\n");
  for (auto [value, name] : zip(entry.outputs, as.outputs))
    if (value.state == 0)
      text += " * " + name + ": " + harmless(typeText(value)) + ", written\n";
  text += " */\n";
}

/// Elements of an output: what a host allocates. A scalar needs no such function.
void Writer::sizeFunction(const ValueDescription &output, const Signature &as, size_t number) {
  if (output.dims.empty() || output.state > 0)
    return;
  std::vector<std::string> parameters, factors;
  std::set<std::string> symbols = symbolsOf(output);
  for (const std::string &dim : as.dims)
    if (symbols.count(dim))
      parameters.push_back("int64_t " + as.dimName.at(dim));
  for (size_t i = 0; i < output.dims.size(); ++i) {
    std::string factor = extent(output, i, as);
    bool simple = all_of(factor, [](char c) { return isAlnum(c) || c == '_'; });
    factors.push_back(simple || output.dims.size() == 1 ? factor : "(" + factor + ")");
  }
  text += "/** Number of elements of `" + as.outputs[number] + "`. */\n";
  text += "static inline int64_t " + names.free(as.function + "_" + output.name + "_size") + "(" +
          (parameters.empty() ? "void" : join(parameters, ", ")) + ") {\n";
  text += "  return " + join(factors, " * ") + ";\n}\n\n";
}

void Writer::shape(const ValueDescription &value, const Signature &as, size_t number) {
  if (value.dims.empty())
    return;
  std::vector<std::string> extents;
  for (size_t i = 0; i < value.dims.size(); ++i)
    extents.push_back(extent(value, i, as));
  text += "  const int64_t shape" + std::to_string(number) + "_[" + std::to_string(extents.size()) +
          "] = {" + join(extents, ", ") + "};\n";
}

std::string Writer::tensor(const ValueDescription &value, const std::string &data, size_t shape) {
  return "{" + data + ", " + (value.dims.empty() ? "NULL" : "shape" + std::to_string(shape) + "_") +
         ", " + std::to_string(value.dims.size()) + ", " + enumerator(value.dtype) + "}";
}

/// `head(parameters) {`, a parameter a line where one line would be too long.
static std::string opening(const std::string &head, const std::vector<std::string> &parameters) {
  std::string line = head + "(" + join(parameters, ", ") + ") {\n";
  return line.size() <= 100 ? line : head + "(\n    " + join(parameters, ",\n    ") + ") {\n";
}

static std::string list(StringRef name, const std::vector<std::string> &tensors) {
  if (tensors.empty())
    return "";
  return ("  const mad_tensor " + name + "[" + Twine(tensors.size()) + "] = {\n      ").str() +
         join(tensors, ",\n      ") + "};\n";
}

void Writer::function(const EntryDescription &entry, const Signature &as) {
  std::vector<std::string> parameters = {"mad_context *context"};
  for (const std::string &dim : as.dims)
    parameters.push_back("int64_t " + as.dimName.at(dim));
  for (auto [value, name] : zip(entry.inputs, as.inputs))
    parameters.push_back(value.state > 0 ? elementType(value.dtype) + (" *" + name)
                         : value.dims.empty()
                             ? elementType(value.dtype) + (" " + name)
                             : "const " + std::string(elementType(value.dtype)) + " *" + name);
  for (auto [value, name] : zip(entry.outputs, as.outputs))
    if (value.state == 0)
      parameters.push_back(elementType(value.dtype) + (" *" + name));

  std::vector<std::string> inputs, outputs;
  text += opening("static inline mad_status " + as.function, parameters);
  for (auto [value, name] : zip(entry.inputs, as.inputs)) {
    shape(value, as, inputs.size());
    // A host's input is const, the data of a `mad_tensor` is not.
    inputs.push_back(tensor(value,
                            value.state > 0      ? name
                            : value.dims.empty() ? "&" + name
                                                 : "(void *)(uintptr_t)" + name,
                            inputs.size()));
  }
  for (auto [value, name] : zip(entry.outputs, as.outputs)) {
    size_t number = inputs.size() + outputs.size();
    shape(value, as, number);
    // A state is passed once, as an input.
    outputs.push_back(tensor(value, value.state > 0 ? "NULL" : name, number));
  }
  text += list("inputs_", inputs) + list("outputs_", outputs);
  text += "  return mad_entry_call(context, " + std::to_string(as.number) + ", " +
          (inputs.empty() ? "NULL" : "inputs_") + ", " + std::to_string(inputs.size()) + ", " +
          (outputs.empty() ? "NULL" : "outputs_") + ", " + std::to_string(outputs.size()) +
          ");\n}\n\n";
}

std::string Writer::write() {
  for (size_t i = 0; i < entries.size(); ++i) {
    Signature as = signature(entries[i], i);
    for (size_t k = 0; k < entries[i].outputs.size(); ++k)
      sizeFunction(entries[i].outputs[k], as, k);
    comment(entries[i], as);
    function(entries[i], as);
  }
  std::string guard = "MAD_MODEL_" + StringRef(options.name).upper() + "_H";
  std::string head = "/* The model `" + options.name +
                     "`, compiled by mad. Made by the compiler: do not edit. */\n"
                     "#ifndef " +
                     guard + "\n#define " + guard +
                     "\n\n#include \"mad.h\"\n\n"
                     "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                     "/** For `mad_module_create`, in programs that are linked with lib" +
                     options.name +
                     ".so;\n * others call `mad_module_load` with its path. */\n"
                     "extern const struct mad_artifact " +
                     options.name + "_artifact;\n\n";
  if (divides)
    head += "#ifndef MAD_FLOOR_DIV\n#define MAD_FLOOR_DIV\n"
            "static inline int64_t mad_floor_div(int64_t a, int64_t b) {\n"
            "  if (b == 0)\n    return -1;\n"
            "  return a / b - (a % b != 0 && (a < 0) != (b < 0));\n}\n#endif\n\n";
  return head + text + "#ifdef __cplusplus\n}\n#endif\n#endif /* " + guard + " */\n";
}

std::string mad::header(const ArtifactOptions &options,
                        const std::vector<EntryDescription> &entries) {
  return Writer(options, entries).write();
}
