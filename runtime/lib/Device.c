/* The devices that there are, and models on them. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

static const Device *const devices[] = {&nnccCudaDevice};
#define NUM_DEVICES (sizeof devices / sizeof *devices)

const Device *nnccDeviceOfKind(int32_t kind) {
  for (size_t i = 0; i < NUM_DEVICES; ++i)
    if (devices[i]->kind == kind && devices[i]->api_version == NNCC_DEVICE_API)
      return devices[i];
  return NULL;
}

const Device *nnccDeviceNamed(const char *name, size_t length) {
  for (size_t i = 0; i < NUM_DEVICES; ++i)
    if (strlen(devices[i]->name) == length && strncmp(devices[i]->name, name, length) == 0)
      return devices[i];
  return NULL;
}

nncc_status nnccFindProgram(nncc_model *model, int32_t ordinal, DeviceProgram **program) {
  nncc_status status = NNCC_OK;
  pthread_mutex_lock(&model->loading);
  LoadedProgram *entry = model->programs;
  while (entry && entry->ordinal != ordinal)
    entry = entry->next;
  if (!entry) {
    entry = malloc(sizeof *entry);
    status = entry ? model->device->load(&model->descriptor, model->weights.data, ordinal,
                                         &entry->program)
                   : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a program");
    if (!status) {
      entry->ordinal = ordinal;
      entry->next = model->programs;
      model->programs = entry;
    } else {
      free(entry);
    }
  }
  if (!status)
    *program = entry->program;
  pthread_mutex_unlock(&model->loading);
  return status;
}

void nnccUnloadPrograms(nncc_model *model) {
  for (LoadedProgram *entry = model->programs, *next; entry; entry = next) {
    next = entry->next;
    model->device->unload(entry->program);
    free(entry);
  }
}
