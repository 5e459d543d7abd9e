// The loop over a range of elements, block by block: read, compute, write, add up. Compiled once per instruction set.
#pragma once

#include <cstring>
#include <limits>

#include "arrays.hpp"
#include "floating_point.hpp"
#include "formula.hpp"
#include "sums.hpp"

namespace logloss::ISA {

template <class T> struct Vectors;
template <> struct Vectors<float> { using type = F32; };
template <> struct Vectors<double> { using type = F64; };

// A block of elements in the type that they are worked out in, small enough for the caches next to the processor.
template <class T> struct Block {
    static constexpr int size = 8192 / sizeof(T);
    alignas(64) T x[size], y[size], weight[size], shown[size], factor[size];
    alignas(64) T positive[size], negative[size];
    alignas(64) T loss[size], gradient[size], hessian[size];
    alignas(64) double rest[size];
};

template <class T> using Vector = typename Vectors<T>::type;

// The largest bit patterns of labels and of |logits|: what is out of range, or not a number, has a larger one.
template <class T> struct Seen {
    Vector<T> y = Vector<T>(T(0)), x = Vector<T>(T(0));
    INLINE bool is_suspect() const {
        return largest_bits(y) > bits_of(T(1)) || largest_bits(x) > bits_of(std::numeric_limits<T>::infinity());
    }
};

template <class T> struct Results {
    T *loss, *gradient, *hessian;
};

// x / divisor by the reciprocal, and once more by what that left over: as good as a division, at the cost of none.
template <class V> INLINE V quotient(V x, V divisor, V reciprocal) {
    using T = typename V::scalar;
    const V first = x * reciprocal;
    return fma(fma(V(T(0)) - first, divisor, x), reciprocal, first);
}

// SPLIT: each side has a coefficient of its own. Else there is the label alone, and the other side is what is left of 1.
template <unsigned WANT, bool SPLIT, bool FOCUSED, class T>
void compute_block(int n, const T* x, const T* positive, const T* negative, T divisor, Focus focus,
                   Results<T> out, Seen<T>* seen) {
    using V = Vector<T>;
    Seen<T> all = *seen;
    const V whole = V(divisor), part = V(T(1) / divisor);
    for (int i = 0; i < n; i += V::lanes) {
        const V z = V::load(x + i), a = V::load(positive + i);
        const V b = SPLIT ? V::load(negative + i) : V(T(1)) - a;
        if constexpr (!SPLIT) all.y = max_bits(all.y, a);
        all.x = max_bits(all.x, abs(z));
        const Made<V> made = FOCUSED ? focused_of_logit<WANT>(z, a, b, focus) : plain_of_logit<WANT>(z, a, b);
        if constexpr (WANT & LOSS) made.loss.store(out.loss + i);
        if constexpr (WANT & GRADIENT) quotient(made.gradient, whole, part).store(out.gradient + i);
        if constexpr (WANT & HESSIAN) quotient(made.hessian, whole, part).store(out.hessian + i);
    }
    *seen = all;
}

template <bool SPLIT, bool FOCUSED, class T, class... Rest>
void compute(unsigned want, Rest... rest) {
    switch (want & (LOSS | GRADIENT | HESSIAN)) {
        case LOSS: return compute_block<LOSS, SPLIT, FOCUSED, T>(rest...);
        case GRADIENT: return compute_block<GRADIENT, SPLIT, FOCUSED, T>(rest...);
        case LOSS | GRADIENT: return compute_block<LOSS | GRADIENT, SPLIT, FOCUSED, T>(rest...);
    }
    if constexpr (!FOCUSED) switch (want & (LOSS | GRADIENT | HESSIAN)) {
        case HESSIAN: return compute_block<HESSIAN, SPLIT, FOCUSED, T>(rest...);
        case LOSS | HESSIAN: return compute_block<LOSS | HESSIAN, SPLIT, FOCUSED, T>(rest...);
        case GRADIENT | HESSIAN: return compute_block<GRADIENT | HESSIAN, SPLIT, FOCUSED, T>(rest...);
    }
}

// Hides what a mask or a weight of 0 hides, whatever it is.
template <class T> void hide(int n, const T* shown, const T* weight, T* x, T* y, T* w, Found& found) {
    int bad = 0, lost = 0;
    for (int i = 0; i < n; ++i) {
        const bool counts = (!shown || shown[i] != 0) && (!weight || weight[i] != 0);
        const T heavy = weight ? weight[i] : T(1);
        bad |= counts && !(heavy >= 0 && heavy <= std::numeric_limits<T>::max());
        lost |= counts && !holds_weight(heavy);
        w[i] = counts ? heavy : T(0);
        x[i] = counts ? x[i] : T(0);
        y[i] = counts ? y[i] : T(0);
    }
    found.is_suspect |= bad != 0;
    found.is_narrow |= sizeof(T) == 4 && lost;
}

// What multiplies each side. Weights may multiply to more than the type holds.
template <class T>
void coefficients(int n, const T* y, const T* weight, const T* pos, const T* neg, const Family& family, T* positive,
                  T* negative, Found& found) {
    const T keep = static_cast<T>(1 - family.label_smoothing), half = static_cast<T>(family.label_smoothing / 2);
    const T a = static_cast<T>(family.pos_weight), b = static_cast<T>(family.neg_weight);
    int bad = 0, huge = 0;
    for (int i = 0; i < n; ++i) bad |= !(y[i] >= 0 && y[i] <= 1);
    found.is_suspect |= bad != 0;
    if (family.label_smoothing != 0)
        for (int i = 0; i < n; ++i) positive[i] = y[i] * keep + half, negative[i] = (1 - y[i]) * keep + half;
    else
        for (int i = 0; i < n; ++i) positive[i] = y[i], negative[i] = 1 - y[i];
    for (int i = 0; i < n; ++i) positive[i] *= pos ? pos[i] : a, negative[i] *= neg ? neg[i] : b;
    if (weight)
        for (int i = 0; i < n; ++i) positive[i] *= weight[i], negative[i] *= weight[i];
    constexpr T most = std::numeric_limits<T>::max();
    for (int i = 0; i < n; ++i) huge |= !(positive[i] <= most && negative[i] <= most);
    (sizeof(T) == 4 ? found.is_narrow : found.is_suspect) |= huge != 0;
}

// A block in its buffer, filled up with zeros to whole vectors.
template <class T> const T* copied(int n, int room, const T* from, T* to) {
    if (from != to) std::memcpy(to, from, n * sizeof(T));
    std::memset(to + n, 0, (room - n) * sizeof(T));
    return to;
}

template <class T> void run_as(const Task& task, int64_t begin, int64_t end, Found& found) {
    static thread_local Block<T> block;
    const Family& family = task.family;
    const bool hidden = task.weight.data || task.mask.data;
    const bool is_focused = family.focus.gamma || family.focus.gamma_neg;
    const bool split = hidden || is_focused || task.pos_weight.data || task.neg_weight.data || family.pos_weight != 1 ||
                       family.neg_weight != 1 || family.label_smoothing != 0;
    const unsigned want = task.want | (task.want & SUM ? unsigned{LOSS} : 0u);
    Seen<T> seen;
    for (int64_t at = begin; at < end; at += Block<T>::size) {
        const int n = end - at < Block<T>::size ? static_cast<int>(end - at) : Block<T>::size;
        constexpr int lanes = 64 / sizeof(T);  // of the widest instruction set
        const int whole = (n + lanes - 1) / lanes * lanes;
        const T* x = read(task, task.x, at, n, block.x);
        const T* y = read_held(task, task.y, at, n, block.y, holds_label, found.is_narrow);
        if (hidden || whole != n) {
            x = copied(n, whole, x, block.x);
            y = copied(n, whole, y, block.y);
        }
        if (hidden) {
            const T* shown = task.mask.data ? read(task, task.mask, at, n, block.shown) : nullptr;
            const T* weight = nullptr;
            if (task.weight.data)
                weight = read_held(task, task.weight, at, n, block.weight, holds_weight, found.is_narrow);
            hide(n, shown, weight, block.x, block.y, block.weight, found);
        }
        const T *positive = y, *negative = nullptr;
        if (split) {
            const T* pos = task.pos_weight.data ? read(task, task.pos_weight, at, n, block.shown) : nullptr;
            const T* neg = task.neg_weight.data ? read(task, task.neg_weight, at, n, block.factor) : nullptr;
            coefficients(n, y, hidden ? block.weight : nullptr, pos, neg, family, block.positive, block.negative, found);
            positive = copied(n, whole, block.positive, block.positive);
            negative = copied(n, whole, block.negative, block.negative);
        }
        const auto place = [&](const Operand& operand, T* buffer) {
            T* to = operand.data && whole == n ? direct<T>(operand, at) : nullptr;
            return to ? to : buffer;
        };
        const Results<T> out = {place(task.loss, block.loss), place(task.gradient, block.gradient),
                                place(task.hessian, block.hessian)};
        const T divisor = static_cast<T>(task.divisor);
        if (is_focused)
            compute<true, true, T>(want, whole, x, positive, negative, divisor, family.focus, out, &seen);
        else if (split)
            compute<true, false, T>(want, whole, x, positive, negative, divisor, family.focus, out, &seen);
        else
            compute<false, false, T>(want, whole, x, positive, negative, divisor, family.focus, out, &seen);
        if (task.loss.data && out.loss == block.loss) write(task, task.loss, at, n, out.loss);
        if (task.gradient.data && out.gradient == block.gradient) write(task, task.gradient, at, n, out.gradient);
        if (task.hessian.data && out.hessian == block.hessian) write(task, task.hessian, at, n, out.hessian);
        if (task.want & SUM) {
            if (whole != n) copied(n, whole, block.loss, block.loss);
            add_terms(out.loss, whole, block.rest, found.sum);
        }
    }
    found.is_suspect |= seen.is_suspect();
}

inline void run(const Task& task, int64_t begin, int64_t end, Found& found) {
    const FloatingPoint as_it_should_be;
    if (task.x.type == Type::float64 || task.is_wide)
        run_as<double>(task, begin, end, found);
    else
        run_as<float>(task, begin, end, found);
}

}  // namespace logloss::ISA
