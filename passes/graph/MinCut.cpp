#include "passes/graph/MinCut.h"

#include <algorithm>

namespace nncc {

MinCut::Node MinCut::addNode() {
  edges.emplace_back();
  return edges.size() - 1;
}

void MinCut::addEdge(Node from, Node to, int64_t capacity) {
  if (from == to || capacity <= 0)
    return;
  edges[from].push_back({to, static_cast<unsigned>(edges[to].size()), capacity});
  edges[to].push_back({from, static_cast<unsigned>(edges[from].size() - 1), 0});
}

/// Distances from the source over edges with capacity left; whether the sink is reached.
bool MinCut::findLevels() {
  level.assign(edges.size(), -1);
  level[source] = 0;
  std::vector<Node> queue{source};
  for (size_t i = 0; i < queue.size(); ++i)
    for (const Edge &edge : edges[queue[i]])
      if (edge.capacity > 0 && level[edge.to] < 0) {
        level[edge.to] = level[queue[i]] + 1;
        queue.push_back(edge.to);
      }
  return level[sink] >= 0;
}

/// Sends flow along one path that goes up one level per edge, if there is one. Iterative: paths may
/// be as long as the network is deep.
int64_t MinCut::push() {
  std::vector<Node> path{source};
  while (path.back() != sink) {
    Node node = path.back();
    if (next[node] == edges[node].size()) { // a dead end
      if (path.size() == 1)
        return 0;
      path.pop_back();
      ++next[path.back()];
      continue;
    }
    const Edge &edge = edges[node][next[node]];
    if (edge.capacity > 0 && level[edge.to] == level[node] + 1)
      path.push_back(edge.to);
    else
      ++next[node];
  }
  path.pop_back();
  int64_t flow = unbounded;
  for (Node node : path)
    flow = std::min(flow, edges[node][next[node]].capacity);
  for (Node node : path) {
    Edge &edge = edges[node][next[node]];
    edge.capacity -= flow;
    edges[edge.to][edge.reverse].capacity += flow;
  }
  return flow;
}

/// The nodes from which the sink can still be reached.
void MinCut::findSinkSide() {
  sinkSide.assign(edges.size(), false);
  sinkSide[sink] = true;
  std::vector<Node> queue{sink};
  for (size_t i = 0; i < queue.size(); ++i)
    for (const Edge &edge : edges[queue[i]])
      if (!sinkSide[edge.to] && edges[edge.to][edge.reverse].capacity > 0) {
        sinkSide[edge.to] = true;
        queue.push_back(edge.to);
      }
}

int64_t MinCut::solve() {
  int64_t total = 0;
  while (findLevels()) {
    next.assign(edges.size(), 0);
    while (int64_t flow = push())
      total += flow;
  }
  findSinkSide();
  return total;
}

} // namespace nncc
