// The processor's floating-point environment: how it rounds, and whether it had to.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

#include "inline.hpp"

namespace logloss {

#if defined(__aarch64__)
INLINE uint64_t control() {
    uint64_t word;
    asm volatile("mrs %0, fpcr" : "=r"(word)::"memory");
    return word;
}
INLINE void set_control(uint64_t word) { asm volatile("msr fpcr, %0" ::"r"(word) : "memory"); }
constexpr uint64_t standard_control = 0, notes = 0;
INLINE void forget_rounding() { asm volatile("msr fpsr, %0" ::"r"(uint64_t{0}) : "memory"); }
INLINE bool has_rounded() {
    uint64_t word;
    asm volatile("mrs %0, fpsr" : "=r"(word)::"memory");
    return word & 0x11;
}
#else
INLINE unsigned control() { return _mm_getcsr(); }
INLINE void set_control(unsigned word) { _mm_setcsr(word); }
constexpr unsigned standard_control = 0x1f80, notes = 0x3f;
INLINE void forget_rounding() {
    _mm_setcsr(standard_control);
    asm volatile("" ::: "memory");
}
// Whether an operation since then had to round, or had no answer, as infinity less infinity. What it worked on and made
// must have gone through memory.
INLINE bool has_rounded() {
    asm volatile("" ::: "memory");
    return _mm_getcsr() & 0x21;
}
#endif

// To nearest, subnormal numbers kept, no traps, whatever the caller has set; it is set back in the end. Mostly it is so
// already, and setting it would take as long as a small loss; what has been noted of roundings is nobody's.
class FloatingPoint {
  public:
    INLINE FloatingPoint() : before_(control()), is_other_((before_ & ~notes) != standard_control) {
        if (is_other_) set_control(standard_control);
    }
    INLINE ~FloatingPoint() {
        if (is_other_) set_control(before_);
    }
    FloatingPoint(const FloatingPoint&) = delete;
    FloatingPoint& operator=(const FloatingPoint&) = delete;

  private:
    decltype(control()) before_;
    bool is_other_;
};

}  // namespace logloss
