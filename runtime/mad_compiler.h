/*===- mad_compiler.h - The C interface of the compiler ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Compiles models in the running process: libmad.so, beside libmad_runtime.so.
 * The rules of mad.h hold: failure is a value, no call exits, aborts, throws or
 * prints. Any number of threads may compile at the same time.
 *
 *   mad_compilation *c;
 *   mad_module *m;
 *   if (mad_compile("m.mad", NULL, &c) != MAD_OK)
 *     fputs(mad_compilation_messages(c), stderr);
 *   else if (mad_module_create(mad_compilation_artifact(c), &m, &error) == MAD_OK)
 *     ...                              calls as in mad.h
 *   mad_module_destroy(m);             before its code goes
 *   mad_compilation_destroy(c);
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_COMPILER_H
#define MAD_COMPILER_H

#include "mad.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero in all fields but the first is the default. */
typedef struct mad_compile_options {
  size_t struct_size;  /* sizeof(mad_compile_options) */
  const char *source;  /* the text of the model; null: it is read from `path` */
  const char *weights; /* a file that all weights are read from; null: those that the
                          model names */
  const char *name;    /* of the artifact; null: from `path` */
} mad_compile_options;

typedef struct mad_compilation mad_compilation;

/* Compiles for this machine. With `source`, `path` only names the model in messages and
 * says where the files are that it uses. `options` may be null.
 * `compilation` is set also on failure, for its messages, unless the arguments are wrong
 * or memory is short. MAD_COMPILE_ERROR: the model or its weights have errors. */
MAD_API mad_status mad_compile(const char *path, const mad_compile_options *options,
                               mad_compilation **compilation);
/* What went wrong, each with its place in the source, and after a success warnings; lines of
 * UTF-8, "" if nothing. */
MAD_API const char *mad_compilation_messages(const mad_compilation *compilation);
/* For mad_module_create; null after a failure. Lives as long as the compilation. */
MAD_API const struct mad_artifact *mad_compilation_artifact(const mad_compilation *compilation);
/* Its modules and their contexts must be destroyed before. */
MAD_API void mad_compilation_destroy(mad_compilation *compilation);

#ifdef __cplusplus
}
#endif
#endif /* MAD_COMPILER_H */
