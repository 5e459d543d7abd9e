// The mathematics of the family for one vector of elements: loss, gradient and Hessian. The same as core/formula.py,
// which says what it means; docs/numerics.md says why it is exact.
#pragma once

#include "elementary.hpp"
#include "inline.hpp"
#include "task.hpp"

namespace logloss {

template <class V> struct Made {
    V loss, gradient, hessian;
};

// A coefficient times a term; 0 where the coefficient is 0, infinite terms included.
template <class V> INLINE V times(V coefficient, V term) {
    using T = typename V::scalar;
    return select(coefficient == V(T(0)), V(T(0)), coefficient * term);
}

// Cross-entropy without focus. What the logit votes for is the right side, and |z| is the price of the wrong one.
template <unsigned WANT, class V> INLINE Made<V> plain_of_logit(V z, V positive, V negative) {
    using T = typename V::scalar;
    constexpr unsigned functions = (WANT & LOSS ? SOFTPLUS : 0u) | (WANT & (GRADIENT | HESSIAN) ? LOGISTIC : 0u);
    const V distance = abs(z);
    const auto below = is_negative(z);
    const V wrong = select(below, positive, negative), right = select(below, negative, positive);
    const Tail<V> t = tail<functions>(distance);
    Made<V> made{};
    if constexpr (WANT & LOSS) {
        const V reach = select(wrong == V(T(0)), V(T(0)), distance);
        made.loss = fma(wrong, reach, (wrong + right) * t.softplus);
    }
    const V near = V(T(1)) - t.logistic;
    if constexpr (WANT & GRADIENT) made.gradient = flip_sign(fma(wrong, near, V(T(0)) - right * t.logistic), z);
    if constexpr (WANT & HESSIAN) made.hessian = (wrong + right) * (near * t.logistic);
    return made;
}

// wrong ** gamma.
template <class V> INLINE V power(V wrong, int gamma) {
    using T = typename V::scalar;
    return gamma == 0 ? V(T(1)) : gamma == 1 ? wrong : wrong * wrong;
}

// With focus on what is wrong: each side costs wrong ** gamma times its surprise.
template <unsigned WANT, class V> INLINE Made<V> focused_of_logit(V z, V positive, V negative, Focus focus) {
    using T = typename V::scalar;
    const V zero = V(T(0)), distance = abs(z);
    const auto below = is_negative(z);
    const Tail<V> t = tail<SOFTPLUS | LOGISTIC>(distance);
    const V near = V(T(1)) - t.logistic;
    const V p = select(below, t.logistic, near), rest = select(below, near, t.logistic);
    const V factor = power(rest, focus.gamma), factor_neg = power(p, focus.gamma_neg);
    Made<V> made{};
    if constexpr (WANT & LOSS) {
        const V surprise = t.softplus + select(below, distance, zero);
        const V surprise_neg = t.softplus + select(below, zero, distance);
        made.loss = times(positive, factor * surprise) + times(negative, factor_neg * surprise_neg);
    }
    if constexpr (WANT & GRADIENT) {
        // Beyond, every derivative has reached its limit, and infinity times zero is avoided.
        const V bounded = min(distance, V(T(1e4)));
        const V surprise = t.softplus + select(below, bounded, zero);
        const V surprise_neg = t.softplus + select(below, zero, bounded);
        const V pull = factor * fma(V(T(focus.gamma)) * p, surprise, rest);
        const V push = factor_neg * fma(V(T(focus.gamma_neg)) * rest, surprise_neg, p);
        made.gradient = negative * push - positive * pull;
    }
    return made;
}

}  // namespace logloss
