/*===- weights.c - The weights of a module, from wherever they lie --------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Files are mapped, so that loading takes no time and processes share the memory.
 * Tensors are copied only where a file has them at another alignment, transposed or in the order of
 * another model's products.
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include "runtime/core/weights.h"
#include "runtime/core/errors.h"
#include "runtime/core/orders.h"
#include "runtime/core/pages.h"
#include "runtime/core/words.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { alignment = 64 };

void mad_weights_release(mad_weight_memory *memory) {
  if (memory->map)
    munmap(memory->map, memory->mapped);
  mad_pages_give(memory->copies, memory->copied);
  mad_pages_give(memory->wide, memory->widened);
  memset(memory, 0, sizeof *memory);
}

void mad_stored_free(mad_stored_list *list) {
  free(list->tensors);
  free(list->head);
  memset(list, 0, sizeof *list);
}

uint64_t mad_stored_bytes(const int64_t *shape, uint32_t rank, mad_dtype dtype) {
  uint64_t bytes = mad_dtype_size(dtype);
  for (uint32_t i = 0; i < rank; ++i)
    if (shape[i] < 0 || __builtin_mul_overflow(bytes, (uint64_t)shape[i], &bytes))
      return UINT64_MAX;
  return bytes;
}

static uint64_t sumOf(const void *data, uint64_t bytes) {
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, data, bytes);
  return mad_checksum_value(&sum);
}

/*===- Matching -------------------------------------------------------------===*/

typedef struct weights_job {
  const mad_artifact *artifact;
  const char *path;
  int replaces; /* a file that the host named, instead of that of the build */
  mad_verify verify;
  mad_error *error;
  mad_stored_list list;
} weights_job;

static const mad_stored *findName(const mad_stored_list *list, const char *name, size_t guess) {
  if (guess < list->count && strcmp(list->tensors[guess].name, name) == 0)
    return &list->tensors[guess];
  for (size_t i = 0; i < list->count; ++i)
    if (strcmp(list->tensors[i].name, name) == 0)
      return &list->tensors[i];
  return NULL;
}

static int sameShape(const mad_weight *weight, const mad_stored *found, int transposed) {
  if (found->rank != (uint32_t)weight->rank)
    return 0;
  for (int32_t i = 0; i < weight->rank; ++i)
    if (found->shape[transposed ? weight->rank - 1 - i : i] != weight->shape[i])
      return 0;
  return 1;
}

/* The tensor for a weight; `transposed` says whether it is in the order of the source.
 * A file of another program is read as the model's own would be, or by the names of the
 * weights where it has none of those. */
static mad_status match(const weights_job *job, size_t number, const mad_stored **found,
                        int *transposed) {
  const mad_weight *weight = &job->artifact->weights[number];
  *transposed = 0;
  *found = NULL;
  if (job->list.foreign && weight->source) {
    *found = findName(&job->list, weight->source, number);
    *transposed = *found && weight->transposed && weight->rank == 2;
  }
  if (!*found)
    *found = findName(&job->list, weight->name, number);
  if (!*found)
    return mad_error_no_weight(job->error, job->path, weight, job->list.foreign);
  const int fits = (*found)->panels ? mad_order_known(weight, *found)
                                    : sameShape(weight, *found, *transposed) ||
                                          (!*transposed && mad_order_known(weight, *found));
  if ((*found)->dtype != weight->dtype || !fits)
    return mad_error_weight_type(job->error, job->path, weight, *found, *transposed);
  if (!job->replaces && weight->checksum && (*found)->checksum != weight->checksum)
    return mad_error_other_weights(job->error, job->path, weight);
  return MAD_OK;
}

/* Whether a tensor that fits lies in panels. */
static int inPanels(const mad_weight *weight, const mad_stored *stored) {
  return stored->rank != (uint32_t)weight->rank;
}

static int inOrder(const mad_weight *weight, const mad_stored *stored) {
  return inPanels(weight, stored) ? mad_order_same(weight, stored) : !weight->panel;
}

static int mustCopy(const mad_weight *weight, const mad_stored *stored, int transposed) {
  return transposed || !inOrder(weight, stored) || stored->data % alignment != 0 ||
         stored->dtype == MAD_BOOL;
}

static uint64_t roundUp(uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

static void copyTensor(char *to, const char *from, const mad_weight *weight, int transposed) {
  if (weight->dtype == MAD_BOOL) { /* another program may take any byte for true */
    for (uint64_t i = 0; i < weight->bytes; ++i)
      to[i] = from[i] != 0;
    return;
  }
  if (!transposed) {
    memcpy(to, from, weight->bytes);
    return;
  }
  const size_t size = mad_dtype_size(weight->dtype);
  const int64_t rows = weight->shape[0], columns = weight->shape[1];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      memcpy(to + (size_t)(i * columns + j) * size, from + (size_t)(j * rows + i) * size, size);
}

/* From another order, by way of rows where both are panels. */
static mad_status reorder(const weights_job *job, char *to, const char *from,
                          const mad_weight *weight, const mad_stored *stored, int transposed) {
  if (!inPanels(weight, stored)) {
    mad_order_pack(weight, to, from, transposed);
    return MAD_OK;
  }
  if (!weight->panel) {
    mad_order_unpack(weight, stored, to, from);
    return MAD_OK;
  }
  const uint64_t bytes = mad_order_plain_bytes(weight);
  char *rows = mad_pages_take(bytes);
  if (!rows && bytes > 0)
    return mad_error_memory(job->error, "a weight in another order", bytes);
  mad_order_unpack(weight, stored, rows, from);
  mad_order_pack(weight, to, rows, 0);
  mad_pages_give(rows, bytes);
  return MAD_OK;
}

/* Fills `data` from the mapped file. All tensors are known to fit. */
static mad_status place(const weights_job *job, const void **data, mad_weight_memory *memory) {
  uint64_t copied = 0;
  const mad_stored *found = NULL;
  int transposed = 0;
  for (int32_t i = 0; i < job->artifact->num_weights; ++i) {
    const mad_weight *weight = &job->artifact->weights[i];
    const mad_status status = match(job, (size_t)i, &found, &transposed);
    if (status != MAD_OK)
      return status;
    if (mustCopy(weight, found, transposed))
      copied += roundUp(weight->bytes);
  }
  if (copied > 0 && !(memory->copies = mad_pages_take(copied)))
    return mad_error_memory(job->error, "a copy of the weights", copied);
  memory->copied = copied;
  char *next = memory->copies;
  for (int32_t i = 0; i < job->artifact->num_weights; ++i) {
    const mad_weight *weight = &job->artifact->weights[i];
    mad_status status = match(job, (size_t)i, &found, &transposed);
    if (status != MAD_OK)
      return status;
    const char *from = (const char *)memory->map + found->data;
    if (job->verify == MAD_VERIFY_ALL && found->checksum) {
      const uint64_t sum = sumOf(from, found->bytes);
      if (sum != found->checksum)
        return mad_error_weight_checksum(job->error, job->path, weight, sum, found->checksum);
    }
    data[i] = from;
    if (mustCopy(weight, found, transposed)) {
      if (inOrder(weight, found))
        copyTensor(next, from, weight, transposed);
      else if ((status = reorder(job, next, from, weight, found, transposed)) != MAD_OK)
        return status;
      data[i] = next;
      next += roundUp(weight->bytes);
    }
  }
  return MAD_OK;
}

/*===- Files ----------------------------------------------------------------===*/

static mad_status readList(const mad_file *file, mad_stored_list *list) {
  uint64_t magic = 0;
  if (file->bytes < sizeof magic)
    return mad_error_not_weights(file->error, file->path);
  const mad_status status = mad_file_read(file, &magic, sizeof magic, 0);
  if (status != MAD_OK)
    return status;
  return magic == MAD_WEIGHTS_MAGIC ? mad_weights_read(file, list)
                                    : mad_safetensors_read(file, list);
}

static mad_status useFile(weights_job *job, const void **data, mad_weight_memory *memory) {
  mad_file file;
  mad_status status = mad_file_open(job->path, &file, job->error);
  if (status == MAD_FILE_ERROR && !job->replaces && access(job->path, F_OK) != 0)
    return mad_error_side_file(job->error, job->path, job->artifact->name, errno);
  if (status != MAD_OK)
    return status;
  status = readList(&file, &job->list);
  if (status == MAD_OK)
    status = mad_file_map(&file, &memory->map);
  if (status == MAD_OK) {
    memory->mapped = file.bytes;
    status = place(job, data, memory);
  }
  /* Those of the build are what it wrote, as far as checksums say. */
  if (status == MAD_OK && job->replaces)
    status = mad_words_check(job->artifact, data, job->path, job->error);
  mad_stored_free(&job->list);
  mad_file_close(&file);
  if (status != MAD_OK)
    mad_weights_release(memory);
  return status;
}

/* The file of the build, in the folder of the library that holds the artifact. */
static mad_status besideLibrary(const mad_artifact *artifact, char **path, mad_error *error) {
  Dl_info info;
  /* The artifact itself may have been copied into the program; what it points to is
   * where it was. */
  if (!dladdr(artifact->weights_file, &info) || !info.dli_fname)
    return mad_error_side_file(error, artifact->weights_file, artifact->name, ENOENT);
  const char *slash = strrchr(info.dli_fname, '/');
  const size_t folder = slash ? (size_t)(slash - info.dli_fname) + 1 : 0;
  const size_t bytes = folder + strlen(artifact->weights_file) + 1;
  *path = malloc(bytes);
  if (!*path)
    return mad_error_memory(error, "a path", bytes);
  memcpy(*path, info.dli_fname, folder);
  strcpy(*path + folder, artifact->weights_file);
  return MAD_OK;
}

static mad_status insideArtifact(const weights_job *job, const void **data) {
  for (int32_t i = 0; i < job->artifact->num_weights; ++i) {
    const mad_weight *weight = &job->artifact->weights[i];
    data[i] = weight->data;
    if (job->verify != MAD_VERIFY_ALL || !weight->checksum)
      continue;
    const uint64_t sum = sumOf(weight->data, weight->bytes);
    if (sum != weight->checksum)
      return mad_error_weight_checksum(job->error, job->artifact->name, weight, sum,
                                       weight->checksum);
  }
  return MAD_OK;
}

mad_status mad_weights_find(const mad_artifact *artifact, const mad_load_options *options,
                            const void **data, mad_weight_memory *memory, mad_error *error) {
  weights_job job = {artifact, options->weights, options->weights != NULL, options->verify, error,
                     {0}};
  memset(memory, 0, sizeof *memory);
  if (artifact->num_weights == 0)
    return job.replaces ? mad_error_replaces_none(error, options->weights, artifact->name) : MAD_OK;
  if (job.replaces)
    return useFile(&job, data, memory);
  if (!artifact->weights_file)
    return insideArtifact(&job, data);
  char *path = NULL;
  mad_status status = besideLibrary(artifact, &path, error);
  if (status != MAD_OK)
    return status;
  job.path = path;
  status = useFile(&job, data, memory);
  free(path);
  return status;
}

/*===- X.weights ------------------------------------------------------------===*/

static mad_status checkHeader(const mad_file *f, mad_weights_header *header) {
  if (f->bytes < sizeof *header)
    return mad_error_cut(f->error, f->path, "its header", sizeof *header, f->bytes);
  const mad_status status = mad_file_read(f, header, sizeof *header, 0);
  if (status != MAD_OK)
    return status;
  header->compiler[sizeof header->compiler - 1] = 0;
  if (header->version < 1 || header->version > MAD_WEIGHTS_VERSION)
    return mad_error_weights_version(f->error, f->path, header);
  if (header->size != sizeof *header || header->head_bytes < sizeof *header)
    return mad_error_weights_damaged(f->error, f->path, "its header has another size");
  if (header->file_bytes != f->bytes)
    return mad_error_file_size(f->error, f->path, f->bytes, header->file_bytes);
  if (header->head_bytes > f->bytes)
    return mad_error_cut(f->error, f->path, "its table", header->head_bytes, f->bytes);
  if (header->num_weights > (header->head_bytes - sizeof *header) / sizeof(mad_weights_record))
    return mad_error_weights_damaged(f->error, f->path, "its table is too short");
  return MAD_OK;
}

static const char *takeRecord(const mad_weights_header *header, const char *head,
                              const mad_weights_record *record, mad_stored *stored) {
  const uint64_t end = header->head_bytes;
  if (record->name >= end || !memchr(head + record->name, 0, end - record->name))
    return "a name does not end";
  const uint64_t note = record->name + strlen(head + record->name) + 1;
  if (header->version >= 3 && (note >= end || !memchr(head + note, 0, end - note)))
    return "a note does not end";
  if (record->shape % 8 != 0 || record->shape > end ||
      record->rank > (end - record->shape) / sizeof(int64_t))
    return "a shape lies outside of the table";
  stored->name = head + record->name;
  stored->shape = (const int64_t *)(const void *)(head + record->shape);
  stored->rank = record->rank;
  stored->dtype = (mad_dtype)record->dtype;
  stored->panels = record->panels;
  stored->weave = record->weave;
  stored->note = header->version >= 3 ? head + note : NULL;
  stored->data = record->data;
  stored->bytes = record->bytes;
  stored->checksum = record->checksum;
  if (mad_dtype_size(stored->dtype) == 0)
    return "an element type is not known";
  if (mad_stored_bytes(stored->shape, stored->rank, stored->dtype) != record->bytes)
    return "a shape does not fit the number of bytes";
  if (record->data % alignment != 0 || record->data > header->file_bytes ||
      record->bytes > header->file_bytes - record->data)
    return "a weight lies outside of the file";
  return mad_order_fault(stored);
}

mad_status mad_weights_read(const mad_file *f, mad_stored_list *list) {
  mad_weights_header header;
  mad_status status = checkHeader(f, &header);
  if (status != MAD_OK)
    return status;
  /* One more, since nothing may be asked for where there are no weights. */
  list->head = malloc(header.head_bytes);
  list->tensors = calloc(header.num_weights + 1, sizeof *list->tensors);
  if (!list->head || !list->tensors)
    return mad_error_memory(f->error, "the table of a file of weights", header.head_bytes);
  status = mad_file_read(f, list->head, header.head_bytes, 0);
  if (status != MAD_OK)
    return status;
  char *head = list->head;
  memset(head + offsetof(mad_weights_header, checksum), 0, sizeof header.checksum);
  const uint64_t sum = sumOf(head, header.head_bytes);
  if (sum != header.checksum)
    return mad_error_checksum(f->error, f->path, sum, header.checksum);
  const mad_weights_record *records = (const void *)(head + sizeof header);
  for (uint64_t i = 0; i < header.num_weights; ++i) {
    const char *fault = takeRecord(&header, head, &records[i], &list->tensors[i]);
    if (fault)
      return mad_error_weights_damaged(f->error, f->path, fault);
  }
  list->count = header.num_weights;
  return MAD_OK;
}
