#include "compiler/import/SortNodes.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <queue>

using namespace nncc;

std::string nncc::nodeName(const onnx::NodeProto &node, int index) {
  return node.name().empty() ? node.op_type() + "_" + std::to_string(index) : node.name();
}

std::string nncc::describe(const onnx::NodeProto &node, int index) {
  return "node '" + nodeName(node, index) + "' (" + node.op_type() + ")";
}

static void addCapturedNames(const onnx::GraphProto &graph, llvm::StringSet<> &names) {
  llvm::StringSet<> used, defined;
  for (const auto &input : graph.input())
    defined.insert(input.name());
  for (const auto &initializer : graph.initializer())
    defined.insert(initializer.name());
  for (const auto &initializer : graph.sparse_initializer())
    defined.insert(initializer.values().name());
  for (const onnx::NodeProto &node : graph.node()) {
    for (const std::string &output : node.output())
      defined.insert(output);
    for (const auto &name : usedNames(node))
      used.insert(name.getKey());
  }
  for (const auto &output : graph.output())
    used.insert(output.name());
  for (const auto &name : used)
    if (!defined.contains(name.getKey()))
      names.insert(name.getKey());
}

llvm::StringSet<> nncc::usedNames(const onnx::NodeProto &node) {
  llvm::StringSet<> names;
  for (const std::string &input : node.input())
    if (!input.empty())
      names.insert(input);
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      addCapturedNames(attribute.g(), names);
    for (const onnx::GraphProto &graph : attribute.graphs())
      addCapturedNames(graph, names);
  }
  return names;
}

// For each node, the nodes it reads from.
static std::vector<llvm::SmallVector<int, 4>> producersOf(const NodeList &nodes) {
  llvm::StringMap<int> producer;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      producer.try_emplace(output, i);
  std::vector<llvm::SmallVector<int, 4>> result(nodes.size());
  for (int i = 0; i < nodes.size(); ++i)
    for (const auto &name : usedNames(nodes[i]))
      if (auto found = producer.find(name.getKey()); found != producer.end())
        result[i].push_back(found->second);
  return result;
}

// Every node in `pending` reads from another one in it: following producers must come back.
static std::string findCycle(const NodeList &nodes,
                             llvm::ArrayRef<llvm::SmallVector<int, 4>> producers,
                             llvm::ArrayRef<int> pending) {
  int start = int(llvm::find_if(pending, [](int count) { return count > 0; }) - pending.begin());
  llvm::SmallVector<int> path;
  for (int node = start; !llvm::is_contained(path, node);) {
    path.push_back(node);
    start = node = *llvm::find_if(producers[node], [&](int other) { return pending[other] > 0; });
  }
  path.erase(path.begin(), llvm::find(path, start));
  std::reverse(path.begin(), path.end()); // in the direction of the data
  constexpr size_t shown = 8;
  std::string text = "'" + nodeName(nodes[path.back()], path.back()) + "'";
  for (size_t i = 0; i < std::min(shown, path.size()); ++i)
    text += " -> '" + nodeName(nodes[path[i]], path[i]) + "'";
  if (path.size() > shown)
    text += " -> ... (" + std::to_string(path.size()) + " nodes)";
  return text;
}

std::string nncc::sortNodes(NodeList &nodes) {
  const auto producers = producersOf(nodes);
  const int count = nodes.size();
  std::vector<int> pending(count), order;
  std::vector<llvm::SmallVector<int, 4>> users(count);
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready; // keeps a sorted order
  for (int node = 0; node < count; ++node) {
    pending[node] = int(producers[node].size());
    for (int producer : producers[node])
      users[producer].push_back(node);
    if (!pending[node])
      ready.push(node);
  }
  while (!ready.empty()) {
    const int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (int user : users[node])
      if (--pending[user] == 0)
        ready.push(user);
  }
  if (int(order.size()) < count)
    return findCycle(nodes, producers, pending);
  if (llvm::is_sorted(order))
    return "";
  NodeList sorted;
  for (int node : order)
    sorted.Add()->Swap(nodes.Mutable(node));
  nodes.Swap(&sorted);
  return "";
}
