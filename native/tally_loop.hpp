// The evaluation's single pass over a range of rows, block by block. Compiled once per instruction set.
#pragma once

#include <cmath>

#include "loops.hpp"
#include "tally.hpp"

namespace logloss::ISA {

struct TallyBlock {
    static constexpr int size = 1024;
    alignas(64) double x[size], y[size], weight[size], shown[size], lesser[size];
    alignas(64) double loss[size], brier[size], said[size], right[size], rest[size];
    alignas(64) int32_t place[size];
    int64_t row[size];
};

// What is known of a whole block.
struct Summary {
    double dearest, least;     // the largest loss, and the least distance of a probability to the nearer end
    double positives, right;  // without weights
};

constexpr double keras_clip = 1e-7, clipped_surprise = 16.11809565095832, clipped_rest = 1.0000000500000034e-07;

// What each row of a block adds to the sums; rows that cost infinity cost 0 there. Where all labels are 0 or 1, one
// logarithm a row will do; such a row costs the same to the bit beside others.
template <bool ARE_LOGITS, bool ARE_HARD> Summary work_out(int n, TallyBlock& block, bool has_weights) {
    using V = F64;
    constexpr Family exact;
    const V zero(0.0), one(1.0), endless(std::numeric_limits<double>::infinity());
    V most = zero, least = one, positives = zero, all_right = zero;
    for (int i = 0; i < n; i += V::lanes) {
        const V x = V::load(block.x + i) + zero, y = V::load(block.y + i), no = one - y;  // of -0 makes 0
        const auto is_upper = x >= V(ARE_LOGITS ? 0.0 : 0.5), is_positive = y == one;
        V p, q, loss;
        if constexpr (ARE_LOGITS) {
            const V lesser = tail<LOGISTIC>(abs(x)).logistic, greater = one - lesser;
            p = select(is_upper, greater, lesser), q = select(is_upper, lesser, greater);
            loss = plain_of_logit<LOSS>(x, y, no, one).loss;
        } else {
            p = x, q = one - x;
            const V lost = (one - q) - x;
            loss = surprise(select(is_positive, p, q), select(is_positive, zero, lost));
            if constexpr (!ARE_HARD) {
                const V soft = plain_of_probability<LOSS>(x, y, no, exact).loss;
                loss = select(is_positive, loss, select(y == zero, loss, soft));
            }
        }
        const V wrong = select(is_positive, q, p);
        V brier = ARE_HARD ? wrong * wrong : y * (q * q) + no * (p * p), said = p, right = select(is_upper, y, no);
        const V lesser = min(p, q);
        most = max_bits(most, loss);
        least = min(least, lesser);
        positives = positives + y;
        all_right = all_right + right;
        loss = select(loss == endless, zero, loss);
        if (has_weights) {
            const V weight = V::load(block.weight + i);
            loss = loss * weight, brier = brier * weight, said = said * weight, right = right * weight;
        }
        lesser.store(block.lesser + i);
        loss.store(block.loss + i);
        brier.store(block.brier + i);
        said.store(block.said + i);
        right.store(block.right + i);
    }
    const auto added = [](V v) {
        double lane[V::lanes], total = 0;
        v.store(lane);
        for (double x : lane) total += x;
        return total;
    };
    return {std::bit_cast<double>(largest_bits(most)), smallest(least), added(positives), added(all_right)};
}

inline Summary work_out(int n, TallyBlock& block, bool from_logits, bool are_hard, bool has_weights) {
    if (from_logits)
        return are_hard ? work_out<true, true>(n, block, has_weights) : work_out<true, false>(n, block, has_weights);
    return are_hard ? work_out<false, true>(n, block, has_weights) : work_out<false, false>(n, block, has_weights);
}

// Where each row of weight 1 and label 0 or 1 is counted.
inline void place(int n, TallyBlock& block, double middle) {
    for (int i = 0; i < n; ++i)
        block.place[i] = 2 * cell_of(block.lesser[i], block.x[i] >= middle) + static_cast<int>(block.y[i]);
}

INLINE bool are_fit_weights(int n, const double* weight) {
    bool are_light = false;
    for (int i = 0; i < n; ++i) are_light |= weight[i] < lightest_row && weight[i] != 0;
    return !are_light && are_in_range(n, weight, 0.0, heaviest_row);
}

INLINE bool are_fit(int n, const TallyBlock& block, bool from_logits, bool has_weights) {
    constexpr double endless = std::numeric_limits<double>::infinity();
    return are_in_range(n, block.x, from_logits ? -endless : 0.0, from_logits ? endless : 1.0) &&
           are_in_range(n, block.y, 0.0, 1.0) && (!has_weights || are_fit_weights(n, block.weight));
}

// The rows of a block that the mask shows, moved together.
inline int without_hidden(int n, TallyBlock& block, int64_t first, const double* shown) {
    int kept = 0;
    for (int i = 0; i < n; ++i) {
        block.x[kept] = block.x[i], block.y[kept] = block.y[i], block.weight[kept] = block.weight[i];
        block.row[kept] = first + i;
        kept += shown[i] != 0;
    }
    return kept;
}

// Whether a look at the first rows shows that more scores are distinct than are kept, so that none need be: each has set
// a bit by its hash, and equal scores set the same one.
inline bool are_surely_many(const Task& task, TallyBlock& block) {
    constexpr int64_t looked_at = 2 * Scores::most, bits = int64_t{1} << 22;
    if (task.size < looked_at || task.mask.data) return false;
    std::vector<uint64_t> seen(bits / 64);
    int64_t distinct = 0;
    for (int64_t at = 0; at < looked_at && distinct <= Scores::most; at += TallyBlock::size) {
        const double* x = read(task, task.x, at, TallyBlock::size, block.x);
        for (int i = 0; i < TallyBlock::size; ++i) {
            const uint64_t bit = hash_of(x[i] + 0.0) & (bits - 1);
            distinct += !(seen[bit / 64] >> bit % 64 & 1);
            seen[bit / 64] |= uint64_t{1} << bit % 64;
        }
    }
    return distinct > Scores::most;
}

inline void tally(const Task& task, int64_t begin, int64_t end, Part& part) {
    const FloatingPoint as_it_should_be;
    static thread_local const std::unique_ptr<TallyBlock> memory(new TallyBlock);
    TallyBlock& block = *memory;
    constexpr int size = TallyBlock::size, lanes = 8;
    const bool from_logits = task.family.from_logits != 0, has_weights = task.weight.data;
    if (!part.rows && part.are_kept && are_surely_many(task, block)) part.gather(from_logits);
    const double middle = from_logits ? 0.0 : 0.5, nothing = from_logits ? -std::numeric_limits<double>::infinity() : 0.0;
    for (int64_t at = begin; at < end; at += size) {
        int n = end - at < size ? static_cast<int>(end - at) : size;
        const auto fill = [&](const Operand& operand, double* buffer) {
            const double* from = read(task, operand, at, n, buffer);
            if (from != buffer) std::memcpy(buffer, from, n * sizeof(double));
        };
        fill(task.x, block.x);
        fill(task.y, block.y);
        if (has_weights) fill(task.weight, block.weight);
        const bool are_moved = task.mask.data;
        if (are_moved) n = without_hidden(n, block, at, read(task, task.mask, at, n, block.shown));
        if (!are_fit(n, block, from_logits, has_weights)) {
            part.is_suspect = true;
            return;
        }
        const int whole = (n + lanes - 1) / lanes * lanes;
        for (int i = n; i < whole; ++i) block.x[i] = nothing, block.y[i] = 0, block.weight[i] = 0;
        const auto add = [&](Sum which, const double* terms) { add_terms(terms, whole, block.rest, part.sum[which]); };

        const bool labels_are_hard = are_hard(n, block.y), is_plain = !has_weights && labels_are_hard;
        const Summary all = work_out(whole, block, from_logits, labels_are_hard, has_weights);
        add(LOSS_SUM, block.loss);
        add(BRIER, block.brier);
        add(SAID, block.said);
        part.rows += n;
        if (is_plain) {
            part.sum[WEIGHT].add(n, 0);
            part.sum[SQUARE].add(n, 0);
            part.sum[POSITIVE].add(static_cast<int64_t>(all.positives), 0);
            part.sum[RIGHT].add(static_cast<int64_t>(all.right) - (whole - n), 0);  // what fills up is right
        }

        const auto wrong_part = [&](int i) { return block.x[i] >= middle ? 1 - block.y[i] : block.y[i]; };
        const auto is_endless = [&](int i) {  // logits far out have a probability of 0 too, and a finite loss
            return block.lesser[i] == 0 && wrong_part(i) > 0 && (!from_logits || std::isinf(block.x[i]));
        };
        for (int i = 0; i < n && all.least < keras_clip; ++i) {
            if (!(block.lesser[i] < keras_clip)) continue;
            const double weight = has_weights ? block.weight[i] : 1.0, wrong = wrong_part(i);
            const bool is_upper = block.x[i] >= middle;
            part.sum[OUTSIDE].add(block.loss[i]);
            part.sum[OUTSIDE_CLIPPED].add(weight * (wrong * clipped_surprise + (1 - wrong) * clipped_rest));
            if (is_endless(i)) {
                part.infinite[!is_upper] += weight > 0;
                part.sum[is_upper ? INFINITE_NEGATIVE : INFINITE_POSITIVE].add(weight * wrong);
            }
        }
        if (part.worst.wanted && (has_weights || all.dearest >= part.worst.floor)) {
            for (int i = 0; i < n; ++i) {
                const double loss = is_endless(i) && !(has_weights && block.weight[i] == 0)
                                        ? std::numeric_limits<double>::infinity()
                                        : block.loss[i];
                if (loss >= part.worst.floor) part.worst.add(loss, are_moved ? block.row[i] : at + i);
            }
        }

        if (is_plain && !part.are_kept) {
            place(n, block, middle);
            part.cells.make_room(n, part.most_recent);
            for (int i = 0; i < n; ++i) part.cells.add_one(block.place[i]);
        } else {
            for (int i = 0; i < n; ++i) {
                const double weight = has_weights ? block.weight[i] : 1.0;
                part.add(block.x[i] + 0.0, block.lesser[i], block.y[i], weight, from_logits);
            }
        }
        if (!is_plain) {
            for (int i = n; i < whole; ++i) block.right[i] = 0;
            if (!has_weights)
                for (int i = 0; i < whole; ++i) block.weight[i] = i < n;
            add(WEIGHT, block.weight);
            add(RIGHT, block.right);
            for (int i = 0; i < whole; ++i) block.y[i] *= block.weight[i], block.weight[i] *= block.weight[i];
            add(POSITIVE, block.y);
            add(SQUARE, block.weight);
        }
    }
    for (Accumulator& each : part.sum) each.settle();
}

}  // namespace logloss::ISA
