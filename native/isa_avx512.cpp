#define ISA avx512
#include "vector_avx512.hpp"
#include "loops.hpp"
#include "tally_loop.hpp"

namespace logloss {
extern const Kernel avx512_kernel = {"avx512", avx512::run, avx512::total_weight, avx512::tally};
}
