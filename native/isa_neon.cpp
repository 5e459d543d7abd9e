#define ISA neon
#include "vector_portable.hpp"
#include "loops.hpp"
#include "tally_loop.hpp"

namespace logloss {
extern const Kernel neon_kernel = {"neon", neon::run, neon::total_weight, neon::tally};
}
