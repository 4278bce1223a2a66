//===- mad.hpp - Compiled models in C++ ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++17 over mad.h, header only. What owns something is movable and gives it back:
//
//   mad::Module model("libmodel.so");
//   mad::Context context(model);                         // one a thread
//   std::vector<float> x = ...;
//   mad::Tensor<float> p = context.call<float>("classify", mad::view(x, {3, 2}));
//   auto [sum, count] = context.call<float, int64_t>("statistics", x);
//
// Arguments are numbers, vectors (rank 1), views and tensors; they are passed as they
// lie in memory. Results are allocated when their extents are known. Failures are
// exceptions (mad::Error); functions named `try...` answer with a mad::Result instead
// and need no exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_HPP
#define MAD_HPP

#include "mad.h"
#if __has_include("mad_compiler.h")
#include "mad_compiler.h"
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace mad {

using Shape = std::vector<int64_t>;

//===- Halves ---------------------------------------------------------------===//

namespace detail {
inline uint32_t bitsOf(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}
inline float floatOf(uint32_t bits) {
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}
/// Without the last `count` bits, rounded to the nearest, ties to even; 0 < count < 32.
inline uint32_t dropBits(uint32_t bits, uint32_t count) {
  const uint32_t kept = bits >> count, rest = bits & ((1u << count) - 1), half = 1u << (count - 1);
  return kept + (rest > half || (rest == half && (kept & 1)) ? 1 : 0);
}
} // namespace detail

/// An element of type f16 (IEEE binary16): two bytes that hold a number. Made of a float
/// with rounding to nearest, ties to even; becomes a float by itself, to compute with.
struct f16 {
  uint16_t bits = 0;
  f16() = default;
  explicit f16(float number) : bits(round(detail::bitsOf(number))) {}
  static f16 fromBits(uint16_t bits) {
    f16 made;
    made.bits = bits;
    return made;
  }
  operator float() const {
    const uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31u, tail = bits & 1023u;
    if (exponent == 31)
      return detail::floatOf(sign | 0x7f800000u | tail << 13);
    if (exponent == 0) // steps of 2^-24
      return (sign ? -1.0f : 1.0f) * static_cast<float>(tail) * 5.9604644775390625e-8f;
    return detail::floatOf(sign | (exponent + 112) << 23 | tail << 13);
  }

private:
  static uint16_t round(uint32_t number) {
    const uint32_t sign = number >> 16 & 0x8000u, size = number & 0x7fffffffu, exponent = size >> 23;
    uint32_t made;
    if (size > 0x7f800000u)
      made = 0x7e00u | (size >> 13 & 1023u); // NaN
    else if (size >= 0x477ff000u)
      made = 0x7c00u; // from 65520 on: infinity
    else if (exponent >= 113)
      made = detail::dropBits(size - (112u << 23), 13);
    else if (exponent >= 102) // a multiple of 2^-24
      made = detail::dropBits((size & 0x7fffffu) | 0x800000u, 126 - exponent);
    else
      made = 0;
    return static_cast<uint16_t>(sign | made);
  }
};

/// An element of type bf16, the upper half of a float; as f16.
struct bf16 {
  uint16_t bits = 0;
  bf16() = default;
  explicit bf16(float number) : bits(round(detail::bitsOf(number))) {}
  static bf16 fromBits(uint16_t bits) {
    bf16 made;
    made.bits = bits;
    return made;
  }
  operator float() const { return detail::floatOf(static_cast<uint32_t>(bits) << 16); }

private:
  static uint16_t round(uint32_t number) {
    const bool nan = (number & 0x7fffffffu) > 0x7f800000u;
    return static_cast<uint16_t>(nan ? number >> 16 | 0x40u : detail::dropBits(number, 16));
  }
};
static_assert(sizeof(f16) == 2 && sizeof(bf16) == 2, "an element is two bytes");

/// The element type of mad.h for a type of C++.
template <typename T> struct DTypeOf;
template <> struct DTypeOf<float> : std::integral_constant<mad_dtype, MAD_F32> {};
template <> struct DTypeOf<double> : std::integral_constant<mad_dtype, MAD_F64> {};
template <> struct DTypeOf<int32_t> : std::integral_constant<mad_dtype, MAD_I32> {};
template <> struct DTypeOf<int64_t> : std::integral_constant<mad_dtype, MAD_I64> {};
template <> struct DTypeOf<bool> : std::integral_constant<mad_dtype, MAD_BOOL> {};
template <> struct DTypeOf<int8_t> : std::integral_constant<mad_dtype, MAD_I8> {};
template <> struct DTypeOf<uint8_t> : std::integral_constant<mad_dtype, MAD_U8> {};
template <> struct DTypeOf<f16> : std::integral_constant<mad_dtype, MAD_F16> {};
template <> struct DTypeOf<bf16> : std::integral_constant<mad_dtype, MAD_BF16> {};
static_assert(sizeof(bool) == 1, "a bool of a model is one byte");

//===- Failures -------------------------------------------------------------===//

/// What a call answered: a status, and the message where it is not MAD_OK.
struct Status {
  mad_status code = MAD_OK;
  std::string message;
  explicit operator bool() const { return code == MAD_OK; }
};

/// A failure as an exception: `what()` is the message.
class Error : public std::exception {
public:
  explicit Error(Status status) : failure(std::move(status)) {}
  const char *what() const noexcept override { return failure.message.c_str(); }
  mad_status status() const noexcept { return failure.code; }
  const char *statusName() const noexcept { return mad_status_name(failure.code); }

private:
  Status failure;
};

/// Throws. A host that compiles without exceptions has chosen that they end the
/// program, as those of the standard library do there: then also a tensor for which
/// there is no memory.
[[noreturn]] inline void raise(Status status) {
#if defined(__cpp_exceptions)
  throw Error(std::move(status));
#else
  (void)status;
  std::abort();
#endif
}

/// A value, or why there is none.
template <typename T> class Result {
public:
  Result(T value) : held(std::make_unique<T>(std::move(value))) {}
  Result(Status status) : failure(std::move(status)) {}
  explicit operator bool() const { return held != nullptr; }
  const Status &status() const { return failure; }
  T &operator*() & { return *held; }
  T &&operator*() && { return std::move(*held); }
  T *operator->() { return held.get(); }
  /// The value, or an exception.
  T value() && {
    if (!held)
      raise(std::move(failure));
    return std::move(*held);
  }

private:
  std::unique_ptr<T> held;
  Status failure;
};

//===- Tensors --------------------------------------------------------------===//

namespace detail {
inline int64_t elements(const Shape &shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}
struct Free {
  void operator()(void *memory) const { std::free(memory); }
};
} // namespace detail

/// Elements that belong to somebody else, row-major.
template <typename T> class View {
public:
  using Element = std::remove_const_t<T>;
  View(T *data, Shape shape) : elements(data), extents(std::move(shape)) {}
  T *data() const { return elements; }
  const Shape &shape() const { return extents; }
  int64_t size() const { return detail::elements(extents); }
  T &operator[](int64_t i) const { return elements[i]; }
  T *begin() const { return elements; }
  T *end() const { return elements + size(); }

private:
  T *elements;
  Shape extents;
};

template <typename T> View<T> view(T *data, Shape shape) { return {data, std::move(shape)}; }
/// The elements of a vector under a shape; its product must be the vector's size.
template <typename T> View<T> view(std::vector<T> &data, Shape shape) {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements in memory");
  if (detail::elements(shape) != static_cast<int64_t>(data.size()))
    raise({MAD_INVALID_ARGUMENT, "a view has " + std::to_string(detail::elements(shape)) +
                                     " elements, its vector " + std::to_string(data.size())});
  return {data.data(), std::move(shape)};
}
template <typename T> View<const T> view(const std::vector<T> &data, Shape shape) {
  View<T> all = view(const_cast<std::vector<T> &>(data), std::move(shape));
  return {all.data(), all.shape()};
}

/// Elements of its own, aligned to 64 bytes. Movable; `clone` copies.
template <typename T> class Tensor {
public:
  Tensor() : extents{0} {}
  explicit Tensor(Shape shape) : extents(std::move(shape)) {
    const size_t bytes = static_cast<size_t>(size()) * sizeof(T);
    memory.reset(static_cast<T *>(std::aligned_alloc(64, (bytes + 64) / 64 * 64)));
    if (!memory)
      raise({MAD_OUT_OF_MEMORY, "no memory for a tensor of " + std::to_string(bytes) + " bytes"});
  }
  T *data() { return memory.get(); }
  const T *data() const { return memory.get(); }
  const Shape &shape() const { return extents; }
  int64_t size() const { return detail::elements(extents); }
  T &operator[](int64_t i) { return data()[i]; }
  const T &operator[](int64_t i) const { return data()[i]; }
  T *begin() { return data(); }
  T *end() { return data() + size(); }
  const T *begin() const { return data(); }
  const T *end() const { return data() + size(); }
  /// The element of a tensor that has one, such as a result without dimensions.
  T item() const {
    if (size() != 1)
      raise({MAD_INVALID_ARGUMENT,
             "a tensor has " + std::to_string(size()) + " elements; expected one"});
    return memory[0];
  }
  View<T> view() { return {data(), extents}; }
  View<const T> view() const { return {data(), extents}; }
  Tensor clone() const {
    Tensor made(extents);
    for (int64_t i = 0; i < size(); ++i)
      made[i] = (*this)[i];
    return made;
  }

private:
  Shape extents;
  std::unique_ptr<T[], detail::Free> memory;
};

/// An argument of a call. Made implicitly of what a call may be given; what it points
/// to must outlive the call. A state, which the call writes, is not constant.
class Argument {
public:
  template <typename T,
            typename = std::enable_if_t<std::is_arithmetic_v<T> || std::is_same_v<T, f16> ||
                                        std::is_same_v<T, bf16>>>
  Argument(T number) : constant(true), type(DTypeOf<T>::value) {
    new (&scalar) T(number);
  }
  template <typename T>
  Argument(const View<T> &view) : Argument(view.data(), view.shape(), std::is_const_v<T>) {}
  template <typename T>
  Argument(Tensor<T> &tensor) : Argument(tensor.data(), tensor.shape(), false) {}
  template <typename T>
  Argument(const Tensor<T> &tensor) : Argument(tensor.data(), tensor.shape(), true) {}
  template <typename T>
  Argument(std::vector<T> &vector) : Argument(vector.data(), {length(vector)}, false) {}
  template <typename T>
  Argument(const std::vector<T> &vector) : Argument(vector.data(), {length(vector)}, true) {}

  bool isConstant() const { return constant; }
  mad_tensor tensor() {
    return {isScalar() ? scalar : pointer, extents.data(), static_cast<int32_t>(extents.size()),
            type};
  }

private:
  template <typename T>
  Argument(T *data, Shape shape, bool isConstant)
      : pointer(const_cast<std::remove_const_t<T> *>(data)), extents(std::move(shape)),
        constant(isConstant), type(DTypeOf<std::remove_const_t<T>>::value) {}
  template <typename T> static int64_t length(const std::vector<T> &vector) {
    static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements in memory");
    return static_cast<int64_t>(vector.size());
  }
  bool isScalar() const { return extents.empty() && !pointer; }

  alignas(8) unsigned char scalar[8] = {};
  void *pointer = nullptr;
  Shape extents;
  bool constant;
  mad_dtype type;
};

/// Threads for the large loops of calls; contexts may share it. Outlives them.
class Pool {
public:
  /// 0: one for each CPU that this process may use.
  explicit Pool(int32_t threads = 0) {
    mad_error error = {};
    mad_pool *made = nullptr;
    const mad_status status = mad_pool_create(threads, &made, &error);
    if (status != MAD_OK)
      raise({status, error.message});
    pool.reset(made);
  }
  mad_pool *get() const { return pool.get(); }
  int32_t threads() const { return mad_pool_threads(get()); }

private:
  struct Destroy {
    void operator()(mad_pool *p) const { mad_pool_destroy(p); }
  };
  std::unique_ptr<mad_pool, Destroy> pool;
};

namespace detail {
template <typename... Ts> struct ResultsOf {
  using Type = std::tuple<Tensor<Ts>...>;
};
template <typename T> struct ResultsOf<T> {
  using Type = Tensor<T>;
};
template <typename... Ts> using Results = typename ResultsOf<Ts...>::Type;
} // namespace detail

//===- Models ---------------------------------------------------------------===//

#ifdef MAD_COMPILER_H
class Compilation;
#endif

/// A model. Never changes; threads may share it.
class Module {
public:
  /// Loads libX.so, which is verified before its code runs.
  explicit Module(const char *path, const mad_load_options &options = {})
      : Module(tryLoad(path, options).value()) {}
  explicit Module(const std::string &path, const mad_load_options &options = {})
      : Module(path.c_str(), options) {}
  /// An artifact that is linked into the program: `X_artifact` of X.h.
  explicit Module(const mad_artifact &artifact) : Module(tryCreate(artifact).value()) {}
  static Result<Module> tryLoad(const char *path, mad_load_options options = {}) {
    mad_error error = {};
    mad_module *made = nullptr;
    options.struct_size = sizeof options;
    const mad_status status = mad_module_load_with(path, &options, &made, &error);
    return answer(status, made, error);
  }
  static Result<Module> tryCreate(const mad_artifact &artifact) {
    mad_error error = {};
    mad_module *made = nullptr;
    const mad_status status = mad_module_create(&artifact, &made, &error);
    return answer(status, made, error);
  }

  mad_module *get() const { return module.get(); }
  const char *manifest() const { return mad_module_manifest(get()); }
  const char *variant() const { return mad_module_variant(get()); }
  int32_t numEntries() const { return mad_module_num_entries(get()); }
  const mad_entry_info &entry(int32_t index) const { return *mad_module_entry(get(), index); }
  /// Number of an entry, or -1.
  int32_t find(const char *name) const { return mad_module_find(get(), name); }

private:
  friend class Context;
  struct Destroy {
    void operator()(mad_module *m) const { mad_module_destroy(m); }
  };
  explicit Module(mad_module *made) : module(made) {}
  static Result<Module> answer(mad_status status, mad_module *made, const mad_error &error) {
    if (status != MAD_OK)
      return Status{status, error.message};
    return Module(made);
  }
#ifdef MAD_COMPILER_H
  friend class Compilation;
  std::shared_ptr<mad_compilation> code; // destroyed after the module
#endif
  std::unique_ptr<mad_module, Destroy> module;
};

/// The memory of calls: one thread at a time.
class Context {
public:
  explicit Context(const Module &module) : Context(tryCreate(module).value()) {}
  static Result<Context> tryCreate(const Module &module) {
    mad_error error = {};
    mad_context *made = nullptr;
    const mad_status status = mad_context_create(module.get(), &made, &error);
    if (status != MAD_OK)
      return Status{status, error.message};
    return Context(made, module);
  }
  mad_context *get() const { return context.get(); }

  /// How many threads calls may use: 0, the default, is one for each CPU.
  void setThreads(int32_t threads) { check(mad_context_set_threads(get(), threads)); }
  /// Has calls use the threads of a pool.
  void use(const Pool &pool) {
    const mad_executor executor = mad_pool_executor(pool.get());
    check(mad_context_set_executor(get(), &executor));
  }

  /// Calls an entry with one result after `Ts`: a Tensor; none or several: a tuple. A
  /// state is an argument that the call updates, and no result.
  template <typename... Ts, typename... Args>
  detail::Results<Ts...> call(const char *entry, Args &&...arguments) {
    return tryCall<Ts...>(entry, std::forward<Args>(arguments)...).value();
  }
  template <typename... Ts, typename... Args>
  Result<detail::Results<Ts...>> tryCall(const char *entry, Args &&...arguments) {
    std::vector<Argument> held;
    std::vector<mad_tensor> inputs = list(held, std::forward<Args>(arguments)...);
    Call call;
    Status status = shapesOf(entry, inputs, call);
    if (status)
      status = checkTypes(call, {DTypeOf<Ts>::value...});
    if (!status)
      return status;
    auto results = allocate<Ts...>(call.shapes, std::index_sequence_for<Ts...>());
    std::vector<mad_tensor> outputs;
    std::apply([&](auto &...tensor) { (outputs.push_back(tensorOf(tensor)), ...); }, results);
    status = run(call.info, call.entry, held, inputs, outputs);
    if (!status)
      return status;
    if constexpr (sizeof...(Ts) == 1)
      return std::get<0>(std::move(results));
    else
      return results;
  }

  /// Calls an entry whose results go to memory that is there: first the arguments, then
  /// the views or tensors for the results.
  template <typename... Args> void callInto(const char *entry, Args &&...arguments) {
    Status status = tryCallInto(entry, std::forward<Args>(arguments)...);
    if (!status)
      raise(std::move(status));
  }
  template <typename... Args> Status tryCallInto(const char *entry, Args &&...arguments) {
    const int32_t number = mad_module_find(model, entry);
    if (number < 0)
      return missing(entry);
    const mad_entry_info *info = mad_module_entry(model, number);
    std::vector<Argument> held;
    std::vector<mad_tensor> inputs = list(held, std::forward<Args>(arguments)...), outputs;
    const size_t count = std::min(static_cast<size_t>(info->num_inputs), inputs.size());
    outputs.assign(inputs.begin() + static_cast<std::ptrdiff_t>(count), inputs.end());
    for (size_t i = count; i < held.size(); ++i)
      if (held[i].isConstant())
        return {MAD_INVALID_ARGUMENT,
                "the results of `" + std::string(entry) + "` need memory that is not constant"};
    inputs.resize(count);
    return run(info, number, held, inputs, outputs);
  }

  /// Extents of the results for these arguments, of which only type and shape count.
  template <typename... Args> std::vector<Shape> shapes(const char *entry, Args &&...arguments) {
    std::vector<Argument> held;
    std::vector<mad_tensor> inputs = list(held, std::forward<Args>(arguments)...);
    Call call;
    Status status = shapesOf(entry, inputs, call);
    if (!status)
      raise(std::move(status));
    return std::move(call.shapes);
  }

private:
  struct Destroy {
    void operator()(mad_context *c) const { mad_context_destroy(c); }
  };
  struct Call {
    int32_t entry = -1;
    const mad_entry_info *info = nullptr;
    std::vector<Shape> shapes; ///< of the results that are no states
  };
  Context(mad_context *made, const Module &of)
      : model(of.get()),
#ifdef MAD_COMPILER_H
        code(of.code),
#endif
        context(made) {
  }

  template <typename... Ts, size_t... Numbers>
  static std::tuple<Tensor<Ts>...> allocate(const std::vector<Shape> &shapes,
                                            std::index_sequence<Numbers...>) {
    return {Tensor<Ts>(shapes[Numbers])...};
  }
  template <typename... Args>
  static std::vector<mad_tensor> list(std::vector<Argument> &held, Args &&...arguments) {
    held.reserve(sizeof...(arguments));
    (held.emplace_back(arguments), ...);
    std::vector<mad_tensor> tensors;
    tensors.reserve(held.size());
    for (Argument &argument : held)
      tensors.push_back(argument.tensor());
    return tensors;
  }
  template <typename T> static mad_tensor tensorOf(Tensor<T> &tensor) {
    return {tensor.data(), tensor.shape().data(), static_cast<int32_t>(tensor.shape().size()),
            DTypeOf<T>::value};
  }
  void check(mad_status status) const {
    if (status != MAD_OK)
      raise(failure(status));
  }
  Status failure(mad_status status) const { return {status, mad_context_message(get())}; }
  static Status missing(const char *entry) {
    return {MAD_INVALID_ARGUMENT, "the model has no entry `" + std::string(entry) + "`"};
  }

  Status shapesOf(const char *entry, const std::vector<mad_tensor> &inputs, Call &call) {
    call.entry = mad_module_find(model, entry);
    if (call.entry < 0)
      return missing(entry);
    const mad_entry_info *info = call.info = mad_module_entry(model, call.entry);
    size_t ranks = 0;
    for (int32_t i = 0; i < info->num_outputs; ++i)
      ranks += static_cast<size_t>(info->outputs[i].rank);
    Shape extents(ranks + 1);
    const mad_status status = mad_entry_shapes(get(), call.entry, inputs.data(),
                                               static_cast<int32_t>(inputs.size()), extents.data());
    if (status != MAD_OK)
      return failure(status);
    auto at = extents.begin();
    for (int32_t i = 0; i < info->num_outputs; ++i) {
      if (!info->outputs[i].state)
        call.shapes.emplace_back(at, at + info->outputs[i].rank);
      at += info->outputs[i].rank;
    }
    return {};
  }
  static Status checkTypes(const Call &call, std::initializer_list<mad_dtype> types) {
    const std::string name = call.info->name;
    if (call.shapes.size() != types.size())
      return {MAD_INVALID_ARGUMENT, "`" + name + "` has " + std::to_string(call.shapes.size()) +
                                        " results, not " + std::to_string(types.size())};
    const mad_dtype *wanted = types.begin();
    for (int32_t i = 0; i < call.info->num_outputs; ++i) {
      const mad_value_info &output = call.info->outputs[i];
      if (output.state)
        continue;
      if (output.dtype != *wanted)
        return {MAD_INVALID_ARGUMENT, "`" + std::string(output.name) + "` of `" + name + "` is " +
                                          mad_dtype_name(output.dtype) + ", not " +
                                          mad_dtype_name(*wanted)};
      ++wanted;
    }
    return {};
  }
  /// `results` are those that are no states.
  Status run(const mad_entry_info *info, int32_t entry, const std::vector<Argument> &held,
             const std::vector<mad_tensor> &inputs, const std::vector<mad_tensor> &results) {
    std::vector<mad_tensor> outputs = results;
    for (int32_t i = 0; i < info->num_outputs; ++i) {
      const int32_t state = info->outputs[i].state;
      if (!state || static_cast<size_t>(i) > outputs.size() ||
          static_cast<size_t>(state) > inputs.size())
        continue;
      const size_t number = static_cast<size_t>(state) - 1;
      if (held[number].isConstant())
        return {MAD_INVALID_ARGUMENT,
                "`" + std::string(info->inputs[number].name) + "` of `" + info->name +
                    "` is a state: the call writes to it, but it is constant"};
      outputs.insert(outputs.begin() + i, inputs[number]);
    }
    const mad_status status =
        mad_entry_call(get(), entry, inputs.data(), static_cast<int32_t>(inputs.size()),
                       outputs.data(), static_cast<int32_t>(outputs.size()));
    return status == MAD_OK ? Status{} : failure(status);
  }

  mad_module *model; // held by the context
#ifdef MAD_COMPILER_H
  std::shared_ptr<mad_compilation> code; // destroyed after the context
#endif
  std::unique_ptr<mad_context, Destroy> context;
};

//===- Compiling ------------------------------------------------------------===//

#ifdef MAD_COMPILER_H
/// Compiles models in this process; links libmad.so.
class Compilation {
public:
  /// From a file, or from `options.source`. The message of a failure holds each error
  /// with its place in the source.
  static Result<Module> tryCompile(const char *path, mad_compile_options options = {}) {
    mad_compilation *made = nullptr;
    options.struct_size = sizeof options;
    const mad_status status = mad_compile(path, &options, &made);
    std::shared_ptr<mad_compilation> code(made, mad_compilation_destroy);
    if (status != MAD_OK)
      return Status{status, mad_compilation_messages(made)};
    Result<Module> module = Module::tryCreate(*mad_compilation_artifact(made));
    if (module)
      module->code = std::move(code);
    return module;
  }
};

inline Module compile(const char *path, const mad_compile_options &options = {}) {
  return Compilation::tryCompile(path, options).value();
}
#endif

} // namespace mad

#endif // MAD_HPP
