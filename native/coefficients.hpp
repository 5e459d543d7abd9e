// What multiplies each side of an element: labels, smoothing and weights of all kinds in two numbers.
#pragma once

#include <bit>
#include <limits>

#include "arrays.hpp"
#include "sums.hpp"

namespace logloss::ISA {

template <class T> struct Vectors;
template <> struct Vectors<float> { using type = F32; };
template <> struct Vectors<double> { using type = F64; };

template <class T> using Vector = typename Vectors<T>::type;

// Where the coefficients of the two sides come from: the label alone, and what is left of it to 1; the label and
// numbers that are the same for all; or arrays that `coefficients` has filled.
enum class Mix { label, scaled, given };

template <class T> struct Scales {
    T keep, half, positive, negative;
    explicit Scales(const Family& family)
        : keep(static_cast<T>(1 - family.label_smoothing)), half(static_cast<T>(family.label_smoothing / 2)),
          positive(static_cast<T>(family.pos_weight)), negative(static_cast<T>(family.neg_weight)) {}
    // Smoothed; 1 - y is smoothed apart, because subtracting a rounded label from 1 costs hundreds of ulp.
    INLINE Vector<T> smooth(Vector<T> y) const { return y * Vector<T>(keep) + Vector<T>(half); }
};

// A coefficient that is not 0 and smaller may have come of one that float lost.
template <class T> constexpr T thin = sizeof(T) == 4 ? T(0x1p-100) : T(0);

template <class V> INLINE auto smallest(V v) {
    typename V::scalar lane[V::lanes], least;
    v.store(lane);
    least = lane[0];
    for (auto x : lane) least = x < least ? x : least;
    return least;
}

// What may be missing: null then, and 1 for all. Filled up to whole vectors.
template <class T> struct Factors {
    const T *weight, *shown, *positive, *negative;
};

// What multiplies each side, from all there is of weights; and hides what a mask or a weight of 0 hides, whatever it
// is. Weights may multiply to more than the type holds. The largest coefficient.
template <class T>
T coefficients(int n, T* x, const T* y, const Factors<T>& given, const Family& family, T* positive, T* negative,
                  Found& found) {
    using V = Vector<T>;
    const Scales<T> scales(family);
    const V zero(T(0)), one(T(1));
    V labels = zero, heaviest = zero, lightest = one, largest = zero, thinnest = one;
    for (int i = 0; i < n; i += V::lanes) {
        V label = V::load(y + i), prediction = V::load(x + i), weight = one;
        if (given.weight) weight = V::load(given.weight + i);
        if (given.shown) weight = select(V::load(given.shown + i) == zero, zero, weight);
        const auto is_hidden = weight == zero;
        weight = select(is_hidden, zero, weight);  // -0 too
        label = select(is_hidden, zero, label) + zero;  // and -0 is 0
        select(is_hidden, zero, prediction).store(x + i);
        labels = max_bits(labels, label);
        heaviest = max_bits(heaviest, weight);
        lightest = min(lightest, select(is_hidden, one, weight));
        const V a = given.positive ? V::load(given.positive + i) : V(scales.positive);
        const V b = given.negative ? V::load(given.negative + i) : V(scales.negative);
        const V first = scales.smooth(label) * a * weight, second = scales.smooth(one - label) * b * weight;
        largest = max_bits(largest, max_bits(abs(first), abs(second)));
        thinnest = min(thinnest, select(label == zero, one, select(is_hidden, one, select(a == zero, one, first))));
        first.store(positive + i);
        second.store(negative + i);
    }
    constexpr T most = std::numeric_limits<T>::max();
    found.is_suspect |= largest_bits(labels) > bits_of(T(1)) || largest_bits(heaviest) > bits_of(most);
    const bool is_huge = largest_bits(largest) > bits_of(most / 2);  // so that the sum of both sides is finite
    if (sizeof(T) == 8)
        found.is_suspect |= is_huge;
    else
        found.needs_width |= is_huge || smallest(lightest) < T(lightest_weight) ||
                             largest_bits(heaviest) > bits_of(T(heaviest_weight)) || smallest(thinnest) < thin<T>;
    return std::bit_cast<T>(largest_bits(largest));
}

}  // namespace logloss::ISA
