// Vectors of AVX-512: sixteen floats or eight doubles, and what the formulas need of them.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inline.hpp"
#include "table_layout.hpp"

namespace logloss::avx512 {

struct F32 {
    using scalar = float;
    using mask = __mmask16;
    static constexpr bool is_fused = true;
    static constexpr int lanes = 16;
    __m512 v;

    INLINE F32() = default;
    INLINE F32(__m512 x) : v(x) {}
    INLINE F32(float x) : v(_mm512_set1_ps(x)) {}
    static INLINE F32 load(const float* p) { return _mm512_loadu_ps(p); }
    INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }

    friend INLINE F32 operator+(F32 a, F32 b) { return _mm512_add_ps(a.v, b.v); }
    friend INLINE F32 operator-(F32 a, F32 b) { return _mm512_sub_ps(a.v, b.v); }
    friend INLINE F32 operator*(F32 a, F32 b) { return _mm512_mul_ps(a.v, b.v); }
    friend INLINE F32 operator/(F32 a, F32 b) { return _mm512_div_ps(a.v, b.v); }
    friend INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
    friend INLINE F32 min(F32 a, F32 b) { return _mm512_min_ps(a.v, b.v); }
    friend INLINE F32 max(F32 a, F32 b) { return _mm512_max_ps(a.v, b.v); }
    friend INLINE F32 abs(F32 a) { return _mm512_abs_ps(a.v); }
    friend INLINE mask operator>=(F32 a, F32 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ); }
    friend INLINE mask operator==(F32 a, F32 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }
    static INLINE bool any(mask m) { return m != 0; }
    friend INLINE F32 select(mask m, F32 a, F32 b) { return _mm512_mask_mov_ps(b.v, m, a.v); }
    friend INLINE mask is_negative(F32 a) { return _mm512_movepi32_mask(_mm512_castps_si512(a.v)); }
    // a, with its sign changed where that of b is set.
    friend INLINE F32 flip_sign(F32 a, F32 b) {
        return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v),
                                                             _mm512_set1_epi32(INT32_MIN), 0x78));
    }
    // a times two to the power of the integer in the low bits of n.
    friend INLINE F32 shift_exponent(F32 a, F32 n) {
        return _mm512_castsi512_ps(
            _mm512_add_epi32(_mm512_castps_si512(a.v), _mm512_slli_epi32(_mm512_castps_si512(n.v), 23)));
    }
    // The bits as unsigned integers.
    friend INLINE F32 add_bits(F32 a, F32 b) {
        return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)));
    }
    friend INLINE F32 subtract_bits(F32 a, F32 b) {
        return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)));
    }
    friend INLINE F32 and_bits(F32 a, F32 b) { return _mm512_and_ps(a.v, b.v); }
    template <int N> static INLINE F32 shift_right(F32 a) {
        return _mm512_castsi512_ps(_mm512_srli_epi32(_mm512_castps_si512(a.v), N));
    }
    // The larger of two.
    friend INLINE F32 max_bits(F32 a, F32 b) {
        return _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)));
    }
    // Columns FIRST to FIRST + COUNT of the rows of a table, chosen by the low bits of `index`.
    template <const auto& TABLE, int FIRST, int COUNT> static INLINE void look_up(F32 index, F32* out);
};

struct F64 {
    using scalar = double;
    using mask = __mmask8;
    static constexpr bool is_fused = true;
    static constexpr int lanes = 8;
    __m512d v;

    INLINE F64() = default;
    INLINE F64(__m512d x) : v(x) {}
    INLINE F64(double x) : v(_mm512_set1_pd(x)) {}
    static INLINE F64 load(const double* p) { return _mm512_loadu_pd(p); }
    INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
    static INLINE F64 load(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }

    friend INLINE F64 operator+(F64 a, F64 b) { return _mm512_add_pd(a.v, b.v); }
    friend INLINE F64 operator-(F64 a, F64 b) { return _mm512_sub_pd(a.v, b.v); }
    friend INLINE F64 operator*(F64 a, F64 b) { return _mm512_mul_pd(a.v, b.v); }
    friend INLINE F64 operator/(F64 a, F64 b) { return _mm512_div_pd(a.v, b.v); }
    friend INLINE F64 fma(F64 a, F64 b, F64 c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
    // a * b, and what its rounding lost.
    friend INLINE F64 exact_product(F64 a, F64 b, F64& lost) {
        const F64 product = a * b;
        lost = _mm512_fmsub_pd(a.v, b.v, product.v);
        return product;
    }
    friend INLINE F64 min(F64 a, F64 b) { return _mm512_min_pd(a.v, b.v); }
    friend INLINE F64 max(F64 a, F64 b) { return _mm512_max_pd(a.v, b.v); }
    friend INLINE F64 abs(F64 a) { return _mm512_abs_pd(a.v); }
    friend INLINE mask operator>=(F64 a, F64 b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ); }
    friend INLINE mask operator==(F64 a, F64 b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ); }
    static INLINE bool any(mask m) { return m != 0; }
    friend INLINE F64 select(mask m, F64 a, F64 b) { return _mm512_mask_mov_pd(b.v, m, a.v); }
    friend INLINE mask is_negative(F64 a) { return _mm512_movepi64_mask(_mm512_castpd_si512(a.v)); }
    friend INLINE F64 flip_sign(F64 a, F64 b) {
        return _mm512_castsi512_pd(_mm512_ternarylogic_epi64(_mm512_castpd_si512(a.v), _mm512_castpd_si512(b.v),
                                                             _mm512_set1_epi64(INT64_MIN), 0x78));
    }
    friend INLINE F64 shift_exponent(F64 a, F64 n) {
        return _mm512_castsi512_pd(
            _mm512_add_epi64(_mm512_castpd_si512(a.v), _mm512_slli_epi64(_mm512_castpd_si512(n.v), 52)));
    }
    friend INLINE F64 add_bits(F64 a, F64 b) {
        return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a.v), _mm512_castpd_si512(b.v)));
    }
    friend INLINE F64 subtract_bits(F64 a, F64 b) {
        return _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(a.v), _mm512_castpd_si512(b.v)));
    }
    friend INLINE F64 and_bits(F64 a, F64 b) { return _mm512_and_pd(a.v, b.v); }
    template <int N> static INLINE F64 shift_right(F64 a) {
        return _mm512_castsi512_pd(_mm512_srli_epi64(_mm512_castpd_si512(a.v), N));
    }
    friend INLINE F64 max_bits(F64 a, F64 b) {
        return _mm512_castsi512_pd(_mm512_max_epu64(_mm512_castpd_si512(a.v), _mm512_castpd_si512(b.v)));
    }
    // The upper half of the digits.
    friend INLINE F64 upper_half(F64 a) {
        return _mm512_castsi512_pd(_mm512_and_epi64(_mm512_castpd_si512(a.v), _mm512_set1_epi64(-1 << 27)));
    }
    template <const auto& TABLE, int FIRST, int COUNT> static INLINE void look_up(F64 index, F64* out);
};

template <const auto& TABLE, int FIRST, int COUNT> INLINE void F32::look_up(F32 index, F32* out) {
    static_assert(sizeof columns_of<TABLE>.column[0] == 16 * sizeof(float));
    for (int j = 0; j < COUNT; ++j)
        out[j] = _mm512_permutexvar_ps(_mm512_castps_si512(index.v), _mm512_load_ps(columns_of<TABLE>.column[FIRST + j]));
}

template <const auto& TABLE, int FIRST, int COUNT> INLINE void F64::look_up(F64 index, F64* out) {
    static_assert(sizeof columns_of<TABLE>.column[0] == 16 * sizeof(double));
    for (int j = 0; j < COUNT; ++j) {
        const double* column = columns_of<TABLE>.column[FIRST + j];
        out[j] = _mm512_permutex2var_pd(_mm512_load_pd(column), _mm512_castpd_si512(index.v), _mm512_load_pd(column + 8));
    }
}

}  // namespace logloss::avx512
