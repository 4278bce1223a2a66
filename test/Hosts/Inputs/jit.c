/* usage: jit MODEL      compiles and calls a model in this process */
#include "mad_compiler.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char *model;

static int call(mad_module *module, const char *entry, float *x, int64_t n, float *y, int64_t m) {
  mad_context *context = NULL;
  mad_error error;
  const int64_t in[2] = {1, n}, out[2] = {1, m};
  const mad_tensor input = {x, in, 2, MAD_F32}, output = {y, out, 2, MAD_F32};
  if (mad_context_create(module, &context, &error) != MAD_OK)
    return 1;
  const mad_status status =
      mad_entry_call(context, mad_module_find(module, entry), &input, 1, &output, 1);
  if (status != MAD_OK)
    printf("%s: %s\n", mad_status_name(status), mad_context_message(context));
  mad_context_destroy(context);
  return status != MAD_OK;
}

static int compileAndCall(const char *path, const mad_compile_options *options, float *x, int64_t n,
                          float *y) {
  mad_compilation *compilation = NULL;
  mad_module *module = NULL;
  mad_error error;
  mad_status status = mad_compile(path, options, &compilation);
  if (status != MAD_OK)
    printf("%s\n%s", mad_status_name(status), mad_compilation_messages(compilation));
  else
    status = mad_module_create(mad_compilation_artifact(compilation), &module, &error);
  int failed = status != MAD_OK || call(module, "apply", x, n, y, 2);
  mad_module_destroy(module);
  mad_compilation_destroy(compilation);
  return failed;
}

static void *work(void *result) {
  float x[3] = {1, 2, 3};
  return compileAndCall(model, NULL, x, 3, result) ? result : NULL;
}

int main(int argc, char **argv) {
  float x[3] = {1, 2, 3}, y[2] = {0};
  model = argv[argc - 1];
  if (compileAndCall(model, NULL, x, 3, y))
    return 1;
  printf("file: %g %g\n", (double)y[0], (double)y[1]);

  mad_compile_options options = {.struct_size = sizeof options};
  options.source = "export fn apply(x: f32[1, 2]) -> f32[1, 2] { x + x }";
  if (compileAndCall("inline.mad", &options, x, 2, y))
    return 1;
  printf("text: %g %g\n", (double)y[0], (double)y[1]);
  /* A failure of the call names the place in the text. */
  compileAndCall("inline.mad", &options, x, 3, y);

  options.source = "export fn apply(x: f32[2]) -> f32[2] { x + [1.0, 2.0, 3.0] }";
  compileAndCall("inline.mad", &options, x, 2, y);
  compileAndCall("missing.mad", NULL, x, 2, y);
  memset(&options, 0, sizeof options);
  printf("%s\n", mad_status_name(mad_compile("x", &options, &(mad_compilation *){0})));
  printf("%s\n", mad_status_name(mad_compile(NULL, NULL, &(mad_compilation *){0})));

  pthread_t threads[3];
  float results[3][2];
  for (int i = 0; i < 3; ++i)
    if (pthread_create(&threads[i], NULL, work, results[i]) != 0)
      return 1;
  int good = 1;
  for (int i = 0; i < 3; ++i) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    good = good && !failed && results[i][0] == 14 && results[i][1] == 32;
  }
  printf("threads: %d\n", good);
  return 0;
}
