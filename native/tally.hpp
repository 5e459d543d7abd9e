// What the evaluation keeps of rows, such that any order and any partition of them leaves the same: sums without
// rounding; counts and weights by score, as long as distinct scores are few; then by cells of probability.
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

// A sum of numbers of at least 0 and below 2^41, in units of 2^-106, to which each is rounded: whole numbers add up the
// same in any order. evaluation/fixed_point.py says the same.
class FixedPoint {
  public:
    static constexpr int unit = -106, words = 3;

    INLINE void add(double x) {
        const auto bits = std::bit_cast<uint64_t>(x + 0.0);  // of -0 makes 0, whose sign is not to be an exponent
        const int field = static_cast<int>(bits >> 52);
        const uint64_t mantissa = (bits & 0xfffffffffffffu) | (field ? uint64_t{1} << 52 : 0);
        const int shift = (field ? field : 1) - 1075 - unit;
        if (shift >= 0)
            add(mantissa, shift);
        else if (shift >= -53)
            add((mantissa + (uint64_t{1} << (-shift - 1))) >> -shift, 0);
    }
    INLINE void add_ones(uint64_t count) { add(count, -unit); }
    INLINE void add(const FixedPoint& other) {
        unsigned __int128 carried = 0;
        for (int i = 0; i < words; ++i) {
            carried += static_cast<unsigned __int128>(word_[i]) + other.word_[i];
            word_[i] = static_cast<uint64_t>(carried);
            carried >>= 64;
        }
    }
    uint64_t word(int i) const { return word_[i]; }

  private:
    INLINE void add(uint64_t integer, int shift) {
        const auto wide = static_cast<unsigned __int128>(integer) << (shift % 64);
        FixedPoint other;
        other.word_[shift / 64] = static_cast<uint64_t>(wide);
        if (shift / 64 + 1 < words) other.word_[shift / 64 + 1] = static_cast<uint64_t>(wide >> 64);
        add(other);
    }
    uint64_t word_[words] = {};
};

constexpr double heaviest_row = 0x1p20, lightest_row = 0x1p-40;  // but for those that weigh nothing

// What rows of one label weigh.
struct Weights {
    FixedPoint weight, square;  // the sums of weights and of their squares
    INLINE void add(double share, double weight_of_row) {
        weight.add(share);
        square.add(share * weight_of_row);
    }
    INLINE void add_ones(uint64_t count) {
        weight.add_ones(count);
        square.add_ones(count);
    }
    INLINE void add(const Weights& other) {
        weight.add(other.weight);
        square.add(other.square);
    }
};

INLINE bool is_plain(double label, double weight) { return weight == 1 && (label == 0 || label == 1); }

// Equal scores have equal ones.
INLINE uint64_t hash_of(double score) {
    auto x = std::bit_cast<uint64_t>(score);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;  // a permutation in which every bit moves every other
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;  // (Steele, Lea and Flood 2014)
    return x ^ x >> 31;
}

// A probability, or a logit where logits are given, and how many rows of each label have it.
struct Score {
    double score;
    double lesser;  // of its probability and what that leaves of 1
    int64_t rows[2];
};

// The distinct scores one after the other, and by open addressing where each of them is.
class Scores {
  public:
    static constexpr int64_t most = 1 << 17;
    // Where a score is; -1 if there is no room for one more.
    int64_t place_of(double score, double lesser);
    void add(int64_t place, double label, double weight);
    const std::vector<Score>& scores() const { return scores_; }
    const Weights* weights(size_t place) const { return weights_.empty() ? nullptr : &weights_[2 * place]; }
    // What was counted elsewhere of one score; null weights where every row weighs 1.
    void add(int64_t place, const int64_t* rows, const Weights* weights);

  private:
    void grow();
    void weigh();
    std::vector<Score> scores_;
    std::vector<Weights> weights_;  // two a score; none as long as every row weighs 1 and has one label
    std::vector<uint32_t> slots_;   // a score's number and 1, or 0
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

class Cells {
  public:
    // Room for so many rows to be counted by `add_one`, of which a cell holds no more than it has bits for.
    INLINE void make_room(int64_t rows, int64_t most) {
        if (recent_rows_ + rows > most) settle();
        recent_rows_ += rows;
    }
    // Of rows that weigh 1 and whose label is 0 or 1.
    INLINE void add_one(int32_t place) { ++recent_[static_cast<size_t>(place)]; }  // twice the cell, and the label
    void add(int cell, double label, double weight);
    void add(int cell, const int64_t* rows, const Weights* weights);
    void prepare();
    void settle();
    void merge(Cells& other);
    int64_t rows(int cell, int label) const { return rows_ ? rows_[2 * static_cast<size_t>(cell) + label] : 0; }
    const Weights* weights(int cell) const { return weights_ ? &weights_[2 * static_cast<size_t>(cell)] : nullptr; }

  private:
    void weigh();
    int64_t recent_rows_ = 0;
    Zeros<uint32_t> recent_;
    Zeros<int64_t> rows_;
    Zeros<Weights> weights_;  // two a cell; none as long as every row weighs 1 and has one label
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
    bool are_kept = true;                // the scores themselves, not cells
    bool is_suspect = false;             // some value may have to be refused: look closely
    int64_t most_recent = int64_t{1} << 31;
    Scores kept;
    Cells cells;
    Worst worst;

    INLINE void add(double score, double lesser, double label, double weight, bool from_logits) {
        if (are_kept) {
            const int64_t place = kept.place_of(score, lesser);
            if (place >= 0) return kept.add(place, label, weight);
            gather(from_logits);
        }
        cells.add(cell_of(lesser, is_upper(score, from_logits)), label, weight);
    }
    INLINE static bool is_upper(double score, bool from_logits) { return score >= (from_logits ? 0.0 : 0.5); }
    void gather(bool from_logits);  // from scores into cells
    void merge(Part& other, bool from_logits);
};

// Does a range of rows in as many threads as there are parts.
void tally(const Kernel& kernel, const Task& task, int64_t begin, int64_t end, std::vector<Part>& parts);

}  // namespace logloss
