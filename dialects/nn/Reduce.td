// Reductions over axes.
#ifndef NNCC_NN_REDUCE
#define NNCC_NN_REDUCE

include "dialects/nn/NNBase.td"

#endif
