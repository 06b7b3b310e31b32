// What this machine can do at most.
#pragma once

namespace nncc::tool {

/// Multiplications and additions of float32 per second, in 1e9, on `threads` threads at once: the
/// best of short bursts of fused multiply-add. 0 where it is not known how to measure.
double measurePeakGflops(int threads);

} // namespace nncc::tool
