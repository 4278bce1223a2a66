// States, threads and pools of the C++ wrapper, on the model of states.c.
#include "mad.hpp"

#include "artifact.h"
#include <cstdio>

extern "C" const mad_artifact *states_artifact(void);

static int failures = 0;
#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::printf("line %d: %s\n", __LINE__, #condition);                                          \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

int main() {
  mad::Module model(*states_artifact());
  mad::Pool pool(2);
  EXPECT(pool.threads() == 2);
  mad::Context context(model);
  context.use(pool);
  std::vector<float> state = {0, 0, 0};
  const std::vector<float> x = {1, 2, 3};
  context.call<>("add", state, x);
  context.callInto("add", state, x);
  EXPECT(state == (std::vector<float>{2, 4, 6}));
  mad::Tensor<float> tensor(mad::Shape{3});
  for (float &element : tensor)
    element = 1;
  EXPECT(context.tryCall<>("add", tensor, x));
  EXPECT(tensor[0] == 2 && tensor[2] == 4);

  const std::vector<float> constant = state;
  const mad::Status status = context.tryCallInto("add", constant, x);
  EXPECT(!status && status.message == "`s` of `add` is a state: the call writes to it, but it is "
                                      "constant");
  EXPECT(context.tryCall<float>("add", state, x).status().message == "`add` has 0 results, not 1");
  EXPECT(!context.tryCall<>("add", state, state));
  EXPECT(state == constant);

  std::vector<float> large(100000, 2.0f);
  const float expected = 2.0f * 2.0f * 1e-38f;
  context.setThreads(1);
  for (int i = 0; i < 2; ++i) {
    const mad::Tensor<float> y = context.call<float>("square", large);
    EXPECT(y[0] == expected && y[99999] == expected);
    context.use(pool);
  }
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
  return failures != 0;
}
