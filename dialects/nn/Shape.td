// Operations that move elements without computing.
#ifndef NNCC_NN_SHAPE
#define NNCC_NN_SHAPE

include "dialects/nn/NNBase.td"

#endif
