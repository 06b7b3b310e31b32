// What one thread computes of a kern.window.
#pragma once

#include "targets/kernel/Window.h"

namespace nncc::nvptx {

/// `channels` neighbouring channels of `columns` neighbouring columns.
struct WindowTile {
  int64_t channels = 1, columns = 1;

  /// With the fewest loads and stores for an element, of up to 16 bytes each, of those that leave
  /// enough threads. An element that several columns of a tile need is loaded once.
  static WindowTile of(const Window &window);

  /// Whether the last tile of a row may have columns behind the last one.
  bool hasRest(const Window &window) const;
};

/// Whether the channels of an extra are neighbours from a multiple of `channels` on, or of as many
/// as are in 16 bytes, so that they are loaded together.
bool areExtraChannelsTogether(const Window &window, size_t extra, int64_t channels);

} // namespace nncc::nvptx
