#include "tally.hpp"

#include "pool.hpp"

#include <algorithm>
#include <atomic>
#include <new>

namespace logloss {

uint32_t& Rows::slot_of(const Row& row) {
    const size_t last = slots_.size() - 1;
    for (size_t at = hash_of(row.score, row.label, row.weight) & last;; at = (at + 1) & last) {
        uint32_t& slot = slots_[at];
        if (!slot) return slot;
        const Row& there = rows_[slot - 1];
        if (there.score == row.score && there.label == row.label && there.weight == row.weight) return slot;
    }
}

bool Rows::add(const Row& row) {
    if (2 * (rows_.size() + 1) > slots_.size()) grow();
    uint32_t& slot = slot_of(row);
    if (slot) {
        rows_[slot - 1].count += row.count;
        return true;
    }
    if (size() == most) return false;
    rows_.push_back(row);
    slot = static_cast<uint32_t>(rows_.size());
    return true;
}

void Rows::grow() {
    slots_.assign(slots_.empty() ? 1 << 10 : 4 * slots_.size(), 0);
    uint32_t number = 0;
    for (const Row& row : rows_) slot_of(row) = ++number;
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

void Cells::add(int cell, const Row& row) {
    prepare();
    const bool is_positive = row.label > 0.5, is_plain = row.weight == 1 && (row.label == 0 || row.label == 1);
    const size_t at = 2 * static_cast<size_t>(cell);
    if (!is_plain && !weights_) {
        settle();
        weights_.allocate(2 * cells);
        for (size_t i = 0; i < 2 * cells; ++i)
            if (rows_[i]) weights_[i].weight = weights_[i].square = static_cast<Fixed>(rows_[i]) << 64;
    }
    rows_[at + is_positive] += row.count;
    if (!weights_) return;
    const double part[] = {row.weight * (1 - row.label), row.weight * row.label};
    for (int label = 0; label < 2; ++label) {
        if (part[label] == 0) continue;
        weights_[at + label].weight += fixed(part[label]) * row.count;
        weights_[at + label].square += fixed(part[label] * row.weight) * row.count;
    }
}

void Cells::settle() {
    if (!recent_) return;
    for (size_t i = 0; i < 2 * cells; ++i) {
        if (!recent_[i]) continue;
        rows_[i] += recent_[i];
        if (weights_) {
            weights_[i].weight += static_cast<Fixed>(recent_[i]) << 64;
            weights_[i].square += static_cast<Fixed>(recent_[i]) << 64;
        }
        recent_[i] = 0;
    }
}

Weights Cells::weights(int cell, int label) const {
    if (weights_) return weights_[2 * static_cast<size_t>(cell) + label];
    const Fixed all = static_cast<Fixed>(rows(cell, label)) << 64;
    return {all, all};
}

void Cells::merge(Cells& other) {
    other.settle();
    if (!other.rows_) return;
    prepare();
    settle();
    if (other.weights_ && !weights_) {
        weights_.allocate(2 * cells);
        for (size_t i = 0; i < 2 * cells; ++i)
            if (rows_[i]) weights_[i].weight = weights_[i].square = static_cast<Fixed>(rows_[i]) << 64;
    }
    for (size_t i = 0; i < 2 * cells; ++i) {
        if (!other.rows_[i & ~size_t{1}] && !other.rows_[i | 1]) continue;  // a soft label has weight in both
        rows_[i] += other.rows_[i];
        if (!weights_) continue;
        const Weights more = other.weights(static_cast<int>(i / 2), i % 2);
        weights_[i].weight += more.weight, weights_[i].square += more.square;
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
    kept.each([&](const Row& row) { cells.add(row.cell(from_logits), row); });
    kept = {};
}

void Part::merge(Part& other, bool from_logits) {
    for (int i = 0; i < sums; ++i) sum[i].merge(other.sum[i]);
    rows += other.rows;
    for (int label = 0; label < 2; ++label) infinite[label] += other.infinite[label];
    is_suspect |= other.is_suspect;
    worst.rows.insert(worst.rows.end(), other.worst.rows.begin(), other.worst.rows.end());
    if (other.are_kept) {
        other.kept.each([&](const Row& row) { add(row, from_logits); });
    } else {
        if (are_kept) gather(from_logits);
        cells.merge(other.cells);
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
