// A model's values that are no tensors of numbers. They are gone when the model is imported; until
// then one value of their type stands for what they are made of:
//
//   list                  a sequence of known length: the values in it
//   none                  an optional without a value; one that has a value is that value
//   tensor of !nn.string  bytes ui8 [total], lengths i64 of the tensor's shape
//   !nn.sequence          elements [total], rows i64 [count, NNCC_VALUE_ROW]; of strings: bytes
//                         [..], lengths i64 [total], rows
//   !nn.optional          of a tensor: as a sequence of at most one; of a sequence: present i1 [],
//                         then the sequence, which is empty where it is not present
//
// A row is the rank of a tensor, its sizes, and ones; the elements of all tensors of a sequence
// follow each other. Models take and give their values in the same way: nncc_value_info in abi.h.
#pragma once

#include "dialects/nn/NN.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace nncc {

/// A list; of none, `tensor` says what they would be: see nn::SequenceType.
mlir::Value makeList(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange elements,
                     mlir::Type tensor = {});
bool isList(mlir::Value value);
/// Of a value that makeList() gave.
mlir::ValueRange elementsOf(mlir::Value list);

mlir::Value makeNone(mlir::OpBuilder &b, mlir::Location loc);
bool isNone(mlir::Value value);

bool isString(mlir::Type tensor);
/// Whether the value is a tensor of numbers.
bool isNumeric(mlir::Value value);
/// A list or !nn.sequence.
bool isSequence(mlir::Value value);

/// The tensors of numbers that `value` is made of, which is no list of anything else.
llvm::SmallVector<mlir::Value> partsOf(mlir::Value value);
/// The value of this type that is made of them. The shape of a tensor is that of its part.
mlir::Value fromParts(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                      mlir::ValueRange parts);
/// The values of these types whose parts follow each other.
llvm::SmallVector<mlir::Value> fromParts(mlir::OpBuilder &b, mlir::Location loc,
                                         llvm::ArrayRef<mlir::Type> types, mlir::ValueRange parts);

/// What tells a part of an input or output from the others: ".rows"; none for a tensor of numbers.
llvm::SmallVector<llvm::StringRef> partNames(mlir::Type type);
/// The types of the parts of an input; `open` gives a new size for each of those that callers
/// choose.
llvm::SmallVector<mlir::RankedTensorType> partTypes(mlir::Type type,
                                                    llvm::function_ref<mlir::AffineExpr()> open);

/// What is known of the tensors of a sequence or optional, as in nn::SequenceType, of the value.
mlir::Type tensorTypeOf(mlir::Value value);
mlir::Type tensorTypeOf(mlir::Type type); // no list
mlir::Type elementTypeOf(mlir::Type tensor);

/// What is known of tensors of which one or the other is known; null where they differ in elements.
mlir::Type commonTensor(mlir::Type a, mlir::Type b);
/// The type that values of both types can be given: of sequences, optionals, none, and tensors of
/// strings. Null where there is none.
mlir::Type commonType(mlir::Type a, mlir::Type b);
/// The type of the value as a sequence or optional whose length only a run knows.
mlir::Type openTypeOf(mlir::Value value);

/// "a sequence of tensors of float"
std::string describe(mlir::Type type);

} // namespace nncc
