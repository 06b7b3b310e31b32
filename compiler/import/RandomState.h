// Random numbers as NumPy's RandomState gives them for a seed: what the reference implementation of
// ONNX's random operators uses.
#pragma once

#include <optional>
#include <random>

namespace nncc {

/// MT19937 (Matsumoto, Nishimura 1998) seeded by one integer, as numpy.random.RandomState(seed).
class RandomState {
public:
  explicit RandomState(uint32_t seed) : engine(seed) {}

  /// RandomState.random_sample(): 53 bits in [0, 1).
  double uniform();
  /// RandomState.standard_normal(): Marsaglia's polar method, which makes two at a time.
  double normal();

private:
  std::mt19937 engine; // whose sequence the standard fixes
  std::optional<double> second;
};

} // namespace nncc
