/*===- errors.c - Every failure of the runtime, by name -------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "runtime/core/errors.h"
#include "runtime/core/cpu.h"
#include "runtime/core/weights.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes the message; a longer one ends with "..." after a whole character. */
__attribute__((format(printf, 3, 4))) static mad_status fail(mad_error *error, mad_status status,
                                                             const char *format, ...) {
  if (!error)
    return status;
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  if (length < 0)
    error->message[0] = 0;
  if (length >= (int)sizeof error->message) {
    size_t end = sizeof error->message - 4;
    while (end > 0 && ((unsigned char)error->message[end] & 0xc0) == 0x80)
      --end;
    memcpy(error->message + end, "...", 4);
  }
  return status;
}

static const char *reason(int code, char *buffer, size_t size) {
  if (strerror_r(code, buffer, size) != 0)
    snprintf(buffer, size, "error %d", code);
  return buffer;
}

static const char *level(int32_t number, char *buffer, size_t size) {
  if (number == 0)
    snprintf(buffer, size, "x86-64");
  else
    snprintf(buffer, size, "x86-64-v%" PRId32, number);
  return buffer;
}

//===- Arguments of calls ---------------------------------------------------===//

mad_status mad_error_null(mad_error *error, const char *what) {
  return fail(error, MAD_INVALID_ARGUMENT, "%s is a null pointer", what);
}

mad_status mad_error_no_entry(mad_error *error, int32_t number, int32_t count) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "there is no entry %" PRId32 ", the module has %" PRId32
              " (`mad_module_find` gives the number of a name)",
              number, count);
}

mad_status mad_error_count(mad_error *error, const mad_entry *entry, const char *kind,
                           int32_t count, int32_t expected) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "`%s` was called with %" PRId32 " %s%s, expected %" PRId32, entry->info.name, count,
              kind, count == 1 ? "" : "s", expected);
}

#define OPERAND "%s `%s` of `%s`"
#define NAMES(at) (at)->kind, (at)->info->name, (at)->entry->info.name

mad_status mad_error_rank(mad_error *error, const mad_operand *at, int32_t rank) {
  return fail(error, MAD_INVALID_ARGUMENT, OPERAND " has rank %" PRId32 ", expected %" PRId32,
              NAMES(at), rank, at->info->rank);
}

mad_status mad_error_dtype(mad_error *error, const mad_operand *at, mad_dtype dtype) {
  return fail(error, MAD_INVALID_ARGUMENT, OPERAND " has elements of type %s, expected %s",
              NAMES(at), mad_dtype_name(dtype), mad_dtype_name(at->info->dtype));
}

mad_status mad_error_no_shape(mad_error *error, const mad_operand *at) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " has rank %" PRId32 " but its shape is a null pointer", NAMES(at),
              at->info->rank);
}

mad_status mad_error_negative(mad_error *error, const mad_operand *at, int32_t dim,
                              int64_t extent) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " has extent %" PRId64 " in dimension %" PRId32
                      " (`%s`), expected at least 0",
              NAMES(at), extent, dim, at->info->dims[dim]);
}

mad_status mad_error_too_long(mad_error *error, const mad_operand *at, int32_t dim,
                              int64_t extent) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " has extent %" PRId64 " in dimension %" PRId32
                      " (`%s`), expected at most %" PRId64,
              NAMES(at), extent, dim, at->info->dims[dim], MAD_MAX_EXTENT);
}

mad_status mad_error_too_large(mad_error *error, const mad_operand *at) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " has a shape of more bytes than memory can hold", NAMES(at));
}

mad_status mad_error_no_data(mad_error *error, const mad_operand *at) {
  return fail(error, MAD_INVALID_ARGUMENT, OPERAND " has a null pointer for its data", NAMES(at));
}

mad_status mad_error_misaligned(mad_error *error, const mad_operand *at) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "the data of " OPERAND " is not aligned to its elements of %zu bytes", NAMES(at),
              mad_dtype_size(at->info->dtype));
}

mad_status mad_error_extent(mad_error *error, const mad_operand *at, int32_t dim, int64_t extent,
                            int64_t expected) {
  return fail(error, MAD_SHAPE_MISMATCH,
              OPERAND " has extent %" PRId64 " in dimension %" PRId32 " (`%s`), expected %" PRId64,
              NAMES(at), extent, dim, at->info->dims[dim], expected);
}

mad_status mad_error_overlap(mad_error *error, const mad_operand *at, const mad_operand *other) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " overlaps %s `%s`, an output needs memory of its own", NAMES(at),
              other->kind, other->info->name);
}

mad_status mad_error_state(mad_error *error, const mad_operand *at, const char *input) {
  return fail(error, MAD_INVALID_ARGUMENT,
              OPERAND " is the new value of the state `%s`; its data must be that of the input, or "
                      "a null pointer",
              NAMES(at), input);
}

mad_status mad_error_no_result(mad_error *error, const mad_operand *at, uint64_t bytes) {
  return fail(error, MAD_OUT_OF_MEMORY,
              "the host's allocator gives no memory for " OPERAND ": %" PRIu64 " bytes", NAMES(at),
              bytes);
}

mad_status mad_error_threads(mad_error *error, int32_t threads, int32_t most) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "cannot use %" PRId32 " threads, expected from 1 to %" PRId32 ", or 0 for one a CPU",
              threads, most);
}

//===- Failures inside a call -----------------------------------------------===//

/* The line of that number behind the first one of a text. */
static const char *furtherLine(const char *text, int64_t number) {
  for (int64_t i = 0; i <= number && *text; ++i) {
    text += strcspn(text, "\n");
    text += *text == '\n';
  }
  return text;
}

/* A solve that failed, with `info` as `mad_check` says. */
static mad_status unsolved(mad_error *error, const mad_check *check, const int64_t *info) {
  enum { mostIndices = MAD_INFO_WORDS - 5 };
  const char *place = check->place ? check->place : "", *name = "";
  char indices[mostIndices * 24] = "", accuracy[64] = "";
  double time, last;
  memcpy(&time, &info[0], sizeof time);
  memcpy(&last, &info[2], sizeof last);
  if (info[3] >= 0) {
    name = furtherLine(check->message, info[3]);
    int used = 0;
    for (int i = 0; i < info[4] && i < mostIndices; ++i)
      used += snprintf(indices + used, sizeof indices - (size_t)used, "%s%" PRId64, i ? ", " : "[",
                       info[5 + i]);
    if (used)
      strcpy(indices + used, "]");
  }
  if (!(last < 0)) /* without the sign that a NaN may have */
    snprintf(accuracy, sizeof accuracy, ", last error %.3g times the tolerance",
             __builtin_fabs(last));
  return fail(error, MAD_OUT_OF_RANGE, "%s%s%.*s: at t = %.10g, %s %" PRId64 "%s%.*s%s%s%s", place,
              *place ? ": " : "", (int)strcspn(check->message, "\n"), check->message, time,
              check->kind == 5 ? "trajectory" : "step", info[1], *name ? ", component `" : "",
              (int)strcspn(name, "\n"), name, indices, *name ? "`" : "", accuracy);
}

mad_status mad_error_check(mad_error *error, const mad_check *check, const int64_t *info) {
  const char *place = check->place ? check->place : "";
  const char *colon = *place ? ": " : "";
  switch (check->kind) {
  case 0:
    return fail(error, MAD_SHAPE_MISMATCH, "%s%s%s: found %" PRId64 ", expected %" PRId64, place,
                colon, check->message, info[0], info[1]);
  case 1:
    return fail(error, MAD_SHAPE_MISMATCH, "%s%s%s: found %" PRId64 ", expected at least %" PRId64,
                place, colon, check->message, info[0], info[1]);
  case 3:
    return fail(error, MAD_SHAPE_MISMATCH, "%s%s%s", place, colon, check->message);
  case 4:
  case 5:
    return unsolved(error, check, info);
  default:
    return fail(error, MAD_OUT_OF_RANGE,
                "%s%s%s: found %" PRId64 ", expected 0 <= index < %" PRId64, place, colon,
                check->message, info[0], info[1]);
  }
}

mad_status mad_error_bad_code(mad_error *error, const mad_entry *entry, int32_t code) {
  return fail(error, MAD_INTERNAL,
              "the code of `%s` reports check %" PRId32 " of %" PRId32
              "; this is a fault of the compiler",
              entry->info.name, code, entry->num_checks);
}

mad_status mad_error_bad_arena(mad_error *error, const mad_entry *entry, int64_t bytes) {
  return fail(error, MAD_INTERNAL,
              "the code of `%s` asks for %" PRId64
              " bytes of scratch memory; this is a fault of the compiler",
              entry->info.name, bytes);
}

mad_status mad_error_arena(mad_error *error, const mad_entry *entry, int64_t bytes, size_t held) {
  return fail(error, MAD_OUT_OF_MEMORY,
              "`%s` needs %" PRId64
              " bytes of scratch memory for these shapes, the system does not give them (the "
              "context held %zu bytes)",
              entry->info.name, bytes, held);
}

mad_status mad_error_no_device(mad_error *error) {
  return fail(error, MAD_UNSUPPORTED,
              "the code is for a device, and the context has none (mad_context_set_device)");
}

mad_status mad_error_has_device(mad_error *error) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "the context computes on a GPU, and cannot be given another device");
}

mad_status mad_error_device(mad_error *error, mad_status status, const char *what,
                            const char *reason) {
  return fail(error, status, "`%s` on the device: %s", what, reason);
}

//===- Choosing where to compute ----------------------------------------------===//

mad_status mad_error_device_name(mad_error *error, const char *text, int ofEnvironment) {
  return fail(error, MAD_INVALID_ARGUMENT, "%s `%s`, expected `cpu`, `cuda`, `cuda:1` or `auto`",
              ofEnvironment ? "the environment variable MAD_DEVICE is" : "the device is", text);
}

mad_status mad_error_no_cpu_code(mad_error *error, const char *name) {
  return fail(error, MAD_UNSUPPORTED,
              "`%s` has code for GPUs alone; build it with `--target=cpu,cuda`", name);
}

mad_status mad_error_no_cuda_code(mad_error *error, const char *name) {
  return fail(error, MAD_UNSUPPORTED,
              "`%s` has no code for CUDA; build it with `--target=cuda` or `--target=cpu,cuda`",
              name);
}

mad_status mad_error_gpu_number(mad_error *error, int32_t number, int32_t count) {
  if (count <= 0)
    return fail(error, MAD_UNSUPPORTED,
                "there is no GPU on this machine that its CUDA driver can use; use the code for "
                "CPUs");
  return fail(error, MAD_UNSUPPORTED, "there is no GPU `cuda:%d`, expected `cuda:0` to `cuda:%d`",
              number, count - 1);
}

mad_status mad_error_chip(mad_error *error, const char *kernel, int32_t chip, int32_t least) {
  return fail(error, MAD_UNSUPPORTED,
              "the kernel `%s` has no code for this GPU (sm_%d), expected sm_%d or later", kernel,
              chip, least);
}

mad_status mad_error_memory(mad_error *error, const char *what, size_t bytes) {
  return fail(error, MAD_OUT_OF_MEMORY, "no memory for %s: %zu bytes", what, bytes);
}

//===- Artifacts in memory --------------------------------------------------===//

mad_status mad_error_magic(mad_error *error) {
  return fail(error, MAD_BAD_FORMAT,
              "this is not an artifact: its first bytes are not those of one");
}

mad_status mad_error_abi(mad_error *error, uint32_t abi, const char *compiler) {
  return fail(error, MAD_BAD_FORMAT,
              "the artifact has binary interface %" PRIu32 "%s%s, this runtime reads %u; compile "
              "the model again or take the runtime of its compiler",
              abi, *compiler ? ", made by " : "", compiler, MAD_ABI_VERSION);
}

mad_status mad_error_struct_size(mad_error *error, uint32_t size, size_t expected) {
  return fail(error, MAD_BAD_FORMAT, "the head of the artifact has %" PRIu32 " bytes, expected %zu",
              size, expected);
}

mad_status mad_error_inconsistent(mad_error *error, const char *what) {
  return fail(error, MAD_BAD_FORMAT, "the artifact is damaged: %s", what);
}

mad_status mad_error_level(mad_error *error, const char *name, int32_t wanted, int32_t cpu,
                           uint64_t lacking) {
  char a[32], b[32], names[160];
  mad_cpu_names(lacking, names, sizeof names);
  return fail(error, MAD_UNSUPPORTED,
              "artifact `%s` needs a CPU of level %s, this one reaches %s (no %s); compile the "
              "model for %s",
              name, level(wanted, a, sizeof a), level(cpu, b, sizeof b), names, b);
}

mad_status mad_error_options_size(mad_error *error, size_t size, size_t expected) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "the load options have struct_size %zu, this runtime reads %zu; set it to "
              "sizeof(mad_load_options), and leave fields that are not known here at zero",
              size, expected);
}

mad_status mad_error_verify(mad_error *error, int verify) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "the load options have verify %d, expected MAD_VERIFY_CODE or MAD_VERIFY_ALL",
              verify);
}

//===- Artifacts in files ---------------------------------------------------===//

mad_status mad_error_open(mad_error *error, const char *path, int code) {
  char buffer[128];
  return fail(error, MAD_FILE_ERROR, "cannot open `%s`: %s", path,
              reason(code, buffer, sizeof buffer));
}

mad_status mad_error_read(mad_error *error, const char *path, int code) {
  char buffer[128];
  return fail(error, MAD_FILE_ERROR, "cannot read `%s`: %s", path,
              code ? reason(code, buffer, sizeof buffer) : "it became shorter meanwhile");
}

mad_status mad_error_not_regular(mad_error *error, const char *path) {
  return fail(error, MAD_FILE_ERROR, "cannot load `%s`: it is not a regular file", path);
}

mad_status mad_error_short(mad_error *error, const char *path, uint64_t bytes) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` has %" PRIu64 " bytes, too few for a shared library; is it complete?", path,
              bytes);
}

mad_status mad_error_not_elf(mad_error *error, const char *path) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is not a shared library (ELF): it does not start with its magic bytes", path);
}

mad_status mad_error_wrong_elf(mad_error *error, const char *path, const char *what) {
  return fail(error, MAD_BAD_FORMAT, "`%s` is %s, expected a 64-bit shared library for x86-64",
              path, what);
}

mad_status mad_error_cut(mad_error *error, const char *path, const char *what, uint64_t end,
                         uint64_t bytes) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is truncated or damaged: %s ends at byte %" PRIu64 ", the file has %" PRIu64,
              path, what, end, bytes);
}

mad_status mad_error_foreign(mad_error *error, const char *path) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is a shared library, but no compiled model: it has no section %s", path,
              MAD_HEADER_SECTION);
}

mad_status mad_error_header_size(mad_error *error, const char *path, uint64_t size) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is damaged: its section %s has %" PRIu64 " bytes, expected %zu", path,
              MAD_HEADER_SECTION, size, sizeof(mad_file_header));
}

mad_status mad_error_file_abi(mad_error *error, const char *path, const mad_file_header *header) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` has binary interface %" PRIu32
              ", made by %.63s; this runtime reads %u; compile "
              "the model again or take the runtime of its compiler",
              path, header->abi_version,
              /* The first version had no text at this place. */
              header->abi_version < 2 ? "an older compiler" : header->compiler, MAD_ABI_VERSION);
}

mad_status mad_error_file_format(mad_error *error, const char *path,
                                 const mad_file_header *header) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` has format %" PRIu32
              ", made by %.63s; this runtime reads %u; compile the model "
              "again or take the runtime of its compiler",
              path, header->format_version, header->compiler, MAD_FORMAT_VERSION);
}

mad_status mad_error_target(mad_error *error, const char *path, const char *target) {
  return fail(error, MAD_UNSUPPORTED,
              "`%s` is made for %.47s, this runtime is of " MAD_TARGET
              "; compile the model for this machine",
              path, target);
}

mad_status mad_error_file_level(mad_error *error, const char *path, int32_t wanted, int32_t cpu,
                                uint64_t lacking) {
  char a[32], b[32], names[160];
  mad_cpu_names(lacking, names, sizeof names);
  return fail(error, MAD_UNSUPPORTED,
              "`%s` needs a CPU of level %s, this one reaches %s (no %s); compile the model for %s",
              path, level(wanted, a, sizeof a), level(cpu, b, sizeof b), names, b);
}

mad_status mad_error_file_size(mad_error *error, const char *path, uint64_t bytes,
                               uint64_t expected) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is truncated or was changed: it has %" PRIu64 " bytes, expected %" PRIu64, path,
              bytes, expected);
}

mad_status mad_error_checksum(mad_error *error, const char *path, uint64_t found,
                              uint64_t expected) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is damaged or was changed after its build: checksum %016" PRIx64
              ", expected %016" PRIx64,
              path, found, expected);
}

mad_status mad_error_map(mad_error *error, const char *path, int code) {
  char buffer[128];
  return fail(error, MAD_FILE_ERROR, "cannot map `%s` into memory: %s", path,
              reason(code, buffer, sizeof buffer));
}

mad_status mad_error_load(mad_error *error, const char *path, const char *text) {
  return fail(error, MAD_FILE_ERROR, "cannot load `%s`: %s", path, text ? text : "unknown reason");
}

mad_status mad_error_replaced(mad_error *error, const char *path) {
  return fail(error, MAD_FILE_ERROR,
              "another version of `%s` is loaded in this process; destroy its modules first, or "
              "give the new file another name",
              path);
}

mad_status mad_error_no_symbol(mad_error *error, const char *path) {
  return fail(error, MAD_BAD_FORMAT, "`%s` is damaged: it does not export mad_artifact_v1", path);
}

/*===- Files of weights -----------------------------------------------------===*/

mad_status mad_error_side_file(mad_error *error, const char *path, const char *name, int code) {
  char buffer[128];
  return fail(error, MAD_FILE_ERROR,
              "cannot open `%s`, the weights of `%s`: %s; put the file beside the library, or name "
              "it in the load options",
              path, name, reason(code, buffer, sizeof buffer));
}

mad_status mad_error_not_weights(mad_error *error, const char *path) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` is no file of weights: it starts neither like a .weights nor like a "
              ".safetensors file",
              path);
}

mad_status mad_error_weights_version(mad_error *error, const char *path,
                                     const mad_weights_header *header) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` has format %" PRIu32
              ", made by %.63s; this runtime reads 1 to %u; write the file "
              "again or take the runtime of its compiler",
              path, header->version, header->compiler, MAD_WEIGHTS_VERSION);
}

mad_status mad_error_weights_damaged(mad_error *error, const char *path, const char *what) {
  return fail(error, MAD_BAD_FORMAT, "`%s` is damaged: %s", path, what);
}

/* `f32[64, 128]`; `swapped` the other way round. */
static const char *typeText(mad_dtype dtype, const int64_t *shape, uint32_t rank, int swapped,
                            char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", mad_dtype_name(dtype));
  for (uint32_t i = 0; i < rank && used < size; ++i) {
    const int64_t extent = shape[swapped ? rank - 1 - i : i];
    const int length = snprintf(text + used, size - used, "%s%" PRId64 "%s", i ? ", " : "[", extent,
                                i + 1 == rank ? "]" : "");
    used += length > 0 ? (size_t)length : 0;
  }
  return text;
}

mad_status mad_error_no_weight(mad_error *error, const char *path, const mad_weight *weight,
                               int foreign) {
  char a[128];
  typeText(weight->dtype, weight->shape, (uint32_t)weight->rank, 0, a, sizeof a);
  if (weight->computed)
    return fail(error, MAD_BAD_FORMAT,
                "`%s` has no weight `%s`, %s, which the compiler makes when the model is built: "
                "build it again with these weights",
                path, weight->name, a);
  if (foreign && weight->source && strcmp(weight->source, weight->name) != 0)
    return fail(error, MAD_BAD_FORMAT,
                "`%s` has neither `%s` nor `%s`; the model needs this weight as %s", path,
                weight->source, weight->name, a);
  return fail(error, MAD_BAD_FORMAT, "`%s` has no weight `%s`, which the model needs as %s", path,
              weight->name, a);
}

mad_status mad_error_replaces_none(mad_error *error, const char *path, const char *name) {
  return fail(error, MAD_INVALID_ARGUMENT,
              "`%s` replaces no weight: `%s` has none; leave the file out", path, name);
}

mad_status mad_error_weight_type(mad_error *error, const char *path, const mad_weight *weight,
                                 const mad_stored *found, int transposed) {
  char a[128], b[128];
  return fail(
      error, MAD_BAD_FORMAT, "`%s` holds weight `%s` as %s, the model needs %s%s%s", path,
      weight->name, typeText(found->dtype, found->shape, found->rank, 0, a, sizeof a),
      typeText(weight->dtype, weight->shape, (uint32_t)weight->rank, transposed, b, sizeof b),
      transposed ? " (it is declared `transposed`)" : "",
      found->panels ? "; it lies in panels, of a weight with other extents"
      : found->rank == (uint32_t)weight->rank + 1
          ? "; it lies in the order of another model's products, and the file does not say in "
            "which: "
            "write it again with `mad build`, or with plain tensors"
          : "");
}

static const char *const fromBuild =
    "write the file with `mad build`, of a model that declares the weight as this one does";

mad_status mad_error_dictionary(mad_error *error, const char *path, const char *name) {
  return fail(error, MAD_BAD_FORMAT, "`%s` holds another dictionary as `%s`; %s", path, name,
              fromBuild);
}

mad_status mad_error_words_range(mad_error *error, const mad_words_fault *fault) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` holds no words for weight `%.*s`: column %" PRId64 " of matrix %" PRId64
              " has words %" PRId64 " to %" PRId64 " of %" PRId64 "; %s",
              fault->path, fault->length, fault->name, fault->column, fault->matrix, fault->from,
              fault->to, fault->words, fromBuild);
}

mad_status mad_error_words_length(mad_error *error, const mad_words_fault *fault) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` holds no words for weight `%.*s`: those of column %" PRId64
              " of matrix %" PRId64 " have %" PRId64 " elements, the column has %" PRId64 "; %s",
              fault->path, fault->length, fault->name, fault->column, fault->matrix,
              fault->elements, fault->rows, fromBuild);
}

mad_status mad_error_zero_point(mad_error *error, const char *path, const mad_weight *weight,
                                int zero) {
  return fail(
      error, MAD_BAD_FORMAT,
      "`%s` holds %d as a zero point of weight `%s`, expected at most %d, the number of its "
      "codes; %s",
      path, zero, weight->name, (int)weight->bound, fromBuild);
}

mad_status mad_error_other_weights(mad_error *error, const char *path, const mad_weight *weight) {
  return fail(error, MAD_BAD_FORMAT,
              "`%s` holds other numbers for weight `%s` than the library was built with; put back "
              "the file of the build, or name this one in the load options to replace the weights",
              path, weight->name);
}

mad_status mad_error_weight_checksum(mad_error *error, const char *path, const mad_weight *weight,
                                     uint64_t found, uint64_t expected) {
  return fail(error, MAD_BAD_FORMAT,
              "weight `%s` in `%s` is damaged or was changed: checksum %016" PRIx64
              ", expected %016" PRIx64,
              weight->name, path, found, expected);
}
