// Normalisations and softmax.
#ifndef NNCC_NN_NORM
#define NNCC_NN_NORM

include "dialects/nn/NNBase.td"

#endif
