#define ISA neon
#include "vector_portable.hpp"
#include "loops.hpp"

namespace logloss {
extern const Kernel neon_kernel = {"neon", neon::run, neon::total_weight};
}
