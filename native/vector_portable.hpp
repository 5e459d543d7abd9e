// Vectors of 128 bits in the compiler's own terms, for NEON and for the floor of x86-64. As vector_avx512.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <emmintrin.h>
#endif

#include "inline.hpp"
#include "table_layout.hpp"

namespace logloss::ISA {

typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));
typedef uint32_t Bits32 __attribute__((vector_size(16)));
typedef uint64_t Bits64 __attribute__((vector_size(16)));

// x86-64's floor has no fused multiply-add, and so other bits.
#if defined(__aarch64__)
constexpr bool has_fused = true;
INLINE Floats multiply_add(Floats a, Floats b, Floats c) {
    return (Floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
    return (Doubles)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
#else
constexpr bool has_fused = false;
INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return a * b + c; }
INLINE Doubles multiply_add(Doubles a, Doubles b, Doubles c) { return a * b + c; }
#endif

template <class T, class FLOATING, class WORD, class BITS, int DIGITS> struct Lanes {
    using scalar = T;
    using mask = BITS;  // all bits of a lane, or none
    static constexpr bool is_fused = has_fused;  // whether fma rounds once
    static constexpr int lanes = 16 / sizeof(T);
    FLOATING v;

    INLINE Lanes() = default;
    INLINE Lanes(FLOATING x) : v(x) {}
    INLINE Lanes(T x) : v(FLOATING{} + x) {}
    static INLINE Lanes load(const T* p) {
        Lanes made;
        std::memcpy(&made.v, p, sizeof made.v);
        return made;
    }
    template <class S> static INLINE Lanes load(const S* p) {
        Lanes made;
        for (int i = 0; i < lanes; ++i) made.v[i] = static_cast<T>(p[i]);
        return made;
    }
    INLINE void store(T* p) const { std::memcpy(p, &v, sizeof v); }
    INLINE BITS bits() const { return (BITS)v; }
    static INLINE Lanes of(BITS x) { return (FLOATING)x; }
    static INLINE BITS sign() { return BITS{} + (WORD{1} << (8 * sizeof(T) - 1)); }

    friend INLINE Lanes operator+(Lanes a, Lanes b) { return a.v + b.v; }
    friend INLINE Lanes operator-(Lanes a, Lanes b) { return a.v - b.v; }
    friend INLINE Lanes operator*(Lanes a, Lanes b) { return a.v * b.v; }
    friend INLINE Lanes operator/(Lanes a, Lanes b) { return a.v / b.v; }
    friend INLINE Lanes fma(Lanes a, Lanes b, Lanes c) { return multiply_add(a.v, b.v, c.v); }
    // a * b, and what its rounding lost.
    friend INLINE Lanes exact_product(Lanes a, Lanes b, Lanes& lost) {
        const Lanes product = a * b;
#if defined(__aarch64__)
        lost = fma(a, b, Lanes(T(0)) - product);
#else  // Dekker (1971)
        const Lanes split(T((WORD{1} << (DIGITS / 2 + 1)) + 1));
        const Lanes wide_a = split * a, wide_b = split * b;
        const Lanes upper_a = wide_a - (wide_a - a), upper_b = wide_b - (wide_b - b);
        const Lanes lower_a = a - upper_a, lower_b = b - upper_b;
        lost = ((upper_a * upper_b - product) + upper_a * lower_b + lower_a * upper_b) + lower_a * lower_b;
#endif
        return product;
    }
    friend INLINE Lanes min(Lanes a, Lanes b) { return select((BITS)(a.v < b.v), a, b); }
    friend INLINE Lanes max(Lanes a, Lanes b) { return select((BITS)(a.v > b.v), a, b); }
    friend INLINE Lanes abs(Lanes a) { return of(a.bits() & ~sign()); }
    friend INLINE mask operator>=(Lanes a, Lanes b) { return (BITS)(a.v >= b.v); }
    friend INLINE mask operator==(Lanes a, Lanes b) { return (BITS)(a.v == b.v); }
    friend INLINE mask is_negative(Lanes a) { return (BITS)((a.bits() & sign()) != BITS{}); }
    static INLINE bool any(mask m) {
        uint64_t half[2];
        std::memcpy(half, &m, sizeof half);
        return (half[0] | half[1]) != 0;
    }
    friend INLINE Lanes select(mask m, Lanes a, Lanes b) { return of((a.bits() & m) | (b.bits() & ~m)); }
    friend INLINE Lanes flip_sign(Lanes a, Lanes b) { return of(a.bits() ^ (b.bits() & sign())); }
    friend INLINE Lanes shift_exponent(Lanes a, Lanes n) { return of(a.bits() + (n.bits() << DIGITS)); }
    friend INLINE Lanes add_bits(Lanes a, Lanes b) { return of(a.bits() + b.bits()); }
    friend INLINE Lanes subtract_bits(Lanes a, Lanes b) { return of(a.bits() - b.bits()); }
    friend INLINE Lanes and_bits(Lanes a, Lanes b) { return of(a.bits() & b.bits()); }
    template <int N> static INLINE Lanes shift_right(Lanes a) { return of(a.bits() >> N); }
    friend INLINE Lanes max_bits(Lanes a, Lanes b) { return select((BITS)(a.bits() > b.bits()), a, b); }
    friend INLINE Lanes upper_half(Lanes a) { return of(a.bits() & (BITS{} - (WORD{1} << 27))); }
    template <const auto& TABLE, int FIRST, int COUNT> static INLINE void look_up(Lanes index, Lanes* out);
};

using F32 = Lanes<float, Floats, uint32_t, Bits32, 23>;
using F64 = Lanes<double, Doubles, uint64_t, Bits64, 52>;

#if defined(__aarch64__)

// Bytes first to first + 63 of a table, which are as many as one instruction looks up.
INLINE uint8x16x4_t bytes_of(const void* first) { return vld1q_u8_x4(static_cast<const uint8_t*>(first)); }

template <> template <const auto& TABLE, int FIRST, int COUNT> INLINE void F32::look_up(F32 index, F32* out) {
    static_assert(sizeof columns_of<TABLE>.column[0] == 64);
    const Bits32 place = (index.bits() & (Bits32{} + 15)) * 0x04040404u + 0x03020100u;
    for (int j = 0; j < COUNT; ++j)
        out[j] = F32((Floats)vqtbl4q_u8(bytes_of(columns_of<TABLE>.column[FIRST + j]), (uint8x16_t)place));
}

template <> template <const auto& TABLE, int FIRST, int COUNT> INLINE void F64::look_up(F64 index, F64* out) {
    static_assert(sizeof columns_of<TABLE>.column[0] == 128);
    const uint8x16_t place = (uint8x16_t)((index.bits() & (Bits64{} + 15)) * 0x0808080808080808u + 0x0706050403020100u);
    for (int j = 0; j < COUNT; ++j) {
        const double* column = columns_of<TABLE>.column[FIRST + j];
        const uint8x16_t lower = vqtbl4q_u8(bytes_of(column), place);  // 0 where the place is beyond
        out[j] = F64((Doubles)vqtbx4q_u8(lower, bytes_of(column + 8), vsubq_u8(place, vdupq_n_u8(64))));
    }
}

#else

template <> template <const auto& TABLE, int FIRST, int COUNT> INLINE void F32::look_up(F32 index, F32* out) {
    const Bits32 piece = index.bits() & (Bits32{} + 15);
    const float* row[4];
    for (int i = 0; i < 4; ++i) row[i] = rows_of<TABLE>.row[piece[i]] + FIRST;
    for (int j = 0; j < COUNT; j += 4) {
        __m128 part[4];
        for (int i = 0; i < 4; ++i) part[i] = _mm_loadu_ps(row[i] + j);
        _MM_TRANSPOSE4_PS(part[0], part[1], part[2], part[3]);
        for (int i = 0; i < 4 && j + i < COUNT; ++i) out[j + i] = F32((Floats)part[i]);
    }
}

template <> template <const auto& TABLE, int FIRST, int COUNT> INLINE void F64::look_up(F64 index, F64* out) {
    const Bits64 piece = index.bits() & (Bits64{} + 15);
    const double *one = rows_of<TABLE>.row[piece[0]] + FIRST, *other = rows_of<TABLE>.row[piece[1]] + FIRST;
    for (int j = 0; j < COUNT; j += 2) {
        const __m128d a = _mm_loadu_pd(one + j), b = _mm_loadu_pd(other + j);
        out[j] = F64((Doubles)_mm_unpacklo_pd(a, b));
        if (j + 1 < COUNT) out[j + 1] = F64((Doubles)_mm_unpackhi_pd(a, b));
    }
}

#endif

}  // namespace logloss::ISA
