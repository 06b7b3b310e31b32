// The cheapest way to cut a directed graph in two.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace nncc {

/// A network with a source and a sink. Capacities are costs of having an edge's tail on the
/// source's side and its head on the sink's.
class MinCut {
public:
  using Node = unsigned;
  static constexpr Node source = 0, sink = 1;
  /// For an edge that must not be cut.
  static constexpr int64_t unbounded = INT64_MAX / 4;

  MinCut() : edges(2) {}
  Node addNode();
  void addEdge(Node from, Node to, int64_t capacity);

  /// Finds a cut of least cost (by Dinic's maximum flow) and returns that cost. Of several, it is
  /// the one with the fewest nodes on the sink's side.
  int64_t solve();
  /// After solve(): whether the node is on the sink's side.
  bool isSinkSide(Node node) const { return sinkSide[node]; }

private:
  struct Edge {
    Node to;
    unsigned reverse; // index of the opposite edge at `to`
    int64_t capacity; // what is left
  };

  bool findLevels();
  int64_t push();
  void findSinkSide();

  std::vector<llvm::SmallVector<Edge, 4>> edges;
  std::vector<int> level;
  std::vector<unsigned> next;
  std::vector<bool> sinkSide;
};

} // namespace nncc
