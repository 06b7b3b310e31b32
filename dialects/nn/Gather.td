// Operations that select elements by index.
#ifndef NNCC_NN_GATHER
#define NNCC_NN_GATHER

include "dialects/nn/NNBase.td"

#endif
