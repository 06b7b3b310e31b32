/* Models whose kernels run on a device: see device_model.c. */
#ifndef NNCC_TEST_RUNTIME_DEVICE_MODEL_H
#define NNCC_TEST_RUNTIME_DEVICE_MODEL_H

#include "nncc/abi.h"

/* With so many rows and more, the program asks for memory and for bytes while it runs. */
#define DEVICE_MODEL_ASKS 100
#define DEVICE_MODEL_LEAKS 200 /* rows: fails with memory that it did not free */

/* The network of model.h, for "sm_90a" and for the processor ("generic"). */
const nncc_descriptor *nncc_model_device(void);
/* The same for a device alone. */
const nncc_descriptor *nncc_model_device_only(void);
/* float32[n] -> those that are positive, float32[?]: for a device alone. */
const nncc_descriptor *nncc_model_positive(void);
/* Those of nncc_model_device_only with one image that no driver can load. */
const nncc_descriptor *nncc_model_bad_image(void);

#endif
