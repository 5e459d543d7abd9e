#define ISA baseline
#include "vector_portable.hpp"
#include "loops.hpp"
#include "tally_loop.hpp"

namespace logloss {
extern const Kernel baseline_kernel = {"baseline", baseline::run, baseline::total_weight, baseline::tally};
}
