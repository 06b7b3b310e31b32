// TfIdfVectorizer: how often sequences of a pool (n-grams) are in rows of tokens.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

namespace {
// The n-grams of one length.
struct Grams {
  int64_t length;
  SmallVector<int64_t> tokens; // of one n-gram after the other
  SmallVector<int64_t> places; // in the result, of each n-gram

  int64_t count() const { return int64_t(places.size()); }
};
} // namespace

// The pool by length, only of those lengths that count.
static SmallVector<Grams> readGrams(OpBinder &b) {
  auto pool = b.integers("pool_int64s").value_or(SmallVector<int64_t>());
  auto starts = b.integers("ngram_counts").value_or(SmallVector<int64_t>());
  auto places = b.integers("ngram_indexes").value_or(SmallVector<int64_t>());
  const int64_t least = b.integer("min_gram_length", 1), most = b.integer("max_gram_length", 1);
  SmallVector<Grams> grams;
  size_t next = 0; // n-gram
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t length = int64_t(i) + 1, from = starts[i];
    const int64_t to = i + 1 < starts.size() ? starts[i + 1] : int64_t(pool.size());
    const int64_t count = (to - from) / length;
    if (from < 0 || to < from || to > int64_t(pool.size()) || (to - from) % length ||
        next + count > places.size()) {
      b.invalid("ngram_counts and ngram_indexes do not fit the pool at length " + Twine(length));
      return {};
    }
    ArrayRef<int64_t> own = ArrayRef(places).slice(next, count);
    if (llvm::any_of(own, [](int64_t place) { return place < 0; })) {
      b.invalid("ngram_indexes has a negative value");
      return {};
    }
    if (count && length >= least && length <= most)
      grams.push_back({length, SmallVector<int64_t>(ArrayRef(pool).slice(from, to - from)),
                       SmallVector<int64_t>(own)});
    next += count;
  }
  return grams;
}

// How often each n-gram is in each row of `x` [rows, tokens], with `step` tokens from one of its
// tokens to the next; null where no row is as long.
static Value countGrams(OpBinder &b, Value x, const Grams &grams, int64_t step) {
  Compose f{b};
  const int64_t rows = b.fixedSizeOf(x, 0), room = b.fixedSizeOf(x, 1) - step * (grams.length - 1);
  if (room < 1)
    return {};
  Value matches;
  for (int64_t token = 0; token < grams.length; ++token) {
    SmallVector<int64_t> wanted;
    for (int64_t gram = 0; gram < grams.count(); ++gram)
      wanted.push_back(grams.tokens[gram * grams.length + token]);
    Value here = b.reshape(f.slice(x, 1, step * token, step * token + room), {rows, 1, room});
    Value equal = f.compare(nn::CompareKind::Equal, here, f.along(b.constant(wanted), 0, 2));
    matches = matches ? b.create<nn::AndOp>({matches, equal}) : equal;
  }
  return f.reduce(nn::ReduceKind::Sum, b.cast(matches, b.getBuilder().getF32Type()), {2},
                  /*keepdims=*/false);
}

// The counts put to their places among `size`; n-grams may share one.
static Value putCounts(OpBinder &b, ArrayRef<Value> counts, ArrayRef<int64_t> places, int64_t rows,
                       int64_t size) {
  Compose f{b};
  Value zero = b.scalar(b.getBuilder().getF32Type(), 0);
  Value result = b.create<nn::ExpandOp>({zero, b.constant({rows, size})});
  if (counts.empty())
    return result;
  Value indices =
      b.create<nn::ExpandOp>({b.constant(places), b.constant({rows, int64_t(places.size())})});
  nn::ScatterElementsOp::Properties properties;
  properties.kind = nn::ScatterKindAttr::get(b.getBuilder().getContext(), nn::ScatterKind::Add);
  properties.axis = b.i64(1);
  return b.create<nn::ScatterElementsOp>({result, indices, f.concat(counts, 1)}, properties);
}

static Value weigh(OpBinder &b, Value counts, int64_t size) {
  Compose f{b};
  const StringRef mode = b.string("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    return b.invalid("mode is '" + mode + "', expected TF, IDF or TFIDF");
  const auto *weights = b.attribute("weights");
  if (weights && weights->floats_size() < size)
    return b.invalid("has " + Twine(weights->floats_size()) + " weights, expected " + Twine(size));
  if (mode == "IDF")
    counts = b.cast(f.compare(nn::CompareKind::Greater, counts, f.number(counts, 0)),
                    b.getBuilder().getF32Type());
  if (mode == "TF" || !weights)
    return counts;
  SmallVector<double> values(weights->floats().begin(), weights->floats().begin() + size);
  return f.mul(counts, f.floats({size}, b.getBuilder().getF32Type(), values));
}

static void importTfIdf(OpBinder &b) {
  Value x = b.input(0);
  if (b.attribute("pool_strings"))
    return (void)b.unsupported("elements of type string are not supported");
  const int64_t rank = b.rankOf(x);
  if (rank > 2)
    return (void)b.invalid("expected 1 or 2 dims, found " + Twine(rank));
  const int64_t tokens = rank ? b.fixedSizeOf(x, rank - 1) : 1;
  const int64_t rows = rank == 2 ? b.fixedSizeOf(x, 0) : 1;
  SmallVector<Grams> grams = readGrams(b);
  int64_t size = 0;
  for (int64_t place : b.integers("ngram_indexes").value_or(SmallVector<int64_t>()))
    size = std::max(size, place + 1);
  if (b.hasFailed())
    return;
  x = b.reshape(b.cast(x, b.getBuilder().getI64Type()), {rows, tokens});
  SmallVector<Value> counts;
  SmallVector<int64_t> places;
  const int64_t skips = std::min(b.integer("max_skip_count", 0), tokens);
  for (const Grams &own : grams)
    for (int64_t skip = 0; skip <= (own.length == 1 ? 0 : skips); ++skip)
      if (Value count = countGrams(b, x, own, skip + 1)) {
        counts.push_back(count);
        places.append(own.places);
      }
  Value result = weigh(b, putCounts(b, counts, places, rows, size), size);
  b.result(rank == 2 ? result : b.reshape(result, {size}));
}

void nncc::addNGramRules(Rules &rules) { rules.onOp("TfIdfVectorizer", 9, importTfIdf); }
