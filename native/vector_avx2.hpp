// Vectors of AVX2 with fused multiply-add: eight floats or four doubles. As vector_avx512.hpp.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "inline.hpp"
#include "table_layout.hpp"

namespace logloss::avx2 {

struct F32 {
    using scalar = float;
    using mask = __m256;
    static constexpr bool is_fused = true;
    static constexpr int lanes = 8;
    __m256 v;

    INLINE F32() = default;
    INLINE F32(__m256 x) : v(x) {}
    INLINE F32(__m256i x) : v(_mm256_castsi256_ps(x)) {}
    INLINE F32(float x) : v(_mm256_set1_ps(x)) {}
    static INLINE F32 load(const float* p) { return _mm256_loadu_ps(p); }
    INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
    INLINE __m256i bits() const { return _mm256_castps_si256(v); }

    friend INLINE F32 operator+(F32 a, F32 b) { return _mm256_add_ps(a.v, b.v); }
    friend INLINE F32 operator-(F32 a, F32 b) { return _mm256_sub_ps(a.v, b.v); }
    friend INLINE F32 operator*(F32 a, F32 b) { return _mm256_mul_ps(a.v, b.v); }
    friend INLINE F32 operator/(F32 a, F32 b) { return _mm256_div_ps(a.v, b.v); }
    friend INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
    friend INLINE F32 min(F32 a, F32 b) { return _mm256_min_ps(a.v, b.v); }
    friend INLINE F32 max(F32 a, F32 b) { return _mm256_max_ps(a.v, b.v); }
    friend INLINE F32 abs(F32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v); }
    friend INLINE mask operator>=(F32 a, F32 b) { return _mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ); }
    friend INLINE mask operator==(F32 a, F32 b) { return _mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ); }
    friend INLINE mask is_negative(F32 a) { return a.v; }
    static INLINE bool any(mask m) { return _mm256_movemask_ps(m) != 0; }
    friend INLINE F32 select(mask m, F32 a, F32 b) { return _mm256_blendv_ps(b.v, a.v, m); }
    friend INLINE F32 flip_sign(F32 a, F32 b) {
        return _mm256_xor_ps(a.v, _mm256_and_ps(b.v, _mm256_set1_ps(-0.0f)));
    }
    friend INLINE F32 shift_exponent(F32 a, F32 n) {
        return _mm256_add_epi32(a.bits(), _mm256_slli_epi32(n.bits(), 23));
    }
    friend INLINE F32 add_bits(F32 a, F32 b) { return _mm256_add_epi32(a.bits(), b.bits()); }
    friend INLINE F32 subtract_bits(F32 a, F32 b) { return _mm256_sub_epi32(a.bits(), b.bits()); }
    friend INLINE F32 and_bits(F32 a, F32 b) { return _mm256_and_ps(a.v, b.v); }
    template <int N> static INLINE F32 shift_right(F32 a) { return _mm256_srli_epi32(a.bits(), N); }
    friend INLINE F32 max_bits(F32 a, F32 b) { return _mm256_max_epu32(a.bits(), b.bits()); }
    template <const auto& TABLE, int FIRST, int COUNT> static INLINE void look_up(F32 index, F32* out);
};

struct F64 {
    using scalar = double;
    using mask = __m256d;
    static constexpr bool is_fused = true;
    static constexpr int lanes = 4;
    __m256d v;

    INLINE F64() = default;
    INLINE F64(__m256d x) : v(x) {}
    INLINE F64(__m256i x) : v(_mm256_castsi256_pd(x)) {}
    INLINE F64(double x) : v(_mm256_set1_pd(x)) {}
    static INLINE F64 load(const double* p) { return _mm256_loadu_pd(p); }
    static INLINE F64 load(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
    INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
    INLINE __m256i bits() const { return _mm256_castpd_si256(v); }

    friend INLINE F64 operator+(F64 a, F64 b) { return _mm256_add_pd(a.v, b.v); }
    friend INLINE F64 operator-(F64 a, F64 b) { return _mm256_sub_pd(a.v, b.v); }
    friend INLINE F64 operator*(F64 a, F64 b) { return _mm256_mul_pd(a.v, b.v); }
    friend INLINE F64 operator/(F64 a, F64 b) { return _mm256_div_pd(a.v, b.v); }
    friend INLINE F64 fma(F64 a, F64 b, F64 c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
    // a * b, and what its rounding lost.
    friend INLINE F64 exact_product(F64 a, F64 b, F64& lost) {
        const F64 product = a * b;
        lost = _mm256_fmsub_pd(a.v, b.v, product.v);
        return product;
    }
    friend INLINE F64 min(F64 a, F64 b) { return _mm256_min_pd(a.v, b.v); }
    friend INLINE F64 max(F64 a, F64 b) { return _mm256_max_pd(a.v, b.v); }
    friend INLINE F64 abs(F64 a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v); }
    friend INLINE mask operator>=(F64 a, F64 b) { return _mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ); }
    friend INLINE mask operator==(F64 a, F64 b) { return _mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ); }
    friend INLINE mask is_negative(F64 a) { return a.v; }
    static INLINE bool any(mask m) { return _mm256_movemask_pd(m) != 0; }
    friend INLINE F64 select(mask m, F64 a, F64 b) { return _mm256_blendv_pd(b.v, a.v, m); }
    friend INLINE F64 flip_sign(F64 a, F64 b) {
        return _mm256_xor_pd(a.v, _mm256_and_pd(b.v, _mm256_set1_pd(-0.0)));
    }
    friend INLINE F64 shift_exponent(F64 a, F64 n) {
        return _mm256_add_epi64(a.bits(), _mm256_slli_epi64(n.bits(), 52));
    }
    friend INLINE F64 add_bits(F64 a, F64 b) { return _mm256_add_epi64(a.bits(), b.bits()); }
    friend INLINE F64 subtract_bits(F64 a, F64 b) { return _mm256_sub_epi64(a.bits(), b.bits()); }
    friend INLINE F64 and_bits(F64 a, F64 b) { return _mm256_and_pd(a.v, b.v); }
    template <int N> static INLINE F64 shift_right(F64 a) { return _mm256_srli_epi64(a.bits(), N); }
    friend INLINE F64 max_bits(F64 a, F64 b) {
        const __m256i sign = _mm256_set1_epi64x(INT64_MIN);  // there is only a comparison of signed integers
        const __m256i more = _mm256_cmpgt_epi64(_mm256_xor_si256(a.bits(), sign), _mm256_xor_si256(b.bits(), sign));
        return _mm256_blendv_epi8(b.bits(), a.bits(), more);
    }
    friend INLINE F64 upper_half(F64 a) { return _mm256_and_si256(a.bits(), _mm256_set1_epi64x(-1 << 27)); }
    template <const auto& TABLE, int FIRST, int COUNT> static INLINE void look_up(F64 index, F64* out);
};

template <const auto& TABLE, int FIRST, int COUNT> INLINE void F32::look_up(F32 index, F32* out) {
    static_assert(sizeof columns_of<TABLE>.column[0] == 16 * sizeof(float));
    const __m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(index.bits(), 28));
    for (int j = 0; j < COUNT; ++j) {
        const float* column = columns_of<TABLE>.column[FIRST + j];
        out[j] = _mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_load_ps(column), index.bits()),
                                  _mm256_permutevar8x32_ps(_mm256_load_ps(column + 8), index.bits()), upper);
    }
}

template <const auto& TABLE, int FIRST, int COUNT> INLINE void F64::look_up(F64 index, F64* out) {
    constexpr int pieces = sizeof TABLE / sizeof TABLE[0];
    alignas(32) int64_t piece[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(piece), _mm256_and_si256(index.bits(), _mm256_set1_epi64x(pieces - 1)));
    for (int first = 0; first < COUNT; first += 2) {
        __m256d half[2];
        for (int i = 0; i < 2; ++i)
            half[i] = _mm256_insertf128_pd(
                _mm256_castpd128_pd256(_mm_loadu_pd(&rows_of<TABLE>.row[piece[i]][FIRST + first])),
                _mm_loadu_pd(&rows_of<TABLE>.row[piece[i + 2]][FIRST + first]), 1);
        out[first] = _mm256_unpacklo_pd(half[0], half[1]);
        if (first + 1 < COUNT) out[first + 1] = _mm256_unpackhi_pd(half[0], half[1]);
    }
}

}  // namespace logloss::avx2
