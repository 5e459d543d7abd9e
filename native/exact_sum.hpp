// A sum without rounding: any order, any partition, any number of threads and any width of vectors give the same bits.
//
// The accumulator is one wide fixed-point number that reaches from below the smallest subnormal double to above the
// largest (superaccumulators: Neal 2015, arXiv:1505.05571). A block of terms is first summed in doubles, in slices so
// thin that no addition rounds; one integer a slice then goes into the accumulator.
#pragma once

#include <bit>
#include <cstdint>

#include "inline.hpp"

namespace logloss {

class Accumulator {
  public:
    static constexpr int lowest = -1152;  // the weight of the lowest bit is 2 to this power
    static constexpr int limbs = 72;      // of 32 bits each, in 64 so that carries can wait

    // Adds an integer times a power of two. Exact for 2^30 additions; then the carries have to be settled.
    INLINE void add(int64_t integer, int exponent) {
        const int at = exponent - lowest;
        const auto wide = static_cast<__int128>(integer) << (at % 32);
        const int limb = at / 32;
        limb_[limb] += static_cast<int64_t>(static_cast<uint64_t>(wide) & 0xffffffffu);
        limb_[limb + 1] += static_cast<int64_t>(static_cast<uint64_t>(wide >> 32) & 0xffffffffu);
        limb_[limb + 2] += static_cast<int64_t>(wide >> 64);
    }
    // Infinities and NaN are kept beside the sum, not in it.
    INLINE void add(double x) {
        const auto bits = std::bit_cast<uint64_t>(x);
        const int field = static_cast<int>(bits >> 52) & 0x7ff;
        if (field == 0x7ff) {
            special_ += x;
            return;
        }
        const auto fraction = static_cast<int64_t>(bits & 0xfffffffffffffu) | (field ? int64_t{1} << 52 : 0);
        add(x < 0 ? -fraction : fraction, (field ? field : 1) - 1075);
    }
    // What a limb has gathered above its 32 bits goes into the next.
    INLINE void settle() {
        for (int i = 0; i + 1 < limbs; ++i) {
            limb_[i + 1] += limb_[i] >> 32;
            limb_[i] &= 0xffffffff;
        }
    }
    void merge(const Accumulator& other) {
        for (int i = 0; i < limbs; ++i) limb_[i] += other.limb_[i];
        special_ += other.special_;
    }
    // The sum, which must not be negative, over a positive number, rounded once.
    double divided_by(double divisor) const;

    // As it is kept: settled, so that equal sums have equal limbs; and infinities and NaN beside it.
    const int64_t* settled() {
        settle();
        return limb_;
    }

  private:
    int64_t limb_[limbs] = {};
    double special_ = 0;
};

}  // namespace logloss
