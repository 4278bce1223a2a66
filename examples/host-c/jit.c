/*===- jit.c - A C program that compiles a model --------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: jit model.mad
 *
 *===------------------------------------------------------------------------===*/
#include "mad_compiler.h"
#include <stdio.h>

static int call(mad_module *module) {
  float x[3][2] = {{1.0f, 0.0f}, {-1.0f, 1.0f}, {-1.0f, -1.0f}}, p[3][3];
  const int64_t points[2] = {3, 2}, classes[2] = {3, 3};
  const mad_tensor input = {x, points, 2, MAD_F32}, output = {p, classes, 2, MAD_F32};
  mad_context *context = NULL;
  mad_error error;
  if (mad_context_create(module, &context, &error) != MAD_OK)
    return 1;
  const mad_status status =
      mad_entry_call(context, mad_module_find(module, "classify"), &input, 1, &output, 1);
  if (status == MAD_OK)
    printf("compiled: %.4f %.4f %.4f\n", (double)p[0][0], (double)p[0][1], (double)p[0][2]);
  mad_context_destroy(context);
  return status != MAD_OK;
}

static int compileAndCall(const char *path, const mad_compile_options *options) {
  mad_compilation *compilation = NULL;
  mad_module *module = NULL;
  mad_error error;
  mad_status status = mad_compile(path, options, &compilation);
  if (status != MAD_OK)
    printf("%s\n%s", mad_status_name(status), mad_compilation_messages(compilation));
  else
    status = mad_module_create(mad_compilation_artifact(compilation), &module, &error);
  const int bad = status != MAD_OK || call(module);
  /* The code belongs to the compilation: the module goes first. */
  mad_module_destroy(module);
  mad_compilation_destroy(compilation);
  return bad;
}

int main(int argc, char **argv) {
  if (compileAndCall(argc > 1 ? argv[1] : "model.mad", NULL))
    return 1;
  /* A text instead of a file, and a mistake in it. */
  const mad_compile_options options = {.struct_size = sizeof options,
                                       .source = "export fn f[N](x: f32[N]) -> f32[N] { y }"};
  return !compileAndCall("text.mad", &options);
}
