// usage: wrapper LIBRARY MODEL
#include "mad.hpp"

#include <cstdio>
#include <thread>

static int failures = 0;
#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::printf("line %d: %s\n", __LINE__, #condition);                                          \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

template <typename Function> static void refused(mad_status status, const char *text, Function f) {
  try {
    f();
  } catch (const mad::Error &error) {
    if (error.status() == status && std::string(error.what()).find(text) != std::string::npos)
      return;
    std::printf("%s: %s\n", error.statusName(), error.what());
  }
  std::printf("not refused: %s\n", text);
  ++failures;
}

static void calls(const mad::Module &model) {
  mad::Context context(model);
  const std::vector<float> x = {1, 0, 0, 0, 1, 0};
  mad::Tensor<float> y = context.call<float>("apply", mad::view(x, {2, 3}));
  EXPECT((y.shape() == mad::Shape{2, 2}));
  EXPECT(y[0] == 1 && y[1] == 4 && y[2] == 2 && y[3] == 5);
  EXPECT(reinterpret_cast<uintptr_t>(y.data()) % 64 == 0);
  // A result goes on as an argument; several results are a tuple.
  std::vector<double> v = {1, 2};
  auto [scaled, next, equal] = context.call<double, int64_t, bool>("mixed", v, 5, true);
  EXPECT(scaled[0] == 5 && scaled[1] == 10 && next.item() == 6 && equal.item());
  auto [again, last, no] = context.call<double, int64_t, bool>("mixed", scaled, 3, true);
  EXPECT(again[1] == 30 && last.item() == 4 && !no.item());
  EXPECT(context.call<float>("double", 1.5f).item() == 3);
  EXPECT(context.call<float>("apply", mad::View<const float>(nullptr, {0, 3})).size() == 0);
  bool flags[3] = {true, false, true};
  mad::Tensor<bool> mask = context.call<bool>("mask", mad::view(flags, {3}));
  EXPECT(!mask[0] && mask[1] && !mask[2]);
  mad::Tensor<float> copy = y.clone();
  EXPECT(copy.data() != y.data() && copy[3] == 5);
  float sum = 0;
  for (float element : y)
    sum += element;
  EXPECT(sum == 12);

  // Into memory that is there, and the extents beforehand.
  EXPECT((context.shapes("apply", mad::view(x, {2, 3})) == std::vector<mad::Shape>{{2, 2}}));
  std::vector<float> into(4);
  context.callInto("apply", mad::view(x, {2, 3}), mad::view(into, {2, 2}));
  EXPECT(into[1] == 4 && into[2] == 2);

  refused(MAD_SHAPE_MISMATCH, "found 2, expected 3",
          [&] { context.call<float>("apply", mad::view(x, {3, 2})); });
  refused(MAD_SHAPE_MISMATCH, "expected 2",
          [&] { context.callInto("apply", mad::view(x, {2, 3}), mad::view(into, {4, 1})); });
  refused(MAD_INVALID_ARGUMENT, "the model has no entry `missing`",
          [&] { context.call<float>("missing", 1.0f); });
  refused(MAD_INVALID_ARGUMENT, "`result` of `double` is f32, not f64",
          [&] { context.call<double>("double", 1.0f); });
  refused(MAD_INVALID_ARGUMENT, "`mixed` has 3 results, not 1",
          [&] { context.call<double>("mixed", v, 5, true); });
  refused(MAD_INVALID_ARGUMENT, "f64", [&] { context.call<float>("double", 1.0); });
  refused(MAD_INVALID_ARGUMENT, "a view has 9 elements, its vector 6",
          [&] { mad::view(x, {3, 3}); });
  refused(MAD_INVALID_ARGUMENT, "a tensor has 4 elements; expected one", [&] { y.item(); });
  refused(MAD_OUT_OF_RANGE, "found 2, expected 0 <= index < 2",
          [&] { context.call<float>("take", std::vector<float>{1, 2}, std::vector<int64_t>{2}); });
  // The same without exceptions; the context is as good as before.
  mad::Result<mad::Tensor<float>> result = context.tryCall<float>("apply", mad::view(x, {3, 2}));
  EXPECT(!result && result.status().code == MAD_SHAPE_MISMATCH);
  result = context.tryCall<float>("apply", mad::view(x, {2, 3}));
  EXPECT(result && (*result)[3] == 5);
  mad::Status status = context.tryCallInto("apply", mad::view(x, {2, 3}), into);
  EXPECT(!status && status.code == MAD_INVALID_ARGUMENT);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  mad::Module model(argv[1]);
  calls(model);
  std::thread other([&] { calls(model); });
  calls(model);
  other.join();
  EXPECT(std::string(model.variant()).find("x86-64") == 0);
  EXPECT(model.entry(model.find("double")).num_inputs == 1 && model.find("missing") == -1);
  refused(MAD_FILE_ERROR, "cannot open `missing.so`", [] { mad::Module missing("missing.so"); });

  // A context outlives its module, and compiled code both.
  mad::Context context(mad::compile(argv[2]));
  EXPECT(context.call<float>("double", 4.0f).item() == 8);
  mad_compile_options options = {};
  options.source = "export fn one() -> i32 { 1 }";
  mad::Module one = mad::compile("one.mad", options);
  EXPECT(mad::Context(one).call<int32_t>("one").item() == 1);
  options.source = "export fn one() -> i32 { true }";
  refused(MAD_COMPILE_ERROR, "one.mad:1:", [&] { mad::compile("one.mad", options); });
  mad::Result<mad::Module> bad = mad::Compilation::tryCompile("one.mad", options);
  EXPECT(!bad && bad.status().message.find("error[E") == 0);
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
  return failures != 0;
}
