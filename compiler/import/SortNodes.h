// The order of a graph's nodes.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"

#include "onnx/onnx_pb.h"

#include <string>

namespace nncc {

using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

/// How a node is called in messages and locations: its name, or operator and position: "Conv_12".
std::string nodeName(const onnx::NodeProto &node, int index);

/// "node 'conv1' (Conv)".
std::string describe(const onnx::NodeProto &node, int index);

/// The names that `node` reads: its inputs and what its subgraphs capture.
llvm::StringSet<> usedNames(const onnx::NodeProto &node);

/// Puts each node behind the producers of what it reads; keeps the order of a sorted list.
/// Success: empty. Failure: the nodes of one cycle, as "a -> b -> a"; the list is unchanged.
std::string sortNodes(NodeList &nodes);

} // namespace nncc
