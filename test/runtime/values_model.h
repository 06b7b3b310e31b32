/* What the tests know of the model in values_model.c. */
#ifndef NNCC_TEST_RUNTIME_VALUES_MODEL_H
#define NNCC_TEST_RUNTIME_VALUES_MODEL_H

#include "nncc/abi.h"

enum { VALUES_S, VALUES_O, VALUES_T, VALUES_Q, VALUES_N, VALUES_X, VALUES_COUNT };
#define VALUES_PARTS 13

/* Values of x[0]. */
#define VALUES_WRONG_ROWS 1e30f /* the rank in the first row of s comes out as one more */

#ifdef __cplusplus
extern "C"
#endif
    const nncc_descriptor *
    nncc_model_values(void);

#endif
