#include "exact_sum.hpp"

#include "floating_point.hpp"

#include <cmath>

namespace logloss {

double Accumulator::divided_by(double divisor) const {
    const FloatingPoint as_it_should_be;
    if (special_ != 0) return special_ / divisor;  // NaN differs from 0 too
    uint32_t word[limbs];
    int64_t carry = 0;
    int top = -1;
    for (int i = 0; i < limbs; ++i) {
        carry += limb_[i];
        word[i] = static_cast<uint32_t>(carry & 0xffffffff);
        carry >>= 32;
        if (word[i]) top = i;
    }
    if (top < 0) return 0;

    // The highest 128 bits; `lost` says whether there were more.
    unsigned __int128 high = 0;
    for (int i = top; i > top - 4; --i) high = high << 32 | (i >= 0 ? word[i] : 0);
    int exponent = lowest + 32 * (top - 3);
    const int shift = std::countl_zero(word[top]);
    const uint32_t next = top >= 4 ? word[top - 4] : 0;
    if (shift) {
        high = high << shift | next >> (32 - shift);
        exponent -= shift;
    }
    bool lost = static_cast<uint32_t>(next << shift) != 0;
    for (int i = top - 5; i >= 0; --i) lost |= word[i] != 0;

    // The quotient has at least 128 - 53 bits, so what is lost lies below the place where it is rounded.
    int scale;
    const auto whole = static_cast<uint64_t>(std::ldexp(std::frexp(divisor, &scale), 53));
    unsigned __int128 quotient;
#if defined(__x86_64__)  // which for the type that is this wide would call a library that nothing links on Windows
    uint64_t rest_of_high = static_cast<uint64_t>(high >> 64) % whole, low;
    quotient = static_cast<uint64_t>(high >> 64) / whole;
    asm("divq %4" : "=a"(low), "=d"(rest_of_high) : "0"(static_cast<uint64_t>(high)), "1"(rest_of_high), "r"(whole) : "cc");
    quotient = quotient << 64 | low;
    lost |= rest_of_high != 0;
#else
    quotient = high / whole;
    lost |= high % whole != 0;
#endif
    exponent -= scale - 53;

    const auto upper = static_cast<uint64_t>(quotient >> 64);
    const int length = 128 - std::countl_zero(upper);  // upper is not 0
    int kept = 53;
    if (exponent + length - 53 < -1074) kept = exponent + length + 1074;  // subnormal
    if (kept < 0) return 0;
    const int drop = length - kept;
    const unsigned __int128 half = static_cast<unsigned __int128>(1) << (drop - 1);
    const unsigned __int128 rest = quotient & (2 * half - 1);
    auto mantissa = static_cast<uint64_t>(quotient >> drop);
    if (rest > half || (rest == half && (lost || (mantissa & 1)))) ++mantissa;
    return std::ldexp(static_cast<double>(mantissa), exponent + drop);
}

}  // namespace logloss
