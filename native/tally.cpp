#include "tally.hpp"

#include "pool.hpp"

#include <algorithm>
#include <atomic>
#include <new>

namespace logloss {

int64_t Scores::place_of(double score, double lesser) {
    if (2 * (scores_.size() + 1) > slots_.size()) grow();
    const size_t last = slots_.size() - 1;
    size_t at = hash_of(score) & last;
    for (; slots_[at]; at = (at + 1) & last)
        if (scores_[slots_[at] - 1].score == score) return slots_[at] - 1;
    if (static_cast<int64_t>(scores_.size()) == most) return -1;
    scores_.push_back({score, lesser, {}});
    if (!weights_.empty()) weights_.resize(2 * scores_.size());
    slots_[at] = static_cast<uint32_t>(scores_.size());
    return slots_[at] - 1;
}

void Scores::grow() {
    slots_.assign(slots_.empty() ? 1 << 10 : 4 * slots_.size(), 0);
    const size_t last = slots_.size() - 1;
    uint32_t number = 0;
    for (const Score& one : scores_) {
        size_t at = hash_of(one.score) & last;
        while (slots_[at]) at = (at + 1) & last;
        slots_[at] = ++number;
    }
}

void Scores::weigh() {
    weights_.resize(2 * scores_.size());
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i].add_ones(static_cast<uint64_t>(scores_[i / 2].rows[i % 2]));
}

void Scores::add(int64_t place, double label, double weight) {
    const auto at = static_cast<size_t>(place);
    if (weights_.empty() && !is_plain(label, weight)) weigh();
    ++scores_[at].rows[label > 0.5];
    if (weights_.empty()) return;
    if (label != 1) weights_[2 * at].add(weight * (1 - label), weight);
    if (label != 0) weights_[2 * at + 1].add(weight * label, weight);
}

void Scores::add(int64_t place, const int64_t* rows, const Weights* weights) {
    const auto at = static_cast<size_t>(place);
    if (weights && weights_.empty()) weigh();
    for (size_t label = 0; label < 2; ++label) {
        scores_[at].rows[label] += rows[label];
        if (weights_.empty()) continue;
        if (weights)
            weights_[2 * at + label].add(weights[label]);
        else
            weights_[2 * at + label].add_ones(static_cast<uint64_t>(rows[label]));
    }
}

template <class T> void Zeros<T>::allocate(size_t count) {
    memory.reset(static_cast<T*>(std::calloc(count, sizeof(T))));
    if (!memory) throw std::bad_alloc{};
}

void Cells::prepare() {
    if (rows_) return;
    recent_.allocate(2 * cells);
    rows_.allocate(2 * cells);
}

void Cells::add(int cell, double label, double weight) {
    prepare();
    if (!weights_ && !is_plain(label, weight)) weigh();
    const size_t at = 2 * static_cast<size_t>(cell);
    ++rows_[at + (label > 0.5)];
    if (!weights_) return;
    if (label != 1) weights_[at].add(weight * (1 - label), weight);
    if (label != 0) weights_[at + 1].add(weight * label, weight);
}

void Cells::add(int cell, const int64_t* rows, const Weights* weights) {
    if (weights && !weights_) weigh();
    const size_t at = 2 * static_cast<size_t>(cell);
    for (size_t label = 0; label < 2; ++label) {
        rows_[at + label] += rows[label];
        if (!weights_) continue;
        if (weights)
            weights_[at + label].add(weights[label]);
        else if (rows[label])
            weights_[at + label].add_ones(static_cast<uint64_t>(rows[label]));
    }
}

void Cells::weigh() {
    prepare();
    settle();
    weights_.allocate(2 * cells);
    for (size_t i = 0; i < 2 * cells; ++i)
        if (rows_[i]) weights_[i].add_ones(static_cast<uint64_t>(rows_[i]));
}

void Cells::settle() {
    recent_rows_ = 0;
    if (!recent_) return;
    for (size_t i = 0; i < 2 * cells; ++i) {
        if (!recent_[i]) continue;
        rows_[i] += recent_[i];
        if (weights_) weights_[i].add_ones(recent_[i]);
        recent_[i] = 0;
    }
}

void Cells::merge(Cells& other) {
    other.settle();
    if (!other.rows_) return;
    prepare();
    settle();
    for (int i = 0; i < cells; ++i) {
        const int64_t rows[] = {other.rows(i, 0), other.rows(i, 1)};
        if (rows[0] || rows[1]) add(i, rows, other.weights(i));  // a soft label has weight in both
    }
}

void Worst::shrink() {
    if (rows.size() > wanted) {
        const auto costs_more = [](const auto& a, const auto& b) { return a.first > b.first; };
        std::nth_element(rows.begin(), rows.begin() + (wanted - 1), rows.end(), costs_more);
        floor = rows[wanted - 1].first;
        std::erase_if(rows, [&](const auto& row) { return row.first < floor; });
    }
    room_ = 2 * rows.size() + (1 << 12);
}

void Part::gather(bool from_logits) {
    are_kept = false;
    cells.prepare();
    for (size_t i = 0; i < kept.scores().size(); ++i) {
        const Score& one = kept.scores()[i];
        cells.add(cell_of(one.lesser, is_upper(one.score, from_logits)), one.rows, kept.weights(i));
    }
    kept = {};
}

void Part::merge(Part& other, bool from_logits) {
    for (int i = 0; i < sums; ++i) sum[i].merge(other.sum[i]);
    rows += other.rows;
    for (int label = 0; label < 2; ++label) infinite[label] += other.infinite[label];
    is_suspect |= other.is_suspect;
    worst.rows.insert(worst.rows.end(), other.worst.rows.begin(), other.worst.rows.end());
    if (!other.are_kept) {
        if (are_kept) gather(from_logits);
        cells.merge(other.cells);
        return;
    }
    for (size_t i = 0; i < other.kept.scores().size(); ++i) {
        const Score& one = other.kept.scores()[i];
        const int64_t place = are_kept ? kept.place_of(one.score, one.lesser) : -1;
        if (place >= 0) {
            kept.add(place, one.rows, other.kept.weights(i));
            continue;
        }
        if (are_kept) gather(from_logits);
        cells.add(cell_of(one.lesser, is_upper(one.score, from_logits)), one.rows, other.kept.weights(i));
    }
}

void tally(const Kernel& kernel, const Task& task, int64_t begin, int64_t end, std::vector<Part>& parts) {
    constexpr int64_t piece = int64_t{1} << 16;
    std::atomic<int64_t> next = begin;
    std::atomic<bool> is_out_of_memory = false;  // which has to be thrown here, not in another thread
    const auto work = [&](int i) {
        try {
            for (int64_t at; (at = next.fetch_add(piece, std::memory_order_relaxed)) < end;)
                kernel.tally(task, at, end - at < piece ? end : at + piece, parts[static_cast<size_t>(i)]);
        } catch (const std::bad_alloc&) {
            is_out_of_memory = true;
        }
    };
    if (parts.size() > 1 && end - begin > piece)
        share_work(static_cast<int>(parts.size()) - 1, work);
    else
        work(0);
    if (is_out_of_memory) throw std::bad_alloc{};
}

}  // namespace logloss
