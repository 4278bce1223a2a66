/*===- artifact.c - Artifacts are checked before they are believed --------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"

static int knownValues(const mad_value_info *values, int32_t count) {
  if (count < 0 || (count > 0 && !values))
    return 0;
  for (int32_t i = 0; i < count; ++i)
    if (!values[i].name || mad_dtype_size(values[i].dtype) == 0 || values[i].rank < 0 ||
        (values[i].rank > 0 && !values[i].dims))
      return 0;
  return 1;
}

static int knownWeight(const mad_artifact *artifact, const mad_weight *weight) {
  if (!weight->name || weight->rank < 0 || (weight->rank > 0 && !weight->shape))
    return 0;
  if (weight->panel < 0)
    return 0;
  if (weight->panel > 0 && (weight->rank < 2 || weight->axis < 0 || weight->axis >= weight->rank))
    return 0;
  if (weight->widened &&
      (weight->widened != 1 || (weight->dtype != MAD_F16 && weight->dtype != MAD_BF16)))
    return 0;
  if (weight->weave < 0 || weight->weave > 8)
    return 0;
  if (weight->weave > 0 && (weight->panel != 64 || weight->axis != weight->rank - 1 ||
                            mad_dtype_size(weight->dtype) != 1 ||
                            weight->shape[weight->rank - 2] % (4 * weight->weave) != 0))
    return 0;
  return weight->bytes == 0 || weight->data || artifact->weights_file;
}

/* Both sides of a state name each other. */
static int knownStates(const mad_entry_info *info) {
  for (int32_t i = 0; i < info->num_inputs; ++i) {
    const int32_t other = info->inputs[i].state;
    if (other < 0 || other > info->num_outputs ||
        (other > 0 && info->outputs[other - 1].state != i + 1))
      return 0;
  }
  for (int32_t i = 0; i < info->num_outputs; ++i) {
    const int32_t other = info->outputs[i].state;
    if (other < 0 || other > info->num_inputs ||
        (other > 0 && info->inputs[other - 1].state != i + 1))
      return 0;
  }
  return 1;
}

static const char *faultOfWeights(const mad_artifact *artifact, const int32_t *weights,
                                  int32_t count) {
  if (count < 0 || (count > 0 && !weights))
    return "an entry has no list of weights";
  for (int32_t i = 0; i < count; ++i)
    if (weights[i] < 0 || weights[i] >= artifact->num_weights)
      return "an entry names a weight that is not there";
  return 0;
}

static const char *faultOfEntry(const mad_artifact *artifact, const mad_entry *entry) {
  const mad_entry_info *info = &entry->info;
  if (!info->name || info->num_dims < 0 || (info->num_dims > 0 && !info->dims))
    return "an entry has no name or no dimensions";
  if (!knownValues(info->inputs, info->num_inputs) ||
      !knownValues(info->outputs, info->num_outputs))
    return "an input or output has no name, type or dimensions";
  if (!knownStates(info))
    return "the states of an entry do not fit together";
  if (!entry->prepare || !entry->run)
    return "an entry has no code";
  for (int32_t i = 0; i < artifact->num_variants; ++i)
    if (!entry->run[i] || !entry->prepare[i])
      return "an entry has no code for a variant";
  if (entry->num_checks < 0 || (entry->num_checks > 0 && !entry->checks) ||
      entry->num_prepare_checks < 0 || entry->num_prepare_checks > entry->num_checks)
    return "an entry has no checks";
  const char *fault = faultOfWeights(artifact, entry->weights, entry->num_weights);
  return fault ? fault : faultOfWeights(artifact, entry->device_weights, entry->num_device_weights);
}

static int knownImage(const mad_variant *variant, const mad_image *image) {
  if ((image->kind != MAD_IMAGE_PTX && image->kind != MAD_IMAGE_CUBIN) || !image->data ||
      image->bytes == 0 || image->num_kernels < 0 || (image->num_kernels > 0 && !image->kernels))
    return 0;
  for (int32_t i = 0; i < image->num_kernels; ++i)
    if (image->kernels[i] < 0 || image->kernels[i] >= variant->num_kernels)
      return 0;
  /* The driver reads a text up to its end. */
  return image->kind != MAD_IMAGE_PTX || ((const char *)image->data)[image->bytes - 1] == 0;
}

static const char *faultOfVariant(const mad_variant *variant) {
  if (!variant->name || variant->device < MAD_DEVICE_NONE || variant->device > MAD_DEVICE_CUDA)
    return "a code variant has no name, or a kind that is not known";
  if (variant->num_kernels < 0 || (variant->num_kernels > 0 && !variant->kernels) ||
      variant->num_images < 0 || (variant->num_images > 0 && !variant->images))
    return "a code variant has no kernels or images";
  for (int32_t i = 0; i < variant->num_kernels; ++i)
    if (!variant->kernels[i].name || !variant->kernels[i].place)
      return "a kernel has no name";
  for (int32_t i = 0; i < variant->num_images; ++i)
    if (!knownImage(variant, &variant->images[i]))
      return "an image of kernels is not complete";
  return 0;
}

static const char *fault(const mad_artifact *artifact) {
  if (!artifact->name || !artifact->compiler || !artifact->manifest)
    return "it has no name, compiler or manifest";
  if (artifact->num_variants < 1 || !artifact->variants)
    return "it has no code variants";
  for (int32_t i = 0; i < artifact->num_variants; ++i) {
    const char *text = faultOfVariant(&artifact->variants[i]);
    if (text)
      return text;
  }
  if (artifact->num_weights < 0 || (artifact->num_weights > 0 && !artifact->weights))
    return "its weights are missing";
  for (int32_t i = 0; i < artifact->num_weights; ++i)
    if (!knownWeight(artifact, &artifact->weights[i]))
      return "a weight has no name, shape or data";
  if (artifact->num_entries < 0 || (artifact->num_entries > 0 && !artifact->entries))
    return "its entries are missing";
  for (int32_t i = 0; i < artifact->num_entries; ++i) {
    const char *text = faultOfEntry(artifact, &artifact->entries[i]);
    if (text)
      return text;
  }
  return 0;
}

mad_status mad_artifact_check(const mad_artifact *artifact, int32_t *variant, mad_error *error) {
  if (!artifact)
    return mad_error_null(error, "the artifact");
  if (artifact->magic != MAD_ARTIFACT_MAGIC)
    return mad_error_magic(error);
  /* Of another version nothing but the first two fields is known. */
  if (artifact->abi_version != MAD_ABI_VERSION)
    return mad_error_abi(error, artifact->abi_version, "");
  if (artifact->size != sizeof *artifact)
    return mad_error_struct_size(error, artifact->size, sizeof *artifact);
  const char *text = fault(artifact);
  if (text)
    return mad_error_inconsistent(error, text);

  const uint64_t cpu = mad_cpu_features();
  const mad_variant *least = NULL; /* of those for CPUs */
  int forGpu = 0;
  *variant = -1;
  for (int32_t i = 0; i < artifact->num_variants; ++i) {
    const mad_variant *one = &artifact->variants[i];
    forGpu |= one->device == MAD_DEVICE_CUDA;
    if (one->device == MAD_DEVICE_CUDA)
      continue;
    if (!least)
      least = one;
    if (!(one->features & ~cpu))
      *variant = i;
  }
  if (*variant >= 0 || forGpu)
    return MAD_OK;
  return mad_error_level(error, artifact->name, least->level, mad_cpu_level(),
                         least->features & ~cpu);
}
