// exp, softplus, the logistic function, logarithms and powers, branch-free but for a tail that few inputs need, with
// their errors in ulp.
//
// Every operation is one that IEEE 754 rounds correctly, so all instruction sets with fused multiply-add agree to the
// bit. The polynomials and how they were made: scripts/make_tables.py.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "inline.hpp"
#include "tables.hpp"

namespace logloss {

// Adding MAGIC * unit rounds to a multiple of the unit and leaves that multiple in the low bits.
template <class T> struct Binary;
template <> struct Binary<float> {
    static constexpr float magic = 0x1.8p23f;
    static constexpr float lowest = 104.0f;     // beyond it, exp(-a) rounds to 0
    static constexpr float lifted = 64;         // what keeps the scaling of a subnormal result to one rounding
    static constexpr float unlift = 0x1p-64f;
    static constexpr float log2e = 0x1.715476p0f;
    static constexpr float log2 = 0x1.62e43p-1f;
    static constexpr float log2_high = 0x1.62e4p-1f, log2_low = 0x1.7f7d1cp-20f;  // high times any exponent is exact
    using bits = uint32_t;
    static constexpr int digits = 23;
    static constexpr int lift = 24;  // times two to the power of it, subnormal numbers are normal
};
template <> struct Binary<double> {
    static constexpr double magic = 0x1.8p52;
    static constexpr double lowest = 746.0;
    static constexpr double lifted = 600;
    static constexpr double unlift = 0x1p-600;
    static constexpr double log2e = 0x1.71547652b82fep0;
    static constexpr double log2 = 0x1.62e42fefa39efp-1;
    static constexpr double log2_high = 0x1.62e42fefap-1, log2_low = 0x1.cf79abc9e3b39p-40;
    using bits = uint64_t;
    static constexpr int digits = 52;
    static constexpr int lift = 53;
};

template <class V, class T, int N> INLINE V polynomial(const T (&coefficients)[N], V x) {
    V sum = V(coefficients[N - 1]);
    for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, V(coefficients[i]));
    return sum;
}

// exp(-a) for a >= 0, subnormal results included. In float a sweep found 1.05 ulp at most.
template <class V> INLINE V exp_of_negative(V a) {
    using T = typename V::scalar;
    using B = Binary<T>;
    // What is 0 anyway is not made of subnormal numbers, which take the processor long.
    const auto is_zero = a >= V(B::lowest);
    a = select(is_zero, V(T(0)), a);
    const V shifted = fma(a, V(-B::log2e), V(B::magic + B::lifted));
    const V exponent = shifted - V(B::magic + B::lifted);
    V r = fma(exponent, V(-B::log2_high), V(T(0)) - a);
    r = fma(exponent, V(-B::log2_low), r);
    const V p = fma(polynomial(Tables<T>::exponential, r), r * r, r) + V(T(1));
    return select(is_zero, V(T(0)), shift_exponent(p, shifted) * V(B::unlift));
}

// The polynomial in column FIRST of the rows of a table, at a distance from its centres.
template <const auto& TABLE, int FIRST, int DEGREE, class V> INLINE V piece(V index, V d) {
    V c[DEGREE + 1];
    V::template look_up<TABLE, FIRST, DEGREE + 1>(index, c);
    V sum = c[DEGREE];
    for (int i = DEGREE - 1; i >= 0; --i) sum = fma(sum, d, c[i]);
    return sum;
}

// As `piece`, and what its last addition lost.
template <const auto& TABLE, int FIRST, int DEGREE, class V> INLINE V piece(V index, V d, V& lost) {
    V first;
    V::template look_up<TABLE, FIRST, 1>(index, &first);
    const V rest = piece<TABLE, FIRST + 1, DEGREE - 1>(index, d);
    const V sum = fma(rest, d, first);
    lost = fma(rest, d, first - sum);
    return sum;
}

template <class V> struct Tail {
    V softplus;      // log(1 + exp(-a))
    V softplus_low;  // what is to be added to it for more digits
    V logistic;      // 1 / (1 + exp(a))
};

constexpr unsigned SOFTPLUS = 1, LOGISTIC = 2, SOFTPLUS_LOW = 4;

// Where the table ends: exp(-a) is small there, and a short series in it serves.
template <unsigned WANT, class V> INLINE Tail<V> far_tail(V a) {
    using T = typename V::scalar;
    const V e = exp_of_negative(a);
    Tail<V> made{};
    if constexpr (sizeof(T) == 4) {
        if constexpr (WANT & SOFTPLUS) made.softplus = fma(e * V(T(-0.5)), e, e);
        if constexpr (WANT & LOGISTIC) made.logistic = fma(V(T(0)) - e, e, e);
    } else {
        constexpr T log1p[] = {T(-1) / 2, T(1) / 3, T(-1) / 4, T(1) / 5};
        constexpr T quotient[] = {T(-1), T(1), T(-1), T(1)};
        if constexpr (WANT & SOFTPLUS) made.softplus = fma(polynomial(log1p, e) * e, e, e);
        if constexpr (WANT & LOGISTIC) made.logistic = fma(polynomial(quotient, e) * e, e, e);
    }
    return made;
}

// For a >= 0: a polynomial about the nearest centre. In float a sweep found 1.5 ulp (softplus) and 1.8 (logistic).
template <unsigned WANT, class V> INLINE Tail<V> tail(V a) {
    using T = typename V::scalar;
    using Table = Tables<T>;
    constexpr int degree = Table::tail_degree;
    const V index = a + V(Binary<T>::magic * Table::tail_width);
    V centre;
    V::template look_up<Table::tail, 0, 1>(index, &centre);
    const V d = a - centre;
    Tail<V> made{};
    if constexpr (WANT & SOFTPLUS_LOW)
        made.softplus = piece<Table::tail, 1, degree>(index, d, made.softplus_low);
    else if constexpr (WANT & SOFTPLUS)
        made.softplus = piece<Table::tail, 1, degree>(index, d);
    if constexpr (WANT & LOGISTIC) made.logistic = piece<Table::tail, degree + 2, degree>(index, d);
    const auto beyond = a >= V(Table::tail_end);
    if (__builtin_expect(V::any(beyond), 0)) {
        const Tail<V> far = far_tail<WANT>(a);
        if constexpr (WANT & SOFTPLUS) made.softplus = select(beyond, far.softplus, made.softplus);
        if constexpr (WANT & SOFTPLUS_LOW) made.softplus_low = select(beyond, V(T(0)), made.softplus_low);
        if constexpr (WANT & LOGISTIC) made.logistic = select(beyond, far.logistic, made.logistic);
    }
    return made;
}

// -log(1 - t) for t in [0, 1/2].
template <class V> INLINE V surprise_of_likely(V t) {
    using T = typename V::scalar;
    using Table = Tables<T>;
    constexpr T magic = Binary<T>::magic * Table::surprise_width;
    const V index = min(t + V(magic), V(magic + 15 * Table::surprise_width));
    V centre;
    V::template look_up<Table::surprise, 0, 1>(index, &centre);
    return piece<Table::surprise, 1, Table::surprise_degree>(index, t - centre);
}

// A positive number as m * 2^-k, m from 2/3 to 4/3: k, m, and the row of the table that m belongs to.
template <class V> struct Parts {
    V k, m, index;
};

template <class V> INLINE Parts<V> parts_of(V t) {
    using T = typename V::scalar;
    using B = Binary<T>;
    using Bits = typename B::bits;
    constexpr Bits fraction = (Bits{1} << B::digits) - 1, first = std::bit_cast<Bits>(Tables<T>::first_mantissa);
    constexpr T bias = T(int(first >> B::digits) + B::lift), large = T(Bits{1} << B::digits);
    const V all = subtract_bits(t * V(T(Bits{1} << B::lift)), V(std::bit_cast<T>(first & fraction)));
    // Added to the bits of a large power of two, an integer is added to the number itself.
    const V exponent = add_bits(V::template shift_right<B::digits>(all), V(large));
    const V mantissa = add_bits(and_bits(all, V(std::bit_cast<T>(fraction))), V(Tables<T>::first_mantissa));
    return {V(large + bias) - exponent, mantissa, V::template shift_right<B::digits - 4>(all)};
}

// -log(t) for t in [0, 1], infinity at 0.
template <class V> INLINE V surprise_of_unlikely(V t) {
    using T = typename V::scalar;
    using B = Binary<T>;
    const Parts<V> parts = parts_of(t);
    V row[2];
    V::template look_up<Tables<T>::mantissas, 0, 2>(parts.index, row);
    V r, rest, above;
    if constexpr (V::is_fused) {
        r = fma(parts.m, row[0], V(T(-1)));
        rest = V(T(0)) - r;
        above = fma(parts.k, V(B::log2), row[1]);
    } else {  // the roundings that fma spares, spared by more operations
        V lost;
        r = exact_product(parts.m, row[0], lost) - V(T(1)) + lost;
        rest = fma(parts.k, V(B::log2_low), V(T(0)) - r);
        above = fma(parts.k, V(B::log2_high), row[1]);
    }
    const V made = above + fma(polynomial(Tables<T>::logarithm, r) * r, r, rest);
    return select(t == V(T(0)), V(std::numeric_limits<T>::infinity()), made);
}

// -log(q + low), where low is what the rounding of q lost: nothing below 1/2, and there as much as its last digit tells.
template <class V> INLINE V surprise(V q, V low) {
    using T = typename V::scalar;
    return fma(low, q - V(T(2)), surprise_of_unlikely(q));  // near 1, 2 - q is 1 / q
}

// a + b, and what its rounding lost.
template <class V> INLINE V two_sum(V a, V b, V& lost) {
    const V sum = a + b, second = sum - a;
    lost = (a - (sum - second)) + (b - second);
    return sum;
}

// exp(-exponent * (a + low)) for a >= 0 and a low that is small beside it.
template <class V> INLINE V exp_of_negative_product(V exponent, V a, V low) {
    using T = typename V::scalar;
    V lost;
    const V product = exact_product(exponent, min(a, V(T(1e300))), lost);
    const V power = exp_of_negative(product);
    return fma(V(T(0)) - power, fma(exponent, low, lost), power);
}

// q to a positive power, for q in [0, 1], to about one ulp: of the logarithm twice as many digits are made.
template <class V> INLINE V power(V q, typename V::scalar exponent) {
    using T = typename V::scalar;
    using B = Binary<T>;
    const Parts<V> parts = parts_of(q);
    V row[3];
    V::template look_up<Tables<T>::mantissas, 0, 3>(parts.index, row);
    V low[4];
    const V product = exact_product(parts.m, row[0], low[0]);
    const V r = two_sum(product - V(T(1)), low[0], low[0]);
    V sum = two_sum(parts.k * V(B::log2_high), row[1], low[1]);
    sum = two_sum(sum, V(T(0)) - r, low[2]);
    sum = two_sum(sum, polynomial(Tables<T>::logarithm, r) * r * r, low[3]);
    const V small = (low[1] + low[2]) + (low[3] - low[0]) + fma(parts.k, V(B::log2_low), row[2]);
    return select(q == V(T(0)), V(T(0)), exp_of_negative_product(V(exponent), sum, small));
}

}  // namespace logloss
