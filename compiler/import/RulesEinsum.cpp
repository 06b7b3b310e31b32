// Einsum as transposes, reductions and matrix products of two operands at a time.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

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
  Term takeDiagonals(Term term);
  Term reduceTo(Term term, const Labels &kept);
  Value arrange(const Term &term, ArrayRef<Labels> groups);
  Term product(const Term &lhs, const Term &rhs, const Labels &needed);
  Labels neededAfter(size_t operand) const;
  int64_t sizesOf(const Labels &labels) const;

  OpBinder &b;
  Compose f;
  SmallVector<Term> terms;
  Labels output;
  int ellipsis = 0; // dims of the longest one
  std::map<int, int64_t> sizes;
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

bool Einsum::checkSizes() {
  for (const Term &term : terms)
    for (auto [label, size] : llvm::zip_equal(term.labels, b.fixedShapeOf(term.value))) {
      auto [known, isNew] = sizes.try_emplace(label, size);
      if (known->second == 1)
        known->second = size;
      else if (!isNew && size != 1 && size != known->second) {
        b.invalid("a label of the equation stands for the sizes " + Twine(known->second) + " and " +
                  Twine(size));
        return false;
      }
    }
  for (auto [i, label] : llvm::enumerate(output))
    if (!sizes.count(label) || llvm::is_contained(ArrayRef(output).take_front(i), label)) {
      b.invalid("the equation's result has a label twice, or one that no operand has");
      return false;
    }
  return true;
}

int64_t Einsum::sizesOf(const Labels &labels) const {
  int64_t product = 1;
  for (int label : labels)
    product *= sizes.at(label);
  return product;
}

// One dim for each label: of equal ones the elements whose indices are equal.
Term Einsum::takeDiagonals(Term term) {
  for (size_t i = 0; i < term.labels.size(); ++i)
    for (size_t j = i + 1; j < term.labels.size();) {
      if (term.labels[i] != term.labels[j]) {
        ++j;
        continue;
      }
      SmallVector<int64_t> perm, shape;
      Labels labels;
      for (size_t dim = 0; dim < term.labels.size(); ++dim)
        if (dim != i && dim != j) {
          perm.push_back(dim);
          shape.push_back(b.fixedShapeOf(term.value)[dim]);
          labels.push_back(term.labels[dim]);
        }
      const int64_t size = b.fixedShapeOf(term.value)[i], last = perm.size();
      if (size != b.fixedShapeOf(term.value)[j])
        return {b.invalid("a label stands twice in one operand for different sizes"), labels};
      perm.append({int64_t(i), int64_t(j)});
      shape.push_back(size * size);
      labels.push_back(term.labels[i]);
      Value flat = b.reshape(f.transpose(term.value, perm), shape);
      term = {
          b.create<nn::SliceOp>({flat, b.constant(ArrayRef<int64_t>{0}), b.constant({size * size}),
                                 b.constant({last}), b.constant({size + 1})}),
          labels};
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
  SmallVector<int64_t> perm, full, shape;
  for (const Labels &group : groups) {
    shape.push_back(sizesOf(group));
    for (int label : group) {
      perm.push_back(llvm::find(term.labels, label) - term.labels.begin());
      full.push_back(sizes.at(label));
    }
  }
  Value value = f.transpose(term.value, perm);
  if (value && b.fixedShapeOf(value) != ArrayRef<int64_t>(full)) // a size of 1 that broadcasts
    value = b.create<nn::ExpandOp>({value, b.constant(full)});
  return b.reshape(value, shape);
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
  SmallVector<int64_t> shape;
  for (int label : labels)
    shape.push_back(sizes.at(label));
  return {b.reshape(result, shape), labels};
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
