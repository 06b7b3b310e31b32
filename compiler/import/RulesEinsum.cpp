// Einsum as transposes, reductions and matrix products of two operands at a time.
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "dialects/BroadcastSizes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nncc;

namespace {
// A letter, or a dim of the ellipsis: -1 for its last one, -2 for the one before.
using Labels = SmallVector<int>;

// A tensor with a label for each dim, no label twice.
struct Term {
  Value value;
  Labels labels;
};

class Einsum {
public:
  explicit Einsum(OpBinder &b) : b(b), f{b} {}
  void run();

private:
  bool parse();
  std::optional<Labels> parseTerm(StringRef text, int64_t rank);
  Labels implicitOutput() const;
  bool checkSizes();
  Value takeEvery(Value x, AffineExpr size);
  Term takeDiagonals(Term term);
  Term reduceTo(Term term, const Labels &kept);
  Value arrange(const Term &term, ArrayRef<Labels> groups);
  Term product(const Term &lhs, const Term &rhs, const Labels &needed);
  Labels neededAfter(size_t operand) const;
  AffineExpr unify(int label, AffineExpr known, AffineExpr size);
  Shape shapeOf(const Labels &labels) const;
  AffineExpr sizesOf(const Labels &labels) const;

  OpBinder &b;
  Compose f;
  SmallVector<Term> terms;
  Labels output;
  int ellipsis = 0; // dims of the longest one
  std::map<int, AffineExpr> sizes;
};
} // namespace

static StringRef trimmed(StringRef text) { return text.trim(" "); }

// The labels of one operand; `rank` tells the dims of its ellipsis, -1 where that is the output.
std::optional<Labels> Einsum::parseTerm(StringRef text, int64_t rank) {
  Labels labels;
  const std::string plain = llvm::join(llvm::split(text, ' '), "");
  StringRef rest = plain;
  const bool hasEllipsis = rest.contains("...");
  const int64_t letters = int64_t(rest.size()) - (hasEllipsis ? 3 : 0);
  const int64_t dims = rank < 0 ? ellipsis : rank - letters;
  if (rank >= 0 && (dims < 0 || (dims > 0 && !hasEllipsis))) {
    b.invalid("the equation has " + Twine(letters) + " labels for an operand of " + Twine(rank) +
              " dims");
    return std::nullopt;
  }
  if (rank >= 0)
    ellipsis = std::max(ellipsis, int(dims));
  while (!rest.empty()) {
    if (rest.consume_front("...")) {
      for (int dim = int(dims); dim > 0; --dim)
        labels.push_back(-dim);
    } else if (llvm::isAlpha(rest.front())) {
      labels.push_back(rest.front());
      rest = rest.drop_front();
    } else {
      b.invalid("the equation has '" + rest.take_front() + "' where a letter is expected");
      return std::nullopt;
    }
  }
  return labels;
}

// What the equation leaves out: the ellipsis and the labels that occur once, sorted.
Labels Einsum::implicitOutput() const {
  std::map<int, int> count;
  for (const Term &term : terms)
    for (int label : term.labels)
      ++count[label];
  Labels labels;
  for (auto [label, times] : count) // -n, ..., -1, 'A', ...
    if (label < 0 || times == 1)
      labels.push_back(label);
  return labels;
}

bool Einsum::parse() {
  const StringRef equation = b.string("equation", "");
  auto [inputs, result] = equation.split("->");
  SmallVector<StringRef> parts;
  inputs.split(parts, ',');
  if (parts.size() != b.getInputCount()) {
    b.invalid("the equation '" + equation + "' is for " + Twine(parts.size()) +
              " operands, the node has " + Twine(b.getInputCount()));
    return false;
  }
  for (auto [i, part] : llvm::enumerate(parts)) {
    auto labels = parseTerm(trimmed(part), b.rankOf(b.input(i)));
    if (!labels)
      return false;
    terms.push_back({b.input(i), *labels});
  }
  if (equation.contains("->")) {
    auto labels = parseTerm(trimmed(result), -1);
    if (!labels)
      return false;
    output = *labels;
  } else {
    output = implicitOutput();
  }
  return checkSizes();
}

// The size of a label that stands for two. Sizes of 1 broadcast; whether an open one is 1, a run
// decides for the dims of the ellipsis, which are those of NumPy's broadcasting: letters are equal.
AffineExpr Einsum::unify(int label, AffineExpr known, AffineExpr size) {
  if (known == size || constantOf(size) == 1)
    return known;
  if (constantOf(known) == 1)
    return size;
  const bool broadcasts = label < 0 && !areOfSameSymbols(known, size);
  b.requireZeros(broadcasts ? (known - size) * (known - 1) * (size - 1) : known - size,
                 "a label of the equation stands for the sizes " + b.textOf(known) + " and " +
                     b.textOf(size));
  if (broadcasts)
    return broadcastSize(known, size);
  return constantOf(size) ? size : known;
}

bool Einsum::checkSizes() {
  for (const Term &term : terms)
    for (auto [label, size] : llvm::zip_equal(term.labels, b.shapeOf(term.value))) {
      auto [known, isNew] = sizes.try_emplace(label, size);
      if (!isNew)
        known->second = unify(label, known->second, size);
    }
  for (Term &term : terms) { // what is equal is one expression
    Shape shape = b.shapeOf(term.value);
    for (auto [label, size] : llvm::zip_equal(term.labels, shape))
      if (label > 0 && !constantOf(size))
        size = sizes.at(label);
    term.value = b.reshapeTo(term.value, shape);
  }
  for (auto [i, label] : llvm::enumerate(output))
    if (!sizes.count(label) || llvm::is_contained(ArrayRef(output).take_front(i), label)) {
      b.invalid("the equation's result has a label twice, or one that no operand has");
      return false;
    }
  return !b.hasFailed();
}

Shape Einsum::shapeOf(const Labels &labels) const {
  return llvm::map_to_vector(labels, [&](int label) { return sizes.at(label); });
}

AffineExpr Einsum::sizesOf(const Labels &labels) const {
  return elementCount(shapeOf(labels), b.getBuilder().getContext());
}

// The first one, and each that is size + 1 behind one, of the size^2 elements of the last dim.
Value Einsum::takeEvery(Value x, AffineExpr size) {
  const int64_t last = b.rankOf(x) - 1;
  if (std::optional<int64_t> known = constantOf(size))
    return b.create<nn::SliceOp>({x, b.constant(ArrayRef<int64_t>{0}),
                                  b.constant({*known * *known}), b.constant({last}),
                                  b.constant({*known + 1})});
  Parameters p{b};
  return p.gather(x, f.mul(p.places(size), b.sizes(normalForm(size + 1))), last);
}

// One dim for each label: of equal ones the elements whose indices are equal.
Term Einsum::takeDiagonals(Term term) {
  for (size_t i = 0; i < term.labels.size(); ++i)
    for (size_t j = i + 1; j < term.labels.size();) {
      if (term.labels[i] != term.labels[j]) {
        ++j;
        continue;
      }
      SmallVector<int64_t> perm;
      const Shape whole = b.shapeOf(term.value);
      Shape shape;
      Labels labels;
      for (size_t dim = 0; dim < term.labels.size(); ++dim)
        if (dim != i && dim != j) {
          perm.push_back(dim);
          shape.push_back(whole[dim]);
          labels.push_back(term.labels[dim]);
        }
      const AffineExpr size = whole[i];
      if (size != whole[j])
        return {b.invalid("a label stands twice in one operand for different sizes"), labels};
      perm.append({int64_t(i), int64_t(j)});
      shape.push_back(normalForm(size * size));
      labels.push_back(term.labels[i]);
      Value flat = b.reshapeTo(f.transpose(term.value, perm), shape);
      term = {takeEvery(flat, size), labels};
      if (!term.value)
        return term;
      i = 0;
      j = 1;
    }
  return term;
}

// Sums over the labels that are not kept.
Term Einsum::reduceTo(Term term, const Labels &kept) {
  SmallVector<int64_t> axes;
  Labels labels;
  for (auto [dim, label] : llvm::enumerate(term.labels))
    if (llvm::is_contained(kept, label))
      labels.push_back(label);
    else
      axes.push_back(dim);
  if (axes.empty())
    return term;
  return {f.reduce(nn::ReduceKind::Sum, term.value, axes, false), labels};
}

// The labels in the order of `groups`, one dim for each group of them.
Value Einsum::arrange(const Term &term, ArrayRef<Labels> groups) {
  SmallVector<int64_t> perm;
  Shape full, shape;
  for (const Labels &group : groups) {
    shape.push_back(sizesOf(group));
    for (int label : group) {
      perm.push_back(llvm::find(term.labels, label) - term.labels.begin());
      full.push_back(sizes.at(label));
    }
  }
  Value value = f.transpose(term.value, perm);
  if (value && b.shapeOf(value) != full) // a size of 1 that broadcasts
    value = b.create<nn::ExpandOp>({value, b.sizes(full)});
  return b.reshapeTo(value, shape);
}

Term Einsum::product(const Term &lhs, const Term &rhs, const Labels &needed) {
  Labels batch, left, right, summed;
  for (int label : lhs.labels) {
    const bool inBoth = llvm::is_contained(rhs.labels, label);
    (!inBoth ? left : llvm::is_contained(needed, label) ? batch : summed).push_back(label);
  }
  for (int label : rhs.labels)
    if (!llvm::is_contained(lhs.labels, label))
      right.push_back(label);
  Value result = b.create<nn::MatMulOp>(
      {arrange(lhs, {batch, left, summed}), arrange(rhs, {batch, summed, right})});
  Labels labels = batch;
  labels.append(left);
  labels.append(right);
  return {b.reshapeTo(result, shapeOf(labels)), labels};
}

// The labels of the output and of the operands from `operand` on.
Labels Einsum::neededAfter(size_t operand) const {
  Labels needed = output;
  for (const Term &term : ArrayRef(terms).drop_front(operand))
    needed.append(term.labels);
  return needed;
}

void Einsum::run() {
  if (!parse())
    return;
  for (Term &term : terms) {
    term = takeDiagonals(term);
    if (!term.value)
      return;
  }
  Term result;
  for (size_t i = 0; i < terms.size(); ++i) {
    Labels kept = neededAfter(i + 1);
    if (i > 0)
      kept.append(result.labels);
    Term next = reduceTo(terms[i], kept);
    result = i == 0 ? next : product(result, next, neededAfter(i + 1));
    if (!result.value)
      return;
  }
  SmallVector<Labels> single;
  for (int label : output)
    single.push_back({label});
  b.result(arrange(reduceTo(result, output), single));
}

void nncc::addEinsumRules(Rules &rules) {
  rules.onOp("Einsum", 12, [](OpBinder &b) { Einsum(b).run(); });
}
