// What the evaluation keeps of rows, such that any order and any partition of them leaves the same: sums without
// rounding; the rows themselves, each distinct one once, as long as these are few; then cells of probability.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "exact_sum.hpp"
#include "inline.hpp"
#include "task.hpp"

namespace logloss {

// The cell of a probability is that of the lesser of p and 1 - p, on its side of one half: an octave and one of 2^11
// steps in it, by the bits of a double. So rare events keep their resolution, and no logarithm is taken.
// evaluation/cells.py says the same.
constexpr int octaves = 150, steps = 11, cells_a_side = (octaves << steps) + 2, cells = 2 * cells_a_side;

INLINE int cell_of(double lesser, bool is_upper) {
    constexpr auto top = static_cast<int>(std::bit_cast<uint64_t>(0.5) >> (52 - steps));
    const auto bits = std::bit_cast<uint64_t>(lesser);
    int below = top - static_cast<int>(bits >> (52 - steps));
    if (below >= cells_a_side - 1) below = bits ? cells_a_side - 2 : cells_a_side - 1;  // 0 has one of its own
    return is_upper ? cells_a_side + below : below;
}

// A weight in units of 2^-64, rounded: integers add up the same in any order.
using Fixed = __int128;
constexpr double heaviest_row = 0x1p20;

INLINE Fixed fixed(double weight) {
    const auto bits = std::bit_cast<uint64_t>(weight);
    const int field = static_cast<int>(bits >> 52);
    const auto mantissa = static_cast<Fixed>((bits & 0xfffffffffffffu) | (field ? uint64_t{1} << 52 : 0));
    const int shift = (field ? field : 1) - 1075 + 64;
    if (shift >= 0) return mantissa << shift;
    return shift < -60 ? 0 : (mantissa + (Fixed{1} << (-shift - 1))) >> -shift;
}

// A row as it is kept while rows are few. Its score is a probability, or a logit where logits are given.
struct Row {
    double score, label, weight;
    double lesser;  // of its probability and what that leaves of 1
    int64_t count;
    INLINE int cell(bool from_logits) const { return cell_of(lesser, score >= (from_logits ? 0.0 : 0.5)); }
};

// Equal rows have equal ones.
INLINE uint64_t hash_of(double score, double label, double weight) {
    const auto bits = [](double x) { return std::bit_cast<uint64_t>(x); };
    uint64_t x = bits(score) + bits(label) * 0x9e3779b97f4a7c15u + bits(weight) * 0xd1342543de82ef95u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;  // a permutation in which every bit moves every other
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;  // (Steele, Lea and Flood 2014)
    return x ^ x >> 31;
}

// The distinct rows one after the other, and by open addressing where each of them is.
class Rows {
  public:
    static constexpr int64_t most = 1 << 17;
    // False, and nothing done, if there is no room for one more.
    bool add(const Row& row);
    int64_t size() const { return static_cast<int64_t>(rows_.size()); }
    template <class F> void each(F f) const {
        for (const Row& row : rows_) f(row);
    }

  private:
    uint32_t& slot_of(const Row& row);
    void grow();
    std::vector<Row> rows_;
    std::vector<uint32_t> slots_;  // a row's number and 1, or 0
};

// Zeros of which the system hands out pages as they are touched.
template <class T> struct Zeros {
    struct Free {
        void operator()(T* memory) const { std::free(memory); }
    };
    std::unique_ptr<T[], Free> memory;
    void allocate(size_t count);
    T& operator[](size_t i) const { return memory[i]; }
    explicit operator bool() const { return static_cast<bool>(memory); }
};

// What a cell holds of one label.
struct Weights {
    Fixed weight, square;  // the sums of weights and of their squares
};

class Cells {
  public:
    // Of rows that weigh 1 and whose label is 0 or 1; `settle` after 2^31 of them at the latest.
    INLINE void add_one(int32_t place) { ++recent_[static_cast<size_t>(place)]; }  // twice the cell, and the label
    void add(int cell, const Row& row);
    void prepare();
    void settle();
    void merge(Cells& other);
    int64_t rows(int cell, int label) const { return rows_ ? rows_[2 * static_cast<size_t>(cell) + label] : 0; }
    Weights weights(int cell, int label) const;

  private:
    Zeros<uint32_t> recent_;
    Zeros<int64_t> rows_;
    Zeros<Weights> weights_;  // none as long as every row weighs 1
};

enum Sum : int {
    WEIGHT,              // of all rows
    SQUARE,              // of weights
    POSITIVE,            // weight times label
    SAID,                // weight times probability
    LOSS_SUM,            // weight times loss, where that is finite
    BRIER,               // weight times squared error
    RIGHT,               // weight of the label that the greater probability says
    OUTSIDE,             // of the loss, what lies outside of Keras' clip,
    OUTSIDE_CLIPPED,     // and with the clip
    INFINITE_POSITIVE,   // weight of positives at 0
    INFINITE_NEGATIVE,   // and of negatives at 1
    sums
};

// The rows that cost most, and all that cost as much as the last of them.
struct Worst {
    size_t wanted = 0;
    double floor = 0;  // the least that they cost, as far as it is known
    std::vector<std::pair<double, int64_t>> rows;  // their loss, and where they are
    INLINE void add(double loss, int64_t row) {
        rows.emplace_back(loss, row);
        if (rows.size() >= room_) shrink();
    }
    void shrink();

  private:
    size_t room_ = 1 << 12;
};

// What one thread has seen.
struct Part {
    Accumulator sum[sums];
    int64_t rows = 0, infinite[2] = {};  // of negatives, of positives
    bool are_kept = true;                // the rows themselves, not cells
    bool is_suspect = false;             // some value may have to be refused: look closely
    Rows kept;
    Cells cells;
    Worst worst;

    void add(const Row& row, bool from_logits) {
        if (are_kept) {
            if (kept.add(row)) return;
            gather(from_logits);
        }
        cells.add(row.cell(from_logits), row);
    }
    void gather(bool from_logits);  // from rows into cells
    void merge(Part& other, bool from_logits);
};

// Does a range of rows in as many threads as there are parts.
void tally(const Kernel& kernel, const Task& task, int64_t begin, int64_t end, std::vector<Part>& parts);

}  // namespace logloss
