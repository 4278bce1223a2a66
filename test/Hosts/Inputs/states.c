/* The artifact of test/unit/Runtime/Model.c as a library: `add` has a state. */
#include "test/unit/Runtime/Model.c"

static mad_artifact artifact;

__attribute__((visibility("default"))) const mad_artifact *states_artifact(void);
const mad_artifact *states_artifact(void) {
  artifact = test_artifact();
  return &artifact;
}
