// exp, softplus and the logistic function, branch-free but for a tail that few inputs need, with their errors in ulp.
//
// Every operation is one that IEEE 754 rounds correctly, so all instruction sets with fused multiply-add agree to the
// bit. The polynomials and how they were made: scripts/make_tables.py.
#pragma once

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
    static constexpr float log2_high = 0x1.62e4p-1f, log2_low = 0x1.7f7d1cp-20f;  // high times any exponent is exact
};
template <> struct Binary<double> {
    static constexpr double magic = 0x1.8p52;
    static constexpr double lowest = 746.0;
    static constexpr double lifted = 600;
    static constexpr double unlift = 0x1p-600;
    static constexpr double log2e = 0x1.71547652b82fep0;
    static constexpr double log2_high = 0x1.62e42fefap-1, log2_low = 0x1.cf79abc9e3b39p-40;
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
    a = min(a, V(B::lowest));
    const V shifted = fma(a, V(-B::log2e), V(B::magic + B::lifted));
    const V exponent = shifted - V(B::magic + B::lifted);
    V r = fma(exponent, V(-B::log2_high), V(T(0)) - a);
    r = fma(exponent, V(-B::log2_low), r);
    const V p = fma(polynomial(Tables<T>::exponential, r), r * r, r) + V(T(1));
    return shift_exponent(p, shifted) * V(B::unlift);
}

template <class V> struct Tail {
    V softplus;  // log(1 + exp(-a))
    V logistic;  // 1 / (1 + exp(a))
};

constexpr unsigned SOFTPLUS = 1, LOGISTIC = 2;

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
    constexpr int n = Table::tail_degree + 1;
    constexpr T magic = Binary<T>::magic * Table::tail_width;
    constexpr T end = (Table::tail_pieces - T(0.5)) * Table::tail_width;

    const V index = a + V(magic);
    V centre;
    V::template look_up<Table::tail, 0, 1>(index, &centre);
    const V d = a - centre;
    Tail<V> made{};
    if constexpr (WANT & SOFTPLUS) {
        V c[n];
        V::template look_up<Table::tail, 1, n>(index, c);
        made.softplus = c[n - 1];
        for (int i = n - 2; i >= 0; --i) made.softplus = fma(made.softplus, d, c[i]);
    }
    if constexpr (WANT & LOGISTIC) {
        V c[n];
        V::template look_up<Table::tail, 1 + n, n>(index, c);
        made.logistic = c[n - 1];
        for (int i = n - 2; i >= 0; --i) made.logistic = fma(made.logistic, d, c[i]);
    }
    const auto beyond = a >= V(end);
    if (__builtin_expect(V::any(beyond), 0)) {
        const Tail<V> far = far_tail<WANT>(a);
        if constexpr (WANT & SOFTPLUS) made.softplus = select(beyond, far.softplus, made.softplus);
        if constexpr (WANT & LOGISTIC) made.logistic = select(beyond, far.logistic, made.logistic);
    }
    return made;
}

}  // namespace logloss
