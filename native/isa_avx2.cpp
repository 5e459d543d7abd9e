#define ISA avx2
#include "vector_avx2.hpp"
#include "loops.hpp"
#include "tally_loop.hpp"

namespace logloss {
extern const Kernel avx2_kernel = {"avx2", avx2::run, avx2::total_weight, avx2::tally};
}
