// The loop over a range of elements, block by block: read, compute, write, add up. Compiled once per instruction set.
#pragma once

#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "arrays.hpp"
#include "coefficients.hpp"
#include "floating_point.hpp"
#include "formula.hpp"
#include "sums.hpp"

namespace logloss::ISA {

// A block of elements in the type that they are worked out in, small enough for the caches next to the processor.
template <class T> struct Block {
    static constexpr int size = 8192 / sizeof(T);
    alignas(64) T x[size], y[size], weight[size], shown[size];
    alignas(64) T positive[size], negative[size];
    alignas(64) T loss[size], gradient[size], hessian[size];
    alignas(64) double rest[size];
};

// The largest bit patterns of labels and of predictions: what is out of range, or not a number, has a larger one, and
// so has -0.
template <class T> struct Seen {
    Vector<T> y = Vector<T>(T(0)), x = Vector<T>(T(0));
    Vector<T> thinnest = Vector<T>(T(1));  // coefficient of a positive, other than 0
    INLINE bool is_suspect(bool from_logits) const {
        return largest_bits(y) > bits_of(T(1)) ||
               largest_bits(x) > bits_of(from_logits ? std::numeric_limits<T>::infinity() : T(1));
    }
};

template <class T> struct Results {
    T *loss, *gradient, *hessian;
};

// What derivatives are divided by.
template <class T> class Divisor {
  public:
    using V = Vector<T>;
    explicit Divisor(T divisor) : whole_(divisor), part_(T(1) / divisor), way_(way_of(divisor)) {}
    template <bool MAY_BE_INFINITE> INLINE V divide(V x) const {
        if (way_ == Way::none) return x;
        if (way_ == Way::plain) return x / whole_;
        // By the reciprocal, and once more by what that left over: as good as a division, at the cost of none.
        const V first = x * part_, made = fma(fma(V(T(0)) - first, whole_, x), part_, first);
        if (!MAY_BE_INFINITE) return made;
        return select(abs(x) >= V(std::numeric_limits<T>::infinity()), x, made);
    }

  private:
    enum class Way { none, by_reciprocal, plain };
    static Way way_of(T divisor) {
        const bool is_moderate = divisor > 1 && divisor < T(0x1p60);
        return divisor == 1 ? Way::none : is_moderate && V::is_fused ? Way::by_reciprocal : Way::plain;
    }
    V whole_, part_;
    Way way_;
};

template <Form FORM, unsigned WANT, Mix MIX, class T>
void compute_block(int n, const T* x, const T* positive, const T* negative, const Task& task, Results<T> out,
                   Seen<T>* seen) {
    using V = Vector<T>;
    constexpr bool from_logits = FORM != Form::plain_probability && FORM != Form::any_probability;
    const Family& family = task.family;
    const Scales<T> scales(family);
    const Divisor<T> by(static_cast<T>(task.divisor));
    // While a block is summed nothing is read, and the processor would begin anew with each page. With two results it
    // has enough to do with writing.
    constexpr bool reads_ahead = (WANT & (GRADIENT | HESSIAN)) != (GRADIENT | HESSIAN);
    constexpr int ahead = 4096 / sizeof(T);
    const bool is_float64 = task.x.type == Type::float64;
    const V one(T(1)), low(static_cast<T>(is_float64 ? family.low : family.narrow_low));
    const V high(static_cast<T>(is_float64 ? family.high : family.narrow_high));
    Seen<T> all = *seen;
    for (int i = 0; i < n; i += V::lanes) {
        if constexpr (reads_ahead) {
            __builtin_prefetch(x + i + ahead);
            __builtin_prefetch(positive + i + ahead);
        }
        V prediction = V::load(x + i), a = V::load(positive + i), b, total = one;
        if constexpr (MIX != Mix::given) all.y = max_bits(all.y, a);
        if constexpr (MIX == Mix::label) b = one - a;
        if constexpr (MIX == Mix::scaled) {
            const V label = a;
            b = scales.smooth(one - a) * V(scales.negative);
            a = scales.smooth(a) * V(scales.positive);
            all.thinnest = min(all.thinnest, select(label == V(T(0)), one, a));
        }
        if constexpr (MIX == Mix::given) b = V::load(negative + i);
        if constexpr (MIX != Mix::label) total = a + b;  // else it is 1: what 1 - a lost is too small to show beside a
        all.x = max_bits(all.x, from_logits ? abs(prediction) : prediction);
        if constexpr (!from_logits) prediction = min(max(prediction, low), high);
        const Made<V> made = made_of<FORM, WANT>(prediction, a, b, total, family);
        if constexpr (WANT & LOSS) made.loss.store(out.loss + i);
        if constexpr (WANT & GRADIENT) by.template divide<!from_logits>(made.gradient).store(out.gradient + i);
        if constexpr (WANT & HESSIAN) by.template divide<!from_logits>(made.hessian).store(out.hessian + i);
    }
    *seen = all;
}

// What is worked out at once: all that is wanted, and sometimes more, which goes nowhere. The general forms are long,
// so there are few of them.
template <Form FORM, Mix MIX, class T, class... Rest> void compute(unsigned want, Rest... rest) {
    constexpr unsigned all = LOSS | GRADIENT | HESSIAN;
    if (want == LOSS) return compute_block<FORM, LOSS, MIX, T>(rest...);
    if constexpr (FORM == Form::any_logit || FORM == Form::any_probability) {
        if (!(want & HESSIAN)) return compute_block<FORM, LOSS | GRADIENT, MIX, T>(rest...);
        return compute_block<FORM, all, MIX, T>(rest...);
    } else {
        if (want == GRADIENT) return compute_block<FORM, GRADIENT, MIX, T>(rest...);
        if (want == (LOSS | GRADIENT)) return compute_block<FORM, LOSS | GRADIENT, MIX, T>(rest...);
    }
    if constexpr (FORM == Form::plain_logit || FORM == Form::plain_probability) {
        if (!(want & LOSS)) return compute_block<FORM, GRADIENT | HESSIAN, MIX, T>(rest...);
        return compute_block<FORM, all, MIX, T>(rest...);
    }
}

template <Form FORM, class T, class... Rest> void compute(Mix mix, unsigned want, Rest... rest) {
    if constexpr (FORM == Form::plain_logit || FORM == Form::plain_probability)
        if (mix == Mix::label) return compute<FORM, Mix::label, T>(want, rest...);
    return mix == Mix::given ? compute<FORM, Mix::given, T>(want, rest...)
                             : compute<FORM, Mix::scaled, T>(want, rest...);
}

template <class T, class... Rest> void compute(Form form, Rest... rest) {
    switch (form) {
        case Form::plain_logit: return compute<Form::plain_logit, T>(rest...);
        case Form::plain_probability: return compute<Form::plain_probability, T>(rest...);
        case Form::focal_logit: return compute<Form::focal_logit, T>(rest...);
        default: break;
    }
    if constexpr (sizeof(T) == 8) {
        if (form == Form::any_logit) return compute<Form::any_logit, T>(rest...);
        return compute<Form::any_probability, T>(rest...);
    }
}

template <class T> bool are_in_range(int n, const T* x, T low, T high) {
    int bad = 0;
    for (int i = 0; i < n; ++i) bad |= !(x[i] >= low && x[i] <= high);
    return bad == 0;
}

template <class T> bool are_hard(int n, const T* y) {
    int soft = 0;
    for (int i = 0; i < n; ++i) soft |= (y[i] != 0) & (y[i] != 1);
    return soft == 0;
}

// A block in its buffer, filled up with zeros to whole vectors.
template <class T> const T* copied(int n, int room, const T* from, T* to) {
    if (from != to) std::memcpy(to, from, n * sizeof(T));
    std::memset(to + n, 0, (room - n) * sizeof(T));
    return to;
}

template <class T> void run_as(const Task& task, Form form, int64_t begin, int64_t end, Found& found) {
    static thread_local const std::unique_ptr<Block<T>> memory(new Block<T>);
    Block<T>& block = *memory;
    constexpr int lanes = 64 / sizeof(T);  // of the widest instruction set
    const Family& family = task.family;
    const bool is_given = task.weight.data || task.mask.data || task.pos_weight.data || task.neg_weight.data;
    const bool is_scaled = family.pos_weight != 1 || family.neg_weight != 1 || family.label_smoothing != 0;
    const bool is_plain = form == Form::plain_logit || form == Form::plain_probability;
    const Mix mix = is_given ? Mix::given : is_scaled || !is_plain ? Mix::scaled : Mix::label;
    const unsigned want = (task.want & ~SUM) | (task.want & SUM ? unsigned{LOSS} : 0u);
    const bool from_logits = family.from_logits != 0;
    const T steepest = static_cast<T>(1 + (family.gamma > family.gamma_neg ? family.gamma : family.gamma_neg));
    T heaviest = static_cast<T>(family.pos_weight > family.neg_weight ? family.pos_weight : family.neg_weight);
    found.is_suspect |= !(heaviest <= std::numeric_limits<T>::max() / 2);
    Seen<T> seen;
    for (int64_t at = begin; at < end; at += Block<T>::size) {
        const int n = end - at < Block<T>::size ? static_cast<int>(end - at) : Block<T>::size;
        const int whole = (n + lanes - 1) / lanes * lanes;
        const auto filled = [&](const T* from, T* to) { return whole == n ? from : copied(n, whole, from, to); };
        const T* x = filled(read(task, task.x, at, n, block.x), block.x);
        const T* y = filled(read_held(task, task.y, at, n, block.y, holds_label, found.needs_width), block.y);
        if (task.is_hard) found.is_suspect |= !are_hard(n, y);
        if (mix == Mix::given) {
            const auto factor = [&](const Operand& operand, T* buffer) {
                return operand.data ? filled(read(task, operand, at, n, buffer), buffer) : nullptr;
            };
            const auto weight = [&] {
                const T* held = read_held(task, task.weight, at, n, block.weight, holds_weight, found.needs_width);
                return filled(held, block.weight);
            };
            const Factors<T> given = {task.weight.data ? weight() : nullptr, factor(task.mask, block.shown),
                                      factor(task.pos_weight, block.loss), factor(task.neg_weight, block.gradient)};
            x = copied(n, whole, x, block.x);
            heaviest = coefficients(whole, block.x, y, given, family, block.positive, block.negative, found);
        }
        const T* positive = mix == Mix::given ? block.positive : y;
        const auto place = [&](const Operand& operand, T* buffer) {
            T* to = operand.data && whole == n ? direct<T>(operand, at) : nullptr;
            return to ? to : buffer;
        };
        const Results<T> out = {place(task.loss, block.loss), place(task.gradient, block.gradient),
                                place(task.hessian, block.hessian)};
        compute<T>(form, mix, want, whole, x, positive, static_cast<const T*>(block.negative), task, out, &seen);
        if (sizeof(T) == 4) {
            // A result that is subnormal before it is multiplied has lost digits that the product would show.
            const T farthest = std::bit_cast<T>(largest_bits(seen.x));
            found.needs_width |= from_logits && heaviest > 8 && farthest * steepest > 80;
            found.needs_width |= family.pos_weight != 0 && smallest(seen.thinnest) < thin<T>;
        }
        if (seen.is_suspect(from_logits)) {  // a closer look, for -0
            constexpr T endless = std::numeric_limits<T>::infinity();
            const bool are_good = are_in_range(n, x, from_logits ? -endless : T(0), from_logits ? endless : T(1)) &&
                                  (mix == Mix::given || are_in_range(n, y, T(0), T(1)));
            found.is_suspect |= !are_good;
        }
        seen = {};
        if (found.is_suspect || found.needs_width) return;  // all this will be done anew, and otherwise
        if (task.loss.data && out.loss == block.loss) write(task, task.loss, at, n, out.loss);
        if (task.gradient.data && out.gradient == block.gradient) write(task, task.gradient, at, n, out.gradient);
        if (task.hessian.data && out.hessian == block.hessian) write(task, task.hessian, at, n, out.hessian);
        if (task.want & SUM) {
            if (whole != n) copied(n, whole, block.loss, block.loss);
            add_terms(out.loss, whole, block.rest, found.sum);
        }
    }
}

// Of at most 2^26 elements, so that carries can wait till the end.
inline void run(const Task& task, int64_t begin, int64_t end, Found& found) {
    const FloatingPoint as_it_should_be;
    const Family& family = task.family;
    const Form form = form_of(family, task.want);
    const bool is_any = form == Form::any_logit || form == Form::any_probability;
    // A derivative in a probability may be infinite in float and, divided, finite.
    const bool may_overflow = form == Form::plain_probability && family.narrow_low < 0x1p-60 &&
                              family.smallest_divisor < 0x1p-60 && task.divisor != 1 &&
                              (task.want & (GRADIENT | HESSIAN));
    if (task.x.type == Type::float64 || task.is_wide || is_any || may_overflow)
        run_as<double>(task, form, begin, end, found);
    else
        run_as<float>(task, form, begin, end, found);
    found.sum.settle();
}

// The sum of the weights that no mask hides.
inline void total_weight(const Task& task, int64_t begin, int64_t end, Found& found) {
    const FloatingPoint as_it_should_be;
    static thread_local const std::unique_ptr<Block<double>> memory(new Block<double>);
    Block<double>& block = *memory;
    constexpr int lanes = 8;
    for (int64_t at = begin; at < end; at += Block<double>::size) {
        const int n = end - at < Block<double>::size ? static_cast<int>(end - at) : Block<double>::size;
        const int whole = (n + lanes - 1) / lanes * lanes;
        const double* weight = copied(n, whole, read(task, task.weight, at, n, block.weight), block.weight);
        if (task.mask.data) {
            const double* shown = read(task, task.mask, at, n, block.shown);
            for (int i = 0; i < n; ++i) block.weight[i] = shown[i] != 0 ? block.weight[i] : 0;
        }
        int bad = 0;
        for (int i = 0; i < n; ++i) bad |= !(weight[i] >= 0 && weight[i] <= std::numeric_limits<double>::max());
        found.is_suspect |= bad != 0;
        add_terms(weight, whole, block.rest, found.sum);
    }
    found.sum.settle();
}

}  // namespace logloss::ISA
