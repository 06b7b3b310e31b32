/* What the tests know of the model in model.c. */
#ifndef NNCC_TEST_RUNTIME_MODEL_H
#define NNCC_TEST_RUNTIME_MODEL_H

#include "nncc/abi.h"

#define MODEL_WEIGHTS                                                                              \
  { 1, 2, 3, 4, 0.5f } /* w and the bias */
#define MODEL_WEIGHTS_SIZE 20
#define MODEL_WEIGHTS_HASH UINT64_C(0x6edca61717cf2fb7)

/* Values of x[0,0]. */
#define MODEL_ENDLESS 1e30f /* runs until it is cancelled */
#define MODEL_LEAK 1e31f    /* fails without a message and with memory that it did not free */

#ifdef __cplusplus
extern "C"
#endif
    const nncc_descriptor *
    nncc_model_small(void);

#endif
