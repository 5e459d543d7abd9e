// Blocks of terms into an accumulator. Every addition below is exact, so neither lanes nor blocks change a bit.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "exact_sum.hpp"
#include "floating_point.hpp"
#include "inline.hpp"

namespace logloss::ISA {

INLINE uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
INLINE uint64_t bits_of(double x) { return std::bit_cast<uint64_t>(x); }

// The binary exponent of the next power of two above a positive number.
INLINE int exponent_above(double x) { return static_cast<int>(bits_of(x) >> 52) - 1022; }

template <class V> INLINE auto largest_bits(V v) {
    typename V::scalar lane[V::lanes];
    v.store(lane);
    auto most = bits_of(lane[0]);
    for (auto x : lane) most = bits_of(x) > most ? bits_of(x) : most;
    return most;
}

// Terms in slices: those of their bits that are above a cut are rounded off by adding and taking away a large number,
// summed in doubles without rounding, and what is left goes through the next slice.
template <class T> void add_in_slices(const T* terms, int n, double* rest, Accumulator& sum) {
    F64 most = F64(0);
    for (int i = 0; i < n; i += F64::lanes) {
        const F64 x = F64::load(terms + i);
        x.store(rest + i);
        most = max_bits(most, abs(x));
    }
    constexpr int spare = 10;  // additions a lane, at most 2^10
    double left = std::bit_cast<double>(largest_bits(most));
    while (left > 0) {
        const int top = exponent_above(left);
        if (top + spare > 1020) {  // infinite, not a number, or nearly so
            for (int i = 0; i < n; ++i) sum.add(rest[i]);
            return;
        }
        const bool is_tiny = top <= -1022;  // where all exponents look alike
        const int cut = is_tiny ? -1074 : top + spare - 52;
        const F64 large = F64(std::bit_cast<double>(static_cast<uint64_t>(cut + 52 + 1023) << 52) * 1.5);
        F64 total = F64(0);
        most = F64(0);
        for (int i = 0; i < n; i += F64::lanes) {
            const F64 x = F64::load(rest + i);
            const F64 upper = (x + large) - large, lower = x - upper;
            total = total + upper;
            lower.store(rest + i);
            most = max_bits(most, abs(lower));
        }
        double lane[F64::lanes];
        total.store(lane);
        for (double x : lane) sum.add(x);
        left = std::bit_cast<double>(largest_bits(most));
    }
}

// The lanes of two sums that were made since `forget_rounding`; false if they were not exact.
INLINE bool add_if_exact(F64 first, F64 second, Accumulator& sum) {
    double lane[2 * F64::lanes];
    first.store(lane);
    second.store(lane + F64::lanes);
    asm volatile("" ::"r"(lane) : "memory");
    if (has_rounded()) return false;
    for (double x : lane) sum.add(x);
    return true;
}

// Non-negative terms, n of them a multiple of all widths; `rest` is room for as many doubles. Mostly the terms are so
// much alike that doubles hold their sum, and the processor says whether they did.
inline void add_terms(const float* terms, int n, double* rest, Accumulator& sum) {
    forget_rounding();
    F64 first = F64(0), second = F64(0);
    for (int i = 0; i < n; i += 2 * F64::lanes) {
        first = first + F64::load(terms + i);
        second = second + F64::load(terms + i + F64::lanes);
    }
    if (!add_if_exact(first, second, sum)) add_in_slices(terms, n, rest, sum);
}

// Upper and lower half of each term apart, which leaves the sums of both as many bits to grow.
inline void add_terms(const double* terms, int n, double* rest, Accumulator& sum) {
    forget_rounding();
    F64 upper = F64(0), lower = F64(0);
    for (int i = 0; i < n; i += F64::lanes) {
        const F64 x = F64::load(terms + i), high = upper_half(x);
        upper = upper + high;
        lower = lower + (x - high);
    }
    if (!add_if_exact(upper, lower, sum)) add_in_slices(terms, n, rest, sum);
}

}  // namespace logloss::ISA
