//===- SimtDevice.cpp - The emulator as the device of a context --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/SimtDevice.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"

namespace mad {

static SimtDevice *of(void *self) { return static_cast<SimtDevice *>(self); }

/// Few, so that blocks that stay take one tile after the other.
static constexpr int32_t multiprocessors = 3;

std::unique_ptr<SimtDevice> SimtDevice::create(uint64_t seed, int32_t chip) {
  std::unique_ptr<SimtDevice> made(new SimtDevice(seed));
  made->memory = simt_device_create();
  void *status = made->memory ? simt_alloc(made->memory, MAD_STATUS_BYTES) : nullptr;
  // Code of the host that reads what only a GPU could reach faults here, too.
  if (!status || !simt_hide(made->memory))
    return nullptr;
  mad_device &f = made->functions;
  f.self = made.get();
  f.status = status;
  f.launch = [](void *self, const void *kernel, const int64_t *shape, int32_t shared,
                void **params) { return of(self)->launch(kernel, shape, shared, params); };
  f.chip = chip;
  f.multiprocessors = multiprocessors;
  f.tensor_map = [](void *self, void *map, const mad_boxes *boxes) {
    return of(self)->tensorMap(map, *boxes);
  };
  f.read = [](void *self, void *to, const void *from, int64_t bytes) -> int32_t {
    if (simt_download(of(self)->memory, to, from, bytes))
      return 0;
    of(self)->failure = "a copy leaves its memory";
    return 1;
  };
  f.allocate = [](void *self, int64_t bytes) { return of(self)->allocate(bytes); };
  f.release = [](void *self, void *memory) { simt_free(of(self)->memory, memory); };
  f.write = [](void *self, void *to, const void *from, int64_t bytes) -> int32_t {
    if (simt_upload(of(self)->memory, to, from, bytes))
      return 0;
    of(self)->failure = "a copy leaves its memory";
    return 1;
  };
  f.failure = [](void *self, mad_status *) -> const char * {
    std::swap(of(self)->told, of(self)->failure);
    of(self)->failure.clear();
    return of(self)->told.empty() ? nullptr : of(self)->told.c_str();
  };
  return made;
}

/// Programs copy memory of which a part has no value yet. Where one of such parts decided
/// anything, NaN and -1 would show.
void *SimtDevice::allocate(int64_t bytes) {
  void *made = simt_alloc(memory, bytes);
  try {
    std::string nothing(made ? bytes : 0, char(0xff));
    if (made)
      simt_upload(memory, made, nothing.data(), bytes);
  } catch (const std::bad_alloc &) {
    simt_free(memory, made);
    return nullptr;
  }
  return made;
}

SimtDevice::~SimtDevice() { simt_device_destroy(memory); }

static std::string nameOf(const simt_party &party) {
  std::string block = std::to_string(party.block[0]);
  for (int i = 1; i < 3; ++i)
    if (party.block[1] || party.block[2])
      block += "," + std::to_string(party.block[i]);
  return (party.thread < 0 ? "" : "thread " + std::to_string(party.thread) + " of ") + "block " +
         block + " at " + (*party.place ? party.place : "an unknown place");
}

void SimtDevice::found(void *user, const simt_finding *finding) {
  std::string &text = of(user)->failure;
  if (!text.empty())
    return; // the first one says what to look at
  text = std::string(finding->kernel) + ": " + simt_kind_text(finding->kind) + ", " +
         nameOf(finding->at);
  if (*finding->other.place)
    text += "; the other one: " + nameOf(finding->other);
  if (*finding->detail)
    text += std::string(" (") + finding->detail + ")";
}

int32_t SimtDevice::tensorMap(void *map, const mad_boxes &boxes) {
  if (!failure.empty())
    return 1;
  uint64_t sizes[5], strides[5];
  uint32_t box[5];
  for (int64_t i = 0; i < boxes.rank; ++i) {
    if (boxes.sizes[i] <= 0)
      return 0;
    sizes[i] = uint64_t(boxes.sizes[i]);
    box[i] = uint32_t(boxes.box[i]);
    if (i > 0)
      strides[i - 1] = uint64_t(boxes.strides[i]);
  }
  const char *wrong =
      simt_tensor_map(map, /*element_bytes=*/2, uint32_t(boxes.rank),
                      const_cast<void *>(boxes.memory), sizes, strides, box, SIMT_SWIZZLE_128B);
  if (!wrong)
    return 0;
  failure = std::string("a tensor map: ") + wrong;
  return 1;
}

int32_t SimtDevice::launch(const void *kernel, const int64_t *shape, int32_t shared,
                           void **params) {
  if (!failure.empty())
    return 1; // nothing runs on what a failed kernel left
  const auto &described = *static_cast<const simt_kernel *>(kernel);
  if (described.flags & (functions.chip == groupChip ? SIMT_ONLY_OLD : SIMT_ONLY_NEW)) {
    failure = std::string(described.name) + ": a device of chip " + std::to_string(functions.chip) +
              " has no code for this kernel";
    return 1;
  }
  forNewChip |= (described.flags & SIMT_ONLY_NEW) != 0;
  simt_launch launch = {};
  for (int i = 0; i < 3; ++i) {
    if (shape[i] <= 0)
      return 0;
    if (shape[i] > INT32_MAX || shape[3 + i] > INT32_MAX) {
      failure = "a grid is too large";
      return 1;
    }
    launch.grid[i] = uint32_t(shape[i]);
    launch.block[i] = uint32_t(shape[3 + i]);
  }
  launch.dynamic_shared = uint32_t(shared);
  launch.seed = seed++;
  launch.global_races = SIMT_RACES_OF_BLOCKS;
  launch.found = found;
  launch.user = this;
  simt_result result = {};
  if (simt_run(memory, &described, params, &launch, &result) != SIMT_OK)
    failure = result.message;
  return failure.empty() ? 0 : 1;
}

} // namespace mad
