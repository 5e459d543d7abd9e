// The mathematics of the family for one vector of elements: loss, gradient and Hessian. The same as core/formula.py,
// which says what it means; docs/numerics.md says why it is exact.
#pragma once

#include "elementary.hpp"
#include "inline.hpp"
#include "task.hpp"

namespace logloss {

// The ways to work an element out. What has no way of its own, the general ones do, in double.
enum class Form { plain_logit, focal_logit, plain_probability, any_logit, any_probability };

INLINE Form form_of(const Family& family, unsigned want) {
    const auto is_simple = [](double gamma) { return gamma == 0 || gamma == 1 || gamma == 2; };
    const bool is_focused = family.gamma != 0 || family.gamma_neg != 0;
    if (family.margin == 0 && !is_focused) return family.from_logits != 0 ? Form::plain_logit : Form::plain_probability;
    if (family.from_logits == 0) return Form::any_probability;
    const bool is_focal = family.margin == 0 && is_simple(family.gamma) && is_simple(family.gamma_neg);
    return is_focal && !(want & HESSIAN) ? Form::focal_logit : Form::any_logit;
}

template <class V> struct Made {
    V loss, gradient, hessian;
};

// A coefficient times a term; 0 where the coefficient is 0, infinite terms included.
template <class V> INLINE V times(V coefficient, V term) {
    using T = typename V::scalar;
    return select(coefficient == V(T(0)), V(T(0)), coefficient * term);
}

// Cross-entropy without focus; total is the sum of both coefficients. What the logit votes for is the right side, and |z|
// is the price of the wrong one.
template <unsigned WANT, class V> INLINE Made<V> plain_of_logit(V z, V positive, V negative, V total) {
    using T = typename V::scalar;
    constexpr unsigned functions = (WANT & LOSS ? SOFTPLUS : 0u) | (WANT & (GRADIENT | HESSIAN) ? LOGISTIC : 0u);
    const V distance = abs(z);
    const auto below = is_negative(z);
    const V wrong = select(below, positive, negative), right = select(below, negative, positive);
    const Tail<V> t = tail<functions>(distance);
    Made<V> made{};
    if constexpr (WANT & LOSS) {
        const V reach = select(wrong == V(T(0)), V(T(0)), distance);
        made.loss = fma(wrong, reach, total * t.softplus);
    }
    const V near = V(T(1)) - t.logistic;
    if constexpr (WANT & GRADIENT) made.gradient = flip_sign(fma(wrong, near, V(T(0)) - right * t.logistic), z);
    if constexpr (WANT & HESSIAN) made.hessian = total * (near * t.logistic);
    return made;
}

// The same of a probability: t is that of the less likely side, 1 - t exactly where p is above one half.
template <unsigned WANT, class V>
INLINE Made<V> plain_of_probability(V p, V positive, V negative, const Family& family) {
    using T = typename V::scalar;
    const V one = V(T(1)), zero = V(T(0)), rest = one - p, t = min(p, rest);
    const auto upper = p >= V(T(0.5));
    const V unlikely = select(upper, negative, positive), likely = select(upper, positive, negative);
    const auto is_idle = unlikely == zero;
    Made<V> made{};
    if constexpr (WANT & LOSS) {
        const V surprise = min(surprise_of_unlikely(t), V(static_cast<T>(family.largest_surprise)));
        made.loss = fma(likely, surprise_of_likely(t), unlikely * select(is_idle, zero, surprise));
    }
    if constexpr (WANT & (GRADIENT | HESSIAN)) {
        const V divisor = max(t, V(static_cast<T>(family.smallest_divisor))), whole = one - t;
        const V slope = select(is_idle, zero, unlikely / divisor), other = likely / whole;
        const V rise = slope - other;
        if constexpr (WANT & GRADIENT) made.gradient = select(upper, rise, zero - rise);
        if constexpr (WANT & HESSIAN) made.hessian = select(is_idle, zero, slope / divisor) + other / whole;
    }
    return made;
}

// Beyond it every derivative along a logit has reached its limit, and infinity times zero is avoided.
template <class T> constexpr T saturated = T(1e4);

// wrong ** gamma, for a gamma of 0, 1 or 2.
template <class V> INLINE V simple_power(V wrong, double gamma) {
    using T = typename V::scalar;
    return gamma == 0 ? V(T(1)) : gamma == 1 ? wrong : wrong * wrong;
}

// With focus on what is wrong: each side costs wrong ** gamma times its surprise. Again the sides are what the logit
// votes for and what it votes against, and far is the probability of the second.
template <unsigned WANT, class V> INLINE Made<V> focal_of_logit(V z, V positive, V negative, const Family& family) {
    using T = typename V::scalar;
    const V distance = abs(z);
    const auto below = is_negative(z);
    const V against = select(below, positive, negative), for_it = select(below, negative, positive);
    const Tail<V> t = tail<SOFTPLUS | LOGISTIC>(distance);
    const V far = t.logistic, near = V(T(1)) - far;
    V gamma(static_cast<T>(family.gamma)), other_gamma = gamma;
    V heavy = simple_power(near, family.gamma), light = simple_power(far, family.gamma);
    if (family.gamma != family.gamma_neg) {
        const V gamma_neg(static_cast<T>(family.gamma_neg));
        gamma = select(below, gamma, gamma_neg);
        other_gamma = select(below, gamma_neg, other_gamma);
        heavy = select(below, heavy, simple_power(near, family.gamma_neg));
        light = select(below, simple_power(far, family.gamma_neg), light);
    }
    Made<V> made{};
    if constexpr (WANT & LOSS)
        made.loss = fma(for_it, light * t.softplus, times(against, heavy * (t.softplus + distance)));
    if constexpr (WANT & GRADIENT) {
        const V surprise = t.softplus + min(distance, V(saturated<T>));
        const V push = against * (heavy * fma(gamma * far, surprise, near));
        const V pull = for_it * (light * fma(other_gamma * near, t.softplus, far));
        made.gradient = flip_sign(push - pull, z);
    }
    return made;
}

// Every member of the family, one side at a time. All of it in double, where float's roundings do not show.

// One side's loss, and its derivatives along its own logit or along the probability of what happened.
template <class V> INLINE Made<V> mixed(V positive, Made<V> first, V negative, Made<V> second) {
    return {times(positive, first.loss) + times(negative, second.loss),
            times(positive, first.gradient) - times(negative, second.gradient),
            times(positive, first.hessian) + times(negative, second.hessian)};
}

template <class V> INLINE V any_power(V q, double exponent) {
    if (exponent == 0) return V(1.0);
    if (exponent == 1) return q;
    const V square = q * q;
    return exponent == 2 ? square : exponent == 3 ? square * q : exponent == 4 ? square * square : power(q, exponent);
}

// q ** exponent * other, by halves: a subnormal power has lost digits, and a product would magnify that.
template <class V> INLINE V power_times(V q, double exponent, V other) {
    if (exponent == 1) return q * other;
    const V half = any_power(q, exponent / 2);
    return half * (half * other);
}

// A side of a logit: the probabilities of what happened and of what did not, -log of both, the second with more digits,
// and `right` in two factors, which keep the digits that it loses where it is subnormal.
template <class V> struct Side {
    V right, wrong, surprise, relief, relief_low, part, other_part;
};

template <class M, class V> INLINE Side<V> select(M mask, const Side<V>& a, const Side<V>& b) {
    return {select(mask, a.right, b.right),           select(mask, a.wrong, b.wrong),
            select(mask, a.surprise, b.surprise),     select(mask, a.relief, b.relief),
            select(mask, a.relief_low, b.relief_low), select(mask, a.part, b.part),
            select(mask, a.other_part, b.other_part)};
}

template <class V> INLINE Made<V> side_of_logit(const Side<V>& s, double gamma) {
    if (gamma == 0) return {s.surprise, V(0.0) - s.wrong, s.right * s.wrong};
    const V factor = gamma == 1 ? s.wrong : exp_of_negative_product(V(gamma), s.relief, s.relief_low);
    const V bounded = min(s.surprise, V(saturated<double>)), pull = V(gamma) * s.right * bounded;
    const V bend = fma(V(gamma), pull, (V(2 * gamma + 1) - V(gamma) * bounded) * s.wrong);
    return {factor * s.surprise, V(0.0) - factor * (pull + s.wrong), s.part * (factor * bend) * s.other_part};
}

// -log(1 - q), of which `rest` is 1 - q.
template <class V> INLINE V surprise_of(V q, V rest) {
    const V half = V(0.5);
    const auto upper = q >= half;
    return select(upper, surprise_of_unlikely(min(rest, V(1.0))), surprise_of_likely(min(q, half)));
}

// The negative side under a margin.
template <class V> INLINE Made<V> spared_side_of_logit(const Side<V>& s, double gamma, double margin) {
    const V zero = V(0.0), one = V(1.0), m = V(margin), g = V(gamma);
    const auto is_spared = m >= s.wrong;
    const V q = select(is_spared, V(0.5), s.wrong - m);  // one half stands in where nothing is used
    const V rest = s.right + m, surprise = surprise_of(q, rest), factor = any_power(q, gamma);
    const V pull = g * (surprise / q) * rest, slope = s.wrong * factor;
    const V bend = s.right / rest * (rest / q) * ((g - one) * pull + V(2 * gamma));
    const V lean = s.right - s.wrong;
    const V curve = slope * ((s.right - s.wrong * (m / rest)) + lean * pull + s.wrong * bend);
    const auto along = [&](V made) { return select(is_spared, zero, s.part * made / rest * s.other_part); };
    return {select(is_spared, zero, factor * surprise), along(zero - slope * (pull + one)), along(curve)};
}

template <class V> INLINE Made<V> any_of_logit(V z, V positive, V negative, const Family& family) {
    const V one = V(1.0), distance = abs(z), reach = min(distance, V(1e300));
    const auto below = is_negative(z);
    const Tail<V> t = tail<SOFTPLUS | SOFTPLUS_LOW | LOGISTIC>(distance);
    const V near = one - t.logistic, farther = t.softplus + distance;
    V low;
    const V far = two_sum(t.softplus, reach, low);
    low = low + t.softplus_low;
    const auto is_tiny = V(std::numeric_limits<double>::min()) >= t.logistic;
    V root = one;
    if (__builtin_expect(V::any(is_tiny), 0)) root = exp_of_negative(V(0.5) * reach);
    const V part = select(is_tiny, root, t.logistic), other = select(is_tiny, root, one);
    // What the logit votes for, and what it votes against.
    const Side<V> for_it = {near, t.logistic, t.softplus, far, low, near, one};
    const Side<V> against = {t.logistic, near, farther, t.softplus, t.softplus_low, part, other};
    const Side<V> first = select(below, against, for_it), second = select(below, for_it, against);
    const Made<V> negative_side = family.margin != 0 ? spared_side_of_logit(second, family.gamma_neg, family.margin)
                                                     : side_of_logit(second, family.gamma_neg);
    return mixed(positive, side_of_logit(first, family.gamma), negative, negative_side);
}

// One side of a probability: q is that of what did not happen, less a margin, and rest is 1 - q.
template <class V> INLINE Made<V> side_of_probability(V q, V rest, double gamma, const Family& family) {
    const V zero = V(0.0), one = V(1.0), g = V(gamma);
    const V surprise = min(surprise_of(q, rest), V(family.largest_surprise));
    rest = max(rest, V(family.smallest_divisor));
    if (gamma == 0) return {surprise, zero - one / rest, one / rest / rest};
    const auto is_zero = q == zero, is_certain = rest == zero;
    const V ratio = select(is_zero, one, surprise / q), factor = any_power(q, gamma);
    // Over rest, because at rest = 0 the summand of -log(rest) vanishes against 1 / rest.
    const V middle = select(is_certain, zero, V(gamma * (gamma - 1)) * ratio * rest) + V(2 * gamma);
    V first;
    if (gamma < 1) {
        const V half = any_power(q, gamma / 2);
        first = select(is_zero, V(std::numeric_limits<double>::infinity()), half * (half / q) * middle);
    } else {
        first = power_times(q, gamma - 1, middle);
    }
    return {factor * surprise, zero - power_times(q, gamma, g * ratio + one / rest), (first + factor / rest) / rest};
}

template <class V> INLINE Made<V> any_of_probability(V p, V positive, V negative, const Family& family) {
    const V zero = V(0.0), one = V(1.0), not_p = one - p, m = V(family.margin);
    const auto is_spared = m >= p;
    const bool spares = family.margin != 0;
    const V q = spares ? select(is_spared, V(0.5), p - m) : p, rest = spares ? not_p + m : not_p;
    Made<V> second = side_of_probability(q, rest, family.gamma_neg, family);
    if (spares) {
        second.loss = select(is_spared, zero, second.loss);
        second.gradient = select(is_spared, zero, second.gradient);
        second.hessian = select(is_spared, zero, second.hessian);
    }
    return mixed(positive, side_of_probability(not_p, p, family.gamma, family), negative, second);
}

template <Form FORM, unsigned WANT, class V>
INLINE Made<V> made_of(V x, V positive, V negative, V total, const Family& family) {
    if constexpr (FORM == Form::plain_logit) return plain_of_logit<WANT>(x, positive, negative, total);
    if constexpr (FORM == Form::focal_logit) return focal_of_logit<WANT>(x, positive, negative, family);
    if constexpr (FORM == Form::plain_probability) return plain_of_probability<WANT>(x, positive, negative, family);
    if constexpr (FORM == Form::any_logit) return any_of_logit(x, positive, negative, family);
    if constexpr (FORM == Form::any_probability) return any_of_probability(x, positive, negative, family);
}

}  // namespace logloss
